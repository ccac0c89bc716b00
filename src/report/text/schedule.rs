//! Which probes each of many targets is sent, for the first line of a run.

use std::fmt;
use std::time::Duration;

/// Which probes each target is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schedule {
    /// So many at most, until it answers.
    UntilAnswered {
        /// How many.
        probes: u64,
    },
    /// A number of them.
    Count {
        /// How many.
        probes: u64,
        /// From one to the next.
        period: Duration,
    },
    /// No last one.
    Endless {
        /// From one to the next.
        period: Duration,
        /// How long it goes on; `None`: until a signal ends it.
        deadline: Option<Duration>,
    },
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::UntilAnswered { probes: 1 } | Self::Count { probes: 1, .. } => write!(f, "1 probe each"),
            Self::UntilAnswered { probes } => write!(f, "up to {probes} probes each until it answers"),
            Self::Count { probes, period } => {
                write!(f, "{probes} probes each, {} s apart", period.as_secs_f64())
            }
            Self::Endless { period, deadline } => {
                write!(f, "a probe each {} s ", period.as_secs_f64())?;
                match deadline {
                    Some(deadline) => write!(f, "for {} s", deadline.as_secs_f64()),
                    None => write!(f, "until Ctrl-C"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_names_the_probes_and_the_end() {
        let period = Duration::from_millis(250);
        let shown = |schedule: Schedule| schedule.to_string();
        assert_eq!(shown(Schedule::UntilAnswered { probes: 4 }), "up to 4 probes each until it answers");
        assert_eq!(shown(Schedule::UntilAnswered { probes: 1 }), "1 probe each");
        assert_eq!(shown(Schedule::Count { probes: 1, period }), "1 probe each");
        assert_eq!(shown(Schedule::Count { probes: 5, period }), "5 probes each, 0.25 s apart");
        assert_eq!(shown(Schedule::Endless { period, deadline: None }), "a probe each 0.25 s until Ctrl-C");
        let deadline = Some(Duration::from_secs(60));
        assert_eq!(shown(Schedule::Endless { period, deadline }), "a probe each 0.25 s for 60 s");
    }
}
