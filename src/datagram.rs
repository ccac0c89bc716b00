//! The plain data that crosses between the engine and the transport.
//!
//! Nothing here knows what a probe is, and nothing knows what a socket is.

use std::net::{IpAddr, SocketAddr};

use crate::clock::Instant;
use crate::wire::icmp;

/// A datagram to send: `buffer[..len]` of the buffer it was emitted into, to `dst`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Destination; the port is 0, the scope id is that of a link-local address.
    pub dst: SocketAddr,
    /// Octets to send, from the ICMP header on.
    pub len: usize,
}

/// A datagram that was not sent, and why. It belongs to this datagram, not to an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendFault {
    /// The error of the system call.
    pub errno: i32,
    /// The MTU that the datagram exceeded, in octets, where the kernel named it (EMSGSIZE).
    pub mtu: Option<u32>,
}

/// How the octets of a received datagram begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// An IPv4 header, then ICMP: a raw IPv4 socket.
    Ipv4,
    /// An ICMPv4 header: a datagram ICMP socket.
    Icmpv4,
    /// An ICMPv6 header: raw and datagram sockets alike (RFC 3542 section 3).
    Icmpv6,
    /// The ICMP message of *ours* that provoked this error, from the header on: a socket's error queue.
    /// Its destination was `dst`; `from` is the node that sent the error.
    Queued {
        /// The error, as the kernel took it from the message.
        error: icmp::Error,
        /// Where our message was going.
        dst: IpAddr,
    },
}

/// A datagram as it came from a socket.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// When it arrived: the kernel's stamp where there is one.
    pub at: Instant,
    /// Who sent it (for [`Framing::Queued`], who sent the error).
    pub from: IpAddr,
    /// TTL or hop limit it arrived with, where the socket tells it beside the octets.
    pub hop_limit: Option<u8>,
    /// IPv4 options it arrived with, where the socket tells them beside the octets.
    pub options: &'a [u8],
    /// How `bytes` begins.
    pub framing: Framing,
    /// The octets.
    pub bytes: &'a [u8],
}
