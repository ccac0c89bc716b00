//! A traceroute as JSON Lines.

use std::net::IpAddr;

use serde::Serialize;

use super::{Clocks, Fault, clock, family, millis, say};
use crate::clock::{Epoch, Instant};
use crate::engine::trace::event::{Answer, Ending, Event, Outcome, Says};
use crate::report::Report;
use crate::report::output::Output;
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

/// Tells one trace.
#[derive(Debug)]
pub struct JsonTrace {
    start: TraceStart,
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
}

impl JsonTrace {
    /// A report about a trace.
    pub fn new(start: TraceStart) -> Self {
        Self {
            start,
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

    fn decided(&mut self, place: Place, outcome: &Outcome, path_mtu: Option<u32>, output: &mut Output<'_>) {
        self.probes = self.probes.saturating_add(1);
        self.hops = self.hops.max(place.ttl);
        let mut at = None;
        let (outcome, answer, fault) = match outcome {
            Outcome::Answered(answer) => {
                self.answered = self.answered.saturating_add(1);
                at = Some(answer.at);
                ("answered", Some(answered(answer)), None)
            }
            Outcome::Silent => ("silent", None, None),
            Outcome::NotSent(fault) => ("not_sent", None, Some(Fault::from(*fault))),
            Outcome::Unfinished => ("unfinished", None, None),
        };
        let record = Record::Probe { place, outcome, answer, fault, path_mtu };
        say(at.unwrap_or(self.now), self.epoch, record, output);
    }
}

impl Report for JsonTrace {
    type Event = Event;

    fn event(&mut self, event: &Event, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        event.answer().into_iter().for_each(|answer| self.timings.count(answer.timing));
        match event {
            Event::Decided { ttl, query, outcome, mtu } => {
                self.decided(Place { ttl: *ttl, query: *query }, outcome, *mtu, output);
            }
            Event::Extra { ttl, query, answer } => {
                self.extra = self.extra.saturating_add(1);
                let place = Place { ttl: *ttl, query: *query };
                say(answer.at, epoch, Record::Extra { place, answer: answered(answer) }, output);
            }
            Event::Ended { at, ending } => self.ending = Some((*at, *ending)),
        }
    }

    fn turn(&mut self, now: Instant, _: &mut Output<'_>) {
        self.now = now;
    }

    fn status(&self, output: &mut Output<'_>) {
        output.print_error(format_args!("hop {}, {} probes told\n", self.hops, self.probes));
    }

    fn finish(&mut self, output: &mut Output<'_>) {
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

fn answered(answer: &Answer) -> Answered {
    let mut told = Answered {
        from: answer.from,
        rtt_ms: millis(answer.rtt),
        clock: clock(answer.timing),
        reply_ttl: answer.hop_limit,
        says: "reply",
        icmp_type: None,
        icmp_code: None,
        mtu: None,
        tcp_flags: None,
        translated: answer.translated,
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
