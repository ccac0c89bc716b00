//! Names to addresses: the blocking forward lookup before the run. It knows no options and no packets.

use std::io::{self, BufRead};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{Result, anyhow, ensure};

use crate::transport::lookup;

/// One address that a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The address, with its scope if it has one. The port is 0.
    pub addr: SocketAddr,
    /// The canonical name of the host, when the lookup told one; not yet fit for a terminal.
    pub canonical: Option<String>,
}

/// What a word on the command line, or a line of a file, stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Given {
    /// A name or an address, to be resolved.
    Host(String),
    /// So many addresses from the first on.
    Range {
        /// The first; port 0.
        first: SocketAddr,
        /// How many; at least 1.
        count: u128,
    },
}

/// Reads a word: `ADDRESS/LENGTH` is a prefix (RFC 4632 section 3.1, RFC 4291 section 2.3), `FIRST-LAST` a
/// range, and all else a host.
///
/// The network and broadcast addresses of an IPv4 prefix shorter than /31 are no hosts (RFC 3021) and left
/// out. The error is a line that begins with the word, made safe to print.
pub fn given(word: &str) -> Result<Given> {
    if let Some((address, length)) = word.split_once('/') {
        return prefix(address, length).map_err(|why| anyhow!("{}: {why}", shown(word)));
    }
    if let Some((first, last)) = word.split_once('-')
        && let Ok(first) = first.parse::<IpAddr>()
    {
        return range(first, last).map_err(|why| anyhow!("{}: {why}", shown(word)));
    }
    check(word)?;
    Ok(Given::Host(word.to_owned()))
}

fn prefix(address: &str, length: &str) -> Result<Given> {
    let address: IpAddr =
        address.parse().map_err(|_| anyhow!("a prefix must be ADDRESS/LENGTH, such as 192.0.2.0/24"))?;
    let bits: u32 = if address.is_ipv4() { 32 } else { 128 };
    let digits = length.bytes().all(|octet| octet.is_ascii_digit());
    let length = length.parse().ok().filter(|length: &u32| digits && *length <= bits);
    let length =
        length.ok_or_else(|| anyhow!("the length of a prefix must be a whole number from 0 to {bits}"))?;
    let host = u128::MAX.checked_shr(128 - (bits - length)).unwrap_or(0);
    let (first, last) = match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) & !host, u128::from(v4.to_bits()) | host),
        IpAddr::V6(v6) => (v6.to_bits() & !host, v6.to_bits() | host),
    };
    let edges = u128::from(address.is_ipv4() && length < 31);
    Ok(between(address, first + edges, last - edges))
}

fn range(first: IpAddr, last: &str) -> Result<Given> {
    let last: Option<IpAddr> = last.parse().ok().filter(|last: &IpAddr| last.is_ipv4() == first.is_ipv4());
    let last = last.ok_or_else(|| anyhow!("a range must be FIRST-LAST, two addresses of one family"))?;
    ensure!(first <= last, "the last address of the range lies before the first");
    let number = |address| match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    Ok(between(first, number(first), number(last)))
}

/// The addresses between two numbers, of the family of `like`.
fn between(like: IpAddr, first: u128, last: u128) -> Given {
    let ip = match (like, u32::try_from(first)) {
        (IpAddr::V4(_), Ok(first)) => IpAddr::V4(Ipv4Addr::from_bits(first)),
        _ => IpAddr::V6(Ipv6Addr::from_bits(first)),
    };
    Given::Range { first: SocketAddr::new(ip, 0), count: (last - first).saturating_add(1) }
}

/// The words of a list, one a line; `#` begins a comment. What cannot be read is told with the number of its
/// line, from 1.
///
/// # Errors
/// Those of reading.
pub fn list(
    mut reader: impl BufRead,
    mut each: impl FnMut(usize, Result<&str, &'static str>),
) -> io::Result<()> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let text = line.split(|octet| *octet == b'#').next().unwrap_or_default().trim_ascii();
        match str::from_utf8(text) {
            Ok("") => {}
            Ok(word) if word.contains(|c: char| c.is_whitespace() || c.is_control()) => {
                each(number, Err("one target per line is allowed"));
            }
            Ok(word) => each(number, Ok(word)),
            Err(_) => each(number, Err("it is not UTF-8 text")),
        }
    }
    Ok(())
}

/// The addresses of a host that `wanted` accepts, in getaddrinfo's order (RFC 6724), each once; at least one.
///
/// Numeric addresses need no DNS: IPv4 as inet_aton(3) reads it (`127.1`, `010.1` is 8.0.0.1), IPv6 with
/// or without `%` and an interface. An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is the IPv4
/// address in it: ICMPv6 cannot reach it. Names beyond ASCII are looked up in
/// their ASCII form (RFC 5891), which the C library makes of them as the locale says.
///
/// The error is a line that begins with the name, made safe to print.
pub fn resolve(name: &str, wanted: fn(&IpAddr) -> bool) -> Result<Vec<Candidate>> {
    check(name)?;
    // The resolver would say the same, and cost more than the rest of a start.
    if let Ok(address) = name.parse::<IpAddr>() {
        let addr = unmapped(SocketAddr::new(address, 0));
        ensure!(wanted(&addr.ip()), "{}: {WRONG_FAMILY}", shown(name));
        return Ok(vec![Candidate { addr, canonical: Some(name.to_string()) }]);
    }
    let international = if name.is_ascii() { 0 } else { AI_IDN | AI_CANONIDN };
    let found = lookup(name, libc::AI_CANONNAME | international).map_err(|error| match scope(name) {
        Some(scope) => anyhow!("{}: no interface is named '{}'", shown(name), shown(scope)),
        None => anyhow!("{}: {error}", shown(name)),
    })?;
    let candidates = candidates(found, wanted);
    // getaddrinfo is asked for all families, since glibc tells scopes only then.
    ensure!(!candidates.is_empty(), "{}: {WRONG_FAMILY}", shown(name));
    Ok(candidates)
}

/// netdb.h (glibc): encode a name beyond ASCII before it is looked up, and decode its canonical name.
const AI_IDN: i32 = 0x0040;
const AI_CANONIDN: i32 = 0x0080;

/// The text of EAI_ADDRFAMILY.
const WRONG_FAMILY: &str = "Address family for hostname not supported";

/// The wanted addresses, each once, all with the canonical name.
fn candidates(
    (found, canonical): (Vec<SocketAddr>, Option<String>),
    wanted: fn(&IpAddr) -> bool,
) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for addr in found.into_iter().map(unmapped) {
        if wanted(&addr.ip()) && !candidates.iter().any(|candidate| candidate.addr == addr) {
            candidates.push(Candidate { addr, canonical: canonical.clone() });
        }
    }
    candidates
}

/// Whether a host is given as an address, so that no DNS is asked.
pub fn is_numeric(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok() || (check(name).is_ok() && lookup(name, libc::AI_NUMERICHOST).is_ok())
}

/// Refuses what no host can be called.
fn check(name: &str) -> Result<()> {
    ensure!(!name.is_empty(), "the host is empty; give a name or an address");
    ensure!(name.len() <= MAX_NAME, "the host's name has {} octets; the longest has {MAX_NAME}", name.len());
    ensure!(!name.contains('\0'), "{}: the host's name holds a NUL", shown(name));
    ensure!(
        !name.starts_with('-'),
        "{}: a host's name cannot begin with '-'; options stand before '--'",
        shown(name)
    );
    Ok(())
}

/// Octets of the longest name (RFC 1035 section 2.3.4).
const MAX_NAME: usize = 255;

/// The interface of a scoped IPv6 address.
fn scope(name: &str) -> Option<&str> {
    let (address, scope) = name.split_once('%')?;
    address.parse::<Ipv6Addr>().ok().map(|_| scope)
}

fn unmapped(addr: SocketAddr) -> SocketAddr {
    match addr.ip().to_canonical() {
        IpAddr::V4(v4) => SocketAddr::from((v4, addr.port())),
        IpAddr::V6(_) => addr,
    }
}

/// A name from the command line as an error may show it: nothing in it moves a cursor or hides.
fn shown(name: &str) -> String {
    let mut shown = String::new();
    for character in name.chars() {
        match character {
            '\'' | '"' => shown.push(character),
            _ => shown.extend(character.escape_debug()),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(name: &str) -> Result<Vec<String>, String> {
        match resolve(name, |_| true) {
            Ok(found) => Ok(found.iter().map(|candidate| candidate.addr.to_string()).collect()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn one(address: &str) -> Result<Vec<String>, String> {
        Ok(vec![address.to_string()])
    }

    fn refused(line: &str) -> Result<Vec<String>, String> {
        Err(line.to_string())
    }

    /// A word as its first and last address and their number, or as the sentence that refuses it.
    fn read(word: &str) -> String {
        match given(word) {
            Ok(Given::Host(host)) => format!("host {host}"),
            Ok(Given::Range { first, count }) => format!("{} {count}", first.ip()),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn prefixes_are_their_hosts() {
        let read_as = [
            ("198.51.100.0/24", "198.51.100.1 254"),
            ("198.51.100.77/24", "198.51.100.1 254"),
            ("198.51.100.7/30", "198.51.100.5 2"),
            ("198.51.100.7/31", "198.51.100.6 2"),
            ("198.51.100.7/32", "198.51.100.7 1"),
            ("10.0.0.0/8", "10.0.0.1 16777214"),
            ("1.2.3.4/0", "0.0.0.1 4294967294"),
            ("2001:db8::/120", "2001:db8:: 256"),
            ("2001:db8::9/127", "2001:db8::8 2"),
            ("2001:db8::9/128", "2001:db8::9 1"),
            ("2001:db8::9/64", "2001:db8:: 18446744073709551616"),
            ("2001:db8::/0", ":: 340282366920938463463374607431768211455"),
        ];
        for (word, expected) in read_as {
            assert_eq!(read(word), expected, "{word}");
        }
    }

    #[test]
    fn ranges_hold_both_ends() {
        assert_eq!(read("192.0.2.10-192.0.2.40"), "192.0.2.10 31");
        assert_eq!(read("192.0.2.255-192.0.3.0"), "192.0.2.255 2");
        assert_eq!(read("192.0.2.1-192.0.2.1"), "192.0.2.1 1");
        assert_eq!(read("0.0.0.0-255.255.255.255"), "0.0.0.0 4294967296");
        assert_eq!(read("2001:db8::f-2001:db8::1:f"), "2001:db8::f 65537");
    }

    #[test]
    fn all_else_is_a_host_or_refused() {
        let prefix = "a prefix must be ADDRESS/LENGTH, such as 192.0.2.0/24";
        let length = |bits| format!("the length of a prefix must be a whole number from 0 to {bits}");
        let range = "a range must be FIRST-LAST, two addresses of one family";
        let refused = [
            ("host/24", prefix),
            ("/24", prefix),
            ("1.2.3/24", prefix),
            ("1.2.3.4/33", &length(32)),
            ("1.2.3.4/", &length(32)),
            ("1.2.3.4/+8", &length(32)),
            ("1.2.3.4/255.0.0.0", &length(32)),
            ("::/129", &length(128)),
            ("1.2.3.4-", range),
            ("1.2.3.4-9", range),
            ("1.2.3.4-::1", range),
            ("1.2.3.4-1.2.3.3", "the last address of the range lies before the first"),
        ];
        for (word, why) in refused {
            assert_eq!(read(word), format!("{word}: {why}"));
        }
        for host in ["localhost", "a-b.example", "1.2.3.4", "1-2", "fe80::1%lo", "127.1"] {
            assert_eq!(read(host), format!("host {host}"));
        }
        assert_eq!(read(""), "the host is empty; give a name or an address");
        assert_eq!(read("\u{1b}[2J/8"), format!("\\u{{1b}}[2J/8: {prefix}"));
    }

    #[test]
    fn a_list_is_read_line_by_line_and_bad_lines_are_named() {
        let text = b"# all\nlocalhost  # here\n\n\t10.0.0.1\r\ntwo words\n\xff\n::1".as_slice();
        let mut told = Vec::new();
        list(text, |number, word| told.push((number, word.map(str::to_owned)))).unwrap();
        let expected = [
            (2, Ok("localhost".to_owned())),
            (4, Ok("10.0.0.1".to_owned())),
            (5, Err("one target per line is allowed")),
            (6, Err("it is not UTF-8 text")),
            (7, Ok("::1".to_owned())),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn numbers_are_addresses_as_inet_aton_reads_them() {
        assert_eq!(addresses("127.0.0.1"), one("127.0.0.1:0"));
        assert_eq!(addresses("127.1"), one("127.0.0.1:0"));
        assert_eq!(addresses("010.1"), one("8.0.0.1:0"));
        assert_eq!(addresses("0x7f.1"), one("127.0.0.1:0"));
        assert_eq!(addresses("2130706433"), one("127.0.0.1:0"));
        assert_eq!(addresses("0"), one("0.0.0.0:0"));
        assert_eq!(addresses("::1"), one("[::1]:0"));
        assert_eq!(addresses("2001:DB8::0:1"), one("[2001:db8::1]:0"));
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address_in_it() {
        assert_eq!(addresses("::ffff:127.0.0.1"), one("127.0.0.1:0"));
        let error = resolve("::ffff:127.0.0.1", IpAddr::is_ipv6).unwrap_err();
        assert_eq!(error.to_string(), "::ffff:127.0.0.1: Address family for hostname not supported");
    }

    #[test]
    fn a_scope_must_be_an_interface_of_this_host() {
        assert_eq!(addresses("fe80::1%lo"), one("[fe80::1%1]:0"));
        assert_eq!(addresses("fe80::1%nope"), refused("fe80::1%nope: no interface is named 'nope'"));
        assert_eq!(addresses("fe80::1%"), refused("fe80::1%: no interface is named ''"));
    }

    #[test]
    fn the_wrong_family_is_named_as_getaddrinfo_names_it() {
        let error = resolve("127.0.0.1", IpAddr::is_ipv6).unwrap_err();
        assert_eq!(error.to_string(), "127.0.0.1: Address family for hostname not supported");
        let error = resolve("::1", IpAddr::is_ipv4).unwrap_err();
        assert_eq!(error.to_string(), "::1: Address family for hostname not supported");
    }

    #[test]
    fn hosts_that_cannot_be_are_refused_in_one_line() {
        assert_eq!(addresses(""), refused("the host is empty; give a name or an address"));
        let long = "a".repeat(300);
        assert_eq!(addresses(&long), refused("the host's name has 300 octets; the longest has 255"));
        assert_eq!(addresses("a\0b"), refused("a\\0b: the host's name holds a NUL"));
        let dashed = "-f: a host's name cannot begin with '-'; options stand before '--'";
        assert_eq!(addresses("-f"), refused(dashed));
        // No locale is set here, so that the C library does not know how this name is encoded.
        assert_eq!(
            addresses("1.2.3.4.5 \u{202e}x"),
            refused("1.2.3.4.5 \\u{202e}x: Parameter string not correctly encoded")
        );
    }

    #[test]
    fn a_name_in_an_error_cannot_move_a_cursor() {
        let moving = "\u{1b}[31m\u{9b}2J\u{7}\n\r\t\0\u{7f}";
        assert_eq!(shown(moving), r"\u{1b}[31m\u{9b}2J\u{7}\n\r\t\0\u{7f}");
        let hiding = "\u{202e}\u{200b}\u{2066}\u{feff}";
        assert_eq!(shown(hiding), r"\u{202e}\u{200b}\u{2066}\u{feff}");
        assert_eq!(shown("it's $(id) bücher"), "it's $(id) bücher");
    }

    #[test]
    fn only_addresses_are_numeric() {
        let numeric = |name| is_numeric(name);
        for name in ["127.0.0.1", "127.1", "0x7f000001", "::1", "fe80::1%lo", "::ffff:1.2.3.4"] {
            assert!(numeric(name), "{name}");
        }
        for name in ["localhost", "fe80::1%nope", "", "-1", "1.2.3.4.5", "1.2.3.4 ", "::1 "] {
            assert!(!numeric(name), "{name}");
        }
    }

    #[test]
    fn each_address_comes_once_in_order_with_the_canonical_name() {
        let addr = |text: &str| -> SocketAddr { text.parse().unwrap() };
        let found = ["[::1]:0", "192.0.2.2:0", "192.0.2.1:0", "192.0.2.2:0"].map(addr).to_vec();
        let named = |text| Candidate { addr: addr(text), canonical: Some("name".to_string()) };
        let expected = [named("192.0.2.2:0"), named("192.0.2.1:0")];
        assert_eq!(candidates((found, Some("name".to_string())), IpAddr::is_ipv4), expected);
    }

    #[test]
    fn localhost_is_known_without_dns() {
        let found = resolve("localhost", IpAddr::is_ipv4).unwrap();
        let addrs: Vec<String> = found.iter().map(|candidate| candidate.addr.to_string()).collect();
        assert_eq!(addrs, ["127.0.0.1:0"]);
        assert!(found[0].canonical.is_some());
    }
}
