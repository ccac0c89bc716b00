//! A request to ping: what the options mean together.

use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::format::{Format, FormatRequest};
use super::limits;
use super::many::{self, Many};
use super::ping::PingArguments;
use super::ping_verdict;
use super::stamps;
use super::terminal::{self, TerminalRequest};
use super::user_limits;
use super::values::{Stamps, families, host_name};
use super::verdict;
use super::wording::{OptionNames, PING};
use crate::engine::ping::{Config, Pacing};
use crate::probe::{Method, Payload, message_len};
use crate::report::style::{Canvas, Style};
use crate::stats::check::CheckLimits;
use crate::stats::verdict::assertion::Assertion;
use crate::transport::{IpOption, Options, Stamping};
use crate::wire::Family;

/// Everything that the command line of `rping ping` requests, checked as far as possible before any name is
/// resolved.
#[derive(Clone, Debug)]
pub struct PingRequest {
    /// The host last; before it, the one to four hosts of `-T tsprespec`. Of many hosts all, see [`Many::lists`].
    pub hosts: Vec<String>,
    /// The options for many hosts; `None`: one host is pinged.
    pub many: Option<Many>,
    /// The address family that `-4` or `-6` names, or that another option needs (`-R`, `-T`, `--query`, an address
    /// in `-I`).
    pub family: Option<Family>,
    /// Configuration of the session. Targets, window and time of day are not known yet.
    pub ping: Config,
    /// What the sockets are requested to do. [`IpOption::TimestampPrespecified`] is empty: its hosts are still names.
    pub sockets: Options,
    /// How the text looks. What concerns the target is not known yet.
    pub style: Style,
    /// What is shown on a terminal.
    pub terminal: TerminalRequest,
    /// What decides the exit status instead of answers (`--assert`).
    pub assertion: Option<Assertion>,
    /// From one probe to the next; 0 for a flood without `-i`.
    pub interval: Duration,
    /// How long a window is (`--every`).
    pub every: Option<Duration>,
    /// Whether windows have the figures since the start (`--cumulative`).
    pub cumulative: bool,
    /// How often names are looked up again.
    pub resolve_again: Option<Duration>,
    /// The format, and the file.
    pub format: FormatRequest,
    /// The limits of the states of Nagios (`--warn`, `--crit`).
    pub limits: CheckLimits,
    /// Whether no name is shown for an address (`-n`, `-f`).
    pub numeric: bool,
    /// Whether the names of responders are looked up (`-H`).
    pub resolve: bool,
    /// Whether the real user is root; ordinary users have limits.
    pub superuser: bool,
    /// The names of the options in messages.
    pub wording: OptionNames,
}

/// Most octets of data that fit an IPv4 packet: 65535 less 20 (RFC 791 section 3.1) and the ICMP header.
const MAX_SIZE_V4: usize = 65_507;
/// The same, when the IPv4 header has all its 40 octets of options.
const MAX_SIZE_V4_OPTIONS: usize = 65_467;
/// Most octets of data that fit an IPv6 packet: 65535 (RFC 8200 section 3) less the ICMP header.
const MAX_SIZE_V6: usize = 65_527;
/// Octets of data without `-s`.
const DEFAULT_SIZE: usize = 56;
/// Probes of a check without `-c`, which ends by itself: as check_ping and check_icmp send them.
const CHECK_COUNT: u64 = 5;

impl PingRequest {
    /// Checks the options against one another.
    ///
    /// # Errors
    /// One line, without the program's name.
    pub fn new(program: &str, by_link: bool, mut arguments: PingArguments, superuser: bool) -> Result<Self> {
        let format = FormatRequest::new(&arguments.print.format, arguments.print.json)?;
        format.check_status(arguments.verdict.option())?;
        let ends = arguments.deadline.is_some() || many::given(&many::sweeps(&arguments)).is_some();
        if format.format == Format::Nagios && !ends {
            arguments.count.get_or_insert(CHECK_COUNT);
        }
        let method = arguments.packet.query.unwrap_or(Method::Echo);
        let family = family(&arguments, method)?;
        let size = size(&arguments, method)?;
        let dots = arguments.pace.flood && !arguments.print.quiet;
        if let Some(option) = format.option().filter(|_| dots) {
            bail!("-f prints dots and does not go with {option}; -q -f does");
        }
        arguments.long_run.check(dots)?;
        ensure!(
            arguments.other.names.resolve_again.is_none() || !arguments.route.connect,
            "--resolve-again does not go with -C, which connects the socket to one address"
        );
        if arguments.long_run.every.is_some() {
            format.check_windows()?;
        }
        let many = Many::new(&arguments, &format, superuser)?;
        let terminal = terminal(&arguments, &format, by_link, many.is_some())?;
        let hosts = hosts(&arguments, many.is_some())?;
        let default_interval = if arguments.pace.flood { Duration::ZERO } else { Duration::from_secs(1) };
        let interval = arguments.interval.unwrap_or(default_interval);
        let pacing = match &many {
            None => pacing(&arguments, interval, superuser),
            Some(many) => many.pacing(&arguments, interval),
        };
        if !superuser {
            user_limits::check(&arguments, interval)?;
        }
        ping_verdict::check(&arguments, pacing, many.is_some())?;
        let stamps = stamps::of(&arguments, many.as_ref(), format.format)?;
        let sampled = stamps == Stamping::Sampled;
        let ping = Config { sampled, ..session(&arguments, method, size, pacing, many.is_none()) };
        let request = Self {
            hosts,
            family,
            sockets: Options { stamps, ..sockets(&arguments, &ping, many.as_ref(), family) },
            ping,
            style: style(program, &arguments, size, interval),
            terminal,
            many,
            assertion: verdict::joined(&arguments.verdict.assert),
            interval,
            every: arguments.long_run.every,
            cumulative: arguments.long_run.cumulative,
            resolve_again: arguments.other.names.resolve_again,
            limits: terminal::check_limits(&arguments.print.terminal, &format)?,
            format,
            numeric: arguments.print.numeric || arguments.pace.flood,
            resolve: arguments.print.resolve,
            superuser,
            wording: PING,
        };
        if let Some(family) = family {
            request.check_size(family)?;
        }
        Ok(request)
    }

    /// Checks that the data fit a packet of the family that the target has.
    ///
    /// # Errors
    /// One line, without the program's name.
    pub fn check_size(&self, family: Family) -> Result<()> {
        let (max, packet) = match (family, &self.sockets.ip_option) {
            (Family::V6, _) => (MAX_SIZE_V6, "over IPv6"),
            (Family::V4, IpOption::None) => (MAX_SIZE_V4, "over IPv4"),
            (Family::V4, _) => (MAX_SIZE_V4_OPTIONS, "with -R or -T"),
        };
        let size = self.style.size;
        ensure!(size <= max, "-s {size}: the size must be a whole number from 0 to {max} {packet}");
        Ok(())
    }

    /// Checks that this user may ping a broadcast or multicast address at this interval.
    ///
    /// # Errors
    /// One line, without the program's name.
    pub fn check_interval_to_many(&self) -> Result<()> {
        ensure!(
            self.superuser || self.interval >= user_limits::MIN_INTERVAL_TO_MANY,
            "broadcast ping with too short interval: {}; ordinary users need -i 1 (or higher)",
            self.interval.as_millis()
        );
        Ok(())
    }
}

/// What is shown on a terminal.
fn terminal(
    arguments: &PingArguments,
    format: &FormatRequest,
    by_link: bool,
    many: bool,
) -> Result<TerminalRequest> {
    let request = TerminalRequest::new(&arguments.print.terminal, by_link)?;
    if request.compact {
        terminal::check_compact(&[
            (!format.is_text(), format.option().unwrap_or_default()),
            (arguments.print.quiet, "-q"),
            (arguments.pace.flood, "-f"),
            (many, "many hosts"),
        ])?;
    }
    Ok(request)
}

/// The hosts as text, as many as the options need.
fn hosts(arguments: &PingArguments, many: bool) -> Result<Vec<String>> {
    if many {
        return arguments.hosts.iter().map(host_name).collect();
    }
    let Some((_, before)) = arguments.hosts.split_last() else {
        bail!("usage error: Destination address required");
    };
    if arguments.stamps_prespecified() {
        ensure!(
            (1..=4).contains(&before.len()),
            "-T tsprespec: 1 to 4 hosts must stand before the destination, not {}",
            before.len()
        );
    }
    arguments.hosts.iter().map(host_name).collect()
}

/// The family that `-4` or `-6` names, or that another option needs.
fn family(arguments: &PingArguments, method: Method) -> Result<Option<Family>> {
    let named = arguments.route.family.named()?;
    ensure!(
        !(arguments.packet.record_route && arguments.packet.ip_timestamp.is_some()),
        "only one of -T or -R may be used"
    );
    let (_, source) = device_and_source(arguments);
    let needs = [
        arguments.packet.record_route.then(|| ("-R".to_string(), Family::V4)),
        arguments.packet.ip_timestamp.map(|_| ("-T".to_string(), Family::V4)),
        match method {
            Method::Echo => None,
            Method::Timestamp => Some(("--query timestamp".to_string(), Family::V4)),
            Method::Mask => Some(("--query mask".to_string(), Family::V4)),
        },
        source.map(|source| match source {
            IpAddr::V4(_) => (format!("-I {source}"), Family::V4),
            IpAddr::V6(_) => (format!("-I {source}"), Family::V6),
        }),
    ];
    let mut found = named.map(|family| match family {
        Family::V4 => ("-4".to_string(), family),
        Family::V6 => ("-6".to_string(), family),
    });
    for (option, family) in needs.into_iter().flatten() {
        match &found {
            Some((other, wanted)) if *wanted != family => {
                bail!("{option} is for {} only and does not go with {other}", name(family));
            }
            _ => found = Some((option, family)),
        }
    }
    Ok(found.map(|(_, family)| family))
}

fn name(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}

/// Octets behind the ICMP header. Timestamp queries have 12 (RFC 792 page 16), mask queries 4 (RFC 950 appendix I).
fn size(arguments: &PingArguments, method: Method) -> Result<usize> {
    let (query, fixed) = match method {
        Method::Echo => return Ok(arguments.packet.size.unwrap_or(DEFAULT_SIZE)),
        Method::Timestamp => ("timestamp", 12),
        Method::Mask => ("mask", 4),
    };
    ensure!(arguments.packet.size.is_none(), "-s does not go with --query {query}, which carries no data");
    ensure!(arguments.packet.pattern.is_none(), "-p does not go with --query {query}, which carries no data");
    Ok(fixed)
}

/// The last interface and the last address that `-I` named.
fn device_and_source(arguments: &PingArguments) -> (Option<String>, Option<IpAddr>) {
    let device = arguments.route.interface.iter().rev().find_map(|via| via.device.clone());
    let source = arguments.route.interface.iter().rev().find_map(|via| via.source);
    (device, source)
}

/// How probes to one host follow one another.
fn pacing(arguments: &PingArguments, interval: Duration, superuser: bool) -> Pacing {
    let preload = arguments.pace.preload.unwrap_or(1);
    let floor = if superuser { Duration::ZERO } else { user_limits::MIN_INTERVAL };
    match arguments.pace.adaptive {
        true => Pacing::Adaptive { interval, floor, preload },
        false if interval.is_zero() => Pacing::Flood { preload },
        false => Pacing::Rounds { interval, preload, rate: None },
    }
}

fn session(arguments: &PingArguments, method: Method, size: usize, pacing: Pacing, classic: bool) -> Config {
    let positive = |time: Duration| Some(time).filter(|time| !time.is_zero());
    let linger = arguments.linger;
    Config {
        targets: Rc::default(),
        names: 0,
        method,
        payload: Payload::new(size, arguments.packet.pattern.as_ref().map(|pattern| pattern.0.as_slice())),
        pacing,
        count: arguments.count,
        window: 1,
        classic,
        deadline: arguments.deadline.and_then(positive),
        linger: limits::linger(arguments, classic),
        patience: linger.and_then(positive).filter(|_| !pacing.is_retry()),
        timeout_decides: false,
        enough: arguments.many.min_reachable.or(arguments.pace.first_reply.then_some(1)),
        limits: limits::limits(arguments),
        report_unanswered: arguments.print.outstanding && arguments.pace.timeout.is_none() && classic,
        many_responders: false,
        anycast: false,
        sampled: false,
        millis_of_day: 0,
    }
}

fn sockets(arguments: &PingArguments, ping: &Config, many: Option<&Many>, family: Option<Family>) -> Options {
    let (device, source) = device_and_source(arguments);
    Options {
        families: families(family),
        // Each raw socket gets the answers to all; of datagram sockets with one identifier only one does.
        raw_first: arguments.packet.ident.is_some(),
        about: None,
        raw_only: arguments.packet.ident == Some(0) || ping.method != Method::Echo,
        answer_types: match ping.method {
            Method::Echo => (0, 129),
            Method::Timestamp => (14, 129),
            Method::Mask => (18, 129),
        },
        ident: arguments.packet.ident,
        device,
        source,
        strict_source: arguments.route.sticky_source,
        found_source: false,
        connect: arguments.route.connect,
        debug: arguments.other.debug,
        dont_route: arguments.route.bypass_route,
        mark: arguments.route.mark,
        pmtu: arguments.packet.pmtudisc,
        broadcast: arguments.route.broadcast,
        multicast_loop: !arguments.route.no_loopback,
        ttl: arguments.packet.ttl,
        tos: arguments.packet.tos,
        flow_label: arguments.packet.flow_label,
        ip_option: match (arguments.packet.record_route, arguments.packet.ip_timestamp) {
            (true, _) => IpOption::RecordRoute,
            (false, None) => IpOption::None,
            (false, Some(Stamps::Only)) => IpOption::Timestamp,
            (false, Some(Stamps::AndAddress)) => IpOption::TimestampAndAddress,
            (false, Some(Stamps::Prespecified)) => IpOption::TimestampPrespecified(Vec::new()),
        },
        send_buffer: arguments.other.sndbuf.or(many.map(|_| many::SEND_BUFFER)),
        stamps: Stamping::Both,
        // A quiet run prints none of them.
        headers: !arguments.print.quiet,
        message_len: message_len(ping.method, &ping.payload),
        preload: arguments.pace.preload.unwrap_or(1),
    }
}

fn style(program: &str, arguments: &PingArguments, size: usize, interval: Duration) -> Style {
    let (device, _) = device_and_source(arguments);
    let ip_options = arguments.packet.record_route || arguments.packet.ip_timestamp.is_some();
    Style {
        program: program.to_owned(),
        zone: device.clone(),
        device,
        size,
        overhead: if ip_options { 68 } else { 28 },
        pattern: arguments.packet.pattern.as_ref().map(|pattern| pattern.0.clone()),
        quiet: arguments.print.quiet,
        flood: arguments.pace.flood,
        adaptive: arguments.pace.adaptive,
        interval_zero: interval.is_zero(),
        verbose: arguments.print.verbose,
        audible: arguments.print.audible,
        outstanding: arguments.print.outstanding,
        timestamps: arguments.print.timestamps,
        full_precision: arguments.print.rtt_precision,
        timeouts: arguments.pace.timeout.is_some(),
        stats: arguments.figures.stats,
        histogram: arguments.figures.histogram.then(Canvas::default),
        ..Style::of(Ipv4Addr::UNSPECIFIED.into())
    }
}
