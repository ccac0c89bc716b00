//! The names of a ping of many hosts that are looked up while the run goes on.

use std::os::fd::BorrowedFd;

use crate::clock::Instant;
use crate::command;
use crate::command::lookups::NOT_BEGUN;
use crate::command::usable::Usable;
use crate::engine::ping::Ping;
use crate::names::background::{Background, Looked};
use crate::names::bounded::NO_ANSWER;
use crate::run::Lookups;

/// The names, and their lookups.
#[derive(Debug)]
pub struct Joining<'a> {
    usable: Usable<'a>,
    background: Background,
    /// In the order of their requests, which is that of their numbers.
    names: Vec<Name>,
}

/// A name.
#[derive(Debug)]
struct Name {
    /// Its number in the report.
    number: u32,
    text: String,
    /// Whether it has no result yet.
    open: bool,
}

/// The reason why a name is unknown that a run was complete without.
const NOT_NEEDED: &str = "not found before the run ended";

impl<'a> Joining<'a> {
    /// No names yet.
    pub fn new(usable: Usable<'a>, background: Background) -> Self {
        Self { usable, background, names: Vec::new() }
    }

    /// Begins the lookup of a name. Each number is greater than the one before.
    pub fn request(&mut self, number: u32, name: &str) {
        self.background.request(number, name, self.usable.wanted());
        self.names.push(Name { number, text: name.to_owned(), open: true });
    }

    /// How many names have no result yet.
    pub fn open(&self) -> u32 {
        u32::try_from(self.names.iter().filter(|name| name.open).count()).unwrap_or(u32::MAX)
    }

    /// Gives the session what was found of a name.
    fn join(&mut self, now: Instant, Looked { number, found }: Looked, session: &mut Ping) {
        let place = self.names.binary_search_by_key(&number, |name| name.number);
        let Some(name) = place.ok().and_then(|place| self.names.get_mut(place)) else { return };
        name.open = false;
        let usable = &self.usable;
        let chosen = usable.choose(&name.text, &found).and_then(|chosen| {
            chosen.iter().try_for_each(|address| usable.check_limits(*address)).map(|()| chosen)
        });
        match chosen {
            Ok(addresses) => session.name_found(now, number, &addresses, false),
            Err(why) => session.name_unknown(now, number, command::reason(&name.text, &why), false),
        }
    }
}

impl Lookups<Ping> for Joining<'_> {
    fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        self.background.ready_fd()
    }

    fn poll(&mut self, now: Instant, session: &mut Ping) {
        for looked in self.background.take() {
            self.join(now, looked, session);
        }
    }

    fn end(&mut self, now: Instant, session: &mut Ping) {
        self.poll(now, session);
        let (begun, enough) = (self.background.begun(), session.is_enough());
        for (place, name) in self.names.iter_mut().enumerate().filter(|(_, name)| name.open) {
            name.open = false;
            let reason = match place < begun {
                _ if enough => NOT_NEEDED,
                true => NO_ANSWER,
                false => NOT_BEGUN,
            };
            session.name_unknown(now, name.number, reason.to_owned(), enough);
        }
    }
}
