//! The round-trip time of each probe, for reports that show them all.

use crate::engine::ping::event::{Event, Verdict};

/// The round-trip time of each probe, by target and in the order of sending: eight octets a probe.
#[derive(Debug, Default)]
pub struct EachTime(Vec<Vec<u64>>);

impl EachTime {
    /// Takes an event into account about a probe to this target, which has this number, from 1.
    pub(super) fn add(&mut self, target: u32, number: u64, event: &Event) {
        let target = target as usize;
        if self.0.len() <= target {
            self.0.resize(target + 1, Vec::new());
        }
        let Some(times) = self.0.get_mut(target) else { return };
        match event {
            Event::Sent { .. } | Event::NotSent { .. } => times.push(0),
            Event::Answer(answer) if answer.verdict == Verdict::Received => {
                let place = usize::try_from(number).ok().and_then(|number| number.checked_sub(1));
                if let Some(time) = place.and_then(|place| times.get_mut(place)) {
                    *time = u64::try_from(answer.rtt.as_nanos()).unwrap_or(u64::MAX).max(1);
                }
            }
            _ => {}
        }
    }

    /// The times of a target's probes in nanoseconds, in the order of sending; `None`: no answer came.
    pub fn of(&self, target: u32) -> impl Iterator<Item = Option<u64>> {
        let times = self.0.get(target as usize).map_or(&[][..], Vec::as_slice);
        times.iter().map(|time| Some(*time).filter(|time| *time > 0))
    }
}
