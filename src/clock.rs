//! The only file that asks the time.
//!
//! Everything is scheduled and measured on the monotonic clock. The wall clock is read for two
//! purposes only: to print a time of day, and to place a kernel receive stamp (which is wall-clock
//! time) on the monotonic axis.

use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds since the run began, on the monotonic clock. All arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The moment the run began.
    pub const ZERO: Self = Self(0);

    /// An instant `nanos` nanoseconds into the run.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the run began.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long `earlier` lies before `self`; zero when it does not.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, rhs: Duration) -> Self {
        Self(self.0.saturating_add(nanos(rhs)))
    }
}

impl Sub<Duration> for Instant {
    type Output = Self;

    fn sub(self, rhs: Duration) -> Self {
        Self(self.0.saturating_sub(nanos(rhs)))
    }
}

/// A duration in nanoseconds, at most `u64::MAX` (584 years).
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Nanoseconds since 1970-01-01 UTC, on the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wall(u64);

impl Wall {
    /// The wall-clock time `nanos` nanoseconds after 1970-01-01 UTC.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since 1970-01-01 UTC.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Milliseconds since midnight UT, as ICMP timestamps count them (RFC 792 page 16).
    pub const fn millis_of_day(self) -> u32 {
        // Below 86,400,000, so the cast loses nothing.
        (self.0 / 1_000_000 % 86_400_000) as u32
    }
}

/// What the wall clock showed when the run began, as seen from now: a step of the wall clock moves it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epoch(i128);

impl Epoch {
    /// The epoch of a run that began at `wall`.
    pub const fn at(wall: Wall) -> Self {
        Self(wall.0 as i128)
    }

    /// The time of day of an instant.
    pub fn wall(self, at: Instant) -> Wall {
        let nanos = self.0.saturating_add(i128::from(at.0));
        Wall(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
    }

    /// Where a wall-clock stamp lies in the run, if it falls within `earliest..=latest`.
    ///
    /// `None` means that the wall clock was stepped between the stamp and now: the stamp says
    /// nothing then, and the caller falls back to the monotonic clock.
    pub fn place(self, stamp: Wall, earliest: Instant, latest: Instant) -> Option<Instant> {
        let nanos = i128::from(stamp.0).saturating_sub(self.0);
        let at = Instant(u64::try_from(nanos).ok()?);
        (earliest <= at && at <= latest).then_some(at)
    }
}

/// The clocks of one run.
#[derive(Debug)]
pub struct Clock {
    began: std::time::Instant,
}

impl Clock {
    /// Starts the run: `now()` is [`Instant::ZERO`] at this moment.
    pub fn start() -> Self {
        Self { began: std::time::Instant::now() }
    }

    /// The time on the monotonic clock.
    pub fn now(&self) -> Instant {
        Instant(nanos(self.began.elapsed()))
    }

    /// Reads both clocks, to place stamps and to print times of day.
    ///
    /// The two readings should belong to one moment. One that took long (this process was interrupted in
    /// between) is made again, a few times at most.
    pub fn epoch(&self) -> Epoch {
        const TRIES: usize = 3;
        const TIGHT: Duration = Duration::from_micros(1);
        let mut best = (Duration::MAX, Epoch::default());
        for _ in 0..TRIES {
            let before = self.now();
            // A wall clock before 1970 is a broken one; it reads as 1970 itself.
            let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, nanos);
            let took = self.now().since(before);
            let middle = before + took / 2;
            if took < best.0 {
                best = (took, Epoch(i128::from(wall).saturating_sub(i128::from(middle.0))));
            }
            if took <= TIGHT {
                break;
            }
        }
        best.1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn subtraction_saturates_at_zero() {
        assert_eq!(at(1).since(at(2)), Duration::ZERO);
        assert_eq!(at(1) - Duration::from_secs(1), Instant::ZERO);
        assert_eq!(at(u64::MAX) + Duration::MAX, at(u64::MAX));
    }

    #[test]
    fn a_kernel_stamp_is_placed_on_the_monotonic_axis() {
        let epoch = Epoch::at(Wall::from_nanos(1_000 * SECOND));
        let stamp = Wall::from_nanos(1_002 * SECOND);
        assert_eq!(epoch.place(stamp, at(SECOND), at(3 * SECOND)), Some(at(2 * SECOND)));
    }

    #[test]
    fn a_stamp_from_before_a_clock_step_is_refused() {
        let hour = 3_600 * SECOND;
        let stamp = Wall::from_nanos(10_002 * SECOND);
        // Forward by an hour after the stamp was taken: it seems to lie before the last look.
        let forward = Epoch::at(Wall::from_nanos(10_000 * SECOND + hour));
        assert_eq!(forward.place(stamp, at(SECOND), at(3 * SECOND)), None);
        // Back by an hour: it seems to lie in the future.
        let back = Epoch::at(Wall::from_nanos(10_000 * SECOND - hour));
        assert_eq!(back.place(stamp, at(SECOND), at(3 * SECOND)), None);
    }

    #[test]
    fn a_step_of_any_size_at_any_moment_moves_no_arrival_by_more_than_the_wait() {
        const YEAR: i128 = 365 * 86_400;
        // The reply arrives two seconds into the run; the socket was last seen empty after one, and is
        // read after three.
        let (empty, arrived, read) = (at(SECOND), at(2 * SECOND), at(3 * SECOND));
        let began = 1_795_359_480 * i128::from(SECOND);
        for step in [3_600, -3_600, 10 * YEAR, -10 * YEAR].map(|step| step * i128::from(SECOND)) {
            let (before, after) = (Epoch(began), Epoch(began + step));
            for (stamped, looked, expected) in [
                (before, before, Some(arrived)), // the clock is set later
                (after, after, Some(arrived)),   // it was set earlier
                (before, after, None),           // it is set while the reply waits to be read
            ] {
                let stamp = stamped.wall(arrived);
                assert_eq!(looked.place(stamp, empty, read), expected, "a step of {step} ns");
            }
        }
    }

    #[test]
    fn milliseconds_count_from_midnight() {
        assert_eq!(Wall::from_nanos(86_400 * SECOND + 5_000_000).millis_of_day(), 5);
    }
}
