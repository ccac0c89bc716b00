//! Kernel stamps of departures: which datagram a stamp belongs to.
//!
//! Linux numbers the datagrams of a socket from 0 (SOF_TIMESTAMPING_OPT_ID) and puts that number into the
//! error-queue entry with the stamp. A send that fails may or may not use a number up, by kernel and by cause, so
//! the numbering starts anew after each failure.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;

use super::open::options::Stamping;
use crate::clock::{Epoch, Instant, Wall};
use crate::datagram::{ClockSource, DepartureStamp};
use crate::sys::{self, SendStamp};

/// Maximum number of departures that wait for a stamp; older ones are forgotten.
const WINDOW: usize = 1024;

/// After this many departures in a row without a matching stamp, stamps are given up: the driver of the
/// interface takes none, or the numbering is not the one known here.
const HOPELESS: u32 = 64;

/// A datagram that left.
#[derive(Clone, Copy, Debug)]
struct Departure {
    id: u64,
    /// The time read before the system call.
    at: Instant,
}

/// The departures of a socket.
#[derive(Debug, Default)]
pub(super) struct Departures {
    /// Whether the kernel stamps departures, and by the clock of the interface; `None`: it does not.
    by_interface: Option<bool>,
    /// Number of the next datagram.
    next: u32,
    /// The newest departures, the last one numbered `next - 1`; `None`: its stamp came.
    waiting: VecDeque<Option<Departure>>,
    /// Number of departures in `waiting` that still have no stamp.
    open: usize,
    /// What the clock of the interface showed when the run began, derived from its stamps.
    interface: Option<Epoch>,
    /// Departures since the last stamp that matched one.
    in_vain: u32,
    /// Stamps found while the error queue was read for another reason; the next receive call delivers them.
    found: VecDeque<DepartureStamp>,
}

impl Departures {
    /// Requests stamps on a fresh socket.
    ///
    /// The second value is the error of a request that was refused; the socket then works without stamps.
    pub fn on(fd: BorrowedFd<'_>, stamping: Stamping) -> (Self, Option<io::Error>) {
        let by_interface = match stamping {
            Stamping::User => return (Self::default(), None),
            Stamping::Arrivals => return (Self::default(), sys::stamp_arrivals(fd).err()),
            Stamping::Both | Stamping::Kernel => false,
            Stamping::Hardware => true,
        };
        match sys::stamp_both_ends(fd, by_interface) {
            Ok(()) => (Self { by_interface: Some(by_interface), ..Self::default() }, None),
            Err(error) => {
                // Where this is refused as well, our own clock is used.
                let _ = sys::stamp_arrivals(fd);
                (Self::default(), Some(error))
            }
        }
    }

    /// Starts anew on a socket that replaces the former one.
    pub fn restart(&mut self, fd: BorrowedFd<'_>, stamping: Stamping) {
        (*self, _) = Self::on(fd, stamping);
    }

    /// Whether the error queue should hold a stamp now or soon.
    pub fn awaited(&self) -> bool {
        self.open > 0
    }

    /// Records that a datagram was given to the kernel.
    pub fn sent(&mut self, id: u64, at: Instant) {
        if self.by_interface.is_none() {
            return;
        }
        self.next = self.next.wrapping_add(1);
        self.in_vain = self.in_vain.saturating_add(1);
        if self.in_vain > HOPELESS {
            *self = Self { found: std::mem::take(&mut self.found), ..Self::default() };
            return;
        }
        if self.waiting.len() >= WINDOW {
            self.forget_oldest();
        }
        self.waiting.push_back(Some(Departure { id, at }));
        self.open = self.open.saturating_add(1);
    }

    fn forget_oldest(&mut self) {
        if self.waiting.pop_front().flatten().is_some() {
            self.open = self.open.saturating_sub(1);
        }
    }

    /// Records that the kernel refused a datagram: the next number is not known any more.
    pub fn refused(&mut self, fd: BorrowedFd<'_>) {
        if let Some(by_interface) = self.by_interface {
            sys::end_numbering(fd);
            let again = sys::stamp_both_ends(fd, by_interface).is_ok();
            *self = Self {
                by_interface: again.then_some(by_interface),
                in_vain: self.in_vain,
                interface: self.interface,
                found: std::mem::take(&mut self.found),
                ..Self::default()
            };
        }
    }

    /// Finds the datagram that a stamp belongs to.
    ///
    /// A valid stamp lies between the send call and `now`. Otherwise it belongs to another datagram or the wall
    /// clock was stepped; our own time is kept then.
    pub fn place(&mut self, stamp: SendStamp, epoch: Epoch, now: Instant) -> Option<DepartureStamp> {
        let (wall, clock) = match stamp {
            SendStamp { hardware: Some(wall), .. } => (wall, ClockSource::Hardware),
            SendStamp { kernel, .. } => (kernel?, ClockSource::Kernel),
        };
        let behind = usize::try_from(self.next.wrapping_sub(stamp.number)).ok()?;
        let index = self.waiting.len().checked_sub(behind)?;
        let Departure { id, at } = self.waiting.get_mut(index)?.take()?;
        self.open = self.open.saturating_sub(1);
        while let Some(None) = self.waiting.front() {
            self.waiting.pop_front();
        }
        let at = match clock {
            ClockSource::Hardware => self.place_departure(wall, at, now),
            _ => epoch.place(wall, at, now)?,
        };
        self.in_vain = 0;
        Some(DepartureStamp { id, at, clock })
    }

    /// Places a stamp, and keeps the result for [`Departures::next_found`].
    pub fn keep(&mut self, stamp: SendStamp, epoch: Epoch, now: Instant) {
        let placed = self.place(stamp, epoch, now);
        self.found.extend(placed);
    }

    /// Takes the oldest stamp that was kept.
    pub fn next_found(&mut self) -> Option<DepartureStamp> {
        self.found.pop_front()
    }

    /// Whether stamps were kept and not yet taken.
    pub fn has_found(&self) -> bool {
        !self.found.is_empty()
    }

    /// The clock of an interface has its own origin. Its first stamp is taken as the time at which the datagram
    /// was given to the kernel, and so is a later one that lies before that or after now.
    fn place_departure(&mut self, stamp: Wall, at: Instant, now: Instant) -> Instant {
        if let Some(placed) = self.interface.and_then(|epoch| epoch.place_exactly(stamp, at, now)) {
            return placed;
        }
        self.interface = Some(Epoch::showing(stamp, at));
        at
    }

    /// When something arrived, by the clock of the interface; `None` until a departure was stamped by it.
    pub fn place_arrival(&self, stamp: Wall, now: Instant) -> Option<Instant> {
        self.interface?.place_exactly(stamp, Instant::ZERO, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch::at(Wall::from_nanos(1_000_000));

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    fn stamps() -> Departures {
        Departures { by_interface: Some(false), ..Departures::default() }
    }

    fn stamp(number: u32, nanos: u64) -> SendStamp {
        SendStamp { number, kernel: Some(EPOCH.wall(at(nanos))), hardware: None }
    }

    fn left(id: u64, nanos: u64) -> Option<DepartureStamp> {
        Some(DepartureStamp { id, at: at(nanos), clock: ClockSource::Kernel })
    }

    #[test]
    fn a_stamp_finds_its_datagram_in_any_order_and_once() {
        let mut stamps = stamps();
        for n in 0..4 {
            stamps.sent(100 + n, at(10 * n));
        }
        assert_eq!(stamps.place(stamp(2, 25), EPOCH, at(50)), left(102, 25));
        assert_eq!(stamps.place(stamp(2, 25), EPOCH, at(50)), None);
        assert_eq!(stamps.place(stamp(0, 5), EPOCH, at(50)), left(100, 5));
        assert_eq!(stamps.place(stamp(4, 45), EPOCH, at(50)), None, "not sent yet");
        assert!(stamps.awaited());
        assert_eq!(stamps.place(stamp(1, 15), EPOCH, at(50)), left(101, 15));
        assert_eq!(stamps.place(stamp(3, 35), EPOCH, at(50)), left(103, 35));
        assert!(!stamps.awaited());
    }

    #[test]
    fn numbers_wrap() {
        let mut stamps = Departures { next: u32::MAX, ..stamps() };
        stamps.sent(1, at(1));
        stamps.sent(2, at(2));
        assert_eq!(stamps.place(stamp(u32::MAX, 3), EPOCH, at(9)), left(1, 3));
        assert_eq!(stamps.place(stamp(0, 4), EPOCH, at(9)), left(2, 4));
    }

    #[test]
    fn a_stamp_from_long_before_the_send_or_after_now_is_no_stamp() {
        for nanos in [39_999, 260_001] {
            let mut stamps = stamps();
            stamps.sent(1, at(90_000));
            assert_eq!(stamps.place(stamp(0, nanos), EPOCH, at(210_000)), None);
            assert!(!stamps.awaited());
        }
    }

    #[test]
    fn stamps_of_an_interface_keep_their_distance() {
        let mut stamps = stamps();
        let hardware =
            |number, nanos| SendStamp { number, kernel: None, hardware: Some(Wall::from_nanos(nanos)) };
        let left = |id, nanos| Some(DepartureStamp { id, at: at(nanos), clock: ClockSource::Hardware });
        let arrived = Wall::from_nanos;
        assert_eq!(stamps.place_arrival(arrived(777_050), at(100)), None, "nothing to compare with");
        stamps.sent(1, at(10));
        assert_eq!(stamps.place(hardware(0, 777_000), EPOCH, at(100)), left(1, 10));
        assert_eq!(stamps.place_arrival(arrived(777_050), at(100)), Some(at(60)));
        assert_eq!(stamps.place_arrival(arrived(777_050), at(59)), None, "after now");
        stamps.sent(2, at(200));
        assert_eq!(stamps.place(hardware(1, 777_195), EPOCH, at(300)), left(2, 205));
        // Its clock went too slowly: the second stamp alone would be before the call that sent the datagram.
        stamps.sent(3, at(1_000));
        assert_eq!(stamps.place(hardware(2, 777_980), EPOCH, at(2_000)), left(3, 1_000));
        assert_eq!(stamps.place_arrival(arrived(778_000), at(2_000)), Some(at(1_020)));
    }

    #[test]
    fn old_departures_are_forgotten_and_a_driver_without_stamps_is_given_up() {
        let mut stamps = stamps();
        for n in 0..2 * WINDOW as u64 {
            stamps.sent(n, at(n));
            stamps.in_vain = 0;
        }
        assert_eq!((stamps.waiting.len(), stamps.open), (WINDOW, WINDOW));
        assert_eq!(stamps.place(stamp(WINDOW as u32 - 1, 5000), EPOCH, at(9000)), None);
        assert_eq!(stamps.place(stamp(WINDOW as u32, 5000), EPOCH, at(9000)), left(WINDOW as u64, 5000));
        for n in 0..=u64::from(HOPELESS) {
            assert!(stamps.awaited());
            stamps.sent(n, at(n));
        }
        assert!(!stamps.awaited());
    }
}
