//! Receiving: datagrams from the wire, and errors from the queue.

use std::io;
use std::os::fd::AsFd;

use rustix::io::Errno;

use super::channel::{Channel, Kind};
use super::queue::{Entry, LOOK, entry};
use crate::clock::{Clock, Epoch, Instant, Wall};
use crate::datagram::{Framing, Heard, Received, Source};
use crate::sys::control::{Told, address};
use crate::wire::Family;

/// Datagrams delivered in one call at most.
const BATCH: usize = 64;

/// Of those, so many from the wire; the rest is kept for the error queue, so that neither starves.
const FROM_WIRE: usize = 48;

/// Errors met in one call before the caller gets a turn.
const PATIENCE: usize = 16;

/// Reads both clocks once for a whole batch, and only when there is something to place.
pub(super) struct Placer<'a> {
    clock: &'a Clock,
    epoch: Option<Epoch>,
}

impl<'a> Placer<'a> {
    /// For a batch that is read now.
    pub fn new(clock: &'a Clock) -> Self {
        Self { clock, epoch: None }
    }

    fn epoch(&mut self) -> Epoch {
        *self.epoch.get_or_insert_with(|| self.clock.epoch())
    }

    /// When something arrived: its stamp, unless the wall clock was stepped since `floor`; else now.
    pub fn place(&mut self, stamp: Option<Wall>, floor: Instant) -> (Instant, Source) {
        self.place_by(self.clock.now(), stamp, floor)
    }

    /// The same for what was here by `now`.
    fn place_by(&mut self, now: Instant, stamp: Option<Wall>, floor: Instant) -> (Instant, Source) {
        let Some(stamp) = stamp else { return (now, Source::User) };
        let epoch = self.epoch();
        epoch.place(stamp, floor, now).map_or((now, Source::User), |at| (at, Source::Kernel))
    }
}

impl Channel {
    /// Hands what was heard to `each`: datagrams and errors, 64 at most, of which it returns how many, and
    /// before them the stamps of what left. Never waits.
    ///
    /// After `expected` datagrams from the wire it does not ask for more: who awaits one answer pays for
    /// one system call, and finds the rest in the next call.
    ///
    /// What `sender` sent may be answered here: what this socket read is delivered after the stamps that lie in
    /// the error queue of that one.
    ///
    /// An error of the network (a pending ICMP error, an interface that is down) is no error here; only a
    /// socket that cannot be used is.
    pub fn recv(
        &mut self,
        clock: &Clock,
        expected: usize,
        mut sender: Option<&mut Self>,
        each: &mut dyn FnMut(&Heard<'_>),
    ) -> io::Result<usize> {
        let mut placer = Placer::new(clock);
        self.tell_departures(each);
        let mut count = 0usize;
        while count < BATCH
            && let Some(stashed) = self.stash.pop_front()
        {
            let queued = stashed.queued();
            each(&Heard::Arrived(queued.received(
                self.kind,
                self.ident,
                placer.place(queued.stamp, self.queue_empty),
            )));
            count = count.saturating_add(1);
        }
        let from_wire = FROM_WIRE.saturating_sub(count).min(expected);
        let mut errors = 0usize;
        let mut more = true;
        while more && count < from_wire && errors < PATIENCE {
            let floor;
            (more, floor) = match self.read_wire(clock, from_wire.saturating_sub(count)) {
                Ok(read) => read,
                Err(error) if is_fatal(&error) => return Err(error),
                // EINTR, or the pending error of something sent: the queue may say more.
                Err(_) => {
                    self.look_in_queue = true;
                    errors = errors.saturating_add(1);
                    continue;
                }
            };
            // What left before these came has its stamp in the queue by now.
            if let Some(sender) = sender.as_deref_mut().filter(|_| !self.inbox.is_empty()) {
                count =
                    count.saturating_add(sender.read_queue(&mut placer, BATCH.saturating_sub(count), each));
            }
            count = count.saturating_add(self.read_queue(&mut placer, BATCH.saturating_sub(count), each));
            count = count.saturating_add(self.deliver(&mut placer, floor, each));
        }
        count = count.saturating_add(self.read_queue(&mut placer, BATCH.saturating_sub(count), each));
        Ok(count)
    }

    fn tell_departures(&mut self, each: &mut dyn FnMut(&Heard<'_>)) {
        while let Some(stamped) = self.told.pop_front() {
            each(&Heard::Left(stamped));
        }
    }

    /// Reads datagrams, `limit` at most, into the inbox.
    ///
    /// Returns whether the next call may bring more, and when the socket was last seen empty before they came.
    fn read_wire(&mut self, clock: &Clock, limit: usize) -> io::Result<(bool, Instant)> {
        let (before, floor) = (clock.now(), self.empty);
        let drained = match self.inbox.fill(self.socket.as_fd(), limit) {
            Ok((_, drained)) => drained,
            Err(error) if Errno::from_io_error(&error) == Some(Errno::AGAIN) => {
                if !self.look_in_queue && !self.stamps.awaited() {
                    self.queue_empty = before;
                }
                true
            }
            Err(error) => return Err(error),
        };
        if drained {
            self.empty = before;
        }
        Ok((!drained, floor))
    }

    /// Delivers what is in the inbox, none of which arrived before `floor`.
    fn deliver(
        &mut self,
        placer: &mut Placer<'_>,
        floor: Instant,
        each: &mut dyn FnMut(&Heard<'_>),
    ) -> usize {
        let mut count = 0usize;
        let now = placer.clock.now();
        for (message, bytes, control) in self.inbox.datagrams() {
            let Some(from) = address(&message.name) else { continue };
            let told = Told::read(control);
            let by_interface =
                told.hardware.and_then(|stamp| self.stamps.place_arrival(stamp, placer.clock.now()));
            let (at, source) = match by_interface {
                Some(at) => (at, Source::Hardware),
                None => placer.place_by(now, told.stamp, floor),
            };
            let framing = match (self.kind, self.family(), self.is_raw()) {
                (Kind::Ports(protocol), _, _) => {
                    Framing::Payload { protocol, local: self.ident, remote: from.port() }
                }
                (_, Family::V4, true) => Framing::Ipv4,
                (Kind::Upper(protocol), Family::V6, _) => Framing::Upper { protocol },
                (_, Family::V4, false) => Framing::Icmpv4,
                (Kind::Icmp, Family::V6, _) => Framing::Icmpv6,
            };
            each(&Heard::Arrived(Received {
                at,
                source,
                from: from.ip(),
                hop_limit: told.hop_limit,
                options: told.options,
                framing,
                bytes,
            }));
            count = count.saturating_add(1);
        }
        self.inbox.clear();
        count
    }

    /// Delivers what the error queue holds, if it may hold something: stamps, and `limit` errors at most.
    fn read_queue(
        &mut self,
        placer: &mut Placer<'_>,
        limit: usize,
        each: &mut dyn FnMut(&Heard<'_>),
    ) -> usize {
        let counts = self.queue_counts();
        let mut count = 0usize;
        for _ in 0..LOOK {
            if count >= limit || !(self.look_in_queue || self.stamps.awaited()) {
                break;
            }
            let before = placer.clock.now();
            let message = match self.queue.receive(self.socket.as_fd()) {
                Ok(message) => message,
                Err(error) if Errno::from_io_error(&error) == Some(Errno::INTR) => continue,
                Err(_) => {
                    (self.look_in_queue, self.queue_empty) = (false, before);
                    break;
                }
            };
            match entry(&message, &self.queue.bytes, &self.queue.control) {
                Entry::Icmp(queued) if counts => {
                    each(&Heard::Arrived(queued.received(
                        self.kind,
                        self.ident,
                        placer.place(queued.stamp, self.queue_empty),
                    )));
                    count = count.saturating_add(1);
                }
                Entry::Left(stamp) => {
                    if let Some(stamped) = self.stamps.place(stamp, placer.epoch(), placer.clock.now()) {
                        each(&Heard::Left(stamped));
                    }
                }
                // Errors of this host were told by the send that failed.
                Entry::Icmp(_) | Entry::Local(_) | Entry::Other => {}
            }
        }
        count
    }
}

/// Whether a socket that says this is of no use any more.
fn is_fatal(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::BADF | Errno::NOTSOCK | Errno::FAULT))
}
