//! Parses received datagrams into replies.
//!
//! It knows nothing of the probes sent: the engine matches replies to probes.

#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::arithmetic_side_effects
    )
)]

mod quote;

use std::net::IpAddr;

pub use quote::{Quoted, QuotedRequest};

use crate::clock::Instant;
use crate::datagram::{ClockSource, Framing, Received};
use crate::probe::Method;
use crate::wire::Family;
use crate::wire::icmp::{self, Message, Query};
use crate::wire::{Malformed, checksum, dccp, extension, ipv4, tcp, udp};

/// A received message that may belong to one of our probes.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// When it arrived.
    pub at: Instant,
    /// The clock that `at` was read from.
    pub clock: ClockSource,
    /// Address of the sender.
    pub from: IpAddr,
    /// Index of the interface that a link-local address in it belongs to; 0 where there is none.
    pub scope: u32,
    /// TTL or hop limit it arrived with.
    pub hop_limit: Option<u8>,
    /// IPv4 options it arrived with.
    pub options: &'a [u8],
    /// The number of the probe that owns the socket it came to, where each probe has one.
    pub probe: Option<u64>,
    /// Its content.
    pub kind: ReplyKind<'a>,
}

/// The content of a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind<'a> {
    /// An ICMP reply.
    Answer {
        /// The kind of request that it answers.
        method: Method,
        /// ICMP code; 0 in every reply that an RFC defines.
        code: u8,
        /// ICMP identifier.
        ident: u16,
        /// ICMP sequence number.
        seq: u16,
        /// Octets of the ICMP message, header included.
        len: usize,
        /// Whether the ICMP checksum is correct; true on sockets whose messages the kernel has verified.
        checksum_ok: bool,
        /// The octets after the eight-octet header.
        body: &'a [u8],
    },
    /// An ICMP error, or a notice, about a request.
    Error {
        /// The error.
        error: icmp::Error,
        /// Whether the ICMP checksum of the error is correct.
        checksum_ok: bool,
        /// The quoted datagram.
        quoted: Quoted<'a>,
        /// The extension structure behind the quote, version and checksum verified (RFC 4884 section 7).
        extension: Option<&'a [u8]>,
    },
    /// A TCP segment.
    Segment {
        /// Source port.
        src_port: u16,
        /// Destination port, one of this host.
        dst_port: u16,
        /// Sequence number.
        seq: u32,
        /// Acknowledgement number; meaningful with ACK.
        ack: u32,
        /// Flags, as RFC 9293 section 3.1 orders them: FIN is bit 0, CWR bit 7; bit 8 is AE (RFC 9768).
        flags: u16,
    },
    /// A datagram of another protocol: UDP, UDP-Lite, DCCP, or any.
    Datagram {
        /// The protocol.
        protocol: u8,
        /// Source port; 0 where the protocol has none.
        src_port: u16,
        /// Destination port, one of this host; 0 where the protocol has none.
        dst_port: u16,
        /// The octets after the header: of DCCP after the first eight octets, of an unknown protocol all
        /// octets.
        payload: &'a [u8],
    },
    /// The result of connecting a TCP socket.
    Connected {
        /// Whether the target refused it (RST).
        refused: bool,
    },
}

/// Whether the checksum of a message was verified.
#[derive(Clone, Copy)]
enum Verified {
    /// The kernel verified it; it delivers no other message.
    ByKernel,
    /// It was not.
    NotYet,
}

impl Verified {
    fn holds(self, message: &[u8]) -> bool {
        match self {
            Self::ByKernel => true,
            Self::NotYet => checksum::verify(message),
        }
    }
}

impl<'a> Reply<'a> {
    /// Parses a received datagram.
    ///
    /// `Ok(None)`: a correct message that belongs to no probe, such as a request, another ICMP type, an error
    /// about something else than a request, or about a later fragment. Only checksums of ICMP are verified: a
    /// packet from this host or from a guest of it has no other checksum yet (checksum offload).
    ///
    /// # Errors [`Malformed`] if the octets are no such message. An error that quotes the other IP version,
    /// or less than eight octets of a header that has an identifier or ports, is malformed too.
    // Inlined with its callees: the value is large, and would be copied at each return.
    #[inline(always)]
    pub fn parse(received: &Received<'a>) -> Result<Option<Self>, Malformed> {
        let reply = |kind| Self {
            at: received.at,
            clock: received.clock,
            from: received.from,
            scope: received.scope,
            hop_limit: received.hop_limit,
            options: received.options,
            probe: received.probe,
            kind,
        };
        let bytes = received.bytes;
        Ok(match received.framing {
            Framing::Ipv4 => {
                let packet = ipv4::split(bytes)?;
                let kind = match packet.header.protocol {
                    ipv4::PROTOCOL_ICMP => ReplyKind::parse(Family::V4, packet.payload, Verified::NotYet)?,
                    protocol => Some(ReplyKind::upper(protocol, packet.payload)?),
                };
                let hop_limit = Some(packet.header.ttl);
                kind.map(|kind| Self { hop_limit, options: packet.options, ..reply(kind) })
            }
            Framing::Icmpv4 => ReplyKind::parse(Family::V4, bytes, Verified::ByKernel)?.map(reply),
            Framing::Icmpv6 => ReplyKind::parse(Family::V6, bytes, Verified::ByKernel)?.map(reply),
            Framing::Queued { error, dst, extension } => {
                let missing = quote::missing(error.family, ipv4::PROTOCOL_ICMP);
                let (message, extension) = extension::split_queued(error, bytes, missing, extension);
                let request = QuotedRequest::icmp(error.family, message)?;
                let quoted = |request| Quoted { src: None, dst, header: &[], request };
                request.map(|request| reply(ReplyKind::queued(error, quoted(request), extension)))
            }
            Framing::Upper { protocol } => Some(reply(ReplyKind::upper(protocol, bytes)?)),
            Framing::Payload { protocol, local, remote } => {
                let (src_port, dst_port) = (remote, local);
                Some(reply(ReplyKind::Datagram { protocol, src_port, dst_port, payload: bytes }))
            }
            Framing::QueuedPayload { protocol, error, dst, extension } => {
                let missing = quote::missing(error.family, protocol);
                let (payload, extension) = extension::split_queued(error, bytes, missing, extension);
                let request = QuotedRequest::Socket { protocol, dst_port: dst.port(), payload };
                let quoted = Quoted { src: None, dst: dst.ip(), header: &[], request };
                Some(reply(ReplyKind::queued(error, quoted, extension)))
            }
            Framing::Connected { refused } => Some(reply(ReplyKind::Connected { refused })),
        })
    }
}

impl<'a> ReplyKind<'a> {
    /// Parses an ICMP message.
    #[inline(always)]
    fn parse(family: Family, message: &'a [u8], verified: Verified) -> Result<Option<Self>, Malformed> {
        let answer = |method, query: Query<'a>| {
            Some(Self::Answer {
                method,
                code: query.code,
                ident: query.ident,
                seq: query.seq,
                len: message.len(),
                checksum_ok: verified.holds(message),
                body: query.body,
            })
        };
        Ok(match icmp::parse(family, message)? {
            Message::EchoReply(query) => answer(Method::Echo, query),
            Message::TimestampReply(query) => answer(Method::Timestamp, query),
            Message::MaskReply(query) => answer(Method::Mask, query),
            Message::Error { error, .. } => {
                let (quote, extension) = extension::split_error(family, message);
                let quoted = match family {
                    Family::V4 => Quoted::in_ipv4(quote)?,
                    Family::V6 => Quoted::in_ipv6(quote)?,
                };
                let checksum_ok = verified.holds(message);
                quoted.map(|quoted| Self::Error { error, checksum_ok, quoted, extension })
            }
            Message::EchoRequest(_)
            | Message::TimestampRequest(_)
            | Message::MaskRequest(_)
            | Message::Other { .. } => None,
        })
    }

    /// Parses a packet of this protocol, from the upper-layer header on.
    fn upper(protocol: u8, octets: &'a [u8]) -> Result<Self, Malformed> {
        let datagram = |src_port, dst_port, payload| Self::Datagram { protocol, src_port, dst_port, payload };
        Ok(match protocol {
            tcp::PROTOCOL_TCP => {
                let tcp::TcpHeader { src_port, dst_port, seq, ack, flags, .. } =
                    tcp::TcpHeader::parse(octets).ok_or(Malformed::ShortUpper)?;
                Self::Segment { src_port, dst_port, seq, ack, flags }
            }
            udp::PROTOCOL_UDP | udp::PROTOCOL_UDPLITE | dccp::PROTOCOL_DCCP => {
                let (header, payload) = udp::UdpHeader::split(octets).ok_or(Malformed::ShortUpper)?;
                datagram(header.src_port, header.dst_port, payload)
            }
            _ => datagram(0, 0, octets),
        })
    }

    /// An error from an error queue; the kernel has verified it.
    fn queued(error: icmp::Error, quoted: Quoted<'a>, extension: Option<&'a [u8]>) -> Self {
        Self::Error { error, checksum_ok: true, quoted, extension }
    }
}

#[cfg(test)]
mod tests;
