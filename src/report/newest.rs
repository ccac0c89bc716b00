//! The newest outcomes of probes, for names that are found after their address was probed.

use crate::engine::ping::event::{Answer, Event, Verdict};

/// Outcomes of so many targets are kept, the first ones. A run with more of them prints too many lines for any reader.
const MOST: usize = 1 << 16;

/// The newest outcome of each target.
#[derive(Clone, Debug, Default)]
pub struct Newest {
    outcomes: Vec<Option<Box<Event>>>,
}

impl Newest {
    /// Keeps an outcome while names are `open`. After that none is wanted.
    #[inline]
    pub fn keep(&mut self, event: &Event, open: bool) {
        let Some(target) = outcome_of(event) else { return };
        if !open {
            self.outcomes = Vec::new();
            return;
        }
        let place = usize::try_from(target).unwrap_or(usize::MAX);
        if place >= self.outcomes.len() && place < MOST {
            self.outcomes.resize(place + 1, None);
        }
        if let Some(kept) = self.outcomes.get_mut(place) {
            *kept = Some(Box::new(event.clone()));
        }
    }

    /// The newest outcome of a target.
    pub fn of(&self, target: u32) -> Option<Event> {
        let kept = self.outcomes.get(usize::try_from(target).ok()?)?;
        kept.as_deref().cloned()
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
