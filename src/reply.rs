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
use crate::datagram::{Framing, Received, Source};
use crate::probe::Method;
use crate::wire::icmp::{self, Family, Message, Query};
use crate::wire::{Malformed, checksum, ipv4, ipv6};

/// Something that arrived and could concern one of our probes.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// When it arrived.
    pub at: Instant,
    /// Whose clock says so.
    pub source: Source,
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
        /// The datagram it is about, as quoted.
        quoted: Quoted<'a>,
        /// The extension structure behind the quote, unverified (RFC 4884 section 7).
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
        /// What follows the header (the whole, where the protocol is not known here).
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
    pub request: Request<'a>,
}

/// What an ICMP error quotes behind the IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
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
    /// `Ok(None)` is sound and nobody's: a request, another ICMP type, another protocol, an error about
    /// somebody's UDP.
    ///
    /// # Errors
    /// How the octets fail to be a message. An error that quotes the other IP version, or quotes too
    /// little to hold the eight-octet ICMP header of a request, is one of them.
    pub fn parse(received: &Received<'a>) -> Result<Option<Self>, Malformed> {
        let reply = |kind| Self {
            at: received.at,
            source: received.source,
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
            Framing::Queued { error, dst, extension: _ } => Quoted::request(error.family, dst, &[], bytes)?
                .map(|quoted| reply(Kind::Error { error, checksum_ok: true, quoted, extension: None })),
            Framing::Upper { .. }
            | Framing::Payload { .. }
            | Framing::QueuedPayload { .. }
            | Framing::Connected { .. } => None,
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
                quoted.map(|quoted| {
                    let checksum_ok = verified.holds(message);
                    Self::Error { error, checksum_ok, quoted, extension: None }
                })
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
        let quoted = Self::request(Family::V4, packet.header.dst.into(), packet.head, packet.payload)?;
        Ok(quoted.map(|quoted| Self { src: Some(packet.header.src.into()), ..quoted }))
    }

    /// Reads the quote of an ICMPv6 error; its header is all that precedes the ICMP header.
    fn in_ipv6(quote: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let (header, payload) = ipv6::split_quoted(quote)?;
        let Some(upper) = ipv6::upper(header.next_header, payload)? else { return Ok(None) };
        if upper.protocol != ipv6::NEXT_ICMPV6 {
            return Ok(None);
        }
        let head = quote.len().checked_sub(upper.rest.len()).and_then(|len| quote.get(..len));
        let quoted = Self::request(Family::V6, header.dst.into(), head.unwrap_or_default(), upper.rest)?;
        Ok(quoted.map(|quoted| Self { src: Some(header.src.into()), ..quoted }))
    }

    /// Reads a quoted ICMP message; `None` when it is no request.
    fn request(
        family: Family,
        dst: IpAddr,
        header: &'a [u8],
        message: &'a [u8],
    ) -> Result<Option<Self>, Malformed> {
        let checksum = message.get(2..).and_then(<[u8]>::first_chunk).copied().map_or(0, u16::from_be_bytes);
        let quoted = |method, query: Query<'a>| {
            let Query { ident, seq, body: payload, .. } = query;
            let request = Request::Query { method, ident, seq, checksum, payload };
            Some(Self { src: None, dst, header, request })
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
        Received { at, source: Source::User, from: ROUTER, hop_limit: Some(9), options: &[1], framing, bytes }
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
            let checksum = u16::from_be_bytes([message[2], message[3]]);
            let request = Request::Query { method, ident: 0x1234, seq: 3, checksum, payload: &message[8..] };
            let quoted = Quoted { src: None, dst, header: &[], request };
            let received = received(Framing::Queued { error, dst, extension: None }, &message);
            let reply = Reply::parse(&received).unwrap().unwrap();
            assert_eq!(reply.kind, Kind::Error { error, checksum_ok: true, quoted, extension: None });
            assert_eq!((reply.from, reply.hop_limit), (ROUTER, Some(9)));
            if method == Method::Echo {
                assert_eq!(message[8..16], identity().token(probe.number, dst));
            }
        }
    }
}
