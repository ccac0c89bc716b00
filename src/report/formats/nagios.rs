//! The line of a Nagios plugin: the state, a sentence, and the performance data. That of one host has the words of
//! check_ping, and that of many hosts the labels of check_icmp.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use super::number::Millis;
use super::ping::{Document, HostFigures, HostRow, Whole};
use super::trace::{TraceDocument, TraceWhole};
use crate::clock::{Wall, nanos};
use crate::escape::escape;
use crate::output::Output;
use crate::report::text::number::format_g;
use crate::report::text::trace_summary;
use crate::stats::Hop;
use crate::stats::check::{self, CheckLimits, State, States};
use crate::stats::loss::Ratio;

/// The word of a state.
pub const fn word(state: State) -> &'static str {
    match state {
        State::Ok => "OK",
        State::Warning => "WARNING",
        State::Critical => "CRITICAL",
        State::Unknown => "UNKNOWN",
    }
}

/// Text for the sentence: in one line, and without the bar that begins the performance data.
pub fn sentence(text: &str) -> String {
    escape(text).replace('|', "/")
}

/// The label of a value. An equals sign has no escape, and a quote is doubled.
struct Label<'a>(&'a str, &'a str);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(host, what) = self;
        let host = escape(host).replace('=', "_").replace('\'', "''").replace('|', "/");
        let plain = host.chars().all(|c| c.is_ascii_alphanumeric() || ".-_:%".contains(c));
        if plain { write!(f, "{host}{what}") } else { write!(f, "'{host}{what}'") }
    }
}

/// A loss in percent.
struct Percent(Ratio);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format_g(self.0.percent()))
    }
}

/// A time in milliseconds with six decimals, as check_ping prints it.
struct Fixed(u64);

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6}", self.0 as f64 / 1e6)
    }
}

/// A limit of times in milliseconds; nothing without one.
fn time_limit(limit: Option<Duration>) -> Cow<'static, str> {
    limit.map_or(Cow::Borrowed(""), |limit| Cow::Owned(Fixed(nanos(limit)).to_string()))
}

/// A limit of the loss in percent; nothing without one.
fn loss_limit(limit: Option<u32>) -> Cow<'static, str> {
    limit.map_or(Cow::Borrowed(""), |limit| Cow::Owned((f64::from(limit) / 100.0).to_string()))
}

/// The line about a ping.
#[derive(Debug)]
pub struct NagiosPing {
    limits: CheckLimits,
    /// So many hosts that answer are enough.
    enough: Option<u32>,
    /// What stands before the next value.
    separator: &'static str,
}

impl NagiosPing {
    /// With these limits. `enough`: so many hosts that are OK.
    pub fn new(limits: CheckLimits, enough: Option<u32>) -> Self {
        Self { limits, enough, separator: "" }
    }

    /// The values of a host.
    fn values(&mut self, host: &str, HostFigures { figures, .. }: HostFigures<'_>, output: &mut Output<'_>) {
        let CheckLimits { warn, crit } = &self.limits;
        let rta =
            if figures.is_timed() { format!("{}ms", Fixed(figures.rtt().mean())) } else { "U".to_owned() };
        let loss = figures.loss().map_or("U".to_owned(), |loss| format!("{}%", Percent(loss)));
        output.print(format_args!(
            "{}{}={rta};{};{};0.000000 {}={loss};{};{};0;100",
            std::mem::replace(&mut self.separator, " "),
            Label(host, "rta"),
            time_limit(warn.rtt),
            time_limit(crit.rtt),
            Label(host, "pl"),
            loss_limit(warn.loss),
            loss_limit(crit.loss),
        ));
    }

    /// The sentence about the only host.
    fn one(HostFigures { figures, .. }: HostFigures<'_>, output: &mut Output<'_>) {
        match figures.loss() {
            None if figures.in_flight() > 0 => {
                output.print(format_args!("no reply before the end of the run"))
            }
            None if figures.not_sent() > 0 => output.print(format_args!("no probe could be sent")),
            None => output.print(format_args!("no probe was sent")),
            Some(loss) => {
                output.print(format_args!("Packet loss = {}%", Percent(loss)));
                if figures.is_timed() {
                    let mean = figures.rtt().mean() as f64 / 1e6;
                    output.print(format_args!(", RTA = {mean:.2} ms"));
                }
            }
        }
    }

    /// The sentence about a host among many that is not OK.
    fn among(&self, row: &HostRow<'_>, output: &mut Output<'_>) {
        let host = sentence(&row.name.host);
        match row.figures {
            Err(reason) => output.print(format_args!(" :: {host}: {}", sentence(reason))),
            Ok(HostFigures { figures, .. }) if self.limits.state(figures) != State::Ok => {
                match figures.is_timed() {
                    false => output.print(format_args!(" :: {host}: rta nan")),
                    true => output.print(format_args!(" :: {host}: rta {}ms", Millis(figures.rtt().mean()))),
                }
                if let Some(loss) = figures.loss() {
                    output.print(format_args!(", lost {}%", Percent(loss)));
                }
            }
            Ok(_) => {}
        }
    }
}

impl Document for NagiosPing {
    fn passes(&self) -> usize {
        2
    }

    fn begin_pass(&mut self, pass: usize, whole: &Whole<'_>, output: &mut Output<'_>) {
        if pass > 0 {
            self.separator = "|";
            return;
        }
        let states = States::of(whole.account, &self.limits, whole.single);
        output.print(format_args!("PING {} - ", word(states.state(self.enough))));
        if !whole.single {
            let plural = if states.all() == 1 { "" } else { "s" };
            output.print(format_args!("{} of {} host{plural} OK", states.ok, states.all()));
        }
    }

    fn row(&mut self, pass: usize, row: &HostRow<'_>, whole: &Whole<'_>, output: &mut Output<'_>) {
        match (pass, row.figures) {
            (0, Ok(figures)) if whole.single => Self::one(figures, output),
            (0, _) => self.among(row, output),
            (_, Ok(figures)) if whole.single => self.values("", figures, output),
            (_, Ok(figures)) => {
                let host = &row.name.host;
                match row.name.addr().filter(|_| row.name.several) {
                    // The addresses of one name are values of their own.
                    Some(address) => self.values(&format!("{host}/{address}"), figures, output),
                    None => self.values(host, figures, output),
                }
            }
            (_, Err(_)) => {}
        }
    }

    fn end(&mut self, _whole: &Whole<'_>, output: &mut Output<'_>) {
        output.print(format_args!("\n"));
    }
}

/// The line about a traceroute.
#[derive(Debug, Default)]
pub struct NagiosTrace;

impl TraceDocument for NagiosTrace {
    fn end(&mut self, whole: &TraceWhole<'_>, output: &mut Output<'_>) {
        let account = whole.trace.account;
        let state = check::of_trace(account);
        let (target, zone) = (whole.start.target, whole.trace.shown_zone());
        let end = sentence(&trace_summary::end(account, target, zone.as_deref()));
        output.print(format_args!("TRACEROUTE {} - {end}", word(state)));
        let target = account.hops.get(account.last_hop).filter(|_| state == State::Ok);
        let target = target.filter(|hop| hop.received > 0);
        if let Some(Hop { rtt, .. }) = target {
            output.print(format_args!(", RTA = {:.2} ms", rtt.mean() as f64 / 1e6));
        }
        output.print(format_args!("|hops={};;;0;255 rta=", account.last_hop));
        match target {
            Some(Hop { rtt, .. }) => output.print(format_args!("{}ms;;;0.000000", Fixed(rtt.mean()))),
            None => output.print(format_args!("U;;;0.000000")),
        }
        match target.and_then(Hop::loss) {
            Some(loss) => output.print(format_args!(" pl={}%;;;0;100\n", Percent(loss))),
            None => output.print(format_args!(" pl=U;;;0;100\n")),
        }
    }

    fn unknown(&mut self, host: &str, reason: &str, _at: Wall, output: &mut Output<'_>) {
        output.print(format_args!("TRACEROUTE UNKNOWN - {}: {}\n", sentence(host), sentence(reason)));
    }
}
