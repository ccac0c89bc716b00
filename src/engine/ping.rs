//! The plan of a ping: when the next probe goes, and when the run is over.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::probe::{Method, Payload};

/// What a ping is asked to do.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whom to ask; port 0.
    pub target: SocketAddr,
    /// What to ask.
    pub method: Method,
    /// Data of an echo request.
    pub payload: Payload,
    /// Stop after so many probes (with a deadline: after so many answers).
    pub count: Option<u64>,
    /// Time from one probe to the next.
    pub interval: Duration,
    /// How the interval is used.
    pub pacing: Pacing,
    /// Probes that may leave at once at the start.
    pub preload: u64,
    /// End the run after this long, whatever happened.
    pub deadline: Option<Duration>,
    /// How long to wait after the last probe while nothing at all was answered; `None`: for ever.
    pub linger: Option<Duration>,
    /// Say so when the next probe leaves and the newest one has no answer yet.
    pub report_unanswered: bool,
    /// Whether many may answer one probe (multicast, broadcast), so that no address is the wrong one.
    pub many_responders: bool,
    /// Whether anyone may answer for the target (subnet-router anycast).
    pub anycast: bool,
    /// Wall-clock time of day at [`crate::clock::Instant::ZERO`], in milliseconds since midnight UT.
    pub millis_of_day: u32,
}

/// How the interval is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pacing {
    /// Probe n leaves at start + n × interval, whatever happens.
    Fixed,
    /// As soon as the one before is answered, or ten milliseconds after it.
    Flood,
    /// The interval follows the round-trip time, and never falls below this.
    Adaptive(Duration),
}

impl Config {
    /// The address asked, without its scope.
    pub fn dst(&self) -> IpAddr {
        self.target.ip()
    }
}
