//! Local time: a time, and the distance of the user's time zone from UTC.

use std::time::Duration;

/// A time in a time zone.
#[derive(Clone, Copy, Debug)]
pub struct LocalTime {
    /// Since 1970, in UTC.
    pub time: Duration,
    /// Seconds that the zone is ahead of UTC.
    pub offset: i32,
}

impl LocalTime {
    /// A time since 1970. `utc_offset` gives the seconds that its zone is ahead of UTC, at a time in seconds since 1970.
    pub fn new(time: Duration, utc_offset: fn(i64) -> i32) -> Self {
        Self { time, offset: utc_offset(i64::try_from(time.as_secs()).unwrap_or(i64::MAX)) }
    }

    /// The same moment as a time of UTC that has the date and the time of day of the zone.
    pub fn shown(self) -> Duration {
        let distance = Duration::from_secs(self.offset.unsigned_abs().into());
        match self.offset >= 0 {
            true => self.time.saturating_add(distance),
            false => self.time.saturating_sub(distance),
        }
    }

    /// The distance from UTC: its sign, hours and minutes.
    pub const fn distance(self) -> (char, u32, u32) {
        let minutes = self.offset.unsigned_abs() / 60;
        (if self.offset < 0 { '-' } else { '+' }, minutes / 60, minutes % 60)
    }
}
