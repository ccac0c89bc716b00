//! Signals: nobody else touches them. It knows nothing of what is stopped.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{EventfdFlags, eventfd};

use crate::clock::{Clock, Instant};

/// The signals that ask something of a run, as descriptors that can be polled.
///
/// SIGINT, SIGTERM and SIGHUP ask it to end, SIGQUIT asks for a line of status. One that was ignored when
/// the program started (by nohup(1), or by a shell for a job in the background) stays ignored.
#[derive(Debug)]
pub struct Stop {
    interrupts: OwnedFd,
    signals: SignalFd,
}

/// What was asked since the last look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// To end the run.
    pub stop: bool,
    /// To say how far it is.
    pub status: bool,
}

/// Interrupts that come within so long of the first are the same one: timeout(1) sends its signal to the process
/// and to the process group, and nobody presses ^C twice as fast.
const ONE_INTERRUPT: Duration = Duration::from_millis(100);

/// Exit status of a process ended by the second ^C: 128 + SIGINT, as shells count it.
const INTERRUPTED: i32 = 130;

impl Stop {
    /// Takes the signals over; once in a process.
    ///
    /// Must come after privilege is dropped and before any other thread starts: the thread that ^C needs has
    /// the privilege of its maker, and threads started earlier would still get the signals themselves.
    /// The first ^C is told by [`Stop::check`]; the second ends the process at once.
    pub fn install() -> anyhow::Result<Self> {
        let ignored = ignored_signals();
        let mut blocked = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
            if !is_in(ignored, signal) {
                blocked.add(signal);
            }
        }
        blocked.thread_block().context("cannot block signals")?;
        let signals = SignalFd::with_flags(&blocked, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
            .context("cannot receive signals")?;
        let interrupts = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)
            .context("cannot make an event descriptor")?;
        if !is_in(ignored, Signal::SIGINT) {
            let wake = interrupts.try_clone().context("cannot duplicate an event descriptor")?;
            let (clock, mut first) = (Clock::start(), None);
            ctrlc::set_handler(move || {
                let is_first = first.is_none();
                if is_another(&mut first, clock.now()) {
                    // Whatever the run hangs in, this ends it: the one exit outside of main.
                    std::process::exit(INTERRUPTED);
                }
                if is_first {
                    let _ = rustix::io::write(&wake, &1u64.to_ne_bytes());
                }
            })
            .context("cannot handle ^C")?;
        }
        Ok(Self { interrupts, signals })
    }

    /// Descriptors that become readable when something is asked.
    pub fn fds(&self) -> [BorrowedFd<'_>; 2] {
        [self.interrupts.as_fd(), self.signals.as_fd()]
    }

    /// What was asked since the last call. Never waits.
    pub fn check(&self) -> Asked {
        let mut asked = Asked::default();
        asked.stop |= rustix::io::read(&self.interrupts, &mut [0u8; 8]).is_ok();
        while let Ok(Some(signal)) = self.signals.read_signal() {
            if i32::try_from(signal.ssi_signo) == Ok(Signal::SIGQUIT as i32) {
                asked.status = true;
            } else {
                asked.stop = true;
            }
        }
        asked
    }
}

/// Whether an interrupt at `now` is another one than the `first`.
fn is_another(first: &mut Option<Instant>, now: Instant) -> bool {
    now.since(*first.get_or_insert(now)) >= ONE_INTERRUPT
}

/// The signals that are ignored, as a mask: signal n is bit n - 1 (proc_pid_status(5)). None without /proc.
fn ignored_signals() -> u64 {
    std::fs::read_to_string("/proc/self/status").map_or(0, |status| mask(&status))
}

fn mask(status: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok())
        .unwrap_or(0)
}

fn is_in(mask: u64, signal: Signal) -> bool {
    mask >> (signal as u32 - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_status() {
        let status = "Name:\tx\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001003\nSigCgt:\tffff\n";
        let ignored = mask(status);
        let all = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGPIPE];
        assert_eq!(all.map(|signal| is_in(ignored, signal)), [true, true, false, false, true]);
    }

    #[test]
    fn an_interrupt_sent_twice_is_one_and_pressed_twice_is_two() {
        let at = |millis: u64| Instant::from_nanos(millis * 1_000_000);
        let mut first = None;
        assert_eq!(
            [5_000, 5_001, 5_099, 5_100].map(|millis| is_another(&mut first, at(millis))),
            [false, false, false, true]
        );
    }

    #[test]
    fn a_status_that_cannot_be_read_ignores_nothing() {
        assert_eq!(mask(""), 0);
        assert_eq!(mask("SigIgn:\tnonsense\n"), 0);
    }
}
