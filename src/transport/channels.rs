//! The sockets of a run, a role each: sending by the right one, receiving from all, waiting for any.

use std::io;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use socket2::Socket;

use super::channel::{Channel, FULL_READ};
use super::open::setup::SocketSetup;
use super::socket_per_probe::SocketPerProbe;
use crate::clock::{Clock, Instant};
use crate::datagram::{Batch, Departed, Incoming, RECEIVE_BUFFER, SendFault, Transmit};
use crate::wire::Family;

/// The sockets of a run.
#[derive(Debug)]
pub struct Transport {
    /// The sender of the first target comes first.
    members: Vec<Member>,
    family: Family,
    source: IpAddr,
    raw: bool,
    warnings: Vec<String>,
}

/// What a call of [`Transport::recv`] delivered.
#[derive(Clone, Copy, Debug, Default)]
pub struct Delivered {
    /// Datagrams.
    pub count: usize,
    /// Whether a socket may hold more.
    pub more: bool,
}

/// A socket of a run, by its role.
#[derive(Debug)]
pub(super) enum Member {
    /// Sends to targets of its family, and receives.
    Sender(Box<Channel>),
    /// A socket for each probe; all of them receive.
    PerProbe(Box<SocketPerProbe>),
    /// Receives replies or errors that do not reach the sender.
    Listener(Box<Channel>),
    /// Keeps a source port from other processes.
    PortHolder {
        /// Held open, never read.
        _socket: Socket,
    },
}

impl Member {
    /// The socket, if it receives and is not one of many.
    fn channel(&self) -> Option<&Channel> {
        match self {
            Self::Sender(channel) | Self::Listener(channel) => Some(channel),
            Self::PerProbe(_) | Self::PortHolder { .. } => None,
        }
    }

    /// The socket, if it sends.
    fn sender(&self) -> Option<&Channel> {
        match self {
            Self::Sender(channel) => Some(channel),
            Self::PerProbe(_) | Self::Listener(_) | Self::PortHolder { .. } => None,
        }
    }

    /// Whether errors or stamps found earlier wait to be delivered.
    fn has_stashed(&self) -> bool {
        match self {
            Self::Sender(channel) | Self::Listener(channel) => channel.has_stashed(),
            Self::PerProbe(sockets) => sockets.has_stashed(),
            Self::PortHolder { .. } => false,
        }
    }

    /// How soon something is to be looked at that no descriptor shows.
    fn look_in(&self) -> Option<Duration> {
        match self {
            Self::PerProbe(sockets) => sockets.look_in(),
            Self::Sender(_) | Self::Listener(_) | Self::PortHolder { .. } => None,
        }
    }

    /// Records that the error queue may hold something.
    fn note_error(&mut self) {
        match self {
            Self::Sender(channel) | Self::Listener(channel) => channel.note_error(),
            Self::PerProbe(sockets) => sockets.note_errors(),
            Self::PortHolder { .. } => {}
        }
    }

    /// Adds what is to be waited for.
    fn add_fds<'a>(&'a self, fds: &mut Vec<PollFd<'a>>) {
        match self {
            Self::Sender(channel) | Self::Listener(channel) => {
                fds.push(PollFd::new(channel.socket(), PollFlags::IN));
            }
            Self::PerProbe(sockets) => {
                fds.extend(sockets.fds().map(|(socket, flags)| PollFd::new(socket, flags)));
            }
            Self::PortHolder { .. } => {}
        }
    }

    fn recv(
        &mut self,
        clock: &Clock,
        expected: usize,
        each: &mut dyn FnMut(&Incoming<'_>),
    ) -> io::Result<usize> {
        match self {
            Self::Sender(channel) | Self::Listener(channel) => channel.recv(clock, expected, each),
            Self::PerProbe(sockets) => sockets.recv(clock, each),
            Self::PortHolder { .. } => Ok(0),
        }
    }
}

/// What a descriptor is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interest {
    /// It can be read.
    Read,
    /// It can be written.
    Write,
}

impl Interest {
    const fn flags(self) -> PollFlags {
        match self {
            Self::Read => PollFlags::IN,
            Self::Write => PollFlags::OUT,
        }
    }
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
    // Longer than a `time_t` can hold: without limit.
    Timespec::try_from(duration).unwrap_or(Timespec { tv_sec: i64::MAX, tv_nsec: 0 })
}

impl Transport {
    /// One socket that sends and receives.
    pub(super) fn one(channel: Channel) -> Self {
        let SocketSetup { target, source, raw, .. } = *channel.setup();
        Self::new(Family::of(target.ip()), source, raw, Member::Sender(Box::new(channel)))
    }

    /// A socket for each probe.
    pub(super) fn per_probe(sockets: SocketPerProbe) -> Self {
        let SocketSetup { target, source, raw, .. } = *sockets.setup();
        Self::new(Family::of(target.ip()), source, raw, Member::PerProbe(Box::new(sockets)))
    }

    fn new(family: Family, source: IpAddr, raw: bool, first: Member) -> Self {
        Self { members: vec![first], family, source, raw, warnings: Vec::new() }
    }

    /// Adds a socket.
    pub(super) fn add(&mut self, member: Member) {
        self.members.push(member);
    }

    /// Adds the sockets of another one, which send to another family.
    pub(super) fn merge(&mut self, other: Self) {
        self.members.extend(other.members);
        for line in other.warnings {
            self.warn(line);
        }
    }

    /// Adds a line for stderr, once.
    pub(super) fn warn(&mut self, line: String) {
        if !self.warnings.contains(&line) {
            self.warnings.push(line);
        }
    }

    /// ICMP identifier, or source port, of everything sent; the kernel writes it on a datagram socket. 0 if each
    /// probe has its own.
    pub fn ident(&self) -> u16 {
        self.ident_of(self.family)
    }

    /// How many source ports, from [`Transport::ident`] on, are kept from other processes for raw TCP probes; at
    /// least 1.
    pub fn source_ports(&self) -> u16 {
        let held = self.members.iter().filter(|member| matches!(member, Member::PortHolder { .. })).count();
        u16::try_from(held).unwrap_or(1).max(1)
    }

    /// ICMP identifier of what is sent to targets of a family; see [`Transport::ident`].
    pub fn ident_of(&self, family: Family) -> u16 {
        let mut senders = self.members.iter().filter_map(Member::sender);
        let first = senders.clone().next();
        senders.find(|sender| sender.family() == family).or(first).map_or(0, Channel::ident)
    }

    /// Whether the socket that sends is a raw one.
    pub fn is_raw(&self) -> bool {
        self.raw
    }

    /// IP version of the first target.
    pub fn family(&self) -> Family {
        self.family
    }

    /// The address probes leave from, as the route gave it at the start.
    pub fn source(&self) -> IpAddr {
        self.source
    }

    /// The IPv6 flow label in use, if one was requested.
    pub fn flow_label(&self) -> Option<u32> {
        self.members.iter().find_map(Member::sender).and_then(Channel::flow_label)
    }

    /// What was refused and can be done without; lines for stderr.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Datagrams that the kernel discarded although they reached this host: the receive buffer was full, or their
    /// checksum was wrong. On raw sockets it is an upper bound: some may have been for other processes.
    pub fn dropped(&self) -> u64 {
        let channels = self.members.iter().filter_map(Member::channel);
        channels.fold(0, |sum: u64, channel| sum.saturating_add(channel.dropped()))
    }

    /// Octets of replies that each receive buffer holds at least.
    pub fn receive_buffer(&self) -> usize {
        let channels = self.members.iter().filter_map(Member::channel);
        channels.map(Channel::receive_buffer).min().unwrap_or(RECEIVE_BUFFER)
    }

    /// The socket that sends to a family, else the first that sends.
    fn sender_to(&mut self, family: Family) -> Option<&mut Member> {
        let sends = |member: &Member| matches!(member, Member::Sender(_) | Member::PerProbe(_));
        let fits = |member: &Member| member.sender().is_none_or(|sender| sender.family() == family);
        let place = self.members.iter().position(|member| sends(member) && fits(member));
        let place = place.or_else(|| self.members.iter().position(sends))?;
        self.members.get_mut(place)
    }

    /// Sends a batch, and reports the result of each datagram to `report`, in order.
    ///
    /// An error is this datagram's own. With [`Room::Wait`](crate::datagram::Room::Wait) a full socket buffer is
    /// waited for, up to 0.1 s. An interface that was deleted and created again is followed.
    pub fn send(
        &mut self,
        clock: &Clock,
        batch: &Batch,
        report: &mut dyn FnMut(Result<Departed, SendFault>),
    ) {
        let mut next = 0usize;
        while let Some((transmit, bytes)) = batch.from(next).next() {
            let family = Family::of(transmit.dst.ip());
            match self.sender_to(family) {
                Some(Member::Sender(channel)) => {
                    let alike = |transmit: &&Transmit| Family::of(transmit.dst.ip()) == family;
                    let count = batch.transmits(next).iter().take_while(alike).count();
                    let end = next.saturating_add(count);
                    channel.send_batch(clock, batch, next..end, report);
                    next = end;
                }
                Some(Member::PerProbe(sockets)) => {
                    report(sockets.send(clock, transmit, bytes));
                    next = next.saturating_add(1);
                }
                _ => return,
            }
        }
    }

    /// Where each probe has a socket and descriptors are short, gives up those of probes that are not `awaited` any more.
    pub fn release(&mut self, awaited: &dyn Fn(u64) -> bool) {
        for member in &mut self.members {
            if let Member::PerProbe(sockets) = member {
                sockets.release(awaited);
            }
        }
    }

    /// Delivers what has arrived to `each`, 64 datagrams a socket at most. Never waits.
    ///
    /// It makes no further system call after `expected` datagrams from the network: a caller that expects one
    /// reply pays for one call, and finds the rest in the next.
    ///
    /// # Errors
    /// A socket cannot be used. Errors of the network (a pending ICMP error, an interface that is down) are not
    /// among them.
    pub fn recv(
        &mut self,
        clock: &Clock,
        expected: usize,
        each: &mut dyn FnMut(&Incoming<'_>),
    ) -> io::Result<Delivered> {
        let mut delivered = Delivered::default();
        for member in &mut self.members {
            let count = member.recv(clock, expected, each)?;
            delivered.count = delivered.count.saturating_add(count);
            delivered.more |= member.channel().is_some() && count >= expected.min(FULL_READ);
        }
        Ok(delivered)
    }

    /// Waits until a socket or one of `others` is ready, or until `until`; `None`: without limit. A signal ends the
    /// wait early, with nothing ready. [`Ready::other`] distinguishes the first eight of `others`.
    ///
    /// # Errors
    /// Those of poll(2).
    pub fn wait(
        &mut self,
        clock: &Clock,
        until: Option<Instant>,
        others: &[(BorrowedFd<'_>, Interest)],
    ) -> io::Result<Ready> {
        let waiting = self.members.iter().any(Member::has_stashed);
        let limit = if waiting {
            Some(timespec(Duration::ZERO))
        } else {
            let due = until.map(|until| until.since(clock.now()));
            let looks = self.members.iter().filter_map(Member::look_in);
            due.into_iter().chain(looks).min().map(timespec)
        };
        let mut fds: Vec<PollFd<'_>> =
            others.iter().map(|(fd, interest)| PollFd::from_borrowed_fd(*fd, interest.flags())).collect();
        self.members.iter().for_each(|member| member.add_fds(&mut fds));
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
            self.members.iter_mut().for_each(Member::note_error);
        }
        Ok(ready)
    }
}
