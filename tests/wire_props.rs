//! Any octets are parsed or rejected, and correctly as far as the right result can be known.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use proptest::prelude::*;
use rping::datagram::{Framing, Received};
use rping::engine::trace::recognise;
use rping::reply::{QuotedRequest, Reply, ReplyKind};
use rping::wire::ipv4::options;
use rping::wire::{Family, icmp};

#[path = "wire_props/extensions.rs"]
mod extensions;
#[path = "captures/load.rs"]
mod load;
#[path = "wire_props/quotes.rs"]
mod quotes;
#[path = "wire_props/traces.rs"]
mod traces;

use load::received;

/// The source of the answers and errors below.
const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Every way that octets can come from a socket.
fn framings() -> Vec<Framing> {
    let error = |family| icmp::Error { family, icmp_type: 3, code: 0, info: 0 };
    let v6 = IpAddr::V6(Ipv6Addr::LOCALHOST);
    let mut framings = vec![Framing::Ipv4, Framing::Icmpv4, Framing::Icmpv6];
    for (family, dst) in [(Family::V4, FROM), (Family::V6, v6)] {
        let error = error(family);
        for extension in [None, Some(28)] {
            framings.push(Framing::Queued { error, dst, extension });
            for protocol in [6, 17] {
                let dst = SocketAddr::new(dst, 33_434);
                framings.push(Framing::QueuedPayload { protocol, error, dst, extension });
            }
        }
    }
    framings.extend([6, 17, 33, 136, 253].map(|protocol| Framing::Upper { protocol }));
    framings.push(Framing::Payload { protocol: 17, local: 7, remote: 33_434 });
    framings.push(Framing::Connected { refused: true });
    framings
}

/// Reads the octets, and all that the reply offers to read further. Returns how often it was something.
fn exercise(received: &Received<'_>) -> u64 {
    let Ok(Some(reply)) = Reply::parse(received) else { return 0 };
    walk(reply.options);
    for flow in traces::READ.iter() {
        recognise::answered(flow, &traces::NINETY, &reply);
    }
    match reply.kind {
        ReplyKind::Answer { body, .. } => {
            icmp::Timestamps::parse(body);
        }
        ReplyKind::Error { quoted, extension, .. } => {
            walk(quoted.header.get(20..).unwrap_or_default());
            extensions::walk(extension.unwrap_or_default());
            for flow in traces::READ.iter() {
                recognise::quoted(flow, &traces::NINETY, &quoted, None);
            }
        }
        ReplyKind::Segment { .. } | ReplyKind::Datagram { .. } | ReplyKind::Connected { .. } => {}
    }
    1
}

/// Walks through options to their end, which must come.
fn walk(octets: &[u8]) {
    let steps = options::walk(octets).map(|option| match option {
        options::Ipv4Option::RecordRoute(route)
        | options::Ipv4Option::LooseRoute(route)
        | options::Ipv4Option::StrictRoute(route) => {
            assert!(route.recorded().count() <= route.addresses().count());
        }
        options::Ipv4Option::Timestamp(stamps) => {
            assert!(stamps.recorded().count() <= stamps.entries().count());
        }
        options::Ipv4Option::Nop | options::Ipv4Option::Other { .. } => {}
    });
    assert!(steps.count() <= octets.len());
}

proptest! {
    #[test]
    fn any_octets_from_any_socket_are_parsed_or_rejected(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        framing in prop::sample::select(framings()),
    ) {
        exercise(&received(framing, &bytes, FROM));
    }

    #[test]
    fn any_options_are_walked_in_at_most_as_many_steps_as_octets(
        octets in prop::collection::vec(any::<u8>(), 0..=40),
    ) {
        walk(&octets);
    }

    #[test]
    fn options_of_known_kinds_with_any_length_and_pointer_are_walked(
        kind in prop::sample::select(vec![7_u8, 68, 131, 137]),
        head in any::<[u8; 3]>(),
        rest in prop::collection::vec(any::<u8>(), 0..=36),
    ) {
        walk(&[&[kind], &head[..], &rest].concat());
    }
}

/// A verdict without what a cut can change: lengths, bodies, checksums.
fn identity(received: &Received<'_>) -> Result<Option<String>, ()> {
    let reply = Reply::parse(received).map_err(|_| ())?;
    Ok(reply.map(|reply| match reply.kind {
        ReplyKind::Answer { method, code, ident, seq, .. } => format!("{method:?} {code} {ident} {seq}"),
        ReplyKind::Error { error, quoted, .. } => {
            let request = match quoted.request {
                QuotedRequest::Query { method, ident, seq, .. } => format!("{method:?} {ident} {seq}"),
                QuotedRequest::Ports { protocol, header, .. } => format!("{protocol} {header:?}"),
                QuotedRequest::Other { protocol, .. } => format!("{protocol}"),
                request => format!("{request:?}"),
            };
            format!("{error:?} {} {request}", quoted.dst)
        }
        kind => format!("{kind:?}"),
    }))
}

#[test]
fn every_prefix_of_a_capture_is_malformed_up_to_its_last_needed_octet_and_the_same_from_there() {
    for capture in load::all() {
        let whole = capture.received();
        let verdict = identity(&whole);
        let spare = match Reply::parse(&whole) {
            Ok(Some(Reply { kind: ReplyKind::Answer { body, .. }, .. })) => Some(body.len()),
            Ok(Some(Reply { kind: ReplyKind::Error { quoted, extension, .. }, .. })) => {
                let spare = match quoted.request {
                    QuotedRequest::Query { payload, .. }
                    | QuotedRequest::Ports { payload, .. }
                    | QuotedRequest::Other { payload, .. } => payload.len(),
                    // Only the first eight octets of a segment are looked at.
                    _ => {
                        let outer = if whole.framing == Framing::Ipv4 { 20 } else { 0 };
                        whole.bytes.len()
                            - outer
                            - icmp::HEADER_LEN
                            - quoted.header.len()
                            - 8
                            - extension.map_or(0, <[u8]>::len)
                    }
                };
                // A structure that is cut is one no more.
                Some(extension.map_or(spare, |structure| spare + structure.len()))
            }
            _ => None,
        };
        let verdicts: Vec<_> = (0..=whole.bytes.len())
            .map(|len| identity(&Received { bytes: &whole.bytes[..len], ..whole }))
            .collect();
        let needed = verdicts.iter().position(Result::is_ok).unwrap();
        if let Some(spare) = spare {
            assert_eq!(needed, whole.bytes.len() - spare, "{}", capture.name);
        }
        assert!(verdicts[needed..].iter().all(|each| *each == verdict), "{}", capture.name);
    }
}

#[test]
fn every_prefix_of_a_capture_from_every_socket_is_parsed_or_rejected() {
    for capture in load::all() {
        for framing in framings() {
            for len in 0..=capture.packet.len() {
                exercise(&received(framing, &capture.packet[..len], FROM));
            }
        }
    }
}

#[test]
fn every_value_of_every_octet_of_some_captures_is_parsed_or_rejected() {
    let chosen = [
        "echo_reply_v4_record_route",
        "echo_reply_v4_timestamps_and_addresses",
        "parameter_problem_v4",
        "time_exceeded_v4",
        "time_exceeded_v4_record_route",
        "time_exceeded_v4_interface",
        "time_exceeded_v4_tcp",
        "time_exceeded_v4_udp_mpls",
        "time_exceeded_v6_two_extensions",
        "time_exceeded_v6_udp_mpls_interface",
        "timestamp_reply",
    ];
    let mut found = 0;
    for mut capture in load::all().into_iter().filter(|capture| chosen.contains(&capture.name.as_str())) {
        found += 1;
        let start = if capture.is_v4() { 0 } else { 40 };
        for at in start..capture.packet.len().min(start + 128) {
            let kept = capture.packet[at];
            for value in 0..=255 {
                capture.packet[at] = value;
                let framing = if capture.is_v4() { Framing::Ipv4 } else { Framing::Icmpv6 };
                exercise(&received(framing, &capture.packet[start..], FROM));
            }
            capture.packet[at] = kept;
        }
    }
    assert_eq!(found, chosen.len());
}

/// Xorshift64 (Marsaglia 2003): seeded, so that a failure repeats.
pub struct Noise(pub u64);

impl Noise {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below this.
    pub fn below(&mut self, bound: usize) -> usize {
        // The bias towards small numbers is far below what these tests could detect.
        (self.bits() >> 32) as usize % bound.max(1)
    }
}

/// Captures with octets changed and cut off, from every socket. `RPING_T1=20000000` makes them more.
#[test]
fn each_of_many_damaged_datagrams_is_parsed_or_rejected() {
    let count = std::env::var("RPING_T1").map_or(300_000, |count| count.parse::<u64>().unwrap());
    let captures = load::all();
    let framings = framings();
    let mut noise = Noise(0x5eed_0f91_7e57);
    let mut buffer = Vec::new();
    let mut replies = 0;
    for _ in 0..count {
        let packet = &captures[noise.below(captures.len())].packet;
        let framing = framings[noise.below(framings.len())];
        let v6 = matches!(
            framing,
            Framing::Queued { error: icmp::Error { family: Family::V6, .. }, .. }
                | Framing::QueuedPayload { error: icmp::Error { family: Family::V6, .. }, .. }
        );
        let skip = match framing {
            Framing::Ipv4 => 0,
            Framing::Icmpv4 | Framing::Upper { .. } => 20,
            Framing::Icmpv6 => 40,
            // Both headers and the one of the error.
            Framing::Queued { .. } => {
                if v6 {
                    88
                } else {
                    48
                }
            }
            Framing::QueuedPayload { .. } | Framing::Payload { .. } => {
                if v6 {
                    96
                } else {
                    56
                }
            }
            Framing::Connected { .. } => packet.len(),
        };
        // Beyond 260 octets nothing but payload follows.
        let octets = packet.get(skip..packet.len().min(260)).unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(&octets[..octets.len() - noise.below(octets.len() * 2).min(octets.len())]);
        for _ in 0..noise.below(5) {
            let at = noise.below(buffer.len());
            if let Some(octet) = buffer.get_mut(at) {
                *octet = noise.bits() as u8;
            }
        }
        replies += exercise(&received(framing, &buffer, FROM));
    }
    // The damage must leave enough whole to reach every branch.
    assert!(replies > count / 20, "only {replies} of {count} were replies");
}
