//! The error queue of a socket (IP_RECVERR, ip(7); linux/errqueue.h): ICMP errors about what was sent, errors of
//! this host, and the stamps of what left.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::BorrowedFd;

use super::control::{ControlData, ExtendedError, address};
use super::socket::{ReadMessage, receive};
use crate::clock::Wall;
use crate::wire::Family;
use crate::wire::icmp::Error;

/// `SCM_TSTAMP_SND` (linux/errqueue.h): the stamp was taken as the driver got the datagram.
const TSTAMP_SND: u32 = 0;

/// One entry of the error queue.
#[derive(Debug)]
pub(crate) enum Entry<'a> {
    /// Made by this host: a datagram exceeded this MTU, in octets.
    TooLong(u32),
    /// An ICMP error about a message of ours.
    Icmp(QueuedError<&'a [u8]>),
    /// When a datagram left.
    Departure(SendStamp),
    /// Anything else.
    Other,
}

/// An ICMP error about a message of ours. `B` holds the octets: borrowed from the read buffer, or owned.
#[derive(Clone, Copy, Debug)]
pub(crate) struct QueuedError<B> {
    /// When it arrived, on the wall clock.
    pub stamp: Option<Wall>,
    /// The node that sent it.
    pub from: IpAddr,
    /// The interface that a link-local sender belongs to, by number; 0 for others.
    pub scope: u32,
    /// The TTL or hop limit it arrived with.
    pub hop_limit: Option<u8>,
    /// The error.
    pub error: Error,
    /// Destination of the message that caused it.
    pub dst: SocketAddr,
    /// Offset of the extension structure in `bytes` (RFC 4884), if the kernel reports one.
    pub extension: Option<usize>,
    /// The message that caused it, as far as it was quoted, without the headers that the kernel keeps.
    pub bytes: B,
}

impl QueuedError<&[u8]> {
    /// The same error with a copy of the octets.
    pub fn to_owned(self) -> QueuedError<Box<[u8]>> {
        let Self { stamp, from, scope, hop_limit, error, dst, extension, bytes } = self;
        QueuedError { stamp, from, scope, hop_limit, error, dst, extension, bytes: bytes.into() }
    }
}

impl QueuedError<Box<[u8]>> {
    /// The same error, with the octets borrowed.
    pub fn borrowed(&self) -> QueuedError<&[u8]> {
        let Self { stamp, from, scope, hop_limit, error, dst, extension, ref bytes } = *self;
        QueuedError { stamp, from, scope, hop_limit, error, dst, extension, bytes }
    }
}

/// A stamp of a datagram that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SendStamp {
    /// The number of the datagram on its socket, from 0 (SOF_TIMESTAMPING_OPT_ID).
    pub number: u32,
    /// When it left, by the kernel.
    pub kernel: Option<Wall>,
    /// When it left, on the clock of the interface, whatever time that keeps.
    pub hardware: Option<Wall>,
}

/// Takes the oldest entry of the error queue, and parses it. Never waits.
///
/// # Errors
/// EAGAIN: the queue is empty. Others are those of recvmsg(2).
pub(crate) fn read_error_queue<'a>(
    fd: BorrowedFd<'_>,
    bytes: &'a mut [u8],
    control: &mut [u8],
) -> io::Result<Entry<'a>> {
    let message = receive(fd, bytes, control, libc::MSG_ERRQUEUE)?;
    Ok(entry(&message, bytes, control))
}

fn entry<'a>(message: &ReadMessage, bytes: &'a [u8], control: &[u8]) -> Entry<'a> {
    let data = ControlData::read(control.get(..message.control_len).unwrap_or(control));
    let Some(fault) = data.fault else { return Entry::Other };
    let family = match fault.origin {
        libc::SO_EE_ORIGIN_LOCAL => return Entry::TooLong(fault.info),
        libc::SO_EE_ORIGIN_TIMESTAMPING if fault.info == TSTAMP_SND => {
            let (kernel, hardware) = (data.stamp, data.hardware);
            return Entry::Departure(SendStamp { number: fault.data, kernel, hardware });
        }
        libc::SO_EE_ORIGIN_ICMP => Family::V4,
        libc::SO_EE_ORIGIN_ICMP6 => Family::V6,
        _ => return Entry::Other,
    };
    let (Some(from), Some(dst)) = (fault.offender, address(&message.name)) else { return Entry::Other };
    Entry::Icmp(QueuedError {
        stamp: data.stamp,
        from: from.ip(),
        scope: if let SocketAddr::V6(from) = from { from.scope_id() } else { 0 },
        hop_limit: data.hop_limit,
        error: error(family, fault),
        dst,
        extension: extension(fault),
        bytes: bytes.get(..message.len).unwrap_or(bytes),
    })
}

/// Where in the quote the extension structure begins: `struct sock_ee_data_rfc4884` (linux/errqueue.h) holds
/// an offset, and flags; the first flag marks an invalid structure.
fn extension(fault: ExtendedError) -> Option<usize> {
    let [l0, l1, flags, _] = fault.data.to_ne_bytes();
    let offset = u16::from_ne_bytes([l0, l1]);
    (offset > 0 && flags & 1 == 0).then_some(offset.into())
}

/// The kernel fills `info` for some types only, and with the unused field as it came for others.
fn error(family: Family, fault: ExtendedError) -> Error {
    let ExtendedError { icmp_type, code, info, .. } = fault;
    let has_info = match family {
        Family::V4 => matches!((icmp_type, code), (3, 4) | (5 | 12, _)),
        Family::V6 => matches!(icmp_type, 2 | 4),
    };
    Error { family, icmp_type, code, info: if has_info { info } else { 0 } }
}
