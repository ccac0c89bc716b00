//! Values of options: text in, a checked value or one sentence out.
//!
//! Numbers are read exactly, never through floating point. The sentence says what is allowed; the
//! caller puts the option and the value in front of it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
use std::time::Duration;

/// What is wrong with a value.
pub type Refusal = String;

/// A whole number in decimal digits, within a range. `what` is how a person calls it.
pub fn whole(text: &str, what: &str, range: RangeInclusive<u64>) -> Result<u64, Refusal> {
    let digits = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    let number = if digits { text.parse().ok() } else { None };
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| format!("{what} must be a whole number from {} to {}", range.start(), range.end()))
}

/// A whole number in decimal, or in hexadecimal after `0x`, within a range.
pub fn whole_or_hex(text: &str, what: &str, range: RangeInclusive<u64>) -> Result<u64, Refusal> {
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.bytes().all(|octet| octet.is_ascii_hexdigit()) => {
            u64::from_str_radix(digits, 16).ok()
        }
        Some(_) => None,
        None => whole(text, what, range.clone()).ok(),
    };
    number.filter(|number| range.contains(number)).ok_or_else(|| {
        format!(
            "{what} must be a whole number from {} to {}, in decimal or in hexadecimal after 0x",
            range.start(),
            range.end()
        )
    })
}

/// Seconds with a fraction, rounded to the microsecond: `1`, `.2`, `0.05`, `2e-3`. Zero is zero, but
/// nothing else is rounded to it.
pub fn seconds(text: &str, what: &str, largest: u32) -> Result<Duration, Refusal> {
    micros(text)
        .filter(|micros| *micros <= u64::from(largest) * 1_000_000)
        .map(Duration::from_micros)
        .ok_or_else(|| {
            format!("{what} must be a number of seconds from 0 to {largest}, in steps of 0.000001")
        })
}

/// Decimal text as whole microseconds, rounded half up.
fn micros(text: &str) -> Option<u64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if digits.is_empty() || digits.len() > 30 || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    let number: u128 = digits.parse().ok()?;
    let fraction = i32::try_from(fraction.len()).ok()?;
    let power = exponent.checked_add(6)?.checked_sub(fraction)?;
    let scale = 10_u128.checked_pow(power.unsigned_abs());
    let micros = match scale {
        _ if number == 0 => 0,
        Some(scale) if power >= 0 => number.checked_mul(scale)?,
        Some(scale) => number.checked_add(scale / 2)? / scale,
        None => return None,
    };
    u64::try_from(micros).ok().filter(|micros| *micros > 0 || number == 0)
}

/// One to sixteen octets in hexadecimal digits; an odd last digit is an octet of its own.
pub fn pattern(text: &str) -> Result<Vec<u8>, Refusal> {
    let refusal = || "the pattern must be 1 to 32 hexadecimal digits".to_owned();
    if text.is_empty() || text.len() > 32 || !text.bytes().all(|octet| octet.is_ascii_hexdigit()) {
        return Err(refusal());
    }
    let octets = text.as_bytes().chunks(2).map(|digits| {
        let digits = std::str::from_utf8(digits).ok()?;
        u8::from_str_radix(digits, 16).ok()
    });
    octets.collect::<Option<Vec<_>>>().ok_or_else(refusal)
}

/// What `-I` may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Interface {
    /// A source address.
    Source(IpAddr),
    /// A source address and the interface that gives it its meaning.
    Both(IpAddr, String),
    /// An interface.
    Device(String),
}

/// An address of this host, an interface, or `ADDRESS%INTERFACE`.
pub fn interface(text: &str) -> Result<Interface, Refusal> {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return Ok(Interface::Source(address.into()));
    }
    if text.contains(':') {
        let (address, device) = match text.split_once('%') {
            Some((address, device)) => (address, Some(device)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse::<Ipv6Addr>()
            .map_err(|_| "the source must be an IPv4 or IPv6 address of this host".to_owned())?
            .into();
        return match device {
            Some(device) => Ok(Interface::Both(address, device_name(device)?)),
            None => Ok(Interface::Source(address)),
        };
    }
    device_name(text).map(Interface::Device)
}

/// Linux: IFNAMSIZ is 16 with the final NUL, and dev_valid_name refuses `/` and blanks.
fn device_name(text: &str) -> Result<String, Refusal> {
    let fine = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '/' | ':');
    if (1..=15).contains(&text.len()) && text.chars().all(fine) && !matches!(text, "." | "..") {
        return Ok(text.to_owned());
    }
    Err("give an address of this host or the name of an interface (1 to 15 characters)".to_owned())
}

/// One of some words. `what` is how a person calls it.
pub fn word<T: Clone>(text: &str, what: &str, words: &[(&str, T)]) -> Result<T, Refusal> {
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| value.clone());
    found.ok_or_else(|| {
        let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        format!("{what} must be one of {}", words.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<u64> {
        seconds(text, "the interval", 2_147_483).ok().map(|duration| duration.as_micros() as u64)
    }

    #[test]
    fn seconds_are_read_exactly_to_the_microsecond() {
        for (text, micros) in [
            ("0", 0),
            ("1", 1_000_000),
            (".2", 200_000),
            ("1.", 1_000_000),
            ("0.05", 50_000),
            ("2e-3", 2_000),
            ("1E1", 10_000_000),
            ("0.000001", 1),
            ("1.5000000", 1_500_000),
            ("0.3333333333333", 333_333),
            ("0.0000005", 1),
            ("0e99", 0),
            ("2147483", 2_147_483_000_000),
        ] {
            assert_eq!(read(text), Some(micros), "{text}");
        }
    }

    #[test]
    fn seconds_that_are_none_are_refused() {
        for text in [
            "",
            " 5",
            "5 ",
            "5x",
            "-1",
            "+1",
            "nan",
            "inf",
            "0x10",
            ".",
            "e3",
            "1e",
            "1e400",
            "1e-400",
            "1..2",
            "0.0000004",
            "2147483.000001",
            "1e30",
            "99999999999999999999999999999999",
            "١",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_pattern_is_read_as_two_digits_an_octet() {
        assert_eq!(pattern("ff00a"), Ok(vec![0xff, 0, 0x0a]));
        assert_eq!(pattern(&"5a".repeat(16)), Ok(vec![0x5a; 16]));
        for text in ["", "0x1", "fg", "é", &"5".repeat(33)] {
            assert!(pattern(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_interface_is_an_address_or_a_name() {
        let v6: IpAddr = "fe80::1".parse().expect("an address");
        assert_eq!(interface("192.0.2.1"), Ok(Interface::Source(Ipv4Addr::new(192, 0, 2, 1).into())));
        assert_eq!(interface("fe80::1%eth0"), Ok(Interface::Both(v6, "eth0".into())));
        assert_eq!(interface("eth0.5"), Ok(Interface::Device("eth0.5".into())));
        for text in ["", "a b", "sixteen_letters_", "fe80::zz", "fe80::1%", ".."] {
            assert!(interface(text).is_err(), "{text}");
        }
    }
}
