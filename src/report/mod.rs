//! Reports: events and the account in, text out.
//!
//! A report knows no socket, no probe table and no clock but the instants in the events, and it adds nothing
//! up: the account is beside it. It prints into an [`Output`], which writes when that cannot block.

use std::os::fd::BorrowedFd;

use crate::clock::{Epoch, Instant};
use crate::output::Output;
use crate::report::hosts::HostLabel;
use crate::stats::Account;

mod addresses;
mod entries;
mod fault;
pub mod formats;
pub mod glyphs;
pub mod hosts;
pub mod json;
pub mod missing;
mod newest;
mod phrases;
mod plain_targets;
pub mod style;
pub mod target_names;
pub mod terminal;
pub mod text;
pub mod tone;
pub mod trace;
pub mod waiting;

/// Prints a run. The loop calls [`Report::begin`] once, [`Report::take`] for each event, [`Report::end_window`],
/// [`Report::poll`] and [`Report::more`] once a turn, and at the end [`Report::end_last_window`] once, [`Report::end`], and
/// [`Report::finish`] until that returns false.
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

    /// Prints the window that was closed last.
    fn window(&mut self, account: &Self::Account, epoch: Epoch, output: &mut Output<'_>) {
        let _ = (account, epoch, output);
    }

    /// Takes an event into the account, and prints it: after the window that ended before it.
    fn take(
        &mut self,
        event: &<Self::Account as Account>::Event,
        account: &mut Self::Account,
        epoch: Epoch,
        output: &mut Output<'_>,
    ) {
        if let Some(at) = account.beyond(event) {
            self.end_window(account, at, epoch, output);
        }
        account.add(event);
        self.event(event, account, epoch, output);
    }

    /// Closes the open window, if it has ended by `now`, and prints it.
    fn end_window(
        &mut self,
        account: &mut Self::Account,
        now: Instant,
        epoch: Epoch,
        output: &mut Output<'_>,
    ) {
        if account.window_end().is_some_and(|end| end <= now) {
            // The rest of the one before: its account is used again.
            while self.more(account, output) {}
            account.next_window(now);
            self.window(account, epoch, output);
        }
    }

    /// Closes the last window, as the run is over `now`, and prints it.
    fn end_last_window(
        &mut self,
        account: &mut Self::Account,
        now: Instant,
        epoch: Epoch,
        output: &mut Output<'_>,
    ) {
        while self.more(account, output) {}
        if account.last_window(now) {
            self.window(account, epoch, output);
        }
    }

    /// Prints what waited for a name or for a time, if that is there.
    fn poll(&mut self, account: &Self::Account, now: Instant, output: &mut Output<'_>) {
        let _ = (account, now, output);
    }

    /// When [`Report::poll`] must be called at the latest; the run does not end before that. `None`: nothing
    /// waits to be printed.
    fn wake(&self) -> Option<Instant> {
        None
    }

    /// When [`Report::poll`] is to be called for something that is only shown for a while; the run may end before.
    fn show_at(&self) -> Option<Instant> {
        None
    }

    /// Ends a line that is not complete, as something else is about to be printed on the terminal.
    fn break_line(&self, output: &mut Output<'_>) {
        let _ = output;
    }

    /// Whether it gives the marks of probes colours of its own.
    fn paints(&self) -> bool {
        false
    }

    /// Shows again what is only shown for a while: the terminal has another size, or this process was suspended.
    fn refresh(&mut self) {}

    /// Becomes readable when [`Report::poll`] has something new to print.
    fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// The run is over at `now`: until when its end waits for names. [`Report::poll`] is called when one comes.
    fn end(&mut self, now: Instant) -> Option<Instant> {
        let _ = now;
        None
    }

    /// Stops all waiting for names: the user wants the end.
    fn finish_now(&mut self) {}

    /// A target under its name, also one that joined the run; `None`: the report does not know it.
    fn label(&self, target: u32) -> Option<HostLabel<'_>> {
        let _ = target;
        None
    }

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

/// Any report of an account. The loop exists once for all of them, which makes the program smaller.
pub type AnyReport<A> = Box<dyn Report<Account = A>>;
