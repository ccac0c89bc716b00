//! Forward lookups that are waited for until a time or a signal. What still looks up then is abandoned.

use std::collections::HashMap;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use anyhow::{Result, anyhow};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use crate::clock::{Clock, Instant};
use crate::escape::escape;
use crate::names::background::{Background, Looked};
use crate::names::forward::{AddressFamilies, Candidate};
use crate::names::lookup::{self, LookupState, Names, Question};

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

/// The reason why a name is unknown: its lookup had begun and not ended when the wait ended.
pub const NO_ANSWER: &str = "no answer from the name server";

/// The addresses of a host, or the error of [`resolve`](super::forward::resolve) or [`NO_ANSWER`]; `None`: no thread can
/// be started.
pub fn resolve_within(
    name: &str,
    wanted: AddressFamilies,
    limit: &Limit<'_>,
) -> Option<Result<Vec<Candidate>>> {
    let mut names = Background::start()?;
    names.request(0, name, wanted);
    Some(match wait_for_all(&mut names, limit).pop() {
        Some(looked) => looked.found,
        None => Err(anyhow!("{}: {NO_ANSWER}", escape(name))),
    })
}

/// Waits for all names. Returns the results that came.
pub fn wait_for_all(names: &mut Background, limit: &Limit<'_>) -> Vec<Looked> {
    let mut results = names.take();
    while let Some(ready) = names.ready_fd() {
        if !wait(limit, ready) {
            break;
        }
        results.extend(names.take());
    }
    results
}

/// The names of addresses (PTR), as far as they have one and it is found before the wait is over; `None`: no thread can be
/// started.
pub fn names_of(addresses: &[IpAddr], limit: &Limit<'_>) -> Option<HashMap<IpAddr, String>> {
    let mut found = HashMap::new();
    // Each part fits the cache.
    for part in addresses.chunks(lookup::CACHE) {
        let mut names = Names::of_path(|_| None);
        if !names.start() {
            return None;
        }
        // The first pass fills the queue, the second one takes the results.
        for last in [false, true] {
            for address in part {
                loop {
                    match names.query(Question::Name(*address)) {
                        LookupState::Done(name) => {
                            found.extend(name.map(|name| (*address, name)));
                            break;
                        }
                        LookupState::Pending if !last => break,
                        LookupState::Pending | LookupState::NotQueried => {}
                    }
                    if !names.ready_fd().is_some_and(|ready| wait(limit, ready)) {
                        return Some(found);
                    }
                }
            }
        }
    }
    Some(found)
}

/// Waits for so long. Returns false if the limit comes before that.
pub fn pause(limit: &Limit<'_>, time: Duration) -> bool {
    let end = limit.clock.now() + time;
    let until = limit.until.map_or(end, |until| until.min(end));
    while limit.clock.now() < until {
        let mut fds = limit.signals.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let failed = !poll_for(Some(until.since(limit.clock.now())), &mut fds);
        let signalled = fds.iter().any(|fd| !fd.revents().is_empty());
        if failed || (signalled && (limit.is_over)()) {
            return false;
        }
    }
    until == end
}

/// Waits until a descriptor is readable. Returns false if the wait is over.
pub fn wait(limit: &Limit<'_>, ready: BorrowedFd<'_>) -> bool {
    let left = limit.until.map(|until| until.since(limit.clock.now()));
    if left.is_some_and(|left| left.is_zero()) {
        return false;
    }
    let [interrupts, signals] = limit.signals;
    let mut fds = [ready, interrupts, signals].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
    if !poll_for(left, &mut fds) {
        return false;
    }
    let [_, signalled @ ..] = fds.map(|fd| !fd.revents().is_empty());
    !(signalled.contains(&true) && (limit.is_over)())
}

/// Waits until a descriptor is readable, a signal is handled, or the time is over. Returns false if it cannot wait.
fn poll_for(time: Option<Duration>, fds: &mut [PollFd<'_>]) -> bool {
    let timeout = time.and_then(|time| Timespec::try_from(time).ok());
    matches!(poll(fds, timeout.as_ref()), Ok(_) | Err(Errno::INTR))
}
