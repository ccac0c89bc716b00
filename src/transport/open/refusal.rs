//! Why a socket, its set-up or a route is refused, in lines for stderr.

use std::fmt;
use std::io;
use std::net::IpAddr;

/// Why no socket can be had: one line that stands for itself.
#[derive(Debug)]
pub struct OpenError(pub(super) String);

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for OpenError {}

impl OpenError {
    /// A line that stands for itself.
    pub(in crate::transport) fn new(line: String) -> Self {
        Self(line)
    }
}

/// What the socket was refused: a line for stderr that names the option.
#[derive(Debug)]
pub struct AimError {
    text: String,
    errno: Option<i32>,
}

impl AimError {
    /// `what` (an option as it was typed, and what it asked for) failed so.
    pub(in crate::transport) fn new(what: impl fmt::Display, error: &io::Error) -> Self {
        Self { text: format!("{what}: {}", reason(error)), errno: error.raw_os_error() }
    }

    /// A line that stands for itself.
    pub(in crate::transport) fn refusal(text: String) -> Self {
        Self { text, errno: None }
    }

    /// The error of the system call.
    pub(in crate::transport) fn errno(&self) -> Option<i32> {
        self.errno
    }

    /// Names the source port asked for, where it is what was refused.
    pub(in crate::transport) fn of_port(self, port: Option<u16>) -> Self {
        let of_ports = [libc::EACCES, libc::EADDRINUSE];
        let Some(port) = port.filter(|_| self.errno.is_some_and(|errno| of_ports.contains(&errno))) else {
            return self;
        };
        Self { text: format!("--sport {port}: {}", self.text), ..self }
    }

    /// Adds what to do about it.
    pub(super) fn advising(mut self, advice: impl fmt::Display) -> Self {
        self.text = format!("{}; {advice}", self.text);
        self
    }
}

impl fmt::Display for AimError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for AimError {}

/// Why a target cannot be asked. Each reads as a line for stderr.
#[derive(Debug)]
pub enum RouteError {
    /// No route, or a route of type unreachable (ENETUNREACH, EHOSTUNREACH): another address may do.
    Unreachable(io::Error),
    /// A broadcast address, while broadcasts are not asked for.
    Broadcast,
    /// A route of type prohibit, or a firewall (EACCES).
    Prohibited,
    /// A route of type blackhole (EINVAL).
    Blackhole,
    /// A link-local IPv6 address, and nothing says which link.
    NoInterface {
        /// The address.
        ip: IpAddr,
        /// The option that names a link.
        letter: &'static str,
    },
    /// Anything else.
    Other(io::Error),
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(error) | Self::Other(error) => write!(f, "connect: {}", reason(error)),
            Self::Broadcast => {
                f.write_str("Do you want to ping broadcast? Then -b. If not, check your local firewall rules")
            }
            Self::Prohibited => f.write_str(
                "connect: Permission denied: a route of type prohibit, or a firewall rule, forbids it",
            ),
            Self::Blackhole => f.write_str("connect: Invalid argument: the route is of type blackhole"),
            Self::NoInterface { ip, letter } => write!(
                f,
                "connect: Invalid argument: {ip} is a link-local address; name its interface: \
                 {ip}%INTERFACE or {letter} INTERFACE"
            ),
        }
    }
}

impl std::error::Error for RouteError {}

/// The kernel's words for an error, without the number that std appends.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, _)) => words.to_owned(),
        None => text,
    }
}
