//! Why a trace ended: final answers, or none.

use std::cmp::Reverse;
use std::net::IpAddr;

use super::cycle;
use super::event::{AnswerKind, Ending, Outcome, TraceAnswer};
use super::table::{HopQuery, Table};
use super::wait;
use crate::clock::Instant;
use crate::datagram::SendFault;
use crate::probe::trace::{Flow, TraceMethod};
use crate::wire::{Family, icmp};

/// Why a trace ended, once all hops are decided up to the one with the final answer, or all.
pub fn ending(table: &Table, flow: &Flow, final_ttl: Option<u8>) -> Ending {
    let Some(ttl) = final_ttl else {
        let unsent = refused(table).map(|fault| Ending::NotSent { fault });
        return unsent.or_else(|| cycle::ending(table)).unwrap_or(Ending::HopLimit);
    };
    let finals = || table.answers(ttl).filter(|answer| answer.kind.is_final());
    if finals().any(|answer| is_arrival(table, flow, ttl, answer)) {
        return Ending::Reached;
    }
    let refusals = finals().filter_map(|answer| match answer.kind {
        AnswerKind::Error(error) => Some((answer.from, error)),
        AnswerKind::Reply | AnswerKind::Segment(_) => None,
    });
    // The furthest node that refuses; of equal ones the first.
    let furthest = refusals.min_by_key(|(by, _)| Reverse(place(table, *by)));
    let refused = furthest.map(|(by, error)| Ending::Unreachable { by, error });
    let too_long = || table.too_long(ttl).next().map(|mtu| Ending::TooLong { mtu });
    refused.or_else(too_long).unwrap_or(Ending::Reached)
}

/// Why the first query could not be sent, if no query of any hop could.
fn refused(table: &Table) -> Option<SendFault> {
    let mut faults = table.ttls().flat_map(|ttl| table.queries(ttl)).map(|query| match &query.outcome {
        Some(Outcome::NotSent(fault)) => Some(*fault),
        _ => None,
    });
    let first = faults.next()??;
    faults.all(|fault| fault.is_some()).then_some(first)
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
/// not by a node that refused probes of this hop too, or that is nearer than one that did.
fn is_overruled(table: &Table, flow: &Flow, ttl: u8) -> bool {
    let refusals = || table.answers(ttl).filter(|answer| answer.kind.is_final());
    let refused = |from: IpAddr| {
        refusals().any(|answer| answer.from == from || place(table, from) < place(table, answer.from))
    };
    let mut beyond = table
        .ttls()
        .skip_while(|further| *further <= ttl)
        .flat_map(|further| table.answers(further).map(move |answer| (further, answer)));
    table.is_passed(ttl)
        || beyond.any(|(further, answer)| {
            !answer.kind.is_final() || !refused(answer.from) || is_arrival(table, flow, further, answer)
        })
}

/// The hop of a node: the first one at which a TTL was exceeded there. A node without one is most likely further on.
fn place(table: &Table, node: IpAddr) -> u8 {
    let passed = |answer: &TraceAnswer| answer.from == node && !answer.kind.is_final();
    table.ttls().find(|ttl| table.answers(*ttl).any(passed)).unwrap_or(u8::MAX)
}

/// How long the refusal at a hop is held open for the answers to probes beyond it, which could overrule it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// Until this time: whoever refuses one probe refuses all.
    Until(Instant),
    /// While probes beyond it are in flight: some may have passed.
    WhileInFlight,
}

/// Refusals of one probe after the other that show a node which refuses all. It may limit its ICMP errors, so it need not
/// refuse more.
const REFUSALS: usize = 3;

/// How long the refusal at the hop `ttl` is held open; `None`: no answer can overrule it, or one did.
pub fn held(table: &Table, flow: &Flow, ttl: u8) -> Option<Held> {
    let beyond = || table.ttls().skip_while(|further| *further <= ttl);
    let in_flight = || beyond().flat_map(|further| table.in_flight(further)).map(|(_, probe)| probe.sent);
    let open = beyond().any(|further| table.open(further) > 0);
    if !open || is_reached(table, flow, ttl) || is_overruled(table, flow, ttl) {
        return None;
    }
    let finals = |ttl: u8| table.of_hop(ttl).filter_map(|(probe, query)| Some((probe.sent, refusal(query)?)));
    let first = finals(ttl).map(|(_, answer)| answer.at).min()?;
    let by = |from: IpAddr| finals(ttl).any(|(_, answer)| answer.from == from);
    let all = std::iter::once(ttl).chain(beyond());
    let refused = || all.clone().flat_map(finals).filter(|(_, answer)| by(answer.from)).map(|(sent, _)| sent);
    let last = refused().max()?;
    let some_may_have_passed = refused().count() < REFUSALS || in_flight().any(|sent| sent < last);
    Some(match some_may_have_passed {
        true => Held::WhileInFlight,
        false => Held::Until(first + wait::beyond(table)),
    })
}

/// The answer of a query, if it shows that probes go no further than its hop.
fn refusal(query: &HopQuery) -> Option<&TraceAnswer> {
    match &query.outcome {
        Some(Outcome::Answered(answer)) => Some(answer).filter(|answer| answer.kind.is_final()),
        _ => None,
    }
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
