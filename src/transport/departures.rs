//! Kernel stamps of departures: which datagram a stamp belongs to.
//!
//! Linux numbers the datagrams of a socket that are to be stamped from 0 (SOF_TIMESTAMPING_OPT_ID) and puts that number
//! into the error-queue entry with the stamp. A send that fails may or may not use a number up, by kernel and by cause,
//! so the numbering starts anew after each failure.
//!
//! The kernel stamps a datagram as the driver of the interface gets it. A datagram that waited before that, for the
//! link-layer address of its neighbour or in the queue of the interface, has left when the system call returned: as with
//! other programs, the wait is part of the round-trip time.
//!
//! In a flood a stamp of each departure costs more than the probe. Then the datagrams that request one are sampled by
//! time: the first ones, and after that one each [`GAP`] at most.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::open::options::Stamping;
use crate::clock::{Epoch, Instant, Wall};
use crate::datagram::{ClockSource, DepartureStamp};
use crate::sys::{self, SendStamp};

/// Maximum number of departures that wait for a stamp; older ones are forgotten.
const WINDOW: usize = 1024;

/// After this many departures in a row without a matching stamp, stamps are given up: the driver of the
/// interface takes none, or the numbering is not the one known here.
const HOPELESS: u32 = 64;

/// Where some datagrams request a stamp, so many do at the start.
const FIRST: usize = 64;

/// Where some datagrams request a stamp, the time between two of them after that, at least. A stamp each quarter of a
/// millisecond takes a percent of a flood's processor time. A delay of a few milliseconds still has stamps in it.
const GAP: Duration = Duration::from_millis(1);

/// Which departures of a socket the kernel stamps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stamped {
    /// None of them.
    #[default]
    None,
    /// Those that request it.
    Sampled,
    /// All, by the clock of the interface or by its own.
    All { by_interface: bool },
}

/// When the system call began that sent a datagram, and when it had returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Call {
    /// Read immediately before it.
    pub begin: Instant,
    /// Read after it.
    pub end: Instant,
}

/// A datagram that left.
#[derive(Clone, Copy, Debug)]
struct Departure {
    id: u64,
    /// The times read before and after the system call.
    call: Call,
}

impl Stamped {
    /// Begins the numbering.
    fn begin(self, fd: BorrowedFd<'_>) -> io::Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Sampled => sys::stamp_some_departures(fd),
            Self::All { by_interface } => sys::stamp_both_ends(fd, by_interface),
        }
    }
}

/// The departures of a socket.
#[derive(Debug, Default)]
pub(super) struct Departures {
    stamped: Stamped,
    /// Where some datagrams request a stamp: how many left.
    left: usize,
    /// When the last one left that requested a stamp.
    requested: Option<Instant>,
    /// Number of the next datagram that is stamped.
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
        let stamped = match stamping {
            Stamping::User => return (Self::default(), None),
            Stamping::Arrivals => return (Self::default(), sys::stamp_arrivals(fd).err()),
            Stamping::Sampled => Stamped::Sampled,
            Stamping::Both | Stamping::Kernel => Stamped::All { by_interface: false },
            Stamping::Hardware => Stamped::All { by_interface: true },
        };
        match stamped.begin(fd) {
            Ok(()) => (Self { stamped, ..Self::default() }, None),
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

    /// Whether some departures request a stamp, and the times of the others are no measurements.
    pub fn are_sampled(&self) -> bool {
        self.stamped == Stamped::Sampled
    }

    /// How many of the next datagrams, the first ones, request a stamp if they leave together at `at`.
    pub fn requests(&self, at: Instant) -> usize {
        let due = |last: Instant| at.since(last) >= GAP;
        match self.stamped {
            Stamped::Sampled => FIRST.saturating_sub(self.left).max(self.requested.is_none_or(due).into()),
            Stamped::None | Stamped::All { .. } => 0,
        }
    }

    /// Records that a datagram was given to the kernel, and whether it requested a stamp.
    pub fn sent(&mut self, id: u64, call: Call, requested: bool) {
        match self.stamped {
            Stamped::None => return,
            Stamped::All { .. } => {}
            Stamped::Sampled => {
                self.left = self.left.saturating_add(1);
                if !requested {
                    return;
                }
                self.requested = Some(call.begin);
            }
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
        self.waiting.push_back(Some(Departure { id, call }));
        self.open = self.open.saturating_add(1);
    }

    fn forget_oldest(&mut self) {
        if self.waiting.pop_front().flatten().is_some() {
            self.open = self.open.saturating_sub(1);
        }
    }

    /// Records that the kernel refused a datagram, and whether that requested a stamp: the next number is not known any
    /// more.
    pub fn refused(&mut self, fd: BorrowedFd<'_>, requested: bool) {
        match self.stamped {
            Stamped::None => return,
            // It has no number.
            Stamped::Sampled if !requested => return,
            Stamped::Sampled => sys::end_numbering_of_some(fd),
            Stamped::All { .. } => sys::end_numbering(fd),
        }
        let again = self.stamped.begin(fd).is_ok();
        *self = Self {
            stamped: if again { self.stamped } else { Stamped::None },
            left: self.left,
            requested: self.requested,
            in_vain: self.in_vain,
            interface: self.interface,
            found: std::mem::take(&mut self.found),
            ..Self::default()
        };
    }

    /// Finds the datagram that a stamp belongs to.
    ///
    /// A valid stamp lies between the send call and `now`. Otherwise it belongs to another datagram or the wall
    /// clock was stepped; our own time is kept then. The kernel's stamp counts up to the end of the call.
    pub fn place(&mut self, stamp: SendStamp, epoch: Epoch, now: Instant) -> Option<DepartureStamp> {
        let (wall, clock) = match stamp {
            SendStamp { hardware: Some(wall), .. } => (wall, ClockSource::Hardware),
            SendStamp { kernel, .. } => (kernel?, ClockSource::Kernel),
        };
        let behind = usize::try_from(self.next.wrapping_sub(stamp.number)).ok()?;
        let index = self.waiting.len().checked_sub(behind)?;
        let Departure { id, call } = self.waiting.get_mut(index)?.take()?;
        self.open = self.open.saturating_sub(1);
        while let Some(None) = self.waiting.front() {
            self.waiting.pop_front();
        }
        let at = match clock {
            ClockSource::Hardware => self.place_departure(wall, call.begin, now),
            _ => epoch.place(wall, call.begin, now)?.min(call.end),
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

    /// A call that takes a second: no stamp is later than its end.
    fn call(nanos: u64) -> Call {
        Call { begin: at(nanos), end: at(nanos + 1_000_000_000) }
    }

    fn stamps() -> Departures {
        Departures { stamped: Stamped::All { by_interface: false }, ..Departures::default() }
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
            stamps.sent(100 + n, call(10 * n), false);
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
        stamps.sent(1, call(1), false);
        stamps.sent(2, call(2), false);
        assert_eq!(stamps.place(stamp(u32::MAX, 3), EPOCH, at(9)), left(1, 3));
        assert_eq!(stamps.place(stamp(0, 4), EPOCH, at(9)), left(2, 4));
    }

    #[test]
    fn a_stamp_from_long_before_the_send_or_after_now_is_no_stamp() {
        for nanos in [39_999, 260_001] {
            let mut stamps = stamps();
            stamps.sent(1, call(90_000), false);
            assert_eq!(stamps.place(stamp(0, nanos), EPOCH, at(210_000)), None);
            assert!(!stamps.awaited());
        }
    }

    #[test]
    fn a_datagram_that_waits_in_this_machine_has_left_when_the_call_ended() {
        let mut stamps = stamps();
        let call = |begin, end| Call { begin: at(begin), end: at(end) };
        stamps.sent(1, call(100, 130), false);
        stamps.sent(2, call(200, 230), false);
        let now = at(3_000_000_000);
        assert_eq!(stamps.place(stamp(0, 2_000_000_000), EPOCH, now), left(1, 130));
        assert_eq!(stamps.place(stamp(1, 229), EPOCH, now), left(2, 229));
    }

    #[test]
    fn stamps_of_an_interface_keep_their_distance() {
        let mut stamps = stamps();
        let hardware =
            |number, nanos| SendStamp { number, kernel: None, hardware: Some(Wall::from_nanos(nanos)) };
        let left = |id, nanos| Some(DepartureStamp { id, at: at(nanos), clock: ClockSource::Hardware });
        let arrived = Wall::from_nanos;
        assert_eq!(stamps.place_arrival(arrived(777_050), at(100)), None, "nothing to compare with");
        stamps.sent(1, call(10), false);
        assert_eq!(stamps.place(hardware(0, 777_000), EPOCH, at(100)), left(1, 10));
        assert_eq!(stamps.place_arrival(arrived(777_050), at(100)), Some(at(60)));
        assert_eq!(stamps.place_arrival(arrived(777_050), at(59)), None, "after now");
        stamps.sent(2, call(200), false);
        assert_eq!(stamps.place(hardware(1, 777_195), EPOCH, at(300)), left(2, 205));
        // Its clock went too slowly: the second stamp alone would be before the call that sent the datagram.
        stamps.sent(3, call(1_000), false);
        assert_eq!(stamps.place(hardware(2, 777_980), EPOCH, at(2_000)), left(3, 1_000));
        assert_eq!(stamps.place_arrival(arrived(778_000), at(2_000)), Some(at(1_020)));
    }

    #[test]
    fn old_departures_are_forgotten_and_a_driver_without_stamps_is_given_up() {
        let mut stamps = stamps();
        for n in 0..2 * WINDOW as u64 {
            stamps.sent(n, call(n), false);
            stamps.in_vain = 0;
        }
        assert_eq!((stamps.waiting.len(), stamps.open), (WINDOW, WINDOW));
        assert_eq!(stamps.place(stamp(WINDOW as u32 - 1, 5000), EPOCH, at(9000)), None);
        assert_eq!(stamps.place(stamp(WINDOW as u32, 5000), EPOCH, at(9000)), left(WINDOW as u64, 5000));
        for n in 0..=u64::from(HOPELESS) {
            assert!(stamps.awaited());
            stamps.sent(n, call(n), false);
        }
        assert!(!stamps.awaited());
    }

    /// Which of the datagrams that leave together at `at` request a stamp; all of them leave.
    fn requested(stamps: &mut Departures, nanos: u64, count: usize) -> Vec<usize> {
        let requests = stamps.requests(at(nanos));
        let requested = |n: &usize| *n < requests;
        (0..count).for_each(|n| stamps.sent(n as u64, call(nanos), requested(&n)));
        // Their stamps came.
        stamps.in_vain = 0;
        (0..count).filter(requested).collect()
    }

    #[test]
    fn some_departures_request_a_stamp_the_first_ones_and_then_one_each_millisecond() {
        let mut stamps = Departures { stamped: Stamped::Sampled, ..Departures::default() };
        assert_eq!(requested(&mut stamps, 0, 63), (0..63).collect::<Vec<_>>());
        assert_eq!(requested(&mut stamps, 1_000, 3), [0]);
        for (nanos, expected) in
            [(1_000_999, vec![]), (1_001_000, vec![0]), (1_001_001, vec![]), (3_000_000, vec![0])]
        {
            assert_eq!(requested(&mut stamps, nanos, 64), expected, "{nanos}");
        }
        let mut all = self::stamps();
        assert_eq!(requested(&mut all, 0, 2), [] as [usize; 0], "the socket requests them");
        assert_eq!(all.open, 2);
    }

    #[test]
    fn numbers_are_those_of_the_datagrams_that_request_a_stamp() {
        let mut stamps = Departures { stamped: Stamped::Sampled, left: FIRST, ..Departures::default() };
        for n in 0..4 {
            stamps.sent(100 + n, call(10 * n), n % 2 == 1);
        }
        assert_eq!((stamps.next, stamps.open), (2, 2));
        assert_eq!(stamps.place(stamp(0, 15), EPOCH, at(50)), left(101, 15));
        assert_eq!(stamps.place(stamp(1, 35), EPOCH, at(50)), left(103, 35));
        assert!(!stamps.awaited());
    }
}
