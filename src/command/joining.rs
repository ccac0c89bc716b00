//! The names of a ping that are looked up while the run goes on: those of many hosts join it, and with `--resolve-again`
//! each is looked up again and again.

use std::net::SocketAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::cli::ping_request::PingRequest;
use crate::clock::Instant;
use crate::command;
use crate::command::lookups::missed;
use crate::command::usable::Usable;
use crate::engine::ping::event::{Missing, NameState};
use crate::engine::ping::{Holders, Ping, Targets};
use crate::names::background::{Background, Looked};
use crate::names::forward::{AddressFamilies, Candidate};
use crate::run::Lookups;
use crate::transport::check_scope;
use crate::wire::Family;

/// The names, and their lookups.
#[derive(Debug)]
pub struct Joining<'a> {
    rules: Rules<'a>,
    background: Background,
    /// In the order of their numbers.
    names: Vec<Name>,
    /// The addresses that are probed, by name.
    holders: Holders,
    /// When each name is looked up again.
    again: Option<Again>,
    /// When those are that are unknown.
    missing: Option<Again>,
}

/// Lookups that are made again and again.
#[derive(Clone, Copy, Debug)]
struct Again {
    /// From one to the next.
    every: Duration,
    /// When the next one is due.
    due: Instant,
}

impl Again {
    fn new(every: Duration) -> Self {
        Self { every, due: Instant::ZERO + every }
    }

    /// Whether one is due. Those that passed while the process was stopped are skipped.
    fn take(&mut self, now: Instant) -> bool {
        let is_due = self.due <= now;
        if is_due {
            let next = self.due + self.every;
            self.due = if next > now { next } else { now + self.every };
        }
        is_due
    }
}

/// What the addresses of the names must be.
#[derive(Debug)]
enum Rules<'a> {
    /// Those of many hosts: what can be probed.
    Many { usable: Usable<'a> },
    /// That of one host: of the families of its sockets, and with as many responders.
    One { request: &'a PingRequest, families: AddressFamilies, first: SocketAddr },
}

/// A name.
#[derive(Debug)]
struct Name {
    /// Its number in the report.
    number: u32,
    text: String,
    state: NameState,
    /// Whether it is being looked up.
    pending: bool,
}

/// The line about names that are not looked up again, without the program's name.
pub const NO_THREAD: &str = "--resolve-again has no effect: the system allows no further thread";

/// The reason why a name is unknown that a run was complete without.
const NOT_NEEDED: &str = "not found before the run ended";

impl<'a> Joining<'a> {
    /// The names of many hosts: none yet. With `again`, each is looked up again after that time.
    pub fn many(usable: Usable<'a>, background: Background, again: Option<Duration>) -> Self {
        let rules = Rules::Many { usable };
        Self::new(rules, background, Vec::new(), again)
    }

    /// The name of the only host, which is looked up again after that time, for the families of the sockets.
    pub fn one(
        request: &'a PingRequest,
        host: &str,
        (address, families): (SocketAddr, AddressFamilies),
        background: Background,
        again: Duration,
    ) -> Self {
        let state = NameState::Known;
        let name = Name { number: 0, text: host.to_owned(), state, pending: false };
        let mut joining =
            Self::new(Rules::One { request, families, first: address }, background, vec![name], Some(again));
        joining.holders.find(0, &[address]);
        joining
    }

    fn new(rules: Rules<'a>, background: Background, names: Vec<Name>, again: Option<Duration>) -> Self {
        let again = again.map(Again::new);
        Self { rules, background, names, holders: Holders::default(), again, missing: None }
    }

    /// The same, where names that are unknown are looked up every so often until they are found.
    pub fn until_found(self, every: Duration) -> Self {
        Self { missing: Some(Again::new(every)), ..self }
    }

    /// Whether names are looked up until they are found.
    pub fn waits(&self) -> bool {
        self.missing.is_some()
    }

    /// Sets the targets that are given as addresses.
    pub fn set_others(&mut self, targets: Targets) {
        self.holders.set_given(targets);
    }

    /// Addresses of this family cannot be probed, for a reason.
    pub fn refuse(&mut self, family: Family, reason: &str) {
        if let Rules::Many { usable } = &mut self.rules {
            usable.refuse(family, reason);
        }
    }

    /// Begins the lookup of a name. Each number is greater than the one before.
    pub fn request(&mut self, number: u32, name: &str) {
        self.background.request(number, name, self.rules.wanted());
        let (text, state) = (name.to_owned(), NameState::Open);
        self.names.push(Name { number, text, state, pending: true });
    }

    /// Adds a name that was looked up before the run; without an address it is unknown.
    pub fn add_known(&mut self, number: u32, name: &str, addresses: &[SocketAddr]) {
        let state = if addresses.is_empty() { NameState::Unknown } else { NameState::Known };
        self.names.push(Name { number, text: name.to_owned(), state, pending: false });
        self.holders.find(number, addresses);
    }

    /// How many names have no result yet.
    pub fn open(&self) -> u32 {
        let open = self.names.iter().filter(|name| name.state == NameState::Open);
        u32::try_from(open.count()).unwrap_or(u32::MAX)
    }

    /// Begins the lookups of all names that are not being looked up; `missing`: of those that are unknown.
    fn look_up_again(&mut self, missing: bool) {
        let due = |name: &&mut Name| !name.pending && (!missing || name.state == NameState::Unknown);
        for name in self.names.iter_mut().filter(due) {
            name.pending = true;
            self.background.request(name.number, &name.text, self.rules.wanted());
        }
    }

    /// Gives the session what was found of a name.
    fn take(&mut self, now: Instant, Looked { number, found, unknown }: Looked, session: &mut Ping) {
        let Ok(place) = self.names.binary_search_by_key(&number, |name| name.number) else { return };
        let Some(name) = self.names.get_mut(place) else { return };
        name.pending = false;
        let missing = if self.again.or(self.missing).is_some() { Missing::Again } else { Missing::Final };
        match (name.state, &self.rules) {
            (NameState::Known, _) => self.follow(now, number, (&found, unknown), session),
            (NameState::Open | NameState::Unknown, Rules::One { .. }) => {}
            (before, Rules::Many { usable }) => {
                let chosen = usable.choose(&name.text, &found);
                let chosen = chosen.and_then(|chosen| usable.check_limits(&chosen).map(|()| chosen));
                match (chosen, before) {
                    (Ok(addresses), _) => {
                        name.state = NameState::Known;
                        self.holders.find(number, &addresses);
                        session.name_found(now, number, &addresses, before);
                    }
                    (Err(why), NameState::Open) => {
                        name.state = NameState::Unknown;
                        session.name_unknown(now, number, command::reason(&name.text, &why), missing);
                    }
                    // It was reported when it was looked up first.
                    (Err(_), _) => {}
                }
            }
        }
    }

    /// Compares the addresses of a name with those that are probed. One of these that was not found moves to one that is
    /// new; further new ones join if all addresses are wanted. A lookup that fails changes nothing, and so does one that
    /// knows nothing of the family of an address.
    fn follow(
        &mut self,
        now: Instant,
        number: u32,
        (found, unknown): (&anyhow::Result<Vec<Candidate>>, Option<AddressFamilies>),
        session: &mut Ping,
    ) {
        let Ok(found) = found else { return };
        let usable = self.rules.usable(found);
        let mut fresh = usable.clone();
        fresh.retain(|address| !self.holders.of(number).contains(address));
        let is_unknown = |address: &SocketAddr| unknown.is_some_and(|family| family.accepts(&address.ip()));
        let held = self.holders.of(number).iter().copied();
        let gone = held.filter(|old| !usable.contains(old) && !is_unknown(old)).collect();
        for (from, to) in moves(gone, &mut fresh) {
            let along = session.name_moved(now, number, from, to, self.holders.leaving(number, from));
            self.holders.change(number, from, to, along);
        }
        if !fresh.is_empty() && self.rules.wants_all() {
            session.name_found(now, number, &fresh, NameState::Known);
            self.holders.find(number, &fresh);
        }
    }
}

/// Which address that is gone moves to which new one, which is taken from these: to one of its family, else to one of the
/// other family.
fn moves(gone: Vec<SocketAddr>, fresh: &mut Vec<SocketAddr>) -> Vec<(SocketAddr, SocketAddr)> {
    let mut moves = Vec::new();
    let mut left = gone;
    for same in [true, false] {
        left.retain(|from| {
            let to = fresh.iter().position(|to| !same || to.is_ipv4() == from.is_ipv4());
            moves.extend(to.map(|place| (*from, fresh.remove(place))));
            to.is_none()
        });
    }
    moves
}

impl Rules<'_> {
    /// The families that are looked up.
    fn wanted(&self) -> AddressFamilies {
        match self {
            Self::Many { usable } => usable.wanted(),
            Self::One { families, .. } => *families,
        }
    }

    /// Those addresses that can be probed.
    fn usable(&self, found: &[Candidate]) -> Vec<SocketAddr> {
        match self {
            Self::Many { usable } => usable.all(found),
            Self::One { request, families, first } => {
                let can = |address: &SocketAddr| {
                    families.accepts(&address.ip())
                        && address.ip().is_multicast() == first.ip().is_multicast()
                        && !address.ip().is_unspecified()
                        && check_scope(*address, &request.sockets).is_ok()
                        && request.check_size(Family::of(address.ip())).is_ok()
                };
                found.iter().map(|candidate| candidate.addr).filter(can).collect()
            }
        }
    }

    /// Whether every address of a name is probed.
    fn wants_all(&self) -> bool {
        match self {
            Self::Many { usable } => usable.wants_all(),
            Self::One { .. } => false,
        }
    }
}

impl Lookups<Ping> for Joining<'_> {
    fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        self.background.ready_fd()
    }

    fn wake(&self) -> Option<Instant> {
        let unknown = || self.names.iter().any(|name| name.state == NameState::Unknown && !name.pending);
        let missing = self.missing.filter(|_| unknown());
        self.again.into_iter().chain(missing).map(|again| again.due).min()
    }

    fn poll(&mut self, now: Instant, session: &mut Ping) {
        for looked in self.background.take() {
            self.take(now, looked, session);
        }
        let due = |again: &mut Option<Again>| again.as_mut().is_some_and(|again| again.take(now));
        let (all, missing) = (due(&mut self.again), due(&mut self.missing));
        if all || missing {
            self.look_up_again(!all);
        }
    }

    fn end(&mut self, now: Instant, stopped: bool, session: &mut Ping) {
        for looked in self.background.take() {
            self.take(now, looked, session);
        }
        let (begun, enough) = (self.background.begun(), session.is_enough());
        let open = |(_, name): &(usize, &mut Name)| name.state == NameState::Open;
        for (place, name) in self.names.iter_mut().enumerate().filter(open) {
            name.state = NameState::Unknown;
            let (reason, missing) = match enough {
                true => (NOT_NEEDED, Missing::NotNeeded),
                false => (missed(place < begun, stopped), Missing::Final),
            };
            session.name_unknown(now, name.number, reason.to_owned(), missing);
        }
    }
}
