//! Which module may import which. The table is the design; a new line in it is a design decision.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Each room, and the rooms that it may import.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("wire", &[]),
    ("clock", &[]),
    ("escape", &[]),
    ("datagram", &["clock", "wire"]),
    ("probe", &["wire"]),
    ("sys", &["clock", "wire"]),
    ("output", &[]),
    ("stop", &["clock", "output", "sys"]),
    ("names", &["clock", "escape", "sys"]),
    ("reply", &["clock", "datagram", "probe", "wire"]),
    ("engine", &["clock", "datagram", "probe", "reply", "wire"]),
    ("stats", &["clock", "datagram", "engine", "wire"]),
    ("transport", &["clock", "datagram", "escape", "sys", "wire"]),
    ("report", &["clock", "datagram", "engine", "escape", "names", "output", "stats", "wire"]),
    ("run", &["clock", "datagram", "engine", "output", "report", "stats", "stop", "transport"]),
    ("cli", &["engine", "escape", "probe", "report", "stats", "transport", "wire"]),
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
fn modules_import_only_what_the_table_allows() {
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
            assert!(fine, "{} ({room}) must not import {import}", path.display());
            used.insert((room.clone(), import));
        }
        seen.insert(room);
    }
    for (room, allowed) in MAY_IMPORT {
        for import in *allowed {
            let needed = used.contains(&((*room).to_owned(), (*import).to_owned()));
            assert!(needed, "{room} imports {import} no more: remove the permission");
        }
    }
    let table: BTreeSet<_> = MAY_IMPORT.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(seen, table, "the table names each room once, and no other");
}

#[test]
fn modules_are_listed_in_the_order_of_their_imports() {
    let lib = fs::read_to_string(source_folder().join("lib.rs")).expect("a readable file");
    let listed: Vec<_> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let table: Vec<_> = MAY_IMPORT.iter().map(|(room, _)| *room).filter(|room| *room != "main").collect();
    assert_eq!(listed, table, "lib.rs and the table have one order");
    for (at, (room, allowed)) in MAY_IMPORT.iter().enumerate() {
        for import in *allowed {
            let below = MAY_IMPORT[..at].iter().any(|(name, _)| name == import);
            assert!(below, "{room} imports {import}, which is not listed before it");
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
fn unsafe_code_is_in_one_folder_and_has_reasons() {
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

/// What of the system and of other crates only some rooms may use, and which rooms those are.
const MAY_USE: &[(&str, &[&str])] = &[
    ("libc::", &["names", "sys", "transport"]),
    ("nix::", &["stop", "sys"]),
    ("rustix::", &["names", "output", "stop", "sys", "transport"]),
    ("socket2::", &["sys", "transport"]),
    ("ctrlc::", &["stop"]),
    ("dns_lookup::", &["names"]),
    ("std::thread", &["names"]),
    ("UdpSocket", &["names"]),
    ("TcpStream", &["names"]),
    ("TcpListener", &[]),
];

#[test]
fn only_listed_modules_use_system_crates_sockets_and_threads() {
    for (name, rooms) in MAY_USE {
        let mut used = BTreeSet::new();
        for path in sources(&source_folder()).iter().filter(|path| !path.ends_with("tests.rs")) {
            let code = code(&fs::read_to_string(path).expect("a readable file"));
            let whole = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
            if code.match_indices(name).any(|(at, _)| whole(at)) {
                let room = room(path);
                assert!(rooms.contains(&room.as_str()), "{} ({room}) must not use {name}", path.display());
                used.insert(room);
            }
        }
        let permitted: BTreeSet<_> = rooms.iter().map(|room| (*room).to_owned()).collect();
        assert_eq!(used, permitted, "the rooms that use {name}");
    }
}

/// Folders with files that still import each other in a circle. The list may only shrink.
const KNOWN_CIRCLES: &[&str] = &[];

/// The module path of a file: `transport::open` for `transport/open/mod.rs` and for `transport/open.rs`.
fn module(path: &Path) -> Vec<String> {
    let inside = path.strip_prefix(source_folder()).expect("a path under src").with_extension("");
    let mut parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod") {
        parts.pop();
    }
    parts
}

/// The code of a file without comments and without its inline tests.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\n").next().unwrap_or_default().replace("pub(in crate::", "pub(");
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// Every path in a use tree such as `a::{b, c::{self, D}}`, one a leaf.
fn expand(tree: &str) -> Vec<String> {
    let tree = tree.trim();
    let Some((prefix, rest)) = tree.split_once('{') else {
        return tree.split(" as ").take(1).map(str::to_owned).collect();
    };
    let inside = rest.rsplit_once('}').map_or(rest, |(inside, _)| inside);
    let (mut depth, mut items) = (0, vec![String::new()]);
    for c in inside.chars() {
        match c {
            ',' if depth == 0 => items.push(String::new()),
            _ => {
                depth += i32::from(c == '{') - i32::from(c == '}');
                items.last_mut().expect("an item").push(c);
            }
        }
    }
    let items = items.iter().filter(|item| !item.trim().is_empty());
    items.flat_map(|item| expand(item)).map(|item| format!("{prefix}{item}")).collect()
}

/// The paths that a file's code names: those of its `use` lines, and those written out in full.
fn paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for statement in code.split(';') {
        let Some((before, tree)) = statement.split_once("use ") else { continue };
        if before.trim().is_empty()
            || before.trim_end().ends_with(['}', ')', ']', '{'])
            || before.contains("pub")
        {
            paths.extend(expand(tree));
        }
    }
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let path: String =
                code[at..].chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | ':')).collect();
            paths.push(path);
        }
    }
    paths
}

/// The module that a path names in a file with this module path; `None`: one of another crate.
fn resolve(path: &str, at: &[String], modules: &BTreeSet<Vec<String>>) -> Option<Vec<String>> {
    let parts: Vec<&str> = path.split("::").map(str::trim).filter(|part| !part.is_empty()).collect();
    let (mut from, rest) = match *parts.first()? {
        "crate" => (Vec::new(), &parts[1..]),
        "self" => (at.to_vec(), &parts[1..]),
        "super" => {
            let up = parts.iter().take_while(|part| **part == "super").count();
            (at[..at.len() - up].to_vec(), &parts[up..])
        }
        _ => {
            let child = [at, &[platform(parts[0])]].concat();
            if !modules.contains(&child) {
                return None;
            }
            (at.to_vec(), &parts[..])
        }
    };
    for part in rest {
        let deeper = [&from[..], &[platform(part)]].concat();
        if !modules.contains(&deeper) {
            break;
        }
        from = deeper;
    }
    Some(from)
}

/// The folder of a module: `sys/linux` is named `imp`.
fn platform(name: &str) -> String {
    if name == "imp" { "linux".to_owned() } else { name.to_owned() }
}

/// What each module imports within its own room.
fn imports_within_rooms() -> Vec<(Vec<String>, BTreeSet<Vec<String>>)> {
    let files = sources(&source_folder());
    let modules: BTreeSet<_> = files.iter().map(|path| module(path)).collect();
    let mut graph = Vec::new();
    for path in &files {
        let at = module(path);
        let code = code(&fs::read_to_string(path).expect("a readable file"));
        let named = paths(&code).into_iter().filter_map(|path| resolve(&path, &at, &modules));
        let inside = named.filter(|to| *to != at && to.first() == at.first());
        graph.push((at.clone(), inside.collect()));
    }
    graph
}

/// All modules that can be reached from one.
fn reached(from: &[String], graph: &[(Vec<String>, BTreeSet<Vec<String>>)]) -> BTreeSet<Vec<String>> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from.to_vec()]);
    while let Some(next) = open.pop() {
        let imports = graph.iter().find(|(module, _)| *module == next).map(|(_, imports)| imports);
        open.extend(imports.into_iter().flatten().filter(|to| found.insert((*to).clone())).cloned());
    }
    found
}

#[test]
fn no_files_of_a_room_import_each_other_in_a_circle() {
    let graph = imports_within_rooms();
    let reach: Vec<_> = graph.iter().map(|(from, _)| (from, reached(from, &graph))).collect();
    let mut circles = BTreeSet::new();
    for (from, ahead) in reach.iter().filter(|(from, ahead)| ahead.contains(*from)) {
        let back =
            |to: &&Vec<String>| reach.iter().any(|(module, ahead)| module == to && ahead.contains(*from));
        circles.insert(ahead.iter().filter(back).map(|module| module.join("::")).collect::<Vec<_>>());
    }
    let mut known: BTreeSet<&str> = BTreeSet::new();
    circles.retain(|circle| {
        let inside =
            |folder: &&&str| circle.iter().all(|module| module.starts_with(&folder.replace('/', "::")));
        let folder = KNOWN_CIRCLES.iter().find(inside);
        known.extend(folder);
        folder.is_none()
    });
    assert!(circles.is_empty(), "circles of files: {circles:#?}");
    for folder in KNOWN_CIRCLES {
        assert!(known.contains(folder), "{folder} has no circle any more: remove the exception");
    }
}

#[test]
fn paths_are_resolved_to_files() {
    let modules = ["t", "t::open", "t::open::trace", "t::channel", "t::linux", "t::linux::socket"];
    let modules: BTreeSet<Vec<String>> =
        modules.iter().map(|path| path.split("::").map(str::to_owned).collect()).collect();
    let text = "use super::{Sockets, open::{self, spare}};\npub use std::io;\nfn f() { crate::t::channel::X }\n\
                // use super::no\n#[cfg(test)]\nmod tests {\n use super::super::linux;\n}";
    let at: Vec<String> = ["t", "channel"].map(str::to_owned).to_vec();
    let found: BTreeSet<_> =
        paths(&code(text)).iter().filter_map(|path| resolve(path, &at, &modules)).collect();
    let found: Vec<_> = found.iter().map(|module| module.join("::")).collect();
    assert_eq!(found, ["t", "t::channel", "t::open"]);
    let at: Vec<String> = vec!["t".to_owned()];
    let named = |path| resolve(path, &at, &modules).map(|module| module.join("::"));
    assert_eq!(named("imp::socket::receive").as_deref(), Some("t::linux::socket"));
    assert_eq!(named("open::trace::Mode").as_deref(), Some("t::open::trace"));
    assert_eq!(named("std::io"), None);
}
