//! A report with its account, driven as the loop drives them.

#![allow(dead_code)] // each test binary uses its own part

use std::fs::File;
use std::ops::{Deref, DerefMut};

use rping::clock::{Epoch, Instant};
use rping::output::Output;
use rping::report::Report;
use rping::stats::{Account, PingAccount, TraceAccount};

/// Takes all that is written. What a test compares is never written: see `Output::unwritten`.
pub fn nowhere() -> File {
    File::options().write(true).open("/dev/null").expect("/dev/null")
}

pub struct Driven<R: Report> {
    pub report: R,
    pub account: R::Account,
}

/// A report about a ping of so many targets.
pub fn ping<R: Report<Account = PingAccount>>(report: R, targets: u32) -> Driven<R> {
    Driven { report, account: PingAccount::new(targets) }
}

/// A report about a traceroute that starts at zero.
pub fn trace<R: Report<Account = TraceAccount>>(report: R) -> Driven<R> {
    Driven { report, account: TraceAccount::new(Instant::ZERO) }
}

impl<R: Report> Driven<R> {
    pub fn begin(&mut self, epoch: Epoch, output: &mut Output<'_>) {
        self.report.begin(&self.account, Instant::ZERO, epoch, output);
    }

    pub fn event(&mut self, event: &<R::Account as Account>::Event, epoch: Epoch, output: &mut Output<'_>) {
        self.report.take(event, &mut self.account, epoch, output);
    }

    pub fn poll(&mut self, now: Instant, output: &mut Output<'_>) {
        self.report.poll(&self.account, now, output);
    }

    /// What the loop does once a turn. Gives when the next window ends.
    pub fn turn(&mut self, now: Instant, epoch: Epoch, output: &mut Output<'_>) -> Option<Instant> {
        self.report.end_window(&mut self.account, now, epoch, output);
        self.report.more(&self.account, output);
        self.account.window_end()
    }

    /// The last window.
    pub fn end_last_window(&mut self, now: Instant, epoch: Epoch, output: &mut Output<'_>) {
        self.report.end_last_window(&mut self.account, now, epoch, output);
    }

    /// All parts of the run so far.
    pub fn status(&mut self, output: &mut Output<'_>) {
        self.report.status(&self.account, output);
        while self.report.more(&self.account, output) {}
    }

    /// All parts of the end.
    pub fn finish(&mut self, now: Instant, output: &mut Output<'_>) {
        while self.report.finish(&self.account, now, output) {}
    }
}

impl<R: Report> Deref for Driven<R> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.report
    }
}

impl<R: Report> DerefMut for Driven<R> {
    fn deref_mut(&mut self) -> &mut R {
        &mut self.report
    }
}
