//! The addresses to probe, each once, numbered from 0. Ranges stay ranges: a /12 takes no more room than a
//! host. It knows no names.
//!
//! The interface is part of a link-local address: fe80::1 on one link is another host than fe80::1 on the next.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::ops::Range;

/// Addresses that follow one another, numbered alike.
#[derive(Clone, Copy, Debug)]
struct Block {
    first: IpAddr,
    /// The interface, for a link-local address.
    scope: u32,
    /// Number of the first.
    start: u32,
    count: u32,
}

impl Block {
    fn end(&self) -> u32 {
        self.start.saturating_add(self.count)
    }
}

/// All addresses of a run.
#[derive(Debug, Default)]
pub struct Targets {
    blocks: Vec<Block>,
    /// Which block begins with an address, on an interface.
    by_address: BTreeMap<(u32, IpAddr), u32>,
}

impl Targets {
    /// How many there are.
    pub fn len(&self) -> u32 {
        self.blocks.last().map_or(0, Block::end)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Adds `count` addresses from `first` on. Returns their numbers in their order: new ones, or those under which
    /// they were added before.
    pub fn add(&mut self, first: SocketAddr, count: u32) -> Vec<Range<u32>> {
        let (scope, first) = (scope_of(first), first.ip());
        let mut numbers: Vec<Range<u32>> = Vec::new();
        let mut done = 0;
        while done < count {
            let Some(from) = nth(first, done) else { break };
            let left = count.saturating_sub(done);
            let range = match self.exact(from, scope) {
                Some(number) => number..self.end_of(number).min(number.saturating_add(left)),
                None => self.append(from, scope, left.min(self.room(from, scope))),
            };
            done = done.saturating_add(range.end.saturating_sub(range.start).max(1));
            match numbers.last_mut() {
                Some(last) if last.end == range.start => last.end = range.end,
                _ => numbers.push(range),
            }
        }
        numbers
    }

    /// Whether an address was added.
    pub fn has(&self, address: SocketAddr) -> bool {
        self.exact(address.ip(), scope_of(address)).is_some()
    }

    /// The address of a number.
    #[inline]
    pub fn address(&self, number: u32) -> Option<SocketAddr> {
        let block = self.block(number)?;
        let ip = nth(block.first, number.checked_sub(block.start)?)?;
        Some(match ip {
            IpAddr::V4(_) => SocketAddr::new(ip, 0),
            IpAddr::V6(v6) => SocketAddrV6::new(v6, 0, 0, block.scope).into(),
        })
    }

    /// The number of an address that something came from on an interface (0: not known). An address that was added
    /// without its interface is meant on any.
    pub fn number(&self, address: IpAddr, scope: u32) -> Option<u32> {
        self.exact(address, scope).or_else(|| self.exact(address, 0).filter(|_| scope != 0))
    }

    fn exact(&self, address: IpAddr, scope: u32) -> Option<u32> {
        let (_, block) = self.by_address.range(..=(scope, address)).next_back()?;
        let block = self.blocks.get(usize::try_from(*block).ok()?).filter(|block| block.scope == scope)?;
        let offset = distance(block.first, address).filter(|offset| *offset < block.count)?;
        block.start.checked_add(offset)
    }

    #[inline]
    fn block(&self, number: u32) -> Option<&Block> {
        let after = self.blocks.partition_point(|block| block.start <= number);
        self.blocks.get(after.checked_sub(1)?).filter(|block| number < block.end())
    }

    fn end_of(&self, number: u32) -> u32 {
        self.block(number).map_or(number, Block::end)
    }

    /// How many addresses from `address` on were not added.
    fn room(&self, address: IpAddr, scope: u32) -> u32 {
        let next = self.by_address.range((scope, address)..).next().filter(|((other, _), _)| *other == scope);
        let until_next = next.and_then(|((_, first), _)| distance(address, *first));
        until_next.unwrap_or_else(|| until_last(address).saturating_add(1))
    }

    fn append(&mut self, first: IpAddr, scope: u32, count: u32) -> Range<u32> {
        let start = self.len();
        let numbers = start..start.saturating_add(count);
        match self.blocks.last_mut() {
            Some(last) if last.scope == scope && nth(last.first, last.count) == Some(first) => {
                last.count = last.count.saturating_add(count);
            }
            _ => {
                let block = u32::try_from(self.blocks.len()).unwrap_or(u32::MAX);
                self.by_address.insert((scope, first), block);
                self.blocks.push(Block { first, scope, start, count });
            }
        }
        numbers
    }
}

/// The interface of an address; 0: it has none.
pub(super) fn scope_of(address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(v6) => v6.scope_id(),
    }
}

/// The address `n` after `first`.
#[inline]
fn nth(first: IpAddr, n: u32) -> Option<IpAddr> {
    Some(match first {
        IpAddr::V4(v4) => Ipv4Addr::from_bits(v4.to_bits().checked_add(n)?).into(),
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits().checked_add(n.into())?).into(),
    })
}

/// How far `address` lies behind `first`, in the same family.
fn distance(first: IpAddr, address: IpAddr) -> Option<u32> {
    match (first, address) {
        (IpAddr::V4(first), IpAddr::V4(address)) => address.to_bits().checked_sub(first.to_bits()),
        (IpAddr::V6(first), IpAddr::V6(address)) => {
            u32::try_from(address.to_bits().checked_sub(first.to_bits())?).ok()
        }
        _ => None,
    }
}

/// How many addresses of its family follow an address.
fn until_last(address: IpAddr) -> u32 {
    match address {
        IpAddr::V4(v4) => !v4.to_bits(),
        IpAddr::V6(v6) => u32::try_from(!v6.to_bits()).unwrap_or(u32::MAX),
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "one range of numbers is what is meant")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), 0)
    }

    #[test]
    fn every_address_has_one_number_when_it_is_named_again() {
        let mut targets = Targets::default();
        assert_eq!(targets.add(at("192.0.2.10"), 1), [0..1]);
        assert_eq!(targets.add(at("192.0.2.8"), 5), [1..3, 0..1, 3..5]);
        assert_eq!(targets.add(at("192.0.2.8"), 5), [1..3, 0..1, 3..5]);
        assert_eq!(targets.add(at("2001:db8::"), 2), [5..7]);
        assert_eq!(targets.add(at("2001:db8::2"), 1), [7..8]);
        assert_eq!(targets.len(), 8);
        let all: Vec<_> = (0..9).map(|n| targets.address(n).map(|a| a.ip().to_string())).collect();
        let expected = [
            "192.0.2.10",
            "192.0.2.8",
            "192.0.2.9",
            "192.0.2.11",
            "192.0.2.12",
            "2001:db8::",
            "2001:db8::1",
            "2001:db8::2",
        ];
        assert_eq!(all[..8], expected.map(|text| Some(text.to_string())));
        assert_eq!(all[8], None);
    }

    #[test]
    fn the_last_addresses_of_a_family_can_be_targets() {
        let mut targets = Targets::default();
        assert_eq!(targets.add(at("255.255.255.254"), 9), [0..2]);
        assert_eq!(targets.add(at("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), 9), [2..3]);
        assert_eq!(targets.number("255.255.255.255".parse().unwrap(), 0), Some(1));
        assert_eq!(targets.number("255.255.255.253".parse().unwrap(), 0), None);
        assert_eq!(targets.number("::".parse().unwrap(), 0), None);
    }

    #[test]
    fn an_interface_belongs_to_its_address() {
        let mut targets = Targets::default();
        let scoped = SocketAddr::from(SocketAddrV6::new("fe80::1".parse().unwrap(), 0, 0, 7));
        assert_eq!(targets.add(scoped, 1), [0..1]);
        assert_eq!(targets.add(at("fe80::2"), 1), [1..2]);
        assert_eq!(targets.address(0), Some(scoped));
        assert_eq!(targets.address(1), Some(at("fe80::2")));
        let other = SocketAddr::from(SocketAddrV6::new("fe80::1".parse().unwrap(), 0, 0, 8));
        assert_eq!(targets.add(other, 1), [2..3]);
        assert_eq!(targets.add(scoped, 1), [0..1]);
        let number = |text: &str, scope| targets.number(text.parse().unwrap(), scope);
        assert_eq!([7, 8, 9, 0].map(|scope| number("fe80::1", scope)), [Some(0), Some(2), None, None]);
        assert_eq!([7, 0].map(|scope| number("fe80::2", scope)), [Some(1), Some(1)], "on any interface");
    }

    proptest! {
        #[test]
        fn numbers_and_addresses_are_each_others_inverse(
            ranges in prop::collection::vec((0..300_u32, 1..60_u32), 1..20),
        ) {
            let mut targets = Targets::default();
            let mut numbered = std::collections::HashMap::new();
            for (offset, count) in ranges {
                let first = SocketAddr::new(Ipv4Addr::from_bits(0xc000_0200 + offset).into(), 0);
                let numbers: Vec<u32> = targets.add(first, count).into_iter().flatten().collect();
                prop_assert_eq!(numbers.len(), count as usize);
                for (n, number) in numbers.into_iter().enumerate() {
                    let ip = nth(first.ip(), n as u32).unwrap();
                    prop_assert_eq!(targets.number(ip, 0), Some(number));
                    prop_assert_eq!(targets.address(number), Some(SocketAddr::new(ip, 0)));
                    prop_assert_eq!(*numbered.entry(ip).or_insert(number), number);
                }
            }
            prop_assert_eq!(numbered.len() as u32, targets.len());
        }
    }
}
