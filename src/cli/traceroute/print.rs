//! The options of `rping traceroute` about what is printed.

use std::net::SocketAddr;

use crate::cli::format::FormatArguments;
use crate::cli::groups::{Group, OptionGroup};
use crate::cli::headings::OUTPUT;
use crate::cli::terminal::ColorArguments;
use crate::cli::trace_values as values;

/// The options about what is printed.
#[derive(Default, clap::Args)]
pub struct PrintArguments {
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
}

impl OptionGroup for PrintArguments {
    const LETTERS: &'static str = "nAejv";
}
