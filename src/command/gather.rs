//! Collects the targets of a run, from the command line and from files, under the names that were typed.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::rc::Rc;

use anyhow::{Context, ensure};

use crate::cli::many::{MANY_HOSTS, MOST_HOSTS, Many};
use crate::cli::ping_request::PingRequest;
use crate::command;
use crate::command::hosts::{self, HostSpec};
use crate::command::joining::{Joining, NO_THREAD};
use crate::command::lookups::{ForwardLookups, LOOKUPS_APART};
use crate::command::usable::{Usable, here};
use crate::engine::ping::Targets;
use crate::escape::escape;
use crate::names::background::Background;
use crate::names::forward::{self, Candidate};
use crate::names::interface_index;
use crate::output::Output;
use crate::report::hosts::Hosts;
use crate::report::missing::AGAIN;
use crate::transport::Sockets;
use crate::wire::Family;

/// The words that name hosts, before names are resolved.
#[derive(Default)]
pub struct Words {
    /// In their order.
    pub words: Vec<Labelled>,
    /// The names among them.
    pub names: Vec<String>,
    /// Number of addresses so far; a name counts as one.
    count: u128,
    /// Whether every word was valid.
    pub complete: bool,
    /// Whether each word is one name, whatever it looks like.
    verbatim: bool,
}

/// A word, and the label of its line.
pub struct Labelled {
    /// The word.
    pub word: Word,
    label: Option<Rc<str>>,
}

/// A word.
pub enum Word {
    /// A number of addresses from the first on.
    Range(SocketAddr, u32),
    /// The name with this index.
    Name(usize),
}

impl Words {
    /// No words yet.
    fn new(many: &Many) -> Self {
        let verbatim = many.fping.as_ref().is_some_and(|fping| !fping.expand);
        Self { complete: true, verbatim, ..Self::default() }
    }

    /// Adds a word.
    ///
    /// # Errors
    /// One line that begins with the word: it names no host.
    fn add(&mut self, word: &str, label: Option<&str>) -> anyhow::Result<()> {
        let spec = if self.verbatim { HostSpec::Host(word.to_owned()) } else { hosts::parse(word)? };
        let (word, count) = match spec {
            HostSpec::Range { first, count } => (range(first, count), count),
            HostSpec::Host(host) => match plain(&host).filter(|_| !self.verbatim) {
                Some(first) => (range(first, 1), 1),
                None => {
                    self.names.push(host);
                    (Word::Name(self.names.len().saturating_sub(1)), 1)
                }
            },
        };
        self.count = self.count.saturating_add(count);
        // Lines that follow one another often have the same label.
        let last = self.words.last().and_then(|last| last.label.clone());
        let label = last.filter(|last| label == Some(last)).or_else(|| label.map(Rc::from));
        self.words.push(Labelled { word, label });
        Ok(())
    }

    /// Checks the number of addresses, after each word.
    ///
    /// # Errors
    /// Too many.
    fn check_count(&self, many: &Many) -> anyhow::Result<()> {
        let count = self.count;
        ensure!(
            count <= MOST_HOSTS,
            "{count} hosts or more are too many; at most {MOST_HOSTS} can be pinged"
        );
        ensure!(
            many.yes || count <= MANY_HOSTS,
            "{count} hosts or more: without --yes at most {MANY_HOSTS} are pinged"
        );
        Ok(())
    }
}

fn range(first: SocketAddr, count: u128) -> Word {
    Word::Range(first, u32::try_from(count).unwrap_or(u32::MAX))
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
    let mut words = Words::new(many);
    for host in &request.hosts {
        words.add(host, None)?;
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
pub fn gather(request: &PingRequest, many: &Many, output: &mut Output<'_>) -> anyhow::Result<Words> {
    let mut words = Words::new(many);
    for host in &request.hosts {
        words.add(host, None)?;
        words.check_count(many)?;
    }
    for list in &many.lists {
        let name = escape(if list == "-" { "standard input" } else { list });
        let (mut count, mut invalid) = (Ok(()), 0_u64);
        let mut each = |number: usize, line: Result<hosts::Line<'_>, &'static str>| {
            if count.is_err() {
                return;
            }
            match line.map_err(anyhow::Error::msg).and_then(|line| words.add(line.word, line.label)) {
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
        read.with_context(|| match &many.fping {
            None => format!("--targets {}", escape(list)),
            // The name of the call is what other programs look for.
            Some(_) => format!("-f {}: fopen ", escape(list)),
        })?;
        count?;
    }
    Ok(words)
}

/// The hosts of a run.
pub struct Found<'a> {
    /// Those that can be probed, those that are looked up, and the others with the reason.
    pub hosts: Hosts,
    /// Whether every word was valid.
    pub complete: bool,
    /// The lookups that were made before the run.
    pub lookups: ForwardLookups,
    /// The lookups that go on.
    pub joining: Option<Joining<'a>>,
}

/// Numbers the addresses of all hosts, and begins the lookups of names. A host that cannot be probed is printed as an
/// error.
///
/// With an option that needs an address at the start (`-B`, `-F`), and where no thread can be started, names are looked
/// up before the run. They get half of its time then, so that the hosts that are known can be probed.
///
/// # Errors
/// An invalid word of the command line, a file that cannot be read, too many hosts, or none; data that do not fit, and a
/// rate that is not permitted.
pub fn find<'a>(
    request: &'a PingRequest,
    many: &'a Many,
    sockets: &Sockets,
    output: &mut Output<'_>,
) -> anyhow::Result<Found<'a>> {
    command::warn(&request.style.program, sockets.warnings(), output);
    let Words { words, names, complete, .. } = gather(request, many, output)?;
    ensure!(!words.is_empty(), "no hosts to probe");
    // After the lists are read: until then a signal ends the program at once.
    let lookups = ForwardLookups::begin(
        &request.style.program,
        request.ping.deadline.map(|deadline| deadline / 2),
        false,
    )?;
    let usable = Usable::new(request, many, sockets);
    let early = request.sockets.need_target();
    let has_names = names.iter().any(|name| !forward::is_numeric(name));
    let until = request.ping.limits.until.is_some();
    let later = has_names && (!early || request.resolve_again.is_some() || until);
    let background = if later { Background::start() } else { None };
    if has_names && background.is_none() && request.resolve_again.is_some() {
        output.print_error(format_args!("{}: {NO_THREAD}\n", request.style.program));
    }
    let known = match background {
        Some(_) if !early => Vec::new(),
        _ => lookups.resolve_all(&names, usable.wanted()),
    };
    let mut joining = background.map(|background| {
        let joining = Joining::many(usable.clone(), background, request.resolve_again);
        if until { joining.until_found(request.interval.max(LOOKUPS_APART)) } else { joining }
    });
    let mut numbered = Numbered::new(usable, joining.is_some());
    numbered.add_words(words, (&names, &known), &mut joining, output);
    let Numbered { usable, targets, mut hosts, plain } = numbered;
    for address in firsts(&targets) {
        request.check_size(Family::of(address.ip()))?;
    }
    (0..targets.len()).filter_map(|number| targets.address(number)).try_for_each(|a| usable.check_rate(a))?;
    // What cannot be probed is never in the state.
    ensure!(
        !until || hosts.unknown() == 0 && complete,
        "--until needs hosts that can be probed, all of them"
    );
    hosts.seal(Rc::new(targets));
    if let Some((joining, plain)) = joining.as_mut().zip(plain) {
        joining.set_others(plain);
    }
    Ok(Found { hosts, complete, lookups, joining })
}

/// The hosts of a run as they are numbered.
struct Numbered<'a> {
    usable: Usable<'a>,
    targets: Targets,
    hosts: Hosts,
    /// Those targets that are given as addresses, where names can move.
    plain: Option<Targets>,
}

impl<'a> Numbered<'a> {
    /// No hosts yet. `plain`: the targets that are given as addresses are recorded.
    fn new(usable: Usable<'a>, plain: bool) -> Self {
        let plain = plain.then(Targets::default);
        Self { usable, targets: Targets::default(), hosts: Hosts::default(), plain }
    }

    /// Adds all words. `names` are those in the words, with the results of the lookups before the run, if there were any;
    /// the others are looked up by `joining`. A name has one lookup, with however many labels it is listed.
    fn add_words(
        &mut self,
        words: Vec<Labelled>,
        (names, known): (&[String], &[anyhow::Result<Vec<Candidate>>]),
        joining: &mut Option<Joining<'_>>,
        output: &mut Output<'_>,
    ) {
        let mut numbers = HashMap::new();
        for Labelled { word, label } in words {
            self.hosts.note(label);
            let index = match word {
                Word::Range(first, count) => {
                    self.add_range(first, count, output);
                    continue;
                }
                Word::Name(index) => index,
            };
            let Some(name) = names.get(index) else { continue };
            if forward::is_numeric(name) {
                self.add_numeric(name, output);
            } else if let Some(number) = numbers.get(name.as_str()) {
                self.hosts.add_again(*number);
            } else {
                let number = self.hosts.add_open(name.clone());
                numbers.insert(name.as_str(), number);
                // A name that is waited for is looked up again at once, and is not unknown yet.
                let known = known.get(index);
                let waits = joining.as_ref().is_some_and(Joining::waits);
                match (known.filter(|found| found.is_ok() || !waits), joining.as_mut()) {
                    (Some(found), joining) => {
                        let addresses = self.resolve(number, name, found, output);
                        joining.into_iter().for_each(|joining| joining.add_known(number, name, &addresses));
                    }
                    (None, Some(joining)) => joining.request(number, name),
                    (None, None) => {}
                }
            }
        }
    }

    /// Numbers addresses that were given as such, under a name if they are not written as they are shown.
    fn add(&mut self, name: Option<&str>, first: SocketAddr, count: u32) {
        self.plain.iter_mut().for_each(|plain| drop(plain.add(first, count)));
        let numbers = self.targets.add(first, count);
        numbers.into_iter().for_each(|range| self.hosts.add(name.map(str::to_owned), range));
    }

    /// Adds a number of addresses from the first on.
    fn add_range(&mut self, first: SocketAddr, count: u32, output: &mut Output<'_>) {
        for part in self.usable.cut(first, count) {
            match self.usable.check(part.first) {
                Ok(()) => {
                    // An unspecified address is this host, under the name that was given.
                    let address = here(part.first);
                    let name = (address != part.first).then(|| part.shown());
                    self.add(name.as_deref(), address, part.count);
                }
                Err(why) => {
                    let shown = part.shown();
                    output.print_error(format_args!(
                        "{}: {}: {why}\n",
                        self.usable.program(),
                        escape(&shown)
                    ));
                    self.hosts.add_unknown_range(shown, part.count, why.to_string());
                }
            }
        }
    }

    /// Adds an address that is not written as it is shown.
    fn add_numeric(&mut self, name: &str, output: &mut Output<'_>) {
        let found = forward::resolve(name, self.usable.wanted());
        match self.usable.choose(name, &found) {
            Ok(chosen) => chosen.into_iter().for_each(|address| self.add(Some(name), address, 1)),
            Err(why) => {
                output.print_error(format_args!("{}: {why}\n", self.usable.program()));
                self.hosts.add_unknown(name.to_owned(), command::reason(name, &why));
            }
        }
    }

    /// Takes the result of a lookup before the run. Returns the addresses of the name.
    fn resolve(
        &mut self,
        number: u32,
        name: &str,
        found: &anyhow::Result<Vec<Candidate>>,
        output: &mut Output<'_>,
    ) -> Vec<SocketAddr> {
        let chosen = self.usable.choose(name, found);
        match &chosen {
            Ok(chosen) => {
                let targets = chosen.iter().flat_map(|address| self.targets.add(*address, 1)).collect();
                self.hosts.resolve(number, Ok(targets));
            }
            Err(why) => {
                // Where lookups go on, it is among the names that are looked up again.
                let next = if self.plain.is_some() { AGAIN } else { "" };
                output.print_error(format_args!("{}: {why}{next}\n", self.usable.program()));
                self.hosts.resolve(number, Err(command::reason(name, why)));
            }
        }
        chosen.unwrap_or_default()
    }
}

/// The first target of each family.
pub fn firsts(targets: &Targets) -> impl Iterator<Item = SocketAddr> {
    let all = || (0..targets.len()).filter_map(|number| targets.address(number));
    let v4 = all().find(SocketAddr::is_ipv4);
    v4.into_iter().chain(all().find(SocketAddr::is_ipv6))
}
