//! The options of `rping ping` about the packets.

use crate::cli::groups::OptionGroup;
use crate::cli::headings::PACKET;
use crate::cli::named_values;
use crate::cli::values::{self, Pattern, Stamps};
use crate::probe::Method;
use crate::transport::Pmtu;

/// The options about the packets.
#[derive(Default, clap::Args)]
pub struct PacketArguments {
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
}

impl OptionGroup for PacketArguments {
    const LETTERS: &'static str = "sptQFMeRT";
}
