//! Receiving: datagrams from the wire, and errors from the queue.

use std::io;
use std::os::fd::AsFd;

use rustix::io::Errno;

use super::channel::Channel;
use super::control::{Told, address};
use super::queue::{Entry, entry};
use super::sys;
use crate::clock::{Clock, Epoch, Instant, Wall};
use crate::datagram::{Framing, Heard, Received, Source};
use crate::wire::icmp::Family;

/// Datagrams delivered in one call at most.
const BATCH: usize = 64;

/// Of those, so many from the wire; the rest is kept for the error queue, so that neither starves.
const FROM_WIRE: usize = 48;

/// Errors met in one call before the caller gets a turn.
const PATIENCE: usize = 16;

/// Reads both clocks once for a whole batch, and only when there is something to place.
struct Placer<'a> {
    clock: &'a Clock,
    epoch: Option<Epoch>,
}

impl Placer<'_> {
    /// When something arrived: its stamp, unless the wall clock was stepped since `floor`; else now.
    fn place(&mut self, stamp: Option<Wall>, floor: Instant) -> (Instant, Source) {
        let Some(stamp) = stamp else { return (self.clock.now(), Source::User) };
        let epoch = *self.epoch.get_or_insert_with(|| self.clock.epoch());
        let now = self.clock.now();
        epoch.place(stamp, floor, now).map_or((now, Source::User), |at| (at, Source::Kernel))
    }
}

impl Channel {
    /// Hands what has arrived to `each`, 64 datagrams at most, and returns how many. Never waits.
    ///
    /// After `expected` datagrams from the wire it does not ask for more: who awaits one answer pays for
    /// one system call, and finds the rest in the next call.
    ///
    /// An error of the network (a pending ICMP error, an interface that is down) is no error here; only a
    /// socket that cannot be used is.
    pub fn recv(
        &mut self,
        clock: &Clock,
        expected: usize,
        each: &mut dyn FnMut(&Heard<'_>),
    ) -> io::Result<usize> {
        let mut placer = Placer { clock, epoch: None };
        let mut count = 0usize;
        while count < BATCH
            && let Some(stashed) = self.stash.pop_front()
        {
            let queued = stashed.queued();
            each(&Heard::Arrived(queued.received(placer.place(queued.stamp, self.queue_empty))));
            count = count.saturating_add(1);
        }
        let from_wire = FROM_WIRE.saturating_sub(count).min(expected);
        count = count.saturating_add(self.read_wire(&mut placer, from_wire, each)?);
        if self.look_in_queue {
            count = count.saturating_add(self.read_queue(&mut placer, BATCH.saturating_sub(count), each));
        }
        Ok(count)
    }

    /// Delivers datagrams until there are no more, or `limit` is reached.
    fn read_wire(
        &mut self,
        placer: &mut Placer<'_>,
        limit: usize,
        each: &mut dyn FnMut(&Heard<'_>),
    ) -> io::Result<usize> {
        let framing = match (self.family(), self.is_raw()) {
            (Family::V4, true) => Framing::Ipv4,
            (Family::V4, false) => Framing::Icmpv4,
            (Family::V6, _) => Framing::Icmpv6,
        };
        let (mut count, mut errors) = (0usize, 0usize);
        while count < limit && errors < PATIENCE {
            let before = placer.clock.now();
            let message = match sys::receive(self.socket.as_fd(), &mut self.bytes, &mut self.control, 0) {
                Ok(message) => message,
                Err(error) => match Errno::from_io_error(&error) {
                    Some(Errno::AGAIN) => {
                        self.empty = before;
                        if !self.look_in_queue {
                            self.queue_empty = before;
                        }
                        break;
                    }
                    Some(Errno::BADF | Errno::NOTSOCK | Errno::FAULT) => return Err(error),
                    // EINTR, or the pending error of something sent: the queue may say more.
                    _ => {
                        self.look_in_queue = true;
                        errors = errors.saturating_add(1);
                        continue;
                    }
                },
            };
            let told = Told::read(self.control.get(..message.control_len).unwrap_or_default());
            let Some(from) = address(&message.name) else {
                errors = errors.saturating_add(1);
                continue;
            };
            let (at, source) = placer.place(told.stamp, self.empty);
            each(&Heard::Arrived(Received {
                at,
                source,
                from: from.ip(),
                hop_limit: told.hop_limit,
                options: told.options,
                framing,
                bytes: self.bytes.get(..message.len).unwrap_or_default(),
            }));
            count = count.saturating_add(1);
        }
        Ok(count)
    }

    /// Delivers errors until there are no more, or `limit` entries were read.
    fn read_queue(
        &mut self,
        placer: &mut Placer<'_>,
        limit: usize,
        each: &mut dyn FnMut(&Heard<'_>),
    ) -> usize {
        let counts = self.queue_counts();
        let mut count = 0usize;
        for _ in 0..limit {
            let before = placer.clock.now();
            let read =
                sys::receive(self.socket.as_fd(), &mut self.bytes, &mut self.control, libc::MSG_ERRQUEUE);
            let message = match read {
                Ok(message) => message,
                Err(error) if Errno::from_io_error(&error) == Some(Errno::INTR) => continue,
                Err(_) => {
                    (self.look_in_queue, self.queue_empty) = (false, before);
                    break;
                }
            };
            // Errors of this host were told by the send that failed.
            if let Entry::Icmp(queued) = entry(&message, &self.bytes, &self.control)
                && counts
            {
                each(&Heard::Arrived(queued.received(placer.place(queued.stamp, self.queue_empty))));
                count = count.saturating_add(1);
            }
        }
        count
    }
}
