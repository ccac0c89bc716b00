//! The command lines of fping: what each requests, and what is refused. Nothing here opens a socket.

use std::ffi::OsString;
use std::net::IpAddr;
use std::time::Duration;

use rping::cli::many::ReverseNames;
use rping::cli::ping_request::PingRequest;
use rping::cli::{self, Action};
use rping::engine::ping::{Backoff, Pacing, ProbeRate};
use rping::report::text::fping::{HostLines, Rows};
use rping::stats::verdict;
use rping::transport::{Families, Pmtu};
use rping::wire::Family;

fn parse(program: &str, args: &str, superuser: bool) -> Result<Action, (String, u8)> {
    let args = args.split_whitespace().map(|arg| if arg == "''" { "" } else { arg });
    let args = [program].into_iter().chain(args).map(OsString::from);
    cli::parse(args, superuser, 80)
        .map_err(|error| (error.to_string(), verdict::cannot_run(&error.program, true)))
}

fn request(args: &str) -> PingRequest {
    match parse("fping", args, true) {
        Ok(Action::Ping(request)) => *request,
        other => panic!("{args}: {other:?}"),
    }
}

/// The lines on standard error; the status of all is 1.
fn refused(args: &str) -> String {
    match parse("fping", args, true) {
        Err((text, 1)) => text,
        other => panic!("{args}: {other:?}"),
    }
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn without_options_a_host_is_probed_until_it_answers() {
    let request = request("a b");
    let rate = ProbeRate::one_each(ms(10));
    let expected =
        Pacing::Retry { timeout: ms(500), backoff: Backoff::ONE_HALF, retries: 3, after_fault: false, rate };
    assert_eq!(request.ping.pacing, expected);
    assert_eq!((request.ping.count, request.ping.patience, request.ping.enough), (None, None, None));
    assert!(request.ping.timeout_decides && !request.ping.classic);
    assert_eq!((request.hosts, request.style.size), (vec!["a".into(), "b".into()], 56));
    let many = request.many.expect("many hosts");
    let fping = many.fping.expect("fping's");
    assert_eq!((many.lists.len(), many.all_addresses, fping.expand, fping.random), (0, false, false, false));
    assert_eq!((fping.names, fping.addresses), (ReverseNames::None, false));
    let text = fping.text;
    assert_eq!((text.hosts, text.probes, text.rows), (HostLines::Verdicts, false, None));
}

/// What monitoring systems call.
#[test]
fn the_calls_of_monitoring_systems_are_understood() {
    // SmokePing.
    let smokeping =
        request("-C 20 -q -B1 -r1 -4 -b56 -t1500 -i10 -p1500 --iface=eth0 -S 192.0.2.1 -O 0x10 192.0.2.2");
    let (interval, rate) = (ms(1_500), ProbeRate::one_each(ms(10)));
    assert_eq!(smokeping.ping.pacing, Pacing::Rounds { interval, preload: 1, rate });
    assert_eq!((smokeping.ping.count, smokeping.ping.patience), (Some(20), Some(ms(1_500))));
    assert_eq!((smokeping.family, smokeping.sockets.families), (Some(Family::V4), Families::V4));
    let sockets = &smokeping.sockets;
    assert_eq!((sockets.device.as_deref(), sockets.tos), (Some("eth0"), Some(16)));
    assert_eq!(sockets.source, Some(IpAddr::from([192, 0, 2, 1])));
    // Zabbix: hosts on standard input.
    let zabbix = request("-C3 -p1000 -b68 -t500 -i0 -S192.0.2.1");
    assert_eq!(zabbix.ping.pacing, Pacing::Rounds { interval: ms(1_000), preload: 1, rate: None });
    assert_eq!((zabbix.style.size, zabbix.ping.patience), (68, Some(ms(500))));
    assert_eq!(zabbix.many.expect("many").lists, ["-"]);
    // LibreNMS.
    let librenms = request("-e -q -c 3 -p 500 -t 500 host");
    let text = librenms.many.and_then(|many| many.fping).expect("fping's").text;
    assert_eq!((text.rows, text.probes, text.quiet), (Some(Rows::Counts), false, true));
    // check_fping.
    let check = request("-b 56 -c 1 -n host");
    assert_eq!(check.many.and_then(|many| many.fping).expect("fping's").names, ReverseNames::OfAddresses);
}

#[test]
fn each_option_reaches_the_request() {
    assert_eq!(request("-6 h").family, Some(Family::V6));
    assert_eq!(request("-M h").sockets.pmtu, Some(Pmtu::Do));
    assert_eq!(request("-H 3 h").sockets.ttl, Some(3));
    assert_eq!(request("-k 0x1f h").sockets.mark, Some(31));
    assert_eq!(request("-X 4 h").ping.enough, Some(4));
    assert_eq!(request("-x 4 h").ping.enough, None);
    assert_eq!((request("-l h").ping.count, request("-c1 -p0 h").ping.patience), (None, Some(ms(500))));
    assert_eq!(request("-T 9 -T x h").hosts, ["h"], "-T is ignored");
    let many = |args: &str| request(args).many.expect("many hosts");
    assert!(many("-m h").all_addresses && many("-R h").fping.expect("fping's").random);
    assert_eq!(many("-f hosts").lists, ["hosts"]);
    assert_eq!(many("-d h").fping.expect("fping's").names, ReverseNames::All);
    assert_eq!(request("-g 192.0.2.7/29").hosts, ["192.0.2.7/29"]);
    assert_eq!(request("-g 192.0.2.7 192.0.2.9").hosts, ["192.0.2.7-192.0.2.9"]);
    assert_eq!(request("-g 192.0.2.9 192.0.2.7").hosts, [""; 0]);
    assert_eq!(request("10.0.0.0/8").hosts, ["10.0.0.0/8"]);
    let timeout = |args: &str| match request(args).ping.pacing {
        Pacing::Retry { timeout, backoff, retries, .. } => (timeout, backoff, retries),
        other => panic!("{other:?}"),
    };
    assert_eq!(timeout("-t 0.25 -B 5 -r 0 h"), (Duration::from_micros(250), Backoff(5_000), 0));
    assert_eq!(timeout("-B1 h").1, Backoff(1_000));
    // The last one counts.
    assert_eq!(request("-c 3 -c 4 h").ping.count, Some(4));
}

#[test]
fn blanks_before_a_number_are_skipped() {
    for (option, value) in [
        ("-b", "20"),
        ("-B", "1.5"),
        ("-c", "2"),
        ("-C", "2"),
        ("-H", "5"),
        ("-i", "10"),
        ("-k", "3"),
        ("-O", "0x10"),
        ("-p", "50"),
        ("-Q", "1"),
        ("-Q", "0.5,cumulative"),
        ("-r", "1"),
        ("-t", "100"),
        ("-x", "1"),
        ("-X", "1"),
    ] {
        let requested =
            |value: &str| cli::parse(["fping", "-c1", option, value, "h"].map(OsString::from), true, 80);
        let (bare, blanks) = (requested(value), requested(&format!(" \t{value}")));
        assert!(matches!(&bare, Ok(Action::Ping(_))), "{option} {value}");
        assert_eq!(format!("{blanks:?}"), format!("{bare:?}"), "{option} {value}");
    }
}

#[test]
fn fping6_is_fping_for_ipv6() {
    let Ok(Action::Ping(request)) = parse("/usr/bin/fping6", "::1", false) else { panic!("a request") };
    assert_eq!((request.family, request.style.program.as_str()), (Some(Family::V6), "fping6"));
    let refusal = parse("fping6", "-4 h", false).expect_err("both");
    assert_eq!(refusal, ("fping6: can't specify both -4 and -6".to_owned(), 1));
}

#[test]
fn a_value_that_is_not_allowed_is_named_below_the_usage() {
    let usage = "Usage: fping [options] [targets...]";
    let from =
        |what: &str, least, most: u32| format!("the {what} must be a whole number from {least} to {most}");
    let millis = |what: &str| format!("the {what} must be a number of milliseconds from 0 to 4294967295");
    let seconds = "the time between two reports must be a number of seconds from 0 to 4294967295".to_owned();
    for (option, allowed) in [
        ("-b", "the size must be a whole number of octets from 0 to 65488".to_owned()),
        ("-B", "the backoff factor must be a number from 1.0 to 5.0".to_owned()),
        ("-c", from("count", 1, u32::MAX)),
        ("-C", from("count", 1, u32::MAX)),
        ("-H", from("TTL", 1, 255)),
        ("-i", millis("interval")),
        ("-k", from("mark", 1, u32::MAX)),
        ("-O", "the type of service must be a whole number from 0 to 255, or from 0x0 to 0xff".to_owned()),
        ("-p", millis("period")),
        ("-Q", seconds),
        ("-r", from("retries", 0, 1_000)),
        ("-t", millis("timeout")),
        ("-x", from("number of hosts", 1, u32::MAX)),
        ("-X", from("number of hosts", 1, u32::MAX)),
        ("--timestamp-format", "the format must be ctime, iso or rfc3339".to_owned()),
    ] {
        for value in ["xxx", "''", "-1"] {
            let expected = format!("{usage}\nfping: {option} {value}: {allowed}");
            assert_eq!(refused(&format!("{option} {value} h")), expected);
        }
    }
    assert!(refused("-I a/b h").ends_with("fping: -I a/b: an interface must have a name of 1 to 15 octets"));
}

#[test]
fn options_that_exclude_each_other_and_limits_have_the_sentences_of_fping() {
    for (args, sentence) in [
        ("-4 -6 h", "can't specify both -4 and -6"),
        ("-a -u h", "specify only one of a, u"),
        ("-c1 -l h", "specify only one of c, l"),
        ("-C1 -l h", "specify only one of c, l"),
        ("-n -d h", "use either one of -d or -n"),
        ("-J h", "-J is not supported; rping ping --json prints JSON"),
        ("-H 256 h", "ttl 256 out of range"),
        ("-b 65489 h", "data size 65489 not valid, must be lower than 65488"),
        ("-B 0.9 h", "backoff factor 0.9 not valid, must be between 1.0 and 5.0"),
        ("-B 5.1 h", "backoff factor 5.1 not valid, must be between 1.0 and 5.0"),
        ("-S bla", "can't parse source address: bla"),
        ("-Z", "invalid option -- 'Z'\nsee 'fping -h' for usage information"),
        ("--nope", "invalid option -- 'nope'\nsee 'fping -h' for usage information"),
        ("-c", "option requires an argument -- 'c'\nsee 'fping -h' for usage information"),
        ("--quiet=5 h", "option takes no arguments -- 'quiet'\nsee 'fping -h' for usage information"),
    ] {
        assert_eq!(refused(args), format!("fping: {sentence}"));
    }
}

#[test]
fn ordinary_users_have_the_limits_of_fping() {
    let risky = "fping: these options are too risky for mere mortals.\nfping: You need -i >= 1 and -p >= 10";
    for args in ["-i 0 h", "-i 0.9 h", "-p 9 -c1 h", "-p 9.9 h"] {
        assert_eq!(parse("fping", args, false).expect_err(args), (risky.to_owned(), 1), "{args}");
        assert!(parse("fping", args, true).is_ok(), "{args}");
    }
    assert!(parse("fping", "-i 1 -p 10 -c1 h", false).is_ok());
}

#[test]
fn a_generated_list_is_a_prefix_or_a_range_of_ipv4() {
    let usage = "Usage: fping [options] [targets...]\n";
    for (args, sentence) in [
        ("-g", format!("{usage}fping: -g: one prefix, or a first and a last address")),
        (
            "-g 1.2.3.4 1.2.3.5 1.2.3.6",
            format!("{usage}fping: -g: one prefix, or a first and a last address"),
        ),
        ("-g 1.2.3.4", format!("{usage}fping: -g: a prefix must be ADDRESS/LENGTH, such as 192.0.2.0/24")),
        ("-g xxx/32", "fping: can't parse address xxx: -g needs IPv4 addresses".to_owned()),
        ("-g 1.2.3.4 yyy", "fping: can't parse address yyy: -g needs IPv4 addresses".to_owned()),
        ("-g ::1/128", "fping: -g works only with IPv4 addresses".to_owned()),
        ("-g ::1 1.2.3.4", "fping: -g works only with IPv4 addresses".to_owned()),
        ("-g 1.2.3.4/33", "fping: netmask must be between 1 and 32 (is: 33)".to_owned()),
        ("-g 1.2.3.4/0", "fping: netmask must be between 1 and 32 (is: 0)".to_owned()),
        ("-g 1.2.3.4/x", "fping: netmask must be between 1 and 32 (is: x)".to_owned()),
        ("-g 1.2.3.4/7", "fping: -g parameter generates too many addresses".to_owned()),
        ("-g 1.0.0.0 1.2.0.1", "fping: -g parameter generates too many addresses".to_owned()),
        (
            "-f x h",
            format!("{usage}fping: -f: the targets are in the file, and neither -g nor others go with it"),
        ),
    ] {
        assert_eq!(refused(args), sentence, "{args}");
    }
    assert_eq!(request("-g 1.0.0.0 1.2.0.0").hosts.len(), 1);
}

/// SmokePing looks for `Version [4-9]`, and it and Zabbix for options at the start of lines of the help.
#[test]
fn help_and_version_are_what_other_programs_look_for() {
    let printed = |args: &str| match parse("fping", args, false) {
        Ok(Action::Print { text, .. }) => text,
        other => panic!("{args}: {other:?}"),
    };
    let version = env!("CARGO_PKG_VERSION");
    for args in ["-v", "--version"] {
        assert_eq!(printed(args), format!("fping: Version 5.2 (rping {version})\n"));
    }
    for args in ["-h", "--help", "-4 -h", "-c 3 -h h"] {
        let help = printed(args);
        assert!(
            help.starts_with("Usage: fping [options] [targets...]\n\nProbing options:\n   -4, "),
            "{help}"
        );
        for option in ["-S, ", "-O, ", "-k, ", "-I, ", "-v, --version      show version\n"] {
            assert!(help.contains(&format!("\n   {option}")), "{option}");
        }
    }
}
