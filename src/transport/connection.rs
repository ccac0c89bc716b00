//! A TCP socket that is being connected: the probe of a user who may not send segments.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::io::Errno;
use socket2::{SockAddr, Socket};

use super::cause::{fault, send_fault};
use super::descriptors::Closable;
use super::error_queue::{ErrorQueue, received};
use super::kind::Kind;
use super::open::options::Stamping;
use super::open::setup::SocketSetup;
use super::placer::Placer;
use super::receiver::scope_of;
use crate::clock::{Clock, Instant};
use crate::datagram::{
    ClockSource, Departed, DepartureStamp, Framing, Incoming, Received, SendFault, Stamp, Transmit,
};
use crate::sys::{self, Entry};
use crate::wire::tcp;

/// A connection is given up before the kernel sends its SYN again, after a second (RFC 6298 section 2.1): an
/// answer to either of them would have no time of its own.
const RETRANSMISSION: Duration = Duration::from_millis(950);

/// A TCP socket that is being connected.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Socket,
    /// The number of its probe.
    id: u64,
    /// When its SYN left.
    since: Instant,
    over: bool,
    /// Whether its SYN is not known to have left this machine.
    held: bool,
    /// Whether the kernel's clock may be used.
    stamped: bool,
}

impl Closable for Connection {
    /// Whether it was answered, the kernel gave it up, or it is no longer waited for.
    fn is_over(&self) -> bool {
        self.over
    }

    /// Whether the kernel is about to send the SYN again.
    fn is_past(&self, now: Instant) -> bool {
        now.since(self.since) >= RETRANSMISSION
    }
}

impl Connection {
    /// Begins to connect a fresh socket.
    ///
    /// # Errors
    /// Those of setting it up, and of connect(2).
    pub fn begin(
        socket: Socket,
        setup: &SocketSetup,
        clock: &Clock,
        transmit: &Transmit,
    ) -> Result<(Self, Departed), SendFault> {
        sys::choose_port_at_connect(socket.as_fd());
        let label =
            setup.apply(&socket).map_err(|error| send_fault(error.errno().unwrap_or(libc::EINVAL), None))?;
        let stamped = setup.options.stamps != Stamping::User && sys::stamp_arrivals(socket.as_fd()).is_ok();
        let ttl = u32::from(transmit.ttl.unwrap_or(64));
        match transmit.dst {
            SocketAddr::V4(_) => socket.set_ttl_v4(ttl),
            SocketAddr::V6(_) => socket.set_unicast_hops_v6(ttl),
        }
        .and_then(|()| socket.set_nonblocking(true))
        .map_err(|e| fault(&e))?;
        let since = clock.now();
        let mut to = transmit.dst;
        if let (SocketAddr::V6(to), Some(label)) = (&mut to, label) {
            to.set_flowinfo(label.to_be());
        }
        match socket.connect(&SockAddr::from(to)) {
            Ok(()) => {}
            // In progress. An immediate refusal is reported like a later one.
            Err(error)
                if matches!(Errno::from_io_error(&error), Some(Errno::INPROGRESS | Errno::CONNREFUSED)) => {}
            Err(error) => return Err(fault(&error)),
        }
        let name = socket.local_addr().map_err(|e| fault(&e))?;
        let port = name.as_socket().map_or(0, |address| address.port());
        Ok((
            Self { socket, id: transmit.id, since, over: false, held: true, stamped },
            Departed { at: since, port },
        ))
    }

    /// The socket.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Whether its SYN may wait in this machine, for a link-layer address. No stamp shows when it leaves.
    pub fn is_held(&self) -> bool {
        self.held && !self.over
    }

    /// Gives it up if its probe is not `awaited` any more.
    pub fn release(&mut self, awaited: &dyn Fn(u64) -> bool) {
        self.over |= !awaited(self.id);
    }

    /// Delivers the error that a router sent, or the result of the attempt; returns how many.
    pub fn look(
        &mut self,
        queue: &mut ErrorQueue,
        clock: &Clock,
        setup: &SocketSetup,
        each: &mut dyn FnMut(&Incoming<'_>),
    ) -> usize {
        if self.held && !sys::holds_packets(self.socket.as_fd()) {
            self.held = false;
            let (id, at) = (self.id, self.since);
            each(&Incoming::Departure(DepartureStamp { id, at, clock: ClockSource::User }));
        }
        if self.router_error(queue, clock, each) {
            return 1;
        }
        let refused = match self.socket.take_error() {
            Ok(None) if self.socket.peer_addr().is_ok() => false,
            Ok(Some(error)) if Errno::from_io_error(&error) == Some(Errno::CONNREFUSED) => true,
            Ok(None) | Err(_) => return 0,
            Ok(Some(_)) => {
                // The error of a router that came after the first look is in the queue by now. Without one the kernel
                // gave the attempt up: it is as silent as before.
                let found = self.router_error(queue, clock, each);
                self.over = true;
                return found.into();
            }
        };
        self.over = true;
        // Not before: the answer may have come since this look began.
        let Some(stamp) = self.stamp(clock.now(), refused) else { return 0 };
        each(&Incoming::Datagram(Received {
            at: stamp.at,
            clock: stamp.clock,
            from: setup.target.ip(),
            scope: scope_of(setup.target),
            hop_limit: None,
            options: &[],
            probe: Some(self.id),
            framing: Framing::Connected { refused },
            bytes: &[],
        }));
        1
    }

    /// When the answer of the target arrived that was seen `now`; `None`: it may be one to a later segment.
    ///
    /// The kernel measures how long the target took to accept. It may be seen late, where this process had to wait.
    fn stamp(&self, now: Instant, refused: bool) -> Option<Stamp> {
        let handshake = sys::handshake(self.socket.as_fd());
        if handshake.map_or(self.is_past(now), |handshake| handshake.retransmitted) {
            return None;
        }
        // Where the target did not accept, there is no time: it opened a connection too, or answered with something else.
        let took = handshake.map(|handshake| handshake.took).filter(|took| !took.is_zero());
        let taken = took.map(|took| self.since + took);
        let measured = taken.filter(|at| self.stamped && !refused && (self.since..=now).contains(at));
        let ours = Stamp { at: now, clock: ClockSource::User };
        Some(measured.map_or(ours, |at| Stamp { at, clock: ClockSource::Kernel }))
    }

    /// Delivers the error that a router sent, unless it may be about a later segment; returns whether there is one.
    fn router_error(
        &mut self,
        queue: &mut ErrorQueue,
        clock: &Clock,
        each: &mut dyn FnMut(&Incoming<'_>),
    ) -> bool {
        while let Some(entry) = queue.read(self.socket.as_fd(), clock) {
            let Entry::Icmp(queued) = entry else { continue };
            self.over = true;
            let at = Placer::new(clock).place(queued.stamp, self.since);
            let timely = !self.is_past(at.at)
                || sys::handshake(self.socket.as_fd()).is_some_and(|handshake| !handshake.retransmitted);
            if timely {
                let kind = Kind::Ports(tcp::PROTOCOL_TCP);
                each(&Incoming::Datagram(Received { probe: Some(self.id), ..received(queued, kind, at) }));
            }
            return timely;
        }
        false
    }
}
