//! A report of a trace: what all texts and formats of it have in common. Its events are printed in their order, each when
//! the lookups about its responder have ended.

use std::borrow::Cow;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use super::text::trace_summary;
use super::waiting::{Lookups, Waiting};
use super::{Report, addresses};
use crate::clock::{Epoch, Instant, Wall};
use crate::engine::trace::event::TraceEvent;
use crate::escape::escape;
use crate::names::lookup::Names;
use crate::output::Output;
use crate::stats::TraceAccount;

/// The lines of one text or format.
pub trait TraceLines {
    /// Prints what comes first.
    fn begin(&mut self, trace: &TraceSoFar<'_>, output: &mut Output<'_>) {
        let _ = (trace, output);
    }

    /// Whether an event is to be printed. It is called once for each.
    fn prints(&mut self, event: &TraceEvent) -> bool;

    /// The address that an event would show: [`TraceLines::print`] waits for what is looked up about it.
    fn introduces(&self, event: &TraceEvent) -> Option<IpAddr> {
        event.answer().map(|answer| answer.from)
    }

    /// Prints an event.
    fn print(&mut self, happened: Happened<'_>, trace: &TraceSoFar<'_>, output: &mut Output<'_>);

    /// Prints what comes last.
    fn end(&mut self, trace: &TraceSoFar<'_>, output: &mut Output<'_>);
}

/// An event, and what was looked up about the address that it shows.
pub struct Happened<'a> {
    /// The event.
    pub event: &'a TraceEvent,
    /// When it happened. That of a silent probe is the turn in which its wait was over.
    pub at: Wall,
    /// The name, if it is wanted and known.
    pub name: Option<String>,
    /// The autonomous systems, if they are wanted and known.
    pub origin: Option<String>,
}

/// A trace so far.
pub struct TraceSoFar<'a> {
    /// The account.
    pub account: &'a TraceAccount,
    /// When the trace began.
    pub began: Wall,
    /// When it ended, at its end; before that, when the event happened.
    pub at: Wall,
    /// The interface of link-local responders, once it is known.
    pub zone: Option<&'a str>,
}

impl TraceSoFar<'_> {
    /// The interface, escaped.
    pub fn shown_zone(&self) -> Option<Cow<'_, str>> {
        self.zone.map(escape)
    }

    /// An address as text, escaped, with the interface where it is link-local.
    pub fn shown(&self, address: IpAddr) -> String {
        addresses::numeric(address, self.shown_zone().as_deref())
    }
}

/// Prints one trace.
pub struct TraceReport {
    lines: Box<dyn TraceLines>,
    /// What happened in this turn.
    fresh: Vec<TraceEvent>,
    /// Not yet printed, each with the time of the turn in which it happened.
    waiting: Waiting<(TraceEvent, Instant)>,
    zone: Option<String>,
    epoch: Epoch,
    began: Instant,
}

impl TraceReport {
    /// A report that prints these lines. `names` does the `wanted` lookups. `zone`: the interface of link-local responders, if it
    /// is known.
    pub fn new(lines: Box<dyn TraceLines>, wanted: Lookups, names: Names, zone: Option<String>) -> Self {
        Self {
            lines,
            fresh: Vec::new(),
            waiting: Waiting::new(wanted, names),
            zone,
            epoch: Epoch::default(),
            began: Instant::ZERO,
        }
    }

    /// Queues what happened in the turn that is `now`; nothing happens after the end.
    fn take_fresh(&mut self, account: &TraceAccount, now: Instant) {
        let now = account.ended().map_or(now, |end| end.min(now));
        self.fresh.drain(..).for_each(|event| self.waiting.push((event, now)));
    }

    /// Prints what can be printed by `now`.
    fn print_ready(&mut self, account: &TraceAccount, now: Instant, output: &mut Output<'_>) {
        self.waiting.poll(now);
        while let Some((event, _)) = self.waiting.first() {
            let shown = self.lines.introduces(event);
            let Some((event, turn)) = self.waiting.take(now, shown) else { return };
            let at = event.answer().map_or(turn, |answer| answer.at);
            let happened = Happened {
                event: &event,
                at: self.epoch.wall(at),
                name: shown.and_then(|address| self.waiting.name(address)),
                origin: shown.and_then(|address| self.waiting.origin(address)),
            };
            let (lines, trace) = self.split(account, at);
            lines.print(happened, &trace, output);
        }
    }

    /// The lines, and the trace so far: at `at`.
    fn split<'a>(
        &'a mut self,
        account: &'a TraceAccount,
        at: Instant,
    ) -> (&'a mut dyn TraceLines, TraceSoFar<'a>) {
        let Self { lines, zone, epoch, began, .. } = self;
        let trace =
            TraceSoFar { account, began: epoch.wall(*began), at: epoch.wall(at), zone: zone.as_deref() };
        (&mut **lines, trace)
    }
}

impl Report for TraceReport {
    type Account = TraceAccount;

    fn begin(&mut self, account: &TraceAccount, now: Instant, epoch: Epoch, output: &mut Output<'_>) {
        (self.epoch, self.began) = (epoch, now);
        let (lines, trace) = self.split(account, now);
        lines.begin(&trace, output);
    }

    fn event(&mut self, event: &TraceEvent, _account: &TraceAccount, epoch: Epoch, _output: &mut Output<'_>) {
        self.epoch = epoch;
        let prints = self.lines.prints(event);
        if let Some(answer) = event.answer() {
            // All probes leave by one interface.
            self.zone = self.zone.take().or_else(|| addresses::zone_of(answer.from, answer.scope));
            // The lookups for a hop begin before its turn.
            if prints || matches!(event, TraceEvent::Passed { .. }) {
                self.waiting.query(answer.from);
            }
        }
        if prints {
            self.fresh.push(event.clone());
        }
    }

    fn poll(&mut self, account: &TraceAccount, now: Instant, output: &mut Output<'_>) {
        self.take_fresh(account, now);
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
        self.take_fresh(account, now);
        self.print_ready(account, Instant::ZERO, output);
        let (lines, trace) = self.split(account, account.ended().unwrap_or(now));
        lines.end(&trace, output);
        false
    }
}
