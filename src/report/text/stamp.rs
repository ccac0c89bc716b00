//! The time in front of a line.

use std::fmt;
use std::time::{Duration, UNIX_EPOCH};

use super::local_time::LocalTime;
use crate::clock::{Epoch, Instant};
use crate::output::Output;
use crate::report::style::{Style, TimeFormat};

/// Prints times in front of lines.
#[derive(Clone, Debug)]
pub struct Stamper {
    format: Option<TimeFormat>,
    utc_offset: fn(i64) -> i32,
    /// The last time that was printed.
    last: Instant,
}

impl Stamper {
    /// Prints times as a style requests.
    pub fn new(style: &Style) -> Self {
        Self { format: style.timestamps, utc_offset: style.utc_offset, last: Instant::ZERO }
    }

    /// Prints `[TIME] `, if times are requested.
    pub fn print(&mut self, at: Instant, epoch: Epoch, output: &mut Output<'_>) {
        if let Some(format) = self.format {
            output.print(format_args!("{}", self.text(format, at, epoch)));
        }
    }

    /// The time before a window: `[TIME] `, if no other format is requested in UTC.
    pub fn of_window(&mut self, at: Instant, epoch: Epoch) -> String {
        self.text(self.format.unwrap_or(TimeFormat::Iso), at, epoch)
    }

    /// The time at the begin of a row: `[TIME] ` if times are requested, else the time of day where the user is.
    pub fn of_row(&mut self, at: Instant, epoch: Epoch) -> String {
        if let Some(format) = self.format {
            return self.text(format, at, epoch);
        }
        let wall = Duration::from_nanos(epoch.wall(at).as_nanos());
        let seconds = LocalTime::new(wall, self.utc_offset).shown().as_secs();
        format!("{:02}:{:02}:{:02} ", seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60)
    }

    /// `[TIME] ` in a format.
    fn text(&mut self, format: TimeFormat, at: Instant, epoch: Epoch) -> String {
        let wall = Duration::from_nanos(epoch.wall(at).as_nanos());
        let last = std::mem::replace(&mut self.last, at);
        match format {
            TimeFormat::Epoch => format!("[{}] ", Seconds(wall)),
            TimeFormat::Iso => format!("[{}] ", Iso(wall, None)),
            TimeFormat::Local => {
                let local = LocalTime::new(wall, self.utc_offset);
                format!("[{}] ", Iso(wall, Some(local.offset)))
            }
            TimeFormat::Relative => format!("[{}] ", Seconds(at.since(Instant::ZERO))),
            TimeFormat::Delta => format!("[+{}] ", Seconds(at.since(last))),
        }
    }
}

/// Seconds, to the microsecond.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0.as_secs(), self.0.subsec_micros())
    }
}

/// A time since 1970 in UTC, or in a zone so many seconds east of Greenwich (ISO 8601, RFC 3339).
struct Iso(Duration, Option<i32>);

impl fmt::Display for Iso {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(time, zone) = *self;
        let Some(offset) = zone else {
            return humantime::format_rfc3339_micros(UNIX_EPOCH + time).fmt(f);
        };
        let local = LocalTime { time, offset };
        let (sign, hours, minutes) = local.distance();
        let shown = humantime::format_rfc3339_micros(UNIX_EPOCH + local.shown()).to_string();
        write!(f, "{}{sign}{hours:02}:{minutes:02}", shown.trim_end_matches('Z'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_in_a_zone_has_its_distance_from_utc() {
        let time = Duration::from_micros(1_795_359_480_250_007);
        let shown = |zone| Iso(time, zone).to_string();
        assert_eq!(shown(None), "2026-11-22T14:58:00.250007Z");
        assert_eq!(shown(Some(0)), "2026-11-22T14:58:00.250007+00:00");
        assert_eq!(shown(Some(19_800)), "2026-11-22T20:28:00.250007+05:30");
        assert_eq!(shown(Some(-12_600)), "2026-11-22T11:28:00.250007-03:30");
        assert_eq!(Iso(Duration::ZERO, Some(-3_600)).to_string(), "1970-01-01T00:00:00.000000-01:00");
    }

    #[test]
    fn seconds_have_six_decimals() {
        assert_eq!(Seconds(Duration::from_nanos(1_000_999)).to_string(), "0.001000");
    }
}
