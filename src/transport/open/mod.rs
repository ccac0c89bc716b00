//! The privileged stage: sockets are opened, and everything that may need privilege is done.

use std::io;
use std::os::fd::AsFd;

use rustix::io::Errno;
use socket2::{Domain, Protocol, Socket, Type};

use crate::datagram::SystemError;
use crate::sys::{self, Accept, Wanted, interfaces};
use crate::wire::Family;
use crate::wire::tcp;

pub(super) mod clocks;
pub(super) mod denied;
pub(super) mod options;
mod ports;
pub(super) mod refusal;
pub(super) mod route;
pub(super) mod setup;
pub(super) mod trace;

use options::Options;
use refusal::{OpenError, Refusal, Setting, SetupError};

/// The sockets of the requested families, before it is known which of them will be used.
#[derive(Debug)]
pub struct Sockets {
    pub(super) v4: Option<FamilySockets>,
    pub(super) v6: Option<FamilySockets>,
    /// Identifier for raw sockets, which their filters already know.
    pub(super) ident: u16,
    /// Why a family is missing.
    refused: Option<(Family, OpenError)>,
    pub(super) warnings: Vec<String>,
}

/// What is kept of one family.
#[derive(Debug)]
pub(super) struct FamilySockets {
    /// The ICMP socket.
    pub icmp: Socket,
    /// Whether it is a raw one.
    pub raw: bool,
    /// Another one, bound to no interface, for when the interface is deleted and made again.
    pub reserve: Option<Socket>,
    /// A UDP socket to look up routes with. Nothing is ever sent from it.
    pub route_probe_socket: Socket,
}

impl Sockets {
    /// No sockets.
    pub(super) fn none() -> Self {
        Self { v4: None, v6: None, ident: 0, refused: None, warnings: Vec::new() }
    }

    /// Adds what is kept of a family.
    pub(super) fn put(&mut self, family: Family, own: FamilySockets) {
        match family {
            Family::V4 => self.v4 = Some(own),
            Family::V6 => self.v6 = Some(own),
        }
    }

    /// Takes what is kept of a family.
    pub(super) fn take(&mut self, family: Family) -> Result<FamilySockets, SetupError> {
        let own = match family {
            Family::V4 => self.v4.take(),
            Family::V6 => self.v6.take(),
        };
        own.ok_or_else(|| SetupError::new(Setting::Always("socket"), &Errno::AFNOSUPPORT.into()))
    }

    /// Whether probes can be sent to targets of this family.
    pub fn has(&self, family: Family) -> bool {
        self.of(family).is_some()
    }

    /// Why probes cannot be sent to targets of this family, if the system refused its socket.
    pub fn refusal(&self, family: Family) -> Option<&OpenError> {
        self.refused.as_ref().filter(|(refused, _)| *refused == family).map(|(_, error)| error)
    }

    /// Whether the socket of this family is a raw one.
    ///
    /// For tests and fuzzers.
    pub fn is_raw(&self, family: Family) -> bool {
        self.of(family).is_some_and(|own| own.raw)
    }

    /// What was refused and can be done without; lines for stderr.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// IPv4's, and IPv6's; each may be missing.
    pub(super) fn apart(self) -> [Option<Self>; 2] {
        let Self { v4, v6, ident, .. } = self;
        let alone =
            |v4: Option<FamilySockets>, v6| Self { v4, v6, ident, refused: None, warnings: Vec::new() };
        [v4.map(|own| alone(Some(own), None)), v6.map(|own| alone(None, Some(own)))]
    }

    pub(super) fn of(&self, family: Family) -> Option<&FamilySockets> {
        match family {
            Family::V4 => self.v4.as_ref(),
            Family::V6 => self.v6.as_ref(),
        }
    }
}

/// Opens the sockets. Everything later works without privilege.
///
/// For each family a datagram ICMP socket is tried first, unless `raw_only`, then a raw one. One family
/// is enough for [`super::Families::Both`].
///
/// # Errors
/// No family has a socket, or the requested interface cannot be used.
pub fn open(options: &Options) -> Result<Sockets, OpenError> {
    let ident = match options.ident {
        Some(ident) => ident,
        None => random_ident().map_err(|e| {
            OpenError::Unavailable(format!("cannot draw an identifier: {}", SystemError::of(&e)))
        })?,
    };
    let mut sockets = Sockets { ident, ..Sockets::none() };
    for family in options.families.each() {
        match icmp(family, options) {
            Ok((icmp, raw)) => {
                let own = complete(family, icmp, raw, options, ident, &mut sockets.warnings)?;
                sockets.put(family, own);
            }
            // If both are refused, the reason for IPv4 is the more useful one.
            Err(refusal) => sockets.refused = sockets.refused.or(Some((family, refusal.into()))),
        }
    }
    match sockets.refused {
        Some((_, refusal)) if sockets.v4.is_none() && sockets.v6.is_none() => Err(refusal),
        _ => Ok(sockets),
    }
}

/// A random identifier, never 0: 0 on a datagram socket lets the kernel choose.
fn random_ident() -> io::Result<u16> {
    loop {
        let bytes = sys::random()?;
        if bytes != [0; 2] {
            return Ok(u16::from_be_bytes(bytes));
        }
    }
}

/// A raw socket, which other processes cannot take from this one.
pub(super) fn raw_socket(family: Family, protocol: Protocol) -> io::Result<Socket> {
    sys::privilege::forbid_attaching()?;
    Socket::new(domain(family), Type::RAW, Some(protocol))
}

/// An ICMP socket of a family, and whether it is a raw one.
fn icmp(family: Family, options: &Options) -> Result<(Socket, bool), Refusal> {
    if options.raw_first && !options.raw_only {
        let raw = icmp_socket(family, true);
        return raw.or_else(|raw| {
            icmp_socket(family, false).map_err(|refusal| Refusal { raw: raw.raw, ..refusal })
        });
    }
    icmp_socket(family, options.raw_only)
}

/// The same, a datagram one first unless `raw_only`.
fn icmp_socket(family: Family, raw_only: bool) -> Result<(Socket, bool), Refusal> {
    let domain = domain(family);
    let protocol = match family {
        Family::V4 => Protocol::ICMPV4,
        Family::V6 => Protocol::ICMPV6,
    };
    let mut refusal = Refusal { family, datagram: None, raw: None };
    if !raw_only {
        match Socket::new(domain, Type::DGRAM, Some(protocol)) {
            Ok(socket) => return Ok((socket, false)),
            Err(error) => {
                let fall_back = matches!(
                    Errno::from_io_error(&error),
                    Some(Errno::ACCESS | Errno::PERM | Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT)
                );
                refusal.datagram = Some(error);
                if !fall_back {
                    return Err(refusal);
                }
            }
        }
    }
    match raw_socket(family, protocol) {
        Ok(socket) => Ok((socket, true)),
        Err(error) => {
            refusal.raw = Some(error);
            Err(refusal)
        }
    }
}

/// Completes an ICMP socket to what one family needs.
fn complete(
    family: Family,
    icmp: Socket,
    raw: bool,
    options: &Options,
    ident: u16,
    warnings: &mut Vec<String>,
) -> Result<FamilySockets, OpenError> {
    let route_probe_socket = route_probe_socket(family)?;
    if raw {
        sys::accept_only(&icmp, family, wanted(family, options, ident)).map_err(filter_refused)?;
    }
    for socket in [&icmp, &route_probe_socket] {
        ready(socket, options, warnings)?;
    }
    let reserve = match &options.device {
        Some(_) => spare(family, raw, options).ok(),
        None => None,
    };
    Ok(FamilySockets { icmp, raw, reserve, route_probe_socket })
}

/// A UDP socket to look up routes with.
pub(super) fn route_probe_socket(family: Family) -> Result<Socket, OpenError> {
    Socket::new(domain(family), Type::DGRAM, None).map_err(|error| {
        OpenError::Unavailable(format!("cannot open a UDP socket: {}", SystemError::of(&error)))
    })
}

/// A socket of a protocol with ports.
pub(super) fn with_ports(family: Family, protocol: u8) -> io::Result<Socket> {
    let kind = match protocol {
        tcp::PROTOCOL_TCP => Type::STREAM,
        _ => Type::DGRAM,
    };
    Socket::new(domain(family), kind, Some(Protocol::from(i32::from(protocol))))
}

pub(super) fn domain(family: Family) -> Domain {
    match family {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    }
}

/// A further ICMP socket of the same kind, bound to no interface, that receives nothing until it is needed.
pub(super) fn spare(family: Family, raw: bool, options: &Options) -> io::Result<Socket> {
    let (socket, is_raw) =
        icmp_socket(family, raw).map_err(|refusal| match refusal.raw.or(refusal.datagram) {
            Some(error) => error,
            None => io::ErrorKind::PermissionDenied.into(),
        })?;
    if is_raw != raw {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    if raw {
        sys::accept_only(&socket, family, Accept::Nothing)?;
    }
    privileged(&socket, options, &mut Vec::new());
    Ok(socket)
}

/// Sets the options that need privilege. A warning is recorded once per option, not per socket.
pub(super) fn ready(socket: &Socket, options: &Options, warnings: &mut Vec<String>) -> Result<(), OpenError> {
    privileged(socket, options, warnings);
    match &options.device {
        Some(device) => {
            socket.bind_device(Some(device.as_bytes())).map_err(|error| no_device(device, &error))
        }
        None => Ok(()),
    }
}

/// Sets what may need CAP_NET_ADMIN. SO_DEBUG is best effort; a refused mark is a warning.
fn privileged(socket: &Socket, options: &Options, warnings: &mut Vec<String>) {
    if options.debug {
        let _ = sys::set_debug(socket.as_fd());
    }
    if let Some(mark) = options.mark
        && let Err(error) = socket.set_mark(mark)
    {
        let warning = format!("WARNING: failed to set mark: {mark}: {}", SystemError::of(&error));
        if !warnings.contains(&warning) {
            warnings.push(warning);
        }
    }
}

/// What a raw socket accepts. A connected one gets errors from its error queue, and nothing from routers.
pub(super) fn wanted(family: Family, options: &Options, ident: u16) -> Accept {
    let answer = match family {
        Family::V4 => options.answer_types.0,
        Family::V6 => options.answer_types.1,
    };
    Accept::Icmp(Wanted { answer, ident, errors: !options.connect, about: options.about })
}

fn filter_refused(error: io::Error) -> OpenError {
    OpenError::Unavailable(format!("cannot filter what the raw socket receives: {}", SystemError::of(&error)))
}

fn no_device(device: &str, error: &io::Error) -> OpenError {
    let missing = matches!(Errno::from_io_error(error), Some(Errno::NODEV | Errno::INVAL));
    let existing = if missing { interfaces::names() } else { Vec::new() };
    OpenError::Device { device: device.to_owned(), error: SystemError::of(error), existing }
}
