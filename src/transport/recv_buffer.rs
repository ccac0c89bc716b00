//! Room for datagrams that are read together, and then delivered one by one.

use std::io;
use std::os::fd::BorrowedFd;

use crate::sys::control::CONTROL_LEN;
use crate::sys::{self, BATCH, Message};

/// Shares that lie a power of two apart compete for few places in the processor's cache; an odd number of its
/// lines apart they do not. It is 64 octets long wherever this matters.
const CACHE_LINE: usize = 64;

/// Datagrams read and not yet delivered. Its room is that of one datagram until more are asked for, and is
/// used again and again.
#[derive(Debug)]
pub(super) struct Inbox {
    /// Octets of each share.
    len: usize,
    bytes: Vec<u8>,
    control: Vec<u8>,
    messages: Vec<Message>,
    /// How many of the messages wait to be delivered.
    came: usize,
}

impl Inbox {
    /// Room for datagrams of so many octets or a little more, cut short where they are longer.
    pub fn new(len: usize) -> Self {
        let mut inbox = Self {
            len: len | CACHE_LINE,
            bytes: Vec::new(),
            control: Vec::new(),
            messages: Vec::new(),
            came: 0,
        };
        inbox.make_room(1);
        inbox
    }

    fn make_room(&mut self, count: usize) {
        // Fresh memory is not touched until a datagram comes to lie in it.
        self.bytes = vec![0; self.len.saturating_mul(count)];
        self.control = vec![0; CONTROL_LEN.saturating_mul(count)];
        self.messages = vec![Message::default(); count];
    }

    /// Reads datagrams, `limit` and [`BATCH`] at most, in place of those that are here. Never waits.
    ///
    /// Returns how many came, at least one, and whether there was room for more.
    pub fn fill(&mut self, fd: BorrowedFd<'_>, limit: usize) -> io::Result<(usize, bool)> {
        let limit = limit.clamp(1, BATCH);
        self.came = 0;
        if limit > self.messages.len() {
            self.make_room(BATCH);
        }
        let bytes = self.bytes.get_mut(..self.len.saturating_mul(limit)).unwrap_or_default();
        let control = self.control.get_mut(..CONTROL_LEN.saturating_mul(limit)).unwrap_or_default();
        self.came = match self.messages.get_mut(..limit).unwrap_or_default() {
            [message] => {
                *message = sys::receive(fd, bytes, control, 0)?;
                1
            }
            messages => sys::receive_batch(fd, bytes, control, messages)?,
        };
        Ok((self.came, self.came < limit))
    }

    /// Whether nothing waits to be delivered.
    pub fn is_empty(&self) -> bool {
        self.came == 0
    }

    /// Notes that all were delivered.
    pub fn clear(&mut self) {
        self.came = 0;
    }

    /// What was read last: each datagram with what is said about it, its octets and its control messages.
    pub fn datagrams(&self) -> impl Iterator<Item = (&Message, &[u8], &[u8])> {
        let bytes = self.bytes.chunks_exact(self.len.max(1));
        let control = self.control.chunks_exact(CONTROL_LEN);
        self.messages.iter().zip(bytes).zip(control).take(self.came).map(|((message, bytes), control)| {
            (
                message,
                bytes.get(..message.len).unwrap_or(bytes),
                control.get(..message.control_len).unwrap_or(control),
            )
        })
    }
}
