//! Rules of nftables in this host's own output hook, which count what passes them: each probe is tried once, whatever
//! they refuse, and what is printed equals what they counted.

mod lab;

use lab::*;
use serde_json::Value;

/// What becomes of an echo request: all of them, or one in two at random, with a refusal of the send call alone or with
/// an ICMP error as well.
const RULES: [&str; 4] = [
    "counter name refused drop",
    "numgen random mod 10 < 5 counter name refused drop",
    "counter name refused reject",
    "numgen random mod 10 < 5 counter name refused reject",
];

/// Adds the rule behind a counter of all echo requests.
fn refuse(rule: &str) {
    sh(&format!(
        "nft delete table inet f 2>/dev/null || true
         nft add table inet f
         nft 'add counter inet f tried; add counter inet f refused'
         nft 'add chain inet f out {{ type filter hook output priority 0; }}'
         nft 'add rule inet f out meta l4proto {{ icmp, icmpv6 }} @th,0,8 != {{ 8, 128 }} accept'
         nft 'add rule inet f out meta l4proto {{ icmp, icmpv6 }} counter name tried'
         nft 'add rule inet f out meta l4proto {{ icmp, icmpv6 }} {rule}'"
    ));
}

/// How many echo requests reached the hook since the last call, and how many of them were refused.
fn counted() -> (u64, u64) {
    let ran = run("nft", "-j reset counters table inet f");
    let json: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let counters = json["nftables"].as_array().expect("a list");
    let of = |name: &str| {
        let mut all = counters.iter().map(|entry| &entry["counter"]);
        all.find(|counter| counter["name"] == name)
            .and_then(|counter| counter["packets"].as_u64())
            .expect("packets")
    };
    (of("tried"), of("refused"))
}

/// Runs `check` with each rule and each kind of socket, in front of the hosts 10.9.0.2 to 10.9.0.5.
fn with_each_rule(name: &str, check: impl Fn(&str)) {
    alone(name, || {
        pair();
        sh("for host in 3 4 5; do ip -n t addr add 10.9.0.$host/24 dev v1; done");
        rping("-q -c 1 -i 0.01 10.9.0.2-10.9.0.5");
        with_both_sockets(|kind| {
            for rule in RULES {
                refuse(rule);
                check(&format!("{kind}: {rule}"));
            }
        });
    });
}

/// A key of the record of this type.
fn number(json: &str, record: &str, key: &str) -> u64 {
    let mut records = json.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let found =
        records.find(|found| found["type"] == record).unwrap_or_else(|| panic!("no {record}: {json}"));
    found[key].as_u64().unwrap_or_else(|| panic!("no {key}: {found}"))
}

#[test]
fn one_host_gets_one_try_one_line_and_one_error_a_probe() {
    with_each_rule("one_host_gets_one_try_one_line_and_one_error_a_probe", |case| {
        one_try_one_line_and_one_error("10.9.0.2", case);
        // Linux does not report what becomes of a datagram of an ICMPv6 datagram socket (ping_v6_sendmsg).
        if case.starts_with("raw") {
            one_try_one_line_and_one_error("fd09::2", case);
        }
    });
}

fn one_try_one_line_and_one_error(host: &str, case: &str) {
    counted();
    let ran = rping(&format!("-c 200 -i 0.002 {host}"));
    let (tried, refused) = counted();
    assert_eq!(tried, 200, "{case}: {host}");
    let received = 200 - refused;
    // Halves, as 200 probes have them.
    let loss = refused as f64 / 2.0;
    let summary =
        format!("\n200 packets transmitted, {received} received, +{refused} errors, {loss}% packet loss, ");
    assert!(ran.stdout.contains(&summary), "{case}: {summary}{}", ran.stdout);
    let line = " not sent: a local firewall rule refused it)";
    let lines = ran.stderr.lines().count() as u64;
    assert_eq!(
        (lines, ran.stderr.matches(line).count() as u64),
        (refused, refused),
        "{case}: {}",
        ran.stderr
    );
    assert_eq!(ran.status, Some(if received == 0 { 1 } else { 0 }), "{case}: {host}");
}

/// Of probes that leave together the kernel hides the error of a later one, which is tried again. Until such a second try is
/// refused too, probes leave together: with a rule that refuses half of them, eight second tries in a row that pass are
/// rarer than one in 200 runs, even if all probes of a run leave together.
#[test]
fn many_hosts_get_one_try_and_one_error_a_probe() {
    with_each_rule("many_hosts_get_one_try_and_one_error_a_probe", |case| {
        let ran = rping("--json -q -c 50 -i 0.005 10.9.0.2-10.9.0.5");
        let (tried, refused) = counted();
        let of = |key| number(&ran.stdout, "summary", key);
        let (transmitted, not_sent, received) = (of("transmitted"), of("not_sent"), of("received"));
        assert_eq!((transmitted + not_sent, received), (200, transmitted), "{case}: {}", ran.stdout);
        assert!(
            tried - 200 <= 8 && refused - not_sent == tried - 200,
            "{case}: {tried} {refused} {not_sent}"
        );
        assert_eq!(ran.stderr, "", "{case}");
    });
}

#[test]
fn a_traceroute_gets_one_try_a_probe() {
    with_each_rule("a_traceroute_gets_one_try_a_probe", |case| {
        let ran = traceroute("-I --json -q 10 -m 1 10.9.0.2");
        let (tried, refused) = counted();
        let of = |key| number(&ran.stdout, "summary", key);
        let (transmitted, not_sent) = (of("transmitted"), of("not_sent"));
        assert_eq!((tried, refused), (transmitted + not_sent, not_sent), "{case}: {}", ran.stdout);
    });
}

/// How many of `probes` a rule that takes `percent` of them refuses: five standard deviations around the mean.
fn expected(probes: u64, percent: u64) -> std::ops::RangeInclusive<u64> {
    let (n, p) = (probes as f64, percent as f64 / 100.0);
    let deviation = 5.0 * (n * p * (1.0 - p)).sqrt();
    (n * p - deviation).max(0.0) as u64..=(n * p + deviation).ceil() as u64
}

#[test]
fn the_loss_of_two_thousand_probes_is_what_a_rule_refused_at_random() {
    alone("the_loss_of_two_thousand_probes_is_what_a_rule_refused_at_random", || {
        pair();
        with_both_sockets(|kind| {
            for percent in [1, 10, 50, 90] {
                for verdict in ["drop", "reject"] {
                    refuse(&format!("numgen random mod 100 < {percent} counter name refused {verdict}"));
                    let ran = rping("--json -q -c 2000 -i 0.0005 10.9.0.2");
                    let (tried, refused) = counted();
                    let case = format!("{kind}: {percent} % {verdict}");
                    assert_eq!(tried, 2_000, "{case}");
                    assert!(expected(2_000, percent).contains(&refused), "{case}: {refused}");
                    let of = |key| number(&ran.stdout, "summary", key);
                    let figures = [of("transmitted"), of("not_sent"), of("received")];
                    assert_eq!(figures, [2_000 - refused, refused, 2_000 - refused], "{case}");
                }
            }
        });
    });
}

#[test]
fn the_packets_that_a_limit_passes_are_counted_as_sent() {
    alone("the_packets_that_a_limit_passes_are_counted_as_sent", || {
        pair();
        with_both_sockets(|kind| {
            for verdict in ["drop", "reject"] {
                refuse(&format!("limit rate over 1/minute burst 5 packets counter name refused {verdict}"));
                let ran = rping("-c 20 -i 0.002 10.9.0.2");
                let (tried, refused) = counted();
                assert!(tried == 20 && (14..=15).contains(&refused), "{kind}, {verdict}: {tried}, {refused}");
                let received = 20 - refused;
                let summary = format!("\n20 packets transmitted, {received} received, +{refused} errors, ");
                assert!(ran.stdout.contains(&summary), "{kind}, {verdict}: {}", ran.stdout);
                assert_eq!(ran.stderr.lines().count() as u64, refused, "{kind}, {verdict}: {}", ran.stderr);
            }
        });
    });
}
