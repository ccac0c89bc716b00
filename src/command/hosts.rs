//! Parses the words that name hosts, on the command line or in a file: prefixes, ranges, lists. Nothing is resolved.

use std::io::{self, BufRead};
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use anyhow::{Result, anyhow, ensure};

use crate::cli::values::check_alone;
use crate::escape::{escape, is_visible};
use crate::names::forward::{check, check_characters};
use crate::names::interface_index;

/// What one word of the command line, or of a line of a file, names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostSpec {
    /// A name or an address, to be resolved.
    Host(String),
    /// A number of addresses from the first on.
    Range {
        /// The first; port 0.
        first: SocketAddr,
        /// How many; at least 1.
        count: u128,
    },
}

/// Parses a word: `ADDRESS/LENGTH` is a prefix (RFC 4632 section 3.1, RFC 4291 section 2.3), `FIRST-LAST` a
/// range, and anything else a host. The network and broadcast addresses of an IPv4 prefix shorter than /31 are no
/// hosts (RFC 3021) and left out. A link-local prefix or range has its interface behind a `%` (RFC 4007 section 11.7).
///
/// # Errors
/// One line that begins with the word, escaped.
pub fn parse(word: &str) -> Result<HostSpec> {
    check_characters(word)?;
    check_alone(word)?;
    if let Some((address, length)) = word.split_once('/') {
        return prefix(address, length).map_err(|why| anyhow!("{}: {why}", escape(word)));
    }
    if let Some((first, last)) = ends(word) {
        return range(first, last).map_err(|why| anyhow!("{}: {why}", escape(word)));
    }
    check(word)?;
    Ok(HostSpec::Host(word.to_owned()))
}

/// The two ends of a range; `None`: it is none. The name of an interface can have a hyphen too.
fn ends(word: &str) -> Option<(&str, &str)> {
    let mut ends = word.match_indices('-').map(|(at, _)| (&word[..at], &word[at + 1..]));
    let found = ends.clone().find(|(first, last)| is_address(first) && is_address(last));
    found.or_else(|| ends.next().filter(|(first, _)| first.parse::<IpAddr>().is_ok()))
}

/// Whether a text is an address, with an interface or without.
fn is_address(text: &str) -> bool {
    text.split('%').next().is_some_and(|address| address.parse::<IpAddr>().is_ok())
}

/// An address, and its interface if it has one.
fn zoned(text: &str) -> Option<(IpAddr, Option<&str>)> {
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    Some((address.parse().ok()?, zone))
}

/// The number of an interface; 0: none is named.
fn scope(address: IpAddr, zone: Option<&str>) -> Result<u32> {
    let Some(zone) = zone else { return Ok(0) };
    let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    ensure!(link_local, "only a link-local address has an interface (%{})", escape(zone));
    let number = zone.parse().ok().filter(|number| *number > 0);
    interface_index(zone).or(number).ok_or_else(|| anyhow!("no interface is named '{}'", escape(zone)))
}

fn prefix(address: &str, length: &str) -> Result<HostSpec> {
    let (length, behind) =
        length.split_once('%').map_or((length, None), |(length, zone)| (length, Some(zone)));
    let (address, zone) =
        zoned(address).ok_or_else(|| anyhow!("a prefix must be ADDRESS/LENGTH, such as 192.0.2.0/24"))?;
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
    let scope = scope(address, one_zone(zone, behind)?)?;
    Ok(between(address, scope, first + edges, last - edges))
}

fn range(first: &str, last: &str) -> Result<HostSpec> {
    let wrong = || anyhow!("a range must be FIRST-LAST, two addresses of one family");
    let (first, zone) = zoned(first).ok_or_else(wrong)?;
    let (last, behind) =
        zoned(last).filter(|(last, _)| last.is_ipv4() == first.is_ipv4()).ok_or_else(wrong)?;
    ensure!(first <= last, "the last address of the range lies before the first");
    let number = |address| match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let zone = one_zone(zone, behind)?;
    // Both ends are to be link-local.
    scope(last, zone)?;
    Ok(between(first, scope(first, zone)?, number(first), number(last)))
}

/// The interface of a prefix or a range, which may stand in two places.
fn one_zone<'a>(one: Option<&'a str>, other: Option<&'a str>) -> Result<Option<&'a str>> {
    ensure!(
        one.is_none() || other.is_none() || one == other,
        "two interfaces are named; only one is possible"
    );
    Ok(one.or(other))
}

/// The addresses between two numbers, of the family of `like`.
fn between(like: IpAddr, scope: u32, first: u128, last: u128) -> HostSpec {
    let address = match (like, u32::try_from(first)) {
        (IpAddr::V4(_), Ok(first)) => SocketAddr::from((Ipv4Addr::from_bits(first), 0)),
        _ => SocketAddrV6::new(Ipv6Addr::from_bits(first), 0, 0, scope).into(),
    };
    HostSpec::Range { first: address, count: (last - first).saturating_add(1) }
}

/// Octets of a line from which on it is refused. A name has 253 at most (RFC 1035 section 2.3.4).
const LINE: usize = 4_096;

/// What some editors write in front of UTF-8 text.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// A line of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The target: the first word.
    pub word: &'a str,
    /// Its label: what follows, without the blanks around it.
    pub label: Option<&'a str>,
}

/// Reads a list, one target a line: the first word of the line. The rest of the line is its label. `#` begins a comment. A
/// line ends with LF, CR LF or CR. Each target or error goes to `each`, with the number of its line, from 1. Of a line no
/// more is kept than [`LINE`] octets. Text in UTF-16 is one error, and nothing of it is read.
///
/// # Errors
/// Those of reading.
pub fn list(
    reader: impl BufRead,
    mut each: impl FnMut(usize, Result<Line<'_>, &'static str>),
) -> io::Result<()> {
    let (mut lines, mut line) = (Lines { reader, after_cr: false }, Vec::new());
    for number in 1.. {
        if !lines.next(&mut line)? {
            break;
        }
        if number == 1 && is_utf16(&line) {
            each(number, Err("the list is UTF-16 text; it must be UTF-8"));
            break;
        }
        if line.len() == LINE {
            each(number, Err("a line must have fewer than 4096 octets"));
            continue;
        }
        let line = if number == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line) } else { &line };
        let text = line.split(|octet| *octet == b'#').next().unwrap_or_default();
        match str::from_utf8(text).map(words) {
            Ok(None) => {}
            Ok(Some(line)) => each(number, Ok(line)),
            Err(_) => each(number, Err("it is not UTF-8 text")),
        }
    }
    Ok(())
}

/// The first word of a line, and the rest. Around a label, all that is not visible is blank, but for control characters.
fn words(text: &str) -> Option<Line<'_>> {
    let text = text.trim_ascii();
    let (word, rest) = text.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((text, ""));
    let label = rest.trim_matches(|c: char| c.is_whitespace() || !(is_visible(c) || c.is_control()));
    (!word.is_empty()).then_some(Line { word, label: Some(label).filter(|label| !label.is_empty()) })
}

/// Whether a text begins as UTF-16: with a byte-order mark, or with an ASCII character in two octets.
fn is_utf16(text: &[u8]) -> bool {
    matches!(text, [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, 1..=0x7f, ..] | [1..=0x7f, 0, ..])
}

/// The lines of a text.
struct Lines<R> {
    reader: R,
    /// Whether the last line ended with CR: an LF that follows belongs to it.
    after_cr: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads the next line without its end, of a longer one the first [`LINE`] octets. Returns whether there was one.
    fn next(&mut self, line: &mut Vec<u8>) -> io::Result<bool> {
        line.clear();
        let mut begun = false;
        loop {
            let octets = match self.reader.fill_buf() {
                Ok(octets) => octets,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if octets.is_empty() {
                return Ok(begun);
            }
            if mem::take(&mut self.after_cr) && octets.starts_with(b"\n") {
                self.reader.consume(1);
                continue;
            }
            begun = true;
            let end = octets.iter().position(|octet| matches!(octet, b'\n' | b'\r'));
            let len = end.unwrap_or(octets.len());
            self.after_cr = octets.get(len) == Some(&b'\r');
            line.extend(octets.iter().take(len.min(LINE.saturating_sub(line.len()))));
            self.reader.consume(len + usize::from(end.is_some()));
            if end.is_some() {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A word as its first and last address and their number, or as the sentence that refuses it.
    fn read(word: &str) -> String {
        match parse(word) {
            Ok(HostSpec::Host(host)) => format!("host {host}"),
            Ok(HostSpec::Range { first: SocketAddr::V6(v6), count }) if v6.scope_id() != 0 => {
                format!("{}%{} {count}", v6.ip(), v6.scope_id())
            }
            Ok(HostSpec::Range { first, count }) => format!("{} {count}", first.ip()),
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
    fn a_link_local_prefix_or_range_has_its_interface() {
        for word in
            ["fe80::1-fe80::20%lo", "fe80::1%lo-fe80::20", "fe80::1%lo-fe80::20%lo", "fe80::1-fe80::20%1"]
        {
            assert_eq!(read(word), "fe80::1%1 32", "{word}");
        }
        for word in ["fe80::%lo/120", "fe80::7/120%lo"] {
            assert_eq!(read(word), "fe80::%1 256", "{word}");
        }
        let refused = [
            ("fe80::1-fe80::20%nope", "no interface is named 'nope'"),
            ("fe80::%/120", "no interface is named ''"),
            ("fe80::1%lo-fe80::20%nope", "two interfaces are named; only one is possible"),
            ("fe80::1-ff00::1%lo", "only a link-local address has an interface (%lo)"),
            ("10.0.0.1-10.0.0.2%lo", "only a link-local address has an interface (%lo)"),
            ("2001:db8::%lo/120", "only a link-local address has an interface (%lo)"),
        ];
        for (word, why) in refused {
            assert_eq!(read(word), format!("{word}: {why}"));
        }
        // The name of an interface can have a hyphen.
        for host in ["fe80::1%br-lan", "fe80::1%lo-9"] {
            assert_eq!(read(host), format!("host {host}"));
        }
    }

    #[test]
    fn anything_else_is_a_host_or_refused() {
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
            ("http://10.0.0.1/24", "give the host alone: 10.0.0.1"),
            ("10.0.0.1:80", "give the host alone: 10.0.0.1"),
            ("[::1]", "give the host alone: ::1"),
        ];
        for (word, why) in refused {
            assert_eq!(read(word), format!("{word}: {why}"));
        }
        for host in ["localhost", "a-b.example", "1.2.3.4", "1-2", "fe80::1%lo", "127.1", "fe80::1%eth0@if5"]
        {
            assert_eq!(read(host), format!("host {host}"));
        }
        assert_eq!(read(""), "the host is empty; give a name or an address");
        for (word, shown, code) in [
            ("\u{1b}[2J/8", "\\x1b[2J/8", "U+001B"),
            ("10.0.0.1\u{a0}", "10.0.0.1\\u{a0}", "U+00A0"),
            ("10.0.0.0/\u{200b}8", "10.0.0.0/\\u{200b}8", "U+200B"),
            ("\u{202e}host", "\\u{202e}host", "U+202E"),
        ] {
            assert_eq!(read(word), format!("{shown}: a host's name cannot have the character {code}"));
        }
    }

    #[test]
    fn a_list_is_read_line_by_line_and_bad_lines_are_named() {
        let text = b"\xef\xbb\xbf# all\nlocalhost  # here\n\n\t10.0.0.1\r\nfirst word\n\xff\n::1".as_slice();
        let mut lines = Vec::new();
        list(text, |number, line| lines.push((number, line.map(|line| line.word.to_owned())))).unwrap();
        let expected = [
            (2, Ok("localhost".to_owned())),
            (4, Ok("10.0.0.1".to_owned())),
            (5, Ok("first".to_owned())),
            (6, Err("it is not UTF-8 text")),
            (7, Ok("::1".to_owned())),
        ];
        assert_eq!(lines, expected);
    }

    /// The targets and errors of a list, with the numbers of their lines.
    fn lines(text: &[u8]) -> Vec<(usize, Result<String, &'static str>)> {
        let mut lines = Vec::new();
        // A small buffer: a line and its end come in several reads.
        let reader = io::BufReader::with_capacity(3, text);
        list(reader, |number, line| lines.push((number, line.map(|line| line.word.to_owned())))).unwrap();
        lines
    }

    #[test]
    fn a_line_ends_with_lf_or_cr_or_both() {
        let expected = [(1, Ok("a".to_owned())), (2, Ok("b".to_owned())), (4, Ok("c".to_owned()))];
        for text in ["a\nb\n\nc", "a\r\nb\r\n\r\nc\r\n", "a\rb\r\rc\r", "a x\nb\ty\r\n \rc # d\n"] {
            assert_eq!(lines(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(lines(b""), []);
    }

    #[test]
    fn the_rest_of_a_line_is_the_label() {
        let label = |line: &str| {
            let mut label = None;
            list(line.as_bytes(), |_, line| label = line.unwrap().label.map(str::to_owned)).unwrap();
            label.unwrap_or_default()
        };
        for (line, expected) in [
            ("10.9.0.2", ""),
            ("10.9.0.2 router1 # core", "router1"),
            ("\t10.9.0.2\t two  words \r\n", "two  words"),
            ("10.9.0.2 \u{a0}\u{feff}", ""),
            ("10.9.0.2 \u{3000}rack\u{a0}5\u{200b}", "rack\u{a0}5"),
            ("10.9.0.2 \u{1b}[31mred\u{7}", "\u{1b}[31mred\u{7}"),
            ("10.9.0.2 #", ""),
            ("host m\u{fc}nchen \u{4f8b}", "m\u{fc}nchen \u{4f8b}"),
        ] {
            assert_eq!(label(line), expected, "{line:?}");
        }
    }

    #[test]
    fn a_list_in_utf16_is_named_as_one() {
        let utf16 = [(1, Err("the list is UTF-16 text; it must be UTF-8"))];
        for mark in [None, Some(0xfeff_u16)] {
            let units = || mark.into_iter().chain("::1\n::2\n".encode_utf16());
            assert_eq!(lines(&units().flat_map(u16::to_le_bytes).collect::<Vec<_>>()), utf16);
            assert_eq!(lines(&units().flat_map(u16::to_be_bytes).collect::<Vec<_>>()), utf16);
        }
    }

    #[test]
    fn a_line_without_end_takes_no_memory_and_spoils_no_other() {
        let long = vec![b'a'; 10_000_000];
        for end in [&b"\n::1"[..], b"\n::1\n"] {
            let text = [b"::2\n", &long[..], end].concat();
            let mut lines = Vec::new();
            let mut add = |number, line: Result<Line<'_>, _>| {
                lines.push((number, line.map(|line| line.word.to_owned())));
            };
            list(text.as_slice(), &mut add).unwrap();
            let too_long = Err("a line must have fewer than 4096 octets");
            assert_eq!(lines, [(1, Ok("::2".to_owned())), (2, too_long), (3, Ok("::1".to_owned()))]);
        }
        let mut count = 0;
        list(&long[..4_095], |_, line| count += line.unwrap().word.len()).unwrap();
        assert_eq!(count, 4_095);
    }
}
