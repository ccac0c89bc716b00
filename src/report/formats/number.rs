//! Numbers as programs read them: the shortest decimal that is exact, without an exponent.

use std::fmt;

/// Nanoseconds as milliseconds.
pub(super) struct Millis(pub u64);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Below 2^53 nanoseconds (104 days) every value is exact before the division.
        (self.0 as f64 / 1e6).fmt(f)
    }
}

/// Nanoseconds as seconds.
pub(super) fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_have_no_exponent() {
        let millis = [0, 1, 20_123_456, 1_000_000, u64::MAX].map(|nanos| Millis(nanos).to_string());
        assert_eq!(millis, ["0", "0.000001", "20.123456", "1", "18446744073709.55"]);
        let seconds = [0, 1, 20_123_456, 1_000_000_000].map(|nanos| seconds(nanos).to_string());
        assert_eq!(seconds, ["0", "0.000000001", "0.020123456", "1"]);
    }
}
