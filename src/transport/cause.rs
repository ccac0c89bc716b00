//! From an error number of a send call to its typed cause.

use std::io;

use crate::datagram::{SendCause, SendFault, SystemError};

/// The fault for an error number of a send call (Linux ip(7), ipv6(7), ip-route(8)). `mtu` is the MTU that the
/// datagram exceeded, in octets, if the kernel reported one.
pub const fn send_fault(errno: i32, mtu: Option<u32>) -> SendFault {
    let cause = match errno {
        libc::EAGAIN => SendCause::BufferFull,
        libc::ENOBUFS => SendCause::QueueFull,
        libc::ENOMEM => SendCause::NoMemory,
        libc::EMSGSIZE => SendCause::TooLong { mtu },
        libc::EPERM => SendCause::Firewall,
        libc::EACCES => SendCause::Prohibited,
        libc::ENETUNREACH | libc::EHOSTUNREACH => SendCause::NoRoute,
        libc::ENETDOWN => SendCause::InterfaceDown,
        libc::ENODEV | libc::ENXIO => SendCause::InterfaceGone,
        libc::EADDRNOTAVAIL => SendCause::SourceGone,
        libc::EADDRINUSE => SendCause::PortInUse,
        libc::EMFILE | libc::ENFILE => SendCause::NoDescriptor,
        libc::EINVAL => SendCause::Invalid,
        _ => SendCause::Other,
    };
    SendFault { cause, error: SystemError::new(errno) }
}

/// The fault for an error of a system call that names no MTU.
pub(super) fn fault(error: &io::Error) -> SendFault {
    send_fault(error.raw_os_error().unwrap_or(0), None)
}
