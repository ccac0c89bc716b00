//! The probes of all targets, in the order of sending: the only proof that a reply answers something.
//!
//! A probe is found from its target's newest one, by way of those between; nothing is allocated for it.

use std::collections::VecDeque;
use std::time::Duration;

use crate::clock::Instant;
use crate::datagram::{Source, Stamped};
use crate::engine::ping::flight::State;

/// Of the probes out, those that left within this time may fill the receive buffer with their answers at any
/// moment. Older ones are likelier lost, and cannot come back all at once.
pub const BREATH: Duration = Duration::from_millis(10);

/// A probe.
#[derive(Clone, Copy, Debug)]
pub struct Slot {
    /// When it left.
    pub sent: Instant,
    /// Which target it asks.
    pub target: u32,
    /// How many probes, of all targets, the one before it to the same target lies back; 0: there is none.
    back: u32,
    /// Its sequence number.
    pub seq: u16,
    /// Whose clock says when it left.
    pub source: Source,
    /// What became of it.
    pub state: State,
}

/// The probes remembered, each known by its place in the order of sending, from 1.
#[derive(Debug, Default)]
pub struct Flight {
    slots: VecDeque<Slot>,
    newest: u64,
    open: u64,
    /// Place of the last probe that is no longer young: sent more than [`BREATH`] ago.
    grown: u64,
    /// Open probes that are young.
    young: u64,
}

impl Flight {
    /// Adds a probe, on its way out, to a target whose last one has the place `last`; its own place.
    pub fn push(&mut self, now: Instant, target: u32, seq: u16, last: u64) -> u64 {
        self.newest = self.newest.saturating_add(1);
        let back = match last {
            0 => 0,
            last => u32::try_from(self.newest.saturating_sub(last)).unwrap_or(0),
        };
        let (source, state) = (Source::User, State::Open);
        self.slots.push_back(Slot { sent: now, target, back, seq, source, state });
        self.open = self.open.saturating_add(1);
        self.young = self.young.saturating_add(1);
        self.newest
    }

    /// Place of the newest probe; 0 before the first.
    pub fn newest(&self) -> u64 {
        self.newest
    }

    /// Probes out, and nothing came back.
    pub fn open(&self) -> u64 {
        self.open
    }

    /// Of those, the ones that left within a [`BREATH`], as of the last [`Flight::age`].
    pub fn young(&self) -> u64 {
        self.young
    }

    /// When the oldest young probe stops being young.
    pub fn next_to_age(&self) -> Option<Instant> {
        self.slot(self.grown.saturating_add(1)).map(|slot| slot.sent + BREATH)
    }

    /// The probe at a place, if it is still remembered.
    pub fn slot(&self, place: u64) -> Option<Slot> {
        self.slots.get(self.index(place)?).copied()
    }

    /// The place of the probe that a target was asked by `n` probes before the one at `place`.
    pub fn before(&self, place: u64, n: u64) -> Option<u64> {
        (0..n).try_fold(place, |place, _| match self.slot(place)?.back {
            0 => None,
            back => place.checked_sub(back.into()),
        })
    }

    fn index(&self, place: u64) -> Option<usize> {
        let behind = usize::try_from(self.newest.checked_sub(place)?).ok()?;
        self.slots.len().checked_sub(1)?.checked_sub(behind)
    }

    fn slot_mut(&mut self, place: u64) -> Option<&mut Slot> {
        let index = self.index(place)?;
        self.slots.get_mut(index)
    }

    /// Notes when a probe left.
    pub fn depart(&mut self, place: u64, at: Instant) {
        if let Some(slot) = self.slot_mut(place) {
            slot.sent = at;
        }
    }

    /// Notes when a probe left, as the kernel says. What never left has no stamp.
    pub fn stamp(&mut self, Stamped { id, at, source }: Stamped) {
        if let Some(slot) = self.slot_mut(id).filter(|slot| slot.state != State::NotSent) {
            (slot.sent, slot.source) = (slot.sent.max(at), source);
        }
    }

    /// Notes what became of a probe; never [`State::Open`].
    pub fn settle(&mut self, place: u64, state: State) {
        let grown = self.grown;
        let Some(slot) = self.slot_mut(place) else { return };
        let before = std::mem::replace(&mut slot.state, state);
        if before == State::Open {
            self.open = self.open.saturating_sub(1);
            self.young = self.young.saturating_sub(u64::from(place > grown));
        }
    }

    /// Lets probes grow old, and forgets those that left before `horizon`.
    pub fn age(&mut self, now: Instant, horizon: Instant) {
        while let Some(slot) =
            self.slot(self.grown.saturating_add(1)).filter(|slot| slot.sent + BREATH <= now)
        {
            self.grown = self.grown.saturating_add(1);
            self.young = self.young.saturating_sub(u64::from(slot.state == State::Open));
        }
        while let Some(slot) = self.slots.front().filter(|slot| slot.sent < horizon) {
            self.open = self.open.saturating_sub(u64::from(slot.state == State::Open));
            self.slots.pop_front();
        }
    }

    /// The targets of the probes that are out and left after `after`, once for each.
    pub fn out_since(&self, after: Instant) -> impl Iterator<Item = u32> {
        let out = move |slot: &&Slot| slot.state == State::Open && slot.sent > after;
        self.slots.iter().filter(out).map(|slot| slot.target)
    }
}
