//! States of hosts as the plugins of Nagios and its relatives report them, by limits of the mean round-trip time and of
//! the loss.

use std::time::Duration;

use super::figures::Figures;
use super::ping::PingAccount;
use super::trace::TraceAccount;
use crate::engine::trace::event::Ending;

/// A state, in the order of severity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// No limit is reached.
    Ok,
    /// Nothing is known.
    Unknown,
    /// A limit of warnings is reached.
    Warning,
    /// A critical limit is reached, or there is no answer.
    Critical,
}

impl State {
    /// The exit status.
    pub const fn status(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::Warning => 1,
            Self::Critical => 2,
            Self::Unknown => 3,
        }
    }
}

/// A limit: reached from here on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// Of the mean round-trip time.
    pub rtt: Option<Duration>,
    /// Of the loss, in hundredths of a percent.
    pub loss: Option<u32>,
}

impl Limit {
    fn is_reached(&self, figures: &dyn Figures) -> bool {
        let mean = Duration::from_nanos(figures.rtt().mean());
        self.rtt.is_some_and(|rtt| mean >= rtt)
            || self.loss.zip(figures.loss()).is_some_and(|(limit, loss)| loss.reaches(limit))
    }
}

/// The limits of a check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckLimits {
    /// Of warnings.
    pub warn: Limit,
    /// Of what is critical.
    pub crit: Limit,
}

impl CheckLimits {
    /// The state of a host. One without any answer is critical.
    pub fn state(&self, figures: &dyn Figures) -> State {
        match figures.received() {
            0 if figures.sent() == 0 && figures.not_sent() == 0 => State::Unknown,
            0 => State::Critical,
            _ if self.crit.is_reached(figures) => State::Critical,
            _ if self.warn.is_reached(figures) => State::Warning,
            _ => State::Ok,
        }
    }
}

/// How many hosts are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct States {
    /// In state OK.
    pub ok: u32,
    /// In state WARNING.
    pub warning: u32,
    /// In state CRITICAL.
    pub critical: u32,
    /// In state UNKNOWN.
    pub unknown: u32,
}

impl States {
    /// The states of all targets of a ping. Unknown names are among them. `single`: it is of one host, whatever addresses
    /// that had.
    pub fn of(account: &PingAccount, limits: &CheckLimits, single: bool) -> Self {
        let unknown = account.unknown.saturating_add(account.open_names);
        let mut states = Self { unknown, ..Self::default() };
        if single {
            states.add(limits.state(&account.total));
        } else {
            let rows = (0..account.targets()).filter_map(|target| account.row(target));
            rows.for_each(|row| states.add(limits.state(row)));
        }
        states
    }

    fn add(&mut self, state: State) {
        let count = match state {
            State::Ok => &mut self.ok,
            State::Warning => &mut self.warning,
            State::Critical => &mut self.critical,
            State::Unknown => &mut self.unknown,
        };
        *count = count.saturating_add(1);
    }

    /// The worst of them. Where so many hosts are `enough`, only those decide.
    pub fn state(&self, enough: Option<u32>) -> State {
        match (enough, self) {
            (Some(enough), _) if self.ok >= enough => State::Ok,
            (Some(enough), _) if self.ok.saturating_add(self.warning) >= enough => State::Warning,
            (_, Self { critical: 1.., .. }) => State::Critical,
            (_, Self { warning: 1.., .. }) => State::Warning,
            (_, Self { unknown: 1.., .. }) => State::Unknown,
            (_, Self { ok: 1.., .. }) => State::Ok,
            _ => State::Unknown,
        }
    }

    /// How many there are.
    pub const fn all(&self) -> u32 {
        self.ok.saturating_add(self.warning).saturating_add(self.critical).saturating_add(self.unknown)
    }
}

/// The state of a trace: a target that was not reached is critical, and the state of a trace that was stopped is unknown.
pub fn of_trace(account: &TraceAccount) -> State {
    match account.ending() {
        Ending::Reached => State::Ok,
        Ending::Stopped => State::Unknown,
        _ => State::Critical,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Instant;
    use crate::engine::ping::event::{Event, Verdict};
    use crate::stats::{Account, samples};

    /// An account of one target of which so many probes were answered after 10 ms, and so many lost.
    fn account(answered: u16, lost: u16) -> PingAccount {
        let mut account = PingAccount::new(1);
        for seq in 1..=answered + lost {
            account.add(&Event::Sent { at: Instant::ZERO, target: 0, seq, in_flight: 1 });
            let rtt = Duration::from_millis(10);
            account.add(&match seq <= answered {
                true => samples::answer(Instant::ZERO, seq, rtt, Verdict::Received),
                false => Event::Lost { at: Instant::ZERO, target: 0, seq, sent: Instant::ZERO },
            });
        }
        account
    }

    fn limits(warn: (u64, u32), crit: (u64, u32)) -> CheckLimits {
        let limit = |(millis, percent): (u64, u32)| Limit {
            rtt: Some(Duration::from_millis(millis)),
            loss: Some(percent * 100),
        };
        CheckLimits { warn: limit(warn), crit: limit(crit) }
    }

    #[test]
    fn a_limit_is_reached_by_the_mean_or_by_the_loss() {
        let state = |answered, lost, limits: CheckLimits| {
            States::of(&account(answered, lost), &limits, true).state(None)
        };
        let wide = limits((100, 40), (500, 80));
        assert_eq!(state(5, 0, wide), State::Ok);
        assert_eq!(state(3, 2, wide), State::Warning);
        assert_eq!(state(1, 4, wide), State::Critical);
        assert_eq!(state(5, 0, limits((10, 40), (500, 80))), State::Warning);
        assert_eq!(state(5, 0, limits((1, 40), (10, 80))), State::Critical);
    }

    #[test]
    fn without_limits_only_a_host_without_any_answer_is_critical() {
        let state = |account: PingAccount| States::of(&account, &CheckLimits::default(), false).state(None);
        assert_eq!(state(account(1, 99)), State::Ok);
        assert_eq!(state(account(0, 1)), State::Critical);
        assert_eq!(state(account(0, 0)), State::Unknown, "nothing was sent");
        assert_eq!(state(account(1, 0).with_names(1, 0)), State::Unknown, "a name is unknown");
        assert_eq!(state(PingAccount::new(0)), State::Unknown);
    }

    #[test]
    fn where_some_hosts_are_enough_only_those_decide() {
        let states = States { ok: 1, warning: 1, critical: 1, unknown: 1 };
        let state = |enough| states.state(enough);
        assert_eq!(
            [state(Some(1)), state(Some(2)), state(Some(3)), state(None)].map(State::status),
            [0, 1, 2, 2]
        );
        assert_eq!(states.all(), 4);
    }
}
