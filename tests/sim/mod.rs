//! A simulated network in virtual time: a session on one side, and a script of what the network does to each probe on
//! the other. Nothing here reads a clock or opens a socket, so every run is exact.

#![allow(dead_code)] // each test binary uses its own part

pub mod config;
#[path = "../driven/mod.rs"]
pub mod driven;
pub mod packet;
pub mod path;

#[allow(unused_imports)] // each test binary uses its own part
pub use config::{Config, Demand, ManyConfig, Pacing};
#[allow(unused_imports)] // each test binary uses its own part
pub use packet::{Packet, checksum, deliver, echo, error, ipv4_header, queued};

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use rping::clock::{Epoch, Instant, Wall};
use rping::datagram::{BATCH, ClockSource, Departed, DepartureStamp, Room, SendFault};
use rping::engine::Session;
use rping::engine::ping::{Limits, Ping, Targets};
use rping::output::{Output, Stream};
use rping::probe::{Identity, Method, Payload};
use rping::report::hosts::Hosts;
use rping::report::style::Style;
use rping::report::text::many::{ManyText, Show};
use rping::report::text::ping::PingText;

pub const IDENT: u16 = 0x1234;
pub const HERE: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
pub const TARGET: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);
pub const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 254);
pub const OTHER_HOST: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 66);
pub const HERE6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
pub const TARGET6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 2);
pub const ROUTER6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0xfe);

pub fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub fn us(micros: u64) -> Duration {
    Duration::from_micros(micros)
}

/// A probe as the network receives it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Which datagram of the run it is, from 1.
    pub number: u64,
    /// Which to this TTL it is, from 1.
    pub nth: u64,
    /// The `id` of its transmit, by which a stamp of its departure names it.
    pub id: u64,
    pub at: Instant,
    /// 64 unless it has its own.
    pub ttl: u8,
    pub dst: SocketAddr,
    /// How much of the send buffer it may use.
    pub room: Room,
    /// From the ICMP or upper header on.
    pub bytes: Vec<u8>,
}

impl Seen {
    pub fn seq(&self) -> u16 {
        u16::from_be_bytes([self.bytes[6], self.bytes[7]])
    }
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
enum Coming<'a, S> {
    Packet(Packet),
    Stamp(DepartureStamp),
    Call(Call<'a, S>),
}

/// What happens to a session outside of the network, at its time.
pub type Call<'a, S> = Box<dyn FnOnce(&mut S, Instant) + 'a>;

/// The response of the network to a probe: everything that comes back, or a refusal to send it.
pub type Response = Result<Vec<Packet>, SendFault>;

/// The network: a response for each probe.
pub type Script<'a> = Box<dyn FnMut(&Seen) -> Response + 'a>;

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
        sampled: false,
        millis_of_day: 0,
        limits: Limits::default(),
        enough: None,
    }
}

pub fn identity() -> Identity {
    Identity { ident: IDENT, key: *b"a key for tests!" }
}

/// Turns at one moment after which a session is taken to spin.
const SPINS: u32 = 10_000;

/// A session in a simulated network.
pub struct Sim<'a, S = Ping> {
    pub now: Instant,
    pub session: S,
    pub script: Script<'a>,
    pub stamps: Stamps<'a>,
    /// Probes that left, and when.
    pub sent: Vec<(u64, Instant)>,
    /// The port that probes leave from.
    pub port: u16,
    arrivals: BinaryHeap<Reverse<(Instant, u64)>>,
    coming: HashMap<u64, Coming<'a, S>>,
    order: u64,
    buffer: Vec<u8>,
    attempts: u64,
    /// How many of them had each TTL.
    by_ttl: [u64; 256],
    /// Processing time that each turn of the loop takes.
    pub lag: Duration,
    /// When the process is suspended, and for how long.
    pub suspend: Option<(Instant, Duration)>,
    /// The user's ^C.
    pub stop_at: Option<Instant>,
    /// What else a turn of the loop does; it gives the time of the next turn at the latest.
    pub turn: Box<dyn FnMut(Instant) -> Option<Instant> + 'a>,
}

impl<'a> Sim<'a> {
    /// A ping that begins at [`Instant::ZERO`], in a network.
    pub fn new(
        config: impl Into<rping::engine::ping::Config>,
        script: impl FnMut(&Seen) -> Response + 'a,
    ) -> Self {
        Self::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), script)
    }
}

impl<'a, S: Session> Sim<'a, S> {
    /// A session that begins at [`Instant::ZERO`], in a network.
    pub fn of(session: S, script: impl FnMut(&Seen) -> Response + 'a) -> Self {
        Self {
            now: Instant::ZERO,
            session,
            script: Box::new(script),
            stamps: Box::new(|_| vec![]),
            sent: Vec::new(),
            port: 0,
            arrivals: BinaryHeap::new(),
            coming: HashMap::new(),
            order: 0,
            buffer: vec![0xa5; 65_600],
            attempts: 0,
            by_ttl: [0; 256],
            lag: Duration::ZERO,
            suspend: None,
            stop_at: None,
            turn: Box::new(|_| None),
        }
    }

    /// Puts a packet on its way, `packet.after` from now.
    pub fn inject(&mut self, packet: Packet) {
        self.queue(packet.after, Coming::Packet(packet));
    }

    /// Calls `call` with the session after this time, for example for the end of a lookup.
    pub fn after(&mut self, after: Duration, call: impl FnOnce(&mut S, Instant) + 'a) {
        self.queue(after, Coming::Call(Box::new(call)));
    }

    fn queue(&mut self, after: Duration, coming: Coming<'a, S>) {
        self.order += 1;
        self.arrivals.push(Reverse((self.now + after, self.order)));
        self.coming.insert(self.order, coming);
    }

    /// Runs until the session is done, gives each event to `each`, and returns when it was done.
    pub fn run(&mut self, mut each: impl FnMut(&S::Event)) -> Instant {
        let mut turns = 0;
        loop {
            self.receive();
            self.session.handle_timeout(self.now);
            if self.stop_at.take_if(|at| *at <= self.now).is_some() {
                self.session.stop();
            }
            self.send();
            self.session.take_events(&mut each);
            let due = (self.turn)(self.now);
            if self.session.is_done() {
                return self.now;
            }
            let before = self.now;
            self.sleep(due);
            turns = if self.now > before { 0 } else { turns + 1 };
            assert!(turns < SPINS, "the session wakes again and again at {:?}", self.now);
        }
    }

    /// Goes on to when something arrives or is due.
    fn sleep(&mut self, due: Option<Instant>) {
        let arrival = self.arrivals.peek().map(|Reverse((at, _))| *at);
        let next = [arrival, self.session.poll_timeout(), self.stop_at, due].into_iter().flatten().min();
        let next = next.expect("the session waits for something that never comes");
        self.now = self.now.max(next) + self.lag;
        if let Some((_, pause)) = self.suspend.take_if(|(at, _)| *at <= self.now) {
            self.now = self.now + pause;
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
                Coming::Call(call) => call(&mut self.session, at),
            }
        }
    }

    fn send(&mut self) {
        // As many as a turn of the real loop sends at most; all are taken before the first result is reported.
        let mut batch = Vec::new();
        while batch.len() < BATCH
            && let Some(transmit) = self.session.poll_transmit(self.now, &mut self.buffer)
        {
            let ttl = transmit.ttl.unwrap_or(64);
            let nth = &mut self.by_ttl[usize::from(ttl)];
            (*nth, self.attempts) = (*nth + 1, self.attempts + 1);
            batch.push(Seen {
                number: self.attempts,
                nth: *nth,
                id: transmit.id,
                at: self.now,
                ttl,
                dst: transmit.dst,
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
                    self.session.handle_sent(Departed { at: self.now, port: self.port });
                    packets.into_iter().for_each(|packet| self.inject(packet));
                }
                Err(fault) => self.session.handle_send_fault(self.now, fault),
            }
        }
    }
}

/// The style of `ping 192.0.2.2`.
pub fn style() -> Style {
    Style::of(TARGET.into())
}

/// Runs to the end and gives all that was printed: standard output and standard error.
pub fn printed(sim: &mut Sim, style: Style) -> (String, String) {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let mut text = driven::ping(PingText::new(style, None), 1);
    text.begin(EPOCH, &mut output);
    let end = sim.run(|event| text.event(event, EPOCH, &mut output));
    text.finish(end, &mut output);
    (output.unwritten(Stream::Out), output.unwritten(Stream::Err))
}

/// Runs a ping of so many hosts, 192.0.2.2 and so on, to the end: what was printed, but for the beginning.
pub fn printed_of_many(
    hosts: u32,
    demand: Demand,
    show: Show,
    script: impl FnMut(&Seen) -> Result<Vec<Packet>, SendFault>,
) -> (String, String) {
    let mut targets = Targets::default();
    targets.add(SocketAddr::new(TARGET.into(), 0), hosts);
    let targets = Rc::new(targets);
    let mut names = Hosts::default();
    names.add(None, 0..hosts);
    names.seal(Rc::clone(&targets));
    let config = ManyConfig::new(targets, demand);
    let mut sim = Sim::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), script);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let mut text = driven::ping(ManyText::new(show, "rping", names, PingText::new(style(), None)), hosts);
    let end = sim.run(|event| text.event(event, EPOCH, &mut output));
    text.finish(end, &mut output);
    (output.unwritten(Stream::Out), output.unwritten(Stream::Err))
}

/// The run begins at 2026-11-22 14:58:00.25 UTC.
pub const EPOCH: Epoch = Epoch::at(Wall::from_nanos(1_795_359_480_250_000_000));
