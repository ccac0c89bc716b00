use std::net::{Ipv4Addr, Ipv6Addr};

use super::*;
use crate::wire::checksum::{checksum, verify};
use crate::wire::pseudo_header;

const V4: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))];
const V6: [IpAddr; 2] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1)),
    IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
];

const SYN: TcpOptions =
    TcpOptions { flags: 0x02, mss: Some(1460), sack: true, timestamps: true, window_scale: true };

fn flow([src, dst]: [IpAddr; 2], method: TraceMethod) -> Flow {
    let carrier = Carrier::Message;
    Flow {
        src,
        dst,
        src_port: 0x1234,
        src_ports: 1,
        dst_port: 33_434,
        method,
        carrier,
        key: *b"0123456789abcdef",
    }
}

/// The probe, written over octets that are not zero, with room to spare that must stay untouched.
fn emitted(flow: &Flow, number: u16, len: usize) -> Vec<u8> {
    let mut buffer = vec![0xa5; len.max(60) + 8];
    let written = flow.emit(TraceProbe { number, flow: 0, ttl: 1, len }, &mut buffer);
    assert!(buffer[written..].iter().all(|octet| *octet == 0xa5));
    buffer.truncate(written);
    buffer
}

/// Whether the packet, pseudo header included, adds up.
fn adds_up(flow: &Flow, packet: &[u8], covered: usize) -> bool {
    let mut sum = pseudo_header(flow.src, flow.dst, packet.len(), flow.protocol());
    sum.add(&packet[..covered]);
    sum.finish() == 0
}

#[test]
fn an_echo_request_is_header_then_token_then_fix_word_then_pattern() {
    let flow = flow(V4, TraceMethod::Echo);
    let packet = emitted(&flow, 7, 20);
    assert_eq!(packet[8..16], flow.token(7));
    assert_eq!(packet[18..], [0x4a, 0x4b]);
    // Its checksum is that of the same message with the run's word in place of number, token and fix word.
    let mut blank = packet.clone();
    blank[2..4].fill(0);
    blank[6..18].fill(0);
    blank[6..8].copy_from_slice(&flow.own()[2..]);
    assert_eq!(packet[..8], [&[8, 0][..], &checksum(&blank).to_be_bytes(), &[0x12, 0x34, 0, 7]].concat());
    assert!(verify(&packet));
}

#[test]
fn an_echo_request_with_a_short_payload_has_a_fix_word_or_nothing() {
    let flow = flow(V4, TraceMethod::Echo);
    // 0x8 << 8 + 0x1234 and the run's word are all that is not fixed away.
    let [_, _, o2, o3] = flow.own();
    let fix = (u16::from_be_bytes([o2, o3]) - 0x0102).to_be_bytes();
    let mut blank = [8, 0, 0, 0, 0x12, 0x34, o2, o3];
    let sum = checksum(&blank).to_be_bytes();
    assert_eq!(emitted(&flow, 0x0102, 10), [8, 0, sum[0], sum[1], 0x12, 0x34, 1, 2, fix[0], fix[1]]);
    blank[2..4].copy_from_slice(&sum);
    assert!(verify(&blank));
    assert_eq!(emitted(&flow, 0x0102, 12)[8..], [fix[0], fix[1], 0x42, 0x43]);
    assert_eq!(emitted(&flow, 0x0102, 9)[4..], [0x12, 0x34, 1, 2, 0x40]);
    assert_eq!(emitted(&flow, 0x0102, 0), [8, 0, 0xe4, 0xc9, 0x12, 0x34, 1, 2]);
}

#[test]
fn the_kernel_fills_in_the_checksum_of_icmpv6_and_finds_it_constant() {
    let flow = flow(V6, TraceMethod::Echo);
    let sum = |number| {
        let packet = emitted(&flow, number, 40);
        assert_eq!(packet[..4], [128, 0, 0, 0]);
        let mut sum = pseudo_header(flow.src, flow.dst, packet.len(), 58);
        sum.add(&packet);
        sum.finish()
    };
    assert_eq!(sum(1), sum(0xffff));
}

#[test]
fn the_checksum_of_a_udp_datagram_has_its_number() {
    for addresses in [V4, V6] {
        for number in [1, 2, 0x1234, 0xffff] {
            let flow = flow(addresses, TraceMethod::Udp);
            for len in [10, 11, 17, 18, 19, 20, 40, 41, 1_472] {
                let packet = emitted(&flow, number, len);
                let [l0, l1] = (len as u16).to_be_bytes();
                let [n0, n1] = flow.checksum_of(number).to_be_bytes();
                assert_eq!(packet[..8], [0x12, 0x34, 0x82, 0x9a, l0, l1, n0, n1]);
                assert!(adds_up(&flow, &packet, len), "number {number}, {len} octets");
                assert!(flow.carries_number(len));
                if len >= 20 {
                    assert_eq!(packet[10..18], flow.token(number));
                }
            }
            assert!(!flow.carries_number(9));
            for len in [8, 9] {
                let packet = emitted(&flow, number, len);
                assert!(adds_up(&flow, &packet, len), "number {number}, {len} octets");
            }
        }
    }
}

#[test]
fn each_number_has_a_checksum_of_its_own_and_each_run_others() {
    for key in 0..40 {
        let flow = Flow { key: [key; 16], ..flow(V4, TraceMethod::Udp) };
        for number in 1..=65_535 {
            let checksum = flow.checksum_of(number);
            assert_ne!(checksum, 0);
            assert_eq!(flow.number_of_checksum(checksum), number);
        }
        assert_eq!(flow.number_of_checksum(0), flow.number_of_checksum(0xffff));
        assert_ne!(flow.checksum_of(1), Flow { key: [key + 1; 16], ..flow }.checksum_of(1));
    }
}

#[test]
fn a_udplite_checksum_has_the_number_where_it_covers_the_fix_word() {
    for (coverage, third, covered) in [(0, 0, 40), (10, 10, 10), (15, 15, 15), (40, 0, 40), (99, 0, 40)] {
        let flow = flow(V6, TraceMethod::UdpLite { coverage });
        let packet = emitted(&flow, 5, 40);
        let [c0, c1] = flow.checksum_of(5).to_be_bytes();
        assert_eq!(packet[4..8], [0, third, c0, c1], "coverage {coverage}");
        assert!(adds_up(&flow, &packet, covered), "coverage {coverage}");
        assert!(flow.carries_number(40));
    }
    for coverage in [1, 8, 9] {
        let flow = flow(V4, TraceMethod::UdpLite { coverage });
        let packet = emitted(&flow, 5, 40);
        assert_eq!(packet[4..6], [0, coverage.max(8) as u8], "coverage {coverage}");
        assert!(adds_up(&flow, &packet, usize::from(coverage.max(8))), "coverage {coverage}");
        assert!(!flow.carries_number(40));
    }
}

#[test]
fn a_port_that_the_kernel_chooses_leaves_it_the_header_of_udp() {
    for carrier in [Carrier::SourcePort, Carrier::DestinationPort] {
        let flow = Flow { src_port: 0, carrier, ..flow(V4, TraceMethod::Udp) };
        assert!(!flow.emits_header());
        assert!(flow.carries_number(8));
        assert_eq!(
            emitted(&flow, 0x0102, 40),
            [&[1, 2][..], &flow.token(0x0102), &(0x4a..0x60).collect::<Vec<u8>>(),].concat()
        );
        assert_eq!(emitted(&flow, 0x0102, 13), [1, 2, 0x42, 0x43, 0x44]);
        assert_eq!(emitted(&flow, 0x0102, 9), [0x40]);
        assert_eq!(emitted(&flow, 0x0102, 8), [0_u8; 0]);
    }
    let connect = Flow { src_port: 0, carrier: Carrier::SourcePort, ..flow(V4, TraceMethod::Connect) };
    assert!(!connect.emits_header());
    assert_eq!(emitted(&connect, 1, 40), [0_u8; 0]);
}

#[test]
fn a_destination_port_rises_with_the_number_and_wraps_without_zero() {
    let rising = Flow { carrier: Carrier::DestinationPort, ..flow(V4, TraceMethod::Udp) };
    assert_eq!([1, 2, 32_102].map(|number| rising.dst_port(number)), [33_434, 33_435, 65_535]);
    assert_eq!([32_103, 32_104, 65_535].map(|number| rising.dst_port(number)), [1, 2, 33_433]);
    for dst_port in [1, 2, 33_434, 65_534, 65_535] {
        let flow = Flow { dst_port, ..rising };
        for number in 1..=65_535 {
            let port = flow.dst_port(number);
            assert_ne!(port, 0);
            assert_eq!(flow.number_at(port), number);
        }
        assert_eq!(flow.number_at(0), 0);
    }
    assert_eq!(flow(V4, TraceMethod::Udp).dst_port(9), 33_434);
    let [c0, c1] = rising.checksum_of(3).to_be_bytes();
    assert_eq!(emitted(&rising, 3, 40)[2..8], [0x82, 0x9c, 0, 40, c0, c1], "our header, that port");
}

#[test]
fn a_tcp_probe_is_a_syn_as_linux_sends_it() {
    for addresses in [V4, V6] {
        let flow = flow(addresses, TraceMethod::Tcp(SYN));
        let segment = emitted(&flow, 0x0102, 0);
        assert_eq!(segment.len(), 40);
        let [_, _, o2, o3] = flow.own();
        let [s0, s1, s2, s3] = flow.sequence(0x0102).to_be_bytes();
        assert_eq!(
            segment[..16],
            [0x12, 0x34, 0x82, 0x9a, s0, s1, s2, s3, 0, 0, 0, 0, 0xa0, 0x02, 0x16, 0xd0,]
        );
        assert_eq!(segment[18..], [0, 0, 2, 4, 5, 0xb4, 4, 2, 8, 10, o2, o3, 1, 2, 0, 0, 0, 0, 1, 3, 3, 2,]);
        assert!(adds_up(&flow, &segment, 40));
        assert_eq!(emitted(&flow, 0x0102, 1_000), segment, "no data at any requested length");
    }
}

#[test]
fn each_flow_has_its_source_port_and_each_number_four_sequence_numbers() {
    let flow = Flow { src_ports: 3, ..flow(V4, TraceMethod::Tcp(SYN)) };
    let ports = [0, 1, 2, 3].map(|index| flow.source_port(index));
    assert_eq!(ports, [0x1234, 0x1235, 0x1236, 0x1234]);
    assert_eq!(
        [0x1233, 0x1234, 0x1236, 0x1237].map(|port| flow.index_of(port)),
        [None, Some(0), Some(2), None]
    );
    for number in [0, 1, 0x0102, 0xffff] {
        let first = flow.sequence(number);
        for sequence in first..first + 4 {
            assert_eq!(flow.number_of_sequence(sequence), Some(number));
            assert_eq!(Flow { key: [1; 16], ..flow }.number_of_sequence(sequence), None);
        }
    }
}

#[test]
fn every_choice_of_tcp_options_has_its_stated_length() {
    for bits in 0..16_u8 {
        let has = |bit: u8| bits >> bit & 1 == 1;
        let options = TcpOptions {
            flags: 0x10,
            mss: has(0).then_some(536),
            sack: has(1),
            timestamps: has(2),
            window_scale: has(3),
        };
        let flow = flow(V4, TraceMethod::Tcp(options));
        let segment = emitted(&flow, 1, 0);
        assert_eq!(segment.len(), flow.len(0));
        assert_eq!(usize::from(segment[12] >> 4) * 4, segment.len());
        assert_eq!(segment[4..8], segment[8..12], "an acknowledgement number where ACK is set");
        assert!(adds_up(&flow, &segment, segment.len()));
        let mut kinds = vec![];
        let mut rest = &segment[20..];
        while let [kind, len, ..] = *rest {
            let len = if kind == 1 { 1 } else { usize::from(len) };
            kinds.extend((kind != 1).then_some(kind));
            rest = &rest[len..];
        }
        assert!(rest.is_empty());
        let expected = [(0, 2), (1, 4), (2, 8), (3, 3)].iter().filter(|(bit, _)| has(*bit));
        assert_eq!(kinds, expected.map(|(_, kind)| *kind).collect::<Vec<u8>>(), "{options:?}");
    }
}

#[test]
fn the_checksum_of_a_dccp_request_has_its_number() {
    for addresses in [V4, V6] {
        let flow = flow(addresses, TraceMethod::Dccp { service: 0x6465_6667 });
        let packet = emitted(&flow, 0x0102, 99);
        let [o0, o1, ..] = flow.own();
        let [c0, c1] = flow.checksum_of(0x0102).to_be_bytes();
        assert_eq!(packet[..10], [0x12, 0x34, 0x82, 0x9a, 5, 0, c0, c1, 1, 0]);
        assert_eq!(packet[12..], [o0, o1, 1, 2, 0x64, 0x65, 0x66, 0x67]);
        assert!(adds_up(&flow, &packet, 20));
    }
}

#[test]
fn another_protocol_has_the_flow_the_number_and_a_proof_in_eight_octets() {
    let flow = flow(V4, TraceMethod::Protocol(253));
    let packet = emitted(&flow, 0x0102, 10);
    assert_eq!(packet, [&flow.own()[..], &[1, 2], &flow.token(0x0102)[..2], &[0x48, 0x49]].concat());
    assert!(flow.carries_number(8));
    assert!(!flow.carries_number(7));
}

#[test]
fn without_room_nothing_is_written() {
    for method in [TraceMethod::Echo, TraceMethod::Udp, TraceMethod::Tcp(SYN), TraceMethod::Protocol(253)] {
        let flow = flow(V4, method);
        let mut buffer = [0xa5; 39];
        assert_eq!(flow.emit(TraceProbe { number: 1, flow: 0, ttl: 1, len: 40 }, &mut buffer), 0);
        assert_eq!(buffer, [0xa5; 39]);
    }
}

#[test]
fn a_token_depends_on_key_number_and_destination_and_on_no_port() {
    let flow = flow(V4, TraceMethod::Udp);
    let token = flow.token(1);
    assert_ne!(flow.token(2), token);
    assert_ne!(Flow { key: [0; 16], ..flow }.token(1), token);
    assert_ne!(Flow { dst: V6[1], ..flow }.token(1), token);
    assert_eq!(Flow { src: V6[0], src_port: 9, dst_port: 9, ..flow }.token(1), token);
    assert_eq!(flow.own(), flow.token(0)[..4]);
}

#[test]
fn what_is_expected_of_a_probe_is_what_is_written() {
    for addresses in [V4, V6] {
        for len in (0..90).chain([576, 1_471, 1_472, 9_001, 65_000]) {
            let echo = flow(addresses, TraceMethod::Echo);
            let len_of = echo.len(len);
            for number in [1, 2, 0x1234, 0xffff] {
                let mut packet = emitted(&echo, number, len);
                if addresses == V6 {
                    let (IpAddr::V6(src), IpAddr::V6(dst)) = (echo.src, echo.dst) else { panic!() };
                    icmp::seal_v6(&mut packet, src, dst);
                }
                let sum = u16::from_be_bytes([packet[2], packet[3]]);
                assert_eq!(echo.echo_checksum(number, len_of), sum, "number {number}, {len} octets");
                if let Some(at) = echo.token_at(len_of) {
                    assert_eq!(packet[8 + at..16 + at], echo.token(number));
                }
                let methods = [
                    TraceMethod::Udp,
                    TraceMethod::UdpLite { coverage: 0 },
                    TraceMethod::UdpLite { coverage: 20 },
                ];
                for (method, src_port) in [(0, 9), (1, 9), (2, 9), (0, 0)] {
                    let flow = Flow { src_port, ..flow(addresses, methods[method]) };
                    let packet = emitted(&flow, number, len);
                    let payload = if src_port == 0 { &packet[..] } else { &packet[8..] };
                    if src_port != 0 {
                        assert_eq!(packet[4..6], flow.third(len_of).to_be_bytes());
                    }
                    if let Some(word) = payload.first_chunk() {
                        let word = u16::from_be_bytes(*word);
                        assert_eq!(flow.number_of_word(word, len_of), number, "{flow:?}, {len} octets");
                    }
                    if let Some(at) = flow.token_at(len_of) {
                        assert_eq!(payload[at..at + 8], flow.token(number));
                    }
                }
            }
        }
    }
}
