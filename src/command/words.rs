//! The words of the command line and of files that name the targets of a run, before names are resolved.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::rc::Rc;

use anyhow::{Context, anyhow, ensure};

use crate::cli::many::{MANY_HOSTS, MOST_HOSTS, Many};
use crate::cli::ping_request::PingRequest;
use crate::command;
use crate::command::hosts::{self, HostSpec};
use crate::escape::escape;
use crate::names::interface_index;
use crate::output::Output;

/// The words that name hosts, before names are resolved.
#[derive(Default)]
pub struct Words {
    /// In their order.
    pub words: Vec<Labelled>,
    /// The names among them.
    pub names: Vec<String>,
    /// Number of addresses so far; a name counts as one.
    count: u128,
    /// Whether each word is one name, whatever it looks like.
    verbatim: bool,
}

/// A word, and the label of its line.
pub struct Labelled {
    /// The word.
    pub word: Word,
    /// The label.
    pub label: Option<Rc<str>>,
}

/// A word.
pub enum Word {
    /// A number of addresses from the first on.
    Range(SocketAddr, u32),
    /// The name with this index.
    Name(usize),
    /// What names no host, in a file: the word, or the place of the line; and why.
    Invalid {
        /// What it is called.
        name: String,
        /// The reason, without the word.
        reason: String,
    },
}

impl Words {
    /// No words yet.
    fn new(many: &Many) -> Self {
        let verbatim = many.fping.as_ref().is_some_and(|fping| !fping.expand);
        Self { verbatim, ..Self::default() }
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
        self.push(word, label);
        Ok(())
    }

    fn push(&mut self, word: Word, label: Option<&str>) {
        // Lines that follow one another often have the same label.
        let last = self.words.last().and_then(|last| last.label.clone());
        let label = last.filter(|last| label == Some(last)).or_else(|| label.map(Rc::from));
        self.words.push(Labelled { word, label });
    }

    /// Adds the lines of a file. Of each that names no host, `report` gets a line, up to [`MOST_ERRORS`].
    ///
    /// # Errors
    /// The file cannot be read, or there are too many hosts.
    fn read(
        &mut self,
        list: &str,
        many: &Many,
        report: &mut dyn FnMut(fmt::Arguments<'_>),
    ) -> anyhow::Result<()> {
        let file = escape(if list == "-" { "standard input" } else { list });
        let (mut count, mut invalid) = (Ok(()), 0_u64);
        let mut each = |number: usize, line: Result<hosts::Line<'_>, &'static str>| {
            if count.is_err() {
                return;
            }
            let place = || format!("{file}: line {number}");
            let (name, label, error) = match line {
                Err(reason) => (place(), None, anyhow!(reason)),
                Ok(line) => match self.add(line.word, line.label) {
                    Ok(()) => {
                        return count =
                            self.check_count(many, line.word).map_err(|why| anyhow!("{}: {why}", place()));
                    }
                    Err(error) => (line.word.to_owned(), line.label, error),
                },
            };
            invalid += 1;
            if invalid <= MOST_ERRORS {
                report(format_args!("{}: {error}", place()));
            }
            let reason = command::reason(&name, &error);
            self.push(Word::Invalid { name, reason }, label);
        };
        let read = match list {
            "-" => hosts::list(io::stdin().lock(), &mut each),
            path => File::open(path).and_then(|file| hosts::list(BufReader::new(file), &mut each)),
        };
        if let Some(more) = invalid.checked_sub(MOST_ERRORS).filter(|more| *more > 0) {
            report(format_args!("{file}: {more} more lines are invalid"));
        }
        read.with_context(|| match &many.fping {
            None => format!("--targets {}", escape(list)),
            // The name of the call is what other programs look for.
            Some(_) => format!("-f {}: fopen ", escape(list)),
        })?;
        count
    }

    /// Checks the number of addresses, after each `word`.
    ///
    /// # Errors
    /// Too many.
    fn check_count(&self, many: &Many, word: &str) -> anyhow::Result<()> {
        let count = self.count;
        ensure!(
            count <= MOST_HOSTS,
            "{}: {count} hosts or more are too many; at most {MOST_HOSTS} can be pinged",
            escape(word)
        );
        ensure!(
            many.yes || count <= MANY_HOSTS,
            "{}: {count} hosts or more: without --yes at most {MANY_HOSTS} are pinged",
            escape(word)
        );
        Ok(())
    }

    /// Checks that there are as many hosts as are to answer. fping has no such check, and a name may have many addresses.
    ///
    /// # Errors
    /// Too few.
    fn check_enough(&self, request: &PingRequest, many: &Many) -> anyhow::Result<()> {
        let (count, enough) = (self.count, request.ping.enough.unwrap_or(0));
        let plural = if count == 1 { " is" } else { "s are" };
        ensure!(
            u128::from(enough) <= count || many.all_addresses || many.fping.is_some(),
            "--min-reachable {enough}: only {count} host{plural} given"
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
    let words = of_command_line(request, many)?;
    if many.lists.is_empty() { words.check_enough(request, many) } else { Ok(()) }
}

/// The hosts of the command line.
fn of_command_line(request: &PingRequest, many: &Many) -> anyhow::Result<Words> {
    let mut words = Words::new(many);
    for host in &request.hosts {
        words.add(host, None)?;
        words.check_count(many, host)?;
    }
    Ok(words)
}

/// Invalid lines of a file that are printed one by one; of more, the number is.
const MOST_ERRORS: u64 = 100;

/// Reads the command line and the files. An invalid line of a file is printed as an error, and is an unknown host.
///
/// # Errors
/// An invalid word of the command line, a file that cannot be read, or too many hosts.
pub fn gather(request: &PingRequest, many: &Many, output: &mut Output<'_>) -> anyhow::Result<Words> {
    let mut words = of_command_line(request, many)?;
    for list in &many.lists {
        words.read(list, many, &mut |line| {
            output.print_error(format_args!("{}: {line}\n", request.style.program));
        })?;
    }
    words.check_enough(request, many)?;
    Ok(words)
}
