//! The longest run of losses.

/// Runs that are kept at most: a late answer can still divide one of them.
const REMEMBERED: usize = 64;

/// Runs of losses among the probes to a target: which probes, that follow one another by number, were lost. A probe
/// that was answered, is in flight or could not be sent ends a run.
///
/// The outcome of a probe may be known before that of an earlier one, and an answer may come after the loss: a run grows
/// at either end, two become one, and one becomes two. The size is bounded: of more than 64 runs the oldest count as
/// they are, and a later answer divides them no more.
#[derive(Clone, Debug, Default)]
pub struct Bursts {
    /// In the order of numbers, with something between each two.
    runs: Vec<Run>,
    /// The longest of those that are no longer kept.
    longest_before: u32,
}

#[derive(Clone, Copy, Debug)]
struct Run {
    first: u32,
    len: u32,
}

impl Run {
    /// The number behind it.
    const fn end(self) -> u32 {
        self.first.saturating_add(self.len)
    }
}

impl Bursts {
    /// One run, of so many probes from number 1 on.
    pub fn from_start(len: u32) -> Self {
        Self { runs: vec![Run { first: 1, len }], longest_before: 0 }
    }

    /// Takes all memory that is ever needed.
    pub fn reserve(&mut self) {
        self.runs.reserve_exact((REMEMBERED + 1).saturating_sub(self.runs.len()));
    }

    /// The probe with that number was lost.
    pub fn lose(&mut self, number: u32) {
        let at = self.runs.partition_point(|run| run.first <= number);
        let joins_next = self.runs.get(at).is_some_and(|next| next.first == number.saturating_add(1));
        let before =
            at.checked_sub(1).filter(|before| self.runs.get(*before).is_some_and(|r| r.end() >= number));
        match before.and_then(|before| self.runs.get_mut(before)) {
            Some(run) if run.end() > number => {}
            Some(run) => {
                run.len = run.len.saturating_add(1);
                if joins_next {
                    let next = self.runs.remove(at);
                    self.extend(at - 1, next.len);
                }
            }
            None if joins_next => {
                if let Some(next) = self.runs.get_mut(at) {
                    *next = Run { first: number, len: next.len.saturating_add(1) };
                }
            }
            None => self.insert(at, Run { first: number, len: 1 }),
        }
    }

    /// The probe with that number was answered after all.
    pub fn answer(&mut self, number: u32) {
        let Some(at) = self.runs.iter().rposition(|run| (run.first..run.end()).contains(&number)) else {
            return;
        };
        let run = self.runs.remove(at);
        let (before, after) = (number - run.first, run.end() - number - 1);
        if after > 0 {
            self.insert(at, Run { first: number + 1, len: after });
        }
        if before > 0 {
            self.insert(at, Run { first: run.first, len: before });
        }
    }

    /// The length of the longest run.
    pub fn longest(&self) -> u32 {
        self.runs.iter().map(|run| run.len).max().unwrap_or(0).max(self.longest_before)
    }

    fn extend(&mut self, at: usize, by: u32) {
        if let Some(run) = self.runs.get_mut(at) {
            run.len = run.len.saturating_add(by);
        }
    }

    fn insert(&mut self, at: usize, run: Run) {
        self.runs.insert(at, run);
        if self.runs.len() > REMEMBERED {
            let oldest = self.runs.remove(0);
            self.longest_before = self.longest_before.max(oldest.len);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lost(numbers: &[u32]) -> Bursts {
        let mut bursts = Bursts::default();
        numbers.iter().for_each(|number| bursts.lose(*number));
        bursts
    }

    #[test]
    fn a_run_is_of_probes_that_follow_one_another() {
        assert_eq!(lost(&[]).longest(), 0);
        assert_eq!(lost(&[3, 5, 7]).longest(), 1);
        assert_eq!(lost(&[3, 4, 7, 8, 9]).longest(), 3);
        // Known in another order: the end, the start, and what joins both.
        assert_eq!(lost(&[9, 7, 8]).longest(), 3);
        assert_eq!(lost(&[3, 3, 3]).longest(), 1, "a loss counts once");
        assert_eq!(Bursts::from_start(4).longest(), 4);
    }

    #[test]
    fn a_late_answer_divides_a_run() {
        let mut bursts = lost(&[1, 2, 3, 4, 5, 6]);
        bursts.answer(3);
        assert_eq!(bursts.longest(), 3);
        bursts.answer(6);
        bursts.answer(4);
        assert_eq!(bursts.longest(), 2);
        bursts.answer(9);
        assert_eq!(bursts.longest(), 2, "an answer in time changes nothing");
    }

    #[test]
    fn many_runs_take_no_more_room_and_the_longest_is_kept() {
        let mut bursts = lost(&[1, 2, 3]);
        (10..100_000).step_by(2).for_each(|number| bursts.lose(number));
        assert_eq!((bursts.longest(), bursts.runs.len()), (3, REMEMBERED));
        assert!(bursts.runs.capacity() <= 2 * REMEMBERED);
    }

    proptest! {
        #[test]
        fn the_longest_run_is_that_of_a_table_of_all_probes(
            outcomes in prop::collection::vec((0..80_u32, any::<bool>()), 0..200),
        ) {
            let (mut bursts, mut table) = (Bursts::default(), [false; 80]);
            for (number, is_lost) in outcomes {
                match is_lost {
                    true => bursts.lose(number),
                    false => bursts.answer(number),
                }
                table[number as usize] = is_lost;
            }
            let longest = table.split(|is_lost| !is_lost).map(<[bool]>::len).max();
            prop_assert_eq!(Some(bursts.longest() as usize), longest);
        }
    }
}
