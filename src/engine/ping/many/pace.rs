//! When which target is asked next. It knows no addresses and no probes.

use std::collections::VecDeque;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::clock::Instant;

/// What is wanted of each target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// So many probes, answered or not, one every `interval`.
    Probes {
        /// How many.
        count: u64,
        /// From one to the next.
        interval: Duration,
    },
    /// One answer: a probe that stays silent is followed by another one, a few times.
    Answer {
        /// How long the first is waited for; each further one, half as long again.
        timeout: Duration,
        /// How many further ones.
        retries: u32,
    },
}

/// What is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The target with this number is asked.
    Ask(u32),
    /// The target with this number was asked for the last time, and its time is up.
    GiveUp(u32),
}

/// The schedule of a run.
#[derive(Debug)]
pub struct Pace {
    targets: u32,
    demand: Demand,
    start: Instant,
    gate: Gate,
    /// The next target of the round.
    next: u32,
    /// The round; each asks every target once. Of [`Demand::Answer`] only the first is one.
    round: u64,
    rounds_left: u64,
    /// Targets asked once, twice and so on, and when they are due again, soonest first.
    waiting: Vec<VecDeque<(Instant, u32)>>,
}

impl Pace {
    /// A schedule for targets numbered from 0, `rate` probes a second at most, whose first leaves at `start`.
    pub fn new(targets: u32, demand: Demand, rate: Option<NonZeroU64>, start: Instant) -> Self {
        let (rounds_left, tries) = match demand {
            Demand::Probes { count, .. } => (count, 0),
            Demand::Answer { retries, .. } => (1, retries.saturating_add(1)),
        };
        let waiting = (0..tries).map(|_| VecDeque::new()).collect();
        let gate = Gate { rate, base: start, passed: 0 };
        Self { targets, demand, start, gate, next: 0, round: 0, rounds_left, waiting }
    }

    /// What is next, and when.
    pub fn due(&self) -> Option<(Instant, Turn)> {
        let waiting = self.soonest();
        let again = waiting.map(|(at, level, target)| match self.is_last(level) {
            true => (at, Turn::GiveUp(target)),
            false => (at.max(self.gate.opens()), Turn::Ask(target)),
        });
        let fresh = self.fresh().map(|target| (self.gate.opens(), Turn::Ask(target)));
        match (again, fresh) {
            // Who waited comes first.
            (Some(again), Some(fresh)) if again.0 > fresh.0 => Some(fresh),
            (again, fresh) => again.or(fresh),
        }
    }

    /// The next target of the round.
    fn fresh(&self) -> Option<u32> {
        (self.rounds_left > 0 && self.targets > 0).then_some(self.next)
    }

    /// Which of those who wait is due first, and how often it was asked, less one.
    fn soonest(&self) -> Option<(Instant, usize, u32)> {
        let fronts = self.waiting.iter().enumerate();
        fronts.filter_map(|(level, queue)| queue.front().map(|(at, target)| (*at, level, *target))).min()
    }

    fn is_last(&self, level: usize) -> bool {
        level.saturating_add(1) >= self.waiting.len()
    }

    /// Whether every target was asked as often as it will be.
    pub fn is_over(&self) -> bool {
        self.due().is_none()
    }

    /// Forgets those who wait for nothing any more, as far as they stand in the way.
    pub fn forget(&mut self, done: impl Fn(u32) -> bool) {
        for queue in &mut self.waiting {
            while queue.front().is_some_and(|(_, target)| done(*target)) {
                queue.pop_front();
            }
        }
    }

    /// Takes the turn that is due, at `now`.
    pub fn take(&mut self, now: Instant) -> Option<Turn> {
        let (_, turn) = self.due().filter(|(at, _)| *at <= now)?;
        let level = match self.soonest() {
            Some((_, level, target)) if turn == Turn::GiveUp(target) => Some(level),
            Some((at, level, target)) if turn == Turn::Ask(target) && at <= now => Some(level),
            _ => None,
        };
        if let Some(queue) = level.and_then(|level| self.waiting.get_mut(level)) {
            queue.pop_front();
        }
        if let Turn::Ask(target) = turn {
            self.gate.pass(now);
            let asked = level.map_or(0, |level| level.saturating_add(1));
            self.wait(now, asked, target);
            if level.is_none() {
                self.advance(now);
            }
        }
        Some(turn)
    }

    fn wait(&mut self, now: Instant, asked: usize, target: u32) {
        let Demand::Answer { timeout, .. } = self.demand else { return };
        let timeout = (0..asked)
            .fold(timeout, |timeout, _| timeout.saturating_mul(3).checked_div(2).unwrap_or(timeout));
        if let Some(queue) = self.waiting.get_mut(asked) {
            queue.push_back((now + timeout, target));
        }
    }

    /// On to the next target, or to the next round.
    ///
    /// Rounds have no drift: each begins a whole number of intervals after the start, unless the rate does
    /// not allow it. Those that passed while nobody looked are skipped, never made up for in a burst.
    fn advance(&mut self, now: Instant) {
        self.next = self.next.saturating_add(1);
        if self.next < self.targets {
            return;
        }
        self.next = 0;
        self.rounds_left = self.rounds_left.saturating_sub(1);
        let Demand::Probes { interval, .. } = self.demand else { return };
        let passed = now.since(self.start).as_nanos().checked_div(interval.as_nanos());
        let passed = u64::try_from(passed.unwrap_or(0)).unwrap_or(u64::MAX);
        self.round = self.round.saturating_add(1).max(passed);
        let nanos = interval.as_nanos().saturating_mul(self.round.into());
        let begins = self.start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.gate.close_until(begins);
    }

    /// Leaves the interface a moment: nothing leaves before `until`.
    pub fn hold(&mut self, until: Instant) {
        self.gate.close_until(until);
    }
}

/// How far a schedule may fall behind its rate and still catch up.
const SLACK: Duration = Duration::from_millis(10);

/// Departures a second at most: what is due between two leaves with the first of them, as to wake costs more
/// than to send.
const DEPARTURES: u64 = 2_000;

/// Lets so many pass in a second: the n-th at `base` + n / rate exactly, those aside that leave together.
#[derive(Debug)]
struct Gate {
    rate: Option<NonZeroU64>,
    base: Instant,
    passed: u64,
}

impl Gate {
    fn opens(&self) -> Instant {
        let Some(rate) = self.rate else { return self.base };
        let behind = self.passed.checked_rem(rate.get() / DEPARTURES).unwrap_or(0);
        let passed = u128::from(self.passed.saturating_sub(behind));
        let nanos = passed.saturating_mul(1_000_000_000).checked_div(rate.get().into());
        self.base
            + Duration::from_nanos(nanos.and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or(u64::MAX))
    }

    fn pass(&mut self, now: Instant) {
        if now.since(self.opens()) > SLACK {
            (self.base, self.passed) = (now, 0);
        }
        self.passed = self.passed.saturating_add(1);
    }

    fn close_until(&mut self, until: Instant) {
        if self.opens() < until {
            (self.base, self.passed) = (until, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(micros: u64) -> Instant {
        Instant::from_nanos(micros * 1_000)
    }

    fn pace(targets: u32, demand: Demand, rate: u64) -> Pace {
        Pace::new(targets, demand, NonZeroU64::new(rate), Instant::ZERO)
    }

    /// All turns of a run that is never late, those of `answers` cut short by an answer at that time.
    fn turns(pace: &mut Pace, answers: &[(u32, Instant)]) -> Vec<(Instant, Turn)> {
        let mut turns = Vec::new();
        let mut now = Instant::ZERO;
        loop {
            pace.forget(|target| answers.iter().any(|(who, when)| *who == target && *when <= now));
            let Some((due, turn)) = pace.due() else { return turns };
            if let Some((_, when)) = answers.iter().find(|(_, when)| *when > now && *when <= due) {
                now = *when;
                continue;
            }
            now = now.max(due);
            assert_eq!(pace.take(now), Some(turn));
            turns.push((now, turn));
        }
    }

    #[test]
    fn each_target_keeps_its_own_interval_exactly() {
        let demand = Demand::Probes { count: 1_000, interval: Duration::from_micros(100_003) };
        let turns = turns(&mut pace(7, demand, 3_000), &[]);
        assert_eq!(turns.len(), 7_000);
        for (n, (when, turn)) in turns.into_iter().enumerate() {
            let (round, target) = (n as u64 / 7, n as u64 % 7);
            let nanos = round * 100_003_000 + target * 1_000_000_000 / 3_000;
            assert_eq!((when, turn), (Instant::from_nanos(nanos), Turn::Ask(target as u32)));
        }
    }

    #[test]
    fn the_rate_is_kept_where_the_interval_asks_for_more() {
        let demand = Demand::Probes { count: 3, interval: Duration::from_millis(1) };
        let turns = turns(&mut pace(70_000, demand, 3_500), &[]);
        assert_eq!(turns.len(), 210_000);
        for (n, (when, _)) in turns.iter().enumerate() {
            let expected = Duration::from_nanos(n as u64 * 1_000_000_000 / 3_500);
            let off = when.since(Instant::ZERO + expected) + (Instant::ZERO + expected).since(*when);
            assert!(off <= Duration::from_nanos(2), "probe {n} at {when:?}");
        }
    }

    #[test]
    fn what_is_due_within_half_a_millisecond_leaves_with_the_first_of_it() {
        let demand = Demand::Probes { count: 1, interval: Duration::from_secs(1) };
        let turns = turns(&mut pace(10, demand, 6_000), &[]);
        let micros: Vec<u64> = turns.iter().map(|(when, _)| when.as_nanos() / 1_000).collect();
        assert_eq!(micros, [0, 0, 0, 500, 500, 500, 1_000, 1_000, 1_000, 1_500]);
    }

    #[test]
    fn a_silent_target_is_asked_again_after_ever_longer_waits() {
        let demand = Demand::Answer { timeout: Duration::from_millis(500), retries: 3 };
        let expected = [
            (at(0), Turn::Ask(0)),
            (at(1_000), Turn::Ask(1)),
            (at(500_000), Turn::Ask(0)),
            (at(1_250_000), Turn::Ask(0)),
            (at(2_375_000), Turn::Ask(0)),
            (at(4_062_500), Turn::GiveUp(0)),
        ];
        assert_eq!(turns(&mut pace(2, demand, 1_000), &[(1, at(30_000))]), expected);
    }

    #[test]
    fn who_waited_comes_before_who_was_never_asked() {
        let demand = Demand::Answer { timeout: Duration::from_millis(2), retries: 1 };
        let expected = [
            (at(0), Turn::Ask(0)),
            (at(1_000), Turn::Ask(1)),
            (at(2_000), Turn::Ask(0)),
            (at(3_000), Turn::Ask(1)),
            (at(4_000), Turn::Ask(2)),
            (at(5_000), Turn::GiveUp(0)),
            (at(6_000), Turn::Ask(2)),
            (at(6_000), Turn::GiveUp(1)),
            (at(9_000), Turn::GiveUp(2)),
        ];
        assert_eq!(turns(&mut pace(3, demand, 1_000), &[]), expected);
    }

    #[test]
    fn what_was_slept_through_is_skipped() {
        let demand = Demand::Probes { count: 5, interval: Duration::from_millis(100) };
        let mut pace = pace(2, demand, 1_000);
        assert_eq!(pace.take(at(0)), Some(Turn::Ask(0)));
        let mut sent = Vec::new();
        let mut now = at(950_000);
        while let Some((due, _)) = pace.due() {
            now = now.max(due);
            pace.take(now);
            sent.push(now.as_nanos() / 1_000_000);
        }
        assert_eq!(sent, [950, 951, 952, 1_000, 1_001, 1_100, 1_101, 1_200, 1_201]);
    }

    #[test]
    fn a_little_lateness_is_caught_up_with() {
        let mut gate = Gate { rate: NonZeroU64::new(1_000), base: at(0), passed: 0 };
        gate.pass(at(5_500));
        assert_eq!(gate.opens(), at(1_000));
        gate.pass(at(20_000));
        assert_eq!(gate.opens(), at(21_000), "more than ten milliseconds are not");
    }

    #[test]
    fn without_a_rate_everything_is_due_at_once() {
        let demand = Demand::Probes { count: 1, interval: Duration::from_secs(1) };
        let turns = turns(&mut pace(3, demand, 0), &[]);
        assert_eq!(turns, [0, 1, 2].map(|target| (at(0), Turn::Ask(target))));
    }
}
