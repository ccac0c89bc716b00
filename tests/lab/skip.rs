//! What this machine lacks: a test that needs it is skipped with a line on standard error, or fails where it is
//! required.

use std::io::Write;
use std::process::{Command, Stdio};

use super::INSIDE;

/// What a test may need beyond Rust, and the variable that makes its absence a failure, whatever its value.
#[derive(Clone, Copy, Debug)]
pub enum Need {
    /// Namespaces, and what builds and observes hosts in them: iproute2, nftables, util-linux, strace.
    Netns,
    /// Programs to compare with: iputils ping, traceroute(8), fping.
    Peers,
    /// Python with the parsers that people run over ping's text.
    Parsers,
    /// Shells that load completions, and mandoc, which checks manual pages.
    Shells,
    /// Programs that run ping and read its text: check_ping, prettyping, the package ping of npm.
    Consumers,
}

impl Need {
    /// The name of its variable.
    pub fn variable(self) -> &'static str {
        match self {
            Self::Netns => "RPING_REQUIRE_NETNS",
            Self::Peers => "RPING_REQUIRE_PEERS",
            Self::Parsers => "RPING_REQUIRE_PARSERS",
            Self::Shells => "RPING_REQUIRE_SHELLS",
            Self::Consumers => "RPING_REQUIRE_CONSUMERS",
        }
    }
}

/// Prints `SKIP: TEST: REASON` on standard error, or panics where what is missing is required.
///
/// Written to the descriptor itself: the test harness captures what `eprintln!` prints and shows it only for a
/// test that fails. One write, so that lines of tests that run at once do not mix.
pub fn skip(need: Need, reason: &str) {
    skip_test(&test(), need, reason);
}

/// The same for a test of this name.
pub fn skip_test(test: &str, need: Need, reason: &str) {
    let variable = need.variable();
    assert!(std::env::var_os(variable).is_none(), "{test}: {reason}, and {variable} is set");
    write(&format!("SKIP: {test}: {reason}\n"));
}

/// Prints `FIGURE: LINE` on standard error, like [`skip`].
pub fn figure(line: &str) {
    write(&format!("FIGURE: {line}\n"));
}

/// Passes on the `SKIP` and `FIGURE` lines of a test that ran in a process of its own.
pub fn pass_on(errors: &str) {
    let ours = |line: &&str| line.starts_with("SKIP: ") || line.starts_with("FIGURE: ");
    errors.lines().filter(ours).for_each(|line| write(&format!("{line}\n")));
}

fn write(line: &str) {
    let _ = std::io::stderr().write_all(line.as_bytes());
}

/// The test that runs: in a process of its own the variable names it, else its thread does, of which each test has one
/// unless tests run one at a time.
fn test() -> String {
    let inside = std::env::var(INSIDE).ok();
    inside.unwrap_or_else(|| std::thread::current().name().unwrap_or("a test").to_owned())
}

/// Whether a program runs here; otherwise the test is skipped.
pub fn has(need: Need, program: &str) -> bool {
    let found = Command::new(program).arg("-V").stdin(Stdio::null()).output();
    let Err(why) = found else { return true };
    skip(need, &format!("{program} is not here: {why}"));
    false
}

/// Whether a program of this version is here, as `-V` prints it; otherwise the test is skipped.
pub fn has_version(need: Need, program: &str, version: &str) -> bool {
    let found = Command::new(program).arg("-V").stdin(Stdio::null()).output();
    // traceroute(8) prints its version on standard error.
    let shown = found.map(|output| [output.stdout, output.stderr].concat()).unwrap_or_default();
    let is_it = String::from_utf8_lossy(&shown).contains(version);
    if !is_it {
        skip(need, &format!("{program} ({version}) is not here"));
    }
    is_it
}

/// What a program in Python prints that reads a text; `None`: Python has no such module, and the test is skipped.
pub fn python(module: &str, program: &str, text: &str) -> Option<String> {
    if !has_module(module) {
        return None;
    }
    let mut child = Command::new("python3")
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3");
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("a reader");
    let output = child.wait_with_output().expect("an end");
    assert!(output.status.success(), "{module} fails on:\n{text}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether Python has a module; otherwise the test is skipped.
pub fn has_module(module: &str) -> bool {
    let present = Command::new("python3").args(["-c", &format!("import {module}")]).output();
    let present = present.is_ok_and(|output| output.status.success());
    if !present {
        skip(Need::Parsers, &format!("Python has no {module}"));
    }
    present
}
