//! Places wall-clock stamps of one batch on the monotonic axis.

use crate::clock::{Clock, Epoch, Instant, Wall};
use crate::datagram::{ClockSource, Stamp};

/// Reads both clocks once for a whole batch, and only if there is a stamp to place.
pub(super) struct Placer<'a> {
    clock: &'a Clock,
    epoch: Option<Epoch>,
}

impl<'a> Placer<'a> {
    /// For a batch that is read now.
    pub fn new(clock: &'a Clock) -> Self {
        Self { clock, epoch: None }
    }

    /// The clocks.
    pub fn clock(&self) -> &'a Clock {
        self.clock
    }

    /// The current time.
    pub fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The epoch of this batch.
    pub fn epoch(&mut self) -> Epoch {
        *self.epoch.get_or_insert_with(|| self.clock.epoch())
    }

    /// The arrival time: the kernel's stamp, unless the wall clock was stepped since `floor`; else now.
    #[inline]
    pub fn place(&mut self, stamp: Option<Wall>, floor: Instant) -> Stamp {
        self.place_by(self.clock.now(), stamp, floor)
    }

    /// The same for a datagram that had arrived by `now`.
    #[inline]
    pub fn place_by(&mut self, now: Instant, stamp: Option<Wall>, floor: Instant) -> Stamp {
        let ours = Stamp { at: now, clock: ClockSource::User };
        let Some(stamp) = stamp else { return ours };
        let epoch = self.epoch();
        epoch.place(stamp, floor, now).map_or(ours, |at| Stamp { at, clock: ClockSource::Kernel })
    }
}
