//! The error queue of a socket: when to read it, and the errors found while it was read for another reason.

use std::collections::VecDeque;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::departures::Departures;
use super::kind::Kind;
use super::receiver::scope_of;
use crate::clock::{Clock, Instant};
use crate::datagram::{Framing, Received, Stamp};
use crate::sys::{CONTROL_LEN, Entry, QueuedError, read_error_queue};

/// Maximum number of errors kept; others stay in the kernel's queue.
const STASH_LEN: usize = 64;

/// Maximum number of entries read in one go.
pub(super) const LOOK: usize = 256;

/// The error queue of a socket.
#[derive(Debug)]
pub(super) struct ErrorQueue {
    /// Whether its ICMP errors are delivered; if not, another socket receives the same errors.
    delivers: bool,
    // A buffer for one entry, separate from that for datagrams: both are in use at once.
    bytes: Vec<u8>,
    control: Vec<u8>,
    /// Whether it may hold something.
    may_hold: bool,
    /// When it was last seen empty.
    empty_since: Instant,
    /// Errors found while it was read for another reason; the next receive call delivers them.
    stash: VecDeque<QueuedError<Box<[u8]>>>,
}

/// What [`ErrorQueue::drain`] found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Drained {
    /// Number of entries taken.
    pub entries: usize,
    /// The MTU that the last refused datagram exceeded, in octets.
    pub mtu: Option<u32>,
}

impl ErrorQueue {
    /// An error queue whose entries quote up to `len` octets.
    pub fn new(len: usize, delivers: bool) -> Self {
        Self {
            delivers,
            bytes: vec![0; len],
            control: vec![0; CONTROL_LEN],
            may_hold: false,
            empty_since: Instant::ZERO,
            stash: VecDeque::new(),
        }
    }

    /// From now on its ICMP errors are discarded.
    pub fn discard_errors(&mut self) {
        self.delivers = false;
    }

    /// Whether ICMP errors are delivered from it.
    pub fn delivers(&self) -> bool {
        self.delivers
    }

    /// Records that something was seen that suggests an entry.
    pub fn note_error(&mut self) {
        self.may_hold = true;
    }

    /// Whether it may hold something.
    pub fn may_hold(&self) -> bool {
        self.may_hold
    }

    /// Records that the queue was empty at this time.
    pub fn note_empty(&mut self, at: Instant) {
        self.empty_since = at;
    }

    /// No entry read from now on arrived before this.
    pub fn empty_since(&self) -> Instant {
        self.empty_since
    }

    /// Takes the oldest entry; `None`: the queue is empty.
    pub fn read(&mut self, fd: BorrowedFd<'_>, clock: &Clock) -> Option<Entry<'_>> {
        let before = clock.now();
        match read_error_queue(fd, &mut self.bytes, &mut self.control) {
            Ok(entry) => Some(entry),
            Err(error) if Errno::from_io_error(&error) == Some(Errno::INTR) => Some(Entry::Other),
            Err(_) => {
                (self.may_hold, self.empty_since) = (false, before);
                None
            }
        }
    }

    /// Empties the queue as far as the stash has room. Errors and stamps are kept, to be delivered later.
    pub fn drain(&mut self, fd: BorrowedFd<'_>, clock: &Clock, departures: &mut Departures) -> Drained {
        let mut drained = Drained::default();
        while drained.entries < LOOK && self.stash.len() < STASH_LEN {
            match read_error_queue(fd, &mut self.bytes, &mut self.control) {
                Ok(Entry::TooLong(mtu)) => drained.mtu = Some(mtu),
                Ok(Entry::Departure(stamp)) => departures.keep(stamp, clock.epoch(), clock.now()),
                Ok(Entry::Icmp(error)) if self.delivers => self.stash.push_back(error.to_owned()),
                Ok(Entry::Icmp(_) | Entry::Other) => {}
                Err(_) => break,
            }
            drained.entries = drained.entries.saturating_add(1);
        }
        drained
    }

    /// Takes the oldest error of the stash.
    pub fn next_stashed(&mut self) -> Option<QueuedError<Box<[u8]>>> {
        self.stash.pop_front()
    }

    /// Whether errors wait in the stash.
    pub fn has_stashed(&self) -> bool {
        !self.stash.is_empty()
    }
}

/// An error as it is delivered, from a socket of this kind with this local port.
pub(super) fn received(queued: QueuedError<&[u8]>, kind: Kind, Stamp { at, clock }: Stamp) -> Received<'_> {
    let QueuedError { from, scope, hop_limit, error, dst, extension, bytes, .. } = queued;
    let framing = match kind {
        Kind::Icmp | Kind::Upper(_) => Framing::Queued { error, dst: dst.ip(), extension },
        Kind::Ports(protocol) => Framing::QueuedPayload { protocol, error, dst, extension },
    };
    let scope = if scope_of(dst) == 0 { scope } else { scope_of(dst) };
    Received { at, clock, from, scope, hop_limit, options: &[], probe: None, framing, bytes }
}
