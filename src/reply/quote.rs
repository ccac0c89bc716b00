//! Parses the quotes in ICMP errors. Routers rewrite and cut them; nothing in a quote is trusted.

use std::net::IpAddr;

use crate::probe::Method;
use crate::wire::Family;
use crate::wire::icmp::{self, Message, Query};
use crate::wire::{Malformed, dccp, ipv4, ipv6, tcp, udp};

/// The datagram that an ICMP error quotes, as far as the quote goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quoted<'a> {
    /// Its source address; `None` where the socket does not report it.
    pub src: Option<IpAddr>,
    /// Its destination address.
    pub dst: IpAddr,
    /// Its IP header, options and extension headers included; empty where the socket does not report it.
    pub header: &'a [u8],
    /// The message in it.
    pub request: QuotedRequest<'a>,
}

/// The message that an ICMP error quotes behind the IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotedRequest<'a> {
    /// An ICMP query.
    Query {
        /// Its kind.
        method: Method,
        /// ICMP identifier.
        ident: u16,
        /// ICMP sequence number.
        seq: u16,
        /// ICMP checksum.
        checksum: u16,
        /// The quoted octets after its eight-octet ICMP header.
        payload: &'a [u8],
    },
    /// A UDP or UDP-Lite datagram, or the first eight octets of a DCCP packet: ports and checksum have the
    /// same places (RFC 768, RFC 3828 section 3.1, RFC 4340 section 5.1).
    Ports {
        /// The protocol.
        protocol: u8,
        /// These eight octets. Their third word is the UDP length or the UDP-Lite checksum coverage; of DCCP
        /// data offset, CCVal and CsCov.
        header: udp::UdpHeader,
        /// The quoted octets after these eight octets.
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
        /// All octets quoted of it.
        payload: &'a [u8],
    },
    /// From the error queue of a UDP, UDP-Lite or TCP socket: a port, and some of the payload.
    Socket {
        /// The protocol of the socket.
        protocol: u8,
        /// Destination port.
        dst_port: u16,
        /// The quoted payload, behind the upper-layer header; often empty.
        payload: &'a [u8],
    },
}

impl<'a> Quoted<'a> {
    /// Parses the quote of an ICMPv4 error; `None`: an ICMP message that is no request. The fragment offset
    /// is ignored: where a router swapped the octets of that field, "don't fragment" reads as an offset.
    pub(super) fn in_ipv4(quote: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let packet = ipv4::split_quoted(quote)?;
        let (src, dst, header) = (packet.header.src.into(), packet.header.dst.into(), packet.head);
        let request = match packet.header.protocol {
            ipv4::PROTOCOL_ICMP => QuotedRequest::icmp(Family::V4, packet.payload)?,
            protocol => Some(QuotedRequest::upper(protocol, packet.payload)?),
        };
        Ok(request.map(|request| Self { src: Some(src), dst, header, request }))
    }

    /// Parses the quote of an ICMPv6 error; `None`: an ICMP message that is no request, or a later fragment.
    /// The header is everything before the upper-layer header.
    pub(super) fn in_ipv6(quote: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let (header, payload) = ipv6::split_quoted(quote)?;
        let Some(upper) = ipv6::upper(header.next_header, payload)? else { return Ok(None) };
        let head = quote.len().checked_sub(upper.rest.len()).and_then(|len| quote.get(..len));
        let (src, dst, header) = (header.src.into(), header.dst.into(), head.unwrap_or_default());
        let request = match upper.protocol {
            ipv6::NEXT_ICMPV6 => QuotedRequest::icmp(Family::V6, upper.rest)?,
            protocol => Some(QuotedRequest::upper(protocol, upper.rest)?),
        };
        Ok(request.map(|request| Self { src: Some(src), dst, header, request }))
    }
}

impl<'a> QuotedRequest<'a> {
    /// Parses a quoted ICMP message; `None`: no request.
    pub(super) fn icmp(family: Family, message: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let checksum = message.get(2..).and_then(<[u8]>::first_chunk).copied().map_or(0, u16::from_be_bytes);
        let query = |method, query: Query<'a>| {
            let Query { ident, seq, body: payload, .. } = query;
            Some(Self::Query { method, ident, seq, checksum, payload })
        };
        Ok(match icmp::parse(family, message).map_err(|_| Malformed::ShortQuotedIcmp)? {
            Message::EchoRequest(request) => query(Method::Echo, request),
            Message::TimestampRequest(request) => query(Method::Timestamp, request),
            Message::MaskRequest(request) => query(Method::Mask, request),
            Message::EchoReply(_)
            | Message::TimestampReply(_)
            | Message::MaskReply(_)
            | Message::Error { .. }
            | Message::Other { .. } => None,
        })
    }

    /// Parses a quoted message of another protocol than ICMP, from its header on.
    fn upper(protocol: u8, octets: &'a [u8]) -> Result<Self, Malformed> {
        match protocol {
            udp::PROTOCOL_UDP | udp::PROTOCOL_UDPLITE | dccp::PROTOCOL_DCCP => {
                let (header, payload) = udp::UdpHeader::split(octets).ok_or(Malformed::ShortQuotedUpper)?;
                Ok(Self::Ports { protocol, header, payload })
            }
            tcp::PROTOCOL_TCP => {
                let [s0, s1, d0, d1, q0, q1, q2, q3] =
                    *octets.first_chunk().ok_or(Malformed::ShortQuotedUpper)?;
                Ok(Self::Segment {
                    src_port: u16::from_be_bytes([s0, s1]),
                    dst_port: u16::from_be_bytes([d0, d1]),
                    seq: u32::from_be_bytes([q0, q1, q2, q3]),
                })
            }
            _ => Ok(Self::Other { protocol, payload: octets }),
        }
    }
}

/// Octets at the start of a quote that the error queue of a socket of this protocol does not deliver: the IP
/// header without options, and the UDP header.
pub(super) const fn missing(family: Family, protocol: u8) -> usize {
    let ip = match family {
        Family::V4 => ipv4::HEADER_LEN,
        Family::V6 => ipv6::HEADER_LEN,
    };
    match protocol {
        udp::PROTOCOL_UDP | udp::PROTOCOL_UDPLITE => ip.saturating_add(udp::HEADER_LEN),
        _ => ip,
    }
}
