//! What some formats print of a target beside its figures. It is kept for those only.

use crate::engine::ping::event::{Event, Verdict};

/// What is kept of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// TTL or hop limit of the first answer, if it is known.
    pub ttl: Option<u8>,
    /// Further valid answers to probes already answered.
    pub duplicates: u32,
}

/// What is kept of each target.
#[derive(Debug, Default)]
pub struct Extras(Vec<Extra>);

impl Extras {
    /// Takes one event into account.
    pub(super) fn add(&mut self, event: &Event) {
        let Event::Answer(answer) = event else { return };
        let target = answer.target as usize;
        if self.0.len() <= target {
            self.0.resize(target + 1, Extra::default());
        }
        let Some(extra) = self.0.get_mut(target) else { return };
        match answer.verdict {
            Verdict::Received => extra.ttl = extra.ttl.or(answer.hop_limit),
            Verdict::Duplicate => extra.duplicates = extra.duplicates.saturating_add(1),
            Verdict::Corrupt => {}
        }
    }

    /// That of one target; `None`: it has not answered.
    pub fn of(&self, target: u32) -> Option<Extra> {
        self.0.get(target as usize).copied()
    }
}
