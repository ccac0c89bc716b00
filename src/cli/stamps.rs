//! Which clock a ping is timed by.

use anyhow::{Result, ensure};

use super::format::Format;
use super::many::Many;
use super::ping::PingArguments;
use crate::transport::Stamping;

/// The clock that the options request, or the best that the rate of the probes permits. `many`: what is pinged is many
/// hosts.
///
/// # Errors
/// One line: the options contradict one another.
pub fn of(arguments: &PingArguments, many: Option<&Many>, format: Format) -> Result<Stamping> {
    let requested = arguments.other.clock;
    ensure!(
        !arguments.other.user_latency || requested.is_none_or(|clock| clock == Stamping::User),
        "-U means --clock user and does not go with another --clock"
    );
    let best = match many {
        // Most hosts have one probe, which must have a time.
        Some(many) if many.exceeds_stamped_rate() => Stamping::Arrivals,
        // It prints the time of each probe.
        None if arguments.pace.flood && format != Format::Atlas => Stamping::Sampled,
        _ => Stamping::Both,
    };
    Ok(match requested {
        _ if arguments.other.user_latency => Stamping::User,
        None | Some(Stamping::Both) => best,
        Some(clock) => clock,
    })
}
