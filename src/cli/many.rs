//! What `rping ping` is asked about many hosts at once.

use std::net::IpAddr;
use std::num::NonZeroU64;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::ping::PingArguments;
use super::values::Rate;

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
    pub fn new(arguments: &PingArguments, superuser: bool) -> Result<Option<Self>> {
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
fn refuse_what_is_for_one(arguments: &PingArguments) -> Result<()> {
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
