//! Answers of the target.

use super::*;

/// What an answer from this address is about.
fn answer(flow: &Flow, from: IpAddr, kind: ReplyKind<'_>) -> Option<Answered> {
    let clock = crate::datagram::ClockSource::default();
    let (hop_limit, options) = (None, &[][..]);
    let reply = Reply { at: Instant::ZERO, clock, from, scope: 0, hop_limit, options, probe: None, kind };
    answered(flow, &NINETY, &reply)
}

#[test]
fn an_echo_reply_is_ours_by_its_token_or_by_identifier_and_sender() {
    let flow = flow(TraceMethod::Echo);
    let packet = emitted(&flow, 9);
    let reply = |from, code, ident, seq, body| {
        let method = Method::Echo;
        answer(&flow, from, ReplyKind::Answer { method, code, ident, seq, len: 40, checksum_ok: true, body })
    };
    let nine = Some(Answered::Number(9));
    assert_eq!(reply(DST, 0, 0x1234, 9, &packet[8..]), nine);
    assert_eq!(reply(OTHER, 0, 0x1234, 9, &packet[8..]), nine);
    assert_eq!(reply(DST, 0, 0x1234, 8, &packet[8..]), None);
    assert_eq!(reply(DST, 5, 0x1234, 9, &packet[8..]), nine);
    assert_eq!(reply(DST, 255, 0x1234, 9, &[]), nine);
    assert_eq!(reply(DST, 5, 0x1234, 8, &packet[8..]), None);
    assert_eq!(reply(DST, 0, 0x1234, 9, &[]), nine);
    assert_eq!(reply(OTHER, 0, 0x1234, 9, &[]), None);
    assert_eq!(reply(DST, 0, 0x4321, 9, &[]), None);
    assert_eq!(reply(DST, 0, 0x1234, 91, &[]), None);
}

#[test]
fn a_segment_answers_the_probe_with_the_number_that_it_acknowledges_or_repeats() {
    let segment = |flags: u8, seq: u32, ack: u32, answer_flags: u16| {
        let flow = flow(TraceMethod::Tcp(TcpOptions { flags, ..SYN }));
        let kind = ReplyKind::Segment { src_port: 33_434, dst_port: 0x1234, seq, ack, flags: answer_flags };
        assert_eq!(answer(&flow, OTHER, kind), None, "from another address");
        let astray = ReplyKind::Segment { src_port: 33_434, dst_port: 9, seq, ack, flags: answer_flags };
        assert_eq!(answer(&flow, DST, astray), None, "to another port");
        let elsewhere = ReplyKind::Segment { src_port: 9, dst_port: 0x1234, seq, ack, flags: answer_flags };
        assert_eq!(answer(&flow, DST, elsewhere), None, "from another port");
        answer(&flow, DST, kind)
    };
    let ours = flow(TraceMethod::Tcp(SYN)).sequence(9);
    let nine = Some(Answered::Number(9));
    let (syn, fin, rst, ack) = (0x02, 0x01, tcp::RST, tcp::ACK);
    assert_eq!(segment(syn, 0x5555, ours + 1, tcp::SYN | ack), nine);
    assert_eq!(segment(syn, 0, ours + 1, rst | ack), nine);
    assert_eq!(segment(syn | fin, 0, ours + 2, rst | ack), nine);
    assert_eq!(segment(fin, 0, ours + 1, rst | ack), nine);
    assert_eq!(segment(0, 0, ours, rst | ack), nine);
    assert_eq!(segment(0x10, ours, 0, rst), nine);
    assert_eq!(segment(syn, 0, ours, rst | ack), nine, "a host that does not count the SYN");
    let of_flow = Some(Answered::OfFlow(0));
    assert_eq!(segment(syn, ours, 0, rst), of_flow);
    assert_eq!(segment(syn, 0, ours + 1, rst), of_flow, "an acknowledgement without its flag");
    assert_eq!(segment(syn, 0, 0, rst | ack), of_flow, "an acknowledgement of nothing");
    let perhaps = Some(Answered::PerhapsOfFlow(0));
    assert_eq!(segment(syn, 0, ours + 4 * 92, rst | ack), perhaps, "of a probe that was never sent");
    assert_eq!(segment(syn, 0, 5, rst | ack), perhaps);
    assert_eq!(segment(syn, 0, 5, tcp::SYN | ack), None, "a connection of another run");
    assert_eq!(segment(syn, 0, 5, tcp::PSH | ack), None, "data of it");
    assert_eq!(segment(syn, 0, 5, tcp::FIN | ack), None, "its end");
    assert_eq!(segment(syn, 0, 5, ack), perhaps, "a connection of another run that goes on");
    assert_eq!(segment(syn, 0, 0, ack), perhaps);
    assert_eq!(segment(syn, 0, 5, tcp::SYN), None, "no answer");
}

#[test]
fn a_datagram_answers_a_probe_by_ports_and_by_what_it_repeats() {
    fn came(flow: &Flow, from: IpAddr, src_port: u16, dst_port: u16, payload: &[u8]) -> Option<Answered> {
        answer(flow, from, ReplyKind::Datagram { protocol: flow.protocol(), src_port, dst_port, payload })
    }
    let (nine, any) = (Some(Answered::Number(9)), Some(Answered::Any));
    let udp = flow(TraceMethod::Udp);
    let packet = emitted(&udp, 9);
    assert_eq!(came(&udp, DST, 33_434, 0x1234, &packet[8..]), nine);
    assert_eq!(
        came(&udp, DST, 33_434, 0x1234, &[packet[8], packet[9], 0x80, 1]),
        nine,
        "as DNS repeats its ID"
    );
    assert_eq!(came(&udp, DST, 33_434, 0x1234, &[]), any);
    assert_eq!(came(&udp, DST, 33_434, 0x1234, &[0; 9]), any);
    assert_eq!(came(&udp, OTHER, 33_434, 0x1234, &packet[8..]), None);
    assert_eq!(came(&udp, DST, 33_435, 0x1234, &packet[8..]), None);
    assert_eq!(came(&udp, DST, 33_434, 0x1235, &packet[8..]), None);
    let rising = Flow { src_port: 0, carrier: Carrier::DestinationPort, ..udp };
    assert_eq!(came(&rising, DST, 33_442, 7, &[]), nine);
    assert_eq!(came(&rising, DST, 33_433, 7, &[]), None);
    assert_eq!(came(&Flow { src_port: 8, ..rising }, DST, 33_442, 7, &[]), None);
    let each = Flow { carrier: Carrier::SourcePort, ..rising };
    assert_eq!(came(&each, DST, 33_434, 40_009, &[]), nine);
    assert_eq!(came(&each, DST, 33_435, 40_009, &[]), None);
    assert_eq!(came(&each, DST, 33_434, 40_099, &[]), None);
    let other = flow(TraceMethod::Protocol(253));
    assert_eq!(came(&other, DST, 0, 0, &[1]), any);
    assert_eq!(came(&other, OTHER, 0, 0, &[1]), None);
}

#[test]
fn a_dccp_answer_acknowledges_the_probe() {
    let flow = flow(TraceMethod::Dccp { service: 7 });
    let packet = emitted(&flow, 9);
    let reset = [&[15, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &packet[10..16], &[1, 0, 0, 0]].concat();
    let kind = |payload| ReplyKind::Datagram { protocol: 33, src_port: 33_434, dst_port: 0x1234, payload };
    assert_eq!(answer(&flow, DST, kind(&reset)), Some(Answered::Number(9)));
    assert_eq!(answer(&flow, DST, kind(&reset[..15])), Some(Answered::Any));
}

#[test]
fn a_connection_is_known_by_its_socket() {
    let connect = Flow { src_port: 0, carrier: Carrier::SourcePort, ..flow(TraceMethod::Connect) };
    let connected = |flow: &Flow, probe| {
        let (clock, kind) = (crate::datagram::ClockSource::default(), ReplyKind::Connected { refused: true });
        let (at, hop_limit, options) = (Instant::ZERO, None, &[][..]);
        answered(flow, &NINETY, &Reply { at, clock, from: DST, scope: 0, hop_limit, options, probe, kind })
    };
    assert_eq!(connected(&connect, Some(8)), Some(Answered::Number(9)));
    assert_eq!(connected(&connect, Some(90)), None);
    assert_eq!(connected(&connect, None), None);
    assert_eq!(connected(&flow(TraceMethod::Udp), Some(8)), None);
}
