//! What an assertion came to, as lines on standard error.

use crate::escape::escape;
use crate::output::Output;
use crate::report::hosts::HostLabel;
use crate::stats::verdict::measure::{Judgement, Measured};

/// Prints a line for each condition that does not hold; nothing for an assertion that holds. `label` is the name of a
/// target, where there are many.
pub fn print<'a>(
    program: &str,
    judgement: &Judgement,
    label: impl Fn(u32) -> Option<HostLabel<'a>>,
    output: &mut Output<'_>,
) {
    let program = escape(program);
    for failure in &judgement.failures {
        let of = label(failure.target).map(|label| format!("{label}: ")).unwrap_or_default();
        let clause = failure.clause;
        let is = match failure.measured {
            Measured::Nothing(reason) => reason.to_owned(),
            measured => format!("{} is {measured}", clause.field),
        };
        output.print_error(format_args!("{program}: {of}assertion failed: {clause}: {is}\n"));
    }
    let more = judgement.failed.saturating_sub(u64::try_from(judgement.failures.len()).unwrap_or(u64::MAX));
    if more > 0 {
        output.print_error(format_args!("{program}: {more} more assertions failed\n"));
    }
    if judgement.missing > 0 {
        let missing = judgement.missing;
        let were = if missing == 1 { "1 target was" } else { &format!("{missing} targets were") };
        output.print_error(format_args!("{program}: assertion failed: {were} not probed\n"));
    }
}
