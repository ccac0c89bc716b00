//! The values of options that are names.

use super::named::Named;
use super::trace_values::MethodName;
use super::values::Stamps;
use crate::probe::Method;
use crate::report::style::TimeFormat;
use crate::transport::{Pmtu, Stamping};

/// `--clock`.
pub const CLOCK: Named<Stamping> = Named {
    values: &[
        ("auto", Stamping::Both, "the kernel at both ends, rping itself where the kernel gives no time"),
        ("kernel", Stamping::Kernel, "the same, but a kernel that does not offer it is refused"),
        ("user", Stamping::User, "rping itself, as with -U of ping"),
        ("hardware", Stamping::Hardware, "the interface, which must offer it and have it turned on"),
    ],
    allowed: "the clock must be auto, kernel, user or hardware",
};

/// `-M` of ping.
pub const PMTU: Named<Pmtu> = Named {
    values: &[
        ("do", Pmtu::Do, "forbid fragments, and refuse here what the path cannot carry"),
        ("want", Pmtu::Want, "make fragments here of what the path cannot carry"),
        ("dont", Pmtu::Dont, "let routers make fragments"),
        ("probe", Pmtu::Probe, "forbid fragments, and send any size"),
    ],
    allowed: "path MTU discovery must be do, dont, want or probe",
};

/// `-T` of ping.
pub const STAMPS: Named<Stamps> = Named {
    values: &[
        ("tsonly", Stamps::Only, "times only"),
        ("tsandaddr", Stamps::AndAddress, "times and addresses"),
        ("tsprespec", Stamps::Prespecified, "times of the 1 to 4 hosts that stand before HOST"),
    ],
    allowed: "the IP timestamp must be tsonly, tsandaddr or tsprespec",
};

/// `--query`.
pub const QUERY: Named<Method> = Named {
    values: &[
        ("echo", Method::Echo, "the data sent back, which nearly every host does"),
        ("timestamp", Method::Timestamp, "the time of day of the host"),
        ("mask", Method::Mask, "the mask of the network of the host"),
    ],
    allowed: "the query must be echo, timestamp or mask",
};

/// `-D` of ping.
pub const TIME_FORMAT: Named<TimeFormat> = Named {
    values: &[
        ("epoch", TimeFormat::Epoch, "seconds since 1970, the default"),
        ("iso", TimeFormat::Iso, "date and time in UTC (ISO 8601)"),
        ("local", TimeFormat::Local, "the same in the local time zone"),
        ("relative", TimeFormat::Relative, "seconds since the start"),
        ("delta", TimeFormat::Delta, "seconds since the line before"),
    ],
    allowed: "the time must be epoch, iso, local, relative or delta",
};

/// `-M` of traceroute.
pub const METHOD: Named<MethodName> = Named {
    values: &[
        ("default", MethodName::Default, "UDP to the traceroute ports, from 33434 on"),
        ("icmp", MethodName::Icmp, "ICMP echo requests, as with -I"),
        ("tcp", MethodName::Tcp, "TCP segments, as with -T"),
        ("tcpconn", MethodName::TcpConnect, "TCP connections of the system"),
        ("udp", MethodName::Udp, "UDP to one port, as with -U"),
        ("udplite", MethodName::UdpLite, "UDP-Lite, as with --udplite"),
        ("dccp", MethodName::Dccp, "DCCP requests, as with -D"),
        ("raw", MethodName::Raw, "packets of an IP protocol, as with -P"),
    ],
    allowed: "the method must be default, icmp, tcp, tcpconn, udp, udplite, dccp or raw",
};

/// What `--generate` makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generate {
    /// Completions for bash.
    Bash,
    /// Completions for zsh.
    Zsh,
    /// Completions for fish.
    Fish,
    /// rping(1).
    Man,
    /// rping-ping(1).
    ManPing,
    /// rping-traceroute(1).
    ManTraceroute,
}

/// The values of `--generate`.
pub const GENERATE: Named<Generate> = Named {
    values: &[
        ("bash", Generate::Bash, "completions for bash"),
        ("zsh", Generate::Zsh, "completions for zsh"),
        ("fish", Generate::Fish, "completions for fish"),
        ("man", Generate::Man, "the manual page rping(1); with DIR, all pages as files in that directory"),
        ("man-ping", Generate::ManPing, "the manual page rping-ping(1)"),
        ("man-traceroute", Generate::ManTraceroute, "the manual page rping-traceroute(1)"),
    ],
    allowed: "it must be bash, zsh, fish, man, man-ping or man-traceroute",
};
