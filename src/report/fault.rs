//! Why a probe could not leave, in words. Which probes leave is none of its business.

use std::io;

use crate::datagram::SendFault;
use crate::wire::Family;

/// The line about a probe that was not sent, without the program's name.
pub fn sentence(fault: SendFault, seq: u16, family: Family) -> String {
    if let (libc::EMSGSIZE, Some(mtu)) = (fault.errno, fault.mtu) {
        return match family {
            Family::V4 => format!("local error: message too long, mtu={mtu}"),
            Family::V6 => format!("local error: message too long, mtu: {mtu}"),
        };
    }
    because(fault, &format!("icmp_seq={seq} not sent"))
}

/// The line about a probe of a traceroute that was not sent, without the program's name.
pub fn at_hop(fault: SendFault, ttl: u8) -> String {
    because(fault, &format!("probes not sent from hop {ttl} on"))
}

fn because(fault: SendFault, what: &str) -> String {
    let error = system_text(fault.errno);
    match cause(fault.errno) {
        Some(cause) => format!("sendmsg: {error} ({what}: {cause})"),
        None => format!("sendmsg: {error} ({what})"),
    }
}

/// What an error of sendmsg means for a probe (Linux ip(7), ip-route(8)).
fn cause(errno: i32) -> Option<&'static str> {
    Some(match errno {
        libc::EPERM => "a local firewall rule refused it",
        libc::ENETUNREACH | libc::EHOSTUNREACH => "no route here leads to it",
        libc::ENETDOWN => "the interface is down",
        libc::ENODEV | libc::ENXIO => "the interface is gone",
        libc::EADDRNOTAVAIL => "the source address is no longer here",
        libc::ENOBUFS => "the local queue is full",
        libc::ENOMEM => "the kernel is short of memory",
        libc::EMSGSIZE => "it exceeds the path MTU",
        libc::EINVAL => "a blackhole route swallowed it, or its source and route do not fit",
        libc::EACCES => "a prohibit route refused it",
        _ => return None,
    })
}

/// The C library's words for an error.
pub fn system_text(errno: i32) -> String {
    let text = io::Error::from_raw_os_error(errno).to_string();
    let suffix = format!(" (os error {errno})");
    text.strip_suffix(&suffix).unwrap_or(&text).to_owned()
}
