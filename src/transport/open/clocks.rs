//! Which clocks there are to take stamps by: what is asked for and cannot be had is refused before anything is
//! sent. No setting of an interface is changed: it holds for everybody who uses that interface.

use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};

use socket2::Socket;

use super::options::Stamping;
use super::refusal::AimError;
use super::setup::Aim;
use crate::escape::escape;
use crate::sys;
use crate::transport::channel::Kind;
use crate::transport::stamps::Stamps;

/// `HWTSTAMP_TX_ON` and `HWTSTAMP_FILTER_ALL` (linux/net_tstamp.h).
const ALL_THAT_LEAVES: u32 = 1;
const ALL_THAT_ARRIVES: u32 = 1;

/// Asks for stamps on a fresh socket.
///
/// # Errors
/// Stamps that were demanded and cannot be had.
pub(in crate::transport) fn stamps(socket: &Socket, aim: &Aim, kind: Kind) -> Result<Stamps, AimError> {
    let stamping = aim.options.stamps;
    if stamping == Stamping::Hardware {
        hardware(socket.as_fd(), aim, kind)?;
    }
    let (stamps, refusal) = Stamps::on(socket.as_fd(), stamping);
    match (stamping, refusal) {
        (Stamping::Kernel, Some(error)) => Err(AimError::new("--clock kernel: SO_TIMESTAMPING", &error)),
        (Stamping::Hardware, Some(error)) => Err(AimError::new("--clock hardware: SO_TIMESTAMPING", &error)),
        _ => Ok(stamps),
    }
}

/// Whether the interface stamps all that leaves and arrives.
fn hardware(fd: BorrowedFd<'_>, aim: &Aim, kind: Kind) -> Result<(), AimError> {
    // Answers that come to another socket than probes leave by have no common axis with them.
    if kind != Kind::Icmp {
        return Err(AimError::refusal("--clock hardware: it is for ICMP probes only".to_owned()));
    }
    let Some(name) = interface(aim) else {
        let line = "--clock hardware: by which interface probes leave is not known; name it";
        return Err(AimError::refusal(line.to_owned()));
    };
    let shown = escape(&name);
    let wanted = libc::SOF_TIMESTAMPING_TX_HARDWARE
        | libc::SOF_TIMESTAMPING_RX_HARDWARE
        | libc::SOF_TIMESTAMPING_RAW_HARDWARE;
    // Where it cannot even be asked, it offers none.
    let offered = sys::stamping_offered(fd, &name).unwrap_or(0);
    if offered & wanted != wanted {
        return Err(AimError::refusal(format!("--clock hardware: {shown} has no clock that stamps packets")));
    }
    match sys::stamping_in_force(fd, &name) {
        Ok((ALL_THAT_LEAVES, ALL_THAT_ARRIVES)) => Ok(()),
        _ => Err(AimError::refusal(format!(
            "--clock hardware: {shown} does not stamp all packets now; hwstamp_ctl -i {shown} -t 1 -r 1 makes it"
        ))),
    }
}

/// The interface that probes leave by.
fn interface(aim: &Aim) -> Option<String> {
    if let Some(device) = &aim.options.device {
        return Some(device.clone());
    }
    let holds = |address: &nix::ifaddrs::InterfaceAddress| {
        let address = address.address.as_ref();
        let v4 = address.and_then(|address| address.as_sockaddr_in()).map(|v4| IpAddr::V4(v4.ip()));
        let v6 = address.and_then(|address| address.as_sockaddr_in6()).map(|v6| IpAddr::V6(v6.ip()));
        v4.or(v6) == Some(aim.source)
    };
    let holder = nix::ifaddrs::getifaddrs().ok()?.find(holds)?;
    Some(holder.interface_name)
}
