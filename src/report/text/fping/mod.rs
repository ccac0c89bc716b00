//! The text of fping, for programs that read it: lines on standard output, rows at the end on standard error. It decides
//! nothing and counts nothing itself.

mod counts;
mod icmp;
mod netdata;
mod style;
mod time;
mod totals;

use std::net::IpAddr;
use std::time::Duration;

use crate::clock::{Epoch, Instant, nanos};
use crate::engine::ping::event::{Answer, Event, ProbeError, Verdict};
use crate::escape::escape;
use crate::output::Output;
use crate::report::Report;
use crate::report::addresses::{self, Shown};
use crate::report::hosts::{HostCursor, HostEntry, HostLabel, Hosts, PART};
use crate::report::text::local_time::LocalTime;
use crate::stats::{PingAccount, Row, Targeted};
use counts::loss;
pub use style::{FpingStyle, HostLines, Rows, TimestampFormat};
use time::Time;

/// Prints one run.
#[derive(Debug)]
pub struct FpingText {
    style: FpingStyle,
    hosts: Hosts,
    /// Octets of the longest name.
    width: usize,
    utc_offset: fn(i64) -> i32,
    end: FpingLeft,
    epoch: Epoch,
    /// Whether the rows of the run so far are requested.
    status: bool,
    /// Rows that are being printed during the run.
    splits: Option<Splits>,
    /// Whether the charts of `-N` are described.
    described: bool,
}

/// Rows that are being printed during the run.
#[derive(Debug)]
struct Splits {
    cursor: HostCursor,
    /// Of the window that was closed last, and not of the run so far.
    window: bool,
}

/// What stands at the end, as far as it is printed.
#[derive(Debug)]
enum FpingLeft {
    Unreachable(HostCursor),
    Rows(HostCursor),
    Totals,
    Done,
}

impl FpingText {
    /// A report. `utc_offset` has the seconds that local time is ahead of UTC, at a time in seconds since 1970.
    pub fn new(style: FpingStyle, hosts: Hosts, utc_offset: fn(i64) -> i32) -> Self {
        let all = hosts.entries().iter().flat_map(|entry| entry.targets().map(move |target| (entry, target)));
        let width = all.map(|(entry, target)| name_in(&hosts, entry, target).len()).max().unwrap_or(0);
        let end = match hosts.targets().is_empty() {
            true => FpingLeft::Done,
            false => FpingLeft::Unreachable(HostCursor::default()),
        };
        let (epoch, status, splits, described) = (Epoch::default(), false, None, false);
        Self { style, hosts, width, utc_offset, end, epoch, status, splits, described }
    }

    /// A line about an answer to a probe.
    fn answer(&self, answer: &Answer, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        let Some(row) = account.row(answer.target) else { return };
        let first = row.received == 1;
        let alive = matches!(self.style.hosts, HostLines::Verdicts | HostLines::Alive) && first;
        for label in self.hosts.labels(answer.target).filter(|_| alive || self.style.probes) {
            if answer.different_address {
                output.print_error(format_args!(" [<- {}]", node(answer.from, label)));
            }
            let name = name(label);
            if !self.style.probes {
                let verdict = if self.style.hosts == HostLines::Verdicts { " is alive" } else { "" };
                output.print(format_args!("{name}{verdict}"));
                if self.style.elapsed {
                    output.print(format_args!(" ({} ms)", Time(nanos(answer.rtt))));
                }
                output.print(format_args!("\n"));
                continue;
            }
            self.stamp(answer.at, epoch, output);
            output.print(format_args!(
                "{name}{:pad$} : [{}], {} bytes, {} ms ({} avg, {}% loss)\n",
                "",
                index(row, answer.seq),
                answer.len,
                Time(nanos(answer.rtt)),
                Time(row.rtt().mean()),
                loss(row.resolved(), row.received.into()),
                pad = self.width.saturating_sub(name.len()),
            ));
        }
    }

    /// A line on standard error about a further answer to a probe.
    fn duplicate(&self, answer: &Answer, account: &PingAccount, output: &mut Output<'_>) {
        let Some(row) = account.row(answer.target) else { return };
        for label in self.hosts.labels(answer.target) {
            let (name, index, time) = (name(label), index(row, answer.seq), Time(nanos(answer.rtt)));
            output.print_error(format_args!(
                "{name} : duplicate for [{index}], {} bytes, {time} ms",
                answer.len
            ));
            if answer.different_address {
                output.print_error(format_args!(" [<- {}]", node(answer.from, label)));
            }
            output.print_error(format_args!("\n"));
        }
    }

    /// A line on standard error about a damaged answer. Programs that look for `HOST : ` must not take it for a row.
    fn damaged(&self, answer: &Answer, account: &PingAccount, output: &mut Output<'_>) {
        let Some(row) = account.row(answer.target) else { return };
        for label in self.hosts.labels(answer.target) {
            let (name, index) = (name(label), index(row, answer.seq));
            output.print_error(format_args!("{name}: damaged answer to [{index}], {} bytes\n", answer.len));
        }
    }

    /// A line about a probe whose time is up.
    fn timed_out(
        &self,
        (at, target, seq): (Instant, u32, u16),
        account: &PingAccount,
        epoch: Epoch,
        output: &mut Output<'_>,
    ) {
        let Some(row) = account.row(target) else { return };
        let mean = if row.received > 0 { Time(row.rtt().mean()).to_string() } else { "NaN".to_owned() };
        for label in self.hosts.labels(target) {
            let name = name(label);
            self.stamp(at, epoch, output);
            output.print(format_args!(
                "{name}{:pad$} : [{}], timed out ({mean} avg, {}% loss)\n",
                "",
                index(row, seq),
                loss(row.resolved(), row.received.into()),
                pad = self.width.saturating_sub(name.len()),
            ));
        }
    }

    /// A line on standard error about an ICMP error or notice.
    fn error(&self, error: &ProbeError, output: &mut Output<'_>) {
        for label in self.hosts.labels(error.target) {
            let (what, from) = (icmp::name(&error.error), node(error.from, label));
            output.print_error(format_args!("{what} from {from} for ICMP Echo sent to {}\n", name(label)));
        }
    }

    fn stamp(&self, at: Instant, epoch: Epoch, output: &mut Output<'_>) {
        if let Some(format) = self.style.timestamps {
            output.print(format_args!("[{}] ", time::format(self.local(at, epoch), format)));
        }
    }

    fn local(&self, at: Instant, epoch: Epoch) -> LocalTime {
        LocalTime::new(Duration::from_nanos(epoch.wall(at).as_nanos()), self.utc_offset)
    }

    /// The row of a target at the end.
    fn row(&self, host: &str, target: u32, account: &PingAccount, output: &mut Output<'_>) {
        let Some(row) = account.row(target) else { return };
        self.begin_row(host, output);
        match (self.style.rows, &account.each) {
            (Some(Rows::Times), Some(each)) => {
                let resolved = usize::try_from(row.resolved()).unwrap_or(usize::MAX);
                for time in each.of(target).take(resolved) {
                    match time {
                        Some(nanos) => output.print_error(format_args!(" {}", Time(nanos))),
                        None => output.print_error(format_args!(" -")),
                    }
                }
            }
            _ => counts::print(row, self.style.outage, output),
        }
        output.print_error(format_args!("\n"));
    }

    fn begin_row(&self, host: &str, output: &mut Output<'_>) {
        output.print_error(format_args!("{host}{:pad$} :", "", pad = self.width.saturating_sub(host.len())));
    }

    /// Begins the rows of the window that was closed last, or of the run so far.
    fn begin_splits(&mut self, at: Instant, window: bool, output: &mut Output<'_>) {
        self.splits = Some(Splits { cursor: HostCursor::default(), window });
        if window && self.style.netdata.is_some() {
            return;
        }
        if self.style.probes {
            output.print_error(format_args!("\n"));
        }
        let seconds = self.local(at, self.epoch).shown().as_secs();
        let [hour, minute, second] = [seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60];
        output.print_error(format_args!("[{hour:02}:{minute:02}:{second:02}]\n"));
    }

    /// Prints the next rows. Returns false if none are left.
    fn print_splits(&mut self, account: &PingAccount, output: &mut Output<'_>) -> bool {
        let Some(Splits { cursor, window }) = self.splits.take() else { return false };
        let closed = account.window().filter(|_| window);
        let netdata = self.style.netdata.filter(|_| window);
        let left = self.part(cursor, |host, target| {
            let Some(figures) = closed.map_or(account.figures(target), |closed| closed.figures(target))
            else {
                return;
            };
            if let Some(every) = netdata {
                netdata::print(host, every, figures, !self.described, output);
                return;
            }
            self.begin_row(host, output);
            counts::print(figures, self.style.outage, output);
            output.print_error(format_args!("\n"));
        });
        self.described |= netdata.is_some() && left.is_none();
        self.splits = left.map(|cursor| Splits { cursor, window });
        self.splits.is_some()
    }

    /// The line about whether enough targets answer.
    fn required(&self, required: u32, account: &PingAccount, output: &mut Output<'_>) {
        let reachable = account.answered;
        let enough = if reachable >= required { "Enough" } else { "Not enough" };
        output
            .print(format_args!("{enough} hosts reachable (required: {required}, reachable: {reachable})\n"));
    }

    /// Calls `print` with the next targets and their names. Returns where to go on, if anything is left.
    fn part(&self, mut cursor: HostCursor, mut print: impl FnMut(&str, u32)) -> Option<HostCursor> {
        for _ in 0..PART {
            let (entry, target) = cursor.next(self.hosts.entries())?;
            if let Some(target) = target {
                print(&name_in(&self.hosts, entry, target), target);
            }
        }
        Some(cursor)
    }

    /// The targets that did not answer.
    fn unreachable(
        &self,
        cursor: HostCursor,
        account: &PingAccount,
        output: &mut Output<'_>,
    ) -> Option<HostCursor> {
        let verdict = match self.style.hosts {
            HostLines::Verdicts => " is unreachable",
            HostLines::Unreachable => "",
            HostLines::None | HostLines::Alive => return None,
        };
        self.part(cursor, |name, target| {
            if account.row(target).is_some_and(|row| row.received == 0) {
                output.print(format_args!("{name}{verdict}\n"));
            }
        })
    }
}

impl Report for FpingText {
    type Account = PingAccount;

    fn begin(&mut self, _account: &PingAccount, _now: Instant, epoch: Epoch, _output: &mut Output<'_>) {
        self.epoch = epoch;
    }

    fn event(&mut self, event: &Event, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        match event {
            Event::Answer(answer) => match answer.verdict {
                Verdict::Received => self.answer(answer, account, epoch, output),
                Verdict::Duplicate if !self.style.probes => self.duplicate(answer, account, output),
                Verdict::Corrupt if !self.style.quiet => self.damaged(answer, account, output),
                Verdict::Duplicate | Verdict::Corrupt => {}
            },
            Event::Lost { at, target, seq, .. } if self.style.probes => {
                self.timed_out((*at, *target, *seq), account, epoch, output);
            }
            Event::Error(error) if !self.style.quiet => self.error(error, output),
            Event::NotSent { target, fault, .. } if self.style.hosts == HostLines::Verdicts => {
                for label in self.hosts.labels(*target) {
                    let name = name(label);
                    output.print_error(format_args!("{name}: error while sending ping: {}\n", fault.error));
                }
            }
            _ => {}
        }
    }

    fn window(&mut self, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        if let Some(span) = account.closed_window() {
            self.begin_splits(span.ended, true, output);
        }
    }

    /// The figures of a window that is not complete are part of the rows at the end.
    fn end_last_window(
        &mut self,
        account: &mut PingAccount,
        _now: Instant,
        _epoch: Epoch,
        output: &mut Output<'_>,
    ) {
        while self.more(account, output) {}
    }

    fn poll(&mut self, _account: &PingAccount, now: Instant, output: &mut Output<'_>) {
        if self.status && self.splits.is_none() {
            self.status = false;
            self.begin_splits(now, false, output);
        }
    }

    fn more(&mut self, account: &PingAccount, output: &mut Output<'_>) -> bool {
        self.print_splits(account, output)
    }

    /// The rows of the run so far, once the time is known.
    fn status(&mut self, _account: &PingAccount, _output: &mut Output<'_>) {
        self.status = true;
    }

    fn finish(&mut self, account: &PingAccount, now: Instant, output: &mut Output<'_>) -> bool {
        self.end = match self.end {
            FpingLeft::Unreachable(cursor) => match self.unreachable(cursor, account, output) {
                Some(cursor) => FpingLeft::Unreachable(cursor),
                None if self.style.rows.is_none() => FpingLeft::Totals,
                None => {
                    if self.style.probes {
                        output.print_error(format_args!("\n"));
                    }
                    FpingLeft::Rows(HostCursor::default())
                }
            },
            FpingLeft::Rows(cursor) => {
                let left = self.part(cursor, |host, target| self.row(host, target, account, output));
                left.map_or(FpingLeft::Totals, FpingLeft::Rows)
            }
            FpingLeft::Totals => {
                if self.style.totals {
                    totals::print(account, self.style.rows.is_some(), now, output);
                }
                if let Some(required) = self.style.required {
                    self.required(required, account, output);
                }
                FpingLeft::Done
            }
            FpingLeft::Done => return false,
        };
        true
    }
}

/// The name of a target in an entry, escaped.
fn name_in(hosts: &Hosts, entry: &HostEntry, target: u32) -> String {
    let address = hosts.address(target).map(|address| Shown(address).to_string());
    let name = entry.name.as_deref().or(address.as_deref());
    escape(name.unwrap_or_default()).into_owned()
}

/// The name of a target, escaped.
fn name(label: HostLabel<'_>) -> String {
    escape(&label.host()).into_owned()
}

/// The address of something that arrived about a probe to this target.
fn node(from: IpAddr, label: HostLabel<'_>) -> String {
    let zone = addresses::zone(label.address);
    addresses::numeric(from, zone.as_deref().map(escape).as_deref())
}

/// The place of a probe among those of its target, from 0.
fn index(row: &Row, seq: u16) -> u64 {
    row.number(seq).saturating_sub(1)
}
