//! A flood: a probe on each answer, and every ten milliseconds without one.

use std::time::Duration;

use super::sends::Sends;
use crate::clock::Instant;

/// A flood sends this long after the last probe when nothing comes back (so at least 100 a second).
const GAP: Duration = Duration::from_millis(10);

/// A flood lets one more probe be in flight for each so many answers that came at once, so that batches form; while there are
/// few it looks as one of iputils.
const OPENING: u64 = 32;

/// An answer that takes no longer came at once: to sleep until it is there costs as much. A longer time may be spent in a
/// queue, which more probes in flight would fill until some are lost: there a flood sends one for one.
const AT_ONCE: Duration = Duration::from_micros(100);

/// The schedule.
#[derive(Debug)]
pub struct Flood {
    /// What left.
    pub sends: Sends,
    preload: u64,
    /// Maximum number of probes in flight.
    most: u64,
    /// Answers that came at once, since the flood last had to go on without one. Each later answer halves it.
    at_once: u64,
}

impl Flood {
    /// See [`super::Pacing::Flood`]; `most` are in flight at most, or the preload if that is more.
    pub fn new(preload: u64, most: u64, count: Option<u64>, start: Instant) -> Self {
        Self { sends: Sends::new(count, preload, start), preload, most, at_once: 0 }
    }

    /// When the next probe is due, given the probes in flight.
    pub fn due(&self, in_flight: u64) -> Option<Instant> {
        self.sends.due(if in_flight < self.window() { Duration::ZERO } else { GAP })
    }

    /// Takes a turn, when so many were in flight.
    pub fn take(&mut self, now: Instant, in_flight: u64) {
        self.sends.take(now);
        if in_flight >= self.window() {
            self.at_once = 0;
        }
    }

    /// A probe was answered after this time.
    pub fn learn(&mut self, rtt: Duration) {
        self.at_once = if rtt <= AT_ONCE { self.at_once.saturating_add(1) } else { self.at_once / 2 };
    }

    /// Probes that may be in flight at once.
    fn window(&self) -> u64 {
        let opened = self.at_once.checked_div(OPENING).unwrap_or(0);
        self.preload.saturating_add(opened).min(self.most.max(self.preload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Instant {
        Instant::from_nanos(millis * 1_000_000)
    }

    #[test]
    fn a_flood_sends_on_an_answer_and_every_ten_milliseconds_without() {
        let mut flood = Flood::new(1, 64, None, Instant::ZERO);
        flood.take(millis(5), 0);
        assert_eq!(flood.due(0), Some(millis(5)));
        assert_eq!(flood.due(1), Some(millis(15)));
        flood.take(millis(15), 1);
        flood.sends.fail(millis(15));
        assert_eq!(flood.due(0), Some(millis(25)), "the local queue was full");
    }

    #[test]
    fn a_flood_opens_up_as_answers_come_and_closes_when_none_does() {
        let mut flood = Flood::new(1, 64, None, Instant::ZERO);
        flood.take(millis(5), 0);
        (0..OPENING * 3).for_each(|_| flood.learn(AT_ONCE));
        assert_eq!([flood.due(3), flood.due(4)], [Some(millis(5)), Some(millis(15))]);
        (0..OPENING * 100).for_each(|_| flood.learn(AT_ONCE));
        assert_eq!([flood.due(63), flood.due(64)], [Some(millis(5)), Some(millis(15))], "64 and no more");
        flood.take(millis(15), 64);
        assert_eq!([flood.due(0), flood.due(1)], [Some(millis(15)), Some(millis(25))], "one for one again");
    }

    #[test]
    fn a_flood_does_not_open_up_where_answers_take_their_time() {
        let mut flood = Flood::new(1, 64, None, Instant::ZERO);
        flood.take(millis(5), 0);
        (0..1_000).for_each(|_| flood.learn(AT_ONCE + Duration::from_micros(1)));
        assert_eq!([flood.due(0), flood.due(1)], [Some(millis(5)), Some(millis(15))]);
        (0..OPENING * 8).for_each(|_| flood.learn(AT_ONCE));
        assert_eq!([flood.due(8), flood.due(9)], [Some(millis(5)), Some(millis(15))]);
        // Its own probes fill a queue.
        (0..3).for_each(|_| flood.learn(Duration::from_millis(1)));
        assert_eq!([flood.due(1), flood.due(2)], [Some(millis(5)), Some(millis(15))]);
    }

    #[test]
    fn a_probe_that_found_no_room_is_sent_later_and_counts_once() {
        let mut flood = Flood::new(1, 64, Some(2), Instant::ZERO);
        flood.take(millis(0), 0);
        flood.sends.refuse(millis(0));
        assert_eq!(flood.due(0), Some(millis(10)));
        for _ in 0..2 {
            flood.take(millis(10), 0);
            flood.sends.sent(millis(10));
        }
        assert_eq!(flood.due(0), None);
        assert_eq!(flood.sends.give_up(), None);
    }
}
