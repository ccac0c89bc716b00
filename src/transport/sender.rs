//! The sending side of a socket: one datagram with its own error, or many with one system call.

use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;

use super::cause::{send_fault, without_neighbour};
use super::departures::{Call, Departures};
use super::error_queue::{Drained, ErrorQueue};
use crate::clock::{Clock, Instant};
use crate::datagram::{BATCH, Room, SendCause, SendFault, Transmit};
use crate::sys::{self, Datagram};

/// Number of failures, with nothing new in the error queue, after which an error is that of the datagram.
///
/// Linux reports a pending error (an ICMP error about an earlier datagram, for example) by the next call on the
/// socket, whatever that is, and then forgets it. The datagram of that call is not sent. Such an error has an entry in
/// the error queue (ip(7), `IP_RECVERR`), and more of them can come in between: neighbours that are absent are reported
/// in one burst.
const OWN: u32 = 3;

/// Maximum number of failures of one datagram.
const ATTEMPTS: u32 = 32;

/// How long a full socket buffer is waited for.
const PATIENCE: Duration = Duration::from_millis(100);

/// The least time that the kernel needed for one datagram of a batch.
///
/// The clock is read once per batch. The n-th datagram is taken to have left n times this cost later, a lower
/// bound of its true send time.
#[derive(Debug, Default)]
struct SendCost(Option<Duration>);

impl SendCost {
    /// Records the duration of a batch; returns the cost of one datagram, as far as it is known.
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

/// Sends, and knows what a datagram costs.
#[derive(Debug, Default)]
pub(super) struct Sender {
    cost: SendCost,
    /// Whether a firewall refused a datagram.
    firewall: bool,
}

/// What one system call sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    /// Number of datagrams that left.
    pub count: usize,
    /// When the call began and ended.
    pub call: Call,
    /// The time between two of them, at least.
    pub cost: Duration,
}

impl Sent {
    /// The time between two of them, in the mean.
    pub fn mean(&self) -> Duration {
        let took = self.call.end.since(self.call.begin);
        u32::try_from(self.count).ok().and_then(|count| took.checked_div(count)).unwrap_or_default()
    }
}

/// Whether an error may be a pending one: those that an ICMP error about an earlier datagram leaves (Linux
/// `icmp_err_convert`, `icmpv6_err_convert`). A refusal by a firewall (EPERM) or a full queue (ENOBUFS) is none.
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

impl Sender {
    /// Whether datagrams may leave together. After the refusal of a firewall they do not: the kernel hides the error of
    /// a later datagram of a batch, and another try may pass a firewall that refuses at random.
    pub fn may_send_together(&self) -> bool {
        !self.firewall
    }

    /// Takes the fault of a datagram into account.
    pub fn learn(&mut self, fault: SendFault) {
        self.firewall = self.firewall || fault.cause == SendCause::Firewall;
    }

    /// Gives datagrams to the kernel with one call, [`BATCH`] at most; `datagrams` makes them for the time of the call.
    /// Never waits.
    ///
    /// They share one reading of the clock: if this process is suspended meanwhile, the later ones appear to have
    /// left too early, unless the kernel stamps them.
    pub fn send_together<'a, D: Iterator<Item = Datagram<'a>>>(
        &mut self,
        fd: BorrowedFd<'_>,
        clock: &Clock,
        datagrams: impl FnOnce(Instant) -> D,
    ) -> Sent {
        let at = clock.now();
        let count = sys::send_batch::<BATCH>(fd, datagrams(at)).unwrap_or(0);
        let call = Call { begin: at, end: clock.now() };
        Sent { count, call, cost: self.cost.learn(call.end.since(at), count) }
    }

    /// Sends one datagram, which `datagram` makes, with a request for a stamp or without. Returns the time read
    /// immediately before the system call that sent it.
    ///
    /// With [`Room::Wait`] it waits up to 0.1 s for room in the socket buffer.
    ///
    /// # Errors
    /// An error of this datagram, not of an earlier one.
    pub fn send_one<'a>(
        &self,
        socket: &impl AsFd,
        clock: &Clock,
        transmit: &Transmit,
        datagram: impl Fn(bool) -> Datagram<'a>,
        (queue, departures): (&mut ErrorQueue, &mut Departures),
    ) -> Result<Instant, SendFault> {
        let (mut attempts, mut own) = (0u32, 0u32);
        let mut full_since = None;
        loop {
            let at = clock.now();
            let requested = departures.requests(at) > 0;
            let Err(error) = sys::send_batch::<1>(socket.as_fd(), std::iter::once(datagram(requested)))
            else {
                departures.sent(transmit.id, Call { begin: at, end: clock.now() }, requested);
                return Ok(at);
            };
            departures.refused(socket.as_fd(), requested);
            match Errno::from_io_error(&error) {
                Some(Errno::INTR) => {}
                Some(Errno::AGAIN) if transmit.room != Room::Wait => {
                    return Err(send_fault(libc::EAGAIN, None));
                }
                Some(Errno::AGAIN) => {
                    let waited = clock.now().since(*full_since.get_or_insert(at));
                    let left = PATIENCE.saturating_sub(waited);
                    if !wait_for_room(socket, left, || queue.drain(socket.as_fd(), clock, departures).entries)
                    {
                        return Err(send_fault(libc::EAGAIN, None));
                    }
                }
                errno => {
                    queue.note_error();
                    attempts = attempts.saturating_add(1);
                    let pending = errno.is_some_and(may_be_pending);
                    let drained = if pending {
                        queue.drain(socket.as_fd(), clock, departures)
                    } else {
                        Drained::default()
                    };
                    // Too long for the link: each attempt leaves an entry of its own.
                    if drained.entries == 0 || errno == Some(Errno::MSGSIZE) {
                        own = own.saturating_add(1);
                    }
                    if !pending || own >= OWN || attempts >= ATTEMPTS {
                        let mtu = drained.mtu.filter(|_| errno == Some(Errno::MSGSIZE));
                        let fault = send_fault(error.raw_os_error().unwrap_or(0), mtu);
                        return Err(without_neighbour(fault, socket, transmit.dst));
                    }
                }
            }
        }
    }
}

/// Whether it is worth trying again: there is room, or `drain` took entries away from the error queue, which ends
/// a wait at once and hides whether there is room.
fn wait_for_room(socket: &impl AsFd, patience: Duration, drain: impl FnOnce() -> usize) -> bool {
    let Ok(limit) = Timespec::try_from(patience) else { return false };
    if patience.is_zero() {
        return false;
    }
    let mut fds = [PollFd::new(socket, PollFlags::OUT)];
    match poll(&mut fds, Some(&limit)) {
        Ok(0) => false,
        Ok(_) => {
            let [fd] = &fds;
            fd.revents().contains(PollFlags::OUT) || drain() > 0
        }
        Err(error) => error == Errno::INTR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_time_between_datagrams_is_that_of_all_that_left() {
        let call = Call { begin: Instant::from_nanos(50), end: Instant::from_nanos(450) };
        let mean = |count| Sent { count, call, cost: Duration::ZERO }.mean();
        assert_eq!([mean(0), mean(1), mean(4)], [0, 400, 100].map(Duration::from_nanos));
    }
}
