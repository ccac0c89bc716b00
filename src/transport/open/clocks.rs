//! Requests stamps. Demanded stamps that are not available are an error before anything is sent. No setting of an
//! interface is changed: it applies to every process that uses that interface.

use std::os::fd::{AsFd, BorrowedFd};

use socket2::Socket;

use super::options::Stamping;
use super::refusal::{NoStamps, Setting, SetupError};
use super::setup::SocketSetup;
use crate::sys::{self, InterfaceStamps, interfaces};
use crate::transport::departures::Departures;
use crate::transport::kind::Kind;

/// Requests stamps on a fresh socket.
///
/// # Errors
/// Demanded stamps are not available.
pub(in crate::transport) fn stamps(
    socket: &Socket,
    setup: &SocketSetup,
    kind: Kind,
) -> Result<Departures, SetupError> {
    let stamping = setup.options.stamps;
    if stamping == Stamping::Hardware {
        hardware(socket.as_fd(), setup, kind)?;
    }
    let (stamps, refusal) = Departures::on(socket.as_fd(), stamping);
    match (stamping, refusal) {
        (Stamping::Kernel | Stamping::Hardware, Some(error)) => {
            Err(SetupError::new(Setting::Stamps(stamping), &error))
        }
        _ => Ok(stamps),
    }
}

/// Whether the interface stamps all that leaves and arrives.
fn hardware(fd: BorrowedFd<'_>, setup: &SocketSetup, kind: Kind) -> Result<(), SetupError> {
    let refused = |why| Err(SetupError::NoStamps { demanded: Stamping::Hardware, why });
    // Replies that arrive at another socket than probes leave from have no common time axis with them.
    if kind != Kind::Icmp {
        return refused(NoStamps::NotIcmp);
    }
    let Some(name) = interface(setup) else { return refused(NoStamps::UnknownInterface) };
    match sys::interface_stamps(fd, &name) {
        InterfaceStamps::On => Ok(()),
        InterfaceStamps::Unavailable => refused(NoStamps::NoClock(name)),
        InterfaceStamps::Off => refused(NoStamps::NotAllPackets(name)),
    }
}

/// The interface that probes leave by.
fn interface(setup: &SocketSetup) -> Option<String> {
    setup.options.device.clone().or_else(|| interfaces::holder_of(setup.source))
}
