//! Colours in the text of a traceroute: of times by the jump from the hop before, of marks, and of names and networks.

use std::time::Duration;

use crate::report::tone::Tone;
use crate::stats::TraceAccount;

/// Adds colours to the lines of hops, which come in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct TracePainter {
    /// The hop of the current line.
    hop: Option<u8>,
}

/// A link that takes as long as this is a long one: to another part of the country.
const LONG: Duration = Duration::from_millis(20);
/// A link that takes as long as this goes to another continent or by satellite, or its queue is full.
const VERY_LONG: Duration = Duration::from_millis(100);

impl TracePainter {
    /// Adds colours to the next piece of text, which begins and ends between two words.
    pub fn paint(&mut self, text: &str, account: &TraceAccount) -> String {
        let mut painted = String::with_capacity(text.len() * 2);
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                painted.push('\n');
                self.hop = hop(line);
            }
            match self.hop {
                Some(hop) => words(line, account.best_before(hop), &mut painted),
                None => painted.push_str(line),
            }
        }
        painted
    }
}

/// The number of the hop that a line begins with.
fn hop(line: &str) -> Option<u8> {
    let (number, _) = line
        .split_at_checked(3)
        .filter(|(number, _)| number.ends_with(' '))
        .or_else(|| line.split_at_checked(4))?;
    number.trim_ascii().parse().ok()
}

/// Paints the words of a line. `before`: the round-trip time to the hop before.
fn words(line: &str, before: Option<Duration>, painted: &mut String) {
    let words: Vec<&str> = line.split(' ').collect();
    let mut words = words.as_slice();
    while let [word, rest @ ..] = words {
        words = rest;
        match (time(word), rest) {
            (Some(time), ["ms", behind @ ..]) => {
                Tone::paint(Some(jump(time, before)), &format!("{word} ms"), painted);
                words = behind;
            }
            _ => Tone::paint(tone(word, rest.first().copied()), word, painted),
        }
        if !words.is_empty() {
            painted.push(' ');
        }
    }
}

/// Milliseconds with three decimals.
fn time(word: &str) -> Option<Duration> {
    let (millis, micros) = word.split_once('.').filter(|(_, micros)| micros.len() == 3)?;
    let micros = millis.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(micros.parse().ok()?)?;
    Some(Duration::from_micros(micros))
}

fn jump(time: Duration, before: Option<Duration>) -> Tone {
    match time.saturating_sub(before.unwrap_or_default()) {
        jump if jump >= VERY_LONG => Tone::Crit,
        jump if jump >= LONG => Tone::Warn,
        _ => Tone::Good,
    }
}

/// The tone of a word that is no time. A name stands before an address in parentheses.
fn tone(word: &str, next: Option<&str>) -> Option<Tone> {
    let address = next.and_then(|next| next.strip_prefix('(')?.strip_suffix(')'));
    match word.as_bytes() {
        [b'!', ..] => Some(Tone::Crit),
        [b'*'] => Some(Tone::Dim),
        [b'[', .., b']'] => Some(Tone::Dim),
        _ => address.is_some_and(|address| address != word).then_some(Tone::Dim),
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use proptest::prelude::*;

    use super::super::paint::tests::{bare, seen};
    use super::*;
    use crate::clock::Instant;
    use crate::datagram::Timing;
    use crate::engine::trace::event::{AnswerKind, Outcome, TraceAnswer, TraceEvent};
    use crate::stats::Account;

    fn account(times: &[(u8, u64)]) -> TraceAccount {
        let mut account = TraceAccount::new(Instant::ZERO);
        for (ttl, micros) in times {
            let answer = TraceAnswer {
                at: Instant::ZERO,
                from: IpAddr::from([192, 0, 2, *ttl]),
                scope: 0,
                rtt: Duration::from_micros(*micros),
                timing: Timing::Kernel,
                hop_limit: None,
                kind: AnswerKind::Reply,
                extension: Vec::new(),
                translated: false,
                arrived: true,
            };
            account.add(&TraceEvent::Decided {
                ttl: *ttl,
                query: 1,
                outcome: Outcome::Answered(answer),
                mtu: None,
            });
        }
        account
    }

    #[test]
    fn a_time_has_the_tone_of_the_jump_from_the_hop_before() {
        let account = account(&[(1, 400), (2, 9_000), (2, 8_000), (4, 28_000), (10, 200_000)]);
        let text = "\n 1  192.0.2.1  0.400 ms  25.000 ms\n 2  192.0.2.2  9.000 ms  8.000 ms\n 3  * * *\
                    \n 4  192.0.2.4  28.000 ms  27.999 ms  108.000 ms\n10  192.0.2.10  127.999 ms";
        assert_eq!(
            seen(&TracePainter::default().paint(text, &account)),
            "\n 1  192.0.2.1  {g 0.400 ms}  {y 25.000 ms}\n 2  192.0.2.2  {g 9.000 ms}  {g 8.000 ms}\n 3  {d *} {d *} {d *}\
             \n 4  192.0.2.4  {y 28.000 ms}  {g 27.999 ms}  {r 108.000 ms}\n10  192.0.2.10  {y 127.999 ms}"
        );
    }

    #[test]
    fn names_and_networks_are_dim_and_marks_are_red() {
        let account = account(&[]);
        let text = "\n 7  a.example (192.0.2.1) [AS64500] <MPLS:L=1,E=0,S=1,T=1> '-3'  1.000 ms !X 192.0.2.2 (192.0.2.2)  \
                    2.000 ms F=1400 * !F-1300";
        assert_eq!(
            seen(&TracePainter::default().paint(text, &account)),
            "\n 7  {d a.example} (192.0.2.1) {d [AS64500]} <MPLS:L=1,E=0,S=1,T=1> '-3'  {g 1.000 ms} {r !X} 192.0.2.2 (192.0.2.2)  \
             {g 2.000 ms} F=1400 {d *} {r !F-1300}"
        );
    }

    #[test]
    fn a_line_may_come_in_pieces_and_the_last_one_is_no_hop() {
        let account = account(&[]);
        let mut painter = TracePainter::default();
        let pieces = [
            "\n 1  192.0.2.1  1.000 ms",
            "  2.000 ms",
            " *\n100  *",
            "\n--- host reached: 3 probes, 1.234 ms\n",
        ];
        let painted: String = pieces.iter().map(|piece| painter.paint(piece, &account)).collect();
        assert_eq!(
            seen(&painted),
            "\n 1  192.0.2.1  {g 1.000 ms}  {g 2.000 ms} {d *}\n100  {d *}\n--- host reached: 3 probes, 1.234 ms\n"
        );
    }

    proptest! {
        #[test]
        fn colours_change_no_character(text in "(\\n[ 0-9]{2}  |[ -~\\n]| 1\\.234 ms| \\*| !X|ä){0,40}") {
            prop_assert_eq!(bare(&TracePainter::default().paint(&text, &account(&[])) ), text);
        }
    }
}
