//! The queue of turns that found no room in this machine: their probes leave as soon as there is some.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crate::clock::Instant;

/// How long after a refusal for want of room the next try is.
pub const HOLD: Duration = Duration::from_millis(10);

/// A turn of a target.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// Number of the target.
    pub target: u32,
    /// How many probes the target was sent before; counted by [`super::Retry`] only.
    pub tries: usize,
    /// Since when the turn waits for room; `None`: it never had to.
    pub since: Option<Instant>,
}

/// Turns with a probe that was handed out, until its send result is known, and turns that wait for room in the send buffer.
/// A target has one of the latter at most.
#[derive(Debug)]
pub struct Backlog {
    taken: VecDeque<Taken>,
    refused: VecDeque<Taken>,
    targets: BTreeSet<u32>,
    held: Instant,
}

impl Backlog {
    /// Nothing waits, from `start` on.
    pub fn new(start: Instant) -> Self {
        Self { taken: VecDeque::new(), refused: VecDeque::new(), targets: BTreeSet::new(), held: start }
    }

    /// Until when no turn that waits for room is tried.
    pub fn held(&self) -> Instant {
        self.held
    }

    /// Records a turn: its probe was handed out.
    pub fn take(&mut self, turn: Taken) {
        self.taken.push_back(turn);
    }

    /// Removes the oldest turn: its probe was sent.
    pub fn sent(&mut self) -> Option<Taken> {
        let turn = self.taken.pop_front()?;
        self.forget(turn);
        Some(turn)
    }

    /// The oldest turn without a known send result.
    pub fn oldest(&self) -> Option<Taken> {
        self.taken.front().copied()
    }

    /// Removes the newest turn: no probe is sent.
    pub fn skip(&mut self) {
        if let Some(turn) = self.taken.pop_back() {
            self.forget(turn);
        }
    }

    /// A turn that had to wait for room does so no more.
    fn forget(&mut self, turn: Taken) {
        if turn.since.is_some() {
            self.targets.remove(&turn.target);
        }
    }

    /// The oldest turn taken found no room at `at`: it waits, unless its target has one that waits. Returns whether it
    /// does.
    pub fn refuse(&mut self, at: Instant) -> bool {
        let Some(turn) = self.taken.pop_front() else { return false };
        self.held = self.held.max(at + HOLD);
        match turn.since {
            Some(_) => {
                self.refused.push_back(turn);
                true
            }
            None => self.queue(Taken { since: Some(at), ..turn }),
        }
    }

    /// Queues a turn until there is room, unless its target has one that waits. Returns whether it does.
    pub fn queue(&mut self, turn: Taken) -> bool {
        let first = self.targets.insert(turn.target);
        if first {
            self.refused.push_back(turn);
        }
        first
    }

    /// Whether a turn of a target waits for room, or was taken again after it did.
    pub fn has(&self, target: u32) -> bool {
        self.targets.contains(&target)
    }

    /// The turn that waits for room longest.
    pub fn first(&self) -> Option<Taken> {
        self.refused.front().copied()
    }

    /// Takes the turn that waits for room longest.
    pub fn take_first(&mut self) {
        if let Some(turn) = self.refused.pop_front() {
            self.taken.push_back(turn);
        }
    }

    /// Gives up the turn that waits for room longest: its target.
    pub fn give_up_first(&mut self) -> Option<u32> {
        let turn = self.refused.pop_front()?;
        self.targets.remove(&turn.target);
        Some(turn.target)
    }
}
