//! Where a datagram goes: its destination as the socket must name it now.

use std::net::SocketAddr;

use super::interface::FollowedInterface;
use super::kind::Kind;
use super::scopes::Scopes;
use crate::datagram::{Incoming, Received, Transmit};
use crate::sys::{Ancillary, Datagram};

/// What of a destination depends on the socket.
#[derive(Debug)]
pub(super) struct Addressing {
    kind: Kind,
    /// The IPv6 flow label in use, if one was requested.
    pub flow_label: Option<u32>,
    /// The interface that the socket is bound to, if it is to be followed.
    pub interface: Option<FollowedInterface>,
    /// The interfaces of link-local destinations.
    pub scopes: Scopes,
}

impl Addressing {
    /// For a socket of this kind.
    pub fn new(kind: Kind, flow_label: Option<u32>) -> Self {
        Self { kind, flow_label, interface: None, scopes: Scopes::default() }
    }

    /// A datagram for the kernel. `stamped`: it requests a stamp of its departure, unless it has a TTL of its own.
    #[inline]
    pub fn datagram<'a>(&self, transmit: &Transmit, bytes: &'a [u8], stamped: bool) -> Datagram<'a> {
        let ancillary = match transmit.ttl {
            Some(ttl) => Ancillary::Ttl(ttl),
            None if stamped => Ancillary::Stamp,
            None => Ancillary::None,
        };
        Datagram::new(self.destination(transmit.dst), ancillary, bytes)
    }

    /// A destination with the port, the flow label and the scope id to use now.
    fn destination(&self, dst: SocketAddr) -> SocketAddr {
        let SocketAddr::V6(mut v6) = dst else { return dst };
        v6.set_port(self.kind.port_to(v6.port()));
        v6.set_flowinfo(self.flow_label.unwrap_or(0).to_be());
        v6.set_scope_id(self.scopes.now(v6.scope_id()));
        v6.into()
    }

    /// What was received, as it is delivered: with its interface as it is known outside.
    #[inline]
    pub fn delivered<'a>(&self, received: Received<'a>) -> Incoming<'a> {
        Incoming::Datagram(Received { scope: self.scopes.first(received.scope), ..received })
    }
}
