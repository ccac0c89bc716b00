use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use super::*;
use crate::clock::Instant;
use crate::datagram::Departed;
use crate::engine::trace::table::{SentProbe, wire_number};
use crate::probe::Method;
use crate::probe::trace::{Carrier, TcpOptions, TraceMethod, TraceProbe};
use crate::reply::{Quoted, QuotedRequest};
use crate::wire::checksum::less;
use crate::wire::{ipv6, pseudo_header, tcp, udp};

mod answers;

const SRC: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const DST: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const SRC6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1));
const DST6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));
const OTHER: IpAddr = IpAddr::V4(Ipv4Addr::new(100, 64, 0, 7));

const SYN: TcpOptions =
    TcpOptions { flags: 0x02, mss: Some(1460), sack: true, timestamps: true, window_scale: true };

/// Ninety probes of forty octets, each from the port that is its number and 40,000.
static NINETY: LazyLock<Table> = LazyLock::new(ninety);

fn ninety() -> Table {
    let mut table = Table::new(1, 30);
    for place in 0..90 {
        let id = table.push(SentProbe::new(1 + place / 3, 1 + place % 3, 40, Instant::ZERO));
        table.departed(id, Departed { at: Instant::ZERO, port: 40_000 + wire_number(id) });
    }
    table
}

fn flow(method: TraceMethod) -> Flow {
    let carrier = Carrier::Message;
    Flow {
        src: SRC,
        dst: DST,
        src_port: 0x1234,
        src_ports: 1,
        dst_port: 33_434,
        method,
        carrier,
        key: [7; 16],
    }
}

fn emitted(flow: &Flow, number: u16) -> [u8; 40] {
    let mut buffer = [0; 40];
    flow.emit(TraceProbe { number, flow: 0, ttl: 1, len: 40 }, &mut buffer);
    buffer
}

fn ports(protocol: u8, packet: &[u8]) -> QuotedRequest<'_> {
    let word = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    let (src_port, dst_port, third, checksum) = (word(0), word(2), word(4), word(6));
    let header = udp::UdpHeader { src_port, dst_port, third, checksum };
    QuotedRequest::Ports { protocol, header, payload: &packet[8..] }
}

fn query(packet: &[u8]) -> QuotedRequest<'_> {
    let word = |at: usize| u16::from_be_bytes([packet[at], packet[at + 1]]);
    let (checksum, ident, seq) = (word(2), word(4), word(6));
    QuotedRequest::Query { method: Method::Echo, ident, seq, checksum, payload: &packet[8..] }
}

/// The number and whether it was translated, of a request quoted between these addresses.
fn read(flow: &Flow, src: IpAddr, dst: IpAddr, request: QuotedRequest<'_>) -> Option<(u16, bool)> {
    let quote = Quoted { src: Some(src), dst, header: &[], request };
    quoted(flow, &NINETY, &quote, None).map(|Recognised { number, translated, .. }| (number, translated))
}

#[test]
fn an_echo_request_quoted_whole_is_ours_by_its_token_whatever_was_rewritten() {
    let flow = flow(TraceMethod::Echo);
    let packet = emitted(&flow, 9);
    assert_eq!(read(&flow, SRC, DST, query(&packet)), Some((9, false)));
    assert_eq!(read(&flow, OTHER, OTHER, query(&packet)), Some((9, true)));
    let QuotedRequest::Query { seq, payload, .. } = query(&packet) else { panic!() };
    let rewritten = QuotedRequest::Query { method: Method::Echo, ident: 5, seq, checksum: 6, payload };
    assert_eq!(read(&flow, OTHER, OTHER, rewritten), Some((9, true)));
    let of_another_run = Flow { key: [8; 16], ..flow };
    assert_eq!(read(&flow, SRC, DST, query(&emitted(&of_another_run, 9))), None);
    assert_eq!(read(&flow, SRC, DST, query(&emitted(&flow, 91))), None, "a probe that was never sent");
    let QuotedRequest::Query { ident, checksum, .. } = query(&packet) else { panic!() };
    let of_another_kind = QuotedRequest::Query { method: Method::Timestamp, ident, seq, checksum, payload };
    assert_eq!(read(&flow, SRC, DST, of_another_kind), None);
}

#[test]
fn the_first_eight_octets_of_an_echo_request_need_two_agreements() {
    let flow = flow(TraceMethod::Echo);
    let packet = emitted(&flow, 9);
    let QuotedRequest::Query { checksum: ours, .. } = query(&packet) else { panic!() };
    let other = ours ^ 0x55;
    // The identifier plus one, the checksum minus one.
    let (ident, adjusted) = (0x1235, ours - 1);
    let rows = [
        (SRC, 0x1234, ours, DST, Some((9, false))),
        (SRC, 0x1234, other, DST, Some((9, false))),
        (SRC, 0x1234, ours, OTHER, Some((9, true))),
        (OTHER, ident, adjusted, DST, Some((9, true))),
        (SRC, 0x1234, other, OTHER, None),
        (OTHER, ident, ours, DST, None),
        (OTHER, ident, adjusted, OTHER, None),
        (OTHER, ident, other, OTHER, None),
        // Another run on this host.
        (SRC, ident, adjusted, DST, None),
    ];
    for (src, ident, checksum, dst, expected) in rows {
        // Cut, or filled up with zeros.
        for payload in [&[][..], &[0x99; 7], &[0; 100]] {
            let request = QuotedRequest::Query { method: Method::Echo, ident, seq: 9, checksum, payload };
            assert_eq!(read(&flow, src, dst, request), expected, "{src} {ident:#x} {checksum:#x} {dst}");
        }
    }
}

#[test]
fn eight_octets_behind_a_translator_are_of_the_run_with_that_checksum() {
    let other_run = |flow: Flow| Flow { key: [8; 16], src_port: 0x4321, ..flow };
    for addresses in [(SRC, DST), (SRC6, DST6)] {
        let flow = |method| Flow { src: addresses.0, dst: addresses.1, ..flow(method) };
        for method in [TraceMethod::Echo, TraceMethod::Udp, TraceMethod::Dccp { service: 7 }] {
            let flow = flow(method);
            let quoted = |of: &Flow| {
                let mut packet = emitted(of, 9).to_vec();
                packet.truncate(of.len(40));
                if method == TraceMethod::Echo {
                    let (IpAddr::V6(src), IpAddr::V6(dst)) = addresses else {
                        return read(&flow, OTHER, DST, query(&packet[..8]));
                    };
                    crate::wire::icmp::seal_v6(&mut packet, src, dst);
                    return read(&flow, addresses.0, addresses.1, query(&packet[..8]));
                }
                read(&flow, addresses.0, addresses.1, ports(flow.protocol(), &packet[..8]))
            };
            assert_eq!(quoted(&flow).map(|(number, _)| number), Some(9), "{method:?}");
            assert_eq!(quoted(&other_run(flow)), None, "{method:?}");
        }
    }
}

#[test]
fn an_icmpv6_checksum_is_compared_without_the_addresses_that_were_rewritten() {
    let flow = Flow { src: SRC6, dst: DST6, ..flow(TraceMethod::Echo) };
    let v6 = |address| if let IpAddr::V6(address) = address { address } else { panic!() };
    let other = Ipv6Addr::new(0x2001, 0xdb8, 9, 8, 7, 6, 5, 4);
    for (src, dst, ident, expected) in [
        (v6(SRC6), v6(DST6), 0x1234_u16, Some((9, false))),
        (other, v6(DST6), 0x1234, Some((9, true))),
        (other, v6(DST6), 0x4321, Some((9, true))),
        (v6(SRC6), other, 0x1234, Some((9, true))),
        (v6(SRC6), other, 0x4321, None),
    ] {
        let mut packet = emitted(&flow, 9);
        packet[4..6].copy_from_slice(&ident.to_be_bytes());
        crate::wire::icmp::seal_v6(&mut packet, src, dst);
        assert_eq!(read(&flow, src.into(), dst.into(), query(&packet[..8])), expected, "{src} {dst} {ident}");
    }
    assert_eq!(flow.protocol(), ipv6::NEXT_ICMPV6);
}

#[test]
fn the_first_eight_octets_of_a_udp_datagram_are_ours_by_port_and_two_more() {
    let flow = flow(TraceMethod::Udp);
    let request = |src: IpAddr, dst: IpAddr, src_port: u16, dst_port: u16, third: u16| {
        // As a translator writes it: the checksum is that of the whole.
        let mut packet = emitted(&flow, 9);
        packet[..2].copy_from_slice(&src_port.to_be_bytes());
        packet[2..4].copy_from_slice(&dst_port.to_be_bytes());
        packet[6..8].fill(0);
        let mut sum = pseudo_header(src, dst, 40, 17);
        sum.add(&packet);
        packet[6..8].copy_from_slice(&sum.finish().to_be_bytes());
        packet[4..6].copy_from_slice(&third.to_be_bytes());
        read(&flow, src, dst, ports(17, &packet[..8]))
    };
    let rows = [
        (SRC, DST, 0x1234, 33_434, 40, Some((9, false))),
        (SRC, DST, 0x1234, 33_434, 99, Some((9, false))),
        (OTHER, DST, 0x1234, 33_434, 40, Some((9, true))),
        (OTHER, DST, 0x4321, 33_434, 40, Some((9, true))),
        (SRC, OTHER, 0x1234, 33_434, 40, Some((9, true))),
        (SRC, DST, 0x1234, 53, 40, Some((9, true))),
        (OTHER, DST, 0x1234, 53, 40, Some((9, true))),
        // Another program of this host, or of another behind the same translator.
        (SRC, DST, 0x4321, 33_434, 40, None),
        (OTHER, DST, 0x4321, 33_434, 99, None),
        (OTHER, DST, 0x4321, 53, 40, None),
        (OTHER, OTHER, 0x4321, 33_434, 40, None),
        (SRC, OTHER, 0x1234, 53, 40, None),
    ];
    for (src, dst, src_port, dst_port, third, expected) in rows {
        let what = format!("{src}:{src_port} to {dst}:{dst_port}, {third} octets");
        assert_eq!(request(src, dst, src_port, dst_port, third), expected, "{what}");
    }
}

#[test]
fn a_udp_datagram_quoted_whole_carries_its_number_twice_and_proves_it() {
    let flow = flow(TraceMethod::Udp);
    let mut packet = emitted(&flow, 9);
    assert_eq!(read(&flow, SRC, DST, ports(17, &packet)), Some((9, false)));
    // A translator that does not mend the checksum in quotes.
    packet[6..8].copy_from_slice(&[0x12, 0x34]);
    assert_eq!(read(&flow, SRC, DST, ports(17, &packet)), Some((9, false)));
    assert_eq!(read(&flow, OTHER, OTHER, ports(17, &packet)), Some((9, true)));
    assert_eq!(read(&flow, SRC, DST, ports(17, &packet[..8])), None);
    assert_eq!(read(&flow, SRC, DST, ports(136, &packet)), None, "UDP-Lite");
    let of_another_run = emitted(&Flow { key: [8; 16], ..flow }, 9);
    assert_eq!(read(&flow, SRC, DST, ports(17, &of_another_run)), None);
    let filled_up = [&emitted(&flow, 9)[..8], &[0; 100]].concat();
    assert_eq!(read(&flow, SRC, DST, ports(17, &filled_up)), Some((9, false)));
    // The same in UDP-Lite, which has no length in its header.
    let lite = Flow { method: TraceMethod::UdpLite { coverage: 0 }, ..flow };
    let mut packet = emitted(&lite, 9);
    packet[6..8].copy_from_slice(&[0x12, 0x34]);
    assert_eq!(read(&lite, SRC, DST, ports(136, &packet)), Some((9, false)));
}

/// The difference of a translator that is known may make the checksum of one probe that of another.
#[test]
fn eight_octets_that_fit_two_probes_are_of_the_one_without_an_answer() {
    let flow = flow(TraceMethod::Udp);
    let packet = emitted(&flow, 40);
    let with = |answered: &[u16]| {
        let mut table = ninety();
        table.shifts.prove(less(flow.checksum_of(40), flow.checksum_of(9)));
        answered.iter().for_each(|number| _ = table.answered(u64::from(*number) - 1));
        let quote = Quoted { src: Some(SRC), dst: DST, header: &[], request: ports(17, &packet[..8]) };
        (quoted(&flow, &table, &quote, None).map(|found| found.number), shifted(&flow, &table, &quote))
    };
    let unknown = Some(Shifted { checksum: flow.checksum_of(40), third: 40, translated: false });
    assert_eq!(with(&[]), (None, unknown));
    assert_eq!(with(&[40]).0, Some(9));
    assert_eq!(with(&[9]).0, Some(40));
    assert_eq!(with(&[9, 40]).0, None);
}

#[test]
fn a_rising_destination_port_carries_the_number() {
    for src_port in [0x1234, 0] {
        let rising = Flow { src_port, carrier: Carrier::DestinationPort, ..flow(TraceMethod::Udp) };
        // Where the kernel chose the port, it is that of a probe.
        let src_port = if src_port == 0 { 40_001 } else { src_port };
        let quote = |src: IpAddr, dst: IpAddr, src_port: u16, dst_port: u16| {
            let header = udp::UdpHeader { src_port, dst_port, third: 40, checksum: 7 };
            let request = QuotedRequest::Ports { protocol: 17, header, payload: &[] };
            read(&rising, src, dst, request)
        };
        assert_eq!(quote(SRC, DST, src_port, 33_434), Some((1, false)));
        assert_eq!(quote(SRC, DST, src_port, 33_523), Some((90, false)));
        assert_eq!(quote(SRC, DST, src_port, 33_524), None);
        assert_eq!(quote(SRC, DST, src_port, 33_433), None);
        assert_eq!(quote(OTHER, DST, 9, 33_436), Some((3, true)));
        assert_eq!(quote(SRC, OTHER, src_port, 33_436), Some((3, true)));
        assert_eq!(quote(SRC, DST, 9, 33_436), None, "somebody else's trace");
    }
}

#[test]
fn a_source_port_carries_the_number() {
    let each = Flow { src_port: 0, carrier: Carrier::SourcePort, ..flow(TraceMethod::Udp) };
    let quote = |dst: IpAddr, src_port: u16, dst_port: u16| {
        let request = QuotedRequest::Ports {
            protocol: 17,
            header: udp::UdpHeader { src_port, dst_port, third: 40, checksum: 7 },
            payload: &[],
        };
        read(&each, SRC, dst, request)
    };
    assert_eq!(quote(DST, 40_009, 33_434), Some((9, false)));
    assert_eq!(quote(DST, 40_091, 33_434), None);
    assert_eq!(quote(OTHER, 40_009, 53), None);
    let connect = Flow { method: TraceMethod::Connect, ..each };
    let segment = |src_port, dst_port| QuotedRequest::Segment { src_port, dst_port, seq: 0 };
    assert_eq!(read(&connect, SRC, DST, segment(40_009, 33_434)), Some((9, false)));
    assert_eq!(read(&connect, SRC, OTHER, segment(40_009, 80)), None);
    assert_eq!(read(&connect, SRC, DST, segment(9, 33_434)), None);
}

#[test]
fn an_error_queue_entry_needs_the_address_of_the_target_or_a_token() {
    let queued = |flow: &Flow, dst: IpAddr, own: Option<u64>, dst_port: u16, payload: &[u8]| {
        let request = QuotedRequest::Socket { protocol: flow.protocol(), dst_port, payload };
        let quote = Quoted { src: None, dst, header: &[], request };
        quoted(flow, &NINETY, &quote, own).map(|Recognised { number, translated, .. }| (number, translated))
    };
    let rising = Flow { src_port: 0, carrier: Carrier::DestinationPort, ..flow(TraceMethod::Udp) };
    let payload = &emitted(&rising, 9)[..32];
    assert_eq!(queued(&rising, DST, None, 33_442, &[]), Some((9, false)));
    assert_eq!(queued(&rising, DST, None, 33_442, payload), Some((9, false)));
    assert_eq!(queued(&rising, OTHER, None, 33_442, payload), Some((9, true)));
    assert_eq!(queued(&rising, OTHER, None, 33_442, &[]), None);
    assert_eq!(queued(&rising, DST, None, 33_443, payload), None, "the token of another probe");
    let connect = Flow { method: TraceMethod::Connect, carrier: Carrier::SourcePort, ..rising };
    assert_eq!(queued(&connect, DST, Some(8), 33_434, &[]), Some((9, false)));
    assert_eq!(queued(&connect, DST, Some(8), 33_435, &[]), None);
    assert_eq!(queued(&connect, DST, Some(90), 33_434, &[]), None);
}

#[test]
fn a_segment_is_ours_by_half_its_sequence_number_and_two_more() {
    let flow = flow(TraceMethod::Tcp(SYN));
    let seq = flow.sequence(9);
    let quote = |dst, src_port, dst_port, seq| {
        read(&flow, SRC, dst, QuotedRequest::Segment { src_port, dst_port, seq })
    };
    assert_eq!(quote(DST, 0x1234, 33_434, seq), Some((9, false)));
    assert_eq!(quote(DST, 0x4321, 33_434, seq), None, "another run on this host");
    let translated = QuotedRequest::Segment { src_port: 0x4321, dst_port: 33_434, seq };
    assert_eq!(read(&flow, OTHER, DST, translated), Some((9, true)));
    assert_eq!(quote(OTHER, 0x1234, 33_434, seq), Some((9, true)));
    assert_eq!(quote(OTHER, 0x1234, 80, seq), None);
    assert_eq!(quote(DST, 0x1234, 33_434, seq ^ 0x4_0000), None);
    assert_eq!(quote(DST, 0x1234, 33_434, seq + 4 * 90), None);
}

#[test]
fn a_dccp_request_is_ours_by_its_checksum_or_all_of_its_number() {
    let flow = flow(TraceMethod::Dccp { service: 7 });
    let packet = emitted(&flow, 9);
    assert_eq!(read(&flow, SRC, DST, ports(33, &packet[..8])), Some((9, false)));
    assert_eq!(read(&flow, SRC, DST, ports(33, &packet[..20])), Some((9, false)));
    let mut elsewhere = packet;
    elsewhere[6..8].fill(0);
    let mut sum = pseudo_header(SRC, OTHER, 20, 33);
    sum.add(&elsewhere[..20]);
    elsewhere[6..8].copy_from_slice(&sum.finish().to_be_bytes());
    assert_eq!(read(&flow, SRC, OTHER, ports(33, &elsewhere[..8])), Some((9, true)));
    let of_another_run = emitted(&Flow { key: [8; 16], ..flow }, 9);
    assert_eq!(read(&flow, SRC, DST, ports(33, &of_another_run[..20])), None);
    let filled_up = [&packet[..8], &[0; 100]].concat();
    assert_eq!(read(&flow, SRC, DST, ports(33, &filled_up)), Some((9, false)));
}

#[test]
fn another_protocol_is_ours_by_eight_octets_whatever_they_are_read_as() {
    for protocol in [253, 17, 136, 33, 6] {
        let flow = flow(TraceMethod::Protocol(protocol));
        let packet = emitted(&flow, 9);
        let request = match protocol {
            253 => QuotedRequest::Other { protocol, payload: &packet },
            6 => QuotedRequest::Segment {
                src_port: u16::from_be_bytes([packet[0], packet[1]]),
                dst_port: u16::from_be_bytes([packet[2], packet[3]]),
                seq: u32::from_be_bytes(*packet[4..].first_chunk().unwrap()),
            },
            _ => ports(protocol, &packet),
        };
        assert_eq!(read(&flow, SRC, DST, request), Some((9, false)), "protocol {protocol}");
        assert_eq!(read(&flow, OTHER, DST, request), Some((9, true)), "protocol {protocol}");
        let of_another_run = Flow { key: [8; 16], ..flow };
        assert_eq!(read(&of_another_run, SRC, DST, request), None, "protocol {protocol}");
    }
    let flow = flow(TraceMethod::Protocol(253));
    let packet = emitted(&flow, 9);
    let other = |protocol, payload| read(&flow, SRC, DST, QuotedRequest::Other { protocol, payload });
    assert_eq!(other(253, &packet[..7]), None);
    assert_eq!(other(254, &packet), None);
}
