//! The names of targets that answer (`-H` with many hosts): looked up during the run, for the table at its end.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use super::waiting::PATIENCE;
use crate::clock::Instant;
use crate::names::lookup::{LookupState, Names, Question};

/// Targets that are looked at in a turn: more than there are lookups in progress.
const TURN: usize = 96;

/// Targets without a name, in the order in which they answered.
#[derive(Debug, Default)]
pub struct TargetNames {
    waiting: VecDeque<Waiting>,
    /// When the run is to be over, whatever is not known then.
    deadline: Option<Instant>,
    /// When the end waits for names no longer.
    end: Option<Instant>,
}

#[derive(Debug)]
struct Waiting {
    target: u32,
    address: IpAddr,
    /// Until when the result is waited for, once the lookup has begun.
    until: Option<Instant>,
}

impl TargetNames {
    /// No targets yet. Nothing is waited for beyond this time of the run.
    pub fn new(deadline: Option<Duration>) -> Self {
        let deadline = deadline.map(|deadline| Instant::ZERO + deadline);
        Self { waiting: VecDeque::new(), deadline, end: None }
    }

    /// Has the name of a target looked up, as soon as there is room.
    pub fn push(&mut self, target: u32, address: IpAddr) {
        self.waiting.push_back(Waiting { target, address, until: None });
    }

    /// Whether no name is waited for.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Starts and collects lookups; each name that is known goes to `each`.
    pub fn poll(&mut self, now: Instant, names: &mut Names, mut each: impl FnMut(u32, String)) {
        if self.end.is_some_and(|end| end <= now) {
            self.waiting.clear();
        }
        let mut left = VecDeque::new();
        while left.len() < TURN
            && let Some(mut one) = self.waiting.pop_front()
        {
            match names.query(Question::Name(one.address)) {
                LookupState::Done(name) => name.into_iter().for_each(|name| each(one.target, name)),
                LookupState::Pending => {
                    if now < *one.until.get_or_insert(now + PATIENCE) {
                        left.push_back(one);
                    }
                }
                // There is no room now.
                LookupState::NotQueried => {
                    left.push_back(one);
                    break;
                }
            }
        }
        left.append(&mut self.waiting);
        self.waiting = left;
    }

    /// The run is over at `now`. Returns until when its end waits for names; `None`: for none.
    pub fn end(&mut self, now: Instant) -> Option<Instant> {
        let latest = now + PATIENCE;
        let latest = self.deadline.map_or(latest, |deadline| deadline.min(latest));
        let end = *self.end.get_or_insert(latest);
        (!self.waiting.is_empty()).then_some(end)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    fn address(n: u32) -> IpAddr {
        IpAddr::V4(std::net::Ipv4Addr::from_bits(0xc000_0200 + n))
    }

    #[test]
    fn as_many_targets_as_answer_have_their_names() {
        let mut names = Names::pooled(16, |question| match question {
            Question::Name(address) => {
                Some(format!("host-{}.example", address.to_string().replace('.', "-")))
            }
            Question::Origin(_) => None,
        });
        let mut targets = TargetNames::new(None);
        (0..500).for_each(|n| targets.push(n, address(n)));
        let mut found = Vec::new();
        while !targets.is_empty() {
            targets.poll(at(0), &mut names, |target, name| found.push((target, name)));
            std::thread::yield_now();
        }
        found.sort_unstable();
        assert_eq!((found.len(), targets.end(at(0))), (500, None));
        assert_eq!(found[7], (7, "host-192-0-2-7.example".to_owned()));
    }

    #[test]
    fn a_name_server_without_answers_delays_the_end_by_at_most_a_second() {
        let (_hold, held) = mpsc::channel::<()>();
        let held = Mutex::new(held);
        let mut names = Names::pooled(2, move |_| {
            let _ = held.lock().map(|held| held.recv());
            None
        });
        let mut ends = |deadline: Option<u64>| {
            let mut targets = TargetNames::new(deadline.map(Duration::from_millis));
            (0..200).for_each(|n| targets.push(n, address(n)));
            targets.poll(at(400), &mut names, |_, _| panic!("no name"));
            let end = targets.end(at(500));
            assert_eq!(targets.end(at(600)), end, "it is set once");
            targets.poll(at(1_499), &mut names, |_, _| panic!("no name"));
            let waits = !targets.is_empty();
            targets.poll(at(1_500), &mut names, |_, _| panic!("no name"));
            (end, waits, targets.end(at(1_500)))
        };
        assert_eq!(ends(None), (Some(at(1_500)), true, None));
        assert_eq!(ends(Some(900)), (Some(at(900)), false, None));
    }
}
