//! A request to ping: what the options mean together.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::many::Many;
use super::ping::PingArguments;
use super::values::{Stamps, families, host_name};
use crate::probe::{HEADER_LEN, Method};
use crate::transport::{IpOption, Options, Stamping};
use crate::wire::Family;

/// Everything that `rping ping` was asked, checked as far as one can before names are looked up.
#[derive(Clone, Debug)]
pub struct PingRequest {
    /// Prefix of messages: `rping`, or the name of the link it was called by.
    pub program: String,
    /// The target last; before it, the one to four hosts of `-T tsprespec`. Or many: see there.
    pub hosts: Vec<String>,
    /// What many hosts are asked, perhaps more than `hosts`; `None`: one host is asked.
    pub many: Option<Many>,
    /// The family that was asked for, or that an option needs (`-R`, `-T`, `--query`, an address in `-I`).
    pub family: Option<Family>,
    /// What the probes ask.
    pub method: Method,
    /// Octets behind the ICMP echo header; 12 in a timestamp query, 4 in a mask query.
    pub size: usize,
    /// Octets to fill the data with.
    pub pattern: Option<Vec<u8>>,
    /// Probes to send, at least 1.
    pub count: Option<u64>,
    /// From one probe to the next; 1 s unless said, 0 for a flood without `-i`.
    pub interval: Duration,
    /// Whether `-i` was given.
    pub interval_given: bool,
    /// `-f`.
    pub flood: bool,
    /// `-A`.
    pub adaptive: bool,
    /// Probes to send at once at the start, 1 to 65536.
    pub preload: u64,
    /// When to stop whatever happens, after the start.
    pub deadline: Option<Duration>,
    /// How long to wait, after the last probe, for the first reply; `None`: for ever.
    pub linger: Option<Duration>,
    /// After how long without an answer a probe is lost, where `-W` was given.
    pub patience: Option<Duration>,
    /// `-O`.
    pub outstanding: bool,
    /// `-q`.
    pub quiet: bool,
    /// `-v`.
    pub verbose: bool,
    /// `-j`.
    pub json: bool,
    /// `-a`.
    pub audible: bool,
    /// `-D`.
    pub timestamps: bool,
    /// `-3`.
    pub full_precision: bool,
    /// `-n` or `-f`: no names are looked up for addresses.
    pub numeric: bool,
    /// `-H`.
    pub resolve: bool,
    /// Whether the real user is root; ordinary users have limits.
    pub superuser: bool,
    /// What the sockets are asked for. [`IpOption::TimestampPrespecified`] is empty: its hosts are still names.
    pub transport: Options,
}

/// Most octets of data that fit an IPv4 packet: 65535 less 20 (RFC 791 section 3.1) and the ICMP header.
const MAX_SIZE_V4: usize = 65_507;
/// The same, when the IPv4 header has all its 40 octets of options.
const MAX_SIZE_V4_OPTIONS: usize = 65_467;
/// Most octets of data that fit an IPv6 packet: 65535 (RFC 8200 section 3) less the ICMP header.
const MAX_SIZE_V6: usize = 65_527;
/// Octets of data unless `-s` says so.
const DEFAULT_SIZE: usize = 56;
/// Shortest interval of ordinary users (iputils s20211215).
const MIN_USER_INTERVAL: Duration = Duration::from_millis(2);
/// Shortest interval of ordinary users to a broadcast or multicast address (iputils).
const MIN_USER_INTERVAL_TO_MANY: Duration = Duration::from_secs(1);
/// Largest preload of ordinary users (iputils).
const MAX_USER_PRELOAD: u64 = 3;

impl PingRequest {
    /// Checks the options against one another. The error is one line, without the program's name.
    pub fn new(program: &str, arguments: PingArguments, superuser: bool) -> Result<Self> {
        let method = arguments.query.unwrap_or(Method::Echo);
        let family = family(&arguments, method)?;
        let size = size(&arguments, method)?;
        let dots = arguments.flood && !arguments.quiet;
        ensure!(!(arguments.json && dots), "-f prints dots and does not go with -j; -q -f does");
        ensure!(
            !arguments.user_latency || arguments.clock.is_none_or(|clock| clock == Stamping::User),
            "-U means --clock user and does not go with another --clock"
        );
        let many = Many::new(&arguments, superuser)?;
        let interval = arguments.interval.unwrap_or(if arguments.flood {
            Duration::ZERO
        } else {
            Duration::from_secs(1)
        });
        let request = Self {
            program: program.to_string(),
            hosts: hosts(&arguments, many.is_some())?,
            many,
            family,
            method,
            size,
            count: arguments.count,
            interval,
            interval_given: arguments.interval.is_some(),
            flood: arguments.flood,
            adaptive: arguments.adaptive,
            preload: arguments.preload.unwrap_or(1),
            deadline: arguments.deadline.filter(|deadline| !deadline.is_zero()),
            linger: match arguments.timeout {
                None => Some(Duration::from_secs(10)),
                Some(timeout) => Some(timeout).filter(|timeout| !timeout.is_zero()),
            },
            patience: arguments.timeout.filter(|timeout| !timeout.is_zero()),
            outstanding: arguments.outstanding,
            quiet: arguments.quiet,
            verbose: arguments.verbose,
            json: arguments.json,
            audible: arguments.audible,
            timestamps: arguments.timestamps,
            full_precision: arguments.rtt_precision,
            numeric: arguments.numeric || arguments.flood,
            resolve: arguments.resolve,
            superuser,
            transport: transport(&arguments, method, size, family),
            pattern: arguments.pattern.map(|pattern| pattern.0),
        };
        request.check_user()?;
        if let Some(family) = family {
            request.check_size(family)?;
        }
        Ok(request)
    }

    /// Whether the data fit a packet of the family that the target turned out to have.
    pub fn check_size(&self, family: Family) -> Result<()> {
        let (max, packet) = match (family, &self.transport.ip_option) {
            (Family::V6, _) => (MAX_SIZE_V6, "over IPv6"),
            (Family::V4, IpOption::None) => (MAX_SIZE_V4, "over IPv4"),
            (Family::V4, _) => (MAX_SIZE_V4_OPTIONS, "with -R or -T"),
        };
        ensure!(
            self.size <= max,
            "-s {}: the size must be a whole number from 0 to {max} {packet}",
            self.size
        );
        Ok(())
    }

    /// Whether an ordinary user may ping a broadcast or multicast address at this interval.
    pub fn check_interval_to_many(&self) -> Result<()> {
        ensure!(
            self.superuser || self.interval >= MIN_USER_INTERVAL_TO_MANY,
            "broadcast ping with too short interval: {}; ordinary users need -i 1 (or higher)",
            self.interval.as_millis()
        );
        Ok(())
    }

    /// The limits of ordinary users.
    fn check_user(&self) -> Result<()> {
        if self.superuser {
            return Ok(());
        }
        if self.interval < MIN_USER_INTERVAL {
            let what = if self.interval_given {
                format!("-i {}", self.interval.as_secs_f64())
            } else {
                "-f".to_string()
            };
            bail!(
                "{what}: cannot flood, minimal interval for user must be >= 2 ms, use -i 0.002 (or higher)"
            );
        }
        ensure!(
            self.preload <= MAX_USER_PRELOAD,
            "-l {}: the preload must be a whole number from 1 to {MAX_USER_PRELOAD} for ordinary users",
            self.preload
        );
        Ok(())
    }
}

/// The hosts as text, as many as the options want.
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

/// The family asked for, or needed by another option.
fn family(arguments: &PingArguments, method: Method) -> Result<Option<Family>> {
    ensure!(!(arguments.ipv4 && arguments.ipv6), "only one -4 or -6 option may be specified");
    ensure!(
        !(arguments.record_route && arguments.ip_timestamp.is_some()),
        "only one of -T or -R may be used"
    );
    let (_, source) = device_and_source(arguments);
    let needs = [
        arguments.record_route.then(|| ("-R".to_string(), Family::V4)),
        arguments.ip_timestamp.map(|_| ("-T".to_string(), Family::V4)),
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
    let asked = match (arguments.ipv4, arguments.ipv6) {
        (true, _) => Some(("-4".to_string(), Family::V4)),
        (_, true) => Some(("-6".to_string(), Family::V6)),
        (false, false) => None,
    };
    let mut found: Option<(String, Family)> = asked;
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

/// Octets behind the ICMP header; those of the queries without data are set (RFC 792 page 16, RFC 950).
fn size(arguments: &PingArguments, method: Method) -> Result<usize> {
    let (query, fixed) = match method {
        Method::Echo => return Ok(arguments.size.unwrap_or(DEFAULT_SIZE)),
        Method::Timestamp => ("timestamp", 12),
        Method::Mask => ("mask", 4),
    };
    ensure!(arguments.size.is_none(), "-s does not go with --query {query}, which carries no data");
    ensure!(arguments.pattern.is_none(), "-p does not go with --query {query}, which carries no data");
    Ok(fixed)
}

/// The last interface and the last address that `-I` named.
fn device_and_source(arguments: &PingArguments) -> (Option<String>, Option<IpAddr>) {
    let device = arguments.interface.iter().rev().find_map(|via| via.device.clone());
    let source = arguments.interface.iter().rev().find_map(|via| via.source);
    (device, source)
}

fn transport(arguments: &PingArguments, method: Method, size: usize, family: Option<Family>) -> Options {
    let (device, source) = device_and_source(arguments);
    Options {
        families: families(family),
        raw_first: false,
        about: None,
        raw_only: arguments.ident == Some(0) || method != Method::Echo,
        answer_types: match method {
            Method::Echo => (0, 129),
            Method::Timestamp => (14, 129),
            Method::Mask => (18, 129),
        },
        ident: arguments.ident,
        device,
        source,
        strict_source: arguments.sticky_source,
        connect: arguments.connect,
        debug: arguments.debug,
        dont_route: arguments.bypass_route,
        mark: arguments.mark,
        pmtu: arguments.pmtudisc,
        broadcast: arguments.broadcast,
        multicast_loop: !arguments.no_loopback,
        ttl: arguments.ttl,
        tos: arguments.tos,
        flow_label: arguments.flow_label,
        ip_option: match (arguments.record_route, arguments.ip_timestamp) {
            (true, _) => IpOption::RecordRoute,
            (false, None) => IpOption::None,
            (false, Some(Stamps::Only)) => IpOption::Timestamp,
            (false, Some(Stamps::AndAddress)) => IpOption::TimestampAndAddress,
            (false, Some(Stamps::Prespecified)) => IpOption::TimestampPrespecified(Vec::new()),
        },
        send_buffer: arguments.sndbuf,
        stamps: match arguments.clock {
            _ if arguments.user_latency => Stamping::User,
            None | Some(Stamping::Both) if arguments.flood => Stamping::Arrivals,
            clock => clock.unwrap_or(Stamping::Both),
        },
        // A quiet run tells none.
        headers: !arguments.quiet,
        message_len: HEADER_LEN + size,
        preload: arguments.preload.unwrap_or(1),
    }
}
