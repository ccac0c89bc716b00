//! The options of `rping traceroute` about how to probe.

use crate::cli::groups::OptionGroup;
use crate::cli::named_values;
use crate::cli::trace_values::{self as values, MethodName, MethodOptions};

const METHOD: &str = "How to probe";

/// The options about how to probe.
#[derive(Default, clap::Args)]
pub struct MethodArguments {
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
    #[arg(short = 'M', long, value_name = "NAME", allow_hyphen_values = true, value_parser = named_values::METHOD, help_heading = METHOD)]
    pub module: Option<MethodName>,

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
}

impl OptionGroup for MethodArguments {
    const LETTERS: &'static str = "IUTDPMOp";
}
