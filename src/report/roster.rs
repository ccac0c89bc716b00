//! Who was to be asked, in the words and in the order in which it was said.

use std::ops::Range;

/// What one word, or one line of a file, stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it was called, where that is no address; it may hold anything.
    pub name: Option<String>,
    /// The numbers of its targets; without any, it could not be found.
    pub targets: Range<u32>,
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    entries: Vec<Entry>,
    /// Targets with a name, and the entry that has it; in order.
    named: Vec<(u32, u32)>,
    unknown: u32,
}

impl Roster {
    /// Adds an entry.
    pub fn add(&mut self, name: Option<String>, targets: Range<u32>) {
        self.unknown += u32::from(targets.is_empty());
        match self.entries.last_mut() {
            Some(Entry { name: None, targets: last }) if name.is_none() && last.end == targets.start => {
                last.end = targets.end;
            }
            _ => self.entries.push(Entry { name, targets }),
        }
    }

    /// Ends the adding.
    pub fn seal(&mut self) {
        let numbered = self.entries.iter().zip(0..);
        let named = numbered.filter(|(entry, _)| entry.name.is_some() && !entry.targets.is_empty());
        self.named = named.map(|(entry, number)| (entry.targets.start, number)).collect();
        self.named.sort_unstable();
        self.entries.shrink_to_fit();
    }

    /// The entries, in order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many could not be found.
    pub fn unknown(&self) -> u32 {
        self.unknown
    }

    /// Whether there is anything that is no plain address.
    pub fn has_names(&self) -> bool {
        self.entries.iter().any(|entry| entry.name.is_some())
    }

    /// The names of a target.
    pub fn names(&self, target: u32) -> impl Iterator<Item = &str> {
        let from = self.named.partition_point(|(number, _)| *number < target);
        let named = self.named.get(from..).unwrap_or_default();
        let here = named.iter().take_while(move |(number, _)| *number == target);
        here.filter_map(|(_, entry)| self.entries.get(*entry as usize)?.name.as_deref())
    }
}
