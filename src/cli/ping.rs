//! The options of `rping ping`, as clap parses them.

use std::ffi::OsString;
use std::time::Duration;

use super::figures::FigureArguments;
use super::format::FormatArguments;
use super::headings::{MANY, OTHER, OUTPUT, PACKET, ROUTE, TIMING};
use super::long_run::LongRunArguments;
use super::named_values;
use super::names::NameArguments;
use super::terminal::TerminalArguments;
use super::values::{self, Pattern, Rate, Stamps, Via};
use super::verdict::VerdictArguments;
use crate::probe::Method;
use crate::report::style::TimeFormat;
use crate::transport::{Pmtu, Stamping};

/// The options of `rping ping`, each valid by itself. Their short names are those of iputils ping.
#[derive(clap::Parser)]
#[command(
    name = "ping",
    version = concat!("from rping ", env!("CARGO_PKG_VERSION"), " (iputils compatible)"),
    about = "Send ICMP echo requests to hosts, and print the time of each reply",
    long_about = None,
    after_help = super::text::PING_EXIT,
    args_override_self = true,
    disable_help_flag = true,
    disable_version_flag = true,
)]
pub struct PingArguments {
    /// The host, and before it those of `-T tsprespec`; or many hosts, prefixes and ranges. The usage line and
    /// the first sentence explain it.
    #[arg(hide = true)]
    pub hosts: Vec<OsString>,

    /// Stop after N probes.
    ///
    /// Without -c and -w, ping goes on until you press Ctrl-C. With -w as well, ping goes on until N
    /// replies came or the time is over.
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, value_parser = values::COUNT, help_heading = TIMING)]
    pub count: Option<u64>,

    /// Seconds from one probe to the next [default: 1].
    ///
    /// A fraction such as 0.2 is fine, to the microsecond, and so is a time with its unit: 200ms, 5s, 1m30s.
    /// Ordinary users may not go below 0.002. With many hosts and without -c, probes are sent until
    /// Ctrl-C or the end of -w.
    #[arg(short, long, value_name = "SECONDS", allow_hyphen_values = true, value_parser = values::INTERVAL, help_heading = TIMING)]
    pub interval: Option<Duration>,

    /// Stop after this time, whatever came back.
    ///
    /// The lookup of names counts. With one host, an ICMP error about a probe ends the run as well, unless
    /// --keep-going is given. A fraction is fine. 0 means no limit.
    #[arg(short = 'w', long, value_name = "SECONDS", allow_hyphen_values = true, value_parser = values::DEADLINE, help_heading = TIMING)]
    pub deadline: Option<Duration>,

    /// Seconds to wait for replies after the last probe [default: 10].
    ///
    /// It counts only while no reply at all has come: once one has, ping waits twice the longest time
    /// that a reply took. A fraction is fine. 0 means for ever. Without --timeout it is also the time
    /// after which a probe is lost, which is twice the longest round-trip time and at least 1 without
    /// both options. With many hosts, the wait after the last probe is as long as that, and a host that has
    /// not answered is waited for until four seconds after its first probe. In a sweep it is the wait for a
    /// reply to the first probe.
    #[arg(short = 'W', long, value_name = "SECONDS", allow_hyphen_values = true, value_parser = values::LINGER, help_heading = TIMING)]
    pub linger: Option<Duration>,

    /// Seconds after which a probe without a reply is lost.
    ///
    /// At that moment a line is printed: no answer for icmp_seq=N. A reply that comes later is marked
    /// (LATE), and the probe is not lost any more. After the last probe ping waits as long. -W is for the
    /// end of a run only: it prints nothing, and counts only while no reply at all has come; the longer of
    /// both is waited then.
    #[arg(long, value_name = "SECONDS", allow_hyphen_values = true, value_parser = values::TIMEOUT, help_heading = TIMING)]
    pub timeout: Option<Duration>,

    /// Stop at the first reply.
    ///
    /// As ping of BSD does. Without -c and -w, ping goes on until a reply comes.
    #[arg(short = 'o', long, help_heading = TIMING)]
    pub first_reply: bool,

    /// With -w: go on after ICMP errors.
    ///
    /// Without it the first ICMP error about a probe ends a run with -w, as with ping of iputils. With -c
    /// as well, only replies count.
    #[arg(long, help_heading = TIMING)]
    pub keep_going: bool,

    /// Send the next probe as soon as the last is answered.
    ///
    /// The interval follows the time that replies take, so that about one probe is under way at any
    /// moment. Ordinary users may not go below 2 ms.
    #[arg(short = 'A', long, help_heading = TIMING)]
    pub adaptive: bool,

    /// Send as fast as replies come, or 100 a second.
    ///
    /// Prints a dot for each probe and takes it back for each reply, so that the dots that stay are the
    /// losses. Only root may do this without an interval (-i). No names are looked up, as with -n. The kernel takes the
    /// times of some replies, which stand for all; --clock kernel: of all of them.
    #[arg(short, long, help_heading = TIMING)]
    pub flood: bool,

    /// Send N probes at once at the start [default: 1].
    ///
    /// Up to 65536; ordinary users at most 3.
    #[arg(short = 'l', long, value_name = "N", allow_hyphen_values = true, value_parser = values::PRELOAD, help_heading = TIMING)]
    pub preload: Option<u64>,

    /// The options for many hosts.
    #[command(flatten)]
    pub many: ManyArguments,

    /// Print only the first line and the summary.
    #[arg(short, long, help_heading = OUTPUT)]
    pub quiet: bool,

    /// Also print other ICMP messages that arrive, and details.
    #[arg(short, long, help_heading = OUTPUT)]
    pub verbose: bool,

    /// Print a line when a probe has no reply as the next one leaves.
    ///
    /// With many hosts, the line is printed when the time of the probe is up (-W).
    #[arg(short = 'O', long, help_heading = OUTPUT)]
    pub outstanding: bool,

    /// Begin each line with the time, in seconds since 1970.
    ///
    /// Another form follows an equals sign, as in -D=iso.
    #[arg(
        short = 'D', long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "epoch",
        value_parser = named_values::TIME_FORMAT, help_heading = OUTPUT,
    )]
    pub timestamps: Option<TimeFormat>,

    /// Print addresses only, never look up names for them.
    #[arg(short, long, help_heading = OUTPUT)]
    pub numeric: bool,

    /// Look up the names of addresses that answer.
    #[arg(short = 'H', long, help_heading = OUTPUT)]
    pub resolve: bool,

    /// Print times to the microsecond, not rounded to 3 digits.
    #[arg(short = '3', long, help_heading = OUTPUT)]
    pub rtt_precision: bool,

    /// Print JSON, a line for each thing that happens.
    ///
    /// With -q only the first line and the summary (of many hosts, a line for each as well). The format has a version, and docs/json.md describes
    /// it. -a, -D, -O, -3, --stats and --histogram add nothing to it.
    #[arg(short, long, help_heading = OUTPUT)]
    pub json: bool,

    /// The options about the format.
    #[command(flatten)]
    pub format: FormatArguments,

    /// The options about the terminal.
    #[command(flatten)]
    pub terminal: TerminalArguments,

    /// Ring the terminal's bell for each reply.
    #[arg(short, long, help_heading = OUTPUT)]
    pub audible: bool,

    /// The options for long runs.
    #[command(flatten)]
    pub long_run: LongRunArguments,

    /// The options for more figures in the summary.
    #[command(flatten)]
    pub figures: FigureArguments,

    /// The options that decide the exit status.
    #[command(flatten)]
    pub verdict: VerdictArguments,

    /// Use IPv4 only.
    #[arg(short = '4', long, help_heading = ROUTE)]
    pub ipv4: bool,

    /// Use IPv6 only.
    #[arg(short = '6', long, help_heading = ROUTE)]
    pub ipv6: bool,

    /// Send from this address, or through this interface.
    ///
    /// May be given twice, once for an address and once for an interface. An IPv6 address may name its
    /// interface itself: fe80::1%eth0.
    #[arg(
        short = 'I', long, value_name = "IFACE|ADDR", allow_hyphen_values = true, value_parser = values::VIA,
        action = clap::ArgAction::Append, help_heading = ROUTE,
    )]
    pub interface: Vec<Via>,

    /// Keep the source address that the first probe had.
    #[arg(short = 'B', long, help_heading = ROUTE)]
    pub sticky_source: bool,

    /// Allow a broadcast address as the host (IPv4).
    #[arg(short, long, help_heading = ROUTE)]
    pub broadcast: bool,

    /// Do not receive our own multicast packets.
    #[arg(short = 'L', long, help_heading = ROUTE)]
    pub no_loopback: bool,

    /// Skip the routing table: reach only hosts on attached networks.
    #[arg(short = 'r', long, help_heading = ROUTE)]
    pub bypass_route: bool,

    /// Connect the socket to the host before sending.
    #[arg(short = 'C', long, help_heading = ROUTE)]
    pub connect: bool,

    /// Put this firewall mark on outgoing packets.
    ///
    /// Routing rules and firewalls of this host can match it. It needs a privilege
    /// (CAP_NET_ADMIN or CAP_NET_RAW). Decimal, or hexadecimal after 0x.
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, value_parser = values::MARK, help_heading = ROUTE)]
    pub mark: Option<u32>,

    /// Bytes of data in each probe [default: 56].
    ///
    /// At most 65507 for IPv4 (65467 with -R or -T) and 65527 for IPv6.
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, value_parser = values::SIZE, help_heading = PACKET)]
    pub size: Option<usize>,

    /// Fill the data with these bytes, such as ff or 00ff.
    ///
    /// 1 to 32 hexadecimal digits, repeated. It helps to find faults that depend on the data.
    #[arg(short, long, value_name = "HEX", allow_hyphen_values = true, value_parser = values::PATTERN, help_heading = PACKET)]
    pub pattern: Option<Pattern>,

    /// How many routers a probe may pass (time to live).
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, value_parser = values::TTL, help_heading = PACKET)]
    pub ttl: Option<u8>,

    /// Type of service (IPv4) or traffic class (IPv6).
    ///
    /// 0 to 255, decimal, or hexadecimal after 0x.
    #[arg(short = 'Q', long, value_name = "N", allow_hyphen_values = true, value_parser = values::TOS, help_heading = PACKET)]
    pub tos: Option<u8>,

    /// IPv6 flow label; 0 lets the system choose.
    ///
    /// 0 to 1048575, decimal, or hexadecimal after 0x.
    #[arg(short = 'F', long, value_name = "N", allow_hyphen_values = true, value_parser = values::FLOW_LABEL, help_heading = PACKET)]
    pub flow_label: Option<u32>,

    /// How to treat packets too big for the path.
    #[arg(short = 'M', long, value_name = "HOW", allow_hyphen_values = true, value_parser = named_values::PMTU, help_heading = PACKET)]
    pub pmtudisc: Option<Pmtu>,

    /// ICMP identifier of the probes.
    ///
    /// 0 to 65535, decimal, or hexadecimal after 0x. By default it is random, or
    /// the system's choice. 0 needs the privilege to open raw sockets.
    #[arg(short = 'e', long, value_name = "N", allow_hyphen_values = true, value_parser = values::IDENT, help_heading = PACKET)]
    pub ident: Option<u16>,

    /// Record the route, 9 routers at most (IPv4).
    ///
    /// Many routers and hosts ignore or drop such packets.
    #[arg(short = 'R', long, help_heading = PACKET)]
    pub record_route: bool,

    /// Have routers record the time (IPv4).
    ///
    /// Many routers and hosts ignore or drop such packets.
    #[arg(short = 'T', long, value_name = "HOW", allow_hyphen_values = true, value_parser = named_values::STAMPS, help_heading = PACKET)]
    pub ip_timestamp: Option<Stamps>,

    /// What to request [default: echo].
    ///
    /// All but echo are for IPv4 only, seldom answered, and need permission for raw sockets.
    #[arg(long, value_name = "WHAT", allow_hyphen_values = true, value_parser = named_values::QUERY, help_heading = PACKET)]
    pub query: Option<Method>,

    /// Size of the socket's send buffer, in bytes.
    #[arg(short = 'S', long, value_name = "N", allow_hyphen_values = true, value_parser = values::SEND_BUFFER, help_heading = OTHER)]
    pub sndbuf: Option<usize>,

    /// The options about names.
    #[command(flatten)]
    pub names: NameArguments,

    /// Take the times in rping itself, not in the system's kernel.
    ///
    /// They then include what this host needs to wake rping up.
    #[arg(short = 'U', long, help_heading = OTHER)]
    pub user_latency: bool,

    /// Clock that takes the times [default: auto].
    #[arg(long, value_name = "WHO", allow_hyphen_values = true, value_parser = named_values::CLOCK, help_heading = OTHER)]
    pub clock: Option<Stamping>,

    /// Turn on the kernel's socket debugging (SO_DEBUG).
    #[arg(short, long, help_heading = OTHER)]
    pub debug: bool,

    /// Node information queries, which are refused.
    #[arg(short = 'N', hide = true, value_name = "QUERY", allow_hyphen_values = true, value_parser = values::NODE_INFORMATION)]
    pub node_information: Option<()>,

    /// Print help: -h in short, --help at length.
    #[arg(short, long, action = clap::ArgAction::Help, help_heading = OTHER)]
    pub help: Option<bool>,

    /// Print the version.
    #[arg(short = 'V', long, action = clap::ArgAction::Version, help_heading = OTHER)]
    pub version: Option<bool>,
}

/// The options about many hosts.
#[derive(Debug, clap::Args)]
pub struct ManyArguments {
    /// Take hosts from a file, one a line; - is standard input.
    ///
    /// The first word of a line is the host, and the rest is its label in the table. A # begins a comment.
    /// A line that names no host is printed on standard error, and counts as unknown.
    #[arg(long, value_name = "FILE", allow_hyphen_values = true, action = clap::ArgAction::Append, help_heading = MANY)]
    pub targets: Vec<String>,

    /// Probe every address of a name, not only the first.
    #[arg(long, help_heading = MANY)]
    pub all_addresses: bool,

    /// Probes a second, to all hosts together [default: 1000].
    ///
    /// max sends as fast as this machine can. Ordinary users may have up to 10000, and max only if all
    /// hosts are this machine (loopback).
    #[arg(long, value_name = "N|max", allow_hyphen_values = true, value_parser = values::RATE, help_heading = MANY)]
    pub rate: Option<Rate>,

    /// Send each host up to four probes, until it answers, and end; without it, probes are sent until Ctrl-C.
    ///
    /// The first probe is waited for half a second (or the time of -W), each further one half as long
    /// again. --retry, --alive, --unreachable and --min-reachable request a sweep too, where -c, -i, --every and
    /// --until do not request otherwise.
    #[arg(long, help_heading = MANY)]
    pub sweep: bool,

    /// In a sweep: N more probes to a silent host [default: 3].
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = values::RETRY, help_heading = MANY)]
    pub retry: Option<u32>,

    /// Stop, with success, once N hosts have answered.
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = values::MIN_REACHABLE, help_heading = MANY)]
    pub min_reachable: Option<u32>,

    /// Print only the names of hosts that answer, one a line.
    #[arg(long, help_heading = MANY)]
    pub alive: bool,

    /// Print only the names of hosts that do not answer, one a line.
    #[arg(long, help_heading = MANY)]
    pub unreachable: bool,

    /// Allow more than 1048576 hosts.
    #[arg(long, help_heading = MANY)]
    pub yes: bool,
}

impl PingArguments {
    /// Whether the hosts before the last are those of `-T tsprespec`.
    pub fn stamps_prespecified(&self) -> bool {
        self.ip_timestamp == Some(Stamps::Prespecified)
    }
}
