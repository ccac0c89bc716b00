//! The options of `rping traceroute`, as clap parses them.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::format::FormatArguments;
use super::groups::Group;
use super::named_values;
use super::terminal::ColorArguments;
use super::trace_values::{self as values, MethodName, MethodOptions};
use super::verdict::TraceVerdictArguments;
use crate::engine::trace::Wait;
use crate::transport::Stamping;

/// The options of `rping traceroute`, each valid by itself. Their short names are those of traceroute(8).
#[derive(clap::Parser)]
#[command(
    name = "traceroute",
    version = concat!("from rping ", env!("CARGO_PKG_VERSION")),
    about = "Show the routers on the path to a host, and the time of each",
    long_about = None,
    after_help = super::text::TRACE_EXIT,
    args_override_self = true,
    disable_help_flag = true,
    disable_version_flag = true,
)]
pub struct TraceArguments {
    /// The host, and the length of a packet. The usage line and the first sentence explain them.
    #[arg(hide = true)]
    pub host: Vec<OsString>,

    /// Probe with ICMP echo requests [default].
    #[arg(short = 'I', long, help_heading = METHOD)]
    pub icmp: bool,

    /// Probe with UDP datagrams to one port [default port: 53].
    #[arg(short = 'U', long, help_heading = METHOD)]
    pub udp: bool,

    /// Probe with TCP, half open [default port: 80].
    ///
    /// Without permission for raw sockets the system connects, and closes the connection at once.
    #[arg(short = 'T', long, help_heading = METHOD)]
    pub tcp: bool,

    /// Probe with UDP-Lite, also -UL [default port: 53].
    #[arg(long, help_heading = METHOD)]
    pub udplite: bool,

    /// Probe with DCCP requests [default port: 33434].
    #[arg(short = 'D', long, help_heading = METHOD)]
    pub dccp: bool,

    /// Probe with packets of this IP protocol, 0 to 255.
    #[arg(short = 'P', long, value_name = "N", allow_hyphen_values = true, value_parser = values::PROTOCOL, help_heading = METHOD)]
    pub protocol: Option<u8>,

    /// Probe by the method of this name.
    #[arg(short = 'M', long = "module", value_name = "NAME", allow_hyphen_values = true, value_parser = named_values::METHOD, help_heading = METHOD)]
    pub method: Option<MethodName>,

    /// Options of the method, by commas; 'help' lists them.
    #[arg(short = 'O', long, value_name = "OPTS", allow_hyphen_values = true, value_parser = values::METHOD_OPTIONS, action = clap::ArgAction::Append, help_heading = METHOD)]
    pub options: Vec<MethodOptions>,

    /// Destination port; with --classic the first of a row.
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, value_parser = values::PORT, help_heading = METHOD)]
    pub port: Option<u16>,

    /// Source port; implies -N 1.
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = values::SOURCE_PORT, help_heading = METHOD)]
    pub sport: Option<u16>,

    /// Let the destination port rise with each UDP probe.
    ///
    /// As the first traceroute did. Routers that spread flows over several paths then show a mixture of
    /// them.
    #[arg(long, help_heading = METHOD)]
    pub classic: bool,

    /// Begin at this hop [default: 1].
    #[arg(short, long = "first", value_name = "N", allow_hyphen_values = true, value_parser = values::FIRST, help_heading = EXTENT)]
    pub first: Option<u8>,

    /// End at this hop at the latest [default: 30].
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, value_parser = values::MAX_HOPS, help_heading = EXTENT)]
    pub max_hops: Option<u8>,

    /// Probes for each hop, 1 to 10 [default: 3].
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, value_parser = values::QUERIES, help_heading = EXTENT)]
    pub queries: Option<u8>,

    /// Probes under way at a time [default: by the path].
    #[arg(short = 'N', long, value_name = "N", allow_hyphen_values = true, value_parser = values::PARALLEL, help_heading = EXTENT)]
    pub sim_queries: Option<u16>,

    /// Seconds to wait: MAX[,HERE,NEAR].
    ///
    /// At most MAX seconds, and no longer than HERE times what another probe to the same hop took, or NEAR
    /// times what one to a later hop took. By default what the rest of the path suggests, at most 3.
    #[arg(short, long, value_name = "SECONDS", allow_hyphen_values = true, value_parser = values::WAIT, help_heading = EXTENT)]
    pub wait: Option<Wait>,

    /// Seconds between probes; from 10 on, milliseconds.
    #[arg(short = 'z', long, value_name = "SECONDS", allow_hyphen_values = true, value_parser = values::GAP, help_heading = EXTENT)]
    pub sendwait: Option<Duration>,

    /// Give up after N silent hops in a row.
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = values::GAP_LIMIT, help_heading = EXTENT)]
    pub gap_limit: Option<u8>,

    /// Find the path MTU on the way; implies -F -N 1.
    #[arg(long, help_heading = EXTENT)]
    pub mtu: bool,

    /// Print addresses only, never look up names for them.
    #[arg(short, long, help_heading = OUTPUT)]
    pub numeric: bool,

    /// Look up the AS number of each router.
    ///
    /// The autonomous system that announces its address, looked up in a DNS zone.
    #[arg(short = 'A', long, help_heading = OUTPUT)]
    pub as_path_lookups: bool,

    /// Use this DNS server for -A.
    ///
    /// An address, with a port behind a colon if it is not 53. By default that of the system.
    #[arg(long, value_name = "ADDR", allow_hyphen_values = true, value_parser = values::SERVER, help_heading = OUTPUT)]
    pub as_server: Option<SocketAddr>,

    /// Look AS numbers up in this zone [default: asn.cymru.com].
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true, value_parser = values::ZONE, help_heading = OUTPUT)]
    pub as_zone: Option<String>,

    /// Show ICMP extensions: MPLS labels, interfaces.
    #[arg(short, long, help_heading = OUTPUT)]
    pub extensions: bool,

    /// Show the guessed length of the way back if it differs.
    #[arg(long, help_heading = OUTPUT)]
    pub back: bool,

    /// Print how the trace ended in a last line.
    #[arg(long, help_heading = OUTPUT)]
    pub summary: bool,

    /// The option about colours.
    #[command(flatten)]
    pub color: Group<ColorArguments>,

    /// Print JSON, one object a line.
    #[arg(short, long, help_heading = OUTPUT)]
    pub json: bool,

    /// The options about the format.
    #[command(flatten)]
    pub format: Group<FormatArguments>,

    /// Also print the kind of sockets, and what was ignored.
    #[arg(short, long, help_heading = OUTPUT)]
    pub verbose: bool,

    /// The options that decide the exit status.
    #[command(flatten)]
    pub verdict: Group<TraceVerdictArguments>,

    /// Use IPv4 only.
    #[arg(short = '4', long, help_heading = ROUTE)]
    pub ipv4: bool,

    /// Use IPv6 only.
    #[arg(short = '6', long, help_heading = ROUTE)]
    pub ipv6: bool,

    /// Send through this interface.
    #[arg(short, long, value_name = "IFACE", allow_hyphen_values = true, value_parser = values::INTERFACE, help_heading = ROUTE)]
    pub interface: Option<String>,

    /// Send from this address.
    #[arg(short, long, value_name = "ADDR", allow_hyphen_values = true, value_parser = values::ADDRESS, help_heading = ROUTE)]
    pub source: Option<IpAddr>,

    /// Route packets by these gateways, up to 8 (IPv4).
    ///
    /// A loose source route, which most networks drop.
    #[arg(short, long, value_name = "HOST,..", allow_hyphen_values = true, value_delimiter = ',', help_heading = ROUTE)]
    pub gateway: Vec<OsString>,

    /// Skip the routing table: only attached networks.
    #[arg(short = 'r', long, help_heading = ROUTE)]
    pub bypass_route: bool,

    /// Put this firewall mark on outgoing packets.
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = super::values::MARK, help_heading = ROUTE)]
    pub fwmark: Option<u32>,

    /// Forbid routers to fragment packets.
    #[arg(short = 'F', long, help_heading = PACKET)]
    pub dont_fragment: bool,

    /// Type of service (IPv4) or traffic class (IPv6).
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, value_parser = super::values::TOS, help_heading = PACKET)]
    pub tos: Option<u8>,

    /// IPv6 flow label.
    #[arg(short = 'l', long, value_name = "N", allow_hyphen_values = true, value_parser = super::values::FLOW_LABEL, help_heading = PACKET)]
    pub flowlabel: Option<u32>,

    /// Clock that takes the times [default: auto].
    #[arg(long, value_name = "WHO", allow_hyphen_values = true, value_parser = named_values::CLOCK, help_heading = OTHER)]
    pub clock: Option<Stamping>,

    /// Turn on the kernel's socket debugging (SO_DEBUG).
    #[arg(short, long, help_heading = OTHER)]
    pub debug: bool,

    /// Print help: -h in short, --help at length.
    #[arg(short, long, action = clap::ArgAction::Help, help_heading = OTHER)]
    pub help: Option<bool>,

    /// Print the version.
    #[arg(short = 'V', long, action = clap::ArgAction::Version, help_heading = OTHER)]
    pub version: Option<bool>,
}

const METHOD: &str = "How to probe";
const EXTENT: &str = "How far, how many, how long";
const OUTPUT: &str = "What is printed";
const ROUTE: &str = "From where, and which way";
const PACKET: &str = "What packets look like";
const OTHER: &str = "Other";
