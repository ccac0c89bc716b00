//! The cause of a refused send as text.

use crate::datagram::{SendCause, SendFault};
use crate::wire::Family;

/// The line about a probe that was not sent, without the program's name.
pub fn sentence(fault: SendFault, seq: u16, family: Family) -> String {
    if let Some(mtu) = fault.mtu() {
        return match family {
            Family::V4 => format!("local error: message too long, mtu={mtu}"),
            Family::V6 => format!("local error: message too long, mtu: {mtu}"),
        };
    }
    because(fault, &format!("icmp_seq={seq} not sent"))
}

/// The line about a probe of a traceroute to hop `ttl` that was not sent, without the program's name.
pub fn at_hop(fault: SendFault, ttl: u8) -> String {
    because(fault, &format!("a probe to hop {ttl} not sent"))
}

/// The line about `count` probes of a traceroute that were not sent, the first of them to hop `ttl`.
pub fn from_hop(fault: SendFault, ttl: u8, count: u64) -> String {
    match count {
        1 => at_hop(fault, ttl),
        _ => because(fault, &format!("{count} probes not sent, the first to hop {ttl}")),
    }
}

/// The line about a traceroute that could send no probe, without the program's name.
pub fn of_all(fault: SendFault) -> String {
    because(fault, "no probe was sent")
}

fn because(SendFault { cause, error }: SendFault, what: &str) -> String {
    match words(cause) {
        Some(words) => format!("sendmsg: {error} ({what}: {words})"),
        None => format!("sendmsg: {error} ({what})"),
    }
}

/// The explanation of a cause.
const fn words(cause: SendCause) -> Option<&'static str> {
    Some(match cause {
        SendCause::Firewall => "a local firewall rule refused it",
        SendCause::NoRoute => "no route here leads to it",
        SendCause::InterfaceDown => "the interface is down",
        SendCause::InterfaceGone => "the interface is gone",
        SendCause::SourceGone => "the source address is no longer here",
        SendCause::QueueFull => "the local queue is full",
        SendCause::NeighboursFull => "the table of neighbours is full",
        SendCause::NoMemory => "the kernel is short of memory",
        SendCause::TooLong { .. } => "it exceeds the path MTU",
        SendCause::Invalid => "a blackhole route swallowed it, or its source and route do not fit",
        SendCause::Prohibited => "a prohibit route refused it, or it is a broadcast address",
        SendCause::BufferFull | SendCause::PortInUse | SendCause::NoDescriptor | SendCause::Other => {
            return None;
        }
    })
}
