//! When which target is sent its next probe: one file for each way.
//!
//! It knows targets by their numbers, and neither addresses nor probes.

mod adaptive;
mod backlog;
mod flood;
mod gate;
mod grid;
mod retry;
mod rounds;
mod sends;
mod turn;

use std::time::Duration;

use crate::clock::Instant;
use adaptive::Adaptive;
use flood::Flood;
use gate::Gate;
pub use gate::ProbeRate;
pub use retry::Backoff;
use retry::Retry;
use rounds::Rounds;
pub use turn::Turn;

/// How probes follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pacing {
    /// A fixed grid: each target is sent a probe each `interval`.
    Rounds {
        /// From one probe to a target to the next.
        interval: Duration,
        /// Rounds that begin at once at the start; at least 1.
        preload: u64,
        /// How fast probes leave at most, to all targets together.
        rate: Option<ProbeRate>,
    },
    /// Until it answers, each target is sent a probe after ever longer waits.
    Retry {
        /// How long the first probe is waited for.
        timeout: Duration,
        /// How the waits for further ones grow.
        backoff: Backoff,
        /// How many further ones at most.
        retries: u32,
        /// Whether a target is sent another one after one that could not leave this machine.
        after_fault: bool,
        /// How fast probes leave at most, to all targets together.
        rate: Option<ProbeRate>,
    },
    /// One target: a probe on each answer, and every ten milliseconds without one.
    Flood {
        /// Probes that may be in flight at once at the start; at least 1.
        preload: u64,
    },
    /// One target: the interval follows the round-trip time.
    Adaptive {
        /// The interval while no round-trip time is known.
        interval: Duration,
        /// The smallest interval.
        floor: Duration,
        /// Probes that may be in flight at once; at least 1.
        preload: u64,
    },
}

impl Pacing {
    /// Whether a target is sent probes only until it answers.
    pub const fn is_retry(&self) -> bool {
        matches!(self, Self::Retry { .. })
    }

    /// From one probe to a target to the next, with so many targets: the interval, or longer where the rate makes it so,
    /// to the microsecond. `None`: there is no such time.
    pub fn period(&self, targets: u32) -> Option<Duration> {
        let Self::Rounds { interval, rate, .. } = *self else { return None };
        let round = rate.map_or(Duration::ZERO, |rate| rate.time(targets.into()));
        let micros = u64::try_from(round.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX);
        Some(interval.max(Duration::from_micros(micros)))
    }

    /// Whether probes follow answers and nothing else.
    pub const fn is_flood(&self) -> bool {
        matches!(self, Self::Flood { .. })
    }
}

/// The schedule of a run.
#[derive(Debug)]
pub enum Pace {
    /// See [`Pacing::Rounds`].
    Rounds(Rounds),
    /// See [`Pacing::Retry`].
    Retry(Retry),
    /// See [`Pacing::Flood`].
    Flood(Flood),
    /// See [`Pacing::Adaptive`].
    Adaptive(Adaptive),
}

impl Pace {
    /// A schedule for targets numbered from 0. The first probe leaves at `start`. Each target is sent `count` probes at
    /// most ([`Pacing::Retry`] has its own limit). A flood has `most` probes in flight at most.
    pub fn new(pacing: Pacing, targets: u32, count: Option<u64>, most: u64, start: Instant) -> Self {
        match pacing {
            Pacing::Rounds { interval, preload, rate } => {
                Self::Rounds(Rounds::new(targets, interval, preload, rate, count, start))
            }
            Pacing::Retry { timeout, backoff, retries, after_fault, rate } => {
                let gate = Gate::new(rate, start);
                Self::Retry(Retry::new(targets, (timeout, backoff), (retries, after_fault), gate, start))
            }
            Pacing::Flood { preload } => Self::Flood(Flood::new(preload, most, count, start)),
            Pacing::Adaptive { interval, floor, preload } => {
                Self::Adaptive(Adaptive::new(interval, floor, preload, count, start))
            }
        }
    }

    /// Adds targets, numbered after those that there are. Their first probes are due at `now`. [`Pacing::Flood`] and
    /// [`Pacing::Adaptive`] have one target and ignore it.
    pub fn add(&mut self, targets: u32, now: Instant) {
        match self {
            Self::Rounds(rounds) => rounds.add(targets, now),
            Self::Retry(retry) => retry.add(targets),
            Self::Flood(_) | Self::Adaptive(_) => {}
        }
    }

    /// What is next, and when, with so many probes in flight; `None`: nothing more.
    #[inline]
    pub fn due(&self, in_flight: u64) -> Option<(Instant, Turn)> {
        match self {
            Self::Rounds(rounds) => rounds.due(),
            Self::Retry(retry) => retry.due(),
            Self::Flood(flood) => flood.due(in_flight).map(|at| (at, Turn::Probe(0))),
            Self::Adaptive(adaptive) => adaptive.due(in_flight).map(|at| (at, Turn::Probe(0))),
        }
    }

    /// Takes the turn that is due at `now`. The result of a [`Turn::Probe`] is reported by [`Pace::sent`],
    /// [`Pace::refuse`] or [`Pace::fail`], in the order of the turns.
    #[inline]
    pub fn take(&mut self, now: Instant, in_flight: u64) -> Option<Turn> {
        let (_, turn) = self.due(in_flight).filter(|(at, _)| *at <= now)?;
        self.advance(now, in_flight);
        Some(turn)
    }

    /// The same where [`Pace::due`] was called before, and the turn is due.
    #[inline]
    pub fn advance(&mut self, now: Instant, in_flight: u64) {
        match self {
            Self::Rounds(rounds) => rounds.take(now),
            Self::Retry(retry) => retry.take(now),
            Self::Flood(flood) => flood.take(now, in_flight),
            Self::Adaptive(adaptive) => adaptive.sends.take(now),
        }
    }

    /// The newest turn taken is used, and no probe is sent. [`Pacing::Flood`] and [`Pacing::Adaptive`] have one target,
    /// which no turn skips.
    pub fn skip(&mut self) {
        match self {
            Self::Rounds(rounds) => rounds.skip(),
            Self::Retry(retry) => retry.skip(),
            Self::Flood(_) | Self::Adaptive(_) => {}
        }
    }

    /// The probe of the oldest turn taken left at `at`.
    pub fn sent(&mut self, at: Instant) {
        match self {
            Self::Rounds(rounds) => rounds.sent(),
            Self::Retry(retry) => retry.sent(at),
            Self::Flood(flood) => flood.sends.sent(at),
            Self::Adaptive(adaptive) => adaptive.sends.sent(at),
        }
    }

    /// The probe of the oldest turn taken found no room at `at`: the turn comes again.
    pub fn refuse(&mut self, at: Instant) {
        match self {
            Self::Rounds(rounds) => rounds.refuse(at),
            Self::Retry(retry) => retry.refuse(at),
            Self::Flood(flood) => flood.sends.refuse(at),
            Self::Adaptive(adaptive) => adaptive.sends.refuse(at),
        }
    }

    /// The probe of the oldest turn taken could not leave, at `at`: the turn is used. `waits`: another probe to its target
    /// is in flight.
    pub fn fail(&mut self, at: Instant, waits: bool) {
        match self {
            Self::Rounds(rounds) => rounds.sent(),
            Self::Retry(retry) => retry.fail(at, waits),
            Self::Flood(flood) => flood.sends.fail(at),
            Self::Adaptive(adaptive) => adaptive.sends.fail(at),
        }
    }

    /// Takes a round-trip time into account.
    pub fn learn(&mut self, rtt: Duration) {
        match self {
            Self::Rounds(_) | Self::Retry(_) => {}
            Self::Flood(flood) => flood.learn(rtt),
            Self::Adaptive(adaptive) => adaptive.learn(rtt),
        }
    }

    /// Lets pass what `now` brings: turns that became due while others waited for room queue behind those. `done` is
    /// a target that needs no further probe, and one that `may_wait` gives way to those that answer.
    pub fn refresh(&mut self, now: Instant, done: impl Fn(u32) -> bool, may_wait: impl Fn(u32) -> bool) {
        match self {
            Self::Rounds(rounds) => rounds.set_aside(now, may_wait),
            Self::Retry(retry) => retry.refresh(now, done),
            Self::Flood(_) | Self::Adaptive(_) => {}
        }
    }

    /// Gives up the oldest turn that waits for room: its target. The probe counts as not sent.
    pub fn pop_refused(&mut self) -> Option<u32> {
        match self {
            Self::Rounds(rounds) => rounds.pop_refused(),
            Self::Retry(retry) => retry.pop_refused(),
            Self::Flood(flood) => flood.sends.give_up(),
            Self::Adaptive(adaptive) => adaptive.sends.give_up(),
        }
    }

    /// The interval as it stands now; zero where there is none.
    pub fn interval(&self) -> Duration {
        match self {
            Self::Rounds(rounds) => rounds.interval(),
            Self::Retry(_) | Self::Flood(_) => Duration::ZERO,
            Self::Adaptive(adaptive) => adaptive.interval(),
        }
    }
}

#[cfg(test)]
mod tests;
