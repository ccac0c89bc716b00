//! A traceroute as a document: lines for its events, or its figures at the end.

use crate::clock::Wall;
use crate::engine::trace::event::TraceEvent;
use crate::names::lookup::Names;
use crate::output::Output;
use crate::report::json::TraceStart;
use crate::report::trace::{Happened, TraceLines, TraceReport, TraceSoFar};
use crate::report::waiting::Lookups;

/// A document about a traceroute.
pub trait TraceDocument {
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
    /// The trace so far; at its end all of it.
    pub trace: &'a TraceSoFar<'a>,
}

/// The lines of a document about a traceroute.
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
        let zone = start.zone.clone();
        TraceReport::new(Box::new(Self { document, start }), wanted, names, zone)
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
        self.document.event(&happened, &TraceWhole { start: &self.start, trace }, output);
    }

    fn end(&mut self, trace: &TraceSoFar<'_>, output: &mut Output<'_>) {
        self.document.end(&TraceWhole { start: &self.start, trace }, output);
    }
}
