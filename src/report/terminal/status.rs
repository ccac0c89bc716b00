//! When the line of status is drawn: soon after something happened, with the text where there is some, at most ten
//! times a second.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use super::line::{self, LineStyle};
use crate::clock::Instant;
use crate::engine::ping::event::Event;
use crate::output::Output;
use crate::stats::PingAccount;

pub use super::line::{LineStyle as StatusStyle, MOST as PROBES};

/// Most times that it is drawn in [`PERIOD`].
const MOST: usize = 10;
/// See [`MOST`].
const PERIOD: Duration = Duration::from_secs(1);
/// The least time from one drawing to the next where no text is printed in between.
const ALONE: Duration = Duration::from_millis(200);
/// How long a probe may wait before it is drawn as waiting: most answers are there by then.
const SHORT: Duration = Duration::from_millis(100);

/// The line of status below the text.
pub struct StatusLine {
    style: LineStyle,
    /// The columns that it may have; `None`: it is not to be drawn.
    room: Box<dyn Fn() -> Option<u16>>,
    /// When it is to be drawn: something happened that it does not show.
    due: Option<Instant>,
    /// When the drawing that is due is possible.
    show_at: Option<Instant>,
    /// When it was drawn, the last [`MOST`] times.
    drawn: VecDeque<Instant>,
    /// What it shows.
    shown: String,
}

impl fmt::Debug for StatusLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StatusLine")
            .field("style", &self.style)
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}

impl StatusLine {
    /// A line in a style. `room` returns the columns of the terminal; `None`: the line is not to be drawn now.
    pub fn new(style: LineStyle, room: impl Fn() -> Option<u16> + 'static) -> Self {
        Self {
            style,
            room: Box::new(room),
            due: None,
            show_at: None,
            drawn: VecDeque::with_capacity(MOST),
            shown: String::new(),
        }
    }

    /// Takes note of an event.
    pub fn note(&mut self, event: &Event) {
        let at = match event {
            Event::Sent { at, .. } => *at + SHORT,
            _ => event.at(),
        };
        self.due = Some(self.due.map_or(at, |due| due.min(at)));
    }

    /// Draws it anew: the terminal has another size, or shows something else.
    pub fn refresh(&mut self) {
        self.shown.clear();
        self.drawn.clear();
        self.due = Some(Instant::ZERO);
    }

    /// Draws it if that is due. The text of this turn is printed already.
    pub fn poll(&mut self, account: &PingAccount, now: Instant, output: &mut Output<'_>) {
        let erased = !output.shows_below();
        if erased && !self.shown.is_empty() {
            // With the text, in one write: it does not flicker.
            self.shown.clear();
            self.due = Some(Instant::ZERO);
        }
        let Some(due) = self.due else {
            self.show_at = None;
            return;
        };
        let at = self.possible(due, erased);
        if now < at {
            self.show_at = Some(at);
            return;
        }
        (self.due, self.show_at) = (None, None);
        match (self.room)().and_then(|columns| line::line(account, &self.style, columns)) {
            Some(line) if line == self.shown => {}
            Some(line) => self.draw(line, now, output),
            None => self.hide(output),
        }
    }

    /// When a drawing that is `due` is possible.
    fn possible(&self, due: Instant, erased: bool) -> Instant {
        let enough = self.drawn.front().filter(|_| self.drawn.len() >= MOST).map(|first| *first + PERIOD);
        let alone = self.drawn.back().filter(|_| !erased).map(|last| *last + ALONE);
        [enough, alone].into_iter().flatten().fold(due, Instant::max)
    }

    fn draw(&mut self, line: String, now: Instant, output: &mut Output<'_>) {
        if self.drawn.len() >= MOST {
            self.drawn.pop_front();
        }
        self.drawn.push_back(now);
        if output.show_below(&line) {
            self.shown = line;
        } else {
            // The terminal takes no more: later.
            self.due = Some(now + ALONE);
            self.show_at = self.due;
        }
    }

    fn hide(&mut self, output: &mut Output<'_>) {
        output.hide_below();
        self.shown.clear();
    }

    /// When [`Self::poll`] is to be called at the latest; `None`: after the next event.
    pub const fn show_at(&self) -> Option<Instant> {
        self.show_at
    }
}
