//! Many hosts: one run that asks them all.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU64;
use std::rc::Rc;

use anyhow::{Context, anyhow};

use crate::cli::many::{Many as Asked, Names as Bare};
use crate::cli::ping::Request;
use crate::cli::wording::PING;
use crate::clock::{Clock, Instant};
use crate::command;
use crate::command::gather::{find, firsts};
use crate::datagram::Batch;
use crate::engine::ping::{Config, Pacing, Ping, Targets};
use crate::names::lookup::Names;
use crate::output::Output;
use crate::probe::{Identity, Payload};
use crate::report::ManyReport;
use crate::report::json::JsonMany;
use crate::report::style::Style;
use crate::report::text::many::{ManyText, Show};
use crate::report::text::ping::PingText;
use crate::run::{Broken, Run};
use crate::stop::Stop;
use crate::transport::{Options, Route, Sockets, Stamping, Transport};
use crate::wire::Family;

/// Probes a second that each get a stamp of the kernel as they leave. Of more, the stamps, which lie in the
/// receive buffer too, would take the room of answers, and as much time as the probes.
const STAMPED_RATE: NonZeroU64 = NonZeroU64::new(10_000).unwrap();

/// Octets of the send buffer, as far as the kernel grants them (net.core.wmem_max, twice). A datagram stays in it
/// while its neighbour is not known: on a link where most addresses are absent, that is three seconds' worth.
const SEND_BUFFER: usize = 1 << 22;

/// Asks many hosts, and says the exit status: 0 all answered (with `--min-reachable`: enough of them), 1 not
/// all, 2 none could be asked.
///
/// # Errors
/// As for one host.
pub fn command(request: &Request, asked: &Asked) -> anyhow::Result<u8> {
    let sockets = command::open(&request.transport)?;
    let mut output = Output::stdio();
    let found = find(request, asked, &sockets, &mut output);
    let (targets, roster, complete) = command::begun(found, &mut output)?;
    let found = Found { targets: Rc::new(targets), complete };
    let stop = Stop::install()?;
    let style = style(request);
    if request.json {
        let report = JsonMany::new(style, roster, Rc::clone(&found.targets));
        return ask(request, asked, &found, sockets, report, (output, stop));
    }
    let lines = PingText::new(style, request.resolve.then(Names::new));
    let report =
        ManyText::new(show(request, asked), &request.program, roster, Rc::clone(&found.targets), lines);
    ask(request, asked, &found, sockets, report, (output, stop))
}

/// Whom to ask.
struct Found {
    targets: Rc<Targets>,
    /// Whether every word was understood.
    complete: bool,
}

fn ask<R: ManyReport>(
    request: &Request,
    asked: &Asked,
    found: &Found,
    sockets: Sockets,
    mut report: R,
    (mut output, stop): (Output<'_>, Stop),
) -> anyhow::Result<u8> {
    let targets = &found.targets;
    if targets.is_empty() {
        report.start(Clock::start().epoch(), &mut output);
        say_end(&mut report, &mut output, &stop)?;
        return Ok(2);
    }
    let mut options = request.transport.clone();
    if asked.rate.is_none_or(|rate| rate > STAMPED_RATE) && options.stamps == Stamping::Both {
        options.stamps = Stamping::Arrivals;
    }
    options.send_buffer.get_or_insert(SEND_BUFFER);
    let transport = aim(targets, sockets, &options)?;
    command::warn(&request.program, transport.warnings(), &mut output);
    let clock = Clock::start();
    report.start(clock.epoch(), &mut output);
    let session = session(request, asked, Rc::clone(targets), &transport, &clock)?;
    let batch = Batch::new(request.transport.message_len);
    let mut run = Run { clock: &clock, session, transport, report, output, stop, batch };
    let ended = run.run();
    let Run { session, transport, mut report, mut output, stop, .. } = run;
    let waited = match ended {
        Err(Broken::Output(error)) => return unwritten(error, status(asked, &report, found)),
        Err(Broken::Wait(error)) => Err(error),
        Ok(()) => Ok(()),
    };
    command::tell_dropped(&request.program, &transport, &mut output);
    if request.verbose {
        command::tell_rejects(&request.program, session.rejects(), &mut output);
        command::tell_clocks(&request.program, &report.board().totals.timings, &mut output);
    }
    if let Err(error) = say_end(&mut report, &mut output, &stop) {
        return unwritten(error, status(asked, &report, found));
    }
    waited.context("cannot wait for answers")?;
    Ok(status(asked, &report, found))
}

/// A reader that is gone ends the run quietly.
fn unwritten(error: io::Error, status: u8) -> anyhow::Result<u8> {
    if error.kind() == io::ErrorKind::BrokenPipe { Ok(status) } else { Err(error).context("write error") }
}

fn status(asked: &Asked, report: &impl ManyReport, found: &Found) -> u8 {
    let Found { targets, complete } = found;
    let answered = report.board().totals.answered;
    let enough = match asked.min_reachable {
        Some(enough) => answered >= enough,
        None => *complete && report.roster().unknown() == 0 && answered == targets.len(),
    };
    u8::from(!enough)
}

/// The last words, a part at a time: there may be much to say.
fn say_end(report: &mut impl ManyReport, output: &mut Output<'_>, stop: &Stop) -> io::Result<()> {
    while report.more(output) {
        output.flush(&stop.fds())?;
    }
    command::drain(output, stop)
}

/// Sets the sockets up, by way of the first target of each family.
fn aim(targets: &Targets, mut sockets: Sockets, options: &Options) -> anyhow::Result<Transport> {
    let mut routes = Vec::new();
    for target in firsts(targets) {
        // Whether a target can be reached shows in asking it; only a source address must be known now.
        let source = match target {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let blind = Route { target, source, broadcast: false, warning: None };
        routes.push(match sockets.route(target, options) {
            Ok(route) => route,
            Err(error) if options.strict_source => return Err(anyhow!(PING.route_error(&error))),
            Err(_) => blind,
        });
    }
    sockets.aim_all(&routes, options).map_err(|error| anyhow!(PING.setup_error(&error)))
}

fn session(
    request: &Request,
    asked: &Asked,
    targets: Rc<Targets>,
    transport: &Transport,
    clock: &Clock,
) -> anyhow::Result<Ping> {
    let key = command::key()?;
    let identity = |family| Identity { ident: transport.ident_of(family), key };
    let rate = asked.rate;
    let config = Config {
        targets,
        method: request.method,
        payload: Payload::new(request.size, request.pattern.as_deref()),
        pacing: match request.count {
            Some(_) => Pacing::Rounds { interval: request.interval, preload: 1, rate },
            None => Pacing::Retry { timeout: asked.timeout, retries: asked.retries, rate },
        },
        count: request.count,
        window: command::window(request, transport),
        classic: false,
        deadline: request.deadline,
        linger: asked.linger,
        patience: request.patience.filter(|_| request.count.is_some()),
        enough: asked.min_reachable,
        report_unanswered: false,
        many_responders: false,
        anycast: false,
        millis_of_day: clock.epoch().wall(Instant::ZERO).millis_of_day(),
    };
    Ok(Ping::new(config, [identity(Family::V4), identity(Family::V6)], clock.now()))
}

/// What the text shows.
fn show(request: &Request, asked: &Asked) -> Show {
    match asked.names {
        Some(Bare::Alive) => Show::Alive,
        Some(Bare::Unreachable) => Show::Unreachable,
        None if request.quiet => Show::Table,
        None => Show::Lines,
    }
}

/// What the lines look like.
fn style(request: &Request) -> Style {
    Style {
        program: request.program.clone(),
        size: request.size,
        quiet: request.quiet && request.json,
        verbose: request.verbose,
        audible: request.audible,
        timestamps: request.timestamps,
        full_precision: request.full_precision,
        zone: request.transport.device.clone(),
        ..Style::of(Ipv4Addr::UNSPECIFIED.into())
    }
}
