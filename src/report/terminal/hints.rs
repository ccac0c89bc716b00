//! Hints to a person about the trouble of a ping, each once.

use crate::engine::ping::event::Event;
use crate::escape::escape;
use crate::output::Output;
use crate::stats::PingAccount;

/// Lost probes, without any answer, after which a hint is due.
const SILENT: u64 = 3;

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

    /// Prints the hint that an event gives cause for.
    pub fn event(&mut self, event: &Event, account: &PingAccount, output: &mut Output<'_>) {
        match event {
            Event::Error(error) => self.too_long(error.error.mtu(), output),
            Event::NotSent { fault, .. } => self.too_long(fault.mtu(), output),
            Event::Lost { .. } => self.silent(account, output),
            Event::Sent { .. } | Event::Unanswered { .. } | Event::Answer(_) => {}
        }
    }

    fn too_long(&mut self, mtu: Option<u32>, output: &mut Output<'_>) {
        let Some(mtu) = mtu.filter(|mtu| self.mtu.is_none_or(|known| *mtu < known)) else { return };
        self.mtu = Some(mtu);
        let (size, overhead) = self.size;
        let fitting = usize::try_from(mtu).ok().and_then(|mtu| mtu.checked_sub(overhead));
        if let Some(fitting) = fitting.filter(|fitting| *fitting < size) {
            let program = &self.program;
            output.print_error(format_args!(
                "{program}: packets of up to {mtu} bytes pass there: -s {fitting} fits\n"
            ));
        }
    }

    fn silent(&mut self, account: &PingAccount, output: &mut Output<'_>) {
        let total = &account.total;
        let nothing = total.received + total.corrupted + total.icmp_errors == 0;
        if nothing && total.lost() >= SILENT && !self.silence {
            self.silence = true;
            let Self { program, host, .. } = self;
            output.print_error(format_args!(
                "{program}: no answer so far; how far probes come shows: rping traceroute {host}\n"
            ));
        }
    }
}
