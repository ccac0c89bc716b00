//! The words that name the targets of a run, in their order, and a walk through them.

use std::ops::Range;
use std::rc::Rc;

/// The targets of one word, or of one line of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostEntry {
    /// The word, if it is no plain address; it may hold any characters.
    pub name: Option<String>,
    /// The numbers of its targets; none if it was not resolved or cannot be probed. Those that it had stand first.
    targets: Vec<Range<u32>>,
    /// How many of these it had, each alone.
    former: u32,
    /// The label of its line in a list: what stands behind the word. It may hold any characters.
    pub note: Option<Rc<str>>,
    /// Why it has no target.
    pub trouble: Option<String>,
    /// How many addresses it stands for if it has none.
    pub missing: u32,
}

impl HostEntry {
    /// A name that is looked up while the run goes on.
    pub const fn open(name: String) -> Self {
        Self { name: Some(name), targets: Vec::new(), former: 0, note: None, trouble: None, missing: 1 }
    }

    /// A word for so many addresses that was not resolved or cannot be probed.
    pub fn unknown(name: String, missing: u32, trouble: String) -> Self {
        Self { missing, trouble: Some(trouble), ..Self::open(name) }
    }

    /// The numbers of its targets.
    pub fn targets(&self) -> impl Iterator<Item = u32> {
        self.targets.iter().cloned().flatten()
    }

    /// Whether it had a target and has it no more.
    pub fn is_former(&self, target: u32) -> bool {
        self.targets.iter().take(self.former as usize).any(|range| *range == only(target))
    }

    /// Adds targets: it is known.
    pub fn find(&mut self, targets: impl IntoIterator<Item = Range<u32>>) {
        self.trouble = None;
        for range in targets {
            self.forget(range.start);
            if !self.targets.contains(&range) {
                self.targets.push(range);
            }
        }
    }

    /// Puts another target in the place of one that was added alone. That one has a row still.
    pub fn replace(&mut self, before: u32, after: u32) {
        if before == after {
            return;
        }
        self.forget(after);
        let place = self.targets.iter_mut().find(|range| **range == only(before));
        place.into_iter().for_each(|range| *range = only(after));
        self.targets.insert(self.former as usize, only(before));
        self.former = self.former.saturating_add(1);
    }

    /// Removes a target that it had.
    fn forget(&mut self, target: u32) {
        let mut former = self.targets.iter().take(self.former as usize);
        if let Some(place) = former.position(|range| *range == only(target)) {
            self.targets.remove(place);
            self.former = self.former.saturating_sub(1);
        }
    }

    /// The n-th of its targets, from 0.
    fn nth(&self, mut n: u32) -> Option<u32> {
        for range in &self.targets {
            let count = range.end.saturating_sub(range.start);
            if n < count {
                return Some(range.start.saturating_add(n));
            }
            n = n.saturating_sub(count);
        }
        None
    }
}

/// One target, as a range.
pub const fn only(target: u32) -> Range<u32> {
    target..target.saturating_add(1)
}

/// Entries, numbered from 0.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    all: Vec<HostEntry>,
    /// The label of those that are added next.
    note: Option<Rc<str>>,
}

impl Entries {
    /// All of them, in order.
    pub fn all(&self) -> &[HostEntry] {
        &self.all
    }

    /// The entry with a number.
    pub fn get(&self, number: u32) -> Option<&HostEntry> {
        self.all.get(number as usize)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut HostEntry> {
        self.all.get_mut(number as usize)
    }

    /// The label of the entries that are added next.
    pub const fn note(&self) -> Option<&Rc<str>> {
        self.note.as_ref()
    }

    /// Sets the label of the entries that are added from now on.
    pub fn set_note(&mut self, note: Option<Rc<str>>) {
        self.note = note;
    }

    /// Adds an entry, or its targets to the last one if these continue it. Returns the number of the entry.
    pub fn push(&mut self, name: Option<String>, targets: Range<u32>) -> u32 {
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let last = self.all.last_mut().filter(|last| last.name.is_none() && name.is_none());
        let last = last.filter(|last| last.note == self.note).and_then(|last| last.targets.last_mut());
        if let Some(last) = last.filter(|last| last.end == targets.start) {
            last.end = targets.end;
            return next.saturating_sub(1);
        }
        self.append(HostEntry {
            name,
            targets: vec![targets],
            former: 0,
            note: None,
            trouble: None,
            missing: 1,
        })
    }

    /// Adds an entry, with the label of those that are added now. Returns its number.
    pub fn append(&mut self, entry: HostEntry) -> u32 {
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.all.push(HostEntry { note: self.note.clone(), ..entry });
        number
    }

    /// Gives back memory: no entry is added any more.
    pub fn shrink(&mut self) {
        self.all.shrink_to_fit();
    }
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
    pub fn next<'a>(&mut self, entries: &'a [HostEntry]) -> Option<(&'a HostEntry, Option<u32>)> {
        let entry = entries.get(self.entry)?;
        let target = entry.nth(self.done);
        self.done = self.done.saturating_add(1);
        if entry.nth(self.done).is_none() {
            *self = Self { entry: self.entry.saturating_add(1), done: 0 };
        }
        Some((entry, target))
    }
}
