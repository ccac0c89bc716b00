//! Forward lookups that are waited for until a time or a signal. What still looks up then is abandoned: the C library
//! has no way to cancel getaddrinfo(3).

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use anyhow::{Result, anyhow};
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;

use crate::clock::{Clock, Instant};
use crate::escape::escape;
use crate::names::forward::{AddressFamilies, Candidate, is_numeric, resolve};

/// Maximum number of names looked up at a time.
const LOOKUPS: usize = 16;

/// Until when lookups are waited for.
pub struct Limit<'a> {
    /// The clock of `until`.
    pub clock: &'a Clock,
    /// The end of the wait; `None`: as long as the resolver takes.
    pub until: Option<Instant>,
    /// Descriptors that become readable when a signal comes.
    pub signals: [BorrowedFd<'a>; 2],
    /// Whether a signal ends the wait; it is called when one of `signals` is readable.
    pub is_over: &'a dyn Fn() -> bool,
}

/// The addresses of several hosts, in their order; see [`resolve`]. Addresses are converted at once. Up to 16 names are
/// looked up at a time, each on a thread. Where no thread can be made they are looked up here, without a limit.
pub fn resolve_all(
    names: &Arc<Vec<String>>,
    wanted: AddressFamilies,
    limit: &Limit<'_>,
) -> Vec<Result<Vec<Candidate>>> {
    let mut found: Vec<_> =
        names.iter().map(|name| is_numeric(name).then(|| resolve(name, wanted))).collect();
    let open: Vec<_> = found.iter().zip(0..).filter(|(found, _)| found.is_none()).map(|(_, n)| n).collect();
    let mut missing = open.len();
    let work = Arc::new(Work { names: Arc::clone(names), open, wanted, next: AtomicUsize::new(0) });
    let (done, results) = channel();
    let ready = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC).ok().map(Arc::new);
    let threads = ready.iter().flat_map(|ready| (0..missing.min(LOOKUPS)).map(move |_| ready));
    let started = threads.filter(|ready| start_thread(&work, &done, ready)).count();
    if started == 0 {
        work.look_up(|index, addresses| done.send((index, addresses)).is_ok());
    }
    drop(done);
    loop {
        for (index, addresses) in results.try_iter() {
            missing = missing.saturating_sub(1);
            if let Some(place) = found.get_mut(index) {
                *place = Some(addresses);
            }
        }
        if missing == 0 || ready.as_ref().is_none_or(|ready| !wait(limit, ready.as_fd())) {
            break;
        }
    }
    let begun = work.begun();
    let late = |index: usize| match begun.contains(&index) {
        true => "no answer from the name server",
        false => "not looked up: names before it took all the time",
    };
    let names = names.iter().enumerate();
    let missed = |(index, name): (usize, &String)| Err(anyhow!("{}: {}", escape(name), late(index)));
    found.into_iter().zip(names).map(|(found, name)| found.unwrap_or_else(|| missed(name))).collect()
}

/// The names to look up.
struct Work {
    names: Arc<Vec<String>>,
    /// Indices of the names that are no addresses.
    open: Vec<usize>,
    wanted: AddressFamilies,
    /// How many of `open` were begun.
    next: AtomicUsize,
}

impl Work {
    /// Looks names up until none is left, or `done` returns false.
    fn look_up(&self, done: impl Fn(usize, Result<Vec<Candidate>>) -> bool) {
        while let Some(index) = self.open.get(self.next.fetch_add(1, Ordering::Relaxed))
            && let Some(name) = self.names.get(*index)
            && done(*index, resolve(name, self.wanted))
        {}
    }

    /// Indices of the names whose lookup was begun.
    fn begun(&self) -> &[usize] {
        let count = self.next.load(Ordering::Relaxed).min(self.open.len());
        self.open.get(..count).unwrap_or_default()
    }
}

/// Starts a thread that looks names up and makes `ready` readable with each result. Returns whether it was started.
fn start_thread(
    work: &Arc<Work>,
    done: &Sender<(usize, Result<Vec<Candidate>>)>,
    ready: &Arc<OwnedFd>,
) -> bool {
    let (work, done, ready) = (Arc::clone(work), done.clone(), Arc::clone(ready));
    let look_up = move || {
        work.look_up(|index, addresses| {
            done.send((index, addresses)).is_ok() && rustix::io::write(&ready, &1_u64.to_ne_bytes()).is_ok()
        });
    };
    thread::Builder::new().name("lookup".into()).spawn(look_up).is_ok()
}

/// Waits for results. Returns false if the wait is over.
fn wait(limit: &Limit<'_>, ready: BorrowedFd<'_>) -> bool {
    let left = limit.until.map(|until| until.since(limit.clock.now()));
    if left.is_some_and(|left| left.is_zero()) {
        return false;
    }
    let [interrupts, signals] = limit.signals;
    let mut fds = [ready, interrupts, signals].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
    let timeout = left.and_then(|left| Timespec::try_from(left).ok());
    match poll(&mut fds, timeout.as_ref()) {
        Ok(_) | Err(Errno::INTR) => {}
        Err(_) => return false,
    }
    let [ready_now, signalled @ ..] = fds.map(|fd| !fd.revents().is_empty());
    if ready_now {
        let _ = rustix::io::read(ready, &mut [0; 8]);
    }
    !(signalled.contains(&true) && (limit.is_over)())
}
