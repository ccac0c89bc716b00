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

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;
    use crate::probe::{Identity, Payload, Probe};

    const ROUTER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 254));
    const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

    fn received(framing: Framing, bytes: &[u8]) -> Received<'_> {
        let at = Instant::from_nanos(7);
        Received { at, from: ROUTER, hop_limit: Some(9), options: &[1], framing, bytes }
    }

    fn identity() -> Identity {
        Identity { ident: 0x1234, key: [7; 16] }
    }

    fn emitted(probe: Probe, payload: &Payload) -> Vec<u8> {
        let mut buffer = [0xa5; 64];
        let len = probe.emit(&identity(), payload, &mut buffer);
        buffer[..len].to_vec()
    }

    #[test]
    fn a_raw_socket_tells_hop_limit_and_options_in_the_header() {
        let datagram = [
            0x46, 0, 0, 36, 0, 0, 0, 0, 61, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 0, // IPv4
            0, 0, 0x4f, 0x2c, 0x12, 0x34, 1, 2, 0xde, 0xad, 0xbe, 0xef, // ICMP
            0, 0, // beyond the total length
        ];
        let expected = Kind::Answer {
            method: Method::Echo,
            code: 0,
            ident: 0x1234,
            seq: 0x0102,
            len: 12,
            checksum_ok: true,
            body: &[0xde, 0xad, 0xbe, 0xef],
        };
        let received = received(Framing::Ipv4, &datagram);
        let reply = Reply::parse(&received).unwrap().unwrap();
        assert_eq!((reply.at, reply.from), (received.at, ROUTER));
        assert_eq!((reply.hop_limit, reply.options), (Some(61), &[1, 1, 1, 0][..]));
        assert_eq!(reply.kind, expected);
    }

    #[test]
    fn only_a_raw_socket_leaves_the_checksum_to_us() {
        let datagram =
            [0x45, 0, 0, 28, 0, 0, 0, 0, 61, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 0, 0, 1, 0, 1];
        let sound = |framing, bytes| match Reply::parse(&received(framing, bytes)) {
            Ok(Some(Reply { kind: Kind::Answer { checksum_ok, .. }, hop_limit, options, .. })) => {
                Some((checksum_ok, hop_limit, options.len()))
            }
            _ => None,
        };
        assert_eq!(sound(Framing::Ipv4, &datagram), Some((false, Some(61), 0)));
        assert_eq!(sound(Framing::Icmpv4, &datagram[20..]), Some((true, Some(9), 1)));
        assert_eq!(sound(Framing::Icmpv6, &[129, 0, 0, 0, 0, 1, 0, 1]), Some((true, Some(9), 1)));
    }

    #[test]
    fn another_protocol_on_a_raw_socket_is_nobodys() {
        let mut datagram = [0; 28];
        (datagram[0], datagram[9]) = (0x45, 17);
        assert!(matches!(Reply::parse(&received(Framing::Ipv4, &datagram)), Ok(None)));
    }

    #[test]
    fn requests_and_unheard_of_types_are_nobodys() {
        let nobodys = |framing, icmp_type| {
            let octets = [icmp_type, 0, 0, 0, 0, 0, 0, 0];
            matches!(Reply::parse(&received(framing, &octets)), Ok(None))
        };
        for icmp_type in [1, 2, 6, 7, 8, 9, 10, 13, 15, 16, 17, 19, 30, 42, 43, 255] {
            assert!(nobodys(Framing::Icmpv4, icmp_type), "ICMPv4 type {icmp_type}");
        }
        for icmp_type in [128, 130, 133, 135, 136, 137, 160, 161, 255] {
            assert!(nobodys(Framing::Icmpv6, icmp_type), "ICMPv6 type {icmp_type}");
        }
    }

    #[test]
    fn every_probe_is_recognised_where_an_error_queue_quotes_it() {
        let payload = Payload::new(12, None);
        for (method, dst, family) in [
            (Method::Echo, V4, Family::V4),
            (Method::Timestamp, V4, Family::V4),
            (Method::Mask, V4, Family::V4),
            (Method::Echo, V6, Family::V6),
        ] {
            let probe = Probe { number: 0x2_0003, dst, method, originate: 5 };
            let message = emitted(probe, &payload);
            let error = icmp::Error { family, icmp_type: 3, code: 1, info: 0 };
            let quoted = Quoted { dst, method, ident: 0x1234, seq: 3, header: &[], payload: &message[8..] };
            let received = received(Framing::Queued { error, dst }, &message);
            let reply = Reply::parse(&received).unwrap().unwrap();
            assert_eq!(reply.kind, Kind::Error { error, checksum_ok: true, quoted });
            assert_eq!((reply.from, reply.hop_limit), (ROUTER, Some(9)));
            if method == Method::Echo {
                assert_eq!(message[8..16], identity().token(probe.number, dst));
            }
        }
    }
}
