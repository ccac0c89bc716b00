//! Paths of routers for the simulated network, with a trace on one end: each router has its delay and its behaviour.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rping::clock::Instant;
use rping::engine::trace::event::{Outcome, TraceEvent};
use rping::engine::trace::{Trace, TraceConfig, Wait};
use rping::probe::trace::{Carrier, Flow, TraceMethod};

use super::packet::{checksum6, ipv4_header, ipv6_header};
#[allow(unused_imports)] // each test binary uses its own part
pub use super::{HERE, HERE6, Packet, Response, Seen as Probe, stamp};
use super::{Script, Sim, Stamps, ms};

pub const TARGET: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
pub const TARGET6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 0x10);
pub const SRC_PORT: u16 = 0x8765;

/// The router at hop `n` of an IPv4 path.
pub fn router(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 1, n, 1)
}

/// `rping traceroute -I TARGET`, 60 octets.
pub fn config() -> TraceConfig {
    trace_config(TraceMethod::Echo, false)
}

/// A trace by any method over either family, with the defaults of the command.
pub fn trace_config(method: TraceMethod, v6: bool) -> TraceConfig {
    let (src, dst): (IpAddr, IpAddr) =
        if v6 { (HERE6.into(), TARGET6.into()) } else { (HERE.into(), TARGET.into()) };
    let dst_port = match method {
        TraceMethod::Echo => 0,
        TraceMethod::Tcp(_) | TraceMethod::Connect => 80,
        // The path identifies these protocols by their port.
        TraceMethod::Protocol(protocol) => protocol.into(),
        TraceMethod::Dccp { .. } => 33,
        TraceMethod::UdpLite { .. } => 136,
        _ => 53,
    };
    let flow = Flow {
        src,
        dst,
        src_port: SRC_PORT,
        src_ports: 1,
        dst_port,
        method,
        carrier: Carrier::Message,
        key: *b"a key for tests!",
    };
    TraceConfig {
        target: SocketAddr::new(dst, dst_port),
        flow,
        len: 40,
        header_len: if v6 { 40 } else { 20 },
        first_ttl: 1,
        max_ttl: 30,
        queries: 3,
        parallel: None,
        wait: Wait::Adaptive,
        gap: Duration::ZERO,
        gap_limit: None,
        neighbour: false,
        mtu: false,
    }
}

/// A path: `Net::line(n, rtt)` has `n` hops, the last one the target.
pub struct Net<'a> {
    pub script: Script<'a>,
    /// The kernel's stamps of departures.
    pub stamps: Stamps<'a>,
    /// Every probe, refused ones included.
    pub sent: Vec<Probe>,
    pub now: Instant,
    pub stop_at: Option<Instant>,
    /// When the process is suspended, and for how long.
    pub suspend: Option<(Instant, Duration)>,
    /// How many packets were rejected.
    pub rejected: u64,
}

impl<'a> Net<'a> {
    pub fn new(script: impl FnMut(&Probe) -> Response + 'a) -> Self {
        Self {
            script: Box::new(script),
            stamps: Box::new(|_| vec![]),
            sent: Vec::new(),
            now: Instant::ZERO,
            stop_at: None,
            suspend: None,
            rejected: 0,
        }
    }

    /// `hops - 1` routers and the target. Its answer takes `rtt`, those of the others in proportion.
    pub fn line(hops: u8, rtt: Duration) -> Self {
        Self::new(move |probe| Ok(vec![on_line(probe, hops, rtt)]))
    }

    /// Runs a trace to its end, and gives each event to `each`.
    pub fn run(&mut self, config: TraceConfig, each: impl FnMut(&TraceEvent)) {
        let Self { script, stamps, sent, .. } = self;
        let mut sim = Sim::of(Trace::new(config, self.now), |probe| {
            sent.push(probe.clone());
            script(probe)
        });
        sim.stamps = Box::new(stamps);
        (sim.now, sim.port) = (self.now, SRC_PORT);
        (sim.stop_at, sim.suspend) = (self.stop_at, self.suspend);
        let end = sim.run(each);
        let rejected = sim.session.rejects().iter().map(|(_, count)| count).sum();
        (self.now, self.rejected) = (end, rejected);
    }

    /// Runs a trace and gives all its events.
    pub fn events(&mut self, config: TraceConfig) -> Vec<TraceEvent> {
        let mut events = Vec::new();
        self.run(config, |event| events.push(event.clone()));
        events
    }
}

/// What comes back on a line of routers.
pub fn on_line(probe: &Probe, hops: u8, rtt: Duration) -> Packet {
    let hop = probe.ttl.min(hops);
    let after = rtt * u32::from(hop) / u32::from(hops);
    if hop < hops { exceeded(probe, after) } else { reached(probe, after) }
}

/// TTL exceeded, from the router of the probe's hop.
pub fn exceeded(probe: &Probe, after: Duration) -> Packet {
    let icmp_type = if probe.dst.is_ipv4() { 11 } else { 3 };
    error(probe, icmp_type, 0, 0, after)
}

/// An ICMP error from the router of the probe's hop, which quotes all of it.
pub fn error(probe: &Probe, icmp_type: u8, code: u8, word: u32, after: Duration) -> Packet {
    let (from, protocol): (IpAddr, u8) = match probe.dst {
        SocketAddr::V4(_) => (router(probe.ttl).into(), 1),
        SocketAddr::V6(_) => (Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, probe.ttl.into()).into(), 58),
    };
    let mut bytes = vec![icmp_type, code, 0, 0];
    bytes.extend(word.to_be_bytes());
    bytes.extend(quote(probe));
    Packet::to(probe, from, protocol, bytes, after).ttl(60)
}

/// The probe with its IP header, as it reaches a router.
pub fn quote(probe: &Probe) -> Vec<u8> {
    let protocol = protocol(probe);
    match probe.dst {
        SocketAddr::V4(dst) => {
            [ipv4_header(HERE, *dst.ip(), (1, protocol), &[], probe.bytes.len()), probe.bytes.clone()]
                .concat()
        }
        SocketAddr::V6(dst) => {
            let mut bytes = probe.bytes.clone();
            if protocol == 58 {
                // The kernel fills in the checksum of ICMPv6.
                let sum = checksum6(HERE6, *dst.ip(), 58, &bytes);
                bytes[2..4].copy_from_slice(&sum.to_be_bytes());
            }
            [ipv6_header(*dst.ip(), protocol, bytes.len()), bytes].concat()
        }
    }
}

/// The protocol of a probe, as its ports show it.
fn protocol(probe: &Probe) -> u8 {
    match (probe.dst.port(), probe.dst.is_ipv4()) {
        (0, true) => 1,
        (0, false) => 58,
        (80, _) => 6,
        (port @ (33 | 136 | 253), _) => port as u8,
        _ => 17,
    }
}

/// The target's own answer.
pub fn reached(probe: &Probe, after: Duration) -> Packet {
    let from = probe.dst.ip();
    match protocol(probe) {
        17 | 33 | 136 => {
            let (icmp_type, code) = if probe.dst.is_ipv4() { (3, 3) } else { (1, 4) };
            error(probe, icmp_type, code, 0, after).from(from)
        }
        253 => {
            let (icmp_type, code) = if probe.dst.is_ipv4() { (3, 2) } else { (4, 1) };
            error(probe, icmp_type, code, 0, after).from(from)
        }
        6 => {
            let b = &probe.bytes;
            let mut bytes = [&b[2..4], &b[..2], &[0; 4]].concat();
            bytes.extend((u32::from_be_bytes([b[4], b[5], b[6], b[7]]).wrapping_add(1)).to_be_bytes());
            bytes.extend([0x50, 0x14, 0, 0, 0, 0, 0, 0]);
            Packet::to(probe, from, 6, bytes, after).ttl(60)
        }
        protocol => {
            let mut bytes = probe.bytes.clone();
            bytes[0] = if protocol == 1 { 0 } else { 129 };
            Packet::to(probe, from, protocol, bytes, after).ttl(60)
        }
    }
}

/// A short text of a trace: for each hop the addresses that answered and after how many ms, then how it ended.
pub fn sketch(events: &[TraceEvent]) -> String {
    let mut text = String::new();
    let mut hop = 0;
    for event in events {
        match event {
            TraceEvent::Decided { ttl, outcome, mtu, .. } => {
                if hop != *ttl {
                    text += &format!("{}{ttl}:", if hop == 0 { "" } else { "\n" });
                    hop = *ttl;
                }
                if let Some(mtu) = mtu {
                    text += &format!(" F={mtu}");
                }
                text += &match outcome {
                    Outcome::Answered(answer) => {
                        let nat = if answer.translated { " nat" } else { "" };
                        format!(" {} {}{nat}", answer.from, answer.rtt.as_millis())
                    }
                    Outcome::Silent => " *".to_owned(),
                    Outcome::NotSent(fault) => format!(" not-sent-{}", fault.error.number()),
                    Outcome::Unfinished => " ?".to_owned(),
                };
            }
            TraceEvent::Extra { ttl, query, answer } => {
                text += &format!(" (+{ttl}.{query} {})", answer.from);
            }
            TraceEvent::Passed { .. } | TraceEvent::PathMtu { .. } => {}
            TraceEvent::Ended { ending, .. } => text += &format!("\n{ending:?}"),
        }
    }
    text
}

/// Milliseconds into the run.
pub fn millis(at: Instant) -> u64 {
    at.since(Instant::ZERO).as_millis() as u64
}

/// So many milliseconds.
pub fn at(millis: u64) -> Instant {
    Instant::ZERO + ms(millis)
}
