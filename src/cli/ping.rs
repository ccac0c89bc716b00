//! The options of `rping ping`, as they are typed. Values stay text here; `request` checks them.

use std::ffi::OsString;

use clap::{ArgAction, Args, Parser};

/// Send ICMP echo requests to a host, and say what comes back.
///
/// Prints a line for each reply and a summary at the end (or on ^C). The options, the text and the exit
/// status are those of the ping that Linux distributions ship.
///
/// Exit status: 0 when at least one reply came (with -c and -w: as many as -c says), 1 when not, 2 when
/// the run could not begin.
#[derive(Debug, Parser)]
#[command(
    args_override_self = true,
    disable_version_flag = true,
    disable_help_subcommand = true,
    override_usage = "rping ping [OPTIONS] HOST",
    max_term_width = 100
)]
pub struct Ping {
    /// Host to ask: a name or an address (fe80::1%eth0 with its interface)
    #[arg(value_name = "HOST")]
    pub hosts: Vec<OsString>,
    /// What is sent.
    #[command(flatten)]
    pub probes: Probes,
    /// When.
    #[command(flatten)]
    pub pace: Pace,
    /// Which way.
    #[command(flatten)]
    pub path: Path,
    /// What is printed.
    #[command(flatten)]
    pub text: Text,
}

/// What is sent.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is sent")]
pub struct Probes {
    /// IPv4 only
    #[arg(short = '4', long = "ipv4")]
    pub ipv4: bool,
    /// IPv6 only
    #[arg(short = '6', long = "ipv6")]
    pub ipv6: bool,
    /// Data bytes in each request [default: 56]
    ///
    /// From 0 to 65507 over IPv4 (65467 with -R or -T) and to 65527 over IPv6. Eight more are the ICMP
    /// header. With 8 or more, the first 8 hold a token by which rping knows its own replies.
    #[arg(short = 's', long = "size", value_name = "BYTES", allow_hyphen_values = true)]
    pub size: Option<String>,
    /// Fill the data with these bytes, 1 to 32 hex digits
    #[arg(short = 'p', long = "pattern", value_name = "HEX", allow_hyphen_values = true)]
    pub pattern: Option<String>,
    /// What to ask: echo, timestamp or mask [default: echo]
    ///
    /// timestamp and mask are ICMPv4 requests of old (RFC 792, RFC 950) that need a raw socket. A
    /// timestamp reply tells how far the other clock is ahead of ours.
    #[arg(long = "query", value_name = "WHAT", allow_hyphen_values = true)]
    pub query: Option<String>,
    /// ICMP identifier, 0 to 65535 [default: random]
    #[arg(short = 'e', long = "ident", value_name = "N", allow_hyphen_values = true)]
    pub ident: Option<String>,
    /// Time to live, 0 to 255
    #[arg(short = 't', long = "ttl", value_name = "N", allow_hyphen_values = true)]
    pub ttl: Option<String>,
    /// Type of service or traffic class, 0 to 255, also 0x hex
    #[arg(short = 'Q', long = "tos", value_name = "N", allow_hyphen_values = true)]
    pub tos: Option<String>,
    /// IPv6 flow label, 0 to 0xfffff; 0: the kernel chooses
    #[arg(short = 'F', long = "flow-label", value_name = "N", allow_hyphen_values = true)]
    pub flow_label: Option<String>,
    /// Fragmentation: do (never), want, dont, or probe
    ///
    /// do: set "don't fragment" and refuse here what exceeds the known path MTU; want: find the path MTU
    /// and fragment here; dont: let routers fragment; probe: set "don't fragment" and ignore the known
    /// path MTU.
    #[arg(short = 'M', long = "pmtudisc", value_name = "HOW", allow_hyphen_values = true)]
    pub pmtu: Option<String>,
    /// Record the route in the IPv4 header, nine nodes at most
    #[arg(short = 'R', long = "record-route")]
    pub record_route: bool,
    /// Collect IPv4 timestamps: tsonly, tsandaddr or tsprespec
    ///
    /// tsprespec asks up to four nodes, which are named before the host.
    #[arg(short = 'T', long = "ip-timestamp", value_name = "HOW", allow_hyphen_values = true)]
    pub ip_timestamp: Option<String>,
    /// Refused: node information queries are not supported
    #[arg(
        short = 'N',
        long = "node-information",
        value_name = "OPT",
        hide = true,
        allow_hyphen_values = true
    )]
    pub node_information: Option<String>,
}

/// When probes leave, and when the run ends.
#[derive(Debug, Args)]
#[command(next_help_heading = "When")]
pub struct Pace {
    /// Stop after N requests; with -w, after N replies
    #[arg(short = 'c', long = "count", value_name = "N", allow_hyphen_values = true)]
    pub count: Option<String>,
    /// Seconds from one request to the next [default: 1]
    ///
    /// In steps of a microsecond, without drift. Ordinary users: at least 0.002, and at least 1 when
    /// asking many at once. 0 sends as fast as replies come.
    #[arg(short = 'i', long = "interval", value_name = "SECONDS", allow_hyphen_values = true)]
    pub interval: Option<String>,
    /// End after this many seconds, whatever happened
    #[arg(short = 'w', long = "deadline", value_name = "SECONDS", allow_hyphen_values = true)]
    pub deadline: Option<String>,
    /// Wait so long for a first reply [default: 10]
    ///
    /// Counts from the last request, while nothing at all was answered; 0 waits for ever. Once there was
    /// a reply, the last ones are waited for twice the longest time a reply took.
    #[arg(short = 'W', long = "timeout", value_name = "SECONDS", allow_hyphen_values = true)]
    pub timeout: Option<String>,
    /// Flood: send as fast as replies come, print dots
    ///
    /// A dot for each request, taken back by its reply. Without replies a hundred a second are sent.
    /// Ordinary users must give -i too.
    #[arg(short = 'f', long = "flood")]
    pub flood: bool,
    /// Let the interval follow the round-trip time
    #[arg(short = 'A', long = "adaptive")]
    pub adaptive: bool,
    /// Send N requests at once at the start
    #[arg(short = 'l', long = "preload", value_name = "N", allow_hyphen_values = true)]
    pub preload: Option<String>,
}

/// Which way probes go.
#[derive(Debug, Args)]
#[command(next_help_heading = "Which way")]
pub struct Path {
    /// Send from this interface, or from this address
    ///
    /// May be given twice, once with each; fe80::1%eth0 is both.
    #[arg(short = 'I', long = "interface", value_name = "IFACE|ADDRESS", action = ArgAction::Append, allow_hyphen_values = true)]
    pub interface: Vec<String>,
    /// Keep the source address that the first route gives
    #[arg(short = 'B', long = "sticky-source")]
    pub sticky_source: bool,
    /// Connect the socket to the host
    #[arg(short = 'C', long = "connect")]
    pub connect: bool,
    /// Only to hosts on an attached network, past the routing table
    #[arg(short = 'r', long = "bypass-route")]
    pub bypass_route: bool,
    /// Allow a broadcast address
    #[arg(short = 'b', long = "broadcast")]
    pub broadcast: bool,
    /// Do not hear our own multicasts
    #[arg(short = 'L', long = "no-loopback")]
    pub no_loopback: bool,
    /// Mark the packets for the firewall and routing policy
    #[arg(short = 'm', long = "mark", value_name = "N", allow_hyphen_values = true)]
    pub mark: Option<String>,
    /// Size of the socket's send buffer, bytes
    #[arg(short = 'S', long = "sndbuf", value_name = "BYTES", allow_hyphen_values = true)]
    pub sndbuf: Option<String>,
    /// Set SO_DEBUG on the socket
    #[arg(short = 'd', long = "debug")]
    pub debug: bool,
}

/// What is printed.
#[derive(Debug, Args)]
#[command(next_help_heading = "What is printed")]
pub struct Text {
    /// Only the first line and the summary
    #[arg(short = 'q', long = "quiet")]
    pub quiet: bool,
    /// Say when a reply is missing as the next request leaves
    #[arg(short = 'O', long = "outstanding")]
    pub outstanding: bool,
    /// The time of day before each line, seconds since 1970
    #[arg(short = 'D', long = "timestamps")]
    pub timestamps: bool,
    /// Times with three decimals, always
    #[arg(short = '3', long = "rtt-precision")]
    pub precision: bool,
    /// Addresses only, no names
    #[arg(short = 'n', long = "numeric")]
    pub numeric: bool,
    /// Look up the names of those who answer
    ///
    /// In the background: no line waits for a name, and the first ones may show the address only.
    #[arg(short = 'H', long = "resolve")]
    pub resolve: bool,
    /// Ring the bell with each reply
    #[arg(short = 'a', long = "audible")]
    pub audible: bool,
    /// Time from this program to this program, not from the network
    #[arg(short = 'U', long = "user-latency")]
    pub user_latency: bool,
    /// More: identifiers, and what was ignored
    #[arg(short = 'v', long = "verbose")]
    pub verbose: bool,
    /// Print the version
    #[arg(short = 'V', long = "version")]
    pub version: bool,
}
