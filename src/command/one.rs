//! Ping of one host: its address, the route to it, and what both decide.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;

use anyhow::anyhow;

use super::conclude::GaveUp;
use super::joining::{Joining, NO_THREAD};
use super::lookups::{ForwardLookups, LOOKUPS_APART};
use super::setup::PingSetup;
use crate::cli::ping_request::PingRequest;
use crate::cli::wording::PING;
use crate::command::{self, advice, first_route, formats, terminal};
use crate::engine::ping::{Config, Ping};
use crate::escape::escape;
use crate::names::background::Background;
use crate::names::forward::{self, AddressFamilies, Candidate};
use crate::output::{self, Output};
use crate::report::hosts::Hosts;
use crate::report::missing::AGAIN;
use crate::report::style::Style;
use crate::report::text::ping::print_pattern;
use crate::run::Lookups;
use crate::stats::verdict::Goal;
use crate::transport::{IpOption, Options, Pmtu, Route, RouteError, Sockets, Transport};
use crate::wire::Family;

/// Checks the hosts of the command line before a socket is opened.
///
/// # Errors
/// One line: what cannot be the name of a host, or an address that cannot be pinged so. In a format for programs it is
/// printed here too.
pub fn check_hosts(request: &PingRequest, output: &mut Output<'_>) -> anyhow::Result<()> {
    let Some((host, nodes)) = request.hosts.split_last() else { return Ok(()) };
    let scoped = request.sockets.device.is_some();
    nodes
        .iter()
        .try_for_each(|node| first_route::check(node, AddressFamilies::V4, true, &PING))
        .and_then(|()| first_route::check(host, first_route::wanted(request.family), scoped, &PING))
        .inspect_err(|error| {
            formats::print_unknown_ping(request, host, error, output);
        })
}

/// Resolves the host, and sets up the socket that reaches it.
///
/// # Errors
/// One line: no address, no route, or an option that the kernel or the address does not allow. In a format for
/// programs it is printed here too.
pub fn set_up<'a>(
    request: &'a PingRequest,
    sockets: Sockets,
    output: &mut Output<'_>,
) -> anyhow::Result<PingSetup<'a>> {
    let host = request.hosts.last().map_or("", String::as_str);
    let lookups =
        ForwardLookups::begin(&request.style.program, request.ping.deadline, terminal::has_status(request))?;
    let Reached { candidate, route, transport, families } = reach(request, host, sockets, &lookups, output)
        .inspect_err(|error| {
        formats::print_unknown_ping(request, host, error, output);
    })?;
    let hosts = Hosts::one(host.to_owned(), route.target);
    let target = route.target.ip();
    Ok(PingSetup {
        config: Config {
            targets: Rc::clone(hosts.targets()),
            deadline: lookups.left_of(request.ping.deadline),
            many_responders: reaches_many(&request.sockets, target),
            anycast: is_subnet_router(target),
            ..request.ping.clone()
        },
        hosts,
        style: style(request, host, &candidate, &route, &transport),
        transport: Some(transport),
        waited: lookups.elapsed(),
        stop: lookups.into_stop(),
        lookups: again(request, host, (route.target, families), output),
        // With a count and a deadline, all replies counted must come, unless the first one ends the run.
        goal: Goal::Answers(match request.ping {
            Config { enough: None, deadline: Some(_), count: Some(count), .. } => count,
            _ => 1,
        }),
    })
}

/// The lookups of the name that go on, if they are requested.
fn again<'a>(
    request: &'a PingRequest,
    host: &str,
    (target, families): (SocketAddr, AddressFamilies),
    output: &mut Output<'_>,
) -> Option<Box<dyn Lookups<Ping> + 'a>> {
    let every = request.resolve_again.filter(|_| !forward::is_numeric(host))?;
    let background = Background::start();
    if background.is_none() {
        output.print_error(format_args!("{}: {NO_THREAD}\n", request.style.program));
    }
    Some(Box::new(Joining::one(request, host, (target, families), background?, every)))
}

/// A host, and the sockets that reach it.
struct Reached {
    candidate: Candidate,
    route: Route,
    transport: Transport,
    /// The families that the sockets can send to.
    families: AddressFamilies,
}

/// The first address of the host that a route leads to, and a socket set up for it.
fn reach(
    request: &PingRequest,
    host: &str,
    mut sockets: Sockets,
    lookups: &ForwardLookups,
    output: &mut Output<'_>,
) -> anyhow::Result<Reached> {
    let program = &request.style.program;
    command::warn(program, sockets.warnings(), output);
    let mut options = request.sockets.clone();
    resolve_stamping_nodes(request, lookups, &mut options)?;
    let (candidate, route) = find(request, host, &mut sockets, &options, lookups, output)?;
    options.found_source = options.device.is_some();
    check_address(request, &mut options, &candidate, &route, output)?;
    let family = Family::of(route.target.ip());
    let other =
        other_family(request, family, host, &options).filter(|_| !reaches_many(&options, route.target.ip()));
    let aimed = match other {
        None => sockets.aim(&route, &options).map(|transport| (transport, false)),
        Some(other) => sockets.aim_also(&route, &first_route::no_route(other, &options), &options),
    };
    let (transport, both) = aimed.map_err(|error| anyhow!(PING.setup_error(&error)))?;
    command::warn(program, transport.warnings(), output);
    let families = first_route::wanted(Some(family).filter(|_| !both));
    Ok(Reached { candidate, route, transport, families })
}

/// The other family, if the host may have an address of it later: the name is looked up again, and no option is bound to
/// the first one.
fn other_family(request: &PingRequest, family: Family, host: &str, options: &Options) -> Option<Family> {
    let bound = request.family.is_some() || options.need_target();
    let again = request.resolve_again.is_some() && !forward::is_numeric(host);
    (again && !bound).then_some(match family {
        Family::V4 => Family::V6,
        Family::V6 => Family::V4,
    })
}

/// The first address of the host that a route leads to. A host that is waited for is looked up again until it is found
/// and a route leads to it.
///
/// # Errors
/// Why there is none, or a [`GaveUp`].
fn find(
    request: &PingRequest,
    host: &str,
    sockets: &mut Sockets,
    options: &Options,
    lookups: &ForwardLookups,
    output: &mut Output<'_>,
) -> anyhow::Result<(Candidate, Route)> {
    let mut printed = String::new();
    loop {
        let (reason, may_come) = match attempt(request, host, sockets, options, lookups, output) {
            Ok(found) => return Ok(found),
            Err(failure) => failure,
        };
        let Some(until) = request.ping.limits.until.filter(|_| may_come) else { return Err(reason) };
        let text = format!("{reason:#}");
        if text != printed {
            output.print_error(format_args!("{}: {text}{AGAIN}\n", request.style.program));
            let _ = output.flush(&[], None);
            printed = text;
        }
        if !lookups.pause(request.interval.max(LOOKUPS_APART)) {
            return Err(GaveUp { until, reason, elapsed: lookups.elapsed() }.into());
        }
    }
}

/// One lookup of the host and of a route to it.
///
/// # Errors
/// Why there is none, and whether that may change: the name may be registered, or the network come up.
fn attempt(
    request: &PingRequest,
    host: &str,
    sockets: &mut Sockets,
    options: &Options,
    lookups: &ForwardLookups,
    output: &mut Output<'_>,
) -> Result<(Candidate, Route), (anyhow::Error, bool)> {
    let verbose = request.style.verbose && request.format.is_text();
    let mut pattern = request.style.pattern.as_deref().filter(|_| !request.style.quiet);
    let tried = |candidate: &Candidate| {
        if verbose {
            // Before all else, as with iputils.
            if let Some(pattern) = pattern.take() {
                print_pattern(pattern, output);
            }
            print_candidate(candidate, output);
        }
    };
    let candidates = lookups
        .resolve(host, first_route::wanted(request.family))
        .map_err(|reason| (reason, !forward::is_numeric(host)))?;
    let mut may_come = false;
    let sentence = |error| {
        may_come = matches!(error, RouteError::Unreachable(_));
        advice::route_error(&PING, &error)
    };
    let found = first_route::first_route(host, candidates, sockets, options, tried, sentence);
    found.map_err(|reason| (reason, may_come))
}

/// `-T tsprespec`: the addresses of the nodes that stamp, which stand before the host.
fn resolve_stamping_nodes(
    request: &PingRequest,
    lookups: &ForwardLookups,
    options: &mut Options,
) -> anyhow::Result<()> {
    let IpOption::TimestampPrespecified(nodes) = &mut options.ip_option else { return Ok(()) };
    let Some((_, hosts)) = request.hosts.split_last() else { return Ok(()) };
    for host in hosts {
        nodes.push(first_route::ipv4(host, |host, wanted| lookups.resolve(host, wanted))?);
    }
    Ok(())
}

/// `-v`: what the name was resolved to, as iputils prints it.
fn print_candidate(candidate: &Candidate, output: &mut Output<'_>) {
    let family = match candidate.addr {
        SocketAddr::V4(_) => "AF_INET",
        SocketAddr::V6(_) => "AF_INET6",
    };
    let canonical = candidate.canonical.as_deref().map(escape).unwrap_or_default();
    output.print(format_args!("ai->ai_family: {family}, ai->ai_canonname: '{canonical}'\n"));
}

/// What only the address decides: the largest size, and the limits of multicast and broadcast.
fn check_address(
    request: &PingRequest,
    options: &mut Options,
    candidate: &Candidate,
    route: &Route,
    output: &mut Output<'_>,
) -> anyhow::Result<()> {
    request.check_size(Family::of(candidate.addr.ip()))?;
    if let Some(warning) = &route.warning {
        output.print_error(format_args!("{}: {warning}\n", request.style.program));
    }
    if route.broadcast {
        output.print_error(format_args!("WARNING: pinging broadcast address\n"));
    }
    if reaches_many(options, candidate.addr.ip()) {
        request.check_interval_to_many()?;
        options.pmtu = options.pmtu.or(Some(Pmtu::Do));
    }
    Ok(())
}

/// Whether many hosts may reply to one probe.
fn reaches_many(options: &Options, target: IpAddr) -> bool {
    target.is_multicast() || (options.broadcast && target.is_ipv4())
}

/// Whether this is the subnet-router anycast address of a prefix of /64 or shorter (RFC 4291 section 2.6.1).
fn is_subnet_router(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(_) => false,
        IpAddr::V6(v6) => v6.segments()[4..] == [0; 4],
    }
}

/// How the text looks.
fn style(
    request: &PingRequest,
    host: &str,
    candidate: &Candidate,
    route: &Route,
    transport: &Transport,
) -> Style {
    let family = transport.family();
    let numeric = forward::is_numeric(host);
    let canonical = candidate.canonical.as_deref().filter(|_| !numeric).unwrap_or(host);
    let name = match family {
        Family::V4 => canonical,
        Family::V6 => host,
    };
    let options = &request.sockets;
    let chosen = options.device.is_some() || options.source.is_some() || options.strict_source;
    let verbose = request.style.verbose && request.format.is_text();
    Style {
        family,
        // It stands above the address of the name.
        pattern: request.style.pattern.clone().filter(|_| !verbose),
        ident_of_kernel: !transport.is_raw() && options.ident.is_none(),
        target: route.target.ip(),
        name: name.to_owned(),
        reply_name: (!numeric && !request.numeric).then(|| canonical.to_owned()),
        source: chosen.then(|| transport.source()),
        flow_label: transport.flow_label(),
        zone: first_route::zone(route.target).or_else(|| options.device.clone()),
        scoped: host.contains('%'),
        // Without a terminal a flood shows all its dots.
        width: output::terminal::terminal_columns().map_or(u64::MAX, u64::from),
        ..request.style.clone()
    }
}
