//! The options of `rping ping`, as clap parses them.

use std::ffi::OsString;
use std::time::Duration;

use super::figures::FigureArguments;
use super::groups::{Group, OptionGroup};
use super::headings::{MANY, TIMING};
use super::long_run::LongRunArguments;
use super::values::{self, Rate, Stamps};
use super::verdict::VerdictArguments;
use other::OtherArguments;
use packet::PacketArguments;
use print::PrintArguments;
use route::RouteArguments;

mod other;
mod packet;
mod print;
mod route;

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
    /// after which a probe is lost. Without both options that is twice the longest round-trip time, and at
    /// least 1. With many hosts, the wait after the last probe is as long as that, and a host that has
    /// not answered is waited for until four seconds after its first probe. In a sweep it is the wait for a
    /// reply to the first probe.
    #[arg(short = 'W', long, value_name = "SECONDS", allow_hyphen_values = true, value_parser = values::LINGER, help_heading = TIMING)]
    pub linger: Option<Duration>,

    /// The options about how fast probes are sent, and when ping stops.
    #[command(flatten)]
    pub pace: Group<PaceArguments>,

    /// The options for many hosts.
    #[command(flatten)]
    pub many: Group<ManyArguments>,

    /// The options about what is printed.
    #[command(flatten)]
    pub print: Group<PrintArguments>,

    /// The options for long runs.
    #[command(flatten)]
    pub long_run: Group<LongRunArguments>,

    /// The options for more figures in the summary.
    #[command(flatten)]
    pub figures: Group<FigureArguments>,

    /// The options that decide the exit status.
    #[command(flatten)]
    pub verdict: Group<VerdictArguments>,

    /// The options about the way of the probes.
    #[command(flatten)]
    pub route: Group<RouteArguments>,

    /// The options about the packets.
    #[command(flatten)]
    pub packet: Group<PacketArguments>,

    /// The options about other things.
    #[command(flatten)]
    pub other: Group<OtherArguments>,
}

/// The options about how fast probes are sent, and when ping stops.
#[derive(Default, clap::Args)]
pub struct PaceArguments {
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
}

impl OptionGroup for PaceArguments {
    const LETTERS: &'static str = "oAfl";
}

/// The options about many hosts.
#[derive(Default, clap::Args)]
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

impl OptionGroup for ManyArguments {
    const LETTERS: &'static str = "";
}

impl PingArguments {
    /// Whether the hosts before the last are those of `-T tsprespec`.
    pub fn stamps_prespecified(&self) -> bool {
        self.packet.ip_timestamp == Some(Stamps::Prespecified)
    }
}
