//! Results of traceroutes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Serialize;

use super::extension::{IcmpExtension, structure};
use super::result::{Back, Failure, Front, SILENCE, Silence, address_of, millis, print, seconds};
use crate::clock::{Wall, nanos};
use crate::engine::trace::event::{AnswerKind, Outcome, TraceAnswer, TraceEvent};
use crate::output::Output;
use crate::report::formats::trace::{TraceDocument, TraceWhole};
use crate::report::trace::Happened;
use crate::wire::Family;
use crate::wire::icmp::{Error, v4, v6};

/// The result of a trace. All of it is one line, so it waits for the end.
#[derive(Debug)]
pub struct AtlasTrace {
    source: Option<IpAddr>,
    /// Octets of data in a probe.
    size: usize,
    hops: BTreeMap<u8, Vec<Packet>>,
    /// TTL and query of the probes that are in there without an answer.
    silent: BTreeSet<(u8, u8)>,
}

#[derive(Serialize)]
struct TraceResult<'a> {
    #[serde(flatten)]
    front: Front<'a>,
    proto: String,
    size: usize,
    paris_id: u8,
    endtime: u64,
    result: Vec<Hop<'a>>,
    #[serde(flatten)]
    back: Back,
}

/// A hop, or what went wrong before the first.
#[derive(Serialize)]
#[serde(untagged)]
enum Hop<'a> {
    Packets { hop: u8, result: &'a [Packet] },
    Failed(Failure),
}

/// An outcome.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Packet {
    Reply(Reply),
    Silent(Silence),
    Failed(Failure),
}

/// An answer.
#[derive(Debug, Serialize)]
struct Reply {
    /// The query that it belongs to, if it came after the time of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    late: Option<u8>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    dup: bool,
    from: IpAddr,
    #[serde(skip_serializing_if = "Option::is_none")]
    ttl: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    err: Option<Mark>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mtu: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    icmpext: Option<IcmpExtension>,
}

/// What an ICMP error reports: a letter, or the code.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Mark {
    Letter(&'static str),
    Code(u8),
}

impl AtlasTrace {
    /// A result about probes with so many octets of data, which left from `source` if that is known.
    pub fn new(size: usize, source: Option<IpAddr>) -> Self {
        Self { source, size, hops: BTreeMap::new(), silent: BTreeSet::new() }
    }
}

/// The mark of an error to a probe of `method`; none where the TTL was exceeded, the packet was too big, or the port of a
/// datagram or a segment does not exist, which is how a target answers.
fn mark(error: &Error, method: &str) -> Option<Mark> {
    let letter = match (error.family, error.icmp_type, error.code) {
        (Family::V4, v4::DESTINATION_UNREACHABLE, 4) => return None,
        (Family::V4, v4::DESTINATION_UNREACHABLE, 0) | (Family::V6, v6::DESTINATION_UNREACHABLE, 0) => "N",
        (Family::V4, v4::DESTINATION_UNREACHABLE, 1) | (Family::V6, v6::DESTINATION_UNREACHABLE, 3) => "H",
        (Family::V4, v4::DESTINATION_UNREACHABLE, 13) | (Family::V6, v6::DESTINATION_UNREACHABLE, 1) => "A",
        (Family::V4, v4::DESTINATION_UNREACHABLE, 2) => "P",
        (Family::V4, v4::DESTINATION_UNREACHABLE, 3) | (Family::V6, v6::DESTINATION_UNREACHABLE, 4) => {
            return (method == "icmp").then_some(Mark::Letter("p"));
        }
        (Family::V6, v6::DESTINATION_UNREACHABLE, 2) => "h",
        (Family::V4, v4::DESTINATION_UNREACHABLE, code) | (Family::V6, v6::DESTINATION_UNREACHABLE, code) => {
            return Some(Mark::Code(code));
        }
        _ => return None,
    };
    Some(Mark::Letter(letter))
}

/// The flags of a segment, in the order of RIPE Atlas.
fn flags(bits: u16) -> String {
    let all = [(0x01, 'F'), (0x02, 'S'), (0x04, 'R'), (0x08, 'P'), (0x10, 'A'), (0x20, 'U')];
    all.iter().filter(|(bit, _)| bits & bit != 0).map(|(_, letter)| letter).collect()
}

fn reply(answer: &TraceAnswer, method: &str) -> Reply {
    let error = match answer.kind {
        AnswerKind::Error(error) => Some(error),
        AnswerKind::Reply | AnswerKind::Segment(_) => None,
    };
    Reply {
        late: None,
        dup: false,
        from: answer.from,
        ttl: answer.hop_limit,
        rtt: Some(millis(nanos(answer.rtt))),
        err: error.and_then(|error| mark(&error, method)),
        mtu: error.and_then(|error| error.mtu()).filter(|mtu| *mtu > 0),
        flags: match answer.kind {
            AnswerKind::Segment(bits) => Some(flags(bits)),
            AnswerKind::Reply | AnswerKind::Error(_) => None,
        },
        icmpext: structure(&answer.extension),
    }
}

impl TraceDocument for AtlasTrace {
    fn event(&mut self, happened: &Happened<'_>, whole: &TraceWhole<'_>, _output: &mut Output<'_>) {
        let method = whole.start.method;
        let (ttl, packet) = match happened.event {
            TraceEvent::Decided { outcome: Outcome::Unfinished, .. }
            | TraceEvent::Passed { .. }
            | TraceEvent::Ended { .. } => return,
            TraceEvent::Decided { ttl, query, outcome, .. } => {
                let packet = match outcome {
                    Outcome::Answered(answer) => Packet::Reply(reply(answer, method)),
                    Outcome::NotSent(fault) => {
                        Packet::Failed(Failure { error: format!("sendto failed: {}", fault.error) })
                    }
                    Outcome::Silent | Outcome::Unfinished => {
                        self.silent.insert((*ttl, *query));
                        Packet::Silent(SILENCE)
                    }
                };
                (*ttl, packet)
            }
            TraceEvent::Extra { ttl, query, answer } => {
                let reply = reply(answer, method);
                let late = self.silent.remove(&(*ttl, *query)).then_some(*query);
                // As RIPE Atlas has it: a late answer has no time.
                let rtt = reply.rtt.filter(|_| late.is_none());
                (*ttl, Packet::Reply(Reply { late, dup: late.is_none(), rtt, ..reply }))
            }
            TraceEvent::PathMtu { ttl, answer, .. } => match answer {
                Some(answer) => (*ttl, Packet::Reply(reply(answer, method))),
                None => return,
            },
        };
        self.hops.entry(ttl).or_default().push(packet);
    }

    fn end(&mut self, whole: &TraceWhole<'_>, output: &mut Output<'_>) {
        let start = whole.start;
        let hops = self.hops.iter().map(|(hop, result)| Hop::Packets { hop: *hop, result });
        let result = TraceResult {
            front: Front::new(&start.host, Some(start.target), self.source),
            proto: start.method.to_ascii_uppercase(),
            size: self.size,
            paris_id: u8::from(start.one_flow),
            endtime: seconds(whole.trace.at),
            result: hops.collect(),
            back: Back::new(("Traceroute", "traceroute"), whole.trace.began, self.source),
        };
        print(&result, output);
    }

    fn unknown(&mut self, host: &str, reason: &str, at: Wall, output: &mut Output<'_>) {
        let result = TraceResult {
            front: Front::new(host, address_of(host), None),
            proto: "ICMP".to_owned(),
            size: self.size,
            paris_id: 0,
            endtime: seconds(at),
            result: vec![Hop::Failed(Failure::of_host(host, "name resolution", reason))],
            back: Back::new(("Traceroute", "traceroute"), at, None),
        };
        print(&result, output);
    }
}
