//! Why a trace ended: final answers and loops.

use std::net::IpAddr;

use super::event::{AnswerKind, Ending, TraceAnswer};
use super::table::Table;
use crate::wire::{Family, icmp};

/// Longest loop that is looked for, nodes.
const LONGEST_CYCLE: usize = 8;

/// Why a trace to `target` ended, once all hops are decided up to the one with the final answer, or all.
pub fn ending(table: &Table, target: IpAddr, final_ttl: Option<u8>) -> Ending {
    let Some(ttl) = final_ttl else { return cycle(table).unwrap_or(Ending::HopLimit) };
    let finals = || table.answers(ttl).filter(|answer| answer.kind.is_final());
    if finals().any(|answer| is_from_target(target, answer)) {
        return Ending::Reached;
    }
    let refused = finals().find_map(|answer| match answer.kind {
        AnswerKind::Error(error) => Some(Ending::Unreachable { by: answer.from, error }),
        AnswerKind::Reply | AnswerKind::Segment(_) => None,
    });
    refused.unwrap_or(Ending::Reached)
}

/// Whether a final answer shows that the probe arrived: it is no error, or the target's own.
fn is_from_target(target: IpAddr, answer: &TraceAnswer) -> bool {
    match answer.kind {
        AnswerKind::Reply | AnswerKind::Segment(_) => true,
        AnswerKind::Error(error) => is_port_unreachable(error) || answer.from == target,
    }
}

/// Port unreachable comes from the destination host, whichever of its addresses sends it (RFC 1122 section
/// 3.2.2.1, RFC 4443 section 3.1).
fn is_port_unreachable(error: icmp::Error) -> bool {
    match error.family {
        Family::V4 => (error.icmp_type, error.code) == (icmp::v4::DESTINATION_UNREACHABLE, 3),
        Family::V6 => (error.icmp_type, error.code) == (icmp::v6::DESTINATION_UNREACHABLE, 4),
    }
}

/// The shortest loop, of two nodes or more, that the path goes round at least twice before its last hop.
fn cycle(table: &Table) -> Option<Ending> {
    let hops: Vec<Option<IpAddr>> =
        table.ttls().map(|ttl| table.answers(ttl).next().map(|answer| answer.from)).collect();
    (2..=LONGEST_CYCLE).find_map(|period| {
        let pairs = hops.iter().rev().zip(hops.iter().rev().skip(period));
        let repeated = pairs.take_while(|(later, earlier)| later.is_some() && later == earlier).count();
        let last_turn = hops.iter().rev().take(period);
        let distinct = last_turn.clone().zip(last_turn.skip(1)).any(|(hop, before)| hop != before);
        if repeated < period || !distinct {
            return None;
        }
        // The first hop of the loop precedes the repeated hops by one turn.
        let start = hops.len().checked_sub(repeated)?.checked_sub(period)?;
        let first = table.ttls().nth(start)?;
        let again = first.checked_add(u8::try_from(period).ok()?)?;
        let at = (*hops.get(start)?)?;
        Some(Ending::Loop { at, first, again })
    })
}
