//! The options that decide the exit status: `--assert`, for both commands.

use std::ffi::OsStr;

use anyhow::{Result, bail};
use clap::builder::TypedValueParser;

use super::groups::OptionGroup;
use super::headings::STATUS;
use super::values::refusal;
use super::values::{Checked, whole};
use crate::engine::ping::{TargetState, Until};
use crate::escape::{argument, escape};
use crate::stats::verdict::assertion::{Assertion, Fault, place};
use crate::stats::verdict::field::{self, Field};

/// The options of ping that decide the exit status.
#[derive(Debug, Default, clap::Args)]
pub struct VerdictArguments {
    /// Exit with 0 only if these conditions hold.
    ///
    /// Conditions joined by commas, such as loss<=1%,p95<50ms,jitter<5ms,received>=3. The figures are sent,
    /// received, loss, duplicates, errors, min, avg, max, mdev, p50, p90, p95, p99, jitter and burst (the
    /// longest run of losses). With many hosts each must meet all. Each condition that does not hold is
    /// printed on standard error, and the exit status is 1. A condition on times does not hold if no answer
    /// came. Can be given several times.
    #[arg(long, value_name = "CONDITIONS", allow_hyphen_values = true, value_parser = PING, action = clap::ArgAction::Append, help_heading = STATUS)]
    pub assert: Vec<Asserted>,

    /// Go on until the host is up or down, N probes in a row.
    ///
    /// up ends ping when the host answers. down ends it when a probe is lost or an ICMP error comes. A probe
    /// is lost after --timeout. Without that it is lost after four times the longest time so far, at least
    /// 0.2 s, but never later than in other runs. A name that is not found is looked up again. -w limits the time,
    /// and the exit status is 1 when it is over. The last line is how long it took. With many hosts all must
    /// be in the state at one time.
    #[arg(long, value_name = "up|down[:N]", allow_hyphen_values = true, value_parser = UNTIL, help_heading = STATUS)]
    pub until: Option<Until>,
}

impl OptionGroup for VerdictArguments {
    const LETTERS: &'static str = "";
}

impl VerdictArguments {
    /// The first of them that is given.
    pub fn option(&self) -> Option<&'static str> {
        let until = self.until.map(|_| "--until");
        if self.assert.is_empty() { until } else { Some("--assert") }
    }
}

/// `--until`. As many probes of a target as that are remembered.
const UNTIL: Checked<Until> = Checked {
    parse: |text| {
        let (state, in_a_row) = match text.split_once(':') {
            Some((state, number)) => (state, whole::<_, 1, 10_000>(number)?),
            None => (text, 1),
        };
        let state = match state {
            "up" => TargetState::Up,
            "down" => TargetState::Down,
            _ => return None,
        };
        Some(Until { state, in_a_row })
    },
    allowed: "the state must be up or down, perhaps with :N behind it for N probes in a row, from 1 to 10000",
};

/// The options of traceroute that decide the exit status.
#[derive(Debug, Default, clap::Args)]
pub struct TraceVerdictArguments {
    /// Exit with 0 only if these conditions hold.
    ///
    /// Conditions joined by commas, such as reached,hops<=12,rtt<80ms. rtt is the mean time of the target, as
    /// is avg; min and max are the smallest and the largest. Each condition that does not hold is printed on
    /// standard error, and the exit status is 1. Conditions on hops and times do not hold if the target was
    /// not reached. Can be given several times.
    #[arg(long, value_name = "CONDITIONS", allow_hyphen_values = true, value_parser = TRACEROUTE, action = clap::ArgAction::Append, help_heading = STATUS)]
    pub assert: Vec<Asserted>,
}

impl OptionGroup for TraceVerdictArguments {
    const LETTERS: &'static str = "";
}

impl TraceVerdictArguments {
    /// The first of them that is given.
    pub fn option(&self) -> Option<&'static str> {
        (!self.assert.is_empty()).then_some("--assert")
    }
}

/// The value of an `--assert`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asserted {
    /// As it was typed.
    text: String,
    assertion: Assertion,
}

/// Parses an assertion about the fields of a command.
#[derive(Clone, Copy)]
struct Asserts {
    command: &'static str,
    fields: &'static [Field],
}

const PING: Asserts = Asserts { command: "ping", fields: &field::PING };
const TRACEROUTE: Asserts = Asserts { command: "traceroute", fields: &field::TRACEROUTE };

impl TypedValueParser for Asserts {
    type Value = Asserted;

    fn parse_ref(
        &self,
        command: &clap::Command,
        _arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<Asserted, clap::Error> {
        let parsed = match value.to_str() {
            Some(text) => Assertion::parse(text, self.command, self.fields)
                .map(|assertion| Asserted { text: text.to_owned(), assertion })
                .map_err(|fault| pointed(text, &fault)),
            None => Err(format!("--assert {}: the conditions must be UTF-8 text", argument(value))),
        };
        parsed.map_err(|reason| refusal(command, reason))
    }
}

/// What is wrong with an assertion; below it the assertion, and a caret under the place.
fn pointed(text: &str, fault: &Fault) -> String {
    let before = text.get(..fault.at).map_or(0, |before| escape(before).chars().count());
    format!("--assert: {}\n  {}\n  {:before$}^", escape(&fault.reason), escape(text), "")
}

/// All clauses of some assertions; `None` without any.
pub fn joined(asserted: &[Asserted]) -> Option<Assertion> {
    let clauses: Vec<_> = asserted.iter().flat_map(|one| one.assertion.0.iter().copied()).collect();
    (!clauses.is_empty()).then_some(Assertion(clauses))
}

/// Refuses assertions that cannot hold where a host answers `most` probes at most; `bounded`: where it is sent no more
/// than that.
///
/// # Errors
/// What is wrong, and where, as for a value that is refused.
pub fn check_counts(asserted: &[Asserted], most: u64, bounded: bool) -> Result<()> {
    check_least(asserted, |field| {
        let counts = match field {
            Field::Received => true,
            Field::Sent | Field::Burst => bounded,
            _ => false,
        };
        let probes = if most == 1 { "1 probe is" } else { &format!("{most} probes are") };
        let what = if bounded { "sent to a host" } else { "answered" };
        counts.then(|| (most, format!("{probes} {what} at most")))
    })
}

/// Refuses assertions that cannot hold where the last hop of a trace is `most` at most.
///
/// # Errors
/// What is wrong, and where, as for a value that is refused.
pub fn check_hops(asserted: &[Asserted], most: u8) -> Result<()> {
    check_least(asserted, |field| {
        (field == Field::Hops).then(|| (most.into(), format!("-m ends the trace at hop {most}")))
    })
}

/// Refuses assertions that need more of a field than it can have; `most`: that, and the reason.
fn check_least(asserted: &[Asserted], most: impl Fn(Field) -> Option<(u64, String)>) -> Result<()> {
    for Asserted { text, assertion } in asserted {
        for (number, clause) in assertion.0.iter().enumerate() {
            let Some((_, why)) = most(clause.field).filter(|(most, _)| clause.least() > *most) else {
                continue;
            };
            let fault = Fault { at: place(text, number), reason: format!("{clause} never holds: {why}") };
            bail!("{}", pointed(text, &fault));
        }
    }
    Ok(())
}
