//! What waiting for a state came to, as a record.

use serde::Serialize;

use super::fields::{millis, print};
use crate::clock::{Epoch, Instant};
use crate::engine::ping::TargetState;
use crate::output::Output;
use crate::stats::verdict::until::Waited;

#[derive(Serialize)]
struct UntilRecord {
    #[serde(rename = "type")]
    kind: &'static str,
    state: &'static str,
    in_a_row: u32,
    passed: bool,
    holding: u32,
    targets: u32,
    elapsed_ms: f64,
}

/// Prints the record.
pub fn until(waited: &Waited, (at, epoch): (Instant, Epoch), output: &mut Output<'_>) {
    let Waited { until, holding, targets, elapsed } = *waited;
    let record = UntilRecord {
        kind: "until",
        state: match until.state {
            TargetState::Up => "up",
            TargetState::Down => "down",
        },
        in_a_row: until.in_a_row,
        passed: waited.passed(),
        holding,
        targets,
        elapsed_ms: millis(elapsed),
    };
    print(epoch.wall(at), record, output);
}
