//! What resolving and opening sockets add to the request of a ping.

use std::time::Duration;

use crate::engine::ping::{Config, Ping};
use crate::report::hosts::Hosts;
use crate::report::style::Style;
use crate::run::Lookups;
use crate::stats::verdict::Goal;
use crate::stop::Stop;
use crate::transport::Transport;

/// A ping that is ready to run.
pub struct PingSetup<'a> {
    /// Configuration of the session; only the window and the time of day are missing.
    pub config: Config,
    /// The targets under their names.
    pub hosts: Hosts,
    /// The sockets; `None`: no target can be probed.
    pub transport: Option<Transport>,
    /// How the text looks.
    pub style: Style,
    /// Signals.
    pub stop: Stop,
    /// Names that are looked up while the run goes on.
    pub lookups: Option<Box<dyn Lookups<Ping> + 'a>>,
    /// The time since lookups began.
    pub waited: Duration,
    /// What makes the exit status 0.
    pub goal: Goal,
}
