//! Which datagram the kernel means when it says when one left.
//!
//! Linux numbers the datagrams of a socket from 0 (SOF_TIMESTAMPING_OPT_ID) and names them by that number
//! in the error queue. A send that fails may or may not use a number up, by kernel and by cause, so after
//! each one the numbering is begun anew.

use std::collections::VecDeque;
use std::io;
use std::os::fd::BorrowedFd;

use super::open::options::Stamping;
use crate::clock::{Epoch, Instant, Wall};
use crate::datagram::{Source, Stamped};
use crate::sys;
use crate::sys::control::Fault;

/// Departures that a stamp is awaited for at most; for older ones none is.
const WINDOW: usize = 1024;

/// Departures in a row that no stamp came for, or a wrong one, after which none is awaited any more: the
/// driver of the interface takes none, or the numbering is not what we know.
const HOPELESS: u32 = 64;

/// `SCM_TSTAMP_SND` (linux/errqueue.h): the stamp was taken as the driver got the datagram.
const LEFT: u32 = 0;

/// A stamp as the error queue tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// Which datagram of the socket.
    number: u32,
    /// When it left.
    at: Wall,
    /// By whose clock.
    source: Source,
}

impl Stamp {
    /// Reads an entry of the error queue; `None`: a stamp of something else.
    pub fn read(fault: Fault, kernel: Option<Wall>, hardware: Option<Wall>) -> Option<Self> {
        let (at, source) = match (kernel, hardware) {
            (_, Some(at)) => (at, Source::Hardware),
            (kernel, None) => (kernel?, Source::Kernel),
        };
        (fault.info == LEFT).then_some(Self { number: fault.data, at, source })
    }
}

/// A datagram that left.
#[derive(Clone, Copy, Debug)]
struct Departure {
    id: u64,
    /// The time read before the system call.
    at: Instant,
}

/// The departures of a socket.
#[derive(Debug, Default)]
pub(super) struct Stamps {
    /// Whether the kernel was asked for stamps, and gives them.
    on: bool,
    /// Number of the next datagram.
    next: u32,
    /// The newest departures, the last one numbered `next - 1`; `None`: its stamp came.
    waiting: VecDeque<Option<Departure>>,
    /// How many of them have none.
    open: usize,
    /// What the clock of the interface showed when the run began, as its stamps tell.
    interface: Option<Epoch>,
    /// Departures since the last stamp that fitted one.
    in_vain: u32,
}

impl Stamps {
    /// Asks for stamps on a fresh socket. What is refused is told, and done without.
    pub fn on(fd: BorrowedFd<'_>, stamping: Stamping) -> (Self, Option<io::Error>) {
        let (on, refusal) = ask(fd, stamping);
        (Self { on, ..Self::default() }, refusal)
    }

    /// Whether the error queue should hold a stamp by now, or soon.
    pub fn awaited(&self) -> bool {
        self.open > 0
    }

    /// Notes that a datagram was given to the kernel.
    pub fn left(&mut self, id: u64, at: Instant) {
        if !self.on {
            return;
        }
        self.next = self.next.wrapping_add(1);
        self.in_vain = self.in_vain.saturating_add(1);
        if self.in_vain > HOPELESS {
            *self = Self::default();
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

    /// Notes that the kernel refused a datagram: which number comes next is not known any more.
    pub fn refused(&mut self, fd: BorrowedFd<'_>, stamping: Stamping) {
        if self.on {
            // Asking without numbers and then with them begins anew at 0.
            let _ = sys::set_int(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPING, flags(Stamping::Arrivals));
            let (fresh, _) = Self::on(fd, stamping);
            *self = Self { in_vain: self.in_vain, interface: self.interface, ..fresh };
        }
    }

    /// Finds the datagram that a stamp is of.
    ///
    /// It left after it was given to the kernel and before `now`. A stamp that says otherwise is of another
    /// datagram, or the wall clock was stepped: then ours is the better word.
    pub fn place(&mut self, stamp: Stamp, epoch: Epoch, now: Instant) -> Option<Stamped> {
        let behind = usize::try_from(self.next.wrapping_sub(stamp.number)).ok()?;
        let index = self.waiting.len().checked_sub(behind)?;
        let Departure { id, at } = self.waiting.get_mut(index)?.take()?;
        self.open = self.open.saturating_sub(1);
        while let Some(None) = self.waiting.front() {
            self.waiting.pop_front();
        }
        let at = match stamp.source {
            Source::Hardware => self.place_departure(stamp.at, at, now),
            _ => epoch.place(stamp.at, at, now)?,
        };
        self.in_vain = 0;
        Some(Stamped { id, at, source: stamp.source })
    }

    /// The clock of an interface keeps a time of its own: its first stamp is held to be of the moment at which
    /// the datagram was given to the kernel, and so is a later one that says it left before that, or after now.
    fn place_departure(&mut self, stamp: Wall, at: Instant, now: Instant) -> Instant {
        if let Some(placed) = self.interface.and_then(|epoch| epoch.place(stamp, at, now)) {
            return placed;
        }
        self.interface = Some(Epoch::showing(stamp, at));
        at
    }

    /// When something arrived, by the clock of the interface; `None` while nothing tells how that goes.
    pub fn place_arrival(&self, stamp: Wall, now: Instant) -> Option<Instant> {
        self.interface?.place(stamp, Instant::ZERO, now)
    }
}

/// Asks for stamps; whether those of departures are granted, and why not.
fn ask(fd: BorrowedFd<'_>, stamping: Stamping) -> (bool, Option<io::Error>) {
    // The older way knows arrivals only, and costs each of them less.
    let arrivals = || sys::set_int(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1).err();
    match stamping {
        Stamping::User => (false, None),
        Stamping::Arrivals => (false, arrivals()),
        Stamping::Both | Stamping::Kernel | Stamping::Hardware => {
            let refusal = sys::set_int(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPING, flags(stamping)).err();
            if refusal.is_some() {
                // Where that is refused as well, we stamp.
                arrivals();
            }
            (refusal.is_none(), refusal)
        }
    }
}

/// What SO_TIMESTAMPING is asked for (linux/net_tstamp.h).
fn flags(stamping: Stamping) -> libc::c_int {
    let arrivals = libc::SOF_TIMESTAMPING_RX_SOFTWARE | libc::SOF_TIMESTAMPING_SOFTWARE;
    // Which datagram it is of, and the stamp alone, without that datagram.
    let named = libc::SOF_TIMESTAMPING_OPT_ID | libc::SOF_TIMESTAMPING_OPT_TSONLY;
    let interface = libc::SOF_TIMESTAMPING_TX_HARDWARE
        | libc::SOF_TIMESTAMPING_RX_HARDWARE
        | libc::SOF_TIMESTAMPING_RAW_HARDWARE;
    let asked = match stamping {
        Stamping::User => 0,
        Stamping::Arrivals => arrivals,
        Stamping::Both | Stamping::Kernel => arrivals | named | libc::SOF_TIMESTAMPING_TX_SOFTWARE,
        Stamping::Hardware => arrivals | named | interface,
    };
    asked.cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EPOCH: Epoch = Epoch::at(Wall::from_nanos(1_000_000));

    fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    fn stamps() -> Stamps {
        Stamps { on: true, ..Stamps::default() }
    }

    fn stamp(number: u32, nanos: u64) -> Stamp {
        Stamp { number, at: EPOCH.wall(at(nanos)), source: Source::Kernel }
    }

    fn left(id: u64, nanos: u64) -> Option<Stamped> {
        Some(Stamped { id, at: at(nanos), source: Source::Kernel })
    }

    #[test]
    fn a_stamp_finds_its_datagram_in_any_order_and_once() {
        let mut stamps = stamps();
        for n in 0..4 {
            stamps.left(100 + n, at(10 * n));
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
        let mut stamps = Stamps { next: u32::MAX, ..stamps() };
        stamps.left(1, at(1));
        stamps.left(2, at(2));
        assert_eq!(stamps.place(stamp(u32::MAX, 3), EPOCH, at(9)), left(1, 3));
        assert_eq!(stamps.place(stamp(0, 4), EPOCH, at(9)), left(2, 4));
    }

    #[test]
    fn a_stamp_from_before_the_send_or_after_now_is_no_stamp() {
        for nanos in [9, 21] {
            let mut stamps = stamps();
            stamps.left(1, at(10));
            assert_eq!(stamps.place(stamp(0, nanos), EPOCH, at(20)), None);
            assert!(!stamps.awaited());
        }
    }

    #[test]
    fn stamps_of_an_interface_are_as_far_apart_as_it_says() {
        let mut stamps = stamps();
        let hardware =
            |number, nanos| Stamp { number, at: Wall::from_nanos(nanos), source: Source::Hardware };
        let left = |id, nanos| Some(Stamped { id, at: at(nanos), source: Source::Hardware });
        let arrived = Wall::from_nanos;
        assert_eq!(stamps.place_arrival(arrived(777_050), at(100)), None, "nothing to compare with");
        stamps.left(1, at(10));
        assert_eq!(stamps.place(hardware(0, 777_000), EPOCH, at(100)), left(1, 10));
        assert_eq!(stamps.place_arrival(arrived(777_050), at(100)), Some(at(60)));
        assert_eq!(stamps.place_arrival(arrived(777_050), at(59)), None, "after now");
        stamps.left(2, at(200));
        assert_eq!(stamps.place(hardware(1, 777_195), EPOCH, at(300)), left(2, 205));
        // Its clock went too slowly: the second stamp would say that the datagram left before it was sent.
        stamps.left(3, at(1_000));
        assert_eq!(stamps.place(hardware(2, 777_980), EPOCH, at(2_000)), left(3, 1_000));
        assert_eq!(stamps.place_arrival(arrived(778_000), at(2_000)), Some(at(1_020)));
    }

    #[test]
    fn old_departures_are_forgotten_and_a_driver_without_stamps_is_given_up() {
        let mut stamps = stamps();
        for n in 0..2 * WINDOW as u64 {
            stamps.left(n, at(n));
            stamps.in_vain = 0;
        }
        assert_eq!((stamps.waiting.len(), stamps.open), (WINDOW, WINDOW));
        assert_eq!(stamps.place(stamp(WINDOW as u32 - 1, 5000), EPOCH, at(9000)), None);
        assert_eq!(stamps.place(stamp(WINDOW as u32, 5000), EPOCH, at(9000)), left(WINDOW as u64, 5000));
        for n in 0..=u64::from(HOPELESS) {
            assert!(stamps.awaited());
            stamps.left(n, at(n));
        }
        assert!(!stamps.awaited());
    }
}
