//! The exit status of a run, from its account: by what it had to reach, or by an assertion.

pub mod assertion;
pub mod field;
pub mod measure;
pub mod until;

use super::ping::PingAccount;
use super::trace::TraceAccount;
use crate::engine::trace::event::Ending;

/// What a ping must reach to succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// So many answered probes, of all targets together.
    Answers(u64),
    /// So many targets that answer (`--min-reachable`).
    Targets(u32),
    /// An answer from each target. It cannot be reached where something that was named is no target.
    AllTargets,
    /// As fping.
    Fping {
        /// So many targets that answer (`-x`); `None`: all.
        required: Option<u32>,
    },
}

/// Exit status if the command cannot run: wrong usage, unknown host, no permission.
pub const CANNOT_RUN: u8 = 2;

/// The exit status if a command called `program` cannot run, for wrong `usage` or another reason: that of the program that
/// a link is named after.
pub fn cannot_run(program: &str, usage: bool) -> u8 {
    match (program, usage) {
        ("tracepath", true) => 255,
        ("tracepath", false) => 1,
        ("fping" | "fping6", true) => 1,
        ("fping" | "fping6", false) => 4,
        _ => CANNOT_RUN,
    }
}

/// The exit status of a ping: 0 if the goal was reached, else 1; 2 if there was no target.
///
/// That of fping is 2 where a name is unknown, unless so many targets are required, and 1 without any name or target.
pub fn of_ping(account: &PingAccount, goal: Goal) -> u8 {
    let (targets, answered) = (account.targets(), account.answered);
    match goal {
        Goal::Fping { required: Some(required), .. } if targets > 0 => u8::from(answered < required),
        Goal::Fping { .. } if account.unknown > 0 => 2,
        Goal::Fping { .. } => u8::from(answered < targets || targets == 0),
        _ if targets == 0 => 2,
        Goal::Answers(wanted) => u8::from(account.total.received < wanted),
        Goal::Targets(wanted) => u8::from(answered < wanted),
        Goal::AllTargets => u8::from(account.unknown > 0 || answered < targets),
    }
}

/// The exit status of a traceroute: 0 if the target was reached, 2 if no probe could be sent, else 1. `by_link`: that of
/// traceroute(8), which is 0 for every trace that came to its end, and 1 if no probe could be sent.
pub fn of_trace(account: &TraceAccount, by_link: bool) -> u8 {
    match account.ending() {
        Ending::Reached => 0,
        Ending::NotSent { .. } if !by_link => CANNOT_RUN,
        Ending::Stopped | Ending::NotSent { .. } => 1,
        _ => u8::from(!by_link),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Instant;
    use crate::datagram::{SendCause, SendFault, SystemError};
    use crate::engine::trace::event::TraceEvent;
    use crate::stats::Account;

    fn account(targets: u32, answered: u32, received: u64) -> PingAccount {
        let mut account = PingAccount::new(targets);
        (account.answered, account.total.received) = (answered, received);
        account
    }

    #[test]
    fn a_ping_succeeds_when_its_goal_is_reached() {
        assert_eq!(of_ping(&account(1, 0, 0), Goal::Answers(1)), 1);
        assert_eq!(of_ping(&account(1, 1, 3), Goal::Answers(3)), 0);
        assert_eq!(of_ping(&account(1, 1, 2), Goal::Answers(3)), 1);
        assert_eq!(of_ping(&account(9, 2, 2), Goal::Targets(2)), 0);
        assert_eq!(of_ping(&account(9, 1, 2), Goal::Targets(2)), 1);
        assert_eq!(of_ping(&account(2, 2, 2), Goal::AllTargets), 0);
        assert_eq!(of_ping(&account(2, 1, 2), Goal::AllTargets), 1);
        assert_eq!(of_ping(&account(2, 2, 2).with_names(1, 0), Goal::AllTargets), 1, "a name is unknown");
        assert_eq!(of_ping(&account(0, 0, 0), Goal::AllTargets), 2);
        assert_eq!(of_ping(&account(0, 0, 0), Goal::Targets(0)), 2);
    }

    #[test]
    fn a_trace_that_could_send_nothing_could_not_run() {
        let status = |ending| {
            let mut account = TraceAccount::new(Instant::ZERO);
            account.add(&TraceEvent::Ended { at: Instant::ZERO, ending });
            (of_trace(&account, false), of_trace(&account, true))
        };
        let fault = SendFault { cause: SendCause::Firewall, error: SystemError::new(1) };
        assert_eq!(status(Ending::NotSent { fault }), (2, 1));
        assert_eq!(status(Ending::HopLimit), (1, 0));
        assert_eq!(status(Ending::Stopped), (1, 1));
        assert_eq!(status(Ending::Reached), (0, 0));
    }
}
