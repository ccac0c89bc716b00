//! The defaults of `rping ping` of many hosts: as the command line gives them, as a session uses them in virtual time,
//! and as a real run shows them.

mod lab;
mod sim;

use std::ffi::OsString;
use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU64;
use std::rc::Rc;
use std::time::Duration;

use lab::{alone, pair, rping, sh};
use rping::cli::ping_request::PingRequest;
use rping::cli::{self, Action};
use rping::clock::Instant;
use rping::engine::ping::event::Event;
use rping::engine::ping::{Backoff, Config, Pacing, Ping, ProbeRate, Targets};
use sim::*;

fn parse(args: &str) -> PingRequest {
    let words = ["rping", "ping"].into_iter().chain(args.split(' ')).map(OsString::from);
    match cli::parse(words, false, 80) {
        Ok(Action::Ping(request)) => *request,
        other => panic!("{args}: {other:?}"),
    }
}

/// The session that a command line requests, at so many addresses from 192.0.2.2 on.
fn config(args: &str, hosts: u32) -> Config {
    let mut targets = Targets::default();
    targets.add(SocketAddr::new(TARGET.into(), 0), hosts);
    Config { targets: Rc::new(targets), window: 256, ..parse(args).ping }
}

fn at(micros: u64) -> Instant {
    Instant::ZERO + us(micros)
}

/// When silent hosts get their probes, and when each is given up, by its number.
type Silence = (Vec<(IpAddr, Instant)>, Vec<(u32, Instant)>);

/// Runs against hosts of which none replies.
fn silence(config: Config) -> Silence {
    let (mut sent, mut silent) = (Vec::new(), Vec::new());
    let mut sim = Sim::of(Ping::new(config, [identity(); 2], Instant::ZERO), |probe| {
        sent.push((probe.dst.ip(), probe.at));
        Ok(vec![])
    });
    sim.run(|event| {
        // The last probe is lost when its target is given up.
        if let Event::Lost { at, target, .. } = event {
            silent.retain(|(given_up, _)| given_up != target);
            silent.push((*target, *at));
        }
    });
    drop(sim);
    (sent, silent)
}

#[test]
fn many_hosts_have_the_defaults_of_the_manual() {
    let second = Duration::from_secs(1);
    let per_second = |rate| NonZeroU64::new(rate).map(ProbeRate::per_second);
    let retry = |millis, retries, rate| Pacing::Retry {
        timeout: ms(millis),
        backoff: Backoff::ONE_HALF,
        retries,
        after_fault: true,
        rate: per_second(rate),
    };
    let given = ["192.0.2.2 192.0.2.3", "192.0.2.0/31", "192.0.2.2-192.0.2.3", "--targets hosts", "-c 2 a b"];
    let rounds = |rate| Pacing::Rounds { interval: second, preload: 1, rate: per_second(rate) };
    for args in given {
        let request = parse(args);
        let many = request.many.unwrap_or_else(|| panic!("{args}: one host"));
        let rate = NonZeroU64::new(1_000);
        assert_eq!((request.ping.pacing, many.rate), (rounds(1_000), rate), "{args}");
        assert_eq!((request.ping.linger, request.ping.enough, many.yes), (None, None, false), "{args}");
        assert_eq!((request.ping.deadline, request.ping.classic), (None, false), "{args}");
    }
    let pacing = |args: &str| parse(args).ping.pacing;
    // One host is pinged as one of many, without -c and with --sweep.
    assert_eq!(pacing("a"), Pacing::Rounds { interval: second, preload: 1, rate: None });
    for args in ["a b", "--yes a", "-W 0.3 a b", "-w 9 a b", "-q --totals a b", "--assert loss<1% a b"] {
        assert_eq!(pacing(args), rounds(1_000), "{args}");
    }
    for args in [
        "--sweep a",
        "--sweep a b",
        "--alive a b",
        "--unreachable a",
        "--min-reachable 1 a b",
        "--retry 3 a b",
    ] {
        assert_eq!(pacing(args), retry(500, 3, 1_000), "{args}");
    }
    for args in [
        "--alive -c 9 a b",
        "--unreachable -i 1 a",
        "--min-reachable 1 -i 1 a b",
        "--min-reachable 1 --every 60 a b",
    ] {
        assert_eq!(pacing(args), rounds(1_000), "{args}");
    }
    assert_eq!(pacing("--sweep -W 0.3 a b"), retry(300, 3, 1_000));
    for sweep in ["--sweep", "--alive", "--retry 1"] {
        let words = ["rping", "ping", "-W", "0"]
            .into_iter()
            .chain(sweep.split(' '))
            .chain(["a", "b"])
            .map(OsString::from);
        let refusal = cli::parse(words, false, 80).expect_err(sweep).reason;
        assert_eq!(refusal, "-W 0: in a sweep, the time to wait for the first probe must be above 0");
    }
    assert_eq!(pacing("--retry 0 a b"), retry(500, 0, 1_000));
    assert_eq!(pacing("--rate 50 a b"), rounds(50));
    assert_eq!(pacing("--sweep --rate 50 a b"), retry(500, 3, 50));
    assert_eq!(pacing("--sweep --rate max a b"), retry(500, 3, 0));
}

#[test]
fn a_silent_host_gets_four_probes_and_each_is_waited_for_half_as_long_again() {
    let (sent, silent) = silence(config("--sweep 192.0.2.2 192.0.2.3", 1));
    let times = [0, 500_000, 1_250_000, 2_375_000].map(|micros| (TARGET.into(), at(micros)));
    assert_eq!(sent, times);
    assert_eq!(silent, [(0, at(4_062_500))]);
}

#[test]
fn a_thousand_hosts_get_a_first_probe_in_a_second() {
    let (sent, _) = silence(config("--sweep 192.0.2.0/22", 1_001));
    let first: Vec<_> = sent.iter().take(500).map(|(_, at)| *at).collect();
    let expected: Vec<_> = (0..500).map(|n| at(n * 1_000)).collect();
    assert_eq!(first, expected);
    // From here on the second probes of the first hosts have their share of the rate.
    let all: Vec<_> = sent.iter().map(|(_, at)| *at).collect();
    // Ten milliseconds of lateness at most are caught up with.
    assert!(all.windows(111).all(|some| some[110].since(some[0]) >= ms(100)));
    assert_eq!(sent.len(), 4_004);
}

#[test]
fn with_a_count_the_rounds_are_a_second_apart() {
    let (sent, lost) = silence(config("-c 3 192.0.2.2 192.0.2.3", 1));
    assert_eq!(sent, [0, 1_000_000, 2_000_000].map(|micros| (TARGET.into(), at(micros))));
    assert_eq!(lost, [(0, at(3_000_000))], "the last one, a second after it left");
}

/// A run of two hosts, of which each answers after so long, or never: how many replies count, and when it ends.
fn answered(args: &str, rtts: [Option<Duration>; 2]) -> (u32, Instant) {
    let mut sim = Sim::of(Ping::new(config(args, 2), [identity(); 2], Instant::ZERO), |probe| {
        let rtt = if probe.dst.ip() == TARGET { rtts[0] } else { rtts[1] };
        Ok(rtt.map(|rtt| echo(probe, rtt)).into_iter().collect())
    });
    let mut received = 0;
    let end = sim.run(|event| received += u32::from(matches!(event, Event::Answer(_))));
    (received, end)
}

#[test]
fn a_host_of_many_that_has_not_answered_is_waited_for_as_long_as_in_a_sweep() {
    let (slow, fast, silent) = (Some(ms(1_500)), Some(ms(20)), None);
    let ends = |args: &str, rtts| {
        let (received, end) = answered(&format!("{args} 192.0.2.2 192.0.2.3"), rtts);
        (received, end.as_nanos() / 1_000_000)
    };
    assert_eq!(ends("-c 1", [slow, slow]), (2, 1_501));
    assert_eq!(ends("-c 1", [fast, slow]), (2, 1_501));
    assert_eq!(ends("-c 1", [fast, silent]), (1, 4_001));
    assert_eq!(ends("-c 3 -i 0.3", [fast, silent]), (3, 4_001));
    assert_eq!(ends("--sweep", [fast, silent]), (1, 4_063));
    // It had that time already.
    assert_eq!(ends("-c 5", [fast, silent]), (5, 5_001));
    // What the user gives counts.
    assert_eq!(ends("-c 1 -W 0.7", [fast, silent]), (1, 701));
    assert_eq!(ends("-c 1 --timeout 2", [slow, silent]), (1, 2_001));
    assert_eq!(ends("-c 1 -w 1", [slow, fast]), (1, 1_000));
}

#[test]
fn with_an_interval_and_no_count_many_hosts_are_pinged_until_the_deadline() {
    let request = parse("-i 0.5 -W 0.3 192.0.2.2 192.0.2.3");
    let rounds = Pacing::Rounds {
        interval: ms(500),
        preload: 1,
        rate: NonZeroU64::new(1_000).map(ProbeRate::per_second),
    };
    assert_eq!((request.ping.pacing, request.ping.count), (rounds, None));
    assert_eq!(request.ping.patience, Some(ms(300)));
    let (sent, _) = silence(config("-i 0.5 -w 100 192.0.2.2 192.0.2.3", 1));
    let expected: Vec<_> = (0..200).map(|n| (TARGET.into(), at(n * 500_000))).collect();
    assert_eq!(sent, expected);
}

#[test]
fn the_rate_makes_the_interval_of_many_hosts_longer_by_as_much_as_is_printed() {
    for (args, hosts, period) in [
        ("-c 5 -i 0.1 h/24", 254, 254_000),
        ("-i 0.1 -w 3 h/24", 254, 254_000),
        ("-c 5 -i 0.3 h/24", 254, 300_000),
        ("-c 5 h/21", 2_046, 2_046_000),
        ("-c 5 -i 0.01 --rate 300 h/28", 14, 46_667),
    ] {
        let config = config(&args.replace("h/", "192.0.2.2/"), hosts);
        assert_eq!(config.pacing.period(hosts).map(|period| period.as_micros()), Some(period), "{args}");
        let (sent, _) = silence(config);
        let first: Vec<_> = sent.iter().filter(|(host, _)| *host == TARGET).map(|(_, at)| *at).collect();
        assert!(first.len() >= 5, "{args}");
        for (n, at) in (0..).zip(first) {
            // Without drift: to the microsecond that the period is rounded to.
            let off = at.as_nanos().abs_diff(n * u64::try_from(period).unwrap() * 1_000);
            assert!(off <= n * 1_000, "{args}: {at:?} for {n} × {period} µs");
        }
    }
    assert_eq!(parse("--sweep a b").ping.pacing.period(254), None);
    assert_eq!(parse("-i 0.2 --rate max 127.0.0.1 127.0.0.2").ping.pacing.period(u32::MAX), Some(ms(200)));
}

#[test]
fn a_real_silent_host_gets_four_probes_in_no_less_than_their_times() {
    alone("a_real_silent_host_gets_four_probes_in_no_less_than_their_times", || {
        pair();
        sh("ip netns exec t sysctl -qw net.ipv4.icmp_echo_ignore_all=1");
        let before = std::time::Instant::now();
        let ran = rping("--sweep -q 10.9.0.2 10.9.0.2");
        // Load makes it longer, and never shorter.
        assert!(before.elapsed() >= Duration::from_micros(4_062_500), "{ran:?}");
        let last = ran.stdout.lines().last().expect("a last line");
        let (counts, time) = last.split_once(", time ").expect("a time");
        assert_eq!(
            counts,
            "1 target: 0 answered, 1 silent; 4 packets transmitted, 0 received, 100% packet loss"
        );
        let millis: u64 = time.strip_suffix("ms").and_then(|ms| ms.parse().ok()).expect("milliseconds");
        assert!(millis >= 2_375, "{ran:?}");
    });
}
