//! What a whole trace came to, in one line. It judges nothing itself: the events say how it ended.

use std::collections::BTreeSet;
use std::time::Duration;

use super::number::Millis;
use super::trace_notes;
use crate::clock::Instant;
use crate::engine::trace::event::{Ending, Event, Outcome};
use crate::output::Output;
use crate::report::addresses;
use crate::stats::Timings;

/// What was told so far.
#[derive(Debug, Default)]
pub struct Account {
    started: Instant,
    /// Hops of which something was told.
    hops: BTreeSet<u8>,
    probes: u64,
    answers: u64,
    not_sent: u64,
    /// Answers to probes already told as silent.
    late: u64,
    /// Further answers to answered probes.
    repeated: u64,
    /// Hop and query of the probes told as silent, and not answered since.
    silent: BTreeSet<(u8, u8)>,
    ended: Option<(Instant, Ending)>,
    /// Whose clocks timed the answers, late and repeated ones among them.
    pub timings: Timings,
}

impl Account {
    /// The trace begins.
    pub fn start(&mut self, now: Instant) {
        self.started = now;
    }

    /// Counts an event.
    pub fn add(&mut self, event: &Event) {
        event.answer().into_iter().for_each(|answer| self.timings.count(answer.timing));
        match event {
            Event::Decided { ttl, query, outcome, .. } => {
                if *outcome == Outcome::Unfinished {
                    return;
                }
                self.hops.insert(*ttl);
                self.probes += 1;
                match outcome {
                    Outcome::Answered(_) => self.answers += 1,
                    Outcome::NotSent(_) => self.not_sent += 1,
                    Outcome::Silent | Outcome::Unfinished => {
                        self.silent.insert((*ttl, *query));
                    }
                }
            }
            Event::Extra { ttl, query, .. } => {
                if self.silent.remove(&(*ttl, *query)) {
                    self.late += 1;
                } else {
                    self.repeated += 1;
                }
            }
            Event::Ended { at, ending } => self.ended = Some((*at, *ending)),
        }
    }

    fn last_hop(&self) -> u8 {
        self.hops.last().copied().unwrap_or(0)
    }

    /// One line about the trace so far, on standard error.
    pub fn status(&self, output: &mut Output<'_>) {
        let (hop, probes, answers) = (self.last_hop(), counted(self.probes, "probe"), self.answers);
        output.print_error(format_args!("\rhop {hop}, {probes}, {answers} answered\n"));
    }

    /// The last line. `target` is the target's name and address, escaped.
    pub fn finish(&self, target: &str, zone: Option<&str>, output: &mut Output<'_>) {
        let hop = self.last_hop();
        let end = match self.ended.map(|(_, ending)| ending) {
            Some(Ending::Reached) => format!("reached at hop {hop}"),
            Some(Ending::Unreachable { by, error }) => {
                let mark = trace_notes::mark(&error).map(|mark| format!(" ({mark})")).unwrap_or_default();
                format!("unreachable, says {}{mark} at hop {hop}", addresses::numeric(by, zone))
            }
            Some(Ending::HopLimit) => format!("not reached within {}", counted(hop.into(), "hop")),
            Some(Ending::Loop { at, first, again }) => {
                let at = addresses::numeric(at, zone);
                format!("not reached, the path loops: {at} is hop {first} and hop {again}")
            }
            Some(Ending::GapLimit) => format!("not reached, silence up to hop {hop}"),
            Some(Ending::Stopped) | None => format!("not reached, stopped at hop {hop}"),
        };
        let (probes, answers) = (counted(self.probes, "probe"), self.answers);
        output.print(format_args!("--- {target} {end}: {probes}, {answers} answered"));
        let further = [(self.not_sent, "not sent"), (self.late, "late"), (self.repeated, "repeated")];
        for (count, what) in further.into_iter().filter(|(count, _)| *count > 0) {
            output.print(format_args!(", {count} {what}"));
        }
        let took = self.ended.map_or(Duration::ZERO, |(at, _)| at.since(self.started));
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        output.print(format_args!(", {} ms\n", Millis(micros)));
    }
}

/// So many of something.
fn counted(count: u64, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
