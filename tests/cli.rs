//! The program as a shell sees it: arguments in; standard output, standard error and exit status out.
//! Nothing here opens a socket.

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

const RPING: &str = env!("CARGO_BIN_EXE_rping");
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Standard output, standard error, exit status.
type Ran = (String, String, i32);

fn result(output: Output) -> Ran {
    let text = |octets| String::from_utf8(octets).expect("only UTF-8 is printed");
    (text(output.stdout), text(output.stderr), output.status.code().expect("an exit status"))
}

fn run(program: impl AsRef<OsStr>, args: &[&str]) -> Ran {
    result(Command::new(program).args(args).output().unwrap())
}

fn rping(args: &[&str]) -> Ran {
    run(RPING, args)
}

fn refused(line: &str) -> Ran {
    (String::new(), format!("{line}\n"), 2)
}

fn answered(text: &str) -> Ran {
    (text.to_string(), String::new(), 0)
}

/// A link of this name to rping; `test` keeps the links of tests that run at once apart.
fn link(test: &str, name: &str) -> PathBuf {
    let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(test);
    std::fs::create_dir_all(&directory).unwrap();
    let link = directory.join(name);
    match std::fs::remove_file(&link) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => panic!("{error}"),
        _ => symlink(RPING, &link).unwrap(),
    }
    link
}

#[test]
fn help_for_a_closed_standard_output_is_an_error() {
    for option in ["--help", "ping --help", "-V"] {
        let script = format!("exec \"$0\" {option} >&-");
        let program = option.split_once(' ').map_or("rping", |_| "rping");
        let line = format!("{program}: write error: standard output is closed");
        assert_eq!(run("sh", &["-c", &script, RPING]), refused(&line), "{option}");
    }
}

#[test]
fn rping_prints_its_version_and_ping_the_one_that_other_programs_look_for() {
    assert_eq!(rping(&["--version"]), answered(&format!("rping {VERSION}\n")));
    assert_eq!(rping(&["-V"]), answered(&format!("rping {VERSION}\n")));
    let compatible = answered(&format!("ping from rping {VERSION} (iputils compatible)\n"));
    assert_eq!(rping(&["ping", "-V"]), compatible);
    assert_eq!(rping(&["ping", "-c", "1", "--version", "host"]), compatible);
    for name in ["ping", "ping4", "ping6"] {
        assert_eq!(run(link("version", name), &["-V"]), compatible, "{name}");
    }
}

#[test]
fn a_link_named_ping_prints_and_behaves_as_ping() {
    let (ping, ping4, ping6) = (link("names", "ping"), link("names", "ping4"), link("names", "ping6"));
    assert_eq!(run(&ping, &[]), refused("ping: usage error: Destination address required"));
    assert_eq!(run(&ping, &["--xyz"]), refused("ping: unexpected argument '--xyz'; see 'ping --help'"));
    assert_eq!(run(&ping4, &["-6", "::1"]), refused("ping4: only one -4 or -6 option may be specified"));
    assert_eq!(run(&ping6, &["-4", "::1"]), refused("ping6: only one -4 or -6 option may be specified"));
    assert_eq!(run(&ping6, &["-R", "::1"]), refused("ping6: -R is for IPv4 only and does not go with -6"));
    assert!(run(&ping6, &["-h"]).0.contains("\nUsage: ping6 [OPTIONS] HOST...\n"));
    let deadline = "-w 5x: the deadline must be a number of seconds from 0 to 2147483647";
    assert_eq!(run(&ping, &["-w", "5x", "h"]), refused(&format!("ping: {deadline}")));
    assert_eq!(
        rping(&["ping", "-w", "5x", "h"]),
        refused(&format!("rping: {deadline}, or have a unit, as in 200ms or 5s"))
    );
    let other = run(link("names", "pong"), &["-V"]);
    assert_eq!(other, answered(&format!("rping {VERSION}\n")));
}

#[test]
fn rping_alone_prints_its_short_help_and_fails() {
    let (help, errors, status) = rping(&["-h"]);
    assert_eq!((errors.as_str(), status), ("", 0));
    assert_eq!(rping(&[]), (String::new(), help, 2));
}

#[test]
fn without_a_command_the_command_is_ping() {
    // No host of these is looked up: what is wrong is found before.
    assert_eq!(rping(&["-R", "-6", "host"]), refused("rping: -R is for IPv4 only and does not go with -6"));
    assert_eq!(rping(&["192.0.2.7", "-c0"]).1.split(": the").next(), Some("rping: -c 0"));
    assert_eq!(rping(&["host", "-Z"]), refused("rping: unexpected argument '-Z'; see 'rping ping --help'"));
    assert_eq!(
        rping(&["192.0.2.0/33"]),
        refused("rping: 192.0.2.0/33: the length of a prefix must be a whole number from 0 to 32")
    );
    assert_eq!(rping(&["host", "--help"]), rping(&["ping", "--help"]));
}

#[test]
fn options_before_the_command_are_refused() {
    for (args, line) in [
        (["-q", "ping", "host"], "the command comes first, and its options follow: rping ping -q ..."),
        (
            ["-n", "host", "traceroute"],
            "the command comes first, and its options follow: rping traceroute -n ...",
        ),
    ] {
        assert_eq!(rping(&args), refused(&format!("rping: {line}")));
    }
}

#[test]
fn a_mistyped_command_or_option_gets_the_one_that_was_meant() {
    for (typed, meant) in [
        ("pign", "ping"),
        ("Ping", "ping"),
        ("tracroute", "traceroute"),
        ("mtr", "traceroute"),
        ("ping6", "ping -6"),
    ] {
        let line = format!(
            "rping: '{typed}' is not a command; did you mean '{meant}'? To ping a host of that name, run: \
             rping ping {typed}"
        );
        assert_eq!(rping(&[typed, "192.0.2.7"]), refused(&line));
    }
    assert_eq!(
        rping(&["ping", "--cout", "1", "h"]),
        refused("rping: unexpected argument '--cout'; did you mean '--count'?")
    );
    assert_eq!(
        rping(&["traceroute", "--max-hop", "3", "h"]),
        refused("rping: unexpected argument '--max-hop'; did you mean '--max-hops'?")
    );
    for typed in ["--genrate", "--generte=bash", "--genarate"] {
        let option = typed.split('=').next().expect("a name");
        let line = format!("rping: unexpected argument '{option}'; did you mean '--generate'?");
        assert_eq!(rping(&[typed, "bash"]), refused(&line));
    }
}

#[test]
fn the_error_for_a_host_with_a_port_or_a_scheme_names_the_host_alone() {
    let alone = [
        ("[::1]", "::1"),
        ("[fe80::1%eth0]", "fe80::1%eth0"),
        ("[::1]:80", "::1"),
        ("host.example:80", "host.example"),
        ("192.0.2.7:22", "192.0.2.7"),
        ("http://host.example", "host.example"),
        ("https://host.example:8443/path?query#part", "host.example"),
        ("http://[::1]:80/", "::1"),
        ("root@192.0.2.7", "192.0.2.7"),
        ("ssh://root@host.example:22", "host.example"),
    ];
    for (typed, host) in alone {
        let line = format!("rping: {typed}: give the host alone: {host}");
        assert_eq!(rping(&["ping", typed]), refused(&line));
        assert_eq!(rping(&["traceroute", typed]), refused(&line));
        assert_eq!(rping(&["ping", "192.0.2.8", typed]), refused(&line));
    }
}

#[test]
fn mistakes_are_one_line_that_names_the_option() {
    let count = "the count must be a whole number from 1 to 9223372036854775807";
    assert_eq!(rping(&["ping", "-c", "0", "h"]), refused(&format!("rping: -c 0: {count}")));
    assert_eq!(rping(&["ping", "--count=x", "h"]), refused(&format!("rping: -c x: {count}")));
    assert_eq!(rping(&["ping"]), refused("rping: usage error: Destination address required"));
    assert_eq!(rping(&["ping", "-c"]), refused("rping: -c needs a value; see 'rping ping --help'"));
    assert_eq!(rping(&["ping", "--query"]), refused("rping: --query needs a value; see 'rping ping --help'"));
    assert_eq!(
        rping(&["ping", "--quiet=1", "h"]),
        refused("rping: -q takes no value; see 'rping ping --help'")
    );
    assert_eq!(
        rping(&["ping", "--zzz", "1", "h"]),
        refused("rping: unexpected argument '--zzz'; see 'rping ping --help'")
    );
    assert_eq!(
        rping(&["ping", "-qZ", "h"]),
        refused("rping: unexpected argument '-Z'; see 'rping ping --help'")
    );
    assert_eq!(
        rping(&["ping", "-A", "a", "b"]),
        refused("rping: -A is for one host and does not go with many")
    );
}

#[test]
fn mistakes_about_the_terminal_are_one_line_that_names_the_option() {
    let refusals = [
        ("ping --color sometimes h", "--color sometimes: colors must be auto, always or never"),
        ("traceroute --color= h", "--color '': colors must be auto, always or never"),
        ("ping --status always h", "--status always: the line of status must be auto or never"),
        (
            "ping --warn 0 h",
            "--warn 0: the time must be a number of milliseconds above 0, at most 86400000, or have a unit, as in 200ms or 5s; \
             with --format nagios a loss may follow, or stand alone, as in 200,40% or 40%",
        ),
        (
            "ping --crit 25h h",
            "--crit 25h: the time must be a number of milliseconds above 0, at most 86400000, or have a unit, as in 200ms or 5s; \
             with --format nagios a loss may follow, or stand alone, as in 200,40% or 40%",
        ),
        ("ping --warn 0.2s --crit 50.5 h", "--warn 200: it must not exceed --crit, which is 50.5 ms"),
        ("ping --compact -j h", "--compact prints one character a probe and does not go with -j"),
        ("ping --compact -q h", "--compact prints one character a probe and does not go with -q"),
        ("ping --compact -f h", "--compact prints one character a probe and does not go with -f"),
        ("ping --compact a b", "--compact prints one character a probe and does not go with many hosts"),
    ];
    for (args, line) in refusals {
        let args: Vec<_> = args.split(' ').collect();
        assert_eq!(rping(&args), refused(&format!("rping: {line}")));
    }
}

#[test]
fn text_from_the_command_line_is_escaped_in_errors() {
    let raw = "\u{1b}[31m\u{9b}2J\u{7}\n\u{202e}";
    let escaped = r"\x1b[31m\u{9b}2J\x07\x0a\u{202e}";
    let count = "the count must be a whole number from 1 to 9223372036854775807";
    assert_eq!(rping(&["ping", "-c", raw, "h"]), refused(&format!("rping: -c {escaped}: {count}")));
    let long = format!("--{raw}");
    assert_eq!(
        rping(&["ping", &long]),
        refused(&format!("rping: unexpected argument '--{escaped}'; see 'rping ping --help'"))
    );
    assert_eq!(
        rping(&[raw]),
        refused(&format!("rping: {escaped}: a host's name cannot have the character U+001B"))
    );
    let octets = OsStr::from_bytes(b"a\xff\x9b$(id)\x7f");
    let output = Command::new(RPING).args(["ping", "-t"]).arg(octets).arg("h").output().unwrap();
    let ttl = "the TTL must be a whole number from 0 to 255";
    assert_eq!(result(output), refused(&format!(r"rping: -t a\xff\x9b$(id)\x7f: {ttl}")));
    let output = Command::new(RPING).arg("ping").arg(octets).output().unwrap();
    assert_eq!(result(output), refused(r"rping: a\xff\x9b$(id)\x7f: the host's name must be UTF-8 text"));
}

#[test]
fn help_of_rping_is_this() {
    let text = "\
Measure whether and how fast hosts on the network answer

Usage: rping HOST...
       rping COMMAND [OPTIONS] HOST...

Commands:
  ping        Send ICMP echo requests to hosts, and print the time of each reply
  traceroute  Show the routers on the path to a host, and the time of each
  help        Print this message or the help of the given subcommand(s)

Options:
      --generate <WHAT> [DIR]  Print completions of a shell, or a manual page
                               [possible values: bash, zsh, fish, man, man-ping,
                               man-traceroute]
  -h, --help                   Print this help
  -V, --version                Print the version

Examples: rping ping -c 3 localhost
          rping traceroute localhost

'rping ping --help' and 'rping traceroute --help' explain every option. A link
to rping named ping, ping4, ping6, fping, fping6, traceroute, traceroute6,
tcptraceroute or tracepath is that command.
";
    assert_eq!(rping(&["-h"]), answered(text));
    let (long, errors, status) = rping(&["--help"]);
    assert!(long.contains("\n          - man:            the manual page rping(1);"), "{long}");
    assert_eq!((errors.as_str(), status), ("", 0));
    assert_eq!(rping(&["help"]), rping(&["--help"]));
}

#[test]
fn help_of_ping_fits_a_terminal_and_has_every_option() {
    let short = rping(&["ping", "-h"]);
    let long = rping(&["ping", "--help"]);
    assert_eq!(rping(&["help", "ping"]), long);
    for (text, errors, status) in [short, long] {
        assert_eq!((errors.as_str(), status), ("", 0));
        assert!(text.starts_with("Send ICMP echo requests to hosts, and print the time of each reply\n"));
        assert!(text.contains("\nUsage: rping ping [OPTIONS] HOST...\n"));
        assert!(text.ends_with('\n') && !text.ends_with("\n\n"));
        for line in text.lines() {
            assert!(line.len() <= 80 && line.bytes().all(|octet| (0x20..0x7f).contains(&octet)), "{line}");
        }
        for letter in "346aAbBcCdDefFhHiIlLmMnOpqQrRsStTUvVwW".chars() {
            let option = format!("\n  -{letter}, --");
            assert!(text.contains(&option), "-{letter}");
        }
        assert!(text.contains("\n      --query <"));
        assert!(!text.contains("-N"));
    }
}

#[test]
fn a_reader_that_closes_the_pipe_is_no_error() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let output = Command::new(RPING).args(["ping", "--help"]).stdout(writer).output().unwrap();
    assert_eq!(result(output), answered(""));
}

#[test]
fn a_full_disk_is_an_error() {
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = Command::new(RPING).arg("--help").stdout(full).output().unwrap();
    assert_eq!(result(output), refused("rping: write error: No space left on device"));
}

#[test]
fn a_closed_standard_error_changes_nothing() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let status = Command::new(RPING).arg("ping").stdout(Stdio::null()).stderr(writer).status().unwrap();
    assert_eq!(status.code(), Some(2));
}
