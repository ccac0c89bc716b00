//! Many targets in one run, every probe of each accounted for.
//!
//! The key of a probe is its target's address and its sequence number; the token says whose a reply is, as
//! for one target. What a target needs is fixed and small, and a probe needs no allocation.

mod flight;
mod pace;
mod targets;

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU64;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Instant;
use crate::datagram::{Departed, Room, SendFault, Stamped, Transmit};
use crate::engine::Session;
use crate::engine::ping::event::{self, Event, Verdict};
use crate::engine::ping::flight::State;
use crate::engine::ping::judge::{self, Asked};
use crate::engine::reject::{Reject, Rejects};
use crate::probe::{Identity, Method, Payload, Probe};
use crate::reply::{Kind, Reply};
use crate::wire::Family;
use flight::Flight;
pub use pace::Demand;
use pace::{Pace, Turn};
pub use targets::Targets;

/// A probe is remembered for this long at least, so that a late answer is known for what it is.
const MEMORY: Duration = Duration::from_secs(10);

/// How long the last answers are waited for at least, where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long probes wait for room here while none of those that wait can leave. A neighbour that does not answer
/// gives its room back after three seconds; what gives none back for longer than this is stuck.
const STUCK: Duration = Duration::from_secs(10);

/// What a run is asked to do.
#[derive(Debug)]
pub struct Config {
    /// Whom to ask.
    pub targets: Rc<Targets>,
    /// What to ask.
    pub method: Method,
    /// Data of an echo request.
    pub payload: Payload,
    /// What is wanted of each target.
    pub demand: Demand,
    /// Probes a second to all targets together at most; `None`: as fast as they leave.
    pub rate: Option<NonZeroU64>,
    /// Probes out at once at most whose answers may come at any moment: what the receive buffer holds.
    pub window: u64,
    /// How long to wait for answers after the last probe; `None`: twice the longest round-trip time, and a
    /// second at least.
    pub linger: Option<Duration>,
    /// End the run after this long, whatever happened.
    pub deadline: Option<Duration>,
    /// End the run once so many targets have answered.
    pub enough: Option<u32>,
    /// Wall-clock time of day at [`Instant::ZERO`], in milliseconds since midnight UT.
    pub millis_of_day: u32,
}

/// What is known of a target.
#[derive(Clone, Copy, Debug, Default)]
struct Target {
    /// Number of its newest probe; 0 before the first.
    newest: u64,
    /// Place of that in the flight.
    place: u64,
    answered: bool,
    /// Whether an answer came since its newest probe was made: it is there, and its probes are not held back.
    replies: bool,
}

/// One run: accounts for every probe.
#[derive(Debug)]
pub struct Many {
    config: Config,
    /// IPv4's and IPv6's: each socket has an identifier of its own.
    identities: (Identity, Identity),
    targets: Vec<Target>,
    pace: Pace,
    flight: Flight,
    /// Place of the last probe whose fate was told.
    told: u64,
    /// Since when none of the probes that wait for room could leave.
    stuck: Option<(Instant, SendFault)>,
    /// The time, as it was last told.
    now: Instant,
    /// When the last probe left.
    last_left: Instant,
    deadline: Option<Instant>,
    /// Targets that answered.
    answered: u32,
    /// The longest round-trip time.
    longest: Duration,
    /// When the wait for what is still out ends, once nothing more is to be sent at the user's wish.
    stopping: Option<Instant>,
    over: bool,
    /// Whether the run came to its own end, so that no answer is waited for any more.
    natural: bool,
    events: VecDeque<Event>,
    rejects: Rejects,
}

impl Session for Many {
    type Event = Event;

    fn poll_transmit(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        self.refresh(now);
        if self.next()? > now {
            return None;
        }
        let (number, dst) = self.take_turn(now)?;
        let target = self.targets.get_mut(usize::try_from(number).ok()?)?;
        let first = target.newest == 0;
        target.newest = target.newest.saturating_add(1);
        target.place = self.flight.push(now, number, target.newest as u16, target.place);
        let replies = std::mem::take(&mut target.replies);
        let room = match self.config.demand {
            // Each target's first probe comes before further ones to others.
            Demand::Answer { .. } if first => Room::Any,
            Demand::Probes { .. } if replies => Room::Any,
            Demand::Answer { .. } | Demand::Probes { .. } => Room::Half,
        };
        let (probe, place) = (target.newest, target.place);
        let probe = Probe {
            number: probe,
            dst: dst.ip(),
            method: self.config.method,
            originate: event::millis_of_day(self.config.millis_of_day, now),
        };
        let len = probe.emit(self.identity(dst.ip()), &self.config.payload, buffer);
        Some(Transmit { dst, len, ttl: None, id: place, room })
    }

    fn handle_sent(&mut self, Departed { at, .. }: Departed) {
        let Some((place, flight::Slot { target, seq, .. })) = self.next_fate() else { return };
        self.pace.sent(at);
        self.stuck = None;
        self.flight.depart(place, at);
        self.last_left = self.last_left.max(at);
        self.events.push_back(Event::Sent { at, target, seq, in_flight: self.flight.open() });
    }

    fn handle_send_fault(&mut self, at: Instant, fault: SendFault) {
        let Some((place, flight::Slot { target, seq, .. })) = self.next_fate() else { return };
        self.flight.settle(place, State::NotSent);
        if fault.is_full() {
            self.pace.refuse(at);
            self.stuck.get_or_insert((at, fault));
            self.withdraw(target, place);
            return;
        }
        self.pace.sent(at);
        self.events.push_back(Event::NotSent { at, target, seq, fault });
    }

    fn handle_stamp(&mut self, stamped: Stamped) {
        self.flight.stamp(stamped);
    }

    fn handle_reply(&mut self, reply: &Reply) {
        let judged = match reply.kind {
            Kind::Answer { .. } => self.handle_answer(reply),
            Kind::Error { .. } => self.handle_error(reply),
            Kind::Segment { .. } | Kind::Datagram { .. } | Kind::Connected { .. } => Err(Reject::Unrelated),
        };
        if let Err(reason) = judged {
            self.rejects.count(reason);
        }
    }

    fn handle_reject(&mut self, reason: Reject) {
        self.rejects.count(reason);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.refresh(now);
        self.natural =
            self.natural || (self.stopping.is_none() && self.settled().is_some_and(|end| end <= now));
        self.over = self.over || self.end().is_some_and(|end| end <= now);
    }

    fn poll_timeout(&self) -> Option<Instant> {
        [self.next(), self.end()].into_iter().flatten().min()
    }

    fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    fn stop(&mut self) {
        let allowance = self.longest.saturating_mul(2).min(PATIENCE);
        self.stopping.get_or_insert(self.last_left + allowance);
    }

    fn is_done(&self) -> bool {
        self.over
    }

    fn in_flight(&self) -> u64 {
        self.flight.open()
    }
}

impl Many {
    /// A run that begins at `start`. The identities are those of IPv4 and of IPv6.
    pub fn new(config: Config, identities: (Identity, Identity), start: Instant) -> Self {
        let count = config.targets.len();
        Self {
            targets: vec![Target::default(); usize::try_from(count).unwrap_or(usize::MAX)],
            pace: Pace::new(count, config.demand, config.rate, start),
            deadline: config.deadline.map(|deadline| start + deadline),
            now: start,
            last_left: start,
            config,
            identities,
            flight: Flight::default(),
            told: 0,
            stuck: None,
            natural: false,
            answered: 0,
            longest: Duration::ZERO,
            stopping: None,
            over: false,
            events: VecDeque::new(),
            rejects: Rejects::default(),
        }
    }

    /// What arrived and was rejected.
    pub fn rejects(&self) -> &Rejects {
        &self.rejects
    }

    /// The targets of the probes that an answer may still come to, once for each. There are some only where
    /// the run ended before their time was up.
    pub fn outstanding(&self) -> impl Iterator<Item = u32> {
        let after = self.now - self.patience();
        self.flight.out_since(after).filter(|_| !self.natural)
    }

    fn identity(&self, address: IpAddr) -> &Identity {
        match Family::of(address) {
            Family::V4 => &self.identities.0,
            Family::V6 => &self.identities.1,
        }
    }

    /// When something is due: a probe, or a target whose time is up.
    fn next(&self) -> Option<Instant> {
        if self.over || self.stopping.is_some() {
            return None;
        }
        let (due, turn) = self.pace.due()?;
        let full = matches!(turn, Turn::Ask(_)) && self.flight.young() >= self.config.window;
        let room = if full { self.flight.next_to_age() } else { None };
        Some(room.map_or(due, |room| due.max(room)))
    }

    /// When the run ends by itself, as things stand.
    fn end(&self) -> Option<Instant> {
        if let Some(until) = self.stopping {
            let until = if self.flight.open() == 0 { Instant::ZERO } else { until };
            return Some(self.deadline.map_or(until, |deadline| deadline.min(until)));
        }
        [self.settled(), self.deadline].into_iter().flatten().min()
    }

    /// When no answer is waited for any more, once nothing more is to be sent.
    fn settled(&self) -> Option<Instant> {
        if !self.pace.is_over() || self.told != self.flight.newest() {
            return None;
        }
        Some(match self.config.demand {
            // The last answer is here, or the last target's time is up.
            Demand::Answer { .. } => self.last_left,
            Demand::Probes { .. } if self.flight.open() == 0 => self.last_left,
            Demand::Probes { .. } => self.last_left + self.patience(),
        })
    }

    /// How long an answer may take.
    fn patience(&self) -> Duration {
        match self.config.demand {
            Demand::Answer { timeout, .. } => timeout,
            Demand::Probes { .. } => {
                self.config.linger.unwrap_or_else(|| self.longest.saturating_mul(2).max(PATIENCE))
            }
        }
    }

    /// Forgets what is over: old probes, and those who wait for nothing any more; and gives up on targets.
    fn refresh(&mut self, now: Instant) {
        self.now = now;
        let memory = MEMORY.max(self.config.linger.unwrap_or_default().saturating_mul(2));
        self.flight.age(now, now - memory);
        let targets = &self.targets;
        self.pace.set_aside(now, |number| {
            let target = usize::try_from(number).ok().and_then(|number| targets.get(number));
            target.is_some_and(|target| !target.replies)
        });
        let done = |target: u32| {
            let target = usize::try_from(target).ok().and_then(|target| targets.get(target));
            target.is_none_or(|target| target.answered)
        };
        self.pace.forget(done);
        let mut ended = Vec::new();
        while let Some((due, Turn::GiveUp(target))) = self.pace.due()
            && due <= now
        {
            self.pace.take(now);
            ended.push((due, target));
            self.pace.forget(done);
        }
        ended.into_iter().for_each(|(due, target)| self.lose(due, target));
        self.give_up_stuck(now);
    }

    /// The next target whose turn it is to be sent a probe, and its address. In rounds, a target whose probe waits for
    /// room has no further turn before that.
    fn take_turn(&mut self, now: Instant) -> Option<(u32, SocketAddr)> {
        let Some(Turn::Ask(number)) = self.pace.take(now) else { return None };
        Some((number, self.config.targets.address(number)?))
    }

    /// Takes back a probe that found no room here: the next one has its number.
    fn withdraw(&mut self, number: u32, place: u64) {
        let before = self.flight.before(place, 1).unwrap_or(0);
        let target = usize::try_from(number).ok().and_then(|number| self.targets.get_mut(number));
        if let Some(target) = target {
            target.newest = target.newest.saturating_sub(1);
            target.place = before;
        }
    }

    /// Gives up on probes that waited for room in vain.
    fn give_up_stuck(&mut self, now: Instant) {
        let Some((_, fault)) = self.stuck.filter(|(since, _)| now.since(*since) >= STUCK) else { return };
        self.stuck = None;
        while let Some(number) = self.pace.pop_refused() {
            let target = usize::try_from(number).ok().and_then(|number| self.targets.get(number));
            let seq = target.map_or(0, |target| target.newest.saturating_add(1) as u16);
            self.events.push_back(Event::NotSent { at: now, target: number, seq, fault });
        }
    }

    /// The probe whose fate is told now, if any waits for that, and its place.
    fn next_fate(&mut self) -> Option<(u64, flight::Slot)> {
        let place = self.told.saturating_add(1);
        let slot = self.flight.slot(place)?;
        self.told = place;
        Some((place, slot))
    }

    /// The time of a target is up: its probes in flight are lost.
    fn lose(&mut self, at: Instant, target: u32) {
        let Some(Target { newest, mut place, .. }) =
            usize::try_from(target).ok().and_then(|target| self.targets.get(target)).copied()
        else {
            return;
        };
        let mut lost = Vec::new();
        for _ in 0..newest {
            let Some(slot) = self.flight.slot(place) else { break };
            if slot.state == State::Open {
                self.flight.settle(place, State::Lost);
                lost.push(Event::Lost { at, target, seq: slot.seq, sent: slot.sent });
            }
            let Some(before) = self.flight.before(place, 1) else { break };
            place = before;
        }
        self.events.extend(lost.into_iter().rev());
    }

    fn asked(&self, dst: IpAddr) -> Asked<'_> {
        Asked { dst, method: self.config.method, payload: &self.config.payload, anyone: false }
    }

    /// The target with an address.
    fn target(&self, address: IpAddr) -> Result<(u32, Target), Reject> {
        let number = self.config.targets.number(address).ok_or(Reject::Foreign)?;
        let target = usize::try_from(number).ok().and_then(|number| self.targets.get(number));
        target.map(|target| (number, *target)).ok_or(Reject::Foreign)
    }

    /// The place of a target's probe, and what the flight knows of it.
    fn find(&self, target: &Target, number: u64) -> Result<(u64, flight::Slot), Reject> {
        let behind = target.newest.saturating_sub(number);
        let place = self.flight.before(target.place, behind).ok_or(Reject::Late)?;
        let slot = self.flight.slot(place).ok_or(Reject::Late)?;
        if slot.state == State::NotSent { Err(Reject::NeverSent) } else { Ok((place, slot)) }
    }

    fn handle_answer(&mut self, reply: &Reply) -> Result<(), Reject> {
        let (number, target) = self.target(reply.from)?;
        let (asked, identity) = (self.asked(reply.from), self.identity(reply.from));
        let judged = judge::answer(&asked, identity, |seq| newest(target.newest, seq), reply)?;
        let (place, slot) = self.find(&target, judged.number)?;
        let verdict = judged.verdict(slot.state)?;
        let mut answer = judged.told(reply, verdict, (slot.sent, slot.source), self.config.millis_of_day);
        if verdict != Verdict::Corrupt {
            self.flight.settle(place, State::Answered);
            self.longest = self.longest.max(answer.rtt);
        }
        if verdict == Verdict::Received {
            self.answered_by(number);
        }
        answer.target = number;
        answer.settles = verdict == Verdict::Received && slot.state == State::Open;
        self.events.push_back(Event::Answer(answer));
        Ok(())
    }

    fn answered_by(&mut self, number: u32) {
        let target = usize::try_from(number).ok().and_then(|number| self.targets.get_mut(number));
        let Some(target) = target else { return };
        target.replies = true;
        if !target.answered {
            target.answered = true;
            self.answered = self.answered.saturating_add(1);
            self.over = self.over || self.answered_enough();
        }
    }

    fn answered_enough(&self) -> bool {
        self.config.enough.is_some_and(|enough| self.answered >= enough)
    }

    fn handle_error(&mut self, reply: &Reply) -> Result<(), Reject> {
        let Kind::Error { quoted, .. } = reply.kind else { return Err(Reject::Unrelated) };
        let (number, target) = self.target(quoted.dst)?;
        let (asked, identity) = (self.asked(quoted.dst), self.identity(quoted.dst));
        let (probe, mut error) = judge::error(&asked, identity, |seq| newest(target.newest, seq), reply)?;
        let (place, slot) = self.find(&target, probe)?;
        error.target = number;
        error.settles = !error.notice && slot.state == State::Open;
        if error.settles {
            self.flight.settle(place, State::Failed);
        }
        self.events.push_back(Event::Error(error));
        Ok(())
    }
}

/// The newest number up to `newest` whose low 16 bits are `seq`; `None` before the first such.
fn newest(newest: u64, seq: u16) -> Option<u64> {
    let behind = (newest as u16).wrapping_sub(seq);
    newest.checked_sub(u64::from(behind)).filter(|number| *number > 0)
}
