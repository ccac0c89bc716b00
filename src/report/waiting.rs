//! A queue of events that wait for the names of the addresses in them.
//!
//! The events of a trace are printed in the order in which they were emitted, each with the name of its
//! responder. A name may be slow: printing, never a probe, waits for it, at most [`PATIENCE`] from the turn
//! in which the event was appended. Lookups start as soon as an address is known, wherever its event stands
//! in the queue. So the waits overlap with one another and with the probes, and a name server that does not
//! respond delays the end of a run once, by at most that time.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::clock::Instant;
use crate::names::lookup::{LookupState, Names, Question};

/// How long an event waits for a name or an origin: longer than lookups take while the name servers respond.
/// Without a response a resolver repeats the query after five seconds (resolv.conf(5)).
pub const PATIENCE: Duration = Duration::from_secs(1);

/// The lookups for the addresses of responders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lookups {
    /// Their names (PTR).
    pub names: bool,
    /// The autonomous systems that announce them (`-A`).
    pub origins: bool,
}

impl Lookups {
    /// The lookups for an address.
    fn questions(self, address: IpAddr) -> impl Iterator<Item = Question> {
        let name = self.names.then_some(Question::Name(address));
        name.into_iter().chain(self.origins.then_some(Question::Origin(address)))
    }
}

/// A queue of items to be printed, in order.
#[derive(Debug)]
pub struct Waiting<T> {
    wanted: Lookups,
    names: Names,
    /// Each item with the end of its wait, which its first turn determines.
    queue: VecDeque<(T, Option<Instant>)>,
    /// The end of the wait of the first item.
    wake: Option<Instant>,
    /// How long an item waits.
    patience: Duration,
}

impl<T> Waiting<T> {
    /// An empty queue. `names` does the lookups.
    pub fn new(wanted: Lookups, names: Names) -> Self {
        Self { wanted, names, queue: VecDeque::new(), wake: None, patience: PATIENCE }
    }

    /// Starts the lookups for an address.
    pub fn query(&mut self, address: IpAddr) {
        for question in self.wanted.questions(address) {
            self.names.query(question);
        }
    }

    /// Appends an item.
    pub fn push(&mut self, item: T) {
        self.queue.push_back((item, None));
    }

    /// Begins a turn: the wait of items appended since the last turn begins `now`.
    pub fn poll(&mut self, now: Instant) {
        self.names.collect();
        let end = now + self.patience;
        for (_, until) in self.queue.iter_mut().rev().take_while(|(_, until)| until.is_none()) {
            *until = Some(end);
        }
        self.wake = None;
    }

    /// The next item.
    pub fn first(&self) -> Option<&T> {
        self.queue.front().map(|(item, _)| item)
    }

    /// Pops the next item, unless a lookup about `responder` is pending and the wait has not ended.
    pub fn take(&mut self, now: Instant, responder: Option<IpAddr>) -> Option<T> {
        let (_, until) = self.queue.front()?;
        let until = until.filter(|until| now < *until && !self.patience.is_zero());
        if until.is_some() && responder.is_some_and(|address| self.is_pending(address)) {
            self.wake = until;
            return None;
        }
        self.queue.pop_front().map(|(item, _)| item)
    }

    fn is_pending(&mut self, address: IpAddr) -> bool {
        self.wanted.questions(address).any(|question| self.names.query(question) == LookupState::Pending)
    }

    /// The name of an address, if it is wanted and known.
    pub fn name(&mut self, address: IpAddr) -> Option<String> {
        self.known(self.wanted.names, Question::Name(address))
    }

    /// The autonomous systems that announce an address, if they are wanted and known.
    pub fn origin(&mut self, address: IpAddr) -> Option<String> {
        self.known(self.wanted.origins, Question::Origin(address))
    }

    fn known(&mut self, wanted: bool, question: Question) -> Option<String> {
        match wanted.then(|| self.names.query(question))? {
            LookupState::Done(text) => text,
            LookupState::Pending | LookupState::NotQueried => None,
        }
    }

    /// When [`Waiting::poll`] is due at the latest; `None`: no item waits for a name.
    pub fn wake(&self) -> Option<Instant> {
        self.wake
    }

    /// Readable when a lookup has ended.
    pub fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        self.names.ready_fd()
    }

    /// Ends all waits, those of later items too.
    pub fn finish_now(&mut self) {
        self.patience = Duration::ZERO;
        self.wake = self.wake.map(|_| Instant::ZERO);
    }
}
