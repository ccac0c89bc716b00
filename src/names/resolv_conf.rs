//! What resolv.conf(5) has for the resolver.

use std::env;
use std::net::{Ipv4Addr, SocketAddr};

use crate::sys::interfaces;

/// Port of DNS servers (RFC 1035 section 4.2).
pub const PORT: u16 = 53;

/// Most servers that are used (MAXNS).
const SERVERS: usize = 3;

/// The servers; without any, the local host.
pub fn servers() -> Vec<SocketAddr> {
    servers_in(&text())
}

/// The dots that a name must have to be looked up as it is before it is with the domains of the search list: those of
/// `options ndots:N`, or of the environment (`RES_OPTIONS`).
pub fn dots() -> usize {
    dots_in(&text(), &env::var("RES_OPTIONS").unwrap_or_default())
}

fn text() -> String {
    // One octet that is no UTF-8, in a comment perhaps, does not hide the rest.
    let octets = std::fs::read("/etc/resolv.conf").unwrap_or_default();
    String::from_utf8_lossy(&octets).into_owned()
}

fn servers_in(conf: &str) -> Vec<SocketAddr> {
    let named = conf.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let server = (words.next() == Some("nameserver")).then(|| words.next())??;
        server_address(server)
    });
    let mut servers: Vec<_> = named.take(SERVERS).collect();
    if servers.is_empty() {
        servers.push((Ipv4Addr::LOCALHOST, PORT).into());
    }
    servers
}

/// An address, with its interface where it has one (`fe80::1%eth0`).
fn server_address(text: &str) -> Option<SocketAddr> {
    let (address, zone) = text.split_once('%').map_or((text, None), |(address, zone)| (address, Some(zone)));
    let mut server = SocketAddr::new(address.parse().ok()?, PORT);
    if let (SocketAddr::V6(v6), Some(zone)) = (&mut server, zone) {
        v6.set_scope_id(zone.parse().ok().or_else(|| interfaces::index_of(zone))?);
    }
    Some(server)
}

/// The last `ndots:N` is in force, as the C library reads it.
fn dots_in<'a>(conf: &'a str, environment: &'a str) -> usize {
    let of_line = |line: &'a str| line.strip_prefix("options").filter(|rest| rest.starts_with([' ', '\t']));
    let options = conf.lines().filter_map(of_line).chain([environment]);
    let dots = |option: &str| Some(leading_number(option.strip_prefix("ndots:")?));
    let last = options.flat_map(str::split_whitespace).filter_map(dots).next_back();
    last.unwrap_or(1)
}

/// As atoi(3) reads it. More than a name has are as good as that.
fn leading_number(text: &str) -> usize {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    digits.fold(0, |number: usize, digit| number.saturating_mul(10).saturating_add(usize::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_are_those_of_the_system() {
        let conf = "# nameserver 192.0.2.1\nsearch example\nnameserver 192.0.2.2\n nameserver\t2001:db8::53 x\n\
                    nameserver\nnameserver nonsense\nnameserver fe80::1%1\nnameserver 192.0.2.5\n";
        let found: Vec<_> = servers_in(conf).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["192.0.2.2:53", "[2001:db8::53]:53", "[fe80::1%1]:53"]);
        assert_eq!(servers_in(""), [SocketAddr::from(([127, 0, 0, 1], 53))]);
    }

    #[test]
    fn the_last_number_of_dots_is_in_force_and_that_of_the_environment_comes_last() {
        let conf = "nameserver 192.0.2.1\n options ndots:9\noptionsndots:9\n#options ndots:9\noptions\tndots:2 rotate\n\
                    options timeout:1 ndots:5x\n";
        assert_eq!([dots_in("", ""), dots_in(conf, ""), dots_in(conf, "rotate")], [1, 5, 5]);
        assert_eq!([dots_in(conf, "ndots:0"), dots_in("options ndots:x", "")], [0, 0]);
        assert_eq!(dots_in("options ndots:99999999999999999999999", ""), usize::MAX);
    }
}
