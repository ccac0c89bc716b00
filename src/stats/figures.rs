//! Figures of a target, whatever account they are from: that of the run, or that of a window.

use super::loss::{Ratio, loss};
use super::moments::Moments;
use super::neighbours::Neighbours;

/// The figures of a target.
pub trait Figures {
    /// Probes that left this machine.
    fn sent(&self) -> u64;

    /// Probes that could not leave this machine.
    fn not_sent(&self) -> u64;

    /// Probes answered by a valid answer.
    fn received(&self) -> u64;

    /// Probes that left, were not answered, and are not in flight.
    fn lost(&self) -> u64;

    /// Probes that left and were neither answered nor failed nor lost. A window has none: see [`super::Window`].
    fn in_flight(&self) -> u64 {
        0
    }

    /// Answers to probes that earlier windows count as lost; zero in the account of a run.
    fn late(&self) -> u64 {
        0
    }

    /// Loss of the probes with an outcome.
    fn loss(&self) -> Option<Ratio> {
        loss(self.lost(), self.received())
    }

    /// Extremes, mean and deviation of the round-trip times of received answers, as far as they were measured, in
    /// nanoseconds.
    fn rtt(&self) -> Moments;

    /// Whether there are such times.
    fn is_timed(&self) -> bool {
        self.rtt().count() > 0
    }

    /// A percentile of these times, in nanoseconds.
    fn percentile(&self, percent: u64) -> Option<u64>;

    /// How the times of answers differ from those of the answers that arrived before; `None` in a window and of all targets
    /// together.
    fn neighbours(&self) -> Option<Neighbours> {
        None
    }

    /// The longest run of losses; `None` in a window and of all targets together.
    fn burst(&self) -> Option<u32> {
        None
    }

    /// Whether probes were sent and none was answered.
    fn is_unreachable(&self) -> bool {
        self.sent() > 0 && self.received() == 0
    }
}

/// An account with figures of each target.
pub trait Targeted {
    /// The figures of one target.
    fn figures(&self, target: u32) -> Option<&dyn Figures>;
}
