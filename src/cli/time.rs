//! Lengths of time: text in, microseconds out.

use std::time::Duration;

/// What the sentence about a time has behind its range. Programs that only take seconds do not have it.
pub const UNITS: &str = ", or have a unit, as in 200ms or 5s";

/// Seconds as [`seconds`] reads them, or numbers with units: `200ms`, `5s`, `1.5h`, `1m30s`. The units are `us`, `ms`,
/// `s`, `m` or `min`, `h` and `d`.
pub fn time<const MAX: u64>(text: &str) -> Option<Duration> {
    seconds::<MAX>(text)
        .or_else(|| with_units(text.trim_ascii_start()).filter(|time| *time <= Duration::from_secs(MAX)))
}

/// The sum of numbers with units, each rounded up to microseconds.
fn with_units(text: &str) -> Option<Duration> {
    let is_number = |c: char| c.is_ascii_digit() || c == '.';
    let (mut rest, mut micros) = (text, 0_u64);
    loop {
        let (number, tail) = rest.split_at(rest.find(|c| !is_number(c))?);
        let (unit, next) = tail.split_at(tail.find(is_number).unwrap_or(tail.len()));
        micros = micros.checked_add(in_micros(number, unit)?)?;
        if next.is_empty() {
            return Some(Duration::from_micros(micros));
        }
        rest = next;
    }
}

/// A number in decimal and its unit, in microseconds, rounded up.
fn in_micros(number: &str, unit: &str) -> Option<u64> {
    let (seconds, exponent) = match unit {
        "us" | "µs" | "μs" => (1, 0),
        "ms" => (1, 3),
        "s" => (1, 6),
        "m" | "min" => (60, 6),
        "h" => (3_600, 6),
        "d" => (86_400, 6),
        _ => return None,
    };
    let (units, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = [units, fraction].concat().parse::<u128>().ok()?.checked_mul(seconds)?.to_string();
    let digits_after_point = i64::try_from(fraction.len()).ok()?;
    scaled(digits.trim_start_matches('0'), exponent - digits_after_point)
}

/// Seconds in decimal, as strtod(3) reads them: `1`, `.2`, `1.`, `1.5`, `2e-3`; exact.
///
/// Rounded up to microseconds, so that no interval becomes shorter than requested and only a zero becomes zero.
pub fn seconds<const MAX: u64>(text: &str) -> Option<Duration> {
    let text = text.trim_ascii_start();
    let text = text.strip_prefix('+').unwrap_or(text);
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, power(exponent)?),
        None => (text, 0),
    };
    let (units, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [units, fraction].concat();
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let digits_after_point = i64::try_from(fraction.len()).ok()?;
    let micros = scaled(digits.trim_start_matches('0'), exponent - digits_after_point + 6)?;
    (micros <= MAX * 1_000_000).then(|| Duration::from_micros(micros))
}

/// The exponent of a decimal, clamped to ±(2^32 - 1).
fn power(text: &str) -> Option<i64> {
    let (digits, sign) = match text.strip_prefix('-') {
        Some(digits) => (digits, -1),
        None => (text.strip_prefix('+').unwrap_or(text), 1),
    };
    let valid = !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit());
    valid.then(|| sign * digits.parse::<u32>().map_or(i64::from(u32::MAX), i64::from))
}

/// `digits × 10^exponent`, rounded up. The digits do not begin with 0; none are a zero.
fn scaled(digits: &str, exponent: i64) -> Option<u64> {
    if digits.is_empty() {
        return Some(0);
    }
    if let Ok(shift) = u32::try_from(exponent) {
        return digits.parse::<u64>().ok()?.checked_mul(10_u64.checked_pow(shift)?);
    }
    let cut = usize::try_from(-exponent).ok()?;
    let (kept, lost) = digits.split_at(digits.len().saturating_sub(cut));
    let kept = if kept.is_empty() { 0 } else { kept.parse::<u64>().ok()? };
    kept.checked_add(u64::from(lost.bytes().any(|digit| digit != b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn micros(text: &str) -> Option<u128> {
        time::<{ i32::MAX as u64 }>(text).map(|time| time.as_micros())
    }

    #[test]
    fn a_number_without_a_unit_is_seconds() {
        assert_eq!(["200", " .2", "2e-3"].map(micros), [Some(200_000_000), Some(200_000), Some(2_000)]);
    }

    #[test]
    fn numbers_with_units_add_up() {
        let times = [
            ("200ms", 200_000),
            ("5s", 5_000_000),
            ("0.0000001h", 360),
            ("1.5ms", 1_500),
            (".5s", 500_000),
            ("5.s", 5_000_000),
            ("1us", 1),
            ("0.1us", 1),
            ("0s", 0),
            ("0000ms", 0),
            ("7µs", 7),
            ("7μs", 7),
            ("1m30s", 90_000_000),
            ("2min", 120_000_000),
            ("1h0.5m", 3_630_000_000),
            ("1d", 86_400_000_000),
            (" 2s", 2_000_000),
            ("2147483647s", 2_147_483_647_000_000),
            ("2147483647000ms", 2_147_483_647_000_000),
        ];
        for (text, expected) in times {
            assert_eq!(micros(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let nines = "9".repeat(40) + "s";
        let others = [
            "ms",
            ".s",
            "1 s",
            "s1",
            "1s2",
            "1S",
            "1MS",
            "-1s",
            "1e3s",
            "1.2.3s",
            "1,5s",
            "2147483648s",
            "1w",
            "24856d",
            &nines,
            "1s ",
            "1s+2s",
            "٣s",
        ];
        for text in others {
            assert_eq!(micros(text), None, "{text}");
        }
    }
}
