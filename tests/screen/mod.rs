//! A terminal that shows what is printed: its screen, and what has scrolled off.

#![allow(dead_code)] // each test binary uses its own part

use std::num::NonZeroU16;

pub struct Screen(vt100::Parser);

fn size(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).expect("a size")
}

impl Screen {
    pub fn new(rows: u16, columns: u16) -> Self {
        Self(vt100::Parser::new(size(rows), size(columns), 10_000))
    }

    /// Takes what a program wrote to a terminal driver, which makes two characters of each newline.
    pub fn take(&mut self, text: &str) {
        self.take_raw(text.replace('\n', "\r\n").as_bytes());
    }

    /// Takes what came out of a terminal driver.
    pub fn take_raw(&mut self, octets: &[u8]) {
        self.0.process(octets);
    }

    pub fn resize(&mut self, rows: u16, columns: u16) {
        self.0.screen_mut().set_size(size(rows), size(columns));
    }

    /// The rows, without the empty ones at the end.
    pub fn rows(&self) -> Vec<String> {
        without_end(self.visible())
    }

    fn visible(&self) -> Vec<String> {
        let (_, columns) = self.0.screen().size();
        self.0.screen().rows(0, columns.get()).map(|row| row.trim_end().to_owned()).collect()
    }

    /// All rows since the begin, the scrolled ones too, without the empty ones at the end.
    pub fn all(&mut self) -> Vec<String> {
        let screen = self.0.screen_mut();
        screen.set_scrollback(usize::MAX);
        let scrolled = screen.scrollback();
        let mut rows = Vec::new();
        for offset in (1..=scrolled).rev() {
            self.0.screen_mut().set_scrollback(offset);
            rows.extend(self.visible().into_iter().take(1));
        }
        self.0.screen_mut().set_scrollback(0);
        rows.extend(self.visible());
        without_end(rows)
    }

    /// Row and column of the cursor, from 0.
    pub fn cursor(&self) -> (u16, u16) {
        self.0.screen().cursor_position()
    }

    /// The characters of a row that have a colour of this number: 1 red, 2 green, 3 yellow.
    pub fn colored(&self, row: u16, color: u8) -> String {
        let (_, columns) = self.0.screen().size();
        let cells = (0..columns.get()).filter_map(|column| self.0.screen().cell(row, column));
        let colored = cells.filter(|cell| cell.fgcolor() == vt100::Color::Idx(color));
        colored.map(|cell| cell.contents().to_owned()).collect()
    }
}

fn without_end(mut rows: Vec<String>) -> Vec<String> {
    while rows.last().is_some_and(String::is_empty) {
        rows.pop();
    }
    rows
}
