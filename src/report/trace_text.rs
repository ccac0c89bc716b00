//! The text of a traceroute, octet for octet as traceroute(8) prints it. It decides nothing itself.
//!
//! Probes are told in the order of the path, and said in that order. A line wants its name, and a name
//! may be slow: the text, never a probe, waits for it, until [`PATIENCE`] after it was asked for. Names are
//! asked for as soon as an address is told, whatever line is waiting; so these waits lie beside one another
//! and beside the probes, and a dead name server holds up the end of a run once and no longer than that.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use super::addresses;
use super::escape::escape;
use super::names::{self, Names, Question};
use super::number::Millis;
use super::output::Output;
use super::trace_summary::Account;
use super::{Report, extension_text, fault, trace_notes};
use crate::clock::{Epoch, Instant};
use crate::datagram::SendFault;
use crate::engine::trace::event::{Answer, Event, Outcome, Says};
use crate::stats::Timings;

/// How long the text waits for a name or an origin after asking for it: as long as a person waits without
/// wondering, and longer than a sound resolver takes. One that is not sound asks again after five seconds
/// (resolv.conf(5)): what has not come by then is not worth more.
pub const PATIENCE: Duration = Duration::from_secs(1);

/// How the text of a traceroute is to look. Texts may hold anything: they are escaped before they are
/// shown.
#[derive(Clone, Debug)]
pub struct TraceStyle {
    /// The name this program was started by, in front of what goes to standard error.
    pub program: String,
    /// The target as it was typed.
    pub name: String,
    /// Whom the probes ask.
    pub target: IpAddr,
    /// Interface name behind link-local addresses, as in `fe80::1%eth0`.
    pub zone: Option<String>,
    /// TTL of the last hop that may be asked.
    pub max_ttl: u8,
    /// Octets of the first probe, IP header included.
    pub size: usize,
    /// Addresses without names (`-n`).
    pub numeric: bool,
    /// The systems that announce each address (`-A`).
    pub origins: bool,
    /// ICMP extensions (`-e`).
    pub extensions: bool,
    /// The length of the way back, where it differs (`--back`).
    pub back: bool,
    /// The flags of TCP answers (`-O info`).
    pub flags: bool,
    /// A last line about the whole trace (`--summary`).
    pub summary: bool,
}

impl TraceStyle {
    /// How `traceroute TARGET` looks, an address and nothing else given.
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
        }
    }
}

/// Prints one trace.
#[derive(Debug)]
pub struct TraceText {
    style: TraceStyle,
    zone: Option<String>,
    names: Names,
    /// Told, and not yet said.
    waiting: VecDeque<Told>,
    /// Until when the first of them waits for a name.
    wake: Option<Instant>,
    /// How long names are waited for.
    patience: Duration,
    /// The hop whose line is open.
    hop: Option<u8>,
    /// What the last answer on that line said about its sender.
    shown: Option<Sender>,
    /// Causes of probes not sent, each with the hop that met it first.
    faults: Vec<(SendFault, u8)>,
    account: Account,
}

/// An event that is to be said.
#[derive(Debug)]
struct Told {
    event: Event,
    /// Until when a name of it is waited for; known from the first turn on.
    until: Option<Instant>,
}

/// What is shown about who answered, once in a row.
#[derive(Clone, Debug, PartialEq)]
struct Sender {
    from: IpAddr,
    note: Option<String>,
    /// TTL that the answer arrived with, where the way back is shown.
    back: Option<u8>,
}

impl TraceText {
    /// A report in a style. `names` are asked for what the style wants to know.
    pub fn new(style: TraceStyle, names: Names) -> Self {
        Self {
            zone: style.zone.as_deref().map(|zone| escape(zone).into_owned()),
            names,
            waiting: VecDeque::new(),
            wake: None,
            patience: PATIENCE,
            hop: None,
            shown: None,
            faults: Vec::new(),
            account: Account::default(),
            style,
        }
    }

    /// Whose clocks timed the answers so far.
    pub fn timings(&self) -> &Timings {
        &self.account.timings
    }

    /// The header. It ends where the first hop begins its line.
    pub fn start(&mut self, now: Instant, output: &mut Output<'_>) {
        let TraceStyle { name, target, max_ttl, size, .. } = &self.style;
        let (name, target) = (escape(name), self.numeric(*target));
        let limits = format_args!("{max_ttl} hops max, {size} byte packets");
        output.print(format_args!("traceroute to {name} ({target}), {limits}"));
        self.account.start(now);
    }

    fn numeric(&self, address: IpAddr) -> String {
        addresses::numeric(address, self.zone.as_deref())
    }

    /// What the style wants to know about an address.
    fn questions(&self, from: IpAddr) -> impl Iterator<Item = Question> + use<> {
        let name = (!self.style.numeric).then_some(Question::Name(from));
        name.into_iter().chain(self.style.origins.then_some(Question::Origin(from)))
    }

    fn sender(&self, answer: &Answer) -> Sender {
        let note = match answer.says {
            Says::Segment(flags) if self.style.flags => Some(trace_notes::flags(flags)),
            Says::Error(_) if self.style.extensions => extension_text::text(&answer.extension),
            _ => None,
        };
        Sender { from: answer.from, note, back: answer.hop_limit.filter(|_| self.style.back) }
    }

    /// Says what can be said by `now`.
    fn say_ready(&mut self, now: Instant, output: &mut Output<'_>) {
        self.names.collect();
        let until = now + self.patience;
        for told in self.waiting.iter_mut().rev().take_while(|told| told.until.is_none()) {
            told.until = Some(until);
        }
        self.wake = None;
        while let Some(told) = self.waiting.pop_front() {
            let until = told.until.filter(|until| now < *until && !self.patience.is_zero());
            if until.is_some() && self.lacks_a_name(&told.event) {
                self.wake = until;
                self.waiting.push_front(told);
                return;
            }
            self.say(&told.event, output);
        }
    }

    /// Whether a name is on its way that the event would show.
    fn lacks_a_name(&mut self, event: &Event) -> bool {
        let Event::Decided { ttl, outcome: Outcome::Answered(answer), .. } = event else { return false };
        if self.hop == Some(*ttl) && self.shown == Some(self.sender(answer)) {
            return false;
        }
        let mut questions = self.questions(answer.from);
        questions.any(|question| self.names.look(question) == names::Answer::Coming)
    }

    fn say(&mut self, event: &Event, output: &mut Output<'_>) {
        let Event::Decided { ttl, outcome, mtu, .. } = event else { return };
        if *outcome == Outcome::Unfinished {
            return;
        }
        if self.hop != Some(*ttl) {
            self.hop = Some(*ttl);
            self.shown = None;
            output.print(format_args!("\n{ttl:2} "));
        }
        match outcome {
            Outcome::Answered(answer) => self.answer(*ttl, answer, output),
            Outcome::Silent | Outcome::NotSent(_) | Outcome::Unfinished => output.print(format_args!(" *")),
        }
        match outcome {
            Outcome::Answered(Answer { says: Says::Error(error), .. }) => {
                if let Some(mark) = trace_notes::mark(error) {
                    output.print(format_args!(" {mark}"));
                }
            }
            Outcome::NotSent(SendFault { errno: libc::EMSGSIZE, mtu: Some(mtu) }) => {
                output.print(format_args!(" !F-{mtu}"));
            }
            Outcome::NotSent(fault) => self.remember(*fault, *ttl),
            Outcome::Answered(_) | Outcome::Silent | Outcome::Unfinished => {}
        }
        if let Some(mtu) = mtu {
            output.print(format_args!(" F={mtu}"));
        }
    }

    fn answer(&mut self, ttl: u8, answer: &Answer, output: &mut Output<'_>) {
        let sender = self.sender(answer);
        if self.shown.as_ref() != Some(&sender) {
            self.introduce(ttl, &sender, output);
            self.shown = Some(sender);
        }
        // As printf's "%.3f" rounds: to the nearest.
        let micros = (answer.rtt.as_nanos() + 500) / 1_000;
        output.print(format_args!("  {} ms", Millis(u64::try_from(micros).unwrap_or(u64::MAX))));
    }

    fn introduce(&mut self, ttl: u8, sender: &Sender, output: &mut Output<'_>) {
        let address = self.numeric(sender.from);
        if self.style.numeric {
            output.print(format_args!(" {address}"));
        } else {
            let name = self.names.name(sender.from);
            output.print(format_args!(" {} ({address})", name.as_ref().unwrap_or(&address)));
        }
        if self.style.origins {
            let origin = match self.names.look(Question::Origin(sender.from)) {
                names::Answer::Here(origin) => origin,
                names::Answer::Coming | names::Answer::NotAsked => None,
            };
            output.print(format_args!(" [{}]", origin.as_deref().unwrap_or("*")));
        }
        if let Some(note) = &sender.note {
            output.print(format_args!(" <{note}>"));
        }
        if let Some(back) = sender.back.map(trace_notes::hops_back).filter(|back| *back != u16::from(ttl)) {
            output.print(format_args!(" '-{back}'"));
        }
    }

    fn remember(&mut self, fault: SendFault, ttl: u8) {
        if self.faults.iter().all(|(known, _)| known.errno != fault.errno) {
            self.faults.push((fault, ttl));
        }
    }
}

impl Report for TraceText {
    type Event = Event;

    fn event(&mut self, event: &Event, _epoch: Epoch, _output: &mut Output<'_>) {
        self.account.add(event);
        let Event::Decided { outcome, .. } = event else { return };
        if let Outcome::Answered(answer) = outcome {
            // All of them at once, whoever waits for which.
            for question in self.questions(answer.from) {
                self.names.look(question);
            }
        }
        self.waiting.push_back(Told { event: event.clone(), until: None });
    }

    fn turn(&mut self, now: Instant, output: &mut Output<'_>) {
        self.say_ready(now, output);
    }

    fn wake(&self) -> Option<Instant> {
        self.wake
    }

    fn bell(&self) -> Option<BorrowedFd<'_>> {
        self.names.bell()
    }

    fn hurry(&mut self) {
        self.patience = Duration::ZERO;
        self.wake = self.wake.map(|_| Instant::ZERO);
    }

    fn status(&self, output: &mut Output<'_>) {
        self.account.status(output);
    }

    fn finish(&mut self, output: &mut Output<'_>) {
        self.hurry();
        self.say_ready(Instant::ZERO, output);
        output.print(format_args!("\n"));
        let program = escape(&self.style.program);
        for (fault, ttl) in &self.faults {
            output.print_error(format_args!("{program}: {}\n", fault::at_hop(*fault, *ttl)));
        }
        if self.style.summary {
            let target = self.numeric(self.style.target);
            let zone = self.zone.as_deref();
            self.account.finish(&format!("{} ({target})", escape(&self.style.name)), zone, output);
        }
    }
}
