//! The options of `rping ping` about the way of the probes.

use crate::cli::family::FamilyArguments;
use crate::cli::groups::OptionGroup;
use crate::cli::headings::ROUTE;
use crate::cli::values::{self, Via};

/// The options about the way of the probes.
#[derive(Default, clap::Args)]
pub struct RouteArguments {
    /// The options about the family.
    #[command(flatten)]
    pub family: FamilyArguments,

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
}

impl OptionGroup for RouteArguments {
    const LETTERS: &'static str = "46IBbLrCm";
}
