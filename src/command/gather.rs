//! Numbers the targets of a run, under the names that were typed.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::rc::Rc;

use anyhow::ensure;

use crate::cli::many::Many;
use crate::cli::ping_request::PingRequest;
use crate::command;
use crate::command::joining::{Joining, NO_THREAD};
use crate::command::lookups::{ForwardLookups, LOOKUPS_APART};
use crate::command::usable::{Usable, here};
use crate::command::words::{self, Labelled, Word, Words};
use crate::engine::ping::Targets;
use crate::escape::escape;
use crate::names::background::Background;
use crate::names::forward::{self, Candidate};
use crate::output::Output;
use crate::report::hosts::Hosts;
use crate::report::missing::AGAIN;
use crate::transport::Sockets;
use crate::wire::Family;

/// The hosts of a run.
pub struct Found<'a> {
    /// Those that can be probed, those that are looked up, and the others with the reason.
    pub hosts: Hosts,
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
    let Words { words, names, .. } = words::gather(request, many, output)?;
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
    ensure!(!until || hosts.unknown() == 0, "--until needs hosts that can be probed, all of them");
    hosts.seal(Rc::new(targets));
    if let Some((joining, plain)) = joining.as_mut().zip(plain) {
        joining.set_others(plain);
    }
    Ok(Found { hosts, lookups, joining })
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
                Word::Invalid { name, reason } => {
                    self.hosts.add_unknown(name, reason);
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
