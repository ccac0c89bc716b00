//! `--until`: whether each target answered, or did not, so many times in a row.

use super::config::{Limits, TargetState, Until};
use super::flight::{Flight, State};
use crate::clock::Instant;

/// Watches all targets for a state.
#[derive(Debug)]
pub struct Watch {
    /// `None`: nothing is watched.
    until: Option<Until>,
    /// Whether each target is in the state; `None`: it is probed no more.
    holds: Vec<Option<bool>>,
    /// How many are, and how many are to be.
    holding: u32,
    watched: u32,
    /// Names without a target: no target is in the state for them.
    missing: u32,
    /// When the last target was in the state, or the last name was found.
    since: Option<Instant>,
    /// When all targets were in the state. Nothing changes any more then: the run is over, and what is known later about
    /// earlier probes does not count.
    reached: Option<Instant>,
}

/// A probe with an outcome.
#[derive(Clone, Copy, Debug)]
pub struct Decided {
    /// When the outcome was known.
    pub at: Instant,
    /// Number of the target.
    pub target: u32,
    /// Place of the target's newest probe.
    pub newest: u64,
    /// Place of the probe.
    pub place: u64,
}

impl Watch {
    /// Nothing is known of so many targets, and of so many names that will join.
    pub fn new(limits: Limits, targets: u32, names: u32) -> Self {
        let (watched, missing) = limits.until.map_or((0, 0), |_| (targets, names));
        let holds = vec![Some(false); usize::try_from(watched).unwrap_or(usize::MAX)];
        Self { until: limits.until, holds, holding: 0, watched, missing, since: None, reached: None }
    }

    /// A target joins.
    pub fn add(&mut self) {
        if self.until.is_some() && self.reached.is_none() {
            self.holds.push(Some(false));
            self.watched = self.watched.saturating_add(1);
        }
    }

    /// A target is probed no more, or is again.
    pub fn retire(&mut self, target: u32, retired: bool) {
        if self.reached.is_some() {
            return;
        }
        let Some(holds) = usize::try_from(target).ok().and_then(|target| self.holds.get_mut(target)) else {
            return;
        };
        match (*holds, retired) {
            (Some(held), true) => {
                self.holding = self.holding.saturating_sub(u32::from(held));
                self.watched = self.watched.saturating_sub(1);
                *holds = None;
            }
            (None, false) => {
                self.watched = self.watched.saturating_add(1);
                *holds = Some(false);
            }
            (Some(_), false) | (None, true) => {}
        }
    }

    /// So many names have no target, from `at` on. Returns whether all targets are in the state.
    pub fn miss(&mut self, at: Instant, names: u32) -> bool {
        if self.reached.is_none() {
            self.missing = names;
            self.since = self.since.map(|since| since.max(at));
        }
        self.reach()
    }

    /// The outcome of a probe is known. Returns whether all targets are in the state.
    ///
    /// The probe decides, with those around it that have the same outcome: probes after it that were lost do not keep a
    /// late answer from showing that the target is up, and a probe before one that was answered, which is lost later, does
    /// not show that it is down.
    pub fn decide(&mut self, probe: Decided, flight: &Flight) -> bool {
        let Some(until) = self.until else { return false };
        if self.reached.is_some() {
            return true;
        }
        let index = usize::try_from(probe.target).unwrap_or(usize::MAX);
        let Some(Some(holds)) = self.holds.get_mut(index) else { return false };
        let shows = flight.slot(probe.place).is_some_and(|slot| is(until.state, slot.state));
        if !*holds && shows && run(until, probe, flight) {
            *holds = true;
            (self.holding, self.since) = (self.holding.saturating_add(1), Some(probe.at));
        } else if *holds && !shows && !is_of_the_past(until, probe, flight) {
            *holds = false;
            self.holding = self.holding.saturating_sub(1);
        }
        self.reach()
    }

    /// Whether all targets are in the state, or were.
    fn reach(&mut self) -> bool {
        if self.reached.is_none() && self.missing == 0 && self.holding == self.watched {
            self.reached = self.since;
        }
        self.reached.is_some()
    }

    /// Targets in the state.
    pub fn holding(&self) -> u32 {
        self.holding
    }

    /// Targets that are to be in the state.
    pub fn watched(&self) -> u32 {
        self.watched
    }

    /// When all targets were in the state; `None`: not all are.
    pub const fn held(&self) -> Option<Instant> {
        self.reached
    }
}

/// Whether the outcome of a probe is one of a target in that state.
const fn is(wanted: TargetState, state: State) -> bool {
    match wanted {
        TargetState::Up => matches!(state, State::Answered),
        TargetState::Down => matches!(state, State::Lost | State::Failed),
    }
}

/// Whether the target answered a later probe: one that was lost before shows nothing about it any more. An answer always
/// shows that the target is up, however late it comes.
fn is_of_the_past(until: Until, probe: Decided, flight: &Flight) -> bool {
    let mut place = probe.newest;
    while until.state == TargetState::Up
        && place > probe.place
        && let Some(slot) = flight.slot(place)
    {
        if slot.state == State::Answered {
            return true;
        }
        place = flight.previous(place);
    }
    false
}

/// Whether enough probes of a target in a row, one of which is the `probe`, have the outcome.
fn run(until: Until, probe: Decided, flight: &Flight) -> bool {
    let (mut place, mut count) = (probe.newest, 0_u32);
    while let Some(slot) = flight.slot(place) {
        if is(until.state, slot.state) {
            count = count.saturating_add(1);
            if place <= probe.place && count >= until.in_a_row {
                return true;
            }
        } else if slot.state != State::Withdrawn {
            if place <= probe.place {
                return false;
            }
            count = 0;
        }
        place = flight.previous(place);
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What became of the probes of a target, in the order of time: the number of a probe and its outcome. Returns
    /// whether the target is in the state after each.
    fn watched(state: TargetState, in_a_row: u32, probes: u64, outcomes: &[(u64, State)]) -> Vec<bool> {
        let limits = Limits { until: Some(Until { state, in_a_row }), ..Limits::default() };
        let (mut watch, mut flight) = (Watch::new(limits, 1, 0), Flight::new(1));
        (1..=probes).for_each(|number| {
            flight.push(Instant::ZERO, 0, number as u16, number - 1);
        });
        let decide = |(place, state): &(u64, State)| {
            flight.settle(*place, *state);
            watch.decide(Decided { at: Instant::ZERO, target: 0, newest: probes, place: *place }, &flight)
        };
        outcomes.iter().map(decide).collect()
    }

    use State::{Answered, Failed, Lost, NotSent};
    use TargetState::{Down, Up};

    #[test]
    fn one_answer_shows_that_a_target_is_up_whatever_was_lost() {
        assert_eq!(watched(Up, 1, 4, &[(1, Lost), (2, Lost), (1, Answered)]), [false, false, true]);
        assert_eq!(watched(Up, 1, 4, &[(1, Failed), (2, Answered)]), [false, true]);
    }

    #[test]
    fn what_is_known_later_changes_nothing_once_all_targets_were_in_the_state() {
        for outcomes in [[(2, Answered), (1, Lost)], [(1, Answered), (2, Lost)], [(3, Answered), (4, Failed)]]
        {
            assert_eq!(watched(Up, 1, 4, &outcomes), [true, true]);
        }
        assert_eq!(watched(Down, 1, 4, &[(2, Lost), (2, Answered)]), [true, true]);
    }

    #[test]
    fn answers_in_a_row_are_counted_by_number_in_whatever_order_they_come() {
        assert_eq!(watched(Up, 3, 9, &[(2, Answered), (4, Answered), (3, Answered)]), [false, false, true]);
        let gap = [(1, Answered), (2, Lost), (3, Answered), (4, Answered), (2, Answered)];
        assert_eq!(watched(Up, 3, 9, &gap), [false, false, false, false, true]);
        let unsent = [(1, Answered), (2, NotSent), (3, Answered)];
        assert_eq!(watched(Up, 2, 9, &unsent), [false; 3], "a probe that was not sent ends a row");
    }

    #[test]
    fn a_target_is_down_after_losses_and_errors_in_a_row() {
        assert_eq!(watched(Down, 1, 3, &[(1, Answered), (2, Failed)]), [false, true]);
        assert_eq!(watched(Down, 3, 4, &[(1, Lost), (2, Failed), (3, Lost)]), [false, false, true]);
        let late = [(1, Lost), (2, Lost), (2, Answered), (3, Lost), (4, Lost), (5, Lost)];
        assert_eq!(watched(Down, 3, 5, &late), [false, false, false, false, false, true]);
    }

    #[test]
    fn all_targets_must_be_in_the_state_at_one_time() {
        let limits = Limits { until: Some(Until { state: Up, in_a_row: 1 }), ..Limits::default() };
        let (mut watch, mut flight) = (Watch::new(limits, 2, 0), Flight::new(2));
        let mut newest = [0; 2];
        let mut decide = |target: u32, state| {
            let last = newest[target as usize];
            let place = flight.push(Instant::ZERO, target, 1, last);
            newest[target as usize] = place;
            flight.settle(place, state);
            let at = Instant::from_nanos(place);
            let all = watch.decide(Decided { at, target, newest: place, place }, &flight);
            (all, watch.holding(), watch.held().map(Instant::as_nanos))
        };
        assert_eq!(decide(0, Answered), (false, 1, None));
        assert_eq!(decide(0, Lost), (false, 0, None));
        assert_eq!(decide(1, Answered), (false, 1, None));
        assert_eq!(decide(1, Answered), (false, 1, None));
        assert_eq!(decide(0, Answered), (true, 2, Some(5)));
    }

    #[test]
    fn a_probe_that_was_lost_before_an_answer_does_not_show_that_its_target_is_down() {
        let held = |state, outcomes: &[(u64, State)]| {
            let limits = Limits { until: Some(Until { state, in_a_row: 1 }), ..Limits::default() };
            // The second target has no outcome.
            let (mut watch, mut flight) = (Watch::new(limits, 2, 0), Flight::new(2));
            (1..=3).for_each(|number| {
                flight.push(Instant::ZERO, 0, number as u16, number - 1);
            });
            for (place, state) in outcomes {
                flight.settle(*place, *state);
                watch.decide(Decided { at: Instant::ZERO, target: 0, newest: 3, place: *place }, &flight);
            }
            watch.holding()
        };
        assert_eq!(held(Up, &[(2, Answered), (1, Lost)]), 1);
        assert_eq!(held(Up, &[(2, Answered), (1, Failed)]), 1);
        assert_eq!(held(Up, &[(2, Answered), (3, Lost)]), 0);
        assert_eq!(held(Up, &[(2, Answered), (3, Lost), (1, Answered)]), 1);
        assert_eq!(held(Down, &[(2, Lost), (1, Answered)]), 0, "it answers now");
    }

    #[test]
    fn a_name_without_a_target_is_not_in_the_state_and_a_target_that_is_probed_no_more_does_not_count() {
        let limits = Limits { until: Some(Until { state: Up, in_a_row: 1 }), ..Limits::default() };
        let (mut watch, mut flight) = (Watch::new(limits, 1, 2), Flight::new(3));
        let mut answered = |watch: &mut Watch, target: u32| {
            let place = flight.push(Instant::ZERO, target, 1, 0);
            flight.settle(place, Answered);
            watch.decide(Decided { at: Instant::from_nanos(place), target, newest: place, place }, &flight)
        };
        let at = Instant::from_nanos;
        assert!(!answered(&mut watch, 0));
        watch.add();
        assert!(!watch.miss(at(50), 1) && !answered(&mut watch, 1), "a name is missing");
        assert!(watch.miss(at(100), 0), "it was found under an address that is up");
        assert_eq!(watch.held(), Some(at(100)));
        watch.add();
        assert_eq!((watch.held(), watch.holding(), watch.watched()), (Some(at(100)), 2, 2), "it is over");
        // A name that is missing keeps this one from being over.
        let mut watch = Watch::new(limits, 3, 1);
        answered(&mut watch, 0);
        answered(&mut watch, 1);
        assert_eq!((watch.holding(), watch.watched()), (2, 3));
        watch.retire(2, true);
        answered(&mut watch, 2);
        assert_eq!((watch.holding(), watch.watched()), (2, 2), "what comes late changes nothing");
        watch.retire(1, true);
        assert_eq!((watch.holding(), watch.watched()), (1, 1));
        watch.retire(1, false);
        assert_eq!((watch.held(), watch.holding(), watch.watched()), (None, 1, 2));
    }

    #[test]
    fn without_a_state_nothing_is_watched() {
        let mut watch = Watch::new(Limits::default(), 1_000_000, 1);
        let probe = Decided { at: Instant::ZERO, target: 0, newest: 0, place: 0 };
        assert!(!watch.decide(probe, &Flight::new(1)) && watch.held().is_none() && watch.holds.is_empty());
    }
}
