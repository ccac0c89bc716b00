//! The window of a trace: how many probes may be unanswered.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Instant;

/// Unanswered probes: 13 hops of 3. So a path of up to 12 hops takes one RTT, and at most 36 probes go beyond a target.
const SIZE: usize = 39;

/// A probe without an answer leaves the window after this time, and after that of the slowest answer.
const UNANSWERED: Duration = Duration::from_millis(300);

/// The unanswered probes of a trace.
///
/// Each answer makes room for a probe. Where nothing answers, time does, unless the size is given (`-N`).
#[derive(Debug)]
pub struct Window {
    size: usize,
    /// Whether probes leave it after a time.
    timed: bool,
    /// By number: TTL and query of the unanswered probes, and when they left.
    unanswered: BTreeMap<u64, (u8, u8, Instant)>,
}

impl Window {
    /// A window of this size (`-N`), or of the default one.
    pub fn new(parallel: Option<u16>) -> Self {
        let size = parallel.map_or(SIZE, usize::from);
        Self { size, timed: parallel.is_none(), unanswered: BTreeMap::new() }
    }

    /// Adds a probe that leaves `now`.
    pub fn insert(&mut self, id: u64, (ttl, query): (u8, u8), now: Instant) {
        self.unanswered.insert(id, (ttl, query, now));
    }

    /// Removes the probes of a query: it was answered, or its wait is over.
    pub fn remove(&mut self, ttl: u8, query: u8) {
        self.unanswered.retain(|_, (of, number, _)| (*of, *number) != (ttl, query));
    }

    /// Whether a further probe has room, of a path that ends with the hop `last_ttl`.
    pub fn has_room(&self, last_ttl: u8) -> bool {
        self.unanswered.len() < self.size || self.up_to(last_ttl).count() < self.size
    }

    /// When time makes room for a further probe; `None`: it does not.
    pub fn opens_at(&self, last_ttl: u8, slowest: Duration) -> Option<Instant> {
        let oldest = self.up_to(last_ttl).next().filter(|_| self.timed)?;
        Some(oldest + UNANSWERED.max(slowest))
    }

    /// Removes the probes that are too old.
    pub fn expire(&mut self, now: Instant, slowest: Duration) {
        let wait = UNANSWERED.max(slowest);
        while let Some(oldest) = self.unanswered.first_entry().filter(|_| self.timed)
            && oldest.get().2 + wait <= now
        {
            oldest.remove();
        }
    }

    fn up_to(&self, last_ttl: u8) -> impl Iterator<Item = Instant> {
        self.unanswered.values().filter(move |(ttl, ..)| *ttl <= last_ttl).map(|(.., left)| *left)
    }
}
