//! The text of tracepath(8): one line for each hop, with the path MTU where it is found.

use super::number::Millis;
use super::trace::TraceStyle;
use super::trace_notes;
use crate::datagram::SystemError;
use crate::engine::trace::event::{AnswerKind, Ending, Outcome, TraceAnswer, TraceEvent};
use crate::escape::escape;
use crate::names::lookup::Names;
use crate::output::Output;
use crate::report::trace::{Happened, TraceLines, TraceReport, TraceSoFar};
use crate::report::waiting::Lookups;
use crate::report::{addresses, fault};

/// Columns of a responder.
const RESPONDER: usize = 52;

/// Columns of `[LOCALHOST]` with the blanks behind it.
const LOCAL: usize = 33;

/// The lines of one trace.
#[derive(Debug)]
pub struct TracepathText {
    style: TraceStyle,
    /// Names and addresses (`-b`).
    both: bool,
    /// Forward and return length of the path to the target, once it answered.
    lengths: (Option<u8>, Option<u16>),
    /// The causes of probes not sent that were printed.
    faults: Vec<SystemError>,
}

impl TracepathText {
    /// A report in a style. `both`: names and addresses. `names` does the lookups.
    pub fn report(style: TraceStyle, both: bool, names: Names) -> TraceReport {
        let wanted = Lookups { names: !style.numeric, origins: false };
        TraceReport::new(
            Box::new(Self { style, both, lengths: (None, None), faults: Vec::new() }),
            wanted,
            names,
            None,
        )
    }

    fn answer(&mut self, ttl: u8, answer: &TraceAnswer, name: Option<String>, output: &mut Output<'_>) {
        self.responder(ttl, answer, name, output);
        let back = answer.hop_limit.map(trace_notes::hops_back);
        if answer.arrived {
            self.lengths = (Some(ttl), back);
            output.print(format_args!("reached\n"));
            return;
        }
        let AnswerKind::Error(error) = &answer.kind else { return output.print(format_args!("\n")) };
        match trace_notes::mark(error, false).as_deref() {
            None => {
                if let Some(back) = back.filter(|back| *back != u16::from(ttl)) {
                    output.print(format_args!("asymm {back:2} "));
                }
                output.print(format_args!("\n"));
            }
            // Its letter for a packet that is prohibited.
            Some("!X") => output.print(format_args!("!A\n")),
            Some(mark) => output.print(format_args!("{mark}\n")),
        }
    }

    /// Prints the beginning of a line: the hop, its responder and the time.
    fn responder(&self, ttl: u8, answer: &TraceAnswer, name: Option<String>, output: &mut Output<'_>) {
        let zone = addresses::zone_of(answer.from, answer.scope);
        let address = addresses::numeric(answer.from, zone.as_deref().or(self.style.zone.as_deref()));
        let responder = match (name, self.both && !self.style.numeric) {
            (name, true) => format!("{} ({address})", name.as_deref().unwrap_or("???")),
            (Some(name), false) => name,
            (None, false) => address,
        };
        let micros = u64::try_from(answer.rtt.as_micros()).unwrap_or(u64::MAX);
        let time = format!("{:>7}ms", Millis(micros).to_string());
        output.print(format_args!("{ttl:2}:  {:RESPONDER$}{time} ", escape(&responder)));
    }
}

impl TraceLines for TracepathText {
    fn prints(&mut self, event: &TraceEvent) -> bool {
        matches!(event, TraceEvent::Decided { .. } | TraceEvent::PathMtu { .. })
    }

    fn print(&mut self, happened: Happened<'_>, _trace: &TraceSoFar<'_>, output: &mut Output<'_>) {
        let name = happened.name;
        match happened.event {
            TraceEvent::PathMtu { ttl, answer: None, mtu, .. } => {
                output.print(format_args!("{ttl:2}?: {:LOCAL$}pmtu {mtu}\n", "[LOCALHOST]"));
            }
            TraceEvent::PathMtu { ttl, answer: Some(answer), mtu, .. } => {
                self.responder(*ttl, answer, name, output);
                output.print(format_args!("pmtu {mtu}\n"));
            }
            TraceEvent::Decided { ttl, outcome, .. } => match outcome {
                Outcome::Answered(answer) => self.answer(*ttl, answer, name, output),
                Outcome::Silent => output.print(format_args!("{ttl:2}:  no reply\n")),
                Outcome::NotSent(reason) if self.faults.contains(&reason.error) => {}
                Outcome::NotSent(reason) => {
                    self.faults.push(reason.error);
                    let program = escape(&self.style.program);
                    output.print_error(format_args!("{program}: {}\n", fault::at_hop(*reason, *ttl)));
                }
                Outcome::Unfinished => {}
            },
            TraceEvent::Passed { .. } | TraceEvent::Extra { .. } | TraceEvent::Ended { .. } => {}
        }
    }

    fn end(&mut self, trace: &TraceSoFar<'_>, output: &mut Output<'_>) {
        let account = trace.account;
        let size = u32::try_from(self.style.size).unwrap_or(u32::MAX);
        let mtu = account.path_mtu.unwrap_or(size);
        if matches!(account.ending(), Ending::HopLimit | Ending::Loop { .. }) {
            output.print(format_args!("     Too many hops: pmtu {mtu}\n"));
        }
        output.print(format_args!("     Resume: pmtu {mtu} "));
        let (there, back) = self.lengths;
        if let Some(hops) = there {
            output.print(format_args!("hops {hops} "));
        }
        if let Some(hops) = back {
            output.print(format_args!("back {hops} "));
        }
        output.print(format_args!("\n"));
    }
}
