//! A traceroute as a document: lines for its events, or its figures at the end.

use std::fmt;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use crate::clock::{Epoch, Instant, Wall};
use crate::engine::trace::event::TraceEvent;
use crate::escape::escape;
use crate::names::lookup::Names;
use crate::output::Output;
use crate::report::Report;
use crate::report::addresses::{numeric, zone_of};
use crate::report::json::TraceStart;
use crate::report::text::trace_summary;
use crate::report::waiting::{Lookups, Waiting};
use crate::stats::TraceAccount;

/// A document about a traceroute.
pub trait TraceDocument: fmt::Debug {
    /// Prints what comes first.
    fn begin(&mut self, output: &mut Output<'_>) {
        let _ = output;
    }

    /// Takes an event.
    fn event(&mut self, happened: &Happened<'_>, whole: &TraceWhole<'_>, output: &mut Output<'_>) {
        let _ = (happened, whole, output);
    }

    /// Prints what comes last.
    fn end(&mut self, whole: &TraceWhole<'_>, output: &mut Output<'_>) {
        let _ = (whole, output);
    }

    /// Prints all about a host that is not known.
    fn unknown(&mut self, host: &str, reason: &str, at: Wall, output: &mut Output<'_>);
}

/// An event, and what was looked up about it.
pub struct Happened<'a> {
    /// The event.
    pub event: &'a TraceEvent,
    /// When it happened.
    pub at: Wall,
    /// The name of its responder, if it is wanted and known.
    pub name: Option<String>,
    /// The autonomous systems of its responder, if they are wanted and known.
    pub origin: Option<String>,
}

/// What all lines have in common.
pub struct TraceWhole<'a> {
    /// The target and the method.
    pub start: &'a TraceStart,
    /// The account.
    pub account: &'a TraceAccount,
    /// When the trace began.
    pub began: Wall,
    /// When it ended.
    pub at: Wall,
    /// The interface of link-local responders, escaped.
    pub zone: Option<&'a str>,
}

impl TraceWhole<'_> {
    /// An address as text, with the interface where it is link-local.
    pub fn shown(&self, address: IpAddr) -> String {
        numeric(address, self.zone)
    }
}

/// Prints one trace. A line waits for lookups as long as a line of text.
#[derive(Debug)]
pub struct FormatTrace {
    document: Box<dyn TraceDocument>,
    start: TraceStart,
    zone: Option<String>,
    /// What happened in this turn.
    fresh: Vec<TraceEvent>,
    /// Not yet printed, each with the time of the turn in which it happened.
    waiting: Waiting<(TraceEvent, Instant)>,
    epoch: Epoch,
    began: Instant,
}

impl FormatTrace {
    /// A report about a trace. `names` does the `wanted` lookups.
    pub fn new(document: Box<dyn TraceDocument>, start: TraceStart, wanted: Lookups, names: Names) -> Self {
        Self {
            document,
            start,
            zone: None,
            fresh: Vec::new(),
            waiting: Waiting::new(wanted, names),
            epoch: Epoch::default(),
            began: Instant::ZERO,
        }
    }

    /// Queues what happened in the turn that is `now`.
    fn take_fresh(&mut self, now: Instant) {
        for event in self.fresh.drain(..) {
            self.waiting.push((event, now));
        }
    }

    /// Prints what can be printed by `now`.
    fn print_ready(&mut self, account: &TraceAccount, now: Instant, output: &mut Output<'_>) {
        self.waiting.poll(now);
        while let Some((event, _)) = self.waiting.first() {
            let responder = event.answer().map(|answer| answer.from);
            let Some((event, turn)) = self.waiting.take(now, responder) else { return };
            let at = event.answer().map_or(turn, |answer| answer.at);
            let name = responder.and_then(|address| self.waiting.name(address));
            let origin = responder.and_then(|address| self.waiting.origin(address));
            let happened = Happened { event: &event, at: self.epoch.wall(at), name, origin };
            let Self { document, start, zone, epoch, began, .. } = self;
            let (began, at) = (epoch.wall(*began), epoch.wall(at));
            let whole = TraceWhole { start, account, began, at, zone: zone.as_deref() };
            document.event(&happened, &whole, output);
        }
    }
}

impl Report for FormatTrace {
    type Account = TraceAccount;

    fn begin(&mut self, _account: &TraceAccount, now: Instant, epoch: Epoch, output: &mut Output<'_>) {
        (self.epoch, self.began) = (epoch, now);
        self.document.begin(output);
    }

    fn event(&mut self, event: &TraceEvent, _account: &TraceAccount, epoch: Epoch, _output: &mut Output<'_>) {
        self.epoch = epoch;
        if let Some(answer) = event.answer() {
            // All probes leave by one interface.
            let zone = || zone_of(answer.from, answer.scope).map(|zone| escape(&zone).into_owned());
            self.zone = self.zone.take().or_else(zone);
            self.waiting.query(answer.from);
        }
        if !matches!(event, TraceEvent::Passed { .. }) {
            self.fresh.push(event.clone());
        }
    }

    fn poll(&mut self, account: &TraceAccount, now: Instant, output: &mut Output<'_>) {
        self.take_fresh(now);
        self.print_ready(account, now, output);
    }

    fn wake(&self) -> Option<Instant> {
        self.waiting.wake()
    }

    fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        self.waiting.ready_fd()
    }

    fn finish_now(&mut self) {
        self.waiting.finish_now();
    }

    fn status(&mut self, account: &TraceAccount, output: &mut Output<'_>) {
        trace_summary::status(account, output);
    }

    fn finish(&mut self, account: &TraceAccount, now: Instant, output: &mut Output<'_>) -> bool {
        self.finish_now();
        self.take_fresh(now);
        self.print_ready(account, Instant::ZERO, output);
        let at = self.epoch.wall(account.ended().unwrap_or(now));
        let Self { document, start, zone, epoch, began, .. } = self;
        let whole = TraceWhole { start, account, began: epoch.wall(*began), at, zone: zone.as_deref() };
        document.end(&whole, output);
        false
    }
}
