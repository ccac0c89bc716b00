//! The options of `rping traceroute` about the way of the probes.

use std::ffi::OsString;
use std::net::IpAddr;

use crate::cli::family::FamilyArguments;
use crate::cli::groups::OptionGroup;
use crate::cli::headings::ROUTE;
use crate::cli::trace_values as values;
use crate::cli::values::MARK;

/// The options about the way of the probes.
#[derive(Default, clap::Args)]
pub struct RouteArguments {
    /// The options about the family.
    #[command(flatten)]
    pub family: FamilyArguments,

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
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = MARK, help_heading = ROUTE)]
    pub fwmark: Option<u32>,
}

impl OptionGroup for RouteArguments {
    const LETTERS: &'static str = "46isgr";
}
