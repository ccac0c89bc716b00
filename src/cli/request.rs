//! What a ping is asked to do: checked, and in plain data.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use anyhow::{anyhow, bail};

use super::ping::{Path, Ping, Probes};
use super::values::{self, Interface, Refusal};
use crate::probe::{HEADER_LEN, Method};
use crate::transport::{Families, IpOption, Options, Pmtu};
use crate::wire::icmp::Family;

/// Data bytes of an echo request, where none are asked for: 64 octets with the ICMP header.
const SIZE: usize = 56;
/// The most that fits in an IPv4 datagram of 65,535 octets with a header of 20 and ICMP's 8.
const LARGEST_V4: usize = 65_507;
/// The same with 40 octets of IPv4 options.
const LARGEST_V4_WITH_OPTIONS: usize = 65_467;
/// The most that fits in an IPv6 payload of 65,535 octets with ICMPv6's 8.
const LARGEST_V6: usize = 65_527;
/// How long a first reply is waited for.
const LINGER: Duration = Duration::from_secs(10);
/// An ordinary user's shortest interval.
const ORDINARY_INTERVAL: Duration = Duration::from_millis(2);
/// An ordinary user's shortest interval where many answer one probe.
const ORDINARY_MANY_INTERVAL: Duration = Duration::from_secs(1);
/// An ordinary user's largest preload.
const ORDINARY_PRELOAD: u64 = 3;

/// What a ping is asked to do.
#[derive(Clone, Debug)]
pub struct Request {
    /// The name that stands before messages on standard error.
    pub program: String,
    /// The host to ask; before it the nodes of a prespecified timestamp option.
    pub hosts: Vec<String>,
    /// The family asked for.
    pub family: Option<Family>,
    /// What to ask.
    pub method: Method,
    /// Data bytes of an echo request.
    pub size: usize,
    /// Octets to fill the data with.
    pub pattern: Option<Vec<u8>>,
    /// Requests to send, or replies to wait for where there is a deadline.
    pub count: Option<u64>,
    /// Time from one request to the next.
    pub interval: Duration,
    /// Whether the user gave that.
    pub interval_given: bool,
    /// Dots, and without an interval as fast as replies come.
    pub flood: bool,
    /// Whether the interval follows the round-trip time.
    pub adaptive: bool,
    /// Requests that leave at once at the start.
    pub preload: u64,
    /// The end of the run.
    pub deadline: Option<Duration>,
    /// How long a first reply is waited for; `None`: for ever.
    pub linger: Option<Duration>,
    /// Say when a reply is missing.
    pub outstanding: bool,
    /// First line and summary only.
    pub quiet: bool,
    /// More text.
    pub verbose: bool,
    /// A bell with each reply.
    pub audible: bool,
    /// The time of day before each line.
    pub timestamps: bool,
    /// Times with three decimals.
    pub full_precision: bool,
    /// Addresses only.
    pub numeric: bool,
    /// Look up names in the background.
    pub resolve: bool,
    /// Whether the limits of ordinary users do not apply.
    pub superuser: bool,
    /// What the sockets are asked for.
    pub transport: Options,
}

impl Request {
    /// The host to ask.
    pub fn target(&self) -> &str {
        self.hosts.last().map_or("", String::as_str)
    }

    /// Checks the size, once it is known which family carries it.
    ///
    /// # Errors
    /// One sentence, where it is too large.
    pub fn check_size(&self, family: Family) -> anyhow::Result<()> {
        let (largest, carrier) = match family {
            Family::V4 if self.transport.ip_option == IpOption::None => (LARGEST_V4, "over IPv4"),
            Family::V4 => (LARGEST_V4_WITH_OPTIONS, "over IPv4 with -R or -T"),
            Family::V6 => (LARGEST_V6, "over IPv6"),
        };
        if self.size > largest {
            bail!("-s {}: the size must be a whole number from 0 to {largest} {carrier}", self.size);
        }
        Ok(())
    }

    /// Checks what an ordinary user may do to many hosts at once.
    ///
    /// # Errors
    /// One sentence.
    pub fn check_manners(&self) -> anyhow::Result<()> {
        if self.superuser {
            return Ok(());
        }
        if self.interval < ORDINARY_MANY_INTERVAL {
            bail!("-i: ordinary users may ask many hosts at once no more often than every second");
        }
        if self.transport.pmtu.is_some_and(|pmtu| pmtu != Pmtu::Do) {
            bail!(
                "-M: requests of ordinary users to many hosts at once are not fragmented; only do is allowed"
            );
        }
        Ok(())
    }
}

/// Who is asking.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The name that the program was called by, for messages.
    pub program: String,
    /// The family that this name stands for.
    pub family: Option<Family>,
    /// Whether the real user is root.
    pub superuser: bool,
}

/// Puts the option and its value in front of what is wrong with it.
fn given<T>(option: &str, value: &str, checked: Result<T, Refusal>) -> anyhow::Result<T> {
    checked.map_err(|refusal| anyhow!("{option} {}: {refusal}", Shown(value)))
}

/// A value as typed: quoted where it is empty or holds anything that does not show.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_graphic();
        if !self.0.is_empty() && self.0.len() <= 80 && self.0.chars().all(plain) {
            return f.write_str(self.0);
        }
        let start: String = self.0.chars().take(80).collect();
        let cut = if start.len() < self.0.len() { "…" } else { "" };
        write!(f, "'{}{cut}'", start.escape_default())
    }
}

impl Ping {
    /// Checks everything that needs neither sockets nor names.
    ///
    /// # Errors
    /// One sentence that names the option, its value and what is allowed.
    pub fn check(&self, caller: &Caller) -> anyhow::Result<Request> {
        if let Some(value) = &self.probes.node_information {
            bail!("-N {}: node information queries (RFC 4620) are not supported", Shown(value));
        }
        let method = method(&self.probes)?;
        let family = self.family(caller, method)?;
        let ip_option = ip_option(&self.probes)?;
        let hosts = self.hosts(&ip_option)?;
        let size = size(&self.probes, family, &ip_option)?;
        let preload =
            option("-l", &self.pace.preload, |text| values::whole(text, "the preload", 1..=65_536))?;
        let pattern = option("-p", &self.probes.pattern, values::pattern)?;
        if method != Method::Echo && (self.probes.size.is_some() || pattern.is_some()) {
            bail!("only one of --query and -s or -p may be used: such a request carries no data");
        }
        let mut request = Request {
            program: caller.program.clone(),
            hosts,
            family,
            method,
            size: if method == Method::Echo { size } else { 0 },
            pattern,
            count: option("-c", &self.pace.count, |text| {
                values::whole(text, "the count", 1..=i64::MAX as u64)
            })?,
            interval: seconds("-i", "the interval", &self.pace.interval, 2_147_483)?
                .unwrap_or(Duration::from_secs(1)),
            interval_given: self.pace.interval.is_some(),
            flood: self.pace.flood,
            adaptive: self.pace.adaptive,
            preload: preload.unwrap_or(1),
            deadline: seconds("-w", "the deadline", &self.pace.deadline, 2_147_483_647)?
                .filter(|deadline| !deadline.is_zero()),
            linger: match seconds("-W", "the timeout", &self.pace.timeout, 2_147_483)? {
                None => Some(LINGER),
                Some(linger) => Some(linger).filter(|linger| !linger.is_zero()),
            },
            outstanding: self.text.outstanding,
            quiet: self.text.quiet,
            verbose: self.text.verbose,
            audible: self.text.audible,
            timestamps: self.text.timestamps,
            full_precision: self.text.precision,
            numeric: self.text.numeric || self.pace.flood,
            resolve: self.text.resolve && !self.text.numeric && !self.pace.flood,
            superuser: caller.superuser,
            transport: transport(self, method, family, ip_option)?,
        };
        request.transport.message_len = match method {
            Method::Echo => HEADER_LEN + request.size,
            Method::Timestamp => HEADER_LEN + 12,
            Method::Mask => HEADER_LEN + 4,
        };
        request.transport.preload = request.preload;
        self.check_pace(&request)?;
        Ok(request)
    }

    fn family(&self, caller: &Caller, method: Method) -> anyhow::Result<Option<Family>> {
        let v4 = self.probes.ipv4 || caller.family == Some(Family::V4);
        let v6 = self.probes.ipv6 || caller.family == Some(Family::V6);
        match (v4, v6) {
            (true, true) => bail!("only one -4 or -6 option may be specified"),
            (_, true) if method != Method::Echo => {
                bail!("--query: timestamp and mask requests exist over IPv4 only; leave out -6")
            }
            (_, false) if method != Method::Echo => Ok(Some(Family::V4)),
            (true, false) => Ok(Some(Family::V4)),
            (false, true) => Ok(Some(Family::V6)),
            (false, false) => Ok(None),
        }
    }

    fn hosts(&self, ip_option: &IpOption) -> anyhow::Result<Vec<String>> {
        let hosts: Option<Vec<_>> = self.hosts.iter().map(|host| host.to_str().map(str::to_owned)).collect();
        let Some(hosts) = hosts else { bail!("the host's name is not valid UTF-8") };
        let nodes = hosts.len().saturating_sub(1);
        match ip_option {
            _ if hosts.is_empty() => bail!("usage error: Destination address required"),
            IpOption::TimestampPrespecified(_) if !(1..=4).contains(&nodes) => {
                bail!("-T tsprespec: name 1 to 4 nodes that stamp before the host")
            }
            IpOption::TimestampPrespecified(_) => Ok(hosts),
            _ if nodes > 0 => bail!(
                "{} hosts given ({} and more): ping asks one host at a time; run it once for each",
                hosts.len(),
                hosts.first().map(|host| Shown(host).to_string()).unwrap_or_default()
            ),
            _ => Ok(hosts),
        }
    }

    fn check_pace(&self, request: &Request) -> anyhow::Result<()> {
        if request.superuser {
            return Ok(());
        }
        if request.flood && !request.interval_given {
            bail!("cannot flood, minimal interval for user must be >= 2 ms, use -i 0.002 (or higher)");
        }
        if let Some(interval) = &self.pace.interval
            && request.interval < ORDINARY_INTERVAL
        {
            bail!("-i {}: the interval must be at least 0.002 seconds for ordinary users", Shown(interval));
        }
        if request.preload > ORDINARY_PRELOAD {
            bail!("-l {}: the preload must be from 1 to 3 for ordinary users", request.preload);
        }
        Ok(())
    }
}

/// The checked value of an option that may be absent.
fn option<T>(
    name: &str,
    value: &Option<String>,
    check: impl FnOnce(&str) -> Result<T, Refusal>,
) -> anyhow::Result<Option<T>> {
    value.as_deref().map(|text| given(name, text, check(text))).transpose()
}

fn seconds(name: &str, what: &str, value: &Option<String>, largest: u32) -> anyhow::Result<Option<Duration>> {
    option(name, value, |text| values::seconds(text, what, largest))
}

fn method(probes: &Probes) -> anyhow::Result<Method> {
    let words = [("echo", Method::Echo), ("timestamp", Method::Timestamp), ("mask", Method::Mask)];
    let method = option("--query", &probes.query, |text| values::word(text, "the query", &words))?;
    Ok(method.unwrap_or(Method::Echo))
}

fn size(probes: &Probes, family: Option<Family>, ip_option: &IpOption) -> anyhow::Result<usize> {
    let largest = match (family, ip_option) {
        (Some(Family::V4), IpOption::None) => LARGEST_V4,
        (Some(Family::V6) | None, IpOption::None) => LARGEST_V6,
        _ => LARGEST_V4_WITH_OPTIONS,
    };
    let size = option("-s", &probes.size, |text| values::whole(text, "the size", 0..=largest as u64))?;
    Ok(size.map_or(SIZE, |size| size as usize))
}

fn ip_option(probes: &Probes) -> anyhow::Result<IpOption> {
    let words = [
        ("tsonly", IpOption::Timestamp),
        ("tsandaddr", IpOption::TimestampAndAddress),
        ("tsprespec", IpOption::TimestampPrespecified(Vec::new())),
    ];
    let timestamp =
        option("-T", &probes.ip_timestamp, |text| values::word(text, "the kind of timestamp", &words))?;
    match (probes.record_route, timestamp) {
        (true, Some(_)) => bail!("only one of -T or -R may be used"),
        (true, None) => Ok(IpOption::RecordRoute),
        (false, timestamp) => Ok(timestamp.unwrap_or(IpOption::None)),
    }
}

/// The source address and the interface that `-I` names, the last of each.
fn interfaces(path: &Path) -> anyhow::Result<(Option<IpAddr>, Option<String>)> {
    let (mut source, mut device) = (None, None);
    for text in &path.interface {
        match given("-I", text, values::interface(text))? {
            Interface::Source(address) => source = Some(address),
            Interface::Device(name) => device = Some(name),
            Interface::Both(address, name) => (source, device) = (Some(address), Some(name)),
        }
    }
    Ok((source, device))
}

fn transport(
    ping: &Ping,
    method: Method,
    family: Option<Family>,
    ip_option: IpOption,
) -> anyhow::Result<Options> {
    let (probes, path) = (&ping.probes, &ping.path);
    let (source, device) = interfaces(path)?;
    let pmtu = [("do", Pmtu::Do), ("dont", Pmtu::Dont), ("want", Pmtu::Want), ("probe", Pmtu::Probe)];
    let octet = |what| move |text: &str| values::whole_or_hex(text, what, 0..=255).map(|octet| octet as u8);
    let ident = option("-e", &probes.ident, |text| {
        values::whole_or_hex(text, "the identifier", 0..=65_535).map(|ident| ident as u16)
    })?;
    let echo = method == Method::Echo;
    Ok(Options {
        families: match family {
            None => Families::Both,
            Some(Family::V4) => Families::V4,
            Some(Family::V6) => Families::V6,
        },
        raw_only: ident == Some(0) || !echo,
        answer_types: match method {
            Method::Echo => (0, 129),
            Method::Timestamp => (14, 129),
            Method::Mask => (18, 129),
        },
        ident,
        device,
        source,
        strict_source: path.sticky_source,
        connect: path.connect,
        debug: path.debug,
        dont_route: path.bypass_route,
        mark: option("-m", &path.mark, |text| {
            values::whole_or_hex(text, "the mark", 0..=u64::from(u32::MAX)).map(|mark| mark as u32)
        })?,
        pmtu: option("-M", &probes.pmtu, |text| values::word(text, "path MTU discovery", &pmtu))?,
        broadcast: path.broadcast,
        multicast_loop: !path.no_loopback,
        ttl: option("-t", &probes.ttl, |text| {
            values::whole(text, "the time to live", 0..=255).map(|ttl| ttl as u8)
        })?,
        tos: option("-Q", &probes.tos, octet("the type of service"))?,
        flow_label: option("-F", &probes.flow_label, |text| {
            values::whole_or_hex(text, "the flow label", 0..=0xf_ffff).map(|label| label as u32)
        })?,
        ip_option,
        send_buffer: option("-S", &path.sndbuf, |text| {
            values::whole(text, "the send buffer", 1..=2_147_483_647).map(|size| size as usize)
        })?,
        user_stamps: ping.text.user_latency,
        message_len: 0,
        preload: 1,
    })
}
