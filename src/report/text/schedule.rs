//! Which probes each of many targets is sent, and what ends the run, for its first line.

use std::fmt;
use std::time::Duration;

/// Which probes each target is sent, and what ends the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Which probes.
    pub probes: Probes,
    /// What ends the run before these are sent.
    pub goal: Option<Goal>,
    /// How long the run goes on.
    pub deadline: Option<Duration>,
}

/// Which probes each target is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probes {
    /// So many at most, until it answers.
    UntilAnswered(u64),
    /// So many, one each period.
    Count(u64, Duration),
    /// One each period.
    Endless(Duration),
}

/// What ends a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// All targets are up.
    Up,
    /// All targets are down.
    Down,
    /// So many targets have answered.
    Answered(u32),
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.probes)?;
        let endless = matches!(self.probes, Probes::Endless(_));
        let comma = if endless { " " } else { ", " };
        match (self.goal, self.deadline.map(|deadline| deadline.as_secs_f64())) {
            (Some(goal), None) => write!(f, "{comma}until {goal}"),
            (Some(goal), Some(seconds)) => write!(f, "{comma}until {goal}, for {seconds} s at most"),
            (None, Some(seconds)) if endless => write!(f, " for {seconds} s"),
            (None, Some(seconds)) => write!(f, ", for {seconds} s at most"),
            (None, None) if endless => write!(f, " until Ctrl-C"),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Display for Probes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UntilAnswered(1) | Self::Count(1, _) => write!(f, "1 probe each"),
            Self::UntilAnswered(probes) => write!(f, "up to {probes} probes each until it answers"),
            Self::Count(probes, period) => {
                write!(f, "{probes} probes each, {} s apart", period.as_secs_f64())
            }
            Self::Endless(period) => write!(f, "a probe each {} s", period.as_secs_f64()),
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up => write!(f, "all are up"),
            Self::Down => write!(f, "all are down"),
            Self::Answered(1) => write!(f, "1 has answered"),
            Self::Answered(targets) => write!(f, "{targets} have answered"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_names_the_probes_and_the_end() {
        let period = Duration::from_millis(250);
        let shown = |probes, goal, seconds: Option<u64>| {
            Schedule { probes, goal, deadline: seconds.map(Duration::from_secs) }.to_string()
        };
        let until_answered = Probes::UntilAnswered;
        assert_eq!(shown(until_answered(4), None, None), "up to 4 probes each until it answers");
        assert_eq!(shown(until_answered(1), None, None), "1 probe each");
        assert_eq!(
            shown(until_answered(4), Some(Goal::Answered(2)), Some(9)),
            "up to 4 probes each until it answers, until 2 have answered, for 9 s at most"
        );
        assert_eq!(shown(Probes::Count(1, period), None, None), "1 probe each");
        assert_eq!(shown(Probes::Count(5, period), None, None), "5 probes each, 0.25 s apart");
        assert_eq!(
            shown(Probes::Count(5, period), None, Some(1)),
            "5 probes each, 0.25 s apart, for 1 s at most"
        );
        let endless = Probes::Endless(period);
        assert_eq!(shown(endless, None, None), "a probe each 0.25 s until Ctrl-C");
        assert_eq!(shown(endless, None, Some(60)), "a probe each 0.25 s for 60 s");
        assert_eq!(shown(endless, Some(Goal::Answered(1)), None), "a probe each 0.25 s until 1 has answered");
        assert_eq!(
            shown(endless, Some(Goal::Down), Some(60)),
            "a probe each 0.25 s until all are down, for 60 s at most"
        );
        assert_eq!(shown(endless, Some(Goal::Up), None), "a probe each 0.25 s until all are up");
    }
}
