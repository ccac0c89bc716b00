//! What some formats and `--assert` need of a target beside its figures. It is kept for those only.

use crate::engine::ping::event::{Event, Verdict};

/// What is kept of a target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extra {
    /// TTL or hop limit of the first answer, if it is known.
    pub ttl: Option<u8>,
    /// Further valid answers to probes already answered.
    pub duplicates: u32,
    /// ICMP errors.
    pub errors: u32,
}

/// What is kept of each target.
#[derive(Debug, Default)]
pub struct Extras(Vec<Extra>);

impl Extras {
    /// Takes one event into account.
    pub(super) fn add(&mut self, event: &Event) {
        match event {
            Event::Answer(answer) if answer.verdict == Verdict::Received => {
                let ttl = &mut self.at(answer.target).ttl;
                *ttl = ttl.or(answer.hop_limit);
            }
            Event::Answer(answer) if answer.verdict == Verdict::Duplicate => {
                let duplicates = &mut self.at(answer.target).duplicates;
                *duplicates = duplicates.saturating_add(1);
            }
            Event::Error(error) if !error.notice => {
                let errors = &mut self.at(error.target).errors;
                *errors = errors.saturating_add(1);
            }
            _ => {}
        }
    }

    fn at(&mut self, target: u32) -> &mut Extra {
        let target = target as usize;
        if self.0.len() <= target {
            self.0.resize(target + 1, Extra::default());
        }
        &mut self.0[target]
    }

    /// That of one target; `None`: nothing came about it.
    pub fn of(&self, target: u32) -> Option<Extra> {
        self.0.get(target as usize).copied()
    }
}
