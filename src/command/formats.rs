//! The formats for programs: the report that a request chooses, the exit status, and what is printed about a host that is
//! not known.

use std::net::IpAddr;
use std::rc::Rc;

use anyhow::anyhow;

use crate::cli::format::{Format, FormatRequest};
use crate::cli::ping_request::PingRequest;
use crate::cli::trace_request::TraceRequest;
use crate::clock::{Clock, Instant};
use crate::command::{self, advice};
use crate::datagram::without_number;
use crate::engine::ping::Targets;
use crate::engine::trace::event::Ending;
use crate::escape;
use crate::names::lookup::Names;
use crate::output::Output;
use crate::report::Report;
use crate::report::formats::ping::{Document, FormatPing};
use crate::report::formats::trace::{FormatTrace, TraceDocument};
use crate::report::formats::{
    AtlasPing, AtlasTrace, CsvProbes, CsvTable, CsvTrace, InfluxPing, InfluxTrace, NagiosPing, NagiosTrace,
    PrometheusPing, PrometheusTrace, nagios,
};
use crate::report::hosts::Hosts;
use crate::report::json::TraceStart;
use crate::report::style::Style;
use crate::report::trace::TraceReport;
use crate::report::waiting::Lookups;
use crate::stats::check::{self, State, States};
use crate::stats::verdict::{self, Goal};
use crate::stats::{EachTime, Extras, PingAccount, TraceAccount};

/// Standard output, or the file that takes its place.
///
/// # Errors
/// A file that cannot be created.
pub fn output(request: &FormatRequest) -> anyhow::Result<Output<'static>> {
    let Some(path) = &request.output else { return Ok(Output::stdio()) };
    Output::to_file(path).map_err(|error| anyhow!("--output {}: {error}", escape::argument(path.as_os_str())))
}

/// The report of a ping in a format other than text and JSON. `source`: our address, if it is known.
pub fn of_ping(request: &PingRequest, style: &Style, hosts: Hosts, source: Option<IpAddr>) -> FormatPing {
    let document: Box<dyn Document> = match request.format.format {
        Format::Csv if style.quiet || request.every.is_some() => Box::new(CsvTable::default()),
        Format::Csv => Box::new(CsvProbes),
        Format::Influx => Box::new(InfluxPing),
        Format::Prometheus => Box::new(PrometheusPing::default()),
        Format::Atlas => Box::new(AtlasPing::new(style.size, source)),
        Format::Nagios | Format::Text | Format::Json => {
            Box::new(NagiosPing::new(request.limits, request.ping.enough))
        }
    };
    FormatPing::new(document, style, hosts, request.many.is_none())
}

/// Has the account keep what the format prints beside the figures.
pub fn keep(format: Format, account: &mut PingAccount) {
    if matches!(format, Format::Influx | Format::Atlas) {
        account.extras = Some(Extras::default());
    }
    if format == Format::Atlas {
        account.each = Some(EachTime::default());
    }
}

/// The report of a traceroute in a format other than text and JSON. The probes have so many octets of `data`, and leave
/// from `source`.
pub fn of_trace(
    format: Format,
    start: TraceStart,
    (data, source): (usize, IpAddr),
    (wanted, names): (Lookups, Names),
) -> TraceReport {
    FormatTrace::report(trace_document(format, data, Some(source)), start, wanted, names)
}

fn trace_document(format: Format, data: usize, source: Option<IpAddr>) -> Box<dyn TraceDocument> {
    match format {
        Format::Csv => Box::new(CsvTrace),
        Format::Influx => Box::new(InfluxTrace),
        Format::Prometheus => Box::new(PrometheusTrace),
        Format::Atlas => Box::new(AtlasTrace::new(data, source)),
        Format::Nagios | Format::Text | Format::Json => Box::new(NagiosTrace),
    }
}

/// Prints that the only host of a ping cannot be probed. In text it is an error only, and as a Nagios plugin the error is
/// the line.
pub fn print_unknown_ping(request: &PingRequest, host: &str, error: &anyhow::Error, output: &mut Output<'_>) {
    match request.format.format {
        Format::Text | Format::Nagios => {}
        Format::Json => command::print_unknown(host, error, output),
        _ => {
            let mut hosts = Hosts::default();
            hosts.add_unknown(host.to_owned(), command::reason(host, error));
            hosts.seal(Rc::new(Targets::default()));
            let mut report = of_ping(request, &request.style, hosts, None);
            let account = PingAccount::new(0).with_names(1, 0);
            report.begin(&account, Instant::ZERO, Clock::start().epoch(), output);
            while report.finish(&account, Instant::ZERO, output) {}
        }
    }
}

/// The same for a traceroute.
pub fn print_unknown_trace(request: &TraceRequest, error: &anyhow::Error, output: &mut Output<'_>) {
    let host = &request.style.name;
    match request.format.format {
        Format::Text | Format::Nagios => {}
        Format::Json => command::print_unknown(host, error, output),
        format => {
            let at = Clock::start().epoch().wall(Instant::ZERO);
            trace_document(format, 0, None).unknown(host, &command::reason(host, error), at, output);
        }
    }
}

/// The exit status of a ping: that of a Nagios plugin in that format.
pub fn ping_status(request: &PingRequest, account: &PingAccount, goal: Goal) -> u8 {
    match request.format.format {
        Format::Nagios => {
            let states = States::of(account, &request.limits, request.many.is_none());
            states.state(request.ping.enough).status()
        }
        _ => verdict::of_ping(account, goal),
    }
}

/// The exit status of a traceroute: that of a Nagios plugin in that format.
pub fn trace_status(request: &TraceRequest, account: &TraceAccount) -> u8 {
    match request.format.format {
        Format::Nagios => check::of_trace(account).status(),
        // As tracepath(8).
        _ if request.tracepath.is_some() && matches!(account.ending(), Ending::NotSent { .. }) => 0,
        _ => verdict::of_trace(account, request.by_link),
    }
}

/// The line and the exit status of a Nagios plugin that cannot run: CRITICAL if no route leads to the host, which is a
/// finding, else UNKNOWN.
pub fn cannot_check(service: &str, error: &anyhow::Error) -> (String, u8) {
    let state = if advice::is_unreachable(error) { State::Critical } else { State::Unknown };
    let text = format!("{error:#}");
    let sentence = nagios::sentence(without_number(&text));
    (format!("{service} {} - {sentence}\n", nagios::word(state)), state.status())
}
