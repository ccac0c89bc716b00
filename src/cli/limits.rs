//! When a probe is lost and when a run ends, as the options of `rping ping` request it.

use std::time::Duration;

use super::many;
use super::ping::PingArguments;
use crate::engine::ping::Limits;

/// How long a classic run waits for a first reply without `-W` (iputils).
const LINGER: Duration = Duration::from_secs(10);

/// What decides beside the count and the deadline.
pub fn limits(arguments: &PingArguments) -> Limits {
    let ends = arguments.count.is_some() || many::is_sweep(arguments);
    let looks_up_again = arguments.other.names.resolve_again.is_some() && !ends;
    Limits {
        awaits_names: arguments.verdict.until.is_some() || looks_up_again,
        timeout: arguments.pace.timeout,
        keep_going: arguments.pace.keep_going || arguments.verdict.until.is_some(),
        until: arguments.verdict.until,
    }
}

/// How long replies are waited for after the last probe; see [`crate::engine::ping::Config::linger`].
pub fn linger(arguments: &PingArguments, classic: bool) -> Option<Duration> {
    let linger = match arguments.linger {
        Some(linger) if classic => Some(linger).filter(|linger| !linger.is_zero())?,
        Some(linger) => many::linger(Some(linger))?,
        None if classic => arguments.pace.timeout.unwrap_or(LINGER),
        None => return None,
    };
    Some(arguments.pace.timeout.map_or(linger, |timeout| linger.max(timeout)))
}
