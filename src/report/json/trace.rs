//! A traceroute as JSON Lines.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::Serialize;

use super::extension::{self, Object};
use super::fields::{ClockCounts, FaultFields, IcmpInfo, clock, family, millis, print};
use crate::engine::trace::event::{AnswerKind, Ending, Outcome, TraceAnswer, TraceEvent};
use crate::names::lookup::Names;
use crate::output::Output;
use crate::report::addresses::{numeric, zone_of};
use crate::report::trace::{Happened, TraceLines, TraceReport, TraceSoFar};
use crate::report::waiting::Lookups;
use crate::wire::icmp::{v4, v6};

/// The content of the first line, without the time.
#[derive(Clone, Debug)]
pub struct TraceStart {
    /// The target as it was typed.
    pub host: String,
    /// Its address.
    pub target: IpAddr,
    /// The interface of its link, if it is link-local, and that of link-local responders, if it is known.
    pub zone: Option<String>,
    /// The method: icmp, udp, tcp, ….
    pub method: &'static str,
    /// TTL of the last hop.
    pub max_ttl: u8,
    /// Probes for each hop.
    pub queries: u8,
    /// Octets of a probe, IP header included.
    pub packet_len: usize,
    /// Whether a per-flow load balancer sends all probes along one path.
    pub one_flow: bool,
}

/// The records of one trace.
#[derive(Debug)]
pub struct JsonTrace {
    start: TraceStart,
    /// TTL and query of the probes with a record that was printed before their turn.
    passed: BTreeSet<(u8, u8)>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum TraceRecord<'a> {
    Start {
        command: &'static str,
        host: &'a str,
        addr: String,
        family: u8,
        method: &'static str,
        one_flow: bool,
        max_ttl: u8,
        queries: u8,
        packet_bytes: usize,
    },
    Probe {
        #[serde(flatten)]
        place: Place,
        outcome: &'static str,
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        answer: Option<AnswerRecord>,
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        fault: Option<FaultFields>,
        #[serde(skip_serializing_if = "Option::is_none")]
        path_mtu: Option<u32>,
    },
    Extra {
        #[serde(flatten)]
        place: Place,
        #[serde(flatten)]
        answer: AnswerRecord,
    },
    PathMtu {
        #[serde(flatten)]
        place: Place,
        #[serde(flatten, skip_serializing_if = "Option::is_none")]
        answer: Option<AnswerRecord>,
        path_mtu: u32,
    },
    Summary {
        host: &'a str,
        addr: String,
        ending: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        icmp_type: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        icmp_code: Option<u8>,
        #[serde(skip_serializing_if = "Option::is_none")]
        loop_hops: Option<[u8; 2]>,
        reached: bool,
        hops: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        hops_min: Option<u8>,
        transmitted: u64,
        received: u64,
        not_sent: u64,
        in_flight: u64,
        late: u64,
        duplicates: u64,
        elapsed_ms: f64,
        clocks: ClockCounts,
    },
}

/// The hop and query of a probe.
#[derive(Serialize)]
struct Place {
    hop: u8,
    query: u8,
}

#[derive(Serialize)]
struct AnswerRecord {
    from: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(rename = "as", skip_serializing_if = "Vec::is_empty")]
    origins: Vec<u32>,
    rtt_ms: f64,
    clock: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u8>,
    answer: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_type: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmp_code: Option<u8>,
    #[serde(flatten)]
    info: Option<IcmpInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp_flags: Option<u16>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    translated: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extensions: Vec<Object>,
}

/// The name and the autonomous systems of a responder.
type LookedUp = (Option<String>, Option<String>);

/// The word for an outcome, and what it has.
type Decided = (&'static str, Option<AnswerRecord>, Option<FaultFields>);

impl JsonTrace {
    /// A report about a trace. `names` does the `wanted` lookups.
    pub fn report(start: TraceStart, wanted: Lookups, names: Names) -> TraceReport {
        let zone = start.zone.clone();
        TraceReport::new(Box::new(Self { start, passed: BTreeSet::new() }), wanted, names, zone)
    }

    fn first_record(&self, zone: Option<&str>) -> TraceRecord<'_> {
        let TraceStart { ref host, target, method, max_ttl, queries, packet_len, one_flow, .. } = self.start;
        TraceRecord::Start {
            command: "traceroute",
            host,
            addr: numeric(target, zone),
            family: family(target),
            method,
            one_flow,
            max_ttl,
            queries,
            packet_bytes: packet_len,
        }
    }

    fn decided(&self, outcome: &Outcome, names: LookedUp) -> Decided {
        match outcome {
            Outcome::Answered(answer) => ("answered", Some(self.answered(answer, names)), None),
            Outcome::Silent => ("silent", None, None),
            Outcome::NotSent(fault) => ("not_sent", None, Some(FaultFields::from(*fault))),
            Outcome::Unfinished => ("unfinished", None, None),
        }
    }

    fn answered(&self, answer: &TraceAnswer, (name, origin): LookedUp) -> AnswerRecord {
        let mut record = AnswerRecord {
            from: numeric(answer.from, zone_of(answer.from, answer.scope).as_deref()),
            name,
            origins: origin.as_deref().map(numbers).unwrap_or_default(),
            rtt_ms: millis(answer.rtt),
            clock: clock(answer.timing),
            ttl: answer.hop_limit,
            answer: "reply",
            icmp_type: None,
            icmp_code: None,
            info: None,
            tcp_flags: None,
            translated: answer.translated,
            extensions: extension::objects(&answer.extension),
        };
        match answer.kind {
            AnswerKind::Reply if self.start.method == "icmp" => {
                let ipv4 = answer.from.is_ipv4();
                record.icmp_type = Some(if ipv4 { v4::ECHO_REPLY } else { v6::ECHO_REPLY });
            }
            AnswerKind::Reply => {}
            AnswerKind::Segment(flags) => record.tcp_flags = Some(flags),
            AnswerKind::Error(error) => {
                (record.icmp_type, record.icmp_code) = (Some(error.icmp_type), Some(error.code));
                record.answer = if error.is_ttl_exceeded() { "ttl_exceeded" } else { "error" };
                record.info = Some(IcmpInfo::from(&error));
            }
        }
        record
    }

    fn summary(&self, &TraceSoFar { account, zone, .. }: &TraceSoFar<'_>) -> TraceRecord<'_> {
        let ending = account.ending();
        let (word, by, error, loop_hops) = match ending {
            Ending::Reached => ("reached", None, None, None),
            Ending::Unreachable { by, error } => ("unreachable", Some(by), Some(error), None),
            Ending::TooLong { .. } => ("too_long", None, None, None),
            Ending::NotSent { .. } => ("not_sent", None, None, None),
            Ending::HopLimit => ("hop_limit", None, None, None),
            Ending::Loop { at, first, again } => ("loop", Some(at), None, Some([first, again])),
            Ending::GapLimit => ("gap_limit", None, None, None),
            Ending::Stopped => ("stopped", None, None, None),
        };
        TraceRecord::Summary {
            host: &self.start.host,
            addr: numeric(self.start.target, zone),
            ending: word,
            by: by.map(|by| numeric(by, zone)),
            icmp_type: error.map(|error| error.icmp_type),
            icmp_code: error.map(|error| error.code),
            loop_hops,
            reached: ending == Ending::Reached,
            hops: account.last_hop,
            hops_min: matches!(ending, Ending::Reached | Ending::Unreachable { .. })
                .then(|| account.least_hop()),
            transmitted: account.sent(),
            received: account.received(),
            not_sent: account.not_sent,
            in_flight: account.in_flight,
            late: account.late,
            duplicates: account.repeated,
            elapsed_ms: millis(account.duration()),
            clocks: account.timings.into(),
        }
    }
}

/// The numbers of `AS64500/AS64501`.
fn numbers(origins: &str) -> Vec<u32> {
    origins.split('/').filter_map(|origin| origin.strip_prefix("AS")?.parse().ok()).collect()
}

impl TraceLines for JsonTrace {
    fn begin(&mut self, trace: &TraceSoFar<'_>, output: &mut Output<'_>) {
        print(trace.began, self.first_record(trace.zone), output);
    }

    fn prints(&mut self, event: &TraceEvent) -> bool {
        match event {
            TraceEvent::Passed { ttl, query, .. } => self.passed.insert((*ttl, *query)),
            TraceEvent::Decided { ttl, query, .. } => !self.passed.remove(&(*ttl, *query)),
            TraceEvent::Extra { .. } | TraceEvent::PathMtu { .. } => true,
            TraceEvent::Ended { .. } => false,
        }
    }

    fn print(&mut self, happened: Happened<'_>, _trace: &TraceSoFar<'_>, output: &mut Output<'_>) {
        let Happened { event, at, name, origin } = happened;
        let names = (name, origin);
        let record = match event {
            &TraceEvent::Decided { ttl, query, ref outcome, mtu: path_mtu } => {
                let (outcome, answer, fault) = self.decided(outcome, names);
                TraceRecord::Probe { place: Place { hop: ttl, query }, outcome, answer, fault, path_mtu }
            }
            &TraceEvent::Passed { ttl, query, ref answer, mtu: path_mtu } => {
                let (outcome, answer) = ("answered", Some(self.answered(answer, names)));
                TraceRecord::Probe {
                    place: Place { hop: ttl, query },
                    outcome,
                    answer,
                    fault: None,
                    path_mtu,
                }
            }
            &TraceEvent::Extra { ttl, query, ref answer } => {
                TraceRecord::Extra { place: Place { hop: ttl, query }, answer: self.answered(answer, names) }
            }
            &TraceEvent::PathMtu { ttl, query, ref answer, mtu } => {
                let answer = answer.as_ref().map(|answer| self.answered(answer, names));
                TraceRecord::PathMtu { place: Place { hop: ttl, query }, answer, path_mtu: mtu }
            }
            TraceEvent::Ended { .. } => return,
        };
        print(at, record, output);
    }

    fn end(&mut self, trace: &TraceSoFar<'_>, output: &mut Output<'_>) {
        print(trace.at, self.summary(trace), output);
    }
}
