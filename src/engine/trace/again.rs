//! Which silent queries are sent again, and when.
//!
//! A further probe of a query replaces a star; it never adds an answer. It finds the hop of a target or a router that was
//! deaf for a while: one that looked for the link-layer address of the next node, or that had used up the ICMP errors of a
//! second.

use std::time::Duration;

use super::due::Due;
use super::table::{HopQuery, Table};
use super::wait;
use crate::clock::Instant;

/// Behind the last hop that answered: time from one probe of a query to the next.
const INTERVAL: Duration = Duration::from_secs(1);

/// Behind the last hop that answered: how often a query is sent again at most.
const MOST: u8 = 3;

/// The next query of a path with so many queries in each hop. `final_ttl`: the hop with the final answer.
///
/// With a final answer: the queries of each nearer hop that no answer shows to be passed, once; with `connections`, those
/// of the hop with the final answer too. Without a final answer: those of the first hop behind the last that answered,
/// once a second.
pub fn next(table: &Table, final_ttl: Option<u8>, queries: u8, connections: bool) -> Option<Due> {
    let sent = |ttl: &u8| table.queries(*ttl).len() >= usize::from(queries);
    match final_ttl {
        Some(last) => {
            let silent = |ttl: &u8| match *ttl == last {
                true => connections,
                false => !table.is_passed(*ttl),
            };
            let hops = table.ttls().take_while(|ttl| *ttl <= last).filter(|ttl| sent(ttl) && silent(ttl));
            let wait = wait::answer_time(table);
            hops.filter_map(|ttl| of_hop(table, ttl, 1, wait)).min_by_key(|due| due.at)
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
