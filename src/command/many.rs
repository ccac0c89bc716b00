//! Ping of many hosts: their addresses, and sockets of each family among them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::rc::Rc;

use anyhow::anyhow;

use super::setup::PingSetup;
use crate::cli::many::Many;
use crate::cli::ping_request::PingRequest;
use crate::cli::wording::PING;
use crate::command;
use crate::command::gather::{Found, find, firsts};
use crate::engine::ping::{Config, Targets};
use crate::output::Output;
use crate::stats::verdict::Goal;
use crate::transport::{Options, Route, Sockets, Transport};

/// Resolves the hosts, and sets up the sockets that reach them.
///
/// # Errors
/// One line: too many hosts, a list that cannot be read, or an option that the kernel or an address does not allow.
/// A host that cannot be probed is printed and is no error.
pub fn set_up(
    request: &PingRequest,
    many: &Many,
    sockets: Sockets,
    output: &mut Output<'_>,
) -> anyhow::Result<PingSetup> {
    let Found { hosts, complete, lookups } = find(request, many, &sockets, output)?;
    let targets = Rc::clone(hosts.targets());
    let transport = match targets.is_empty() {
        true => None,
        false => Some(aim(&targets, sockets, &request.sockets)?),
    };
    if let Some(transport) = &transport {
        command::warn(&request.style.program, transport.warnings(), output);
    }
    Ok(PingSetup {
        goal: match request.ping.enough {
            Some(enough) => Goal::Targets(enough),
            None => Goal::AllTargets { complete },
        },
        config: Config { targets, deadline: lookups.left_of(request.ping.deadline), ..request.ping.clone() },
        hosts,
        transport,
        stop: lookups.into_stop(),
        style: request.style.clone(),
    })
}

/// Sets up the sockets, with the first target of each family.
fn aim(targets: &Targets, mut sockets: Sockets, options: &Options) -> anyhow::Result<Transport> {
    let mut routes = Vec::new();
    for target in firsts(targets) {
        // Whether a target can be reached shows when it is probed; only a source address must be known now.
        let source = match target {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let unknown = Route { target, source, broadcast: false, warning: None };
        routes.push(match sockets.route(target, options) {
            Ok(route) => route,
            Err(error) if options.strict_source => return Err(anyhow!(PING.route_error(&error))),
            Err(_) => unknown,
        });
    }
    sockets.aim_all(&routes, options).map_err(|error| anyhow!(PING.setup_error(&error)))
}
