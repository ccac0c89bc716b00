//! Sending one datagram, and telling its own errors from those of earlier ones.

use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::channel::Channel;
use super::control::{encoded, ttl_message};
use super::sys::{self, CONTROL_LEN, Datagram};
use crate::clock::Clock;
use crate::datagram::{Departed, SendFault, Transmit};

/// Times that one datagram is given to the kernel before an error counts as its own.
///
/// Linux tells a pending error (an ICMP error about an earlier datagram, say) by the next call whatever it
/// is, and then forgets it; the datagram of that call is not sent. A second one can come in between.
const ATTEMPTS: u32 = 3;

/// How long a full socket buffer is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

impl Channel {
    /// Sends `bytes[..transmit.len]`. Returns the time read immediately before the system call that sent it, and the identifier it carries.
    ///
    /// An error is this datagram's own. Waits for room in the socket buffer for a tenth of a second at
    /// most (EAGAIN then). An interface that was deleted and made again is followed.
    pub fn send(&mut self, clock: &Clock, transmit: &Transmit, bytes: &[u8]) -> Result<Departed, SendFault> {
        let bytes = bytes.get(..transmit.len).unwrap_or(bytes);
        if !self.is_ready() {
            self.follow().map_err(|errno| SendFault { errno, mtu: None })?;
        }
        let fault = match self.try_send(clock, transmit, bytes) {
            Ok(at) => return Ok(at),
            Err(fault) => fault,
        };
        match self.follow() {
            Ok(true) => self.try_send(clock, transmit, bytes),
            Ok(false) => Err(fault),
            Err(errno) => Err(SendFault { errno, mtu: None }),
        }
    }

    fn try_send(&mut self, clock: &Clock, transmit: &Transmit, bytes: &[u8]) -> Result<Departed, SendFault> {
        let name = encoded(self.current(transmit.dst));
        let control = transmit.ttl.map_or(([0; CONTROL_LEN], 0), |ttl| ttl_message(self.family(), ttl));
        let datagram = Datagram { name, bytes, control };
        let mut failures = 0u32;
        let mut full_since = None;
        loop {
            let at = clock.now();
            let Err(error) = sys::send_batch(self.socket.as_fd(), std::iter::once(datagram)) else {
                self.stamps.left(transmit.id, at);
                return Ok(Departed { at, port: self.ident });
            };
            self.stamps.refused(self.socket.as_fd(), self.aim.options.stamps);
            match Errno::from_io_error(&error) {
                Some(Errno::INTR) => {}
                Some(Errno::AGAIN) => {
                    let waited = clock.now().since(*full_since.get_or_insert(at));
                    if !self.wait_for_room(clock, PATIENCE.saturating_sub(waited)) {
                        return Err(SendFault { errno: libc::EAGAIN, mtu: None });
                    }
                }
                errno => {
                    self.look_in_queue = true;
                    failures = failures.saturating_add(1);
                    if failures >= ATTEMPTS {
                        let mtu = if errno == Some(Errno::MSGSIZE) { self.read_mtu(clock) } else { None };
                        return Err(SendFault { errno: error.raw_os_error().unwrap_or(0), mtu });
                    }
                }
            }
        }
    }

    /// Whether it is worth trying again: there is room, or something that hid it was taken away.
    fn wait_for_room(&mut self, clock: &Clock, patience: Duration) -> bool {
        let Ok(limit) = Timespec::try_from(patience) else { return false };
        if patience.is_zero() {
            return false;
        }
        let mut fds = [PollFd::new(&self.socket, PollFlags::OUT)];
        match poll(&mut fds, Some(&limit)) {
            Ok(0) => false,
            Ok(_) => {
                let [fd] = &fds;
                // An entry in the error queue wakes at once, room or not.
                fd.revents().contains(PollFlags::OUT) || self.stash_errors(clock) > 0
            }
            Err(error) => error == Errno::INTR,
        }
    }
}
