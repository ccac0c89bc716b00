//! The options of fping together: a request of `rping ping` for many hosts.

use std::ffi::OsString;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use super::FpingRefusal;
use super::arguments::FpingArguments;
use super::values::{BackoffFactor, Ttl};
use crate::cli::format::FormatRequest;
use crate::cli::many::{self, FpingRequest, Many, ReverseNames};
use crate::cli::ping_request::PingRequest;
use crate::cli::terminal::TerminalRequest;
use crate::cli::values::families;
use crate::cli::wording::FPING;
use crate::engine::ping::{Backoff, Config, Limits, Pacing, ProbeRate};
use crate::escape;
use crate::probe::{Method, Payload, message_len};
use crate::report::style::Style;
use crate::report::text::fping::{FpingStyle, HostLines, Rows};
use crate::report::text::many::Show;
use crate::stats::check::CheckLimits;
use crate::transport::{IpOption, Options, Pmtu, Stamping, check_scope};
use crate::wire::Family;

/// Octets of data without `-b`.
const DEFAULT_SIZE: u32 = 56;
/// Most octets of data.
const MAX_SIZE: u32 = 65_488;
/// Between two probes without `-i`.
const INTERVAL: Duration = Duration::from_millis(10);
/// Shortest `-i` of ordinary users.
const MIN_USER_INTERVAL: Duration = Duration::from_millis(1);
/// Between two probes to a target without `-p`.
const PERIOD: Duration = Duration::from_secs(1);
/// Shortest `-p` of ordinary users.
const MIN_USER_PERIOD: Duration = Duration::from_millis(10);
/// How long the first probe is waited for without `-t`.
const TIMEOUT: Duration = Duration::from_millis(500);
/// How long each probe is waited for at most without `-t`, where the period is longer. Where there is none, it is as long
/// as the first one is waited for otherwise.
const MAX_TIMEOUT: Duration = Duration::from_secs(2);
/// Further probes to a silent target without `-r`.
const RETRIES: u32 = 3;
/// Smallest and largest factor of `-B`.
const FACTORS: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));
/// Addresses of a range of `-g` at most.
const MAX_RANGE: u32 = 131_072;
/// Bits of the shortest prefix of `-g`: its hosts are as many as can be probed.
const SHORTEST_PREFIX: u8 = 8;
/// The refusal of more.
const TOO_MANY: &str = "-g parameter generates too many addresses";

/// Checks the options against one another.
///
/// # Errors
/// Which option is wrong, and what is allowed.
pub fn request(
    program: &str,
    arguments: FpingArguments,
    superuser: bool,
) -> Result<PingRequest, FpingRefusal> {
    let family = check(&arguments, superuser)?;
    let source = arguments.source().map_err(|text| {
        FpingRefusal::new(format!("can't parse source address: {}", escape::argument(&text)))
    })?;
    let size = arguments.size.unwrap_or(DEFAULT_SIZE) as usize;
    let ping = session(&arguments, size);
    let (hosts, lists) = targets(&arguments)?;
    let sockets = routed_by_kernel(sockets(&arguments, &ping, source, family), &hosts);
    Ok(PingRequest {
        hosts,
        many: Some(of_hosts(&arguments, lists)),
        family,
        ping,
        sockets,
        style: Style {
            program: program.to_owned(),
            size,
            quiet: quiet(&arguments),
            ..Style::of(Ipv4Addr::UNSPECIFIED.into())
        },
        interval: arguments.period.unwrap_or(PERIOD),
        every: every(&arguments),
        // Netdata adds up itself.
        cumulative: !arguments.netdata && arguments.squiet.is_some_and(|splits| splits.cumulative),
        resolve_again: None,
        assertion: None,
        format: FormatRequest::default(),
        limits: CheckLimits::default(),
        terminal: TerminalRequest::none(),
        numeric: true,
        resolve: false,
        superuser,
        wording: FPING,
    })
}

/// Checks what does not depend on the targets. Returns the family that `-4` or `-6` names.
fn check(arguments: &FpingArguments, superuser: bool) -> Result<Option<Family>, FpingRefusal> {
    let refuse = |reason: String| Err(FpingRefusal::new(reason));
    let together = [
        (arguments.ipv4 && arguments.ipv6, "can't specify both -4 and -6"),
        (arguments.name && arguments.rdns, "use either one of -d or -n"),
        (arguments.alive && arguments.unreach, "specify only one of a, u"),
        (count(arguments).is_some() && arguments.endless, "specify only one of c, l"),
        (arguments.json, "-J is not supported; rping ping --json prints JSON"),
    ];
    if let Some((_, reason)) = together.into_iter().find(|(given, _)| *given) {
        return refuse(reason.to_owned());
    }
    if let Some(Ttl(ttl)) = arguments.ttl.filter(|ttl| u8::try_from(ttl.0).is_err()) {
        return refuse(format!("ttl {ttl} out of range"));
    }
    if let Some(size) = arguments.size.filter(|size| *size > MAX_SIZE) {
        return refuse(format!("data size {size} not valid, must be lower than {MAX_SIZE}"));
    }
    if let Some(BackoffFactor(factor)) = arguments.backoff
        && !(FACTORS.0..=FACTORS.1).contains(&factor)
    {
        let [factor, min, max] = [factor, FACTORS.0, FACTORS.1].map(|factor| factor.as_secs_f64());
        return refuse(format!(
            "backoff factor {factor:.1} not valid, must be between {min:.1} and {max:.1}"
        ));
    }
    let fast = arguments.interval.is_some_and(|interval| interval < MIN_USER_INTERVAL)
        || arguments.period.is_some_and(|period| period < MIN_USER_PERIOD);
    if fast && !superuser {
        let (interval, period) = (MIN_USER_INTERVAL.as_millis(), MIN_USER_PERIOD.as_millis());
        return refuse(format!(
            "these options are too risky for mere mortals.\nfping: You need -i >= {interval} and -p >= {period}"
        ));
    }
    Ok(match (arguments.ipv4, arguments.ipv6) {
        (true, _) => Some(Family::V4),
        (_, true) => Some(Family::V6),
        (false, false) => None,
    })
}

/// What the session is requested to do with `size` octets of data.
fn session(arguments: &FpingArguments, size: usize) -> Config {
    let (pacing, timeout) = pacing(arguments);
    Config {
        targets: Rc::default(),
        names: 0,
        method: Method::Echo,
        payload: Payload::new(size, None),
        pacing,
        count: count(arguments),
        window: 1,
        classic: false,
        deadline: None,
        linger: Some(timeout),
        patience: (!pacing.is_retry()).then_some(timeout),
        timeout_decides: true,
        enough: arguments.fast_reachable,
        limits: Limits::default(),
        report_unanswered: false,
        many_responders: false,
        anycast: false,
        sampled: false,
        millis_of_day: 0,
    }
}

/// What is requested of the hosts, of which some are in `lists`.
fn of_hosts(arguments: &FpingArguments, lists: Vec<String>) -> Many {
    let gap = arguments.interval.unwrap_or(INTERVAL);
    let fping = FpingRequest {
        text: text(arguments),
        addresses: arguments.addr,
        names: match (arguments.rdns, arguments.name) {
            (true, _) => ReverseNames::All,
            (false, true) => ReverseNames::OfAddresses,
            (false, false) => ReverseNames::None,
        },
        expand: arguments.generate,
        random: arguments.random,
    };
    Many {
        lists,
        all_addresses: arguments.all,
        rate: (!gap.is_zero()).then_some(many::RATE),
        show: Show::Table,
        yes: true,
        fping: Some(fping),
    }
}

/// Probes to each target; `None`: no such number.
fn count(arguments: &FpingArguments) -> Option<u64> {
    arguments.count.or(arguments.vcount)
}

fn quiet(arguments: &FpingArguments) -> bool {
    arguments.quiet || arguments.squiet.is_some()
}

/// From one report to the next (`-Q`); without `-c`, `-C` and `-l` there are none.
fn every(arguments: &FpingArguments) -> Option<Duration> {
    let rounds = count(arguments).is_some() || arguments.endless;
    arguments.squiet.map(|splits| splits.every).filter(|every| rounds && !every.is_zero())
}

/// How the probes follow one another, and how long the first one is waited for.
fn pacing(arguments: &FpingArguments) -> (Pacing, Duration) {
    let rate = ProbeRate::one_each(arguments.interval.unwrap_or(INTERVAL));
    if count(arguments).is_some() || arguments.endless {
        let interval = arguments.period.unwrap_or(PERIOD);
        let period = if interval.is_zero() { TIMEOUT } else { interval.min(MAX_TIMEOUT) };
        let timeout = arguments.timeout.unwrap_or(period);
        return (Pacing::Rounds { interval, preload: 1, rate }, timeout);
    }
    let timeout = arguments.timeout.unwrap_or(TIMEOUT);
    let thousandths = |BackoffFactor(factor): BackoffFactor| u32::try_from(factor.as_millis()).ok();
    let backoff = arguments.backoff.and_then(thousandths).map_or(Backoff::ONE_HALF, Backoff);
    let retries = arguments.retry.unwrap_or(RETRIES);
    (Pacing::Retry { timeout, backoff, retries, after_fault: false, rate }, timeout)
}

fn sockets(
    arguments: &FpingArguments,
    ping: &Config,
    source: Option<IpAddr>,
    family: Option<Family>,
) -> Options {
    let fast = arguments.interval.is_some_and(|interval| interval < many::STAMPED_GAP);
    Options {
        families: families(family),
        raw_first: false,
        about: None,
        raw_only: false,
        answer_types: (0, 129),
        ident: None,
        device: arguments.iface.clone(),
        source,
        strict_source: false,
        found_source: false,
        connect: false,
        debug: false,
        dont_route: false,
        mark: arguments.fwmark,
        pmtu: arguments.dontfrag.then_some(Pmtu::Do),
        broadcast: false,
        multicast_loop: true,
        ttl: arguments.ttl.and_then(|Ttl(ttl)| u8::try_from(ttl).ok()),
        tos: arguments.tos,
        flow_label: None,
        ip_option: IpOption::None,
        send_buffer: Some(many::SEND_BUFFER),
        stamps: if fast { Stamping::Arrivals } else { Stamping::Both },
        // No line shows them.
        headers: false,
        message_len: message_len(ping.method, &ping.payload),
        preload: 1,
    }
}

/// Raw sockets first, where a target is a link-local address without its interface: the kernel chooses one for a raw
/// socket, and refuses to send through a datagram socket.
fn routed_by_kernel(options: Options, hosts: &[String]) -> Options {
    let addresses = hosts.iter().filter_map(|host| host.parse::<IpAddr>().ok());
    let raw_first = addresses.map(|ip| SocketAddr::new(ip, 0)).any(|ip| check_scope(ip, &options).is_err());
    Options { raw_first, ..options }
}

/// What is printed.
fn text(arguments: &FpingArguments) -> FpingStyle {
    let (quiet, counted) = (quiet(arguments), count(arguments).is_some());
    let rounds = counted || arguments.endless;
    let required = arguments.fast_reachable.or(arguments.reachable);
    FpingStyle {
        probes: rounds && !quiet,
        hosts: match (arguments.alive, arguments.unreach) {
            _ if rounds => HostLines::None,
            (true, _) => HostLines::Alive,
            (_, true) => HostLines::Unreachable,
            (false, false) if quiet || required.is_some() => HostLines::None,
            (false, false) => HostLines::Verdicts,
        },
        elapsed: arguments.elapsed,
        rows: match arguments.vcount {
            _ if !rounds => None,
            Some(_) => Some(Rows::Times),
            None => Some(Rows::Counts),
        },
        outage: arguments.outage.then_some(arguments.period.unwrap_or(PERIOD)),
        totals: arguments.stats,
        required,
        quiet,
        netdata: every(arguments).filter(|_| arguments.netdata),
        timestamps: arguments.timestamp.then(|| arguments.timestamp_format.unwrap_or_default()),
    }
}

/// The words that name targets, and the files with further ones.
fn targets(arguments: &FpingArguments) -> Result<(Vec<String>, Vec<String>), FpingRefusal> {
    let (words, file) = (&arguments.targets, &arguments.file);
    if file.is_some() && (!words.is_empty() || arguments.generate) {
        return Err(FpingRefusal::usage(
            "-f: the targets are in the file, and neither -g nor others go with it",
        ));
    }
    if arguments.generate {
        return generated(words).map(|words| (words, Vec::new()));
    }
    let word = |word: &OsString| match word.to_str() {
        Some(word) => Ok(word.to_owned()),
        None => Err(FpingRefusal::new(format!("{}: a target must be UTF-8 text", escape::argument(word)))),
    };
    let words = words.iter().map(word).collect::<Result<Vec<_>, _>>()?;
    let lists = match file {
        Some(file) => vec![file.clone()],
        None if words.is_empty() => vec!["-".to_owned()],
        None => Vec::new(),
    };
    Ok((words, lists))
}

/// The targets of `-g` as one word: a prefix, or a range; none if its last address lies before the first.
fn generated(words: &[OsString]) -> Result<Vec<String>, FpingRefusal> {
    match words {
        [prefix] => match prefix.to_str().and_then(|text| text.split_once('/')) {
            Some((address, length)) => {
                let address = ipv4(address)?;
                match length.parse() {
                    Ok(length) if length < SHORTEST_PREFIX && length > 0 => Err(FpingRefusal::new(TOO_MANY)),
                    Ok(length @ 1..=32_u8) => Ok(vec![format!("{address}/{length}")]),
                    _ => Err(FpingRefusal::new(format!(
                        "netmask must be between 1 and 32 (is: {})",
                        escape::escape(length)
                    ))),
                }
            }
            None => Err(FpingRefusal::usage("-g: a prefix must be ADDRESS/LENGTH, such as 192.0.2.0/24")),
        },
        [first, last] => {
            let [first, last] = [first, last].map(|word| ipv4(&word.to_string_lossy()));
            let (first, last) = (first?, last?);
            if last.to_bits() > first.to_bits().saturating_add(MAX_RANGE) {
                return Err(FpingRefusal::new(TOO_MANY));
            }
            Ok(if first <= last { vec![format!("{first}-{last}")] } else { Vec::new() })
        }
        _ => Err(FpingRefusal::usage("-g: one prefix, or a first and a last address")),
    }
}

/// An IPv4 address of `-g`.
fn ipv4(text: &str) -> Result<Ipv4Addr, FpingRefusal> {
    match text.parse() {
        Ok(IpAddr::V4(address)) => Ok(address),
        Ok(IpAddr::V6(_)) => Err(FpingRefusal::new("-g works only with IPv4 addresses")),
        Err(_) => Err(FpingRefusal::new(format!(
            "can't parse address {}: -g needs IPv4 addresses",
            escape::escape(text)
        ))),
    }
}
