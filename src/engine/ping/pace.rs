//! When the next probe may leave.

use std::time::Duration;

use crate::clock::Instant;

/// A flood sends this long after the last probe when nothing comes back (so at least 100 a second).
const FLOOD_GAP: Duration = Duration::from_millis(10);

/// A flood lets one more probe be in flight for each so many answered in a row, so that batches form; while
/// there are few it looks as one of iputils.
const OPENING: u64 = 32;

/// How probes follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pacing {
    /// Time from one probe to the next; zero: as fast as answers come (flood).
    pub interval: Duration,
    /// Let the interval follow the round-trip time, but never below this.
    pub adaptive: Option<Duration>,
    /// Probes that may be in flight at once at the start, in a flood, and when adaptive; at least 1.
    pub preload: u64,
}

/// The schedule of a run.
#[derive(Debug)]
pub struct Pace {
    pacing: Pacing,
    /// The slot of the next probe on the grid start + n × interval.
    slot: Instant,
    /// When the last probe left, or failed to.
    last: Option<Instant>,
    /// Probes in flight at once at most in a flood, however well it goes.
    most: u64,
    /// Probes answered since a flood last had to go on without an answer.
    in_a_row: u64,
    /// Probes that may still leave at once.
    burst: u64,
    /// Smoothed round-trip time (RFC 6298's SRTT, gain 1/8), once there is one.
    smoothed: Option<Duration>,
    /// The last attempt failed here: leave the interface a moment.
    backing_off: bool,
}

impl Pace {
    /// A schedule whose first probe leaves at `start`. A flood has `most` probes in flight at most, or the
    /// preload if that is more.
    pub fn new(pacing: Pacing, most: u64, start: Instant) -> Self {
        Self {
            pacing,
            slot: start,
            last: None,
            most,
            in_a_row: 0,
            burst: pacing.preload,
            smoothed: None,
            backing_off: false,
        }
    }

    /// When the next probe is due, given the probes in flight.
    pub fn due(&self, in_flight: u64) -> Instant {
        let Some(last) = self.last else { return self.slot };
        if self.burst > 0 {
            return last;
        }
        let interval = self.interval();
        let due = match self.pacing.adaptive {
            None if !interval.is_zero() => return self.slot,
            Some(_) if self.smoothed.is_none() => last + interval,
            _ if in_flight < self.window() => last + interval,
            _ => last + interval.saturating_mul(2).max(FLOOD_GAP),
        };
        if self.backing_off { due.max(last + FLOOD_GAP) } else { due }
    }

    /// Notes that a probe is on its way out at `now`, when so many were in flight.
    ///
    /// The grid has no drift: a probe that leaves late moves no later one. Slots that passed while
    /// nobody looked (a suspended process) are skipped, never made up for in a burst.
    pub fn left(&mut self, now: Instant, in_flight: u64) {
        self.last = Some(now);
        if in_flight >= self.window() {
            self.in_a_row = 0;
        }
        self.burst = self.burst.saturating_sub(1);
        if self.burst > 0 {
            return;
        }
        let step = self.pacing.interval;
        if let Some(missed) = now.since(self.slot).as_nanos().checked_div(step.as_nanos()) {
            let steps = u32::try_from(missed.saturating_add(1)).unwrap_or(u32::MAX);
            self.slot = self.slot + step.saturating_mul(steps);
        }
    }

    /// Notes that a probe did leave, at `at`, or was refused here, `failed`.
    pub fn departed(&mut self, at: Instant, failed: bool) {
        self.last = self.last.max(Some(at));
        self.backing_off = failed;
    }

    /// Whether probes follow answers and nothing else.
    pub fn is_flood(&self) -> bool {
        self.pacing.interval.is_zero() && self.pacing.adaptive.is_none()
    }

    /// Probes that may be in flight at once where answers set the pace.
    fn window(&self) -> u64 {
        let preload = self.pacing.preload;
        if !self.is_flood() {
            return preload;
        }
        let opened = self.in_a_row.checked_div(OPENING).unwrap_or(0);
        preload.saturating_add(opened).min(self.most.max(preload))
    }

    /// Notes a round-trip time.
    pub fn learn(&mut self, rtt: Duration) {
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.smoothed = Some(match self.smoothed {
            None => rtt,
            Some(smoothed) => smoothed.saturating_mul(7).saturating_add(rtt).checked_div(8).unwrap_or(rtt),
        });
    }

    /// The interval as it stands now.
    pub fn interval(&self) -> Duration {
        match (self.pacing.adaptive, self.smoothed) {
            (Some(floor), Some(smoothed)) => smoothed.max(floor),
            (Some(floor), None) => self.pacing.interval.max(floor),
            (None, _) => self.pacing.interval,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    fn pace(interval_ms: u64, preload: u64) -> Pace {
        let pacing = Pacing { interval: Duration::from_millis(interval_ms), adaptive: None, preload };
        Pace::new(pacing, 64, Instant::ZERO)
    }

    #[test]
    fn a_late_probe_moves_no_later_one() {
        let mut pace = pace(50, 1);
        for n in 0..40 {
            assert_eq!(pace.due(1), millis(50 * n));
            pace.left(millis(50 * n + 13), 0);
        }
        assert_eq!(pace.due(1), millis(2_000));
    }

    #[test]
    fn missed_slots_are_skipped_and_the_grid_is_kept() {
        let mut pace = pace(50, 1);
        pace.left(millis(0), 0);
        pace.left(millis(2_020), 0);
        assert_eq!(pace.due(1), millis(2_050));
    }

    #[test]
    fn a_preload_leaves_at_once() {
        let mut pace = pace(1_000, 3);
        for _ in 0..3 {
            assert_eq!(pace.due(3), millis(0));
            pace.left(millis(0), 0);
        }
        assert_eq!(pace.due(3), millis(1_000));
    }

    #[test]
    fn a_flood_sends_on_an_answer_and_every_ten_milliseconds_without() {
        let mut pace = pace(0, 1);
        pace.left(millis(5), 0);
        assert_eq!(pace.due(0), millis(5));
        assert_eq!(pace.due(1), millis(15));
        pace.left(millis(15), 1);
        pace.departed(millis(15), true);
        assert_eq!(pace.due(0), millis(25), "the local queue was full");
    }

    #[test]
    fn a_flood_opens_up_as_answers_come_and_closes_when_none_does() {
        let mut pace = pace(0, 1);
        pace.left(millis(5), 0);
        (0..OPENING * 3).for_each(|_| pace.learn(Duration::ZERO));
        assert_eq!((pace.due(3), pace.due(4)), (millis(5), millis(15)));
        (0..OPENING * 100).for_each(|_| pace.learn(Duration::ZERO));
        assert_eq!((pace.due(63), pace.due(64)), (millis(5), millis(15)), "64 and no more");
        pace.left(millis(15), 64);
        assert_eq!((pace.due(0), pace.due(1)), (millis(15), millis(25)), "one answer for one probe again");
    }

    #[test]
    fn an_adaptive_interval_follows_the_round_trip_time() {
        let pacing =
            Pacing { interval: Duration::from_secs(1), adaptive: Some(Duration::from_millis(2)), preload: 1 };
        let mut pace = Pace::new(pacing, 64, Instant::ZERO);
        pace.left(millis(0), 0);
        assert_eq!(pace.due(1), millis(1_000));
        pace.learn(Duration::from_millis(80));
        assert_eq!(pace.due(0), millis(80));
        assert_eq!(pace.due(1), millis(160), "not more than one unanswered");
        pace.learn(Duration::ZERO);
        assert_eq!(pace.interval(), Duration::from_millis(70));
        for _ in 0..100 {
            pace.learn(Duration::ZERO);
        }
        assert_eq!(pace.interval(), Duration::from_millis(2));
    }
}
