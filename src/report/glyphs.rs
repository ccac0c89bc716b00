//! One character for what became of a probe.

use crate::report::tone::{Limits, Tone};
use crate::stats::Fate;

/// Characters for the fates of probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glyphs {
    /// Answered, from fast to slow.
    levels: [char; LEVELS],
    /// Answered, after a time that was not measured.
    untimed: char,
    /// Lost.
    pub lost: char,
    /// Not yet answered.
    pub waiting: char,
}

/// How many levels round-trip times have.
pub const LEVELS: usize = 8;
/// An ICMP error came back.
pub const FAILED: char = '!';
/// The probe could not leave this machine.
pub const NOT_SENT: char = 'E';

const BLOCKS: Glyphs =
    Glyphs {
        levels: ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'], untimed: '·', lost: '×', waiting: '⋯'
    };
const ASCII: Glyphs =
    Glyphs { levels: ['.', ':', '-', '=', '+', '*', '#', '@'], untimed: ',', lost: 'x', waiting: '?' };

/// The upper end of each level but the last, in percent of the median: each about one half more than the one before.
const BOUNDS: [u64; LEVELS - 1] = [133, 200, 300, 450, 675, 1000, 1500];

/// Medians below this, in nanoseconds, count as this: what varies there is this machine.
const LEAST: u64 = 100_000;

/// The upper ends of the levels but the last, in nanoseconds, where this is the median.
pub fn bounds(median: u64) -> [u64; LEVELS - 1] {
    let bound = |percent: u64| u128::from(median.max(LEAST)) * u128::from(percent) / 100;
    BOUNDS.map(|percent| u64::try_from(bound(percent)).unwrap_or(u64::MAX))
}

impl Glyphs {
    /// Blocks where the terminal has `utf8`, else ASCII.
    pub const fn new(utf8: bool) -> Self {
        if utf8 { BLOCKS } else { ASCII }
    }

    /// The characters of the levels, from fast to slow.
    pub const fn levels(&self) -> &[char; LEVELS] {
        &self.levels
    }

    /// The character of a fate. `median`: that of the round-trip times, in nanoseconds.
    pub fn of(&self, fate: Fate, median: u64) -> char {
        match fate {
            Fate::Waiting => self.waiting,
            Fate::Answered(None) => self.untimed,
            Fate::Answered(Some(nanos)) => {
                let level = bounds(median).iter().filter(|bound| nanos > **bound).count();
                let [.., top] = self.levels;
                self.levels.get(level).copied().unwrap_or(top)
            }
            Fate::Lost => self.lost,
            Fate::Failed => FAILED,
            Fate::NotSent => NOT_SENT,
        }
    }
}

/// The tone of a fate; what is as usual has none, so that the rest stands out.
pub fn tone(fate: Fate, limits: Limits, usual: Option<u64>) -> Option<Tone> {
    match fate {
        Fate::Waiting => Some(Tone::Dim),
        Fate::Answered(nanos) => {
            nanos.and_then(|nanos| limits.tone(nanos, usual)).filter(|tone| *tone != Tone::Good)
        }
        Fate::Lost | Fate::Failed | Fate::NotSent => Some(Tone::Crit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(glyphs: Glyphs, median: u64, micros: &[u64]) -> String {
        micros.iter().map(|micros| glyphs.of(Fate::Answered(Some(micros * 1_000)), median * 1_000)).collect()
    }

    #[test]
    fn levels_are_a_logarithmic_scale_about_the_median() {
        let times = [1, 12_000, 15_960, 15_961, 24_000, 36_000, 54_000, 81_000, 120_000, 180_000, 180_001];
        assert_eq!(shown(BLOCKS, 12_000, &times), "▁▁▁▂▂▃▄▅▆▇█");
        assert_eq!(shown(ASCII, 12_000, &times), "...::-=+*#@");
        assert_eq!(shown(BLOCKS, 0, &[5, 133, 134, 1_000]), "▁▁▂▆");
        assert_eq!(shown(BLOCKS, u64::MAX / 1_000, &[u64::MAX / 1_000]), "▁");
    }

    #[test]
    fn nothing_without_a_time_looks_like_a_level() {
        let others = [Fate::Waiting, Fate::Answered(None), Fate::Lost, Fate::Failed, Fate::NotSent];
        for (glyphs, shown) in [(Glyphs::new(true), "⋯·×!E"), (Glyphs::new(false), "?,x!E")] {
            let others: Vec<_> = others.iter().map(|fate| glyphs.of(*fate, 1)).collect();
            assert_eq!(others.iter().collect::<String>(), shown);
            assert!(others.iter().all(|glyph| !glyphs.levels().contains(glyph)));
        }
    }
}
