//! Why a trace ended: final answers and loops.

use std::net::IpAddr;

use super::event::{AnswerKind, Ending, TraceAnswer};
use super::table::Table;
use crate::clock::Instant;
use crate::probe::trace::{Flow, TraceMethod};
use crate::wire::{Family, icmp};

/// Longest loop that is looked for, nodes.
const LONGEST_CYCLE: usize = 8;

/// Why a trace ended, once all hops are decided up to the one with the final answer, or all.
pub fn ending(table: &Table, flow: &Flow, final_ttl: Option<u8>) -> Ending {
    let Some(ttl) = final_ttl else { return cycle(table).unwrap_or(Ending::HopLimit) };
    let finals = || table.answers(ttl).filter(|answer| answer.kind.is_final());
    if finals().any(|answer| is_arrival(table, flow, ttl, answer)) {
        return Ending::Reached;
    }
    let refused = finals().find_map(|answer| match answer.kind {
        AnswerKind::Error(error) => Some(Ending::Unreachable { by: answer.from, error }),
        AnswerKind::Reply | AnswerKind::Segment(_) => None,
    });
    let too_long = || table.too_long(ttl).next().map(|mtu| Ending::TooLong { mtu });
    refused.or_else(too_long).unwrap_or(Ending::Reached)
}

/// The lowest hop that ends the path: one that the target answered from, or one with a refusal that no other answer
/// overrules.
pub fn final_ttl(table: &Table, flow: &Flow) -> Option<u8> {
    table.ttls().find(|ttl| is_final(table, flow, *ttl))
}

fn is_final(table: &Table, flow: &Flow, ttl: u8) -> bool {
    let refused =
        || table.answers(ttl).any(|answer| answer.kind.is_final()) || table.too_long(ttl).next().is_some();
    is_reached(table, flow, ttl) || (refused() && !is_overruled(table, flow, ttl))
}

/// Whether a probe of the hop `ttl` arrived at the target.
pub fn is_reached(table: &Table, flow: &Flow, ttl: u8) -> bool {
    table.answers(ttl).any(|answer| is_arrival(table, flow, ttl, answer))
}

/// Whether probes got further than the refusal at the hop `ttl`: one exceeded its TTL there, or was answered beyond it,
/// not by a node that refused probes of this hop too.
fn is_overruled(table: &Table, flow: &Flow, ttl: u8) -> bool {
    let refusals = || table.answers(ttl).filter(|answer| answer.kind.is_final());
    let refused = |from: IpAddr| refusals().any(|answer| answer.from == from);
    let mut beyond = table
        .ttls()
        .skip_while(|further| *further <= ttl)
        .flat_map(|further| table.answers(further).map(move |answer| (further, answer)));
    table.is_passed(ttl)
        || beyond.any(|(further, answer)| {
            !answer.kind.is_final() || !refused(answer.from) || is_arrival(table, flow, further, answer)
        })
}

/// Until when the refusal at the hop `ttl` is held open: the answers to probes beyond it that are in flight may take as
/// long as the slowest answer so far. `None`: no such answer can overrule it.
pub fn held_until(table: &Table, flow: &Flow, ttl: u8) -> Option<Instant> {
    let in_flight = table.ttls().skip_while(|further| *further <= ttl).any(|further| table.open(further) > 0);
    if !in_flight || is_reached(table, flow, ttl) {
        return None;
    }
    let refused = table.answers(ttl).filter(|answer| answer.kind.is_final()).map(|answer| answer.at).min()?;
    Some(refused + table.longest_rtt())
}

/// Whether an answer of the hop `ttl` shows that the probe arrived at the target: it is no error, or the target's own.
/// All nearer hops must be decided.
pub fn is_arrival(table: &Table, flow: &Flow, ttl: u8, answer: &TraceAnswer) -> bool {
    match answer.kind {
        AnswerKind::Reply | AnswerKind::Segment(_) => true,
        AnswerKind::Error(error) if error.is_ttl_exceeded() => false,
        AnswerKind::Error(error) => {
            answer.from == flow.dst
                || (is_port_unreachable(error)
                    && has_ports(flow)
                    && answer.from != flow.src
                    && !is_router(table, ttl, answer.from))
        }
    }
}

/// Port unreachable comes from the destination host, whichever of its addresses sends it (RFC 1122 section
/// 3.2.2.1, RFC 4443 section 3.1), or from a firewall that rejects.
fn is_port_unreachable(error: icmp::Error) -> bool {
    match error.family {
        Family::V4 => (error.icmp_type, error.code) == (icmp::v4::DESTINATION_UNREACHABLE, 3),
        Family::V6 => (error.icmp_type, error.code) == (icmp::v6::DESTINATION_UNREACHABLE, 4),
    }
}

/// Whether port unreachable is the answer of a host without a listener. TCP answers with a reset (RFC 9293 section
/// 3.5.2), and ICMP has no ports.
fn has_ports(flow: &Flow) -> bool {
    match flow.method {
        TraceMethod::Udp | TraceMethod::UdpLite { .. } | TraceMethod::Dccp { .. } => true,
        TraceMethod::Echo | TraceMethod::Tcp(_) | TraceMethod::Connect | TraceMethod::Protocol(_) => false,
    }
}

/// Whether an address forwarded a probe: it sent time exceeded at the hop `ttl` or a nearer one.
fn is_router(table: &Table, ttl: u8, address: IpAddr) -> bool {
    let nearer = table.ttls().take_while(|nearer| *nearer <= ttl);
    let mut answers = nearer.flat_map(|nearer| table.answers(nearer));
    answers.any(|answer| answer.from == address && !answer.kind.is_final())
}

/// The loop that the path goes round from some hop on, at least twice, to its last hop; the shortest, from its first
/// turn on.
///
/// A silent hop may be any node: routers limit their answers, and some give none.
fn cycle(table: &Table) -> Option<Ending> {
    let hops: Vec<Option<IpAddr>> =
        table.ttls().map(|ttl| table.answers(ttl).next().map(|answer| answer.from)).collect();
    (1..=LONGEST_CYCLE).find_map(|period| {
        let start =
            (0..hops.len()).find(|start| hops.get(*start..).is_some_and(|path| goes_round(path, period)))?;
        let first = table.ttls().nth(start)?;
        let again = first.checked_add(u8::try_from(period).ok()?)?;
        let at = (*hops.get(start)?)?;
        Some(Ending::Loop { at, first, again })
    })
}

/// Whether all of a path, from its first hop on, goes round a loop of `period` nodes, twice or more.
///
/// Each node that answers does so in two turns. One node alone has three answers in a row: a node that forwards
/// probes with a TTL of 0 answers twice.
fn goes_round(path: &[Option<IpAddr>], period: usize) -> bool {
    let answers_first = path.first().is_some_and(Option::is_some);
    let turns = if period == 1 { 3 } else { 2 };
    let Some(needed) = path.get(..period.saturating_mul(turns)).filter(|_| answers_first) else {
        return false;
    };
    let is_node = |place: usize| {
        let seen = path.iter().skip(place).step_by(period).flatten();
        let node = seen.clone().next();
        node.is_none() || (seen.clone().all(|other| Some(other) == node) && seen.count() >= 2)
    };
    let node_alone = |turn: &[Option<IpAddr>]| turn.windows(2).all(|two| matches!(two, [a, b] if a == b));
    let distinct = match period {
        1 => node_alone(needed),
        _ => !needed.get(..period).is_some_and(node_alone),
    };
    distinct && (0..period).all(is_node)
}
