//! The windows of a run, one after another from its start on.

use std::time::Duration;

use super::window::Window;
use crate::clock::Instant;
use crate::engine::ping::event::Event;

/// The windows that are requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowPlan {
    /// How long each is; more than zero.
    pub every: Duration,
    /// Whether all begin with the run, and so have its figures.
    pub cumulative: bool,
}

/// A time from a beginning to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub began: Instant,
    /// When it ended.
    pub ended: Instant,
}

impl Span {
    /// How long it is.
    pub const fn duration(self) -> Duration {
        self.ended.since(self.began)
    }
}

/// The windows of a run: the open one, and the one that was closed last.
#[derive(Debug)]
pub struct Windows {
    plan: WindowPlan,
    start: Instant,
    /// The open one.
    span: Span,
    closed: Option<Span>,
    /// The accounts of the open one and of the closed one; `None` where they have the figures of the run.
    accounts: Option<[Window; 2]>,
}

impl Windows {
    /// The first one opens at `start`.
    pub fn new(plan: WindowPlan, targets: u32, start: Instant) -> Self {
        let accounts = (!plan.cumulative).then(|| [Window::new(targets), Window::new(targets)]);
        let span = Span { began: start, ended: start + plan.every };
        Self { plan, start, span, closed: None, accounts }
    }

    /// When the open one ends.
    pub fn end(&self) -> Instant {
        self.span.ended
    }

    /// Takes one event into account.
    pub fn add(&mut self, event: &Event) {
        if let Some([open, _]) = &mut self.accounts {
            open.add(event);
        }
    }

    /// Closes the open one at its end, and opens the one that `now` lies in. Those between, which passed while the process
    /// was stopped, are skipped.
    pub fn next(&mut self, now: Instant) {
        let since_grid = now.since(self.start).as_nanos().checked_rem(self.plan.every.as_nanos());
        // Less than what has passed, which fits.
        let since_grid =
            Duration::from_nanos(since_grid.and_then(|nanos| u64::try_from(nanos).ok()).unwrap_or(0));
        self.close(self.span.ended, now - since_grid);
    }

    /// Closes the open one at the end of the run. Returns whether anything happened in it, and is in no earlier one.
    pub fn last(&mut self, now: Instant) -> bool {
        let used = self.accounts.as_ref().is_some_and(|[open, _]| open.is_used());
        self.close(now, now);
        used
    }

    fn close(&mut self, ended: Instant, next: Instant) {
        self.closed = Some(Span { ended, ..self.span });
        let began = if self.plan.cumulative { self.start } else { next };
        self.span = Span { began, ended: next + self.plan.every };
        if let Some(accounts) = &mut self.accounts {
            accounts.swap(0, 1);
            let [open, _] = accounts;
            open.clear();
        }
    }

    /// The time of the one that was closed last.
    pub fn closed(&self) -> Option<Span> {
        self.closed
    }

    /// The account of the one that was closed last; `None`: it has the figures of the run, or there is none.
    pub fn account(&self) -> Option<&Window> {
        self.closed.and(self.accounts.as_ref()).map(|[_, closed]| closed)
    }
}
