//! Which probe of a trace a reply belongs to: the decoding of what [`Flow::emit`] wrote.
//!
//! Translators rewrite quotes, and routers cut them and pad them with zeros, so no field decides alone. A
//! field that only this run can have written (a token, the flow's half of a sequence number) decides where it
//! is present. Otherwise a number in range is accepted when two more independent fields agree.

mod answers;
mod fields;
mod quotes;

pub use answers::{Answered, answered};
pub use quotes::{Recognised, quoted};

use crate::engine::reject::Reject;
use crate::engine::trace::event::AnswerKind;
use crate::engine::trace::table::{SentProbe, Table};
use crate::probe::trace::Flow;
use crate::reply::{Reply, ReplyKind};
use crate::wire::tcp;

/// The probe that a reply belongs to, and the kind of the answer.
///
/// # Errors
/// Why the reply is no answer to a probe of this trace.
pub fn probe_of(flow: &Flow, table: &Table, reply: &Reply) -> Result<(Recognised, AnswerKind), Reject> {
    match reply.kind {
        ReplyKind::Error { checksum_ok: false, .. } | ReplyKind::Answer { checksum_ok: false, .. } => {
            Err(Reject::Checksum)
        }
        ReplyKind::Error { error, .. } if error.is_notice() => Err(Reject::Unrelated),
        ReplyKind::Error { error, quoted: quote, .. } => {
            let found = quoted(flow, table, &quote, reply.probe).ok_or(Reject::Foreign)?;
            Ok((found, AnswerKind::Error(error)))
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
) -> Result<(Recognised, AnswerKind), Reject> {
    let number = match answered(flow, table, reply).ok_or(Reject::Foreign)? {
        Answered::Number(number) => number,
        Answered::OfFlow(index) => likeliest(flow, table, Some(index)).ok_or(Reject::NeverSent)?,
        Answered::Any => likeliest(flow, table, None).ok_or(Reject::NeverSent)?,
    };
    Ok((Recognised { number, translated: false, shift: None }, kind))
}

/// The probe that an answer without a number most likely belongs to: the first one in flight beyond the last
/// hop with a TTL exceeded; with `index`, of those with this flow index.
fn likeliest(flow: &Flow, table: &Table, index: Option<u16>) -> Option<u16> {
    let passed = table.ttls().rev().find(|ttl| table.is_passed(*ttl));
    let mut beyond = table.ttls().filter(|ttl| Some(*ttl) > passed);
    let of_flow =
        |probe: &SentProbe| index.is_none_or(|index| probe.flow.checked_rem(flow.src_ports) == Some(index));
    beyond.find_map(|ttl| table.in_flight(ttl).find(|(_, probe)| of_flow(probe))).map(|(number, _)| number)
}

#[cfg(test)]
mod tests;
