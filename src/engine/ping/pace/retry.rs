//! Until it answers, each target is sent a probe after ever longer waits: exponential back-off.

use std::collections::VecDeque;
use std::time::Duration;

use super::backlog::{Backlog, Taken};
use super::gate::Gate;
use super::turn::Turn;
use crate::clock::Instant;

/// The schedule.
#[derive(Debug)]
pub struct Retry {
    targets: u32,
    timeout: Duration,
    backoff: Backoff,
    after_fault: bool,
    gate: Gate,
    /// The next target that was sent nothing yet.
    next: u32,
    /// Targets that were sent one probe, two and so on, and when they are due again, soonest first. The last of these
    /// queues holds those that were sent their last probe.
    waiting: Vec<VecDeque<(Instant, u32)>>,
    backlog: Backlog,
}

/// What is next, and where it comes from.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// A turn that waited for room.
    Refused(Taken),
    /// A further probe to a target of that queue.
    Again(usize, u32),
    /// The end of a target's last wait.
    GiveUp(u32),
    /// A target that was sent nothing yet.
    Fresh(u32),
}

impl Next {
    fn turn(self) -> Turn {
        match self {
            Self::Refused(Taken { target, .. }) | Self::Again(_, target) | Self::Fresh(target) => {
                Turn::Probe(target)
            }
            Self::GiveUp(target) => Turn::GiveUp(target),
        }
    }
}

/// How many times as long as the wait before it each wait is, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff(pub u32);

impl Backoff {
    /// Each wait is half as long again as the one before.
    pub const ONE_HALF: Self = Self(1_500);

    /// How long a probe is waited for that was sent after so many others, of which the first was waited for `timeout`.
    pub fn wait(self, timeout: Duration, tries: u32) -> Duration {
        let longer =
            |timeout: Duration, _| timeout.saturating_mul(self.0).checked_div(1_000).unwrap_or(timeout);
        (0..tries).fold(timeout, longer)
    }
}

impl Retry {
    /// See [`super::Pacing::Retry`].
    pub fn new(
        targets: u32,
        (timeout, backoff): (Duration, Backoff),
        (retries, after_fault): (u32, bool),
        gate: Gate,
        start: Instant,
    ) -> Self {
        let waiting = (0..=retries).map(|_| VecDeque::new()).collect();
        Self { targets, timeout, backoff, after_fault, gate, next: 0, waiting, backlog: Backlog::new(start) }
    }

    /// Adds targets, which were sent nothing yet.
    pub fn add(&mut self, targets: u32) {
        self.targets = self.targets.saturating_add(targets);
    }

    /// What is next, and when.
    pub fn due(&self) -> Option<(Instant, Turn)> {
        let (at, next) = self.choose()?;
        Some((at, next.turn()))
    }

    /// Targets that waited come before those that were sent nothing yet.
    fn choose(&self) -> Option<(Instant, Next)> {
        let opens = self.gate.opens().max(self.backlog.held());
        let refused = self.backlog.first().map(|turn| (opens, Next::Refused(turn)));
        let again = self.soonest().map(|(at, level, target)| match self.is_last(level) {
            true => (at, Next::GiveUp(target)),
            false => (at.max(opens), Next::Again(level, target)),
        });
        let fresh = (self.next < self.targets).then_some((opens, Next::Fresh(self.next)));
        [refused, again, fresh].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// The target that is due first, its queue, and when.
    fn soonest(&self) -> Option<(Instant, usize, u32)> {
        let fronts = self.waiting.iter().enumerate();
        fronts.filter_map(|(level, queue)| queue.front().map(|(at, target)| (*at, level, *target))).min()
    }

    fn is_last(&self, level: usize) -> bool {
        level.saturating_add(1) >= self.waiting.len()
    }

    fn pop(&mut self, level: usize) {
        if let Some(queue) = self.waiting.get_mut(level) {
            queue.pop_front();
        }
    }

    /// Takes the turn that is due.
    pub fn take(&mut self, now: Instant) {
        let turn = match self.choose() {
            None => return,
            Some((_, Next::GiveUp(_))) => {
                let last = self.waiting.len().saturating_sub(1);
                return self.pop(last);
            }
            Some((_, Next::Refused(_))) => {
                self.gate.pass(now);
                return self.backlog.take_first();
            }
            Some((_, Next::Again(level, target))) => {
                self.pop(level);
                Taken { target, tries: level.saturating_add(1), since: None }
            }
            Some((_, Next::Fresh(target))) => {
                self.next = self.next.saturating_add(1);
                Taken { target, tries: 0, since: None }
            }
        };
        self.gate.pass(now);
        self.backlog.take(turn);
    }

    /// The newest turn taken is used, and its target has no further one.
    pub fn skip(&mut self) {
        self.backlog.skip();
    }

    /// The oldest turn taken is used at `at`, and its target waits for an answer from then on.
    ///
    /// A target that had to wait for room keeps the schedule that it had; turns that passed meanwhile are skipped.
    pub fn sent(&mut self, at: Instant) {
        let Some(turn) = self.backlog.sent() else { return };
        let mut level = turn.tries;
        let since = turn.since.filter(|_| level > 0).unwrap_or(at);
        let mut due = since + self.wait(level);
        while due <= at && !self.is_last(level) {
            level = level.saturating_add(1);
            due = due + self.wait(level);
        }
        // An answer may take as long as one to the first probe.
        let due = if due <= at { at + self.timeout } else { due };
        let Some(queue) = self.waiting.get_mut(level) else { return };
        let later = queue.iter().rev().take_while(|(at, _)| *at > due).count();
        queue.insert(queue.len().saturating_sub(later), (due, turn.target));
    }

    fn wait(&self, tries: usize) -> Duration {
        self.backoff.wait(self.timeout, u32::try_from(tries).unwrap_or(u32::MAX))
    }

    /// The probe of the oldest turn taken could not leave, at `at`: its target waits for its next turn, or is given up at
    /// once, where it has none and no probe in flight (`waits`).
    pub fn fail(&mut self, at: Instant, waits: bool) {
        let is_last = self.backlog.oldest().is_some_and(|turn| self.is_last(turn.tries));
        if self.after_fault && (waits || !is_last) {
            return self.sent(at);
        }
        let turn = self.backlog.sent();
        if let (Some(turn), Some(last)) = (turn, self.waiting.last_mut()) {
            last.push_front((at, turn.target));
        }
    }

    /// The oldest turn taken found no room.
    pub fn refuse(&mut self, at: Instant) {
        self.backlog.refuse(at);
    }

    /// See [`super::Pace::pop_refused`].
    pub fn pop_refused(&mut self) -> Option<u32> {
        self.backlog.give_up_first()
    }

    /// Queues behind the turns that wait for room further probes that became due while none of them could leave, and
    /// forgets targets that are `done`, as far as they are next.
    pub fn refresh(&mut self, now: Instant, done: impl Fn(u32) -> bool) {
        while let Some((at, level, target)) = self.soonest()
            && at <= now
            && at < self.backlog.held()
            && !self.is_last(level)
        {
            self.backlog.queue(Taken { target, tries: level.saturating_add(1), since: Some(at) });
            self.pop(level);
        }
        while self.backlog.first().is_some_and(|turn| done(turn.target)) {
            self.backlog.give_up_first();
        }
        for queue in &mut self.waiting {
            while queue.front().is_some_and(|(_, target)| done(*target)) {
                queue.pop_front();
            }
        }
    }
}
