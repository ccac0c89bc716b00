//! The options of `rping ping`: every number, every value, every pair that is refused.

use std::ffi::OsString;
use std::time::Duration;

use proptest::prelude::*;
use rping::cli::format::Format;
use rping::cli::ping_request::PingRequest;
use rping::cli::{self, Action};
use rping::engine::ping::Pacing;
use rping::probe::Method;
use rping::report::style::TimeFormat;
use rping::report::text::many::Show;
use rping::transport::{Families, IpOption, Pmtu, Stamping};
use rping::wire::Family;

fn parse(args: &[&str], superuser: bool) -> Result<PingRequest, String> {
    let args = ["rping", "ping"].iter().chain(args).map(OsString::from);
    match cli::parse(args, superuser, 80) {
        Ok(Action::Ping(request)) => Ok(*request),
        Ok(Action::Traceroute(request)) => Err(format!("{request:?}")),
        Ok(Action::Print { text, .. } | Action::Help { text, .. } | Action::NoCommand { help: text }) => {
            Err(text)
        }
        Ok(Action::Write { directory, .. }) => Err(format!("{directory:?}")),
        Err(refusal) => {
            assert_eq!(refusal.program, "rping");
            Err(refusal.reason)
        }
    }
}

fn root(args: &[&str]) -> PingRequest {
    parse(args, true).unwrap_or_else(|reason| panic!("{args:?}: {reason}"))
}

fn refusal(args: &[&str]) -> String {
    parse(args, true).expect_err(&format!("{args:?}"))
}

fn user_refusal(args: &[&str]) -> String {
    parse(args, false).expect_err(&format!("{args:?}"))
}

#[test]
fn a_command_line_without_a_command_is_that_of_ping() {
    for words in [&["192.0.2.7", "-c", "3"][..], &["-c3", "192.0.2.7"], &["-c", "3", "--", "192.0.2.7"]] {
        let args = ["rping"].iter().chain(words).map(OsString::from);
        let Ok(Action::Ping(request)) = cli::parse(args, false, 80) else { panic!("{words:?}") };
        assert_eq!((request.hosts, request.ping.count), (vec!["192.0.2.7".to_owned()], Some(3)), "{words:?}");
    }
}

/// The numeric options, in the order of the columns below, and the sentences of their errors.
const NUMERIC: [(&str, &str, &str); 12] = [
    ("-c", "--count", "the count must be a whole number from 1 to 9223372036854775807"),
    ("-l", "--preload", "the preload must be a whole number from 1 to 65536"),
    ("-s", "--size", "the size must be a whole number from 0 to 65507 (to 65527 for IPv6)"),
    ("-S", "--sndbuf", "the send buffer must be a whole number from 1 to 2147483647"),
    ("-t", "--ttl", "the TTL must be a whole number from 0 to 255"),
    ("-Q", "--tos", "the type of service must be a whole number from 0 to 255, or from 0x0 to 0xff"),
    ("-e", "--ident", "the identifier must be a whole number from 0 to 65535, or from 0x0 to 0xffff"),
    ("-F", "--flow-label", "the flow label must be a whole number from 0 to 1048575, or from 0x0 to 0xfffff"),
    ("-m", "--mark", "the mark must be a whole number from 0 to 4294967295, or from 0x0 to 0xffffffff"),
    (
        "-i",
        "--interval",
        "the interval must be a number of seconds from 0 to 2147483647, or have a unit, as in 200ms or 5s",
    ),
    (
        "-w",
        "--deadline",
        "the deadline must be a number of seconds from 0 to 2147483647, or have a unit, as in 200ms or 5s",
    ),
    (
        "-W",
        "--linger",
        "the wait must be a number of seconds from 0 to 2147483, or have a unit, as in 200ms or 5s",
    ),
];

/// `y`: the option takes the value; `.`: it refuses it, naming the range.
const VERDICTS: [(&str, &str); 64] = [
    //                          c l s S  t Q  e F m  i w W
    ("0", "                     . . y .  y y  y y y  y y y"),
    ("1", "                     y y y y  y y  y y y  y y y"),
    ("-1", "                    . . . .  . .  . . .  . . ."),
    ("-0", "                    . . . .  . .  . . .  . . ."),
    ("+5", "                    y y y y  y y  y y y  y y y"),
    ("++5", "                   . . . .  . .  . . .  . . ."),
    ("+-5", "                   . . . .  . .  . . .  . . ."),
    ("+", "                     . . . .  . .  . . .  . . ."),
    ("-", "                     . . . .  . .  . . .  . . ."),
    ("", "                      . . . .  . .  . . .  . . ."),
    (" ", "                     . . . .  . .  . . .  . . ."),
    (" 5", "                    y y y y  y y  y y y  y y y"),
    ("\t +5", "                 y y y y  y y  y y y  y y y"),
    (" 0x5", "                  . . . .  . y  y y y  . . ."),
    (" -5", "                   . . . .  . .  . . .  . . ."),
    ("5 ", "                    . . . .  . .  . . .  . . ."),
    ("5\t", "                   . . . .  . .  . . .  . . ."),
    ("5x", "                    . . . .  . .  . . .  . . ."),
    ("x5", "                    . . . .  . .  . . .  . . ."),
    ("1_000", "                 . . . .  . .  . . .  . . ."),
    ("1,5", "                   . . . .  . .  . . .  . . ."),
    ("٣", "                     . . . .  . .  . . .  . . ."),
    ("nan", "                   . . . .  . .  . . .  . . ."),
    ("NaN", "                   . . . .  . .  . . .  . . ."),
    ("inf", "                   . . . .  . .  . . .  . . ."),
    ("-inf", "                  . . . .  . .  . . .  . . ."),
    ("infinity", "              . . . .  . .  . . .  . . ."),
    ("0x10", "                  . . . .  . y  y y y  . . ."),
    ("0X1f", "                  . . . .  . y  y y y  . . ."),
    ("200ms", "                 . . . .  . .  . . .  y y y"),
    (" 1m30s", "                . . . .  . .  . . .  y y y"),
    ("5 s", "                   . . . .  . .  . . .  . . ."),
    ("5S", "                    . . . .  . .  . . .  . . ."),
    ("0x", "                    . . . .  . .  . . .  . . ."),
    ("0x+5", "                  . . . .  . .  . . .  . . ."),
    ("0xg", "                   . . . .  . .  . . .  . . ."),
    ("0x100", "                 . . . .  . .  y y y  . . ."),
    ("0x10000", "               . . . .  . .  . y y  . . ."),
    ("0x100000", "              . . . .  . .  . . y  . . ."),
    ("0x100000000", "           . . . .  . .  . . .  . . ."),
    ("1e30", "                  . . . .  . .  . . .  . . ."),
    ("1e3", "                   . . . .  . .  . . .  y y y"),
    ("1e-400", "                . . . .  . .  . . .  y y y"),
    ("1e99999999999999999999", ". . . .  . .  . . .  . . ."),
    ("1e", "                    . . . .  . .  . . .  . . ."),
    ("e3", "                    . . . .  . .  . . .  . . ."),
    ("1e3.5", "                 . . . .  . .  . . .  . . ."),
    ("1.", "                    . . . .  . .  . . .  y y y"),
    (".2", "                    . . . .  . .  . . .  y y y"),
    (".", "                     . . . .  . .  . . .  . . ."),
    ("1.5000000", "             . . . .  . .  . . .  y y y"),
    ("1.2.3", "                 . . . .  . .  . . .  . . ."),
    ("00000000000000000000007", "y y y y  y y  y y y  y y y"),
    ("255", "                   y y y y  y y  y y y  y y y"),
    ("256", "                   y y y y  . .  y y y  y y y"),
    ("65528", "                 y y . y  . .  y y y  y y y"),
    ("65537", "                 y . . y  . .  . y y  y y y"),
    ("1048576", "               y . . y  . .  . . y  y y y"),
    ("2147484", "               y . . y  . .  . . y  y y ."),
    ("2147483648", "            y . . .  . .  . . y  . . ."),
    ("4294967296", "            y . . .  . .  . . .  . . ."),
    ("9223372036854775807", "   y . . .  . .  . . .  . . ."),
    ("9223372036854775808", "   . . . .  . .  . . .  . . ."),
    ("18446744073709551616", "  . . . .  . .  . . .  . . ."),
];

fn shown(value: &str) -> String {
    let escaped = value.replace('\t', "\\x09");
    if escaped.is_empty() || escaped.contains(' ') { format!("'{escaped}'") } else { escaped }
}

#[test]
fn each_numeric_option_takes_its_range_and_nothing_else() {
    for (value, verdicts) in VERDICTS {
        let verdicts: Vec<&str> = verdicts.split_whitespace().collect();
        assert_eq!(verdicts.len(), NUMERIC.len(), "{value}");
        for ((short, long, allowed), verdict) in NUMERIC.iter().zip(verdicts) {
            let expected = (verdict != "y").then(|| format!("{short} {}: {allowed}", shown(value)));
            let joined_long = format!("{long}={value}");
            let joined_short = format!("{short}{value}");
            assert_eq!(parse(&[short, value, "h"], true).err(), expected, "{short} {value:?}");
            assert_eq!(parse(&["h", &joined_long], true).err(), expected, "{joined_long:?}");
            if !value.is_empty() {
                assert_eq!(parse(&["-q", &joined_short, "h"], true).err(), expected, "{joined_short:?}");
            }
        }
    }
}

#[test]
fn numbers_of_any_length_are_refused_without_overflow() {
    let nines = "9".repeat(100_000);
    let zeros_and_one = format!("{}1", "0".repeat(100_000));
    let fine = format!("0.{}1", "0".repeat(100_000));
    for (short, _, allowed) in NUMERIC {
        assert_eq!(refusal(&[short, &nines, "h"]), format!("{short} {nines}: {allowed}"));
        assert!(parse(&[short, &zeros_and_one, "h"], true).is_ok(), "{short}");
    }
    assert_eq!(root(&["-i", &fine, "h"]).interval, Duration::from_micros(1));
}

#[test]
fn the_limits_of_each_range_are_accepted_unchanged() {
    assert_eq!(root(&["-c", "9223372036854775807", "h"]).ping.count, Some(9_223_372_036_854_775_807));
    assert_eq!(root(&["-l", "65536", "h"]).sockets.preload, 65_536);
    let flood = root(&["-l", "65536", "-f", "h"]).ping.pacing;
    assert_eq!(flood, Pacing::Flood { preload: 65_536 });
    assert_eq!(root(&["-s", "65527", "h"]).style.size, 65_527);
    assert_eq!(root(&["-S", "2147483647", "h"]).sockets.send_buffer, Some(2_147_483_647));
    assert_eq!(root(&["-t", "0", "h"]).sockets.ttl, Some(0));
    assert_eq!(root(&["-t", "255", "h"]).sockets.ttl, Some(255));
    assert_eq!(root(&["-Q", "0xFF", "h"]).sockets.tos, Some(255));
    assert_eq!(root(&["-Q", "010", "h"]).sockets.tos, Some(10));
    assert_eq!(root(&["-e", "65535", "h"]).sockets.ident, Some(65_535));
    assert_eq!(root(&["-F", "0xfffff", "h"]).sockets.flow_label, Some(0xf_ffff));
    assert_eq!(root(&["-m", "4294967295", "h"]).sockets.mark, Some(u32::MAX));
    assert_eq!(root(&["-i", "2147483647", "h"]).interval, Duration::from_secs(2_147_483_647));
    assert_eq!(root(&["-W", "2147483", "h"]).ping.linger, Some(Duration::from_secs(2_147_483)));
}

#[test]
fn seconds_are_read_exactly_and_round_up_to_the_microsecond() {
    let interval = |text| root(&["-i", text, "h"]).interval;
    let micros = Duration::from_micros;
    assert_eq!(interval("0.2"), micros(200_000));
    assert_eq!(interval("200ms"), micros(200_000));
    assert_eq!(interval("1m30.0000001s"), micros(90_000_001));
    assert_eq!(interval(".2"), micros(200_000));
    assert_eq!(interval("1."), micros(1_000_000));
    assert_eq!(interval("1.5000000"), micros(1_500_000));
    assert_eq!(interval("2e-3"), micros(2_000));
    assert_eq!(interval("1.25E+1"), micros(12_500_000));
    assert_eq!(interval("0.000001"), micros(1));
    assert_eq!(interval("0.0000011"), micros(2));
    assert_eq!(interval("0.00000000000000000001"), micros(1));
    assert_eq!(interval("1e-99999999999999999999"), micros(1));
    assert_eq!(interval("0e99999999999999999999"), micros(0));
    assert_eq!(interval("0.3333333333333333"), micros(333_334));
    assert_eq!(interval("2147483646.999999"), micros(2_147_483_646_999_999));
    let over = "2147483647.0000000001";
    assert_eq!(refusal(&["-i", over, "h"]), format!("-i {over}: {}", NUMERIC[9].2));
}

proptest! {
    #[test]
    fn every_number_of_microseconds_is_read_back_from_its_text(micros in 0_u64..=2_147_483_647_000_000) {
        let (units, fraction) = (micros / 1_000_000, micros % 1_000_000);
        let plain = format!("{units}.{fraction:06}");
        let scientific = format!("{micros}e-6");
        prop_assert_eq!(root(&["-i", &plain, "h"]).interval, Duration::from_micros(micros));
        prop_assert_eq!(root(&["-i", &scientific, "h"]).interval, Duration::from_micros(micros));
    }

    #[test]
    fn no_text_panics_and_only_a_zero_floods(text in "[-+ 0-9.eExX]{0,12}") {
        if let Ok(request) = parse(&["-i", &text, "h"], true) {
            let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
            let zero = !mantissa.contains(|c: char| ('1'..='9').contains(&c));
            prop_assert_eq!(request.interval.is_zero(), zero, "{}", text);
        }
    }

    #[test]
    fn no_command_line_panics(args in prop::collection::vec("\\PC{0,8}|-[a-zA-Z0-9]{1,3}|--[a-z]{0,6}=?", 0..6)) {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        if let Err(text) = parse(&args, false) {
            let help = args.iter().any(|arg| arg.starts_with('-'));
            prop_assert!(help || text.lines().count() == 1, "{}", text);
        }
    }
}

#[test]
fn a_plain_request_has_the_defaults_of_iputils() {
    let request = root(&["192.0.2.7"]);
    assert_eq!(request.style.program, "rping");
    assert_eq!(request.hosts, ["192.0.2.7"]);
    assert_eq!(request.family, None);
    assert_eq!(request.ping.method, Method::Echo);
    assert_eq!((request.style.size, request.style.pattern, request.ping.count), (56, None, None));
    let pacing = Pacing::Rounds { interval: Duration::from_secs(1), preload: 1, rate: None };
    assert_eq!((request.interval, request.ping.pacing), (Duration::from_secs(1), pacing));
    assert_eq!((request.ping.deadline, request.ping.linger), (None, Some(Duration::from_secs(10))));
    let flags = [
        request.style.flood,
        request.style.adaptive,
        request.ping.report_unanswered,
        request.style.quiet,
        request.style.verbose,
        request.style.audible,
        request.style.timestamps.is_some(),
        request.style.full_precision,
        request.numeric,
        request.resolve,
    ];
    assert_eq!(flags, [false; 10]);
    assert_eq!(
        format!("{:?}", request.sockets),
        "Options { families: Both, raw_only: false, raw_first: false, about: None, answer_types: (0, 129), ident: None, device: None, \
         source: None, strict_source: false, found_source: false, connect: false, debug: false, dont_route: false, mark: None, \
         pmtu: None, broadcast: false, multicast_loop: true, ttl: None, tos: None, flow_label: None, \
         ip_option: None, send_buffer: None, stamps: Both, headers: true, message_len: 64, preload: 1 }"
    );
}

type IsSet = fn(&PingRequest) -> bool;

#[test]
fn every_flag_reaches_the_request_under_both_its_names() {
    let flags: [(&str, &str, IsSet); 19] = [
        ("-a", "--audible", |r| r.style.audible),
        ("-A", "--adaptive", |r| r.style.adaptive),
        ("-b", "--broadcast", |r| r.sockets.broadcast),
        ("-B", "--sticky-source", |r| r.sockets.strict_source),
        ("-C", "--connect", |r| r.sockets.connect),
        ("-d", "--debug", |r| r.sockets.debug),
        ("-D", "--timestamps", |r| r.style.timestamps.is_some()),
        ("-f", "--flood", |r| r.style.flood && r.numeric && r.ping.pacing.is_flood()),
        ("-H", "--resolve", |r| r.resolve),
        ("-L", "--no-loopback", |r| !r.sockets.multicast_loop),
        ("-n", "--numeric", |r| r.numeric),
        ("-O", "--outstanding", |r| r.ping.report_unanswered),
        ("-q", "--quiet", |r| r.style.quiet),
        ("-r", "--bypass-route", |r| r.sockets.dont_route),
        ("-R", "--record-route", |r| r.sockets.ip_option == IpOption::RecordRoute),
        ("-U", "--user-latency", |r| r.sockets.stamps == Stamping::User),
        ("-v", "--verbose", |r| r.style.verbose),
        ("-3", "--rtt-precision", |r| r.style.full_precision),
        ("-4", "--ipv4", |r| r.family == Some(Family::V4) && r.sockets.families == Families::V4),
    ];
    for (short, long, set) in flags {
        assert!(!set(&root(&["h"])), "{short}");
        assert!(set(&root(&[short, "h"])), "{short}");
        assert!(set(&root(&["h", long])), "{long}");
        assert!(set(&root(&[short, long, short, "h"])), "{short} thrice");
    }
    assert_eq!(root(&["-6", "h"]).sockets.families, Families::V6);
    assert_eq!(root(&["h", "--ipv6"]).family, Some(Family::V6));
}

#[test]
fn options_have_the_forms_that_getopt_accepts() {
    assert_eq!(root(&["-nqc1", "-W1", "h"]).ping.count, Some(1));
    assert_eq!(root(&["-nqc1", "-W1", "h"]).ping.linger, Some(Duration::from_secs(1)));
    assert_eq!(root(&["h", "-i.2", "-c", "3"]).interval, Duration::from_millis(200));
    assert_eq!(root(&["-c1", "-c2", "--count=3", "h"]).ping.count, Some(3));
    assert_eq!(root(&["-c", "3", "--", "-n"]).hosts, ["-n"]);
    assert_eq!(root(&["-Mdo", "-Mprobe", "h"]).sockets.pmtu, Some(Pmtu::Probe));
    assert_eq!(root(&["-M", "want", "h"]).sockets.pmtu, Some(Pmtu::Want));
    assert_eq!(root(&["-M", "dont", "h"]).sockets.pmtu, Some(Pmtu::Dont));
    assert_eq!(
        refusal(&["-c", "-n", "h"]),
        "-c -n: the count must be a whole number from 1 to 9223372036854775807"
    );
}

#[test]
fn zero_means_no_limit_to_deadline_and_timeout() {
    assert_eq!(root(&["-w", "0", "h"]).ping.deadline, None);
    assert_eq!(root(&["-w", "0.5", "h"]).ping.deadline, Some(Duration::from_millis(500)));
    assert_eq!(root(&["-W", "0", "h"]).ping.linger, None);
    assert_eq!(root(&["-W", "0.0000001", "h"]).ping.linger, Some(Duration::from_micros(1)));
}

#[test]
fn a_pattern_is_octets_as_sscanf_reads_them() {
    assert_eq!(root(&["-p", "ff", "h"]).style.pattern, Some(vec![0xff]));
    assert_eq!(root(&["-p", "0", "h"]).style.pattern, Some(vec![0]));
    assert_eq!(root(&["-p", "aBc", "h"]).style.pattern, Some(vec![0xab, 0xc]));
    let longest = "00112233445566778899aabbccddeeff";
    let octets = (0..16).map(|n| n * 0x11).collect();
    assert_eq!(root(&["-p", longest, "h"]).style.pattern, Some(octets));
    for bad in ["", "0x1", "+f", "-1", " f", "fg", "é", "00112233445566778899aabbccddeeff0"] {
        let line = format!("-p {}: the pattern must be 1 to 32 hexadecimal digits", shown(bad));
        assert_eq!(refusal(&["-p", bad, "h"]), line);
    }
}

#[test]
fn only_listed_words_are_accepted_as_values() {
    assert_eq!(refusal(&["-M", "Do", "h"]), "-M Do: path MTU discovery must be do, dont, want or probe");
    assert_eq!(refusal(&["-T", "ts", "h"]), "-T ts: the IP timestamp must be tsonly, tsandaddr or tsprespec");
    assert_eq!(refusal(&["--query", "date", "h"]), "--query date: the query must be echo, timestamp or mask");
    assert_eq!(refusal(&["-N", "name", "h"]), "-N name: node information queries are not supported");
}

#[test]
fn an_interface_is_an_address_or_a_name_or_both() {
    let via = |args: &[&str]| {
        let transport = root(args).sockets;
        let source = transport.source.map(|source| source.to_string());
        (source.unwrap_or_default(), transport.device.unwrap_or_default())
    };
    let pair = |source: &str, device: &str| (source.to_string(), device.to_string());
    assert_eq!(via(&["-I", "eth0", "h"]), pair("", "eth0"));
    assert_eq!(via(&["-I192.0.2.1", "h"]), pair("192.0.2.1", ""));
    assert_eq!(via(&["-I", "fe80::1%eth0", "h"]), pair("fe80::1", "eth0"));
    assert_eq!(via(&["-I", "eth0", "-I", "::1", "h"]), pair("::1", "eth0"));
    assert_eq!(via(&["-I", "::1", "-I", "eth0", "-I", "::2", "h"]), pair("::2", "eth0"));
    assert_eq!(via(&["-I", "1.2.3", "h"]), pair("", "1.2.3"));
    assert_eq!(via(&["-I", "::ffff:192.0.2.1", "h"]), pair("192.0.2.1", ""));
    for bad in ["", ".", "..", "a b", "a/b", "eth0:1", "sixteen-octets-x", "::1%", "::1%a/b", "2001:db8::x"] {
        let line = "must be an address of this host, the name of an interface (at most 15 octets), \
                    or ADDRESS%NAME";
        assert_eq!(refusal(&["-I", bad, "h"]), format!("-I {}: {line}", shown(bad)));
    }
}

#[test]
fn the_family_is_what_the_options_need() {
    let family = |args: &[&str]| root(args).family;
    assert_eq!(family(&["-I", "192.0.2.1", "h"]), Some(Family::V4));
    assert_eq!(family(&["-I", "::1", "h"]), Some(Family::V6));
    assert_eq!(family(&["-I", "::1", "-6", "h"]), Some(Family::V6));
    assert_eq!(family(&["-T", "tsonly", "h"]), Some(Family::V4));
    assert_eq!(family(&["--query", "echo", "h"]), None);
    assert_eq!(refusal(&["-4", "-6", "h"]), "only one -4 or -6 option may be specified");
    assert_eq!(refusal(&["-6", "-R", "h"]), "-R is for IPv4 only and does not go with -6");
    assert_eq!(refusal(&["-T", "tsonly", "-6", "h"]), "-T is for IPv4 only and does not go with -6");
    assert_eq!(
        refusal(&["-6", "--query=mask", "h"]),
        "--query mask is for IPv4 only and does not go with -6"
    );
    assert_eq!(refusal(&["-4", "-I", "::1", "h"]), "-I ::1 is for IPv6 only and does not go with -4");
    assert_eq!(refusal(&["-R", "-I", "::1", "h"]), "-I ::1 is for IPv6 only and does not go with -R");
}

#[test]
fn record_route_and_timestamps_exclude_each_other() {
    assert_eq!(refusal(&["-R", "-T", "tsonly", "h"]), "only one of -T or -R may be used");
    assert_eq!(root(&["-T", "tsonly", "h"]).sockets.ip_option, IpOption::Timestamp);
    assert_eq!(root(&["-T", "tsandaddr", "h"]).sockets.ip_option, IpOption::TimestampAndAddress);
}

#[test]
fn times_have_five_forms_and_d_is_the_classic_one() {
    let form = |args: &[&str]| root(&[args, &["h"]].concat()).style.timestamps;
    for args in [&["-D"][..], &["--timestamps"], &["-DOn"], &["-OD"], &["--timestamps=epoch"]] {
        assert_eq!(form(args), Some(TimeFormat::Epoch), "{args:?}");
    }
    let others = [
        ("iso", TimeFormat::Iso),
        ("local", TimeFormat::Local),
        ("relative", TimeFormat::Relative),
        ("delta", TimeFormat::Delta),
    ];
    for (name, expected) in others {
        assert_eq!(form(&[&format!("--timestamps={name}")]), Some(expected));
        assert_eq!(form(&["-D", &format!("--timestamps={name}")]), Some(expected), "the last counts");
    }
    assert_eq!(form(&[]), None);
    assert!(root(&["-DO", "h"]).ping.report_unanswered);
    assert_eq!(root(&["--timestamps", "iso"]).hosts, ["iso"]);
    for value in ["", "ISO", "utc"] {
        let shown = if value.is_empty() { "''" } else { value };
        assert_eq!(
            refusal(&[&format!("--timestamps={value}"), "h"]),
            format!("-D {shown}: the time must be epoch, iso, local, relative or delta")
        );
    }
}

#[test]
fn windows_are_at_least_a_millisecond_long() {
    let every = |args: &[&str]| root(args).every;
    assert_eq!(every(&["--every", "60", "h"]), Some(Duration::from_secs(60)));
    assert_eq!(every(&["--window=0.001", "h"]), Some(Duration::from_millis(1)));
    assert_eq!((every(&["h"]), root(&["h"]).cumulative), (None, false));
    assert!(root(&["--cumulative", "--every", "1", "h"]).cumulative);
    for value in ["0", "0.0009", "-1", "1x", "2147483648"] {
        assert_eq!(
            refusal(&["--every", value, "h"]),
            format!(
                "--every {value}: the window must be a number of seconds from 0.001 to 2147483647, or have a unit, as in 200ms or 5s"
            )
        );
    }
    assert_eq!(
        refusal(&["--cumulative", "h"]),
        "--cumulative is for the windows of --every, which is not given"
    );
    assert_eq!(
        refusal(&["-f", "--every", "1", "h"]),
        "-f prints dots and does not go with --every; -q -f does"
    );
    assert!(root(&["-qf", "--every", "1", "h"]).many.is_none());
    let many = root(&["--every", "5", "a", "b"]);
    let rounds = Pacing::Rounds {
        interval: Duration::from_secs(1),
        preload: 1,
        rate: std::num::NonZeroU64::new(1_000).map(rping::engine::ping::ProbeRate::per_second),
    };
    assert_eq!((many.ping.pacing, many.ping.count), (rounds, None));
}

#[test]
fn options_for_one_host_are_refused_with_many() {
    assert_eq!(refusal(&[]), "usage error: Destination address required");
    assert_eq!(refusal(&["-c", "1", "--"]), "usage error: Destination address required");
    let for_one = |option: &str| format!("{option} is for one host and does not go with many");
    for option in ["-A", "-C", "-b"] {
        assert_eq!(refusal(&[option, "a", "b"]), for_one(option));
        assert_eq!(refusal(&[option, "192.0.2.0/24"]), for_one(option));
    }
    let flood = for_one("-f") + "; to ping many as fast as possible, use --rate max";
    assert_eq!(refusal(&["-f", "-i", "1", "--retry", "1", "a"]), flood);
    let preload = for_one("-l") + "; --rate sets how many probes are sent in a second";
    assert_eq!(refusal(&["-l", "2", "192.0.2.1-192.0.2.9"]), preload);
    for option in ["-c", "-i", "--every"] {
        for (sweep, args) in [("--retry", ["--retry", "1"]), ("--sweep", ["--sweep", "b"])] {
            assert_eq!(
                refusal(&[&[option, "2"], &args[..], &["a"]].concat()),
                format!(
                    "{sweep} does not go with {option}, which sends probes to a host whether it answers or not"
                )
            );
        }
    }
    assert_eq!(
        refusal(&["--alive", "--timeout", "1", "a"]),
        "--timeout does not go with a sweep, in which -W is the time to wait for the first probe; -c and -i request none"
    );
    assert_eq!(
        refusal(&["--alive", "--unreachable", "a"]),
        "only one of --alive or --unreachable may be used"
    );
    for option in ["--alive", "--unreachable"] {
        let refused = |other: &str| format!("{option} prints bare names and does not go with {other}");
        let every = refusal(&[option, "--every", "1", "a"]);
        assert_eq!(every, refused("--every"));
        for other in ["-j", "-O", "--totals"] {
            assert_eq!(refusal(&[option, other, "a"]), refused(other));
        }
    }
    assert_eq!(refusal(&["--totals", "-j", "a"]), "--totals prints a line of text and does not go with -j");
    let many = |args: &[&str]| root(args).many.map(|many| many.show);
    assert_eq!(many(&["--totals", "a"]), Some(Show::Totals));
    assert_eq!(many(&["-q", "--totals", "a", "b"]), Some(Show::Totals));
    assert_eq!(many(&["-O", "a", "b"]), Some(Show::Lines));
    assert_eq!(
        (root(&["-O", "a"]).ping.report_unanswered, root(&["-O", "a", "b"]).ping.report_unanswered),
        (true, false)
    );
    assert_eq!(
        user_refusal(&["--rate", "10001", "a"]),
        "--rate 10001: the rate must be a whole number from 1 to 10000 for ordinary users"
    );
    assert_eq!(
        refusal(&["--rate", "0", "a"]),
        "--rate 0: the rate must be a whole number from 1 to 10000000, or max"
    );
    assert_eq!(
        refusal(&["--retry", "21", "a"]),
        "--retry 21: the retries must be a whole number from 0 to 20"
    );
    assert_eq!(refusal(&["--alive"]), "usage error: Destination address required");
    let request = root(&["-T", "tsprespec", "a", "b", "c", "d", "target"]);
    assert_eq!(request.hosts, ["a", "b", "c", "d", "target"]);
    assert_eq!(request.sockets.ip_option, IpOption::TimestampPrespecified(Vec::new()));
    let line = "-T tsprespec: 1 to 4 hosts must stand before the destination, not ";
    assert_eq!(refusal(&["-T", "tsprespec", "target"]), format!("{line}0"));
    assert_eq!(refusal(&["-T", "tsprespec", "a", "b", "c", "d", "e", "target"]), format!("{line}5"));
}

#[test]
fn names_are_looked_up_again_after_a_second_at_least() {
    let again = |value: &str| root(&["--resolve-again", value, "h"]).resolve_again;
    assert_eq!(again("1"), Some(Duration::from_secs(1)));
    assert_eq!(again(" 1.5"), Some(Duration::from_millis(1_500)));
    assert_eq!(again("10m"), Some(Duration::from_secs(600)));
    assert_eq!(root(&["h"]).resolve_again, None);
    let line = |value| {
        format!(
            "--resolve-again {value}: the time must be a number of seconds from 1 to 2147483647, or have a unit, as in 5s or 10m"
        )
    };
    for value in ["0", "0.999", "999ms", "-1", "x", "2147483648"] {
        assert_eq!(refusal(&["--resolve-again", value, "a", "b"]), line(value));
    }
    assert_eq!(
        refusal(&["-C", "--resolve-again", "5", "h"]),
        "--resolve-again does not go with -C, which connects the socket to one address"
    );
}

#[test]
fn data_must_fit_the_packet_that_carries_them() {
    let line = |size, rest| format!("-s {size}: the size must be a whole number from 0 to {rest}");
    assert_eq!(root(&["-4", "-s", "65507", "h"]).sockets.message_len, 65_515);
    assert_eq!(refusal(&["-4", "-s", "65508", "h"]), line(65_508, "65507 over IPv4"));
    assert_eq!(root(&["-R", "-s", "65467", "h"]).style.size, 65_467);
    assert_eq!(refusal(&["-R", "-s", "65468", "h"]), line(65_468, "65467 with -R or -T"));
    assert_eq!(refusal(&["-s", "65508", "-T", "tsonly", "h"]), line(65_508, "65467 with -R or -T"));
    assert_eq!(root(&["-6", "-s", "65527", "h"]).style.size, 65_527);
    let unknown = root(&["-s", "65508", "h"]);
    assert_eq!(unknown.check_size(Family::V6).map_err(|error| error.to_string()), Ok(()));
    let error = unknown.check_size(Family::V4).unwrap_err();
    assert_eq!(error.to_string(), line(65_508, "65507 over IPv4"));
}

#[test]
fn queries_without_data_take_none_and_need_a_raw_socket() {
    let timestamp = root(&["--query", "timestamp", "h"]);
    assert_eq!((timestamp.ping.method, timestamp.style.size), (Method::Timestamp, 12));
    assert_eq!((timestamp.sockets.answer_types, timestamp.sockets.raw_only), ((14, 129), true));
    assert_eq!((timestamp.family, timestamp.sockets.message_len), (Some(Family::V4), 20));
    let mask = root(&["--query", "mask", "h"]);
    assert_eq!((mask.ping.method, mask.style.size, mask.sockets.message_len), (Method::Mask, 4, 12));
    assert_eq!((mask.sockets.answer_types, mask.sockets.raw_only), ((18, 129), true));
    assert_eq!(
        refusal(&["--query", "mask", "-s", "56", "h"]),
        "-s does not go with --query mask, which carries no data"
    );
    assert_eq!(
        refusal(&["--query", "timestamp", "-p", "ff", "h"]),
        "-p does not go with --query timestamp, which carries no data"
    );
    assert!(root(&["-e", "0", "h"]).sockets.raw_only);
    assert!(!root(&["-e", "1", "h"]).sockets.raw_only);
}

#[test]
fn ordinary_users_cannot_flood() {
    let rest = "cannot flood, minimal interval for user must be >= 2 ms, use -i 0.002 (or higher)";
    assert_eq!(user_refusal(&["-i", "0.001999", "h"]), format!("-i 0.001999: {rest}"));
    assert_eq!(user_refusal(&["-i", "0", "h"]), format!("-i 0: {rest}"));
    assert_eq!(user_refusal(&["-i", "0.001", "-f", "h"]), format!("-i 0.001: {rest}"));
    assert_eq!(user_refusal(&["-f", "h"]), format!("-f: {rest}"));
    assert_eq!(user_refusal(&["-Af", "h"]), format!("-f: {rest}"));
    assert_eq!(
        user_refusal(&["-l", "4", "h"]),
        "-l 4: the preload must be a whole number from 1 to 3 for ordinary users"
    );
    for args in [&["-i", "0.002", "h"][..], &["-f", "-i", "0.002", "h"], &["-A", "h"], &["-l", "3", "h"]] {
        assert!(parse(args, false).is_ok_and(|request| !request.superuser), "{args:?}");
    }
    for args in [&["-i", "0", "h"][..], &["-f", "h"], &["-l", "65536", "h"]] {
        assert!(parse(args, true).is_ok_and(|request| request.superuser), "{args:?}");
    }
}

#[test]
fn ordinary_users_reach_many_hosts_at_most_once_a_second() {
    let check = |args: &[&str], superuser| {
        let request = parse(args, superuser).unwrap();
        request.check_interval_to_many().map_err(|error| error.to_string())
    };
    assert_eq!(check(&["h"], false), Ok(()));
    assert_eq!(check(&["-i", "0.5", "h"], true), Ok(()));
    let line = "broadcast ping with too short interval: 999; ordinary users need -i 1 (or higher)";
    assert_eq!(check(&["-i", "0.999999", "h"], false), Err(line.to_string()));
}

#[test]
fn the_clock_is_the_given_one_or_the_best_one() {
    let stamps = |args: &[&str]| root(args).sockets.stamps;
    for (name, stamping) in [
        ("auto", Stamping::Both),
        ("kernel", Stamping::Kernel),
        ("user", Stamping::User),
        ("hardware", Stamping::Hardware),
    ] {
        assert_eq!(stamps(&["--clock", name, "h"]), stamping);
        assert_eq!(stamps(&["--clock", name, "a", "b"]), stamping);
    }
    assert_eq!((stamps(&["h"]), stamps(&["-U", "h"])), (Stamping::Both, Stamping::User));
    assert_eq!((stamps(&["-f", "h"]), stamps(&["-f", "--clock", "auto", "h"])), {
        (Stamping::Sampled, Stamping::Sampled)
    });
    // Its result has the time of each probe.
    assert_eq!(stamps(&["-q", "-f", "-c", "9", "--format", "atlas", "h"]), Stamping::Both);
    assert_eq!(stamps(&["--rate", "max", "a", "b"]), Stamping::Arrivals);
    assert_eq!(stamps(&["-f", "--clock", "kernel", "h"]), Stamping::Kernel);
    assert_eq!(stamps(&["-U", "--clock", "user", "h"]), Stamping::User);
    assert_eq!(
        refusal(&["--clock", "sun", "h"]),
        "--clock sun: the clock must be auto, kernel, user or hardware"
    );
    assert_eq!(
        refusal(&["-U", "--clock", "kernel", "h"]),
        "-U means --clock user and does not go with another --clock"
    );
}

#[test]
fn json_is_refused_with_dots_and_bare_names() {
    let json = |args: &[&str]| root(args).format.format == Format::Json;
    assert!(json(&["-j", "h"]));
    assert!(json(&["--json", "-q", "h"]));
    assert!(!json(&["h"]));
    assert_eq!(refusal(&["-jf", "h"]), "-f prints dots and does not go with -j; -q -f does");
    assert!(json(&["-jqf", "h"]));
    assert!(json(&["-j", "a", "b"]));
    for option in ["--alive", "--unreachable"] {
        let line = format!("{option} prints bare names and does not go with -j");
        assert_eq!(refusal(&["-j", option, "a", "b"]), line);
    }
}
