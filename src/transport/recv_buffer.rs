//! A buffer for datagrams that are read together and delivered one by one.

use std::io;
use std::os::fd::BorrowedFd;

use crate::datagram::BATCH;
use crate::sys::{self, CONTROL_LEN, ReadMessage};

/// Slots that lie a power of two apart compete for few sets of the processor's cache. Slots an odd number of cache
/// lines apart do not. A line has 64 octets wherever this matters.
const CACHE_LINE: usize = 64;

/// Datagrams read and not yet delivered. It has one slot until more are requested; slots are reused.
#[derive(Debug)]
pub(super) struct RecvBuffer {
    /// Octets of each slot.
    len: usize,
    bytes: Vec<u8>,
    control: Vec<u8>,
    messages: Vec<ReadMessage>,
    /// Number of messages that wait to be delivered.
    count: usize,
}

impl RecvBuffer {
    /// A buffer for datagrams of `len` octets or a little more. Longer ones are truncated.
    pub fn new(len: usize) -> Self {
        let mut buffer = Self {
            len: len | CACHE_LINE,
            bytes: Vec::new(),
            control: Vec::new(),
            messages: Vec::new(),
            count: 0,
        };
        buffer.make_room(1);
        buffer
    }

    fn make_room(&mut self, slots: usize) {
        // Fresh memory is not touched until a datagram comes to lie in it.
        self.bytes = vec![0; self.len.saturating_mul(slots)];
        self.control = vec![0; CONTROL_LEN.saturating_mul(slots)];
        self.messages = vec![ReadMessage::default(); slots];
    }

    /// Reads up to `limit` and [`BATCH`] datagrams over the former ones. Never waits.
    ///
    /// Returns the number of datagrams, at least one, and whether it is less than requested.
    ///
    /// # Errors
    /// Those of recvmsg(2); EAGAIN: nothing has arrived.
    pub fn fill(&mut self, fd: BorrowedFd<'_>, limit: usize) -> io::Result<(usize, bool)> {
        let limit = limit.clamp(1, BATCH);
        self.count = 0;
        if limit > self.messages.len() {
            self.make_room(BATCH);
        }
        let bytes = self.bytes.get_mut(..self.len.saturating_mul(limit)).unwrap_or_default();
        let control = self.control.get_mut(..CONTROL_LEN.saturating_mul(limit)).unwrap_or_default();
        self.count = match self.messages.get_mut(..limit).unwrap_or_default() {
            [message] => {
                *message = sys::receive(fd, bytes, control, 0)?;
                1
            }
            messages => sys::receive_batch::<BATCH>(fd, bytes, control, messages)?,
        };
        Ok((self.count, self.count < limit))
    }

    /// Empties the buffer.
    pub fn clear(&mut self) {
        self.count = 0;
    }

    /// The datagrams read last: for each its metadata, its octets and its control messages.
    pub fn datagrams(&self) -> impl Iterator<Item = (&ReadMessage, &[u8], &[u8])> {
        let bytes = self.bytes.chunks_exact(self.len.max(1));
        let control = self.control.chunks_exact(CONTROL_LEN);
        self.messages.iter().zip(bytes).zip(control).take(self.count).map(|((message, bytes), control)| {
            (
                message,
                bytes.get(..message.len).unwrap_or(bytes),
                control.get(..message.control_len).unwrap_or(control),
            )
        })
    }
}
