//! docs/options.md against the help of each command: each option is listed, each listed option exists.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// The options that the help of a command lists: `-c --count N`, or `--rate N|max` without a short form.
fn accepted(command: &str) -> BTreeSet<String> {
    listed(Command::new(env!("CARGO_BIN_EXE_rping")).args([command, "-h"]))
}

/// The options that a help lists.
fn listed(command: &mut Command) -> BTreeSet<String> {
    let help = String::from_utf8(command.output().expect("a help").stdout).expect("text");
    let rows = help.lines().filter_map(|line| {
        let option = line.trim_start().split("  ").next().filter(|option| option.starts_with('-'))?;
        Some(option.replace(", --", " --").replace(['<', '>'], ""))
    });
    rows.collect()
}

/// The same as the section of a command lists them.
fn documented(command: &str) -> BTreeSet<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/options.md");
    let document = std::fs::read_to_string(path).expect("docs/options.md");
    let title = format!("{command}\n");
    let section = document.split("\n## ").find(|section| section.starts_with(&title)).expect("a section");
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
    let accepted = accepted("ping");
    assert!(accepted.contains("-c --count N") && accepted.contains("--rate N|max"), "{accepted:?}");
    assert_eq!(documented("ping"), accepted);
}

#[test]
fn every_option_of_a_link_named_fping_is_documented_and_no_other() {
    let link = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fping");
    let _ = std::fs::remove_file(&link);
    symlink(env!("CARGO_BIN_EXE_rping"), &link).expect("a link");
    let accepted = listed(Command::new(link).arg("-h"));
    assert!(accepted.contains("-c --count=N") && accepted.contains("-T N"), "{accepted:?}");
    assert_eq!(documented("fping"), accepted);
}

#[test]
fn every_option_of_traceroute_is_documented_and_no_other() {
    let accepted = accepted("traceroute");
    assert!(accepted.contains("-q --queries N") && accepted.contains("--mtu"), "{accepted:?}");
    assert_eq!(documented("traceroute"), accepted);
}

#[test]
fn every_figure_of_a_condition_is_documented() {
    use rping::stats::verdict::field::{Field, Kind};
    let document = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/options.md"));
    let document = document.expect("docs/options.md");
    let section =
        document.split("\n## ").find(|section| section.starts_with("Conditions\n")).expect("a section");
    let rows = section.lines().filter(|row| row.starts_with("| `"));
    let documented: BTreeSet<_> = rows
        .flat_map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split(" | ").map(str::trim).collect();
            let names = cells[0].split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
            names.into_iter().map(move |name| (name, cells[1].to_owned())).collect::<Vec<_>>()
        })
        .collect();
    let fields = Field::ALL.map(|field| {
        let value = match field.kind() {
            Kind::Count => "number",
            Kind::Percent => "percentage",
            Kind::Time => "time",
            Kind::Flag => "none",
        };
        (field.name().to_owned(), value.to_owned())
    });
    assert_eq!(documented, fields.into_iter().collect());
}
