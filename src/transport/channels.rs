//! The sockets of a run together: sending by the right one, hearing all, and waiting for any.

use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::channel::Channel;
use crate::clock::{Clock, Instant};
use crate::datagram::{Departed, Heard, SendFault, Transmit};
use crate::wire::icmp::Family;

/// The sockets of a run.
#[derive(Debug)]
pub struct Transport {
    channel: Channel,
}

/// What [`Transport::wait`] found ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ready {
    /// A socket has datagrams or errors.
    pub socket: bool,
    others: u8,
}

impl Ready {
    /// Whether the descriptor given at this place is ready, or is in error.
    pub fn other(&self, place: usize) -> bool {
        self.others & bit(place) != 0
    }
}

/// The bit that stands for a descriptor; none beyond the eighth.
fn bit(place: usize) -> u8 {
    u32::try_from(place).ok().and_then(|place| 1u8.checked_shl(place)).unwrap_or(0)
}

fn timespec(duration: Duration) -> Timespec {
    // Longer than a `time_t` can say is for ever.
    Timespec::try_from(duration).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 })
}

impl From<Channel> for Transport {
    fn from(channel: Channel) -> Self {
        Self { channel }
    }
}

impl Transport {
    /// ICMP identifier of everything sent; the kernel writes it on a datagram socket.
    pub fn ident(&self) -> u16 {
        self.channel.ident
    }

    /// Whether the socket is a raw one.
    pub fn is_raw(&self) -> bool {
        self.channel.is_raw()
    }

    /// IP version of the target.
    pub fn family(&self) -> Family {
        self.channel.family()
    }

    /// The address probes leave from, as the route said at the start.
    pub fn source(&self) -> IpAddr {
        self.channel.source()
    }

    /// The IPv6 flow label in use, where one was asked for.
    pub fn flow_label(&self) -> Option<u32> {
        self.channel.flow_label()
    }

    /// What the kernel granted in part only; lines for stderr.
    pub fn warnings(&self) -> &[String] {
        &self.channel.warnings
    }

    /// Sends `bytes[..transmit.len]`.
    ///
    /// An error is this datagram's own. Waits for room in the socket buffer for a tenth of a second at
    /// most (EAGAIN then). An interface that was deleted and made again is followed.
    pub fn send(&mut self, clock: &Clock, transmit: &Transmit, bytes: &[u8]) -> Result<Departed, SendFault> {
        self.channel.send(clock, transmit, bytes)
    }

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
        self.channel.recv(clock, expected, each)
    }

    /// Waits until a socket or one of `others` is ready, or `until` has come; `None` waits for ever. A
    /// signal ends the wait early, with nothing ready. The first eight of `others` can be told apart.
    pub fn wait(
        &mut self,
        clock: &Clock,
        until: Option<Instant>,
        others: &[(BorrowedFd<'_>, PollFlags)],
    ) -> io::Result<Ready> {
        let waiting = self.channel.has_stashed();
        let limit = if waiting {
            Some(timespec(Duration::ZERO))
        } else {
            until.map(|until| timespec(until.since(clock.now())))
        };
        let mut fds: Vec<PollFd<'_>> =
            others.iter().map(|(fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
        fds.push(PollFd::new(&self.channel.socket, PollFlags::IN));
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(error.into()),
        }
        let mut ready = Ready { socket: waiting, others: 0 };
        let mut events = fds.iter().map(PollFd::revents);
        for (place, events) in events.by_ref().take(others.len()).enumerate() {
            if !events.is_empty() {
                ready.others |= bit(place);
            }
        }
        if let Some(events) = events.next() {
            ready.socket |= !events.is_empty();
            self.channel.look_in_queue |= events.contains(PollFlags::ERR);
        }
        Ok(ready)
    }
}
