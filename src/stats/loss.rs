//! What part of the probes was lost: one formula for each meaning.

/// A part of a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ratio {
    part: u64,
    whole: u64,
}

/// Loss of the probes with an outcome: lost / (lost + received). What could not leave this machine and what
/// is in flight is in neither. `None` when none has one.
///
/// JSON and the text of many hosts show this.
pub const fn loss(lost: u64, received: u64) -> Option<Ratio> {
    let known = lost.saturating_add(received);
    if known > 0 { Some(Ratio { part: lost, whole: known }) } else { None }
}

/// Loss as iputils counts it: (attempted - received) / attempted. What could not leave and what is in flight
/// count as lost. `None` when nothing was attempted.
///
/// The summary and the status line of one host show this.
pub const fn classic_loss(attempted: u64, received: u64) -> Option<Ratio> {
    let missing = attempted.saturating_sub(received);
    if attempted > 0 { Some(Ratio { part: missing, whole: attempted }) } else { None }
}

impl Ratio {
    /// In percent.
    pub fn percent(self) -> f64 {
        self.part as f64 * 100.0 / self.whole as f64
    }

    /// From 0 to 1.
    pub fn fraction(self) -> f64 {
        self.part as f64 / self.whole as f64
    }

    /// Whether it is at least so many hundredths of a percent.
    pub fn reaches(self, hundredths: u32) -> bool {
        u128::from(self.part) * 10_000 >= u128::from(hundredths) * u128::from(self.whole)
    }

    /// In whole percent, cut as iputils cuts it.
    pub fn cut_percent(self) -> u64 {
        // At most 100, as the part is none greater than the whole.
        (u128::from(self.part) * 100 / u128::from(self.whole)) as u64
    }

    /// In whole percent, rounded, but neither to nothing nor to all.
    pub fn whole_percent(self) -> u64 {
        self.rounded(100)
    }

    /// In tenths of a percent, rounded, but neither to nothing nor to all.
    pub fn tenths(self) -> u64 {
        self.rounded(1_000)
    }

    /// In parts of which so many are all.
    fn rounded(self, all: u128) -> u64 {
        let (part, whole) = (u128::from(self.part), u128::from(self.whole));
        let (least, most) = (u128::from(part > 0), all - u128::from(part < whole));
        // At most `all`.
        ((part * all + whole / 2) / whole).clamp(least, most) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loss_is_of_known_outcomes_and_classic_loss_of_all_attempts() {
        assert_eq!((loss(0, 0), classic_loss(0, 0)), (None, None));
        assert_eq!(loss(1, 3).map(Ratio::percent), Some(25.0));
        assert_eq!(classic_loss(4, 1).map(Ratio::percent), Some(75.0));
        assert_eq!(classic_loss(1, 2).map(Ratio::percent), Some(0.0), "an answer to a probe of before");
    }

    #[test]
    fn tenths_are_rounded_to_neither_all_nor_nothing() {
        let tenths = |lost, received| loss(lost, received).map(Ratio::tenths);
        assert_eq!([tenths(0, 5), tenths(5, 0), tenths(1, 2)], [Some(0), Some(1_000), Some(333)]);
        assert_eq!([tenths(1, 1_000_000), tenths(1_000_000, 1)], [Some(1), Some(999)]);
        assert_eq!(tenths(u64::MAX - 1, 1), Some(999));
    }

    #[test]
    fn a_limit_is_reached_exactly() {
        let reaches = |lost, hundredths| loss(lost, 3 - lost).is_some_and(|loss| loss.reaches(hundredths));
        assert_eq!(
            [reaches(0, 1), reaches(1, 3_333), reaches(1, 3_334), reaches(3, 10_000)],
            [false, true, false, true]
        );
    }

    #[test]
    fn whole_percents_are_rounded_or_cut() {
        assert_eq!(classic_loss(3, 1).map(|loss| (loss.cut_percent(), loss.whole_percent())), Some((66, 67)));
        assert_eq!(classic_loss(u64::MAX, 0).map(Ratio::cut_percent), Some(100));
        assert_eq!(
            [loss(1, 999), loss(999, 1), loss(0, 9)].map(|loss| loss.map(Ratio::whole_percent)),
            [Some(1), Some(99), Some(0)]
        );
    }
}
