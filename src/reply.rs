//! Replies: octets that arrived, parsed.
//!
//! It refuses to know what was sent: the engine decides which probe a reply is about.

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

use crate::clock::Instant;
use crate::datagram::{ClockSource, Framing, Received};
use crate::probe::Method;
use crate::wire::Family;
use crate::wire::icmp::{self, Message, Query};
use crate::wire::{Malformed, checksum, dccp, extension, ipv4, tcp, udp};

/// Something that arrived and could concern one of our probes.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// When it arrived.
    pub at: Instant,
    /// Whose clock says so.
    pub clock: ClockSource,
    /// Who sent it.
    pub from: IpAddr,
    /// Index of the interface that a link-local address in it belongs to; 0 where there is none.
    pub scope: u32,
    /// TTL or hop limit it arrived with.
    pub hop_limit: Option<u8>,
    /// IPv4 options it arrived with.
    pub options: &'a [u8],
    /// What it says.
    pub kind: ReplyKind<'a>,
}

/// What a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyKind<'a> {
    /// The answer to a request.
    Answer {
        /// The request it answers.
        method: Method,
        /// ICMP code; 0 in every answer that a standard knows.
        code: u8,
        /// ICMP identifier.
        ident: u16,
        /// ICMP sequence number.
        seq: u16,
        /// Octets of the ICMP message, header included.
        len: usize,
        /// Whether the ICMP checksum holds. Sockets that get only verified messages say so.
        checksum_ok: bool,
        /// What follows the eight-octet header.
        body: &'a [u8],
    },
    /// An error, or a notice, about a request.
    Error {
        /// The error.
        error: icmp::Error,
        /// Whether the ICMP checksum of the error holds.
        checksum_ok: bool,
        /// The datagram it is about, as quoted.
        quoted: Quoted<'a>,
        /// The extension structure behind the quote, version and checksum verified (RFC 4884 section 7).
        extension: Option<&'a [u8]>,
    },
    /// A TCP segment from a port that a probe may have asked.
    Segment {
        /// The port it came from.
        src_port: u16,
        /// The port of ours that it came to.
        dst_port: u16,
        /// Sequence number.
        seq: u32,
        /// Acknowledgement number; meaningful with ACK.
        ack: u32,
        /// Flags, as RFC 9293 section 3.1 orders them: FIN is bit 0, CWR bit 7; bit 8 is AE (RFC 9768).
        flags: u16,
    },
    /// A datagram of another protocol from whom a probe may have asked: UDP, UDP-Lite, DCCP, or any.
    Datagram {
        /// The protocol.
        protocol: u8,
        /// The port it came from; 0 where the protocol has none.
        src_port: u16,
        /// The port of ours that it came to; 0 where the protocol has none.
        dst_port: u16,
        /// What follows the header: of DCCP the first eight octets, of a protocol not known here nothing.
        payload: &'a [u8],
    },
    /// The end of an attempt to connect a TCP socket of ours.
    Connected {
        /// The port of ours.
        local: u16,
        /// Whether the target refused it (RST).
        refused: bool,
    },
}

/// The datagram that an ICMP error quotes, as far as the quote goes. Nothing in it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    /// Where it came from, as quoted; `None` where the socket does not give it.
    pub src: Option<IpAddr>,
    /// Where it was going.
    pub dst: IpAddr,
    /// The quoted IP header, options and extension headers included; empty where the socket does not give it.
    pub header: &'a [u8],
    /// What it was.
    pub request: QuotedRequest<'a>,
}

/// What an ICMP error quotes behind the IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotedRequest<'a> {
    /// An ICMP query.
    Query {
        /// What it asked.
        method: Method,
        /// ICMP identifier.
        ident: u16,
        /// ICMP sequence number.
        seq: u16,
        /// ICMP checksum.
        checksum: u16,
        /// What is left of it after its eight-octet ICMP header.
        payload: &'a [u8],
    },
    /// A UDP or UDP-Lite datagram, or the first eight octets of a DCCP packet: ports and checksum stand at
    /// the same places (RFC 768, RFC 3828 section 3.1, RFC 4340 section 5.1).
    Ports {
        /// The protocol.
        protocol: u8,
        /// Source port.
        src_port: u16,
        /// Destination port.
        dst_port: u16,
        /// UDP length, UDP-Lite checksum coverage; of DCCP data offset, CCVal and CsCov.
        third: u16,
        /// Checksum.
        checksum: u16,
        /// What is left of it after these eight octets.
        payload: &'a [u8],
    },
    /// A TCP segment.
    Segment {
        /// Source port.
        src_port: u16,
        /// Destination port.
        dst_port: u16,
        /// Sequence number.
        seq: u32,
    },
    /// Another protocol.
    Other {
        /// The protocol.
        protocol: u8,
        /// All that is quoted of it.
        payload: &'a [u8],
    },
    /// What a UDP, UDP-Lite or TCP socket's error queue tells: ports, and some of the payload.
    Socket {
        /// The protocol of the socket.
        protocol: u8,
        /// The port of ours that it left from.
        src_port: u16,
        /// Destination port.
        dst_port: u16,
        /// The quoted payload, behind the upper header; often empty.
        payload: &'a [u8],
    },
}

/// Who verified the checksum of a message.
#[derive(Clone, Copy)]
enum Verified {
    /// The kernel did, and delivers nothing else.
    ByKernel,
    /// Nobody yet.
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
    /// Reads what arrived.
    ///
    /// `Ok(None)` is sound and nobody's: a request, another ICMP type, an error about something else than a
    /// request, or about a later fragment. Checksums of other protocols than ICMP are not looked at: what
    /// comes from this machine or from a guest of it has none yet.
    ///
    /// # Errors
    /// How the octets fail to be a message. An error that quotes the other IP version, or less than eight
    /// octets of a header that has an identifier or ports, is one of them.
    // Inlined with what it calls: the value is large, and would be copied at each return.
    #[inline(always)]
    pub fn parse(received: &Received<'a>) -> Result<Option<Self>, Malformed> {
        let reply = |kind| Self {
            at: received.at,
            clock: received.clock,
            from: received.from,
            scope: received.scope,
            hop_limit: received.hop_limit,
            options: received.options,
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
                let quoted = Quoted::request(error.family, dst, &[], message)?;
                quoted.map(|quoted| reply(ReplyKind::queued(error, quoted, extension)))
            }
            Framing::Upper { protocol } => Some(reply(ReplyKind::upper(protocol, bytes)?)),
            Framing::Payload { protocol, local, remote } => {
                let (src_port, dst_port) = (remote, local);
                Some(reply(ReplyKind::Datagram { protocol, src_port, dst_port, payload: bytes }))
            }
            Framing::QueuedPayload { protocol, error, local, dst, extension } => {
                let missing = quote::missing(error.family, protocol);
                let (payload, extension) = extension::split_queued(error, bytes, missing, extension);
                let (src_port, dst_port) = (local, dst.port());
                let request = QuotedRequest::Socket { protocol, src_port, dst_port, payload };
                let quoted = Quoted { src: None, dst: dst.ip(), header: &[], request };
                Some(reply(ReplyKind::queued(error, quoted, extension)))
            }
            Framing::Connected { local, refused } => Some(reply(ReplyKind::Connected { local, refused })),
        })
    }
}

impl<'a> ReplyKind<'a> {
    /// Reads an ICMP message.
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

    /// Reads what a socket of this protocol got from someone, from the upper header on.
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

    /// An error from a queue: the kernel verified it.
    fn queued(error: icmp::Error, quoted: Quoted<'a>, extension: Option<&'a [u8]>) -> Self {
        Self::Error { error, checksum_ok: true, quoted, extension }
    }
}

#[cfg(test)]
mod tests;
