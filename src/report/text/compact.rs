//! A ping as one character for each probe, in rows that begin with the time (`--compact`). The first line and the
//! summary are those of the usual text.

use std::cell::Cell;
use std::collections::VecDeque;
use std::mem;

use super::number::ShortMillis;
use super::ping::PingText;
use super::stamp::Stamper;
use super::width::wrapped;
use crate::clock::{Epoch, Instant};
use crate::engine::ping::event::Event;
use crate::output::Output;
use crate::report::glyphs::{self, Glyphs};
use crate::report::style::{Style, TimeFormat};
use crate::report::tone::{Limits, Tone, usual};
use crate::report::{Report, phrases};
use crate::stats::loss::Ratio;
use crate::stats::{Fate, PingAccount};

/// How the rows look.
#[derive(Clone, Copy, Debug)]
pub struct CompactStyle {
    /// The characters.
    pub glyphs: Glyphs,
    /// Which times are slow.
    pub limits: Limits,
    /// Whether the characters have colours.
    pub color: bool,
    /// Characters in a row, not 0.
    pub row: usize,
    /// Whether a row is broken where another line comes between: standard output is a terminal.
    pub terminal: bool,
}

/// Probes in a row.
const ROW: usize = 60;
/// Columns of the loss and the p95 behind the characters of a row.
const BEHIND: usize = " 100% 12345".len();

/// Probes in a row on a terminal of so many columns, behind a time in this format; `None`: no terminal.
pub fn row(columns: Option<u16>, format: Option<TimeFormat>) -> usize {
    let before = match format {
        None => "00:00:00 ",
        Some(TimeFormat::Epoch) => "[1795359480.250000] ",
        Some(TimeFormat::Iso) => "[2026-11-22T14:58:00.250007Z] ",
        Some(TimeFormat::Local) => "[2026-11-22T14:58:00.250007+00:00] ",
        Some(TimeFormat::Relative | TimeFormat::Delta) => "[+86400.000000] ",
    };
    let fits = |row: usize| columns.is_none_or(|columns| before.len() + row + BEHIND <= usize::from(columns));
    [ROW, ROW / 2, ROW / 3].into_iter().find(|row| fits(*row)).unwrap_or(ROW / 6)
}

/// Prints one run.
#[derive(Debug)]
pub struct CompactText {
    style: CompactStyle,
    /// Prints the first line, the summary, and what standard error has.
    text: PingText,
    /// Probes whose character is printed.
    printed: u64,
    stamper: Stamper,
    /// Whether the terminal's bell rings for each reply.
    audible: bool,
    /// The time of day of an instant.
    epoch: Epoch,
    /// What the characters of the current row show.
    row: Vec<Fate>,
    /// Probes that were answered after they were printed as lost.
    late: u64,
    /// When the first probe of each row that is not begun yet was due.
    begins: VecDeque<Instant>,
    /// What the current row begins with.
    before: String,
    /// Rows with a probe that was due.
    rows: u64,
    /// What is printed besides levels.
    marks: Vec<(char, String)>,
    /// Whether another line came between.
    broken: Cell<bool>,
    /// Whether the user ended the run, so that a terminal has `^C` in the last row.
    ended: bool,
}

impl CompactText {
    /// A report with rows in a style. All but the rows is printed as that of a quiet run in the style of `text`.
    pub fn new(style: CompactStyle, text: Style) -> Self {
        Self {
            style,
            stamper: Stamper::new(&text),
            audible: text.audible,
            text: PingText::new(Style { quiet: true, ..text }, None),
            epoch: Epoch::default(),
            printed: 0,
            row: Vec::new(),
            late: 0,
            begins: VecDeque::new(),
            before: String::new(),
            rows: 0,
            marks: Vec::new(),
            broken: Cell::new(false),
            ended: false,
        }
    }

    /// Prints the probes that are settled and have none before them that waits; at the `end` of the run all.
    fn settled(&mut self, account: &PingAccount, end: bool, output: &mut Output<'_>) {
        let probes = account.recent.from(self.printed);
        for (number, fate) in probes.take_while(|(_, fate)| end || *fate != Fate::Waiting) {
            // Probes that are kept no longer have no character.
            self.printed = number;
            let place = self.place();
            match (place, self.broken.take()) {
                (0, _) => self.begin(output),
                (_, true) => output.print(format_args!("{:1$}", "", self.before.len() + place)),
                (_, false) => {}
            }
            self.draw(fate, account, output);
            if self.audible && !end && matches!(fate, Fate::Answered(_)) {
                output.print(format_args!("\x07"));
            }
            self.remember(fate, fate_text(fate));
            self.printed += 1;
            if place + 1 == self.style.row {
                self.end_row(output);
            }
        }
    }

    /// The character of the next probe of the row.
    fn draw(&mut self, fate: Fate, account: &PingAccount, output: &mut Output<'_>) {
        let (usual, median) = (account.row(0).and_then(usual), account.total.percentile(50).unwrap_or(0));
        let tone = glyphs::tone(fate, self.style.limits, usual).filter(|_| self.style.color);
        let mut painted = String::new();
        Tone::paint(tone, self.style.glyphs.of(fate, median).encode_utf8(&mut [0; 4]), &mut painted);
        output.print(format_args!("{painted}"));
        self.row.push(fate);
    }

    /// Characters before the next one in its row.
    fn place(&self) -> usize {
        (self.printed % self.style.row.max(1) as u64) as usize
    }

    /// The begin of a row.
    fn begin(&mut self, output: &mut Output<'_>) {
        let begins = self.begins.pop_front().unwrap_or(Instant::ZERO);
        self.before = self.stamper.of_row(begins, self.epoch);
        output.print(format_args!("{}", self.before));
    }

    /// The end of a row, which may be shorter than the others: the loss and the p95 of what it shows.
    fn end_row(&mut self, output: &mut Output<'_>) {
        let shown = self.row.len();
        let before = if self.broken.take() { self.before.len() + shown } else { 0 };
        let missing = before + self.style.row.saturating_sub(shown);
        output.print(format_args!("{:missing$}", ""));
        if let Some(loss) = Fate::loss(&self.row).map(Ratio::whole_percent) {
            output.print(format_args!(" {loss:>3}%"));
        }
        if let Some(p95) = Fate::percentile(&self.row, 95) {
            output.print(format_args!(" {}", ShortMillis(p95 / 1_000)));
        }
        output.print(format_args!("\n"));
        self.row.clear();
    }

    /// Remembers the meaning of a mark that is printed; of ICMP errors a few.
    fn remember(&mut self, fate: Fate, meaning: Option<String>) {
        let Some(meaning) = meaning.filter(|_| self.marks.len() < MOST_MARKS) else { return };
        if self.marks.iter().all(|(_, known)| *known != meaning) {
            self.marks.push((self.style.glyphs.of(fate, 0), meaning));
        }
    }

    /// Remembers when a row begins.
    fn begin_rows(&mut self, count: u64, at: Instant) {
        while self.rows.saturating_mul(self.style.row as u64) < count {
            self.begins.push_back(at);
            self.rows += 1;
        }
    }

    /// Ends a row that is not complete: its next character goes on in the next line, in its column.
    fn interrupt(&self, output: &mut Output<'_>) {
        if self.place() > 0 && !self.broken.replace(true) {
            output.print(format_args!("\n"));
        }
    }

    /// What the characters and the ends of the rows mean.
    fn legend(&self, account: &PingAccount, output: &mut Output<'_>) {
        let most = self.text.style().width;
        let mut print = |line: String| output.print(format_args!("{}\n", wrapped(&line, most)));
        if let Some(median) = account.total.percentile(50) {
            let levels = self.style.glyphs.levels();
            let mut line = String::new();
            for (level, bound) in levels.iter().zip(glyphs::bounds(median)) {
                line += &format!("{level} {}  ", ShortMillis(bound / 1_000));
            }
            let [.., top] = levels;
            print(format!("{line}{top} more (ms)"));
        }
        let mut line = String::new();
        for (mark, meaning) in &self.marks {
            let later = match self.late {
                late @ 1.. if meaning == LOST => format!(" ({late} answered later)"),
                _ => String::new(),
            };
            line += &format!("{mark} {meaning}{later}  ");
        }
        print(line + "last columns: loss, p95 (ms)");
    }
}

/// Most meanings of marks.
const MOST_MARKS: usize = 6;

/// The meaning of the mark of a lost probe.
const LOST: &str = "lost";

/// The meaning of a fate; that of an ICMP error is in its event.
fn fate_text(fate: Fate) -> Option<String> {
    let text = match fate {
        Fate::Answered(_) | Fate::Failed => return None,
        Fate::Waiting => "waiting",
        Fate::Lost => LOST,
        Fate::NotSent => "not sent",
    };
    Some(text.to_owned())
}

impl Report for CompactText {
    type Account = PingAccount;

    fn begin(&mut self, account: &PingAccount, now: Instant, epoch: Epoch, output: &mut Output<'_>) {
        self.text.begin(account, now, epoch, output);
    }

    fn event(&mut self, event: &Event, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        self.begin_rows(account.recent.count(), event.at());
        if let Event::Error(error) = event
            && !error.notice
        {
            let phrase = phrases::phrase(&error.error, |node| node.to_string());
            self.remember(Fate::Failed, Some(phrase));
        }
        if let Event::Answer(answer) = event {
            let printed = account.recent.number(answer.seq).is_some_and(|number| number < self.printed);
            self.late += u64::from(answer.late && printed);
        }
        self.settled(account, false, output);
        if let Event::NotSent { .. } | Event::Lookup(_) = event {
            let mut page = Output::page();
            self.text.event(event, account, epoch, &mut page);
            for (_, line) in page.take() {
                self.break_line(output);
                output.print_error(format_args!("{line}"));
            }
        }
    }

    fn paints(&self) -> bool {
        self.style.color
    }

    fn break_line(&self, output: &mut Output<'_>) {
        if self.style.terminal {
            self.interrupt(output);
        }
    }

    fn status(&mut self, account: &PingAccount, output: &mut Output<'_>) {
        self.text.status(account, output);
    }

    fn window(&mut self, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        self.interrupt(output);
        self.text.window(account, epoch, output);
    }

    fn more(&mut self, account: &PingAccount, output: &mut Output<'_>) -> bool {
        self.text.more(account, output)
    }

    fn finish_now(&mut self) {
        self.ended = true;
    }

    fn finish(&mut self, account: &PingAccount, now: Instant, output: &mut Output<'_>) -> bool {
        if self.ended && self.style.terminal && self.place() > 0 {
            // The whole row again, over what stands there.
            output.print(format_args!("\r{}", self.before));
            for fate in mem::take(&mut self.row) {
                self.draw(fate, account, output);
            }
        }
        self.settled(account, true, output);
        if self.place() > 0 {
            self.end_row(output);
        }
        if self.printed > 0 {
            self.legend(account, output);
        }
        self.text.finish(account, now, output)
    }
}
