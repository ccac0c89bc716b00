//! The error queue of the socket: ICMP errors about what we sent, and errors of this host.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, BorrowedFd};

use super::channel::{Channel, Kind};
use super::stamps::Stamp;
use crate::clock::{Clock, Instant, Wall};
use crate::datagram::{Framing, Received, Source};
use crate::sys::control::{CONTROL_LEN, Fault, Told, address};
use crate::sys::{self, Message};
use crate::wire::Family;
use crate::wire::icmp::Error;

/// Errors kept at most; the others stay in the queue.
const STASH_LEN: usize = 64;

/// Entries looked at in one go at most.
pub(super) const LOOK: usize = 256;

/// One entry of the error queue.
pub(super) enum Entry<'a> {
    /// Made by this host: a datagram that was too long for this MTU, in octets.
    Local(u32),
    /// An ICMP error about a message of ours.
    Icmp(Queued<'a>),
    /// When a datagram left.
    Left(Stamp),
    /// Nothing that is known here.
    Other,
}

/// An ICMP error about a message of ours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Queued<'a> {
    pub stamp: Option<Wall>,
    pub from: IpAddr,
    pub hop_limit: Option<u8>,
    pub error: Error,
    pub dst: SocketAddr,
    pub extension: Option<usize>,
    pub bytes: &'a [u8],
}

impl<'a> Queued<'a> {
    /// The error, as it is delivered.
    pub fn received(&self, kind: Kind, local: u16, (at, source): (Instant, Source)) -> Received<'a> {
        let Self { from, hop_limit, error, dst, extension, bytes, .. } = *self;
        let framing = match kind {
            Kind::Icmp | Kind::Upper(_) => Framing::Queued { error, dst: dst.ip(), extension },
            Kind::Ports(protocol) => Framing::QueuedPayload { protocol, error, local, dst, extension },
        };
        Received { at, source, from, hop_limit, options: &[], framing, bytes }
    }
}

/// An error met in looking for something else, kept for the next call to `recv`.
#[derive(Debug)]
pub(super) struct Stashed {
    stamp: Option<Wall>,
    from: IpAddr,
    hop_limit: Option<u8>,
    error: Error,
    dst: SocketAddr,
    extension: Option<usize>,
    bytes: Box<[u8]>,
}

impl Stashed {
    pub fn queued(&self) -> Queued<'_> {
        let Self { stamp, from, hop_limit, error, dst, extension, ref bytes } = *self;
        Queued { stamp, from, hop_limit, error, dst, extension, bytes }
    }
}

/// Reads what recvmsg left in the buffers.
pub(super) fn entry<'a>(message: &Message, bytes: &'a [u8], control: &[u8]) -> Entry<'a> {
    let told = Told::read(control.get(..message.control_len).unwrap_or(control));
    let Some(fault) = told.fault else { return Entry::Other };
    let family = match fault.origin {
        libc::SO_EE_ORIGIN_LOCAL => return Entry::Local(fault.info),
        libc::SO_EE_ORIGIN_TIMESTAMPING => {
            return Stamp::read(fault, told.stamp, told.hardware).map_or(Entry::Other, Entry::Left);
        }
        libc::SO_EE_ORIGIN_ICMP => Family::V4,
        libc::SO_EE_ORIGIN_ICMP6 => Family::V6,
        _ => return Entry::Other,
    };
    let (Some(from), Some(dst)) = (fault.offender, address(&message.name)) else { return Entry::Other };
    Entry::Icmp(Queued {
        stamp: told.stamp,
        from: from.ip(),
        hop_limit: told.hop_limit,
        error: error(family, fault),
        dst,
        extension: extension(fault),
        bytes: bytes.get(..message.len).unwrap_or(bytes),
    })
}

/// Where in the quote the extension structure begins: `struct sock_ee_data_rfc4884` (linux/errqueue.h) holds
/// an offset, and flags of which the first says that the structure is not sound.
fn extension(fault: Fault) -> Option<usize> {
    let [l0, l1, flags, _] = fault.data.to_ne_bytes();
    let offset = u16::from_ne_bytes([l0, l1]);
    (offset > 0 && flags & 1 == 0).then_some(offset.into())
}

/// The kernel fills `info` for some types only, and with the unused field as it came for others.
fn error(family: Family, fault: Fault) -> Error {
    let Fault { icmp_type, code, info, .. } = fault;
    let told = match family {
        Family::V4 => matches!((icmp_type, code), (3, 4) | (5 | 12, _)),
        Family::V6 => matches!(icmp_type, 2 | 4),
    };
    Error { family, icmp_type, code, info: if told { info } else { 0 } }
}

/// Room for one entry. It is not that for datagrams: entries are read while those wait to be delivered.
#[derive(Debug)]
pub(super) struct Queue {
    pub bytes: Vec<u8>,
    pub control: Vec<u8>,
}

impl Queue {
    /// Room for an entry that quotes so many octets.
    pub fn new(len: usize) -> Self {
        Self { bytes: vec![0; len], control: vec![0; CONTROL_LEN] }
    }

    /// Takes the oldest entry.
    pub fn receive(&mut self, fd: BorrowedFd<'_>) -> io::Result<Message> {
        sys::receive(fd, &mut self.bytes, &mut self.control, libc::MSG_ERRQUEUE)
    }
}

impl Channel {
    /// Whether ICMP errors are delivered from the error queue. An unconnected raw socket has them from the
    /// wire, with more in them.
    pub(super) fn queue_counts(&self) -> bool {
        self.errors && (!self.aim.raw || (self.aim.options.connect && self.kind == Kind::Icmp))
    }

    /// The MTU that the datagram just refused exceeded, where the queue says. ICMP errors met on the way
    /// are kept.
    pub(super) fn read_mtu(&mut self, clock: &Clock) -> Option<u32> {
        self.empty_queue(clock).1
    }

    /// Takes errors and stamps out of the queue, to be delivered later. Returns how many entries went.
    pub(super) fn stash_errors(&mut self, clock: &Clock) -> usize {
        self.empty_queue(clock).0
    }

    /// Empties the queue as far as there is room; how many entries went, and the last MTU among them.
    fn empty_queue(&mut self, clock: &Clock) -> (usize, Option<u32>) {
        let counts = self.queue_counts();
        let mut mtu = None;
        for gone in 0..LOOK {
            if self.stash.len() >= STASH_LEN {
                return (gone, mtu);
            }
            let Ok(message) = self.queue.receive(self.socket.as_fd()) else { return (gone, mtu) };
            match entry(&message, &self.queue.bytes, &self.queue.control) {
                Entry::Local(octets) => mtu = Some(octets),
                Entry::Left(stamp) => {
                    self.told.extend(self.stamps.place(stamp, clock.epoch(), clock.now()));
                }
                Entry::Icmp(queued) if counts => keep(&mut self.stash, queued),
                Entry::Icmp(_) | Entry::Other => {}
            }
        }
        (LOOK, mtu)
    }
}

fn keep(stash: &mut VecDeque<Stashed>, queued: Queued<'_>) {
    let Queued { stamp, from, hop_limit, error, dst, extension, bytes } = queued;
    stash.push_back(Stashed { stamp, from, hop_limit, error, dst, extension, bytes: bytes.into() });
}
