//! What assertions come to, in virtual time: every line that is printed.

mod sim;

use std::os::fd::AsFd;
use std::rc::Rc;

use rping::clock::Instant;
use rping::engine::ping::{Ping, Targets};
use rping::engine::trace::TraceConfig;
use rping::output::{Output, Stream};
use rping::report::hosts::{HostLabel, Hosts};
use rping::report::text::verdict;
use rping::stats::verdict::assertion::Assertion;
use rping::stats::verdict::field;
use rping::stats::verdict::measure::Judgement;
use rping::stats::{Account, Extras, PingAccount, Precision, TraceAccount};
use sim::path::{self, Net};
use sim::*;

/// Whether an assertion holds, and the lines about it.
fn lines<'a>(judgement: &Judgement, label: impl Fn(u32) -> Option<HostLabel<'a>>) -> (bool, String) {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    verdict::print("rping", judgement, label, &mut output);
    assert_eq!(output.unwritten(Stream::Out), "");
    (judgement.passed(), output.unwritten(Stream::Err))
}

fn assertion(text: &str) -> Assertion {
    Assertion::parse(text, "ping", &field::PING).expect(text)
}

/// An account of so many targets that an assertion can judge.
fn fine(targets: u32) -> PingAccount {
    let mut account = PingAccount::with_precision(targets, Precision::Fine);
    account.extras = Some(Extras::default());
    account
}

/// Four probes, with answers after 10 ms (and a duplicate), 12 ms, none, and 11 ms.
fn account() -> PingAccount {
    let mut account = fine(1);
    let config = Config { count: Some(4), linger: Some(ms(100)), ..config() };
    let script = |probe: &Seen| {
        Ok(match probe.number {
            1 => vec![echo(probe, ms(10)), echo(probe, ms(13))],
            2 => vec![echo(probe, ms(12))],
            3 => vec![error(probe, 3, 1, 0, ms(2))],
            _ => vec![echo(probe, ms(11))],
        })
    };
    Sim::<Ping>::new(config, script).run(|event| account.add(event));
    account
}

fn judged(text: &str) -> (bool, String) {
    lines(&Judgement::of_ping(&account(), &assertion(text), 0), |_| None)
}

#[test]
fn an_assertion_that_holds_prints_nothing() {
    let all = "sent=4,received=3,loss=25%,duplicates=1,errors=1,burst=1,min=10ms,avg=11ms,max=12ms,\
               mdev<1ms,p50=11ms,p90=12ms,p95=12ms,p99=12ms,jitter<0.2ms";
    assert_eq!(judged(all), (true, String::new()));
}

#[test]
fn each_condition_that_does_not_hold_is_a_line_with_what_was_measured() {
    let text = "sent<4,received>3,loss<=1%,duplicates=0,errors=0,burst<1,min<10ms,avg!=11ms,max<12000us,\
                mdev<0.5ms,p50>11ms,p95<0.01s,jitter<0.1ms,received>=3";
    let expected = "\
rping: assertion failed: sent<4: sent is 4
rping: assertion failed: received>3: received is 3
rping: assertion failed: loss<=1%: loss is 25% (1 of 4)
rping: assertion failed: duplicates=0: duplicates is 1
rping: assertion failed: errors=0: errors is 1
rping: assertion failed: burst<1: burst is 1
rping: assertion failed: min<10ms: min is 10 ms
rping: assertion failed: avg!=11ms: avg is 11 ms
rping: assertion failed: max<12000us: max is 12 ms
rping: assertion failed: mdev<0.5ms: mdev is 0.816496 ms
rping: assertion failed: p50>11ms: p50 is 11 ms
rping: assertion failed: p95<0.01s: p95 is 12 ms
rping: assertion failed: jitter<0.1ms: jitter is 0.179688 ms
";
    assert_eq!(judged(text), (false, expected.to_owned()));
}

#[test]
fn a_run_without_an_answer_meets_no_condition_on_times() {
    let mut account = fine(1);
    let config = Config { count: Some(2), linger: Some(ms(100)), ..config() };
    Sim::<Ping>::new(config, |_| Ok(vec![])).run(|event| account.add(event));
    let judge = |text| lines(&Judgement::of_ping(&account, &assertion(text), 0), |_| None);
    let expected = "\
rping: assertion failed: p95<50ms: no answer
rping: assertion failed: jitter<5ms: no answer
";
    assert_eq!(judge("p95<50ms,loss=100%,jitter<5ms,burst=2"), (false, expected.to_owned()));
    assert_eq!(judge("received=0,loss>50%"), (true, String::new()), "so a host can be asserted to be down");
}

#[test]
fn every_target_must_meet_every_condition() {
    let mut targets = Targets::default();
    targets.add("192.0.2.2:0".parse().expect("an address"), 3);
    let targets = Rc::new(targets);
    let mut hosts = Hosts::default();
    hosts.add(None, 0..2);
    hosts.add(Some("six\x1b.example".to_owned()), 2..3);
    hosts.seal(Rc::clone(&targets));
    let config = ManyConfig::new(targets, Demand::Probes { count: 4, interval: ms(100) });
    // Errors about 192.0.2.3; every other probe to 192.0.2.4 is answered twice.
    let script = |probe: &Seen| {
        Ok(match (probe.dst.ip().to_string().as_str(), probe.seq()) {
            ("192.0.2.2", _) => vec![echo(probe, ms(10))],
            ("192.0.2.3", _) => vec![error(probe, 3, 1, 0, ms(1))],
            (_, seq) if seq % 2 == 0 => vec![echo(probe, ms(20)), echo(probe, ms(21))],
            _ => vec![],
        })
    };
    let mut account = fine(3);
    let session = Ping::new(config.into(), [identity(); 2], Instant::ZERO);
    Sim::of(session, script).run(|event| account.add(event));
    let judge = |text, missing| {
        lines(&Judgement::of_ping(&account, &assertion(text), missing), |target| hosts.label(target))
    };
    let expected = "\
rping: 192.0.2.3: assertion failed: p95<=20ms: no answer
rping: 192.0.2.3: assertion failed: errors=0: errors is 4
rping: 192.0.2.3: assertion failed: burst<4: burst is 4
rping: six\\x1b.example (192.0.2.4): assertion failed: duplicates=0: duplicates is 2
";
    assert_eq!(judge("p95<=20ms,errors=0,burst<4,duplicates=0,sent=4", 0), (false, expected.to_owned()));
    assert_eq!(judge("sent=4", 0), (true, String::new()));
    let missing = |count, were| (false, format!("rping: assertion failed: {count} {were} not probed\n"));
    assert_eq!(judge("sent=4", 1), missing(1, "target was"));
    assert_eq!(judge("sent=4", 2), missing(2, "targets were"));
}

#[test]
fn a_hundred_lines_are_printed_and_the_others_are_counted() {
    let account = fine(1_000);
    let judgement = Judgement::of_ping(&account, &assertion("received>=1,p95<1s"), 0);
    let (passed, text) = lines(&judgement, |_| None);
    assert!(!passed);
    assert_eq!(text.lines().count(), 101);
    assert!(text.ends_with("rping: 1900 more assertions failed\n"), "{text}");
}

/// The lines about an assertion on a trace.
fn traced(mut net: Net, config: TraceConfig, text: &str) -> (bool, String) {
    let mut account = TraceAccount::new(Instant::ZERO);
    net.events(config).iter().for_each(|event| account.add(event));
    let assertion = Assertion::parse(text, "traceroute", &field::TRACEROUTE).expect(text);
    lines(&Judgement::of_trace(&account, &assertion), |_| None)
}

#[test]
fn a_trace_is_judged_by_its_target() {
    let net = || Net::line(6, ms(60));
    assert_eq!(traced(net(), path::config(), "reached,hops=6,hops<=12,rtt<80ms"), (true, String::new()));
    let expected = "\
rping: assertion failed: hops<6: hops is 6
rping: assertion failed: rtt<60ms: rtt is 60 ms
rping: assertion failed: min>60ms: min is 60 ms
";
    let text = "reached,hops<6,rtt<60ms,min>60ms,avg=60ms,max=60ms";
    assert_eq!(traced(net(), path::config(), text), (false, expected.to_owned()));
}

/// The hops 9 to 13 are silent, so the target may be at any of them.
#[test]
fn a_condition_on_an_uncertain_hop_count_holds_for_every_count_that_it_may_be() {
    let net = || {
        Net::new(|probe| match probe.ttl {
            9..=13 => Ok(vec![]),
            _ => Ok(vec![path::on_line(probe, 14, ms(14))]),
        })
    };
    let holds = "hops<=14,hops<15,hops>=9,hops>8,hops!=8,hops!=15";
    assert_eq!(traced(net(), path::config(), holds), (true, String::new()));
    for clause in ["hops<=13", "hops<14", "hops<=12", "hops=14", "hops=9", "hops!=11", "hops>=10", "hops>9"] {
        let line = format!("rping: assertion failed: {clause}: hops is 9 to 14\n");
        assert_eq!(traced(net(), path::config(), clause), (false, line));
    }
    let from_hop_14 = TraceConfig { first_ttl: 14, ..path::config() };
    let line = "rping: assertion failed: hops=14: hops is 1 to 14\n".to_owned();
    assert_eq!(traced(net(), from_hop_14, "hops=14"), (false, line));
}

#[test]
fn a_trace_that_does_not_reach_its_target_meets_no_condition() {
    let config = TraceConfig { max_ttl: 3, ..path::config() };
    let line = |clause| format!("rping: assertion failed: {clause}: the target was not reached\n");
    let expected = ["reached", "hops<=12", "rtt<80ms"].map(line).concat();
    assert_eq!(traced(Net::line(6, ms(60)), config, "reached,hops<=12,rtt<80ms"), (false, expected));
}
