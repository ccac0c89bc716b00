//! The clocks: the only file that reads them.
//!
//! Everything is scheduled and measured on the monotonic clock. The wall clock is read for two purposes only: to
//! print a time of day, and to convert a kernel stamp (which is wall-clock time) to the monotonic clock.

use std::cell::Cell;
use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds since the run began, on the monotonic clock. All arithmetic saturates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(u64);

impl Instant {
    /// The moment the run began.
    pub const ZERO: Self = Self(0);

    /// An instant `nanos` nanoseconds into the run. For tests and fuzzers.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the run began.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The time from `earlier` to `self`; zero if `earlier` is later.
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
#[inline]
pub fn nanos(duration: Duration) -> u64 {
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

/// The wall-clock time of [`Instant::ZERO`], by the current wall clock: a step of the wall clock changes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Epoch(i128);

impl Epoch {
    /// The epoch of a run that began at `wall`.
    ///
    /// For tests and fuzzers.
    pub const fn at(wall: Wall) -> Self {
        Self(wall.0 as i128)
    }

    /// The epoch of a clock that shows `wall` at this instant.
    pub fn showing(wall: Wall, at: Instant) -> Self {
        Self(i128::from(wall.0).saturating_sub(i128::from(at.0)))
    }

    /// The time of day of an instant.
    pub fn wall(self, at: Instant) -> Wall {
        let nanos = self.0.saturating_add(i128::from(at.0));
        Wall(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
    }

    /// Converts a wall-clock stamp to an instant of the run, if that is within `earliest..=latest`. One that is outside by
    /// no more than the epoch can be wrong becomes the nearest instant within.
    ///
    /// `None` means that the wall clock was stepped between the stamp and now. The stamp is useless then, and the
    /// caller uses its own reading of the monotonic clock.
    pub fn place(self, stamp: Wall, earliest: Instant, latest: Instant) -> Option<Instant> {
        /// The two clocks are not read at once: on a busy machine the epoch is wrong by some microseconds.
        const ERROR: Duration = Duration::from_micros(50);
        let at = self.place_exactly(stamp, earliest - ERROR, latest + ERROR)?;
        (earliest <= latest).then(|| at.max(earliest).min(latest))
    }

    /// The same for an epoch without an error: one of stamps of the same clock.
    pub fn place_exactly(self, stamp: Wall, earliest: Instant, latest: Instant) -> Option<Instant> {
        let nanos = i128::from(stamp.0).saturating_sub(self.0);
        let at = Instant(u64::try_from(nanos).ok()?);
        (earliest <= at && at <= latest).then_some(at)
    }
}

/// Bounds of the epoch, from readings of both clocks. They differ by a constant until the wall clock is stepped (slewing
/// changes the rate of both).
#[derive(Clone, Copy, Debug)]
struct Bounds {
    lowest: Epoch,
    highest: Epoch,
    /// The epoch in use, which is kept while it is within the bounds.
    chosen: Epoch,
}

impl Bounds {
    /// The bounds from one reading of the wall clock between two of the monotonic clock.
    fn read(before: Instant, wall: Wall, after: Instant) -> Self {
        let epoch = |at: Instant| Epoch::showing(wall, at);
        let middle = before + after.since(before) / 2;
        Self { lowest: epoch(after), highest: epoch(before), chosen: epoch(middle) }
    }

    /// The intersection of both bounds. If it is empty, the wall clock was stepped between the readings, and the later
    /// bounds are returned.
    fn and(self, later: Self) -> Self {
        let (lowest, highest) = (self.lowest.max(later.lowest), self.highest.min(later.highest));
        if lowest > highest {
            return later;
        }
        Self { lowest, highest, chosen: self.chosen.clamp(lowest, highest) }
    }

    /// What `earlier` bounds and further readings allow: the first that was quick enough, or a few at most.
    fn narrowed(earlier: Option<Self>, mut read: impl FnMut() -> (Instant, Wall, Instant)) -> Option<Self> {
        const TRIES: usize = 3;
        const TIGHT: Duration = Duration::from_micros(1);
        let mut bounds = earlier;
        for _ in 0..TRIES {
            let (before, wall, after) = read();
            let read = Self::read(before, wall, after);
            bounds = Some(bounds.map_or(read, |earlier| earlier.and(read)));
            if after.since(before) <= TIGHT {
                break;
            }
        }
        bounds
    }
}

/// The clocks of one run.
#[derive(Debug)]
pub struct Clock {
    began: std::time::Instant,
    bounds: Cell<Option<Bounds>>,
}

impl Clock {
    /// Starts the run: `now()` is [`Instant::ZERO`] at this moment.
    pub fn start() -> Self {
        Self { began: std::time::Instant::now(), bounds: Cell::new(None) }
    }

    /// The time on the monotonic clock.
    pub fn now(&self) -> Instant {
        Instant(nanos(self.began.elapsed()))
    }

    /// Reads both clocks, to place stamps and to print times of day.
    ///
    /// The epoch is the same every time, to the nanosecond, unless the wall clock was stepped: the difference of two
    /// stamps is kept exactly. If a reading took more than a microsecond (the process was interrupted in between),
    /// its bounds are wide, and it is repeated, up to three readings in all.
    pub fn epoch(&self) -> Epoch {
        let bounds = Bounds::narrowed(self.bounds.get(), || {
            let before = self.now();
            // A wall clock before 1970 is broken; it reads as 1970.
            let wall = Wall(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, nanos));
            (before, wall, self.now())
        });
        self.bounds.set(bounds);
        bounds.map_or(Epoch::default(), |bounds| bounds.chosen)
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
    fn a_slow_reading_of_the_clocks_is_made_again_twice_at_most() {
        let readings = |took: [u64; 4]| {
            let mut took = took.into_iter();
            let bounds = Bounds::narrowed(None, || {
                let before = at(SECOND);
                (
                    before,
                    Wall::from_nanos(1_000 * SECOND),
                    before + Duration::from_nanos(took.next().unwrap()),
                )
            });
            (4 - took.len(), bounds.map(|bounds| bounds.chosen))
        };
        let epoch = |behind| Some(Epoch::at(Wall::from_nanos(999 * SECOND - behind)));
        assert_eq!(readings([1_000, 0, 0, 0]), (1, epoch(500)));
        assert_eq!(readings([5_000, 400, 0, 0]), (2, epoch(400)), "within what the quick one allows");
        assert_eq!(readings([5_000, 5_000, 5_000, 0]), (3, epoch(2_500)));
    }

    #[test]
    fn a_kernel_stamp_is_placed_on_the_monotonic_axis() {
        let epoch = Epoch::at(Wall::from_nanos(1_000 * SECOND));
        let stamp = Wall::from_nanos(1_002 * SECOND);
        assert_eq!(epoch.place(stamp, at(SECOND), at(3 * SECOND)), Some(at(2 * SECOND)));
    }

    #[test]
    fn a_stamp_outside_by_the_error_of_the_epoch_is_placed_at_the_edge() {
        let epoch = Epoch::at(Wall::from_nanos(1_000 * SECOND));
        let place =
            |nanos: u64| epoch.place(Wall::from_nanos(1_000 * SECOND + nanos), at(SECOND), at(2 * SECOND));
        assert_eq!(place(SECOND - 50_000), Some(at(SECOND)));
        assert_eq!(place(SECOND - 50_001), None);
        assert_eq!(place(2 * SECOND + 50_000), Some(at(2 * SECOND)));
        assert_eq!(place(2 * SECOND + 50_001), None);
        assert_eq!(epoch.place(Wall::from_nanos(1_001 * SECOND), at(2 * SECOND), at(SECOND)), None);
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
    fn an_epoch_stays_the_same_until_the_wall_clock_is_stepped() {
        let wall = |nanos| Wall::from_nanos(1_000 * SECOND + nanos);
        let first = Bounds::read(at(100), wall(120), at(140));
        assert_eq!(first.chosen, Epoch::at(wall(0)));
        // A later reading, wide or skewed as it may be, moves nothing that it does not forbid.
        let wide = first.and(Bounds::read(at(1_000), wall(5_000), at(9_000)));
        assert_eq!((wide.chosen, wide.lowest, wide.highest), (first.chosen, first.lowest, first.highest));
        let skewed = wide.and(Bounds::read(at(2_000), wall(2_001), at(2_018)));
        assert_eq!((skewed.chosen, skewed.highest), (first.chosen, Epoch::at(wall(1))));
        // One that forbids it moves it as little as it can.
        let narrow = first.and(Bounds::read(at(3_000), wall(3_012), at(3_002)));
        assert_eq!(narrow.chosen, Epoch::at(wall(10)));
        // A step is a reading that agrees with nothing before it, however small it is.
        for step in [21, 60 * SECOND] {
            let read = Bounds::read(at(4_000), wall(4_000 + step), at(4_000));
            assert_eq!(first.and(read).chosen, Epoch::at(wall(step)));
        }
    }

    #[test]
    fn milliseconds_count_from_midnight() {
        assert_eq!(Wall::from_nanos(86_400 * SECOND + 5_000_000).millis_of_day(), 5);
    }
}
