//! The sockets of a traceroute: which are needed for a method, and which of them this user may have.

use std::io;

use rustix::io::Errno;
use socket2::{Protocol, Socket, Type};

use super::options::{Options, Stamping};
use super::ports::{port_of, reserve, reserve_row, unique_ident};
use super::refusal::{NoStamps, OpenError, Setting, SetupError};
use super::route::Route;
use super::setup::SocketSetup;
use super::{FamilySockets, Sockets, domain, with_ports};
use crate::datagram::SystemError;
use crate::sys::{self, Accept};
use crate::transport::channel::Channel;
use crate::transport::channels::{Member, Transport};
use crate::transport::kind::Kind;
use crate::transport::open;
use crate::transport::socket_per_probe::SocketPerProbe;
use crate::wire::Family;
use crate::wire::{dccp, tcp, udp};

/// What the probes of a trace are, as far as sockets must know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probes {
    /// ICMP echo requests.
    Icmp,
    /// UDP or UDP-Lite datagrams.
    Ports {
        /// The protocol.
        protocol: u8,
        /// Whether each needs a source port of its own where the kernel makes the header.
        own_port: bool,
    },
    /// TCP segments; connections, where segments are not allowed.
    Tcp,
    /// TCP connections.
    Connect,
    /// IP datagrams of another protocol.
    Other(u8),
}

/// In which way probes are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// By an ICMP socket: ICMP messages.
    Icmp,
    /// By a raw socket: all behind the IP header is ours.
    Raw,
    /// By one UDP or UDP-Lite socket: the payload is ours.
    Shared,
    /// By a UDP or UDP-Lite socket for each probe: the payload is ours.
    SocketPerProbe,
    /// By a TCP socket for each probe, which the kernel connects.
    Connect,
}

/// The sockets of a trace, before it is known which family is used.
#[derive(Debug)]
pub struct TraceSockets {
    probes: Probes,
    mode: Mode,
    /// For raw probes those that receive ICMP errors; else those that send.
    sockets: Sockets,
    /// Those that send raw probes.
    raw: Vec<(Family, Socket)>,
    /// Those that keep the source port of raw probes from others, where that needs privilege.
    reserved: Vec<(Family, io::Result<Socket>)>,
    /// Keeps the identifier of raw probes without a reserved port from other traces.
    ident_holder: Option<Socket>,
}

/// Why a trace cannot be begun.
#[derive(Debug)]
pub struct TraceRefusal {
    /// The line for stderr.
    pub error: OpenError,
    /// Whether it is only that ICMP sockets are not permitted: UDP may do.
    pub icmp_only: bool,
}

/// Opens the sockets that a method needs: raw ones where that is allowed, else what an ordinary user may have.
/// Everything later works without privilege.
///
/// `source_port` is that of all probes; `None`: the kernel's choice.
///
/// # Errors
/// No socket for the method is available.
pub fn open_trace(
    options: &Options,
    probes: Probes,
    source_port: Option<u16>,
) -> Result<TraceSockets, TraceRefusal> {
    let refused = |error| TraceRefusal { error, icmp_only: false };
    match probes {
        Probes::Icmp => {
            let (ident, ident_holder) = unique_ident(options.ident);
            let options = Options { raw_first: true, about: Some(ICMP), ident, ..options.clone() };
            let sockets = open::open(&options).map_err(|error| TraceRefusal { error, icmp_only: true })?;
            let (raw, reserved) = (Vec::new(), Vec::new());
            return Ok(TraceSockets { probes, mode: Mode::Icmp, sockets, raw, reserved, ident_holder });
        }
        Probes::Connect => {}
        Probes::Ports { .. } | Probes::Tcp | Probes::Other(_) => {
            let protocol = protocol(probes);
            let (ident, ident_holder) = match probes {
                Probes::Other(_) => unique_ident(options.ident),
                _ => (options.ident, None),
            };
            let options = Options { raw_only: true, about: Some(protocol), ident, ..options.clone() };
            match open::open(&options) {
                Ok(sockets) => {
                    let raw = raw_sockets(&options, &sockets, protocol).map_err(refused)?;
                    let reserved = reserved(probes, &sockets, source_port);
                    let mode = Mode::Raw;
                    return Ok(TraceSockets { probes, mode, sockets, raw, reserved, ident_holder });
                }
                Err(error) if matches!(probes, Probes::Other(_)) => return Err(refused(error)),
                Err(_) => {}
            }
        }
    }
    let mut sockets = ordinary(options, probes).map_err(refused)?;
    let mode = match probes {
        Probes::Ports { own_port: true, .. } => Mode::SocketPerProbe,
        Probes::Ports { .. } => Mode::Shared,
        _ => Mode::Connect,
    };
    if let (Mode::SocketPerProbe | Mode::Connect, Some(mark), []) = (mode, options.mark, sockets.warnings()) {
        // Marks take privilege, which is given up before the first of them is opened.
        sockets.warnings.push(format!("WARNING: failed to set mark: {mark}: each probe has its own socket"));
    }
    let (raw, reserved) = (Vec::new(), Vec::new());
    Ok(TraceSockets { probes, mode, sockets, raw, reserved, ident_holder: None })
}

/// The protocol number of ICMP, which stands for ICMPv6 too.
const ICMP: u8 = 1;

fn protocol(probes: Probes) -> u8 {
    match probes {
        Probes::Icmp => ICMP,
        Probes::Ports { protocol, .. } | Probes::Other(protocol) => protocol,
        Probes::Tcp | Probes::Connect => tcp::PROTOCOL_TCP,
    }
}

/// The sockets that send raw probes. They receive nothing until they are set up.
fn raw_sockets(
    options: &Options,
    sockets: &Sockets,
    protocol: u8,
) -> Result<Vec<(Family, Socket)>, OpenError> {
    let mut raw = Vec::new();
    for family in [Family::V4, Family::V6].into_iter().filter(|family| sockets.has(*family)) {
        let refused = |error: io::Error| {
            OpenError::Unavailable(format!(
                "cannot open a raw socket for protocol {protocol}: {}",
                SystemError::of(&error)
            ))
        };
        let socket = open::raw_socket(family, Protocol::from(i32::from(protocol))).map_err(refused)?;
        sys::accept_only(&socket, family, Accept::Nothing).map_err(refused)?;
        open::ready(&socket, options, &mut Vec::new())?;
        raw.push((family, socket));
    }
    Ok(raw)
}

/// What an ordinary user may have: a UDP or UDP-Lite socket for each family. Where each probe has a socket of
/// its own, it only looks up routes.
fn ordinary(options: &Options, probes: Probes) -> Result<Sockets, OpenError> {
    let wire = match probes {
        Probes::Ports { protocol: udp::PROTOCOL_UDPLITE, .. } => {
            Some(Protocol::from(i32::from(udp::PROTOCOL_UDPLITE)))
        }
        _ => None,
    };
    let mut sockets = Sockets::none();
    let mut refusal = None;
    for family in options.families.each() {
        match Socket::new(domain(family), Type::DGRAM, wire) {
            Ok(socket) => {
                open::ready(&socket, options, &mut sockets.warnings)?;
                let route_probe_socket = open::route_probe_socket(family)?;
                open::ready(&route_probe_socket, options, &mut sockets.warnings)?;
                sockets.put(
                    family,
                    FamilySockets { icmp: socket, raw: false, reserve: None, route_probe_socket },
                );
            }
            Err(error) => {
                refusal = refusal.or(Some(error));
            }
        }
    }
    match refusal {
        Some(error) if !sockets.has(Family::V4) && !sockets.has(Family::V6) => {
            Err(OpenError::Unavailable(format!(
                "cannot open a socket for protocol {}: {}; a raw socket can do, which needs CAP_NET_RAW",
                protocol(probes),
                SystemError::of(&error)
            )))
        }
        _ => Ok(sockets),
    }
}

impl TraceSockets {
    /// In which way probes are sent.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What was refused and can be done without; lines for stderr.
    pub fn warnings(&self) -> &[String] {
        self.sockets.warnings()
    }

    /// The sockets to look up routes with.
    pub fn route_probe_sockets(&mut self) -> &mut Sockets {
        &mut self.sockets
    }

    /// Keeps the sockets of the target's family and sets them up. Needs no privilege.
    ///
    /// `source_port` is that of all probes; `None`: the kernel's choice. Raw TCP probes then have up to `flows` ports:
    /// see [`Transport::source_ports`].
    ///
    /// # Errors
    /// What a socket was refused.
    pub fn aim(
        mut self,
        route: &Route,
        options: &Options,
        source_port: Option<u16>,
        flows: u16,
    ) -> Result<Transport, SetupError> {
        let family = Family::of(route.target.ip());
        let with_port = Options { ident: source_port, ..options.clone() };
        match self.mode {
            Mode::Icmp => {
                let holder = self.ident_holder.map(|socket| Member::PortHolder { _socket: socket });
                let mut transport = self.sockets.aim(route, options)?;
                holder.into_iter().for_each(|holder| transport.add(holder));
                Ok(transport)
            }
            Mode::Raw => self.aim_raw(route, &with_port, family, flows),
            Mode::Shared => {
                let sockets = self.sockets.take(family)?;
                let kind = Kind::Ports(protocol(self.probes));
                let channel = Channel::new(sockets.icmp, SocketSetup::new(&with_port, route, false), kind, 0);
                Ok(Transport::one(channel.map_err(|error| error.of_port(source_port))?))
            }
            Mode::SocketPerProbe | Mode::Connect => {
                if let Stamping::Kernel | Stamping::Hardware = options.stamps {
                    return Err(SetupError::NoStamps {
                        demanded: options.stamps,
                        why: NoStamps::SocketPerProbe,
                    });
                }
                let route_probe_socket = self.sockets.take(family)?.route_probe_socket;
                let aim = SocketSetup::new(&with_port, route, false);
                let sockets = SocketPerProbe::new(aim, protocol(self.probes), route_probe_socket);
                sockets.try_out().map_err(|error| error.of_port(source_port))?;
                Ok(Transport::per_probe(sockets))
            }
        }
    }

    fn aim_raw(
        mut self,
        route: &Route,
        options: &Options,
        family: Family,
        flows: u16,
    ) -> Result<Transport, SetupError> {
        let protocol = protocol(self.probes);
        let unavailable = || SetupError::new(Setting::Family(route.target.ip()), &Errno::AFNOSUPPORT.into());
        let place = self.raw.iter().position(|(of, _)| *of == family).ok_or_else(unavailable)?;
        let (_, sender) = self.raw.swap_remove(place);
        let place = self.reserved.iter().position(|(of, _)| *of == family);
        let early = place.map(|place| self.reserved.swap_remove(place).1).transpose();
        let refused =
            |error: io::Error| SetupError::new(Setting::Always("bind"), &error).of_port(options.ident);
        let early = early.map_err(refused)?;
        // What holds the source port comes first: the others need its number.
        let (mut port_listener, mut port_holders) = (None, Vec::new());
        let port = match self.probes {
            Probes::Ports { .. } => {
                let bound = early.is_some();
                match early.map_or_else(|| with_ports(family, protocol), Ok) {
                    Ok(socket) => {
                        let setup = SocketSetup { bound, ..SocketSetup::new(options, route, false) };
                        let listener = Channel::new(socket, setup, Kind::Ports(protocol), 0);
                        let mut listener = listener.map_err(|error| error.of_port(options.ident))?;
                        listener.discard_errors();
                        let port = listener.ident();
                        port_listener = Some(listener);
                        port
                    }
                    // No such protocol in this kernel: then no other process uses the port either.
                    Err(_) => options.ident.unwrap_or(self.sockets.ident),
                }
            }
            Probes::Tcp => {
                let sockets = match (early, options.ident) {
                    (Some(early), _) => Ok(vec![early]),
                    (None, Some(port)) => reserve(family, protocol, port).map(|socket| vec![socket]),
                    (None, None) => reserve_row(family, protocol, flows),
                };
                port_holders = sockets.map_err(refused)?;
                port_holders.first().map_or(0, port_of)
            }
            Probes::Other(_) => options.ident.unwrap_or(self.sockets.ident),
            Probes::Icmp | Probes::Connect => 0,
        };
        let accept = match self.probes {
            Probes::Tcp => Accept::Ports(port, u16::try_from(port_holders.len()).unwrap_or(1)),
            Probes::Other(dccp::PROTOCOL_DCCP) => Accept::Ports(port, 1),
            Probes::Other(_) => Accept::Everything,
            _ => Accept::Nothing,
        };
        sys::accept_only(&sender, family, accept)
            .map_err(|error| SetupError::new(Setting::Always("SO_ATTACH_FILTER"), &error))?;
        let raw = Options { ident: None, ..options.clone() };
        let setup = SocketSetup::new(&raw, route, true);
        let sender = Channel::new(sender, setup.clone(), Kind::Upper(protocol), port)?;
        let errors = self.sockets.take(family)?;
        let errors = Channel::new(errors.icmp, setup, Kind::Icmp, 0)?;
        let mut transport = Transport::one(sender);
        for listener in port_listener.into_iter().chain([errors]) {
            transport.add(Member::Listener(Box::new(listener)));
        }
        for socket in port_holders.into_iter().chain(self.ident_holder) {
            transport.add(Member::PortHolder { _socket: socket });
        }
        Ok(transport)
    }
}

/// Ports below this one need privilege (ip(7), ip_unprivileged_port_start).
const FREE_PORTS: u16 = 1024;

/// Keeps the source port of raw probes from others, for each family, where only privilege can.
fn reserved(
    probes: Probes,
    sockets: &Sockets,
    source_port: Option<u16>,
) -> Vec<(Family, io::Result<Socket>)> {
    let port = source_port.filter(|port| (1..FREE_PORTS).contains(port));
    let (Some(port), Probes::Ports { .. } | Probes::Tcp) = (port, probes) else { return Vec::new() };
    let protocol = protocol(probes);
    let families = [Family::V4, Family::V6].into_iter().filter(|family| sockets.has(*family));
    // Of a protocol that the kernel does not know, no port needs keeping.
    let known = families.filter(|family| with_ports(*family, protocol).is_ok());
    known.map(|family| (family, reserve(family, protocol, port))).collect()
}
