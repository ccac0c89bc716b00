//! The plan of a ping: when the next probe goes, and when the run is over.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::clock::Instant;
use crate::engine::ping::flight::Flight;
use crate::engine::ping::judge::Asked;
use crate::engine::ping::pace::{Pace, Pacing};
use crate::probe::{Method, Payload};

/// With a count and a deadline, a probe that is silent for this long is replaced by a further one,
/// while no round-trip time is known (the initial RTO of RFC 6298 section 2.1).
const PATIENCE: Duration = Duration::from_secs(1);

/// The least time that the last probes of a flood have to be answered.
const FLOOD_PATIENCE: Duration = Duration::from_millis(100);

/// Probes that a flood has in flight at most: a batch, and no more answers than half of the receive buffer
/// that the kernel grants anyone holds (net.core.rmem_default), with what it takes beside the data of each.
fn most_in_flood(payload: &Payload) -> u64 {
    const BATCH: usize = 64;
    let octets = payload.octets().len().saturating_add(768);
    let most = 106_496_usize.checked_div(octets).unwrap_or(1).clamp(1, BATCH);
    u64::try_from(most).unwrap_or(1)
}

/// What a ping is asked to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whom to ask; port 0.
    pub target: SocketAddr,
    /// What to ask.
    pub method: Method,
    /// Data of an echo request.
    pub payload: Payload,
    /// Stop after so many probes (with a deadline: after so many answers).
    pub count: Option<u64>,
    /// How probes follow one another.
    pub pacing: Pacing,
    /// End the run after this long, whatever happened.
    pub deadline: Option<Duration>,
    /// How long to wait after the last probe while nothing at all was answered; `None`: for ever.
    pub linger: Option<Duration>,
    /// Say so when the next probe leaves and the newest one has no answer yet.
    pub report_unanswered: bool,
    /// Whether many may answer one probe (multicast, broadcast), so that no address is the wrong one.
    pub many_responders: bool,
    /// Whether anyone may answer for the target (subnet-router anycast).
    pub anycast: bool,
    /// Wall-clock time of day at [`Instant::ZERO`], in milliseconds since midnight UT.
    pub millis_of_day: u32,
}

impl Config {
    /// The address asked, without its scope.
    pub fn dst(&self) -> IpAddr {
        self.target.ip()
    }

    /// What an answer must match.
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            dst: self.dst(),
            method: self.method,
            payload: &self.payload,
            anyone: self.many_responders || self.anycast,
        }
    }
}

/// The plan, and the little that it counts.
#[derive(Debug)]
pub struct Plan {
    count: Option<u64>,
    deadline: Option<Instant>,
    linger: Option<Duration>,
    pace: Pace,
    /// When the last probe left.
    last_left: Instant,
    /// Probes answered.
    answered: u64,
    /// Probes that an ICMP error was about, and that were not answered all the same.
    failed: u64,
    /// Probes that never left this machine.
    not_sent: u64,
    /// The longest round-trip time.
    longest: Duration,
    /// When the wait for what is still in flight ends, once a flood is to stop.
    stopping: Option<Instant>,
    over: bool,
}

impl Plan {
    /// The plan of a run that begins at `start`.
    pub fn new(config: &Config, start: Instant) -> Self {
        Self {
            count: config.count,
            deadline: config.deadline.map(|deadline| start + deadline),
            linger: config.linger,
            pace: Pace::new(config.pacing, most_in_flood(&config.payload), start),
            last_left: start,
            answered: 0,
            failed: 0,
            not_sent: 0,
            longest: Duration::ZERO,
            stopping: None,
            over: false,
        }
    }

    /// When the next probe is due; `None` when there is none to come, as things stand.
    pub fn due(&self, flight: &Flight) -> Option<Instant> {
        if self.over || self.stopping.is_some() {
            return None;
        }
        let due = self.pace.due(flight.in_flight());
        match (self.count, self.deadline) {
            (Some(count), None) => (flight.newest() < count).then_some(due),
            (Some(count), Some(_)) => Some(due.max(self.replacement_due(count, flight))),
            (None, _) => Some(due),
        }
    }

    /// With a count and a deadline the run goes on until so many are *answered*: once as many are out
    /// or answered, a further probe leaves only for one that has been silent for too long.
    fn replacement_due(&self, count: u64, flight: &Flight) -> Instant {
        let wanted = count.saturating_sub(self.answered);
        flight.nth_open(wanted).map_or(Instant::ZERO, |sent| sent + self.patience())
    }

    fn patience(&self) -> Duration {
        if self.answered > 0 { self.allowance() } else { PATIENCE }
    }

    /// How long an answer may take, judged by those that came.
    fn allowance(&self) -> Duration {
        let least = if self.pace.is_flood() { FLOOD_PATIENCE } else { self.pace.interval() };
        self.longest.saturating_mul(2).max(least)
    }

    /// When the run ends by itself, as things stand.
    pub fn end(&self, flight: &Flight) -> Option<Instant> {
        if self.stopping.is_some() {
            return self.stopping;
        }
        let all_out = self.deadline.is_none() && self.count.is_some_and(|count| flight.newest() >= count);
        let wait = if self.answered > 0 { Some(self.allowance()) } else { self.linger };
        let lingered = wait.filter(|_| all_out).map(|wait| self.last_left + wait);
        [self.deadline, lingered].into_iter().flatten().min()
    }

    /// Ends the run if its time has come.
    pub fn expire(&mut self, now: Instant, flight: &Flight) {
        let due = self.end(flight).is_some_and(|end| end <= now);
        if due && self.stopping.is_none() && self.deadline.is_some_and(|deadline| deadline <= now) {
            self.stop(flight);
        } else {
            self.over = self.over || due || (self.stopping.is_some() && flight.open() == 0);
        }
    }

    /// Notes that a probe is on its way out, when so many were in flight.
    pub fn left(&mut self, now: Instant, in_flight: u64) {
        self.last_left = now;
        self.pace.left(now, in_flight);
    }

    /// Notes that a probe did leave.
    pub fn departed(&mut self, at: Instant) {
        self.last_left = self.last_left.max(at);
        self.pace.departed(at, false);
    }

    /// Notes that a probe could not leave. With a deadline the run goes on: what is wrong here may pass.
    pub fn not_left(&mut self, at: Instant) {
        self.last_left = self.last_left.max(at);
        self.pace.departed(at, true);
        self.not_sent = self.not_sent.saturating_add(1);
        self.settle();
    }

    /// Notes a round-trip time.
    pub fn learn(&mut self, rtt: Duration) {
        self.longest = self.longest.max(rtt);
        self.pace.learn(rtt);
    }

    /// Notes the first answer to a probe, which an error may have been about before.
    pub fn answered(&mut self, failed_before: bool) {
        self.answered = self.answered.saturating_add(1);
        self.failed = self.failed.saturating_sub(u64::from(failed_before));
        self.settle();
    }

    /// Notes the first error about a probe. With a deadline the first one ends the run (`ping -w`).
    pub fn failed(&mut self) {
        self.failed = self.failed.saturating_add(1);
        self.over = self.over || self.deadline.is_some();
        self.settle();
    }

    fn settle(&mut self) {
        let mut settled = self.answered.saturating_add(self.failed);
        if self.deadline.is_none() {
            settled = settled.saturating_add(self.not_sent);
        }
        self.over = self.over || self.count.is_some_and(|count| settled >= count);
    }

    /// Ends the run; a flood, once what is in flight had the time to be answered.
    pub fn stop(&mut self, flight: &Flight) {
        let wait = self.pace.is_flood() && self.answered > 0 && flight.open() > 0;
        if wait && self.stopping.is_none() {
            self.stopping = Some(self.last_left + self.allowance().min(PATIENCE));
        } else {
            self.over = true;
        }
    }

    /// Whether the run is over.
    pub fn is_over(&self) -> bool {
        self.over
    }
}
