//! What the marks of a traceroute mean, as far as they occurred in it.

use std::collections::BTreeSet;

use crate::engine::trace::event::{AnswerKind, Outcome, TraceEvent};
use crate::output::Output;
use crate::report::text::trace_notes;
use crate::report::text::width::wrapped;
use crate::stats::TraceAccount;

/// The marks of a trace.
#[derive(Clone, Debug)]
pub struct Legend {
    /// Columns of the terminal.
    columns: u64,
    /// Those behind times, as they are printed.
    marks: BTreeSet<String>,
    /// The hops with a star.
    stars: BTreeSet<u8>,
}

impl Legend {
    /// No marks yet, on a terminal of so many columns.
    pub const fn new(columns: u64) -> Self {
        Self { columns, marks: BTreeSet::new(), stars: BTreeSet::new() }
    }

    /// Takes note of an event.
    pub fn note(&mut self, event: &TraceEvent) {
        let TraceEvent::Decided { ttl, outcome, .. } = event else { return };
        match outcome {
            Outcome::Silent => {
                self.stars.insert(*ttl);
            }
            Outcome::NotSent(fault) => self.marks.extend(fault.mtu().map(|mtu| format!("!F-{mtu}"))),
            Outcome::Answered(answer) => {
                if let AnswerKind::Error(error) = &answer.kind {
                    self.marks.extend(trace_notes::mark(error, answer.arrived));
                }
            }
            Outcome::Unfinished => {}
        }
    }

    /// Prints a line for each mark.
    pub fn print(&self, account: &TraceAccount, output: &mut Output<'_>) {
        let end = account.silent_from();
        let within = self.stars.iter().any(|hop| end.is_none_or(|end| *hop < end));
        let behind = self.stars.iter().any(|hop| end.is_some_and(|end| *hop >= end));
        let stars = [
            (within, "no answer: this router sends few errors or none; the path goes on behind it"),
            (behind, "no answer: nothing answers from there on, or a filter drops probes or answers"),
        ];
        let stars = stars.into_iter().filter(|(occurred, _)| *occurred).map(|(_, meaning)| ("*", meaning));
        let marks = self.marks.iter().map(|mark| (mark.as_str(), meaning(mark)));
        let width = self.marks.iter().map(String::len).max().unwrap_or(1);
        for (mark, meaning) in stars.chain(marks) {
            let line = format!("{mark:<width$}  {meaning}");
            output.print(format_args!("{}\n", wrapped(&line, self.columns)));
        }
    }
}

/// The meaning of a mark (traceroute(8); RFC 1812 section 5.2.7.1, RFC 4443 section 3.1).
fn meaning(mark: &str) -> &'static str {
    match mark {
        "!N" => "network unreachable: this router has no route there",
        "!H" => "host unreachable: it does not answer on its own network",
        "!P" => "protocol unreachable: the host does not take such probes",
        "!S" => "source route failed",
        "!X" => "forbidden: a filter refuses the probe, and reports it",
        "!V" => "forbidden for this precedence (type of service)",
        "!C" => "precedence too low for this network (type of service)",
        mark if mark.starts_with("!F-") => "too big: the next link carries this many bytes",
        _ => "ICMP error of this type or code",
    }
}
