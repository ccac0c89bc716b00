//! The probes of a traceroute: one flow on the wire, and recognised after any translation; probes of
//! others are never recognised as ours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use proptest::prelude::*;
use rping::clock::Instant;
use rping::datagram::{Departed, Framing};
use rping::engine::trace::recognise::{self, Recognised};
use rping::engine::trace::table::{SentProbe, Table, wire_number};
use rping::probe::Method;
use rping::probe::trace::{Carrier, Flow, TcpOptions, TraceMethod, TraceProbe};
use rping::reply::{Quoted, QuotedRequest, Reply, ReplyKind};
use rping::wire::{Family, icmp};
use rping::wire::{ipv4, ipv6, pseudo_header, udp};

use super::Noise;
use super::load::received;

const SRC4: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
const DST4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const SRC6: IpAddr = IpAddr::V6(Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1));
const DST6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// Octets behind the IP header of all probes here, where no other length is given.
const LEN: usize = 40;

/// Ninety probes of one length, as of thirty hops, each from the port that is its number and 40,000.
pub static NINETY: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::new(1, 30);
    for place in 0..90 {
        let id = table.push(SentProbe::new(1 + place / 3, 1 + place % 3, LEN, Instant::ZERO));
        table.departed(id, Departed { at: Instant::ZERO, port: 40_000 + wire_number(id) });
    }
    table
});

fn methods() -> [TraceMethod; 8] {
    let options = TcpOptions { flags: 2, mss: Some(1460), sack: true, timestamps: true, window_scale: true };
    [
        TraceMethod::Echo,
        TraceMethod::Udp,
        TraceMethod::UdpLite { coverage: 0 },
        TraceMethod::UdpLite { coverage: 12 },
        TraceMethod::Tcp(options),
        TraceMethod::Tcp(TcpOptions {
            flags: 0x10,
            mss: None,
            sack: false,
            timestamps: false,
            window_scale: false,
        }),
        TraceMethod::Dccp { service: 7 },
        TraceMethod::Protocol(253),
    ]
}

fn flow(family: Family, method: TraceMethod) -> Flow {
    let (src, dst) = match family {
        Family::V4 => (SRC4, DST4),
        Family::V6 => (SRC6, DST6),
    };
    let carrier = Carrier::Message;
    Flow {
        src,
        dst,
        src_port: 0x8234,
        src_ports: 1,
        dst_port: 33_434,
        method,
        carrier,
        key: *b"one run and only",
    }
}

/// A flow of each kind of reading.
pub static READ: LazyLock<Vec<Flow>> = LazyLock::new(|| {
    let [echo, udp, .., tcp, dccp, other] = methods().map(|method| flow(Family::V4, method));
    let rising = Flow { src_port: 0, carrier: Carrier::DestinationPort, ..udp };
    let connect = Flow { method: TraceMethod::Connect, carrier: Carrier::SourcePort, ..rising };
    vec![echo, flow(Family::V6, TraceMethod::Echo), udp, tcp, dccp, other, rising, connect]
});

/// A flow of every method and family, and some that the kernel makes headers for.
fn flows() -> Vec<Flow> {
    let each = |family| {
        let ports = [Carrier::DestinationPort, Carrier::SourcePort];
        let kernels = ports.map(|carrier| Flow { src_port: 0, carrier, ..flow(family, TraceMethod::Udp) });
        let connect = Flow { method: TraceMethod::Connect, ..kernels[1] };
        methods().map(|method| flow(family, method)).into_iter().chain(kernels).chain([connect])
    };
    each(Family::V4).chain(each(Family::V6)).collect()
}

/// Where the upper header of this protocol has its checksum.
fn checksum_at(protocol: u8) -> Option<usize> {
    match protocol {
        1 | 58 => Some(2),
        6 => Some(16),
        17 | 33 | 136 => Some(6),
        _ => None,
    }
}

/// Makes the checksum of an upper packet right, as whoever rewrites it must. It is done from nothing.
fn seal(packet: &mut [u8], protocol: u8, src: IpAddr, dst: IpAddr) {
    let Some(at) = checksum_at(protocol) else { return };
    packet[at..at + 2].fill(0);
    let coverage = usize::from(u16::from_be_bytes([packet[4], packet[5]]));
    let covered = if protocol == 136 && coverage > 0 { coverage } else { packet.len() };
    let mut sum = Default::default();
    if protocol != 1 {
        sum = pseudo_header(src, dst, packet.len(), protocol);
    }
    sum.add(&packet[..covered]);
    let sum = match sum.finish() {
        0 if matches!(protocol, 17 | 33 | 136) => 0xffff,
        sum => sum,
    };
    packet[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

/// A probe as it is on the wire, behind the IP header.
fn on_the_wire(flow: &Flow, number: u16, len: usize) -> Vec<u8> {
    let mut packet = vec![0xa5; len.max(60)];
    let len = flow.emit(TraceProbe { number, flow: 0, ttl: 1, len }, &mut packet);
    packet.truncate(len);
    if flow.protocol() == 58 {
        // The kernel fills it in.
        seal(&mut packet, 58, flow.src, flow.dst);
    }
    packet
}

#[test]
fn all_probes_of_a_flow_begin_with_the_same_four_octets_and_differ_in_the_next_four() {
    for family in [Family::V4, Family::V6] {
        for method in methods() {
            let flow = flow(family, method);
            for len in [10, 11, 17, 18, 19, 20, 21, 40, 60, 1_472, 9_000] {
                let first = on_the_wire(&flow, 1, len);
                for number in [2, 3, 90, 256, 2_550, 0x8000, 0xfffe, 0xffff] {
                    let other = on_the_wire(&flow, number, len);
                    let what = format!("{flow:?}, number {number}, {len} octets");
                    assert_eq!(first[..4], other[..4], "{what}");
                    assert_ne!(first[4..8], other[4..8], "{what}");
                    assert_eq!(first.len(), other.len(), "{what}");
                }
            }
        }
    }
}

#[test]
fn all_probes_on_the_wire_have_a_right_checksum() {
    for flow in flows().iter().filter(|flow| flow.emits_header()) {
        for (len, number) in [(8, 1), (9, 2), (10, 3), (11, 0xffff), (20, 90), (40, 7), (41, 8), (1_472, 9)] {
            let packet = on_the_wire(flow, number, len);
            let mut sealed = packet.clone();
            seal(&mut sealed, flow.protocol(), flow.src, flow.dst);
            assert_eq!(packet, sealed, "{flow:?}, number {number}, {len} octets");
        }
    }
}

/// The beginning of a datagram around an upper packet, as an error quotes it: `shown` octets of the packet.
fn quote(src: IpAddr, dst: IpAddr, protocol: u8, packet: &[u8], shown: usize) -> Vec<u8> {
    let mut head = [0; 40];
    let len = match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let total_len = 20 + packet.len() as u16;
            let (tos, id, flags, fragment_offset, ttl, checksum) = (0, 7, 0, 0, 1, 0);
            let header = ipv4::Ipv4Header {
                tos,
                total_len,
                id,
                flags,
                fragment_offset,
                ttl,
                protocol,
                checksum,
                src,
                dst,
            };
            ipv4::emit(&header, &[], &mut head)
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            let (traffic_class, flow_label, next_header, hop_limit) = (0, 0, protocol, 1);
            let payload_len = packet.len() as u16;
            let header =
                ipv6::Ipv6Header { traffic_class, flow_label, payload_len, next_header, hop_limit, src, dst };
            ipv6::emit(&header, &mut head)
        }
        _ => panic!("{src} and {dst} are of two families"),
    };
    [&head[..len], &packet[..shown.min(packet.len())]].concat()
}

/// What a time-exceeded with this quote is about.
fn about(flow: &Flow, quote: &[u8]) -> Option<Recognised> {
    let (framing, icmp_type) = match Family::of(flow.dst) {
        Family::V4 => (Framing::Icmpv4, 11),
        Family::V6 => (Framing::Icmpv6, 3),
    };
    let message = [&icmp::header(icmp_type, 0, [0; 4])[..], quote].concat();
    let reply = Reply::parse(&received(framing, &message, DST4)).ok()??;
    let ReplyKind::Error { quoted, .. } = reply.kind else { panic!("{reply:?} is no error") };
    recognise::quoted(flow, &NINETY, &quoted, None)
}

/// What a translator on the way rewrites. One that hides many behind one address rewrites the port too.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Translator {
    src: Option<u16>,
    port: Option<u16>,
    dst: Option<u16>,
}

impl Translator {
    /// Whether it keeps what eight octets need: all fields of one of the two ends.
    fn spares_an_end(self) -> bool {
        self.dst.is_none() || self.port.is_none()
    }

    fn address(own: IpAddr, other: Option<u16>) -> IpAddr {
        match (own, other.map(u16::to_be_bytes)) {
            (own, None) => own,
            (IpAddr::V4(_), Some([a, b])) => IpAddr::V4(Ipv4Addr::new(100, 64, a, b)),
            (IpAddr::V6(_), Some([a, b])) => {
                IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, a.into(), 1, 2, 3, 4, b.into()))
            }
        }
    }

    /// A probe as a router behind the translator quotes it.
    fn quote(self, flow: &Flow, mut packet: Vec<u8>, shown: usize) -> Vec<u8> {
        let (src, dst) = (Self::address(flow.src, self.src), Self::address(flow.dst, self.dst));
        let protocol = flow.protocol();
        let at = if let 1 | 58 = protocol { 4 } else { 0 };
        if let Some(port) = self.port.filter(|_| protocol != 253) {
            packet[at..at + 2].copy_from_slice(&port.to_be_bytes());
        }
        if packet.len() >= 20 {
            seal(&mut packet, protocol, src, dst);
        }
        quote(src, dst, protocol, &packet, shown)
    }
}

fn translators() -> impl Strategy<Value = Translator> {
    let maybe = || prop::option::of(1..u16::MAX);
    (maybe(), maybe(), maybe()).prop_map(|(src, port, dst)| {
        // Without another source there is no reason for another port.
        Translator { src, port: port.filter(|_| src.is_some()), dst }
    })
}

proptest! {
    #[test]
    fn a_probe_is_recognised_behind_any_translator(
        translator in translators(),
        chosen in prop::sample::select(methods().to_vec()),
        family in prop::sample::select(vec![Family::V4, Family::V6]),
        number in 1..=90_u16,
        shown in prop_oneof![Just(8_usize), 8..=LEN, Just(LEN)],
    ) {
        let flow = flow(family, chosen);
        let quote = translator.quote(&flow, on_the_wire(&flow, number, LEN), shown);
        let untouched = Translator { src: None, port: None, dst: None };
        let proven = match chosen {
            TraceMethod::Echo | TraceMethod::Dccp { .. } => shown >= 16,
            TraceMethod::Udp | TraceMethod::UdpLite { .. } => shown >= 18,
            TraceMethod::Tcp(_) => false,
            _ => true,
        };
        match about(&flow, &quote) {
            Some(found) => {
                let translated = translator.src.is_some() || translator.dst.is_some();
                // Each of these translators mends the checksum.
                let expected = Recognised { number, translated, shift: None };
                prop_assert_eq!(found, expected, "{:?}", translator == untouched);
            }
            None => prop_assert!(!proven && !translator.spares_an_end(), "not recognised"),
        }
    }

    #[test]
    fn zeros_behind_a_quote_do_not_change_what_is_recognised(
        translator in translators(),
        chosen in prop::sample::select(methods().to_vec()),
        number in 1..=90_u16,
    ) {
        let flow = flow(Family::V4, chosen);
        let short = translator.quote(&flow, on_the_wire(&flow, number, LEN), 8);
        let filled = [&short[..], &[0; 100]].concat();
        prop_assert_eq!(about(&flow, &filled), about(&flow, &short));
    }
}

/// The datagram of another program, in a quote: of this host or another, to the same target or another, with a
/// number in our range or any, and with eight octets or more.
fn foreign_quote<'a>(noise: &mut Noise, flow: &Flow, payload: &'a [u8]) -> Quoted<'a> {
    let word = |noise: &mut Noise| noise.bits() as u16;
    // It is not from our port: the kernel gives that to no other program.
    let port = word(noise);
    let port = if port == flow.src_port { port ^ 1 } else { port };
    let payload = &payload[..if noise.below(2) == 0 { 0 } else { 32 }];
    let small = 1 + noise.below(90) as u16;
    // With eight octets a number in range is one of few fields that can decide.
    let number = if payload.is_empty() { word(noise) } else { small };
    let other = IpAddr::V4(Ipv4Addr::from(noise.bits() as u32));
    let dst = if noise.below(4) == 0 { other } else { flow.dst };
    let src = if noise.below(4) == 0 { other } else { flow.src };
    let dst_port = [33_434, 33_434_u16.wrapping_add(small), 53, word(noise)][noise.below(4)];
    let third = if noise.below(2) == 0 { flow.third(flow.len(LEN)) } else { word(noise) };
    // Another trace to the same port of the same target with the same length, quoted with an address and a port
    // that are not ours, could be ours behind a translator: of eight octets only the range of the number decides.
    let could_be_ours = (dst, dst_port, third) == (flow.dst, flow.dst_port, flow.third(flow.len(LEN)));
    let src = if could_be_ours { flow.src } else { src };
    let request = match flow.method {
        TraceMethod::Echo => {
            let (ident, checksum) = (port, word(noise));
            QuotedRequest::Query { method: Method::Echo, ident, seq: number, checksum, payload }
        }
        TraceMethod::Tcp(_) => QuotedRequest::Segment {
            src_port: port,
            dst_port,
            seq: (noise.bits() as u32) << 16 | u32::from(number),
        },
        _ => QuotedRequest::Ports {
            protocol: flow.protocol(),
            header: udp::UdpHeader { src_port: port, dst_port, third, checksum: small },
            payload,
        },
    };
    Quoted { src: Some(src), dst, header: &[], request }
}

/// `RPING_FOREIGN_QUOTES=100000000` makes them more.
#[test]
fn no_foreign_probe_is_recognised_as_our_own() {
    let count = std::env::var("RPING_FOREIGN_QUOTES").map_or(200_000, |count| count.parse::<u64>().unwrap());
    let mut noise = Noise(0x57a9_6e25_0f91_7e57);
    let flows: Vec<_> = [methods()[0], methods()[1], methods()[2], methods()[4], methods()[6]]
        .into_iter()
        .map(|method| flow(Family::V4, method))
        .collect();
    let mut payload = [0; 32];
    for _ in 0..count {
        let flow = &flows[noise.below(flows.len())];
        payload.as_chunks_mut::<8>().0.iter_mut().for_each(|chunk| *chunk = noise.bits().to_be_bytes());
        let quoted = foreign_quote(&mut noise, flow, &payload);
        let found = recognise::quoted(flow, &NINETY, &quoted, None);
        assert_eq!(found, None, "{quoted:?} for {flow:?}");
    }
}
