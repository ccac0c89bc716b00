//! What strangers call an address: its name (PTR), and the systems that announce it. Asked for on threads
//! of their own.
//!
//! Those who answer may be slow, dead or hostile: nothing here waits for them, what they say is believed
//! only where it looks like an answer, and the end of the run leaves the threads where they are.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::event::{EventfdFlags, eventfd};

/// Answers remembered. What is asked later stays without: a run meets as many addresses as strangers care
/// to show it.
const CACHE: usize = 4096;
/// Questions that may wait for a thread.
const QUEUE: usize = 64;
/// Octets of the longest host name in text form (RFC 1035 section 2.3.4), and of any other answer.
const LONGEST_NAME: usize = 253;

/// Questions about a path that are asked at the same time: as many as most paths have routers.
const PATH: usize = 16;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    /// What this address is called.
    Name(IpAddr),
    /// Which autonomous systems announce it: `AS64500`, or several joined by `/`.
    Origin(IpAddr),
}

/// What is known of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It is here; `None`: there is no answer, or none that can be believed.
    Here(Option<String>),
    /// The question is on its way.
    Coming,
    /// It was not asked: there is no room for it now.
    NotAsked,
}

/// Answers one question. It may block for as long as it likes.
type Source = dyn Fn(Question) -> Option<String> + Send + Sync;

/// Answers by question.
pub struct Names {
    source: Arc<Source>,
    /// How many questions may be asked at the same time.
    threads: usize,
    state: State,
    cache: HashMap<Question, Answer>,
}

enum State {
    /// Nobody asked yet.
    Idle,
    Working(Pool),
    /// No thread could be started.
    Dead,
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
    /// Names as the system's resolver tells them, asked for one after the other.
    pub fn new() -> Self {
        Self::with(system_name)
    }

    /// Names from another source, asked for one after the other.
    pub fn with(lookup: impl Fn(IpAddr) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::pooled(1, move |question| match question {
            Question::Name(address) => lookup(address),
            Question::Origin(_) => None,
        })
    }

    /// Names as the system's resolver tells them, and origins from this source, for all routers of a path
    /// at the same time.
    pub fn of_path(origin: impl Fn(IpAddr) -> Option<String> + Send + Sync + 'static) -> Self {
        Self::pooled(PATH, move |question| match question {
            Question::Name(address) => system_name(address),
            Question::Origin(address) => origin(address),
        })
    }

    /// Answers from a source that up to `threads` threads ask at the same time. They start as questions
    /// come.
    pub fn pooled(
        threads: usize,
        source: impl Fn(Question) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self { source: Arc::new(source), threads, state: State::Idle, cache: HashMap::new() }
    }

    /// The name of an address, if it is known by now. If it is not, it is asked for, once.
    pub fn name(&mut self, address: IpAddr) -> Option<String> {
        match self.look(Question::Name(address)) {
            Answer::Here(name) => name,
            Answer::Coming | Answer::NotAsked => None,
        }
    }

    /// What is known by now. A question that was not asked yet is asked.
    pub fn look(&mut self, question: Question) -> Answer {
        self.collect();
        if let Some(known) = self.cache.get(&question) {
            return known.clone();
        }
        if self.cache.len() < CACHE && self.ask(question) {
            self.cache.insert(question, Answer::Coming);
            return Answer::Coming;
        }
        Answer::NotAsked
    }

    /// Takes the answers that have come. [`Self::bell`] is silent afterwards.
    pub fn collect(&mut self) {
        let State::Working(pool) = &mut self.state else { return };
        for (question, answer) in pool.answers.try_iter() {
            pool.open = pool.open.saturating_sub(1);
            pool.unread = pool.unread.saturating_add(1);
            self.cache.insert(question, Answer::Here(answer.filter(|text| is_answer(question, text))));
        }
        pool.silence();
    }

    /// Readable when an answer has come and is not yet collected.
    pub fn bell(&self) -> Option<BorrowedFd<'_>> {
        match &self.state {
            State::Working(pool) => pool.bell.as_ref().map(|bell| bell.as_fd()),
            State::Idle | State::Dead => None,
        }
    }

    /// Whether the question is on its way.
    fn ask(&mut self, question: Question) -> bool {
        if let State::Idle = self.state {
            self.state = State::Working(Pool::new());
        }
        let State::Working(pool) = &mut self.state else { return false };
        if pool.workers < self.threads && pool.open >= pool.workers {
            pool.hire(&self.source);
        }
        if pool.workers == 0 {
            self.state = State::Dead;
            return false;
        }
        let asked = pool.questions.try_send(question).is_ok();
        pool.open += usize::from(asked);
        asked
    }
}

/// Threads, and the ways to and from them.
struct Pool {
    questions: SyncSender<Question>,
    asked: Arc<Mutex<Receiver<Question>>>,
    told: Sender<(Question, Option<String>)>,
    answers: Receiver<(Question, Option<String>)>,
    /// Rung once for each answer, after it. `None`: this machine gives no more descriptors.
    bell: Option<Arc<OwnedFd>>,
    /// Answers taken whose ring was not read yet.
    unread: u64,
    workers: usize,
    /// Questions without an answer.
    open: usize,
}

impl Pool {
    fn new() -> Self {
        let (questions, asked) = sync_channel(QUEUE);
        let (told, answers) = channel();
        let bell = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).ok().map(Arc::new);
        let asked = Arc::new(Mutex::new(asked));
        Self { questions, asked, told, answers, bell, unread: 0, workers: 0, open: 0 }
    }

    /// Starts one more thread, if this machine lets us.
    fn hire(&mut self, source: &Arc<Source>) {
        let (source, asked, told) = (Arc::clone(source), Arc::clone(&self.asked), self.told.clone());
        let bell = self.bell.clone();
        let next = move || asked.lock().ok()?.recv().ok();
        let work = move || {
            // Ends when the report does.
            while let Some(question) = next() {
                if told.send((question, source(question))).is_err() {
                    return;
                }
                // It fails only while 2^64 rings are unread.
                let _ = bell.as_ref().map(|bell| rustix::io::write(bell, &1u64.to_ne_bytes()));
            }
        };
        if thread::Builder::new().name("names".into()).spawn(work).is_ok() {
            self.workers += 1;
        }
    }

    /// Reads the rings of the answers taken. A ring that is still to come is read the next time.
    fn silence(&mut self) {
        let mut rings = [0; 8];
        if self.unread > 0
            && let Some(bell) = &self.bell
            && rustix::io::read(bell, &mut rings).is_ok()
        {
            self.unread = self.unread.saturating_sub(u64::from_ne_bytes(rings));
        }
    }
}

/// The name of an address as the system's resolver tells it.
fn system_name(address: IpAddr) -> Option<String> {
    dns_lookup::lookup_addr(&address).ok()
}

/// Whether an answer looks like one.
fn is_answer(question: Question, text: &str) -> bool {
    let system = |part: &str| {
        let number = part.strip_prefix("AS").unwrap_or_default();
        !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())
    };
    match question {
        Question::Name(_) => is_host_name(text),
        Question::Origin(_) => text.len() <= LONGEST_NAME && text.split('/').all(system),
    }
}

/// Whether a PTR record holds what a host can be called: letters, digits, hyphens and dots (RFC 1123
/// section 2.1), and the underscore that many use. Others, and names that pass themselves off as an
/// address, are worth less than the address itself: whoever holds the address writes them.
fn is_host_name(name: &str) -> bool {
    let octets_fit = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'));
    let has_letter = name.bytes().any(|b| b.is_ascii_alphabetic());
    octets_fit && has_letter && name.len() <= LONGEST_NAME
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    /// Waits until every question before this moment is answered: the thread takes a question only after
    /// it has sent the answer to the one before. Returns these questions.
    fn settle(names: &mut Names, taken: &mpsc::Receiver<IpAddr>) -> Vec<IpAddr> {
        names.name(address(254));
        taken.iter().take_while(|asked| *asked != address(254)).collect()
    }

    /// Names that announce each question before they answer it.
    fn announced(answer: fn(IpAddr) -> Option<String>) -> (Names, mpsc::Receiver<IpAddr>) {
        let (asked, taken) = mpsc::channel();
        let names = Names::with(move |address| {
            asked.send(address).ok();
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
    fn an_address_is_asked_for_once() {
        let (mut names, taken) = announced(|_| None);
        for _ in 0..10 {
            assert_eq!(names.name(address(1)), None);
        }
        assert_eq!(settle(&mut names, &taken), [address(1)]);
    }

    #[test]
    fn a_dead_name_server_delays_nothing() {
        let (_hold, held) = mpsc::channel::<()>();
        let held = Mutex::new(held);
        let mut names = Names::pooled(3, move |_| {
            held.lock().ok()?.recv().ok();
            None
        });
        for last in 0..=255 {
            assert_eq!(names.name(address(last)), None);
        }
        // Three are being asked for, QUEUE wait; what found no room is not remembered as asked.
        assert!(names.cache.len() <= QUEUE + 3);
    }

    #[test]
    fn the_memory_of_names_is_bounded() {
        let mut names = Names::with(|_| None);
        let known = |n: u128| (Question::Name(IpAddr::from(n.to_be_bytes())), Answer::Here(None));
        names.cache = (0..CACHE as u128).map(known).collect();
        assert_eq!(names.look(Question::Name(address(1))), Answer::NotAsked);
        assert_eq!(names.cache.len(), CACHE);
        assert!(matches!(names.state, State::Idle));
    }

    /// Waits until the bell rings; collecting is left to the caller.
    fn hear(names: &Names) {
        let mut fds = [PollFd::from_borrowed_fd(names.bell().unwrap(), PollFlags::IN)];
        rustix::io::retry_on_intr(|| poll(&mut fds, None)).unwrap();
    }

    #[test]
    fn several_questions_are_asked_at_once_and_each_answer_rings() {
        // Nobody is answered before all four are being asked for.
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
            assert_eq!(names.look(*question), Answer::Coming);
        }
        while questions.iter().any(|question| names.look(*question) == Answer::Coming) {
            hear(&names);
        }
        assert_eq!(names.name(address(1)), Some("host-true.example".into()));
        let origin = names.look(Question::Origin(address(2)));
        assert_eq!(origin, Answer::Here(Some("AS64500/AS64501".into())));
    }

    #[test]
    fn the_bell_is_silent_once_every_answer_is_collected() {
        let mut names = Names::with(|_| None);
        for last in 0..20 {
            while names.look(Question::Name(address(last))) == Answer::Coming {
                hear(&names);
            }
        }
        // The ring follows its answer: the last one may still be on its way.
        let State::Working(pool) = &names.state else { panic!("nobody works") };
        if pool.unread > 0 {
            hear(&names);
            names.collect();
        }
        let State::Working(pool) = &names.state else { panic!("nobody works") };
        assert_eq!((pool.unread, pool.open), (0, 0));
        let mut left = [0; 8];
        assert_eq!(rustix::io::read(names.bell().unwrap(), &mut left), Err(rustix::io::Errno::AGAIN));
    }

    #[test]
    fn only_numbers_are_origins() {
        let origin = Question::Origin(address(1));
        for text in ["AS64500", "AS64500/AS4200000000"] {
            assert!(is_answer(origin, text), "{text}");
        }
        for text in ["", "AS", "64500", "AS64500/", "AS64500 ", "AS6\x1b[2J", "AS64500/x", &"AS1/".repeat(99)]
        {
            assert!(!is_answer(origin, text), "{text}");
        }
    }

    #[test]
    fn only_what_a_host_can_be_called_is_a_name() {
        for name in ["localhost", "a-b.c_d.example", "1.0.0.127.in-addr.arpa", "example.com."] {
            assert!(is_host_name(name), "{name}");
        }
        let long = "a".repeat(254);
        for name in
            ["", "192.0.2.1", "a b", "$(id)", "a\x1b[2J", "a\u{202e}b", "a(1.2.3.4)", "fe80::1", &long]
        {
            assert!(!is_host_name(name), "{name}");
        }
    }
}
