//! The table of what was sent to all targets, in the order of sending: the only proof that a reply answers something.
//!
//! A probe is found from its target's newest one; nothing is allocated for it.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Instant;
use crate::datagram::{ClockSource, DepartureStamp};

/// Sequence numbers before one is used again: as many probes of a target are kept.
pub const SEQUENCES: u64 = 65_536;

/// A probe is kept for this long at least, so that a late answer is recognised as one.
const MEMORY: Duration = Duration::from_secs(10);

/// The answers to probes that left within this time may fill the receive buffer at any moment. Older ones are likelier
/// lost, and cannot come back all at once.
pub const BREATH: Duration = Duration::from_millis(10);

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// In flight: nothing came back.
    Open,
    /// A valid answer came.
    Answered,
    /// An ICMP error came. An answer may still follow, from another node on the way.
    Failed,
    /// Its time is up and nothing came. An answer may still follow.
    Lost,
    /// It never left this machine.
    NotSent,
    /// It found no room and was taken back: its number is that of a later probe.
    Withdrawn,
}

impl State {
    /// Whether nothing came back.
    const fn is_unanswered(self) -> bool {
        matches!(self, Self::Open | Self::Lost)
    }
}

/// A probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// When it left.
    pub sent: Instant,
    /// Number of its target.
    pub target: u32,
    /// How many probes, of all targets, the one before it to the same target lies back; 0: there is none.
    back: u32,
    /// How many nanoseconds our own clock's time of departure lies before `sent`, where that is a stamp.
    stamped_after: u32,
    /// Its sequence number.
    pub seq: u16,
    /// The clock that measured that.
    pub clock: ClockSource,
    /// What became of it.
    pub state: State,
}

impl Slot {
    /// When it left, for an answer that arrived at `at`, and the clock that measured that. The kernel can deliver an
    /// answer of this host before it stamps the departure; then our own clock has the time.
    pub fn left_before(&self, at: Instant) -> (Instant, ClockSource) {
        match self.stamped_after {
            after if after > 0 && self.sent >= at => {
                (self.sent - Duration::from_nanos(after.into()), ClockSource::User)
            }
            _ => (self.sent, self.clock),
        }
    }
}

/// The probes that are kept, each known by its place in the order of sending, from 1.
#[derive(Debug)]
pub struct Flight {
    slots: VecDeque<Slot>,
    /// Probes that are kept at most.
    capacity: usize,
    /// Place of the newest probe; 0 before the first.
    newest: u64,
    /// Place of the newest probe with a send result.
    reported: u64,
    /// Highest place that was answered or failed.
    overtaken: u64,
    /// Probes in flight.
    open: u64,
    /// Probes in flight or lost.
    unanswered: u64,
    /// Place of the last probe that is no longer young: sent more than [`BREATH`] ago.
    grown: u64,
    /// Probes in flight that are young.
    young: u64,
    /// Every probe up to this place is out of flight.
    settled: u64,
    /// When probes last grew old.
    aged: Instant,
}

impl Flight {
    /// An empty table for so many targets.
    pub fn new(targets: u32) -> Self {
        let mut flight = Self {
            slots: VecDeque::new(),
            capacity: 0,
            newest: 0,
            reported: 0,
            overtaken: 0,
            open: 0,
            unanswered: 0,
            grown: 0,
            young: 0,
            settled: 0,
            aged: Instant::ZERO,
        };
        flight.add_targets(targets);
        flight
    }

    /// Adds targets: more probes are kept.
    pub fn add_targets(&mut self, targets: u32) {
        let more = usize::try_from(SEQUENCES.saturating_mul(targets.into())).unwrap_or(usize::MAX);
        self.capacity = self.capacity.saturating_add(more);
    }

    /// Appends a probe that is on its way out to `target`. `last` is the place of the target's previous probe (0:
    /// none). Returns its place.
    #[inline]
    pub fn push(&mut self, now: Instant, target: u32, seq: u16, last: u64) -> u64 {
        if self.slots.len() >= self.capacity {
            self.remove_oldest();
        }
        self.newest = self.newest.saturating_add(1);
        let back = match last {
            0 => 0,
            last => u32::try_from(self.newest.saturating_sub(last)).unwrap_or(0),
        };
        let (clock, state) = (ClockSource::User, State::Open);
        self.slots.push_back(Slot { sent: now, target, back, stamped_after: 0, seq, clock, state });
        self.open = self.open.saturating_add(1);
        self.unanswered = self.unanswered.saturating_add(1);
        self.young = self.young.saturating_add(1);
        self.newest
    }

    /// The oldest probe without a send result, and its place.
    #[inline]
    pub fn take_result(&mut self) -> Option<(u64, Slot)> {
        let place = self.reported.saturating_add(1);
        let slot = self.slot(place)?;
        self.reported = place;
        Some((place, slot))
    }

    /// Whether all send results are known.
    pub fn is_reported(&self) -> bool {
        self.reported == self.newest
    }

    /// Probes in flight.
    pub fn open(&self) -> u64 {
        self.open
    }

    /// Probes in flight, and lost ones that an answer may still come to.
    pub fn unanswered(&self) -> u64 {
        self.unanswered
    }

    /// Probes in flight that left within a [`BREATH`], as of the last [`Flight::age`].
    #[inline]
    pub fn young(&self) -> u64 {
        self.young
    }

    /// When the oldest young probe stops being young.
    pub fn next_to_age(&self) -> Option<Instant> {
        self.slot(self.grown.saturating_add(1)).map(|slot| slot.sent + BREATH)
    }

    /// Probes sent after the newest that was answered or failed.
    pub fn in_flight(&self) -> u64 {
        self.in_flight_at(self.newest)
    }

    /// The same for the moment when the probe at `place` was the newest.
    pub fn in_flight_at(&self, place: u64) -> u64 {
        place.saturating_sub(self.overtaken)
    }

    /// The probe at a place, if it is still kept.
    #[inline]
    pub fn slot(&self, place: u64) -> Option<Slot> {
        self.slots.get(self.index(place)?).copied()
    }

    /// The place of the probe before the one at `place` to the same target; 0: there is none.
    #[inline]
    pub fn previous(&self, place: u64) -> u64 {
        match self.slot(place) {
            Some(Slot { back, .. }) if back > 0 => place.saturating_sub(back.into()),
            _ => 0,
        }
    }

    /// The place of the probe that the target of the one at `place` was sent `n` probes before that.
    #[inline]
    pub fn before(&self, place: u64, n: u64) -> Option<u64> {
        // Where no other target's probe lies between, it is the n-th before.
        let (newest, guess) = (self.slot(place)?, place.saturating_sub(n));
        let is_it = |slot: &Slot| {
            slot.target == newest.target
                && slot.seq == newest.seq.wrapping_sub(n as u16)
                && slot.state != State::Withdrawn
        };
        if n < SEQUENCES && self.slot(guess).as_ref().is_some_and(is_it) {
            return Some(guess);
        }
        (0..n).try_fold(place, |place, _| Some(self.previous(place)).filter(|place| *place > 0))
    }

    fn index(&self, place: u64) -> Option<usize> {
        let behind = usize::try_from(self.newest.checked_sub(place)?).ok()?;
        self.slots.len().checked_sub(1)?.checked_sub(behind)
    }

    #[inline]
    fn slot_mut(&mut self, place: u64) -> Option<&mut Slot> {
        let index = self.index(place)?;
        self.slots.get_mut(index)
    }

    /// Records when a probe left.
    pub fn depart(&mut self, place: u64, at: Instant) {
        if let Some(slot) = self.slot_mut(place) {
            slot.sent = at;
        }
    }

    /// Records the kernel's stamp of a probe that left. What never left has none.
    pub fn stamp(&mut self, DepartureStamp { id, at, clock }: DepartureStamp) {
        if let Some(slot) = self.slot_mut(id).filter(|slot| slot.state != State::Withdrawn) {
            let own = slot.left_before(Instant::ZERO).0;
            (slot.sent, slot.clock) = (own.max(at), clock);
            slot.stamped_after = u32::try_from(slot.sent.since(own).as_nanos()).unwrap_or(0);
        }
    }

    /// Records what became of a probe; never [`State::Open`].
    #[inline]
    pub fn settle(&mut self, place: u64, state: State) {
        if matches!(state, State::Answered | State::Failed) {
            self.overtake(place);
        }
        let grown = self.grown;
        let Some(slot) = self.slot_mut(place) else { return };
        let before = std::mem::replace(&mut slot.state, state);
        let answered = before.is_unanswered() && !state.is_unanswered();
        self.unanswered = self.unanswered.saturating_sub(u64::from(answered));
        if before == State::Open {
            self.open = self.open.saturating_sub(1);
            self.young = self.young.saturating_sub(u64::from(place > grown));
        }
        self.skip_settled();
    }

    /// Passes the probes at the old end that are out of flight, so that many that are settled in a row are found in
    /// linear time.
    #[inline]
    fn skip_settled(&mut self) {
        while self.slot(self.settled.saturating_add(1)).is_some_and(|slot| slot.state != State::Open) {
            self.settled = self.settled.saturating_add(1);
        }
    }

    /// Something came back for a probe: those before it are overtaken.
    pub fn overtake(&mut self, place: u64) {
        self.overtaken = self.overtaken.max(place);
    }

    /// Takes back a probe that found no room. Returns the place of the target's probe before it; 0: there is none.
    pub fn withdraw(&mut self, place: u64) -> u64 {
        self.settle(place, State::Withdrawn);
        let mut before = self.previous(place);
        while self.slot(before).is_some_and(|slot| slot.state == State::Withdrawn) {
            before = self.previous(before);
        }
        if self.reported == self.newest {
            self.trim();
        }
        before
    }

    /// Frees the places of the newest probes that were withdrawn.
    fn trim(&mut self) {
        while self.slots.back().is_some_and(|slot| slot.state == State::Withdrawn) {
            self.slots.pop_back();
            self.newest = self.newest.saturating_sub(1);
        }
        self.grown = self.grown.min(self.newest);
        self.settled = self.settled.min(self.newest);
        self.reported = self.reported.min(self.newest);
    }

    /// The oldest probe in flight that has a send result: its place, and the probe.
    pub fn oldest_open(&self) -> Option<(u64, Slot)> {
        let from = self.settled.saturating_add(1);
        let mut probes = (from..=self.reported).map_while(|place| Some((place, self.slot(place)?)));
        probes.find(|(_, slot)| slot.state == State::Open)
    }

    /// Lets probes grow old, and removes those that were sent long ago, unless they are few.
    #[inline]
    pub fn age(&mut self, now: Instant) {
        if now > self.aged {
            self.aged = now;
            self.grow_old(now);
        }
    }

    fn grow_old(&mut self, now: Instant) {
        while let Some(slot) =
            self.slot(self.grown.saturating_add(1)).filter(|slot| slot.sent + BREATH <= now)
        {
            self.grown = self.grown.saturating_add(1);
            self.young = self.young.saturating_sub(u64::from(slot.state == State::Open));
        }
        self.skip_settled();
        let few = usize::try_from(SEQUENCES).unwrap_or(usize::MAX);
        while self.slots.len() > few
            && let Some(slot) = self.slots.front().filter(|slot| slot.sent + MEMORY < now)
            && slot.state != State::Open
        {
            self.remove_oldest();
        }
    }

    fn remove_oldest(&mut self) {
        if let Some(slot) = self.slots.pop_front() {
            let oldest = self.newest.saturating_sub(u64::try_from(self.slots.len()).unwrap_or(0));
            (self.settled, self.grown) = (self.settled.max(oldest), self.grown.max(oldest));
            self.open = self.open.saturating_sub(u64::from(slot.state == State::Open));
            self.unanswered = self.unanswered.saturating_sub(u64::from(slot.state.is_unanswered()));
        }
    }

    /// When the n-th newest unanswered probe left, counted from 1; `None` when fewer are unanswered.
    pub fn nth_unanswered(&self, n: u64) -> Option<Instant> {
        let before = usize::try_from(n.checked_sub(1)?).ok()?;
        let mut unanswered = self.slots.iter().rev().filter(|slot| slot.state.is_unanswered());
        if n > self.unanswered { None } else { unanswered.nth(before).map(|slot| slot.sent) }
    }

    /// The newest probes, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Slot> {
        self.slots.iter().rev()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Probes to one target, sent at their own numbers.
    fn filled(probes: u64) -> Flight {
        let mut flight = Flight::new(1);
        for number in 1..=probes {
            assert_eq!(flight.push(Instant::from_nanos(number), 0, number as u16, number - 1), number);
        }
        flight
    }

    #[test]
    fn as_many_probes_are_kept_as_there_are_sequence_numbers() {
        let flight = filled(65_536 + 10);
        for behind in [0, 10, 65_535] {
            let place = flight.before(65_546, behind);
            assert_eq!(place, Some(65_546 - behind));
            assert_eq!(place.and_then(|place| flight.slot(place)).map(|slot| slot.sent.as_nanos()), place);
        }
        assert_eq!(flight.slot(10), None, "its sequence number belongs to probe 65,546 now");
        assert_eq!(flight.slot(65_547), None);
        assert_eq!((flight.open(), flight.unanswered()), (65_536, 65_536));
    }

    #[test]
    fn a_probe_is_found_among_those_to_other_targets() {
        let mut flight = Flight::new(3);
        let mut last = [0; 3];
        let mut places = Vec::new();
        for (n, target) in [0, 1, 0, 2, 1, 0, 0, 2].into_iter().enumerate() {
            let place = flight.push(Instant::from_nanos(n as u64), target, 7, last[target as usize]);
            last[target as usize] = place;
            places.push((target, place));
        }
        for target in 0..3 {
            let of_target: Vec<u64> =
                places.iter().rev().filter(|(t, _)| *t == target).map(|(_, place)| *place).collect();
            let found: Vec<u64> = (0..9).map_while(|n| flight.before(last[target as usize], n)).collect();
            assert_eq!(found, of_target);
        }
    }

    #[test]
    fn unanswered_probes_are_counted_from_the_newest() {
        let mut flight = filled(10);
        flight.settle(9, State::Answered);
        flight.settle(9, State::Answered);
        flight.settle(8, State::Lost);
        let sent = |n| flight.nth_unanswered(n).map(Instant::as_nanos);
        assert_eq!([sent(1), sent(2), sent(9), sent(10), sent(0)], [Some(10), Some(8), Some(1), None, None]);
        assert_eq!((flight.in_flight(), flight.open(), flight.unanswered()), (1, 8, 9));
    }

    #[test]
    fn the_place_of_the_probe_withdrawn_last_is_free() {
        let mut flight = filled(6);
        while flight.take_result().is_some() {}
        flight.settle(2, State::NotSent);
        assert_eq!(flight.withdraw(4), 3);
        assert_eq!((flight.withdraw(5), flight.withdraw(6)), (3, 3), "none of those that were withdrawn");
        assert!(flight.is_reported());
        assert_eq!(flight.push(Instant::from_nanos(9), 0, 4, 3), 4);
        assert_eq!(
            (0..5).map(|n| flight.before(4, n)).collect::<Vec<_>>(),
            [Some(4), Some(3), Some(2), Some(1), None]
        );
        flight.settle(1, State::Answered);
        flight.settle(3, State::Answered);
        assert_eq!(flight.oldest_open(), None);
        assert_eq!(flight.take_result().map(|(place, _)| place), Some(4));
        assert_eq!(flight.oldest_open().map(|(place, _)| place), Some(4));
    }
}
