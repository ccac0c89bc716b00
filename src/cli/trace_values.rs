//! Values of the options of traceroute: text in, checked data out.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use super::time::{seconds, time};
use super::values::{Checked, interface, whole_or_hex};
use crate::engine::trace::Wait;

/// The method that a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MethodName {
    /// UDP to the traceroute ports.
    Default,
    /// ICMP echo.
    Icmp,
    /// TCP segments.
    Tcp,
    /// TCP connections.
    TcpConnect,
    /// UDP to one port.
    Udp,
    /// UDP-Lite.
    UdpLite,
    /// DCCP requests.
    Dccp,
    /// Another protocol.
    Raw,
}

/// A name, and its value if it has one. The method decides which are allowed.
pub type MethodOption = (String, Option<String>);

/// The options in one `-O`, separated by commas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MethodOptions(pub Vec<MethodOption>);

/// `-O`.
pub const METHOD_OPTIONS: Checked<MethodOptions> = Checked {
    parse: |text| {
        let option = |text: &str| match text.split_once('=') {
            Some((name, value)) => (name.to_string(), Some(value.to_string())),
            None => (text.to_string(), None),
        };
        let options: Vec<_> = text.split(',').map(option).collect();
        options.iter().all(|(name, _)| !name.is_empty()).then_some(MethodOptions(options))
    },
    allowed: "options of the method must be names, perhaps with =VALUE, joined by commas; -O help lists them",
};

/// `-P`: a number, or a name of /etc/protocols.
pub const PROTOCOL: Checked<u8> = Checked {
    parse: |text| whole_or_hex::<_, 255>(text).or_else(|| numbered("/etc/protocols", text)),
    allowed: "the protocol must be a whole number from 0 to 255, or a name of /etc/protocols",
};

/// `-p`: a number, or a name of /etc/services.
pub const PORT: Checked<u16> = Checked {
    parse: |text| whole_or_hex::<_, 65_535>(text).or_else(|| numbered("/etc/services", text)),
    allowed: "the port must be a whole number from 0 to 65535, or a name of /etc/services",
};

/// The number of a name in a file of protocols(5) or services(5).
fn numbered<T: FromStr>(file: &str, name: &str) -> Option<T> {
    entry(&String::from_utf8_lossy(&std::fs::read(file).ok()?), name)?.parse().ok()
}

/// The number of the first line with this name: a name, a number (perhaps with `/tcp` behind it) and further names.
fn entry<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (first, number) = (words.next()?, words.next()?);
        let named = first == name || words.any(|alias| alias == name);
        number.split('/').next().filter(|_| named)
    })
}

/// `--sport`.
pub const SOURCE_PORT: Checked<u16> = Checked {
    parse: from_one::<_, 65_535>,
    allowed: "the source port must be a whole number from 1 to 65535",
};

/// `-f`.
pub const FIRST: Checked<u8> =
    Checked { parse: from_one::<_, 255>, allowed: "the first hop must be a whole number from 1 to 255" };

/// `-m`.
pub const MAX_HOPS: Checked<u8> =
    Checked { parse: from_one::<_, 255>, allowed: "the last hop must be a whole number from 1 to 255" };

/// `-q`.
pub const QUERIES: Checked<u8> = Checked {
    parse: from_one::<_, 10>,
    allowed: "the probes for each hop must be a whole number from 1 to 10",
};

/// `-N`.
pub const PARALLEL: Checked<u16> = Checked {
    parse: from_one::<_, 65_535>,
    allowed: "the probes at a time must be a whole number from 1 to 65535",
};

/// `--gap-limit`.
pub const GAP_LIMIT: Checked<u8> =
    Checked { parse: from_one::<_, 255>, allowed: "the gap limit must be a whole number from 1 to 255" };

/// Octets of a packet, the largest that traceroute(8) takes.
pub const PACKET_LEN: Checked<usize> = Checked {
    parse: whole_or_hex::<_, 65_000>,
    allowed: "the length of a packet must be a whole number from 0 to 65000",
};

/// `-w`. A factor that is left out is 0, which disables it.
pub const WAIT: Checked<Wait> = Checked {
    parse: |text| {
        let mut parts = text.split([',', '/']);
        let max = time::<86_400>(parts.next()?)?;
        let mut factor = || match parts.next() {
            None | Some("") => Some(0.0),
            Some(text) => seconds::<1_000_000>(text).map(|value| value.as_secs_f64()),
        };
        let (here, near) = (factor()?, factor()?);
        parts.next().is_none().then_some(Wait::Given { max, here, near })
    },
    allowed: "the wait must be MAX[,HERE,NEAR]: seconds from 0 to 86400 or a time such as 200ms, and two factors",
};

/// `-z`: seconds below 10, milliseconds from 10 on, as traceroute(8) does (its manual has "more than 10").
pub const GAP: Checked<Duration> = Checked {
    parse: |text| {
        let scaled = |value| if value >= Duration::from_secs(10) { value / 1000 } else { value };
        seconds::<86_400_000>(text).map(scaled).or_else(|| time::<86_400>(text))
    },
    allowed: "the time between probes must be a number of seconds below 10, or from there on of milliseconds, \
              or have a unit, as in 200ms or 5s",
};

/// `-i`.
pub const INTERFACE: Checked<String> =
    Checked { parse: interface, allowed: "the interface must be a name of at most 15 octets" };

/// `-s`.
pub const ADDRESS: Checked<IpAddr> =
    Checked { parse: |text| text.parse().ok(), allowed: "the source must be an address of this host" };

/// `--as-server`: port 53 by default.
pub const SERVER: Checked<SocketAddr> = Checked {
    parse: |text| {
        let bare = |text: &str| text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 53));
        let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok();
        let server = text.parse().ok().or_else(|| bare(text));
        server.or_else(|| bracketed().map(|ip| SocketAddr::new(ip.into(), 53)))
    },
    allowed: "the DNS server must be an address, with a port behind a colon if it is not 53",
};

/// `--as-zone`.
pub const ZONE: Checked<String> = Checked {
    parse: |text| {
        let label = |label: &str| {
            let valid = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
            (1..=63).contains(&label.len()) && label.bytes().all(valid)
        };
        (text.len() <= 120 && text.split('.').all(label)).then(|| text.to_string())
    },
    allowed: "the zone must be a domain name of at most 120 octets",
};

/// As [`whole_or_hex`], but not 0.
fn from_one<T: TryFrom<u64> + PartialEq + Default, const MAX: u64>(text: &str) -> Option<T> {
    whole_or_hex::<T, MAX>(text).filter(|number| *number != T::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_or_alias_of_a_file_of_names_has_its_number() {
        let text =
            "# https 1/tcp\nhttp\t80/tcp www\t# web https\nhttps 443/tcp\nhttps 443/udp\nicmp 1 ICMP\nbare\n";
        let numbers =
            ["https", "www", "http", "icmp", "ICMP", "web", "bare", "#", ""].map(|name| entry(text, name));
        let expected = [Some("443"), Some("80"), Some("80"), Some("1"), Some("1"), None, None, None, None];
        assert_eq!(numbers, expected);
    }
}
