//! Sending, and telling a datagram's own errors from those of earlier ones.

use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use socket2::Socket;

use super::channel::Channel;
use crate::clock::Clock;
use crate::datagram::{Batch, Departed, Room, SendFault, Transmit};
use crate::sys::control::{encoded, ttl_message};
use crate::sys::{self, CONTROL_LEN, Datagram};

/// Times that one datagram is given to the kernel before an error counts as its own.
///
/// Linux tells a pending error (an ICMP error about an earlier datagram, say) by the next call whatever it
/// is, and then forgets it; the datagram of that call is not sent. A second one can come in between.
const ATTEMPTS: u32 = 3;

/// Datagrams that one system call sends at most: a batch. All of them share one reading of the clock, so where
/// this process is kept from running meanwhile, those behind seem to have left too early, unless the kernel
/// stamps them.
const TOGETHER: usize = 64;

/// How long a full socket buffer is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

/// What one datagram of a batch takes the kernel at least.
///
/// The datagrams of a batch leave one after another, but the clock is read before the first only. What those
/// before one took at least is on the safe side: it left no earlier than that.
#[derive(Debug, Default)]
pub(super) struct Share(Option<Duration>);

impl Share {
    /// Notes what a batch took; what each of its datagrams took at least, as far as is known.
    fn learn(&mut self, took: Duration, sent: usize) -> Duration {
        let known = self.0.unwrap_or_default();
        if sent > 1
            && let Some(each) = u32::try_from(sent).ok().and_then(|sent| took.checked_div(sent))
        {
            self.0 = Some(self.0.map_or(each, |least| least.min(each)));
        }
        self.0.map_or(known, |least| least.min(known))
    }
}

/// What of a batch finds no room, as far as that is known: a datagram that was refused for want of room is not
/// overtaken by a later one to the same destination.
#[derive(Debug, Default)]
struct Full {
    /// Whether the socket was looked at, and whether half of its send buffer is in use.
    half: Option<bool>,
    /// Whether all of it is in use.
    buffer: bool,
    /// Destinations that were refused.
    destinations: Vec<SocketAddr>,
}

impl Full {
    /// Finds out, once for a batch, whether less than half of the buffer is in use, where that decides something:
    /// then a socket is writable (Linux `sock_writeable`).
    fn look<'a>(&mut self, socket: &Socket, mut batch: impl Iterator<Item = (&'a Transmit, &'a [u8])>) {
        if self.half.is_none() && batch.any(|(transmit, _)| transmit.room == Room::Half) {
            let mut fds = [PollFd::new(socket, PollFlags::OUT)];
            let now = Timespec { tv_sec: 0, tv_nsec: 0 };
            let seen = poll(&mut fds, Some(&now)).is_ok();
            let [fd] = &fds;
            self.half = Some(seen && !fd.revents().contains(PollFlags::OUT));
        }
    }

    /// Why a datagram need not be tried.
    fn fault(&self, transmit: &Transmit) -> Option<SendFault> {
        let waits = transmit.room == Room::Wait;
        let full = self.buffer || (transmit.room == Room::Half && self.half == Some(true));
        let errno = match full {
            true if !waits => libc::EAGAIN,
            _ if !waits && self.destinations.contains(&transmit.dst) => libc::ENOBUFS,
            _ => return None,
        };
        Some(SendFault { errno, mtu: None })
    }

    /// Takes a refusal into account.
    fn learn(&mut self, transmit: &Transmit, fault: SendFault) {
        self.buffer = self.buffer || (transmit.room == Room::Any && fault.errno == libc::EAGAIN);
        if fault.is_full() && transmit.room != Room::Wait {
            self.destinations.push(transmit.dst);
        }
    }
}

/// Whether an error may be a pending one: those that an ICMP error about an earlier datagram leaves (Linux
/// `icmp_err_convert`, `icmpv6_err_convert`). A refusal of a firewall (EPERM) or a full queue (ENOBUFS) is none.
fn may_be_pending(errno: Errno) -> bool {
    matches!(
        errno,
        Errno::ACCESS
            | Errno::CONNREFUSED
            | Errno::HOSTDOWN
            | Errno::HOSTUNREACH
            | Errno::MSGSIZE
            | Errno::NETUNREACH
            | Errno::NONET
            | Errno::NOPROTOOPT
            | Errno::OPNOTSUPP
            | Errno::PROTO
    )
}

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

    /// Sends what is in a batch from one index to another, and tells each fate in order.
    ///
    /// One that is refused, and one that is alone, goes the way of [`Channel::send`].
    pub fn send_batch(
        &mut self,
        clock: &Clock,
        batch: &Batch,
        places: Range<usize>,
        tell: &mut dyn FnMut(Result<Departed, SendFault>),
    ) {
        let Range { start: mut next, end } = places;
        let mut full = Full::default();
        while next < end {
            full.look(&self.socket, batch.from(next).take(end.saturating_sub(next)));
            while end.saturating_sub(next) > 1 {
                let most = end.saturating_sub(next).min(TOGETHER);
                let fit =
                    batch.from(next).take(most).take_while(|(transmit, _)| full.fault(transmit).is_none());
                let count = fit.clone().count();
                let sent = if count > 1 { self.try_batch(clock, fit, tell) } else { 0 };
                next = next.saturating_add(sent);
                if sent == 0 || sent < count {
                    break;
                }
            }
            let Some((transmit, bytes)) = batch.from(next).next().filter(|_| next < end) else { return };
            let fate = match full.fault(transmit) {
                Some(fault) => Err(fault),
                None => self.send(clock, transmit, bytes),
            };
            if let Err(fault) = &fate {
                full.learn(transmit, *fault);
            }
            tell(fate);
            next = next.saturating_add(1);
        }
    }

    /// Gives datagrams to the kernel by one call, and returns how many of them left.
    fn try_batch<'a>(
        &mut self,
        clock: &Clock,
        batch: impl Iterator<Item = (&'a Transmit, &'a [u8])> + Clone,
        tell: &mut dyn FnMut(Result<Departed, SendFault>),
    ) -> usize {
        if !self.is_ready() {
            return 0;
        }
        let wanted = batch.clone().count();
        let datagrams = batch.clone().map(|(transmit, bytes)| self.datagram(transmit, bytes));
        let before = clock.now();
        let sent = sys::send_batch::<TOGETHER>(self.socket.as_fd(), datagrams).unwrap_or(0);
        let each = self.share.learn(clock.now().since(before), sent);
        let mut at = before;
        for (transmit, _) in batch.take(sent) {
            self.stamps.left(transmit.id, at);
            tell(Ok(Departed { at, port: self.ident }));
            at = at + each;
        }
        if sent < wanted {
            self.stamps.refused(self.socket.as_fd(), self.aim.options.stamps);
            self.look_in_queue = true;
        }
        sent
    }

    fn datagram<'a>(&self, transmit: &Transmit, bytes: &'a [u8]) -> Datagram<'a> {
        let name = encoded(self.current(transmit.dst));
        let control = transmit.ttl.map_or(([0; CONTROL_LEN], 0), |ttl| ttl_message(self.family(), ttl));
        Datagram { name, bytes, control }
    }

    fn try_send(&mut self, clock: &Clock, transmit: &Transmit, bytes: &[u8]) -> Result<Departed, SendFault> {
        let datagram = self.datagram(transmit, bytes);
        let mut failures = 0u32;
        let mut full_since = None;
        loop {
            let at = clock.now();
            let Err(error) = sys::send_batch::<1>(self.socket.as_fd(), std::iter::once(datagram)) else {
                self.stamps.left(transmit.id, at);
                return Ok(Departed { at, port: self.ident });
            };
            self.stamps.refused(self.socket.as_fd(), self.aim.options.stamps);
            match Errno::from_io_error(&error) {
                Some(Errno::INTR) => {}
                Some(Errno::AGAIN) if transmit.room != Room::Wait => {
                    return Err(SendFault { errno: libc::EAGAIN, mtu: None });
                }
                Some(Errno::AGAIN) => {
                    let waited = clock.now().since(*full_since.get_or_insert(at));
                    if !self.wait_for_room(clock, PATIENCE.saturating_sub(waited)) {
                        return Err(SendFault { errno: libc::EAGAIN, mtu: None });
                    }
                }
                errno => {
                    self.look_in_queue = true;
                    failures = failures.saturating_add(1);
                    if failures >= ATTEMPTS || !errno.is_some_and(may_be_pending) {
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
