//! What waiting for a state of the targets came to (`--until`).

use std::time::Duration;

use crate::engine::ping::Until;

/// What waiting came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waited {
    /// What was waited for.
    pub until: Until,
    /// Targets in the state.
    pub holding: u32,
    /// All targets; those that could not be probed too.
    pub targets: u32,
    /// How long it took, or how long it was waited for in vain; lookups of names included.
    pub elapsed: Duration,
}

impl Waited {
    /// Whether all targets are in the state.
    pub const fn passed(&self) -> bool {
        self.holding == self.targets
    }
}
