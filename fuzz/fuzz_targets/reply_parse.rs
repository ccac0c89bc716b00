//! Any octets are parsed or rejected. The first octet selects the socket, the rest is received from it.
//!
//!     fuzz/seeds.sh
//!     cargo +nightly fuzz run reply_parse

#![no_main]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rping::clock::Instant;
use rping::datagram::{ClockSource, Departed, Framing, Received};
use rping::engine::trace::recognise;
use rping::engine::trace::table::{SentProbe, Table};
use rping::probe::trace::{Carrier, Flow, TcpOptions, TraceMethod};
use rping::reply::{QuotedRequest, Reply, ReplyKind};
use rping::wire::extension::{self, ExtensionObject, MAX_LABELS, MAX_OBJECTS};
use rping::wire::ipv4::options::{self, Ipv4Option};
use rping::wire::{Family, icmp};

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

fn framing(socket: u8) -> Framing {
    let error = |family| icmp::Error { family, icmp_type: 3, code: 0, info: 0 };
    let (family, dst) = if socket & 0x80 == 0 { (Family::V4, V4) } else { (Family::V6, V6) };
    let extension = (socket & 0x40 != 0).then_some(28);
    let protocol = [6, 17, 33, 136, 253, 1, 58, 0][usize::from(socket >> 3 & 7)];
    match socket % 8 {
        0 => Framing::Ipv4,
        1 => Framing::Icmpv4,
        2 => Framing::Icmpv6,
        3 => Framing::Queued { error: error(family), dst, extension },
        4 => Framing::Upper { protocol },
        5 => Framing::Payload { protocol, local: 7, remote: 33_434 },
        6 => {
            let dst = SocketAddr::new(dst, 33_434);
            Framing::QueuedPayload { protocol, error: error(family), dst, extension }
        }
        _ => Framing::Connected { refused: socket & 0x80 != 0 },
    }
}

/// Ninety probes of forty octets, the ninth from port 7.
static NINETY: LazyLock<Table> = LazyLock::new(|| {
    let mut table = Table::new(1, 30);
    for place in 0..90 {
        let id = table.push(SentProbe::new(1 + place / 3, 1 + place % 3, 40, Instant::ZERO));
        table.departed(id, Departed { at: Instant::ZERO, port: if id == 8 { 7 } else { 0 } });
    }
    table
});

fn flows() -> impl Iterator<Item = Flow> {
    let tcp = TcpOptions { flags: 2, mss: None, sack: false, timestamps: false, window_scale: false };
    let methods = [
        TraceMethod::Echo,
        TraceMethod::Udp,
        TraceMethod::UdpLite { coverage: 9 },
        TraceMethod::Tcp(tcp),
        TraceMethod::Connect,
        TraceMethod::Dccp { service: 7 },
        TraceMethod::Protocol(253),
        TraceMethod::Protocol(6),
        TraceMethod::Protocol(17),
    ];
    let carriers = [(Carrier::Message, 7), (Carrier::DestinationPort, 0), (Carrier::SourcePort, 0)];
    let each = move |address, method| {
        carriers.map(|(carrier, src_port)| Flow {
            src: address,
            dst: address,
            src_port,
            src_ports: 1,
            dst_port: 33_434,
            method,
            carrier,
            key: [7; 16],
        })
    };
    methods.into_iter().flat_map(move |method| [V4, V6].map(|address| each(address, method))).flatten()
}

fuzz_target!(|input: &[u8]| {
    let Some((&socket, bytes)) = input.split_first() else { return };
    let framing = framing(socket);
    let from = if socket % 8 == 2 { V6 } else { V4 };
    let clock = ClockSource::User;
    let received = Received {
        at: Instant::ZERO,
        clock,
        from,
        scope: 0,
        hop_limit: None,
        options: &[],
        probe: None,
        framing,
        bytes,
    };
    let Ok(Some(reply)) = Reply::parse(&received) else { return };
    walk(reply.options);
    for flow in flows() {
        recognise::answered(&flow, &NINETY, &reply);
    }
    match reply.kind {
        ReplyKind::Answer { len, body, .. } => assert_eq!(len, icmp::HEADER_LEN + body.len()),
        ReplyKind::Error { quoted, extension, .. } => {
            let behind = match quoted.request {
                QuotedRequest::Query { payload, .. } | QuotedRequest::Ports { payload, .. } => {
                    8 + payload.len()
                }
                QuotedRequest::Segment { .. } => 8,
                QuotedRequest::Other { payload, .. } | QuotedRequest::Socket { payload, .. } => payload.len(),
            };
            let structure = extension.unwrap_or_default();
            assert!(quoted.header.len() + behind + structure.len() <= bytes.len());
            walk(quoted.header.get(20..).unwrap_or_default());
            objects(structure);
            for flow in flows() {
                recognise::quoted(&flow, &NINETY, &quoted, None);
            }
        }
        ReplyKind::Segment { .. } | ReplyKind::Datagram { .. } | ReplyKind::Connected { .. } => {}
    }
});

/// Walks through options to their end, which must come.
fn walk(octets: &[u8]) {
    let steps = options::walk(octets).map(|option| match option {
        Ipv4Option::RecordRoute(route) | Ipv4Option::LooseRoute(route) | Ipv4Option::StrictRoute(route) => {
            assert!(route.recorded().count() <= route.addresses().count());
        }
        Ipv4Option::Timestamp(stamps) => assert!(stamps.recorded().count() <= stamps.entries().count()),
        Ipv4Option::Nop | Ipv4Option::Other { .. } => {}
    });
    assert!(steps.count() <= octets.len());
}

/// Walks through objects to their end, which must come.
fn objects(structure: &[u8]) {
    let steps = extension::objects(structure).map(|object| match object {
        ExtensionObject::Mpls(stack) => assert!((1..=MAX_LABELS).contains(&stack.labels().count())),
        ExtensionObject::Interface(interface) => assert!(interface.name.unwrap_or_default().len() < 64),
        ExtensionObject::Other { .. } => {}
    });
    assert!(steps.count() <= MAX_OBJECTS);
}
