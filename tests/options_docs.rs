//! docs/options.md against the command line: each option is listed, each listed option exists.

use std::collections::BTreeSet;

use clap::CommandFactory;
use rping::cli::{ping, traceroute};

/// The options of a command that help shows: `-c --count N`, or `--rate N|max` without a short form.
fn accepted(command: &clap::Command) -> BTreeSet<String> {
    let shown = command.get_arguments().filter(|option| !option.is_hide_set());
    let rows = shown.map(|option| {
        let short = option.get_short().map(|short| format!("-{short} ")).unwrap_or_default();
        let value = match option.get_action().takes_values() {
            true => option.get_value_names().map(|names| format!(" {}", names.join(" "))),
            false => None,
        };
        format!("{short}--{}{}", option.get_long().expect("a long form"), value.unwrap_or_default())
    });
    rows.collect()
}

/// The same as the section of a command lists them.
fn documented(command: &str) -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/options.md");
    let document = std::fs::read_to_string(path).expect("docs/options.md");
    let section = document.split("\n## ").find(|section| section.starts_with(command)).expect("a section");
    let mut rows = BTreeSet::new();
    for row in section.lines().filter(|row| row.starts_with("| ") && !row.starts_with("| ---")) {
        let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [short, long, meaning] = cells[..] else { continue };
        assert!(!meaning.is_empty(), "{row}");
        let option = format!("{short} {long}").replace('`', "").replace("\\|", "|").trim().to_owned();
        assert!(rows.insert(option), "twice: {row}");
    }
    rows
}

#[test]
fn every_option_of_ping_is_documented_and_no_other() {
    assert_eq!(documented("ping\n"), accepted(&ping::Arguments::command()));
}

#[test]
fn every_option_of_traceroute_is_documented_and_no_other() {
    assert_eq!(documented("traceroute\n"), accepted(&traceroute::Arguments::command()));
}
