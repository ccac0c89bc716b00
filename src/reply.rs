//! Replies, and the one place where identity is read out of what arrives.
//!
//! It refuses to know what was sent: whether a reply is ours, its reader decides.

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

use std::net::IpAddr;

use crate::clock::Instant;
use crate::datagram::{Framing, Received};
use crate::probe::Method;
use crate::wire::icmp::{self, Family, Message, Query};
use crate::wire::{Malformed, checksum, ipv4, ipv6};

/// Something that arrived and could concern one of our probes.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// When it arrived.
    pub at: Instant,
    /// Who sent it.
    pub from: IpAddr,
    /// TTL or hop limit it arrived with.
    pub hop_limit: Option<u8>,
    /// IPv4 options it arrived with.
    pub options: &'a [u8],
    /// What it says.
    pub kind: Kind<'a>,
}

/// What a reply says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
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
        /// The request it is about, as quoted.
        quoted: Quoted<'a>,
    },
}

/// The request that an ICMP error quotes, as far as the quote goes. Nothing in it is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    /// Where the request was going.
    pub dst: IpAddr,
    /// What it asked.
    pub method: Method,
    /// ICMP identifier.
    pub ident: u16,
    /// ICMP sequence number.
    pub seq: u16,
    /// The quoted IP header, options included; empty where the socket does not give it.
    pub header: &'a [u8],
    /// What is left of the request after its eight-octet ICMP header.
    pub payload: &'a [u8],
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
    /// `Ok(None)` is sound and nobody's: a request, another ICMP type, another protocol, an error about
    /// somebody's UDP.
    ///
    /// # Errors
    /// How the octets fail to be a message. An error that quotes the other IP version, or quotes too
    /// little to hold the eight-octet ICMP header of a request, is one of them.
    pub fn parse(received: &Received<'a>) -> Result<Option<Self>, Malformed> {
        let reply = |kind| Self {
            at: received.at,
            from: received.from,
            hop_limit: received.hop_limit,
            options: received.options,
            kind,
        };
        let bytes = received.bytes;
        Ok(match received.framing {
            Framing::Ipv4 => {
                let packet = ipv4::split(bytes)?;
                if packet.header.protocol != ipv4::PROTOCOL_ICMP {
                    return Ok(None);
                }
                let kind = Kind::parse(Family::V4, packet.payload, Verified::NotYet)?;
                let hop_limit = Some(packet.header.ttl);
                kind.map(|kind| Self { hop_limit, options: packet.options, ..reply(kind) })
            }
            Framing::Icmpv4 => Kind::parse(Family::V4, bytes, Verified::ByKernel)?.map(reply),
            Framing::Icmpv6 => Kind::parse(Family::V6, bytes, Verified::ByKernel)?.map(reply),
            Framing::Queued { error, dst } => Quoted::request(error.family, dst, &[], bytes)?
                .map(|quoted| reply(Kind::Error { error, checksum_ok: true, quoted })),
        })
    }
}

impl<'a> Kind<'a> {
    /// Reads an ICMP message.
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
            Message::Error { error, quoted } => {
                let quoted = match family {
                    Family::V4 => Quoted::in_ipv4(quoted)?,
                    Family::V6 => Quoted::in_ipv6(quoted)?,
                };
                quoted.map(|quoted| Self::Error { error, checksum_ok: verified.holds(message), quoted })
            }
            Message::EchoRequest(_)
            | Message::TimestampRequest(_)
            | Message::MaskRequest(_)
            | Message::Other { .. } => None,
        })
    }
}

impl<'a> Quoted<'a> {
    /// Reads the quote of an ICMPv4 error. Its fragment offset is not looked at: where a router swapped
    /// the octets of that field, "don't fragment" reads as an offset.
    fn in_ipv4(quote: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let packet = ipv4::split_quoted(quote)?;
        if packet.header.protocol != ipv4::PROTOCOL_ICMP {
            return Ok(None);
        }
        Self::request(Family::V4, packet.header.dst.into(), packet.head, packet.payload)
    }

    /// Reads the quote of an ICMPv6 error; its header is all that precedes the ICMP header.
    fn in_ipv6(quote: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let (header, payload) = ipv6::split_quoted(quote)?;
        let Some(upper) = ipv6::upper(header.next_header, payload)? else { return Ok(None) };
        if upper.protocol != ipv6::NEXT_ICMPV6 {
            return Ok(None);
        }
        let head = quote.len().checked_sub(upper.rest.len()).and_then(|len| quote.get(..len));
        Self::request(Family::V6, header.dst.into(), head.unwrap_or_default(), upper.rest)
    }

    /// Reads a quoted ICMP message; `None` when it is no request.
    fn request(
        family: Family,
        dst: IpAddr,
        header: &'a [u8],
        message: &'a [u8],
    ) -> Result<Option<Self>, Malformed> {
        let quoted = |method, query: Query<'a>| {
            Some(Self { dst, method, ident: query.ident, seq: query.seq, header, payload: query.body })
        };
        Ok(match icmp::parse(family, message).map_err(|_| Malformed::ShortQuotedIcmp)? {
            Message::EchoRequest(query) => quoted(Method::Echo, query),
            Message::TimestampRequest(query) => quoted(Method::Timestamp, query),
            Message::MaskRequest(query) => quoted(Method::Mask, query),
            Message::EchoReply(_)
            | Message::TimestampReply(_)
            | Message::MaskReply(_)
            | Message::Error { .. }
            | Message::Other { .. } => None,
        })
    }
}
