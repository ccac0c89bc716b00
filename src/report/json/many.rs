//! A ping to many as JSON Lines.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::rc::Rc;

use serde::Serialize;

use super::{Answered, Clocks, NotSent, Timeout, Told, millis, nanos, say};
use crate::clock::{Epoch, Instant};
use crate::engine::ping::Targets;
use crate::engine::ping::event::{Event, Verdict};
use crate::output::Output;
use crate::report::addresses::{Addresses, Shown};
use crate::report::phrases::phrase;
use crate::report::roster::Roster;
use crate::report::style::Style;
use crate::report::{ManyReport, Report, text};
use crate::stats::{Board, Moments, Row};

/// Lines about targets in a part of the last words.
const PART: usize = 512;

/// Tells one run.
#[derive(Debug)]
pub struct JsonMany {
    style: Style,
    roster: Roster,
    targets: Rc<Targets>,
    board: Board,
    /// Probes without an answer, by target and sequence number, and when they left.
    open: BTreeMap<(u32, u16), Instant>,
    epoch: Epoch,
    first: Option<Instant>,
    /// When the last probe left.
    left: Instant,
    /// When something happened last.
    last: Instant,
    end: End,
}

/// How far the last words are said.
#[derive(Clone, Copy, Debug)]
enum End {
    NotYet,
    /// The entry whose turn it is, and how many of its targets had theirs.
    Targets(usize, u32),
    Said,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Record<'a> {
    Start { command: &'static str, targets: u32, unknown: u32, bytes: usize },
    Unknown { host: &'a str },
    Reply(Of<Answered>),
    Duplicate(Of<Answered>),
    Corrupt(Of<Answered>),
    Error(Of<Told>),
    Notice(Of<Told>),
    NotSent(Of<NotSent>),
    Timeout(Of<Timeout>),
    Target(Of<Counts>),
    Summary(Summary),
}

/// Something about a target.
#[derive(Serialize)]
struct Of<R> {
    host: String,
    addr: IpAddr,
    #[serde(flatten)]
    record: R,
}

/// A line of the table.
#[derive(Serialize)]
struct Counts {
    transmitted: u32,
    received: u32,
    not_sent: u32,
    in_flight: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss_pct: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt: Option<Rtt>,
}

#[derive(Serialize)]
struct Summary {
    targets: u32,
    answered: u32,
    silent: u32,
    not_asked: u32,
    unknown: u32,
    transmitted: u64,
    received: u64,
    duplicates: u64,
    corrupted: u64,
    errors: u64,
    not_sent: u64,
    in_flight: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    loss_pct: Option<f64>,
    time_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rtt: Option<Rtt>,
    clocks: Clocks,
}

/// Times in whole microseconds.
#[derive(Serialize)]
struct Rtt {
    min_ms: f64,
    avg_ms: f64,
    max_ms: f64,
    mdev_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    p95_ms: Option<f64>,
}

impl Rtt {
    fn of(rtt: &Moments, p95: Option<u64>) -> Option<Self> {
        let micros = |micros: u64| nanos(micros.saturating_mul(1_000));
        (rtt.count() > 0).then(|| Self {
            min_ms: micros(rtt.min()),
            avg_ms: micros(rtt.mean()),
            max_ms: micros(rtt.max()),
            mdev_ms: micros(rtt.classic_deviation()),
            p95_ms: p95.map(micros),
        })
    }
}

impl From<&Row> for Counts {
    fn from(row: &Row) -> Self {
        Self {
            transmitted: row.sent,
            received: row.received,
            not_sent: row.not_sent,
            in_flight: row.out,
            loss_pct: loss(row.lost().into(), row.received.into()),
            rtt: Rtt::of(&row.rtt(), row.p95()),
        }
    }
}

impl JsonMany {
    /// A report about a run; of the style it takes what concerns no single target.
    pub fn new(style: Style, roster: Roster, targets: Rc<Targets>) -> Self {
        Self {
            style,
            board: Board::new(targets.len()),
            roster,
            targets,
            open: BTreeMap::new(),
            epoch: Epoch::default(),
            first: None,
            left: Instant::ZERO,
            last: Instant::ZERO,
            end: End::NotYet,
        }
    }

    /// The name and the address of a target; without a name, the address as it is typed.
    fn of<R>(&self, target: u32, name: Option<&str>, record: R) -> Option<Of<R>> {
        let address = self.targets.address(target)?;
        let host = name.map_or_else(|| Shown(address).to_string(), str::to_owned);
        Some(Of { host, addr: address.ip(), record })
    }

    /// Says something about a probe, unless the run is a quiet one.
    fn tell<R>(
        &self,
        at: Instant,
        target: u32,
        (kind, record): (fn(Of<R>) -> Record<'static>, R),
        output: &mut Output<'_>,
    ) {
        let named = self.roster.names(target).next();
        if !self.style.quiet
            && let Some(record) = self.of(target, named, record)
        {
            say(at, self.epoch, kind(record), output);
        }
    }

    /// Tells the oldest probes of a target that were never answered, all but `spared`, and forgets all.
    fn give_up(&mut self, target: u32, spared: usize, output: &mut Output<'_>) {
        let numbers = (target, 0)..=(target, u16::MAX);
        let mut open: Vec<_> = self.open.range(numbers).map(|(probe, sent)| (*probe, *sent)).collect();
        for (probe, _) in &open {
            self.open.remove(probe);
        }
        open.sort_by_key(|(_, sent)| *sent);
        open.truncate(open.len().saturating_sub(spared));
        for ((_, seq), sent) in open {
            self.timeout(target, seq, sent, output);
        }
    }

    fn timeout(&self, target: u32, seq: u16, sent: Instant, output: &mut Output<'_>) {
        let record = Timeout::new(seq, sent, self.epoch);
        self.tell(self.last, target, (Record::Timeout, record), output);
    }

    fn probe(&mut self, target: u32, event: &Event, output: &mut Output<'_>) {
        match event {
            Event::Sent { at, seq, .. } => {
                self.first.get_or_insert(*at);
                self.left = *at;
                if let Some(sent) = self.open.insert((target, *seq), *at) {
                    self.timeout(target, *seq, sent, output);
                }
            }
            Event::NotSent { at, seq, fault, .. } => {
                self.first.get_or_insert(*at);
                self.left = *at;
                let record = NotSent::new(*seq, *fault);
                self.tell(*at, target, (Record::NotSent, record), output);
            }
            Event::Unanswered { .. } => {}
            Event::Lost { seq, sent, .. } => {
                if self.open.remove(&(target, *seq)).is_some() {
                    self.timeout(target, *seq, *sent, output);
                }
            }
            Event::Answer(answer) => {
                let kind = match answer.verdict {
                    Verdict::Received => {
                        self.open.remove(&(target, answer.seq));
                        Record::Reply
                    }
                    Verdict::Duplicate => Record::Duplicate,
                    Verdict::Corrupt => Record::Corrupt,
                };
                self.tell(answer.at, target, (kind, answer.into()), output);
            }
            Event::Error(error) => {
                let reason = phrase(&error.error, &mut Addresses::new(&self.style, None));
                let kind = if error.notice {
                    Record::Notice
                } else {
                    self.open.remove(&(target, error.seq));
                    Record::Error
                };
                self.tell(error.at, target, (kind, Told::new(error, reason)), output);
            }
        }
    }

    /// The next lines about targets, in the order in which they were named; how far that comes.
    fn some_targets(&self, mut entry: usize, mut done: u32, output: &mut Output<'_>) -> Option<(usize, u32)> {
        for _ in 0..PART {
            let named = self.roster.entries().get(entry)?;
            let target = named.targets.start + done;
            if named.targets.contains(&target)
                && let Some(row) = self.board.row(target)
                && let Some(record) = self.of(target, named.name.as_deref(), row.into())
            {
                say(self.last, self.epoch, Record::Target(record), output);
            }
            done += 1;
            if target + 1 >= named.targets.end {
                (entry, done) = (entry + 1, 0);
            }
        }
        Some((entry, done))
    }

    fn summary(&self) -> Summary {
        let totals = &self.board.totals;
        Summary {
            targets: self.targets.len(),
            answered: totals.answered,
            silent: totals.asked - totals.answered,
            not_asked: self.targets.len() - totals.asked,
            unknown: self.roster.unknown(),
            transmitted: totals.sent,
            received: totals.received,
            duplicates: totals.duplicates,
            corrupted: totals.corrupted,
            errors: totals.icmp_errors,
            not_sent: totals.not_sent,
            in_flight: totals.out,
            loss_pct: loss(totals.lost(), totals.received),
            time_ms: self.first.map_or(0.0, |first| millis(self.left.since(first))),
            rtt: Rtt::of(&totals.rtt, None),
            clocks: totals.timings.into(),
        }
    }
}

impl ManyReport for JsonMany {
    fn start(&mut self, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        let (targets, unknown, bytes) = (self.targets.len(), self.roster.unknown(), self.style.size);
        say(Instant::ZERO, epoch, Record::Start { command: "ping", targets, unknown, bytes }, output);
        for entry in self.roster.entries().iter().filter(|entry| entry.targets.is_empty()) {
            if let Some(host) = &entry.name {
                say(Instant::ZERO, epoch, Record::Unknown { host }, output);
            }
        }
    }

    fn board(&self) -> &Board {
        &self.board
    }

    fn roster(&self) -> &Roster {
        &self.roster
    }

    fn more(&mut self, output: &mut Output<'_>) -> bool {
        match self.end {
            End::NotYet => {
                // An answer may still come to the newest.
                while let Some(((target, _), _)) = self.open.first_key_value() {
                    let target = *target;
                    let spared = self.board.row(target).map_or(0, |row| row.out);
                    self.give_up(target, usize::try_from(spared).unwrap_or(usize::MAX), output);
                }
                self.end = End::Targets(0, 0);
            }
            End::Targets(entry, done) => {
                self.end = match self.some_targets(entry, done, output) {
                    Some((entry, done)) => End::Targets(entry, done),
                    None => {
                        say(self.last, self.epoch, Record::Summary(self.summary()), output);
                        End::Said
                    }
                };
            }
            End::Said => return false,
        }
        true
    }
}

impl Report for JsonMany {
    type Event = Event;

    fn event(&mut self, event: &Event, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        self.board.add(event);
        self.last = event.at();
        self.probe(event.target(), event, output);
    }

    fn status(&self, output: &mut Output<'_>) {
        text::many::status(&self.board, self.targets.len(), output);
    }

    fn finish(&mut self, output: &mut Output<'_>) {
        while self.more(output) {}
    }
}

/// Lost of those whose fate is known, in percent.
fn loss(lost: u64, received: u64) -> Option<f64> {
    let known = lost.saturating_add(received);
    (known > 0).then(|| lost as f64 * 100.0 / known as f64)
}
