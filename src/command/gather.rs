//! Collects the targets of a run, from the command line and from files, under the names that were typed.

use std::fs::File;
use std::io::{self, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::rc::Rc;
use std::sync::Arc;

use anyhow::{Context, bail, ensure};

use crate::cli::many::{MANY_HOSTS, MOST_HOSTS, Many};
use crate::cli::ping_request::PingRequest;
use crate::cli::wording::PING;
use crate::command;
use crate::command::first_route::wanted;
use crate::command::hosts::{self, HostSpec};
use crate::command::lookups::ForwardLookups;
use crate::engine::ping::Targets;
use crate::escape::escape;
use crate::names::forward::{self, Candidate};
use crate::names::interface_index;
use crate::output::Output;
use crate::report::hosts::Hosts;
use crate::transport::{RouteError, Sockets};
use crate::wire::Family;

/// The words that name hosts, before names are resolved.
#[derive(Default)]
struct Words {
    words: Vec<Word>,
    names: Vec<String>,
    /// Number of addresses so far; a name counts as one.
    count: u128,
    /// Whether every word was valid.
    complete: bool,
}

enum Word {
    /// A number of addresses from the first on.
    Range(SocketAddr, u32),
    /// The name with this index.
    Name(usize),
}

impl Words {
    /// Adds a word.
    ///
    /// # Errors
    /// One line that begins with the word: it names no host.
    fn add(&mut self, word: &str) -> anyhow::Result<()> {
        let (first, count) = match hosts::parse(word)? {
            HostSpec::Range { first, count } => (first, count),
            HostSpec::Host(host) => match plain(&host) {
                Some(first) => (first, 1),
                None => {
                    self.words.push(Word::Name(self.names.len()));
                    self.names.push(host);
                    self.count = self.count.saturating_add(1);
                    return Ok(());
                }
            },
        };
        self.count = self.count.saturating_add(count);
        self.words.push(Word::Range(first, u32::try_from(count).unwrap_or(u32::MAX)));
        Ok(())
    }

    /// Checks the number of addresses, after each word.
    ///
    /// # Errors
    /// Too many.
    fn check_count(&self, many: &Many) -> anyhow::Result<()> {
        let count = self.count;
        ensure!(count <= MOST_HOSTS, "{count} hosts or more are too many; at most {MOST_HOSTS} can be asked");
        ensure!(
            many.yes || count <= MANY_HOSTS,
            "{count} hosts or more: if so many are meant, say --yes; without it, at most {MANY_HOSTS} are asked"
        );
        Ok(())
    }
}

/// An address written as it is always shown, so that it needs no other name; with its interface, if it is link-local.
fn plain(word: &str) -> Option<SocketAddr> {
    if let Some((address, zone)) = word.split_once('%') {
        let address = address.parse::<Ipv6Addr>().ok().filter(Ipv6Addr::is_unicast_link_local)?;
        let index = interface_index(zone)?;
        let usual = format!("{address}%{zone}") == word;
        return usual.then(|| SocketAddrV6::new(address, 0, 0, index).into());
    }
    let address = word.parse::<IpAddr>().ok()?;
    let usual = !address.is_unspecified() && address.to_canonical() == address;
    (usual && address.to_string() == word).then(|| SocketAddr::new(address, 0))
}

/// Checks the hosts of the command line, as far as that needs neither a socket nor a name server.
///
/// # Errors
/// An invalid word, or too many hosts.
pub fn check_words(request: &PingRequest, many: &Many) -> anyhow::Result<()> {
    let mut words = Words::default();
    for host in &request.hosts {
        words.add(host)?;
        words.check_count(many)?;
    }
    Ok(())
}

/// Invalid lines of a file that are printed one by one; of more, the number is.
const MOST_ERRORS: u64 = 100;

/// Reads the command line and the files. An invalid line of a file is printed as an error and skipped.
///
/// # Errors
/// An invalid word of the command line, a file that cannot be read, or too many hosts.
fn gather(request: &PingRequest, many: &Many, output: &mut Output<'_>) -> anyhow::Result<Words> {
    let mut words = Words { complete: true, ..Words::default() };
    for host in &request.hosts {
        words.add(host)?;
        words.check_count(many)?;
    }
    for list in &many.lists {
        let name = escape(if list == "-" { "standard input" } else { list });
        let (mut count, mut invalid) = (Ok(()), 0_u64);
        let mut each = |number: usize, word: Result<&str, &'static str>| {
            if count.is_err() {
                return;
            }
            match word.map_err(anyhow::Error::msg).and_then(|word| words.add(word)) {
                Ok(()) => count = words.check_count(many),
                Err(error) => {
                    words.complete = false;
                    invalid += 1;
                    if invalid <= MOST_ERRORS {
                        let program = &request.style.program;
                        output.print_error(format_args!("{program}: {name}: line {number}: {error}\n"));
                    }
                }
            }
        };
        let read = match list.as_str() {
            "-" => hosts::list(io::stdin().lock(), &mut each),
            path => File::open(path).and_then(|file| hosts::list(BufReader::new(file), &mut each)),
        };
        if let Some(more) = invalid.checked_sub(MOST_ERRORS).filter(|more| *more > 0) {
            let program = &request.style.program;
            output.print_error(format_args!("{program}: {name}: {more} more lines are invalid\n"));
        }
        read.with_context(|| format!("--targets {}", escape(list)))?;
        count?;
    }
    Ok(words)
}

/// The hosts of a run.
pub struct Found {
    /// Those that can be probed, and the others with the reason.
    pub hosts: Hosts,
    /// Whether every word was valid.
    pub complete: bool,
    /// The lookups that were made.
    pub lookups: ForwardLookups,
}

/// Resolves all hosts and numbers their addresses. A host that cannot be probed is printed as an error. The lookups get
/// half of the time of the run, so that the hosts that are known can be probed.
///
/// # Errors
/// An invalid word of the command line, a file that cannot be read, too many hosts, or none; and what
/// [`check`] refuses.
pub fn find(
    request: &PingRequest,
    many: &Many,
    sockets: &Sockets,
    output: &mut Output<'_>,
) -> anyhow::Result<Found> {
    command::warn(&request.style.program, sockets.warnings(), output);
    let Words { words, names, complete, .. } = gather(request, many, output)?;
    ensure!(!words.is_empty(), "no hosts to probe");
    // After the lists are read: until then a signal ends the program at once.
    let lookups = ForwardLookups::begin(request.ping.deadline.map(|deadline| deadline / 2))?;
    let names = Arc::new(names);
    let addresses = lookups.resolve_all(&names, wanted(request.family));
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    for word in words {
        match word {
            Word::Range(first, count) => match usable(request, first, sockets) {
                Ok(()) => targets.add(first, count).into_iter().for_each(|range| hosts.add(None, range)),
                Err(why) => {
                    output.print_error(format_args!("{}: {}: {why}\n", request.style.program, first.ip()));
                    hosts.add_unknown(first.ip().to_string(), why.to_string());
                }
            },
            Word::Name(index) => {
                let Some((name, found)) = names.get(index).zip(addresses.get(index)) else { continue };
                match choose(request, many, name, found, sockets) {
                    Ok(chosen) => chosen
                        .into_iter()
                        .flat_map(|address| targets.add(address, 1))
                        .for_each(|range| hosts.add(Some(name.clone()), range)),
                    Err(why) => {
                        output.print_error(format_args!("{}: {why}\n", request.style.program));
                        hosts.add_unknown(name.clone(), command::reason(name, &why));
                    }
                }
            }
        }
    }
    check(request, many, &targets)?;
    hosts.seal(Rc::new(targets));
    Ok(Found { hosts, complete, lookups })
}

/// Checks that an address can be probed.
///
/// # Errors
/// Why not, in a line without the address.
fn usable(request: &PingRequest, address: SocketAddr, sockets: &Sockets) -> anyhow::Result<()> {
    let family = Family::of(address.ip());
    ensure!(wanted(request.family).accepts(&address.ip()), "{}", forward::WRONG_FAMILY);
    ensure!(!address.ip().is_multicast(), "a multicast address is many hosts; ping it alone");
    if request.sockets.device.is_none() && forward::lacks_scope(&address) {
        bail!(PING.route_error(&RouteError::NoInterface(address.ip())));
    }
    match sockets.refusal(family) {
        Some(refusal) if !sockets.has(family) => bail!("{refusal}"),
        _ => Ok(()),
    }
}

/// The addresses of a name to probe, at least one.
///
/// # Errors
/// A line that begins with the name: not resolved, or no address that can be probed.
fn choose(
    request: &PingRequest,
    many: &Many,
    name: &str,
    found: &anyhow::Result<Vec<Candidate>>,
    sockets: &Sockets,
) -> anyhow::Result<Vec<SocketAddr>> {
    let found = found.as_ref().map_err(|why| anyhow::anyhow!("{why}"))?;
    let can =
        found.iter().map(|candidate| here(candidate.addr)).filter(|a| usable(request, *a, sockets).is_ok());
    let chosen: Vec<_> = can.take(if many.all_addresses { usize::MAX } else { 1 }).collect();
    if chosen.is_empty() {
        let why = found.first().and_then(|candidate| usable(request, candidate.addr, sockets).err());
        bail!("{}: {}", escape(name), why.map_or_else(|| "no address".to_owned(), |why| why.to_string()));
    }
    Ok(chosen)
}

/// Replaces the unspecified address by loopback, as the kernel does.
fn here(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(v4) if v4.is_unspecified() => SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        IpAddr::V6(v6) if v6.is_unspecified() => SocketAddr::from((Ipv6Addr::LOCALHOST, 0)),
        _ => address,
    }
}

/// Checks what depends on the addresses: the size of the data, and `--rate max` of ordinary users.
fn check(request: &PingRequest, many: &Many, targets: &Targets) -> anyhow::Result<()> {
    for first in firsts(targets) {
        request.check_size(Family::of(first.ip()))?;
    }
    let fast = many.rate.is_none() && !request.superuser;
    ensure!(
        !fast || (0..targets.len()).filter_map(|n| targets.address(n)).all(|a| a.ip().is_loopback()),
        "--rate max is for root, or where all hosts are this machine; at most 10000 is allowed"
    );
    Ok(())
}

/// The first target of each family.
pub fn firsts(targets: &Targets) -> impl Iterator<Item = SocketAddr> {
    let all = || (0..targets.len()).filter_map(|number| targets.address(number));
    let v4 = all().find(SocketAddr::is_ipv4);
    v4.into_iter().chain(all().find(SocketAddr::is_ipv6))
}
