//! Time stamps of what a socket sends and receives (SO_TIMESTAMPING, linux/net_tstamp.h).

use std::io;
use std::os::fd::BorrowedFd;

use super::socket::{set_int, stamping_in_force, stamping_offered};

/// `HWTSTAMP_TX_ON` and `HWTSTAMP_FILTER_ALL` (linux/net_tstamp.h).
const ALL_THAT_LEAVES: u32 = 1;
const ALL_THAT_ARRIVES: u32 = 1;

const ARRIVALS: u32 = libc::SOF_TIMESTAMPING_RX_SOFTWARE | libc::SOF_TIMESTAMPING_SOFTWARE;

/// With the number of the datagram, and without the datagram itself.
const NUMBERED: u32 = libc::SOF_TIMESTAMPING_OPT_ID | libc::SOF_TIMESTAMPING_OPT_TSONLY;

const INTERFACE: u32 = libc::SOF_TIMESTAMPING_TX_HARDWARE
    | libc::SOF_TIMESTAMPING_RX_HARDWARE
    | libc::SOF_TIMESTAMPING_RAW_HARDWARE;

/// Whether an interface stamps packets with a clock of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InterfaceStamps {
    /// It has no such clock, or the kernel does not report one.
    Unavailable,
    /// It has one, and does not stamp all packets at present.
    Off,
    /// It stamps all packets.
    On,
}

/// What the interface of this name can and does stamp. Changes nothing.
pub(crate) fn interface_stamps(fd: BorrowedFd<'_>, interface: &str) -> InterfaceStamps {
    if stamping_offered(fd, interface).unwrap_or(0) & INTERFACE != INTERFACE {
        return InterfaceStamps::Unavailable;
    }
    match stamping_in_force(fd, interface) {
        Ok((ALL_THAT_LEAVES, ALL_THAT_ARRIVES)) => InterfaceStamps::On,
        _ => InterfaceStamps::Off,
    }
}

/// Requests stamps of what arrives, the older way (SO_TIMESTAMPNS), which costs each datagram less.
///
/// # Errors
/// Those of setsockopt(2).
pub(crate) fn stamp_arrivals(fd: BorrowedFd<'_>) -> io::Result<()> {
    set_int(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPNS, 1)
}

/// Requests stamps of what arrives and of what leaves, by the interface's clock or the kernel's. The datagrams
/// that leave are numbered from 0 in the order of sending.
///
/// # Errors
/// Those of setsockopt(2).
pub(crate) fn stamp_both_ends(fd: BorrowedFd<'_>, by_interface: bool) -> io::Result<()> {
    let clock = if by_interface { INTERFACE } else { libc::SOF_TIMESTAMPING_TX_SOFTWARE };
    set_flags(fd, ARRIVALS | NUMBERED | clock)
}

/// Requests stamps of what arrives, and of those datagrams that request one ([`Ancillary::Stamp`]). These are
/// numbered from 0 in the order of sending. What arrives costs no more than with [`stamp_arrivals`].
///
/// [`Ancillary::Stamp`]: super::socket::Ancillary::Stamp
///
/// # Errors
/// Those of setsockopt(2).
pub(crate) fn stamp_some_departures(fd: BorrowedFd<'_>) -> io::Result<()> {
    stamp_arrivals(fd)?;
    set_flags(fd, NUMBERED)
}

/// Ends the numbering of what leaves; the next [`stamp_both_ends`] begins anew at 0.
pub(crate) fn end_numbering(fd: BorrowedFd<'_>) {
    let _ = set_flags(fd, ARRIVALS);
}

/// Ends the numbering of the datagrams that [`stamp_some_departures`] is about; its next call begins anew at 0.
pub(crate) fn end_numbering_of_some(fd: BorrowedFd<'_>) {
    let _ = set_flags(fd, 0);
}

fn set_flags(fd: BorrowedFd<'_>, flags: u32) -> io::Result<()> {
    set_int(fd, libc::SOL_SOCKET, libc::SO_TIMESTAMPING, flags.cast_signed())
}
