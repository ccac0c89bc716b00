//! The filters, run as the kernel runs them.

use super::*;
use crate::wire::icmp::{Message, parse};

const IDENT: u16 = 0xbeef;

/// Classic BPF for the instructions above, as the kernel runs it: a load beyond the end drops.
fn run(program: &[Op], packet: &[u8]) -> bool {
    let octet = |at: u32| packet.get(at as usize).map(|b| u32::from(*b));
    let (mut pc, mut a, mut x, mut memory) = (0, 0u32, 0u32, 0u32);
    loop {
        let Op { code, jt, jf, k } = program[pc];
        pc += 1;
        let load = match code {
            0x30 => Some(octet(k)),
            0x50 => Some(octet(x + k)),
            0x28 => Some(octet(k).zip(octet(k + 1)).map(|(h, l)| h << 8 | l)),
            0x48 => Some(octet(x + k).zip(octet(x + k + 1)).map(|(h, l)| h << 8 | l)),
            _ => None,
        };
        match (load, code) {
            (Some(Some(value)), _) => a = value,
            (Some(None), _) => return false,
            (_, 0x80) => a = packet.len() as u32,
            (_, 0xb1) => x = 4 * (octet(0).unwrap() & 0xf),
            (_, 0x54) => a &= k,
            (_, 0x64) => a <<= k,
            (_, 0x1c) => a = a.wrapping_sub(x),
            (_, 0x0c) => a += x,
            (_, 0x07) => x = a,
            (_, 0x02) => memory = a,
            (_, 0x60) => a = memory,
            (_, 0x15) => pc += usize::from(if a == k { jt } else { jf }),
            (_, 0x35) => pc += usize::from(if a >= k { jt } else { jf }),
            (_, 0x3d) => pc += usize::from(if a >= x { jt } else { jf }),
            (_, 0x06) => return k > 0,
            _ => panic!("{code:#x} is not used"),
        }
    }
}

fn passes(packet: &[u8]) -> bool {
    run(&icmpv4(0, IDENT, None), packet)
}

/// An IPv4 header of `words` 32-bit words.
fn ip(words: u8, protocol: u8) -> Vec<u8> {
    let mut header = vec![1; usize::from(words) * 4];
    header[0] = 0x40 | words;
    header[9] = protocol;
    header
}

fn icmp(icmp_type: u8, ident: u16) -> Vec<u8> {
    let [high, low] = ident.to_be_bytes();
    vec![icmp_type, 0, 0, 0, high, low, 0, 1]
}

/// An error with this type, in an outer header of `outer` words, quoting `quote`.
fn error(outer: u8, icmp_type: u8, quote: &[Vec<u8>]) -> Vec<u8> {
    [ip(outer, 1), icmp(icmp_type, 0), quote.concat()].concat()
}

#[test]
fn answers_pass_with_our_identifier_only() {
    for words in [5, 6, 15] {
        assert!(passes(&[ip(words, 1), icmp(0, IDENT)].concat()), "{words}");
        assert!(!passes(&[ip(words, 1), icmp(0, 0xbeee)].concat()), "{words}");
    }
}

#[test]
fn only_the_types_of_the_table_pass() {
    let passing: Vec<u8> = (0..=255).filter(|t| passes(&[ip(5, 1), icmp(*t, IDENT)].concat())).collect();
    assert_eq!(passing, [0, 3, 4, 5, 11, 12]);
    let timestamps = icmpv4(14, IDENT, None);
    let passing: Vec<u8> =
        (0..=255).filter(|t| run(&timestamps, &[ip(5, 1), icmp(*t, IDENT)].concat())).collect();
    assert_eq!(passing, [3, 4, 5, 11, 12, 14]);
}

#[test]
fn errors_pass_unless_the_quote_is_clearly_of_another_program() {
    for (outer, inner) in [(5, 5), (5, 15), (15, 5), (15, 15), (6, 7)] {
        for icmp_type in [3, 4, 5, 11, 12] {
            let quoting =
                |protocol, ident| passes(&error(outer, icmp_type, &[ip(inner, protocol), icmp(8, ident)]));
            assert!(quoting(1, IDENT), "ours: {outer} {inner} {icmp_type}");
            assert!(!quoting(1, 0xbee0), "another identifier: {outer} {inner} {icmp_type}");
            assert!(!quoting(17, IDENT), "UDP: {outer} {inner} {icmp_type}");
            assert!(!quoting(6, IDENT), "TCP: {outer} {inner} {icmp_type}");
        }
    }
}

#[test]
fn quotes_too_short_to_decide_pass() {
    let whole = error(5, 11, &[ip(6, 1), icmp(8, 0x1111)]);
    for cut in 20..whole.len() {
        // The identifier ends six octets into the quoted ICMP message.
        assert_eq!(passes(&whole[..cut]), cut < 20 + 8 + 24 + 6, "cut at {cut}");
    }
}

#[test]
fn odd_quotes_pass() {
    let mut version_6 = error(5, 3, &[ip(5, 17), icmp(8, 1)]);
    version_6[28] = 0x65;
    assert!(passes(&version_6));
    let mut header_of_16 = error(5, 3, &[ip(5, 17), icmp(8, 1)]);
    header_of_16[28] = 0x44;
    assert!(passes(&header_of_16));
    let mut header_beyond_the_end = error(5, 3, &[ip(5, 1), icmp(8, 1)]);
    header_beyond_the_end[28] = 0x4f;
    assert!(passes(&header_beyond_the_end));
}

#[test]
fn a_connected_socket_receives_only_answers() {
    let program = icmpv4_answers(0, IDENT);
    assert!(run(&program, &[ip(6, 1), icmp(0, IDENT)].concat()));
    assert!(!run(&program, &[ip(6, 1), icmp(0, 1)].concat()));
    assert!(!run(&program, &error(5, 11, &[ip(5, 1), icmp(8, IDENT)])));
    assert!(run(&program, &[ip(6, 1), vec![0; 7]].concat()));
}

#[test]
fn icmpv6_answers_pass_with_our_identifier_only() {
    let program = icmpv6(129, IDENT);
    assert!(run(&program, &icmp(129, IDENT)));
    assert!(!run(&program, &icmp(129, 1)));
    assert!(run(&program, &icmp(129, 1)[..5]));
    for icmp_type in [1, 2, 3, 4] {
        assert!(run(&program, &icmp(icmp_type, 1)));
    }
}

#[test]
fn icmpv4_types_pass_as_wanted() {
    let open = |bytes: [u8; 4]| -> Vec<u32> {
        (0..32).filter(|icmp_type| u32::from_ne_bytes(bytes) >> icmp_type & 1 == 0).collect()
    };
    let wanted = Wanted { answer: 0, ident: 1, errors: true, about: None };
    assert_eq!(open(wanted.icmpv4_types()), [0, 3, 4, 5, 11, 12]);
    assert_eq!(open(Wanted { answer: 14, errors: false, ..wanted }.icmpv4_types()), [14]);
}

#[test]
fn icmpv6_types_pass_as_wanted() {
    let open = |bytes: [u8; 32]| -> Vec<usize> {
        let words: Vec<u32> = bytes.chunks(4).map(|w| u32::from_ne_bytes(w.try_into().unwrap())).collect();
        (0..256).filter(|t| words[t / 32] >> (t % 32) & 1 == 0).collect()
    };
    let wanted = Wanted { answer: 129, ident: 1, errors: true, about: None };
    assert_eq!(open(wanted.icmpv6_types()), [(0..=127).collect(), vec![129]].concat());
    assert_eq!(open(Wanted { errors: false, ..wanted }.icmpv6_types()), [129]);
}

#[test]
fn what_the_parser_calls_an_error_passes() {
    let quoted = [ip(5, 1), icmp(8, IDENT)].concat();
    for (answer, about) in [(0, None), (14, None), (18, None), (0, Some(17))] {
        let wanted = Wanted { answer, ident: IDENT, errors: true, about };
        let wanted_v6 = Wanted { answer: 129, ..wanted };
        for icmp_type in 0..=u8::MAX {
            // What is quoted is about our probe, or is too short to decide.
            for quote in [&quoted[..], &quoted[..8], &[]] {
                let message = [&icmp(icmp_type, 0)[..], quote].concat();
                let is_error = |family| matches!(parse(family, &message), Ok(Message::Error { .. }));
                let packet = [ip(5, 1), message.clone()].concat();
                let blocked = |bits: &[u8]| {
                    let word = bits.chunks(4).nth(usize::from(icmp_type) / 32);
                    let word = word.map(|word| u32::from_ne_bytes(word.try_into().unwrap()));
                    word.is_some_and(|word| word >> (icmp_type % 32) & 1 == 1)
                };
                if is_error(Family::V4) && about.is_none() {
                    assert!(run(&icmpv4(answer, IDENT, about), &packet), "ICMP {icmp_type}");
                }
                assert!(!is_error(Family::V4) || !blocked(&wanted.icmpv4_types()), "ICMP {icmp_type}");
                if is_error(Family::V6) {
                    assert!(run(&icmpv6(129, IDENT), &message), "ICMPv6 {icmp_type}");
                    assert!(!blocked(&wanted_v6.icmpv6_types()), "ICMPv6 {icmp_type}");
                }
            }
        }
    }
}

#[test]
fn every_program_ends_and_the_kernel_takes_it() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::DGRAM, None).unwrap();
    let wanted = Wanted { answer: 0, ident: IDENT, errors: true, about: None };
    for program in [wanted.icmpv4(), Wanted { errors: false, ..wanted }.icmpv4(), wanted.icmpv6(), nothing()]
    {
        socket.attach_filter(&program).unwrap();
    }
}
