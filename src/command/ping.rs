//! `rping ping`: opens sockets, drops privilege, resolves and runs, in the order that privilege requires.

use std::time::Duration;

use anyhow::Context;

use crate::cli::format::Format;
use crate::cli::ping_request::PingRequest;
use crate::clock::{Clock, Instant};
use crate::command::conclude::{GaveUp, Judge};
use crate::command::setup::PingSetup;
use crate::command::{self, advice, formats, many, one, terminal, words};
use crate::datagram::{Batch, DATAGRAM_OVERHEAD};
use crate::engine::ping::{Config, Pacing, Ping, TargetState};
use crate::names::lookup::Names;
use crate::output::Output;
use crate::probe::{Identity, Payload};
use crate::report::AnyReport;
use crate::report::json::JsonPing;
use crate::report::style::Style;
use crate::report::text::compact::CompactText;
use crate::report::text::fping::{FpingText, Rows};
use crate::report::text::many::ManyText;
use crate::report::text::ping::PingText;
use crate::report::text::schedule::{Goal, Probes, Schedule};
use crate::run::{Lookups, Run};
use crate::stats::{PingAccount, Precision, WindowPlan};
use crate::stop::Stop;
use crate::sys;
use crate::transport::{self, Transport};
use crate::wire::Family;

/// Runs the command. Returns the exit status: 0 if the goal was reached, 1 if not, 2 if there is no target.
///
/// # Errors
/// Whatever keeps the run from beginning, and a standard output that takes no more: exit status 2.
pub fn command(request: &PingRequest) -> anyhow::Result<u8> {
    command::check_stdout()?;
    let mut output = formats::output(&request.format)?;
    let checked = match &request.many {
        None => one::check_hosts(request, &mut output),
        Some(many) => words::check_words(request, many),
    };
    command::begun(checked, &mut output)?;
    let sockets =
        transport::open(&request.sockets).map_err(|error| advice::open_error(&request.wording, &error))?;
    command::drop_privilege()?;
    let setup = match &request.many {
        None => one::set_up(request, sockets, &mut output),
        Some(many) => many::set_up(request, many, sockets, &mut output),
    };
    let setup = match setup {
        Err(error) if error.is::<GaveUp>() => return give_up(request, &error, output),
        setup => command::begun(setup, &mut output)?,
    };
    let PingSetup { mut config, hosts, transport, style, stop, lookups, goal, waited } = setup;
    let fping = request.many.as_ref().and_then(|many| many.fping.as_ref());

    let histogram = style.histogram.map(|_| terminal::canvas());
    let style = Style { utc_offset: sys::utc_offset, histogram, ..style };
    let mut account = PingAccount::with_precision(config.targets.len(), precision(request))
        .with_names(hosts.unknown(), config.names);
    if request.terminal.compact || terminal::has_status(request) {
        account.keep_recent(terminal::RECENT);
    }
    if fping.is_some_and(|fping| fping.text.rows == Some(Rows::Times)) {
        account = account.with_each_time();
    }
    formats::keep(request.format.format, &mut account);
    if request.assertion.is_some() {
        account.extras.get_or_insert_default();
    }
    let source = transport.as_ref().filter(|_| request.many.is_none()).map(Transport::source);
    // A name that is still being looked up is a target.
    let period = config.pacing.period(config.targets.len().saturating_add(config.names));
    let names = names(request, &mut output);
    let io = (account, transport, output, stop, lookups);
    let judge = Judge::new(request, waited);
    let report: AnyReport<PingAccount> = if let Some(fping) = fping {
        if fping.random {
            config.payload = random_payload(request.style.size)?;
        }
        Box::new(FpingText::new(fping.text.clone(), hosts, style.utc_offset))
    } else if request.format.format == Format::Json {
        Box::new(match &request.many {
            None => JsonPing::one(style, hosts, request.interval),
            Some(_) => JsonPing::many(style, hosts, period),
        })
    } else if !request.format.is_text() {
        Box::new(formats::of_ping(request, &style, hosts, source))
    } else {
        let around = terminal::Around::new(request, &style);
        let lines = |style| PingText::new(style, names);
        match &request.many {
            None if request.terminal.compact => {
                around.put(CompactText::new(terminal::compact(request, &style), style))
            }
            None => around.put(lines(style)),
            Some(many) => {
                let deadline = request.ping.deadline;
                let report = ManyText::new(many.show, &request.style.program, hosts, lines(style));
                let report = report.scheduled(schedule(&request.ping, period));
                around.put(if request.resolve { report.with_names(deadline) } else { report })
            }
        }
    };
    let (account, passed) = run(request, config, report, judge.as_ref(), io)?;
    Ok(match passed {
        Some(passed) => u8::from(!passed),
        None => formats::ping_status(request, &account, goal),
    })
}

/// Which probes each of many targets is sent, one each `period`.
fn schedule(config: &Config, period: Option<Duration>) -> Option<Schedule> {
    let probes = match (config.pacing, config.count, period) {
        (Pacing::Retry { retries, .. }, ..) => Probes::UntilAnswered(u64::from(retries) + 1),
        (_, Some(probes), Some(period)) => Probes::Count(probes, period),
        (_, None, Some(period)) => Probes::Endless(period),
        (_, _, None) => return None,
    };
    let goal = match (config.limits.until.map(|until| until.state), config.enough) {
        (Some(TargetState::Up), _) => Some(Goal::Up),
        (Some(TargetState::Down), _) => Some(Goal::Down),
        (None, enough) => enough.map(Goal::Answered),
    };
    Some(Schedule { probes, goal, deadline: config.deadline })
}

/// Lookups of the names of responders, if the text shows them.
fn names(request: &PingRequest, output: &mut Output<'_>) -> Option<Names> {
    let fping = request.many.as_ref().is_some_and(|many| many.fping.is_some());
    let names = match &request.many {
        _ if !request.resolve || !request.format.is_text() || fping => return None,
        None => Names::new(),
        // As many at a time as for a path.
        Some(_) => Names::of_path(|_| None),
    };
    Some(command::start_names(&request.style.program, names, output))
}

/// The end of a run that waited for a host in vain before anything could be sent: status 1.
fn give_up(request: &PingRequest, error: &anyhow::Error, mut output: Output<'_>) -> anyhow::Result<u8> {
    if let Some(gave_up) = error.downcast_ref::<GaveUp>() {
        gave_up.print(request, &mut output);
    }
    let written = output.drain(&[], None).and_then(|()| output.close());
    command::unless_closed(written).map(|()| 1)
}

/// Random data for the probes.
///
/// # Errors
/// Those of getrandom(2).
fn random_payload(size: usize) -> anyhow::Result<Payload> {
    let mut octets = Vec::new();
    while octets.len() < size {
        octets.extend(sys::random::<256>().context("cannot draw random data")?);
    }
    Ok(Payload::new(size, Some(&octets)))
}

/// What a run has beside its report.
type RunParts<'a> = (PingAccount, Option<Transport>, Output<'a>, Stop, Option<Box<dyn Lookups<Ping> + 'a>>);

/// Sends the probes and prints the report. Returns the account, and what the judge found, if there is one and a target was
/// probed.
fn run(
    request: &PingRequest,
    config: Config,
    report: AnyReport<PingAccount>,
    judge: Option<&Judge<'_>>,
    (account, transport, output, stop, lookups): RunParts<'_>,
) -> anyhow::Result<(PingAccount, Option<bool>)> {
    let plan = request.every.map(|every| WindowPlan { every, cumulative: request.cumulative });
    let account = account.with_windows(plan, Instant::ZERO);
    let Some(transport) = transport else {
        return command::report_nothing(report, &account, output, &stop).map(|()| (account, None));
    };
    let clock = Clock::start();
    let key = command::key()?;
    let identity = |family| Identity { ident: transport.ident_of(family), key };
    let config = Config {
        window: window(request, &transport),
        millis_of_day: clock.epoch().wall(Instant::ZERO).millis_of_day(),
        ..config
    };
    let session = Ping::new(config, [identity(Family::V4), identity(Family::V6)], clock.now());
    let batch = Batch::new(request.sockets.message_len);
    let run = Run { clock: &clock, session, transport, account, report, output, stop, batch, lookups };
    let mut passed = None;
    let account = command::conduct(run, |session, transport, (report, account), output| {
        passed = judge.and_then(|judge| {
            judge.conclude((session, account), |target| report.label(target), &clock, output)
        });
        let program = &request.style.program;
        command::print_dropped(program, transport, output);
        if request.style.verbose {
            command::print_rejects(program, session.rejects(), output);
            command::print_clocks(program, &account.total.timings, output);
        }
    })?;
    Ok((account, passed))
}

/// How exact percentiles are. Many hosts and long runs have little memory each, unless more is requested, and text shows
/// none of them.
fn precision(request: &PingRequest) -> Precision {
    let style = &request.style;
    let requested = style.stats || style.histogram.is_some() || request.assertion.is_some();
    if requested || !request.format.is_text() && request.many.is_none() && request.every.is_none() {
        return Precision::Fine;
    }
    Precision::Coarse
}

/// Number of replies that fit the receive buffer, at least 1.
fn window(request: &PingRequest, transport: &Transport) -> u64 {
    let octets = request.sockets.message_len.saturating_add(DATAGRAM_OVERHEAD);
    let replies = transport.receive_buffer().checked_div(octets).unwrap_or(1);
    u64::try_from(replies).unwrap_or(u64::MAX).max(1)
}
