//! Which probe of a trace a reply belongs to: the decoding of what [`Flow::emit`] wrote.
//!
//! Translators rewrite quotes, and routers cut them and pad them with zeros, so no field decides alone. A
//! field that only this run can have written (a token, the flow's half of a sequence number) decides where it
//! is present. Otherwise a number in range is accepted when two more independent fields agree.

mod answers;
mod fields;
mod quotes;

pub use answers::{Answered, answered};
pub use quotes::{Recognised, Shifted, quoted, shifted};

use std::time::Duration;

use crate::datagram::Timing;
use crate::engine::reject::Reject;
use crate::engine::trace::event::{AnswerKind, TraceAnswer};
use crate::engine::trace::table::{SentProbe, Table};
use crate::probe::trace::Flow;
use crate::reply::{Reply, ReplyKind};
use crate::wire::tcp;

/// What a reply answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// This probe.
    Probe(Recognised),
    /// One of those with this flow index: see [`candidates`].
    OfFlow(u16),
    /// One of them, or one of a trace that had the port before.
    PerhapsOfFlow(u16),
    /// One of them, with another checksum.
    Shifted(Shifted),
}

/// The probe that a reply belongs to, or the flow of it, and the kind of the answer.
///
/// # Errors
/// Why the reply is no answer to a probe of this trace.
pub fn probe_of(flow: &Flow, table: &Table, reply: &Reply) -> Result<(Subject, AnswerKind), Reject> {
    match reply.kind {
        ReplyKind::Error { checksum_ok: false, .. } | ReplyKind::Answer { checksum_ok: false, .. } => {
            Err(Reject::Checksum)
        }
        ReplyKind::Error { error, .. } if error.is_notice() => Err(Reject::Unrelated),
        ReplyKind::Error { error, quoted: quote, .. } => {
            let found = quoted(flow, table, &quote, reply.probe).map(Subject::Probe);
            let subject = found.or_else(|| shifted(flow, table, &quote).map(Subject::Shifted));
            Ok((subject.ok_or(Reject::Foreign)?, AnswerKind::Error(error)))
        }
        ReplyKind::Answer { .. } | ReplyKind::Datagram { .. } => {
            answer(flow, table, reply, AnswerKind::Reply)
        }
        ReplyKind::Segment { flags, .. } => answer(flow, table, reply, AnswerKind::Segment(flags)),
        ReplyKind::Connected { refused, .. } => {
            // The flags of the segment that the kernel consumed.
            let flags = tcp::ACK | if refused { tcp::RST } else { tcp::SYN };
            answer(flow, table, reply, AnswerKind::Segment(flags))
        }
    }
}

fn answer(
    flow: &Flow,
    table: &Table,
    reply: &Reply,
    kind: AnswerKind,
) -> Result<(Subject, AnswerKind), Reject> {
    let number = match answered(flow, table, reply).ok_or(Reject::Foreign)? {
        Answered::Number(number) => number,
        Answered::OfFlow(index) => return Ok((Subject::OfFlow(index), kind)),
        Answered::PerhapsOfFlow(index) => return Ok((Subject::PerhapsOfFlow(index), kind)),
        // Most likely it is the answer to the first one.
        Answered::Any => {
            let last = passed(table);
            let mut beyond = table.ttls().filter(|ttl| Some(*ttl) > last);
            beyond.find_map(|ttl| table.in_flight(ttl).next()).ok_or(Reject::NeverSent)?.0
        }
    };
    Ok((Subject::Probe(Recognised { number, translated: false, shift: None }), kind))
}

/// The last hop with a TTL exceeded.
fn passed(table: &Table) -> Option<u8> {
    table.ttls().rev().find(|ttl| table.is_passed(*ttl))
}

/// The probes with this flow index that the target may have answered, by their numbers on the wire, in the order of hops.
pub fn candidates<'a>(flow: &Flow, table: &'a Table, index: u16) -> Vec<(u16, &'a SentProbe)> {
    let passed = passed(table);
    let of_flow = |probe: &SentProbe| probe.flow.checked_rem(flow.src_ports) == Some(index);
    let mut candidates: Vec<_> =
        table.unanswered().filter(|(_, probe)| Some(probe.ttl) > passed && of_flow(probe)).collect();
    candidates.sort_by_key(|(_, probe)| probe.ttl);
    candidates
}

/// The answer in a reply, without what its probe adds to it.
pub fn answer_of(reply: &Reply, kind: AnswerKind) -> TraceAnswer {
    let extension = match reply.kind {
        ReplyKind::Error { extension, .. } => extension.unwrap_or_default().to_vec(),
        _ => Vec::new(),
    };
    TraceAnswer {
        at: reply.at,
        from: reply.from,
        scope: reply.scope,
        rtt: Duration::ZERO,
        timing: Timing::between(reply.clock, reply.clock),
        hop_limit: reply.hop_limit,
        kind,
        extension,
        translated: false,
        // Known once the nearer hops are decided.
        arrived: false,
    }
}

#[cfg(test)]
mod tests;
