//! Names that are looked up while the run goes on: their targets join it.

use std::net::SocketAddr;

use super::event::{Event, LookupOutcome, Missing, NameLookup, NameState, Place};
use super::{Leaving, Ping};
use crate::clock::Instant;

impl Ping {
    /// A name was found: it has these addresses, beside those that it has. Each becomes a target, unless it is one. A name
    /// that was open is so no longer.
    pub fn name_found(&mut self, at: Instant, name: u32, addresses: &[SocketAddr], before: NameState) {
        let mut places = Vec::new();
        for address in addresses {
            places.push(Place { target: self.join(at, *address), address: *address });
        }
        match before {
            NameState::Open => self.open_names = self.open_names.saturating_sub(1),
            NameState::Unknown => self.unknown_names = self.unknown_names.saturating_sub(1),
            NameState::Known => {}
        }
        self.watch_names(at);
        self.emit(at, name, LookupOutcome::Found { places, before });
    }

    /// A name is unknown, and open no longer.
    pub fn name_unknown(&mut self, at: Instant, name: u32, reason: String, missing: Missing) {
        self.open_names = self.open_names.saturating_sub(1);
        self.unknown_names = self.unknown_names.saturating_add(1);
        self.watch_names(at);
        self.emit(at, name, LookupOutcome::Unknown { reason, missing });
    }

    /// A name has another address, which is probed from now on. Its target keeps its number if nothing else has it or had
    /// it, and the new address is not that of another target. Returns whether it does. A target that no name has any more
    /// is probed no more.
    pub fn name_moved(
        &mut self,
        at: Instant,
        name: u32,
        from: SocketAddr,
        to: SocketAddr,
        leaving: Leaving,
    ) -> bool {
        let target = self.join(at, from);
        let next = self.progress.get(target).map_or(0, |target| target.newest).saturating_add(1);
        let before = Place { target, address: from };
        if leaving == Leaving::Alone && self.targets.change(target, to, next) {
            let after = Place { target, address: to };
            self.emit(at, name, LookupOutcome::Moved { before, after });
            return true;
        }
        if let Some(progress) = self.progress.get_mut(target).filter(|_| leaving != Leaving::Shared) {
            progress.retired = true;
            self.watch.retire(target, true);
        }
        let after = Place { target: self.join(at, to), address: to };
        self.watch_names(at);
        self.emit(at, name, LookupOutcome::Moved { before, after });
        false
    }

    /// The target with an address: a new one, or one that is probed again if it was no more.
    fn join(&mut self, at: Instant, address: SocketAddr) -> u32 {
        let (number, is_new) = self.targets.join(address);
        if is_new {
            self.progress.add(1);
            self.flight.add_targets(1);
            self.pace.add(1, at);
            self.watch.add();
        } else if let Some(target) = self.progress.get_mut(number) {
            target.retired = false;
            self.watch.retire(number, false);
        }
        number
    }

    /// The names changed: what is waited for may have come.
    fn watch_names(&mut self, at: Instant) {
        if self.watch.miss(at, self.open_names.saturating_add(self.unknown_names)) {
            self.finish.conclude();
        }
    }

    /// Whether as many targets have answered as are enough.
    pub fn is_enough(&self) -> bool {
        self.finish.is_enough()
    }

    fn emit(&mut self, at: Instant, name: u32, outcome: LookupOutcome) {
        self.events.push(Event::Lookup(NameLookup { at, name, outcome }));
    }
}
