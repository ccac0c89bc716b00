//! The requested options of the sockets: plain data, made by the command line.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

pub use crate::sys::Pmtu;
use crate::wire::Family;

/// The requested options of the sockets, for both families unless one is named.
#[derive(Clone, Debug)]
pub struct Options {
    /// Families to open: those that a target may have.
    pub families: Families,
    /// Open raw sockets only (an identifier of 0, timestamp and mask queries need one).
    pub raw_only: bool,
    /// Try raw sockets before datagram ones.
    pub raw_first: bool,
    /// Receive errors about every datagram of this protocol, whatever else they quote; `None`: about ICMP messages
    /// with our identifier.
    pub about: Option<u8>,
    /// ICMP type of the answers, for the filters: IPv4 and IPv6.
    pub answer_types: (u8, u8),
    /// ICMP identifier to use; `None`: random on a raw socket, the kernel's choice on a datagram one.
    pub ident: Option<u16>,
    /// Send and receive through this interface only (SO_BINDTODEVICE).
    pub device: Option<String>,
    /// Send from this address.
    pub source: Option<IpAddr>,
    /// Bind to the source address that the route gives at the start, so that it never changes.
    pub strict_source: bool,
    /// Bind to the source address that the route look-up gave, so that rules for this source apply to probes (`ip rule
    /// from ADDRESS`). Without effect once the address is gone.
    pub found_source: bool,
    /// Connect the socket to the target.
    pub connect: bool,
    /// SO_DEBUG.
    pub debug: bool,
    /// SO_DONTROUTE: only hosts on an attached network.
    pub dont_route: bool,
    /// SO_MARK.
    pub mark: Option<u32>,
    /// Path MTU discovery; `None`: the kernel's default.
    pub pmtu: Option<Pmtu>,
    /// SO_BROADCAST.
    pub broadcast: bool,
    /// Receive our own multicasts (the default).
    pub multicast_loop: bool,
    /// TTL or hop limit, unicast and multicast.
    pub ttl: Option<u8>,
    /// Type of service (IPv4) or traffic class (IPv6).
    pub tos: Option<u8>,
    /// IPv6 flow label, 20 bits; 0 lets the kernel choose one.
    pub flow_label: Option<u32>,
    /// Options in the IPv4 header.
    pub ip_option: IpOption,
    /// SO_SNDBUF, octets.
    pub send_buffer: Option<usize>,
    /// Which clock stamps departures and arrivals.
    pub stamps: Stamping,
    /// Report the TTL or hop limit and the IPv4 options of each datagram that arrives. It costs a little.
    pub headers: bool,
    /// Octets of the largest ICMP message that will be sent, header included.
    pub message_len: usize,
    /// Messages that may leave at once at the start; sizes the receive buffer.
    pub preload: u64,
}

/// Which families to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Families {
    /// Whatever the target turns out to have.
    Both,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl Families {
    /// Those of them that there are, IPv4 first.
    pub(in crate::transport) fn each(self) -> impl Iterator<Item = Family> {
        let (v4, v6) = (self != Self::V6, self != Self::V4);
        v4.then_some(Family::V4).into_iter().chain(v6.then_some(Family::V6))
    }
}

impl Options {
    /// Whether a socket can be set up only with an address of a target: it is bound to the source address that the route
    /// gives, or leases a flow label.
    pub const fn need_target(&self) -> bool {
        self.strict_source || self.flow_label.is_some()
    }
}

/// Which clock stamps departures and arrivals. A datagram without a stamp is stamped by our own clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamping {
    /// Our own clock.
    User,
    /// The kernel's, for arrivals only: at rates where a stamp of each departure costs too much.
    Arrivals,
    /// The kernel's, of arrivals and of some departures: of the first ones, and then of as many as cost next to nothing.
    /// Probes without a stamp have no time then.
    Sampled,
    /// The kernel's, at both ends, as far as it can.
    Both,
    /// The kernel's, at both ends; a kernel that cannot is an error.
    Kernel,
    /// The interface's; one that cannot is an error.
    Hardware,
}

/// Options in the IPv4 header (RFC 791 section 3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IpOption {
    /// None.
    None,
    /// Record route: nine slots.
    RecordRoute,
    /// Loose source route: by these nodes, one to eight, and the target.
    LooseSourceRoute(Vec<Ipv4Addr>),
    /// Internet timestamp, timestamps only.
    Timestamp,
    /// Internet timestamp, with the address of each node.
    TimestampAndAddress,
    /// Internet timestamp by these nodes only, one to four.
    TimestampPrespecified(Vec<Ipv4Addr>),
}

/// The requested source address, if it is of the target's family.
pub(in crate::transport) fn own_source(target: SocketAddr, options: &Options) -> Option<IpAddr> {
    options.source.filter(|ip| !ip.is_unspecified() && ip.is_ipv4() == target.is_ipv4())
}
