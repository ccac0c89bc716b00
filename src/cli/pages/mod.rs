//! The texts of the manual pages. The long help of a command shows some of their sections.

mod common;
pub mod help;
pub mod ping;
pub mod top;
pub mod traceroute;

/// A manual page. Its options are those of the command, as clap knows them.
pub struct Page {
    /// Its name, such as `rping-ping`.
    pub name: &'static str,
    /// What it is about, in a few words.
    pub about: &'static str,
    /// How the command is typed: what is typed as it stands, and the rest.
    pub synopsis: &'static [(&'static str, &'static str)],
    /// What the command does.
    pub description: &'static [Block],
    /// What follows the options.
    pub sections: &'static [Section],
    /// Other pages.
    pub see_also: &'static [&'static str],
}

/// A section of a page.
pub struct Section {
    /// Its heading.
    pub title: &'static str,
    /// Whether the long help shows it too.
    pub in_help: bool,
    /// Its text.
    pub blocks: &'static [Block],
}

/// A part of a section. Texts are ASCII, in one line however long.
pub enum Block {
    /// A paragraph.
    Text(&'static str),
    /// Words, each with what it means.
    List(&'static [(&'static str, &'static str)]),
    /// Lines as they stand.
    Lines(&'static [&'static str]),
}

/// The date of the texts, that of the version: `YYYY-MM-DD`.
pub const DATE: &str = "2026-11-28";
