//! The targets of a run under the names that the user typed, in that order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::rc::Rc;

use super::addresses::Shown;
use super::entries::{Entries, only};
pub use super::entries::{HostCursor, HostEntry, PART};
use super::newest::Newest;
use super::plain_targets::PlainTargets;
use crate::engine::ping::event::{Event, LookupOutcome, NameLookup};
use crate::engine::ping::{LiveTargets, Targets};
use crate::escape::escape;

/// All entries, and the addresses of their targets.
#[derive(Clone, Debug, Default)]
pub struct Hosts {
    entries: Entries,
    /// The targets that the run begins with.
    first: Rc<Targets>,
    targets: LiveTargets,
    /// Pairs of a target and an entry with one of its names; no name of a target twice.
    named: BTreeSet<(u32, u32)>,
    /// Pairs of a target and an entry that had it.
    former: BTreeSet<(u32, u32)>,
    /// Targets that were given as plain addresses.
    plain: PlainTargets,
    /// Targets with a name or a label that were added, until all are.
    seen: BTreeSet<(u32, Option<String>, Option<Rc<str>>)>,
    /// The names of plain addresses, as far as they were looked up.
    found: BTreeMap<u32, String>,
    /// Further entries of names that are looked up while the run goes on, by the number of the first one.
    again: BTreeMap<u32, Vec<u32>>,
    /// The newest outcomes of probes, while names are looked up.
    newest: Newest,
    /// The number of the only name that [`Hosts::labels`] has now; `None`: all.
    only: Option<u32>,
}

/// A target under one of its names.
#[derive(Clone, Copy, Debug)]
pub struct HostLabel<'a> {
    /// The name; `None` for a plain address.
    pub name: Option<&'a str>,
    /// The label of its line in a list.
    pub note: Option<&'a str>,
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

    /// Sets the label of the entries that are added from now on.
    pub fn note(&mut self, note: Option<Rc<str>>) {
        self.entries.set_note(note);
    }

    /// Adds an entry, unless it was added before; of plain addresses those that were not, or had another label.
    pub fn add(&mut self, name: Option<String>, targets: Range<u32>) {
        if name.is_some() {
            self.add_named(name, targets);
            return;
        }
        for range in self.plain.missing_of(targets.clone()) {
            let entry = self.entries.push(None, range.clone());
            self.plain.add(range, entry);
        }
        if self.entries.note().is_some() {
            for target in targets {
                let known = self.plain_entry(target).and_then(|entry| entry.note.as_ref());
                if known != self.entries.note() {
                    self.add_named(None, only(target));
                }
            }
        }
    }

    /// Whether a target was given as a plain address, so that a row of it may have a name that was looked up.
    pub fn is_plain(&self, target: u32) -> bool {
        self.plain.entry(target).is_some()
    }

    /// The entry that a target was given in as a plain address, for the first time.
    fn plain_entry(&self, target: u32) -> Option<&HostEntry> {
        self.entries.get(self.plain.entry(target)?)
    }

    /// Adds an entry that is found by its target in [`Hosts::named`], once.
    fn add_named(&mut self, name: Option<String>, targets: Range<u32>) {
        if self.seen.insert((targets.start, name.clone(), self.entries.note().cloned())) {
            let entry = self.entries.push(name, targets.clone());
            self.named.extend(targets.map(|target| (target, entry)));
        }
    }

    /// Adds an entry, whether it was added before or not.
    pub fn add_each(&mut self, name: Option<String>, targets: Range<u32>) {
        let entry = self.entries.push(name, targets.clone());
        self.named.extend(targets.map(|target| (target, entry)));
    }

    /// Adds a word that was not resolved or cannot be probed.
    pub fn add_unknown(&mut self, name: String, trouble: String) {
        self.add_unknown_range(name, 1, trouble);
    }

    /// Adds so many addresses that cannot be probed, under one name.
    pub fn add_unknown_range(&mut self, name: String, count: u32, trouble: String) {
        self.entries.append(HostEntry::unknown(name, count, trouble));
    }

    /// Adds a name that is looked up while the run goes on. Returns its number.
    pub fn add_open(&mut self, name: String) -> u32 {
        self.entries.append(HostEntry::open(name))
    }

    /// Takes the result of the lookup of a name before the run: its targets, or why it has none.
    pub fn resolve(&mut self, number: u32, targets: Result<Vec<Range<u32>>, String>) {
        let Some(entry) = self.entries.get_mut(number) else { return };
        match targets {
            Ok(targets) => {
                self.named.extend(targets.iter().cloned().flatten().map(|target| (target, number)));
                entry.find(targets);
            }
            Err(reason) => entry.trouble = Some(reason),
        }
    }

    /// Adds the name with that number again, if it has another label now.
    pub fn add_again(&mut self, number: u32) {
        let listed =
            |entry| self.entries.get(entry).is_some_and(|entry| entry.note.as_ref() == self.entries.note());
        if self.entries_of(number).any(listed) {
            return;
        }
        let Some(first) = self.entries.get(number).cloned() else { return };
        let targets: Vec<_> = first.targets().collect();
        let entry = self.entries.append(first);
        self.named.extend(targets.into_iter().map(|target| (target, entry)));
        self.again.entry(number).or_default().push(entry);
    }

    /// Takes the result of a lookup.
    pub fn look_up(&mut self, lookup: &NameLookup) {
        let number = lookup.name;
        match &lookup.outcome {
            LookupOutcome::Unknown { .. } => {}
            LookupOutcome::Found { places, .. } => {
                places.iter().for_each(|place| self.targets.put(place.target, place.address));
            }
            LookupOutcome::Moved { before, after } if before.target == after.target => {
                self.targets.change(after.target, after.address, 0);
            }
            LookupOutcome::Moved { after, .. } => self.targets.put(after.target, after.address),
        }
        let entries: Vec<_> = self.entries_of(number).collect();
        entries.into_iter().for_each(|entry| self.look_up_entry(entry, &lookup.outcome));
    }

    /// Keeps the outcome of a probe for names that are found later; `open`: there are some, and they have lines.
    pub fn keep(&mut self, event: &Event, open: bool) {
        self.newest.keep(event, open);
    }

    /// Returns the newest outcome of each address that was found: it had no line under this name. Until
    /// [`Hosts::widen`], this name is the only label.
    pub fn narrow(&mut self, lookup: &NameLookup) -> Vec<Event> {
        let LookupOutcome::Found { places, .. } = &lookup.outcome else { return Vec::new() };
        self.only = Some(lookup.name);
        places.iter().filter_map(|place| self.newest.of(place.target)).collect()
    }

    /// Ends what [`Hosts::narrow`] began.
    pub fn widen(&mut self) {
        self.only = None;
    }

    /// The entries of a name that is looked up while the run goes on.
    fn entries_of(&self, number: u32) -> impl Iterator<Item = u32> {
        let further = self.again.get(&number).into_iter().flatten();
        [number].into_iter().chain(further.copied())
    }

    /// A name that is looked up while the run goes on, with each of its labels.
    pub fn name(&self, number: u32) -> impl Iterator<Item = (&str, Option<&str>)> {
        let entries = self.entries_of(number).filter_map(|entry| self.entries.get(entry));
        entries.filter_map(|entry| Some((entry.name.as_deref()?, entry.note.as_deref())))
    }

    fn look_up_entry(&mut self, number: u32, outcome: &LookupOutcome) {
        let Some(entry) = self.entries.get_mut(number) else { return };
        match outcome {
            LookupOutcome::Unknown { reason, .. } => entry.trouble = Some(reason.clone()),
            LookupOutcome::Found { places, .. } => {
                entry.find(places.iter().map(|place| only(place.target)));
                for place in places {
                    self.former.remove(&(place.target, number));
                    self.named.insert((place.target, number));
                }
            }
            LookupOutcome::Moved { before, after } => {
                entry.replace(before.target, after.target);
                self.named.remove(&(before.target, number));
                self.former.insert((before.target, number));
                self.former.remove(&(after.target, number));
                self.named.insert((after.target, number));
            }
        }
    }

    /// Completes the table after all entries were added. `targets` has the address of each number.
    pub fn seal(&mut self, targets: Rc<Targets>) {
        self.targets = LiveTargets::new(Rc::clone(&targets));
        self.first = targets;
        self.seen.clear();
        self.entries.shrink();
    }

    /// The entries, in order.
    pub fn entries(&self) -> &[HostEntry] {
        self.entries.all()
    }

    /// The addresses of the targets that the run begins with.
    pub fn targets(&self) -> &Rc<Targets> {
        &self.first
    }

    /// The address of a target.
    pub fn address(&self, target: u32) -> Option<SocketAddr> {
        self.targets.address(target)
    }

    /// Number of names that were not resolved and of addresses that cannot be probed.
    pub fn unknown(&self) -> u32 {
        let unknown = self.entries.all().iter().filter(|entry| entry.trouble.is_some());
        unknown.fold(0, |sum: u32, entry| sum.saturating_add(entry.missing))
    }

    /// Records the name that was looked up for the address of a target.
    pub fn put_name(&mut self, target: u32, name: String) {
        self.found.insert(target, name);
    }

    /// The name that a row of an entry has: that of the entry, or the one of its address.
    pub fn row_name<'a>(&'a self, entry: &'a HostEntry, target: Option<u32>) -> Option<&'a str> {
        let found = || self.found.get(&target?).map(String::as_str);
        entry.name.as_deref().or_else(found)
    }

    /// Whether a row has another name than its address.
    pub fn has_names(&self) -> bool {
        !self.found.is_empty() || self.entries.all().iter().any(|entry| entry.name.is_some())
    }

    /// The labels of a target: first the plain address if it was given as one, then each name. Without these, the names
    /// that had it.
    pub fn labels(&self, target: u32) -> impl Iterator<Item = HostLabel<'_>> {
        let address = self.address(target);
        let all = (target, 0)..=(target, u32::MAX);
        let plain = self.plain_entry(target).filter(|_| self.only.is_none());
        let has_none = plain.is_none() && self.named.range(all.clone()).next().is_none();
        let pairs = if has_none { &self.former } else { &self.named };
        let wanted = |entry: &u32| self.only.is_none_or(|name| self.entries_of(name).any(|of| of == *entry));
        let named = pairs.range(all).map(|(_, entry)| entry).filter(move |entry| wanted(entry));
        let named = named.filter_map(|entry| self.entries.get(*entry));
        let all = plain.into_iter().chain(named);
        all.filter_map(move |entry| {
            Some(HostLabel { name: entry.name.as_deref(), note: entry.note.as_deref(), address: address? })
        })
    }

    /// The first label of a target.
    pub fn label(&self, target: u32) -> Option<HostLabel<'_>> {
        self.labels(target).next()
    }
}

#[cfg(test)]
mod tests;
