//! What the commands make of the options that judge a run and print more of it.

use std::ffi::OsString;

use rping::cli::ping_request::PingRequest;
use rping::cli::{self, Action};

fn ping(args: &str) -> Result<PingRequest, String> {
    let args = ["rping", "ping"].into_iter().chain(args.split(' ')).map(OsString::from);
    match cli::parse(args, true) {
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
