//! The targets of a run under the names that the user typed, in that order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::rc::Rc;

use super::addresses::Shown;
use super::entries::{Entries, only};
pub use super::entries::{HostCursor, HostEntry, PART};
use super::plain_targets::PlainTargets;
use crate::engine::ping::event::{LookupOutcome, NameLookup};
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
        let plain = self.plain_entry(target);
        let has_none = plain.is_none() && self.named.range(all.clone()).next().is_none();
        let pairs = if has_none { &self.former } else { &self.named };
        let named = pairs.range(all).filter_map(|(_, entry)| self.entries.get(*entry));
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
mod tests {
    use super::*;
    use crate::engine::ping::event::{Missing, NameState, Place};

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
        assert_eq!((hosts.unknown(), hosts.entries().len()), (1, 4));
    }

    /// The labels of a target.
    fn labels(hosts: &Hosts, target: u32) -> Vec<String> {
        hosts.labels(target).map(|label| label.to_string()).collect()
    }

    /// Every row: the name and the address.
    fn rows(hosts: &Hosts) -> Vec<String> {
        let mut cursor = HostCursor::default();
        let next = || {
            let (entry, target) = cursor.next(hosts.entries())?;
            let address = target.and_then(|target| hosts.address(target));
            let address = address.map_or("-".to_owned(), |address| address.ip().to_string());
            Some(format!("{} {address}", entry.name.as_deref().unwrap_or("-")))
        };
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn names_that_are_found_later_keep_their_place() {
        let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
        let late = hosts.add_open("late".to_owned());
        let first = "192.0.2.1:0".parse().unwrap();
        targets.add(first, 2).into_iter().for_each(|range| hosts.add(None, range));
        let both = hosts.add_open("both".to_owned());
        let never = hosts.add_open("never".to_owned());
        hosts.seal(Rc::new(targets));
        assert_eq!(rows(&hosts), ["late -", "- 192.0.2.1", "- 192.0.2.2", "both -", "never -"]);
        let place = |target, address: &str| Place { target, address: address.parse().unwrap() };
        let mut look_up = |name, outcome| {
            let at = crate::clock::Instant::ZERO;
            hosts.look_up(&NameLookup { at, name, outcome });
            hosts.name(name).next().map(|(name, _)| name.to_owned())
        };
        let places = vec![place(1, "192.0.2.2:0"), place(2, "192.0.2.9:0")];
        assert_eq!(
            look_up(both, LookupOutcome::Found { places, before: NameState::Open }).as_deref(),
            Some("both")
        );
        let places = vec![place(3, "192.0.2.8:0")];
        look_up(late, LookupOutcome::Found { places, before: NameState::Open });
        look_up(never, LookupOutcome::Unknown { reason: "why".to_owned(), missing: Missing::Final });
        let expected =
            ["late 192.0.2.8", "- 192.0.2.1", "- 192.0.2.2", "both 192.0.2.2", "both 192.0.2.9", "never -"];
        assert_eq!((rows(&hosts), hosts.unknown()), (expected.map(str::to_owned).to_vec(), 1));
        assert_eq!(labels(&hosts, 1), ["192.0.2.2", "both (192.0.2.2)"]);
        assert_eq!([0, 1, 2, 3].map(|target| hosts.is_plain(target)), [true, true, false, false]);
    }

    #[test]
    fn a_name_that_moved_has_its_new_address() {
        let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
        let first = "192.0.2.1:0".parse().unwrap();
        targets.add(first, 1).into_iter().for_each(|range| hosts.add(None, range));
        let name = hosts.add_open("name".to_owned());
        hosts.seal(Rc::new(targets));
        let place = |target, address: &str| Place { target, address: address.parse().unwrap() };
        let mut look_up = |outcome| {
            hosts.look_up(&NameLookup { at: crate::clock::Instant::ZERO, name, outcome });
        };
        look_up(LookupOutcome::Found { places: vec![place(0, "192.0.2.1:0")], before: NameState::Open });
        let moved = |from, to| LookupOutcome::Moved { before: from, after: to };
        look_up(moved(place(0, "192.0.2.1:0"), place(1, "192.0.2.2:0")));
        look_up(moved(place(1, "192.0.2.2:0"), place(1, "192.0.2.3:0")));
        assert_eq!(rows(&hosts), ["- 192.0.2.1", "name 192.0.2.1", "name 192.0.2.3"]);
        let former = |hosts: &Hosts| [0, 1].map(|target| hosts.entries()[1].is_former(target));
        assert_eq!(former(&hosts), [true, false]);
        assert_eq!(
            (labels(&hosts, 0), labels(&hosts, 1)),
            (vec!["192.0.2.1".to_owned()], vec!["name (192.0.2.3)".to_owned()])
        );
        // Back again: a target that nothing has any more is under the name that had it.
        hosts.look_up(&NameLookup {
            at: crate::clock::Instant::ZERO,
            name,
            outcome: moved(place(1, "192.0.2.3:0"), place(0, "192.0.2.1:0")),
        });
        assert_eq!(rows(&hosts), ["- 192.0.2.1", "name 192.0.2.3", "name 192.0.2.1"]);
        assert_eq!(former(&hosts), [false, true]);
        assert_eq!(labels(&hosts, 0), ["192.0.2.1", "name (192.0.2.1)"]);
        assert_eq!(labels(&hosts, 1), ["name (192.0.2.3)"]);
    }
}
