//! Reports: events and the account in, text out.
//!
//! A report knows no socket, no probe table and no clock but the instants in the events, and it adds nothing
//! up: the account is beside it. It prints into an [`Output`], which writes when that cannot block.

use std::os::fd::BorrowedFd;

use crate::clock::{Epoch, Instant};
use crate::output::Output;
use crate::stats::Account;

mod addresses;
mod fault;
pub mod hosts;
pub mod json;
mod phrases;
pub mod style;
pub mod text;
pub mod waiting;

/// Prints a run. The loop calls [`Report::begin`] once, [`Report::event`] for each event after the account took
/// it in, [`Report::poll`] once a turn, and [`Report::finish`] at the end until that returns false.
pub trait Report {
    /// What it reads beside the events.
    type Account: Account;

    /// Prints what comes first. `epoch` gives the time of day of an instant.
    fn begin(&mut self, account: &Self::Account, now: Instant, epoch: Epoch, output: &mut Output<'_>);

    /// Prints one event, which `account` contains already.
    fn event(
        &mut self,
        event: &<Self::Account as Account>::Event,
        account: &Self::Account,
        epoch: Epoch,
        output: &mut Output<'_>,
    );

    /// Prints what waited for a name or for a time, if that is there.
    fn poll(&mut self, now: Instant, output: &mut Output<'_>) {
        let _ = (now, output);
    }

    /// When [`Report::poll`] must be called at the latest; the run does not end before that. `None`: nothing
    /// waits to be printed.
    fn wake(&self) -> Option<Instant> {
        None
    }

    /// Becomes readable when [`Report::poll`] has something new to print.
    fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Stops all waiting for names: the user wants the end.
    fn finish_now(&mut self) {}

    /// Prints the run so far, on standard error; of what is long, the rest is printed by [`Report::more`].
    fn status(&mut self, account: &Self::Account, output: &mut Output<'_>);

    /// Prints the next part of what was begun. Returns false if nothing of it is left. The loop calls it once a turn.
    fn more(&mut self, account: &Self::Account, output: &mut Output<'_>) -> bool {
        let _ = (account, output);
        false
    }

    /// Prints the next part of what stands at the end, which begins at `now`. Returns false once all is printed:
    /// a part is bounded, so that output is written and signals are seen between two of them.
    fn finish(&mut self, account: &Self::Account, now: Instant, output: &mut Output<'_>) -> bool;
}
