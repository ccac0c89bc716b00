//! Reports: events in, text out.
//!
//! A report knows no socket, no probe table and no clock but the instants in the events. It says
//! everything into an [`Output`], which writes when that cannot block.

use std::os::fd::BorrowedFd;

use crate::clock::{Epoch, Instant};
use crate::engine::ping::event::Event;
use crate::output::Output;
use crate::stats::Board;
use roster::Roster;

mod addresses;
mod fault;
pub mod json;
mod phrases;
pub mod roster;
pub mod style;
pub mod text;
pub mod waiting;

/// Prints what a run with many targets tells, and keeps its account.
pub trait ManyReport: Report<Event = Event> {
    /// What is said first.
    fn start(&mut self, epoch: Epoch, output: &mut Output<'_>) {
        let _ = (epoch, output);
    }

    /// The account so far.
    fn board(&self) -> &Board;

    /// Who was to be asked.
    fn roster(&self) -> &Roster;

    /// Says the next part of what is said at the end; false once all is said.
    fn more(&mut self, output: &mut Output<'_>) -> bool;
}

/// Prints what a run tells.
pub trait Report {
    /// What it prints.
    type Event;

    /// One event. `epoch` tells the time of day of its instant.
    fn event(&mut self, event: &Self::Event, epoch: Epoch, output: &mut Output<'_>);

    /// Once a turn of the loop, after its events: says what waited for a name or for a time, if that is here.
    fn turn(&mut self, now: Instant, output: &mut Output<'_>) {
        let _ = (now, output);
    }

    /// When [`Report::turn`] must be called at the latest; the run does not end before that. `None`: nothing
    /// waits to be said.
    fn wake(&self) -> Option<Instant> {
        None
    }

    /// Becomes readable when [`Report::turn`] has something new to say.
    fn bell(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// The user wants the end: nothing is worth waiting for any more.
    fn hurry(&mut self) {}

    /// One line about the run so far, on standard error.
    fn status(&self, output: &mut Output<'_>);

    /// What is said at the end.
    fn finish(&mut self, output: &mut Output<'_>);
}
