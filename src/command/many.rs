//! Ping of many hosts: their addresses, and sockets of each family among them.

use std::rc::Rc;

use anyhow::anyhow;

use super::setup::PingSetup;
use crate::cli::many::Many;
use crate::cli::ping_request::PingRequest;
use crate::command;
use crate::command::first_route::{no_route, unknown_route};
use crate::command::fping_hosts;
use crate::command::gather::{Found, find, firsts};
use crate::command::joining::Joining;
use crate::engine::ping::{Config, Ping, Targets};
use crate::output::{self, Output};
use crate::report::style::Style;
use crate::run::Lookups;
use crate::stats::verdict::Goal;
use crate::transport::{Sockets, Transport};
use crate::wire::Family;

/// Resolves the hosts, and sets up the sockets that reach them.
///
/// # Errors
/// One line: too many hosts, a list that cannot be read, or an option that the kernel or an address does not allow.
/// A host that cannot be probed is printed and is no error.
pub fn set_up<'a>(
    request: &'a PingRequest,
    many: &'a Many,
    sockets: Sockets,
    output: &mut Output<'_>,
) -> anyhow::Result<PingSetup<'a>> {
    let found = match &many.fping {
        None => find(request, many, &sockets, output)?,
        Some(fping) => fping_hosts::find(request, many, fping, &sockets, output)?,
    };
    let Found { hosts, lookups, mut joining } = found;
    let targets = Rc::clone(hosts.targets());
    let names = joining.as_ref().map_or(0, Joining::open);
    warn_of_period(request, many, targets.len().saturating_add(names), output);
    let transport = match targets.is_empty() && names == 0 {
        true => None,
        false => Some(aim(&targets, (joining.as_mut(), names > 0), sockets, request)?),
    };
    if let Some(transport) = &transport {
        command::warn(&request.style.program, transport.warnings(), output);
    }
    Ok(PingSetup {
        goal: match (&many.fping, request.ping.enough) {
            (Some(fping), _) => Goal::Fping { required: fping.text.required },
            (None, Some(enough)) => Goal::Targets(enough),
            (None, None) => Goal::AllTargets,
        },
        config: Config {
            targets,
            names,
            deadline: lookups.left_of(request.ping.deadline),
            ..request.ping.clone()
        },
        hosts,
        transport,
        lookups: joining.map(|joining| Box::new(joining) as Box<dyn Lookups<Ping>>),
        waited: lookups.elapsed(),
        stop: lookups.into_stop(),
        style: Style {
            // Without a terminal a table is as wide as its contents.
            width: output::terminal::terminal_columns().map_or(u64::MAX, u64::from),
            ..request.style.clone()
        },
    })
}

/// Prints a line if the rate makes the interval longer. An interval of zero is as short as the rate permits. fping has no
/// such line, and its options have other names.
fn warn_of_period(request: &PingRequest, many: &Many, targets: u32, output: &mut Output<'_>) {
    let Many { rate: Some(rate), fping: None, .. } = many else { return };
    let period = request.ping.pacing.period(targets).filter(|period| *period > request.interval);
    if let Some(period) = period.filter(|_| !request.interval.is_zero()) {
        output.print_error(format_args!(
            "{}: -i {}: {targets} targets at {rate} probes a second (--rate) get a probe each {} s\n",
            request.style.program,
            request.interval.as_secs_f64(),
            period.as_secs_f64(),
        ));
    }
}

/// Why a name gets no address of a family.
const BOUND: &str = "no socket of its family: -B and -F need an address of it at the start";

/// Sets up the sockets, with the first target of each family. Where names will join, or may change their address, sockets
/// of both families are kept. `open`: there are names without an address yet.
fn aim(
    targets: &Targets,
    (mut joining, open): (Option<&mut Joining<'_>>, bool),
    mut sockets: Sockets,
    request: &PingRequest,
) -> anyhow::Result<Transport> {
    let (options, wording) = (&request.sockets, &request.wording);
    let mut routes = Vec::new();
    for target in firsts(targets) {
        // Whether a target can be reached shows when it is probed; only a source address must be known now.
        routes.push(match sockets.route(target, options) {
            Ok(route) => route,
            Err(error) if options.strict_source => return Err(anyhow!(wording.route_error(&error))),
            Err(_) => unknown_route(target, options),
        });
    }
    let bound = options.need_target();
    for family in [Family::V4, Family::V6] {
        if routes.iter().any(|route| Family::of(route.target.ip()) == family) {
            continue;
        }
        match &mut joining {
            Some(joining) if bound && !open => joining.refuse(family, BOUND),
            Some(_) => routes.push(no_route(family, options)),
            None => {}
        }
    }
    sockets.aim_all(&routes, options).map_err(|error| anyhow!(wording.setup_error(&error)))
}
