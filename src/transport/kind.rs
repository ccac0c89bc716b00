//! The protocol that a socket carries.

use std::net::SocketAddr;

use crate::datagram::Framing;

/// The protocol that a socket carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// ICMP, on a datagram or a raw socket.
    Icmp,
    /// Another protocol, on a raw socket.
    Upper(u8),
    /// A protocol with ports, UDP or UDP-Lite, on a datagram socket.
    Ports(u8),
}

impl Kind {
    /// The port to put into a destination address: a raw socket takes none, ICMP has none.
    pub fn port_to(self, port: u16) -> u16 {
        match self {
            Self::Ports(_) => port,
            Self::Icmp | Self::Upper(_) => 0,
        }
    }

    /// Octets of a receive buffer that holds the largest reply expected to a message of `message_len` octets,
    /// with the largest IP header, and 256 more, so that a longer reply is seen to be longer.
    ///
    /// The smallest holds any ICMP error (RFC 1812 section 4.3.2.3, RFC 4443 section 2.4).
    pub fn receive_len(self, message_len: usize) -> usize {
        match self {
            Self::Icmp => message_len.saturating_add(60 + 256).clamp(2048, 65_536),
            Self::Upper(_) | Self::Ports(_) => 2048,
        }
    }

    /// How a datagram that this socket received from `from` begins. `local` is the socket's own port.
    pub fn framing(self, raw: bool, local: u16, from: SocketAddr) -> Framing {
        match (self, from.is_ipv4(), raw) {
            (Self::Ports(protocol), _, _) => Framing::Payload { protocol, local, remote: from.port() },
            (_, true, true) => Framing::Ipv4,
            (Self::Upper(protocol), false, _) => Framing::Upper { protocol },
            (_, true, false) => Framing::Icmpv4,
            (Self::Icmp, false, _) => Framing::Icmpv6,
        }
    }
}
