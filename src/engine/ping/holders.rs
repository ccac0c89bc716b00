//! Which names have which addresses, and so what becomes of a target that a name leaves. It knows names by number only.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::targets::Targets;

/// The addresses of names, and those that were given as such.
#[derive(Debug, Default)]
pub struct Holders {
    names: BTreeMap<u32, Held>,
    given: Targets,
}

/// The addresses of a name.
#[derive(Debug, Default)]
struct Held {
    /// Those that it has.
    now: Vec<SocketAddr>,
    /// Those that it had, and that its rows still show.
    former: Vec<SocketAddr>,
}

/// What else has the target that a name leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaving {
    /// Another name, or it was given as an address: it is probed on.
    Shared,
    /// A row of another name, which had it: it is probed no more, and keeps its address.
    Former,
    /// Nothing: it goes along to the new address.
    Alone,
}

impl Holders {
    /// Sets the targets that are given as addresses.
    pub fn set_given(&mut self, given: Targets) {
        self.given = given;
    }

    /// The addresses of a name.
    pub fn of(&self, name: u32) -> &[SocketAddr] {
        self.names.get(&name).map_or(&[], |held| &held.now)
    }

    /// A name has these addresses too.
    pub fn find(&mut self, name: u32, addresses: &[SocketAddr]) {
        let Held { now, former } = self.names.entry(name).or_default();
        former.retain(|address| !addresses.contains(address));
        let known = now.len();
        now.extend(addresses);
        // Few, and each once.
        let mut place = known;
        while let Some(address) = now.get(place).copied() {
            if now.iter().take(place).any(|other| *other == address) {
                now.remove(place);
            } else {
                place = place.saturating_add(1);
            }
        }
    }

    /// What else has an address that a name leaves.
    pub fn leaving(&self, name: u32, from: SocketAddr) -> Leaving {
        let others = || self.names.iter().filter(|(other, _)| **other != name).map(|(_, held)| held);
        if self.given.has(from) || others().any(|held| held.now.contains(&from)) {
            Leaving::Shared
        } else if others().any(|held| held.former.contains(&from)) {
            Leaving::Former
        } else {
            Leaving::Alone
        }
    }

    /// A name has another address in the place of one. `along`: its target went along.
    pub fn change(&mut self, name: u32, from: SocketAddr, to: SocketAddr, along: bool) {
        let Held { now, former } = self.names.entry(name).or_default();
        now.iter_mut().filter(|address| **address == from).for_each(|address| *address = to);
        former.retain(|address| *address != to);
        if !along {
            former.push(from);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(last: u8) -> SocketAddr {
        SocketAddr::from(([192, 0, 2, last], 0))
    }

    #[test]
    fn a_target_goes_along_where_nothing_else_has_it_or_had_it() {
        let mut holders = Holders::default();
        let mut given = Targets::default();
        given.add(at(1), 1);
        holders.set_given(given);
        holders.find(0, &[at(1), at(2), at(2)]);
        holders.find(7, &[at(2), at(3)]);
        assert_eq!(holders.of(0), [at(1), at(2)]);
        let leaving = |holders: &Holders, name, last| holders.leaving(name, at(last));
        assert_eq!([1, 2].map(|last| leaving(&holders, 0, last)), [Leaving::Shared; 2]);
        assert_eq!(leaving(&holders, 7, 3), Leaving::Alone);
        holders.change(0, at(2), at(4), false);
        assert_eq!(leaving(&holders, 7, 2), Leaving::Former, "a row of the other name shows it");
        assert_eq!(leaving(&holders, 0, 4), Leaving::Alone);
        holders.change(0, at(4), at(2), false);
        holders.change(7, at(2), at(5), false);
        // Its own former address, which it has again, is none that it had.
        assert_eq!([leaving(&holders, 7, 5), leaving(&holders, 0, 2)], [Leaving::Alone, Leaving::Former]);
        holders.change(7, at(5), at(6), true);
        assert_eq!((holders.of(7), leaving(&holders, 0, 5)), (&[at(6), at(3)][..], Leaving::Alone));
    }
}
