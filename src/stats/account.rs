//! What an account is.

use crate::clock::Instant;

/// What the events of a run are folded into.
pub trait Account {
    /// What it is folded from.
    type Event;

    /// Takes one event into account.
    fn add(&mut self, event: &Self::Event);

    /// When the open window ends; `None`: the run has no windows.
    fn window_end(&self) -> Option<Instant> {
        None
    }

    /// The time of an event that does not belong to the open window, but to a later one.
    fn beyond(&self, event: &Self::Event) -> Option<Instant> {
        let _ = event;
        None
    }

    /// Closes the open window, and opens the one that `now` lies in.
    fn next_window(&mut self, now: Instant) {
        let _ = now;
    }

    /// Closes the last window at the end of the run. Returns whether it is to be printed: anything happened in it.
    fn last_window(&mut self, now: Instant) -> bool {
        let _ = now;
        false
    }
}
