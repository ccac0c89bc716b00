//! The text of a traceroute, octet for octet as traceroute(8) prints it. It decides nothing itself.

use std::net::IpAddr;
use std::os::fd::BorrowedFd;

use super::number::Millis;
use super::{extension, trace_notes, trace_summary};
use crate::clock::{Epoch, Instant};
use crate::datagram::SendFault;
use crate::engine::trace::event::{AnswerKind, Ending, Outcome, TraceAnswer, TraceEvent};
use crate::escape::escape;
use crate::names::lookup::Names;
use crate::output::Output;
use crate::report::addresses;
use crate::report::waiting::{Lookups, Waiting};
use crate::report::{Report, fault};
use crate::stats::TraceAccount;

/// The style of the text of a traceroute. Its texts may contain anything: they are escaped before they are
/// printed.
#[derive(Clone, Debug)]
pub struct TraceStyle {
    /// The name of this program, the prefix of lines on standard error.
    pub program: String,
    /// The target as it was typed.
    pub name: String,
    /// The address that is probed.
    pub target: IpAddr,
    /// Interface name behind link-local addresses, as in `fe80::1%eth0`.
    pub zone: Option<String>,
    /// TTL of the last hop.
    pub max_ttl: u8,
    /// Octets of the first probe, IP header included.
    pub size: usize,
    /// Addresses without names (`-n`).
    pub numeric: bool,
    /// The autonomous systems that announce each address (`-A`).
    pub origins: bool,
    /// ICMP extensions (`-e`).
    pub extensions: bool,
    /// The length of the return path, where it differs (`--back`).
    pub back: bool,
    /// The flags of TCP answers (`-O info`).
    pub flags: bool,
    /// A last line about the whole trace (`--summary`).
    pub summary: bool,
    /// Whether a person reads standard error: then it has the reason if the target was not reached.
    pub reason: bool,
}

impl TraceStyle {
    /// The style of `traceroute TARGET`, with an address and no options.
    ///
    /// For tests and fuzzers.
    pub fn of(target: IpAddr) -> Self {
        Self {
            program: "rping".to_owned(),
            name: target.to_string(),
            target,
            zone: None,
            max_ttl: 30,
            size: if target.is_ipv4() { 60 } else { 80 },
            numeric: false,
            origins: false,
            extensions: false,
            back: false,
            flags: false,
            summary: false,
            reason: false,
        }
    }
}

/// Prints one trace.
#[derive(Debug)]
pub struct TraceText {
    style: TraceStyle,
    zone: Option<String>,
    /// Not yet printed.
    waiting: Waiting<TraceEvent>,
    /// The hop of the current line.
    hop: Option<u8>,
    /// The responder of the last answer on that line.
    shown: Option<Responder>,
    /// Causes of probes not sent, each with the first hop it prevented a probe to.
    faults: Vec<(SendFault, u8)>,
}

/// What is printed about a responder, once for consecutive answers of one hop.
#[derive(Clone, Debug, PartialEq)]
struct Responder {
    from: IpAddr,
    note: Option<String>,
    /// TTL that the answer arrived with, if the length of the return path is printed.
    back: Option<u8>,
}

impl TraceText {
    /// A report in a style. `names` does the lookups that the style needs.
    pub fn new(style: TraceStyle, names: Names) -> Self {
        let wanted = Lookups { names: !style.numeric, origins: style.origins };
        Self {
            zone: style.zone.as_deref().map(|zone| escape(zone).into_owned()),
            waiting: Waiting::new(wanted, names),
            hop: None,
            shown: None,
            faults: Vec::new(),
            style,
        }
    }

    /// Prints the header. The line of the first hop begins with its newline.
    fn header(&self, output: &mut Output<'_>) {
        let TraceStyle { name, target, max_ttl, size, .. } = &self.style;
        let (name, target) = (escape(name), self.numeric(*target));
        let limits = format_args!("{max_ttl} hops max, {size} byte packets");
        output.print(format_args!("traceroute to {name} ({target}), {limits}"));
    }

    fn numeric(&self, address: IpAddr) -> String {
        addresses::numeric(address, self.zone.as_deref())
    }

    fn responder(&self, answer: &TraceAnswer) -> Responder {
        let note = match answer.kind {
            AnswerKind::Segment(flags) if self.style.flags => Some(trace_notes::flags(flags)),
            AnswerKind::Error(_) if self.style.extensions => extension::text(&answer.extension),
            _ => None,
        };
        Responder { from: answer.from, note, back: answer.hop_limit.filter(|_| self.style.back) }
    }

    /// Prints the events that wait for no lookup at `now`.
    fn print_ready(&mut self, now: Instant, output: &mut Output<'_>) {
        self.waiting.poll(now);
        while let Some(event) = self.waiting.first() {
            let responder = self.introduces(event);
            let Some(event) = self.waiting.take(now, responder) else { return };
            self.print(&event, output);
        }
    }

    /// The address that the event would print: that of a responder which differs from the one before.
    fn introduces(&self, event: &TraceEvent) -> Option<IpAddr> {
        let TraceEvent::Decided { ttl, outcome: Outcome::Answered(answer), .. } = event else { return None };
        let shown = self.hop == Some(*ttl) && self.shown == Some(self.responder(answer));
        (!shown).then_some(answer.from)
    }

    fn print(&mut self, event: &TraceEvent, output: &mut Output<'_>) {
        let TraceEvent::Decided { ttl, outcome, mtu, .. } = event else { return };
        if *outcome == Outcome::Unfinished {
            return;
        }
        if self.hop != Some(*ttl) {
            self.hop = Some(*ttl);
            self.shown = None;
            output.print(format_args!("\n{ttl:2} "));
        }
        match outcome {
            Outcome::Answered(answer) => {
                self.answer(*ttl, answer, output);
                if let AnswerKind::Error(error) = &answer.kind
                    && let Some(mark) = trace_notes::mark(error, answer.arrived)
                {
                    output.print(format_args!(" {mark}"));
                }
            }
            Outcome::NotSent(fault) => match fault.mtu() {
                Some(mtu) => output.print(format_args!(" * !F-{mtu}")),
                None => {
                    output.print(format_args!(" *"));
                    self.remember(*fault, *ttl);
                }
            },
            Outcome::Silent | Outcome::Unfinished => output.print(format_args!(" *")),
        }
        if let Some(mtu) = mtu {
            output.print(format_args!(" F={mtu}"));
        }
    }

    fn answer(&mut self, ttl: u8, answer: &TraceAnswer, output: &mut Output<'_>) {
        let responder = self.responder(answer);
        if self.shown.as_ref() != Some(&responder) {
            self.introduce(ttl, &responder, output);
            self.shown = Some(responder);
        }
        // As printf's "%.3f" rounds: to the nearest.
        let micros = (answer.rtt.as_nanos() + 500) / 1_000;
        output.print(format_args!("  {} ms", Millis(u64::try_from(micros).unwrap_or(u64::MAX))));
    }

    fn introduce(&mut self, ttl: u8, responder: &Responder, output: &mut Output<'_>) {
        let address = self.numeric(responder.from);
        if self.style.numeric {
            output.print(format_args!(" {address}"));
        } else {
            let name = self.waiting.name(responder.from);
            output.print(format_args!(" {} ({address})", name.as_ref().unwrap_or(&address)));
        }
        if self.style.origins {
            let origin = self.waiting.origin(responder.from);
            output.print(format_args!(" [{}]", origin.as_deref().unwrap_or("*")));
        }
        if let Some(note) = &responder.note {
            output.print(format_args!(" <{note}>"));
        }
        if let Some(back) = responder.back.map(trace_notes::hops_back).filter(|back| *back != u16::from(ttl))
        {
            output.print(format_args!(" '-{back}'"));
        }
    }

    fn remember(&mut self, fault: SendFault, ttl: u8) {
        if self.faults.iter().all(|(known, _)| known.error != fault.error) {
            self.faults.push((fault, ttl));
        }
    }
}

impl Report for TraceText {
    type Account = TraceAccount;

    fn begin(&mut self, _account: &TraceAccount, _now: Instant, _epoch: Epoch, output: &mut Output<'_>) {
        self.header(output);
    }

    fn event(
        &mut self,
        event: &TraceEvent,
        _account: &TraceAccount,
        _epoch: Epoch,
        _output: &mut Output<'_>,
    ) {
        // The lookups for a hop begin before its turn.
        if let TraceEvent::Decided { outcome: Outcome::Answered(answer), .. }
        | TraceEvent::Passed { answer, .. } = event
        {
            if self.zone.is_none() {
                // All probes leave by one interface.
                self.zone =
                    addresses::zone_of(answer.from, answer.scope).map(|zone| escape(&zone).into_owned());
            }
            self.waiting.query(answer.from);
        }
        if let TraceEvent::Decided { .. } = event {
            self.waiting.push(event.clone());
        }
    }

    fn poll(&mut self, _account: &TraceAccount, now: Instant, output: &mut Output<'_>) {
        self.print_ready(now, output);
    }

    fn wake(&self) -> Option<Instant> {
        self.waiting.wake()
    }

    fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        self.waiting.ready_fd()
    }

    fn finish_now(&mut self) {
        self.waiting.finish_now();
    }

    fn status(&mut self, account: &TraceAccount, output: &mut Output<'_>) {
        trace_summary::status(account, output);
    }

    fn finish(&mut self, account: &TraceAccount, _now: Instant, output: &mut Output<'_>) -> bool {
        self.finish_now();
        self.print_ready(Instant::ZERO, output);
        output.print(format_args!("\n"));
        let program = escape(&self.style.program);
        for (fault, ttl) in &self.faults {
            output.print_error(format_args!("{program}: {}\n", fault::at_hop(*fault, *ttl)));
        }
        if self.style.summary {
            let target = format!("{} ({})", escape(&self.style.name), self.numeric(self.style.target));
            trace_summary::finish(account, &target, self.zone.as_deref(), output);
        } else if self.style.reason && !matches!(account.ending(), Ending::Reached | Ending::Stopped) {
            let (name, end) = (escape(&self.style.name), trace_summary::end(account, self.zone.as_deref()));
            output.print_error(format_args!("{program}: {name}: {end}\n"));
        }
        false
    }
}
