//! What `rping ping` is asked about many hosts at once.

use std::net::IpAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::ping::Arguments;
use super::values::{self, Rate};

/// The options about many hosts.
#[derive(Debug, clap::Args)]
pub struct ManyArguments {
    /// Take hosts from a file, one a line; - is standard input.
    ///
    /// A # begins a comment. A line that cannot be read is named, and the rest goes on.
    #[arg(long, value_name = "FILE", allow_hyphen_values = true, action = clap::ArgAction::Append, help_heading = MANY)]
    pub targets: Vec<String>,

    /// Ask every address of a name, not only the first.
    #[arg(long, help_heading = MANY)]
    pub all_addresses: bool,

    /// Probes a second, to all hosts together [default: 1000].
    ///
    /// max sends as fast as this machine can. Ordinary users may have up to 10000, and max only if all
    /// hosts are this machine (loopback).
    #[arg(long, value_name = "N|max", allow_hyphen_values = true, value_parser = values::RATE, help_heading = MANY)]
    pub rate: Option<Rate>,

    /// Without -c: ask a silent host N times more [default: 3].
    ///
    /// The first probe is waited for half a second (or as long as -W says), each further one half as long
    /// again.
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = values::RETRY, help_heading = MANY)]
    pub retry: Option<u32>,

    /// Stop, with success, once N hosts have answered.
    #[arg(long, value_name = "N", allow_hyphen_values = true, value_parser = values::MIN_REACHABLE, help_heading = MANY)]
    pub min_reachable: Option<u32>,

    /// Print only the names of hosts that answer, one a line.
    #[arg(long, help_heading = MANY)]
    pub alive: bool,

    /// Print only the names of hosts that do not answer, one a line.
    #[arg(long, help_heading = MANY)]
    pub unreachable: bool,

    /// Allow more than 1048576 hosts.
    #[arg(long, help_heading = MANY)]
    pub yes: bool,
}

const MANY: &str = "Many hosts";

/// What is printed instead of lines and a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Who answers.
    Alive,
    /// Who does not.
    Unreachable,
}

/// What many hosts are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Many {
    /// Files with hosts; `-` is standard input.
    pub lists: Vec<String>,
    /// Whether every address of a name is asked.
    pub all_addresses: bool,
    /// Probes a second; `None`: as many as possible.
    pub rate: Option<NonZeroU64>,
    /// Further probes to a silent host, without a count.
    pub retries: u32,
    /// How long the first of those is waited for.
    pub timeout: Duration,
    /// How long answers are waited for after the last probe, with a count; `None`: as those that came suggest.
    pub linger: Option<Duration>,
    /// Hosts that are enough.
    pub min_reachable: Option<u32>,
    /// Names only.
    pub names: Option<Names>,
    /// Whether the number of hosts has no limit.
    pub yes: bool,
}

/// Probes a second unless `--rate` says so.
const RATE: NonZeroU64 = NonZeroU64::new(1_000).unwrap();
/// Most probes a second of ordinary users.
const MAX_USER_RATE: u64 = 10_000;
/// Further probes to a silent host, as fping has them.
const RETRIES: u32 = 3;
/// How long the first probe to a silent host is waited for, as fping has it.
const TIMEOUT: Duration = Duration::from_millis(500);
/// Probes to one host that can be counted.
const MAX_COUNT: u64 = u32::MAX as u64;
/// More hosts than this need `--yes`.
pub const MANY_HOSTS: u128 = 1 << 20;
/// More hosts than this cannot be asked.
pub const MOST_HOSTS: u128 = 1 << 24;

impl Many {
    /// What is asked of many hosts; `None` when one host is asked as ever.
    pub fn new(arguments: &Arguments, superuser: bool) -> Result<Option<Self>> {
        let options = &arguments.many;
        let words = &arguments.hosts;
        let several = words.iter().any(|word| word.to_str().is_some_and(is_range))
            || (words.len() > 1 && !arguments.stamps_prespecified());
        let asked = options.all_addresses
            || options.rate.is_some()
            || options.retry.is_some()
            || options.min_reachable.is_some()
            || options.alive
            || options.unreachable
            || options.yes;
        if !several && options.targets.is_empty() && !asked {
            return Ok(None);
        }
        refuse_what_is_for_one(arguments)?;
        for (given, option) in [(options.alive, "--alive"), (options.unreachable, "--unreachable")] {
            ensure!(!(given && arguments.json), "{option} prints bare names and does not go with -j");
        }
        ensure!(
            !words.is_empty() || !options.targets.is_empty(),
            "usage error: Destination address required"
        );
        // 0 means for ever.
        let linger = arguments.timeout.map(|timeout| if timeout.is_zero() { Duration::MAX } else { timeout });
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
        let names = match (options.alive, options.unreachable) {
            (false, false) => None,
            (true, false) => Some(Names::Alive),
            (false, true) => Some(Names::Unreachable),
            (true, true) => anyhow::bail!("only one of --alive or --unreachable may be used"),
        };
        Ok(Some(Self {
            lists: options.targets.clone(),
            all_addresses: options.all_addresses,
            rate,
            retries: options.retry.unwrap_or(RETRIES),
            timeout: linger.unwrap_or(TIMEOUT),
            linger,
            min_reachable: options.min_reachable,
            names,
            yes: options.yes,
        }))
    }
}

/// Whether a word is a prefix or a range of addresses.
fn is_range(word: &str) -> bool {
    word.contains('/') || word.split_once('-').is_some_and(|(first, _)| first.parse::<IpAddr>().is_ok())
}

/// Options that mean nothing, or something else, where many hosts are asked.
fn refuse_what_is_for_one(arguments: &Arguments) -> Result<()> {
    let for_one = [
        (arguments.flood, "-f", "; to ask many as fast as possible, use --rate max"),
        (arguments.adaptive, "-A", ""),
        (arguments.preload.is_some(), "-l", "; --rate says how many probes leave in a second"),
        (arguments.outstanding, "-O", ""),
        (arguments.connect, "-C", ""),
        (arguments.broadcast, "-b", ""),
        (arguments.stamps_prespecified(), "-T tsprespec", ""),
    ];
    for (given, option, advice) in for_one {
        ensure!(!given, "{option} is for one host and does not go with many{advice}");
    }
    match arguments.count {
        Some(count) => {
            ensure!(
                count <= MAX_COUNT,
                "-c {count}: the count must be a whole number from 1 to {MAX_COUNT} where many hosts are asked"
            );
            ensure!(
                arguments.many.retry.is_none(),
                "--retry does not go with -c, which says how often to ask"
            );
        }
        None => ensure!(
            arguments.interval.is_none(),
            "-i needs -c where many hosts are asked: without -c, each is asked until it answers"
        ),
    }
    Ok(())
}
