//! A socket for each probe, for methods whose probes differ in the source port only: UDP with a fixed destination
//! port, and TCP connections, which the kernel makes.

use std::io;
use std::time::Duration;

use rustix::event::PollFlags;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::Socket;

use super::cause::{fault, send_fault};
use super::channel::Channel;
use super::connection::Connection;
use super::error_queue::ErrorQueue;
use super::kind::Kind;
use super::open::options::Pmtu;
use super::open::refusal::{Setting, SetupError};
use super::open::setup::SocketSetup;
use super::open::with_ports;
use crate::clock::Clock;
use crate::datagram::{Departed, Incoming, SendCause, SendFault, Transmit};
use crate::wire::Family;
use crate::wire::tcp;

/// Sockets kept at most; the oldest is closed for the next. A trace of 255 hops with three probes each needs
/// 765, and few users may have more than 1024 descriptors.
const KEPT: usize = 900;

/// Maximum number of source ports tried for one probe.
const TRIES: u32 = 8;

/// Sockets, one for each probe.
#[derive(Debug)]
pub(super) struct SocketPerProbe {
    setup: SocketSetup,
    protocol: u8,
    /// Held open so that no probe gets its port.
    _route_probe_socket: Socket,
    datagrams: Vec<Channel>,
    connections: Vec<Connection>,
    queue: ErrorQueue,
}

impl SocketPerProbe {
    /// None yet. `setup` sets each of them up.
    pub fn new(mut setup: SocketSetup, protocol: u8, route_probe: Socket) -> Self {
        raise_limit();
        if protocol == tcp::PROTOCOL_TCP && setup.options.pmtu == Some(Pmtu::Probe) {
            // Linux sets DF on TCP only where it keeps to the path MTU as well.
            setup.options.pmtu = Some(Pmtu::Do);
        }
        let (datagrams, connections) = (Vec::new(), Vec::new());
        Self {
            setup,
            protocol,
            _route_probe_socket: route_probe,
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
    pub fn send(&mut self, clock: &Clock, transmit: &Transmit, bytes: &[u8]) -> Result<Departed, SendFault> {
        let kept = self.datagrams.len().max(self.connections.len());
        if self.setup.port != 0 {
            // All use the same port: one socket must be closed before the next is bound.
            self.datagrams.clear();
            self.connections.clear();
        } else if kept >= KEPT {
            self.datagrams.drain(..self.datagrams.len().min(1));
            self.connections.drain(..self.connections.len().min(1));
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
                sent => return sent,
            }
        }
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
        self.datagrams.push(channel);
        Ok(departed)
    }

    fn open(&self) -> io::Result<Socket> {
        let socket = with_ports(self.family(), self.protocol)?;
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
        for channel in &mut self.datagrams {
            count = count.saturating_add(channel.recv(clock, 1, each)?);
        }
        for connection in self.connections.iter_mut().filter(|connection| !connection.is_over()) {
            count = count.saturating_add(connection.look(&mut self.queue, clock, &self.setup, each));
        }
        // Afterwards: what came while this process was suspended is not lost.
        let now = clock.now();
        self.connections.retain(|connection| connection.is_over() || !connection.is_due_again(now));
        Ok(count)
    }

    /// What is to be waited for.
    pub fn fds(&self) -> impl Iterator<Item = (&Socket, PollFlags)> {
        let datagrams = self.datagrams.iter().map(|channel| (channel.socket(), PollFlags::IN));
        let open = self.connections.iter().filter(|connection| !connection.is_over());
        datagrams.chain(open.map(|connection| (connection.socket(), PollFlags::OUT)))
    }

    /// Records that each of them may have errors; `recv` finds out which.
    pub fn note_errors(&mut self) {
        self.datagrams.iter_mut().for_each(Channel::note_error);
    }

    /// Whether something met in looking for something else waits to be delivered.
    pub fn has_stashed(&self) -> bool {
        self.datagrams.iter().any(Channel::has_stashed)
    }
}

/// Allows as many descriptors as this user may have.
fn raise_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current < maximum || maximum.is_none() {
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}
