//! Resolves a host to the first address with a route.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use anyhow::{anyhow, bail};

use crate::cli::wording::OptionNames;
use crate::escape::escape;
use crate::names::forward::{self, AddressFamilies, Candidate};
use crate::sys::interfaces;
use crate::transport::{Options, Route, RouteError, Sockets};
use crate::wire::Family;

/// What is looked up for a family, or for both.
pub const fn wanted(family: Option<Family>) -> AddressFamilies {
    match family {
        None => AddressFamilies::Any,
        Some(Family::V4) => AddressFamilies::V4,
        Some(Family::V6) => AddressFamilies::V6,
    }
}

/// Checks a host, as far as that needs neither a socket nor a name server. `scoped`: an interface is given beside it.
///
/// # Errors
/// One line: it cannot be a name, its address is of the other family, or it is a link-local address without its
/// interface, as `names` has the option for one.
pub fn check(host: &str, wanted: AddressFamilies, scoped: bool, names: &OptionNames) -> anyhow::Result<()> {
    forward::check(host)?;
    if host.parse::<IpAddr>().is_err() {
        return Ok(());
    }
    for candidate in forward::resolve(host, wanted)? {
        let address = candidate.addr;
        if !scoped && forward::lacks_scope(&address) {
            bail!(names.route_error(&RouteError::NoInterface(address.ip())));
        }
    }
    Ok(())
}

/// The first of the addresses of a host that has a route, and the route. `tried` is called with each address before it is
/// tried.
///
/// # Errors
/// Sockets of no family that it has, or the [`RouteError`] of the last address, as `sentence` words it.
pub fn first_route(
    host: &str,
    mut candidates: Vec<Candidate>,
    sockets: &mut Sockets,
    options: &Options,
    mut tried: impl FnMut(&Candidate),
    sentence: impl FnOnce(RouteError) -> anyhow::Error,
) -> anyhow::Result<(Candidate, Route)> {
    let families: Vec<_> = candidates.iter().map(|candidate| Family::of(candidate.addr.ip())).collect();
    candidates.retain(|candidate| sockets.has(Family::of(candidate.addr.ip())));
    let mut candidates = candidates.into_iter().peekable();
    while let Some(candidate) = candidates.next() {
        tried(&candidate);
        match sockets.route(candidate.addr, options) {
            Ok(route) => return Ok((candidate, route)),
            Err(RouteError::Unreachable(_)) if candidates.peek().is_some() => {}
            Err(error) => return Err(sentence(error)),
        }
    }
    match families.into_iter().find_map(|family| sockets.refusal(family)) {
        Some(refusal) => Err(anyhow!("{refusal}")),
        None => Err(anyhow!("{}: no address of a family that can be used here", escape(host))),
    }
}

/// The route to a target where it is not known.
pub fn unknown_route(target: SocketAddr, options: &Options) -> Route {
    let family = Family::of(target.ip());
    let source = options.source.filter(|source| Family::of(*source) == family);
    Route { target, source: source.unwrap_or(unspecified(family)), broadcast: false, warning: None }
}

/// The same, to a target of a family that is not known either.
pub fn no_route(family: Family, options: &Options) -> Route {
    unknown_route(SocketAddr::new(unspecified(family), 0), options)
}

const fn unspecified(family: Family) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::V6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    }
}

/// The IPv4 address of a host named in an IPv4 option, of those that `resolve` finds.
///
/// # Errors
/// A host that is not resolved or has no IPv4 address.
pub fn ipv4(
    host: &str,
    resolve: impl Fn(&str, AddressFamilies) -> anyhow::Result<Vec<Candidate>>,
) -> anyhow::Result<Ipv4Addr> {
    match resolve(host, AddressFamilies::V4)?.first().map(|candidate| candidate.addr.ip()) {
        Some(IpAddr::V4(address)) => Ok(address),
        Some(IpAddr::V6(_)) | None => bail!("{}: no IPv4 address", escape(host)),
    }
}

/// The interface of a link-local address, by its scope.
pub fn zone(address: SocketAddr) -> Option<String> {
    let SocketAddr::V6(v6) = address else { return None };
    let index = Some(v6.scope_id()).filter(|index| *index != 0)?;
    interfaces::name_of(index)
}
