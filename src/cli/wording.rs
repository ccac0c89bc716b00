//! Errors of sockets and routes as lines of text, with the option names of each command.

use std::borrow::Cow;

use super::named_values::PMTU;
use crate::escape::escape;
use crate::transport::{NoStamps, OpenError, Pmtu, RouteError, Setting, SetupError, Stamping};

/// The options of a command, as they are typed. Each names the setting of the same name in
/// [`Options`](crate::transport::Options).
#[derive(Clone, Copy, Debug)]
pub struct OptionNames {
    /// What stands before the line about sockets that are not available.
    open: &'static str,
    /// The interface.
    device: &'static str,
    /// The source address.
    source: &'static str,
    /// The call that refuses it.
    bind: &'static str,
    ttl: &'static str,
    tos: &'static str,
    /// Path MTU discovery; `true`: with the name of the mode.
    pmtu: (&'static str, bool),
}

/// The options of ping.
pub const PING: OptionNames = OptionNames {
    open: "",
    device: "-I",
    source: "-I",
    bind: "bind",
    ttl: "-t",
    tos: "-Q",
    pmtu: ("-M", true),
};

/// The options of fping. The words about sockets and the name of the call are what other programs look for.
pub const FPING: OptionNames = OptionNames {
    open: "can't create socket (must run as root?): ",
    device: "-I",
    source: "-S",
    bind: "cannot bind source address ",
    ttl: "-H",
    tos: "-O",
    pmtu: ("-M", false),
};

/// The options of traceroute, which sets the TTL itself.
pub const TRACEROUTE: OptionNames = OptionNames {
    open: "",
    device: "-i",
    source: "-s",
    bind: "bind",
    ttl: "-f",
    tos: "-t",
    pmtu: ("-F", false),
};

impl OptionNames {
    /// The line about sockets that are not available.
    pub fn open_error(&self, error: &OpenError) -> String {
        let (device, error, existing) = match error {
            OpenError::Denied(denied) => return format!("{}{denied}", self.open),
            OpenError::Unavailable(line) => return format!("{}{line}", self.open),
            OpenError::Device { device, error, existing } => (device, error, existing),
        };
        let line = format!("{} {}: SO_BINDTODEVICE: {error}", self.device, escape(device));
        if existing.is_empty() {
            return line;
        }
        let existing: Vec<_> = existing.iter().map(|name| escape(name)).collect();
        let accepted = match self.device == self.source {
            true => "an address of this host or one of its interfaces",
            false => "one of the interfaces of this host",
        };
        format!("{line}; give {accepted}: {}", existing.join(", "))
    }

    /// The line about a target that no probe can be sent to.
    pub fn route_error(&self, error: &RouteError) -> String {
        match error {
            RouteError::Broadcast => {
                "Do you want to ping broadcast? Then -b. If not, check your local firewall rules".to_owned()
            }
            RouteError::NoInterface(ip) => {
                format!("{error}; name its interface: {ip}%INTERFACE or {} INTERFACE", self.device)
            }
            RouteError::OtherInterface { zone, .. } => {
                format!("{error}; give {0} {1}, or leave {0} out", self.device, escape(zone))
            }
            RouteError::Unreachable(_)
            | RouteError::Prohibited
            | RouteError::Blackhole
            | RouteError::Other(_) => error.to_string(),
        }
    }

    /// The line about a setting that was refused.
    pub fn setup_error(&self, error: &SetupError) -> String {
        let (setting, error) = match error {
            SetupError::NoStamps { demanded, why } => {
                return format!("--clock {}: {}", clock(*demanded), no_stamps(why));
            }
            SetupError::Refused { setting, error } => (setting, error),
        };
        let line = format!("{}: {error}", self.setting(setting));
        match setting {
            Setting::Ttl { .. } => format!("{line}; 1 to 255 are allowed"),
            Setting::Source(ip) => format!("{line}; {} {ip}: give an address of this host", self.source),
            Setting::Identifier(_) => {
                format!("{line}: another ping uses this identifier; give another one, or leave it out")
            }
            Setting::FlowLabel(_) => {
                format!("{line}; a label of 20 bits that no other user has is allowed, or 0 for any")
            }
            _ => line,
        }
    }

    fn setting(&self, setting: &Setting) -> Cow<'static, str> {
        match setting {
            Setting::Source(_) => self.bind.into(),
            Setting::Identifier(ident) => format!("-e {ident}: bind").into(),
            Setting::SourcePort(port) => format!("--sport {port}: bind").into(),
            Setting::Ttl { ttl, multicast } => {
                let which = if *multicast { "multicast" } else { "unicast" };
                format!("{} {ttl}: cannot set {which} time-to-live", self.ttl).into()
            }
            Setting::Tos(tos) => format!("{} {tos:#04x}: cannot set the type of service", self.tos).into(),
            Setting::PathMtu(pmtu) => match self.pmtu {
                (name, true) => format!("{name} {}: cannot set path MTU discovery", mode(*pmtu)).into(),
                (name, false) => format!("{name}: cannot set path MTU discovery").into(),
            },
            Setting::RecordRoute => "-R: cannot set the IP option".into(),
            Setting::SourceRoute => "-g: cannot set the IP option".into(),
            Setting::Timestamps => "-T: cannot set the IP option".into(),
            Setting::Broadcast => "-b: cannot set broadcasting".into(),
            Setting::MulticastLoop => "-L: cannot disable multicast loopback".into(),
            Setting::DontRoute => "-r: SO_DONTROUTE".into(),
            Setting::Connect(target) => format!("-C: connect to {target}").into(),
            Setting::FlowLabel(label) => format!("flow label {label:#x}: can't set flowlabel").into(),
            Setting::Stamps(stamping) => format!("--clock {}: SO_TIMESTAMPING", clock(*stamping)).into(),
            Setting::Always(what) => (*what).into(),
            Setting::Family(target) => target.to_string().into(),
        }
    }
}

/// The name of a mode of `-M`.
fn mode(pmtu: Pmtu) -> &'static str {
    PMTU.values.iter().find(|(_, mode, _)| *mode == pmtu).map_or("", |(name, ..)| name)
}

const fn clock(stamping: Stamping) -> &'static str {
    match stamping {
        Stamping::User => "user",
        Stamping::Arrivals | Stamping::Sampled | Stamping::Both => "auto",
        Stamping::Kernel => "kernel",
        Stamping::Hardware => "hardware",
    }
}

fn no_stamps(why: &NoStamps) -> Cow<'static, str> {
    match why {
        NoStamps::NotIcmp => "it is for ICMP probes only".into(),
        NoStamps::UnknownInterface => "by which interface probes leave is not known; name it".into(),
        NoStamps::NoClock(name) => format!("{} has no clock that stamps packets", escape(name)).into(),
        NoStamps::NotAllPackets(name) => {
            let name = escape(name);
            format!("{name} does not stamp all packets now; hwstamp_ctl -i {name} -t 1 -r 1 makes it").into()
        }
        NoStamps::SocketPerProbe => {
            "each of these probes has a socket of its own, which the kernel does not stamp when \
             it leaves; use --clock auto or user"
                .into()
        }
    }
}
