//! Names of addresses (PTR), asked for on a thread of their own and never waited for.
//!
//! A name server may be slow, dead or hostile: the report shows the address until a sound name is here,
//! and the end of the run leaves the thread where it is.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread;

/// Addresses remembered. Later ones stay without a name: a run meets as many as strangers care to show it.
const CACHE: usize = 4096;
/// Questions that may wait for the thread.
const QUEUE: usize = 64;
/// Octets of the longest host name in text form (RFC 1035 section 2.3.4).
const LONGEST_NAME: usize = 253;

/// Asks for one name. It may block for as long as it likes.
type Lookup = Box<dyn FnMut(IpAddr) -> Option<String> + Send>;

/// Names by address.
pub struct Names {
    state: State,
    /// Answers, and `None` for each question that has none, or none yet.
    cache: HashMap<IpAddr, Option<String>>,
}

enum State {
    /// Nobody asked yet.
    Idle(Lookup),
    Working {
        questions: SyncSender<IpAddr>,
        answers: Receiver<(IpAddr, Option<String>)>,
    },
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
    /// Names as the system's resolver tells them. The thread starts with the first question.
    pub fn new() -> Self {
        Self::with(|address| dns_lookup::lookup_addr(&address).ok())
    }

    /// Names from another source.
    pub fn with(lookup: impl FnMut(IpAddr) -> Option<String> + Send + 'static) -> Self {
        Self { state: State::Idle(Box::new(lookup)), cache: HashMap::new() }
    }

    /// The name of an address, if it is known by now. If it is not, it is asked for, once.
    pub fn name(&mut self, address: IpAddr) -> Option<String> {
        self.collect();
        if let Some(known) = self.cache.get(&address) {
            return known.clone();
        }
        if self.cache.len() < CACHE && self.ask(address) {
            self.cache.insert(address, None);
        }
        None
    }

    fn collect(&mut self) {
        if let State::Working { answers, .. } = &self.state {
            for (address, name) in answers.try_iter() {
                self.cache.insert(address, name.filter(|name| is_host_name(name)));
            }
        }
    }

    /// Whether the question is on its way.
    fn ask(&mut self, address: IpAddr) -> bool {
        if let State::Idle(_) = self.state
            && let State::Idle(lookup) = std::mem::replace(&mut self.state, State::Dead)
        {
            self.state = start(lookup);
        }
        match &self.state {
            State::Working { questions, .. } => questions.try_send(address).is_ok(),
            State::Idle(_) | State::Dead => false,
        }
    }
}

fn start(mut lookup: Lookup) -> State {
    let (questions, asked): (_, Receiver<IpAddr>) = sync_channel(QUEUE);
    let (told, answers): (Sender<(IpAddr, Option<String>)>, _) = channel();
    let work = move || {
        // Ends when the report does.
        while let Ok(address) = asked.recv() {
            if told.send((address, lookup(address))).is_err() {
                return;
            }
        }
    };
    match thread::Builder::new().name("names".into()).spawn(work) {
        Ok(_) => State::Working { questions, answers },
        Err(_) => State::Dead,
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
        let mut names = Names::with(move |_| {
            held.recv().ok();
            None
        });
        for last in 0..=255 {
            assert_eq!(names.name(address(last)), None);
        }
        // One is being asked for, QUEUE wait; what found no room is not remembered as asked.
        assert!(names.cache.len() <= QUEUE + 1);
    }

    #[test]
    fn the_memory_of_names_is_bounded() {
        let mut names = Names::with(|_| None);
        names.cache = (0..CACHE as u128).map(|n| (IpAddr::from(n.to_be_bytes()), None)).collect();
        assert_eq!(names.name(address(1)), None);
        assert_eq!(names.cache.len(), CACHE);
        assert!(matches!(names.state, State::Idle(_)));
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
