//! A request to trace: what the options mean together.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use anyhow::{Result, bail, ensure};

use super::format::FormatRequest;
use super::terminal;
use super::trace_method::{self, ProbeSpec};
use super::trace_values::PACKET_LEN;
use super::traceroute::TraceArguments;
use super::values::{families, host_name};
use super::verdict;
use crate::engine::trace::{TraceConfig, Wait};
use crate::escape;
use crate::probe::trace::{Carrier, Flow};
use crate::report::terminal::ColorWhen;
use crate::report::text::trace::TraceStyle;
use crate::stats::verdict::assertion::Assertion;
use crate::transport::{IpOption, Options, Pmtu, Stamping};
use crate::wire::Family;

/// Everything that the command line of `rping traceroute` requests, checked as far as possible before any name is
/// resolved.
#[derive(Clone, Debug)]
pub struct TraceRequest {
    /// Hosts of a loose source route (`-g`).
    pub gateways: Vec<String>,
    /// The address family that `-4` or `-6` names, or that another option needs.
    pub family: Option<Family>,
    /// How probes are made.
    pub probes: ProbeSpec,
    /// Source port (`--sport`).
    pub source_port: Option<u16>,
    /// Octets of a packet, IP header included; `None`: the default.
    pub packet_len: Option<usize>,
    /// Configuration of the session. Target, flow and lengths are not known yet.
    pub trace: TraceConfig,
    /// What the sockets are requested to do. [`IpOption::LooseSourceRoute`] is not set yet: gateways are still names.
    pub sockets: Options,
    /// How the text looks. Its name is the host as typed; address, zone and size are not known yet.
    pub style: TraceStyle,
    /// DNS server for AS numbers (`--as-server`).
    pub as_server: Option<SocketAddr>,
    /// DNS zone of AS numbers (`--as-zone`).
    pub as_zone: Option<String>,
    /// When the text has colours.
    pub color: ColorWhen,
    /// The format, and the file.
    pub format: FormatRequest,
    /// Whether sockets, clocks and ignored packets are printed too (`-v`).
    pub verbose: bool,
    /// What decides the exit status instead of the ending (`--assert`).
    pub assertion: Option<Assertion>,
    /// Whether a link names it after another program: then it has the exit status of that program, and its choice of the
    /// address family.
    pub by_link: bool,
    /// The text of tracepath(8), if a link names it after that program.
    pub tracepath: Option<Tracepath>,
}

/// What tracepath(8) requests beyond a traceroute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tracepath {
    /// Names and addresses (`-b`).
    pub both: bool,
}

/// The largest packet of IPv4, octets (RFC 791 section 3.1).
pub const LARGEST: usize = 65_535;

/// Last hop without `-m`.
const MAX_HOPS: u8 = 30;
/// Probes for each hop without `-q`.
const QUERIES: u8 = 3;
/// Octets of the send buffer: probes may be sent faster than a slow link transmits them.
const SEND_BUFFER: usize = 1 << 18;

impl TraceRequest {
    /// Checks the options against one another.
    ///
    /// # Errors
    /// One line, without the program's name.
    pub fn new(program: &str, by_link: bool, arguments: TraceArguments) -> Result<Self> {
        let family = family(&arguments)?;
        let (probes, flags) = trace_method::probes(&arguments)?;
        let (name, packet_len) = host(&arguments.host)?;
        let trace = trace(&arguments, probes)?;
        ensure!(arguments.route.gateway.len() <= 8, "-g: at most 8 gateways are allowed");
        let format = FormatRequest::new(&arguments.print.format, arguments.print.json)?;
        format.check_status(arguments.verdict.option())?;
        verdict::check_hops(&arguments.verdict.assert, trace.max_ttl)?;
        Ok(Self {
            gateways: arguments.route.gateway.iter().map(host_name).collect::<Result<_>>()?,
            family,
            probes,
            source_port: arguments.method.sport,
            packet_len,
            sockets: sockets(&arguments, family, packet_len),
            style: TraceStyle {
                program: program.to_owned(),
                name,
                max_ttl: trace.max_ttl,
                numeric: arguments.print.numeric,
                origins: arguments.print.as_path_lookups,
                extensions: arguments.print.extensions,
                back: arguments.print.back,
                flags,
                summary: arguments.print.summary,
                ..TraceStyle::of(NO_ADDRESS)
            },
            trace,
            as_server: arguments.print.as_server,
            as_zone: arguments.print.as_zone.clone(),
            color: terminal::color(&arguments.print.color, by_link),
            format,
            verbose: arguments.print.verbose,
            assertion: verdict::joined(&arguments.verdict.assert),
            by_link,
            tracepath: None,
        })
    }
}

/// Stands for an address that is not known yet.
const NO_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

fn family(arguments: &TraceArguments) -> Result<Option<Family>> {
    let named = arguments.route.family.named()?;
    let needed = arguments.route.source.map(Family::of);
    if let (Some(named), Some(needed), Some(source)) = (named, needed, arguments.route.source) {
        ensure!(named == needed, "-s {source} is not of the family that -4 or -6 selects");
    }
    ensure!(
        arguments.route.gateway.is_empty() || named != Some(Family::V6),
        "-g does not go with -6: Linux sends no IPv6 source routes (RFC 5095)"
    );
    let routed = (!arguments.route.gateway.is_empty()).then_some(Family::V4);
    Ok(named.or(needed).or(routed))
}

/// The host, and the length of a packet if one follows it.
fn host(arguments: &[OsString]) -> Result<(String, Option<usize>)> {
    match arguments {
        [] => bail!("no host given; to trace the way to a host, name it"),
        [host] => Ok((host_name(host)?, None)),
        [host, len] => match len.to_str().and_then(PACKET_LEN.parse) {
            Some(len) => Ok((host_name(host)?, Some(len))),
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

fn trace(arguments: &TraceArguments, probes: ProbeSpec) -> Result<TraceConfig> {
    let first_ttl = arguments.first.unwrap_or(1);
    let max_ttl = arguments.max_hops.unwrap_or(MAX_HOPS);
    ensure!(
        first_ttl <= max_ttl,
        "-f {first_ttl}: the first hop must not lie beyond the last, which is {max_ttl}"
    );
    // The source port identifies a probe unless all have one port; an MTU search needs the last answer first.
    let alone = arguments.method.sport.is_some() || arguments.mtu;
    Ok(TraceConfig {
        target: SocketAddr::new(NO_ADDRESS, probes.port),
        flow: Flow {
            src: NO_ADDRESS,
            dst: NO_ADDRESS,
            src_port: 0,
            src_ports: 1,
            dst_port: probes.port,
            method: probes.method,
            carrier: Carrier::Message,
            key: [0; 16],
        },
        len: 0,
        header_len: 0,
        first_ttl,
        max_ttl,
        queries: arguments.queries.unwrap_or(QUERIES),
        parallel: if alone { Some(1) } else { arguments.sim_queries },
        wait: arguments.wait.unwrap_or(Wait::Adaptive),
        gap: arguments.sendwait.unwrap_or_default(),
        gap_limit: arguments.gap_limit,
        neighbour: false,
        mtu: arguments.mtu,
    })
}

fn sockets(arguments: &TraceArguments, family: Option<Family>, packet_len: Option<usize>) -> Options {
    Options {
        families: families(family),
        raw_only: false,
        raw_first: false,
        about: None,
        answer_types: (0, 129),
        ident: None,
        device: arguments.route.interface.clone(),
        source: arguments.route.source.filter(|source: &IpAddr| !source.is_unspecified()),
        strict_source: false,
        found_source: true,
        connect: false,
        debug: arguments.other.debug,
        dont_route: arguments.route.bypass_route,
        mark: arguments.route.fwmark,
        pmtu: Some(if arguments.packet.dont_fragment || arguments.mtu { Pmtu::Probe } else { Pmtu::Dont }),
        broadcast: false,
        multicast_loop: true,
        ttl: None,
        tos: arguments.packet.tos,
        flow_label: arguments.packet.flowlabel,
        ip_option: IpOption::None,
        send_buffer: Some(SEND_BUFFER),
        stamps: arguments.other.clock.unwrap_or(Stamping::Both),
        headers: true,
        message_len: if arguments.mtu { 65_000 } else { packet_len.unwrap_or(0).max(1_500) },
        preload: 1,
    }
}
