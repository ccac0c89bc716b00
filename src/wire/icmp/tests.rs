//! Reading and writing are pairs over the same literal octets.

use super::*;

/// Writes over octets that are not zero, seals as the family does, and compares; then reads it back.
fn pair(family: Family, message: Message<'_>, octets: &[u8]) {
    let mut buffer = vec![0xa5; octets.len() + 3];
    let len = message.emit(family, &mut buffer);
    match family {
        Family::V4 => seal_v4(&mut buffer[..len]),
        Family::V6 => seal_v6(&mut buffer[..len], Ipv6Addr::LOCALHOST, Ipv6Addr::LOCALHOST),
    }
    assert_eq!(buffer[..len], *octets, "{message:?} emitted");
    assert_eq!(buffer[len..], [0xa5; 3], "{message:?} stays within its length");
    assert_eq!(parse(family, octets), Ok(message));
    assert_eq!(message.emit(family, &mut buffer[..len - 1]), 0, "{message:?} in too short a buffer");
}

fn query(body: &[u8]) -> Query<'_> {
    Query { code: 0, ident: 0x1234, seq: 0x0102, body }
}

fn error(family: Family, icmp_type: u8, code: u8, info: u32) -> Error {
    Error { family, icmp_type, code, info }
}

#[test]
fn queries_of_icmpv4() {
    let body = [0xde, 0xad, 0xbe, 0xef];
    let echo = query(&body);
    pair(
        Family::V4,
        Message::EchoRequest(echo),
        &[8, 0, 0x47, 0x2c, 0x12, 0x34, 1, 2, 0xde, 0xad, 0xbe, 0xef],
    );
    pair(Family::V4, Message::EchoReply(echo), &[0, 0, 0x4f, 0x2c, 0x12, 0x34, 1, 2, 0xde, 0xad, 0xbe, 0xef]);
    let stamps = Timestamps { originate: 1, receive: 0x0203_0405, transmit: 0x8000_0000 }.octets();
    pair(
        Family::V4,
        Message::TimestampRequest(query(&stamps)),
        &[13, 0, 0x59, 0xc0, 0x12, 0x34, 1, 2, 0, 0, 0, 1, 2, 3, 4, 5, 0x80, 0, 0, 0],
    );
    pair(
        Family::V4,
        Message::TimestampReply(query(&stamps)),
        &[14, 0, 0x58, 0xc0, 0x12, 0x34, 1, 2, 0, 0, 0, 1, 2, 3, 4, 5, 0x80, 0, 0, 0],
    );
    pair(
        Family::V4,
        Message::MaskRequest(query(&[0; 4])),
        &[17, 0, 0xdb, 0xc9, 0x12, 0x34, 1, 2, 0, 0, 0, 0],
    );
    pair(
        Family::V4,
        Message::MaskReply(query(&[255, 255, 255, 0])),
        &[18, 0, 0xdb, 0xc8, 0x12, 0x34, 1, 2, 255, 255, 255, 0],
    );
}

#[test]
fn queries_of_icmpv6() {
    let body = [0xde, 0xad, 0xbe, 0xef];
    pair(
        Family::V6,
        Message::EchoRequest(query(&body)),
        &[0x80, 0, 0xce, 0xe3, 0x12, 0x34, 1, 2, 0xde, 0xad, 0xbe, 0xef],
    );
    pair(
        Family::V6,
        Message::EchoReply(query(&body)),
        &[0x81, 0, 0xcd, 0xe3, 0x12, 0x34, 1, 2, 0xde, 0xad, 0xbe, 0xef],
    );
}

#[test]
fn errors_of_icmpv4_carry_the_value_of_their_word() {
    let pair = |icmp_type, code, info, octets: [u8; 8]| {
        let error = error(Family::V4, icmp_type, code, info);
        pair(Family::V4, Message::Error { error, quoted: &[] }, &octets);
    };
    pair(3, 1, 0, [3, 1, 0xfc, 0xfe, 0, 0, 0, 0]);
    pair(3, 4, 1400, [3, 4, 0xf7, 0x83, 0, 0, 0x05, 0x78]);
    pair(4, 0, 0, [4, 0, 0xfb, 0xff, 0, 0, 0, 0]);
    pair(5, 1, 0x0a01_02fe, [5, 1, 0xed, 0xff, 10, 1, 2, 254]);
    pair(11, 0, 0, [11, 0, 0xf4, 0xff, 0, 0, 0, 0]);
    pair(12, 0, 21, [12, 0, 0xde, 0xff, 21, 0, 0, 0]);
}

#[test]
fn errors_of_icmpv6_carry_the_value_of_their_word() {
    let pair = |icmp_type, code, info, octets: [u8; 8]| {
        let error = error(Family::V6, icmp_type, code, info);
        pair(Family::V6, Message::Error { error, quoted: &[] }, &octets);
    };
    pair(1, 4, 0, [1, 4, 0xfe, 0xb7, 0, 0, 0, 0]);
    pair(2, 0, 1280, [2, 0, 0xf8, 0xbb, 0, 0, 5, 0]);
    pair(3, 0, 0, [3, 0, 0xfc, 0xbb, 0, 0, 0, 0]);
    pair(4, 1, 40, [4, 1, 0xfb, 0x92, 0, 0, 0, 40]);
    pair(100, 7, 0, [100, 7, 0x9b, 0xb4, 0, 0, 0, 0]);
}

#[test]
fn other_messages_keep_everything() {
    let other = Message::Other { icmp_type: 10, code: 3, word: [1, 2, 3, 4], body: &[5, 6] };
    pair(Family::V4, other, &[10, 3, 0xec, 0xf0, 1, 2, 3, 4, 5, 6]);
    let other = Message::Other { icmp_type: 135, code: 0, word: [0; 4], body: &[] };
    pair(Family::V6, other, &[135, 0, 0x78, 0xbb, 0, 0, 0, 0]);
}

#[test]
fn the_first_words_of_other_errors_are_ignored_but_in_unknown_ones() {
    let info = |family, icmp_type, code| match parse(family, &[icmp_type, code, 0, 0, 1, 2, 3, 4]) {
        Ok(Message::Error { error, .. }) => Some(error.info),
        _ => None,
    };
    assert_eq!(info(Family::V4, 3, 4), Some(0x0304));
    assert_eq!(info(Family::V4, 5, 0), Some(0x0102_0304));
    assert_eq!(info(Family::V4, 12, 0), Some(1));
    assert_eq!([(3, 3), (4, 0), (11, 1)].map(|(t, c)| info(Family::V4, t, c)), [Some(0); 3]);
    assert_eq!([(2, 0), (4, 2)].map(|(t, c)| info(Family::V6, t, c)), [Some(0x0102_0304); 2]);
    assert_eq!([(0, 0), (1, 4), (3, 0), (127, 0)].map(|(t, c)| info(Family::V6, t, c)), [Some(0); 4]);
}

#[test]
fn eight_octets_are_a_message_and_seven_are_not() {
    for family in [Family::V4, Family::V6] {
        for icmp_type in 0..=255 {
            let octets = [icmp_type, 0, 0, 0, 0, 0, 0, 0];
            assert!(parse(family, &octets).is_ok());
            assert_eq!(parse(family, &octets[..7]), Err(Malformed::ShortIcmp));
        }
    }
    assert_eq!(parse(Family::V4, &[]), Err(Malformed::ShortIcmp));
}

#[test]
fn a_family_writes_only_its_own_messages() {
    let mut buffer = [0xa5; 64];
    assert_eq!(Message::TimestampRequest(query(&[0; 12])).emit(Family::V6, &mut buffer), 0);
    assert_eq!(Message::MaskReply(query(&[0; 4])).emit(Family::V6, &mut buffer), 0);
    let error = error(Family::V4, 3, 1, 0);
    assert_eq!(Message::Error { error, quoted: &[] }.emit(Family::V6, &mut buffer), 0);
    assert_eq!(buffer, [0xa5; 64]);
}

#[test]
fn only_source_quench_and_redirect_are_notices() {
    let notices = |family| {
        let is_notice = |icmp_type: &u8| error(family, *icmp_type, 0, 0).is_notice();
        (0..=255).filter(is_notice).collect::<Vec<u8>>()
    };
    assert_eq!(notices(Family::V4), [4, 5]);
    assert_eq!(notices(Family::V6), [0; 0]);
}

#[test]
fn three_timestamps_are_read_as_they_are_written() {
    let octets = [0, 0, 0, 1, 2, 3, 4, 5, 0x80, 0, 0, 0];
    let stamps = Timestamps { originate: 1, receive: 0x0203_0405, transmit: 0x8000_0000 };
    assert_eq!(Timestamps::parse(&octets), Some(stamps));
    assert_eq!(stamps.octets(), octets);
    assert_eq!(Timestamps::parse(&octets[..11]), None);
}
