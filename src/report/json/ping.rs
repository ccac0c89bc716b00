//! A ping as JSON Lines.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::Serialize;

use super::{Answered, Clocks, NotSent, Timeout, Told, family, millis, nanos, say};
use crate::clock::{Epoch, Instant};
use crate::engine::ping::event::{Answer, Event, Verdict};
use crate::output::Output;
use crate::report::Report;
use crate::report::addresses::Addresses;
use crate::report::phrases::phrase;
use crate::report::style::Style;
use crate::report::text::summary;
use crate::stats::{Jitter, Tally};

/// Significant digits of the percentiles.
const DIGITS: u8 = 3;

/// Tells one run.
#[derive(Debug)]
pub struct JsonPing {
    style: Style,
    interval: Duration,
    tally: Tally,
    jitter: Jitter,
    /// Round-trip times in nanoseconds, for the percentiles.
    rtts: Histogram<u64>,
    /// Probes without an answer, by sequence number, and when they left: at most as many as there are numbers.
    open: BTreeMap<u16, Instant>,
    epoch: Epoch,
    last: Instant,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Record<'a> {
    Start {
        command: &'static str,
        host: &'a str,
        addr: IpAddr,
        family: u8,
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<IpAddr>,
        bytes: usize,
        interval_ms: f64,
    },
    Reply(Answered),
    Duplicate(Answered),
    Corrupt(Answered),
    Error(Told),
    Notice(Told),
    NotSent(NotSent),
    Timeout(Timeout),
    Summary {
        host: &'a str,
        addr: IpAddr,
        transmitted: u64,
        received: u64,
        duplicates: u64,
        corrupted: u64,
        errors: u64,
        not_sent: u64,
        #[serde(skip_serializing_if = "Option::is_none")]
        loss_pct: Option<f64>,
        time_ms: f64,
        #[serde(skip_serializing_if = "Option::is_none")]
        rtt: Option<Rtt>,
        clocks: Clocks,
    },
}

#[derive(Serialize)]
struct Rtt {
    min_ms: f64,
    avg_ms: f64,
    max_ms: f64,
    mdev_ms: f64,
    p50_ms: f64,
    p90_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    jitter_ms: f64,
}

impl JsonPing {
    /// A report about a run in a style, whose probes go `interval` apart.
    pub fn new(style: Style, interval: Duration) -> Self {
        // Fails for more than five digits only; the range grows by itself.
        let mut rtts = Histogram::new(DIGITS).unwrap_or_else(|_| unreachable!("{DIGITS} digits"));
        rtts.auto(true);
        Self {
            style,
            interval,
            tally: Tally::default(),
            jitter: Jitter::default(),
            rtts,
            open: BTreeMap::new(),
            epoch: Epoch::default(),
            last: Instant::ZERO,
        }
    }

    /// The account so far.
    pub fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The first line.
    pub fn start(&mut self, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        let Style { ref name, target, source, size, .. } = self.style;
        let interval_ms = millis(self.interval);
        let (command, family) = ("ping", family(target));
        let record =
            Record::Start { command, host: name, addr: target, family, source, bytes: size, interval_ms };
        say(Instant::ZERO, epoch, record, output);
    }

    /// Says a line that a quiet run does without.
    fn tell(&self, at: Instant, record: Record<'_>, output: &mut Output<'_>) {
        if !self.style.quiet {
            say(at, self.epoch, record, output);
        }
    }

    fn answer(&mut self, answer: &Answer, output: &mut Output<'_>) {
        let record = Answered::from(answer);
        let record = match answer.verdict {
            Verdict::Received => {
                self.open.remove(&answer.seq);
                self.jitter.add(answer.rtt);
                // Fails only where the histogram cannot grow any more: at centuries.
                let _ = self.rtts.record(u64::try_from(answer.rtt.as_nanos()).unwrap_or(u64::MAX));
                Record::Reply(record)
            }
            Verdict::Duplicate => Record::Duplicate(record),
            Verdict::Corrupt => Record::Corrupt(record),
        };
        self.tell(answer.at, record, output);
    }

    /// Tells a probe that was never answered.
    fn timeout(&self, seq: u16, sent: Instant, output: &mut Output<'_>) {
        let record = Record::Timeout(Timeout::new(seq, sent, self.epoch));
        self.tell(self.last, record, output);
    }

    fn rtt(&self) -> Option<Rtt> {
        let moments = &self.tally.rtt;
        let percentile = |percent| nanos(self.rtts.value_at_percentile(percent).min(moments.max()));
        (moments.count() > 0).then(|| Rtt {
            min_ms: nanos(moments.min()),
            avg_ms: nanos(moments.mean()),
            max_ms: nanos(moments.max()),
            mdev_ms: nanos(moments.deviation()),
            p50_ms: percentile(50.0),
            p90_ms: percentile(90.0),
            p95_ms: percentile(95.0),
            p99_ms: percentile(99.0),
            jitter_ms: millis(self.jitter.value()),
        })
    }
}

impl Report for JsonPing {
    type Event = Event;

    fn event(&mut self, event: &Event, epoch: Epoch, output: &mut Output<'_>) {
        (self.epoch, self.last) = (epoch, event.at());
        self.tally.add(event);
        match event {
            Event::Sent { at, seq, .. } => {
                if let Some(sent) = self.open.insert(*seq, *at) {
                    self.timeout(*seq, sent, output);
                }
            }
            Event::NotSent { at, seq, fault, .. } => {
                self.tell(*at, Record::NotSent(NotSent::new(*seq, *fault)), output);
            }
            Event::Unanswered { .. } | Event::Lost { .. } => {}
            Event::Answer(answer) => self.answer(answer, output),
            Event::Error(error) => {
                let reason = phrase(&error.error, &mut Addresses::new(&self.style, None));
                let told = Told::new(error, reason);
                let record = if error.notice {
                    Record::Notice(told)
                } else {
                    self.open.remove(&error.seq);
                    Record::Error(told)
                };
                self.tell(error.at, record, output);
            }
        }
    }

    fn status(&self, output: &mut Output<'_>) {
        summary::status(&self.tally, output);
    }

    fn finish(&mut self, output: &mut Output<'_>) {
        for (seq, sent) in std::mem::take(&mut self.open) {
            self.timeout(seq, sent, output);
        }
        let tally = &self.tally;
        let record = Record::Summary {
            host: &self.style.name,
            addr: self.style.target,
            transmitted: tally.attempted(),
            received: tally.received,
            duplicates: tally.duplicates,
            corrupted: tally.corrupted,
            errors: tally.errors(),
            not_sent: tally.not_sent,
            loss_pct: loss(tally),
            time_ms: millis(tally.sending_time()),
            rtt: self.rtt(),
            clocks: tally.timings.into(),
        };
        say(self.last, self.epoch, record, output);
    }
}

/// Probes without a sound answer, in percent of those that were due.
fn loss(tally: &Tally) -> Option<f64> {
    let missing = tally.attempted().saturating_sub(tally.received);
    (tally.attempted() > 0).then(|| missing as f64 * 100.0 / tally.attempted() as f64)
}
