//! One socket that sends probes and receives replies: the parts of it put together.

use std::io;
use std::ops::Range;
use std::os::fd::AsFd;

use socket2::Socket;

use super::addressing::Addressing;
use super::cause::send_fault;
use super::congestion::Congestion;
use super::departures::{Call, Departures};
use super::error_queue::{ErrorQueue, LOOK, received};
use super::interface::FollowedInterface;
use super::kind::Kind;
use super::open::refusal::{Setting, SetupError};
use super::open::setup::SocketSetup;
use super::open::{self, clocks};
use super::placer::Placer;
use super::receiver::{Receiver, is_fatal};
use super::sender::Sender;
use crate::clock::{Clock, Instant};
use crate::datagram::{
    BATCH, Batch, ClockSource, Departed, Incoming, RECEIVE_BUFFER, Room, SendFault, Stamp, Transmit,
};
use crate::sys::{self, Entry};
use crate::wire::Family;

/// Maximum number of datagrams from the network delivered by one call. A call that delivers fewer has emptied the socket.
pub const FULL_READ: usize = BATCH;

/// Maximum number of datagrams and errors delivered by one call: after a full read there is room for errors.
const FULL_CALL: usize = FULL_READ + 16;

/// Maximum number of errors met in one call before the caller gets control back.
const PATIENCE: usize = 16;

/// A socket set up for its target.
#[derive(Debug)]
pub(super) struct Channel {
    socket: Socket,
    kind: Kind,
    setup: SocketSetup,
    ident: u16,
    addressing: Addressing,
    receiver: Receiver,
    queue: ErrorQueue,
    departures: Departures,
    sender: Sender,
}

impl Channel {
    /// Sets a socket up. `ident` is the identifier of a socket that is not bound, that is, of a raw ICMP socket.
    ///
    /// # Errors
    /// The option that was refused.
    pub fn new(socket: Socket, setup: SocketSetup, kind: Kind, ident: u16) -> Result<Self, SetupError> {
        let flow_label = setup.apply(&socket)?;
        sys::wait_exactly();
        let len = kind.receive_len(setup.options.message_len);
        // An unconnected raw socket gets errors from the network, with more in them.
        let delivers = !setup.raw || (setup.options.connect && kind == Kind::Icmp);
        let mut channel = Channel {
            departures: clocks::stamps(&socket, &setup, kind)?,
            socket,
            kind,
            ident,
            addressing: Addressing::new(kind, flow_label),
            sender: Sender::default(),
            receiver: Receiver::new(len),
            queue: ErrorQueue::new(len, delivers),
            setup,
        };
        if !channel.setup.raw {
            channel.ident = channel.bound_port()?;
            channel.setup.port = channel.ident;
        }
        Ok(channel)
    }

    /// Follows an interface that is deleted and created again; see [`FollowedInterface`].
    pub fn follow_interface(&mut self, interface: FollowedInterface) {
        self.addressing.interface = Some(interface);
    }

    /// From now on the ICMP errors in the error queue are discarded: another socket receives the same ones.
    pub fn discard_errors(&mut self) {
        self.queue.discard_errors();
    }

    /// ICMP identifier or source port of what it sends.
    pub fn ident(&self) -> u16 {
        self.ident
    }

    /// How it was set up.
    pub fn setup(&self) -> &SocketSetup {
        &self.setup
    }

    /// The descriptor to wait for.
    pub fn socket(&self) -> &Socket {
        &self.socket
    }

    /// IP version of the target.
    pub fn family(&self) -> Family {
        Family::of(self.setup.target.ip())
    }

    /// The IPv6 flow label in use, if one was requested.
    pub fn flow_label(&self) -> Option<u32> {
        self.addressing.flow_label
    }

    /// Records that the error queue may hold something.
    pub fn note_error(&mut self) {
        self.queue.note_error();
    }

    /// Whether errors or stamps found earlier wait to be delivered.
    pub fn has_stashed(&self) -> bool {
        self.queue.has_stashed() || self.departures.has_found()
    }

    /// Datagrams that the kernel discarded for this socket; see [`sys::discarded`].
    pub fn dropped(&self) -> u64 {
        sys::discarded(self.socket.as_fd())
    }

    /// Octets of replies that the receive buffer holds: half of what the kernel granted.
    pub fn receive_buffer(&self) -> usize {
        self.socket.recv_buffer_size().map_or(RECEIVE_BUFFER, |granted| granted >> 1)
    }

    fn bound_port(&self) -> Result<u16, SetupError> {
        let name =
            self.socket.local_addr().map_err(|e| SetupError::new(Setting::Always("getsockname"), &e))?;
        Ok(name.as_socket().map_or(0, |address| address.port()))
    }
}

// ---- receiving ----

impl Channel {
    /// Delivers what has arrived to `each`: first the stamps of what left, then datagrams and errors. Returns the number of the
    /// latter two. Never waits.
    ///
    /// It makes no further system call after `expected` datagrams from the network: a caller that expects one
    /// reply pays for one call, and finds the rest in the next.
    ///
    /// # Errors
    /// The socket cannot be used. Errors of the network (a pending ICMP error, an interface that is down) are not
    /// among them.
    pub fn recv(
        &mut self,
        clock: &Clock,
        expected: usize,
        each: &mut dyn FnMut(&Incoming<'_>),
    ) -> io::Result<usize> {
        let mut placer = Placer::new(clock);
        while let Some(stamped) = self.departures.next_found() {
            each(&Incoming::Departure(stamped));
        }
        let mut count = self.deliver_stash(&mut placer, each);
        let from_wire = FULL_READ.saturating_sub(count).min(expected);
        let (mut errors, mut more) = (0usize, true);
        while more && count < from_wire && errors < PATIENCE {
            let limit = from_wire.saturating_sub(count);
            let read = match self.receiver.read(self.socket.as_fd(), clock, limit) {
                Ok(read) => read,
                Err(error) if is_fatal(&error) => return Err(error),
                // EINTR, or the pending error of something sent: the queue may have more.
                Err(_) => {
                    self.queue.note_error();
                    errors = errors.saturating_add(1);
                    continue;
                }
            };
            more = read.more;
            if let Some(at) = read.empty_at
                && !self.queue.may_hold()
                && !self.departures.awaited()
            {
                self.queue.note_empty(at);
            }
            // Probes that left before these datagrams arrived have their stamps in the queue by now.
            count = count.saturating_add(self.read_queue(&mut placer, FULL_CALL.saturating_sub(count), each));
            count = count.saturating_add(self.deliver(&mut placer, read.floor, each));
        }
        count = count.saturating_add(self.read_queue(&mut placer, FULL_CALL.saturating_sub(count), each));
        Ok(count)
    }

    /// Delivers the errors that were kept.
    fn deliver_stash(&mut self, placer: &mut Placer<'_>, each: &mut dyn FnMut(&Incoming<'_>)) -> usize {
        let mut count = 0usize;
        while count < BATCH
            && let Some(kept) = self.queue.next_stashed()
        {
            let at = placer.place(kept.stamp, self.queue.empty_since());
            each(&self.addressing.delivered(received(kept.borrowed(), self.kind, at)));
            count = count.saturating_add(1);
        }
        count
    }

    /// Delivers the datagrams in the buffer, none of which arrived before `floor`.
    fn deliver(
        &mut self,
        placer: &mut Placer<'_>,
        floor: Instant,
        each: &mut dyn FnMut(&Incoming<'_>),
    ) -> usize {
        let mut count = 0usize;
        let now = placer.now();
        for raw in self.receiver.datagrams() {
            let hardware = raw.control.hardware;
            let stamp = match hardware.and_then(|stamp| self.departures.place_arrival(stamp, placer.now())) {
                Some(at) => Stamp { at, clock: ClockSource::Hardware },
                None => placer.place_by(now, raw.control.stamp, floor),
            };
            let framing = self.kind.framing(self.setup.raw, self.ident, raw.from);
            each(&self.addressing.delivered(raw.received(framing, stamp)));
            count = count.saturating_add(1);
        }
        self.receiver.clear();
        count
    }

    /// Delivers what the error queue holds, if it may hold something: stamps, and `limit` errors at most.
    fn read_queue(
        &mut self,
        placer: &mut Placer<'_>,
        limit: usize,
        each: &mut dyn FnMut(&Incoming<'_>),
    ) -> usize {
        let delivers = self.queue.delivers();
        let mut count = 0usize;
        for _ in 0..LOOK {
            if count >= limit || !(self.queue.may_hold() || self.departures.awaited()) {
                break;
            }
            let floor = self.queue.empty_since();
            let Some(entry) = self.queue.read(self.socket.as_fd(), placer.clock()) else { break };
            match entry {
                Entry::Icmp(queued) if delivers => {
                    let at = placer.place(queued.stamp, floor);
                    each(&self.addressing.delivered(received(queued, self.kind, at)));
                    count = count.saturating_add(1);
                }
                Entry::Departure(stamp) => {
                    if let Some(stamped) = self.departures.place(stamp, placer.epoch(), placer.now()) {
                        each(&Incoming::Departure(stamped));
                    }
                }
                // Errors of this host were reported by the send that failed.
                Entry::Icmp(_) | Entry::TooLong(_) | Entry::Other => {}
            }
        }
        count
    }
}

// ---- sending ----

impl Channel {
    /// Sends a range of a batch, and reports the result of each datagram to `report`, in order.
    ///
    /// One that is refused, and one that is alone, is sent by [`Channel::send`].
    pub fn send_batch(
        &mut self,
        clock: &Clock,
        batch: &Batch,
        range: Range<usize>,
        report: &mut dyn FnMut(Result<Departed, SendFault>),
    ) {
        let Range { start: mut next, end } = range;
        let mut congestion = Congestion::default();
        while next < end {
            let left = batch.transmits(next);
            let left = left.get(..end.saturating_sub(next)).unwrap_or(left);
            congestion.look(&self.socket, left);
            // Those that wait for room are few, and each needs its own error: they leave one by one.
            let leaves =
                |transmit: &&Transmit| transmit.room != Room::Wait && congestion.fault(transmit).is_none();
            let together = left.iter().take(BATCH).take_while(leaves).count();
            if together > 1 {
                let sent = self.try_batch(clock, batch, next..next.saturating_add(together), report);
                next = next.saturating_add(sent);
                if sent == together {
                    continue;
                }
            }
            let Some((transmit, bytes)) = batch.from(next).next().filter(|_| next < end) else { return };
            let result = match congestion.fault(transmit) {
                Some(fault) => Err(fault),
                None => self.send(clock, transmit, bytes),
            };
            if let Err(fault) = &result {
                congestion.learn(transmit, *fault);
                self.sender.learn(*fault);
            }
            report(result);
            next = next.saturating_add(1);
        }
    }

    /// Gives a range of a batch to the kernel with one call; returns how many left.
    fn try_batch(
        &mut self,
        clock: &Clock,
        batch: &Batch,
        range: Range<usize>,
        report: &mut dyn FnMut(Result<Departed, SendFault>),
    ) -> usize {
        if !self.is_ready() || !self.sender.may_send_together() {
            return 0;
        }
        let count = range.len();
        let transmits = || batch.transmits(range.start).iter().take(count);
        transmits().for_each(|transmit| self.addressing.scopes.learn(transmit.dst));
        let (addressing, departures) = (&self.addressing, &self.departures);
        let mut requests = 0;
        let sent = self.sender.send_together(self.socket.as_fd(), clock, |at| {
            requests = departures.requests(at);
            let (requests, numbered) = (requests, batch.from(range.start).take(count).enumerate());
            numbered.map(move |(n, (transmit, bytes))| addressing.datagram(transmit, bytes, n < requests))
        });
        // A time that is no measurement serves the pace of a flood only, which needs the likely one.
        let cost = if departures.are_sampled() { sent.mean() } else { sent.cost };
        let mut at = sent.call.begin;
        for (n, transmit) in transmits().take(sent.count).enumerate() {
            let requested = n < requests;
            // The cost is an estimate, which must not shorten a time by the kernel's stamp.
            let at_least = if requested { sent.call.begin } else { at };
            self.departures.sent(transmit.id, Call { begin: at_least, ..sent.call }, requested);
            report(Ok(Departed { at: at_least, port: self.ident }));
            at = at + cost;
        }
        if sent.count < count {
            self.departures.refused(self.socket.as_fd(), sent.count < requests);
            self.queue.note_error();
        }
        sent.count
    }

    /// Sends one datagram. Follows an interface that was deleted and created again.
    ///
    /// # Errors
    /// An error of this datagram, not of an earlier one.
    pub fn send(&mut self, clock: &Clock, transmit: &Transmit, bytes: &[u8]) -> Result<Departed, SendFault> {
        let bytes = bytes.get(..transmit.len).unwrap_or(bytes);
        if !self.is_ready() {
            self.follow().map_err(|errno| send_fault(errno, None))?;
        }
        self.addressing.scopes.learn(transmit.dst);
        let sent = self.try_send(clock, transmit, bytes);
        let Err(fault) = sent else { return sent };
        let follows = self.addressing.scopes.follow(transmit.dst);
        match self.follow() {
            Ok(new) if new || follows => self.try_send(clock, transmit, bytes),
            Ok(_) => Err(fault),
            Err(errno) => Err(send_fault(errno, None)),
        }
    }

    fn try_send(&mut self, clock: &Clock, transmit: &Transmit, bytes: &[u8]) -> Result<Departed, SendFault> {
        let addressing = &self.addressing;
        let datagram = |requested| addressing.datagram(transmit, bytes, requested);
        let aside = (&mut self.queue, &mut self.departures);
        let at = self.sender.send_one(&self.socket, clock, transmit, datagram, aside)?;
        Ok(Departed { at, port: self.ident })
    }

    fn is_ready(&self) -> bool {
        self.addressing.interface.as_ref().is_none_or(FollowedInterface::is_ready)
    }

    /// Follows the interface if it was created again. `Ok`: whether the socket is a new one, ready to send.
    ///
    /// # Errors
    /// What keeps it from that for now, such as a source address not yet assigned.
    fn follow(&mut self) -> Result<bool, i32> {
        let (family, raw) = (self.family(), self.setup.raw);
        let Some(interface) = &mut self.addressing.interface else { return Ok(false) };
        if let Some(socket) = interface.replacement() {
            // The old one is closed first: its identifier and its flow label are free then.
            self.socket = socket;
            self.departures.restart(self.socket.as_fd(), self.setup.options.stamps);
            interface.keep_replacement(open::spare(family, raw, &self.setup.options).ok());
            if raw {
                let wanted = open::wanted(family, &self.setup.options, self.ident);
                sys::accept_only(&self.socket, family, wanted).map_err(|e| e.raw_os_error().unwrap_or(0))?;
            }
        }
        if interface.is_ready() {
            return Ok(false);
        }
        self.setup.apply(&self.socket).map_err(|error| error.errno().unwrap_or(0))?;
        interface.set_ready();
        Ok(true)
    }
}
