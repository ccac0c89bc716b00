//! One step of a schedule.

/// What is next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The target with this number is sent a probe.
    Probe(u32),
    /// The target with this number was sent its last probe, and its time is up.
    GiveUp(u32),
}
