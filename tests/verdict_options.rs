//! What the commands make of the options that judge a run and print more of it.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::time::Duration;

use rping::cli::ping_request::PingRequest;
use rping::cli::trace_request::TraceRequest;
use rping::cli::{self, Action};
use rping::engine::ping::{Pacing, ProbeRate, TargetState, Until};

fn ping(args: &str) -> Result<PingRequest, String> {
    let args = ["rping", "ping"].into_iter().chain(args.split(' ')).map(OsString::from);
    match cli::parse(args, true, 80) {
        Ok(Action::Ping(request)) => Ok(*request),
        Ok(other) => Err(format!("{other:?}")),
        Err(refusal) => Err(refusal.reason),
    }
}

fn refusal(args: &str) -> String {
    ping(args).expect_err(args)
}

#[test]
fn figures_go_with_a_summary_only() {
    let shown = |args| ping(args).map(|request| (request.style.stats, request.style.histogram.is_some()));
    assert_eq!(shown("h"), Ok((false, false)));
    assert_eq!(shown("--stats h"), Ok((true, false)));
    assert_eq!(shown("--histogram -q a b"), Ok((false, true)));
    let with = |bare, option| refusal(&format!("{bare} {option} a b"));
    let expected = |bare, option| format!("{bare} prints bare names and does not go with {option}");
    for bare in ["--alive", "--unreachable"] {
        for option in ["--stats", "--histogram"] {
            assert_eq!(with(bare, option), expected(bare, option));
        }
    }
}

fn traceroute(args: &str) -> Result<TraceRequest, String> {
    let args = ["rping", "traceroute"].into_iter().chain(args.split(' ')).map(OsString::from);
    match cli::parse(args, true, 80) {
        Ok(Action::Traceroute(request)) => Ok(*request),
        Ok(other) => Err(format!("{other:?}")),
        Err(refusal) => Err(refusal.reason),
    }
}

#[test]
fn assertions_are_joined() {
    let asserted = |args| ping(args).map(|request| request.assertion.map(|assertion| assertion.to_string()));
    assert_eq!(asserted("h"), Ok(None));
    let joined = asserted("--assert loss<=1%,p95<50ms --assert received>=3 -q a b");
    assert_eq!(joined, Ok(Some("loss<=1%,p95<50ms,received>=3".to_owned())));
    let trace = traceroute("--assert reached,hops<=12 --assert rtt<80ms h").map(|request| request.assertion);
    let trace = trace.map(|assertion| assertion.map(|assertion| assertion.to_string()));
    assert_eq!(trace, Ok(Some("reached,hops<=12,rtt<80ms".to_owned())));
}

const FIELDS: &str =
    "sent, received, loss, duplicates, errors, min, avg, max, mdev, p50, p90, p95, p99, jitter, burst";

#[test]
fn a_caret_points_at_the_fault_of_an_assertion() {
    let expected = format!(
        "--assert: p96 is not a field; those of ping are {FIELDS}\n  loss<=1%,p96<50ms\n           ^"
    );
    assert_eq!(refusal("--assert loss<=1%,p96<50ms h"), expected);
    let expected = format!("--assert: ping does not measure hops; its fields are {FIELDS}\n  hops<=9\n  ^");
    assert_eq!(refusal("--assert hops<=9 h"), expected);
    let fields = "hops, reached, rtt, min, avg, max";
    let expected = format!(
        "--assert: traceroute does not measure p95; its fields are {fields}\n  reached,p95<1s\n          ^"
    );
    assert_eq!(traceroute("--assert reached,p95<1s h").expect_err("p95"), expected);
    // What would not be plainly visible is written out, and the caret stands under it.
    let hidden = "--assert: expected a comparison: <, <=, =, !=, >= or >\n  loss\\x1b[2J<1%\n      ^";
    assert_eq!(refusal("--assert loss\x1b[2J<1% h"), hidden);
    let behind = "--assert: expected a comma and another clause, or the end\n  loss<1%\\u{202e}x\n         ^";
    assert_eq!(refusal("--assert loss<1%\u{202e}x h"), behind);
}

#[test]
fn an_assertion_about_more_probes_than_are_sent_is_refused() {
    let never = |clause: &str, probes: &str| format!("{clause} never holds: {probes} sent to a host at most");
    let first = |args: &str| refusal(args).lines().next().expect("a line").to_owned();
    let three = "3 probes are";
    assert_eq!(
        refusal("-c 3 --assert loss<1%,received>=4 h"),
        format!("--assert: {}\n  loss<1%,received>=4\n          ^", never("received>=4", three))
    );
    assert_eq!(first("-c 3 --assert sent=4 h"), format!("--assert: {}", never("sent=4", three)));
    assert_eq!(first("-c 3 --assert burst>3 a b"), format!("--assert: {}", never("burst>3", three)));
    assert_eq!(first("-c 1 --assert sent>1 h"), format!("--assert: {}", never("sent>1", "1 probe is")));
    let four = never("received>4", "4 probes are");
    assert_eq!(first("--sweep --assert received>4 a b"), format!("--assert: {four}"));
    for held in
        ["-c 3 --assert received>=3,burst<9 h", "--assert received>=9999 h", "--retry 5 --assert sent=6 a b"]
    {
        assert!(ping(held).is_ok(), "{held}");
    }
}

#[test]
fn an_assertion_about_a_hop_beyond_the_last_is_refused() {
    assert_eq!(
        traceroute("-m 3 --assert reached,hops>=4 h").expect_err("hops"),
        "--assert: hops>=4 never holds: -m ends the trace at hop 3\n  reached,hops>=4\n          ^"
    );
    assert!(traceroute("--assert hops>30 h").is_err(), "30 without -m");
    for held in ["-m 4 --assert hops>=4 h", "-m 3 --assert hops<9 h", "-m 40 --assert hops=31 h"] {
        assert!(traceroute(held).is_ok(), "{held}");
    }
}

#[test]
fn an_assertion_alone_decides() {
    let sentence = "--min-reachable does not go with --assert, which each host must meet";
    assert_eq!(refusal("--min-reachable 1 --assert loss<1% a b"), sentence);
}

#[test]
fn a_format_with_a_status_of_its_own_goes_with_no_assertion() {
    assert_eq!(
        refusal("--format nagios --assert loss=0% h"),
        "--format nagios has the exit status of --warn and --crit and does not go with --assert"
    );
    assert!(ping("--format influx --assert loss=0% h").expect("a request").assertion.is_some());
    assert_eq!(
        traceroute("--format nagios --assert reached h").expect_err("nagios"),
        "--format nagios has the exit status of --warn and --crit and does not go with --assert"
    );
}

#[test]
fn a_timeout_is_the_time_of_each_probe_and_linger_that_of_the_end() {
    let seconds = |time: Option<Duration>| time.map(|time| time.as_secs_f64());
    let times = |args| {
        let request = ping(args).expect(args);
        let config = request.ping;
        (
            seconds(config.limits.timeout),
            seconds(config.patience),
            seconds(config.linger),
            request.style.timeouts,
        )
    };
    assert_eq!(times("h"), (None, None, Some(10.0), false));
    assert_eq!(times("-W 3 h"), (None, Some(3.0), Some(3.0), false));
    assert_eq!(times("--linger 3 h"), times("-W 3 h"));
    assert_eq!(times("--timeout 0.5 h"), (Some(0.5), None, Some(0.5), true));
    assert_eq!(times("--timeout 0.5 -W 3 h"), (Some(0.5), Some(3.0), Some(3.0), true));
    assert_eq!(times("--timeout 5 -W 3 h"), (Some(5.0), Some(3.0), Some(5.0), true));
    assert_eq!(times("--timeout 5 -W 0 h"), (Some(5.0), None, None, true), "-W 0 waits for ever");
    assert_eq!(times("-c 2 --timeout 0.5 a b"), (Some(0.5), None, None, true));
    assert_eq!(times("-c 2 --timeout 0.5 -W 3 a b"), (Some(0.5), Some(3.0), Some(3.0), true));
    let sentence =
        "the timeout must be a number of seconds above 0, to 2147483, or have a unit, as in 200ms or 5s";
    for value in ["0", "-1", "x", "2147484"] {
        assert_eq!(refusal(&format!("--timeout {value} h")), format!("--timeout {value}: {sentence}"));
    }
    let sentence = "--timeout does not go with a sweep, in which -W is the time to wait for the first probe; -c and -i request none";
    for sweep in ["--sweep", "--alive", "--retry 1", "--min-reachable 1"] {
        assert_eq!(refusal(&format!("--timeout 1 {sweep} a b")), sentence);
    }
    assert!(ping("--timeout 1 a b").is_ok() && ping("--timeout 1 --alive -c 3 a b").is_ok());
    assert!(ping("--timeout 500ms -i 1 a b").is_ok() && ping("--timeout 500ms --every 1m a b").is_ok());
    let unanswered = |args| ping(args).map(|request| request.ping.report_unanswered);
    assert_eq!([unanswered("-O h"), unanswered("-O --timeout 1 h")], [Ok(true), Ok(false)]);
}

#[test]
fn a_state_to_wait_for_decides_alone() {
    let until = |args| ping(args).map(|request| (request.ping.limits.until, request.ping.limits.keep_going));
    let state = |state, in_a_row| Ok((Some(Until { state, in_a_row }), true));
    assert_eq!(until("--until up h"), state(TargetState::Up, 1));
    assert_eq!(until("--until down:3 -w 9 h"), state(TargetState::Down, 3));
    assert_eq!(until("--until up:10000 a b"), state(TargetState::Up, 10_000));
    let sentence =
        "the state must be up or down, perhaps with :N behind it for N probes in a row, from 1 to 10000";
    for value in ["", "Up", "up:", "up:0", "up:10001", "up:x", "up:1:2", "down:-1", "alive"] {
        let shown = if value.is_empty() { "''" } else { value };
        assert_eq!(refusal(&format!("--until {value} h")), format!("--until {shown}: {sentence}"));
    }
    let refused = [
        ("-c 3 h", "-c does not go with --until; -w limits the time"),
        ("-o h", "-o does not go with --until; --until up ends at the first reply"),
        ("-q -f h", "-f does not go with --until"),
        ("--assert loss<1% h", "--assert does not go with --until; both decide the exit status"),
        ("--min-reachable 1 a b", "--min-reachable does not go with --until, which all hosts must meet"),
        ("--retry 1 a b", "--retry does not go with --until, which probes each host again and again"),
        ("--alive a b", "--alive does not go with --until"),
        ("--unreachable a b", "--unreachable does not go with --until"),
    ];
    for (args, sentence) in refused {
        assert_eq!(refusal(&format!("--until up {args}")), sentence);
    }
    // Many hosts get a probe each interval, without a count.
    let pacing = ping("--until up -i 0.5 --timeout 0.2 a b").map(|request| request.ping.pacing);
    let interval = Duration::from_millis(500);
    assert_eq!(
        pacing,
        Ok(Pacing::Rounds { interval, preload: 1, rate: NonZeroU64::new(1_000).map(ProbeRate::per_second) })
    );
}

#[test]
fn keep_going_needs_a_deadline_and_both_are_for_one_host() {
    let limits = |args| ping(args).map(|request| (request.ping.enough, request.ping.limits.keep_going));
    assert_eq!(limits("h"), Ok((None, false)));
    assert_eq!(limits("-o h"), Ok((Some(1), false)));
    assert_eq!(limits("--first-reply -w 3 --keep-going h"), Ok((Some(1), true)));
    assert_eq!(refusal("--keep-going h"), "--keep-going needs -w: without it no ICMP error ends the run");
    let sentence =
        "-o is for one host and does not go with many; to stop when one has answered, use --min-reachable 1";
    assert_eq!(refusal("-o a b"), sentence);
    let sentence = "--keep-going is for one host and does not go with many, which ICMP errors do not end";
    assert_eq!(refusal("-w 3 --keep-going a b"), sentence);
}
