//! Reads what ICMP errors quote. Routers rewrite, cut and lie; nothing of it is trusted.

use std::net::IpAddr;

use super::{Quoted, QuotedRequest};
use crate::probe::Method;
use crate::wire::Family;
use crate::wire::icmp::{self, Message, Query};
use crate::wire::{Malformed, dccp, ipv4, ipv6, tcp, udp};

impl<'a> Quoted<'a> {
    /// Reads the quote of an ICMPv4 error. Its fragment offset is not looked at: where a router swapped
    /// the octets of that field, "don't fragment" reads as an offset.
    pub(super) fn in_ipv4(quote: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let packet = ipv4::split_quoted(quote)?;
        let (src, dst) = (packet.header.src.into(), packet.header.dst.into());
        Ok(match packet.header.protocol {
            ipv4::PROTOCOL_ICMP => Self::request(Family::V4, dst, packet.head, packet.payload)?
                .map(|quoted| Self { src: Some(src), ..quoted }),
            protocol => {
                let request = QuotedRequest::upper(protocol, packet.payload)?;
                Some(Self { src: Some(src), dst, header: packet.head, request })
            }
        })
    }

    /// Reads the quote of an ICMPv6 error; its header is all that precedes the upper header.
    pub(super) fn in_ipv6(quote: &'a [u8]) -> Result<Option<Self>, Malformed> {
        let (header, payload) = ipv6::split_quoted(quote)?;
        let Some(upper) = ipv6::upper(header.next_header, payload)? else { return Ok(None) };
        let head = quote.len().checked_sub(upper.rest.len()).and_then(|len| quote.get(..len));
        let head = head.unwrap_or_default();
        let (src, dst) = (header.src.into(), header.dst.into());
        Ok(match upper.protocol {
            ipv6::NEXT_ICMPV6 => Self::request(Family::V6, dst, head, upper.rest)?
                .map(|quoted| Self { src: Some(src), ..quoted }),
            protocol => {
                let request = QuotedRequest::upper(protocol, upper.rest)?;
                Some(Self { src: Some(src), dst, header: head, request })
            }
        })
    }

    /// Reads a quoted ICMP message; `None` when it is no request.
    pub(super) fn request(
        family: Family,
        dst: IpAddr,
        header: &'a [u8],
        message: &'a [u8],
    ) -> Result<Option<Self>, Malformed> {
        let checksum = message.get(2..).and_then(<[u8]>::first_chunk).copied().map_or(0, u16::from_be_bytes);
        let quoted = |method, query: Query<'a>| {
            let Query { ident, seq, body: payload, .. } = query;
            let request = QuotedRequest::Query { method, ident, seq, checksum, payload };
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

impl<'a> QuotedRequest<'a> {
    /// Reads what is quoted of another protocol than ICMP, from its header on.
    fn upper(protocol: u8, octets: &'a [u8]) -> Result<Self, Malformed> {
        match protocol {
            udp::PROTOCOL_UDP | udp::PROTOCOL_UDPLITE | dccp::PROTOCOL_DCCP => {
                let (header, payload) = udp::UdpHeader::split(octets).ok_or(Malformed::ShortQuotedUpper)?;
                let udp::UdpHeader { src_port, dst_port, third, checksum } = header;
                Ok(Self::Ports { protocol, src_port, dst_port, third, checksum, payload })
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

/// Octets of a quote that the error queue of a socket of this protocol keeps to itself: an IP header without
/// options, and that of UDP.
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
