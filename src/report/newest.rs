//! The newest outcomes of probes, for names that are found after their address was probed.

use std::collections::BTreeMap;

use crate::engine::ping::event::{Answer, Event, Verdict};

/// Outcomes of so many targets are kept at most. A run with more of them prints too many lines for any reader.
const MOST: usize = 1 << 16;

/// The newest outcome of each target.
#[derive(Clone, Debug, Default)]
pub struct Newest {
    outcomes: BTreeMap<u32, Event>,
}

impl Newest {
    /// Keeps an outcome while names are `open`. After that none is wanted.
    #[inline]
    pub fn keep(&mut self, event: &Event, open: bool) {
        let Some(target) = outcome_of(event) else { return };
        if !open {
            self.outcomes.clear();
        } else if self.outcomes.len() < MOST || self.outcomes.contains_key(&target) {
            self.outcomes.insert(target, event.clone());
        }
    }

    /// The newest outcome of a target.
    pub fn of(&self, target: u32) -> Option<Event> {
        self.outcomes.get(&target).cloned()
    }
}

/// The target of a probe of which an event is the outcome.
fn outcome_of(event: &Event) -> Option<u32> {
    match event {
        Event::Answer(Answer { verdict: Verdict::Received, .. })
        | Event::Error(_)
        | Event::Lost { .. }
        | Event::NotSent { .. } => event.target(),
        Event::Answer(_) | Event::Sent { .. } | Event::Unanswered { .. } | Event::Lookup(_) => None,
    }
}
