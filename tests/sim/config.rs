//! What tests request of a ping: the options of one host, and those of many, each with names of their own.

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::rc::Rc;
use std::time::Duration;

use rping::engine::ping::{self, Limits, Targets};
use rping::probe::{Method, Payload};

/// How the probes to one host follow one another.
#[derive(Clone, Copy, Debug)]
pub struct Pacing {
    /// Zero: a flood.
    pub interval: Duration,
    /// The interval follows the round-trip time, but not below this.
    pub adaptive: Option<Duration>,
    pub preload: u64,
}

/// A ping of one host.
#[derive(Clone, Debug)]
pub struct Config {
    pub target: SocketAddr,
    pub method: Method,
    pub payload: Payload,
    pub count: Option<u64>,
    pub pacing: Pacing,
    pub deadline: Option<Duration>,
    pub linger: Option<Duration>,
    pub report_unanswered: bool,
    pub many_responders: bool,
    pub anycast: bool,
    pub sampled: bool,
    pub millis_of_day: u32,
    pub limits: Limits,
    pub enough: Option<u32>,
}

impl From<Config> for ping::Config {
    fn from(one: Config) -> Self {
        let Pacing { interval, adaptive, preload } = one.pacing;
        let mut targets = Targets::default();
        targets.add(one.target, 1);
        Self {
            targets: Rc::new(targets),
            names: 0,
            method: one.method,
            payload: one.payload,
            pacing: match adaptive {
                Some(floor) => ping::Pacing::Adaptive { interval, floor, preload },
                None if interval.is_zero() => ping::Pacing::Flood { preload },
                None => ping::Pacing::Rounds { interval, preload, rate: None },
            },
            count: one.count,
            window: 256,
            classic: true,
            deadline: one.deadline,
            linger: one.linger,
            patience: None,
            timeout_decides: false,
            enough: one.enough,
            limits: one.limits,
            report_unanswered: one.report_unanswered,
            many_responders: one.many_responders,
            anycast: one.anycast,
            sampled: one.sampled,
            millis_of_day: one.millis_of_day,
        }
    }
}

/// What is requested of each of many hosts.
#[derive(Clone, Copy, Debug)]
pub enum Demand {
    /// So many probes, answered or not.
    Probes { count: u64, interval: Duration },
    /// Probes until the deadline or a signal.
    Endless { interval: Duration },
    /// One answer.
    Answer { timeout: Duration, retries: u32 },
}

/// A ping of many hosts.
#[derive(Clone, Debug)]
pub struct ManyConfig {
    pub targets: Rc<Targets>,
    /// Names with lookups that end during the run.
    pub names: u32,
    pub method: Method,
    pub payload: Payload,
    pub demand: Demand,
    pub rate: Option<NonZeroU64>,
    pub window: u64,
    pub linger: Option<Duration>,
    pub deadline: Option<Duration>,
    /// The linger is also the time after which a probe is finally lost.
    pub timeout_decides: bool,
    pub enough: Option<u32>,
    pub millis_of_day: u32,
    pub limits: Limits,
}

impl ManyConfig {
    /// Echo requests, a thousand a second.
    pub fn new(targets: Rc<Targets>, demand: Demand) -> Self {
        Self {
            targets,
            names: 0,
            method: Method::Echo,
            payload: Payload::new(56, None),
            demand,
            rate: NonZeroU64::new(1_000),
            window: 256,
            linger: None,
            deadline: None,
            timeout_decides: false,
            enough: None,
            millis_of_day: 0,
            limits: Limits::default(),
        }
    }
}

impl From<ManyConfig> for ping::Config {
    fn from(many: ManyConfig) -> Self {
        let rate = many.rate.map(ping::ProbeRate::per_second);
        let (pacing, count) = match many.demand {
            Demand::Probes { count, interval } => {
                (ping::Pacing::Rounds { interval, preload: 1, rate }, Some(count))
            }
            Demand::Endless { interval } => (ping::Pacing::Rounds { interval, preload: 1, rate }, None),
            Demand::Answer { timeout, retries } => {
                let (backoff, after_fault) = (ping::Backoff::ONE_HALF, true);
                (ping::Pacing::Retry { timeout, backoff, retries, after_fault, rate }, None)
            }
        };
        Self {
            targets: many.targets,
            names: many.names,
            method: many.method,
            payload: many.payload,
            pacing,
            count,
            window: many.window,
            classic: false,
            deadline: many.deadline,
            linger: many.linger,
            patience: many.linger.filter(|_| !pacing.is_retry()),
            timeout_decides: many.timeout_decides,
            enough: many.enough,
            limits: many.limits,
            report_unanswered: false,
            many_responders: false,
            anycast: false,
            sampled: false,
            millis_of_day: many.millis_of_day,
        }
    }
}
