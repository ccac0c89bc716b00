//! Names to addresses: the forward lookup before the run, which blocks. No options, no packets.

use std::ffi::CString;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use anyhow::{Result, anyhow, bail, ensure};

use crate::escape::{escape, is_visible};
use crate::names::{international, resolv_conf};
use crate::sys::{self, ResolverError, address, interfaces};

/// The families of the addresses that are looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressFamilies {
    /// IPv4 and IPv6.
    Any,
    /// IPv4: no query for AAAA is sent.
    V4,
    /// IPv6: no query for A is sent.
    V6,
}

impl AddressFamilies {
    /// Whether an address is of such a family.
    pub const fn accepts(self, address: &IpAddr) -> bool {
        match self {
            Self::Any => true,
            Self::V4 => address.is_ipv4(),
            Self::V6 => address.is_ipv6(),
        }
    }

    /// As getaddrinfo(3) has it.
    const fn family(self) -> i32 {
        match self {
            Self::Any => libc::AF_UNSPEC,
            Self::V4 => libc::AF_INET,
            Self::V6 => libc::AF_INET6,
        }
    }
}

/// One address of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The address, with its scope if it has one. The port is 0.
    pub addr: SocketAddr,
    /// The canonical name of the host if the lookup returned one; not escaped.
    pub canonical: Option<String>,
}

/// Which step of a lookup found nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupStep {
    /// Neither the hosts file nor a name server has the name (EAI_NONAME).
    Name,
    /// The name has no address, or none of the family (EAI_NODATA, EAI_ADDRFAMILY).
    Address,
    /// No name server answered (EAI_AGAIN).
    Server,
    /// Anything else.
    Other,
}

/// A name that was not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotFound {
    /// The name, escaped.
    name: String,
    /// The resolver's sentence.
    text: String,
    /// Where it ended.
    pub step: LookupStep,
}

impl NotFound {
    pub(super) fn new(name: &str, ResolverError { number, text }: ResolverError) -> Self {
        let step = match number {
            libc::EAI_NONAME => LookupStep::Name,
            libc::EAI_NODATA | EAI_ADDRFAMILY => LookupStep::Address,
            libc::EAI_AGAIN => LookupStep::Server,
            _ => LookupStep::Other,
        };
        Self { name: escape(name).into_owned(), text, step }
    }
}

/// glibc's number, which libc lacks.
const EAI_ADDRFAMILY: i32 = -9;

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.text)
    }
}

impl std::error::Error for NotFound {}

/// The addresses of a host that `wanted` accepts, in getaddrinfo's order (RFC 6724), each once; at least one. The
/// resolver is queried for this family only.
///
/// Numeric addresses need no DNS: IPv4 as inet_aton(3) reads it (`127.1`, `010.1` is 8.0.0.1), IPv6 with
/// or without `%` and an interface. An IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2) is the IPv4
/// address in it: ICMPv6 cannot reach it. Names beyond ASCII are looked up in their ASCII form (RFC 5891), whatever the
/// locale.
///
/// # Errors
/// One line that begins with the name, escaped: no such name, no such interface, or no address that `wanted` accepts.
pub fn resolve(name: &str, wanted: AddressFamilies) -> Result<Vec<Candidate>> {
    check(name)?;
    let scoped = scoped(name);
    if let Some((_, interface)) = scoped.filter(|(address, _)| !interfaces::is_link_local(*address)) {
        bail!("{}: only a link-local address has an interface (%{})", escape(name), escape(interface));
    }
    // getaddrinfo would give the same result, but takes longer than the rest of the start-up.
    if let Ok(address) = name.parse::<IpAddr>() {
        let addr = unmapped(SocketAddr::new(address, 0));
        ensure!(wanted.accepts(&addr.ip()), "{}: {WRONG_FAMILY}", escape(name));
        return Ok(vec![Candidate { addr, canonical: Some(name.to_string()) }]);
    }
    let encoded = international::to_ascii(name)?;
    let look_up = |wanted| {
        lookup(&encoded, wanted, libc::AI_CANONNAME).map_err(|error| match scoped {
            Some((_, scope)) => anyhow!("{}: no interface is named '{}'", escape(name), escape(scope)),
            None => anyhow::Error::new(NotFound::new(name, error)),
        })
    };
    let mut found = look_up(wanted)?;
    // glibc returns the interfaces of link-local addresses only if every family is requested.
    if wanted == AddressFamilies::V6 && found.0.iter().any(lacks_scope) {
        found = look_up(AddressFamilies::Any)?;
    }
    if !name.is_ascii() {
        found.1 = found.1.map(|canonical| international::to_unicode(&canonical));
    }
    let candidates = candidates(found, wanted);
    ensure!(!candidates.is_empty(), "{}: {WRONG_FAMILY}", escape(name));
    Ok(candidates)
}

/// The addresses of a host in the order of preference (RFC 6724), and its canonical name.
///
/// `flags` are those of getaddrinfo(3). Octets of a canonical name that are not UTF-8 are replaced. Blocks for as long
/// as the resolver does.
///
/// # Errors
/// Those of getaddrinfo(3).
fn lookup(
    host: &str,
    wanted: AddressFamilies,
    flags: i32,
) -> Result<(Vec<SocketAddr>, Option<String>), ResolverError> {
    let Ok(host) = CString::new(host) else {
        let text = "a name cannot hold a NUL".to_owned();
        return Err(ResolverError { number: libc::EAI_NONAME, text });
    };
    let found = sys::get_addresses(&host, wanted.family(), flags)?;
    let addresses = found.names.iter().filter_map(|name| address(name)).collect();
    Ok((addresses, found.canonical.map(|name| String::from_utf8_lossy(&name).into_owned())))
}

/// The text of EAI_ADDRFAMILY.
pub const WRONG_FAMILY: &str = "Address family for hostname not supported";

/// The wanted addresses, each once, all with the canonical name.
fn candidates(
    (found, canonical): (Vec<SocketAddr>, Option<String>),
    wanted: AddressFamilies,
) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for addr in found.into_iter().map(unmapped) {
        if wanted.accepts(&addr.ip()) && !candidates.iter().any(|candidate| candidate.addr == addr) {
            candidates.push(Candidate { addr, canonical: canonical.clone() });
        }
    }
    candidates
}

/// The absolute name (with a dot at its end) if that is what the C library looks up first: a name with as many dots as
/// `options ndots` has. Of others it tries the domains of the search list before; those without a dot may be an alias
/// (`HOSTALIASES`) too.
pub fn absolute(name: &str) -> Option<String> {
    with_dot(name, resolv_conf::dots)
}

fn with_dot(name: &str, needed: impl Fn() -> usize) -> Option<String> {
    if name.ends_with('.') {
        return Some(name.to_owned());
    }
    // An ideographic full stop is one in the ASCII form.
    let dots = international::to_ascii(name).ok()?.matches('.').count();
    (dots >= needed().max(1)).then(|| format!("{name}."))
}

/// Whether a host is given as an address, so that no name is resolved.
pub fn is_numeric(name: &str) -> bool {
    name.parse::<IpAddr>().is_ok()
        || (check(name).is_ok() && lookup(name, AddressFamilies::Any, libc::AI_NUMERICHOST).is_ok())
}

/// Refuses texts that cannot be the name of a host.
///
/// # Errors
/// One line with the name, escaped.
pub fn check(name: &str) -> Result<()> {
    ensure!(!name.is_empty(), "the host is empty; give a name or an address");
    ensure!(name.len() <= MAX_NAME, "the host's name has {} octets; the longest has {MAX_NAME}", name.len());
    ensure!(!name.contains('\0'), "{}: the host's name holds a NUL", escape(name));
    check_characters(name)?;
    ensure!(
        !name.starts_with('-'),
        "{}: a host's name cannot begin with '-'; options stand before '--'",
        escape(name)
    );
    Ok(())
}

/// Refuses characters that are not visible, such as a no-break space: most come from tables and web pages.
///
/// # Errors
/// One line with the name, escaped, and the code point.
pub fn check_characters(name: &str) -> Result<()> {
    match name.chars().find(|c| !is_visible(*c)) {
        Some(c) => {
            bail!("{}: a host's name cannot have the character U+{:04X}", escape(name), u32::from(c))
        }
        None => Ok(()),
    }
}

/// Octets of the longest name (RFC 1035 section 2.3.4).
const MAX_NAME: usize = 255;

/// A scoped IPv6 address, and the name of its interface.
fn scoped(name: &str) -> Option<(Ipv6Addr, &str)> {
    let (address, interface) = name.split_once('%')?;
    Some((address.parse().ok()?, interface))
}

/// Whether an address is link-local and has no interface (RFC 4007 section 6).
pub fn lacks_scope(address: &SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0)
}

fn unmapped(addr: SocketAddr) -> SocketAddr {
    match addr.ip().to_canonical() {
        IpAddr::V4(v4) => SocketAddr::from((v4, addr.port())),
        IpAddr::V6(_) => addr,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(name: &str) -> Result<Vec<String>, String> {
        match resolve(name, AddressFamilies::Any) {
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
        let error = resolve("::ffff:127.0.0.1", AddressFamilies::V6).unwrap_err();
        assert_eq!(error.to_string(), "::ffff:127.0.0.1: Address family for hostname not supported");
    }

    #[test]
    fn a_scope_must_be_an_interface_of_this_host() {
        assert_eq!(addresses("fe80::1%lo"), one("[fe80::1%1]:0"));
        assert_eq!(addresses("fe80::1%nope"), refused("fe80::1%nope: no interface is named 'nope'"));
        let reason = "only a link-local address has an interface";
        for (name, interface) in [("::1%lo", "lo"), ("::1%9", "9"), ("2001:db8::1%nope", "nope")] {
            assert_eq!(addresses(name), refused(&format!("{name}: {reason} (%{interface})")));
        }
        assert_eq!(addresses("ff02::1%lo"), one("[ff02::1%1]:0"));
        assert_eq!(addresses("fe80::1%"), refused("fe80::1%: no interface is named ''"));
    }

    #[test]
    fn the_wrong_family_is_named_as_getaddrinfo_names_it() {
        let error = resolve("127.0.0.1", AddressFamilies::V6).unwrap_err();
        assert_eq!(error.to_string(), "127.0.0.1: Address family for hostname not supported");
        let error = resolve("::1", AddressFamilies::V4).unwrap_err();
        assert_eq!(error.to_string(), "::1: Address family for hostname not supported");
    }

    #[test]
    fn impossible_host_names_are_refused_in_one_line() {
        assert_eq!(addresses(""), refused("the host is empty; give a name or an address"));
        let long = "a".repeat(300);
        assert_eq!(addresses(&long), refused("the host's name has 300 octets; the longest has 255"));
        assert_eq!(addresses("a\0b"), refused("a\\x00b: the host's name holds a NUL"));
        let dashed = "-f: a host's name cannot begin with '-'; options stand before '--'";
        assert_eq!(addresses("-f"), refused(dashed));
        let odd = "1.2.3.4 \\u{202e}x: a host's name cannot have the character U+202E";
        assert_eq!(addresses("1.2.3.4 \u{202e}x"), refused(odd));
    }

    #[test]
    fn an_absolute_name_is_known_where_the_search_list_comes_later() {
        let absolute = |name, dots| with_dot(name, || dots);
        for (name, dots) in [("a.example", 0), ("a.example", 1), ("b\u{fc}cher.example", 1), ("a.b.c.d", 3)] {
            assert_eq!(absolute(name, dots), Some(format!("{name}.")), "{name}");
        }
        assert_eq!(absolute("host.", 5).as_deref(), Some("host."));
        for (name, dots) in [("host", 0), ("host", 1), ("a.example", 2), ("a.b.c.d", 4)] {
            assert_eq!(absolute(name, dots), None, "{name}");
        }
        #[cfg(feature = "idn")]
        assert_eq!(absolute("b\u{fc}cher\u{3002}example", 1).as_deref(), Some("b\u{fc}cher\u{3002}example."));
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
        assert_eq!(candidates((found, Some("name".to_string())), AddressFamilies::V4), expected);
    }

    #[test]
    fn localhost_is_known_without_dns() {
        let found = resolve("localhost", AddressFamilies::V4).unwrap();
        let addrs: Vec<String> = found.iter().map(|candidate| candidate.addr.to_string()).collect();
        assert_eq!(addrs, ["127.0.0.1:0"]);
        assert!(found[0].canonical.is_some());
    }
}
