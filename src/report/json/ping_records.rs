//! The records of a ping.

use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;

use super::fields::{ClockCounts, millis, nanos};
use super::records::{IcmpErrorRecord, NotSentRecord, ReplyRecord, ResolvedRecord, TimeoutRecord};
use crate::report::addresses::numeric;
use crate::report::hosts::HostLabel;
use crate::stats::{Figures, Row};

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum PingRecord {
    Start(Start),
    Reply(Of<ReplyRecord>),
    Duplicate(Of<ReplyRecord>),
    Corrupt(Of<ReplyRecord>),
    Error(Of<IcmpErrorRecord>),
    Notice(Of<IcmpErrorRecord>),
    NotSent(Of<NotSentRecord>),
    Timeout(Of<TimeoutRecord>),
    Resolved(Of<ResolvedRecord>),
    Window(Window),
    Target(Of<TargetRecord>),
    Summary(Summary),
}

#[derive(Serialize)]
pub(super) struct Start {
    pub(super) command: &'static str,
    #[serde(flatten)]
    pub(super) host: Option<Host>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) family: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) source: Option<IpAddr>,
    pub(super) targets: u64,
    pub(super) unknown: u32,
    pub(super) data_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interval_ms: Option<f64>,
}

/// A target.
#[derive(Serialize)]
pub(super) struct Host {
    pub(super) host: String,
    pub(super) addr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) label: Option<String>,
}

impl Host {
    /// A target, on the link `zone` where its address is link-local.
    pub(super) fn new(label: HostLabel<'_>, zone: Option<&str>) -> Self {
        let note = label.note.map(str::to_owned);
        Self { host: label.host(), addr: numeric(label.address.ip(), zone), label: note }
    }
}

/// A record about a target.
#[derive(Serialize)]
pub(super) struct Of<R> {
    #[serde(flatten)]
    pub(super) host: Host,
    #[serde(flatten)]
    pub(super) record: R,
}

/// The account of a target, or of all.
#[derive(Serialize)]
pub(super) struct Counts {
    pub(super) transmitted: u64,
    pub(super) received: u64,
    pub(super) not_sent: u64,
    pub(super) in_flight: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) loss_pct: Option<f64>,
    pub(super) loss_burst: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rtt: Option<Rtt>,
}

/// A target at the end of a run.
#[derive(Serialize)]
pub(super) struct TargetRecord {
    /// The name had this address, and has it no more.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) former: bool,
    #[serde(flatten)]
    pub(super) counts: Counts,
}

/// A window of one target, or of all.
#[derive(Serialize)]
pub(super) struct Window {
    #[serde(flatten)]
    pub(super) host: Option<Host>,
    /// As in a target.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) former: bool,
    pub(super) window_ms: f64,
    #[serde(flatten)]
    pub(super) all: Option<AllTargets>,
    pub(super) transmitted: u64,
    pub(super) received: u64,
    pub(super) lost: u64,
    pub(super) late: u64,
    pub(super) not_sent: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) loss_pct: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) rtt: Option<Rtt>,
}

/// What only a window of all targets has.
#[derive(Serialize)]
pub(super) struct AllTargets {
    pub(super) targets: u64,
    pub(super) answered: u32,
    pub(super) silent: u32,
    pub(super) duplicates: u64,
    pub(super) corrupted: u64,
    pub(super) errors: u64,
}

impl Window {
    pub(super) fn new(figures: &dyn Figures, jitter: Option<Duration>, length: Duration) -> Self {
        Self {
            host: None,
            former: false,
            window_ms: millis(length),
            all: None,
            transmitted: figures.sent(),
            received: figures.received(),
            lost: figures.lost(),
            late: figures.late(),
            not_sent: figures.not_sent(),
            loss_pct: figures.loss().map(|loss| loss.percent()),
            rtt: Rtt::new(figures, None).map(|rtt| Rtt { jitter_ms: jitter.map(millis), ..rtt }),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Summary {
    #[serde(flatten)]
    pub(super) host: Option<Host>,
    pub(super) targets: u64,
    pub(super) answered: u32,
    pub(super) silent: u32,
    pub(super) not_asked: u32,
    pub(super) unknown: u32,
    #[serde(flatten)]
    pub(super) counts: Counts,
    pub(super) duplicates: u64,
    pub(super) corrupted: u64,
    pub(super) errors: u64,
    pub(super) time_ms: f64,
    pub(super) clocks: ClockCounts,
}

#[derive(Serialize)]
pub(super) struct Rtt {
    pub(super) min_ms: f64,
    pub(super) avg_ms: f64,
    pub(super) max_ms: f64,
    pub(super) mdev_ms: f64,
    p50_ms: f64,
    p90_ms: f64,
    p95_ms: f64,
    p99_ms: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) jitter_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) diff_avg_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) diff_max_ms: Option<f64>,
}

impl Rtt {
    /// `only`: the target, if the times are of one.
    pub(super) fn new(figures: &dyn Figures, only: Option<&Row>) -> Option<Self> {
        let (rtt, percentile) = (figures.rtt(), |percent| figures.percentile(percent));
        let neighbours = only.map(Row::neighbours);
        Some(Self {
            min_ms: nanos(rtt.min()),
            avg_ms: nanos(rtt.mean()),
            max_ms: nanos(rtt.max()),
            mdev_ms: nanos(rtt.deviation()),
            p50_ms: nanos(percentile(50)?),
            p90_ms: nanos(percentile(90)?),
            p95_ms: nanos(percentile(95)?),
            p99_ms: nanos(percentile(99)?),
            jitter_ms: neighbours.map(|times| millis(times.jitter())),
            diff_avg_ms: neighbours.and_then(|times| times.mean()).map(nanos),
            diff_max_ms: neighbours.and_then(|times| times.max()).map(nanos),
        })
    }
}

impl Counts {
    /// `burst`: the longest run of losses. `only`: the target, if the times are of one.
    pub(super) fn new(figures: &dyn Figures, burst: u32, only: Option<&Row>) -> Self {
        Self {
            transmitted: figures.sent(),
            received: figures.received(),
            not_sent: figures.not_sent(),
            in_flight: figures.in_flight(),
            loss_pct: figures.loss().map(|loss| loss.percent()),
            loss_burst: burst,
            rtt: Rtt::new(figures, only),
        }
    }
}
