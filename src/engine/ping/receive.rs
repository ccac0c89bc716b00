//! What arrives: the probe that it is about, and what it changes.

use super::Ping;
use super::event::{Event, Verdict};
use super::flight::{Slot, State};
use super::matching::{self, Match};
use super::progress::Target;
use crate::clock::Instant;
use crate::datagram::Timing;
use crate::engine::reject::Reject;
use crate::reply::{Reply, ReplyKind};

/// Probes that are looked at for one that was answered from another address than its target's.
const ELSEWHERE: usize = 1_024;

impl Ping {
    /// The target and the probe that an answer belongs to. The target is the one it came from, or else the one that
    /// the token in it names.
    #[inline]
    fn recognise(&self, reply: &Reply) -> Result<(u32, Match), Reject> {
        let alone = self.is_alone();
        let number = if alone { Some(0) } else { self.targets.number(reply.from, reply.scope) };
        let first =
            number.map_or(Err(Reject::Foreign), |number| Ok((number, self.match_answer(number, reply)?)));
        let ReplyKind::Answer { seq, .. } = reply.kind else { return first };
        if alone || first.is_ok() {
            return first;
        }
        let newest = self.flight.newest_first().take(ELSEWHERE).filter(|slot| slot.seq == seq);
        let mut others = newest.filter(|slot| Some(slot.target) != number);
        let found = others.find_map(|slot| {
            // From another address, only the token can match.
            Some((slot.target, self.match_answer(slot.target, reply).ok()?))
        });
        found.map_or(first, Ok)
    }

    #[inline]
    fn match_answer(&self, number: u32, reply: &Reply) -> Result<Match, Reject> {
        let target = *self.progress.get(number).ok_or(Reject::Foreign)?;
        let probe = match reply.kind {
            ReplyKind::Answer { seq, .. } => target.number(seq),
            _ => None,
        };
        let address = self.targets.address_of_probe(number, probe.unwrap_or(u64::MAX));
        let address = address.ok_or(Reject::Foreign)?.ip();
        matching::answer(
            &self.config.expected(address),
            self.identity(address),
            |seq| target.number(seq),
            reply,
        )
    }

    /// The place of a target's probe, and the probe.
    #[inline]
    fn find(&self, number: u32, probe: u64) -> Result<(u64, Slot), Reject> {
        let target = self.progress.get(number).ok_or(Reject::Foreign)?;
        let place =
            self.flight.before(target.place, target.newest.saturating_sub(probe)).ok_or(Reject::Late)?;
        let slot = self.flight.slot(place).ok_or(Reject::Late)?;
        if matches!(slot.state, State::NotSent | State::Withdrawn) {
            Err(Reject::NeverSent)
        } else {
            Ok((place, slot))
        }
    }

    pub(super) fn handle_answer(&mut self, reply: &Reply) -> Result<(), Reject> {
        let (number, found) = self.recognise(reply)?;
        let (place, mut slot) = self.find(number, found.number)?;
        let verdict = found.verdict(slot.state)?;
        let open = verdict == Verdict::Received && slot.state == State::Open;
        if open && self.finish.is_overdue(slot.sent, reply.at) {
            // This answer is read before it is noticed that the time of its probe was up.
            self.lose(reply.at, place, slot);
            slot.state = State::Lost;
        }
        if self.config.timeout_decides && self.is_late(slot, reply.at) {
            return Err(Reject::Late);
        }
        let left = slot.left_before(reply.at);
        let mut answer = found.into_event(reply, verdict, left, self.config.millis_of_day);
        answer.target = number;
        answer.timed = self.is_measured(answer.timing);
        answer.settles = verdict == Verdict::Received && slot.state == State::Open;
        answer.late = verdict == Verdict::Received && slot.state == State::Lost;
        answer.many_responders = self.config.many_responders;
        if verdict != Verdict::Corrupt {
            self.flight.settle(place, State::Answered);
        }
        if verdict == Verdict::Received {
            self.pace.learn(answer.rtt);
            let first = self.progress.get_mut(number).is_some_and(Target::answer);
            self.finish.answered(answer.rtt, slot.state == State::Failed, first);
            self.decide(answer.at, number, place);
        }
        self.events.push(Event::Answer(answer));
        Ok(())
    }

    /// Whether a time by these clocks is a measurement. Where the kernel stamps some departures, the times of others are
    /// not: they include the time that this process waited for a processor. Which departures it stamps does not depend on
    /// their answers, so the times of these stand for all.
    fn is_measured(&self, timing: Timing) -> bool {
        !(self.config.sampled && self.stamped) || timing == Timing::Kernel
    }

    /// Whether the time of a probe without an answer was up when this one came.
    fn is_late(&self, slot: Slot, at: Instant) -> bool {
        match slot.state {
            State::Lost => true,
            State::Open | State::Failed => at.since(slot.sent) > self.finish.patience(),
            State::Answered | State::NotSent | State::Withdrawn => false,
        }
    }

    pub(super) fn handle_error(&mut self, reply: &Reply) -> Result<(), Reject> {
        let ReplyKind::Error { quoted, .. } = reply.kind else { return Err(Reject::Unrelated) };
        let number = self.targets.number(quoted.dst, reply.scope).ok_or(Reject::Foreign)?;
        let target = *self.progress.get(number).ok_or(Reject::Foreign)?;
        let (expected, identity) = (self.config.expected(quoted.dst), self.identity(quoted.dst));
        let (probe, mut error) = matching::error(&expected, identity, |seq| target.number(seq), reply)?;
        let (place, slot) = self.find(number, probe)?;
        error.target = number;
        if !error.notice && !self.config.timeout_decides {
            error.settles = slot.state == State::Open;
            let first = matches!(slot.state, State::Open | State::Lost);
            match first {
                true => self.flight.settle(place, State::Failed),
                false => self.flight.overtake(place),
            }
            if first {
                self.finish.failed();
                self.decide(error.at, number, place);
            }
        }
        self.events.push(Event::Error(error));
        Ok(())
    }
}
