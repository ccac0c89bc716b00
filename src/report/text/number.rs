//! Numbers as C programs print them.

use std::fmt;
use std::time::Duration;

use crate::stats::Moments;
use crate::stats::loss::Ratio;

/// A number as `printf("%g")` prints it: six significant digits, no trailing zeros, an exponent where
/// that is shorter (C11 section 7.21.6.1).
pub fn format_g(value: f64) -> String {
    const DIGITS: i32 = 6;
    if !value.is_finite() {
        return if value.is_nan() { "nan".into() } else { format!("{value:?}") };
    }
    let scientific = format!("{value:.5e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..DIGITS).contains(&exponent) {
        let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
        return without_trailing_zeros(&format!("{value:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_trailing_zeros(mantissa), exponent.unsigned_abs())
}

fn without_trailing_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// Minimum, mean, maximum and deviation of times, in whole microseconds.
pub fn micros(rtt: &Moments) -> [u64; 4] {
    [rtt.min(), rtt.mean(), rtt.max(), rtt.deviation()].map(|nanos| nanos / 1_000)
}

/// Milliseconds, rounded to the nearest.
pub fn whole_millis(duration: Duration) -> u128 {
    (duration.as_nanos() + 500_000) / 1_000_000
}

/// Microseconds, shown as milliseconds with three decimals.
#[derive(Clone, Copy, Debug)]
pub struct Millis(pub u64);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A line of a table has four of them: without a format for the decimals this takes half the time.
        let digit = |unit: u64| b'0' + (self.0 / unit % 10) as u8;
        write!(f, "{}", self.0 / 1_000)?;
        f.write_str(str::from_utf8(&[b'.', digit(100), digit(10), digit(1)]).unwrap_or_default())
    }
}

/// Microseconds, shown as milliseconds the way a reply line does: three significant digits and never
/// less than a microsecond, rounded half up.
#[derive(Clone, Copy, Debug)]
pub struct ShortMillis(pub u64);

impl fmt::Display for ShortMillis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0;
        let rounded = |half: u64| (micros.saturating_add(half) / 1_000, micros.saturating_add(half) % 1_000);
        match micros {
            99_950.. => write!(f, "{}", rounded(500).0),
            9_995.. => {
                let (whole, part) = rounded(50);
                write!(f, "{whole}.{}", part / 100)
            }
            1_000.. => {
                let (whole, part) = rounded(5);
                write!(f, "{whole}.{:02}", part / 10)
            }
            _ => write!(f, "{}", Millis(micros)),
        }
    }
}

/// A loss in percent: whole, or with a tenth.
pub struct Loss(pub Ratio);

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.tenths();
        match (tenths / 10, tenths % 10) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, tenth) => write!(f, "{whole}.{tenth}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::loss::loss;

    #[test]
    fn percentages_look_as_percent_g_prints_them() {
        // Each pair was printed by glibc's printf.
        let printed = [
            (0.0, "0"),
            (-0.0, "-0"),
            (100.0, "100"),
            (33.333_333_333, "33.3333"),
            (97.435_897_435_9, "97.4359"),
            (0.333_333_333_3, "0.333333"),
            (0.000_1, "0.0001"),
            (0.000_01, "1e-05"),
            (0.000_012_345_678, "1.23457e-05"),
            (99.999_99, "100"),
            (99.999_94, "99.9999"),
            (999_999.4, "999999"),
            (999_999.5, "1e+06"),
            (1_234_567.0, "1.23457e+06"),
            (0.000_099_999_99, "0.0001"),
            (6.25, "6.25"),
            (1e100, "1e+100"),
        ];
        for (value, text) in printed {
            assert_eq!(format_g(value), text);
        }
    }

    #[test]
    fn a_reply_line_shows_three_significant_digits() {
        let printed = [
            (0, "0.000"),
            (18, "0.018"),
            (999, "0.999"),
            (1_000, "1.00"),
            (1_004, "1.00"),
            (1_005, "1.01"),
            (9_994, "9.99"),
            (9_995, "10.0"),
            (99_949, "99.9"),
            (99_950, "100"),
            (1_002_924, "1003"),
            (u64::MAX, "18446744073709551"),
        ];
        for (micros, text) in printed {
            assert_eq!(ShortMillis(micros).to_string(), text);
        }
    }

    #[test]
    fn a_loss_has_a_tenth_where_it_is_not_whole() {
        let shown = |lost, received| loss(lost, received).map(|loss| Loss(loss).to_string());
        assert_eq!(shown(0, 0), None);
        assert_eq!(shown(5, 0).as_deref(), Some("100%"));
        assert_eq!(shown(1, 2).as_deref(), Some("33.3%"));
        assert_eq!(shown(1_000_000, 1).as_deref(), Some("99.9%"));
    }
}
