//! When which target is asked next. It knows no addresses and no probes.

use std::collections::{BTreeSet, VecDeque};
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

/// What is next, and where it comes from.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// A turn that waited for room.
    Refused(Taken),
    /// A further probe to a target, by how often that was probed before, less one.
    Again(usize, u32),
    /// The end of a target's last wait.
    GiveUp(u32),
    /// The next target of the round.
    Fresh(u32),
}

impl Next {
    fn turn(self) -> Turn {
        match self {
            Self::Refused(Taken { target, .. }) | Self::Again(_, target) | Self::Fresh(target) => {
                Turn::Ask(target)
            }
            Self::GiveUp(target) => Turn::GiveUp(target),
        }
    }
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
    /// When it begins.
    begins: Instant,
    rounds_left: u64,
    /// Targets asked once, twice and so on, and when they are due again, soonest first.
    waiting: Vec<VecDeque<(Instant, u32)>>,
    /// Turns taken whose send result is not known yet, oldest first.
    taken: VecDeque<Taken>,
    /// Turns that found no room, oldest first.
    refused: VecDeque<Taken>,
    /// Their targets.
    waits_for_room: BTreeSet<u32>,
    /// No turn that may wait for room is due before this.
    held: Instant,
}

/// A turn of a target.
#[derive(Clone, Copy, Debug)]
struct Taken {
    target: u32,
    /// How often the target was asked before, of [`Demand::Answer`].
    tries: usize,
    /// Since when it waits for room; `None`: it never had to.
    since: Option<Instant>,
}

/// How long after a refusal for want of room it is tried again.
const HOLD: Duration = Duration::from_millis(10);

impl Pace {
    /// A schedule for targets numbered from 0, `rate` probes a second at most, whose first leaves at `start`.
    pub fn new(targets: u32, demand: Demand, rate: Option<NonZeroU64>, start: Instant) -> Self {
        let (rounds_left, tries) = match demand {
            Demand::Probes { count, .. } => (count, 0),
            Demand::Answer { retries, .. } => (1, retries.saturating_add(1)),
        };
        let waiting = (0..tries).map(|_| VecDeque::new()).collect();
        let gate = Gate { rate, base: start, passed: 0 };
        Self {
            targets,
            demand,
            start,
            gate,
            next: 0,
            round: 0,
            begins: start,
            rounds_left,
            waiting,
            taken: VecDeque::new(),
            refused: VecDeque::new(),
            waits_for_room: BTreeSet::new(),
            held: start,
        }
    }

    /// What is next, and when.
    pub fn due(&self) -> Option<(Instant, Turn)> {
        let (at, next) = self.choose()?;
        Some((at, next.turn()))
    }

    fn choose(&self) -> Option<(Instant, Next)> {
        let patient = self.gate.opens().max(self.held);
        let refused = self.refused.front().map(|turn| (patient, Next::Refused(*turn)));
        let again = self.soonest().map(|(at, level, target)| match self.is_last(level) {
            true => (at, Next::GiveUp(target)),
            false => (at.max(patient), Next::Again(level, target)),
        });
        let fresh = self.fresh().map(|(at, target)| (at, Next::Fresh(target)));
        // A round keeps its grid; elsewhere who waited comes first.
        let order = if self.has_rounds() { [fresh, refused, again] } else { [refused, again, fresh] };
        order.into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn has_rounds(&self) -> bool {
        matches!(self.demand, Demand::Probes { .. })
    }

    /// The next target of the round, and when its turn is.
    fn fresh(&self) -> Option<(Instant, u32)> {
        let since = if self.has_rounds() { self.begins } else { self.held };
        (self.rounds_left > 0 && self.targets > 0).then(|| (self.gate.opens().max(since), self.next))
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
        while !self.has_rounds() && self.refused.front().is_some_and(|turn| done(turn.target)) {
            self.pop_refused();
        }
        for queue in &mut self.waiting {
            while queue.front().is_some_and(|(_, target)| done(*target)) {
                queue.pop_front();
            }
        }
    }

    /// Takes the turn that is due, at `now`. The result of a [`Turn::Ask`] is reported by [`Pace::sent`] or
    /// [`Pace::refuse`], in the order of the turns.
    pub fn take(&mut self, now: Instant) -> Option<Turn> {
        let (_, next) = self.choose().filter(|(at, _)| *at <= now)?;
        let taken = match next {
            Next::GiveUp(_) => {
                self.pop_soonest();
                return Some(next.turn());
            }
            Next::Refused(turn) => {
                self.pop_refused();
                turn
            }
            Next::Again(level, target) => {
                self.pop_soonest();
                Taken { target, tries: level.saturating_add(1), since: None }
            }
            Next::Fresh(target) => {
                self.gate.close_until(self.begins);
                self.advance(now);
                Taken { target, tries: 0, since: None }
            }
        };
        self.gate.pass(now);
        self.taken.push_back(taken);
        Some(next.turn())
    }

    fn pop_soonest(&mut self) {
        if let Some((_, level, _)) = self.soonest()
            && let Some(queue) = self.waiting.get_mut(level)
        {
            queue.pop_front();
        }
    }

    /// The oldest turn taken was used at `at`, and its target waits for an answer from then on.
    ///
    /// A target that had to wait for room keeps the schedule that it had; turns of it that passed meanwhile are
    /// skipped.
    pub fn sent(&mut self, at: Instant) {
        let (Some(turn), Demand::Answer { timeout, .. }) = (self.taken.pop_front(), self.demand) else {
            return;
        };
        let mut level = turn.tries;
        let since = turn.since.filter(|_| level > 0).unwrap_or(at);
        let mut due = since + backoff(timeout, level);
        while due <= at && !self.is_last(level) {
            level = level.saturating_add(1);
            due = due + backoff(timeout, level);
        }
        // An answer may take as long as one to the first probe.
        let due = if due <= at { at + timeout } else { due };
        let Some(queue) = self.waiting.get_mut(level) else { return };
        let later = queue.iter().rev().take_while(|(at, _)| *at > due).count();
        queue.insert(queue.len().saturating_sub(later), (due, turn.target));
    }

    /// The oldest turn taken found no room at `at`: it comes again.
    pub fn refuse(&mut self, at: Instant) {
        if let Some(turn) = self.taken.pop_front() {
            self.queue(Taken { since: turn.since.or(Some(at)), ..turn });
            self.held = self.held.max(at + HOLD);
        }
    }

    /// Queues a turn until there is room; none, where its target has one there.
    fn queue(&mut self, turn: Taken) {
        if self.waits_for_room.insert(turn.target) {
            self.refused.push_back(turn);
        }
    }

    /// Takes the oldest turn that waits for room: its target.
    pub fn pop_refused(&mut self) -> Option<u32> {
        let target = self.refused.pop_front()?.target;
        self.waits_for_room.remove(&target);
        Some(target)
    }

    /// Queues behind the turns that wait for room those that became due while none of them could leave: further
    /// probes of [`Demand::Answer`], and in rounds those to each target that `may_wait`, which stand in the way of
    /// others. A target has one turn in the queue.
    pub fn set_aside(&mut self, now: Instant, may_wait: impl Fn(u32) -> bool) {
        while self.has_rounds()
            && let Some((due, target)) = self.fresh()
            && due <= now
            && (self.waits_for_room.contains(&target) || (due < self.held && may_wait(target)))
        {
            self.queue(Taken { target, tries: 0, since: Some(now) });
            self.advance(now);
        }
        while let Some((at, level, target)) = self.soonest()
            && at <= now
            && at < self.held
            && !self.is_last(level)
        {
            self.queue(Taken { target, tries: level.saturating_add(1), since: Some(at) });
            self.pop_soonest();
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
        self.begins = self.start + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
    }
}

/// How long a target is waited for after it was asked `asked` times before: each time half as long again.
fn backoff(timeout: Duration, asked: usize) -> Duration {
    (0..asked).fold(timeout, |timeout, _| timeout.saturating_mul(3).checked_div(2).unwrap_or(timeout))
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
            if let Turn::Ask(_) = turn {
                pace.sent(now);
            }
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
