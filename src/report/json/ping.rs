//! A ping of one host or many as JSON Lines.

use std::net::SocketAddr;
use std::time::Duration;

use super::fields::{family, millis, print, unknown_of};
use super::ping_records::{AllTargets, Counts, Host, Of, PingRecord, Start, Summary, TargetRecord, Window};
use super::records::{IcmpErrorRecord, NotSentRecord, ReplyRecord, ResolvedRecord, TimeoutRecord};
use crate::clock::{Epoch, Instant};
use crate::engine::ping::event::{Event, LookupOutcome, NameLookup, ProbeError, Verdict};
use crate::escape::escape;
use crate::output::Output;
use crate::report::Report;
use crate::report::addresses::{Addresses, numeric, zone};
use crate::report::hosts::{HostCursor, HostLabel, Hosts, PART};
use crate::report::missing;
use crate::report::phrases::phrase;
use crate::report::style::Style;
use crate::report::text;
use crate::stats::{PingAccount, Targeted, Totals};

/// Prints one run.
#[derive(Debug)]
pub struct JsonPing {
    style: Style,
    hosts: Hosts,
    /// Whether the run is of one host: then the records of the start and the summary name it.
    single: bool,
    interval: Option<Duration>,
    addresses: Addresses,
    epoch: Epoch,
    /// How much of the window that was closed last is printed; `None`: all.
    window: Option<HostCursor>,
    /// How much of the end is printed; `None`: all.
    end: Option<HostCursor>,
}

impl JsonPing {
    /// A report about a run of one host, in a style, whose probes are `interval` apart.
    pub fn one(style: Style, hosts: Hosts, interval: Duration) -> Self {
        Self::new(style, hosts, true, Some(interval))
    }

    /// A report about a run of many hosts; of the style it uses what concerns no single target. `interval` is that
    /// between two probes of a target, where their number is given.
    pub fn many(style: Style, hosts: Hosts, interval: Option<Duration>) -> Self {
        Self::new(style, hosts, false, interval)
    }

    fn new(style: Style, hosts: Hosts, single: bool, interval: Option<Duration>) -> Self {
        let addresses = Addresses::new(&style, None);
        Self {
            style,
            hosts,
            single,
            interval,
            addresses,
            epoch: Epoch::default(),
            window: None,
            end: Some(HostCursor::default()),
        }
    }

    /// The only host of the run.
    fn host(&self) -> Option<Host> {
        let label = self.hosts.label(0).filter(|_| self.single)?;
        Some(Host::new(label, self.zone(label.address).as_deref()))
    }

    /// The interface of link-local addresses that are seen when a target is probed.
    fn zone(&self, target: SocketAddr) -> Option<String> {
        zone(target).or_else(|| self.style.zone.clone())
    }

    fn start(&self, account: &PingAccount) -> Start {
        let address = self.hosts.label(0).filter(|_| self.single).map(|label| label.address.ip());
        Start {
            command: "ping",
            family: address.map(family),
            host: self.host(),
            source: self.style.source,
            targets: account.all(),
            unknown: account.unknown,
            data_bytes: self.style.size,
            interval_ms: self.interval.map(millis),
        }
    }

    /// Prints a record about a probe, for each name of its target, unless the run is a quiet one.
    fn probe<R>(
        &self,
        event: &Event,
        kind: fn(Of<R>) -> PingRecord,
        record: impl Fn(Option<&str>) -> R,
        output: &mut Output<'_>,
    ) {
        let Some(target) = event.target().filter(|_| !self.style.quiet) else { return };
        for label in self.hosts.labels(target) {
            let zone = self.zone(label.address);
            let record = Of { host: Host::new(label, zone.as_deref()), record: record(zone.as_deref()) };
            print(self.epoch.wall(event.at()), kind(record), output);
        }
    }

    fn error(&mut self, event: &Event, error: &ProbeError, output: &mut Output<'_>) {
        let kind = if error.notice { PingRecord::Notice } else { PingRecord::Error };
        let reason = phrase(&error.error, |node| self.addresses.node(node));
        self.probe(event, kind, |zone| IcmpErrorRecord::new(error, reason.clone(), zone), output);
    }

    /// Prints the lookup of a name, for each of its labels.
    fn lookup(&mut self, lookup: &NameLookup, output: &mut Output<'_>) {
        self.hosts.look_up(lookup);
        for (name, note) in self.hosts.name(lookup.name) {
            let resolved = |address: SocketAddr, before: Option<SocketAddr>, output: &mut Output<'_>| {
                let zone = |address| self.zone(address);
                let host = Host::new(HostLabel { name: Some(name), note, address }, zone(address).as_deref());
                let old_addr = before.map(|before| numeric(before.ip(), zone(before).as_deref()));
                let record = Of { host, record: ResolvedRecord::new(old_addr) };
                print(self.epoch.wall(lookup.at), PingRecord::Resolved(record), output);
            };
            match &lookup.outcome {
                LookupOutcome::Unknown { reason, .. } => {
                    unknown_of(name, note, reason, lookup.at, self.epoch, output);
                }
                LookupOutcome::Found { places, .. } if !self.style.quiet => {
                    places.iter().for_each(|place| resolved(place.address, None, output));
                }
                LookupOutcome::Found { .. } => {}
                LookupOutcome::Moved { before, after } => {
                    resolved(after.address, Some(before.address), output);
                }
            }
        }
        if let (LookupOutcome::Unknown { reason, missing }, Some((name, _))) =
            (&lookup.outcome, self.hosts.name(lookup.name).next())
        {
            missing::print(&escape(&self.style.program), name, (reason, *missing), output);
        }
    }

    /// Prints the next records of targets, in the order in which these were named. Returns the cursor after them;
    /// `None` after the last.
    fn some_targets(
        &self,
        account: &PingAccount,
        mut cursor: HostCursor,
        now: Instant,
        output: &mut Output<'_>,
    ) -> Option<HostCursor> {
        for _ in 0..PART {
            let (named, target) = cursor.next(self.hosts.entries()).filter(|_| !self.single)?;
            if let Some(target) = target
                && let Some((row, address)) = account.row(target).zip(self.hosts.address(target))
            {
                let (name, note) = (named.name.as_deref(), named.note.as_deref());
                let label = HostLabel { name, note, address };
                let host = Host::new(label, self.zone(address).as_deref());
                let counts = Counts::new(row, row.burst(), Some(row));
                let record = Of { host, record: TargetRecord { former: named.is_former(target), counts } };
                print(self.epoch.wall(now), PingRecord::Target(record), output);
            }
        }
        Some(cursor)
    }

    /// Prints the next records of the window that was closed last: of many hosts one for each, and then that of all.
    fn some_of_window(&mut self, account: &PingAccount, output: &mut Output<'_>) {
        let (Some(mut cursor), Some(span)) = (self.window.take(), account.closed_window()) else { return };
        let (rows, totals): (&dyn Targeted, Totals<'_>) = match account.window() {
            Some(window) => (window, window.into()),
            None => (account, account.into()),
        };
        for _ in 0..PART {
            let Some((named, target)) = cursor.next(self.hosts.entries()).filter(|_| !self.single) else {
                let all = AllTargets {
                    targets: account.all(),
                    answered: totals.answered,
                    silent: totals.silent,
                    duplicates: totals.duplicates,
                    corrupted: totals.corrupted,
                    errors: totals.icmp_errors,
                };
                let window = Window::new(totals.figures, account.jitter(), span.duration());
                let window = Window { host: self.host(), all: Some(all), ..window };
                return print(self.epoch.wall(span.ended), PingRecord::Window(window), output);
            };
            if let Some(target) = target
                && let Some((figures, address)) = rows.figures(target).zip(self.hosts.address(target))
            {
                let (name, note) = (named.name.as_deref(), named.note.as_deref());
                let label = HostLabel { name, note, address };
                let host = Some(Host::new(label, self.zone(address).as_deref()));
                let jitter = account.row(target).map(|row| row.jitter());
                let former = named.is_former(target);
                let window = Window { host, former, ..Window::new(figures, jitter, span.duration()) };
                print(self.epoch.wall(span.ended), PingRecord::Window(window), output);
            }
        }
        self.window = Some(cursor);
    }

    fn summary(&self, account: &PingAccount) -> Summary {
        let total = &account.total;
        Summary {
            host: self.host(),
            targets: account.all(),
            answered: account.answered,
            silent: account.silent(),
            not_asked: account.not_asked(),
            unknown: account.unknown,
            counts: Counts::new(total, account.burst(), account.only()),
            duplicates: total.duplicates,
            corrupted: total.corrupted,
            errors: total.icmp_errors,
            time_ms: millis(total.sending_time()),
            clocks: total.timings.into(),
        }
    }
}

impl Report for JsonPing {
    type Account = PingAccount;

    fn begin(&mut self, account: &PingAccount, now: Instant, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        print(epoch.wall(now), PingRecord::Start(self.start(account)), output);
        for entry in self.hosts.entries() {
            if let (Some(host), Some(reason)) = (&entry.name, &entry.trouble) {
                unknown_of(host, entry.note.as_deref(), reason, now, epoch, output);
            }
        }
    }

    fn event(&mut self, event: &Event, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        self.hosts.keep(event, account.open_names > 0 && !self.style.quiet);
        match event {
            Event::Sent { .. } | Event::Unanswered { .. } => {}
            Event::NotSent { seq, fault, .. } => {
                self.probe(event, PingRecord::NotSent, |_| NotSentRecord::new(*seq, *fault), output);
            }
            Event::Lost { seq, sent, .. } => {
                self.probe(event, PingRecord::Timeout, |_| TimeoutRecord::new(*seq, *sent, epoch), output);
            }
            Event::Answer(answer) => {
                let kind = match answer.verdict {
                    Verdict::Received => PingRecord::Reply,
                    Verdict::Duplicate => PingRecord::Duplicate,
                    Verdict::Corrupt => PingRecord::Corrupt,
                };
                self.probe(event, kind, |zone| ReplyRecord::new(answer, zone), output);
            }
            Event::Error(error) => self.error(event, error, output),
            Event::Lookup(lookup) => {
                self.lookup(lookup, output);
                self.hosts
                    .narrow(lookup)
                    .iter()
                    .for_each(|newest| self.event(newest, account, epoch, output));
                self.hosts.widen();
            }
        }
    }

    fn label(&self, target: u32) -> Option<HostLabel<'_>> {
        self.hosts.label(target)
    }

    fn status(&mut self, account: &PingAccount, output: &mut Output<'_>) {
        text::ping_status(self.single, account, output);
    }

    fn window(&mut self, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        self.window = Some(HostCursor::default());
        self.some_of_window(account, output);
    }

    fn more(&mut self, account: &PingAccount, output: &mut Output<'_>) -> bool {
        self.some_of_window(account, output);
        self.window.is_some()
    }

    fn finish(&mut self, account: &PingAccount, now: Instant, output: &mut Output<'_>) -> bool {
        if self.more(account, output) {
            return true;
        }
        let Some(cursor) = self.end else { return false };
        self.end = self.some_targets(account, cursor, now, output);
        if self.end.is_none() {
            print(self.epoch.wall(now), PingRecord::Summary(self.summary(account)), output);
        }
        self.end.is_some()
    }
}
