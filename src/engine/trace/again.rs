//! Which silent queries are sent again, and when.
//!
//! A further probe of a query replaces a star; it never adds an answer. It finds the hop of a target or a router that was
//! deaf for a while: one that looked for the link-layer address of the next node, or that had used up the ICMP errors of a
//! second.
//!
//! A target that answers with ICMP errors limits them, and so does a router that refuses what it should forward. The probes
//! beyond it may have used them up before those of its hop arrived: some were lost, or later ones overtook them. So these are
//! sent again when it may send a further error.

use std::time::Duration;

use super::due::Due;
use super::event::AnswerKind;
use super::table::{HopQuery, Table};
use super::wait;
use crate::clock::Instant;
use crate::probe::trace::TraceMethod;

/// Whether each query of a method is a connection: a target answers with segments.
pub const fn connects(method: TraceMethod) -> bool {
    matches!(method, TraceMethod::Tcp(_) | TraceMethod::Connect)
}

/// Behind the last hop that answered: time from one probe of a query to the next.
const INTERVAL: Duration = Duration::from_secs(1);

/// Behind the last hop that answered: how often a query is sent again at most.
const MOST: u8 = 3;

/// ICMP errors that a host sends at once; then it sends one each [`INTERVAL`] (Linux icmp_ratelimit).
const ERRORS: usize = 6;

/// Where the last node limits its errors: how often a query is sent again at most.
const MOST_LIMITED: u8 = 2;

/// The same for a query of a nearer hop, if that node did not answer all queries of its own hop at once.
const MOST_NEARER: u8 = 3;

/// The next query of a path with so many queries in each hop. `final_ttl`: the hop with the final answer.
///
/// With a final answer: the queries of each nearer hop that no answer shows to be passed, once; of connections, all queries
/// up to the hop with the final answer; and see [`limited`]. Without a final answer: those of the first hop behind the last that
/// answered, once a second.
pub fn next(table: &Table, final_ttl: Option<u8>, queries: u8, connections: bool) -> Option<Due> {
    let sent = |ttl: &u8| table.queries(*ttl).len() >= usize::from(queries);
    match final_ttl {
        Some(last) => {
            // A translator forgets a connection with its first reset, and then loses the answers of slower routers.
            let silent = |ttl: &u8| connections || (*ttl < last && !table.is_passed(*ttl));
            let hops = table.ttls().take_while(|ttl| *ttl <= last).filter(|ttl| sent(ttl) && silent(ttl));
            let wait = wait::answer_time(table);
            let once = hops.filter_map(|ttl| of_hop(table, ttl, 1, wait));
            once.chain(next_limited(table, last)).min_by_key(|due| due.at)
        }
        None => {
            let first = table.highest().map_or(*table.ttls().start(), |highest| highest.saturating_add(1));
            of_hop(table, first, MOST, INTERVAL.max(wait::answer_time(table))).filter(|_| sent(&first))
        }
    }
}

/// The first open query of a hop that was sent again less than `most` times, `wait` after its newest probe.
fn of_hop(table: &Table, ttl: u8, most: u8, wait: Duration) -> Option<Due> {
    let resends = |query: u8| table.query(ttl, query).map_or(most, |HopQuery { resends, .. }| *resends);
    let waiting = table.waiting(ttl).filter(|(query, _, _)| resends(*query) < most);
    let due = |(query, _, newest): (u8, Instant, Instant)| Due { at: newest + wait, ttl, query, again: true };
    waiting.map(due).min_by_key(|due| due.at)
}

/// The next query that is sent again because the last node limits its errors: see [`limited`].
fn next_limited(table: &Table, last: u8) -> Option<Due> {
    let hops = table.ttls().take_while(|ttl| *ttl <= last);
    let open = hops.flat_map(|ttl| table.waiting(ttl).map(move |(query, _, _)| (ttl, query)));
    let sent = open.filter(|(ttl, query)| *ttl == last || *query == 1);
    let due = |(ttl, query)| limited(table, last, ttl, query).map(|at| Due { at, ttl, query, again: true });
    sent.filter_map(due).min_by_key(|due| due.at)
}

/// When an open query may be sent again because the target, at the hop `last`, or the router that refuses there limits its
/// errors; `None`: it is not.
///
/// The queries of its hop are sent again, one for each error, the one that waits longest first. Of the silent hops right
/// before it the first query of each is, all together: the error goes to the nearest hop that is this node's.
pub fn limited(table: &Table, last: u8, ttl: u8, query: u8) -> Option<Instant> {
    if ttl > last {
        return None;
    }
    let short = table.open(last) > 0 || table.queries(last).iter().any(|query| query.resends > 0);
    let most = if short && ttl < last { MOST_NEARER } else { MOST_LIMITED };
    let rest = || {
        let may = |query| table.query(ttl, query).is_some_and(|query| query.resends < most);
        table.waiting(ttl).filter(move |(query, _, _)| may(*query))
    };
    let (_, first, newest) = rest().find(|(other, _, _)| *other == query)?;
    let next = last_error(table, last)? + INTERVAL;
    let at = if ttl == last {
        let before = rest().filter(|(other, _, sent)| (*sent, *other) < (newest, query)).count();
        next + INTERVAL.saturating_mul(u32::try_from(before).ok()?)
    } else {
        let silent = (ttl..last).all(|ttl| table.answers(ttl).next().is_none());
        Some(next.max(newest + wait::answer_time(table))).filter(|_| silent)?
    };
    // Three errors, each a second and a round trip after the one before.
    Some(at).filter(|at| *at <= first + wait::TAIL + table.longest_rtt().saturating_mul(4))
}

/// When the node at the hop `last` sent its last error, or was sent a probe again for one; `None`: it does not limit
/// them, or sends none.
fn last_error(table: &Table, last: u8) -> Option<Instant> {
    let answers = || table.ttls().skip_while(|ttl| *ttl < last).flat_map(|ttl| table.answers(ttl));
    let limit = answers().map(|answer| answer.at).min()? + INTERVAL;
    let at_once = answers().filter(|answer| answer.at < limit).count();
    if at_once > ERRORS || answers().any(|answer| !matches!(answer.kind, AnswerKind::Error(_))) {
        return None;
    }
    let again = table.of_hop(last).filter(|(_, query)| query.resends > 0).map(|(probe, _)| probe.sent);
    answers().map(|answer| answer.at).chain(again).max()
}
