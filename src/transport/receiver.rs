//! The receiving side of a socket: datagrams from the network.

use std::io;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::recv_buffer::RecvBuffer;
use crate::clock::{Clock, Instant};
use crate::datagram::{Framing, Received, Stamp};
use crate::sys::{ControlData, address};

/// Reads datagrams in batches and knows since when the socket had none.
#[derive(Debug)]
pub(super) struct Receiver {
    buffer: RecvBuffer,
    /// When the socket was last seen empty. Nothing read later arrived earlier.
    empty_since: Instant,
}

/// What one read of the socket found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Read {
    /// Whether the next read may find more.
    pub more: bool,
    /// None of these datagrams arrived before this.
    pub floor: Instant,
    /// When the socket was empty, if this read found nothing.
    pub empty_at: Option<Instant>,
}

/// A datagram as it was read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Raw<'a> {
    /// Source address and port.
    pub from: SocketAddr,
    /// Its control messages.
    pub control: ControlData<'a>,
    /// Its octets.
    pub bytes: &'a [u8],
}

impl<'a> Raw<'a> {
    /// The datagram as it is delivered.
    pub fn received(self, framing: Framing, Stamp { at, clock }: Stamp) -> Received<'a> {
        let Self { from, control: ControlData { hop_limit, options, .. }, bytes } = self;
        Received {
            at,
            clock,
            from: from.ip(),
            scope: scope_of(from),
            hop_limit,
            options,
            probe: None,
            framing,
            bytes,
        }
    }
}

/// Index of the interface of a link-local address, 0 for any other.
pub(super) fn scope_of(address: SocketAddr) -> u32 {
    match address {
        SocketAddr::V4(_) => 0,
        SocketAddr::V6(v6) => v6.scope_id(),
    }
}

impl Receiver {
    /// A receiver of datagrams of up to `len` octets; longer ones are truncated.
    pub fn new(len: usize) -> Self {
        Self { buffer: RecvBuffer::new(len), empty_since: Instant::ZERO }
    }

    /// Reads up to `limit` datagrams into the buffer. Never waits.
    ///
    /// # Errors
    /// EINTR, or an error that is pending on the socket.
    pub fn read(&mut self, fd: BorrowedFd<'_>, clock: &Clock, limit: usize) -> io::Result<Read> {
        let (before, floor) = (clock.now(), self.empty_since);
        let (drained, empty_at) = match self.buffer.fill(fd, limit) {
            Ok((_, drained)) => (drained, None),
            Err(error) if Errno::from_io_error(&error) == Some(Errno::AGAIN) => (true, Some(before)),
            Err(error) => return Err(error),
        };
        if drained {
            self.empty_since = before;
        }
        Ok(Read { more: !drained, floor, empty_at })
    }

    /// The datagrams in the buffer. Those whose source address is of no known family are left out.
    pub fn datagrams(&self) -> impl Iterator<Item = Raw<'_>> {
        self.buffer.datagrams().filter_map(|(message, bytes, control)| {
            let from = address(&message.name)?;
            Some(Raw { from, control: ControlData::read(control), bytes })
        })
    }

    /// Empties the buffer.
    pub fn clear(&mut self) {
        self.buffer.clear();
    }
}

/// Whether the socket cannot be used any more after this error.
pub(super) fn is_fatal(error: &io::Error) -> bool {
    matches!(Errno::from_io_error(error), Some(Errno::BADF | Errno::NOTSOCK | Errno::FAULT))
}
