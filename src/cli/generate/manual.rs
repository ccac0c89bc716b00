//! Manual pages, in the language of man(7).

use clap::{Arg, Command};

use super::describe;
use super::roff::{Part, Roff};
use crate::cli::pages::{Block, DATE, Page};

/// A page, with the options of its command.
pub fn page(page: &Page, command: &Command) -> String {
    let mut roff = Roff::default();
    let version = concat!("rping ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", &[&page.name.to_uppercase(), "1", DATE, version, "User Commands"]);
    roff.control("SH", &["NAME"]);
    roff.line(&[Part::Plain(page.name), Part::Plain(" - "), Part::Plain(page.about)]);
    roff.control("SH", &["SYNOPSIS"]);
    for (index, (typed, rest)) in page.synopsis.iter().enumerate() {
        if index > 0 {
            roff.control("br", &[]);
        }
        roff.line(&[Part::Bold(typed), Part::Plain(" "), Part::Italic(rest)]);
    }
    roff.control("SH", &["DESCRIPTION"]);
    blocks(&mut roff, page.description);
    options(&mut roff, command);
    for section in page.sections {
        roff.control("SH", &[&section.title.to_uppercase()]);
        blocks(&mut roff, section.blocks);
    }
    roff.control("SH", &["SEE ALSO"]);
    roff.words(&page.see_also.join(", "));
    roff.into_text()
}

/// The options under their headings.
fn options(roff: &mut Roff, command: &Command) {
    let shown = || command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set());
    let mut headings = Vec::new();
    for heading in shown().map(Arg::get_help_heading) {
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    roff.control("SH", &["OPTIONS"]);
    for heading in headings {
        if let Some(heading) = heading {
            roff.control("SS", &[heading]);
        }
        shown().filter(|arg| arg.get_help_heading() == heading).for_each(|arg| option(roff, arg));
    }
}

/// One option: its names and values, what it does, and the names that its value can be.
fn option(roff: &mut Roff, arg: &Arg) {
    roff.control("TP", &[]);
    let names = arg.get_short().map(|short| format!("-{short}")).into_iter();
    let names: Vec<_> = names.chain(arg.get_long().map(|long| format!("--{long}"))).collect();
    let values =
        if arg.get_action().takes_values() { arg.get_value_names().unwrap_or_default() } else { &[] };
    let optional = arg.get_num_args().is_some_and(|range| range.min_values() == 0);
    let mut parts = Vec::new();
    for (index, name) in names.iter().enumerate() {
        parts.extend((index > 0).then_some(Part::Plain(", ")));
        parts.push(Part::Bold(name));
    }
    for (index, value) in values.iter().enumerate() {
        // A value that may be left out follows `=`; further values may be left out too.
        let (before, after) = match (optional, index) {
            (true, _) => ("[=", "]"),
            (false, 0) => (" ", ""),
            (false, _) => (" [", "]"),
        };
        parts.extend([Part::Plain(before), Part::Italic(value), Part::Plain(after)]);
    }
    roff.line(&parts);
    let help = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    paragraphs(roff, &help);
    let names = describe::names(arg);
    if !names.is_empty() {
        roff.control("RS", &[]);
        for (name, help) in &names {
            roff.control("TP", &[]);
            roff.line(&[Part::Bold(name)]);
            roff.words(help);
        }
        roff.control("RE", &[]);
    }
}

/// The paragraphs of a help. The first sentence, which is all of the short help, begins the first of them. Lines that are
/// indented are a list: a word, two blanks or more, and what it means.
fn paragraphs(roff: &mut Roff, help: &str) {
    let (first, rest) = help.split_once("\n\n").unwrap_or((help, ""));
    let stop = if first.ends_with('.') { "" } else { "." };
    let joint = if rest.starts_with(' ') { "\n\n" } else { " " };
    for (index, paragraph) in format!("{first}{stop}{joint}{rest}").split("\n\n").enumerate() {
        if index > 0 {
            roff.control("IP", &[]);
        }
        let (rows, words): (Vec<_>, Vec<_>) = paragraph.lines().partition(|line| line.starts_with("  "));
        if !words.is_empty() {
            roff.words(&words.join(" "));
        }
        if rows.is_empty() {
            continue;
        }
        roff.control("RS", &[]);
        for row in rows {
            let row = row.trim();
            let (word, meaning) = row.split_once("  ").unwrap_or((row, ""));
            roff.control("TP", &[]);
            roff.line(&[Part::Bold(word)]);
            roff.words(meaning);
        }
        roff.control("RE", &[]);
    }
}

/// The parts of a section.
fn blocks(roff: &mut Roff, blocks: &[Block]) {
    for (index, block) in blocks.iter().enumerate() {
        match block {
            Block::Text(text) => {
                if index > 0 {
                    roff.control("PP", &[]);
                }
                roff.words(text);
            }
            Block::List(rows) => {
                for (word, meaning) in *rows {
                    roff.control("TP", &[]);
                    roff.line(&[Part::Bold(word)]);
                    roff.words(meaning);
                }
            }
            Block::Lines(lines) => {
                if index > 0 {
                    roff.control("PP", &[]);
                }
                roff.control("nf", &[]);
                roff.control("RS", &["4"]);
                lines.iter().for_each(|line| roff.line(&[Part::Plain(line)]));
                roff.control("RE", &[]);
                roff.control("fi", &[]);
            }
        }
    }
}
