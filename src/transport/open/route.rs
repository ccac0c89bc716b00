//! The route to a target: a UDP socket is connected to it, and nothing is sent.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV6};

use rustix::io::Errno;
use socket2::{SockAddr, Socket};

use super::options::{Options, own_source};
use super::refusal::RouteError;
use super::{FamilySockets, Sockets};
use crate::escape::escape;
use crate::sys::interfaces;
use crate::wire::Family;

/// How a target is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Where probes go: the target, or this host's own address if the target is the unspecified one.
    pub target: SocketAddr,
    /// The address probes leave from.
    pub source: IpAddr,
    /// Whether the target is a broadcast address.
    pub broadcast: bool,
    /// A line for stderr.
    pub warning: Option<String>,
}

/// The port that is named in connecting; any would do, nothing is sent to it.
const PORT: u16 = 1025;

impl Sockets {
    /// Looks up the route to `target`.
    ///
    /// With a requested source address nothing is looked up; an unreachable target is found in sending.
    ///
    /// # Errors
    /// Why no probe can be sent to it.
    pub fn route(&mut self, target: SocketAddr, options: &Options) -> Result<Route, RouteError> {
        let Some(sockets) = self.of(Family::of(target.ip())) else {
            return Err(RouteError::Other(Errno::AFNOSUPPORT.into()));
        };
        check_scope(target, options)?;
        if let Some(source) = own_source(target, options) {
            let target = if target.ip().is_unspecified() { with_ip(target, source) } else { target };
            return Ok(Route { target, source, broadcast: false, warning: None });
        }
        prepare(sockets, target, options).map_err(RouteError::Other)?;
        let broadcast = connect(sockets, target, options)?;
        let local = sockets.route_probe_socket.local_addr().map_err(RouteError::Other)?;
        let source = local.as_socket().ok_or(RouteError::Other(Errno::AFNOSUPPORT.into()))?.ip();
        let target = if target.ip().is_unspecified() { with_ip(target, source) } else { target };
        let warning = options
            .device
            .as_deref()
            .filter(|device| !interfaces::has_address(device, source))
            .map(|device| {
                format!("Warning: source address might be selected on device other than: {}", escape(device))
            });
        Ok(Route { target, source, broadcast, warning })
    }
}

impl Sockets {
    /// The broadcast addresses of the attached networks, and that of every network.
    pub fn broadcasts(&self, options: &Options) -> Vec<Ipv4Addr> {
        let Some(sockets) = self.of(Family::V4) else { return Vec::new() };
        let is_broadcast = |address: &Ipv4Addr| {
            let target = SocketAddr::from((*address, 0));
            let connected = prepare(sockets, target, options).map(|()| connect(sockets, target, options));
            matches!(connected, Ok(Ok(true) | Err(RouteError::Broadcast)))
        };
        let attached = interfaces::broadcast_candidates().into_iter().filter(is_broadcast);
        attached.chain([Ipv4Addr::BROADCAST]).collect()
    }
}

/// Checks that the link of a target is known, and that it is the requested interface or belongs to it (a bridge, a bond, a
/// VRF).
///
/// # Errors
/// [`RouteError::NoInterface`] or [`RouteError::OtherInterface`].
pub fn check_scope(target: SocketAddr, options: &Options) -> Result<(), RouteError> {
    let SocketAddr::V6(v6) = target else { return Ok(()) };
    let Some(device) = &options.device else {
        return if lacks_link(v6) { Err(RouteError::NoInterface(target.ip())) } else { Ok(()) };
    };
    let scope = v6.scope_id();
    let zone = interfaces::name_of(scope).filter(|_| scope != 0).unwrap_or_else(|| device.clone());
    if zone == *device || interfaces::belongs_to(&zone, device) {
        return Ok(());
    }
    Err(RouteError::OtherInterface { address: target.ip(), zone, device: device.clone() })
}

fn with_ip(mut address: SocketAddr, ip: IpAddr) -> SocketAddr {
    address.set_ip(ip);
    address
}

/// Resets the UDP socket, so that an earlier look-up does not decide this one: a connected socket keeps its source
/// address in connecting again, and disconnecting unbinds the interface.
fn prepare(sockets: &FamilySockets, target: SocketAddr, options: &Options) -> io::Result<()> {
    if sockets.route_probe_socket.peer_addr().is_ok() {
        rustix::net::connect_unspec(&sockets.route_probe_socket)?;
        if let Some(device) = &options.device {
            sockets.route_probe_socket.bind_device(Some(device.as_bytes()))?;
        }
    }
    if target.is_ipv4() {
        sockets.route_probe_socket.set_broadcast(false)?;
        if let Some(tos) = options.tos {
            sockets.route_probe_socket.set_tos_v4(tos.into())?;
        }
    }
    Ok(())
}

/// Connects; returns whether the target is a broadcast address.
fn connect(sockets: &FamilySockets, target: SocketAddr, options: &Options) -> Result<bool, RouteError> {
    match try_connect(&sockets.route_probe_socket, target) {
        Ok(()) => Ok(false),
        Err(error) => match Errno::from_io_error(&error) {
            Some(Errno::NETUNREACH | Errno::HOSTUNREACH) => Err(RouteError::Unreachable(error)),
            Some(Errno::INVAL) => Err(RouteError::Blackhole),
            Some(Errno::ACCESS) if target.is_ipv4() => {
                sockets.route_probe_socket.set_broadcast(true).map_err(RouteError::Other)?;
                match try_connect(&sockets.route_probe_socket, target) {
                    Ok(()) if options.broadcast => Ok(true),
                    Ok(()) => Err(RouteError::Broadcast),
                    Err(_) => Err(RouteError::Prohibited),
                }
            }
            Some(Errno::ACCESS) => Err(RouteError::Prohibited),
            _ => Err(RouteError::Other(error)),
        },
    }
}

fn try_connect(route_probe_socket: &Socket, mut target: SocketAddr) -> io::Result<()> {
    target.set_port(PORT);
    route_probe_socket.connect(&SockAddr::from(target))
}

/// Whether an address means something on one link only, and no link is named.
fn lacks_link(target: SocketAddrV6) -> bool {
    interfaces::is_link_local(*target.ip()) && target.scope_id() == 0
}
