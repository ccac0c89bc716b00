//! Why a socket, one of its settings or a route was refused. Options of the command line are not known here.

use std::fmt;
use std::io;
use std::net::IpAddr;

use rustix::io::Errno;

use super::denied::{Denied, denied, group_range};
use super::options::{Pmtu, Stamping};
use crate::datagram::SystemError;
use crate::escape::escape;
use crate::wire::Family;

/// Why no socket is available.
#[derive(Debug)]
pub enum OpenError {
    /// It cannot be bound to an interface.
    Device {
        /// The name that was requested.
        device: String,
        /// The system's error.
        error: SystemError,
        /// If there is no such interface: the names of those that exist.
        existing: Vec<String>,
    },
    /// None is permitted.
    Denied(Denied),
    /// Anything else: a sentence.
    Unavailable(String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Device { device, error, .. } => write!(f, "interface {device:?}: {error}"),
            Self::Denied(denied) => denied.fmt(f),
            Self::Unavailable(line) => f.write_str(line),
        }
    }
}

impl std::error::Error for OpenError {}

/// Why the sockets of a family are not available.
pub(super) struct Refusal {
    pub(super) family: Family,
    /// The error of the datagram socket, if it was tried.
    pub(super) datagram: Option<io::Error>,
    /// The error of the raw socket, if it was tried.
    pub(super) raw: Option<io::Error>,
}

impl From<Refusal> for OpenError {
    fn from(Refusal { family, datagram, raw }: Refusal) -> Self {
        let name = match family {
            Family::V4 => "ICMP",
            Family::V6 => "ICMPv6",
        };
        let denials = [Errno::ACCESS, Errno::PERM];
        let mut reasons = Vec::new();
        if let Some(error) = &datagram {
            let range = if is(&datagram, &denials) { group_range() } else { String::new() };
            reasons.push(format!("datagram: {}{range}", SystemError::of(error)));
        }
        if let Some(error) = &raw {
            let needs = if is(&raw, &denials) { " (needs CAP_NET_RAW)" } else { "" };
            reasons.push(format!("raw: {}{needs}", SystemError::of(error)));
        }
        let reasons = format!("cannot open an {name} socket: {}", reasons.join("; "));
        let reasons = match denied(reasons, is(&datagram, &denials), is(&raw, &denials)) {
            Ok(denied) => return Self::Denied(denied),
            Err(reasons) => reasons,
        };
        let missing = is(&raw, &[Errno::AFNOSUPPORT]);
        let missing = if missing { "; this system runs without that protocol" } else { "" };
        Self::Unavailable(format!("{reasons}{missing}"))
    }
}

fn is(error: &Option<io::Error>, errnos: &[Errno]) -> bool {
    error.as_ref().and_then(Errno::from_io_error).is_some_and(|errno| errnos.contains(&errno))
}

/// A setting of a socket, as it was requested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Send from this address.
    Source(IpAddr),
    /// Send from this port.
    SourcePort(u16),
    /// Send with this identifier, which no other socket has.
    Identifier(u16),
    /// TTL or hop limit.
    Ttl {
        /// Its value.
        ttl: u8,
        /// Whether it is that of multicasts.
        multicast: bool,
    },
    /// Type of service or traffic class.
    Tos(u8),
    /// Path MTU discovery.
    PathMtu(Pmtu),
    /// Record route in the IPv4 header.
    RecordRoute,
    /// Loose source route in the IPv4 header.
    SourceRoute,
    /// Timestamps in the IPv4 header.
    Timestamps,
    /// Send to broadcast addresses.
    Broadcast,
    /// Do not receive our own multicasts.
    MulticastLoop,
    /// Send to attached networks only.
    DontRoute,
    /// Connect to this target.
    Connect(IpAddr),
    /// IPv6 flow label.
    FlowLabel(u32),
    /// Stamps by the kernel or the interface.
    Stamps(Stamping),
    /// What every run needs; named by the system call or its option.
    Always(&'static str),
    /// A socket of the family of this address.
    Family(IpAddr),
}

/// Why demanded stamps are not available.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoStamps {
    /// The interface stamps ICMP probes only: replies to others arrive at another socket than they leave from.
    NotIcmp,
    /// The interface that probes leave by is not known.
    UnknownInterface,
    /// This interface has no clock that stamps packets.
    NoClock(String),
    /// This interface does not stamp all packets at present.
    NotAllPackets(String),
    /// Each probe has a socket of its own, and departures are not stamped on those.
    SocketPerProbe,
}

/// What was refused in setting a socket up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupError {
    /// The system refused a setting.
    Refused {
        /// The setting.
        setting: Setting,
        /// The system's error.
        error: SystemError,
    },
    /// Stamps that were demanded are not available.
    NoStamps {
        /// The clock of the stamps.
        demanded: Stamping,
        /// Why not.
        why: NoStamps,
    },
}

impl SetupError {
    /// The system refused this setting.
    pub(in crate::transport) fn new(setting: Setting, error: &io::Error) -> Self {
        Self::Refused { setting, error: SystemError::of(error) }
    }

    /// The error number of the system call.
    pub(in crate::transport) fn errno(&self) -> Option<i32> {
        match self {
            Self::Refused { error, .. } => Some(error.number()),
            Self::NoStamps { .. } => None,
        }
    }

    /// If it was the bind that was refused because another socket has the requested identifier: that setting.
    pub(in crate::transport) fn of_identifier(self, ident: Option<u16>) -> Self {
        match (self, ident) {
            (Self::Refused { setting: Setting::Always("bind"), error }, Some(ident))
                if error.number() == libc::EADDRINUSE =>
            {
                Self::Refused { setting: Setting::Identifier(ident), error }
            }
            (other, _) => other,
        }
    }

    /// If it was the bind that was refused because of the requested source port: that setting.
    pub(in crate::transport) fn of_port(self, port: Option<u16>) -> Self {
        match (self, port) {
            (Self::Refused { setting: Setting::Always("bind"), error }, Some(port))
                if matches!(error.number(), libc::EACCES | libc::EADDRINUSE) =>
            {
                Self::Refused { setting: Setting::SourcePort(port), error }
            }
            (other, _) => other,
        }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { setting, error } => write!(f, "{setting:?}: {error}"),
            Self::NoStamps { demanded, why } => write!(f, "{demanded:?} stamps: {why:?}"),
        }
    }
}

impl std::error::Error for SetupError {}

/// Why no probe can be sent to a target.
#[derive(Debug)]
pub enum RouteError {
    /// No route, or a route of type unreachable (ENETUNREACH, EHOSTUNREACH): another address may do.
    Unreachable(io::Error),
    /// A broadcast address, while broadcasts were not requested.
    Broadcast,
    /// A route of type prohibit, or a firewall (EACCES).
    Prohibited,
    /// A route of type blackhole (EINVAL).
    Blackhole,
    /// This link-local IPv6 address, without the name of a link.
    NoInterface(IpAddr),
    /// An IPv6 address with the name of a link, while another interface was requested.
    OtherInterface {
        /// The address.
        address: IpAddr,
        /// Its link.
        zone: String,
        /// The requested interface.
        device: String,
    },
    /// Anything else.
    Other(io::Error),
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) | Self::Other(error) => write!(f, "connect: {}", SystemError::of(error)),
            Self::Broadcast => f.write_str("connect: Permission denied: a broadcast address"),
            Self::Prohibited => f.write_str(
                "connect: Permission denied: a route of type prohibit, or a firewall rule, forbids it",
            ),
            Self::Blackhole => f.write_str("connect: Invalid argument: the route is of type blackhole"),
            Self::NoInterface(ip) => write!(f, "connect: Invalid argument: {ip} is a link-local address"),
            Self::OtherInterface { address, zone, device } => {
                let (zone, device) = (escape(zone), escape(device));
                write!(f, "connect: Invalid argument: {address}%{zone} is not on the interface {device}")
            }
        }
    }
}

impl std::error::Error for RouteError {}
