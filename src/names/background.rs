//! Forward lookups on threads, while the caller goes on. Nothing here waits for a lookup, and the end of the program does
//! not either: the C library has no way to cancel getaddrinfo(3).
//!
//! One thread, the director, gives each lookup a thread of its own and decides by [`Race`] what comes of each name.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;

use anyhow::Result;
use rustix::event::{EventfdFlags, eventfd};

use crate::clock::{Clock, Instant};
use crate::names::forward::{AddressFamilies, Candidate, absolute, resolve};
use crate::names::race::{Outcome, Race, Step};

/// Names that are looked up at a time.
const LOOKUPS: usize = 32;

/// While so many threads run, no name is begun. A lookup that is no longer needed keeps its thread until the
/// resolver gives up.
const THREADS: usize = 256;

/// Looks a name up; may block.
type Resolver = dyn Fn(&str, AddressFamilies) -> Result<Vec<Candidate>> + Send + Sync;

/// The absolute name, if that is looked up first; see [`absolute`].
type Absolute = dyn Fn(&str) -> Option<String> + Send + Sync;

/// Names that are being looked up.
pub struct Background {
    director: Sender<Message>,
    results: Receiver<Looked>,
    /// An eventfd, to which 1 is added with each result.
    ready: Arc<OwnedFd>,
    /// Names requested so far, and results taken.
    requested: usize,
    taken: usize,
    /// Names that are looked up or were: the first of those that were requested.
    begun: Arc<AtomicUsize>,
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").field("open", &self.open()).finish_non_exhaustive()
    }
}

/// A name that was looked up.
#[derive(Debug)]
pub struct Looked {
    /// The number that it was requested with.
    pub number: u32,
    /// Its addresses, at least one; or why there is none, in a line that begins with the name.
    pub found: Result<Vec<Candidate>>,
    /// The family that nothing is known of: its addresses may be missing.
    pub unknown: Option<AddressFamilies>,
}

impl Background {
    /// Lookups by the system's resolver; `None`: the system allows no thread or no descriptor.
    pub fn start() -> Option<Self> {
        Self::with(resolve, absolute)
    }

    /// Lookups by `resolver`. A family is looked up by itself where there is an `absolute` name.
    fn with(
        resolver: impl Fn(&str, AddressFamilies) -> Result<Vec<Candidate>> + Send + Sync + 'static,
        absolute: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
    ) -> Option<Self> {
        let ready = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).ok()?);
        let (sender, inbox) = channel();
        let (done, results) = channel();
        let begun = Arc::new(AtomicUsize::new(0));
        let director = Director {
            resolver: Arc::new(resolver),
            absolute: Arc::new(absolute),
            inbox,
            sender: sender.clone(),
            done,
            ready: Arc::clone(&ready),
            clock: Clock::start(),
            queue: VecDeque::new(),
            begun: Arc::clone(&begun),
            lookups: BTreeMap::new(),
            next: 0,
            threads: 0,
        };
        thread::Builder::new().name("lookups".into()).spawn(move || director.run()).ok()?;
        Some(Self { director: sender, results, ready, requested: 0, taken: 0, begun })
    }

    /// Requests the addresses of a host; see [`resolve`]. Names are begun in the order of the requests, as many at a time
    /// as [`LOOKUPS`].
    pub fn request(&mut self, number: u32, name: &str, wanted: AddressFamilies) {
        let request = Request { number, name: name.into(), wanted };
        // The director lives as long as its sender, which it has itself.
        self.requested += usize::from(self.director.send(Message::Request(request)).is_ok());
    }

    /// Names without a result that was taken.
    pub fn open(&self) -> usize {
        self.requested.saturating_sub(self.taken)
    }

    /// How many of the names requested have begun.
    pub fn begun(&self) -> usize {
        self.begun.load(Ordering::Relaxed)
    }

    /// The results that have come since the last call.
    pub fn take(&mut self) -> Vec<Looked> {
        if self.open() == 0 {
            return Vec::new();
        }
        // First: a result that comes after this makes the descriptor readable again.
        let _ = rustix::io::read(&self.ready, &mut [0; 8]);
        let results: Vec<_> = self.results.try_iter().collect();
        self.taken += results.len();
        results
    }

    /// Readable when a result has come that [`Self::take`] has not returned; `None`: no name is open.
    pub fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        (self.open() > 0).then(|| self.ready.as_fd())
    }
}

/// A name to look up.
struct Request {
    number: u32,
    name: Arc<str>,
    wanted: AddressFamilies,
}

/// What the director gets.
enum Message {
    Request(Request),
    /// A thread of this lookup has ended.
    End {
        lookup: u64,
        families: AddressFamilies,
        found: Result<Vec<Candidate>>,
    },
}

/// A name that is looked up.
struct Lookup {
    request: Request,
    race: Race,
}

/// The thread that starts lookups.
struct Director {
    resolver: Arc<Resolver>,
    absolute: Arc<Absolute>,
    inbox: Receiver<Message>,
    sender: Sender<Message>,
    done: Sender<Looked>,
    ready: Arc<OwnedFd>,
    clock: Clock,
    queue: VecDeque<Request>,
    begun: Arc<AtomicUsize>,
    lookups: BTreeMap<u64, Lookup>,
    /// Number of the next lookup.
    next: u64,
    /// Threads that have not ended.
    threads: usize,
}

impl Director {
    /// Works until results are taken no more.
    fn run(mut self) {
        loop {
            self.begin();
            let Ok(wake) = self.steps() else { return };
            let Ok(message) = self.receive(wake) else { continue };
            match message {
                Message::Request(request) => self.queue.push_back(request),
                Message::End { lookup, families, found } => {
                    self.threads = self.threads.saturating_sub(1);
                    let now = self.clock.now();
                    if let Some(lookup) = self.lookups.get_mut(&lookup) {
                        lookup.race.end(families, found, now);
                    }
                }
            }
        }
    }

    /// The next message, or an error at `wake`.
    fn receive(&self, wake: Option<Instant>) -> Result<Message, RecvTimeoutError> {
        match wake {
            Some(wake) => self.inbox.recv_timeout(wake.since(self.clock.now())),
            None => self.inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        }
    }

    /// Begins the lookups that there is room for.
    fn begin(&mut self) {
        while self.lookups.len() < LOOKUPS
            && self.threads < THREADS
            && let Some(request) = self.queue.pop_front()
        {
            self.begun.fetch_add(1, Ordering::Relaxed);
            let (number, families, name) = (self.next, request.wanted, Arc::clone(&request.name));
            self.next = self.next.wrapping_add(1);
            let race = Race::new(families, self.clock.now());
            self.lookups.insert(number, Lookup { request, race });
            if !self.start_thread(number, &name, families) {
                // Without a thread the others wait for this one.
                let found = (self.resolver)(&name, families);
                let _ = self.sender.send(Message::End { lookup: number, families, found });
            }
        }
    }

    /// Does what is next for each name. Returns when something is next at the latest.
    ///
    /// # Errors
    /// Results are taken no more.
    fn steps(&mut self) -> Result<Option<Instant>, ()> {
        let now = self.clock.now();
        let mut wake: Option<Instant> = None;
        let (mut split, mut done) = (Vec::new(), Vec::new());
        for (number, Lookup { request, race }) in &mut self.lookups {
            let mut step = race.step(now);
            if let Step::Split = step {
                split.push((*number, Arc::clone(&request.name)));
                step = race.step(now);
            }
            match step {
                Step::Wait(until) => wake = wake.into_iter().chain(until).min(),
                Step::Done(found) => done.push((*number, found)),
                Step::Split => {}
            }
        }
        for (number, name) in split {
            let Some(name) = (self.absolute)(&name).map(Arc::from) else { continue };
            for families in [AddressFamilies::V4, AddressFamilies::V6] {
                self.start_thread(number, &name, families);
            }
        }
        for (number, Outcome { found, unknown }) in done {
            let Some(lookup) = self.lookups.remove(&number) else { continue };
            let number = lookup.request.number;
            self.done.send(Looked { number, found, unknown }).map_err(|_| ())?;
            // It fails only at 2^64 unread results.
            let _ = rustix::io::write(&self.ready, &1_u64.to_ne_bytes());
            // There is room for another name.
            wake = Some(now);
        }
        Ok(wake)
    }

    /// Starts a thread for one lookup. Returns whether it was started.
    fn start_thread(&mut self, lookup: u64, name: &Arc<str>, families: AddressFamilies) -> bool {
        let (resolver, name, sender) = (Arc::clone(&self.resolver), Arc::clone(name), self.sender.clone());
        let look_up = move || {
            let found = resolver(&name, families);
            let _ = sender.send(Message::End { lookup, families, found });
        };
        let started = thread::Builder::new().name("lookup".into()).spawn(look_up).is_ok();
        self.threads += usize::from(started);
        started
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;

    /// The results of all requests, in the order in which they came.
    fn results(names: &mut Background) -> Vec<(u32, String)> {
        let mut all = Vec::new();
        while let Some(ready) = names.ready_fd() {
            let mut fds = [PollFd::from_borrowed_fd(ready, PollFlags::IN)];
            rustix::io::retry_on_intr(|| poll(&mut fds, None)).unwrap();
            all.extend(names.take().into_iter().map(|Looked { number, found, .. }| {
                let found = found.map_or_else(|error| error.to_string(), |found| found[0].addr.to_string());
                (number, found)
            }));
        }
        all
    }

    /// Names with a dot are looked up as they are first.
    fn dotted(name: &str) -> Option<String> {
        name.contains('.').then(|| format!("{name}."))
    }

    fn address(text: &str) -> Result<Vec<Candidate>> {
        Ok(vec![Candidate { addr: text.parse()?, canonical: None }])
    }

    #[test]
    fn a_name_is_found_while_another_one_has_no_answer() {
        let (_hold, held) = channel::<()>();
        let held = Mutex::new(held);
        let mut names = Background::with(
            move |name, _| {
                if name == "dead" {
                    let _ = held.lock().map(|held| held.recv());
                }
                address("192.0.2.1:0")
            },
            dotted,
        )
        .unwrap();
        names.request(7, "dead", AddressFamilies::V4);
        names.request(8, "alive", AddressFamilies::V4);
        names.taken = 1;
        assert_eq!(results(&mut names), [(8, "192.0.2.1:0".to_owned())]);
    }

    #[test]
    fn a_family_that_is_never_answered_for_is_not_waited_for() {
        let (_hold, held) = channel::<()>();
        let held = Mutex::new(held);
        let mut names = Background::with(
            move |name, families| {
                if families != AddressFamilies::V4 {
                    let _ = held.lock().map(|held| held.recv());
                }
                assert_eq!(name, "half.example.");
                address("192.0.2.1:0")
            },
            dotted,
        )
        .unwrap();
        names.request(0, "half.example", AddressFamilies::Any);
        assert_eq!(results(&mut names), [(0, "192.0.2.1:0".to_owned())]);
    }

    #[test]
    fn every_name_has_its_result_however_many_there_are() {
        let mut names = Background::with(|name, _| address(&format!("192.0.2.{name}:0")), dotted).unwrap();
        for number in 0..1_000 {
            names.request(number, &(number % 256).to_string(), AddressFamilies::V6);
        }
        let mut found = results(&mut names);
        found.sort_unstable();
        let expected: Vec<_> = (0..1_000).map(|n| (n, format!("192.0.2.{}:0", n % 256))).collect();
        assert_eq!((found, names.begun()), (expected, 1_000));
    }

    #[test]
    fn as_many_names_are_looked_up_at_a_time_as_there_is_room_for() {
        let (begin, begun) = channel();
        let (_hold, held) = channel::<()>();
        let held = Mutex::new(held);
        let mut names = Background::with(
            move |name, _| {
                let _ = begin.send(name.to_owned());
                let _ = held.lock().map(|held| held.recv());
                address("192.0.2.1:0")
            },
            dotted,
        )
        .unwrap();
        for number in 0..40 {
            names.request(number, &number.to_string(), AddressFamilies::V4);
        }
        assert_eq!(begun.iter().take(LOOKUPS).count(), LOOKUPS);
        assert_eq!((names.begun(), names.open()), (LOOKUPS, 40));
        assert!(begun.try_recv().is_err());
    }
}
