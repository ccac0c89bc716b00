//! A simulated network in virtual time: a session on one side, a script of what the network does to
//! each probe on the other. Nothing here reads a clock or opens a socket, so every run is exact.
//!
//! Packets are built by hand, apart from the code under test.

#![allow(dead_code)] // each test binary uses its own part

pub mod config;
#[path = "../driven/mod.rs"]
pub mod driven;
pub mod path;

#[allow(unused_imports)] // each test binary uses its own part
pub use config::{Config, Demand, ManyConfig, Pacing};

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use rping::clock::{Epoch, Instant, Wall};
use rping::datagram::{ClockSource, Departed, DepartureStamp, Framing, Received, Room, SendFault};
use rping::engine::Session;
use rping::engine::ping::Ping;
use rping::output::{Output, Stream};
use rping::probe::{Identity, Method, Payload};
use rping::report::style::Style;
use rping::report::text::ping::PingText;
use rping::wire::icmp;

pub const IDENT: u16 = 0x1234;
pub const HERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub const TARGET: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);
pub const STRANGER: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 66);
pub const TARGET6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
pub const ROUTER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xfe);

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// A probe as the network sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which datagram of the run it is, from 1.
    pub number: u64,
    /// The `id` of its transmit, by which a stamp of its departure names it.
    pub id: u64,
    pub at: Instant,
    pub dst: IpAddr,
    /// How much of the send buffer it may use.
    pub room: Room,
    /// From the ICMP header on.
    pub bytes: Vec<u8>,
}

impl Seen {
    pub fn seq(&self) -> u16 {
        u16::from_be_bytes([self.bytes[6], self.bytes[7]])
    }
}

/// Something on its way back.
#[derive(Clone, Debug)]
pub struct Packet {
    pub after: Duration,
    pub from: IpAddr,
    pub ttl: u8,
    pub options: Vec<u8>,
    /// From the ICMP header on; the checksum is put right on arrival unless `damaged`.
    pub icmp: Vec<u8>,
    pub damaged: bool,
    /// Where the probe was going.
    pub dst: IpAddr,
    /// Through a datagram socket's error queue, as this error; `icmp` is then our own message.
    pub queued: Option<icmp::Error>,
    /// Whose clock stamps its arrival.
    pub clock: ClockSource,
}

/// The kernel's stamp of a departure, on its way to the session.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    /// How long after the departure the session gets it.
    pub after: Duration,
    pub stamped: DepartureStamp,
}

/// The kernel stamps a probe `late` after the departure that the session was given; the session gets it `after`
/// that departure.
pub fn stamp(probe: &Seen, late: Duration, after: Duration) -> Stamp {
    Stamp { after, stamped: DepartureStamp { id: probe.id, at: probe.at + late, clock: ClockSource::Kernel } }
}

/// What a session gets next.
enum Coming {
    Packet(Packet),
    Stamp(DepartureStamp),
}

impl Packet {
    pub fn from(mut self, from: impl Into<IpAddr>) -> Self {
        self.from = from.into();
        self
    }

    pub fn ttl(mut self, ttl: u8) -> Self {
        self.ttl = ttl;
        self
    }

    pub fn options(mut self, options: &[u8]) -> Self {
        self.options = options.to_vec();
        self
    }

    /// XORs an octet of the payload; the checksum is made right again, as a faulty host would.
    pub fn flip(mut self, offset: usize, mask: u8) -> Self {
        self.icmp[8 + offset] ^= mask;
        self
    }

    /// Keeps only so many octets of the payload.
    pub fn cut(mut self, payload: usize) -> Self {
        self.icmp.truncate(8 + payload);
        self
    }

    /// Appends zeros to the payload.
    pub fn lengthen(mut self, by: usize) -> Self {
        self.icmp.extend(std::iter::repeat_n(0, by));
        self
    }

    pub fn seq(mut self, seq: u16) -> Self {
        self.icmp[6..8].copy_from_slice(&seq.to_be_bytes());
        self
    }

    pub fn ident(mut self, ident: u16) -> Self {
        self.icmp[4..6].copy_from_slice(&ident.to_be_bytes());
        self
    }

    pub fn code(mut self, code: u8) -> Self {
        self.icmp[1] = code;
        self
    }

    /// Its arrival is stamped by the kernel.
    pub fn stamped(mut self) -> Self {
        self.clock = ClockSource::Kernel;
        self
    }

    /// Leaves the checksum wrong.
    pub fn damaged(mut self) -> Self {
        self.damaged = true;
        self
    }
}

/// The faithful echo reply to a probe, `after` so long.
pub fn echo(probe: &Seen, after: Duration) -> Packet {
    let mut icmp = probe.bytes.clone();
    icmp[0] = if probe.dst.is_ipv4() { 0 } else { 129 };
    Packet {
        after,
        from: probe.dst,
        dst: probe.dst,
        ttl: 64,
        options: vec![],
        icmp,
        damaged: false,
        queued: None,
        clock: ClockSource::User,
    }
}

/// An ICMP error from a router about a probe, on the wire, quoting all of it.
pub fn error(probe: &Seen, icmp_type: u8, code: u8, info: u32, after: Duration) -> Packet {
    let mut icmp = vec![icmp_type, code, 0, 0];
    icmp.extend(info.to_be_bytes());
    let from: IpAddr = match probe.dst {
        IpAddr::V4(dst) => {
            icmp.extend(ipv4_header(HERE, dst, 1, &[], probe.bytes.len()));
            ROUTER.into()
        }
        IpAddr::V6(dst) => {
            icmp.extend(ipv6_header(dst, probe.bytes.len()));
            ROUTER6.into()
        }
    };
    icmp.extend(&probe.bytes);
    Packet {
        after,
        from,
        dst: probe.dst,
        ttl: 64,
        options: vec![],
        icmp,
        damaged: false,
        queued: None,
        clock: ClockSource::User,
    }
}

/// The same error as a datagram socket's error queue tells it.
pub fn queued(probe: &Seen, icmp_type: u8, code: u8, info: u32, after: Duration) -> Packet {
    let (family, from): (_, IpAddr) = match probe.dst {
        IpAddr::V4(_) => (rping::wire::Family::V4, ROUTER.into()),
        IpAddr::V6(_) => (rping::wire::Family::V6, ROUTER6.into()),
    };
    let error = icmp::Error { family, icmp_type, code, info };
    let icmp = probe.bytes.clone();
    Packet {
        after,
        from,
        dst: probe.dst,
        ttl: 64,
        options: vec![],
        icmp,
        damaged: false,
        queued: Some(error),
        clock: ClockSource::User,
    }
}

/// RFC 1071, the slow way.
pub fn checksum(octets: &[u8]) -> u16 {
    let mut sum: u64 = 0;
    for pair in octets.chunks(2) {
        sum += u64::from(pair[0]) << 8 | u64::from(pair.get(1).copied().unwrap_or(0));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

pub fn ipv4_header(src: Ipv4Addr, dst: Ipv4Addr, ttl: u8, options: &[u8], payload: usize) -> Vec<u8> {
    let mut options = options.to_vec();
    options.resize(options.len().div_ceil(4) * 4, 0);
    let len = 20 + options.len();
    let mut header = vec![0x40 | (len / 4) as u8, 0];
    header.extend(((len + payload) as u16).to_be_bytes());
    header.extend([0, 0, 0x40, 0, ttl, 1, 0, 0]);
    header.extend(src.octets());
    header.extend(dst.octets());
    header.extend(options);
    let sum = checksum(&header);
    header[10..12].copy_from_slice(&sum.to_be_bytes());
    header
}

pub fn ipv6_header(dst: Ipv6Addr, payload: usize) -> Vec<u8> {
    let mut header = vec![0x60, 0, 0, 0];
    header.extend((payload as u16).to_be_bytes());
    header.extend([58, 1]);
    header.extend(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).octets());
    header.extend(dst.octets());
    header
}

/// What the network does to a probe: everything that comes back, or a refusal to send it at all.
pub type Script<'a> = Box<dyn FnMut(&Seen) -> Result<Vec<Packet>, SendFault> + 'a>;

/// The stamps that the kernel gives for a probe, refused ones included.
pub type Stamps<'a> = Box<dyn FnMut(&Seen) -> Vec<Stamp> + 'a>;

/// The configuration of `ping TARGET`: one a second, 56 octets, no end.
pub fn config() -> Config {
    Config {
        target: SocketAddr::new(TARGET.into(), 0),
        method: Method::Echo,
        payload: Payload::new(56, None),
        count: None,
        pacing: Pacing { interval: ms(1_000), adaptive: None, preload: 1 },
        deadline: None,
        linger: Some(ms(10_000)),
        report_unanswered: false,
        many_responders: false,
        anycast: false,
        millis_of_day: 0,
    }
}

pub fn identity() -> Identity {
    Identity { ident: IDENT, key: *b"a key for tests!" }
}

/// A session in a simulated network.
pub struct Sim<'a, S = Ping> {
    pub now: Instant,
    pub session: S,
    pub script: Script<'a>,
    pub stamps: Stamps<'a>,
    /// Probes that left, and when.
    pub sent: Vec<(u64, Instant)>,
    arrivals: BinaryHeap<Reverse<(Instant, u64)>>,
    coming: std::collections::HashMap<u64, Coming>,
    order: u64,
    buffer: Vec<u8>,
    attempts: u64,
    /// Processing time that each turn of the loop takes.
    pub lag: Duration,
    /// When the process is suspended, and for how long.
    pub suspend: Option<(Instant, Duration)>,
    /// The user's ^C.
    pub stop_at: Option<Instant>,
}

impl<'a> Sim<'a> {
    pub fn new(
        config: impl Into<rping::engine::ping::Config>,
        script: impl FnMut(&Seen) -> Result<Vec<Packet>, SendFault> + 'a,
    ) -> Self {
        Self::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), script)
    }
}

impl<'a, S: Session> Sim<'a, S> {
    /// A session that begins at [`Instant::ZERO`], in a network.
    pub fn of(session: S, script: impl FnMut(&Seen) -> Result<Vec<Packet>, SendFault> + 'a) -> Self {
        Self {
            now: Instant::ZERO,
            session,
            script: Box::new(script),
            stamps: Box::new(|_| vec![]),
            sent: Vec::new(),
            arrivals: BinaryHeap::new(),
            coming: Default::default(),
            order: 0,
            buffer: vec![0xa5; 65_600],
            attempts: 0,
            lag: Duration::ZERO,
            suspend: None,
            stop_at: None,
        }
    }

    /// Puts a packet on its way, `packet.after` from now.
    pub fn inject(&mut self, packet: Packet) {
        self.queue(packet.after, Coming::Packet(packet));
    }

    fn queue(&mut self, after: Duration, coming: Coming) {
        self.order += 1;
        self.arrivals.push(Reverse((self.now + after, self.order)));
        self.coming.insert(self.order, coming);
    }

    /// Runs until the session is done, telling each event, and says when it was done.
    pub fn run(&mut self, mut tell: impl FnMut(&S::Event)) -> Instant {
        loop {
            self.receive();
            self.session.handle_timeout(self.now);
            if self.stop_at.take_if(|at| *at <= self.now).is_some() {
                self.session.stop();
            }
            self.send();
            while let Some(event) = self.session.poll_event() {
                tell(&event);
            }
            if self.session.is_done() {
                return self.now;
            }
            let arrival = self.arrivals.peek().map(|Reverse((at, _))| *at);
            let next = [arrival, self.session.poll_timeout(), self.stop_at].into_iter().flatten().min();
            let next = next.expect("the session waits for something that never comes");
            self.now = self.now.max(next) + self.lag;
            if let Some((_, pause)) = self.suspend.take_if(|(at, _)| *at <= self.now) {
                self.now = self.now + pause;
            }
        }
    }

    fn receive(&mut self) {
        while let Some(Reverse((at, order))) = self.arrivals.peek().copied() {
            if at > self.now {
                break;
            }
            self.arrivals.pop();
            match self.coming.remove(&order).expect("something for each arrival") {
                Coming::Packet(packet) => deliver(&mut self.session, at, packet),
                Coming::Stamp(stamped) => self.session.handle_stamp(stamped),
            }
        }
    }

    fn send(&mut self) {
        // As many as a turn of the real loop sends at most; all are taken before the first fate is told.
        let mut batch = Vec::new();
        while batch.len() < 64
            && let Some(transmit) = self.session.poll_transmit(self.now, &mut self.buffer)
        {
            self.attempts += 1;
            batch.push(Seen {
                number: self.attempts,
                id: transmit.id,
                at: self.now,
                dst: transmit.dst.ip(),
                room: transmit.room,
                bytes: self.buffer[..transmit.len].to_vec(),
            });
        }
        for seen in batch {
            // Before what comes back at the same moment, as the transport gives them.
            let stamps = (self.stamps)(&seen);
            stamps.into_iter().for_each(|Stamp { after, stamped }| self.queue(after, Coming::Stamp(stamped)));
            match (self.script)(&seen) {
                Ok(packets) => {
                    self.sent.push((seen.number, self.now));
                    self.session.handle_sent(Departed { at: self.now, port: 0 });
                    packets.into_iter().for_each(|packet| self.inject(packet));
                }
                Err(fault) => self.session.handle_send_fault(self.now, fault),
            }
        }
    }
}

/// Hands a packet to a session as a raw socket (or a datagram socket's error queue) would.
pub fn deliver(session: &mut impl Session, at: Instant, packet: Packet) {
    let Packet { from, dst, ttl, options, mut icmp, damaged, queued, clock, .. } = packet;
    let (framing, bytes, outside) = match (from, queued) {
        (_, Some(error)) => (Framing::Queued { error, dst, extension: None }, icmp, Some(ttl)),
        (IpAddr::V4(from), None) => {
            icmp[2..4].fill(0);
            let sum = checksum(&icmp) ^ u16::from(damaged);
            icmp[2..4].copy_from_slice(&sum.to_be_bytes());
            let mut bytes = ipv4_header(from, HERE, ttl, &options, icmp.len());
            bytes.extend(icmp);
            (Framing::Ipv4, bytes, None)
        }
        (IpAddr::V6(_), None) => (Framing::Icmpv6, icmp, Some(ttl)),
    };
    let received =
        Received { at, clock, from, scope: 0, hop_limit: outside, options: &[], framing, bytes: &bytes };
    session.handle_received(&received);
}

/// The style of `ping 192.0.2.2`.
pub fn style() -> Style {
    Style::of(TARGET.into())
}

/// Runs to the end and gives all that was printed: standard output and standard error.
pub fn printed(sim: &mut Sim, style: Style) -> (String, String) {
    let nowhere = std::fs::File::options().write(true).open("/dev/null").expect("/dev/null");
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let mut text = driven::ping(PingText::new(style, None), 1);
    text.begin(EPOCH, &mut output);
    let end = sim.run(|event| text.event(event, EPOCH, &mut output));
    text.finish(end, &mut output);
    (output.unwritten(Stream::Out), output.unwritten(Stream::Err))
}

/// The run begins at 2026-11-22 14:58:00.25 UTC.
pub const EPOCH: Epoch = Epoch::at(Wall::from_nanos(1_795_359_480_250_000_000));
