//! Why a trace ended.

use std::net::IpAddr;

use super::event::{AnswerKind, Ending, TraceAnswer};
use super::table::Table;
use super::{TraceConfig, is_final};
use crate::wire::{Family, icmp};

/// Nodes in a cycle that are looked for at most.
const LONGEST_CYCLE: usize = 8;

/// Why a trace ended whose hops are all told, up to the one with the final answer if there was one.
pub fn ending(table: &Table, config: &TraceConfig, final_ttl: Option<u8>) -> Ending {
    let Some(ttl) = final_ttl else { return cycle(table, config).unwrap_or(Ending::HopLimit) };
    let finals = || table.answers(ttl).filter(|answer| is_final(answer.kind));
    if finals().any(|answer| is_from_target(config, answer)) {
        return Ending::Reached;
    }
    let refused = finals().find_map(|answer| match answer.kind {
        AnswerKind::Error(error) => Some(Ending::Unreachable { by: answer.from, error }),
        AnswerKind::Reply | AnswerKind::Segment(_) => None,
    });
    refused.unwrap_or(Ending::Reached)
}

/// Whether a final answer shows that the probe arrived: it is no error, or the target's own.
fn is_from_target(config: &TraceConfig, answer: &TraceAnswer) -> bool {
    match answer.kind {
        AnswerKind::Reply | AnswerKind::Segment(_) => true,
        AnswerKind::Error(error) => is_port_unreachable(error) || answer.from == config.target.ip(),
    }
}

/// Said by the host that has the address, whatever address it says it from (RFC 1122 section 3.2.2.1, RFC 4443
/// section 3.1).
fn is_port_unreachable(error: icmp::Error) -> bool {
    match error.family {
        Family::V4 => (error.icmp_type, error.code) == (icmp::v4::DESTINATION_UNREACHABLE, 3),
        Family::V6 => (error.icmp_type, error.code) == (icmp::v6::DESTINATION_UNREACHABLE, 4),
    }
}

/// The shortest cycle, of two nodes or more, that the path goes round at least twice before its last hop.
fn cycle(table: &Table, config: &TraceConfig) -> Option<Ending> {
    let hops: Vec<Option<IpAddr>> = (config.first_ttl..=config.max_ttl)
        .map(|ttl| table.answers(ttl).next().map(|answer| answer.from))
        .collect();
    (2..=LONGEST_CYCLE).find_map(|period| {
        let pairs = hops.iter().rev().zip(hops.iter().rev().skip(period));
        let repeated = pairs.take_while(|(later, earlier)| later.is_some() && later == earlier).count();
        let changes = hops.iter().rev().take(period).collect::<Vec<_>>();
        let distinct = changes.iter().any(|hop| Some(hop) != changes.first());
        if repeated < period || !distinct {
            return None;
        }
        // The first hop of the cycle is as far before the last one as was repeated, and one turn more.
        let start = hops.len().checked_sub(repeated)?.checked_sub(period)?;
        let first = config.first_ttl.checked_add(u8::try_from(start).ok()?)?;
        let again = first.checked_add(u8::try_from(period).ok()?)?;
        let at = (*hops.get(start)?)?;
        Some(Ending::Loop { at, first, again })
    })
}
