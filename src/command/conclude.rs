//! The end of a ping whose exit status is decided by an assertion.

use crate::cli::format::Format;
use crate::cli::ping_request::PingRequest;
use crate::clock::Clock;
use crate::output::Output;
use crate::report::hosts::HostLabel;
use crate::report::{json, text};
use crate::stats::PingAccount;
use crate::stats::verdict::Goal;
use crate::stats::verdict::assertion::Assertion;
use crate::stats::verdict::measure::Judgement;

/// Decides the exit status.
pub struct Judge<'a> {
    request: &'a PingRequest,
    assertion: &'a Assertion,
    goal: Goal,
}

impl<'a> Judge<'a> {
    /// Decides the status of a run, unless replies alone do.
    pub fn new(request: &'a PingRequest, goal: Goal) -> Option<Self> {
        request.assertion.as_ref().map(|assertion| Self { request, assertion, goal })
    }

    /// Prints what a run came to; `label` is the name of a target. Returns whether it is a success.
    pub fn conclude<'b>(
        &self,
        account: &PingAccount,
        label: impl Fn(u32) -> Option<HostLabel<'b>>,
        clock: &Clock,
        output: &mut Output<'_>,
    ) -> bool {
        let judgement = Judgement::of_ping(account, self.assertion, self.goal.missing(account));
        if self.request.format.format == Format::Json {
            json::verdict(&judgement, &label, (clock.now(), clock.epoch()), output);
        }
        let label = |target| label(target).filter(|_| self.request.many.is_some());
        text::verdict::print(&self.request.style.program, &judgement, label, output);
        judgement.passed()
    }
}
