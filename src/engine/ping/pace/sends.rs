//! The sends of a schedule that has one target and no grid: how many are left, and when the last one was.

use std::time::Duration;

use crate::clock::Instant;

/// How long the interface is left alone after a probe could not leave.
pub const PAUSE: Duration = Duration::from_millis(10);

/// What is known of them.
#[derive(Debug)]
pub struct Sends {
    /// Probes still to be sent; `None`: no end.
    left: Option<u64>,
    start: Instant,
    /// When the last probe left, or failed to.
    last: Option<Instant>,
    /// Probes that may still leave at once.
    burst: u64,
    /// Whether the last probe found no room and will be sent later.
    refused: bool,
    /// Whether the last attempt failed here.
    failed: bool,
}

impl Sends {
    /// `count` probes, the first `burst` of them at once, from `start` on.
    pub fn new(count: Option<u64>, burst: u64, start: Instant) -> Self {
        Self { left: count, start, last: None, burst, refused: false, failed: false }
    }

    /// When the next probe is due, which is that long after the last one unless it belongs to the burst; `None`: there
    /// is none.
    #[inline]
    pub fn due(&self, wait: Duration) -> Option<Instant> {
        if self.left == Some(0) {
            return None;
        }
        let Some(last) = self.last else { return Some(self.start) };
        let wait = if self.burst > 0 { Duration::ZERO } else { wait };
        Some(last + if self.failed { wait.max(PAUSE) } else { wait })
    }

    /// A probe is on its way out.
    pub fn take(&mut self, now: Instant) {
        self.last = Some(now);
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.burst = self.burst.saturating_sub(1);
    }

    /// It left.
    pub fn sent(&mut self, at: Instant) {
        self.last = self.last.max(Some(at));
        (self.failed, self.refused) = (false, false);
    }

    /// It could not leave.
    pub fn fail(&mut self, at: Instant) {
        self.last = self.last.max(Some(at));
        self.failed = true;
    }

    /// It found no room, and will be sent later.
    pub fn refuse(&mut self, at: Instant) {
        self.fail(at);
        self.left = self.left.map(|left| left.saturating_add(1));
        self.refused = true;
    }

    /// Gives up a probe that waits for room, if there is one.
    pub fn give_up(&mut self) -> Option<u32> {
        if !std::mem::take(&mut self.refused) {
            return None;
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        Some(0)
    }
}
