//! The targets of a run under the names that the user typed, in that order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::rc::Rc;

use super::addresses::Shown;
use crate::engine::ping::Targets;
use crate::escape::escape;

/// The targets of one word, or of one line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostEntry {
    /// The word, if it is no plain address; it may hold any characters.
    pub name: Option<String>,
    /// The numbers of its targets; empty if it was not resolved or cannot be probed.
    pub targets: Range<u32>,
    /// Why it has no target.
    pub trouble: Option<String>,
}

/// All entries, and the addresses of their targets.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    entries: Vec<HostEntry>,
    targets: Rc<Targets>,
    /// Pairs of a target and the entry with one of its names; sorted, no name of a target twice.
    named: Vec<(u32, u32)>,
    /// Targets that were given as plain addresses: the first and the end of each range, none in two of them.
    plain: BTreeMap<u32, u32>,
    /// Targets with a name that were added, until all are.
    seen: BTreeSet<(u32, String)>,
    unknown: u32,
}

/// Targets that are printed in one part of a report's end.
pub const PART: usize = 512;

/// How much of the entries was printed: the current one, and how many of its targets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostCursor {
    entry: usize,
    done: u32,
}

impl HostCursor {
    /// The current entry and its next target; `None` for an entry without targets, which comes once.
    pub fn next<'a>(&mut self, hosts: &'a Hosts) -> Option<(&'a HostEntry, Option<u32>)> {
        let entry = hosts.entries.get(self.entry)?;
        let target = entry.targets.start.saturating_add(self.done);
        self.done = self.done.saturating_add(1);
        if target.saturating_add(1) >= entry.targets.end {
            *self = Self { entry: self.entry.saturating_add(1), done: 0 };
        }
        Some((entry, entry.targets.contains(&target).then_some(target)))
    }
}

/// A target under one of its names.
#[derive(Clone, Copy, Debug)]
pub struct HostLabel<'a> {
    /// The name; `None` for a plain address.
    pub name: Option<&'a str>,
    /// The address.
    pub address: SocketAddr,
}

impl HostLabel<'_> {
    /// The word as typed, or the address.
    pub fn host(&self) -> String {
        self.name.map_or_else(|| Shown(self.address).to_string(), str::to_owned)
    }
}

/// As text: `NAME (ADDRESS)`, or the address.
impl fmt::Display for HostLabel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name {
            Some(name) => write!(f, "{} ({})", escape(name), Shown(self.address)),
            None => Shown(self.address).fmt(f),
        }
    }
}

impl Hosts {
    /// One target under a name.
    pub fn one(name: String, address: SocketAddr) -> Self {
        let mut targets = Targets::default();
        let mut hosts = Self::default();
        targets.add(address, 1).into_iter().for_each(|range| hosts.add(Some(name.clone()), range));
        hosts.seal(Rc::new(targets));
        hosts
    }

    /// Adds an entry, unless it was added before; of plain addresses those that were not.
    pub fn add(&mut self, name: Option<String>, targets: Range<u32>) {
        if let Some(name) = name {
            if self.seen.insert((targets.start, name.clone())) {
                self.push(Some(name), targets);
            }
            return;
        }
        for range in self.new_ones(targets) {
            self.plain.insert(range.start, range.end);
            self.push(None, range);
        }
    }

    /// The parts of a range that were not added as plain addresses before.
    fn new_ones(&self, targets: Range<u32>) -> Vec<Range<u32>> {
        let (mut parts, mut next) = (Vec::new(), targets.start);
        let before = self.plain.range(..=targets.start).next_back();
        for (start, end) in before.into_iter().chain(self.plain.range(targets.clone())) {
            if *start > next {
                parts.push(next..*start);
            }
            next = next.max(*end);
        }
        if next < targets.end {
            parts.push(next..targets.end);
        }
        parts
    }

    fn push(&mut self, name: Option<String>, targets: Range<u32>) {
        match self.entries.last_mut() {
            Some(HostEntry { name: None, targets: last, .. })
                if name.is_none() && last.end == targets.start =>
            {
                last.end = targets.end;
            }
            _ => self.entries.push(HostEntry { name, targets, trouble: None }),
        }
    }

    /// Adds a word that was not resolved or cannot be probed.
    pub fn add_unknown(&mut self, name: String, trouble: String) {
        self.unknown = self.unknown.saturating_add(1);
        self.entries.push(HostEntry { name: Some(name), targets: 0..0, trouble: Some(trouble) });
    }

    /// Completes the table after all entries were added. `targets` has the address of each number.
    pub fn seal(&mut self, targets: Rc<Targets>) {
        self.targets = targets;
        let found = self.entries.iter().zip(0..).filter(|(entry, _)| !entry.targets.is_empty());
        let named = found.clone().filter(|(entry, _)| entry.name.is_some());
        self.named = named.map(|(entry, number)| (entry.targets.start, number)).collect();
        let name = |entry: u32| self.entries.get(entry as usize).and_then(|entry| entry.name.as_deref());
        self.named.sort_unstable_by_key(|(target, entry)| (*target, name(*entry), *entry));
        self.named.dedup_by_key(|(target, entry)| (*target, name(*entry)));
        self.named.sort_unstable();
        self.seen.clear();
        self.entries.shrink_to_fit();
    }

    /// The entries, in order.
    pub fn entries(&self) -> &[HostEntry] {
        &self.entries
    }

    /// The addresses of all targets.
    pub fn targets(&self) -> &Rc<Targets> {
        &self.targets
    }

    /// The address of a target.
    pub fn address(&self, target: u32) -> Option<SocketAddr> {
        self.targets.address(target)
    }

    /// Number of words that were not resolved or cannot be probed.
    pub fn unknown(&self) -> u32 {
        self.unknown
    }

    /// Number of targets, plus [`Self::unknown`].
    pub fn all(&self) -> u64 {
        u64::from(self.targets.len()) + u64::from(self.unknown)
    }

    /// Whether an entry is no plain address.
    pub fn has_names(&self) -> bool {
        self.entries.iter().any(|entry| entry.name.is_some())
    }

    /// The labels of a target: first the plain address if it was given as one, then each name.
    pub fn labels(&self, target: u32) -> impl Iterator<Item = HostLabel<'_>> {
        let address = self.address(target);
        let from = self.named.partition_point(|(number, _)| *number < target);
        let named = self.named.get(from..).unwrap_or_default();
        let here = named.iter().take_while(move |(number, _)| *number == target);
        let names = here.filter_map(|(_, entry)| self.entries.get(*entry as usize)?.name.as_deref());
        let plain = self.plain.range(..=target).next_back().is_some_and(|(_, end)| target < *end);
        let all = plain.then_some(None).into_iter().chain(names.map(Some));
        all.filter_map(move |name| Some(HostLabel { name, address: address? }))
    }

    /// The first label of a target.
    pub fn label(&self, target: u32) -> Option<HostLabel<'_>> {
        self.labels(target).next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_of_an_address_is_a_label_once() {
        let mut targets = Targets::default();
        let mut hosts = Hosts::default();
        let first = "192.0.2.1:0".parse().unwrap();
        let mut add = |name: Option<&str>, count| {
            targets.add(first, count).into_iter().for_each(|range| hosts.add(name.map(str::to_owned), range));
        };
        add(Some("www"), 1);
        add(Some("web"), 1);
        add(None, 3);
        add(None, 1);
        add(Some("www"), 1);
        hosts.add_unknown("nope".to_owned(), "why".to_owned());
        hosts.seal(Rc::new(targets));
        let labels = |target| hosts.labels(target).map(|label| label.to_string()).collect::<Vec<_>>();
        assert_eq!(labels(0), ["192.0.2.1", "www (192.0.2.1)", "web (192.0.2.1)"]);
        assert_eq!(labels(2), ["192.0.2.3"]);
        assert_eq!(labels(3), [""; 0]);
        // www, web, three addresses and nope: what is given again has no second row.
        assert_eq!((hosts.all(), hosts.unknown(), hosts.entries().len()), (4, 1, 4));
    }
}
