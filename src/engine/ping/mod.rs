//! A ping: one target or many, each sent probes again and again, every probe accounted for.
//!
//! What differs between one target and many is a value ([`Config`], [`Pacing`]). A target is small and fixed in size,
//! and a probe needs no allocation.

mod config;
pub mod event;
mod finish;
pub mod flight;
mod holders;
mod live;
mod matching;
mod names;
mod pace;
mod progress;
mod receive;
mod targets;
mod until;

use std::iter;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use crate::clock::Instant;
use crate::datagram::{BATCH, Departed, DepartureStamp, Room, SendFault, Transmit};
use crate::engine::Session;
use crate::engine::reject::{Reject, Rejects};
use crate::probe::{Identity, Probe};
use crate::reply::{Reply, ReplyKind};
use crate::wire::Family;
pub use config::{Config, Limits, TargetState, Until};
use event::Event;
use finish::Finish;
use flight::{Flight, Slot, State};
pub use holders::{Holders, Leaving};
pub use live::LiveTargets;
pub use pace::{Backoff, Pacing, ProbeRate};
use pace::{Pace, Turn};
use progress::{Progress, Target};
pub use targets::Targets;
use until::Decided;
pub use until::Watch;

/// How long probes wait for room in this machine while none of those that wait can leave. A neighbour that does not
/// answer gives its room back after three seconds; what gives none back for longer than this is stuck.
const STUCK: Duration = Duration::from_secs(10);

/// Probes that a flood has in flight at most: a batch, and no more answers than fill half of the receive buffer. One, where
/// a probe without an answer is reported when the next one leaves.
fn most_in_flood(config: &Config) -> u64 {
    let most = if config.report_unanswered { 1 } else { BATCH as u64 };
    config.window.checked_div(2).unwrap_or(0).clamp(1, most)
}

/// One run: accounts for every probe.
#[derive(Debug)]
pub struct Ping {
    config: Config,
    targets: LiveTargets,
    /// Names that are still being looked up.
    open_names: u32,
    /// Names that were looked up and are unknown.
    unknown_names: u32,
    /// IPv4's and IPv6's: each socket has an identifier of its own.
    identities: [Identity; 2],
    progress: Progress,
    pace: Pace,
    finish: Finish,
    flight: Flight,
    watch: Watch,
    /// Whether the departure of any probe was stamped.
    stamped: bool,
    /// Since when none of the probes that wait for room could leave, and why.
    stuck: Option<(Instant, SendFault)>,
    events: Vec<Event>,
    rejects: Rejects,
}

impl Session for Ping {
    type Event = Event;

    fn poll_transmit(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Transmit> {
        self.refresh(now);
        let number = self.take_turn(now)?;
        let dst = self.targets.address(number)?;
        let room = self.room(number);
        let target = self.progress.get_mut(number)?;
        target.newest = target.newest.saturating_add(1);
        target.place = self.flight.push(now, number, target.newest as u16, target.place);
        target.replies = false;
        let Target { newest, place, .. } = *target;
        let originate = event::millis_of_day(self.config.millis_of_day, now);
        let probe = Probe { number: newest, dst: dst.ip(), method: self.config.method, originate };
        let len = probe.emit(self.identity(dst.ip()), &self.config.payload, buffer);
        Some(Transmit { dst, len, ttl: None, id: place, room })
    }

    fn handle_sent(&mut self, Departed { at, .. }: Departed) {
        let Some((place, Slot { target, seq, .. })) = self.next_result(at) else { return };
        self.pace.sent(at);
        self.finish.departed(at);
        if seq == 1 && self.progress.get(target).is_some_and(|target| !target.answered) {
            self.finish.begun(at);
        }
        self.flight.depart(place, at);
        self.stuck = None;
        let in_flight = self.flight.in_flight_at(place);
        self.events.push(Event::Sent { at, target, seq, in_flight });
    }

    fn handle_send_fault(&mut self, at: Instant, fault: SendFault) {
        let waits = fault.is_full() && self.stuck.is_none_or(|(since, _)| at.since(since) < STUCK);
        let next = if waits { self.flight.take_result() } else { self.next_result(at) };
        let Some((place, Slot { target, seq, .. })) = next else { return };
        if waits {
            self.pace.refuse(at);
            self.stuck.get_or_insert((at, fault));
            self.withdraw(target, place);
            return;
        }
        self.flight.settle(place, State::NotSent);
        self.pace.fail(at, self.config.pacing.is_retry() && self.is_awaited(target));
        self.finish.departed(at);
        self.events.push(Event::NotSent { at, target, seq, fault });
    }

    fn handle_stamp(&mut self, stamped: DepartureStamp) {
        self.stamped = true;
        self.flight.stamp(stamped);
    }

    fn handle_reply(&mut self, reply: &Reply) {
        let result = match reply.kind {
            ReplyKind::Answer { .. } => self.handle_answer(reply),
            ReplyKind::Error { .. } => self.handle_error(reply),
            ReplyKind::Segment { .. } | ReplyKind::Datagram { .. } | ReplyKind::Connected { .. } => {
                Err(Reject::Unrelated)
            }
        };
        if let Err(reason) = result {
            self.rejects.count(reason);
        }
    }

    fn handle_reject(&mut self, reason: Reject) {
        self.rejects.count(reason);
    }

    fn handle_timeout(&mut self, now: Instant) {
        self.refresh(now);
        self.give_up_stuck(now);
        let patience = self.finish.patience();
        self.lose_where(now, |slot| slot.sent + patience <= now);
        let (interval, all_sent) = (self.pace.interval(), self.all_sent());
        self.finish.expire(now, &self.flight, interval, all_sent);
        if self.finish.is_natural() && !self.config.pacing.is_retry() {
            self.lose_where(now, |_| true);
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let end = self.finish.end(&self.flight, self.pace.interval(), self.all_sent());
        let loss = self.flight.oldest_open().map(|(_, slot)| slot.sent + self.finish.patience());
        [self.next().map(|(due, _)| due), end, loss].into_iter().flatten().min()
    }

    fn take_events(&mut self, each: impl FnMut(&Event)) {
        self.events.iter().for_each(each);
        self.events.clear();
    }

    fn stop(&mut self) {
        self.finish.stop(&self.flight, self.pace.interval(), false);
    }

    fn is_done(&self) -> bool {
        self.finish.is_over()
    }

    /// Where one answer of many ends a run, the others are not wanted.
    fn takes_rest(&self) -> bool {
        !self.config.many_responders && self.config.enough.is_none()
    }

    fn in_flight(&self) -> u64 {
        self.flight.in_flight()
    }
}

impl Ping {
    /// A run that begins at `start`. The identities are those of IPv4 and of IPv6.
    pub fn new(config: Config, identities: [Identity; 2], start: Instant) -> Self {
        let count = config.targets.len();
        let finish = Finish::new(&config, start);
        let limit = config.count.filter(|_| finish.counts_probes());
        Self {
            progress: Progress::new(count),
            pace: Pace::new(config.pacing, count, limit, most_in_flood(&config), start),
            finish,
            flight: Flight::new(count),
            watch: Watch::new(config.limits, count, config.names),
            stamped: false,
            stuck: None,
            events: Vec::new(),
            rejects: Rejects::default(),
            targets: LiveTargets::new(Rc::clone(&config.targets)),
            open_names: config.names,
            unknown_names: 0,
            config,
            identities,
        }
    }

    /// What arrived and was rejected.
    pub fn rejects(&self) -> &Rejects {
        &self.rejects
    }

    /// What was waited for ([`Limits::until`]): targets in the state, and since when all are.
    pub fn watch(&self) -> &Watch {
        &self.watch
    }

    /// The outcome of a probe of a target is known at `at`.
    #[inline]
    fn decide(&mut self, at: Instant, target: u32, place: u64) {
        if self.config.limits.until.is_none() {
            return;
        }
        let newest = self.progress.get(target).map_or(0, |target| target.place);
        if self.watch.decide(Decided { at, target, newest, place }, &self.flight) {
            self.finish.conclude();
        }
    }

    #[inline]
    fn identity(&self, address: IpAddr) -> &Identity {
        let [v4, v6] = &self.identities;
        match Family::of(address) {
            Family::V4 => v4,
            Family::V6 => v6,
        }
    }

    /// When something is due, and what: a probe, or the end of a target's last wait.
    #[inline]
    fn next(&self) -> Option<(Instant, Turn)> {
        if self.finish.sends_no_more() {
            return None;
        }
        let (due, turn) = self.pace.due(self.flight.in_flight())?;
        let replacement = self.finish.replacement_due(&self.flight, self.pace.interval());
        let due = replacement.map_or(due, |replacement| due.max(replacement));
        let full = matches!(turn, Turn::Probe(_))
            && !self.config.classic
            && self.flight.young() >= self.config.window;
        let room = if full { self.flight.next_to_age() } else { None };
        Some((room.map_or(due, |room| due.max(room)), turn))
    }

    /// Takes the turns that are due, up to one of a target that is to be probed.
    fn take_turn(&mut self, now: Instant) -> Option<u32> {
        while let Some((_, turn)) = self.next().filter(|(due, _)| *due <= now) {
            self.pace.advance(now, self.flight.in_flight());
            let Turn::Probe(number) = turn else { return None };
            if self.progress.get(number).is_some_and(|target| !target.retired) {
                return Some(number);
            }
            self.pace.skip();
        }
        None
    }

    /// Whether nothing more is to be sent, and all send results are known.
    fn all_sent(&self) -> bool {
        let awaited = self.config.limits.awaits_names && self.unknown_names > 0;
        !awaited && self.open_names == 0 && self.flight.is_reported() && self.pace.due(0).is_none()
    }

    /// Whether there is one target, and none will join.
    fn is_alone(&self) -> bool {
        self.open_names == 0 && self.progress.is_alone()
    }

    /// How much of the send buffer the next probe to a target may use. Room is kept for targets that answer, and for the
    /// first probe of each target.
    fn room(&self, number: u32) -> Room {
        let Some(target) = self.progress.get(number) else { return Room::Any };
        let first = match self.config.pacing.is_retry() {
            true => target.newest == 0,
            false => target.replies || self.is_alone(),
        };
        if first { Room::Any } else { Room::Half }
    }

    /// Lets pass what `now` brings: probes grow old, and targets are given up.
    fn refresh(&mut self, now: Instant) {
        self.flight.age(now);
        loop {
            let progress = &self.progress;
            let done = |number| progress.get(number).is_none_or(|target| target.answered || target.retired);
            self.pace.refresh(now, done, |number| progress.get(number).is_some_and(|target| !target.replies));
            if !self.config.pacing.is_retry() {
                return;
            }
            let due = self.pace.due(0).filter(|(due, _)| *due <= now);
            let Some((due, Turn::GiveUp(number))) = due else { return };
            self.pace.take(now, 0);
            if self.progress.get(number).is_some_and(|target| !target.answered) {
                self.give_up(due, number);
            }
        }
    }

    /// Whether an answer can come to a probe to a target: it left, and has none.
    fn is_awaited(&self, number: u32) -> bool {
        let newest = self.progress.get(number).map(|target| target.place);
        let places = iter::successors(newest, |place| Some(self.flight.previous(*place)));
        places
            .map_while(|place| self.flight.slot(place))
            .any(|slot| matches!(slot.state, State::Open | State::Failed | State::Lost))
    }

    /// The time of a target is up: its probes in flight are lost.
    fn give_up(&mut self, at: Instant, number: u32) {
        let Some(mut place) = self.progress.get(number).map(|target| target.place) else { return };
        let mut lost = Vec::new();
        while let Some(slot) = self.flight.slot(place) {
            if slot.state == State::Open {
                self.flight.settle(place, State::Lost);
                lost.push(Event::Lost { at, target: number, seq: slot.seq, sent: slot.sent });
            }
            place = self.flight.previous(place);
        }
        self.events.extend(lost.into_iter().rev());
    }

    /// Probes in flight, oldest first, are lost as long as `lost` is true of them.
    fn lose_where(&mut self, at: Instant, lost: impl Fn(&Slot) -> bool) {
        while let Some((place, slot)) = self.flight.oldest_open()
            && lost(&slot)
        {
            self.lose(at, place, slot);
        }
    }

    /// A probe in flight is lost.
    fn lose(&mut self, at: Instant, place: u64, slot: Slot) {
        self.flight.settle(place, State::Lost);
        self.events.push(Event::Lost { at, target: slot.target, seq: slot.seq, sent: slot.sent });
        self.decide(at, slot.target, place);
    }

    /// The oldest probe without a send result, and its place; emits [`Event::Unanswered`] for the target's probe before it
    /// if that has no answer.
    #[inline]
    fn next_result(&mut self, at: Instant) -> Option<(u64, Slot)> {
        let (place, slot) = self.flight.take_result()?;
        let before = if self.config.report_unanswered { self.flight.previous(place) } else { 0 };
        let silent = |slot: &Slot| matches!(slot.state, State::Open | State::Failed | State::Lost);
        if let Some(Slot { target, seq, .. }) = self.flight.slot(before).filter(silent) {
            self.events.push(Event::Unanswered { at, target, seq });
        }
        Some((place, slot))
    }

    /// Takes back a probe that found no room here: the target's next one has its number.
    fn withdraw(&mut self, number: u32, place: u64) {
        let before = self.flight.withdraw(place);
        if let Some(target) = self.progress.get_mut(number) {
            target.newest = target.newest.saturating_sub(1);
            target.place = before;
        }
    }

    /// Gives up on probes that waited for room in vain.
    fn give_up_stuck(&mut self, now: Instant) {
        let Some((_, fault)) = self.stuck.filter(|(since, _)| now.since(*since) >= STUCK) else { return };
        while let Some(number) = self.pace.pop_refused() {
            let Some(target) = self.progress.get_mut(number) else { continue };
            target.newest = target.newest.saturating_add(1);
            target.place = self.flight.push(now, number, target.newest as u16, target.place);
            let (place, seq) = (target.place, target.newest as u16);
            self.flight.settle(place, State::NotSent);
            self.flight.take_result();
            self.events.push(Event::NotSent { at: now, target: number, seq, fault });
        }
    }
}
