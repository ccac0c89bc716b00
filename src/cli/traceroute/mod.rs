//! The options of `rping traceroute`, as clap parses them.

use std::ffi::OsString;
use std::time::Duration;

use super::groups::{Group, OptionGroup};
use super::headings::OTHER;
use super::named_values;
use super::trace_values as values;
use super::verdict::TraceVerdictArguments;
use crate::engine::trace::Wait;
use crate::transport::Stamping;
use method::MethodArguments;
use print::PrintArguments;
use route::RouteArguments;

mod method;
mod print;
mod route;

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

    /// The options about how to probe.
    #[command(flatten)]
    pub method: Group<MethodArguments>,

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

    /// The options about what is printed.
    #[command(flatten)]
    pub print: Group<PrintArguments>,

    /// The options that decide the exit status.
    #[command(flatten)]
    pub verdict: Group<TraceVerdictArguments>,

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

/// The options about the packets.
#[derive(Default, clap::Args)]
pub struct PacketArguments {
    /// Forbid routers to fragment packets.
    #[arg(short = 'F', long, help_heading = PACKET)]
    pub dont_fragment: bool,

    /// Type of service (IPv4) or traffic class (IPv6).
    #[arg(short, long, value_name = "N", allow_hyphen_values = true, value_parser = super::values::TOS, help_heading = PACKET)]
    pub tos: Option<u8>,

    /// IPv6 flow label.
    #[arg(short = 'l', long, value_name = "N", allow_hyphen_values = true, value_parser = super::values::FLOW_LABEL, help_heading = PACKET)]
    pub flowlabel: Option<u32>,
}

impl OptionGroup for PacketArguments {
    const LETTERS: &'static str = "Ftl";
}

/// The options about other things.
#[derive(Default, clap::Args)]
pub struct OtherArguments {
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

impl OptionGroup for OtherArguments {
    const LETTERS: &'static str = "dhV";
}

const EXTENT: &str = "How far, how many, how long";
const PACKET: &str = "What packets look like";
