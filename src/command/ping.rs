//! `rping ping`: puts the rooms together in the order that privilege demands.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use anyhow::anyhow;

use crate::cli::ping_request::PingRequest;
use crate::cli::wording::PING;
use crate::clock::{Clock, Instant};
use crate::command::{self, first_route, many};
use crate::datagram::Batch;
use crate::engine::ping::{Config, Pacing, Ping, Targets};
use crate::escape::escape;
use crate::names::forward::{self, Candidate};
use crate::names::lookup::Names;
use crate::output::{self, Output};
use crate::probe::{Identity, Payload, message_len};
use crate::report::Report;
use crate::report::hosts::Hosts;
use crate::report::json::JsonPing;
use crate::report::style::Style;
use crate::report::text::ping::PingText;
use crate::run::Run;
use crate::stats::PingAccount;
use crate::stats::verdict::{self, Goal};
use crate::stop::Stop;
use crate::sys;
use crate::transport::{IpOption, Options, Pmtu, Route, Sockets, Transport};
use crate::wire::Family;

/// An ordinary user's adaptive interval goes no lower, as `-i` does not.
const ORDINARY_FLOOR: Duration = Duration::from_millis(2);

/// Runs the command. Returns the exit status: 0 answered (with a count and a deadline: as often as
/// counted), 1 not.
///
/// # Errors
/// Whatever keeps the run from beginning, and a standard output that takes no more: exit status 2.
pub fn command(request: &PingRequest) -> anyhow::Result<u8> {
    if let Some(asked) = &request.many {
        return many::command(request, asked);
    }
    let sockets = command::open(&request.transport)?;
    let mut output = Output::stdio();
    let reached = reach(request, sockets, &mut output).inspect_err(|error| {
        if request.json {
            command::print_unknown(target_name(request), error, &mut output);
        }
    });
    let (aimed, transport) = command::begun(reached, &mut output)?;

    // Signals first: they must be blocked before the thread that looks up names exists.
    let stop = Stop::install()?;
    let clock = Clock::start();
    let style = style(request, &aimed, &transport);
    if request.json {
        let hosts = Hosts::one(target_name(request).to_owned(), aimed.route.target);
        let report = JsonPing::one(style, hosts, request.interval);
        return run(request, &aimed, transport, report, (output, stop), &clock);
    }
    let report = PingText::new(style, request.resolve.then(Names::new));
    run(request, &aimed, transport, report, (output, stop), &clock)
}

/// Finds the target, and sets up the socket that reaches it.
fn reach(
    request: &PingRequest,
    mut sockets: Sockets,
    output: &mut Output,
) -> anyhow::Result<(Aimed, Transport)> {
    command::warn(&request.program, sockets.warnings(), output);
    if !request.hosts.iter().all(|host| host.is_ascii()) {
        sys::adopt_locale();
    }
    let mut options = request.transport.clone();
    resolve_stamping_nodes(request, &mut options)?;
    let aimed = aim(request, &mut sockets, &mut options, output)?;
    let transport = sockets.aim(&aimed.route, &options).map_err(|error| anyhow!(PING.setup_error(&error)))?;
    command::warn(&request.program, transport.warnings(), output);
    Ok((aimed, transport))
}

/// The target, and the way to it.
struct Aimed {
    candidate: Candidate,
    route: Route,
}

/// `-T tsprespec`: the nodes that stamp stand before the target.
fn resolve_stamping_nodes(request: &PingRequest, options: &mut Options) -> anyhow::Result<()> {
    let IpOption::TimestampPrespecified(nodes) = &mut options.ip_option else { return Ok(()) };
    let Some((_, hosts)) = request.hosts.split_last() else { return Ok(()) };
    for host in hosts {
        nodes.push(first_route::ipv4(host)?);
    }
    Ok(())
}

/// The host to probe.
fn target_name(request: &PingRequest) -> &str {
    request.hosts.last().map_or("", String::as_str)
}

/// Picks the first address that a route leads to.
fn aim(
    request: &PingRequest,
    sockets: &mut Sockets,
    options: &mut Options,
    output: &mut Output,
) -> anyhow::Result<Aimed> {
    let verbose = request.verbose && !request.json;
    let tried = |candidate: &Candidate| {
        if verbose {
            print_candidate(candidate, output);
        }
    };
    let host = target_name(request);
    let (candidate, route) =
        first_route::first_route(host, request.family, sockets, options, tried, |error| {
            anyhow!(PING.route_error(&error))
        })?;
    settle(request, options, &candidate, &route, output)?;
    Ok(Aimed { candidate, route })
}

/// `-v`: what the name was resolved to, as iputils prints it.
fn print_candidate(candidate: &Candidate, output: &mut Output) {
    let family = match candidate.addr {
        SocketAddr::V4(_) => "AF_INET",
        SocketAddr::V6(_) => "AF_INET6",
    };
    let canonical = candidate.canonical.as_deref().map(escape).unwrap_or_default();
    output.print(format_args!("ai->ai_family: {family}, ai->ai_canonname: '{canonical}'\n"));
}

/// What only the address decides: the largest size, and the limits for probing many at once.
fn settle(
    request: &PingRequest,
    options: &mut Options,
    candidate: &Candidate,
    route: &Route,
    output: &mut Output,
) -> anyhow::Result<()> {
    request.check_size(Family::of(candidate.addr.ip()))?;
    if let Some(warning) = &route.warning {
        output.print_error(format_args!("{}: {warning}\n", request.program));
    }
    if route.broadcast {
        output.print_error(format_args!("WARNING: pinging broadcast address\n"));
    }
    if asks_many(options, candidate.addr.ip()) {
        request.check_interval_to_many()?;
        options.pmtu = options.pmtu.or(Some(Pmtu::Do));
    }
    Ok(())
}

fn asks_many(options: &Options, target: IpAddr) -> bool {
    target.is_multicast() || (options.broadcast && target.is_ipv4())
}

/// The configuration of the session.
fn config(request: &PingRequest, aimed: &Aimed, window: u64, millis_of_day: u32) -> Config {
    let target = aimed.route.target;
    let mut targets = Targets::default();
    targets.add(target, 1);
    Config {
        targets: Rc::new(targets),
        method: request.method,
        payload: Payload::new(request.size, request.pattern.as_deref()),
        pacing: pacing(request),
        count: request.count,
        window,
        classic: true,
        deadline: request.deadline,
        linger: request.linger,
        patience: request.patience,
        enough: None,
        report_unanswered: request.outstanding,
        many_responders: asks_many(&request.transport, target.ip()),
        anycast: is_subnet_router(target.ip()),
        millis_of_day,
    }
}

/// How the probes to one host follow one another.
fn pacing(request: &PingRequest) -> Pacing {
    let (interval, preload) = (request.interval, request.preload);
    let floor = if request.superuser { Duration::ZERO } else { ORDINARY_FLOOR };
    match request.adaptive {
        true => Pacing::Adaptive { interval, floor, preload },
        false if interval.is_zero() => Pacing::Flood { preload },
        false => Pacing::Rounds { interval, preload, rate: None },
    }
}

/// The subnet-router anycast address of a /64 or shorter prefix (RFC 4291 section 2.6.1).
fn is_subnet_router(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => v6.segments()[4..] == [0; 4],
    }
}

/// Sends the probes and prints the report. Returns the exit status.
fn run<R: Report<Account = PingAccount>>(
    request: &PingRequest,
    aimed: &Aimed,
    transport: Transport,
    report: R,
    (output, stop): (Output<'_>, Stop),
    clock: &Clock,
) -> anyhow::Result<u8> {
    let identity = Identity { ident: transport.ident(), key: command::key()? };
    let window = command::window(request, &transport);
    let config = config(request, aimed, window, clock.epoch().wall(Instant::ZERO).millis_of_day());
    let batch = Batch::new(message_len(config.method, &config.payload));
    let (session, account) = (Ping::new(config, [identity, identity], clock.now()), PingAccount::new(1));
    let run = Run { clock, session, transport, account, report, output, stop, batch };
    let account = command::conduct(run, |session, transport, account, output| {
        command::print_dropped(&request.program, transport, output);
        if request.verbose {
            command::print_rejects(&request.program, session.rejects(), output);
            command::print_clocks(&request.program, &account.total.timings, output);
        }
    })?;
    Ok(verdict::of_ping(&account, goal(request)))
}

/// What the run looks like.
fn style(request: &PingRequest, aimed: &Aimed, transport: &Transport) -> Style {
    let host = target_name(request);
    let family = transport.family();
    let numeric = forward::is_numeric(host);
    let canonical = aimed.candidate.canonical.as_deref().filter(|_| !numeric).unwrap_or(host);
    let options = &request.transport;
    let name = match family {
        Family::V4 => canonical,
        Family::V6 => host,
    };
    let chosen = options.device.is_some() || options.source.is_some() || options.strict_source;
    let option_len = if options.ip_option == IpOption::None { 0 } else { 40 };
    Style {
        program: request.program.clone(),
        family,
        target: aimed.route.target.ip(),
        name: name.to_owned(),
        reply_name: (!numeric && !request.numeric).then(|| canonical.to_owned()),
        source: chosen.then(|| transport.source()),
        device: options.device.clone(),
        size: request.size,
        overhead: 28 + option_len,
        flow_label: transport.flow_label(),
        pattern: request.pattern.clone(),
        zone: first_route::zone(aimed.route.target).or_else(|| options.device.clone()),
        scoped: host.contains('%'),
        quiet: request.quiet,
        flood: request.flood,
        adaptive: request.adaptive,
        interval_zero: request.interval.is_zero(),
        verbose: request.verbose,
        audible: request.audible,
        timestamps: request.timestamps,
        full_precision: request.full_precision,
        width: width(),
    }
}

/// Columns of the terminal; without one a flood shows all its dots.
fn width() -> u64 {
    output::terminal_columns().map_or(u64::MAX, u64::from)
}

/// One answer; with a count and a deadline, as many as are counted.
fn goal(request: &PingRequest) -> Goal {
    match (request.deadline, request.count) {
        (Some(_), Some(count)) => Goal::Answers(count),
        _ => Goal::Answers(1),
    }
}
