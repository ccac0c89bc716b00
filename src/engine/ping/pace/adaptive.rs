//! The interval follows the round-trip time, so that one probe is in flight, or as many as the preload.

use std::time::Duration;

use super::sends::Sends;
use crate::clock::Instant;

/// The least time that an unanswered probe is waited for before the next one.
const GAP: Duration = Duration::from_millis(10);

/// The schedule.
#[derive(Debug)]
pub struct Adaptive {
    /// What left.
    pub sends: Sends,
    /// The interval while no round-trip time is known.
    interval: Duration,
    /// The smallest interval.
    floor: Duration,
    preload: u64,
    /// Smoothed round-trip time (RFC 6298's SRTT, gain 1/8), once there is one.
    smoothed: Option<Duration>,
}

impl Adaptive {
    /// See [`super::Pacing::Adaptive`].
    pub fn new(
        interval: Duration,
        floor: Duration,
        preload: u64,
        count: Option<u64>,
        start: Instant,
    ) -> Self {
        let sends = Sends::new(count, preload, start);
        Self { sends, interval, floor, preload, smoothed: None }
    }

    /// When the next probe is due, given the probes in flight.
    pub fn due(&self, in_flight: u64) -> Option<Instant> {
        let interval = self.interval();
        let unanswered = self.smoothed.is_some() && in_flight >= self.preload;
        self.sends.due(if unanswered { interval.saturating_mul(2).max(GAP) } else { interval })
    }

    /// Takes a round-trip time into account.
    pub fn learn(&mut self, rtt: Duration) {
        self.smoothed = Some(match self.smoothed {
            None => rtt,
            Some(smoothed) => smoothed.saturating_mul(7).saturating_add(rtt).checked_div(8).unwrap_or(rtt),
        });
    }

    /// The interval as it stands now.
    pub fn interval(&self) -> Duration {
        self.smoothed.unwrap_or(self.interval).max(self.floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn an_adaptive_interval_follows_the_round_trip_time() {
        let (interval, floor) = (Duration::from_secs(1), Duration::from_millis(2));
        let mut pace = Adaptive::new(interval, floor, 1, None, Instant::ZERO);
        pace.sends.take(millis(0));
        assert_eq!(pace.due(1), Some(millis(1_000)));
        pace.learn(Duration::from_millis(80));
        assert_eq!(pace.due(0), Some(millis(80)));
        assert_eq!(pace.due(1), Some(millis(160)), "not more than one unanswered");
        pace.learn(Duration::ZERO);
        assert_eq!(pace.interval(), Duration::from_millis(70));
        for _ in 0..100 {
            pace.learn(Duration::ZERO);
        }
        assert_eq!(pace.interval(), Duration::from_millis(2));
    }
}
