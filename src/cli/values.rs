//! Values of options: text in, checked data out.

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::{Result, bail};
use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::time::time;
use crate::escape;
use crate::transport::Families;
use crate::wire::Family;

/// A value parser, and the sentence about what it allows.
///
/// A refused value becomes one line, `-c 0: the count must be …`, in the error's custom context.
#[derive(Clone, Copy)]
pub struct Checked<T: 'static> {
    pub parse: fn(&str) -> Option<T>,
    pub allowed: &'static str,
}

impl<T: Clone + Send + Sync + 'static> TypedValueParser for Checked<T> {
    type Value = T;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<T, clap::Error> {
        value.to_str().and_then(self.parse).ok_or_else(|| refused(command, arg, value, self.allowed))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        None
    }
}

/// The error about a value, in one line in its custom context.
pub fn refused(
    command: &clap::Command,
    arg: Option<&clap::Arg>,
    value: &OsStr,
    allowed: &str,
) -> clap::Error {
    let option = arg.map(option_name).unwrap_or_default();
    refusal(command, format!("{option} {}: {allowed}", escape::argument(value)))
}

/// The error of a value with this reason.
pub fn refusal(command: &clap::Command, reason: String) -> clap::Error {
    let mut error = clap::Error::new(ErrorKind::ValueValidation).with_cmd(command);
    error.insert(ContextKind::Custom, ContextValue::String(reason));
    error
}

/// The shortest name of an option, with its dashes.
pub fn option_name(arg: &clap::Arg) -> String {
    match (arg.get_short(), arg.get_long()) {
        (Some(short), _) => format!("-{short}"),
        (None, Some(long)) => format!("--{long}"),
        (None, None) => arg.get_id().to_string(),
    }
}

/// `-c`. The largest is LONG_MAX, as in iputils.
pub const COUNT: Checked<u64> = Checked {
    parse: whole::<_, 1, { i64::MAX as u64 }>,
    allowed: "the count must be a whole number from 1 to 9223372036854775807",
};

/// `--rate`.
pub const RATE: Checked<Rate> = Checked {
    parse: |text| match text {
        "max" => Some(Rate::Max),
        number => whole::<u64, 1, 10_000_000>(number).and_then(NonZeroU64::new).map(Rate::PerSecond),
    },
    allowed: "the rate must be a whole number from 1 to 10000000, or max",
};

/// `--retry`. The largest is fping's.
pub const RETRY: Checked<u32> =
    Checked { parse: whole::<_, 0, 20>, allowed: "the retries must be a whole number from 0 to 20" };

/// `--min-reachable`.
pub const MIN_REACHABLE: Checked<u32> = Checked {
    parse: whole::<_, 1, 16_777_216>,
    allowed: "the number of hosts must be a whole number from 1 to 16777216",
};

/// `-i`.
pub const INTERVAL: Checked<Duration> = Checked {
    parse: time::<{ i32::MAX as u64 }>,
    allowed: "the interval must be a number of seconds from 0 to 2147483647, or have a unit, as in 200ms or 5s",
};

/// `-w`.
pub const DEADLINE: Checked<Duration> = Checked {
    parse: time::<{ i32::MAX as u64 }>,
    allowed: "the deadline must be a number of seconds from 0 to 2147483647, or have a unit, as in 200ms or 5s",
};

/// `--every`.
pub const EVERY: Checked<Duration> = Checked {
    parse: |text| time::<{ i32::MAX as u64 }>(text).filter(|every| *every >= Duration::from_millis(1)),
    allowed: "the window must be a number of seconds from 0.001 to 2147483647, or have a unit, as in 200ms or 5s",
};

/// `-W`. The largest is INT_MAX milliseconds, as in iputils.
pub const LINGER: Checked<Duration> = Checked {
    parse: time::<{ i32::MAX as u64 / 1000 }>,
    allowed: "the wait must be a number of seconds from 0 to 2147483, or have a unit, as in 200ms or 5s",
};

/// `--timeout`.
pub const TIMEOUT: Checked<Duration> = Checked {
    parse: |text| time::<{ i32::MAX as u64 / 1000 }>(text).filter(|timeout| !timeout.is_zero()),
    allowed: "the timeout must be a number of seconds above 0, to 2147483, or have a unit, as in 200ms or 5s",
};

/// `-l`.
pub const PRELOAD: Checked<u64> =
    Checked { parse: whole::<_, 1, 65_536>, allowed: "the preload must be a whole number from 1 to 65536" };

/// `-s`: the widest range, IPv6's (RFC 8200 section 3: 65535 octets behind the header).
pub const SIZE: Checked<usize> = Checked {
    parse: whole::<_, 0, 65_527>,
    allowed: "the size must be a whole number from 0 to 65507 (to 65527 for IPv6)",
};

/// `-S`.
pub const SEND_BUFFER: Checked<usize> = Checked {
    parse: whole::<_, 1, { i32::MAX as u64 }>,
    allowed: "the send buffer must be a whole number from 1 to 2147483647",
};

/// `-t`.
pub const TTL: Checked<u8> =
    Checked { parse: whole::<_, 0, 255>, allowed: "the TTL must be a whole number from 0 to 255" };

/// `-Q`.
pub const TOS: Checked<u8> = Checked {
    parse: whole_or_hex::<_, 255>,
    allowed: "the type of service must be a whole number from 0 to 255, or from 0x0 to 0xff",
};

/// `-F`: 20 bits (RFC 8200 section 3).
pub const FLOW_LABEL: Checked<u32> = Checked {
    parse: whole_or_hex::<_, 0xf_ffff>,
    allowed: "the flow label must be a whole number from 0 to 1048575, or from 0x0 to 0xfffff",
};

/// `-m`.
pub const MARK: Checked<u32> = Checked {
    parse: whole_or_hex::<_, { u32::MAX as u64 }>,
    allowed: "the mark must be a whole number from 0 to 4294967295, or from 0x0 to 0xffffffff",
};

/// `-e`.
pub const IDENT: Checked<u16> = Checked {
    parse: whole_or_hex::<_, 65_535>,
    allowed: "the identifier must be a whole number from 0 to 65535, or from 0x0 to 0xffff",
};

/// `-p`: 1 to 16 octets.
pub const PATTERN: Checked<Pattern> =
    Checked { parse: pattern, allowed: "the pattern must be 1 to 32 hexadecimal digits" };

/// `-I`.
pub const VIA: Checked<Via> = Checked {
    parse: via,
    allowed: "must be an address of this host, the name of an interface (at most 15 octets), or ADDRESS%NAME",
};

/// `-N`, which is always refused.
pub const NODE_INFORMATION: Checked<()> =
    Checked { parse: |_| None, allowed: "node information queries are not supported" };

/// What hops record with `-T` (RFC 791 page 22).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stamps {
    /// `tsonly`.
    Only,
    /// `tsandaddr`.
    AndAddress,
    /// `tsprespec`: only the hosts that stand before the target.
    Prespecified,
}

/// The value of `--rate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// As fast as possible.
    Max,
    /// Probes a second.
    PerSecond(NonZeroU64),
}

/// The octets of `-p`, 1 to 16. A type of its own, since clap reads a vector as repeated options.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(pub Vec<u8>);

/// The value of one `-I`: an address, an interface, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Via {
    /// Address to send from.
    pub source: Option<IpAddr>,
    /// Interface to send through.
    pub device: Option<String>,
}

/// The name of a host as text.
///
/// # Errors
/// One line, if it is not UTF-8, or if it is a host with something around it.
pub fn host_name(name: &OsString) -> Result<String> {
    let Some(text) = name.to_str() else {
        bail!("{}: the host's name must be UTF-8 text", escape::argument(name))
    };
    check_alone(text)?;
    Ok(text.to_owned())
}

/// Refuses a host with something around it.
///
/// # Errors
/// One line with the host alone.
pub fn check_alone(text: &str) -> Result<()> {
    let shown = |text: &str| escape::argument(OsStr::new(text));
    match host_within(text) {
        Some(host) => bail!("{}: give the host alone: {}", shown(text), shown(host)),
        None => Ok(()),
    }
}

/// The host in a URL, in `HOST:PORT`, in `USER@HOST`, in `[ADDRESS]` or in `[ADDRESS]:PORT`; `None`: it is none of these.
fn host_within(text: &str) -> Option<&str> {
    let authority =
        text.split_once("://").map(|(_, rest)| rest.split(['/', '?', '#']).next().unwrap_or(rest));
    let place = authority.unwrap_or(text);
    // ip(8) has interfaces such as eth0@if5.
    let behind_user = place.rsplit_once('@').filter(|(user, _)| !user.contains('%')).map(|(_, place)| place);
    let place = behind_user.unwrap_or(place);
    let bracketed = place.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(address, _)| address);
    let before_port = || {
        let (host, port) = place.split_once(':')?;
        (!port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit())).then_some(host)
    };
    let host = bracketed.or_else(before_port).or(behind_user).or(authority)?;
    (!host.is_empty()).then_some(host)
}

/// The families to open sockets of, where one is required or none.
pub const fn families(required: Option<Family>) -> Families {
    match required {
        None => Families::Both,
        Some(Family::V4) => Families::V4,
        Some(Family::V6) => Families::V6,
    }
}

/// Decimal digits, perhaps after blanks, as strtol(3) skips them, and a `+`.
pub fn whole<T: TryFrom<u64>, const MIN: u64, const MAX: u64>(text: &str) -> Option<T> {
    let number = text.trim_ascii_start().parse().ok().filter(|number| (MIN..=MAX).contains(number))?;
    T::try_from(number).ok()
}

/// Decimal as [`whole`] reads it, or hexadecimal after `0x`; from 0.
pub fn whole_or_hex<T: TryFrom<u64>, const MAX: u64>(text: &str) -> Option<T> {
    T::try_from(up_to(MAX, text)?).ok()
}

/// The same, with a limit that is known at run time only.
pub fn up_to(max: u64, text: &str) -> Option<u64> {
    let text = text.trim_ascii_start();
    let number = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(digits) if digits.starts_with('+') => None,
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    number.filter(|number| *number <= max)
}

/// Pairs of hexadecimal digits; the last may stand alone, as sscanf's %2x reads it.
fn pattern(text: &str) -> Option<Pattern> {
    let valid = (1..=32).contains(&text.len()) && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    let octet = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok();
    let octets = text.as_bytes().chunks(2).map(octet).collect::<Option<Vec<u8>>>();
    octets.filter(|_| valid).map(Pattern)
}

/// `fe80::1%eth0`, `2001:db8::1`, `192.0.2.1`, `eth0`: what has a colon is IPv6, as in iputils.
fn via(text: &str) -> Option<Via> {
    if text.contains(':') {
        let (address, device) = match text.split_once('%') {
            Some((address, device)) => (address, Some(device)),
            None => (text, None),
        };
        let source = address.parse::<Ipv6Addr>().ok()?.to_canonical();
        let device = device.map(interface);
        return (device != Some(None)).then(|| Via { source: Some(source), device: device.flatten() });
    }
    match text.parse() {
        Ok(source) => Some(Via { source: Some(IpAddr::V4(source)), device: None }),
        Err(_) => Some(Via { source: None, device: Some(interface(text)?) }),
    }
}

/// A valid interface name (Linux dev_valid_name: IFNAMSIZ is 16, no `/`, `:` or blank).
pub fn interface(name: &str) -> Option<String> {
    let odd = |c: char| c == '/' || c == ':' || c == '\0' || c.is_ascii_whitespace();
    let valid = (1..=15).contains(&name.len()) && name != "." && name != ".." && !name.contains(odd);
    valid.then(|| name.to_string())
}
