//! `rping traceroute`: puts the rooms together in the order that privilege demands.

use std::net::IpAddr;

use anyhow::anyhow;

use crate::cli::traceroute::{Request, Way};
use crate::cli::wording::TRACEROUTE;
use crate::clock::Clock;
use crate::command;
use crate::command::first_route;
use crate::datagram::Batch;
use crate::engine::trace::{Trace, TraceConfig};
use crate::escape::escape;
use crate::names::lookup::Names;
use crate::names::origin::Origins;
use crate::output::Output;
use crate::probe::trace::{Carrier, Flow, TOKEN_LEN, TraceMethod};
use crate::report::Report;
use crate::report::json::{JsonTrace, TraceStart};
use crate::report::text::trace::{TraceStyle, TraceText};
use crate::report::waiting::Lookups;
use crate::run::Run;
use crate::stats::{TraceAccount, verdict};
use crate::stop::Stop;
use crate::sys;
use crate::transport::{self, IpOption, Mode, Options, Route, RouteError, TraceSockets, Transport};
use crate::wire::Family;
use crate::wire::{ipv4, ipv6};

/// Octets behind the IP header unless a length is given.
const LEN: usize = 40;

/// The length of the first packet that looks for the path MTU.
const MTU_LEN: usize = 65_000;

/// The port that UDP takes in the place of ICMP.
const UDP_PORT: u16 = 33_434;

/// Runs the command. Returns the exit status: 0 the target was reached, 1 it was not.
///
/// # Errors
/// Whatever keeps the trace from beginning, and a standard output that takes no more: exit status 2.
pub fn command(request: &Request) -> anyhow::Result<u8> {
    command::check_stdout()?;
    let mut output = Output::stdio();
    let (way, sockets) = open(request, &mut output)?;
    // A source route is the one option that needs privilege and the target: then it is kept for so long.
    if request.gateways.is_empty() {
        command::drop_privilege()?;
    }
    let reached = reach(request, way, sockets, &mut output);
    command::drop_privilege()?;
    let reached = reached.inspect_err(|error| {
        if request.json {
            command::print_unknown(&request.host, error, &mut output);
        }
    });
    let aimed = command::begun(reached, &mut output)?;

    // Signals first: they must be blocked before the threads that look up names exist.
    let stop = Stop::install()?;
    let clock = Clock::start();
    let config = config(request, &aimed)?;
    if request.verbose {
        print_way(request, &aimed, &mut output);
    }
    if request.json {
        let wanted = Lookups { names: !request.numeric, origins: request.origins };
        let report = JsonTrace::new(start_line(request, &aimed, &config), wanted, names(request));
        return run(request, aimed.transport, config, report, (output, stop), &clock);
    }
    let report = TraceText::new(style(request, &aimed, &config), names(request));
    run(request, aimed.transport, config, report, (output, stop), &clock)
}

/// The target, the way to it, and how it is probed.
struct Aimed {
    route: Route,
    way: Way,
    mode: Mode,
    transport: Transport,
    /// Octets of an IP header, options included.
    header_len: usize,
}

/// Opens the sockets. Where ICMP is not permitted and no method was named, UDP takes its place.
fn open(request: &Request, output: &mut Output<'_>) -> anyhow::Result<(Way, TraceSockets)> {
    let way = request.way;
    let refusal = match transport::open_trace(&request.transport, way.probes, request.source_port) {
        Ok(sockets) => return Ok((way, sockets)),
        Err(refusal) => refusal,
    };
    if !(way.by_default && refusal.icmp_only) {
        return Err(anyhow!(TRACEROUTE.open_error(&refusal.error)));
    }
    let udp = Way::traceroute_ports(UDP_PORT, false);
    let Ok(sockets) = transport::open_trace(&request.transport, udp.probes, request.source_port) else {
        return Err(anyhow!(TRACEROUTE.open_error(&refusal.error)));
    };
    output.print_error(format_args!(
        "{}: no ICMP socket is permitted here, so UDP probes to ports from {UDP_PORT} are sent; -I says why\n",
        request.program
    ));
    Ok((udp, sockets))
}

/// Finds the target, and sets up the sockets that reach it.
fn reach(
    request: &Request,
    way: Way,
    mut sockets: TraceSockets,
    output: &mut Output<'_>,
) -> anyhow::Result<Aimed> {
    command::warn(&request.program, sockets.warnings(), output);
    if !request.host.is_ascii() {
        sys::adopt_locale();
    }
    let mut options = request.transport.clone();
    let mode = sockets.mode();
    let route = pick(request, &mut sockets, &options)?;
    let gateways: Vec<_> =
        request.gateways.iter().map(|host| first_route::ipv4(host)).collect::<Result<_, _>>()?;
    let mut header_len = match Family::of(route.target.ip()) {
        Family::V4 => ipv4::HEADER_LEN,
        Family::V6 => ipv6::HEADER_LEN,
    };
    if let (IpAddr::V4(target), false) = (route.target.ip(), gateways.is_empty()) {
        header_len += 8 + 4 * gateways.len();
        options.ip_option = IpOption::LooseSourceRoute(gateways.into_iter().chain([target]).collect());
    }
    let transport = sockets
        .aim(&route, &options, request.source_port)
        .map_err(|error| anyhow!(TRACEROUTE.setup_error(&error)))?;
    command::warn(&request.program, transport.warnings(), output);
    Ok(Aimed { route, way, mode, transport, header_len })
}

/// The first address of the host that a route leads to.
fn pick(request: &Request, sockets: &mut TraceSockets, options: &Options) -> anyhow::Result<Route> {
    let words = |error| match error {
        RouteError::Broadcast => {
            anyhow!("{}: there is no one way to a broadcast address", escape(&request.host))
        }
        error => anyhow!(TRACEROUTE.route_error(&error)),
    };
    let route_probe_sockets = sockets.route_probe_sockets();
    let found =
        first_route::first_route(&request.host, request.family, route_probe_sockets, options, |_| {}, words);
    found.map(|(_, route)| route)
}

/// The configuration of the session.
fn config(request: &Request, aimed: &Aimed) -> anyhow::Result<TraceConfig> {
    let Aimed { ref route, way, mode, ref transport, header_len } = *aimed;
    let (method, carrier) = match mode {
        Mode::Icmp => (way.method, Carrier::Message),
        Mode::Raw if way.rises => (way.method, Carrier::DestinationPort),
        Mode::Raw => (way.method, Carrier::Message),
        Mode::Shared => (way.method, Carrier::DestinationPort),
        Mode::SocketPerProbe => (way.method, Carrier::SourcePort),
        Mode::Connect => (TraceMethod::Connect, Carrier::SourcePort),
    };
    let src_port = match mode {
        Mode::Icmp | Mode::Raw => transport.ident(),
        // The kernel writes it.
        Mode::Shared | Mode::SocketPerProbe | Mode::Connect => 0,
    };
    let (src, dst) = (route.source, route.target.ip());
    let mut flow = Flow { src, dst, src_port, dst_port: way.port, method, carrier, key: command::key()? };
    let asked = match request.packet_len {
        Some(len) => len.saturating_sub(header_len),
        None if request.mtu => MTU_LEN - header_len,
        None => LEN,
    };
    let len = match method {
        TraceMethod::Protocol(_) => asked.max(TOKEN_LEN),
        _ => flow.len(asked),
    };
    if !flow.carries_number(len) {
        // A datagram without room for more than its header: the port has to do.
        flow.carrier = Carrier::DestinationPort;
    }
    let mut target = route.target;
    target.set_port(way.port);
    Ok(TraceConfig {
        target,
        flow,
        len,
        header_len,
        first_ttl: request.first_ttl,
        max_ttl: request.max_ttl,
        queries: request.queries,
        parallel: request.parallel,
        wait: request.wait,
        gap: request.gap,
        gap_limit: request.gap_limit,
        mtu: request.mtu,
    })
}

/// Names, and the systems that announce addresses, as far as they are wanted.
fn names(request: &Request) -> Names {
    if !request.origins {
        return Names::of_path(|_| None);
    }
    let origins = Origins::new(request.as_server, request.as_zone.as_deref());
    Names::of_path(move |address| origins.ask(address))
}

/// What the trace looks like.
fn style(request: &Request, aimed: &Aimed, config: &TraceConfig) -> TraceStyle {
    let target = aimed.route.target;
    TraceStyle {
        program: request.program.clone(),
        name: request.host.clone(),
        target: target.ip(),
        zone: first_route::zone(target).or_else(|| request.transport.device.clone()),
        max_ttl: request.max_ttl,
        size: config.len + config.header_len,
        numeric: request.numeric,
        origins: request.origins,
        extensions: request.extensions,
        back: request.back,
        flags: request.info,
        summary: request.summary,
    }
}

fn start_line(request: &Request, aimed: &Aimed, config: &TraceConfig) -> TraceStart {
    TraceStart {
        host: request.host.clone(),
        target: aimed.route.target.ip(),
        method: aimed.way.name,
        max_ttl: request.max_ttl,
        queries: request.queries,
        packet_len: config.len + config.header_len,
        one_flow: matches!(aimed.mode, Mode::Icmp | Mode::Raw) && !aimed.way.rises,
    }
}

/// `-v`: by which sockets probes go, and whether they are one flow.
fn print_way(request: &Request, aimed: &Aimed, output: &mut Output<'_>) {
    let how = match aimed.mode {
        Mode::Icmp if aimed.transport.is_raw() => "by a raw ICMP socket, all probes one flow",
        Mode::Icmp => "by a datagram ICMP socket, all probes one flow",
        Mode::Raw if aimed.way.rises => "by a raw socket, each probe a flow of its own, as the port rises",
        Mode::Raw => "by a raw socket, all probes one flow",
        Mode::Shared => "without privilege: the port tells probes apart, so each is a flow of its own",
        Mode::SocketPerProbe => {
            "without privilege: the source port tells probes apart, so each is a flow of its own"
        }
        Mode::Connect => "by TCP connections, each a flow of its own",
    };
    output.print_error(format_args!("{}: {} probes {how}\n", request.program, aimed.way.name));
}

fn run<R: Report<Account = TraceAccount>>(
    request: &Request,
    transport: Transport,
    config: TraceConfig,
    report: R,
    (output, stop): (Output<'_>, Stop),
    clock: &Clock,
) -> anyhow::Result<u8> {
    let batch = Batch::new(config.flow.len(config.len).max(64));
    let now = clock.now();
    let (session, account) = (Trace::new(config, now), TraceAccount::new(now));
    let run = Run { clock, session, transport, account, report, output, stop, batch };
    let account = command::conduct(run, |session, _, account, output| {
        if request.verbose {
            command::print_rejects(&request.program, session.rejects(), output);
            command::print_clocks(&request.program, &account.timings, output);
        }
    })?;
    Ok(verdict::of_trace(&account))
}
