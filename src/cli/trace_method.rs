//! How probes are made: the method that the options name, and its own options (`-O`).

use anyhow::{Result, bail, ensure};

use super::trace_values::{MethodName, MethodOption, PROTOCOL};
use super::traceroute::TraceArguments;
use super::values::up_to;
use crate::escape;
use crate::probe::trace::{TcpOptions, TraceMethod};
use crate::transport::Probes;
use crate::wire::{dccp, ipv4, ipv6, tcp, udp};

/// How probes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeSpec {
    /// What is sent.
    pub method: TraceMethod,
    /// The sockets it needs.
    pub sockets: Probes,
    /// Destination port; 0 for a method without ports.
    pub port: u16,
    /// Whether the destination port increases with each probe (`--classic`).
    pub port_per_probe: bool,
    /// The name of the method, as printed.
    pub name: &'static str,
    /// True if the user named no method: the command may then fall back to UDP.
    pub implicit: bool,
}

impl ProbeSpec {
    /// UDP to the traceroute ports.
    pub const fn traceroute_ports(port: u16, port_per_probe: bool) -> Self {
        Self {
            method: TraceMethod::Udp,
            sockets: Probes::Ports { protocol: udp::PROTOCOL_UDP, own_port: false },
            port,
            port_per_probe,
            name: "udp",
            implicit: false,
        }
    }
}

/// The first of the traceroute ports; also that of DCCP probes.
pub const TRACEROUTE_PORT: u16 = 33_434;
/// The port of `-U` and of UDP-Lite: DNS.
const UDP_PORT: u16 = 53;
/// The port of `-T`: HTTP.
const TCP_PORT: u16 = 80;
/// The IP protocol of `-M raw`: for experiments (RFC 3692).
const EXPERIMENT: u8 = 253;
/// ICMP and ICMPv6. Probes of a protocol have no header, and ICMP of an unknown type may be an error, which is never answered
/// with one (RFC 1122 section 3.2.2, RFC 4443 section 2.4).
const ICMP: [u8; 2] = [ipv4::PROTOCOL_ICMP, ipv6::NEXT_ICMPV6];
/// Maximum segment size in a SYN: that of Ethernet.
const MSS: u16 = 1_460;

/// The text of `-O help` about the method; `None` without `-O help`.
pub fn help(arguments: &TraceArguments) -> Option<&'static str> {
    arguments.method.options.iter().flat_map(|options| &options.0).find(|(name, _)| name == "help")?;
    Some(match named(arguments).unwrap_or(MethodName::Icmp) {
        MethodName::Tcp => TCP_HELP,
        MethodName::UdpLite => "coverage=N  octets that the checksum covers, 0 for all\n",
        MethodName::Dccp => "service=N   the service code, decimal, or hexadecimal after 0x\n",
        MethodName::Raw => "protocol=N  the IP protocol, as with -P\n",
        MethodName::Default | MethodName::Icmp | MethodName::Udp | MethodName::TcpConnect => {
            "This method has no options.\n"
        }
    })
}

const TCP_HELP: &str = "\
syn, ack, fin, rst, psh, urg, ece, cwr  set this flag [default: syn]
flags=N         set all flags at once
ecn             SYN with ECE and CWR, as who offers ECN does
sack, timestamps, window_scaling  send this option
sysctl          send all of them [default]
mss=N           offer this maximum segment size [default: 1460]
info            show the flags of answers
";

/// The method that the options name. Two different ones are refused.
fn named(arguments: &TraceArguments) -> Result<MethodName> {
    let flags = [
        (arguments.method.icmp, MethodName::Icmp, "-I"),
        (arguments.method.udp, MethodName::Udp, "-U"),
        (arguments.method.tcp, MethodName::Tcp, "-T"),
        (arguments.method.udplite, MethodName::UdpLite, "--udplite"),
        (arguments.method.dccp, MethodName::Dccp, "-D"),
        (arguments.method.protocol.is_some(), MethodName::Raw, "-P"),
    ];
    let mut chosen = flags.into_iter().filter(|(given, ..)| *given);
    let first = chosen.next();
    if let (Some((_, _, one)), Some((_, _, other))) = (first, chosen.next()) {
        bail!("{one} does not go with {other}: one method at a time");
    }
    match (first, arguments.method.module) {
        (Some((_, flag, name)), Some(module)) if flag != module => {
            bail!("{name} does not go with -M: one method at a time")
        }
        (Some((_, flag, _)), _) => Ok(flag),
        (None, Some(module)) => Ok(module),
        (None, None) if arguments.method.classic => Ok(MethodName::Default),
        (None, None) => Ok(MethodName::Icmp),
    }
}

/// How probes are made, and whether the flags of TCP answers are printed.
///
/// # Errors
/// One line: two methods, or an option that the method does not have.
pub fn probes(arguments: &TraceArguments) -> Result<(ProbeSpec, bool)> {
    let named = named(arguments)?;
    let options: Vec<_> = arguments.method.options.iter().flat_map(|options| options.0.clone()).collect();
    let port = |default| arguments.method.port.unwrap_or(default);
    // The destination port identifies a probe where it increases; else each probe needs a source port of its own.
    let ports = |protocol| Probes::Ports { protocol, own_port: !arguments.method.classic };
    let number = |name, max| number(&options, name, max);
    let mut info = false;
    let (method, sockets, port, name) = match named {
        MethodName::Icmp => (TraceMethod::Echo, Probes::Icmp, 0, "icmp"),
        MethodName::Default => {
            let spec = ProbeSpec::traceroute_ports(port(TRACEROUTE_PORT), arguments.method.classic);
            (spec.method, spec.sockets, spec.port, spec.name)
        }
        MethodName::Udp => (TraceMethod::Udp, ports(udp::PROTOCOL_UDP), port(UDP_PORT), "udp"),
        MethodName::UdpLite => {
            let coverage = number("coverage", 65_535)?.unwrap_or(0) as u16;
            (TraceMethod::UdpLite { coverage }, ports(udp::PROTOCOL_UDPLITE), port(UDP_PORT), "udplite")
        }
        MethodName::Tcp => {
            let segment;
            (segment, info) = tcp_options(&options)?;
            (TraceMethod::Tcp(segment), Probes::Tcp, port(TCP_PORT), "tcp")
        }
        MethodName::TcpConnect => (TraceMethod::Connect, Probes::Connect, port(TCP_PORT), "tcpconn"),
        MethodName::Dccp => {
            let service = number("service", u32::MAX.into())?.unwrap_or(0) as u32;
            (TraceMethod::Dccp { service }, Probes::Other(dccp::PROTOCOL_DCCP), port(TRACEROUTE_PORT), "dccp")
        }
        MethodName::Raw => {
            let given = match value(&options, "protocol") {
                None => None,
                Some(text) => match (PROTOCOL.parse)(text) {
                    None => bail!("-O protocol={}: {}", shown(text), PROTOCOL.allowed),
                    protocol => protocol,
                },
            };
            let protocol = arguments.method.protocol.or(given).unwrap_or(EXPERIMENT);
            let option = if arguments.method.protocol.is_some() { "-P " } else { "-O protocol=" };
            ensure!(
                !ICMP.contains(&protocol),
                "{option}{protocol}: no router answers ICMP of an unassigned type; -I sends echo requests"
            );
            (TraceMethod::Protocol(protocol), Probes::Other(protocol), 0, "raw")
        }
    };
    check(named, &options)?;
    let udp = matches!(named, MethodName::Default | MethodName::Udp);
    ensure!(!arguments.method.classic || udp, "--classic goes with UDP only (-U or -M default)");
    let implicit = named == MethodName::Icmp && !arguments.method.icmp && arguments.method.module.is_none();
    Ok((ProbeSpec { method, sockets, port, port_per_probe: arguments.method.classic, name, implicit }, info))
}

/// Refuses options that a method does not have.
fn check(named: MethodName, options: &[MethodOption]) -> Result<()> {
    let (method, known): (_, &[&str]) = match named {
        // Checked by `tcp_options`.
        MethodName::Tcp => return Ok(()),
        MethodName::UdpLite => ("udplite", &["coverage"]),
        MethodName::Dccp => ("dccp", &["service"]),
        MethodName::Raw => ("raw", &["protocol"]),
        MethodName::Icmp => ("icmp", &[]),
        MethodName::Default => ("default", &[]),
        MethodName::Udp => ("udp", &[]),
        MethodName::TcpConnect => ("tcpconn", &[]),
    };
    match options.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => bail!("-O {}: {} has no such option; -O help lists them", shown(name), method),
        None => Ok(()),
    }
}

fn shown(name: &str) -> String {
    escape::argument(name.as_ref())
}

/// The value of an option of the method; the last one counts.
fn value<'a>(options: &'a [MethodOption], wanted: &str) -> Option<&'a str> {
    let (_, value) = options.iter().rev().find(|(name, _)| name == wanted)?;
    Some(value.as_deref().unwrap_or_default())
}

/// The number of an option of the method, decimal, or hexadecimal after `0x`.
fn number(options: &[MethodOption], wanted: &str, max: u64) -> Result<Option<u64>> {
    let Some(value) = value(options, wanted) else { return Ok(None) };
    match up_to(max, value) {
        Some(number) => Ok(Some(number)),
        None => bail!("-O {wanted}={}: the value must be a whole number from 0 to {max}", shown(value)),
    }
}

/// The header of a TCP probe, and whether the flags of answers are printed (`info`).
fn tcp_options(options: &[MethodOption]) -> Result<(TcpOptions, bool)> {
    const SYN: u8 = tcp::SYN as u8;
    let has = |wanted: &str| options.iter().any(|(name, _)| name == wanted);
    let mut flags = number(options, "flags", 255)?.map_or(0, |flags| flags as u8);
    for (name, _) in options {
        match tcp::FLAG_NAMES.iter().position(|flag| flag == name) {
            Some(bit) => flags |= 1 << bit,
            None if name == "ecn" => flags |= SYN | 0xc0,
            None => {
                let known = ["flags", "sack", "timestamps", "window_scaling", "sysctl", "mss", "info"]
                    .contains(&name.as_str());
                ensure!(known, "-O {}: tcp has no such option; -O help lists them", shown(name));
            }
        }
    }
    if flags == 0 && !has("flags") {
        flags = SYN;
    }
    let syn = flags & SYN != 0;
    // All TCP options are sent unless the user chooses some of them, or flags.
    let chosen = options.iter().any(|(name, _)| !matches!(name.as_str(), "info" | "mss" | "sysctl"));
    let option = |name| syn && (has(name) || has("sysctl") || !chosen);
    let mss = number(options, "mss", 65_535)?.map_or(MSS, |mss| mss as u16);
    let segment = TcpOptions {
        flags,
        mss: syn.then_some(mss),
        sack: option("sack"),
        timestamps: option("timestamps"),
        window_scale: option("window_scaling"),
    };
    Ok((segment, has("info")))
}
