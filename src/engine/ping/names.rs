//! Names that are looked up while the run goes on: their targets join it.

use std::net::SocketAddr;

use super::Ping;
use super::event::{Event, LookupOutcome, NameLookup, Place};
use crate::clock::Instant;

impl Ping {
    /// A name was found. Each of its addresses becomes a target, unless it is one. The first result of each of the names
    /// that are counted in [`super::Config::names`] closes that name; `again`: it was unknown before.
    pub fn name_found(&mut self, at: Instant, name: u32, addresses: &[SocketAddr], again: bool) {
        let mut places = Vec::new();
        for address in addresses {
            let (target, is_new) = self.targets.join(*address);
            if is_new {
                self.add_target(at);
            }
            places.push(Place { target, address: *address });
        }
        if !again {
            self.open_names = self.open_names.saturating_sub(1);
        }
        self.emit(at, name, LookupOutcome::Found { places, again });
    }

    /// A name is unknown: closes it. `silent`: it was not looked up to the end, which is no error.
    pub fn name_unknown(&mut self, at: Instant, name: u32, reason: String, silent: bool) {
        self.open_names = self.open_names.saturating_sub(1);
        self.emit(at, name, LookupOutcome::Unknown { reason, silent });
    }

    /// A name has another address: from now on its target there is probed. `alone`: no other name and no word has the
    /// target that it had.
    pub fn name_moved(&mut self, at: Instant, name: u32, from: SocketAddr, to: SocketAddr, alone: bool) {
        let (target, _) = self.targets.join(from);
        let next = self.progress.get(target).map_or(0, |target| target.newest).saturating_add(1);
        let before = Place { target, address: from };
        if alone && self.targets.change(target, to, next) {
            let after = Place { target, address: to };
            return self.emit(at, name, LookupOutcome::Moved { before, after });
        }
        let (target, is_new) = self.targets.join(to);
        if is_new {
            self.add_target(at);
        }
        self.emit(at, name, LookupOutcome::Moved { before, after: Place { target, address: to } });
    }

    fn add_target(&mut self, at: Instant) {
        self.progress.add(1);
        self.flight.add_targets(1);
        self.pace.add(1, at);
    }

    /// How many names are still being looked up.
    pub fn open_names(&self) -> u32 {
        self.open_names
    }

    /// Whether as many targets have answered as are enough.
    pub fn is_enough(&self) -> bool {
        self.finish.is_enough()
    }

    fn emit(&mut self, at: Instant, name: u32, outcome: LookupOutcome) {
        self.events.push_back(Event::Lookup(NameLookup { at, name, outcome }));
    }
}
