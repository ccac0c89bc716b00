//! The table of what was sent: the only proof that a reply answers something.

use std::collections::VecDeque;

use crate::clock::Instant;
use crate::datagram::{Source, Stamped};

/// Probes remembered at a time: as many as there are sequence numbers, so that an entry keeps its
/// sequence number to itself. Answered ones stay as tombstones: a second answer is a duplicate.
const WINDOW: usize = 65_536;

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Out, and nothing came back.
    Open,
    /// A sound answer came.
    Answered,
    /// An ICMP error came. An answer may still follow, from another node on the way.
    Failed,
    /// Its time is up and nothing came. An answer may still follow.
    Lost,
    /// It never left this machine.
    NotSent,
}

/// A probe in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// When it left.
    pub sent: Instant,
    /// Whose clock says so.
    pub source: Source,
    /// What became of it.
    pub state: State,
}

/// The last 65,536 probes, numbered from 1 in the order of sending.
#[derive(Debug, Default)]
pub struct Flight {
    slots: VecDeque<Slot>,
    /// Number of the newest probe; 0 before the first.
    newest: u64,
    /// Highest number that was answered or failed.
    overtaken: u64,
    /// How many of the slots are open.
    open: u64,
}

impl Flight {
    /// Adds the next probe, on its way out, and says its number.
    pub fn push(&mut self, sent: Instant, state: State) -> u64 {
        if self.slots.len() >= WINDOW {
            let oldest = self.slots.pop_front();
            self.count_open(oldest.map(|slot| slot.state), None);
        }
        self.slots.push_back(Slot { sent, source: Source::User, state });
        self.count_open(None, Some(state));
        self.newest = self.newest.saturating_add(1);
        self.newest
    }

    /// Number of the newest probe; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// The newest number whose low 16 bits are `seq`, sent or not; `None` before the first such.
    pub fn number(&self, seq: u16) -> Option<u64> {
        let behind = (self.newest as u16).wrapping_sub(seq);
        self.newest.checked_sub(u64::from(behind)).filter(|number| *number > 0)
    }

    /// The probe of that number, if it is still remembered.
    pub fn slot(&self, number: u64) -> Option<Slot> {
        self.slots.get(self.index(number)?).copied()
    }

    /// Whether the probe of that number is remembered, and left this machine.
    pub fn left(&self, number: u64) -> bool {
        self.slot(number).is_some_and(|slot| slot.state != State::NotSent)
    }

    fn index(&self, number: u64) -> Option<usize> {
        let behind = usize::try_from(self.newest.checked_sub(number)?).ok()?;
        self.slots.len().checked_sub(1)?.checked_sub(behind)
    }

    /// Notes when a probe left, or that it could not.
    pub fn depart(&mut self, number: u64, at: Instant, state: State) {
        let Some(slot) = self.index(number).and_then(|index| self.slots.get_mut(index)) else { return };
        let before = std::mem::replace(slot, Slot { sent: at, source: Source::User, state });
        self.count_open(Some(before.state), Some(state));
    }

    /// Notes when a probe left, as the kernel says. What never left has no stamp.
    pub fn stamp(&mut self, Stamped { id, at, source }: Stamped) {
        if let Some(slot) = self.index(id).and_then(|index| self.slots.get_mut(index))
            && slot.state != State::NotSent
        {
            (slot.sent, slot.source) = (slot.sent.max(at), source);
        }
    }

    /// Notes what became of a probe: those before it are overtaken.
    pub fn settle(&mut self, number: u64, state: State) {
        self.overtaken = self.overtaken.max(number);
        let Some(slot) = self.index(number).and_then(|index| self.slots.get_mut(index)) else { return };
        let before = slot.state;
        slot.state = state;
        self.count_open(Some(before), Some(state));
    }

    fn count_open(&mut self, before: Option<State>, after: Option<State>) {
        self.open = self.open.saturating_sub(u64::from(before == Some(State::Open)));
        self.open = self.open.saturating_add(u64::from(after == Some(State::Open)));
    }

    /// Probes that nothing came back for.
    pub fn open(&self) -> u64 {
        self.open
    }

    /// Probes sent after the newest that was answered or failed.
    pub fn in_flight(&self) -> u64 {
        self.in_flight_at(self.newest)
    }

    /// The same for the moment when probe `number` was the newest.
    pub fn in_flight_at(&self, number: u64) -> u64 {
        number.saturating_sub(self.overtaken)
    }

    /// When the n-th newest open probe left, counted from 1; `None` when fewer are open.
    pub fn nth_open(&self, n: u64) -> Option<Instant> {
        let before = usize::try_from(n.checked_sub(1)?).ok()?;
        let mut open = self.slots.iter().rev().filter(|slot| slot.state == State::Open);
        if n > self.open { None } else { open.nth(before).map(|slot| slot.sent) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(probes: u64) -> Flight {
        let mut flight = Flight::default();
        for number in 1..=probes {
            assert_eq!(flight.push(Instant::from_nanos(number), State::Open), number);
        }
        flight
    }

    #[test]
    fn a_sequence_number_never_sent_has_no_probe() {
        assert_eq!(filled(0).number(1), None);
        assert_eq!(filled(3).number(4), None);
        assert_eq!(filled(3).number(0), None);
        assert_eq!(filled(3).number(65_535), None);
    }

    #[test]
    fn sequence_numbers_find_their_probe_across_the_wrap() {
        let flight = filled(65_536 + 10);
        for (seq, number) in [(10, 65_546), (0, 65_536), (65_535, 65_535), (11, 11)] {
            assert_eq!(flight.number(seq), Some(number));
            assert_eq!(flight.slot(number).map(|slot| slot.sent.as_nanos()), Some(number));
        }
        assert_eq!(flight.slot(10), None, "its sequence number belongs to probe 65,546 now");
        assert_eq!(flight.slot(65_547), None);
    }

    #[test]
    fn open_probes_are_counted_from_the_newest() {
        let mut flight = filled(10);
        flight.settle(9, State::Answered);
        flight.settle(9, State::Answered);
        let sent = |n| flight.nth_open(n).map(Instant::as_nanos);
        assert_eq!([sent(1), sent(2), sent(9), sent(10), sent(0)], [Some(10), Some(8), Some(1), None, None]);
        assert_eq!(flight.in_flight(), 1);
    }
}
