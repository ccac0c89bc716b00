//! `rping traceroute`: resolves, opens sockets, drops privilege and runs, in the order that privilege requires.

use std::net::IpAddr;

use anyhow::{anyhow, ensure};

use crate::cli::format::Format;
use crate::cli::trace_method::{ProbeSpec, TRACEROUTE_PORT};
use crate::cli::trace_request::{TraceRequest, Tracepath};
use crate::cli::wording::TRACEROUTE;
use crate::clock::Clock;
use crate::command;
use crate::command::conclude::print_judgement;
use crate::command::lookups::ForwardLookups;
use crate::command::{advice, first_route, formats, terminal};
use crate::datagram::Batch;
use crate::engine::trace::event::Ending;
use crate::engine::trace::{Trace, TraceConfig};
use crate::escape::escape;
use crate::names::forward::{self, AddressFamilies, Candidate};
use crate::names::lookup::Names;
use crate::names::origin::Origins;
use crate::output::{self, Output};
use crate::probe::trace::{Carrier, Flow, TOKEN_LEN, TraceMethod};
use crate::report::AnyReport;
use crate::report::hosts::HostLabel;
use crate::report::json::{JsonTrace, TraceStart};
use crate::report::text::trace::{TraceStyle, TraceText};
use crate::report::text::tracepath::TracepathText;
use crate::report::waiting::Lookups;
use crate::run::Run;
use crate::stats::TraceAccount;
use crate::stats::verdict::measure::Judgement;
use crate::stop::Stop;
use crate::sys::interfaces;
use crate::transport::{self, IpOption, Mode, Route, RouteError, TraceSockets, Transport};
use crate::wire::Family;
use crate::wire::{ipv4, ipv6};

/// Octets behind the IP header without a length on the command line.
const LEN: usize = 40;

/// Octets of the first packet of a search for the path MTU, IP header included.
const MTU_LEN: usize = 65_000;

/// Runs the command. Returns the exit status: 0 the target was reached, 1 it was not, 2 no probe could be sent.
///
/// # Errors
/// Whatever keeps the trace from beginning, and a standard output that takes no more: exit status 2.
pub fn command(request: &TraceRequest) -> anyhow::Result<u8> {
    command::check_stdout()?;
    let mut output = formats::output(&request.format)?;
    command::begun(check_hosts(request, &mut output), &mut output)?;
    let (probes, sockets) = open(request, &mut output)?;
    // A source route is the one option that needs both privilege and the target: privilege is dropped later then. Until
    // it is there are no threads, which would keep it, and no signal is handled: each ends the program at once.
    let lookups = match request.gateways.is_empty() {
        true => {
            command::drop_privilege()?;
            Some(ForwardLookups::begin(&request.style.program, None, false)?)
        }
        false => None,
    };
    let setup = set_up(request, probes, sockets, lookups.as_ref(), &mut output);
    command::drop_privilege()?;
    let setup = setup.inspect_err(|error| {
        formats::print_unknown_trace(request, error, &mut output);
    });
    let setup = command::begun(setup, &mut output)?;

    // Signals first: they must be blocked before the threads that look up names exist.
    let stop = lookups.map_or_else(Stop::install, |lookups| Ok(lookups.into_stop()))?;
    let clock = Clock::start();
    let config = config(request, &setup)?;
    let style = style(request, &setup, &config);
    if request.verbose {
        print_method(request, &setup, &mut output);
    }
    let wanted = wanted(request, &style);
    let names = names(request, wanted, &mut output);
    let report: AnyReport<TraceAccount> = if !request.format.is_text() {
        let start = start_line(&style, &setup, &config);
        let probe = (data_len(setup.probes.name, config.len), setup.route.source);
        match request.format.format {
            Format::Json => Box::new(JsonTrace::report(start, wanted, names)),
            format => Box::new(formats::of_trace(format, start, probe, (wanted, names))),
        }
    } else if let Some(Tracepath { both }) = request.tracepath {
        Box::new(TracepathText::report(style, both, names))
    } else {
        Box::new(terminal::around_trace(request, TraceText::report(style, names)))
    };
    run(request, setup.transport, config, report, (output, stop), &clock)
}

/// Checks the hosts of the command line before a socket is opened.
///
/// # Errors
/// One line: what cannot be the name of a host, or an address that cannot be traced to. In a format for programs it is
/// printed here too.
fn check_hosts(request: &TraceRequest, output: &mut Output<'_>) -> anyhow::Result<()> {
    let (host, scoped) = (&request.style.name, request.sockets.device.is_some());
    let gateways = || {
        let mut hosts = request.gateways.iter();
        hosts.try_for_each(|host| first_route::check(host, AddressFamilies::V4, true, &TRACEROUTE))
    };
    let checked = first_route::check(host, first_route::wanted(request.family), scoped, &TRACEROUTE);
    checked.and_then(|()| gateways()).inspect_err(|error| {
        formats::print_unknown_trace(request, error, output);
    })
}

/// The route to the target, and sockets that reach it.
struct TraceSetup {
    route: Route,
    probes: ProbeSpec,
    mode: Mode,
    transport: Transport,
    /// Octets of an IP header, options included.
    header_len: usize,
}

/// Opens the sockets. If ICMP is not permitted and the user named no method, opens those of UDP probes.
fn open(request: &TraceRequest, output: &mut Output<'_>) -> anyhow::Result<(ProbeSpec, TraceSockets)> {
    let try_open =
        |probes: ProbeSpec| transport::open_trace(&request.sockets, probes.sockets, request.source_port);
    let probes = request.probes;
    let refusal = match try_open(probes) {
        Ok(sockets) => return Ok((probes, sockets)),
        Err(refusal) => refusal,
    };
    let udp = ProbeSpec::traceroute_ports(TRACEROUTE_PORT, false);
    let fallback = (probes.implicit && refusal.icmp_only).then(|| try_open(udp).ok());
    let Some(sockets) = fallback.flatten() else {
        return Err(advice::open_error(&TRACEROUTE, &refusal.error));
    };
    output.print_error(format_args!(
        "{}: no ICMP socket is permitted here, so UDP probes to ports from {TRACEROUTE_PORT} are sent; with -I the reason is printed\n",
        request.style.program
    ));
    Ok((udp, sockets))
}

/// Resolves the target, and sets up the sockets that reach it.
fn set_up(
    request: &TraceRequest,
    probes: ProbeSpec,
    mut sockets: TraceSockets,
    lookups: Option<&ForwardLookups>,
    output: &mut Output<'_>,
) -> anyhow::Result<TraceSetup> {
    let (program, host) = (&request.style.program, &request.style.name);
    command::warn(program, sockets.warnings(), output);
    let mut options = request.sockets.clone();
    let mode = sockets.mode();
    let sentence = |error| match error {
        RouteError::Broadcast => anyhow!("{}: there is no one way to a broadcast address", escape(host)),
        error => advice::route_error(&TRACEROUTE, &error),
    };
    let route_probe_sockets = sockets.route_probe_sockets();
    let mut to_many = false;
    let tried = |candidate: &Candidate| to_many = candidate.addr.ip().is_multicast();
    let resolve = |host: &str, wanted| match lookups {
        Some(lookups) => lookups.resolve(host, wanted),
        None => forward::resolve(host, wanted),
    };
    let mut candidates = resolve(host, first_route::wanted(request.family))?;
    if request.by_link && request.tracepath.is_none() {
        // As traceroute(8) and tcptraceroute(8).
        candidates.sort_by_key(|candidate| candidate.addr.is_ipv6());
    }
    let route = first_route::first_route(host, candidates, route_probe_sockets, &options, tried, sentence);
    ensure!(!to_many, "{}: there is no one way to a multicast address", escape(host));
    let (_, route) = route?;
    let gateways: Vec<_> =
        request.gateways.iter().map(|host| first_route::ipv4(host, resolve)).collect::<Result<_, _>>()?;
    let mut header_len = match Family::of(route.target.ip()) {
        Family::V4 => ipv4::HEADER_LEN,
        Family::V6 => ipv6::HEADER_LEN,
    };
    if let (IpAddr::V4(target), false) = (route.target.ip(), gateways.is_empty()) {
        header_len += 8 + 4 * gateways.len();
        options.ip_option = IpOption::LooseSourceRoute(gateways.into_iter().chain([target]).collect());
    }
    let transport = sockets
        .aim(&route, &options, request.source_port, flows(&request.trace))
        .map_err(|error| anyhow!(TRACEROUTE.setup_error(&error)))?;
    command::warn(program, transport.warnings(), output);
    Ok(TraceSetup { route, probes, mode, transport, header_len })
}

/// The configuration of the session.
fn config(request: &TraceRequest, setup: &TraceSetup) -> anyhow::Result<TraceConfig> {
    let TraceSetup { ref route, probes, mode, ref transport, header_len } = *setup;
    let (method, carrier) = match mode {
        Mode::Icmp => (probes.method, Carrier::Message),
        Mode::Raw if probes.port_per_probe => (probes.method, Carrier::DestinationPort),
        Mode::Raw => (probes.method, Carrier::Message),
        Mode::Shared => (probes.method, Carrier::DestinationPort),
        Mode::SocketPerProbe => (probes.method, Carrier::SourcePort),
        Mode::Connect => (TraceMethod::Connect, Carrier::SourcePort),
    };
    let src_port = match mode {
        Mode::Icmp | Mode::Raw => transport.ident(),
        // The kernel writes it.
        Mode::Shared | Mode::SocketPerProbe | Mode::Connect => 0,
    };
    let (src, dst) = (route.source, route.target.ip());
    let src_ports = match (mode, method) {
        (Mode::Raw, TraceMethod::Tcp(_)) => transport.source_ports(),
        _ => 1,
    };
    let mut flow =
        Flow { src, dst, src_port, src_ports, dst_port: probes.port, method, carrier, key: command::key()? };
    let requested = match request.packet_len {
        Some(len) => len.saturating_sub(header_len),
        None if request.trace.mtu => MTU_LEN - header_len,
        None => LEN,
    };
    let len = match method {
        TraceMethod::Protocol(_) => requested.max(TOKEN_LEN),
        _ => flow.len(requested),
    };
    if !flow.carries_number(len) {
        // A datagram without room for more than its header: the port identifies the probe.
        flow.carrier = Carrier::DestinationPort;
    }
    let mut target = route.target;
    target.set_port(probes.port);
    let neighbour = interfaces::share_network(src, dst);
    Ok(TraceConfig { target, flow, len, header_len, neighbour, ..request.trace.clone() })
}

/// Source ports of raw TCP probes: each query has its own, and as many are free for queries that are repeated.
fn flows(trace: &TraceConfig) -> u16 {
    u16::from(trace.queries).saturating_mul(2)
}

/// The lookups for responders that the text or the format has a place for.
fn wanted(request: &TraceRequest, style: &TraceStyle) -> Lookups {
    let shown = matches!(request.format.format, Format::Text | Format::Json | Format::Csv);
    Lookups { names: shown && !style.numeric, origins: shown && style.origins }
}

/// Starts these lookups, if there are any.
fn names(request: &TraceRequest, wanted: Lookups, output: &mut Output<'_>) -> Names {
    let names = if wanted.origins {
        let origins = Origins::new(request.as_server, request.as_zone.as_deref());
        Names::of_path(move |address| origins.query(address))
    } else {
        Names::of_path(|_| None)
    };
    if !wanted.names && !wanted.origins {
        return names;
    }
    command::start_names(&request.style.program, names, output)
}

/// How the text looks.
fn style(request: &TraceRequest, setup: &TraceSetup, config: &TraceConfig) -> TraceStyle {
    let target = setup.route.target;
    TraceStyle {
        target: target.ip(),
        zone: first_route::zone(target).or_else(|| request.sockets.device.clone()),
        size: config.len + config.header_len,
        reason: output::terminal::stderr_is_terminal(),
        ..request.style.clone()
    }
}

fn start_line(style: &TraceStyle, setup: &TraceSetup, config: &TraceConfig) -> TraceStart {
    TraceStart {
        host: style.name.clone(),
        target: style.target,
        zone: style.zone.clone(),
        method: setup.probes.name,
        max_ttl: config.max_ttl,
        queries: config.queries,
        packet_len: style.size,
        one_flow: matches!(setup.mode, Mode::Icmp | Mode::Raw)
            && !setup.probes.port_per_probe
            && setup.transport.source_ports() == 1,
    }
}

/// Octets of data in a probe of a method that has so many behind the IP header.
fn data_len(method: &str, len: usize) -> usize {
    match method {
        // Their headers have eight octets.
        "icmp" | "udp" | "udplite" => len.saturating_sub(8),
        _ => 0,
    }
}

/// `-v`: which sockets send the probes, and whether all probes are one flow.
fn print_method(request: &TraceRequest, setup: &TraceSetup, output: &mut Output<'_>) {
    let how = match setup.mode {
        Mode::Icmp if setup.transport.is_raw() => "by a raw ICMP socket, all probes one flow",
        Mode::Icmp => "by a datagram ICMP socket, all probes one flow",
        Mode::Raw if setup.probes.port_per_probe => {
            "by a raw socket, each probe a flow of its own, as the port rises"
        }
        Mode::Raw if setup.transport.source_ports() > 1 => {
            "by a raw socket, each query one flow over all hops"
        }
        Mode::Raw => "by a raw socket, all probes one flow",
        Mode::Shared => "without privilege: the port distinguishes probes, so each is a flow of its own",
        Mode::SocketPerProbe => {
            "without privilege: the source port distinguishes probes, so each is a flow of its own"
        }
        Mode::Connect => {
            "by TCP connections, each a flow of its own; an answer after 0.95 s is not seen, because the kernel \
             sends the segment again after one second"
        }
    };
    output.print_error(format_args!("{}: {} probes {how}\n", request.style.program, setup.probes.name));
}

fn run(
    request: &TraceRequest,
    transport: Transport,
    config: TraceConfig,
    report: AnyReport<TraceAccount>,
    (output, stop): (Output<'_>, Stop),
    clock: &Clock,
) -> anyhow::Result<u8> {
    let (batch, target) = (Batch::new(config.flow.len(config.len).max(64)), config.target);
    let now = clock.now();
    let (session, account) = (Trace::new(config, now), TraceAccount::new(now));
    let run = Run { clock, session, transport, account, report, output, stop, batch, lookups: None };
    let mut passed = None;
    let account = command::conduct(run, |session, transport, (_, account), output| {
        passed = request.assertion.as_ref().map(|assertion| {
            let judgement = Judgement::of_trace(account, assertion);
            let of = (request.style.program.as_str(), request.format.format);
            let label = HostLabel { name: Some(&request.style.name), address: target, note: None };
            print_judgement(of, &judgement, |_| Some(label), false, clock, output);
            judgement.passed()
        });
        if account.sent() > account.received() {
            command::print_dropped(&request.style.program, transport, output);
        }
        if request.verbose {
            command::print_rejects(&request.style.program, session.rejects(), output);
            command::print_clocks(&request.style.program, &account.timings, output);
        }
    })?;
    Ok(match passed {
        Some(passed) if !matches!(account.ending(), Ending::NotSent { .. }) => u8::from(!passed),
        _ => formats::trace_status(request, &account),
    })
}
