//! A traceroute as a document: lines for its events, or its figures at the end.

use std::fmt;
use std::net::IpAddr;

use crate::clock::Wall;
use crate::engine::trace::event::TraceEvent;
use crate::escape::escape;
use crate::names::lookup::Names;
use crate::output::Output;
use crate::report::addresses::numeric;
use crate::report::json::TraceStart;
use crate::report::trace::{Happened, TraceLines, TraceReport, TraceSoFar};
use crate::report::waiting::Lookups;
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

/// The lines of a document about a traceroute.
#[derive(Debug)]
pub struct FormatTrace {
    document: Box<dyn TraceDocument>,
    start: TraceStart,
}

impl FormatTrace {
    /// A report about a trace. `names` does the `wanted` lookups.
    pub fn report(
        document: Box<dyn TraceDocument>,
        start: TraceStart,
        wanted: Lookups,
        names: Names,
    ) -> TraceReport {
        TraceReport::new(Box::new(Self { document, start }), wanted, names, None)
    }

    /// Calls a function of the document with the trace so far.
    fn with_whole(
        &mut self,
        &TraceSoFar { account, began, at, zone }: &TraceSoFar<'_>,
        call: impl FnOnce(&mut dyn TraceDocument, &TraceWhole<'_>),
    ) {
        let zone = zone.map(escape);
        let whole = TraceWhole { start: &self.start, account, began, at, zone: zone.as_deref() };
        call(&mut *self.document, &whole);
    }
}

impl TraceLines for FormatTrace {
    fn begin(&mut self, _trace: &TraceSoFar<'_>, output: &mut Output<'_>) {
        self.document.begin(output);
    }

    fn prints(&mut self, event: &TraceEvent) -> bool {
        !matches!(event, TraceEvent::Passed { .. })
    }

    fn print(&mut self, happened: Happened<'_>, trace: &TraceSoFar<'_>, output: &mut Output<'_>) {
        self.with_whole(trace, |document, whole| document.event(&happened, whole, output));
    }

    fn end(&mut self, trace: &TraceSoFar<'_>, output: &mut Output<'_>) {
        self.with_whole(trace, |document, whole| document.end(whole, output));
    }
}
