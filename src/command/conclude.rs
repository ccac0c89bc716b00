//! The end of a ping whose exit status is decided by an assertion, or by a state that is waited for.

use std::time::Duration;

use crate::cli::format::Format;
use crate::cli::ping_request::PingRequest;
use crate::clock::{Clock, Instant};
use crate::engine::ping::{Ping, Until};
use crate::output::Output;
use crate::report::hosts::HostLabel;
use crate::report::{json, text};
use crate::stats::PingAccount;
use crate::stats::verdict::assertion::Assertion;
use crate::stats::verdict::measure::Judgement;
use crate::stats::verdict::until::Waited;

/// Decides the exit status.
pub struct Judge<'a> {
    request: &'a PingRequest,
    by: By<'a>,
}

/// What it is decided by.
enum By<'a> {
    Assertion(&'a Assertion),
    /// The time since lookups began counts.
    Until(Until, Duration),
}

impl<'a> Judge<'a> {
    /// Decides the status of a run, unless replies alone do. Lookups began the time `waited` before it.
    pub fn new(request: &'a PingRequest, waited: Duration) -> Option<Self> {
        let by = match (&request.assertion, request.ping.limits.until) {
            (Some(assertion), _) => By::Assertion(assertion),
            (None, Some(until)) => By::Until(until, waited),
            (None, None) => return None,
        };
        Some(Self { request, by })
    }

    /// Prints what a run came to; `label` is the name of a target. Returns whether it is a success; `None`: nothing is
    /// asserted of a run without a target.
    pub fn conclude<'b>(
        &self,
        (session, account): (&Ping, &PingAccount),
        label: impl Fn(u32) -> Option<HostLabel<'b>>,
        clock: &Clock,
        output: &mut Output<'_>,
    ) -> Option<bool> {
        let missing = account.unknown;
        match self.by {
            By::Until(until, before) => {
                let watch = session.watch();
                let end = watch.held().unwrap_or_else(|| clock.now());
                let targets = watch.watched().saturating_add(missing);
                let elapsed = before + end.since(Instant::ZERO);
                let waited = Waited { until, holding: watch.holding(), targets, elapsed };
                print(self.request, &waited, clock, output);
                Some(waited.passed())
            }
            By::Assertion(_) if account.targets() == 0 => None,
            By::Assertion(assertion) => {
                let judgement = Judgement::of_ping(account, assertion, missing);
                let of = (self.request.style.program.as_str(), self.request.format.format);
                print_judgement(of, &judgement, label, self.request.many.is_some(), clock, output);
                Some(judgement.passed())
            }
        }
    }
}

/// Prints what an assertion of this program and format came to: the record, and a line for each condition that does not
/// hold. `label` is the name of a target, which the lines have where there are `several`.
pub fn print_judgement<'a>(
    (program, format): (&str, Format),
    judgement: &Judgement,
    label: impl Fn(u32) -> Option<HostLabel<'a>>,
    several: bool,
    clock: &Clock,
    output: &mut Output<'_>,
) {
    if format == Format::Json {
        json::verdict(judgement, &label, (clock.now(), clock.epoch()), output);
    }
    text::verdict::print(program, judgement, |target| label(target).filter(|_| several), output);
}

/// Prints what waiting for a state came to, as a record or as a line. Other formats have no place for it.
fn print(request: &PingRequest, waited: &Waited, clock: &Clock, output: &mut Output<'_>) {
    match request.format.format {
        Format::Json => json::until(waited, (clock.now(), clock.epoch()), output),
        Format::Text => {
            let only = request.hosts.last().filter(|_| request.many.is_none());
            text::until::print(waited, only.map(String::as_str), output);
        }
        _ => {}
    }
}

/// The only host was waited for, and was not found, or no route led to it, until the time was over or a signal came.
#[derive(Debug)]
pub struct GaveUp {
    /// What is waited for.
    pub until: Until,
    /// Why it was not found, last.
    pub reason: anyhow::Error,
    /// For how long it was.
    pub elapsed: Duration,
}

impl GaveUp {
    /// Prints it. The reason is printed already.
    pub fn print(&self, request: &PingRequest, output: &mut Output<'_>) {
        let waited = Waited { until: self.until, holding: 0, targets: 1, elapsed: self.elapsed };
        print(request, &waited, &Clock::start(), output);
    }
}

impl std::fmt::Display for GaveUp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:#}", self.reason)
    }
}

impl std::error::Error for GaveUp {}
