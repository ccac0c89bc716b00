//! What waiting for a state came to, as a line.

use crate::engine::ping::TargetState;
use crate::escape::escape;
use crate::output::Output;
use crate::stats::verdict::until::Waited;

/// Prints the line. `name` is the only host, where there is one.
pub fn print(waited: &Waited, name: Option<&str>, output: &mut Output<'_>) {
    let Waited { until, holding, targets, elapsed } = *waited;
    let state = match until.state {
        TargetState::Up => "up",
        TargetState::Down => "down",
    };
    let (seconds, millis) = (elapsed.as_secs(), elapsed.subsec_millis());
    match name {
        Some(name) => {
            let not = if waited.passed() { "" } else { "not " };
            output.print(format_args!("{} is {not}{state}", escape(name)));
        }
        None => {
            let (plural, are) = if targets == 1 { ("", "is") } else { ("s", "are") };
            output.print(format_args!("{holding} of {targets} target{plural} {are} {state}"));
        }
    }
    output.print(format_args!(" after {seconds}.{millis:03} s\n"));
}
