//! The text of a ping to many: lines as of a ping to one, then a table, a line for each target. Or bare names,
//! for other programs. It decides nothing and asks nobody.

use std::rc::Rc;

use super::number::Millis;
use super::ping::PingText;
use super::table::Table;
use crate::clock::{Epoch, Instant};
use crate::datagram::SystemError;
use crate::engine::ping::Targets;
use crate::engine::ping::event::{Event, Verdict};
use crate::escape::escape;
use crate::output::Output;
use crate::report::addresses::Shown;
use crate::report::roster::Roster;
use crate::report::{ManyReport, Report, fault};
use crate::stats::Board;
use crate::wire::Family;

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// A line for each answer, then the table.
    Lines,
    /// The table.
    Table,
    /// Who answered, as soon as it does.
    Alive,
    /// Who did not answer.
    Unreachable,
}

/// Prints one run.
#[derive(Debug)]
pub struct ManyText {
    show: Show,
    /// The name this program was started by, fit to be shown.
    program: String,
    roster: Roster,
    targets: Rc<Targets>,
    board: Board,
    /// Prints the lines.
    lines: PingText,
    /// Whether one was printed.
    printed: bool,
    first: Option<Instant>,
    last: Instant,
    /// The last cause of a probe not sent that was told.
    told: Option<SystemError>,
    end: End,
}

/// How far the last words are said.
#[derive(Debug)]
enum End {
    NotYet,
    Rows(Table),
    Said,
}

impl ManyText {
    /// A report; `lines` prints what happens to single probes.
    pub fn new(show: Show, program: &str, roster: Roster, targets: Rc<Targets>, lines: PingText) -> Self {
        Self {
            show,
            program: escape(program).into_owned(),
            board: Board::new(targets.len()),
            roster,
            targets,
            lines,
            printed: false,
            first: None,
            last: Instant::ZERO,
            told: None,
            end: End::NotYet,
        }
    }

    /// The line below the table.
    fn sum_up(&self, output: &mut Output<'_>) {
        let totals = &self.board.totals;
        let (targets, unknown) = (self.targets.len(), self.roster.unknown());
        let all = u64::from(targets) + u64::from(unknown);
        let (plural, silent) = (if all == 1 { "" } else { "s" }, totals.asked - totals.answered);
        output.print(format_args!("{all} target{plural}: {} answered, {silent} silent", totals.answered));
        for (count, what) in [(targets - totals.asked, "not asked"), (unknown, "unknown")] {
            if count > 0 {
                output.print(format_args!(", {count} {what}"));
            }
        }
        output.print(format_args!("; {} packets transmitted, {} received", totals.sent, totals.received));
        let further = [
            (totals.duplicates, "duplicates"),
            (totals.corrupted, "corrupted"),
            (totals.icmp_errors, "errors"),
        ];
        for (count, what) in further.into_iter().filter(|(count, _)| *count > 0) {
            output.print(format_args!(", +{count} {what}"));
        }
        let further = [(totals.not_sent, "not sent"), (totals.out, "in flight")];
        for (count, what) in further.into_iter().filter(|(count, _)| *count > 0) {
            output.print(format_args!(", {count} {what}"));
        }
        if let Some(loss) = super::table::loss(totals.lost(), totals.received) {
            let millis = (self.sending_time_nanos() + 500_000) / 1_000_000;
            output.print(format_args!(", {loss} packet loss, time {millis}ms"));
        }
        if totals.received > 0 {
            let rtt = &totals.rtt;
            let [min, mean, max, deviation] =
                [rtt.min(), rtt.mean(), rtt.max(), rtt.classic_deviation()].map(Millis);
            output.print(format_args!(", rtt min/avg/max/mdev = {min}/{mean}/{max}/{deviation} ms"));
        }
        output.print(format_args!("\n"));
    }

    fn sending_time_nanos(&self) -> u128 {
        self.first.map_or(0, |first| self.last.since(first).as_nanos())
    }

    /// Who answers for the first time.
    fn alive(&self, target: u32, output: &mut Output<'_>) {
        let mut names = self.roster.names(target).peekable();
        if names.peek().is_none()
            && let Some(address) = self.targets.address(target)
        {
            output.print(format_args!("{}\n", Shown(address)));
        }
        for name in names {
            output.print(format_args!("{}\n", escape(name)));
        }
    }

    /// A line about a probe, as for one target.
    fn line(&mut self, target: u32, event: &Event, epoch: Epoch, output: &mut Output<'_>) {
        let Some(address) = self.targets.address(target) else { return };
        let speaks = matches!(event, Event::Answer(_) | Event::Error(_));
        if speaks {
            self.lines.aim(address.ip(), self.roster.names(target).next());
            self.lines.event(event, epoch, output);
            self.printed = true;
        }
    }
}

impl ManyReport for ManyText {
    fn board(&self) -> &Board {
        &self.board
    }

    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn more(&mut self, output: &mut Output<'_>) -> bool {
        match &mut self.end {
            End::NotYet => {
                if self.printed {
                    output.print(format_args!("\n"));
                }
                self.end = End::Rows(Table::new(
                    self.show == Show::Unreachable,
                    &self.roster,
                    &self.targets,
                    &self.board,
                ));
            }
            End::Rows(_) if self.show == Show::Alive => self.end = End::Said,
            End::Rows(table) => {
                if !table.more(&self.roster, &self.targets, &self.board, output) {
                    if self.show != Show::Unreachable {
                        self.sum_up(output);
                    }
                    self.end = End::Said;
                }
            }
            End::Said => return false,
        }
        true
    }
}

impl Report for ManyText {
    type Event = Event;

    fn event(&mut self, event: &Event, epoch: Epoch, output: &mut Output<'_>) {
        self.board.add(event);
        let target = event.target();
        match event {
            Event::Sent { at, .. } => {
                self.first.get_or_insert(*at);
                self.last = *at;
            }
            Event::NotSent { at, seq, fault, .. } => {
                self.first.get_or_insert(*at);
                self.last = *at;
                if self.told.replace(fault.error) != Some(fault.error)
                    && let Some(address) = self.targets.address(target)
                {
                    let sentence = fault::sentence(*fault, *seq, Family::of(address.ip()));
                    let address = Shown(address);
                    output.print_error(format_args!("{}: {address}: {sentence}\n", self.program));
                }
            }
            Event::Answer(answer) if self.show == Show::Alive => {
                let first = self.board.row(target).is_some_and(|row| row.received == 1);
                if first && answer.verdict == Verdict::Received {
                    self.alive(target, output);
                }
            }
            event if self.show == Show::Lines => self.line(target, event, epoch, output),
            _ => {}
        }
    }

    fn status(&self, output: &mut Output<'_>) {
        status(&self.board, self.targets.len(), output);
    }

    fn finish(&mut self, output: &mut Output<'_>) {
        while self.more(output) {}
    }
}

/// One line about a run so far, on standard error.
pub fn status(board: &Board, targets: u32, output: &mut Output<'_>) {
    let totals = &board.totals;
    let (answered, targets) = (totals.answered, targets);
    output.print_error(format_args!(
        "\r{answered}/{targets} targets answered, {}/{} packets",
        totals.received, totals.sent
    ));
    if totals.received > 0 {
        let [min, mean, max] = [totals.rtt.min(), totals.rtt.mean(), totals.rtt.max()].map(Millis);
        output.print_error(format_args!(", min/avg/max = {min}/{mean}/{max} ms"));
    }
    output.print_error(format_args!("\n"));
}
