//! Colours in the text of a ping: of the time of an answer, of what is wrong with it, and of a loss.

use crate::report::tone::Tone;

/// Marks behind the time of an answer.
const MARKS: [(&str, Tone); 5] = [
    ("(DUP!)", Tone::Warn),
    ("(LATE)", Tone::Warn),
    ("(BAD CHECKSUM!)", Tone::Crit),
    ("(DIFFERENT ADDRESS!)", Tone::Crit),
    ("(truncated)", Tone::Crit),
];

/// How lines begin that show what is wrong with a payload.
const DAMAGE: [&str; 2] = ["wrong data byte ", "reply is "];

/// The text of an answer: its time in this tone, and its marks.
pub fn answer(text: &str, tone: Option<Tone>) -> String {
    let mut painted = String::with_capacity(text.len() + 32);
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            painted.push('\n');
        }
        if DAMAGE.iter().any(|begin| line.starts_with(begin)) {
            Tone::paint(Some(Tone::Crit), line, &mut painted);
            continue;
        }
        let behind = time(line).map_or(line, |(before, time, behind)| {
            painted.push_str(before);
            Tone::paint(tone, time, &mut painted);
            behind
        });
        marks(behind, &mut painted);
    }
    painted
}

/// `time=12.3 ms` in a line, with what stands before and behind it.
fn time(line: &str) -> Option<(&str, &str, &str)> {
    let begin = line.find(" time=")? + 1;
    let (before, rest) = line.split_at_checked(begin)?;
    let (time, behind) = rest.split_at_checked(rest.find(" ms")? + " ms".len())?;
    Some((before, time, behind))
}

fn marks(mut text: &str, painted: &mut String) {
    let first = |text: &str| {
        let found = MARKS.iter().filter_map(|(mark, tone)| Some((text.find(mark)?, *mark, *tone)));
        found.min_by_key(|(at, ..)| *at)
    };
    while let Some((at, mark, tone)) = first(text) {
        let (before, rest) = text.split_at(at);
        painted.push_str(before);
        Tone::paint(Some(tone), mark, painted);
        text = rest.strip_prefix(mark).unwrap_or_default();
    }
    painted.push_str(text);
}

/// A text in one tone, line by line.
pub fn whole(text: &str, tone: Tone) -> String {
    let mut painted = String::with_capacity(text.len() + 16);
    for line in text.split_inclusive('\n') {
        let bare = line.strip_suffix('\n').unwrap_or(line);
        Tone::paint(Some(tone), bare, &mut painted);
        painted.push_str(line.strip_prefix(bare).unwrap_or_default());
    }
    painted
}

/// A summary or a table: each percentage but 0% is a loss.
pub fn losses(text: &str) -> String {
    let mut painted = String::with_capacity(text.len() + 16);
    for word in text.split_inclusive([' ', '\n']) {
        let number = word.trim_end_matches([' ', '\n', ',', ';']);
        let is_loss = number.strip_suffix('%').is_some_and(is_positive);
        Tone::paint(is_loss.then_some(Tone::Crit), number, &mut painted);
        painted.push_str(word.strip_prefix(number).unwrap_or_default());
    }
    painted
}

/// Whether a text is a decimal number above zero, as `%g` writes it.
fn is_positive(number: &str) -> bool {
    let (digits, exponent) = number.split_once("e-").unwrap_or((number, "0"));
    let decimal = digits.bytes().all(|octet| octet.is_ascii_digit() || octet == b'.');
    decimal && exponent.parse::<u16>().is_ok() && digits.bytes().any(|octet| matches!(octet, b'1'..=b'9'))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Replaces the sequences of the tones by letters in braces.
    pub fn seen(painted: &str) -> String {
        let tones = [("\x1b[32m", "{g "), ("\x1b[33m", "{y "), ("\x1b[31m", "{r "), ("\x1b[2m", "{d ")];
        let seen = tones.iter().fold(painted.to_owned(), |text, (sgr, shown)| text.replace(sgr, shown));
        seen.replace("\x1b[0m", "}")
    }

    /// The text without the sequences of the tones.
    pub fn bare(painted: &str) -> String {
        ["\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m", "\x1b[0m"]
            .iter()
            .fold(painted.to_owned(), |text, sgr| text.replace(sgr, ""))
    }

    #[test]
    fn the_time_of_an_answer_has_its_tone_and_its_marks_have_theirs() {
        let begin = "64 bytes from host (192.0.2.1): icmp_seq=1 ttl=63";
        let painted = |rest: &str, tone| seen(&answer(&format!("{begin}{rest}\n"), tone));
        assert_eq!(
            painted(" time=12.3 ms", Some(Tone::Good)),
            format!("{begin} {{g time=12.3 ms}}\n"),
            "the sequences stand around it, so that a pattern such as time=([0-9.]+) ms still matches"
        );
        assert_eq!(painted(" time=12.3 ms", None), format!("{begin} time=12.3 ms\n"));
        assert_eq!(
            painted(" time=1 ms (DUP!) (DIFFERENT ADDRESS!)", Some(Tone::Warn)),
            format!("{begin} {{y time=1 ms}} {{y (DUP!)}} {{r (DIFFERENT ADDRESS!)}}\n")
        );
        assert_eq!(painted(" (LATE)", Some(Tone::Good)), format!("{begin} {{y (LATE)}}\n"));
        assert_eq!(painted(" (truncated)", Some(Tone::Good)), format!("{begin} {{r (truncated)}}\n"));
        assert_eq!(
            painted(" time=1 ms\nwrong data byte #17 should be 0x11\n#16\t10 ee", Some(Tone::Good)),
            format!("{begin} {{g time=1 ms}}\n{{r wrong data byte #17 should be 0x11}}\n#16\t10 ee\n")
        );
        assert_eq!(
            painted(" time=1 ms\nRR: \t192.0.2.1\n", Some(Tone::Good)),
            format!("{begin} {{g time=1 ms}}\nRR: \t192.0.2.1\n\n")
        );
    }

    #[test]
    fn a_loss_is_red_and_no_loss_is_not() {
        let painted = |text: &str| seen(&losses(text));
        assert_eq!(painted("4 received, 33.3333% packet loss\n"), "4 received, {r 33.3333%} packet loss\n");
        assert_eq!(painted("0% packet loss, 1e-05% packet loss"), "0% packet loss, {r 1e-05%} packet loss");
        assert_eq!(painted("10.9.0.2  5  4   20.0%  -\n"), "10.9.0.2  5  4   {r 20.0%}  -\n");
        assert_eq!(painted("fe80::1%eth0 50%x"), "fe80::1%eth0 50%x");
    }

    #[test]
    fn lines_of_one_tone_end_without_it() {
        assert_eq!(seen(&whole("one\ntwo\n", Tone::Crit)), "{r one}\n{r two}\n");
        assert_eq!(seen(&whole("\n", Tone::Crit)), "\n");
    }

    proptest! {
        #[test]
        fn colours_change_no_character(text in "([ -~\\n]|\\(DUP!\\)| time=1 ms|50% |\\(truncated\\)){0,40}") {
            prop_assert_eq!(bare(&answer(&text, Some(Tone::Warn))), &*text);
            prop_assert_eq!(bare(&losses(&text)), &*text);
            prop_assert_eq!(bare(&whole(&text, Tone::Crit)), &*text);
        }
    }
}
