//! The limits of ordinary users of `rping ping`.

use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::ping::PingArguments;

/// Shortest interval of ordinary users, of an adaptive run too (iputils s20211215).
pub const MIN_INTERVAL: Duration = Duration::from_millis(2);
/// Shortest interval of ordinary users to a broadcast or multicast address (iputils).
pub const MIN_INTERVAL_TO_MANY: Duration = Duration::from_secs(1);
/// Largest preload of ordinary users (iputils).
const MAX_PRELOAD: u64 = 3;

/// Refuses what only root may request.
///
/// # Errors
/// One line that names the option and what is allowed.
pub fn check(arguments: &PingArguments, interval: Duration) -> Result<()> {
    if interval < MIN_INTERVAL {
        let option =
            arguments.interval.map_or("-f".to_owned(), |given| format!("-i {}", given.as_secs_f64()));
        bail!("{option}: cannot flood, minimal interval for user must be >= 2 ms, use -i 0.002 (or higher)");
    }
    let preload = arguments.pace.preload.unwrap_or(1);
    ensure!(
        preload <= MAX_PRELOAD,
        "-l {preload}: the preload must be a whole number from 1 to {MAX_PRELOAD} for ordinary users"
    );
    Ok(())
}
