//! A socket for each probe, for methods whose probes differ in the source port only: UDP with a fixed destination
//! port, and TCP connections, which the kernel makes.

use std::io;
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::io::Errno;
use socket2::Socket;

use super::cause::{fault, send_fault};
use super::channel::Channel;
use super::connection::Connection;
use super::descriptors::{Closable, Limit, close_one};
use super::error_queue::ErrorQueue;
use super::kind::Kind;
use super::open::options::Pmtu;
use super::open::refusal::{Setting, SetupError};
use super::open::setup::SocketSetup;
use super::open::with_ports;
use crate::clock::{Clock, Instant};
use crate::datagram::{Departed, Incoming, Received, SendCause, SendFault, Transmit};
use crate::wire::Family;
use crate::wire::tcp;

/// How soon connections are looked at again while a SYN of theirs may wait in this machine.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Maximum number of source ports tried for one probe.
const TRIES: u32 = 8;

/// Sockets, one for each probe.
#[derive(Debug)]
pub(super) struct SocketPerProbe {
    setup: SocketSetup,
    protocol: u8,
    /// Held open so that no probe gets its port.
    _route_probe_socket: Socket,
    limit: Limit,
    /// Whether a probe found no descriptor.
    short: bool,
    datagrams: Vec<Datagram>,
    connections: Vec<Connection>,
    queue: ErrorQueue,
}

/// A socket that sent a datagram.
#[derive(Debug)]
struct Datagram {
    channel: Channel,
    /// The number of its probe.
    id: u64,
    /// Whether it was answered, or is no longer waited for.
    over: bool,
}

impl Closable for Datagram {
    fn is_over(&self) -> bool {
        self.over
    }

    fn is_past(&self, _: Instant) -> bool {
        false
    }
}

impl SocketPerProbe {
    /// None yet. `setup` sets each of them up.
    pub fn new(mut setup: SocketSetup, protocol: u8, route_probe: Socket) -> Self {
        if protocol == tcp::PROTOCOL_TCP && setup.options.pmtu == Some(Pmtu::Probe) {
            // Linux sets DF on TCP only where it keeps to the path MTU as well.
            setup.options.pmtu = Some(Pmtu::Do);
        }
        let (datagrams, connections) = (Vec::new(), Vec::new());
        Self {
            setup,
            protocol,
            _route_probe_socket: route_probe,
            limit: Limit::raised(),
            short: false,
            datagrams,
            connections,
            queue: ErrorQueue::new(2048, true),
        }
    }

    /// What sets the sockets up.
    pub fn setup(&self) -> &SocketSetup {
        &self.setup
    }

    fn family(&self) -> Family {
        Family::of(self.setup.target.ip())
    }

    /// Sets a socket up as each will be, and closes it: what is refused now would be refused each.
    pub fn try_out(&self) -> Result<(), SetupError> {
        let socket = self.open().map_err(|error| SetupError::new(Setting::Always("socket"), &error))?;
        self.setup.apply(&socket).map(drop)
    }

    /// Sends one probe from a socket of its own.
    ///
    /// # Errors
    /// [`SendCause::NoDescriptor`]: all sockets that may be open are, and each is still waited for.
    pub fn send(&mut self, clock: &Clock, transmit: &Transmit, bytes: &[u8]) -> Result<Departed, SendFault> {
        if self.setup.port != 0 {
            // All use the same port: one socket must be closed before the next is bound.
            self.datagrams.clear();
            self.connections.clear();
        }
        let mut tries = 0u32;
        loop {
            let sent = match self.protocol {
                tcp::PROTOCOL_TCP => self.connect(clock, transmit),
                _ => self.send_datagram(clock, transmit, bytes),
            };
            tries = tries.saturating_add(1);
            match sent {
                // Another program has the port that the kernel chose, or this flow is still known.
                Err(SendFault { cause: SendCause::PortInUse | SendCause::SourceGone, .. })
                    if tries < TRIES && self.setup.port == 0 => {}
                Err(SendFault { cause: SendCause::NoDescriptor, .. }) if self.make_room(clock.now()) => {}
                // None of them is ours: waiting would not help.
                Err(SendFault { cause: SendCause::NoDescriptor, error }) if !self.keeps_any() => {
                    return Err(SendFault { cause: SendCause::Other, error });
                }
                sent => {
                    let short = |fault: &SendFault| fault.cause == SendCause::NoDescriptor;
                    self.short |= sent.as_ref().is_err_and(short);
                    return sent;
                }
            }
        }
    }

    /// Where descriptors are short, gives up the sockets of probes that are not `awaited` any more.
    pub fn release(&mut self, awaited: &dyn Fn(u64) -> bool) {
        if std::mem::take(&mut self.short) {
            self.datagrams.iter_mut().for_each(|datagram| datagram.over |= !awaited(datagram.id));
            self.connections.iter_mut().for_each(|connection| connection.release(awaited));
        }
    }

    /// Closes a socket of which nothing more is expected; returns whether there was one.
    fn make_room(&mut self, now: Instant) -> bool {
        close_one(&mut self.datagrams, now) || close_one(&mut self.connections, now)
    }

    fn keeps_any(&self) -> bool {
        !self.datagrams.is_empty() || !self.connections.is_empty()
    }

    fn send_datagram(
        &mut self,
        clock: &Clock,
        transmit: &Transmit,
        bytes: &[u8],
    ) -> Result<Departed, SendFault> {
        let socket = self.open().map_err(|e| fault(&e))?;
        let kind = Kind::Ports(self.protocol);
        let mut channel = Channel::new(socket, self.setup.clone(), kind, 0)
            .map_err(|error| send_fault(error.errno().unwrap_or(libc::EINVAL), None))?;
        let departed = channel.send(clock, transmit, bytes)?;
        self.datagrams.push(Datagram { channel, id: transmit.id, over: false });
        Ok(departed)
    }

    fn open(&self) -> io::Result<Socket> {
        let socket = with_ports(self.family(), self.protocol)?;
        if self.keeps_any() && !self.limit.allows(&socket) {
            return Err(Errno::MFILE.into());
        }
        if let Some(device) = &self.setup.options.device {
            socket.bind_device(Some(device.as_bytes()))?;
        }
        if self.protocol == tcp::PROTOCOL_TCP && self.setup.port != 0 {
            // A connection that is hung up leaves its port to the next at once, not after TIME-WAIT.
            socket.set_linger(Some(Duration::ZERO))?;
        }
        Ok(socket)
    }

    fn connect(&mut self, clock: &Clock, transmit: &Transmit) -> Result<Departed, SendFault> {
        let socket = self.open().map_err(|e| fault(&e))?;
        let (connection, departed) = Connection::begin(socket, &self.setup, clock, transmit)?;
        self.connections.push(connection);
        Ok(departed)
    }

    /// Delivers what has arrived to `each`; returns the number of datagrams and errors.
    ///
    /// # Errors
    /// A socket cannot be used.
    pub fn recv(&mut self, clock: &Clock, each: &mut dyn FnMut(&Incoming<'_>)) -> io::Result<usize> {
        let mut count = 0usize;
        for datagram in &mut self.datagrams {
            let id = datagram.id;
            let received = datagram.channel.recv(clock, 1, &mut |incoming| match incoming {
                Incoming::Datagram(received) => {
                    each(&Incoming::Datagram(Received { probe: Some(id), ..*received }));
                }
                Incoming::Departure(_) => each(incoming),
            })?;
            datagram.over |= received > 0;
            count = count.saturating_add(received);
        }
        for connection in self.connections.iter_mut().filter(|connection| !connection.is_over()) {
            count = count.saturating_add(connection.look(&mut self.queue, clock, &self.setup, each));
        }
        // Afterwards: what came while this process was suspended is not lost.
        let now = clock.now();
        self.connections.retain(|connection| connection.is_over() || !connection.is_past(now));
        Ok(count)
    }

    /// What is to be waited for.
    pub fn fds(&self) -> impl Iterator<Item = (&Socket, PollFlags)> {
        let datagrams = self.datagrams.iter().map(|datagram| (datagram.channel.socket(), PollFlags::IN));
        let open = self.connections.iter().filter(|connection| !connection.is_over());
        datagrams.chain(open.map(|connection| (connection.socket(), PollFlags::OUT)))
    }

    /// How soon they are to be looked at, whatever they are waited for.
    pub fn look_in(&self) -> Option<Duration> {
        self.connections.iter().any(Connection::is_held).then_some(LOOK_AGAIN)
    }

    /// Records that each of them may have errors; `recv` finds out which.
    pub fn note_errors(&mut self) {
        self.datagrams.iter_mut().for_each(|datagram| datagram.channel.note_error());
    }

    /// Whether something met in looking for something else waits to be delivered.
    pub fn has_stashed(&self) -> bool {
        self.datagrams.iter().any(|datagram| datagram.channel.has_stashed())
    }
}
