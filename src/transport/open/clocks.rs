//! Which clocks there are to take stamps by: what is asked for and cannot be had is refused before anything is
//! sent. No setting of an interface is changed: it holds for everybody who uses that interface.

use std::os::fd::{AsFd, BorrowedFd};

use socket2::Socket;

use super::options::Stamping;
use super::refusal::AimError;
use super::setup::SocketSetup;
use crate::escape::escape;
use crate::sys::{self, InterfaceStamps, interfaces};
use crate::transport::departures::Departures;
use crate::transport::kind::Kind;

/// Asks for stamps on a fresh socket.
///
/// # Errors
/// Departures that were demanded and cannot be had.
pub(in crate::transport) fn stamps(
    socket: &Socket,
    setup: &SocketSetup,
    kind: Kind,
) -> Result<Departures, AimError> {
    let stamping = setup.options.stamps;
    if stamping == Stamping::Hardware {
        hardware(socket.as_fd(), setup, kind)?;
    }
    let (stamps, refusal) = Departures::on(socket.as_fd(), stamping);
    match (stamping, refusal) {
        (Stamping::Kernel, Some(error)) => Err(AimError::new("--clock kernel: SO_TIMESTAMPING", &error)),
        (Stamping::Hardware, Some(error)) => Err(AimError::new("--clock hardware: SO_TIMESTAMPING", &error)),
        _ => Ok(stamps),
    }
}

/// Whether the interface stamps all that leaves and arrives.
fn hardware(fd: BorrowedFd<'_>, setup: &SocketSetup, kind: Kind) -> Result<(), AimError> {
    // Answers that come to another socket than probes leave by have no common axis with them.
    if kind != Kind::Icmp {
        return Err(AimError::refusal("--clock hardware: it is for ICMP probes only".to_owned()));
    }
    let Some(name) = interface(setup) else {
        let line = "--clock hardware: by which interface probes leave is not known; name it";
        return Err(AimError::refusal(line.to_owned()));
    };
    let shown = escape(&name);
    match sys::interface_stamps(fd, &name) {
        InterfaceStamps::On => Ok(()),
        InterfaceStamps::Unavailable => {
            Err(AimError::refusal(format!("--clock hardware: {shown} has no clock that stamps packets")))
        }
        InterfaceStamps::Off => Err(AimError::refusal(format!(
            "--clock hardware: {shown} does not stamp all packets now; hwstamp_ctl -i {shown} -t 1 -r 1 makes it"
        ))),
    }
}

/// The interface that probes leave by.
fn interface(setup: &SocketSetup) -> Option<String> {
    setup.options.device.clone().or_else(|| interfaces::holder_of(setup.source))
}
