//! Routing loops: what goes round, and from which hop on.

use std::net::IpAddr;

use super::event::Ending;
use super::table::Table;

/// Longest loop that is looked for, nodes.
const LONGEST: usize = 8;

/// A loop of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Cycle {
    /// Where it begins: places of the path before its first node that answered.
    start: usize,
    /// Its nodes.
    period: usize,
    /// Silent hops of nodes that answered at others.
    gaps: usize,
}

/// The loop that the path goes round from some hop on, at least twice, to its last hop, from its first turn on.
///
/// A silent hop may be any node: routers limit their answers, and some give none. Of several loops it is the one with the
/// fewest nodes and silent hops to explain.
pub fn ending(table: &Table) -> Option<Ending> {
    // A refusal comes from a node before the hop.
    let node = |ttl: u8| table.answers(ttl).find(|answer| !answer.kind.is_final()).map(|answer| answer.from);
    let hops: Vec<Option<IpAddr>> = table.ttls().map(node).collect();
    let cycles = (1..=LONGEST).filter_map(|period| {
        let mut cycles = (0..hops.len()).filter_map(|start| at(hops.get(start..)?, start, period));
        cycles.next()
    });
    let explained = |&Cycle { start, period, gaps }: &Cycle| (start, gaps.saturating_add(period), gaps);
    let Cycle { start, period, .. } = cycles.min_by_key(explained)?;
    let first = table.ttls().nth(start)?;
    let again = first.checked_add(u8::try_from(period).ok()?)?;
    Some(Ending::Loop { at: (*hops.get(start)?)?, first, again })
}

/// The loop of `period` nodes that all of a path goes round, from its first hop on, twice or more.
///
/// Each node that answers does so in two turns. One node alone has three answers in a row: a node that forwards
/// probes with a TTL of 0 answers twice.
fn at(path: &[Option<IpAddr>], start: usize, period: usize) -> Option<Cycle> {
    let turns = if period == 1 { 3 } else { 2 };
    let needed = path.get(..period.saturating_mul(turns)).filter(|needed| needed.first() != Some(&None))?;
    if period == 1 && needed.contains(&None) {
        return None;
    }
    let mut nodes = Vec::new();
    let mut gaps: usize = 0;
    for place in 0..period {
        let seen = || path.iter().skip(place).step_by(period);
        let Some(node) = seen().flatten().next() else { continue };
        let answers = seen().flatten().count();
        // A node has one place in a turn.
        if answers < 2 || nodes.contains(node) || !seen().flatten().all(|other| other == node) {
            return None;
        }
        nodes.push(*node);
        gaps = gaps.saturating_add(seen().count().saturating_sub(answers));
    }
    Some(Cycle { start, period, gaps })
}
