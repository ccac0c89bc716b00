//! No ICMP socket is permitted: why, and which commands permit one.

use std::fmt;

use crate::escape;
use crate::sys;

/// No ICMP socket is permitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What was refused, and why: a line.
    pub reasons: String,
    /// Commands each of which permits a socket.
    pub remedies: Vec<Remedy>,
}

/// A command that permits an ICMP socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// The command, or the option of the one that starts the container.
    pub command: String,
    /// For whom, and until when.
    pub scope: Scope,
}

/// For whom a command permits sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every user, until the next boot.
    Everybody,
    /// This program, until it is replaced.
    Program,
    /// The container in which this program runs, once it is started again.
    Container,
}

/// In one line.
impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedies: Vec<_> = self.remedies.iter().map(|remedy| remedy.command.as_str()).collect();
        write!(f, "{}; allow one with: {}", self.reasons, remedies.join("  or: "))
    }
}

/// The commands that permit what was denied.
pub(super) fn remedies(datagram: bool, raw: bool) -> Vec<Remedy> {
    // Where nothing can get the capability, a file that demands it cannot even be started: that is a container.
    let contained = raw && !sys::privilege::may_get_net_raw();
    let remedy = |command: String, scope| Remedy { command, scope };
    let range = "net.ipv4.ping_group_range=\"0 2147483647\"";
    let datagram = match (datagram, contained) {
        (false, _) => None,
        (true, true) => Some(remedy(format!("docker run --sysctl {range}"), Scope::Container)),
        (true, false) => Some(remedy(format!("sysctl -w {range}"), Scope::Everybody)),
    };
    let raw = match (raw, contained) {
        (false, _) => None,
        (true, true) => Some(remedy("docker run --cap-add NET_RAW".to_owned(), Scope::Container)),
        (true, false) => Some(remedy(format!("setcap cap_net_raw+ep {}", program()), Scope::Program)),
    };
    datagram.into_iter().chain(raw).collect()
}

/// The range of groups that datagram sockets are permitted to, in parentheses.
pub(super) fn group_range() -> String {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ping_group_range").unwrap_or_default();
    let range: Vec<&str> = text.split_whitespace().collect();
    if range.is_empty() {
        return String::new();
    }
    format!(" (net.ipv4.ping_group_range is \"{}\")", range.join(" "))
}

/// The path of this program, to be named in a command.
fn program() -> String {
    std::env::current_exe().map_or_else(|_| "PATH".to_owned(), |path| escape::argument(path.as_os_str()))
}
