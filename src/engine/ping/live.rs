//! The targets of a run as they are now: those that it began with and those that joined it, each with the address that it
//! has now. It knows no names.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use super::targets::{Targets, scope_of};

/// All targets, by their numbers.
#[derive(Clone, Debug, Default)]
pub struct LiveTargets {
    /// Those that the run began with, under the addresses that they had then.
    first: Rc<Targets>,
    /// The addresses of those that joined. Their numbers follow.
    joined: Vec<SocketAddr>,
    /// The targets with an address that is not among those of `first`, or that one of these has no longer.
    by_address: BTreeMap<(u32, IpAddr), u32>,
    moved: BTreeMap<u32, Moved>,
}

/// A target that has another address now.
#[derive(Clone, Copy, Debug)]
struct Moved {
    address: SocketAddr,
    /// The address before.
    before: SocketAddr,
    /// The first probe to the new address.
    first: u64,
}

impl LiveTargets {
    /// The targets that a run begins with.
    pub fn new(first: Rc<Targets>) -> Self {
        Self { first, ..Self::default() }
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.first.len().saturating_add(u32::try_from(self.joined.len()).unwrap_or(u32::MAX))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The address of a target.
    #[inline]
    pub fn address(&self, number: u32) -> Option<SocketAddr> {
        match self.moved.get(&number) {
            Some(moved) => Some(moved.address),
            None => self.address_before(number),
        }
    }

    /// The address that a probe of a target was sent to.
    #[inline]
    pub fn address_of_probe(&self, number: u32, probe: u64) -> Option<SocketAddr> {
        match self.moved.get(&number) {
            Some(moved) if probe >= moved.first => Some(moved.address),
            Some(moved) => Some(moved.before),
            None => self.address_before(number),
        }
    }

    /// The address that a target came with.
    #[inline]
    fn address_before(&self, number: u32) -> Option<SocketAddr> {
        let Some(place) = number.checked_sub(self.first.len()) else { return self.first.address(number) };
        self.joined.get(usize::try_from(place).ok()?).copied()
    }

    /// The number of an address that something came from on an interface (0: not known); also of the last address that
    /// a target had before. An address that was added without its interface is meant on any.
    pub fn number(&self, address: IpAddr, scope: u32) -> Option<u32> {
        let later = |scope| self.by_address.get(&(scope, address)).copied();
        later(scope).or_else(|| self.first.number(address, scope)).or_else(|| later(0).filter(|_| scope != 0))
    }

    /// The target that has an address.
    fn exact(&self, address: SocketAddr) -> Option<u32> {
        let number = self.number(address.ip(), scope_of(address))?;
        (self.address(number) == Some(address)).then_some(number)
    }

    /// The target with an address, and whether it is a new one.
    pub fn join(&mut self, address: SocketAddr) -> (u32, bool) {
        if let Some(number) = self.exact(address) {
            return (number, false);
        }
        let number = self.len();
        self.put(number, address);
        (number, true)
    }

    /// Records the address of a target that joined, unless its number is known.
    pub fn put(&mut self, number: u32, address: SocketAddr) {
        if number == self.len() {
            self.joined.push(address);
            self.by_address.insert((scope_of(address), address.ip()), number);
        }
    }

    /// Changes the address of a target, from its probe `first` on. Returns false where another target has that address.
    pub fn change(&mut self, number: u32, address: SocketAddr, first: u64) -> bool {
        let Some(before) = self.address(number).filter(|_| self.exact(address).is_none()) else {
            return false;
        };
        self.moved.insert(number, Moved { address, before, first });
        self.by_address.insert((scope_of(address), address.ip()), number);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SocketAddr {
        SocketAddr::new(text.parse().unwrap(), 0)
    }

    fn live(first: &str, count: u32) -> LiveTargets {
        let mut targets = Targets::default();
        targets.add(at(first), count);
        LiveTargets::new(Rc::new(targets))
    }

    #[test]
    fn targets_that_join_are_numbered_after_the_first_ones() {
        let mut live = live("192.0.2.1", 3);
        assert_eq!(live.join(at("192.0.2.2")), (1, false));
        assert_eq!(live.join(at("192.0.2.9")), (3, true));
        assert_eq!(live.join(at("2001:db8::1")), (4, true));
        assert_eq!(live.join(at("192.0.2.9")), (3, false));
        assert_eq!((live.len(), live.address(3), live.address(5)), (5, Some(at("192.0.2.9")), None));
        assert_eq!(live.number("192.0.2.9".parse().unwrap(), 7), Some(3), "on any interface");
        assert_eq!(live.number("192.0.2.10".parse().unwrap(), 0), None);
    }

    #[test]
    fn a_target_that_moved_has_both_addresses_each_for_its_probes() {
        let mut live = live("192.0.2.1", 2);
        assert!(live.change(0, at("192.0.2.7"), 10));
        assert_eq!(live.address(0), Some(at("192.0.2.7")));
        let of_probe = |live: &LiveTargets, probe| live.address_of_probe(0, probe).unwrap().ip().to_string();
        assert_eq!([9, 10].map(|probe| of_probe(&live, probe)), ["192.0.2.1", "192.0.2.7"]);
        let number = |live: &LiveTargets, text: &str| live.number(text.parse().unwrap(), 0);
        assert_eq!(["192.0.2.1", "192.0.2.7"].map(|text| number(&live, text)), [Some(0); 2]);
        // Its old address is that of a new target, and so is a joined one's.
        assert_eq!(live.join(at("192.0.2.1")), (2, true));
        assert_eq!(["192.0.2.1", "192.0.2.7"].map(|text| number(&live, text)), [Some(2), Some(0)]);
        assert!(live.change(2, at("192.0.2.8"), 1));
        assert_eq!(live.join(at("192.0.2.8")), (2, false));
        assert!(!live.change(2, at("192.0.2.7"), 1), "another one's");
        assert!(live.change(0, at("192.0.2.1"), 20), "back again");
        assert_eq!(of_probe(&live, 19), "192.0.2.7");
        assert_eq!(number(&live, "192.0.2.1"), Some(0));
    }

    #[test]
    fn an_address_with_an_interface_is_another_one() {
        let mut live = live("fe80::1", 1);
        let scoped: SocketAddr = "[fe80::1%3]:0".parse().unwrap();
        assert_eq!(live.join(scoped), (1, true));
        let number = |scope| live.number("fe80::1".parse().unwrap(), scope);
        assert_eq!([0, 3, 4].map(number), [Some(0), Some(1), Some(0)]);
    }
}
