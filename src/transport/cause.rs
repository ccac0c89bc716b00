//! From an error number of a send call to its typed cause.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;

use socket2::{Domain, SockAddr, SockRef, Socket, Type};

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

/// The fault of a datagram to `dst`. Where the table of neighbours is full, IPv6 gives the error of a blackhole route
/// (EINVAL, Linux `ip6_finish_output2`); then there is a route.
pub(super) fn without_neighbour(fault: SendFault, socket: &impl AsFd, dst: SocketAddr) -> SendFault {
    match fault.cause {
        SendCause::Invalid if dst.is_ipv6() && connect_like(socket, dst).is_ok() => {
            SendFault { cause: SendCause::NeighboursFull, ..fault }
        }
        _ => fault,
    }
}

/// Connects a UDP socket that is bound as `socket` is; nothing is sent.
fn connect_like(socket: &impl AsFd, mut dst: SocketAddr) -> io::Result<()> {
    let bound = SockRef::from(socket);
    let like = Socket::new(Domain::IPV6, Type::DGRAM, None)?;
    like.bind_device(bound.device()?.as_deref())?;
    if let Some(mut source) = bound.local_addr()?.as_socket() {
        source.set_port(0);
        like.bind(&SockAddr::from(source))?;
    }
    dst.set_port(1025);
    like.connect(&SockAddr::from(dst))
}
