//! When a run is over, and how long an answer may take.

use std::time::Duration;

use super::config::{Config, TargetState};
use super::flight::Flight;
use super::pace::Pacing;
use crate::clock::Instant;

/// How long an answer may take at least, where nothing else is known (the initial RTO of RFC 6298 section 2.1).
const PATIENCE: Duration = Duration::from_secs(1);

/// The least time that an answer may take where the end of all answers is waited for, and some came. Linux does not send a
/// TCP segment again earlier either (`TCP_RTO_MIN`).
const PROMPT: Duration = Duration::from_millis(200);

/// The least time that the last probes of a flood have to be answered.
const FLOOD_PATIENCE: Duration = Duration::from_millis(100);

/// As long as the last probes are waited for at most because of answers that came after the last one left (`MAXWAIT` of
/// iputils). Else each later answer could make the wait twice as long.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// So long after its first probe a target of many is waited for that has not answered at all: as long as in a sweep with the
/// waits of fping (0.5, 0.75, 1.125 and 1.6875 seconds). One target is waited for ten seconds, as by iputils.
const FIRST_ANSWER: Duration = Duration::from_millis(4_000);

/// The end of a run, and the little that it counts.
#[derive(Debug)]
pub struct Finish {
    classic: bool,
    flood: bool,
    retry: bool,
    count: Option<u64>,
    deadline: Option<Instant>,
    linger: Option<Duration>,
    /// After how long a probe is lost, where that is given, and at least, where it is not.
    patience: Option<Duration>,
    least: Duration,
    /// The same, and how long the last probes are waited for.
    timeout: Option<Duration>,
    /// Whether the run waits for targets that answered to be down. Then a probe is lost earlier, unless that time is given.
    prompt: bool,
    enough: Option<u32>,
    /// Whether ICMP errors end nothing.
    keep_going: bool,
    /// When the last probe left.
    last_left: Instant,
    /// Probes answered.
    answered: u64,
    /// Probes that an ICMP error was about, and that were not answered all the same.
    failed: u64,
    /// Targets that were sent a probe, and when the last of these was sent its first one.
    begun: u32,
    newest_begun: Instant,
    /// Targets that answered.
    reached: u32,
    /// The longest round-trip time of a first answer.
    longest: Duration,
    /// The same when the last probe left.
    longest_then: Duration,
    /// When the wait for what is still in flight ends, once the run is to stop.
    stopping: Option<Instant>,
    over: bool,
    natural: bool,
}

impl Finish {
    /// The end of a run that begins at `start`.
    pub fn new(config: &Config, start: Instant) -> Self {
        let least = match config.pacing {
            // A probe is waited for as long as its target's last one.
            Pacing::Retry { timeout, backoff, retries, .. } => backoff.wait(timeout, retries).max(PATIENCE),
            Pacing::Rounds { .. } | Pacing::Flood { .. } | Pacing::Adaptive { .. } => PATIENCE,
        };
        Self {
            classic: config.classic,
            flood: config.pacing.is_flood(),
            retry: config.pacing.is_retry(),
            count: config.count,
            deadline: config.deadline.map(|deadline| start + deadline),
            linger: config.linger,
            patience: config.limits.timeout.or(config.patience),
            least,
            timeout: config.limits.timeout,
            prompt: config.limits.until.is_some_and(|until| until.state == TargetState::Down),
            enough: config.enough,
            keep_going: config.limits.keep_going,
            last_left: start,
            answered: 0,
            failed: 0,
            begun: 0,
            newest_begun: start,
            reached: 0,
            longest: Duration::ZERO,
            longest_then: Duration::ZERO,
            stopping: None,
            over: false,
            natural: false,
        }
    }

    /// Whether nothing more is to be sent.
    pub fn sends_no_more(&self) -> bool {
        self.over || self.stopping.is_some()
    }

    /// Whether the run is over.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// Whether it came to its own end, so that no answer is waited for any more.
    pub fn is_natural(&self) -> bool {
        self.natural
    }

    /// With a count and a deadline a classic run goes on until so many probes are *answered*: once as many are in flight
    /// or answered, a further probe leaves only for one that has been silent for too long. `None`: no such rule.
    pub fn replacement_due(&self, flight: &Flight, interval: Duration) -> Option<Instant> {
        let count = self.count.filter(|_| self.classic && self.deadline.is_some())?;
        let wanted = count.saturating_sub(self.answered);
        let usual = || if self.answered > 0 { self.allowance(interval) } else { PATIENCE };
        let patience = self.timeout.unwrap_or_else(usual);
        flight.nth_unanswered(wanted).map(|sent| sent + patience)
    }

    /// Whether the pace is to end after the count, and not this.
    pub fn counts_probes(&self) -> bool {
        !(self.classic && self.deadline.is_some())
    }

    /// How long an answer may take in a classic run, judged by those that came.
    fn allowance(&self, interval: Duration) -> Duration {
        let least = if self.flood { FLOOD_PATIENCE } else { interval };
        self.twice_longest().max(least)
    }

    /// How long the last answers may take in a run of many targets, counted from when the last probe left.
    fn many_allowance(&self) -> Duration {
        let usual = self.twice_longest().max(PATIENCE);
        let first = (self.newest_begun + FIRST_ANSWER).since(self.last_left);
        if self.begun > self.reached { usual.max(first) } else { usual }
    }

    /// Twice the longest round-trip time, as far as it may make the wait longer.
    fn twice_longest(&self) -> Duration {
        let allowed = self.longest_then.saturating_mul(2).max(LONGEST_WAIT);
        self.longest.saturating_mul(2).min(allowed)
    }

    /// After how long without an answer a probe is lost.
    pub fn patience(&self) -> Duration {
        let usual = || self.longest.saturating_mul(2).max(self.least);
        self.patience.unwrap_or_else(|| match self.prompt && self.answered > 0 {
            true => self.longest.saturating_mul(4).max(PROMPT).min(usual()),
            false => usual(),
        })
    }

    /// Whether the time of a probe was up when its answer came, where that time is given.
    pub fn is_overdue(&self, sent: Instant, answered: Instant) -> bool {
        self.timeout.is_some_and(|timeout| answered.since(sent) > timeout)
    }

    /// When no answer is waited for any more; `all_sent`: nothing more is to be sent.
    fn settled(&self, flight: &Flight, interval: Duration, all_sent: bool) -> Option<Instant> {
        // With a timeout, until each of the last probes is answered or lost.
        let timeout = self.timeout.map(|timeout| if flight.open() > 0 { timeout } else { Duration::ZERO });
        let wait = match self.classic {
            _ if !all_sent => return None,
            _ if self.retry || flight.unanswered() == 0 => Duration::ZERO,
            true if self.answered > 0 => timeout.unwrap_or_else(|| self.allowance(interval)),
            true => self.linger?,
            false => self.linger.or(timeout).unwrap_or_else(|| self.many_allowance()),
        };
        Some(self.last_left + wait)
    }

    /// When the run ends, as things stand.
    pub fn end(&self, flight: &Flight, interval: Duration, all_sent: bool) -> Option<Instant> {
        match self.stopping {
            Some(_) if flight.open() == 0 => Some(Instant::ZERO),
            // After the deadline a flood waits for the probes in flight.
            Some(until) if self.classic => Some(until),
            Some(until) => Some(self.deadline.map_or(until, |deadline| deadline.min(until))),
            None => [self.settled(flight, interval, all_sent), self.deadline].into_iter().flatten().min(),
        }
    }

    /// Ends the run if its time has come.
    pub fn expire(&mut self, now: Instant, flight: &Flight, interval: Duration, all_sent: bool) {
        let passed = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if self.over {
            return;
        }
        if self.stopping.is_none() && passed(self.settled(flight, interval, all_sent)) {
            (self.over, self.natural) = (true, true);
        } else if self.stopping.is_none() && passed(self.deadline) {
            self.stop(flight, interval, true);
        }
        self.over = self.over || passed(self.end(flight, interval, all_sent));
        let enough = self.count.filter(|_| !self.counts_probes());
        let failed = if self.keep_going { 0 } else { self.failed };
        if enough.is_some_and(|count| self.answered.saturating_add(failed) >= count) {
            (self.over, self.natural) = (true, true);
        }
    }

    /// Ends the run, at the user's wish or at its deadline: at once, or when what is in flight had its time.
    pub fn stop(&mut self, flight: &Flight, interval: Duration, deadline: bool) {
        let waits = match self.classic {
            true => self.flood && self.answered > 0 && flight.open() > 0,
            false => !deadline,
        };
        let allowance = if self.classic { self.allowance(interval) } else { self.twice_longest() };
        if waits && self.stopping.is_none() {
            self.stopping = Some(self.last_left + allowance.min(PATIENCE));
        } else if self.classic || deadline {
            self.over = true;
        }
    }

    /// Ends the run: what was waited for has come.
    pub fn conclude(&mut self) {
        self.over = true;
    }

    /// A target is sent its first probe, which left at `at`.
    pub fn begun(&mut self, at: Instant) {
        (self.begun, self.newest_begun) = (self.begun.saturating_add(1), at);
    }

    /// A probe left, or could not, at `at`.
    pub fn departed(&mut self, at: Instant) {
        self.last_left = self.last_left.max(at);
        self.longest_then = self.longest;
    }

    /// The first valid answer to a probe came, which an error may have been about before; `first`: from its target.
    pub fn answered(&mut self, rtt: Duration, failed_before: bool, first: bool) {
        self.longest = self.longest.max(rtt);
        self.answered = self.answered.saturating_add(1);
        self.failed = self.failed.saturating_sub(u64::from(failed_before));
        self.reached = self.reached.saturating_add(u32::from(first));
        self.over = self.over || self.is_enough();
    }

    /// Whether as many targets have answered as are enough.
    pub fn is_enough(&self) -> bool {
        self.enough.is_some_and(|enough| self.reached >= enough)
    }

    /// The first error about a probe came. A classic run with a deadline ends (`ping -w`), unless it is to go on.
    pub fn failed(&mut self) {
        self.failed = self.failed.saturating_add(1);
        self.over = self.over || (self.classic && self.deadline.is_some() && !self.keep_going);
    }
}
