//! Signals. No other file handles them.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use anyhow::Context;
use nix::sys::signal::{SigSet, Signal, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::event::{EventfdFlags, eventfd};

use crate::clock::{Clock, Instant};
use crate::output::below;
use crate::sys;

/// The signals of a run, as descriptors that can be polled.
///
/// SIGINT, SIGTERM and SIGHUP end the run, SIGQUIT requests a line of status, SIGCONT ends a wait. SIGTERM and SIGHUP stay ignored if they
/// were when the program started (nohup(1)). SIGINT and SIGQUIT do not: a shell without job control ignores them for a
/// job in the background (POSIX, Shell Command Language, section 2.12), which then could be ended by no `kill -INT`.
#[derive(Debug)]
pub struct Stop {
    interrupts: OwnedFd,
    signals: SignalFd,
    /// Those that end a run, and reach no other thread or handler than `signals`.
    ending: SigSet,
}

/// What signals requested since the last [`Stop::check`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Requested {
    /// To end the run.
    pub stop: bool,
    /// To print a line of status.
    pub status: bool,
    /// To show again what is only shown for a while: the terminal has another size, or the process was suspended.
    pub refresh: bool,
}

/// Interrupts within this time of the first count as one: timeout(1) sends its signal to the process and to the
/// process group. Two presses of ^C are further apart.
const ONE_INTERRUPT: Duration = Duration::from_millis(100);

/// Exit status of a process ended by the second ^C: 128 + SIGINT, as shells count it.
const INTERRUPTED: i32 = 130;

impl Stop {
    /// Takes the signals over; once in a process.
    ///
    /// Call it after privilege is dropped and before any other thread starts: the thread that handles ^C inherits
    /// privilege, and threads started earlier would still receive the signals themselves. The first ^C is returned
    /// by [`Stop::check`]; the second ends the process at once, unless the system allows no further thread.
    ///
    /// # Errors
    /// The kernel's: a descriptor or a thread that cannot be made, or handlers installed already.
    pub fn install() -> anyhow::Result<Self> {
        Self::take_over(SigSet::empty())
    }

    /// The same where something is shown on a terminal for a while: then ^Z (SIGTSTP, unless it is ignored) and a new
    /// size of the terminal (SIGWINCH) are taken over too.
    ///
    /// # Errors
    /// As [`Self::install`].
    pub fn install_on_terminal() -> anyhow::Result<Self> {
        let mut signals = SigSet::from(Signal::SIGWINCH);
        if !sys::is_ignored(Signal::SIGTSTP as i32) {
            signals.add(Signal::SIGTSTP);
        }
        Self::take_over(signals)
    }

    fn take_over(mut blocked: SigSet) -> anyhow::Result<Self> {
        // A signal that is blocked reaches its descriptor although it is ignored (signal(7)).
        blocked.add(Signal::SIGQUIT);
        // After a stop (SIGSTOP), Linux goes on with a wait for as long as was left of it before.
        blocked.add(Signal::SIGCONT);
        let mut ending = SigSet::empty();
        for signal in [Signal::SIGTERM, Signal::SIGHUP] {
            if !sys::is_ignored(signal as i32) {
                ending.add(signal);
                blocked.add(signal);
            }
        }
        // Before the thread that handles ^C begins, which must not get them.
        blocked.thread_block().context("cannot block signals")?;
        let interrupts = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)
            .context("cannot make an event descriptor")?;
        let wake = interrupts.try_clone().context("cannot duplicate an event descriptor")?;
        let (clock, mut first) = (Clock::start(), None);
        let handled = ctrlc::set_handler(move || {
            let is_first = first.is_none();
            if is_another(&mut first, clock.now()) {
                // Ends a run that hangs: the only exit outside of main.
                below::erase_at_exit();
                std::process::exit(INTERRUPTED);
            }
            if is_first {
                let _ = rustix::io::write(&wake, &1u64.to_ne_bytes());
            }
        });
        match handled {
            Ok(()) => {}
            // No further thread is allowed (RLIMIT_NPROC, the task limit of a container): ^C is read like the others.
            Err(ctrlc::Error::System(_)) => {
                sys::end_on_interrupt();
                ending.add(Signal::SIGINT);
                blocked.add(Signal::SIGINT);
                blocked.thread_block().context("cannot block signals")?;
            }
            Err(error) => return Err(error).context("cannot handle ^C"),
        }
        let signals = SignalFd::with_flags(&blocked, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)
            .context("cannot receive signals")?;
        Ok(Self { interrupts, signals, ending })
    }

    /// Whether a signal has come that ends the run. [`Self::check`] still returns it. Requests for a line of status are
    /// dropped. Never waits.
    pub fn came(&self) -> bool {
        let stop = self.check().stop;
        if stop {
            // It fails only at 2^64 interrupts.
            let _ = rustix::io::write(&self.interrupts, &1u64.to_ne_bytes());
        }
        stop
    }

    /// Calls a function that may block where there is no other thread. Meanwhile each signal that ends a run ends the
    /// process at once.
    pub fn ends_process_during<T>(&self, block: impl FnOnce() -> T) -> T {
        // They fail for a signal that does not exist.
        let _ = self.ending.thread_unblock();
        let result = block();
        let _ = self.ending.thread_block();
        result
    }

    /// Descriptors that become readable when something is requested.
    pub fn fds(&self) -> [BorrowedFd<'_>; 2] {
        [self.interrupts.as_fd(), self.signals.as_fd()]
    }

    /// What was requested since the last call. Waits only if that is a suspension (^Z), for as long as it lasts.
    pub fn check(&self) -> Requested {
        self.check_before_suspension(|| {})
    }

    /// The same; `before` is called before the process is suspended.
    pub fn check_before_suspension(&self, mut before: impl FnMut()) -> Requested {
        let mut requested = Requested::default();
        requested.stop |= rustix::io::read(&self.interrupts, &mut [0u8; 8]).is_ok();
        while let Ok(Some(signal)) = self.signals.read_signal() {
            match i32::try_from(signal.ssi_signo).map(Signal::try_from) {
                Ok(Ok(Signal::SIGQUIT)) => requested.status = true,
                Ok(Ok(Signal::SIGWINCH | Signal::SIGCONT)) => requested.refresh = true,
                Ok(Ok(Signal::SIGTSTP)) => {
                    before();
                    suspend();
                    requested.refresh = true;
                }
                _ => requested.stop = true,
            }
        }
        requested
    }
}

/// Suspends the process as SIGTSTP does without us, so that the shell sees the signal that it expects. Returns when the
/// process is continued.
fn suspend() {
    let signal = SigSet::from(Signal::SIGTSTP);
    // Pending, as it is blocked; it takes effect at the moment that it is not.
    if raise(Signal::SIGTSTP).is_ok() && signal.thread_unblock().is_ok() {
        let _ = signal.thread_block();
    }
}

/// How long a reader that takes nothing is waited for after a signal.
const SLEEPING_READER: Duration = Duration::from_secs(1);

/// The end of a run, while it is printed: until when the reader of standard output is waited for.
///
/// Without a signal, for ever. What can be printed within [`ONE_INTERRUPT`] is printed in any case: a signal that comes
/// with the end of the run is about the run.
#[derive(Debug)]
pub struct AtEnd {
    began: Instant,
    /// Whether a signal ended the run.
    stopped: bool,
    /// Whether a signal is to end the printing.
    requested: bool,
    /// Octets written so far, and when the last ones were.
    progress: (u64, Instant),
}

impl AtEnd {
    /// The printing begins, when so many octets are `written`. `stopped`: a signal ended the run; one that comes soon after
    /// is the same one.
    pub const fn new(began: Instant, stopped: bool, written: u64) -> Self {
        Self { began, stopped, requested: false, progress: (written, began) }
    }

    /// When the printing began.
    pub const fn began(&self) -> Instant {
        self.began
    }

    /// Whether the printing ends `now`. `stop`: a signal came since the last call; `written`: octets written so far.
    pub fn is_over(&mut self, stop: bool, written: u64, now: Instant) -> bool {
        if written != self.progress.0 {
            self.progress = (written, now);
        }
        let early = now.since(self.began) < ONE_INTERRUPT;
        self.requested |= stop && !(early && self.stopped);
        self.deadline().is_some_and(|deadline| deadline <= now)
    }

    /// How long the reader may be waited for before [`Self::is_over`] is to be called; `None`: until a signal.
    pub fn patience(&self, now: Instant) -> Option<Duration> {
        self.deadline().map(|deadline| deadline.since(now))
    }

    fn deadline(&self) -> Option<Instant> {
        if self.requested {
            Some(self.began + ONE_INTERRUPT)
        } else {
            self.stopped.then(|| self.progress.1 + SLEEPING_READER)
        }
    }
}

/// Whether an interrupt at `now` is another one than the `first`.
fn is_another(first: &mut Option<Instant>, now: Instant) -> bool {
    now.since(*first.get_or_insert(now)) >= ONE_INTERRUPT
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn a_signal_with_the_end_of_a_run_spares_what_is_printed_at_once() {
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        let over = |stopped, signals: &[u64]| {
            let mut end = AtEnd::new(at(0), stopped, 0);
            // The reader takes an octet each millisecond.
            (0..3000).find(|now| end.is_over(signals.contains(now), *now, at(*now)))
        };
        // Sent twice, as timeout(1) does, it is one signal.
        assert_eq!(over(true, &[1, 99]), None);
        // Of a run that ended by itself it is a request, which waits for its time.
        assert_eq!(over(false, &[1]), Some(100));
        assert_eq!((over(true, &[150]), over(false, &[150])), (Some(150), Some(150)));
        assert_eq!(over(false, &[]), None);
    }

    #[test]
    fn after_a_signal_a_reader_that_takes_nothing_for_a_second_ends_the_run() {
        let at = |millis| Instant::ZERO + Duration::from_millis(millis);
        let over = |stopped, until: u64| {
            let mut end = AtEnd::new(at(0), stopped, 0);
            (0..5000).find(|now| end.is_over(false, (*now).min(until), at(*now)))
        };
        assert_eq!((over(true, 0), over(true, 700)), (Some(1000), Some(1700)));
        assert_eq!(over(false, 0), None);
        // What was written before is no progress.
        let mut end = AtEnd::new(at(0), true, 7_000);
        assert_eq!((0..5000).find(|now| end.is_over(false, 7_000, at(*now))), Some(1000));
        let mut end = AtEnd::new(at(0), true, 0);
        assert_eq!(end.patience(at(400)), Some(Duration::from_millis(600)));
        assert_eq!((end.is_over(true, 0, at(400)), end.patience(at(400))), (true, Some(Duration::ZERO)));
        assert_eq!(AtEnd::new(at(0), false, 0).patience(at(400)), None);
    }
}
