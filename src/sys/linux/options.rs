//! Options of a socket that only Linux has, or that no crate sets.

use std::io;
use std::net::Ipv6Addr;
use std::num::NonZeroU64;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use rustix::net::sockopt::{
    Ipv4PathMtuDiscovery, Ipv6PathMtuDiscovery, set_ip_mtu_discover, set_ipv6_mtu_discover,
};

use super::socket::{exchange_option, get_ints, set_int, set_option};
use crate::sys::path_mtu::Pmtu;
use crate::wire::Family;

/// linux/in.h and linux/in6.h: the error queue reports where in a quote its extension structure begins.
const IP_RECVERR_RFC4884: libc::c_int = 26;
const IPV6_RECVERR_RFC4884: libc::c_int = 31;

/// Figures of a socket (linux/sock_diag.h, since Linux 4.12); the last one known here counts drops.
const SO_MEMINFO: libc::c_int = 55;
const MEMINFO_LEN: usize = 9;

/// linux/icmp.h and linux/icmpv6.h.
const ICMP_FILTER: libc::c_int = 1;
const ICMP6_FILTER: libc::c_int = 1;

/// Turns the error queue on (IP_RECVERR, IPV6_RECVERR), with the offset of extensions where the kernel has that
/// (Linux 5.9).
///
/// Without it ENOBUFS and the MTU of EMSGSIZE are not reported, on raw sockets too.
///
/// # Errors
/// Those of setsockopt(2).
pub(crate) fn queue_errors(fd: BorrowedFd<'_>, family: Family) -> io::Result<()> {
    match family {
        Family::V4 => {
            let _ = set_int(fd, libc::SOL_IP, IP_RECVERR_RFC4884, 1);
            set_int(fd, libc::SOL_IP, libc::IP_RECVERR, 1)
        }
        Family::V6 => {
            let _ = set_int(fd, libc::SOL_IPV6, IPV6_RECVERR_RFC4884, 1);
            set_int(fd, libc::SOL_IPV6, libc::IPV6_RECVERR, 1)
        }
    }
}

/// Has an IPv4 socket report the TTL and the options of what arrives (IP_RECVTTL, IP_RECVOPTS).
///
/// # Errors
/// Those of setsockopt(2).
pub(crate) fn receive_ip_header(fd: BorrowedFd<'_>) -> io::Result<()> {
    set_int(fd, libc::SOL_IP, libc::IP_RECVTTL, 1)?;
    set_int(fd, libc::SOL_IP, libc::IP_RECVOPTS, 1)
}

/// Has a TCP socket that is bound to an address get its port when it connects (IP_BIND_ADDRESS_NO_PORT, since Linux 4.2). The
/// ports of connections to one host follow each other then, so that none is used again soon. A port that bind(2) chooses is
/// random: another process may have had it a moment ago, and the answer to its SYN makes the kernel send ours again.
pub(crate) fn choose_port_at_connect(fd: BorrowedFd<'_>) {
    let _ = set_int(fd, libc::SOL_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1);
}

/// The mode of path MTU discovery (IP_MTU_DISCOVER, IPV6_MTU_DISCOVER).
///
/// # Errors
/// Those of setsockopt(2).
pub(crate) fn set_path_mtu(fd: BorrowedFd<'_>, family: Family, pmtu: Pmtu) -> io::Result<()> {
    match family {
        Family::V4 => set_ip_mtu_discover(
            fd,
            match pmtu {
                Pmtu::Do => Ipv4PathMtuDiscovery::DO,
                Pmtu::Dont => Ipv4PathMtuDiscovery::DONT,
                Pmtu::Want => Ipv4PathMtuDiscovery::WANT,
                Pmtu::Probe => Ipv4PathMtuDiscovery::PROBE,
            },
        )?,
        Family::V6 => set_ipv6_mtu_discover(
            fd,
            match pmtu {
                Pmtu::Do => Ipv6PathMtuDiscovery::DO,
                Pmtu::Dont => Ipv6PathMtuDiscovery::DONT,
                Pmtu::Want => Ipv6PathMtuDiscovery::WANT,
                Pmtu::Probe => Ipv6PathMtuDiscovery::PROBE,
            },
        )?,
    }
    Ok(())
}

/// Has waits of this thread end to the microsecond; by default they may end 50 of them late.
pub(crate) fn wait_exactly() {
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
}

/// SO_DONTROUTE.
///
/// # Errors
/// Those of setsockopt(2).
pub(crate) fn set_dont_route(fd: BorrowedFd<'_>) -> io::Result<()> {
    set_int(fd, libc::SOL_SOCKET, libc::SO_DONTROUTE, 1)
}

/// SO_DEBUG.
///
/// # Errors
/// Those of setsockopt(2).
pub(crate) fn set_debug(fd: BorrowedFd<'_>) -> io::Result<()> {
    set_int(fd, libc::SOL_SOCKET, libc::SO_DEBUG, 1)
}

/// Sets the options in the IPv4 header of what is sent (IP_OPTIONS).
///
/// # Errors
/// Those of setsockopt(2).
pub(crate) fn set_ip_options(fd: BorrowedFd<'_>, options: &[u8]) -> io::Result<()> {
    set_option(fd, libc::SOL_IP, libc::IP_OPTIONS, options)
}

/// Blocks ICMP types on a raw socket. A set bit blocks its type: 32 bits for ICMP (ICMP_FILTER), 256 for ICMPv6
/// (ICMP6_FILTER, RFC 3542 section 3.2).
///
/// # Errors
/// Those of setsockopt(2).
pub(crate) fn block_icmp_types(fd: BorrowedFd<'_>, family: Family, blocked: &[u8]) -> io::Result<()> {
    match family {
        Family::V4 => set_option(fd, libc::SOL_RAW, ICMP_FILTER, blocked),
        Family::V6 => set_option(fd, libc::SOL_ICMPV6, ICMP6_FILTER, blocked),
    }
}

/// Datagrams that the kernel discarded for this socket: no room in the receive buffer, or a wrong checksum. It
/// is the count of SO_RXQ_OVFL, which comes with the next datagram only, and so not for the last ones.
///
/// Of a raw socket it is an upper bound: it counts what its filter would have refused as well (Linux 6.18).
pub(crate) fn discarded(fd: BorrowedFd<'_>) -> u64 {
    let mut figures = [0; MEMINFO_LEN];
    let _ = get_ints(fd, libc::SOL_SOCKET, SO_MEMINFO, &mut figures);
    let [.., discarded] = figures;
    discarded.into()
}

/// Whether packets of this socket are still in this machine (SK_MEMINFO_WMEM_ALLOC): they wait for a link-layer address, or
/// for the interface. True where the kernel does not report it.
pub(crate) fn holds_packets(fd: BorrowedFd<'_>) -> bool {
    let mut figures = [0; MEMINFO_LEN];
    let reported = get_ints(fd, libc::SOL_SOCKET, SO_MEMINFO, &mut figures).is_ok();
    let [_, _, held, ..] = figures;
    !reported || held > 0
}

/// How the kernel connected a TCP socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handshake {
    /// Whether it sent a segment again.
    pub retransmitted: bool,
    /// How long the peer took to accept; zero if it did not.
    pub took: Duration,
}

/// How the kernel connected a TCP socket (TCP_INFO, linux/tcp.h `struct tcp_info`).
pub(crate) fn handshake(fd: BorrowedFd<'_>) -> Option<Handshake> {
    // Eight octets, and then integers: the round-trip time is the 18th of all, and retransmissions are the last one known
    // here.
    let mut info = [0; 26];
    get_ints(fd, libc::IPPROTO_TCP, libc::TCP_INFO, &mut info).ok()?;
    let [.., rtt, _, _, _, _, _, _, _, retransmissions] = info;
    Some(Handshake { retransmitted: retransmissions > 0, took: Duration::from_micros(rtt.into()) })
}

/// Leases a flow label (linux/in6.h, `struct in6_flowlabel_req`) and has addresses carry it. 0 lets the kernel
/// choose. Returns the label in force.
///
/// # Errors
/// Those of setsockopt(2).
pub(crate) fn lease_flow_label(fd: BorrowedFd<'_>, dst: Ipv6Addr, label: u32) -> io::Result<Option<u32>> {
    const GET: u8 = 0;
    // A label lingers for six seconds after its socket: leased exclusively, it would be refused to the next
    // run, and to a socket that takes this one's place.
    const FOR_THIS_USER: u8 = 3;
    const CREATE: u16 = 1;
    let mut request = [0; 32];
    let fields: [&[u8]; 5] = [
        &dst.octets(),
        &(label & 0xf_ffff).to_be_bytes(),
        &[GET, FOR_THIS_USER],
        &CREATE.to_ne_bytes(),
        // Expiry and linger, both the default, and padding.
        &[0; 8],
    ];
    for (octet, value) in request.iter_mut().zip(fields.concat()) {
        *octet = value;
    }
    exchange_option(fd, libc::SOL_IPV6, libc::IPV6_FLOWLABEL_MGR, &mut request)?;
    set_int(fd, libc::SOL_IPV6, libc::IPV6_FLOWINFO_SEND, 1)?;
    // The kernel writes the label that it chose back into its field.
    let given = request.get(16..20).and_then(|field| field.first_chunk());
    Ok(given.map(|octets| u32::from_be_bytes(*octets)))
}
