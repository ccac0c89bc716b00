//! A traceroute as JSON Lines.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use serde::Serialize;

use super::extension::{self, Object};
use super::{Clocks, Fault, clock, family, millis, say};
use crate::clock::{Epoch, Instant};
use crate::engine::trace::event::{Answer, Ending, Event, Outcome, Says};
use crate::names::lookup::Names;
use crate::output::Output;
use crate::report::Report;
use crate::report::waiting::{Waiting, Wanted};
use crate::stats::Timings;

/// What the first line tells beside the time.
#[derive(Clone, Debug)]
pub struct TraceStart {
    /// The target as it was typed.
    pub host: String,
    /// Its address.
    pub target: IpAddr,
    /// How it is asked: icmp, udp, tcp, ….
    pub method: &'static str,
    /// The last TTL.
    pub max_ttl: u8,
    /// Probes for each hop.
    pub queries: u8,
    /// Octets of a probe, IP header included.
    pub packet_len: usize,
    /// Whether all probes carry one flow identifier.
    pub one_flow: bool,
}

/// Tells one trace. A line waits for names as long as the text would.
#[derive(Debug)]
pub struct JsonTrace {
    start: TraceStart,
    /// Not yet said, each with the time of the turn in which it was told.
    waiting: Waiting<(Event, Instant)>,
    probes: u32,
    answered: u32,
    extra: u32,
    timings: Timings,
    /// The highest TTL told.
    hops: u8,
    ending: Option<(Instant, Ending)>,
    epoch: Epoch,
    /// The time of the last turn: what is silent has no time of its own.
    now: Instant,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Record<'a> {
    Start {
        command: &'static str,
        host: &'a str,
        addr: IpAddr,
        family: u8,
        method: &'static str,
        one_flow: bool,
        max_ttl: u8,
        queries: u8,
        bytes: usize,
    },
    Probe {
        #[serde(flatten)]
        place: Place,
        outcome: &'static str,
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        answer: Option<Answered>,
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        fault: Option<Fault>,
        #[serde(skip_serializing_if = "Option::is_none")]
        path_mtu: Option<u32>,
    },
    Extra {
        #[serde(flatten)]
        place: Place,
        #[serde(flatten)]
        answer: Answered,
    },
    Summary {
        host: &'a str,
        addr: IpAddr,
        ending: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<IpAddr>,
        #[serde(skip_serializing_if = "Option::is_none")]
        icmp_type: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        icmp_code: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        loop_ttls: Option<[u8; 2]>,
        reached: bool,
        hops: u8,
        probes: u32,
        answered: u32,
        extra: u32,
        time_ms: f64,
        clocks: Clocks,
    },
}

/// Which probe.
#[derive(Serialize)]
struct Place {
    ttl: u8,
    query: u8,
}

#[derive(Serialize)]
struct Answered {
    from: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "as", skip_serializing_if = "Vec::is_empty")]
    origins: Vec<u32>,
    rtt_ms: f64,
    clock: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reply_ttl: Option<u8>,
    says: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_code: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_flags: Option<u16>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    translated: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extensions: Vec<Object>,
}

impl JsonTrace {
    /// A report about a trace. `names` are asked for what is wanted.
    pub fn new(start: TraceStart, wanted: Wanted, names: Names) -> Self {
        Self {
            start,
            waiting: Waiting::new(wanted, names),
            probes: 0,
            answered: 0,
            extra: 0,
            timings: Timings::default(),
            hops: 0,
            ending: None,
            epoch: Epoch::default(),
            now: Instant::ZERO,
        }
    }

    /// Whose clocks timed the answers so far.
    pub fn timings(&self) -> &Timings {
        &self.timings
    }

    /// The first line.
    pub fn start(&mut self, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        let TraceStart { ref host, target, method, max_ttl, queries, packet_len, one_flow } = self.start;
        let record = Record::Start {
            command: "traceroute",
            host,
            addr: target,
            family: family(target),
            method,
            one_flow,
            max_ttl,
            queries,
            bytes: packet_len,
        };
        say(Instant::ZERO, epoch, record, output);
    }

    /// Says what can be said by `now`.
    fn say_ready(&mut self, now: Instant, output: &mut Output<'_>) {
        self.waiting.turn(now);
        while let Some((event, _)) = self.waiting.first() {
            let whom = event.answer().map(|answer| answer.from);
            let Some((event, at)) = self.waiting.take(now, whom) else { return };
            self.say(&event, at, output);
        }
    }

    /// Says an event; what has no time of its own was told `at`.
    fn say(&mut self, event: &Event, at: Instant, output: &mut Output<'_>) {
        let at = event.answer().map_or(at, |answer| answer.at);
        let record = match event {
            Event::Decided { ttl, query, outcome, mtu } => {
                self.decided(Place { ttl: *ttl, query: *query }, outcome, *mtu)
            }
            Event::Extra { ttl, query, answer } => {
                let answer = self.answered(answer);
                Record::Extra { place: Place { ttl: *ttl, query: *query }, answer }
            }
            Event::Ended { .. } => return,
        };
        say(at, self.epoch, record, output);
    }

    fn decided(&mut self, place: Place, outcome: &Outcome, path_mtu: Option<u32>) -> Record<'static> {
        let (outcome, answer, fault) = match outcome {
            Outcome::Answered(answer) => ("answered", Some(self.answered(answer)), None),
            Outcome::Silent => ("silent", None, None),
            Outcome::NotSent(fault) => ("not_sent", None, Some(Fault::from(*fault))),
            Outcome::Unfinished => ("unfinished", None, None),
        };
        Record::Probe { place, outcome, answer, fault, path_mtu }
    }

    fn answered(&mut self, answer: &Answer) -> Answered {
        let mut told = Answered {
            from: answer.from,
            name: self.waiting.name(answer.from),
            origins: self.waiting.origin(answer.from).as_deref().map(numbers).unwrap_or_default(),
            rtt_ms: millis(answer.rtt),
            clock: clock(answer.timing),
            reply_ttl: answer.hop_limit,
            says: "reply",
            icmp_type: None,
            icmp_code: None,
            mtu: None,
            tcp_flags: None,
            translated: answer.translated,
            extensions: extension::objects(&answer.extension),
        };
        match answer.says {
            Says::Reply => {}
            Says::Segment(flags) => told.tcp_flags = Some(flags),
            Says::Error(error) => {
                (told.icmp_type, told.icmp_code) = (Some(error.icmp_type), Some(error.code));
                told.says = if error.is_ttl_exceeded() { "ttl_exceeded" } else { "error" };
                told.mtu = error.mtu();
            }
        }
        told
    }
}

/// The numbers of `AS64500/AS64501`.
fn numbers(origins: &str) -> Vec<u32> {
    origins.split('/').filter_map(|origin| origin.strip_prefix("AS")?.parse().ok()).collect()
}

impl Report for JsonTrace {
    type Event = Event;

    fn event(&mut self, event: &Event, epoch: Epoch, _output: &mut Output<'_>) {
        self.epoch = epoch;
        if let Some(answer) = event.answer() {
            self.timings.count(answer.timing);
            self.waiting.ask(answer.from);
        }
        match event {
            Event::Decided { ttl, outcome, .. } => {
                self.probes = self.probes.saturating_add(1);
                self.hops = self.hops.max(*ttl);
                self.answered = self.answered.saturating_add(matches!(outcome, Outcome::Answered(_)).into());
            }
            Event::Extra { .. } => self.extra = self.extra.saturating_add(1),
            Event::Ended { at, ending } => self.ending = Some((*at, *ending)),
        }
        self.waiting.push((event.clone(), self.now));
    }

    fn turn(&mut self, now: Instant, output: &mut Output<'_>) {
        self.now = now;
        self.say_ready(now, output);
    }

    fn wake(&self) -> Option<Instant> {
        self.waiting.wake()
    }

    fn bell(&self) -> Option<BorrowedFd<'_>> {
        self.waiting.bell()
    }

    fn hurry(&mut self) {
        self.waiting.hurry();
    }

    fn status(&self, output: &mut Output<'_>) {
        output.print_error(format_args!("hop {}, {} probes told\n", self.hops, self.probes));
    }

    fn finish(&mut self, output: &mut Output<'_>) {
        self.hurry();
        self.say_ready(Instant::ZERO, output);
        let (at, ending) = self.ending.unwrap_or((Instant::ZERO, Ending::Stopped));
        let (word, by, error, loop_ttls) = match ending {
            Ending::Reached => ("reached", None, None, None),
            Ending::Unreachable { by, error } => ("unreachable", Some(by), Some(error), None),
            Ending::HopLimit => ("hop_limit", None, None, None),
            Ending::Loop { at, first, again } => ("loop", Some(at), None, Some([first, again])),
            Ending::GapLimit => ("gap_limit", None, None, None),
            Ending::Stopped => ("stopped", None, None, None),
        };
        let record = Record::Summary {
            host: &self.start.host,
            addr: self.start.target,
            ending: word,
            by,
            icmp_type: error.map(|error| error.icmp_type),
            icmp_code: error.map(|error| error.code),
            loop_ttls,
            reached: ending == Ending::Reached,
            hops: self.hops,
            probes: self.probes,
            answered: self.answered,
            extra: self.extra,
            time_ms: millis(at.since(Instant::ZERO)),
            clocks: self.timings.into(),
        };
        say(at, self.epoch, record, output);
    }
}
