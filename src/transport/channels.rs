//! The sockets of a run together: sending by the right one, hearing all, and waiting for any.

use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use socket2::Socket;

use super::channel::Channel;
use super::open::Sockets;
use super::open::options::Options;
use super::open::refusal::AimError;
use super::open::route::Route;
use super::open::setup::Aim;
use super::socket_per_probe::Each;
use crate::clock::{Clock, Instant};
use crate::datagram::{Batch, Departed, Heard, SendFault, Transmit};
use crate::wire::Family;

/// The sockets of a run.
#[derive(Debug)]
pub struct Transport {
    sends: Sends,
    /// Further sockets that hear answers and errors; one of another family sends to targets of that.
    ears: Vec<Channel>,
    /// A socket that only keeps a port from others.
    _reserved: Option<Socket>,
}

/// What sends.
#[derive(Debug)]
enum Sends {
    /// One socket, which hears as well.
    One(Box<Channel>),
    /// A socket for each probe.
    Each(Box<Each>),
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
        Self { sends: Sends::One(Box::new(channel)), ears: Vec::new(), _reserved: None }
    }
}

impl Sockets {
    /// Keeps the sockets of the targets' families, one route for each, and sets them up; see [`Sockets::aim`].
    pub fn aim_all(self, routes: &[Route], options: &Options) -> Result<Transport, AimError> {
        let [mut v4, mut v6] = self.apart();
        let mut transport: Option<Transport> = None;
        for route in routes {
            let sockets = match Family::of(route.target.ip()) {
                Family::V4 => v4.take(),
                Family::V6 => v6.take(),
            };
            let Some(sockets) = sockets else { continue };
            let aimed = sockets.aim(route, options)?;
            match (&mut transport, aimed.sends) {
                (Some(transport), Sends::One(channel)) => transport.ears.push(*channel),
                (_, sends) => transport = Some(Transport { sends, ..aimed }),
            }
        }
        transport.ok_or_else(|| AimError::new("no target", &Errno::DESTADDRREQ.into()))
    }
}

impl Transport {
    /// Sends by one socket, and hears by others as well.
    pub(super) fn with_ears(sends: Channel, ears: Vec<Channel>, reserved: Option<Socket>) -> Self {
        Self { ears, _reserved: reserved, ..sends.into() }
    }

    /// Sends each probe by a socket of its own.
    pub(super) fn each(each: Each) -> Self {
        Self { sends: Sends::Each(Box::new(each)), ears: Vec::new(), _reserved: None }
    }

    fn aim(&self) -> &Aim {
        match &self.sends {
            Sends::One(channel) => &channel.aim,
            Sends::Each(each) => each.aim(),
        }
    }

    /// ICMP identifier, or source port, of everything sent; the kernel writes it on a datagram socket. 0 where
    /// each probe has its own.
    pub fn ident(&self) -> u16 {
        match &self.sends {
            Sends::One(channel) => channel.ident,
            Sends::Each(_) => 0,
        }
    }

    /// ICMP identifier of what is sent to targets of a family; see [`Transport::ident`].
    pub fn ident_of(&self, family: Family) -> u16 {
        let other = self.ears.iter().find(|ear| ear.family() == family);
        other.filter(|_| family != self.family()).map_or_else(|| self.ident(), |ear| ear.ident)
    }

    /// Whether the socket that sends is a raw one.
    pub fn is_raw(&self) -> bool {
        self.aim().raw
    }

    /// IP version of the target.
    pub fn family(&self) -> Family {
        Family::of(self.aim().target.ip())
    }

    /// The address probes leave from, as the route said at the start.
    pub fn source(&self) -> IpAddr {
        self.aim().source
    }

    /// The IPv6 flow label in use, where one was asked for.
    pub fn flow_label(&self) -> Option<u32> {
        match &self.sends {
            Sends::One(channel) => channel.flow_label(),
            Sends::Each(_) => None,
        }
    }

    /// What the kernel granted in part only; lines for stderr.
    pub fn warnings(&self) -> &[String] {
        match &self.sends {
            Sends::One(channel) => &channel.warnings,
            Sends::Each(_) => &[],
        }
    }

    /// Datagrams that came while a receive buffer was full: lost here, and not on the way. Of raw
    /// sockets, so many at most: some may have been no concern of ours.
    pub fn dropped(&self) -> u64 {
        let own = match &self.sends {
            Sends::One(channel) => channel.dropped(),
            Sends::Each(_) => 0,
        };
        self.ears.iter().fold(own, |sum, ear| sum.saturating_add(ear.dropped()))
    }

    /// Sends what is in a batch, and tells the fate of each datagram, in order.
    ///
    /// An error is this datagram's own. Waits for room in the socket buffer for a tenth of a second at
    /// most (EAGAIN then). An interface that was deleted and made again is followed.
    pub fn send(&mut self, clock: &Clock, batch: &Batch, tell: &mut dyn FnMut(Result<Departed, SendFault>)) {
        let mut place = 0usize;
        while let Some((transmit, bytes)) = batch.from(place).next() {
            let family = Family::of(transmit.dst.ip());
            let channel = match &mut self.sends {
                Sends::Each(each) => {
                    tell(each.send(clock, transmit, bytes));
                    place = place.saturating_add(1);
                    continue;
                }
                Sends::One(channel) if channel.family() == family => channel,
                Sends::One(channel) => {
                    self.ears.iter_mut().find(|ear| ear.family() == family).unwrap_or(channel)
                }
            };
            let alike = |(transmit, _): &(&Transmit, _)| Family::of(transmit.dst.ip()) == family;
            let end = place.saturating_add(batch.from(place).take_while(alike).count());
            channel.send_batch(clock, batch, place..end, tell);
            place = end;
        }
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
        let mut count = match &mut self.sends {
            Sends::One(channel) => channel.recv(clock, expected, None, each)?,
            Sends::Each(sockets) => sockets.recv(clock, each)?,
        };
        for ear in &mut self.ears {
            let sender = match &mut self.sends {
                Sends::One(channel) => Some(&mut **channel),
                Sends::Each(_) => None,
            };
            count = count.saturating_add(ear.recv(clock, expected, sender, each)?);
        }
        Ok(count)
    }

    /// Waits until a socket or one of `others` is ready, or `until` has come; `None` waits for ever. A
    /// signal ends the wait early, with nothing ready. The first eight of `others` can be told apart.
    pub fn wait(
        &mut self,
        clock: &Clock,
        until: Option<Instant>,
        others: &[(BorrowedFd<'_>, PollFlags)],
    ) -> io::Result<Ready> {
        let waiting = self.ears.iter().any(Channel::has_stashed)
            || match &self.sends {
                Sends::One(channel) => channel.has_stashed(),
                Sends::Each(each) => each.has_stashed(),
            };
        let limit = if waiting {
            Some(timespec(Duration::ZERO))
        } else {
            until.map(|until| timespec(until.since(clock.now())))
        };
        let mut fds: Vec<PollFd<'_>> =
            others.iter().map(|(fd, flags)| PollFd::from_borrowed_fd(*fd, *flags)).collect();
        match &self.sends {
            Sends::One(channel) => fds.push(PollFd::new(&channel.socket, PollFlags::IN)),
            Sends::Each(each) => fds.extend(each.fds().map(|(socket, flags)| PollFd::new(socket, flags))),
        }
        fds.extend(self.ears.iter().map(|ear| PollFd::new(&ear.socket, PollFlags::IN)));
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
        let events = events.fold(PollFlags::empty(), |all, events| all | events);
        ready.socket |= !events.is_empty();
        if events.contains(PollFlags::ERR) {
            match &mut self.sends {
                Sends::One(channel) => channel.look_in_queue = true,
                Sends::Each(each) => each.look_in_queues(),
            }
            self.ears.iter_mut().for_each(|ear| ear.look_in_queue = true);
        }
        Ok(ready)
    }
}
