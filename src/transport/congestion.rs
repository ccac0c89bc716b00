//! Which datagrams of a batch need not be tried, because an earlier one found no room.

use std::net::SocketAddr;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::Socket;

use super::cause::send_fault;
use crate::datagram::{Room, SendCause, SendFault, Transmit};

/// What is known about the lack of room. A datagram that was refused for want of room is not overtaken by a
/// later one to the same destination.
#[derive(Debug, Default)]
pub(super) struct Congestion {
    /// Whether half of the send buffer is in use; `None`: not looked at yet.
    half: Option<bool>,
    /// Whether all of it is in use.
    buffer: bool,
    /// Destinations that were refused.
    destinations: Vec<SocketAddr>,
}

impl Congestion {
    /// Finds out, once for a batch, whether half of the buffer is in use, where that decides something. A socket
    /// is writable while less is (Linux `sock_writeable`).
    pub fn look(&mut self, socket: &Socket, batch: &[Transmit]) {
        if self.half.is_none() && batch.iter().any(|transmit| transmit.room == Room::Half) {
            let mut fds = [PollFd::new(socket, PollFlags::OUT)];
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            let seen = poll(&mut fds, Some(&now)).is_ok();
            let [fd] = &fds;
            self.half = Some(seen && !fd.revents().contains(PollFlags::OUT));
        }
    }

    /// Why a datagram need not be tried.
    #[inline]
    pub fn fault(&self, transmit: &Transmit) -> Option<SendFault> {
        let waits = transmit.room == Room::Wait;
        let full = self.buffer || (transmit.room == Room::Half && self.half == Some(true));
        let errno = match full {
            true if !waits => libc::EAGAIN,
            _ if !waits && self.destinations.contains(&transmit.dst) => libc::ENOBUFS,
            _ => return None,
        };
        Some(send_fault(errno, None))
    }

    /// Takes a refusal into account.
    pub fn learn(&mut self, transmit: &Transmit, fault: SendFault) {
        self.buffer = self.buffer || (transmit.room == Room::Any && fault.cause == SendCause::BufferFull);
        if fault.is_full() && transmit.room != Room::Wait {
            self.destinations.push(transmit.dst);
        }
    }
}
