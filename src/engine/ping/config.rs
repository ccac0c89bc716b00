//! What a ping is requested to do: plain data.

use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use super::matching::Expected;
use super::pace::Pacing;
use super::targets::Targets;
use crate::probe::{Method, Payload};

/// What a ping is requested to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// The addresses to probe from the start.
    pub targets: Rc<Targets>,
    /// Names that are looked up while the run goes on, see [`super::Ping::name_found`]. The run does not end by itself
    /// while one of them is open.
    pub names: u32,
    /// The query to send.
    pub method: Method,
    /// Data of an echo request.
    pub payload: Payload,
    /// How probes follow one another.
    pub pacing: Pacing,
    /// Probes to each target (for a classic run with a deadline: answers); `None`: no end. [`Pacing::Retry`] has its own
    /// limit.
    pub count: Option<u64>,
    /// Maximum number of probes in flight: the receive buffer has room for the replies to so many.
    pub window: u64,
    /// Whether the run ends as iputils ends a ping of one host; else as one of many hosts.
    pub classic: bool,
    /// End the run after this long, whatever happened.
    pub deadline: Option<Duration>,
    /// How long to wait after the last probe. Classic: while nothing at all was answered, `None` for ever. Else `None`
    /// is twice the longest round-trip time, and a second at least.
    pub linger: Option<Duration>,
    /// After how long without an answer a probe is lost; `None`: twice the longest round-trip time, and a second at
    /// least.
    pub patience: Option<Duration>,
    /// Whether that time alone decides what is lost: an ICMP error leaves its probe in flight, and a later answer is
    /// rejected.
    pub timeout_decides: bool,
    /// End the run once so many targets have answered.
    pub enough: Option<u32>,
    /// When else a probe is lost and the run ends.
    pub limits: Limits,
    /// Emit [`super::event::Event::Unanswered`] when the next probe leaves and the one before it has no answer yet.
    pub report_unanswered: bool,
    /// Whether many may answer one probe (multicast, broadcast), so that no address is the wrong one.
    pub many_responders: bool,
    /// Whether anyone may answer for the target (subnet-router anycast).
    pub anycast: bool,
    /// Whether the kernel stamps the departures of some probes only. The others have no time then, unless it stamps none.
    pub sampled: bool,
    /// Wall-clock time of day at [`crate::clock::Instant::ZERO`], in milliseconds since midnight UT.
    pub millis_of_day: u32,
}

/// What decides, beside the count and the deadline, when a probe is lost and when a run ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// After how long without an answer a probe is lost, whatever [`Config::patience`] is. So long the run waits for the
    /// last ones too.
    pub timeout: Option<Duration>,
    /// Whether a classic run with a deadline goes on after an ICMP error, which is no answer then.
    pub keep_going: bool,
    /// End the run once all targets are in a state.
    pub until: Option<Until>,
    /// Whether the run goes on while a name is unknown, which is looked up again.
    pub awaits_names: bool,
}

/// A state of a target that a run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until {
    /// The state.
    pub state: TargetState,
    /// How many probes in a row must show it; at least 1.
    pub in_a_row: u32,
}

/// Whether a target answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetState {
    /// Its probes are answered.
    Up,
    /// Its probes are lost, or an ICMP error comes.
    Down,
}

impl Config {
    /// What a reply to a probe of the target with that address must match.
    pub(super) fn expected(&self, dst: IpAddr) -> Expected<'_> {
        let anyone = self.many_responders || self.anycast;
        Expected { dst, method: self.method, payload: &self.payload, anyone }
    }
}
