//! Names of addresses (PTR) and the autonomous systems that announce them, looked up on threads.
//!
//! Name servers may be slow, dead or hostile: nothing here waits for them, a result is used only if it has the form
//! of a name or of AS numbers (`form`), and the end of the run does not join the threads.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::event::{EventfdFlags, eventfd};

use super::form;

/// Most questions in the cache; later ones are not queried. Without a limit, whoever sends packets decides how much
/// memory they take.
pub const CACHE: usize = 4096;
/// Most questions that wait for a thread.
const QUEUE: usize = 64;

/// Threads for the addresses of a path: as many as most paths have routers.
const PATH: usize = 16;

/// What is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// The name of this address (PTR).
    Name(IpAddr),
    /// Which autonomous systems announce it: `AS64500`, or several joined by `/`.
    Origin(IpAddr),
}

/// The state of one lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LookupState {
    /// It has ended; `None`: without a usable result.
    Done(Option<String>),
    /// It is queued or in progress.
    Pending,
    /// It was not queried: cache or queue is full, or no thread could be started.
    NotQueried,
}

/// Looks one question up; may block.
type Resolver = dyn Fn(Question) -> Option<String> + Send + Sync;

/// Lookups by question, each made once.
pub struct Names {
    resolver: Arc<Resolver>,
    /// Most lookups at a time.
    threads: usize,
    state: Threads,
    cache: HashMap<Question, LookupState>,
}

enum Threads {
    /// Nothing was queried yet.
    NotStarted,
    Running(Pool),
    /// No thread could be started.
    Unavailable,
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").field("cache", &self.cache).finish_non_exhaustive()
    }
}

impl Default for Names {
    fn default() -> Self {
        Self::new()
    }
}

impl Names {
    /// Names from the system's resolver, one lookup at a time.
    pub fn new() -> Self {
        Self::with(system_name)
    }

    /// Names from another resolver, one lookup at a time.
    pub fn with(lookup: impl Fn(IpAddr) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::pooled(1, move |question| match question {
            Question::Name(address) => lookup(address),
            Question::Origin(_) => None,
        })
    }

    /// Names from the system's resolver and AS numbers from `origin`, for all routers of a path at the same time.
    pub fn of_path(origin: impl Fn(IpAddr) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::pooled(PATH, move |question| match question {
            Question::Name(address) => system_name(address),
            Question::Origin(address) => origin(address),
        })
    }

    /// Lookups by `resolver` on up to `threads` threads, which are started as needed.
    pub fn pooled(
        threads: usize,
        resolver: impl Fn(Question) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self { resolver: Arc::new(resolver), threads, state: Threads::NotStarted, cache: HashMap::new() }
    }

    /// Starts the first thread. Returns false if the system allows none: then nothing is looked up.
    pub fn start(&mut self) -> bool {
        if let Threads::NotStarted = self.state {
            let mut pool = Pool::new();
            pool.start_thread(&self.resolver);
            let started = pool.workers > 0;
            self.state = if started { Threads::Running(pool) } else { Threads::Unavailable };
        }
        matches!(self.state, Threads::Running(_))
    }

    /// The name of an address if it is known by now; else its lookup is started, once.
    pub fn name(&mut self, address: IpAddr) -> Option<String> {
        match self.query(Question::Name(address)) {
            LookupState::Done(name) => name,
            LookupState::Pending | LookupState::NotQueried => None,
        }
    }

    /// The state of a lookup, which is started if it was not yet.
    pub fn query(&mut self, question: Question) -> LookupState {
        self.collect();
        if let Some(known) = self.cache.get(&question) {
            return known.clone();
        }
        if self.cache.len() < CACHE && self.enqueue(question) {
            self.cache.insert(question, LookupState::Pending);
            return LookupState::Pending;
        }
        LookupState::NotQueried
    }

    /// Takes the results that have come. [`Self::ready_fd`] is not readable afterwards.
    pub fn collect(&mut self) {
        let Threads::Running(pool) = &mut self.state else { return };
        for (question, answer) in pool.results.try_iter() {
            pool.open = pool.open.saturating_sub(1);
            pool.unread = pool.unread.saturating_add(1);
            self.cache.insert(question, LookupState::Done(answer.filter(|text| is_answer(question, text))));
        }
        pool.read_events();
    }

    /// Readable while a result has come that [`Self::collect`] has not taken.
    pub fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.state {
            Threads::Running(pool) => pool.ready.as_ref().map(|ready| ready.as_fd()),
            Threads::NotStarted | Threads::Unavailable => None,
        }
    }

    /// Queues a question. Returns whether there was room.
    fn enqueue(&mut self, question: Question) -> bool {
        self.start();
        let Threads::Running(pool) = &mut self.state else { return false };
        if pool.workers < self.threads && pool.open >= pool.workers {
            pool.start_thread(&self.resolver);
        }
        let queued = pool.queries.try_send(question).is_ok();
        pool.open += usize::from(queued);
        queued
    }
}

/// The threads that look up, and the channels to and from them.
struct Pool {
    queries: SyncSender<Question>,
    /// The receiving end of `queries`, shared by the threads.
    queue: Arc<Mutex<Receiver<Question>>>,
    /// The sending end of `results`, cloned for each thread.
    done: Sender<(Question, Option<String>)>,
    results: Receiver<(Question, Option<String>)>,
    /// An eventfd, to which each thread adds 1 after it has sent a result. `None`: no descriptor was available.
    ready: Option<Arc<OwnedFd>>,
    /// Results taken whose increment of `ready` was not read yet.
    unread: u64,
    /// Threads running.
    workers: usize,
    /// Questions without a result.
    open: usize,
}

impl Pool {
    fn new() -> Self {
        let (queries, queue) = sync_channel(QUEUE);
        let (done, results) = channel();
        let ready = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).ok().map(Arc::new);
        let queue = Arc::new(Mutex::new(queue));
        Self { queries, queue, done, results, ready, unread: 0, workers: 0, open: 0 }
    }

    /// Starts one more thread if the system allows it.
    fn start_thread(&mut self, resolver: &Arc<Resolver>) {
        let (resolver, queue, done) = (Arc::clone(resolver), Arc::clone(&self.queue), self.done.clone());
        let ready = self.ready.clone();
        let next = move || queue.lock().ok()?.recv().ok();
        let work = move || {
            // The channel closes when the report is dropped.
            while let Some(question) = next() {
                if done.send((question, resolver(question))).is_err() {
                    return;
                }
                // It fails only at 2^64 unread results.
                let _ = ready.as_ref().map(|ready| rustix::io::write(ready, &1u64.to_ne_bytes()));
            }
        };
        if thread::Builder::new().name("names".into()).spawn(work).is_ok() {
            self.workers += 1;
        }
    }

    /// Reads the increments of the results taken. One that is not written yet is read the next time.
    fn read_events(&mut self) {
        let mut count = [0; 8];
        if self.unread > 0
            && let Some(ready) = &self.ready
            && rustix::io::read(ready, &mut count).is_ok()
        {
            self.unread = self.unread.saturating_sub(u64::from_ne_bytes(count));
        }
    }
}

/// The name of an address from the system's resolver; may block.
pub fn system_name(address: IpAddr) -> Option<String> {
    dns_lookup::lookup_addr(&address).ok()
}

/// Whether a text has the form of a result.
fn is_answer(question: Question, text: &str) -> bool {
    match question {
        Question::Name(_) => form::is_host_name(text),
        Question::Origin(_) => form::is_origin(text),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// Waits until every earlier question has its result: the thread takes a question only after it has sent the
    /// result of the one before. Returns these questions.
    fn settle(names: &mut Names, taken: &mpsc::Receiver<IpAddr>) -> Vec<IpAddr> {
        names.name(address(254));
        taken.iter().take_while(|queried| *queried != address(254)).collect()
    }

    /// Names from a resolver that reports each question before it returns.
    fn announced(answer: fn(IpAddr) -> Option<String>) -> (Names, mpsc::Receiver<IpAddr>) {
        let (queried, taken) = mpsc::channel();
        let names = Names::with(move |address| {
            queried.send(address).ok();
            answer(address)
        });
        (names, taken)
    }

    #[test]
    fn a_name_is_shown_once_it_is_here() {
        let (mut names, taken) = announced(|_| Some("host.example".into()));
        assert_eq!(names.name(address(1)), None);
        settle(&mut names, &taken);
        assert_eq!(names.name(address(1)), Some("host.example".into()));
    }

    #[test]
    fn one_thread_looks_names_up_one_after_the_other() {
        let (looked, threads) = mpsc::channel();
        let mut names = Names::with(move |_| {
            looked.send(thread::current().id()).ok();
            // Time for another thread to take the next one.
            (0..100).for_each(|_| thread::yield_now());
            None
        });
        for last in 0..QUEUE as u8 {
            names.name(address(last));
        }
        let threads: Vec<_> = threads.iter().take(QUEUE).collect();
        assert!(threads.iter().all(|thread| *thread == threads[0]), "{threads:?}");
    }

    #[test]
    fn an_address_is_queried_once() {
        let (mut names, taken) = announced(|_| None);
        for _ in 0..10 {
            assert_eq!(names.name(address(1)), None);
        }
        assert_eq!(settle(&mut names, &taken), [address(1)]);
    }

    #[test]
    fn a_name_server_that_never_answers_delays_nothing() {
        let (_hold, held) = mpsc::channel::<()>();
        let held = Mutex::new(held);
        let mut names = Names::pooled(3, move |_| {
            held.lock().ok()?.recv().ok();
            None
        });
        for last in 0..=255 {
            assert_eq!(names.name(address(last)), None);
        }
        // Three are in progress, QUEUE wait; the others are not in the cache.
        assert!(names.cache.len() <= QUEUE + 3);
    }

    #[test]
    fn the_memory_of_names_is_bounded() {
        let mut names = Names::with(|_| None);
        let known = |n: u128| (Question::Name(IpAddr::from(n.to_be_bytes())), LookupState::Done(None));
        names.cache = (0..CACHE as u128).map(known).collect();
        assert_eq!(names.query(Question::Name(address(1))), LookupState::NotQueried);
        assert_eq!(names.cache.len(), CACHE);
        assert!(matches!(names.state, Threads::NotStarted));
    }

    /// Waits until a result has come, without taking it.
    fn wait_for_event(names: &Names) {
        let mut fds = [PollFd::from_borrowed_fd(names.ready_fd().unwrap(), PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut fds, None)).unwrap();
    }

    #[test]
    fn several_lookups_run_at_once_and_each_result_makes_the_descriptor_readable() {
        // No lookup returns before all four are in progress.
        let together = std::sync::Barrier::new(4);
        let mut names = Names::pooled(4, move |question| {
            together.wait();
            match question {
                Question::Name(address) => Some(format!("host-{}.example", address.is_ipv4())),
                Question::Origin(_) => Some("AS64500/AS64501".into()),
            }
        });
        let questions = [1, 2].map(address).map(|a| [Question::Name(a), Question::Origin(a)]).concat();
        for question in &questions {
            assert_eq!(names.query(*question), LookupState::Pending);
        }
        while questions.iter().any(|question| names.query(*question) == LookupState::Pending) {
            wait_for_event(&names);
        }
        assert_eq!(names.name(address(1)), Some("host-true.example".into()));
        let origin = names.query(Question::Origin(address(2)));
        assert_eq!(origin, LookupState::Done(Some("AS64500/AS64501".into())));
    }

    #[test]
    fn the_descriptor_is_not_readable_once_every_result_is_taken() {
        let mut names = Names::with(|_| None);
        for last in 0..20 {
            while names.query(Question::Name(address(last))) == LookupState::Pending {
                wait_for_event(&names);
            }
        }
        // The increment follows its result: the last one may still be missing.
        let Threads::Running(pool) = &names.state else { panic!("no thread runs") };
        if pool.unread > 0 {
            wait_for_event(&names);
            names.collect();
        }
        let Threads::Running(pool) = &names.state else { panic!("no thread runs") };
        assert_eq!((pool.unread, pool.open), (0, 0));
        let mut left = [0; 8];
        assert_eq!(rustix::io::read(names.ready_fd().unwrap(), &mut left), Err(rustix::io::Errno::AGAIN));
    }
}
