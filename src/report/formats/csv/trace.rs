//! The outcome of each probe of a traceroute.

use super::record::Record;
use crate::clock::{Wall, nanos};
use crate::engine::trace::event::{AnswerKind, Outcome, TraceAnswer, TraceEvent};
use crate::output::Output;
use crate::report::formats::trace::{TraceDocument, TraceWhole};
use crate::report::json::rfc3339;
use crate::report::phrases::phrase;
use crate::report::trace::Happened;

/// The columns.
const PROBES: &str =
    "time,host,address,hop,query,outcome,from,name,as,rtt_ms,ttl,icmp_type,icmp_code,mtu,reason";

/// A record for each probe, in the order of hops, and for each further answer.
#[derive(Debug, Default)]
pub struct CsvTrace;

/// What differs from one event to another.
#[derive(Default)]
struct Fields {
    place: Option<(u8, u8)>,
    outcome: &'static str,
    mtu: Option<u32>,
    reason: Option<String>,
}

/// The outcome of a probe that was answered, and the reason in words.
fn answered(answer: &TraceAnswer, whole: &TraceWhole<'_>) -> (&'static str, Option<String>) {
    match answer.kind {
        AnswerKind::Reply | AnswerKind::Segment(_) => ("reply", None),
        AnswerKind::Error(error) if error.is_ttl_exceeded() => ("ttl_exceeded", None),
        AnswerKind::Error(error) => ("error", Some(phrase(&error, |node| whole.trace.shown(node)))),
    }
}

impl Fields {
    fn of(event: &TraceEvent, whole: &TraceWhole<'_>) -> Option<Self> {
        let of = |place, (outcome, reason), mtu| Self { place: Some(place), outcome, mtu, reason };
        Some(match event {
            TraceEvent::Decided { ttl, query, outcome, mtu } => {
                let outcome = match outcome {
                    Outcome::Answered(answer) => answered(answer, whole),
                    Outcome::Silent => ("silent", None),
                    Outcome::NotSent(fault) => ("not_sent", Some(fault.error.to_string())),
                    Outcome::Unfinished => ("unfinished", None),
                };
                of((*ttl, *query), outcome, *mtu)
            }
            TraceEvent::Extra { ttl, query, answer } => {
                of((*ttl, *query), ("extra", answered(answer, whole).1), None)
            }
            TraceEvent::PathMtu { ttl, query, mtu, .. } => of((*ttl, *query), ("path_mtu", None), Some(*mtu)),
            TraceEvent::Passed { .. } | TraceEvent::Ended { .. } => return None,
        })
    }
}

impl TraceDocument for CsvTrace {
    fn begin(&mut self, output: &mut Output<'_>) {
        output.print(format_args!("{PROBES}\r\n"));
    }

    fn event(&mut self, happened: &Happened<'_>, whole: &TraceWhole<'_>, output: &mut Output<'_>) {
        let Some(fields) = Fields::of(happened.event, whole) else { return };
        let answer = happened.event.answer();
        let icmp = answer.and_then(|answer| match answer.kind {
            AnswerKind::Error(error) => Some((error.icmp_type, error.code)),
            AnswerKind::Reply | AnswerKind::Segment(_) => None,
        });
        Record::new(output)
            .text(&rfc3339(happened.at))
            .text(&whole.start.host)
            .text(&whole.trace.shown(whole.start.target))
            .number(fields.place.map(|(hop, _)| hop))
            .number(fields.place.map(|(_, query)| query))
            .text(fields.outcome)
            .maybe(answer.map(|answer| whole.trace.shown(answer.from)).as_deref())
            .maybe(happened.name.as_deref())
            .maybe(happened.origin.as_deref())
            .millis(answer.map(|answer| nanos(answer.rtt)))
            .number(answer.and_then(|answer| answer.hop_limit))
            .number(icmp.map(|(icmp_type, _)| icmp_type))
            .number(icmp.map(|(_, code)| code))
            .number(fields.mtu)
            .maybe(fields.reason.as_deref())
            .end();
    }

    fn unknown(&mut self, host: &str, reason: &str, at: Wall, output: &mut Output<'_>) {
        self.begin(output);
        let mut record = Record::new(output);
        record.text(&rfc3339(at)).text(host).empty(3).text("unknown").empty(8).text(reason).end();
    }
}
