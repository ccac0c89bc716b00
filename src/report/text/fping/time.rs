//! Times in the forms of fping.

use std::fmt;
use std::time::UNIX_EPOCH;

use super::style::TimestampFormat;
use crate::report::text::local_time::LocalTime;

/// Nanoseconds, shown as milliseconds with three significant digits and at least three decimals below one.
#[derive(Clone, Copy, Debug)]
pub struct Time(pub u64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0 as f64 / 1e6;
        match self.0 {
            ..1_000_000 => write!(f, "{millis:.3}"),
            1_000_000..10_000_000 => write!(f, "{millis:.2}"),
            10_000_000..100_000_000 => write!(f, "{millis:.1}"),
            100_000_000..1_000_000_000_000 => write!(f, "{millis:.0}"),
            _ => {
                let exponent = self.0.ilog10().saturating_sub(6);
                write!(f, "{:.3}e+{exponent:02}", millis / 10_f64.powi(exponent as i32))
            }
        }
    }
}

/// A time of day as a format of fping has it.
pub fn format(local: LocalTime, format: TimestampFormat) -> String {
    let seconds = humantime::format_rfc3339_seconds(UNIX_EPOCH + local.shown()).to_string();
    let text = seconds.trim_end_matches('Z');
    let (date, clock) = text.split_once('T').unwrap_or((text, ""));
    match format {
        TimestampFormat::Epoch => {
            let ten_micros = local.time.as_nanos().saturating_add(5_000) / 10_000;
            format!("{}.{:05}", ten_micros / 100_000, ten_micros % 100_000)
        }
        TimestampFormat::Rfc3339 => format!("{date} {clock}"),
        TimestampFormat::Iso => {
            let (sign, hours, minutes) = local.distance();
            format!("{date}T{clock}{sign}{hours:02}{minutes:02}")
        }
        TimestampFormat::Ctime => ctime(local.shown().as_secs(), date, clock),
    }
}

/// `Sun Nov 22 14:58:00 2026`, of a time so many seconds after 1970.
fn ctime(seconds: u64, date: &str, clock: &str) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let mut parts = date.splitn(3, '-').map(|part| part.parse().unwrap_or(0_usize));
    let (year, month, day) =
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    // 1970-01-01 was a Thursday.
    let weekday = usize::try_from(seconds / 86_400 % 7).unwrap_or(0);
    let name = |names: &[&'static str], at: usize| names.get(at).copied().unwrap_or_default();
    let (weekday, month) = (name(&DAYS, weekday), name(&MONTHS, month.wrapping_sub(1)));
    format!("{weekday} {month} {day:>2} {clock} {year}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_time_has_the_digits_that_fping_prints() {
        let printed = [
            (0, "0.000"),
            (17_499, "0.017"),
            (999_499, "0.999"),
            (999_999, "1.000"),
            (1_000_000, "1.00"),
            (9_994_999, "9.99"),
            (10_000_000, "10.0"),
            (99_949_999, "99.9"),
            (100_400_000, "100"),
            (999_999_000_000, "999999"),
            (1_000_000_000_000, "1.000e+06"),
            (123_456_000_000_000, "1.235e+08"),
        ];
        for (nanos, text) in printed {
            assert_eq!(Time(nanos).to_string(), text);
        }
    }

    #[test]
    fn a_time_of_day_has_each_form() {
        let shown = |offset, format| {
            super::format(LocalTime { time: Duration::from_nanos(1_795_359_480_250_005_000), offset }, format)
        };
        assert_eq!(shown(0, TimestampFormat::Epoch), "1795359480.25001");
        assert_eq!(shown(0, TimestampFormat::Ctime), "Sun Nov 22 14:58:00 2026");
        assert_eq!(shown(36_000, TimestampFormat::Ctime), "Mon Nov 23 00:58:00 2026");
        assert_eq!(shown(0, TimestampFormat::Iso), "2026-11-22T14:58:00+0000");
        assert_eq!(shown(-12_600, TimestampFormat::Iso), "2026-11-22T11:28:00-0330");
        assert_eq!(shown(19_800, TimestampFormat::Rfc3339), "2026-11-22 20:28:00");
        let early = LocalTime { time: Duration::from_secs(8 * 86_400), offset: 0 };
        assert_eq!(format(early, TimestampFormat::Ctime), "Fri Jan  9 00:00:00 1970");
    }
}
