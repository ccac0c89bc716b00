//! From what a person typed to addresses: forward lookups, which may block, before the loop begins.

use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use anyhow::{anyhow, bail};
use dns_lookup::{AddrInfoHints, LookupErrorKind, SockType, getaddrinfo};

use crate::wire::icmp::Family;

/// AI_CANONNAME, netdb.h.
const CANONICAL_NAME: i32 = libc::AI_CANONNAME;

/// An address that a host may be asked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The address; its port is 0, its scope id names the interface of a link-local one.
    pub addr: SocketAddr,
    /// The name that the resolver calls the host by.
    pub canonical: Option<String>,
}

/// Whether a host is an address already, in any form that needs no lookup.
pub fn is_numeric(host: &str) -> bool {
    let address = host.split_once('%').map_or(host, |(address, _)| address);
    address.parse::<Ipv6Addr>().is_ok() || is_ipv4_number(host)
}

/// What inet_aton(3) takes: one to four numbers, decimal, octal or hexadecimal.
fn is_ipv4_number(host: &str) -> bool {
    let parts: Vec<_> = host.split('.').collect();
    let number = |part: &&str| match part.strip_prefix("0x").or_else(|| part.strip_prefix("0X")) {
        Some(digits) => !digits.is_empty() && digits.bytes().all(|octet| octet.is_ascii_hexdigit()),
        None => !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_digit()),
    };
    parts.len() <= 4 && parts.iter().all(number)
}

/// The addresses of a host, in the order in which the system prefers them, of one family if so asked.
///
/// # Errors
/// One sentence: what was typed is no host's name, or the resolver's own words about it.
pub fn resolve(host: &str, family: Option<Family>) -> anyhow::Result<Vec<Candidate>> {
    let shown = shown(host);
    if host.is_empty() {
        bail!("the host's name is empty: give a name or an address");
    }
    if host.contains('\0') || host.len() > 255 {
        bail!("{shown}: a host's name has at most 255 bytes, none of them zero");
    }
    if let Some(mapped) = host.parse::<Ipv6Addr>().ok().and_then(|v6| v6.to_ipv4_mapped()) {
        bail!("{shown}: an IPv4 address in the form of IPv6 cannot be asked; did you mean {mapped}?");
    }
    let name = match host.is_ascii() {
        true => host.to_owned(),
        false => idna::domain_to_ascii(host).map_err(|_| anyhow!("{shown}: Name or service not known"))?,
    };
    // Both families are asked for always: a scope id is lost otherwise (glibc). One socket type keeps
    // each address from coming three times.
    let hints =
        AddrInfoHints { socktype: SockType::DGram.into(), flags: CANONICAL_NAME, ..AddrInfoHints::default() };
    let found =
        getaddrinfo(Some(&name), None, Some(hints)).map_err(|error| anyhow!("{shown}: {}", why(error)))?;
    let mut candidates: Vec<Candidate> = Vec::new();
    // Only the first entry of a lookup carries the canonical name.
    let mut canonical = None;
    for entry in found.collect::<io::Result<Vec<_>>>()? {
        canonical = canonical.or(entry.canonname);
        if !candidates.iter().any(|known| known.addr == entry.sockaddr) {
            candidates.push(Candidate { addr: entry.sockaddr, canonical: None });
        }
    }
    candidates.retain(|candidate| family.is_none_or(|family| of(family, candidate.addr.ip())));
    if candidates.is_empty() {
        bail!("{shown}: Address family for hostname not supported");
    }
    candidates.iter_mut().for_each(|candidate| candidate.canonical.clone_from(&canonical));
    Ok(candidates)
}

fn of(family: Family, address: IpAddr) -> bool {
    match family {
        Family::V4 => address.is_ipv4(),
        Family::V6 => address.is_ipv6(),
    }
}

/// A name as it may be shown: nothing in it moves a terminal's cursor.
fn shown(host: &str) -> String {
    let start: String = host.chars().take(300).collect();
    start.chars().flat_map(char::escape_debug).collect()
}

/// The resolver's words (gai_strerror(3)).
fn why(error: dns_lookup::LookupError) -> String {
    match error.kind() {
        LookupErrorKind::NoName | LookupErrorKind::NoData => "Name or service not known".to_owned(),
        LookupErrorKind::Again => "Temporary failure in name resolution".to_owned(),
        _ => {
            let error = io::Error::from(error).to_string();
            let words = error.strip_prefix("failed to lookup address information: ").unwrap_or(&error);
            words.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_need_no_lookup() {
        for host in ["127.0.0.1", "127.1", "1", "0x7f.1", "010.1", "::1", "fe80::1%eth0"] {
            assert!(is_numeric(host), "{host}");
        }
        for host in ["", "localhost", "1.2.3.4.5", "1.2.3.x", "a::zz", "0x"] {
            assert!(!is_numeric(host), "{host}");
        }
    }

    #[test]
    fn addresses_resolve_to_themselves() {
        let first =
            |host| resolve(host, None).map(|found| found[0].addr.ip().to_string()).unwrap_or_default();
        assert_eq!(first("127.0.0.1"), "127.0.0.1");
        assert_eq!(first("127.1"), "127.0.0.1");
        assert_eq!(first("010.1"), "8.0.0.1");
        assert_eq!(first("::1"), "::1");
    }

    #[test]
    fn what_is_no_host_is_refused_with_a_sentence() {
        let refusal =
            |host: &str, family| resolve(host, family).map_err(|error| error.to_string()).unwrap_err();
        assert_eq!(refusal("", None), "the host's name is empty: give a name or an address");
        assert!(refusal("a\0b", None).starts_with("a\\0b: "));
        assert!(refusal(&"x".repeat(300), None).contains("at most 255 bytes"));
        assert_eq!(
            refusal("::ffff:192.0.2.1", None),
            "::ffff:192.0.2.1: an IPv4 address in the form of IPv6 cannot be asked; did you mean 192.0.2.1?"
        );
        assert_eq!(
            refusal("127.0.0.1", Some(Family::V6)),
            "127.0.0.1: Address family for hostname not supported"
        );
        assert_eq!(refusal("\u{1b}[31m.invalid", None), "\\u{1b}[31m.invalid: Name or service not known");
    }
}
