//! Advice to a person below an error that keeps a run from beginning. Scripts and files get the error alone, in a line.

use std::fmt;

use anyhow::anyhow;

use crate::cli::wording::OptionNames;
use crate::escape::escape;
use crate::names::forward::{LookupStep, NotFound};
use crate::names::resolv_conf;
use crate::output::terminal::stderr_is_terminal;
use crate::transport::{Denied, OpenError, RouteError, Scope};

/// An error, and the same for a person.
#[derive(Debug)]
struct Advised {
    /// In a line.
    line: String,
    /// What a person gets instead.
    lines: Vec<String>,
    /// Whether no packet of this machine gets to the target.
    unreachable: bool,
}

impl fmt::Display for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)
    }
}

impl std::error::Error for Advised {}

/// The error about sockets that are not available.
pub fn open_error(names: &OptionNames, error: &OpenError) -> anyhow::Error {
    let line = names.open_error(error);
    match error {
        OpenError::Denied(denied) => {
            anyhow::Error::new(Advised { line, lines: permission(denied), unreachable: false })
        }
        OpenError::Device { .. } | OpenError::Unavailable(_) => anyhow!(line),
    }
}

/// That it is not permitted, and the commands that permit it, each on a line of its own to be copied: four short lines.
fn permission(denied: &Denied) -> Vec<String> {
    let sockets = if denied.raw_only { "raw sockets" } else { "ICMP sockets" };
    let why = denied.obstacle.map(|obstacle| format!(" ({obstacle})")).unwrap_or_default();
    let mut lines = Vec::new();
    for remedy in &denied.remedies {
        let begin = if lines.is_empty() {
            format!("no permission for {sockets}{why}. Permit")
        } else {
            "Or permit".into()
        };
        let (to, sudo) = match &remedy.scope {
            Scope::Everybody => ("them to all users, until the next boot".to_owned(), "sudo "),
            Scope::Host => ("them on the host, until its next boot".to_owned(), "sudo "),
            Scope::Program => ("them to this program, until its next update".to_owned(), "sudo "),
            Scope::Container => ("them to the container, when it is started".to_owned(), ""),
            Scope::Unit(unit) => (format!("them in the unit (sudo systemctl edit {})", escape(unit)), ""),
        };
        lines.push(format!("{begin} {to}:"));
        lines.push(format!("  {sudo}{}", remedy.command));
    }
    if lines.is_empty() { vec![denied.to_string()] } else { lines }
}

/// The error about a target that no probe can be sent to.
pub fn route_error(names: &OptionNames, error: &RouteError) -> anyhow::Error {
    let line = names.route_error(error);
    match error {
        RouteError::Unreachable(_) => {
            let advice = "  No route of this machine leads there. Its routes: ip route; ip -6 route";
            let lines = vec![line.clone(), advice.to_owned()];
            anyhow::Error::new(Advised { line, lines, unreachable: true })
        }
        RouteError::Prohibited | RouteError::Blackhole => {
            anyhow::Error::new(Advised { lines: vec![line.clone()], line, unreachable: true })
        }
        _ => anyhow!(line),
    }
}

/// Whether an error means that no packet of this machine gets to the target: no usage, lookup or permission is at fault.
pub fn is_unreachable(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Advised>().is_some_and(|advised| advised.unreachable)
}

/// An error with its advice, if a person reads standard error.
pub fn for_person(error: anyhow::Error) -> anyhow::Error {
    if !stderr_is_terminal() {
        return error;
    }
    if let Some(advised) = error.downcast_ref::<Advised>() {
        return anyhow!(advised.lines.join("\n"));
    }
    let advice = error.downcast_ref::<NotFound>().and_then(|not_found| lookup(not_found.step));
    match advice {
        Some(advice) => anyhow!("{error:#}\n  {advice}"),
        None => error,
    }
}

/// Which step of a lookup failed, and what may help.
fn lookup(step: LookupStep) -> Option<String> {
    let servers: Vec<_> = resolv_conf::servers().iter().map(|server| server.ip().to_string()).collect();
    let servers = servers.join(", ");
    Some(match step {
        LookupStep::Name => {
            format!("Neither /etc/hosts nor the name server has it ({servers}).\n  Is it spelled right?")
        }
        LookupStep::Address => "The name exists, but has no address of the family that is wanted.".to_owned(),
        LookupStep::Server => format!(
            "No name server answered ({servers}). Is this machine connected?\n  \
             An address needs no name server."
        ),
        LookupStep::Other => return None,
    })
}
