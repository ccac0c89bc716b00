//! The targets that were given as plain addresses, each range of them once.

use std::collections::BTreeMap;
use std::ops::Range;

/// Ranges of targets, and the number of the entry of each.
#[derive(Clone, Debug, Default)]
pub struct PlainTargets {
    /// The end of each range and its entry, by the first target; no target is in two ranges.
    ranges: BTreeMap<u32, (u32, u32)>,
}

impl PlainTargets {
    /// Adds a range that is not there.
    pub fn add(&mut self, targets: Range<u32>, entry: u32) {
        self.ranges.insert(targets.start, (targets.end, entry));
    }

    /// The number of the entry of a target; `None`: the target was not added.
    pub fn entry(&self, target: u32) -> Option<u32> {
        let (_, (end, entry)) = self.ranges.range(..=target).next_back()?;
        (target < *end).then_some(*entry)
    }

    /// The parts of a range that were not added.
    pub fn missing_of(&self, targets: Range<u32>) -> Vec<Range<u32>> {
        let (mut parts, mut next) = (Vec::new(), targets.start);
        let before = self.ranges.range(..=targets.start).next_back();
        for (start, (end, _)) in before.into_iter().chain(self.ranges.range(targets.clone())) {
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_is_added_once() {
        let mut plain = PlainTargets::default();
        plain.add(10..20, 1);
        plain.add(30..31, 2);
        assert_eq!(plain.missing_of(5..40), [5..10, 20..30, 31..40]);
        assert_eq!(plain.missing_of(12..35), [20..30, 31..35]);
        assert_eq!((plain.missing_of(10..20), plain.missing_of(30..31)), (vec![], vec![]));
        assert_eq!(
            [9, 10, 19, 20, 30, 31].map(|n| plain.entry(n)),
            [None, Some(1), Some(1), None, Some(2), None]
        );
    }
}
