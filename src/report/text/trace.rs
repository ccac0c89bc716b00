//! The text of a traceroute, octet for octet as traceroute(8) prints it. It decides nothing itself.

use std::net::IpAddr;

use super::number::Millis;
use super::{extension, trace_notes, trace_summary};
use crate::datagram::SendFault;
use crate::engine::trace::event::{AnswerKind, Ending, Outcome, TraceAnswer, TraceEvent};
use crate::escape::escape;
use crate::names::lookup::Names;
use crate::output::Output;
use crate::report::fault;
use crate::report::trace::{Happened, TraceLines, TraceReport, TraceSoFar};
use crate::report::waiting::Lookups;

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

/// The lines of one trace.
#[derive(Debug)]
pub struct TraceText {
    style: TraceStyle,
    /// The hop of the current line.
    hop: Option<u8>,
    /// The responder of the last answer on that line.
    shown: Option<Responder>,
    /// Causes of probes not sent, each with the first hop it prevented a probe to, and how many it prevented.
    faults: Vec<(SendFault, u8, u64)>,
    /// The hops of the probes not sent before the first that was: their stars wait for one.
    unsent: Vec<u8>,
    /// The MTU of probes of which none was sent yet.
    mtu: Option<u32>,
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
    pub fn report(style: TraceStyle, names: Names) -> TraceReport {
        let wanted = Lookups { names: !style.numeric, origins: style.origins };
        let zone = style.zone.clone();
        TraceReport::new(
            Box::new(Self {
                style,
                hop: None,
                shown: None,
                faults: Vec::new(),
                unsent: Vec::new(),
                mtu: None,
            }),
            wanted,
            names,
            zone,
        )
    }

    fn responder(&self, answer: &TraceAnswer) -> Responder {
        let note = match answer.kind {
            AnswerKind::Segment(flags) if self.style.flags => Some(trace_notes::flags(flags)),
            AnswerKind::Error(_) if self.style.extensions => extension::text(&answer.extension),
            _ => None,
        };
        Responder { from: answer.from, note, back: answer.hop_limit.filter(|_| self.style.back) }
    }

    fn answer(
        &mut self,
        ttl: u8,
        answer: &TraceAnswer,
        happened: &Happened<'_>,
        trace: &TraceSoFar<'_>,
        output: &mut Output<'_>,
    ) {
        let responder = self.responder(answer);
        if self.shown.as_ref() != Some(&responder) {
            self.introduce(ttl, &responder, (happened, trace.shown(answer.from)), output);
            self.shown = Some(responder);
        }
        // As printf's "%.3f" rounds: to the nearest.
        let micros = (answer.rtt.as_nanos() + 500) / 1_000;
        output.print(format_args!("  {} ms", Millis(u64::try_from(micros).unwrap_or(u64::MAX))));
    }

    fn introduce(
        &self,
        ttl: u8,
        responder: &Responder,
        (happened, address): (&Happened<'_>, String),
        output: &mut Output<'_>,
    ) {
        if self.style.numeric {
            output.print(format_args!(" {address}"));
        } else {
            output.print(format_args!(" {} ({address})", happened.name.as_ref().unwrap_or(&address)));
        }
        if self.style.origins {
            output.print(format_args!(" [{}]", happened.origin.as_deref().unwrap_or("*")));
        }
        if let Some(note) = &responder.note {
            output.print(format_args!(" <{note}>"));
        }
        if let Some(back) = responder.back.map(trace_notes::hops_back).filter(|back| *back != u16::from(ttl))
        {
            output.print(format_args!(" '-{back}'"));
        }
    }

    /// Begins the line of a hop, unless it is the current one.
    fn line(&mut self, ttl: u8, output: &mut Output<'_>) {
        if self.hop != Some(ttl) {
            self.hop = Some(ttl);
            self.shown = None;
            output.print(format_args!("\n{ttl:2} "));
        }
    }

    /// Prints the stars that wait.
    fn print_unsent(&mut self, output: &mut Output<'_>) {
        for ttl in std::mem::take(&mut self.unsent) {
            self.line(ttl, output);
            output.print(format_args!(" *"));
        }
    }

    fn remember(&mut self, fault: SendFault, ttl: u8) {
        match self.faults.iter_mut().find(|(known, ..)| known.error == fault.error) {
            Some((.., count)) => *count += 1,
            None => self.faults.push((fault, ttl, 1)),
        }
    }
}

impl TraceLines for TraceText {
    /// The line of the first hop begins with the newline of this one.
    fn begin(&mut self, trace: &TraceSoFar<'_>, output: &mut Output<'_>) {
        let TraceStyle { name, target, max_ttl, size, .. } = &self.style;
        let (name, target) = (escape(name), trace.shown(*target));
        let limits = format_args!("{max_ttl} hops max, {size} byte packets");
        output.print(format_args!("traceroute to {name} ({target}), {limits}"));
    }

    fn prints(&mut self, event: &TraceEvent) -> bool {
        matches!(event, TraceEvent::Decided { .. })
    }

    /// The responder, if it differs from that of the answer before.
    fn introduces(&self, event: &TraceEvent) -> Option<IpAddr> {
        let TraceEvent::Decided { ttl, outcome: Outcome::Answered(answer), .. } = event else { return None };
        let shown = self.hop == Some(*ttl) && self.shown == Some(self.responder(answer));
        (!shown).then_some(answer.from)
    }

    fn print(&mut self, happened: Happened<'_>, trace: &TraceSoFar<'_>, output: &mut Output<'_>) {
        let TraceEvent::Decided { ttl, outcome, mtu, .. } = happened.event else { return };
        if *outcome == Outcome::Unfinished {
            return;
        }
        self.mtu = mtu.or(self.mtu);
        if let (None, Outcome::NotSent(fault)) = (self.hop, outcome)
            && fault.mtu().is_none()
        {
            self.unsent.push(*ttl);
            return self.remember(*fault, *ttl);
        }
        self.print_unsent(output);
        self.line(*ttl, output);
        match outcome {
            Outcome::Answered(answer) => {
                self.answer(*ttl, answer, &happened, trace, output);
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
                    return self.remember(*fault, *ttl);
                }
            },
            Outcome::Silent | Outcome::Unfinished => output.print(format_args!(" *")),
        }
        if let Some(mtu) = self.mtu.take() {
            output.print(format_args!(" F={mtu}"));
        }
    }

    fn end(&mut self, trace: &TraceSoFar<'_>, output: &mut Output<'_>) {
        let account = trace.account;
        let refused = match account.ending() {
            Ending::NotSent { fault } => Some(fault),
            _ => None,
        };
        if refused.is_none() {
            self.print_unsent(output);
        }
        output.print(format_args!("\n"));
        let program = escape(&self.style.program);
        let causes: Vec<_> = match refused {
            Some(fault) => vec![fault::of_all(fault)],
            None => {
                self.faults.iter().map(|(fault, ttl, count)| fault::from_hop(*fault, *ttl, *count)).collect()
            }
        };
        for cause in causes {
            output.print_error(format_args!("{program}: {cause}\n"));
        }
        let (name, zone) = (escape(&self.style.name), trace.shown_zone());
        if self.style.summary {
            let target = format!("{name} ({})", trace.shown(self.style.target));
            trace_summary::finish(account, (self.style.target, &target), zone.as_deref(), output);
        } else if self.style.reason
            && refused.is_none()
            && !matches!(account.ending(), Ending::Reached | Ending::Stopped)
        {
            let end = trace_summary::end(account, self.style.target, zone.as_deref());
            output.print_error(format_args!("{program}: {name}: {end}\n"));
        }
    }
}
