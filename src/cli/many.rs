//! The options of `rping ping` for many hosts.

use std::net::IpAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::{Result, bail, ensure};

use super::format::FormatRequest;
use super::ping::PingArguments;
use super::values::Rate;
use crate::engine::ping::{Backoff, Pacing, ProbeRate};
use crate::report::text::fping::FpingStyle;
use crate::report::text::many::Show;

/// What a run of many hosts has beside the request of any ping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Many {
    /// Files with hosts; `-` is standard input.
    pub lists: Vec<String>,
    /// Whether every address of a name is probed.
    pub all_addresses: bool,
    /// Probes a second, to all hosts together; `None`: as many as possible.
    pub rate: Option<NonZeroU64>,
    /// What the text shows.
    pub show: Show,
    /// Whether more than [`MANY_HOSTS`] are allowed.
    pub yes: bool,
    /// What a link named fping requests beside that.
    pub fping: Option<FpingRequest>,
}

/// What fping has beside the request of a ping of many hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FpingRequest {
    /// What is printed.
    pub text: FpingStyle,
    /// Whether targets are shown by address (`-A`).
    pub addresses: bool,
    /// Which targets are shown by the names of their addresses (`-n`, `-d`).
    pub names: ReverseNames,
    /// Whether a word may be a prefix or a range (`-g`).
    pub expand: bool,
    /// Whether the data of the probes are random (`-R`).
    pub random: bool,
}

/// Which addresses are shown by their names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReverseNames {
    /// None.
    None,
    /// Those of targets that were given as addresses.
    OfAddresses,
    /// All.
    All,
}

/// Probes a second without `--rate`.
pub const RATE: NonZeroU64 = NonZeroU64::new(1_000).unwrap();
/// Most probes a second of ordinary users.
const MAX_USER_RATE: u64 = 10_000;
/// Further probes to a silent host without `--retry` (fping).
const RETRIES: u32 = 3;
/// Wait after the first probe to a silent host without `-W` (fping).
const TIMEOUT: Duration = Duration::from_millis(500);
/// Most probes to one host: what the engine can count.
const MAX_COUNT: u64 = u32::MAX as u64;
/// More hosts than this need `--yes`.
pub const MANY_HOSTS: u128 = 1 << 20;
/// More hosts than this are refused.
pub const MOST_HOSTS: u128 = 1 << 24;

/// Octets of the send buffer, as far as the kernel grants them (net.core.wmem_max, twice). A datagram stays in it
/// while its neighbour is not resolved: on a link where most addresses are absent, that is three seconds of probes.
pub const SEND_BUFFER: usize = 1 << 22;

/// Most probes a second that each get a kernel stamp as they leave. At higher rates the stamps, which lie in the
/// receive buffer too, would take the room of replies, and as much time as the probes.
const STAMPED_RATE: NonZeroU64 = NonZeroU64::new(10_000).unwrap();
/// The same as the time between two probes.
pub const STAMPED_GAP: Duration = Duration::from_micros(100);

impl Many {
    /// The options for many hosts; `None` if one host is pinged.
    ///
    /// # Errors
    /// One line: no host, an option that is for one host only, or a rate that ordinary users may not have.
    pub fn new(arguments: &PingArguments, format: &FormatRequest, superuser: bool) -> Result<Option<Self>> {
        let options = &arguments.many;
        let words = &arguments.hosts;
        let several = words.iter().any(|word| word.to_str().is_some_and(is_range))
            || (words.len() > 1 && !arguments.stamps_prespecified());
        let requested = options.all_addresses
            || options.rate.is_some()
            || options.sweep
            || options.retry.is_some()
            || options.min_reachable.is_some()
            || options.alive
            || options.unreachable
            || options.yes
            || arguments.long_run.totals;
        if !several && options.targets.is_empty() && !requested {
            return Ok(None);
        }
        refuse_what_is_for_one(arguments)?;
        let totals = arguments.long_run.totals;
        let bare = [(options.alive, "--alive"), (options.unreachable, "--unreachable")];
        for (given, option) in bare {
            if let Some(format) = format.option().filter(|_| given) {
                bail!("{option} prints bare names and does not go with {format}");
            }
            ensure!(
                !(given && arguments.print.outstanding),
                "{option} prints bare names and does not go with -O"
            );
            ensure!(!(given && totals), "{option} prints bare names and does not go with --totals");
            let every = arguments.long_run.every.is_some();
            ensure!(!(given && every), "{option} prints bare names and does not go with --every");
        }
        arguments.figures.check(&bare)?;
        if let Some(format) = format.option().filter(|_| totals) {
            bail!("--totals prints a line of text and does not go with {format}");
        }
        ensure!(
            !words.is_empty() || !options.targets.is_empty(),
            "usage error: Destination address required"
        );
        let rate = match options.rate {
            None => Some(RATE),
            Some(Rate::Max) => None,
            Some(Rate::PerSecond(rate)) => {
                ensure!(
                    superuser || rate.get() <= MAX_USER_RATE,
                    "--rate {rate}: the rate must be a whole number from 1 to {MAX_USER_RATE} for ordinary users"
                );
                Some(rate)
            }
        };
        let show = match (options.alive, options.unreachable) {
            (false, false) if totals => Show::Totals,
            (false, false) if arguments.print.quiet => Show::Table,
            (false, false) => Show::Lines,
            (true, false) => Show::Alive,
            (false, true) => Show::Unreachable,
            (true, true) => bail!("only one of --alive or --unreachable may be used"),
        };
        let (all_addresses, yes) = (options.all_addresses, options.yes);
        let lists = options.targets.clone();
        Ok(Some(Self { lists, all_addresses, rate, show, yes, fping: None }))
    }

    /// How the probes follow one another: in rounds, or until each host answers.
    pub fn pacing(&self, arguments: &PingArguments, interval: Duration) -> Pacing {
        let rate = self.rate.map(ProbeRate::per_second);
        if !is_sweep(arguments) {
            return Pacing::Rounds { interval, preload: 1, rate };
        }
        let timeout = linger(arguments.linger).unwrap_or(TIMEOUT);
        let retries = arguments.many.retry.unwrap_or(RETRIES);
        Pacing::Retry { timeout, backoff: Backoff::ONE_HALF, retries, after_fault: true, rate }
    }

    /// Whether probes leave too fast for a kernel stamp each.
    pub fn exceeds_stamped_rate(&self) -> bool {
        self.rate.is_none_or(|rate| rate > STAMPED_RATE)
    }
}

/// Whether each host is sent probes until it answers, a few at most. Otherwise each is sent one each interval, whether it
/// answers or not, as one host is.
pub fn is_sweep(arguments: &PingArguments) -> bool {
    let options = &arguments.many;
    let is_requested = given(&sweeps(arguments)).is_some()
        || options.alive
        || options.unreachable
        || options.min_reachable.is_some();
    is_requested && given(&rounds(arguments)).is_none() && arguments.verdict.until.is_none()
}

/// The options that request a sweep, and nothing beside it.
pub fn sweeps(arguments: &PingArguments) -> [(bool, &'static str); 2] {
    [(arguments.many.sweep, "--sweep"), (arguments.many.retry.is_some(), "--retry")]
}

/// The first of these options that is given.
pub fn given(options: &[(bool, &'static str)]) -> Option<&'static str> {
    options.iter().find(|(given, _)| *given).map(|(_, option)| *option)
}

/// The options that request a probe to each host each interval.
fn rounds(arguments: &PingArguments) -> [(bool, &'static str); 3] {
    [
        (arguments.count.is_some(), "-c"),
        (arguments.interval.is_some(), "-i"),
        (arguments.long_run.every.is_some(), "--every"),
    ]
}

/// How long replies are waited for after the last probe, by `-W`; 0 means for ever.
pub fn linger(linger: Option<Duration>) -> Option<Duration> {
    linger.map(|linger| if linger.is_zero() { Duration::MAX } else { linger })
}

/// Whether a word is a prefix or a range of addresses, or meant as one.
fn is_range(word: &str) -> bool {
    let is_address =
        |text: &str| text.split('%').next().is_some_and(|address| address.parse::<IpAddr>().is_ok());
    let mut ends = word.match_indices('-').map(|(at, _)| word.split_at(at));
    let is_one = ends.any(|(first, last)| {
        // The name of an interface can have a hyphen too.
        is_address(first) && (!first.contains('%') || is_address(last.trim_start_matches('-')))
    });
    word.contains('/') || is_one
}

/// Refuses options that mean nothing, or something else, for many hosts.
fn refuse_what_is_for_one(arguments: &PingArguments) -> Result<()> {
    let for_one = [
        (arguments.pace.flood, "-f", "; to ping many as fast as possible, use --rate max"),
        (arguments.pace.adaptive, "-A", ""),
        (arguments.pace.preload.is_some(), "-l", "; --rate sets how many probes are sent in a second"),
        (arguments.route.connect, "-C", ""),
        (arguments.pace.first_reply, "-o", "; to stop when one has answered, use --min-reachable 1"),
        (arguments.pace.keep_going, "--keep-going", ", which ICMP errors do not end"),
        (arguments.route.broadcast, "-b", ""),
        (arguments.stamps_prespecified(), "-T tsprespec", ""),
    ];
    for (given, option, advice) in for_one {
        ensure!(!given, "{option} is for one host and does not go with many{advice}");
    }
    if let Some(count) = arguments.count {
        ensure!(
            count <= MAX_COUNT,
            "-c {count}: the count must be a whole number from 1 to {MAX_COUNT} where many hosts are pinged"
        );
    }
    if let Some((sweep, option)) = given(&sweeps(arguments)).zip(given(&rounds(arguments))) {
        bail!("{sweep} does not go with {option}, which sends probes to a host whether it answers or not");
    }
    ensure!(
        arguments.linger != Some(Duration::ZERO) || !is_sweep(arguments),
        "-W 0: in a sweep, the time to wait for the first probe must be above 0"
    );
    ensure!(
        arguments.pace.timeout.is_none() || !is_sweep(arguments),
        "--timeout does not go with a sweep, in which -W is the time to wait for the first probe; -c and -i request none"
    );
    Ok(())
}
