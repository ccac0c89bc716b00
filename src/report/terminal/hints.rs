//! Hints to a person about the trouble of a ping, each once.

use std::time::Duration;

use crate::clock::Instant;
use crate::engine::ping::event::Event;
use crate::escape::escape;
use crate::stats::PingAccount;

/// Lost probes, without any answer, after which a hint is due.
const SILENT: u64 = 3;
/// How long the run lasts by then: this host or a router reports an absent neighbour after three seconds.
const LONG: Duration = Duration::from_secs(4);

/// Hints on standard error.
#[derive(Debug)]
pub struct PingHints {
    /// The name of this program, escaped.
    program: String,
    /// The host as it was typed, escaped.
    host: String,
    /// Octets of data in a probe, and of the headers around them.
    size: (usize, usize),
    /// The smallest MTU that was named.
    mtu: Option<u32>,
    /// Whether the silence was named.
    silence: bool,
}

impl PingHints {
    /// Hints about a host, which is probed with `size` octets of data within `overhead` octets of headers.
    pub fn new(program: &str, host: &str, (size, overhead): (usize, usize)) -> Self {
        Self {
            program: escape(program).into_owned(),
            host: escape(host).into_owned(),
            size: (size, overhead),
            mtu: None,
            silence: false,
        }
    }

    /// The hint that an event gives cause for: a line.
    pub fn after(&mut self, event: &Event, account: &PingAccount) -> Option<String> {
        match event {
            Event::Error(error) => self.too_long(error.error.mtu()?),
            Event::NotSent { fault, .. } => self.too_long(fault.mtu()?),
            Event::Lost { at, .. } if at.since(Instant::ZERO) >= LONG => self.silent(account),
            Event::Sent { .. }
            | Event::Lost { .. }
            | Event::Unanswered { .. }
            | Event::Answer(_)
            | Event::Lookup(_) => None,
        }
    }

    fn too_long(&mut self, mtu: u32) -> Option<String> {
        if self.mtu.is_some_and(|known| mtu >= known) {
            return None;
        }
        self.mtu = Some(mtu);
        let (size, overhead) = self.size;
        let fitting = usize::try_from(mtu).ok()?.checked_sub(overhead).filter(|fitting| *fitting < size)?;
        let program = &self.program;
        Some(format!("{program}: packets of up to {mtu} bytes pass there: -s {fitting} fits"))
    }

    fn silent(&mut self, account: &PingAccount) -> Option<String> {
        let total = &account.total;
        let nothing = total.received + total.corrupted + total.icmp_errors == 0;
        if !nothing || total.lost() < SILENT || self.silence {
            return None;
        }
        self.silence = true;
        let Self { program, host, .. } = self;
        Some(format!("{program}: no answer so far; to see how far probes come, run: rping traceroute {host}"))
    }
}
