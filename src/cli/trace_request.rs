//! A request to trace: what the options mean together.

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::trace_values::{Named, PACKET_LEN};
use super::traceroute::Arguments;
use crate::engine::trace::Wait;
use crate::escape;
use crate::probe::trace::{TcpOptions, TraceMethod};
use crate::transport::{Families, IpOption, Options, Pmtu, Probes, Stamping};
use crate::wire::Family;
use crate::wire::udp;

/// How probes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Way {
    /// What is sent, by hand where that is permitted.
    pub method: TraceMethod,
    /// What the sockets must know of it.
    pub probes: Probes,
    /// Destination port; 0 without ports.
    pub port: u16,
    /// Whether the port rises with each probe (`--classic`).
    pub rises: bool,
    /// What it is called.
    pub name: &'static str,
    /// Whether it was chosen for want of another wish, so that another may take its place.
    pub by_default: bool,
}

impl Way {
    /// UDP to the traceroute ports.
    pub const fn traceroute_ports(port: u16, rises: bool) -> Self {
        Self {
            method: TraceMethod::Udp,
            probes: Probes::Ports { protocol: udp::PROTOCOL_UDP, own_port: false },
            port,
            rises,
            name: "udp",
            by_default: false,
        }
    }
}

/// Everything that `rping traceroute` was asked, checked as far as one can before names are looked up.
#[derive(Clone, Debug)]
pub struct Request {
    /// Prefix of messages.
    pub program: String,
    /// The target.
    pub host: String,
    /// `-g`: hosts to go by.
    pub gateways: Vec<String>,
    /// The family that was asked for, or that an option needs.
    pub family: Option<Family>,
    /// How probes are made.
    pub way: Way,
    /// `--sport`.
    pub source_port: Option<u16>,
    /// Octets of a packet, IP header included, where that was said.
    pub packet_len: Option<usize>,
    /// `-f`.
    pub first_ttl: u8,
    /// `-m`.
    pub max_ttl: u8,
    /// `-q`.
    pub queries: u8,
    /// `-N`.
    pub parallel: Option<u16>,
    /// `-w`.
    pub wait: Wait,
    /// `-z`.
    pub gap: Duration,
    /// `--gap-limit`.
    pub gap_limit: Option<u8>,
    /// `--mtu`.
    pub mtu: bool,
    /// `-n`.
    pub numeric: bool,
    /// `-A`.
    pub origins: bool,
    /// `--as-server`.
    pub as_server: Option<SocketAddr>,
    /// `--as-zone`.
    pub as_zone: Option<String>,
    /// `-e`.
    pub extensions: bool,
    /// `--back`.
    pub back: bool,
    /// `-O info`.
    pub info: bool,
    /// `--summary`.
    pub summary: bool,
    /// `--json`.
    pub json: bool,
    /// `-v`.
    pub verbose: bool,
    /// What the sockets are asked for. [`IpOption::LooseSourceRoute`] is not set yet: gateways are still names.
    pub transport: Options,
}

/// Last hop unless `-m` says so.
const MAX_HOPS: u8 = 30;
/// Probes for each hop unless `-q` says so.
const QUERIES: u8 = 3;
/// The first of the ports that traceroute made its own.
const TRACEROUTE_PORT: u16 = 33_434;
/// The port of DNS, of -U and of UDP-Lite.
const UDP_PORT: u16 = 53;
/// The port of the web, of -T.
const TCP_PORT: u16 = 80;
/// The protocol for experiments, of -M raw (RFC 3692).
const EXPERIMENT: u8 = 253;
/// Maximum segment size that a SYN offers: an Ethernet's.
const MSS: u16 = 1_460;

impl Request {
    /// Checks the options against one another. The error is one line, without the program's name.
    pub fn new(program: &str, arguments: Arguments) -> Result<Self> {
        let family = family(&arguments)?;
        let (way, info) = way(&arguments)?;
        let (host, packet_len) = host(&arguments.host)?;
        let first_ttl = arguments.first.unwrap_or(1);
        let max_ttl = arguments.max_hops.unwrap_or(MAX_HOPS);
        ensure!(
            first_ttl <= max_ttl,
            "-f {first_ttl}: the first hop must not lie beyond the last, which is {max_ttl}"
        );
        ensure!(arguments.gateway.len() <= 8, "-g: at most 8 gateways are allowed");
        let gateways = arguments.gateway.iter().map(text).collect::<Result<_>>()?;
        let alone = arguments.sport.is_some() || arguments.mtu;
        Ok(Self {
            program: program.to_string(),
            host,
            gateways,
            family,
            way,
            source_port: arguments.sport,
            packet_len,
            first_ttl,
            max_ttl,
            queries: arguments.queries.unwrap_or(QUERIES),
            parallel: if alone { Some(1) } else { arguments.sim_queries },
            wait: arguments.wait.unwrap_or(Wait::Adaptive),
            gap: arguments.sendwait.unwrap_or_default(),
            gap_limit: arguments.gap_limit,
            mtu: arguments.mtu,
            numeric: arguments.numeric,
            origins: arguments.as_path_lookups,
            as_server: arguments.as_server,
            as_zone: arguments.as_zone.clone(),
            extensions: arguments.extensions,
            back: arguments.back,
            info,
            summary: arguments.summary,
            json: arguments.json,
            verbose: arguments.verbose,
            transport: transport(&arguments, family, packet_len),
        })
    }

    /// What `-O help` prints for the method; `None` where it was not asked.
    pub fn method_help(arguments: &Arguments) -> Option<String> {
        let asked = arguments.options.iter().flat_map(|options| &options.0).any(|(name, _)| name == "help");
        if !asked {
            return None;
        }
        Some(match named(arguments).unwrap_or(Named::Icmp) {
            Named::Tcp => TCP_HELP.to_string(),
            Named::UdpLite => "coverage=N  octets that the checksum covers, 0 for all\n".to_string(),
            Named::Dccp => "service=N   the service code, decimal, or hexadecimal after 0x\n".to_string(),
            Named::Raw => "protocol=N  the IP protocol, as with -P\n".to_string(),
            Named::Default | Named::Icmp | Named::Udp | Named::TcpConnect => {
                "This method has no options.\n".to_string()
            }
        })
    }
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

fn family(arguments: &Arguments) -> Result<Option<Family>> {
    ensure!(!(arguments.ipv4 && arguments.ipv6), "only one -4 or -6 option may be specified");
    let asked = match (arguments.ipv4, arguments.ipv6) {
        (true, _) => Some(Family::V4),
        (_, true) => Some(Family::V6),
        (false, false) => None,
    };
    let needed = arguments.source.map(Family::of);
    if let (Some(asked), Some(needed), Some(source)) = (asked, needed, arguments.source) {
        ensure!(asked == needed, "-s {source} is of the other family than -4 or -6 asks for");
    }
    ensure!(
        arguments.gateway.is_empty() || asked != Some(Family::V6),
        "-g does not go with -6: Linux sends no IPv6 source routes (RFC 5095)"
    );
    let routed = (!arguments.gateway.is_empty()).then_some(Family::V4);
    Ok(asked.or(needed).or(routed))
}

/// The method that was named; the last name counts where several agree, and two that do not are refused.
fn named(arguments: &Arguments) -> Result<Named> {
    let letters = [
        (arguments.icmp, Named::Icmp, "-I"),
        (arguments.udp, Named::Udp, "-U"),
        (arguments.tcp, Named::Tcp, "-T"),
        (arguments.udplite, Named::UdpLite, "--udplite"),
        (arguments.dccp, Named::Dccp, "-D"),
        (arguments.protocol.is_some(), Named::Raw, "-P"),
    ];
    let mut chosen = letters.into_iter().filter(|(given, ..)| *given);
    let first = chosen.next();
    if let (Some((_, _, one)), Some((_, _, other))) = (first, chosen.next()) {
        bail!("{one} does not go with {other}: one method at a time");
    }
    match (first, arguments.method) {
        (Some((_, letter, name)), Some(word)) if letter != word => {
            bail!("{name} does not go with -M: one method at a time")
        }
        (Some((_, letter, _)), _) => Ok(letter),
        (None, Some(word)) => Ok(word),
        (None, None) if arguments.classic => Ok(Named::Default),
        (None, None) => Ok(Named::Icmp),
    }
}

/// How probes are made, and whether the flags of answers are shown.
fn way(arguments: &Arguments) -> Result<(Way, bool)> {
    let named = named(arguments)?;
    let words: Vec<_> = arguments.options.iter().flat_map(|options| options.0.clone()).collect();
    let port = |default| arguments.port.unwrap_or(default);
    let ports = |protocol| Probes::Ports { protocol, own_port: true };
    let mut info = false;
    let (method, probes, port, name) = match named {
        Named::Icmp => (TraceMethod::Echo, Probes::Icmp, 0, "icmp"),
        Named::Default => {
            let way = Way::traceroute_ports(port(TRACEROUTE_PORT), arguments.classic);
            (way.method, way.probes, way.port, way.name)
        }
        Named::Udp => (TraceMethod::Udp, ports(udp::PROTOCOL_UDP), port(UDP_PORT), "udp"),
        Named::UdpLite => {
            let coverage = number(&words, "coverage", 65_535)?.unwrap_or(0) as u16;
            (TraceMethod::UdpLite { coverage }, ports(udp::PROTOCOL_UDPLITE), port(UDP_PORT), "udplite")
        }
        Named::Tcp => {
            let options;
            (options, info) = tcp_options(&words)?;
            (TraceMethod::Tcp(options), Probes::Tcp, port(TCP_PORT), "tcp")
        }
        Named::TcpConnect => (TraceMethod::Connect, Probes::Connect, port(TCP_PORT), "tcpconn"),
        Named::Dccp => {
            let service = number(&words, "service", u32::MAX.into())?.unwrap_or(0) as u32;
            (TraceMethod::Dccp { service }, Probes::Other(33), port(TRACEROUTE_PORT), "dccp")
        }
        Named::Raw => {
            let protocol = number(&words, "protocol", 255)?.map(|number| number as u8);
            let protocol = arguments.protocol.or(protocol).unwrap_or(EXPERIMENT);
            (TraceMethod::Protocol(protocol), Probes::Other(protocol), 0, "raw")
        }
    };
    check_words(named, &words)?;
    let udp = matches!(named, Named::Default | Named::Udp);
    ensure!(!arguments.classic || udp, "--classic goes with UDP only (-U or -M default)");
    let by_default = named == Named::Icmp && !arguments.icmp && arguments.method.is_none();
    // A port that rises tells probes apart by itself.
    let probes = match probes {
        Probes::Ports { protocol, .. } if arguments.classic => Probes::Ports { protocol, own_port: false },
        probes => probes,
    };
    Ok((Way { method, probes, port, rises: arguments.classic, name, by_default }, info))
}

type Word = (String, Option<String>);

/// Refuses what a method does not know.
fn check_words(named: Named, words: &[Word]) -> Result<()> {
    let (method, known): (_, &[&str]) = match named {
        // Checked with their meaning.
        Named::Tcp => return Ok(()),
        Named::UdpLite => ("udplite", &["coverage"]),
        Named::Dccp => ("dccp", &["service"]),
        Named::Raw => ("raw", &["protocol"]),
        Named::Icmp => ("icmp", &[]),
        Named::Default => ("default", &[]),
        Named::Udp => ("udp", &[]),
        Named::TcpConnect => ("tcpconn", &[]),
    };
    match words.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        Some((name, _)) => bail!("-O {}: {} has no such option; -O help lists them", shown(name), method),
        None => Ok(()),
    }
}

fn shown(name: &str) -> String {
    escape::argument(name.as_ref())
}

/// The value of an option of the method.
fn number(words: &[Word], wanted: &str, max: u64) -> Result<Option<u64>> {
    let Some((_, value)) = words.iter().rev().find(|(name, _)| name == wanted) else { return Ok(None) };
    let value = value.as_deref().unwrap_or_default();
    let number = match value.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None => value.parse().ok(),
    };
    match number.filter(|number| *number <= max) {
        Some(number) => Ok(Some(number)),
        None => bail!("-O {wanted}={}: the value must be a whole number from 0 to {max}", shown(value)),
    }
}

/// What a TCP probe says, and whether the flags of answers are shown.
fn tcp_options(words: &[Word]) -> Result<(TcpOptions, bool)> {
    const FLAGS: [&str; 8] = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"];
    const SYN: u8 = 2;
    let has = |wanted: &str| words.iter().any(|(name, _)| name == wanted);
    let mut flags = number(words, "flags", 255)?.map_or(0, |flags| flags as u8);
    for (name, _) in words {
        match FLAGS.iter().position(|flag| flag == name) {
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
    // Whoever chooses flags or options gets no others.
    let chosen = words.iter().any(|(name, _)| !matches!(name.as_str(), "info" | "mss" | "sysctl"));
    let option = |name| syn && (has(name) || has("sysctl") || !chosen);
    let mss = number(words, "mss", 65_535)?.map_or(MSS, |mss| mss as u16);
    let options = TcpOptions {
        flags,
        mss: syn.then_some(mss),
        sack: option("sack"),
        timestamps: option("timestamps"),
        window_scale: option("window_scaling"),
    };
    Ok((options, has("info")))
}

/// The host, and the length of a packet behind it.
fn host(arguments: &[OsString]) -> Result<(String, Option<usize>)> {
    match arguments {
        [] => bail!("no host given; to trace the way to a host, name it"),
        [host] => Ok((text(host)?, None)),
        [host, len] => match len.to_str().and_then(PACKET_LEN.parse) {
            Some(len) => Ok((text(host)?, Some(len))),
            None => bail!("{}: {}", escape::argument(len), PACKET_LEN.allowed),
        },
        [_, _, more, ..] => {
            bail!(
                "unexpected argument '{}': a host and the length of a packet are all",
                escape::argument(more)
            )
        }
    }
}

fn text(name: &OsString) -> Result<String> {
    match name.to_str() {
        Some(name) => Ok(name.to_string()),
        None => bail!("{}: the host's name must be UTF-8 text", escape::argument(name)),
    }
}

fn transport(arguments: &Arguments, family: Option<Family>, packet_len: Option<usize>) -> Options {
    Options {
        families: match family {
            None => Families::Both,
            Some(Family::V4) => Families::V4,
            Some(Family::V6) => Families::V6,
        },
        raw_only: false,
        raw_first: false,
        about: None,
        answer_types: (0, 129),
        ident: None,
        device: arguments.interface.clone(),
        source: arguments.source.filter(|source: &IpAddr| !source.is_unspecified()),
        strict_source: false,
        connect: false,
        debug: arguments.debug,
        dont_route: arguments.bypass_route,
        mark: arguments.fwmark,
        pmtu: Some(if arguments.dont_fragment || arguments.mtu { Pmtu::Probe } else { Pmtu::Dont }),
        broadcast: false,
        multicast_loop: true,
        ttl: None,
        tos: arguments.tos,
        flow_label: arguments.flowlabel,
        ip_option: IpOption::None,
        // Probes leave faster than a slow link carries them.
        send_buffer: Some(1 << 18),
        stamps: arguments.clock.unwrap_or(Stamping::Both),
        headers: true,
        message_len: if arguments.mtu { 65_000 } else { packet_len.unwrap_or(0).max(1_500) },
        preload: 1,
    }
}
