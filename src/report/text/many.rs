//! The text of a ping of many hosts: lines as of a ping of one, then a table with a line for each target. Or bare
//! names, for other programs. It decides nothing and counts nothing itself.

use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::figures::{self, FigureColumns};
use super::number::{Millis, micros};
use super::ping::PingText;
use super::schedule::Schedule;
use super::table::{HostTable, Rows};
use super::width::wrapped;
use super::window::{self, Title};
use super::{histogram, totals};
use crate::clock::{Epoch, Instant};
use crate::datagram::{SendFault, SystemError};
use crate::engine::ping::event::{Event, LookupOutcome, NameLookup, Place, Verdict};
use crate::escape::escape;
use crate::output::{Output, Stream};
use crate::report::addresses::Moved;
use crate::report::hosts::{HostLabel, Hosts, PART};
use crate::report::target_names::TargetNames;
use crate::report::{Report, fault, missing};
use crate::stats::{PingAccount, Targeted, Totals};
use crate::wire::Family;

/// What is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// A line for each answer, then the table.
    Lines,
    /// The table.
    Table,
    /// The line below the table.
    Totals,
    /// The names of targets that answer, as soon as they do.
    Alive,
    /// The names of targets that did not answer.
    Unreachable,
}

/// Lines about targets that could not be sent a probe, where no table has them.
const MOST_UNSENT: u32 = 100;

/// Prints one run.
#[derive(Debug)]
pub struct ManyText {
    show: Show,
    /// The name this program was started by, fit to be shown.
    program: String,
    hosts: Hosts,
    /// Prints the lines.
    lines: PingText,
    /// Whether one was printed.
    printed: bool,
    /// The last cause of a probe not sent that was printed.
    printed_error: Option<SystemError>,
    /// Where no table has them: how many targets may still be printed to which the first probe could not be sent.
    unsent: u32,
    schedule: Option<Schedule>,
    /// Targets whose names the table shows, once these are known; `None`: names are not wanted.
    names: Option<TargetNames>,
    listing: Option<Listing>,
    epoch: Epoch,
    /// What the line below a table that is not shown begins with.
    title: String,
    /// Whether the end was begun.
    ended: bool,
}

/// A table that is being printed, and the line below it.
#[derive(Debug)]
struct Listing {
    table: HostTable,
    stream: Stream,
    figures: Of,
}

/// The figures that are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// Those of the run.
    Run,
    /// Those of the window that was closed last.
    Window,
}

impl Of {
    /// The figures of each target, and those of all.
    fn select(self, account: &PingAccount) -> (&dyn Targeted, Totals<'_>) {
        match account.window().filter(|_| self == Self::Window) {
            Some(window) => (window, window.into()),
            None => (account, account.into()),
        }
    }

    /// Whether they are those of a window alone.
    fn is_window(self, account: &PingAccount) -> bool {
        self == Self::Window && account.window().is_some()
    }
}

impl ManyText {
    /// A report; `lines` prints what happens to single probes.
    pub fn new(show: Show, program: &str, hosts: Hosts, lines: PingText) -> Self {
        let program = escape(program).into_owned();
        Self {
            show,
            program,
            hosts,
            lines,
            printed: false,
            printed_error: None,
            unsent: MOST_UNSENT,
            schedule: None,
            names: None,
            listing: None,
            epoch: Epoch::default(),
            title: String::new(),
            ended: false,
        }
    }

    /// The same with a first line, which shows which probes each target is sent.
    pub fn scheduled(self, schedule: Option<Schedule>) -> Self {
        Self { schedule, ..self }
    }

    /// The same, where the table has the names of addresses that answer. None is waited for beyond this time of the run.
    pub fn with_names(self, deadline: Option<Duration>) -> Self {
        let table = matches!(self.show, Show::Lines | Show::Table);
        Self { names: table.then(|| TargetNames::new(deadline)), ..self }
    }

    /// The line before everything else.
    fn first_line(&self, schedule: Schedule, account: &PingAccount, output: &mut Output<'_>) {
        let (all, size) = (account.all(), self.lines.size());
        let plural = if all == 1 { "" } else { "s" };
        output.print(format_args!("PING {all} target{plural} {size} data bytes, {schedule}\n"));
    }

    /// The line below the table, and the histogram below that of the run at its end.
    fn sum_up(&mut self, figures: Of, stream: Stream, account: &PingAccount, output: &mut Output<'_>) {
        let totals = figures.select(account).1;
        let mut line = std::mem::take(&mut self.title) + &totals::counts(account, &totals);
        let style = self.lines.style();
        if style.stats {
            line += &match figures.is_window(account) {
                false => figures::of_run(", ", account),
                true => figures::of_window(totals.figures),
            };
        }
        output.on(stream).print(format_args!("{}\n", wrapped(&line, style.width)));
        if let Some(canvas) = style.histogram.filter(|_| self.ended) {
            histogram::print(canvas, &account.total, output);
        }
    }

    /// Begins to print figures: the table with the line below it, or the line alone.
    fn list(&mut self, figures: Of, stream: Stream, account: &PingAccount, output: &mut Output<'_>) {
        if self.show == Show::Totals {
            return self.sum_up(figures, stream, account, output);
        }
        let bare = self.show == Show::Unreachable && stream == Stream::Out;
        let style = self.lines.style();
        let columns = match figures.is_window(account) {
            false => FigureColumns::of_run(),
            true => FigureColumns::of_window(),
        };
        let columns = (style.width, style.stats.then_some(columns));
        let table = HostTable::new(bare, stream, &self.hosts, columns);
        self.listing = Some(Listing { table, stream, figures });
        // A short one is printed at once, so that all of it is of one moment.
        if usize::try_from(account.all()).is_ok_and(|all| all <= PART) {
            while self.more(account, output) {}
        }
    }

    /// The words before the figures of a window, or of the run after its windows.
    fn begin_window(&mut self, title: &Title, at: Instant, output: &mut Output<'_>) {
        let lines = self.show != Show::Totals;
        if lines && self.printed {
            output.print(format_args!("\n"));
        }
        let title = format!("{}{title}", self.lines.stamp_of_window(at, self.epoch));
        match lines {
            true => output.print(format_args!("{title}\n")),
            false => self.title = title + " ",
        }
        self.printed = true;
    }

    /// A target that answers for the first time, under each of its names.
    fn alive(&self, target: u32, output: &mut Output<'_>) {
        for label in self.hosts.labels(target) {
            output.print(format_args!("{}\n", escape(&label.host())));
        }
    }

    /// The lookup of a name: a name whose address has answered is printed where those are, and a line on standard error
    /// has the reason why there is no address.
    fn lookup(&mut self, lookup: &NameLookup, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        // An entry changes, which does not stand in a table.
        while self.more(account, output) {}
        self.hosts.look_up(lookup);
        let Some((name, _)) = self.hosts.name(lookup.name).next() else { return };
        match &lookup.outcome {
            LookupOutcome::Found { places, .. } if self.show == Show::Alive => {
                let answered = |place: &&Place| account.row(place.target).is_some_and(|row| row.received > 0);
                for _ in places.iter().filter(answered) {
                    output.print(format_args!("{}\n", escape(name)));
                }
            }
            LookupOutcome::Unknown { reason, missing } => {
                missing::print(&self.program, name, (reason, *missing), output);
            }
            LookupOutcome::Moved { before, after } => {
                let (program, show) = (&self.program, self.show);
                let moved = Moved { name: &escape(name), before: before.address, after: after.address };
                match show {
                    Show::Lines => {
                        self.lines.stamp(lookup.at, epoch, output);
                        output.print(format_args!("{moved}\n"));
                        self.printed = true;
                    }
                    _ => output.print_error(format_args!("{program}: {moved}\n")),
                }
            }
            LookupOutcome::Found { .. } => {}
        }
    }

    /// A line about a probe as for one target, for each name of the target. It does not stand in a table.
    fn lines(&mut self, event: &Event, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        while self.more(account, output) {}
        let Some(target) = event.target() else { return };
        for label in self.hosts.labels(target) {
            self.lines.aim(label);
            self.lines.line(event, epoch, output);
            self.printed = true;
        }
    }

    /// A line on standard error about a probe that did not leave; none where the last one had the same cause. Where no table
    /// has the targets, each has a line about its first probe.
    fn not_sent(&mut self, (target, seq): (u32, u16), fault: SendFault, output: &mut Output<'_>) {
        let repeats = self.printed_error.replace(fault.error) == Some(fault.error);
        let has_table = !matches!(self.show, Show::Alive | Show::Unreachable);
        if repeats && (has_table || seq > 1 || self.unsent == 0) {
            return;
        }
        if repeats {
            self.unsent -= 1;
            if self.unsent == 0 {
                let program = &self.program;
                return output
                    .print_error(format_args!("{program}: probes to further targets were not sent\n"));
            }
        }
        for label in self.hosts.labels(target) {
            let sentence = fault::sentence(fault, seq, Family::of(label.address.ip()));
            output.print_error(format_args!("{}: {label}: {sentence}\n", self.program));
        }
    }
}

impl Report for ManyText {
    type Account = PingAccount;

    fn begin(&mut self, account: &PingAccount, _now: Instant, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        let has_table = matches!(self.show, Show::Lines | Show::Table);
        if let Some(schedule) = self.schedule.filter(|_| has_table) {
            self.first_line(schedule, account, output);
            self.printed = true;
        }
    }

    fn event(&mut self, event: &Event, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        self.hosts.keep(event, account.open_names > 0 && self.show == Show::Lines);
        if let (Some(names), Event::Answer(answer)) = (&mut self.names, event)
            && let (Verdict::Received, Some(1)) =
                (answer.verdict, account.row(answer.target).map(|row| row.received))
        {
            let address = self.hosts.address(answer.target).filter(|_| self.hosts.is_plain(answer.target));
            address.into_iter().for_each(|address| names.push(answer.target, address.ip()));
        }
        match event {
            Event::Lookup(lookup) => {
                self.lookup(lookup, account, epoch, output);
                let newest = self.hosts.narrow(lookup);
                newest.iter().for_each(|outcome| self.event(outcome, account, epoch, output));
                self.hosts.widen();
            }
            Event::NotSent { target, seq, fault, .. } => self.not_sent((*target, *seq), *fault, output),
            Event::Answer(answer) if self.show == Show::Alive => {
                let first = account.row(answer.target).is_some_and(|row| row.received == 1);
                if first && answer.verdict == Verdict::Received {
                    self.alive(answer.target, output);
                }
            }
            Event::Answer(_) | Event::Error(_) | Event::Unanswered { .. } if self.show == Show::Lines => {
                self.lines(event, account, epoch, output);
            }
            Event::Lost { .. } if self.lines.shows_losses(self.show == Show::Lines) => {
                self.lines(event, account, epoch, output)
            }
            _ => {}
        }
    }

    fn window(&mut self, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        let Some((span, (title, _))) = account.closed_window().zip(window::closed(account)) else { return };
        self.epoch = epoch;
        self.begin_window(&title, span.ended, output);
        self.list(Of::Window, Stream::Out, account, output);
    }

    fn poll(&mut self, _account: &PingAccount, now: Instant, _output: &mut Output<'_>) {
        if let (Some(names), Some(lookups)) = (&mut self.names, self.lines.addresses().names()) {
            names.poll(now, lookups, |target, name| self.hosts.put_name(target, name));
        }
    }

    fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        self.names.as_ref().filter(|names| !names.is_empty()).and_then(|_| self.lines.ready_fd())
    }

    fn end(&mut self, now: Instant) -> Option<Instant> {
        self.names.as_mut()?.end(now)
    }

    fn label(&self, target: u32) -> Option<HostLabel<'_>> {
        self.hosts.label(target)
    }

    /// The run so far, over the ^\ that a terminal shows.
    fn status(&mut self, account: &PingAccount, output: &mut Output<'_>) {
        if self.listing.is_none() {
            output.print_error(format_args!("\r"));
            self.list(Of::Run, Stream::Err, account, output);
        }
    }

    fn more(&mut self, account: &PingAccount, output: &mut Output<'_>) -> bool {
        let Some(Listing { table, stream, figures }) = &mut self.listing else { return false };
        let rows = Rows { figures: figures.select(account).0, run: account };
        if table.more(&self.hosts, rows, output) {
            return true;
        }
        let (stream, figures) = (*stream, *figures);
        self.listing = None;
        if self.show != Show::Unreachable || stream == Stream::Err {
            self.sum_up(figures, stream, account, output);
        }
        false
    }

    fn finish(&mut self, account: &PingAccount, now: Instant, output: &mut Output<'_>) -> bool {
        if self.more(account, output) {
            return true;
        }
        if std::mem::replace(&mut self.ended, true) {
            return false;
        }
        if account.has_windows() {
            self.begin_window(&Title { duration: now.since(Instant::ZERO), whole: true }, now, output);
        } else if self.printed {
            output.print(format_args!("\n"));
        }
        if self.show != Show::Alive {
            self.list(Of::Run, Stream::Out, account, output);
        }
        true
    }
}

/// One line about a run so far, on standard error.
pub fn status(account: &PingAccount, output: &mut Output<'_>) {
    let total = &account.total;
    output.print_error(format_args!(
        "\r{}/{} targets answered, {}/{} packets",
        account.answered,
        account.all(),
        total.received,
        total.sent
    ));
    if total.received > 0 {
        let [min, mean, max, _] = micros(&total.rtt).map(Millis);
        output.print_error(format_args!(", min/avg/max = {min}/{mean}/{max} ms"));
    }
    output.print_error(format_args!("\n"));
}
