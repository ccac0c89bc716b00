//! The line on standard error about a name without an address. It decides nothing itself.

use crate::engine::ping::event::Missing;
use crate::escape::escape;
use crate::output::Output;

/// The end of a line about a name that is looked up again.
pub const AGAIN: &str = "; trying again";

/// Prints why a name has no address, and whether it is looked up again; nothing where the run was complete without it.
/// `program` and `reason` are fit to be shown.
pub fn print(program: &str, name: &str, (reason, missing): (&str, Missing), output: &mut Output<'_>) {
    let next = match missing {
        Missing::Final => "",
        Missing::Again => AGAIN,
        Missing::NotNeeded => return,
    };
    output.print_error(format_args!("{program}: {}: {reason}{next}\n", escape(name)));
}
