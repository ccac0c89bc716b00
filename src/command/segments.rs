//! Ranges of addresses, cut where addresses of another kind begin: what holds for the first address of a part holds for
//! each.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use crate::command::first_route;

/// A number of addresses of one kind that follow one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The first; port 0.
    pub first: SocketAddr,
    /// How many; at least 1.
    pub count: u32,
}

impl Segment {
    /// The addresses as they are typed: the first, or the first and the last, with their interface; not escaped.
    pub fn shown(&self) -> String {
        let (first, last) = (self.first.ip(), nth(self.first, self.count.saturating_sub(1)).ip());
        let zone = first_route::zone(self.first).map_or(String::new(), |zone| format!("%{zone}"));
        if self.count > 1 { format!("{first}-{last}{zone}") } else { format!("{first}{zone}") }
    }
}

/// Where IPv4 addresses of another kind begin (RFC 6890): the unspecified one, others, multicast, reserved, broadcast.
const V4: [Ipv4Addr; 5] = [
    Ipv4Addr::UNSPECIFIED,
    Ipv4Addr::new(0, 0, 0, 1),
    Ipv4Addr::new(224, 0, 0, 0),
    Ipv4Addr::new(240, 0, 0, 0),
    Ipv4Addr::BROADCAST,
];

/// The same for IPv6 (RFC 4291 section 2.4): unspecified, others, IPv4-mapped, others, link-local, others, multicast.
const V6: [Ipv6Addr; 7] = [
    Ipv6Addr::UNSPECIFIED,
    Ipv6Addr::LOCALHOST,
    MAPPED,
    Ipv6Addr::new(0, 0, 0, 0, 0, 1, 0, 0),
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0),
    Ipv6Addr::new(0xfec0, 0, 0, 0, 0, 0, 0, 0),
    Ipv6Addr::new(0xff00, 0, 0, 0, 0, 0, 0, 0),
];

/// The first IPv4-mapped address (RFC 4291 section 2.5.5.2).
const MAPPED: Ipv6Addr = Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, 0, 0);

/// Cuts a number of addresses from the first on. Each of `alone` is a part of its own. An IPv4-mapped address becomes
/// the IPv4 address in it.
pub fn cut(first: SocketAddr, count: u32, alone: &[Ipv4Addr]) -> Vec<Segment> {
    let mut parts = Vec::new();
    let mut done = 0;
    while done < count {
        let next = nth(first, done);
        let (next, mapped) = match next.ip().to_canonical() {
            IpAddr::V4(v4) => (SocketAddr::new(v4.into(), 0), next.is_ipv6()),
            IpAddr::V6(_) => (next, false),
        };
        let room = room(next.ip(), mapped, alone);
        let part = u32::try_from(room).unwrap_or(u32::MAX).min(count.saturating_sub(done)).max(1);
        parts.push(Segment { first: next, count: part });
        done = done.saturating_add(part);
    }
    parts
}

/// How many addresses from one on are of its kind.
fn room(address: IpAddr, mapped: bool, alone: &[Ipv4Addr]) -> u128 {
    match address {
        IpAddr::V4(v4) => {
            let after = |cut: Ipv4Addr| u64::from(cut.to_bits()).checked_sub(v4.to_bits().into());
            let ends = alone.iter().filter_map(|cut| Some(after(*cut)? + u64::from(*cut == v4)));
            let next = V4.into_iter().filter_map(after).chain(ends).filter(|room| *room > 0).min();
            // The IPv4-mapped block ends with the last address, as IPv4 itself does.
            let last = u64::from(u32::MAX - v4.to_bits()) + u64::from(mapped || v4 == Ipv4Addr::BROADCAST);
            next.unwrap_or(last).max(1).into()
        }
        IpAddr::V6(v6) => {
            let after = |cut: &Ipv6Addr| cut.to_bits().checked_sub(v6.to_bits()).filter(|room| *room > 0);
            V6.iter().filter_map(after).min().unwrap_or(u128::MAX - v6.to_bits())
        }
    }
}

/// The address `n` after `first`; the last one there is where it would be none.
fn nth(first: SocketAddr, n: u32) -> SocketAddr {
    match first {
        SocketAddr::V4(v4) => SocketAddr::from((Ipv4Addr::from_bits(v4.ip().to_bits().saturating_add(n)), 0)),
        SocketAddr::V6(v6) => {
            let ip = Ipv6Addr::from_bits(v6.ip().to_bits().saturating_add(n.into()));
            SocketAddrV6::new(ip, 0, 0, v6.scope_id()).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parts(first: &str, count: u32, alone: &[&str]) -> Vec<String> {
        let alone: Vec<Ipv4Addr> = alone.iter().map(|text| text.parse().unwrap()).collect();
        let first: SocketAddr =
            format!("[{first}]:0").parse().or_else(|_| format!("{first}:0").parse()).unwrap();
        let parts = cut(first, count, &alone);
        parts.iter().map(|part| format!("{} {}", part.shown(), part.count)).collect()
    }

    #[test]
    fn a_range_is_cut_where_another_kind_of_address_begins() {
        assert_eq!(parts("192.0.2.1", 254, &[]), ["192.0.2.1-192.0.2.254 254"]);
        let expected = ["223.255.255.255 1", "224.0.0.0-224.0.0.2 3"];
        assert_eq!(parts("223.255.255.255", 4, &[]), expected);
        let expected = ["10.9.0.254 1", "10.9.0.255 1", "10.9.1.0-10.9.1.3 4"];
        assert_eq!(parts("10.9.0.254", 6, &["10.9.0.255", "10.7.0.255"]), expected);
        assert_eq!(parts("10.9.0.255", 1, &["10.9.0.255"]), ["10.9.0.255 1"]);
        assert_eq!(parts("0.0.0.0", 3, &[]), ["0.0.0.0 1", "0.0.0.1-0.0.0.2 2"]);
        let expected = ["255.255.255.254 1", "255.255.255.255 1"];
        assert_eq!(parts("255.255.255.254", 2, &[]), expected);
        let expected = ["::1-::2 2"];
        assert_eq!(parts("::1", 2, &[]), expected);
        let expected = ["feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 1", "ff00::-ff00::1 2"];
        assert_eq!(parts("feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 3, &[]), expected);
        assert_eq!(parts("fe80::1%1", 32, &[]), ["fe80::1-fe80::20%lo 32"]);
    }

    #[test]
    fn a_mapped_address_is_the_ipv4_address_in_it() {
        let expected = ["::fffe:ffff:ffff 1", "0.0.0.0 1", "0.0.0.1 1"];
        assert_eq!(parts("::fffe:ffff:ffff", 3, &[]), expected);
        let expected = ["10.9.0.254 1", "10.9.0.255 1"];
        assert_eq!(parts("::ffff:10.9.0.254", 2, &["10.9.0.255"]), expected);
        let expected = ["255.255.255.255 1", "::1:0:0:0 1"];
        assert_eq!(parts("::ffff:255.255.255.255", 2, &[]), expected);
    }

    proptest! {
        #[test]
        fn every_address_is_in_one_part_in_its_order(
            first in any::<u32>(), count in 1..100_000_u32, alone in prop::collection::vec(any::<u32>(), 0..5)
        ) {
            let count = count.min(u32::MAX - first).max(1);
            let alone: Vec<_> = alone.into_iter().map(|offset| Ipv4Addr::from(first.saturating_add(offset % count))).collect();
            let parts = cut(SocketAddr::from((Ipv4Addr::from(first), 0)), count, &alone);
            let mut next = first;
            for part in &parts {
                prop_assert_eq!(part.first.ip(), IpAddr::from(Ipv4Addr::from(next)));
                let inside = |address: &Ipv4Addr| (next..next.saturating_add(part.count)).contains(&address.to_bits());
                prop_assert!(part.count == 1 || !alone.iter().any(inside));
                next = next.saturating_add(part.count);
            }
            prop_assert_eq!(next, first.saturating_add(count));
        }
    }
}
