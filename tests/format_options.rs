//! `--format` and `--output`: what is refused, what they mean together, and the file.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use rping::cli::format::Format;
use rping::cli::ping_request::PingRequest;
use rping::cli::{self, Action};
use rping::stats::check::{CheckLimits, Limit};

fn parse(args: &str) -> Result<Action, String> {
    let args = ["rping"].into_iter().chain(args.split(' ')).map(OsString::from);
    cli::parse(args, true, 80).map_err(|error| error.reason)
}

fn ping(args: &str) -> PingRequest {
    match parse(&format!("ping {args}")) {
        Ok(Action::Ping(request)) => *request,
        other => panic!("{args}: {other:?}"),
    }
}

fn refusal(args: &str) -> String {
    parse(args).expect_err(args)
}

fn rping(args: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_rping")).args(args.split(' ')).output().expect("rping runs")
}

/// Standard output, standard error and the exit status.
fn ran(args: &str) -> (String, String, i32) {
    let Output { status, stdout, stderr } = rping(args);
    let text = |octets| String::from_utf8(octets).expect("text");
    (text(stdout), text(stderr), status.code().expect("an exit status"))
}

/// An empty folder for a test.
fn folder(test: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(test);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir(&folder).expect("a folder");
    folder
}

#[test]
fn each_format_has_its_name_and_json_has_two() {
    let formats = [
        ("h", Format::Text),
        ("--format text h", Format::Text),
        ("-j h", Format::Json),
        ("--format json h", Format::Json),
        ("-j --format json h", Format::Json),
        ("--format csv --format=influx h", Format::Influx),
        ("--format csv h", Format::Csv),
        ("--format prometheus h", Format::Prometheus),
        ("--format nagios h", Format::Nagios),
        ("--format atlas h", Format::Atlas),
    ];
    for (args, format) in formats {
        assert_eq!(ping(args).format.format, format, "{args}");
        let Ok(Action::Traceroute(request)) = parse(&format!("traceroute {args}")) else { panic!("{args}") };
        assert_eq!(request.format.format, format, "{args}");
    }
}

#[test]
fn options_without_effect_in_a_format_are_refused_in_one_sentence() {
    let allowed = "the format must be text, json, csv, influx, prometheus, nagios or atlas";
    let refusals = [
        ("ping --format xml h", &*format!("--format xml: {allowed}")),
        ("traceroute --format CSV h", &*format!("--format CSV: {allowed}")),
        ("ping --format= h", &*format!("--format '': {allowed}")),
        ("ping -j --format csv h", "-j prints JSON and does not go with --format csv"),
        ("traceroute -j --format text h", "-j prints JSON and does not go with --format text"),
        ("ping -f --format influx h", "-f prints dots and does not go with --format influx; -q -f does"),
        ("ping -f --format json h", "-f prints dots and does not go with --format json; -q -f does"),
        (
            "ping --compact --format csv h",
            "--compact prints one character a probe and does not go with --format csv",
        ),
        ("ping --alive --format csv a b", "--alive prints bare names and does not go with --format csv"),
        (
            "ping --totals --format csv a b",
            "--totals prints a line of text and does not go with --format csv",
        ),
        (
            "ping --every 9 --format nagios h",
            "--format nagios prints one result at the end and does not go with --every",
        ),
        (
            "ping --every 9 --format atlas h",
            "--format atlas prints one result at the end and does not go with --every",
        ),
        (
            "ping --every 9 --format prometheus h",
            "--format prometheus with --every needs --output FILE, which each window replaces",
        ),
        (
            "ping --output x h",
            "--output is for the formats of --format and -j; text goes to a file by > FILE",
        ),
        ("ping --warn 40% h", "--warn 40%: a limit of the loss is for --format nagios"),
        ("ping --format csv --crit 9,0.5% h", "--crit 0.5%: a limit of the loss is for --format nagios"),
        (
            "ping --format nagios --warn 9,50% --crit 99,40% h",
            "--warn 50%: the loss must not exceed that of --crit, which is 40%",
        ),
        (
            "ping --format nagios --warn 300,40% --crit 200,80% h",
            "--warn 300: it must not exceed --crit, which is 200 ms",
        ),
    ];
    for (args, sentence) in refusals {
        assert_eq!(refusal(args), sentence);
    }
    assert!(parse("ping -q -f --format influx h").is_ok());
    assert!(parse("ping --every 9 --format prometheus --output x h").is_ok());
}

#[test]
fn a_check_ends_by_itself_and_has_its_limits() {
    let count = |args: &str| ping(&format!("--format nagios {args}")).ping.count;
    assert_eq!(
        [count("h"), count("a b"), count("-c 2 h"), count("-w 3 h")],
        [Some(5), Some(5), Some(2), None]
    );
    assert_eq!(count("--retry 2 a b"), None);
    assert_eq!(ping("--format csv h").ping.count, None);
    let limit = |rtt, loss| Limit { rtt: Some(Duration::from_millis(rtt)), loss };
    let expected = CheckLimits { warn: limit(200, Some(4_000)), crit: limit(500, Some(8_000)) };
    assert_eq!(ping("--format nagios --warn 200,40% --crit 0.5s,80% h").limits, expected);
}

#[test]
fn a_check_that_cannot_run_is_unknown_in_one_line_on_standard_output() {
    let refused =
        "RPING UNKNOWN - --format nagios prints one result at the end and does not go with --every\n";
    assert_eq!(ran("ping --every 9 --format nagios h"), (refused.to_owned(), String::new(), 3));
    assert_eq!(ran("ping --every 9 --format=nagios h"), (refused.to_owned(), String::new(), 3));
    for (command, service) in [("ping", "PING"), ("traceroute", "TRACEROUTE")] {
        let (printed, errors, status) = ran(&format!("{command} --format nagios [::1"));
        assert_eq!((errors.as_str(), status), ("", 3), "{printed}");
        assert!(printed.starts_with(&format!("{service} UNKNOWN - [::1: ")), "{printed}");
        assert_eq!(printed.matches('\n').count(), 1, "{printed}");
    }
}

#[test]
fn a_host_that_is_not_valid_is_in_the_file_too() {
    let folder = folder("format_file");
    let file = folder.join("ping.prom");
    fs::write(&file, "old\n").expect("a file");
    let (printed, errors, status) =
        ran(&format!("ping --format prometheus --output {} [::1", file.display()));
    assert_eq!((printed.as_str(), status), ("", 2), "{errors}");
    let expected = "# HELP ping_target_unknown 1 for a host that was not found\n\
                    # TYPE ping_target_unknown gauge\n\
                    ping_target_unknown{target=\"[::1\"} 1\n";
    assert_eq!(fs::read_to_string(&file).expect("a file"), expected);
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
}

#[test]
fn a_run_that_prints_nothing_leaves_the_file_of_before() {
    let folder = folder("format_left");
    let file = folder.join("check");
    fs::write(&file, "old\n").expect("a file");
    let (printed, _, status) = ran(&format!("ping --format nagios --output {} [::1", file.display()));
    assert_eq!(status, 3, "{printed}");
    assert_eq!(fs::read_to_string(&file).expect("a file"), "old\n");
    assert_eq!(fs::read_dir(&folder).expect("a folder").count(), 1);
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_anything_is_sent() {
    let refused = |place: &str| {
        let (printed, errors, status) = ran(&format!("ping --format csv --output {place} 192.0.2.1"));
        assert_eq!((printed.as_str(), status), ("", 2));
        errors
    };
    assert_eq!(refused("/nonexistent/x"), "rping: --output /nonexistent/x: No such file or directory\n");
    assert_eq!(refused("/dev/null"), "rping: --output /dev/null: it exists and is not a regular file\n");
    assert_eq!(refused("/"), "rping: --output /: it exists and is not a regular file\n");
    assert_eq!(refused(""), "rping: --output '': No such file or directory\n");
}

#[test]
fn the_file_that_standard_output_goes_to_is_not_replaced() {
    let folder = folder("format_stdout");
    let file = folder.join("log");
    fs::write(&file, "before\n").expect("a file");
    for place in [Path::new("/dev/stdout"), &file] {
        let log = File::options().append(true).open(&file).expect("the file");
        let mut command = Command::new(env!("CARGO_BIN_EXE_rping"));
        command.args(["ping", "-c1", "--json", "192.0.2.1", "--output"]).arg(place).stdout(log);
        let output = command.output().expect("rping runs");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            errors.ends_with(
                ": standard output or standard error goes to that file, which would be replaced\n"
            )
        );
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(fs::read_to_string(&file).expect("a file"), "before\n");
    }
}
