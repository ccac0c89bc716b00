//! What became of each probe, for reports that show them all.

use crate::clock::nanos;
use crate::datagram::SystemError;
use crate::engine::ping::event::{Event, Verdict};

/// The round-trip time of each probe, by target and in the order of sending: eight octets a probe.
#[derive(Debug, Default)]
pub struct EachTime(Vec<Vec<u64>>);

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeTime {
    /// It was answered after so many nanoseconds, be it late.
    Answered(u64),
    /// No answer came.
    None,
    /// It could not leave this machine.
    NotSent(SystemError),
}

/// No answer so far.
const NONE: u64 = 0;
/// Numbers of errors are below this (errno(3)); a probe that could not leave has that number below the largest value.
const ERRORS: u64 = 4_096;
/// The longest time.
const LONGEST: u64 = u64::MAX - ERRORS;

impl EachTime {
    /// Takes an event into account about a probe to this target, which has this number, from 1.
    pub(super) fn add(&mut self, target: u32, number: u64, event: &Event) {
        let target = target as usize;
        if self.0.len() <= target {
            self.0.resize(target + 1, Vec::new());
        }
        let Some(times) = self.0.get_mut(target) else { return };
        match event {
            Event::Sent { .. } => times.push(NONE),
            Event::NotSent { fault, .. } => {
                let number = u64::try_from(fault.error.number()).unwrap_or(0).min(ERRORS - 1);
                times.push(u64::MAX - number);
            }
            Event::Answer(answer) if answer.verdict == Verdict::Received => {
                let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
                if let Some(time) = place.and_then(|place| times.get_mut(place)) {
                    *time = nanos(answer.rtt).clamp(1, LONGEST);
                }
            }
            _ => {}
        }
    }

    /// The times of a target's probes in nanoseconds, in the order of sending; `None`: no answer came.
    pub fn of(&self, target: u32) -> impl Iterator<Item = Option<u64>> {
        self.probes(target).map(|probe| match probe {
            ProbeTime::Answered(nanos) => Some(nanos),
            ProbeTime::None | ProbeTime::NotSent(_) => None,
        })
    }

    /// What became of a target's probes, in the order of sending.
    pub fn probes(&self, target: u32) -> impl Iterator<Item = ProbeTime> {
        let times = self.0.get(target as usize).map_or(&[][..], Vec::as_slice);
        times.iter().map(|time| match *time {
            NONE => ProbeTime::None,
            time if time <= LONGEST => ProbeTime::Answered(time),
            // Below 4,096.
            error => ProbeTime::NotSent(SystemError::new((u64::MAX - error) as i32)),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::Instant;
    use crate::datagram::{SendCause, SendFault};
    use crate::stats::samples;

    #[test]
    fn each_probe_has_its_time_its_error_or_nothing() {
        let mut each = EachTime::default();
        let (at, error) = (Instant::ZERO, SystemError::new(1));
        let sent = |seq| Event::Sent { at, target: 0, seq, in_flight: 1 };
        let answer = |seq, nanos| samples::answer(at, seq, Duration::from_nanos(nanos), Verdict::Received);
        let fault = SendFault { cause: SendCause::Firewall, error };
        each.add(0, 1, &sent(1));
        each.add(0, 2, &Event::NotSent { at, target: 0, seq: 2, fault });
        each.add(0, 3, &sent(3));
        each.add(0, 3, &answer(3, 0));
        each.add(0, 4, &sent(4));
        each.add(0, 4, &answer(4, u64::MAX));
        let expected = [
            ProbeTime::None,
            ProbeTime::NotSent(error),
            ProbeTime::Answered(1),
            ProbeTime::Answered(LONGEST),
        ];
        assert_eq!(each.probes(0).collect::<Vec<_>>(), expected);
        assert_eq!(each.of(0).collect::<Vec<_>>(), [None, None, Some(1), Some(LONGEST)]);
        assert_eq!(each.of(9).count(), 0);
    }
}
