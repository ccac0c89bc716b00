//! Errors with a quote that is short, long, with options, rewritten or forged.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use rping::datagram::Framing;
use rping::probe::Method;
use rping::reply::{Quoted, QuotedRequest, Reply, ReplyKind};
use rping::wire::Family;
use rping::wire::icmp::{self, Message, Query};
use rping::wire::{Malformed, ipv4, ipv6, udp};

use super::load::received;

const ROUTER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 254));
const DST4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const DST6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

/// The verdict on a time-exceeded with this quote: the quoted request, or why there is none.
type Verdict = Result<Option<Seen>, Malformed>;

/// What of a quoted request must be right.
#[derive(Debug, PartialEq)]
struct Seen {
    dst: IpAddr,
    method: Method,
    ident: u16,
    seq: u16,
    header: usize,
    payload: usize,
}

/// The echo request below, quoted under so many octets of header, with so many of payload.
fn seen(dst: impl Into<IpAddr>, header: usize, payload: usize) -> Verdict {
    Ok(Some(Seen { dst: dst.into(), method: Method::Echo, ident: 0x1234, seq: 7, header, payload }))
}

/// An echo request with `payload` octets of data.
fn request(family: Family, payload: usize) -> Vec<u8> {
    let body = vec![0x5a; payload];
    let mut message = vec![0; icmp::HEADER_LEN + payload];
    Message::EchoRequest(Query { code: 0, ident: 0x1234, seq: 7, body: &body }).emit(family, &mut message);
    message
}

fn time_exceeded(family: Family, quote: &[u8]) -> Verdict {
    let icmp_type = match family {
        Family::V4 => icmp::v4::TIME_EXCEEDED,
        Family::V6 => icmp::v6::TIME_EXCEEDED,
    };
    let error = icmp::Error { family, icmp_type, code: 0, info: 0 };
    let mut message = vec![0; icmp::HEADER_LEN + quote.len()];
    Message::Error { error, quoted: quote }.emit(family, &mut message);
    let framing = match family {
        Family::V4 => Framing::Icmpv4,
        Family::V6 => Framing::Icmpv6,
    };
    let Some(reply) = Reply::parse(&received(framing, &message, ROUTER))? else { return Ok(None) };
    let ReplyKind::Error { error: read, quoted, .. } = reply.kind else { panic!("{reply:?} is no error") };
    assert_eq!(read, error);
    let Quoted { dst, header, request, .. } = quoted;
    // Something else than a request of ICMP is none that these tests follow.
    let QuotedRequest::Query { method, ident, seq, payload, .. } = request else { return Ok(None) };
    Ok(Some(Seen { dst, method, ident, seq, header: header.len(), payload: payload.len() }))
}

fn header4(protocol: u8) -> ipv4::Ipv4Header {
    ipv4::Ipv4Header {
        tos: 0,
        total_len: 84,
        id: 0,
        flags: 2,
        fragment_offset: 0,
        ttl: 1,
        protocol,
        checksum: 0,
        src: Ipv4Addr::new(198, 51, 100, 1),
        dst: DST4,
    }
}

/// An IPv4 datagram around `payload`.
fn datagram4(header: ipv4::Ipv4Header, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut head = [0; 60];
    let len = ipv4::emit(&header, options, &mut head);
    [&head[..len], payload].concat()
}

/// An IPv6 datagram around `payload`, which begins with a header of kind `next_header`.
fn datagram6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    let header = ipv6::Ipv6Header {
        traffic_class: 0,
        flow_label: 0,
        payload_len: 64,
        next_header,
        hop_limit: 1,
        src: Ipv6Addr::LOCALHOST,
        dst: DST6,
    };
    let mut head = [0; ipv6::HEADER_LEN];
    ipv6::emit(&header, &mut head);
    [&head[..], payload].concat()
}

#[test]
fn a_quote_of_any_length_up_to_600_is_followed_as_soon_as_it_holds_the_request() {
    let plain = datagram4(header4(1), &[], &request(Family::V4, 580));
    let optioned = datagram4(header4(1), &[1; 40], &request(Family::V4, 580));
    let v6 = datagram6(ipv6::NEXT_ICMPV6, &request(Family::V6, 580));
    for len in 0..=600 {
        let expected = match len {
            0..20 => Err(Malformed::ShortQuote),
            20..28 => Err(Malformed::ShortQuotedIcmp),
            _ => seen(DST4, 20, len - 28),
        };
        assert_eq!(time_exceeded(Family::V4, &plain[..len]), expected, "{len} octets");
        let expected = match len {
            0..20 => Err(Malformed::ShortQuote),
            20..60 => Err(Malformed::QuotedHeaderLength),
            60..68 => Err(Malformed::ShortQuotedIcmp),
            _ => seen(DST4, 60, len - 68),
        };
        assert_eq!(time_exceeded(Family::V4, &optioned[..len]), expected, "{len} octets with options");
        let expected = match len {
            0..40 => Err(Malformed::ShortQuote),
            40..48 => Err(Malformed::ShortQuotedIcmp),
            _ => seen(DST6, 40, len - 48),
        };
        assert_eq!(time_exceeded(Family::V6, &v6[..len]), expected, "{len} octets of IPv6");
    }
}

#[test]
fn a_quoted_header_length_is_followed_where_it_fits() {
    for ihl in 0..=15 {
        for len in 0..=100 {
            let mut quote = datagram4(header4(1), &[], &[0; 80]);
            quote[0] = 0x40 | ihl;
            let head = usize::from(ihl) * 4;
            if ihl >= 5 {
                let request = request(Family::V4, 0);
                quote[head..head + 8].copy_from_slice(&request);
            }
            let expected = if len < 20 {
                Err(Malformed::ShortQuote)
            } else if ihl < 5 || head > len {
                Err(Malformed::QuotedHeaderLength)
            } else if head + 8 > len {
                Err(Malformed::ShortQuotedIcmp)
            } else {
                seen(DST4, head, len - head - 8)
            };
            assert_eq!(time_exceeded(Family::V4, &quote[..len]), expected, "IHL {ihl}, {len} octets");
        }
    }
}

/// The rows of FreeBSD's sbin/ping/tests/test_ping.py that concern parsing, repeated here: the request
/// is found behind any options of the quoted header.
#[test]
fn the_request_is_found_behind_any_options_of_a_quoted_header() {
    let route =
        |kind: u8, len: u8, pointer: u8| [&[kind, len, pointer][..], &[10, 0, 0, 1].repeat(9)].concat();
    let stamps = |len: u8, flag: u8| [&[68, len, 37, flag][..], &[0, 0, 0, 9].repeat(9)].concat();
    let rows: [(&str, Vec<u8>); 24] = [
        ("none", vec![]),
        ("end of list", vec![0]),
        ("no operation", vec![1]),
        ("forty of them", vec![1; 40]),
        ("record route, full", route(7, 39, 40)),
        ("record route, empty", route(7, 39, 4)),
        ("record route, truncated", route(7, 39, 40)[..15].to_vec()),
        ("loose source route, full", route(131, 39, 40)),
        ("loose source route, truncated", route(131, 39, 40)[..15].to_vec()),
        ("strict source route, full", route(137, 39, 40)),
        ("strict source route, truncated", route(137, 39, 40)[..15].to_vec()),
        ("record route of length 0", route(7, 0, 4)),
        ("record route of length 1", route(7, 1, 4)),
        ("record route of length 2", route(7, 2, 4)),
        ("record route of length 255", route(7, 255, 4)),
        ("record route with pointer 0", route(7, 39, 0)),
        ("record route with pointer 255", route(7, 39, 255)),
        ("timestamps, full", stamps(40, 0)),
        ("timestamps with addresses", stamps(36, 1)),
        ("timestamps with a flag unheard of", stamps(40, 0xf)),
        ("timestamps, truncated", stamps(40, 0)[..9].to_vec()),
        ("timestamps of length 0", stamps(0, 0)),
        ("unknown option", vec![0x9f, 4, 1, 2]),
        ("unknown option of length 255", vec![0x9f, 255]),
    ];
    for (name, options) in rows {
        let quote = datagram4(header4(1), &options, &request(Family::V4, 56));
        let header = 20 + options.len().next_multiple_of(4);
        assert_eq!(time_exceeded(Family::V4, &quote), seen(DST4, header, 56), "{name}");
        super::walk(&quote[20..header]);
    }
}

/// What a time-exceeded with this quote is read as.
fn request_in(family: Family, quote: &[u8]) -> Result<Option<Quoted<'static>>, Malformed> {
    let icmp_type = match family {
        Family::V4 => icmp::v4::TIME_EXCEEDED,
        Family::V6 => icmp::v6::TIME_EXCEEDED,
    };
    let error = icmp::Error { family, icmp_type, code: 0, info: 0 };
    let mut message = vec![0; icmp::HEADER_LEN + quote.len()];
    Message::Error { error, quoted: quote }.emit(family, &mut message);
    let framing = match family {
        Family::V4 => Framing::Icmpv4,
        Family::V6 => Framing::Icmpv6,
    };
    let reply = Reply::parse(&received(framing, message.leak(), ROUTER))?;
    Ok(reply.map(|reply| match reply.kind {
        ReplyKind::Error { quoted, .. } => quoted,
        kind => panic!("{kind:?} is no error"),
    }))
}

/// What is behind the header of a quote of this protocol: `octets` as they are read.
fn expected(protocol: u8, octets: &[u8; 12], len: usize) -> Result<QuotedRequest<'_>, Malformed> {
    let word = |at: usize| u16::from_be_bytes([octets[at], octets[at + 1]]);
    let payload = &octets[len.min(8)..len];
    let (src_port, dst_port) = (word(0), word(2));
    match protocol {
        6 | 17 | 33 | 136 if len < 8 => Err(Malformed::ShortQuotedUpper),
        6 => Ok(QuotedRequest::Segment { src_port, dst_port, seq: 0x0405_0607 }),
        17 | 33 | 136 => {
            let header = udp::UdpHeader { src_port, dst_port, third: word(4), checksum: word(6) };
            Ok(QuotedRequest::Ports { protocol, header, payload })
        }
        _ => Ok(QuotedRequest::Other { protocol, payload: &octets[..len] }),
    }
}

#[test]
fn a_quote_of_any_protocol_is_read_by_that_protocols_header() {
    let octets = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    for protocol in 0..=255 {
        for len in [0, 7, 8, 12] {
            let (v4, v6) = (header4(protocol), [0, 43, 44, 51, 58, 60]);
            if protocol != ipv4::PROTOCOL_ICMP {
                let quote = datagram4(v4, &[1; 4], &octets[..len]);
                let read = request_in(Family::V4, &quote);
                let expected = expected(protocol, &octets, len).map(|request| {
                    Some(Quoted { src: Some(v4.src.into()), dst: DST4.into(), header: &quote[..24], request })
                });
                assert_eq!(read, expected, "protocol {protocol}, {len} octets");
            }
            if !v6.contains(&protocol) {
                let chain = [&[protocol, 0, 0, 0, 0, 0, 0, 0], &octets[..len]].concat();
                let quote = datagram6(60, &chain);
                let read = request_in(Family::V6, &quote);
                let expected = expected(protocol, &octets, len).map(|request| {
                    let src = Some(Ipv6Addr::LOCALHOST.into());
                    Some(Quoted { src, dst: DST6.into(), header: &quote[..48], request })
                });
                assert_eq!(read, expected, "protocol {protocol}, {len} octets");
            }
        }
    }
}

#[test]
fn a_quote_without_a_request_belongs_to_no_probe() {
    let quoting =
        |protocol: u8, payload: &[u8]| time_exceeded(Family::V4, &datagram4(header4(protocol), &[], payload));
    for icmp_type in 0..=255 {
        let expected = match icmp_type {
            8 => Ok(Some(Method::Echo)),
            13 => Ok(Some(Method::Timestamp)),
            17 => Ok(Some(Method::Mask)),
            _ => Ok(None),
        };
        let verdict = quoting(1, &[icmp_type, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(verdict.map(|seen| seen.map(|seen| seen.method)), expected, "ICMP type {icmp_type}");
        let quote = datagram6(ipv6::NEXT_ICMPV6, &[icmp_type, 0, 0, 0, 0, 0, 0, 0]);
        let expected = Ok((icmp_type == 128).then_some(Method::Echo));
        let verdict = time_exceeded(Family::V6, &quote);
        assert_eq!(verdict.map(|seen| seen.map(|seen| seen.method)), expected, "ICMPv6 type {icmp_type}");
    }
}

#[test]
fn a_quote_of_the_other_ip_version_is_malformed() {
    let v4 = datagram4(header4(1), &[], &request(Family::V4, 56));
    let v6 = datagram6(ipv6::NEXT_ICMPV6, &request(Family::V6, 56));
    assert_eq!(time_exceeded(Family::V6, &v4), Err(Malformed::QuotedVersion));
    assert_eq!(time_exceeded(Family::V4, &v6), Err(Malformed::QuotedVersion));
}

#[test]
fn a_chain_of_extension_headers_is_followed_to_the_request() {
    let request = request(Family::V6, 16);
    let quoting = |first: u8, chain: &[&[u8]]| {
        time_exceeded(Family::V6, &datagram6(first, &[&chain.concat()[..], &request].concat()))
    };
    let last: &[u8] = &[58, 0, 0, 0, 0, 0, 0, 0];
    for (name, first) in [("hop-by-hop", 0), ("routing", 43), ("fragment", 44), ("destination", 60)] {
        assert_eq!(quoting(first, &[last]), seen(DST6, 48, 16), "{name}");
    }
    assert_eq!(quoting(51, &[&[58, 1], &[0; 10]]), seen(DST6, 52, 16), "authentication");
    assert_eq!(
        quoting(0, &[&[43, 0, 0, 0, 0, 0, 0, 0], &[44, 0, 0, 0, 0, 0, 0, 0], last]),
        seen(DST6, 64, 16)
    );
    let mobility = request_in(Family::V6, &datagram6(135, last));
    let unknown = QuotedRequest::Other { protocol: 135, payload: last };
    assert_eq!(mobility.map(|quoted| quoted.map(|quoted| quoted.request)), Ok(Some(unknown)), "not followed");
    assert_eq!(quoting(44, &[&[58, 0, 0, 8, 0, 0, 0, 0]]), Ok(None), "a later fragment");
    assert_eq!(quoting(60, &[&[58, 3, 0, 0, 0, 0, 0, 0]]), Err(Malformed::ShortQuotedIcmp), "too long by 24");
    assert_eq!(quoting(60, &[&[58, 4, 0, 0, 0, 0, 0, 0]]), Err(Malformed::QuotedExtension), "too long by 32");
    let fifty = [60, 0, 0, 0, 0, 0, 0, 0].repeat(50);
    assert_eq!(quoting(60, &[&fifty, last]), Err(Malformed::QuotedChain));
}

#[test]
fn each_way_to_be_malformed_has_an_example() {
    let parse = |framing, bytes: &[u8]| Reply::parse(&received(framing, bytes, ROUTER)).err();
    let datagram = datagram4(header4(1), &[], &request(Family::V4, 0));
    let with_first = |first: u8| [&[first], &datagram[1..]].concat();
    assert_eq!(parse(Framing::Ipv4, &datagram[..19]), Some(Malformed::ShortIp));
    assert_eq!(parse(Framing::Ipv4, &with_first(0x65)), Some(Malformed::IpVersion));
    assert_eq!(parse(Framing::Ipv4, &with_first(0x44)), Some(Malformed::IpHeaderLength));
    assert_eq!(parse(Framing::Ipv4, &datagram[..27]), Some(Malformed::ShortIcmp));
    assert_eq!(parse(Framing::Icmpv4, &[0; 7]), Some(Malformed::ShortIcmp));
    assert_eq!(parse(Framing::Icmpv6, &[129; 7]), Some(Malformed::ShortIcmp));
    let error = icmp::Error { family: Family::V4, icmp_type: 11, code: 0, info: 0 };
    let queued = Framing::Queued { error, dst: ROUTER, extension: None };
    assert_eq!(parse(queued, &[8; 7]), Some(Malformed::ShortQuotedIcmp));
    assert_eq!(time_exceeded(Family::V4, &[]), Err(Malformed::ShortQuote));
    assert_eq!(time_exceeded(Family::V4, &with_first(0x65)), Err(Malformed::QuotedVersion));
    assert_eq!(time_exceeded(Family::V4, &with_first(0x4f)), Err(Malformed::QuotedHeaderLength));
    assert_eq!(time_exceeded(Family::V4, &datagram[..27]), Err(Malformed::ShortQuotedIcmp));
    assert_eq!(parse(Framing::Upper { protocol: 6 }, &[0; 19]), Some(Malformed::ShortUpper));
    assert_eq!(
        time_exceeded(Family::V4, &datagram4(header4(17), &[], &[0; 7])),
        Err(Malformed::ShortQuotedUpper)
    );
    assert_eq!(time_exceeded(Family::V6, &datagram6(0, &[])), Err(Malformed::QuotedExtension));
    assert_eq!(
        time_exceeded(Family::V6, &datagram6(60, &[60, 0, 0, 0, 0, 0, 0, 0].repeat(17))),
        Err(Malformed::QuotedChain)
    );
}

proptest! {
    #[test]
    fn a_quote_is_followed_whatever_routers_did_to_its_other_fields(
        head in any::<[u8; 20]>(),
        options in 0..=10_u8,
        payload in 0..100_usize,
    ) {
        let mut head = head;
        head[0] = 0x40 | (5 + options);
        head[9] = 1;
        let dst = Ipv4Addr::from(*head.last_chunk::<4>().unwrap());
        let options = vec![0xee; usize::from(options) * 4];
        let quote = [&head[..], &options, &request(Family::V4, payload)].concat();
        prop_assert_eq!(time_exceeded(Family::V4, &quote), seen(dst, 20 + options.len(), payload));
    }

    #[test]
    fn any_valid_chain_of_up_to_sixteen_headers_is_followed(
        kinds in prop::collection::vec(
            (prop::sample::select(vec![0_u8, 43, 44, 51, 60]), 0..4_u8), 0..=ipv6::MAX_EXTENSIONS),
    ) {
        let nexts = kinds.iter().skip(1).map(|(kind, _)| *kind).chain([58]);
        let chain: Vec<u8> = kinds.iter().zip(nexts).flat_map(|((kind, len), next)| {
            let octets = match kind {
                44 => 8,
                51 => 4 * (usize::from(*len) + 2),
                _ => 8 * (usize::from(*len) + 1),
            };
            let mut header = vec![0; octets];
            header[0] = next;
            header[1] = *len;
            header
        }).collect();
        let first = kinds.first().map_or(58, |(kind, _)| *kind);
        let quote = datagram6(first, &[&chain[..], &request(Family::V6, 3)].concat());
        prop_assert_eq!(time_exceeded(Family::V6, &quote), seen(DST6, 40 + chain.len(), 3));
    }

    #[test]
    fn any_octets_as_a_chain_are_parsed_or_rejected(
        first in prop::sample::select(vec![0_u8, 43, 44, 51, 60]),
        octets in prop::collection::vec(prop_oneof![any::<u8>(), 0..2_u8, Just(60_u8)], 0..200),
    ) {
        let _ = time_exceeded(Family::V6, &datagram6(first, &octets));
    }
}
