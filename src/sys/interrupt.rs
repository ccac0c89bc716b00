//! SIGINT, handled without a thread: the first one is announced, a later one ends the process in any state.

#![expect(unsafe_code, reason = "a signal handler, and _exit(2)")]

use std::io;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::stdio::stdout;

use crate::clock::{Instant, Monotonic};

/// Interrupts within this time of the first count as one: timeout(1) sends its signal to the process and to the
/// process group. Two presses of ^C are further apart.
pub(crate) const ONE_INTERRUPT: Duration = Duration::from_millis(100);

/// Exit status of a process ended by the second ^C: 128 + SIGINT, as shells count it.
const INTERRUPTED: i32 = 130;

/// Erases from the cursor to the end of the screen (ECMA-48 section 8.3.39: ED).
pub(crate) const ERASE: &str = "\x1b[J";

/// What the handler needs.
struct Interrupts {
    clock: Monotonic,
    /// An eventfd, to which 1 is added with the first interrupt.
    wake: OwnedFd,
    /// When the first one came, in nanoseconds after `clock` began; [`NONE`] until then.
    first: AtomicU64,
}

const NONE: u64 = u64::MAX;

/// Whether the first interrupt ends the process.
static FIRST_ENDS: AtomicBool = AtomicBool::new(false);

static INTERRUPTS: OnceLock<Interrupts> = OnceLock::new();

/// Whether the terminal of this process shows a line below its text: for the ends of the process that come from elsewhere
/// than `main`.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// Handles SIGINT from now on, also where it was ignored; once in a process. With the first one `wake` becomes readable, one
/// that comes [`ONE_INTERRUPT`] later or after that ends the process.
///
/// # Errors
/// That of sigaction(2), and [`io::ErrorKind::AlreadyExists`].
pub(crate) fn handle_interrupts(wake: OwnedFd) -> io::Result<()> {
    let interrupts = Interrupts { clock: Monotonic::start(), wake, first: AtomicU64::new(NONE) };
    INTERRUPTS.set(interrupts).map_err(|_| io::ErrorKind::AlreadyExists)?;
    let action = SigAction::new(SigHandler::Handler(on_interrupt), SaFlags::SA_RESTART, SigSet::empty());
    // SAFETY: the handler calls only what is async-signal-safe (signal-safety(7)): clock_gettime, poll, write, _exit and
    // atomic operations. It allocates nothing, takes no lock (OnceLock::get is one load), and restores errno.
    unsafe { sigaction(Signal::SIGINT, &action) }?;
    Ok(())
}

extern "C" fn on_interrupt(_: libc::c_int) {
    // SAFETY: the address of errno of this thread, which lives as long as the thread.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above; an int that only this thread reads and writes.
    let before = unsafe { *errno };
    if let Some(interrupts) = INTERRUPTS.get() {
        interrupts.handle();
    }
    // SAFETY: as above.
    unsafe { *errno = before };
}

impl Interrupts {
    fn handle(&self) {
        let now = self.clock.now();
        if FIRST_ENDS.load(Ordering::Relaxed) {
            end();
        }
        let new = self.first.compare_exchange(NONE, now.as_nanos(), Ordering::Relaxed, Ordering::Relaxed);
        match new {
            // It fails only at 2^64 interrupts.
            Ok(_) => drop(rustix::io::write(&self.wake, &1_u64.to_ne_bytes())),
            Err(first) if is_another(Instant::from_nanos(first), now) => {
                end();
            }
            Err(_) => {}
        }
    }
}

/// Ends the process: the only exit outside of main.
fn end() -> ! {
    erase_at_exit();
    // SAFETY: it ends the process, without the handlers of exit(3).
    unsafe { libc::_exit(INTERRUPTED) }
}

/// Sets whether the first interrupt ends the process, as a second one does.
pub(crate) fn first_interrupt_ends(ends: bool) {
    FIRST_ENDS.store(ends, Ordering::Relaxed);
}

/// Whether an interrupt at `now` is another one than the `first`.
fn is_another(first: Instant, now: Instant) -> bool {
    now.since(first) >= ONE_INTERRUPT
}

/// Records whether a line is shown below the text of the terminal, for [`erase_at_exit`].
pub(crate) fn shows_below(shown: bool) {
    SHOWN.store(shown, Ordering::Relaxed);
}

/// Erases a line that is shown below the text of the terminal, in any state of the process, never waits: the process is
/// about to end.
pub(crate) fn erase_at_exit() {
    if SHOWN.swap(false, Ordering::Relaxed) {
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        let mut fds = [PollFd::from_borrowed_fd(stdout(), PollFlags::OUT)];
        if poll(&mut fds, Some(&at_once)).is_ok_and(|ready| ready > 0) {
            let _ = rustix::io::write(stdout(), ERASE.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupt_sent_twice_is_one_and_pressed_twice_is_two() {
        let at = |millis: u64| Instant::from_nanos(millis * 1_000_000);
        assert_eq!(
            [5_000, 5_001, 5_099, 5_100].map(|millis| is_another(at(5_000), at(millis))),
            [false, false, false, true]
        );
    }
}
