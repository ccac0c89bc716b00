use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;
use crate::probe::{Identity, Payload, Probe};

const ROUTER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 254));
const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

fn received(framing: Framing, bytes: &[u8]) -> Received<'_> {
    let at = Instant::from_nanos(7);
    Received {
        at,
        clock: ClockSource::User,
        from: ROUTER,
        scope: 0,
        hop_limit: Some(9),
        options: &[1],
        probe: None,
        framing,
        bytes,
    }
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
fn the_header_from_a_raw_socket_has_the_hop_limit_and_the_options() {
    let datagram = [
        0x46, 0, 0, 36, 0, 0, 0, 0, 61, 1, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 1, 1, 0, // IPv4
        0, 0, 0x4f, 0x2c, 0x12, 0x34, 1, 2, 0xde, 0xad, 0xbe, 0xef, // ICMP
        0, 0, // beyond the total length
    ];
    let expected = ReplyKind::Answer {
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
    let parsed = |framing, bytes| match Reply::parse(&received(framing, bytes)) {
        Ok(Some(Reply { kind: ReplyKind::Answer { checksum_ok, .. }, hop_limit, options, .. })) => {
            Some((checksum_ok, hop_limit, options.len()))
        }
        _ => None,
    };
    assert_eq!(parsed(Framing::Ipv4, &datagram), Some((false, Some(61), 0)));
    assert_eq!(parsed(Framing::Icmpv4, &datagram[20..]), Some((true, Some(9), 1)));
    assert_eq!(parsed(Framing::Icmpv6, &[129, 0, 0, 0, 0, 1, 0, 1]), Some((true, Some(9), 1)));
}

/// The same kind from a raw IPv4 socket, which gives the IP header too, and from a raw IPv6 socket.
fn upper(protocol: u8, octets: &[u8]) -> Result<ReplyKind<'_>, Malformed> {
    let mut datagram = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 61, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
    datagram.extend(octets);
    let datagram: &'static [u8] = datagram.leak();
    let kind = |framing, bytes| Reply::parse(&received(framing, bytes)).map(|reply| reply.unwrap().kind);
    let v4 = kind(Framing::Ipv4, datagram);
    assert_eq!(kind(Framing::Upper { protocol }, &datagram[20..]), v4);
    v4
}

#[test]
fn other_protocols_on_raw_sockets_are_read_by_their_headers() {
    let segment = [0, 80, 0x12, 0x34, 1, 2, 3, 4, 5, 6, 7, 8, 0x51, 0x12, 0xff, 0xff, 0, 0, 0, 0, 9];
    let expected = ReplyKind::Segment {
        src_port: 80,
        dst_port: 0x1234,
        seq: 0x0102_0304,
        ack: 0x0506_0708,
        flags: 0x112,
    };
    assert_eq!(upper(6, &segment), Ok(expected));
    assert_eq!(upper(6, &segment[..19]), Err(Malformed::ShortUpper));
    for protocol in [17, 33, 136] {
        let expected =
            ReplyKind::Datagram { protocol, src_port: 80, dst_port: 0x1234, payload: &segment[8..] };
        assert_eq!(upper(protocol, &segment), Ok(expected));
        assert_eq!(upper(protocol, &segment[..7]), Err(Malformed::ShortUpper));
    }
    let expected = ReplyKind::Datagram { protocol: 253, src_port: 0, dst_port: 0, payload: &segment[..3] };
    assert_eq!(upper(253, &segment[..3]), Ok(expected));
}

#[test]
fn packets_to_our_own_udp_and_tcp_sockets_have_their_ports() {
    let kind = |framing, bytes| Reply::parse(&received(framing, bytes)).unwrap().unwrap().kind;
    let came = Framing::Payload { protocol: 17, local: 1_000, remote: 53 };
    let expected = ReplyKind::Datagram { protocol: 17, src_port: 53, dst_port: 1_000, payload: &[1, 2] };
    assert_eq!(kind(came, &[1, 2]), expected);
    let refused = Framing::Connected { refused: true };
    assert_eq!(kind(refused, &[]), ReplyKind::Connected { refused: true });
}

#[test]
fn an_error_queue_of_a_socket_with_ports_quotes_its_payload() {
    let error = icmp::Error { family: Family::V4, icmp_type: 11, code: 0, info: 0 };
    let mut structure = [0; 16];
    extension::emit(&[(1, 1, &[0, 1, 1, 1, 0, 2, 1, 1])], &mut structure);
    let bytes = [&[7; 100][..], &structure].concat();
    for (protocol, length, found) in
        [(17, None, true), (136, None, true), (6, None, false), (17, Some(100), true), (17, Some(99), false)]
    {
        let dst = std::net::SocketAddr::new(V4, 33_434);
        let framing = Framing::QueuedPayload { protocol, error, dst, extension: length };
        let payload = if found { &bytes[..100] } else { &bytes[..] };
        let request = QuotedRequest::Socket { protocol, dst_port: 33_434, payload };
        let quoted = Quoted { src: None, dst: V4, header: &[], request };
        let extension = found.then_some(&structure[..]);
        let expected = ReplyKind::Error { error, checksum_ok: true, quoted, extension };
        assert_eq!(Reply::parse(&received(framing, &bytes)).unwrap().unwrap().kind, expected);
    }
}

#[test]
fn requests_and_unknown_types_are_no_replies() {
    let ignored = |framing, icmp_type| {
        let octets = [icmp_type, 0, 0, 0, 0, 0, 0, 0];
        matches!(Reply::parse(&received(framing, &octets)), Ok(None))
    };
    for icmp_type in [1, 2, 6, 7, 8, 9, 10, 13, 15, 16, 17, 19, 30, 42, 43, 255] {
        assert!(ignored(Framing::Icmpv4, icmp_type), "ICMPv4 type {icmp_type}");
    }
    for icmp_type in [128, 130, 133, 135, 136, 137, 160, 161, 255] {
        assert!(ignored(Framing::Icmpv6, icmp_type), "ICMPv6 type {icmp_type}");
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
        let request =
            QuotedRequest::Query { method, ident: 0x1234, seq: 3, checksum, payload: &message[8..] };
        let quoted = Quoted { src: None, dst, header: &[], request };
        let received = received(Framing::Queued { error, dst, extension: None }, &message);
        let reply = Reply::parse(&received).unwrap().unwrap();
        assert_eq!(reply.kind, ReplyKind::Error { error, checksum_ok: true, quoted, extension: None });
        assert_eq!((reply.from, reply.hop_limit), (ROUTER, Some(9)));
        if method == Method::Echo {
            assert_eq!(message[8..16], identity().token(probe.number, dst));
        }
    }
}
