//! Values of the options of fping: text in, checked data out.

use std::time::Duration;

use crate::cli::named::Named;
use crate::cli::time::seconds;
use crate::cli::values::{Checked, interface, whole, whole_or_hex};
use crate::report::text::fping::TimestampFormat;

/// `-b`. What is too large is refused with fping's sentence.
pub const SIZE: Checked<u32> = Checked {
    parse: whole::<_, 0, { u32::MAX as u64 }>,
    allowed: "the size must be a whole number of octets from 0 to 65488",
};

/// `-B`. What is too small or too large is refused with fping's sentence.
pub const BACKOFF: Checked<BackoffFactor> = Checked {
    parse: |text| seconds::<1_000_000>(text).filter(|factor| !factor.is_zero()).map(BackoffFactor),
    allowed: "the backoff factor must be a number from 1.0 to 5.0",
};

/// `-c`, `-C`.
pub const COUNT: Checked<u64> = Checked {
    parse: whole::<_, 1, { u32::MAX as u64 }>,
    allowed: "the count must be a whole number from 1 to 4294967295",
};

/// `-H`. What is too large is refused with fping's sentence.
pub const TTL: Checked<Ttl> = Checked {
    parse: |text| whole::<u32, 1, { u32::MAX as u64 }>(text).map(Ttl),
    allowed: "the TTL must be a whole number from 1 to 255",
};

/// `-i`.
pub const INTERVAL: Checked<Duration> =
    Checked { parse: millis, allowed: "the interval must be a number of milliseconds from 0 to 4294967295" };

/// `-p`.
pub const PERIOD: Checked<Duration> =
    Checked { parse: millis, allowed: "the period must be a number of milliseconds from 0 to 4294967295" };

/// `-t`.
pub const TIMEOUT: Checked<Duration> =
    Checked { parse: millis, allowed: "the timeout must be a number of milliseconds from 0 to 4294967295" };

/// `-I`.
pub const IFACE: Checked<String> =
    Checked { parse: interface, allowed: "an interface must have a name of 1 to 15 octets" };

/// `-k`.
pub const FWMARK: Checked<u32> = Checked {
    parse: |text| whole_or_hex::<u32, { u32::MAX as u64 }>(text).filter(|mark| *mark > 0),
    allowed: "the mark must be a whole number from 1 to 4294967295",
};

/// `-O`.
pub const TOS: Checked<u8> = Checked {
    parse: whole_or_hex::<_, 255>,
    allowed: "the type of service must be a whole number from 0 to 255, or from 0x0 to 0xff",
};

/// `-Q`. As with fping, what follows the number has no meaning, unless it is `,cumulative`.
pub const SQUIET: Checked<Splits> = Checked {
    parse: |text| {
        let text = text.trim_ascii_start();
        let (number, rest) = text.split_once(',').unwrap_or((text, ""));
        let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
        let every = seconds::<{ u32::MAX as u64 }>(number.get(..end)?)?;
        Some(Splits { every, cumulative: rest == "cumulative" })
    },
    allowed: "the time between two reports must be a number of seconds from 0 to 4294967295",
};

/// `-r`.
pub const RETRY: Checked<u32> =
    Checked { parse: whole::<_, 0, 1_000>, allowed: "the retries must be a whole number from 0 to 1000" };

/// `--timestamp-format`.
pub const TIMESTAMP_FORMAT: Named<TimestampFormat> = Named {
    values: &[
        ("ctime", TimestampFormat::Ctime, "as ctime(3)"),
        ("iso", TimestampFormat::Iso, "ISO 8601"),
        ("rfc3339", TimestampFormat::Rfc3339, "RFC 3339"),
    ],
    allowed: "the format must be ctime, iso or rfc3339",
};

/// `-x`, `-X`.
pub const REACHABLE: Checked<u32> = Checked {
    parse: whole::<_, 1, { u32::MAX as u64 }>,
    allowed: "the number of hosts must be a whole number from 1 to 4294967295",
};

/// The value of `-B`, as seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BackoffFactor(pub Duration);

/// The value of `-H`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ttl(pub u32);

/// The value of `-Q`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Splits {
    /// From one report to the next.
    pub every: Duration,
    /// Whether the figures are those since the start.
    pub cumulative: bool,
}

/// Milliseconds in decimal, exact to the nanosecond.
fn millis(text: &str) -> Option<Duration> {
    seconds::<{ u32::MAX as u64 }>(text).and_then(|seconds| seconds.checked_div(1_000))
}
