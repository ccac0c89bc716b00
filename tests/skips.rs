//! A skipped test prints a line, although it passes, and fails where what it lacks is required.

mod lab;

use std::process::{Command, Output};

use lab::*;

/// Not a test but what the tests run.
#[test]
fn the_test_under_test() {
    alone("the_test_under_test", || ());
}

/// Runs it where no program is found, with this variable set to this value. Its output is captured as usual.
fn without_programs(variable: &str, value: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("the test's own path"));
    for need in [Need::Netns, Need::Peers, Need::Parsers, Need::Shells, Need::Consumers] {
        command.env_remove(need.variable());
    }
    command.args(["the_test_under_test", "--exact"]).env("PATH", "/nonexistent").env(variable, value);
    command.output().expect("the test, once more")
}

#[test]
fn a_skip_is_printed_although_the_test_passes() {
    let output = without_programs("RPING_UNUSED", "1");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "SKIP: the_test_under_test: no namespaces here: No such file or directory (os error 2)\n"
    );
}

#[test]
fn a_skip_of_what_is_required_is_a_failure_with_any_value_of_the_variable() {
    for value in ["1", "yes", ""] {
        let output = without_programs("RPING_REQUIRE_NETNS", value);
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(101), "{value}: {text}");
        assert!(text.contains("and RPING_REQUIRE_NETNS is set"), "{value}: {text}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("SKIP"), "{value}");
    }
}

#[test]
fn all_tests_skip_through_one_function() {
    let tests = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    for file in std::fs::read_dir(tests).expect("the tests") {
        let path = file.expect("a file").path();
        if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("skips.rs") {
            let text = std::fs::read_to_string(&path).expect("a source file");
            for own in ["RPING_REQUIRE_", "\"SKIP"] {
                assert!(!text.contains(own), "{}: {own}", path.display());
            }
        }
    }
}
