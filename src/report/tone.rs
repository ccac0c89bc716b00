//! Colours by meaning, and which round-trip times are slow.

use std::time::Duration;

use crate::stats::Row;

/// What a part of the text means. Without colours the text has the same meaning in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As usual: green.
    Good,
    /// Slow, or to be noted: yellow.
    Warn,
    /// Very slow, lost, failed: red.
    Crit,
    /// Less important than the rest: dim.
    Dim,
}

impl Tone {
    /// Appends a text in the colour of a tone (ECMA-48 section 8.3.117: SGR); `None`: as it is.
    pub fn paint(tone: Option<Self>, text: &str, painted: &mut String) {
        let Some(tone) = tone.filter(|_| !text.is_empty()) else { return painted.push_str(text) };
        painted.push_str(match tone {
            Self::Good => "\x1b[32m",
            Self::Warn => "\x1b[33m",
            Self::Crit => "\x1b[31m",
            Self::Dim => "\x1b[2m",
        });
        painted.push_str(text);
        painted.push_str("\x1b[0m");
    }
}

/// From which round-trip time on an answer is slow (`--warn`), and very slow (`--crit`). Where neither is given, the
/// median of the run decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Slow from here on.
    pub warn: Option<Duration>,
    /// Very slow from here on.
    pub crit: Option<Duration>,
}

/// Answers that a median needs.
const FEW: u32 = 5;

/// The usual round-trip time to a target in nanoseconds: its median so far, once there are more than [`FEW`] answers.
pub fn usual(row: &Row) -> Option<u64> {
    (row.received > FEW).then(|| row.percentile(50)).flatten()
}

impl Limits {
    /// The tone of a round-trip time in nanoseconds. `usual`: see [`usual`]. `None`: no limit is known.
    pub fn tone(&self, nanos: u64, usual: Option<u64>) -> Option<Tone> {
        let exceeds =
            |limit: Option<Duration>| limit.is_some_and(|limit| u128::from(nanos) >= limit.as_nanos());
        if self.warn.is_some() || self.crit.is_some() {
            return Some(match (exceeds(self.crit), exceeds(self.warn)) {
                (true, _) => Tone::Crit,
                (false, true) => Tone::Warn,
                (false, false) => Tone::Good,
            });
        }
        /// Less than this above the usual is no trouble, whatever the factor: a tenth of a millisecond on a LAN.
        const SMALL: u64 = 1_000_000;
        let usual = usual?;
        let beyond =
            |halves: u64| nanos > (usual.saturating_mul(halves) / 2).max(usual.saturating_add(SMALL));
        Some(match (beyond(6), beyond(3)) {
            (true, _) => Tone::Crit,
            (false, true) => Tone::Warn,
            (false, false) => Tone::Good,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: u64 = 1_000_000;

    #[test]
    fn given_limits_decide_alone() {
        let ms = Duration::from_millis;
        let limits = |warn, crit| Limits { warn, crit };
        let tones = |limits: Limits| {
            [9, 10, 49, 50].map(|millis| limits.tone(millis * MILLI, Some(MILLI)).expect("a tone"))
        };
        let both = limits(Some(ms(10)), Some(ms(50)));
        assert_eq!(tones(both), [Tone::Good, Tone::Warn, Tone::Warn, Tone::Crit]);
        assert_eq!(tones(limits(Some(ms(10)), None)), [Tone::Good, Tone::Warn, Tone::Warn, Tone::Warn]);
        assert_eq!(tones(limits(None, Some(ms(50)))), [Tone::Good, Tone::Good, Tone::Good, Tone::Crit]);
    }

    #[test]
    fn without_limits_the_median_decides_once_it_is_known() {
        let tone = |micros: u64, usual: u64| Limits::default().tone(micros * 1_000, Some(usual * 1_000));
        assert_eq!(Limits::default().tone(MILLI, None), None);
        let tones =
            [12_000, 18_000, 18_001, 36_000, 36_001].map(|micros| tone(micros, 12_000).expect("a tone"));
        assert_eq!(tones, [Tone::Good, Tone::Good, Tone::Warn, Tone::Warn, Tone::Crit]);
        // Ten times as long, and no trouble; a millisecond more is.
        assert_eq!(tone(500, 50), Some(Tone::Good));
        assert_eq!([tone(1_050, 50), tone(1_051, 50)], [Some(Tone::Good), Some(Tone::Crit)]);
    }

    #[test]
    fn a_tone_is_around_its_text_and_an_empty_text_has_none() {
        let painted = |tone, text| {
            let mut painted = String::new();
            Tone::paint(tone, text, &mut painted);
            painted
        };
        assert_eq!(painted(Some(Tone::Crit), "lost"), "\x1b[31mlost\x1b[0m");
        assert_eq!(painted(Some(Tone::Dim), "name"), "\x1b[2mname\x1b[0m");
        assert_eq!(
            (painted(None, "plain"), painted(Some(Tone::Good), "")),
            ("plain".to_owned(), String::new())
        );
    }
}
