//! The forward lookups of a ping. `-w` and signals end the wait for them.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;

use crate::clock::{Clock, Instant};
use crate::names::bounded::{self, Limit};
use crate::names::forward::{self, AddressFamilies, Candidate};
use crate::stop::Stop;

/// Looks names up until a time is over or a signal comes.
pub struct ForwardLookups {
    stop: Stop,
    clock: Clock,
    until: Option<Instant>,
    /// The time that lookups took.
    spent: Cell<Duration>,
}

impl ForwardLookups {
    /// Takes the signals over: lookups run on threads, which are not to receive them. From here on lookups have
    /// `share` of time, all together.
    ///
    /// # Errors
    /// Those of [`Stop::install`].
    pub fn begin(share: Option<Duration>) -> anyhow::Result<Self> {
        let stop = Stop::install()?;
        let until = share.map(|share| Instant::ZERO + share);
        Ok(Self { stop, clock: Clock::start(), until, spent: Cell::new(Duration::ZERO) })
    }

    /// The addresses of a host; see [`forward::resolve`].
    ///
    /// # Errors
    /// One line that begins with the name, escaped.
    pub fn resolve(&self, name: &str, wanted: AddressFamilies) -> anyhow::Result<Vec<Candidate>> {
        if forward::is_numeric(name) {
            return forward::resolve(name, wanted);
        }
        let found = self.resolve_all(&Arc::new(vec![name.to_owned()]), wanted).pop();
        found.unwrap_or_else(|| Err(anyhow!("no host to look up")))
    }

    /// The addresses of several hosts, in their order; see [`bounded::resolve_all`].
    pub fn resolve_all(
        &self,
        names: &Arc<Vec<String>>,
        wanted: AddressFamilies,
    ) -> Vec<anyhow::Result<Vec<Candidate>>> {
        if names.is_empty() {
            return Vec::new();
        }
        let began = self.clock.now();
        let is_over = || self.stop.came();
        let limit =
            Limit { clock: &self.clock, until: self.until, signals: self.stop.fds(), is_over: &is_over };
        let found = bounded::resolve_all(names, wanted, &limit);
        self.spent.set(self.spent.get().saturating_add(self.clock.now().since(began)));
        found
    }

    /// What the lookups left of the deadline of a run.
    pub fn left_of(&self, deadline: Option<Duration>) -> Option<Duration> {
        deadline.map(|deadline| deadline.saturating_sub(self.spent.get()))
    }

    /// The signals, for the run.
    pub fn into_stop(self) -> Stop {
        self.stop
    }
}
