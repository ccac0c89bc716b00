//! What is told about a trace and waits for the names of those who answered.
//!
//! Probes are told in the order of the path, and said in that order. What is said wants its name, and a name
//! may be slow: a report, never a probe, waits for it, until [`PATIENCE`] after it was asked for. Names are
//! asked for as soon as an address is told, whatever is waiting; so these waits lie beside one another and
//! beside the probes, and a dead name server holds up the end of a run once and no longer than that.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use crate::clock::Instant;
use crate::names::lookup::{Answer, Names, Question};

/// How long a report waits for a name or an origin after asking for it: as long as a person waits without
/// wondering, and longer than a sound resolver takes. One that is not sound asks again after five seconds
/// (resolv.conf(5)): what has not come by then is not worth more.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// What is to be known about those who answer, beside their addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Their names.
    pub names: bool,
    /// The systems that announce their addresses (`-A`).
    pub origins: bool,
}

impl Wanted {
    /// What is asked about an address.
    fn questions(self, address: IpAddr) -> impl Iterator<Item = Question> {
        let name = self.names.then_some(Question::Name(address));
        name.into_iter().chain(self.origins.then_some(Question::Origin(address)))
    }
}

/// What was told and is to be said, in that order.
#[derive(Debug)]
pub struct Waiting<T> {
    wanted: Wanted,
    names: Names,
    /// Each with the time until when a name of it is waited for, which is known from the first turn on.
    queue: VecDeque<(T, Option<Instant>)>,
    /// Until when the first of them waits for a name.
    wake: Option<Instant>,
    /// How long names are waited for.
    patience: Duration,
}

impl<T> Waiting<T> {
    /// Nothing yet. `names` are asked for what is wanted.
    pub fn new(wanted: Wanted, names: Names) -> Self {
        Self { wanted, names, queue: VecDeque::new(), wake: None, patience: PATIENCE }
    }

    /// Asks for all that is wanted about an address at once, whatever is waiting.
    pub fn ask(&mut self, address: IpAddr) {
        for question in self.wanted.questions(address) {
            self.names.look(question);
        }
    }

    /// Adds what is to be said after all others.
    pub fn push(&mut self, told: T) {
        self.queue.push_back((told, None));
    }

    /// A turn begins: what was added since the last one waits from now on.
    pub fn turn(&mut self, now: Instant) {
        self.names.collect();
        let end = now + self.patience;
        for (_, until) in self.queue.iter_mut().rev().take_while(|(_, until)| until.is_none()) {
            *until = Some(end);
        }
        self.wake = None;
    }

    /// What is to be said next.
    pub fn first(&self) -> Option<&T> {
        self.queue.front().map(|(told, _)| told)
    }

    /// Takes what is to be said next; `None` if it still waits for something about `whom` that it would show.
    pub fn take(&mut self, now: Instant, whom: Option<IpAddr>) -> Option<T> {
        let (_, until) = self.queue.front()?;
        let until = until.filter(|until| now < *until && !self.patience.is_zero());
        if until.is_some() && whom.is_some_and(|address| self.is_coming(address)) {
            self.wake = until;
            return None;
        }
        self.queue.pop_front().map(|(told, _)| told)
    }

    /// Whether something that is wanted about an address is on its way.
    fn is_coming(&mut self, address: IpAddr) -> bool {
        self.wanted.questions(address).any(|question| self.names.look(question) == Answer::Coming)
    }

    /// The name of an address, as far as it is wanted and known.
    pub fn name(&mut self, address: IpAddr) -> Option<String> {
        self.known(self.wanted.names, Question::Name(address))
    }

    /// The systems that announce an address, as far as they are wanted and known.
    pub fn origin(&mut self, address: IpAddr) -> Option<String> {
        self.known(self.wanted.origins, Question::Origin(address))
    }

    fn known(&mut self, wanted: bool, question: Question) -> Option<String> {
        match wanted.then(|| self.names.look(question))? {
            Answer::Here(text) => text,
            Answer::Coming | Answer::NotAsked => None,
        }
    }

    /// When the next turn is due; `None`: nothing waits for a name.
    pub fn wake(&self) -> Option<Instant> {
        self.wake
    }

    /// Readable when a name has come.
    pub fn bell(&self) -> Option<BorrowedFd<'_>> {
        self.names.bell()
    }

    /// Nothing is waited for any more.
    pub fn hurry(&mut self) {
        self.patience = Duration::ZERO;
        self.wake = self.wake.map(|_| Instant::ZERO);
    }
}
