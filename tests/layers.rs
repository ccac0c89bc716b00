//! Who may import whom. The table is the design; a new line in it is a design decision.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room, and the rooms it may know.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("clock", &[]),
    ("escape", &[]),
    ("datagram", &["clock", "wire"]),
    ("probe", &["wire"]),
    ("sys", &["clock", "wire"]),
    ("output", &[]),
    ("stop", &["clock"]),
    ("names", &["clock", "escape", "sys"]),
    ("reply", &["clock", "datagram", "probe", "wire"]),
    ("engine", &["clock", "datagram", "probe", "reply", "wire"]),
    ("stats", &["clock", "datagram", "engine", "wire"]),
    ("transport", &["clock", "datagram", "escape", "sys", "wire"]),
    ("report", &["clock", "datagram", "engine", "escape", "names", "output", "stats", "wire"]),
    ("run", &["clock", "datagram", "engine", "output", "reply", "report", "stop", "transport"]),
    ("cli", &["engine", "escape", "probe", "transport", "wire"]),
    (
        "command",
        &[
            "cli",
            "clock",
            "datagram",
            "engine",
            "escape",
            "names",
            "output",
            "probe",
            "report",
            "run",
            "stats",
            "stop",
            "sys",
            "transport",
            "wire",
        ],
    ),
    ("main", &["cli", "command", "transport"]),
];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found
}

/// The room of a file: the folder or the file right under `src`.
fn room(path: &Path) -> String {
    let inside = path.strip_prefix(source_folder()).expect("a path under src");
    let first = inside.components().next().expect("a file name");
    Path::new(&first).with_extension("").to_string_lossy().into_owned()
}

fn source_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The rooms that a file names, as `crate::room` or `rping::room`, comments left out.
fn imports(text: &str) -> BTreeSet<String> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut rooms = BTreeSet::new();
    for prefix in ["crate::", "rping::"] {
        for (at, _) in code.match_indices(prefix) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = &code[at + prefix.len()..];
            let name = |text: &str| {
                text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
            };
            match rest.strip_prefix('{') {
                None => rooms.insert(name(rest)),
                // `use crate::{a::b, c}`: every name after the brace or a comma at depth one.
                Some(list) => {
                    let mut depth = 1;
                    let mut item = String::new();
                    for c in list.chars() {
                        match c {
                            '{' => depth += 1,
                            '}' => depth -= 1,
                            ',' if depth == 1 => {
                                rooms.insert(name(item.trim()));
                                item.clear();
                                continue;
                            }
                            _ => {}
                        }
                        if depth == 0 {
                            break;
                        }
                        item.push(c);
                    }
                    rooms.insert(name(item.trim()))
                }
            };
        }
    }
    rooms.remove("");
    rooms
}

#[test]
fn rooms_know_only_whom_they_may() {
    let (mut seen, mut used) = (BTreeSet::new(), BTreeSet::new());
    for path in sources(&source_folder()) {
        let room = room(&path);
        if room == "lib" {
            continue;
        }
        let (_, allowed) = MAY_IMPORT
            .iter()
            .find(|(name, _)| *name == room)
            .unwrap_or_else(|| panic!("{} is in no room of the table", path.display()));
        let text = fs::read_to_string(&path).expect("a readable file");
        for import in imports(&text) {
            let fine = import == room || allowed.contains(&import.as_str());
            assert!(fine, "{} ({room}) must not know {import}", path.display());
            used.insert((room.clone(), import));
        }
        seen.insert(room);
    }
    for (room, allowed) in MAY_IMPORT {
        for import in *allowed {
            let needed = used.contains(&((*room).to_owned(), (*import).to_owned()));
            assert!(needed, "{room} imports {import} no more: the permission goes");
        }
    }
    let table: BTreeSet<_> = MAY_IMPORT.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(seen, table, "the table names each room once, and no other");
}

#[test]
fn rooms_stand_in_the_order_of_their_imports() {
    let lib = fs::read_to_string(source_folder().join("lib.rs")).expect("a readable file");
    let listed: Vec<_> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let table: Vec<_> = MAY_IMPORT.iter().map(|(room, _)| *room).filter(|room| *room != "main").collect();
    assert_eq!(listed, table, "lib.rs and the table have one order");
    for (at, (room, allowed)) in MAY_IMPORT.iter().enumerate() {
        for import in *allowed {
            let below = MAY_IMPORT[..at].iter().any(|(name, _)| name == import);
            assert!(below, "{room} imports {import}, which does not stand before it");
        }
    }
}

#[test]
fn imports_are_found_in_every_form() {
    let text = "use crate::wire::icmp;\nuse crate::{clock::Instant, engine::{event, flight}, probe};\n\
                // crate::report is not meant\nlet x = crate::stats::Tally; rping::cli::f(); mycrate::no;";
    let found: Vec<_> = imports(text).into_iter().collect();
    assert_eq!(found, ["cli", "clock", "engine", "probe", "stats", "wire"]);
}

#[test]
fn unsafe_code_lives_in_one_folder_with_reasons() {
    for path in sources(&source_folder()) {
        let text = fs::read_to_string(&path).expect("a readable file");
        let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        let offending =
            code.filter(|line| line.split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "unsafe"));
        if room(&path) == "sys" {
            let blocks = offending.filter(|line| line.contains("unsafe {")).count();
            let reasons = text.matches("SAFETY:").count();
            assert!(reasons >= blocks, "{blocks} unsafe blocks, {reasons} reasons in {}", path.display());
        } else {
            assert_eq!(offending.count(), 0, "unsafe code in {}", path.display());
        }
    }
}

#[test]
fn only_the_clock_reads_the_time() {
    for path in sources(&source_folder()).iter().filter(|path| !path.ends_with("clock.rs")) {
        let text = fs::read_to_string(path).expect("a readable file");
        for call in ["Instant::now(", "SystemTime::now(", "clock_gettime", "gettimeofday"] {
            let found = text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(call));
            assert!(!found, "{call} in {}", path.display());
        }
    }
}
