//! Many hosts: one run that probes them all.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU64;
use std::rc::Rc;

use anyhow::anyhow;

use crate::cli::many::{Many as Asked, Names as Bare};
use crate::cli::ping_request::PingRequest;
use crate::cli::wording::PING;
use crate::clock::{Clock, Instant};
use crate::command;
use crate::command::gather::{find, firsts};
use crate::datagram::Batch;
use crate::engine::ping::{Config, Pacing, Ping, Targets};
use crate::names::lookup::Names;
use crate::output::Output;
use crate::probe::{Identity, Payload};
use crate::report::Report;
use crate::report::json::JsonPing;
use crate::report::style::Style;
use crate::report::text::many::{ManyText, Show};
use crate::report::text::ping::PingText;
use crate::run::Run;
use crate::stats::PingAccount;
use crate::stats::verdict::{self, Goal};
use crate::stop::Stop;
use crate::transport::{Options, Route, Sockets, Stamping, Transport};
use crate::wire::Family;

/// Probes a second that each get a stamp of the kernel as they leave. Of more, the stamps, which lie in the
/// receive buffer too, would take the room of answers, and as much time as the probes.
const STAMPED_RATE: NonZeroU64 = NonZeroU64::new(10_000).unwrap();

/// Octets of the send buffer, as far as the kernel grants them (net.core.wmem_max, twice). A datagram stays in it
/// while its neighbour is not known: on a link where most addresses are absent, that is three seconds' worth.
const SEND_BUFFER: usize = 1 << 22;

/// Probes many hosts. Returns the exit status: 0 all answered (with `--min-reachable`: enough of them), 1 not all,
/// 2 none could be probed.
///
/// # Errors
/// As for one host.
pub fn command(request: &PingRequest, asked: &Asked) -> anyhow::Result<u8> {
    let sockets = command::open(&request.transport)?;
    let mut output = Output::stdio();
    let found = find(request, asked, &sockets, &mut output);
    let (hosts, complete) = command::begun(found, &mut output)?;
    let targets = Rc::clone(hosts.targets());
    let goal = match asked.min_reachable {
        Some(enough) => Goal::Targets(enough),
        None => Goal::AllTargets { missing: hosts.unknown().saturating_add(u32::from(!complete)) },
    };
    let stop = Stop::install()?;
    let style = style(request);
    let account = if request.json {
        let interval = request.count.map(|_| request.interval);
        let report = JsonPing::many(style, hosts, interval);
        run(request, asked, targets, sockets, report, (output, stop))
    } else {
        let lines = PingText::new(style, request.resolve.then(Names::new));
        let report = ManyText::new(show(request, asked), &request.program, hosts, lines);
        run(request, asked, targets, sockets, report, (output, stop))
    };
    Ok(verdict::of_ping(&account?, goal))
}

fn run<R: Report<Account = PingAccount>>(
    request: &PingRequest,
    asked: &Asked,
    targets: Rc<Targets>,
    sockets: Sockets,
    report: R,
    (mut output, stop): (Output<'_>, Stop),
) -> anyhow::Result<PingAccount> {
    let account = PingAccount::new(targets.len());
    if targets.is_empty() {
        return command::report_nothing(report, &account, output, &stop).map(|()| account);
    }
    let mut options = request.transport.clone();
    if asked.rate.is_none_or(|rate| rate > STAMPED_RATE) && options.stamps == Stamping::Both {
        options.stamps = Stamping::Arrivals;
    }
    options.send_buffer.get_or_insert(SEND_BUFFER);
    let transport = aim(&targets, sockets, &options)?;
    command::warn(&request.program, transport.warnings(), &mut output);
    let clock = Clock::start();
    let session = session(request, asked, targets, &transport, &clock)?;
    let batch = Batch::new(request.transport.message_len);
    let run = Run { clock: &clock, session, transport, account, report, output, stop, batch };
    command::conduct(run, |session, transport, account, output| {
        command::print_dropped(&request.program, transport, output);
        if request.verbose {
            command::print_rejects(&request.program, session.rejects(), output);
            command::print_clocks(&request.program, &account.total.timings, output);
        }
    })
}

/// Sets the sockets up, by way of the first target of each family.
fn aim(targets: &Targets, mut sockets: Sockets, options: &Options) -> anyhow::Result<Transport> {
    let mut routes = Vec::new();
    for target in firsts(targets) {
        // Whether a target can be reached shows when it is probed; only a source address must be known now.
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
    request: &PingRequest,
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
fn show(request: &PingRequest, asked: &Asked) -> Show {
    match asked.names {
        Some(Bare::Alive) => Show::Alive,
        Some(Bare::Unreachable) => Show::Unreachable,
        None if request.quiet => Show::Table,
        None => Show::Lines,
    }
}

/// What the lines look like.
fn style(request: &PingRequest) -> Style {
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
