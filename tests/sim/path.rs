//! A path of routers in virtual time, with a trace on one end: each router has its delay and its manners.
//!
//! Packets are built by hand, apart from the code under test.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use rping::clock::Instant;
use rping::datagram::{ClockSource, Departed, DepartureStamp, Framing, Received, SendFault};
use rping::engine::Session;
use rping::engine::trace::event::{Event, Outcome};
use rping::engine::trace::{Config, Trace, Wait};
use rping::probe::trace::{Carrier, Flow, Method};

use super::{Stamp, checksum, ipv4_header, ms};

pub const HERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub const TARGET: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 10);
pub const HERE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
pub const TARGET6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 0x10);
pub const SRC_PORT: u16 = 0x8765;

/// The router at hop `n` of an IPv4 path.
pub fn router(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 1, n, 1)
}

/// `rping traceroute -I TARGET`, 60 octets.
pub fn config() -> Config {
    trace_config(Method::Echo, false)
}

/// A trace by any method over either family, with the defaults of the command.
pub fn trace_config(method: Method, v6: bool) -> Config {
    let (src, dst): (IpAddr, IpAddr) =
        if v6 { (HERE6.into(), TARGET6.into()) } else { (HERE.into(), TARGET.into()) };
    let dst_port = match method {
        Method::Echo | Method::Protocol(_) => 0,
        Method::Tcp(_) | Method::Connect => 80,
        _ => 53,
    };
    let flow = Flow {
        src,
        dst,
        src_port: SRC_PORT,
        dst_port,
        method,
        carrier: Carrier::Message,
        key: *b"a key for tests!",
    };
    Config {
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
        mtu: false,
    }
}

/// A probe as the network sees it.
#[derive(Clone, Debug)]
pub struct Probe {
    pub at: Instant,
    pub ttl: u8,
    pub dst: SocketAddr,
    /// From the upper header on.
    pub bytes: Vec<u8>,
    /// Which probe of the trace it is, from 1, and which to this TTL.
    pub number: usize,
    pub nth: usize,
    /// The `id` of its transmit, by which a stamp of its departure names it.
    pub id: u64,
}

/// As [`super::stamp`].
pub fn stamp(probe: &Probe, late: Duration, after: Duration) -> Stamp {
    Stamp { after, stamped: DepartureStamp { id: probe.id, at: probe.at + late, clock: ClockSource::Kernel } }
}

/// What a trace gets next.
enum Coming {
    Packet(Packet),
    Stamp(DepartureStamp),
}

/// Something on its way back: from the ICMP or upper header on.
#[derive(Clone, Debug)]
pub struct Packet {
    pub after: Duration,
    pub from: IpAddr,
    pub protocol: u8,
    pub bytes: Vec<u8>,
}

/// What the network does with a probe.
pub type Fate = Result<Vec<Packet>, SendFault>;

/// The stamps that the kernel gives for a probe, refused ones included.
pub type Stamps<'a> = Box<dyn FnMut(&Probe) -> Vec<Stamp> + 'a>;

/// A path: `Net::line(n, rtt)` has `n` hops, the last one the target.
pub struct Net<'a> {
    pub answer: Box<dyn FnMut(&Probe) -> Fate + 'a>,
    /// The kernel's stamps of departures.
    pub stamps: Stamps<'a>,
    pub sent: Vec<Probe>,
    pub now: Instant,
    pub stop_at: Option<Instant>,
    /// When the process is suspended, and for how long.
    pub suspend: Option<(Instant, Duration)>,
    /// How many packets were rejected.
    pub rejected: u64,
}

impl<'a> Net<'a> {
    pub fn new(answer: impl FnMut(&Probe) -> Fate + 'a) -> Self {
        Self {
            answer: Box::new(answer),
            stamps: Box::new(|_| vec![]),
            sent: Vec::new(),
            now: Instant::ZERO,
            stop_at: None,
            suspend: None,
            rejected: 0,
        }
    }

    /// `hops - 1` routers and the target, who answers after `rtt`, the others in proportion.
    pub fn line(hops: u8, rtt: Duration) -> Self {
        Self::new(move |probe| Ok(vec![on_line(probe, hops, rtt)]))
    }

    /// Runs a trace to its end, telling each event.
    pub fn run(&mut self, config: Config, mut tell: impl FnMut(&Event)) {
        let mut trace = Trace::new(config, self.now);
        let mut arrivals: BinaryHeap<Reverse<(Instant, usize)>> = BinaryHeap::new();
        let mut coming: Vec<Coming> = Vec::new();
        let mut buffer = vec![0xa5; 65_600];
        for _ in 0..1_000_000 {
            while let Some(Reverse((at, index))) = arrivals.peek().copied().filter(|top| top.0.0 <= self.now)
            {
                arrivals.pop();
                match &coming[index] {
                    Coming::Packet(packet) => deliver(&mut trace, at, packet),
                    Coming::Stamp(stamped) => trace.handle_stamp(*stamped),
                }
            }
            trace.handle_timeout(self.now);
            if self.stop_at.is_some_and(|at| at <= self.now) {
                trace.stop();
            }
            while let Some(transmit) = trace.poll_transmit(self.now, &mut buffer) {
                let ttl = transmit.ttl.expect("each probe of a trace has its own TTL");
                let nth = self.sent.iter().filter(|probe| probe.ttl == ttl).count() + 1;
                let number = self.sent.len() + 1;
                let bytes = buffer[..transmit.len].to_vec();
                let (at, dst, id) = (self.now, transmit.dst, transmit.id);
                let probe = Probe { at, ttl, dst, bytes, number, nth, id };
                // Before what comes back at the same moment, as the transport gives them.
                for Stamp { after, stamped } in (self.stamps)(&probe) {
                    arrivals.push(Reverse((self.now + after, coming.len())));
                    coming.push(Coming::Stamp(stamped));
                }
                match (self.answer)(&probe) {
                    Ok(back) => {
                        trace.handle_sent(Departed { at: self.now, port: SRC_PORT });
                        for packet in back {
                            arrivals.push(Reverse((self.now + packet.after, coming.len())));
                            coming.push(Coming::Packet(packet));
                        }
                    }
                    Err(fault) => trace.handle_send_fault(self.now, fault),
                }
                self.sent.push(probe);
            }
            while let Some(event) = trace.poll_event() {
                tell(&event);
            }
            if trace.is_done() {
                self.rejected = trace.rejects().iter().map(|(_, count)| count).sum();
                return;
            }
            let arrival = arrivals.peek().map(|Reverse((at, _))| *at);
            let next = [arrival, trace.poll_timeout(), self.stop_at].into_iter().flatten().min();
            self.now = self.now.max(next.expect("a trace that waits for something"));
            if let Some((_, pause)) = self.suspend.take_if(|(at, _)| *at <= self.now) {
                self.now = self.now + pause;
            }
        }
        panic!("the trace does not end");
    }

    /// Runs a trace and gives all its events.
    pub fn events(&mut self, config: Config) -> Vec<Event> {
        let mut events = Vec::new();
        self.run(config, |event| events.push(event.clone()));
        events
    }
}

fn deliver(trace: &mut Trace, at: Instant, packet: &Packet) {
    let Packet { from, protocol, bytes, .. } = packet;
    let mut bytes = bytes.clone();
    let framing = match (from, protocol) {
        (IpAddr::V4(from), _) => {
            bytes = [ipv4_packet_header(*from, *protocol, bytes.len()), bytes].concat();
            Framing::Ipv4
        }
        (IpAddr::V6(_), 58) => Framing::Icmpv6,
        (IpAddr::V6(_), _) => Framing::Upper { protocol: *protocol },
    };
    let hop_limit = from.is_ipv6().then_some(60);
    let (from, options) = (*from, &[][..]);
    let received =
        Received { at, clock: ClockSource::User, from, scope: 0, hop_limit, options, framing, bytes: &bytes };
    trace.handle_received(&received);
}

fn ipv4_packet_header(from: Ipv4Addr, protocol: u8, len: usize) -> Vec<u8> {
    let mut header = ipv4_header(from, HERE, 60, &[], len);
    header[9] = protocol;
    header
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
    Packet { after, from, protocol, bytes }.sealed()
}

/// The probe with its IP header, as it reaches a router.
pub fn quote(probe: &Probe) -> Vec<u8> {
    let protocol = protocol(probe);
    match probe.dst {
        SocketAddr::V4(dst) => {
            let mut header = ipv4_header(HERE, *dst.ip(), 1, &[], probe.bytes.len());
            header[9] = protocol;
            [header, probe.bytes.clone()].concat()
        }
        SocketAddr::V6(dst) => {
            let mut header = vec![0x60, 0, 0, 0];
            header.extend((probe.bytes.len() as u16).to_be_bytes());
            header.extend([protocol, 1]);
            header.extend(HERE6.octets());
            header.extend(dst.ip().octets());
            let mut bytes = probe.bytes.clone();
            if protocol == 58 {
                // The kernel fills in the checksum of ICMPv6.
                let sum = checksum6(HERE6, *dst.ip(), 58, &bytes);
                bytes[2..4].copy_from_slice(&sum.to_be_bytes());
            }
            [header, bytes].concat()
        }
    }
}

/// The protocol of a probe, told by its ports.
fn protocol(probe: &Probe) -> u8 {
    match (probe.dst.port(), probe.dst.is_ipv4()) {
        (0, true) => 1,
        (0, false) => 58,
        (80, _) => 6,
        _ => 17,
    }
}

/// The target's own answer.
pub fn reached(probe: &Probe, after: Duration) -> Packet {
    let from = probe.dst.ip();
    match protocol(probe) {
        17 => {
            let (icmp_type, code) = if probe.dst.is_ipv4() { (3, 3) } else { (1, 4) };
            error(probe, icmp_type, code, 0, after).from(from)
        }
        6 => {
            let b = &probe.bytes;
            let mut bytes = [&b[2..4], &b[..2], &[0; 4]].concat();
            bytes.extend((u32::from_be_bytes([b[4], b[5], b[6], b[7]]).wrapping_add(1)).to_be_bytes());
            bytes.extend([0x50, 0x14, 0, 0, 0, 0, 0, 0]);
            Packet { after, from, protocol: 6, bytes }
        }
        protocol => {
            let mut bytes = probe.bytes.clone();
            bytes[0] = if protocol == 1 { 0 } else { 129 };
            Packet { after, from, protocol, bytes }.sealed()
        }
    }
}

impl Packet {
    pub fn from(mut self, from: impl Into<IpAddr>) -> Self {
        self.from = from.into();
        self
    }

    /// Comes `after` the probe's departure.
    pub fn delayed(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }

    /// Keeps so many octets of the quote.
    pub fn cut(mut self, quote: usize) -> Self {
        self.bytes.truncate(8 + quote);
        self.sealed()
    }

    /// Rewrites the quote.
    pub fn mangle(mut self, rewrite: impl FnOnce(&mut [u8])) -> Self {
        rewrite(&mut self.bytes[8..]);
        self.sealed()
    }

    /// Puts an extension structure behind the quote, 128 octets into it (RFC 4884 section 5.1).
    pub fn extension(mut self, structure: &[u8]) -> Self {
        self.bytes.resize(8 + 128, 0);
        self.bytes[5] = 32;
        self.bytes.extend(structure);
        self.sealed()
    }

    /// Puts the checksum right, where it is checked.
    pub fn sealed(mut self) -> Self {
        if self.protocol == 1 {
            self.bytes[2..4].fill(0);
            let sum = checksum(&self.bytes);
            self.bytes[2..4].copy_from_slice(&sum.to_be_bytes());
        }
        self
    }
}

pub fn checksum6(src: Ipv6Addr, dst: Ipv6Addr, protocol: u8, bytes: &[u8]) -> u16 {
    let mut all = [src.octets(), dst.octets()].concat();
    all.extend((bytes.len() as u32).to_be_bytes());
    all.extend([0, 0, 0, protocol]);
    all.extend(bytes);
    checksum(&all)
}

/// A short text of a trace: for each hop who answered and after how many ms, then how it ended.
pub fn sketch(events: &[Event]) -> String {
    let mut text = String::new();
    let mut hop = 0;
    for event in events {
        match event {
            Event::Decided { ttl, outcome, mtu, .. } => {
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
            Event::Extra { ttl, query, answer } => {
                text += &format!(" (+{ttl}.{query} {})", answer.from);
            }
            Event::Ended { ending, .. } => text += &format!("\n{ending:?}"),
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
