//! No ICMP socket is permitted: why, and which commands permit one here.

use std::fmt;
use std::path::Path;

use crate::escape;
use crate::sys::{self, privilege};

/// No ICMP socket is permitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What was refused, and why: a line.
    pub reasons: String,
    /// Whether only a raw socket was requested.
    pub raw_only: bool,
    /// What keeps the usual commands from helping.
    pub obstacle: Option<Obstacle>,
    /// Commands each of which permits a socket; none, if nothing is known that does.
    pub remedies: Vec<Remedy>,
}

/// A command that permits an ICMP socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remedy {
    /// The command; the option of the one that starts the container; or the lines of the unit.
    pub command: String,
    /// The users or programs that it permits, and until when.
    pub scope: Scope,
}

/// The users or programs that a command permits sockets to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Every user, until the next boot.
    Everybody,
    /// The same, to be set on the host, outside of the namespaces of this process.
    Host,
    /// This program, until it is replaced.
    Program,
    /// The container in which this program runs, once it is started again.
    Container,
    /// The unit of systemd with this name, once it is started again.
    Unit(String),
}

/// What keeps a capability of a file from having an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// The network namespace belongs to another user namespace.
    ForeignNetwork,
    /// The process and its children get no new privileges (PR_SET_NO_NEW_PRIVS).
    NoNewPrivileges,
    /// The file system of the program.
    NoSuid,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ForeignNetwork => "the network belongs to another user namespace",
            Self::NoNewPrivileges => "no_new_privs is set",
            Self::NoSuid => "the file system of the program is mounted nosuid",
        })
    }
}

/// In one line.
impl fmt::Display for Denied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons)?;
        if let Some(obstacle) = self.obstacle {
            write!(f, "; {obstacle}")?;
        }
        for (index, remedy) in self.remedies.iter().enumerate() {
            f.write_str(if index == 0 { "; allow one with: " } else { "  or: " })?;
            match &remedy.scope {
                Scope::Unit(unit) => write!(f, "{} in {}", remedy.command, escape::escape(unit))?,
                Scope::Host => write!(f, "{} on the host", remedy.command)?,
                Scope::Everybody | Scope::Program | Scope::Container => f.write_str(&remedy.command)?,
            }
        }
        Ok(())
    }
}

/// What decides which command helps.
struct Surroundings {
    superuser: bool,
    /// Whether this process, or a child of it, can ever have CAP_NET_RAW. A file that demands it cannot even be started
    /// where it cannot.
    capable: bool,
    obstacle: Option<Obstacle>,
    /// Whether no process here can write the settings of the kernel: a container, or a unit that protects them.
    fixed_settings: bool,
    /// The unit of systemd.
    unit: Option<String>,
    /// The path of this program, to be named in a command.
    program: String,
}

impl Surroundings {
    fn find() -> Self {
        let program = std::env::current_exe();
        let nosuid = program.as_ref().is_ok_and(|path| sys::ignores_file_capabilities(path));
        let obstacles = [
            (sys::is_foreign_network(), Obstacle::ForeignNetwork),
            (privilege::gets_no_new_privileges(), Obstacle::NoNewPrivileges),
            (nosuid, Obstacle::NoSuid),
        ];
        Self {
            superuser: privilege::is_superuser(),
            capable: privilege::may_get_net_raw(),
            obstacle: obstacles.into_iter().find_map(|(is, obstacle)| is.then_some(obstacle)),
            fixed_settings: sys::is_read_only(Path::new("/proc/sys/net/ipv4/ping_group_range")),
            unit: sys::service(),
            program: program.map_or_else(|_| "PATH".to_owned(), |path| escape::argument(path.as_os_str())),
        }
    }

    /// What permits a datagram socket.
    fn datagram(&self) -> Remedy {
        let range = "net.ipv4.ping_group_range=\"0 2147483647\"";
        let contained = self.unit.is_none() && (self.fixed_settings || !self.capable);
        let (command, scope) = match self.obstacle {
            Some(Obstacle::ForeignNetwork) => ("sysctl -w", Scope::Host),
            _ if contained => ("docker run --sysctl", Scope::Container),
            _ => ("sysctl -w", Scope::Everybody),
        };
        Remedy { command: format!("{command} {range}"), scope }
    }

    /// What permits a raw socket, if anything does.
    fn raw(&self) -> Option<Remedy> {
        let remedy = |command: &str, scope| Some(Remedy { command: command.to_owned(), scope });
        let unit = || self.unit.clone().map(Scope::Unit);
        match (self.obstacle, self.capable) {
            (Some(Obstacle::ForeignNetwork), _) => None,
            (Some(Obstacle::NoNewPrivileges), true) => remedy("AmbientCapabilities=CAP_NET_RAW", unit()?),
            (_, false) if self.unit.is_some() => {
                remedy("CapabilityBoundingSet=CAP_NET_RAW and AmbientCapabilities=CAP_NET_RAW", unit()?)
            }
            // A user other than root does not have what the container has.
            (_, false) if !self.superuser => {
                remedy("docker run --user root --cap-add NET_RAW", Scope::Container)
            }
            (_, false) => remedy("docker run --cap-add NET_RAW", Scope::Container),
            (Some(Obstacle::NoSuid), true) => None,
            (None, true) => remedy(&format!("setcap cap_net_raw+ep {}", self.program), Scope::Program),
        }
    }
}

/// The error where `datagram` or `raw` sockets or both were denied.
///
/// # Errors
/// Neither was: the reasons.
pub(super) fn denied(reasons: String, datagram: bool, raw: bool) -> Result<Denied, String> {
    if !datagram && !raw {
        return Err(reasons);
    }
    let surroundings = Surroundings::find();
    // Without the capability in the bounding set no file gives it in any case.
    let beyond = |obstacle: &Obstacle| raw && (surroundings.capable || *obstacle == Obstacle::ForeignNetwork);
    let obstacle = surroundings.obstacle.filter(beyond);
    let datagram = datagram.then(|| surroundings.datagram());
    let raw_only = datagram.is_none();
    let raw = if raw { surroundings.raw() } else { None };
    Ok(Denied { reasons, raw_only, obstacle, remedies: datagram.into_iter().chain(raw).collect() })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The commands for both kinds of sockets.
    fn commands(change: impl FnOnce(&mut Surroundings)) -> String {
        let mut surroundings = Surroundings {
            superuser: false,
            capable: true,
            obstacle: None,
            fixed_settings: false,
            unit: None,
            program: "/bin/rping".to_owned(),
        };
        change(&mut surroundings);
        let remedies = [Some(surroundings.datagram()), surroundings.raw()].into_iter().flatten().collect();
        let denied = Denied { reasons: "no".to_owned(), raw_only: false, obstacle: None, remedies };
        denied.to_string().replace("net.ipv4.ping_group_range=\"0 2147483647\"", "RANGE")
    }

    #[test]
    fn the_commands_are_those_that_help_here() {
        let unit = || Some("probe.service".to_owned());
        assert_eq!(
            commands(|_| ()),
            "no; allow one with: sysctl -w RANGE  or: setcap cap_net_raw+ep /bin/rping"
        );
        assert_eq!(
            commands(|here| here.unit = unit()),
            "no; allow one with: sysctl -w RANGE  or: setcap cap_net_raw+ep /bin/rping"
        );
        assert_eq!(
            commands(|here| here.obstacle = Some(Obstacle::NoNewPrivileges)),
            "no; allow one with: sysctl -w RANGE"
        );
        assert_eq!(
            commands(|here| (here.obstacle, here.unit) = (Some(Obstacle::NoNewPrivileges), unit())),
            "no; allow one with: sysctl -w RANGE  or: AmbientCapabilities=CAP_NET_RAW in probe.service"
        );
        assert_eq!(
            commands(|here| here.obstacle = Some(Obstacle::NoSuid)),
            "no; allow one with: sysctl -w RANGE"
        );
        assert_eq!(
            commands(|here| here.obstacle = Some(Obstacle::ForeignNetwork)),
            "no; allow one with: sysctl -w RANGE on the host"
        );
        assert_eq!(
            commands(|here| here.fixed_settings = true),
            "no; allow one with: docker run --sysctl RANGE  or: setcap cap_net_raw+ep /bin/rping"
        );
        assert_eq!(
            commands(|here| (here.fixed_settings, here.capable) = (true, false)),
            "no; allow one with: docker run --sysctl RANGE  or: docker run --user root --cap-add NET_RAW"
        );
        assert_eq!(
            commands(|here| (here.superuser, here.capable) = (true, false)),
            "no; allow one with: docker run --sysctl RANGE  or: docker run --cap-add NET_RAW"
        );
        assert_eq!(
            commands(|here| (here.unit, here.capable) = (unit(), false)),
            "no; allow one with: sysctl -w RANGE  or: CapabilityBoundingSet=CAP_NET_RAW and \
             AmbientCapabilities=CAP_NET_RAW in probe.service"
        );
    }
}
