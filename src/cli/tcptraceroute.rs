//! The options of tcptraceroute(8), for a link of that name, in those of `rping traceroute`.

use std::ffi::OsString;

/// The options of tcptraceroute(8). Their values are checked as those of `rping traceroute`.
#[derive(clap::Parser)]
#[command(
    name = "tcptraceroute",
    version = concat!("from rping ", env!("CARGO_PKG_VERSION")),
    about = "Show the routers on the way to a TCP port of HOST [default: 80]",
    args_override_self = true,
    disable_version_flag = true,
)]
pub struct TcpTraceArguments {
    /// The host, its port, and the length of a packet.
    #[arg(hide = true)]
    host: Vec<OsString>,

    /// Print addresses without names.
    #[arg(short = 'n')]
    numeric: bool,

    /// Forbid fragments.
    #[arg(short = 'F')]
    whole: bool,

    /// Probe with the flag SYN [default].
    #[arg(short = 'S')]
    syn: bool,

    /// Probe with the flag ACK.
    #[arg(short = 'A')]
    ack: bool,

    /// Probe with the flags of ECN.
    #[arg(short = 'E')]
    ecn: bool,

    /// Accepted and ignored.
    #[arg(short = 'N', hide = true)]
    names: bool,

    /// Accepted and ignored.
    #[arg(short = 'd', hide = true)]
    debug: bool,

    /// Print the version.
    #[arg(short = 'v', action = clap::ArgAction::Version)]
    version: Option<bool>,

    /// Interface.
    #[arg(short = 'i', value_name = "DEVICE", allow_hyphen_values = true)]
    device: Option<OsString>,

    /// First hop.
    #[arg(short = 'f', value_name = "TTL", allow_hyphen_values = true)]
    first: Option<OsString>,

    /// Last hop.
    #[arg(short = 'm', value_name = "TTL", allow_hyphen_values = true)]
    max: Option<OsString>,

    /// Length of a packet, bytes.
    #[arg(short = 'l', value_name = "LENGTH", allow_hyphen_values = true)]
    length: Option<OsString>,

    /// Probes for each hop.
    #[arg(short = 'q', value_name = "N", allow_hyphen_values = true)]
    queries: Option<OsString>,

    /// Type of service.
    #[arg(short = 't', value_name = "TOS", allow_hyphen_values = true)]
    tos: Option<OsString>,

    /// Source port.
    #[arg(short = 'p', value_name = "PORT", allow_hyphen_values = true)]
    source_port: Option<OsString>,

    /// Source address.
    #[arg(short = 's', value_name = "ADDRESS", allow_hyphen_values = true)]
    source: Option<OsString>,

    /// Time to wait for an answer, seconds.
    #[arg(short = 'w', value_name = "SECONDS", allow_hyphen_values = true)]
    wait: Option<OsString>,
}

impl TcpTraceArguments {
    /// The same as arguments of `rping traceroute`.
    pub fn for_traceroute(self) -> Vec<OsString> {
        let mut all: Vec<OsString> = ["-T", "-O", "info"].map(OsString::from).into();
        let flags = [(self.numeric, "-n"), (self.whole, "-F")];
        all.extend(flags.into_iter().filter(|(given, _)| *given).map(|(_, flag)| flag.into()));
        let segments = [(self.syn, "syn"), (self.ack, "ack"), (self.ecn, "ecn")];
        for (_, option) in segments.into_iter().filter(|(given, _)| *given) {
            all.extend(["-O".into(), option.into()]);
        }
        let mut host = self.host.into_iter();
        let (name, port, length) = (host.next(), host.next(), host.next());
        let values = [
            ("-i", self.device),
            ("-f", self.first),
            ("-m", self.max),
            ("-q", self.queries),
            ("-t", self.tos),
            ("--sport", self.source_port),
            ("-s", self.source),
            ("-w", self.wait),
            ("-p", port),
        ];
        for (option, value) in values {
            all.extend(value.into_iter().flat_map(|value| [option.into(), value]));
        }
        all.push("--".into());
        all.extend(name.into_iter().chain(length.or(self.length)).chain(host));
        all
    }
}
