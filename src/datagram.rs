//! The plain data that crosses between the engine and the transport.
//!
//! Nothing here knows what a probe is, and nothing knows what a socket is.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};

use crate::clock::Instant;
use crate::wire::icmp;

/// A datagram to send: `buffer[..len]` of the buffer it was emitted into, to `dst`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// Destination. The port is that of the upper protocol, 0 where it has none; the scope id is that of a
    /// link-local address.
    pub dst: SocketAddr,
    /// Octets to send, from the header on that the socket leaves to us.
    pub len: usize,
    /// TTL or hop limit of this datagram; `None`: the socket's own.
    pub ttl: Option<u8>,
    /// The sender's name for it. It comes back with the kernel's stamp of the departure, and has no other use.
    pub id: u64,
    /// How much of the socket's send buffer it may use.
    pub room: Room,
}

/// How much of a socket's send buffer a datagram may use.
///
/// On a link with neighbours a datagram stays in the send buffer until its neighbour is known: up to three seconds
/// where no node answers (ARP and RFC 4861 section 10: three queries, a second apart).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// All of it. Sending waits a moment for room.
    Wait,
    /// All of it. A full buffer is a fault at once.
    Any,
    /// One half: a buffer that is half full is a fault at once, so that the rest is left for others.
    Half,
}

/// Maximum number of datagrams that one system call sends or receives, and so of a [`Batch`] and of a flood in
/// flight.
pub const BATCH: usize = 64;

/// Octets that replies may use at least of a receive buffer that the kernel grants anyone (Linux
/// net.core.rmem_default). The socket reports twice that; the other half is for stamps and for other processes'
/// packets.
pub const RECEIVE_BUFFER: usize = 212_992;

/// Octets that a receive buffer needs for a datagram beside its data (Linux `sk_buff` and alignment).
pub const DATAGRAM_OVERHEAD: usize = 768;

/// Datagrams on their way out together. Its room is that of one until there are more, and is used again.
#[derive(Debug)]
pub struct Batch {
    /// Octets that each may have.
    share: usize,
    /// Datagrams at most.
    most: usize,
    bytes: Vec<u8>,
    transmits: Vec<Transmit>,
}

impl Batch {
    /// Maximum size in octets, if the datagrams are large.
    const OCTETS: usize = 131_072;

    /// Room for datagrams of so many octets at most.
    pub fn new(share: usize) -> Self {
        let share = share.max(1);
        let most = Self::OCTETS.checked_div(share).unwrap_or(1).clamp(1, BATCH);
        Self { share, most, bytes: vec![0; share], transmits: Vec::with_capacity(1) }
    }

    /// Empties it, and then takes what `poll` gives, until that gives nothing or there is no more room.
    /// Returns how many it took.
    pub fn fill(&mut self, mut poll: impl FnMut(&mut [u8]) -> Option<Transmit>) -> usize {
        self.transmits.clear();
        while self.transmits.len() < self.most {
            let from = self.transmits.len().saturating_mul(self.share);
            if from >= self.bytes.len() {
                self.bytes.resize(self.share.saturating_mul(self.most), 0);
                self.transmits.reserve(self.most);
            }
            let Some(transmit) = self.bytes.get_mut(from..).and_then(&mut poll) else { break };
            self.transmits.push(transmit);
        }
        self.transmits.len()
    }

    /// What is in it without the octets, oldest first, from the one of that index on.
    pub fn transmits(&self, index: usize) -> &[Transmit] {
        self.transmits.get(index..).unwrap_or_default()
    }

    /// What is in it, oldest first, from the one of that index on.
    pub fn from(&self, index: usize) -> impl Iterator<Item = (&Transmit, &[u8])> + Clone {
        let shares = self.bytes.chunks_exact(self.share);
        let all = self.transmits.iter().zip(shares).skip(index);
        all.map(|(transmit, share)| (transmit, share.get(..transmit.len).unwrap_or(share)))
    }
}

/// A datagram that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Departed {
    /// The time read immediately before the system call that sent it; where that sent several, later by what
    /// those before it took at least.
    pub at: Instant,
    /// The port (ICMP: the identifier) that it left from, so that replies can be matched to a socket
    /// opened for this datagram alone; 0 where its protocol has none.
    pub port: u16,
}

/// The clock by which something left or arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClockSource {
    /// Ours, read next to the system call.
    #[default]
    User,
    /// The kernel's, as the datagram passed between it and the driver of the interface.
    Kernel,
    /// The interface's own, as the datagram passed it.
    Hardware,
}

/// A point in time, and the clock that it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// When.
    pub at: Instant,
    /// By which clock.
    pub clock: ClockSource,
}

/// The clocks that a round-trip time is measured with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Timing {
    /// Ours at both ends.
    #[default]
    User,
    /// One end by one clock, the other by another, both placed on one axis.
    Mixed,
    /// The kernel's at both ends.
    Kernel,
    /// The interface's at both ends.
    Hardware,
}

impl Timing {
    /// The timing of what left and arrived by these clocks.
    pub const fn between(left: ClockSource, arrived: ClockSource) -> Self {
        match (left, arrived) {
            (ClockSource::User, ClockSource::User) => Self::User,
            (ClockSource::Kernel, ClockSource::Kernel) => Self::Kernel,
            (ClockSource::Hardware, ClockSource::Hardware) => Self::Hardware,
            _ => Self::Mixed,
        }
    }
}

/// The kernel's stamp of a datagram that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepartureStamp {
    /// The `id` of its [`Transmit`].
    pub id: u64,
    /// When it left; never before its [`Departed::at`].
    pub at: Instant,
    /// By which clock.
    pub clock: ClockSource,
}

/// What a socket delivers.
#[derive(Clone, Copy, Debug)]
pub enum Incoming<'a> {
    /// When a datagram left. It comes before whatever was received in reply to that, if the kernel has both.
    Departure(DepartureStamp),
    /// Something arrived.
    Datagram(Received<'a>),
}

/// A datagram that was not sent, and why. It belongs to this datagram, not to an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendFault {
    /// Why.
    pub cause: SendCause,
    /// The system's own error, for its words and its number only; decide by `cause`.
    pub error: SystemError,
}

/// Why a datagram was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendCause {
    /// The send buffer of the socket is full.
    BufferFull,
    /// The queue of the interface is full, or the table of neighbours of IPv4.
    QueueFull,
    /// The table of neighbours of IPv6 is full.
    NeighboursFull,
    /// The kernel is short of memory.
    NoMemory,
    /// No descriptor is free for the socket of this datagram.
    NoDescriptor,
    /// It exceeds the path MTU, or the MTU of the interface.
    TooLong {
        /// The MTU that it exceeds, in octets, if the kernel reports it.
        mtu: Option<u32>,
    },
    /// A local firewall rule refuses it.
    Firewall,
    /// No route leads to the destination.
    NoRoute,
    /// The interface is down.
    InterfaceDown,
    /// The interface does not exist any more.
    InterfaceGone,
    /// The source address does not belong to this host any more.
    SourceGone,
    /// The source port is in use.
    PortInUse,
    /// A route of type prohibit refuses it.
    Prohibited,
    /// A route of type blackhole discards it, or its source address and its route do not fit.
    Invalid,
    /// Anything else.
    Other,
}

impl SendFault {
    /// Whether there was no room for the datagram: in the socket's send buffer, in the queue of the interface, in
    /// the table of neighbours, in memory, or among the descriptors. That passes.
    pub const fn is_full(&self) -> bool {
        matches!(
            self.cause,
            SendCause::BufferFull
                | SendCause::QueueFull
                | SendCause::NeighboursFull
                | SendCause::NoMemory
                | SendCause::NoDescriptor
        )
    }

    /// The MTU that the datagram exceeded, in octets, if the kernel reported it.
    pub const fn mtu(&self) -> Option<u32> {
        match self.cause {
            SendCause::TooLong { mtu } => mtu,
            _ => None,
        }
    }
}

/// An error of the system: its number, and by `Display` its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemError(i32);

impl SystemError {
    /// The error of this number (errno(3)).
    pub const fn new(number: i32) -> Self {
        Self(number)
    }

    /// The error of a system call; 0 if it is none of the system's.
    pub fn of(error: &io::Error) -> Self {
        Self(error.raw_os_error().unwrap_or(0))
    }

    /// Its number (errno(3)).
    pub const fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(without_number(&io::Error::from_raw_os_error(self.0).to_string()))
    }
}

/// A text that ends with an error of the system, without the number that std appends to it.
pub fn without_number(text: &str) -> &str {
    text.rsplit_once(" (os error ").map_or(text, |(words, _)| words)
}

/// How the octets of a received datagram begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// An IPv4 header, then whatever protocol it names: a raw IPv4 socket.
    Ipv4,
    /// An ICMPv4 header: a datagram ICMP socket.
    Icmpv4,
    /// An ICMPv6 header: raw and datagram sockets alike (RFC 3542 section 3).
    Icmpv6,
    /// The ICMP message of *ours* that provoked this error, from the header on: a socket's error queue.
    /// Its destination was `dst`; `from` is the node that sent the error.
    Queued {
        /// The error, as the kernel took it from the message.
        error: icmp::Error,
        /// Where our message was going.
        dst: IpAddr,
        /// Where in `bytes` the extension structure begins, if the kernel reports it (RFC 4884).
        extension: Option<usize>,
    },
    /// An upper protocol's header: a raw IPv6 socket of that protocol.
    Upper {
        /// The protocol (IPv6 next header value).
        protocol: u8,
    },
    /// What `from` sent to our UDP or UDP-Lite socket, the payload only.
    Payload {
        /// The protocol of the socket.
        protocol: u8,
        /// The port of ours that it came to.
        local: u16,
        /// The port it came from.
        remote: u16,
    },
    /// The payload, as far as it was quoted, of a datagram (TCP: a segment) of ours that provoked this error:
    /// the error queue of a UDP, UDP-Lite or TCP socket, which keeps the header to itself.
    QueuedPayload {
        /// The protocol of the socket.
        protocol: u8,
        /// The error, as the kernel took it from the message.
        error: icmp::Error,
        /// Where it was going, port included.
        dst: SocketAddr,
        /// Where in `bytes` the extension structure begins, if the kernel reports it (RFC 4884).
        extension: Option<usize>,
    },
    /// The end of an attempt to connect a TCP socket; there are no octets, and `from` is the target.
    Connected {
        /// Whether the target refused it (RST): else it accepted (SYN, ACK).
        refused: bool,
    },
}

/// A datagram as it came from a socket.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// When it arrived: the kernel's stamp where there is one.
    pub at: Instant,
    /// By which clock.
    pub clock: ClockSource,
    /// Its source address (for [`Framing::Queued`], that of the error).
    pub from: IpAddr,
    /// Index of the interface that a link-local address in it belongs to; 0 where there is none.
    pub scope: u32,
    /// TTL or hop limit it arrived with, if the socket reports it beside the octets.
    pub hop_limit: Option<u8>,
    /// IPv4 options it arrived with, if the socket reports them beside the octets.
    pub options: &'a [u8],
    /// The number of the probe that owns the socket it came to, where each probe has one. The port of that socket
    /// does not show it: the kernel can give it to another one once the attempt to connect has failed.
    pub probe: Option<u64>,
    /// How `bytes` begins.
    pub framing: Framing,
    /// The octets.
    pub bytes: &'a [u8],
}
