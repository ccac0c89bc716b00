//! Traces through a simulated path, in virtual time, to the microsecond.

mod sim;

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use proptest::prelude::*;
use rping::engine::trace::event::{Ending, Outcome, TraceEvent};
use rping::engine::trace::{TraceConfig, Wait};
use rping::probe::trace::{Carrier, Flow, TcpOptions, TraceMethod, TraceProbe};

use sim::path::{
    HERE, Net, Packet, SRC_PORT, TARGET, at, config, error, exceeded, millis, on_line, reached, router,
    sketch, trace_config,
};
use sim::{ms, us};

const SYN: TcpOptions =
    TcpOptions { flags: 2, mss: Some(1460), sack: true, timestamps: true, window_scale: true };

#[test]
fn a_short_path_is_reported_hop_by_hop_without_probes_beyond_the_target() {
    for (method, v6) in [
        (TraceMethod::Echo, false),
        (TraceMethod::Echo, true),
        (TraceMethod::Udp, false),
        (TraceMethod::Udp, true),
        (TraceMethod::Tcp(SYN), false),
        (TraceMethod::Tcp(SYN), true),
    ] {
        let mut net = Net::line(3, us(200));
        let text = sketch(&net.events(trace_config(method, v6)));
        let [a, b, c] = match v6 {
            false => ["10.1.1.1", "10.1.2.1", "203.0.113.10"],
            true => ["2001:db8:1::1", "2001:db8:1::2", "2001:db8:ffff::10"],
        };
        let line = |ttl: u8, from| format!("{ttl}: {from} 0 {from} 0 {from} 0\n");
        assert_eq!(text, line(1, a) + &line(2, b) + &line(3, c) + "Reached", "{method:?}");
        assert_eq!(net.sent.len(), 9, "{method:?}");
        assert_eq!(net.rejected, 0);
    }
}

/// All events but the answers that come before their turn.
fn in_turn(events: &[TraceEvent]) -> impl Iterator<Item = &TraceEvent> {
    events.iter().filter(|event| !matches!(event, TraceEvent::Passed { .. }))
}

#[test]
fn an_answer_that_nothing_can_change_is_reported_at_once() {
    let mut net = Net::new(|probe| match probe.ttl {
        2 => Ok(vec![]),
        _ => Ok(vec![on_line(probe, 5, ms(50))]),
    });
    let mut seen = Vec::new();
    net.run(config(), |event| match event {
        TraceEvent::Passed { ttl, query, answer, .. } => {
            seen.push(format!("{ttl}.{query} at {}", millis(answer.at)));
        }
        TraceEvent::Decided { ttl, outcome, .. } if *outcome != Outcome::Silent => {
            seen.push(format!("turn of {ttl}"));
        }
        TraceEvent::Decided { ttl, .. } => seen.push(format!("{ttl} *")),
        _ => {}
    });
    // The answers of the target end the trace: they wait for their turn.
    let passed = |ttl: u64| (1..=3).map(move |query| format!("{ttl}.{query} at {}", ttl * 10));
    let turns = |ttl: u64| std::iter::repeat_n(format!("turn of {ttl}"), 3);
    let first = (1..=3).zip(passed(1)).flat_map(|(_, passed)| [passed, "turn of 1".to_owned()]);
    let rest = passed(3).chain(passed(4)).chain(std::iter::repeat_n("2 *".to_owned(), 3));
    let expected: Vec<_> = first.chain(rest).chain([3, 4, 5].into_iter().flat_map(turns)).collect();
    assert_eq!(seen, expected);
}

/// A path of `hops` with this RTT to the target: hop k answers after k / `hops` of it.
fn ramp(hops: u8, rtt: Duration) -> (u64, usize, Vec<TraceEvent>) {
    let mut net = Net::line(hops, rtt);
    let events = net.events(config());
    let beyond = net.sent.iter().filter(|probe| probe.ttl > hops).count();
    (net.now.as_nanos(), beyond, events)
}

#[test]
fn a_path_takes_little_more_than_the_round_trip_to_the_target() {
    for rtt in [1, 10, 84, 200, 300].map(ms) {
        for hops in 1..=30 {
            let (time, beyond, events) = ramp(hops, rtt);
            let answered = events
                .iter()
                .filter(|e| matches!(e, TraceEvent::Decided { outcome: Outcome::Answered(_), .. }));
            assert_eq!(answered.count(), 3 * usize::from(hops));
            let round_trips = match hops {
                0..=13 => 1.0,
                14..=26 => 1.5,
                _ => 1.7,
            };
            let limit = rtt.as_secs_f64() * round_trips * 1e9 + 12e6;
            assert!(time as f64 <= limit, "{hops} hops, {rtt:?}: {time} > {limit}");
            assert!(beyond <= 36, "{hops} hops, {rtt:?}: {beyond} probes beyond the target");
        }
    }
}

/// Three near hops, then an ocean: 13 hops at a time are probed behind it.
#[test]
fn a_path_with_an_ocean_takes_a_round_trip_for_each_window_behind_it() {
    for rtt in [10, 84, 250].map(ms) {
        for hops in 1..=30_u8 {
            let mut net = Net::new(|probe| {
                let after = if probe.ttl <= 3 && probe.ttl < hops { ms(1) } else { rtt };
                Ok(vec![if probe.ttl < hops { exceeded(probe, after) } else { reached(probe, after) }])
            });
            let text = sketch(&net.events(config()));
            assert!(text.ends_with("\nReached") && !text.contains('*'), "{hops}, {rtt:?}: {text}");
            let beyond = net.sent.iter().filter(|probe| probe.ttl > hops).count();
            let windows = u32::from(hops.saturating_sub(3)).div_ceil(13).max(1);
            assert!(net.now <= at(0) + rtt * windows + ms(12), "{hops}, {rtt:?}: {:?}", net.now);
            assert!(beyond <= 36, "{hops}, {rtt:?}: {beyond} probes beyond the target");
        }
    }
}

#[test]
fn the_nearest_unfinished_hop_is_probed_first() {
    let mut net = Net::line(20, ms(84));
    net.events(config());
    let order: Vec<_> = net.sent.iter().map(|probe| (probe.ttl, probe.nth)).collect();
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn at_most_three_probes_are_in_flight_to_one_hop() {
    let mut net = Net::line(4, ms(50));
    let events = net.events(TraceConfig { queries: 10, ..config() });
    assert_eq!(in_turn(&events).count(), 41);
    for ttl in 1..=4 {
        let left: Vec<_> = net.sent.iter().filter(|probe| probe.ttl == ttl).map(|probe| probe.at).collect();
        assert_eq!(left.len(), 10);
        let rtt = ms(50) * u32::from(ttl) / 4;
        assert!(left.windows(4).all(|four| four[3] >= four[0] + rtt), "hop {ttl}: {left:?}");
    }
}

#[test]
fn the_wait_for_a_silent_hop_follows_the_time_of_the_next_one() {
    let mut net = Net::new(|probe| match probe.ttl {
        2 => Ok(vec![]),
        _ => Ok(vec![on_line(probe, 4, ms(80))]),
    });
    let text = sketch(&net.events(config()));
    assert_eq!(
        text,
        "1: 10.1.1.1 20 10.1.1.1 20 10.1.1.1 20\n2: * * *\n3: 10.1.3.1 60 10.1.3.1 60 10.1.3.1 60\n\
         4: 203.0.113.10 80 203.0.113.10 80 203.0.113.10 80\nReached"
    );
    // They are sent again 50 ms after the slowest answer would have come, and waited for half a second longer than hop 3
    // needed.
    let hop: Vec<_> = net.sent.iter().filter(|probe| probe.ttl == 2).map(|probe| probe.at).collect();
    assert_eq!(hop.len(), 6);
    assert_eq!((hop[5], net.now), (hop[2] + ms(130), hop[5] + ms(560)));
}

#[test]
fn a_target_that_never_answers_ends_under_four_seconds() {
    let mut net = Net::new(|probe| match probe.ttl {
        1..=10 => Ok(vec![exceeded(probe, ms(4 * u64::from(probe.ttl)))]),
        _ => Ok(vec![]),
    });
    let text = sketch(&net.events(config()));
    assert!(text.ends_with("30: * * *\nHopLimit"), "{text}");
    // The first silent hop is probed again each second.
    let again: Vec<_> = net
        .sent
        .iter()
        .filter(|probe| (probe.ttl, probe.nth % 3) == (11, 1))
        .map(|probe| millis(probe.at))
        .collect();
    assert_eq!((net.sent.len(), again), (99, vec![2, 1002, 2002, 3002]));
    assert!(millis(net.now) < 4_000, "{}", millis(net.now));

    let mut silence = Net::new(|_| Ok(vec![]));
    let text = sketch(&silence.events(config()));
    assert!(text.starts_with("1: * * *\n2: * * *\n"), "{text}");
    assert!(millis(silence.now) < 4_000, "{}", millis(silence.now));
}

#[test]
fn waits_as_given_are_those_of_traceroute() {
    let wait = Wait::Given { max: ms(5_000), here: 3.0, near: 10.0 };
    let silent_here = |probe: &sim::path::Probe| match (probe.ttl, probe.nth) {
        (2, 2) => Ok(vec![]),
        _ => Ok(vec![on_line(probe, 3, ms(30))]),
    };
    let mut net = Net::new(silent_here);
    let text = sketch(&net.events(TraceConfig { wait, parallel: Some(16), ..config() }));
    assert!(text.contains("2: 10.1.2.1 20 * 10.1.2.1 20\n"), "{text}");
    assert_eq!(net.now, sim::path::at(3 * 20 + 1), "three times this hop's, and a millisecond");

    let mut net = Net::new(|probe| match probe.ttl {
        2 => Ok(vec![]),
        _ => Ok(vec![on_line(probe, 3, ms(30))]),
    });
    net.events(TraceConfig { wait, parallel: Some(16), ..config() });
    assert_eq!(net.now, sim::path::at(300), "ten times that of the next hop");

    let mut net = Net::new(|_| Ok(vec![]));
    let wait = Wait::Given { max: ms(700), here: 0.0, near: 0.0 };
    net.events(TraceConfig { wait, parallel: Some(16), max_ttl: 8, ..config() });
    assert_eq!(net.now, sim::path::at(1_400), "24 probes, 16 at a time");
}

#[test]
fn with_one_probe_at_a_time_each_waits_for_the_answer_before() {
    let mut net = Net::line(3, ms(30));
    net.events(TraceConfig { parallel: Some(1), ..config() });
    assert_eq!(net.sent.len(), 9);
    assert!(net.sent.windows(2).all(|two| (two[0].ttl, two[0].nth) < (two[1].ttl, two[1].nth)));
    assert_eq!(net.now, sim::path::at(3 * (10 + 20 + 30)));
}

#[test]
fn a_gap_between_probes_is_kept() {
    let mut net = Net::line(3, ms(1));
    net.events(TraceConfig { gap: ms(50), ..config() });
    assert!(net.sent.windows(2).all(|two| two[1].at >= two[0].at + ms(50)));
}

#[test]
fn a_late_answer_replaces_its_star_until_that_is_reported_and_is_extra_after() {
    // Hop 1 does not answer until hop 2's late answer is here.
    let mut net = Net::new(|probe| match (probe.ttl, probe.nth) {
        (1, 1) => Ok(vec![]),
        (2, 1) => Ok(vec![exceeded(probe, ms(110))]),
        (2, _) => Ok(vec![exceeded(probe, ms(1))]),
        (1, _) => Ok(vec![exceeded(probe, ms(60))]),
        _ => Ok(vec![on_line(probe, 3, ms(2))]),
    });
    let text = sketch(&net.events(config()));
    assert!(text.contains("\n2: 10.1.2.1 110 10.1.2.1 1 10.1.2.1 1\n"), "{text}");

    let mut net = Net::new(|probe| match (probe.ttl, probe.nth) {
        (1, 1) => Ok(vec![exceeded(probe, ms(700))]),
        (1, _) => Ok(vec![exceeded(probe, ms(1))]),
        _ => Ok(vec![on_line(probe, 2, ms(1_000))]),
    });
    let text = sketch(&net.events(config()));
    assert!(text.starts_with("1: * 10.1.1.1 1 10.1.1.1 1 (+1.1 10.1.1.1)\n2: "), "{text}");
}

#[test]
fn an_error_that_ends_the_path_ends_the_trace_with_its_reason() {
    for (icmp_type, code) in
        [(3, 0), (3, 1), (3, 2), (3, 4), (3, 5), (3, 9), (3, 13), (3, 200), (11, 1), (12, 0)]
    {
        let mut net = Net::new(|probe| match probe.ttl {
            1 => Ok(vec![exceeded(probe, ms(1))]),
            _ => Ok(vec![error(probe, icmp_type, code, 1_400, ms(2)).from(router(2))]),
        });
        let events = net.events(config());
        let Some(TraceEvent::Ended { ending: Ending::Unreachable { by, error }, .. }) = events.last() else {
            panic!("{icmp_type}/{code}: {events:?}")
        };
        assert_eq!((*by, error.icmp_type, error.code), (router(2).into(), icmp_type, code));
        assert!(sketch(&events).contains("2: 10.1.2.1 2 10.1.2.1 2 10.1.2.1 2\n"));
    }
}

#[test]
fn an_error_of_the_target_itself_means_that_it_was_reached() {
    let mut net = Net::new(|probe| match probe.ttl {
        1 => Ok(vec![exceeded(probe, ms(1))]),
        _ => Ok(vec![error(probe, 3, 13, 0, ms(2)).from(TARGET)]),
    });
    assert!(sketch(&net.events(config())).ends_with("\nReached"));
}

/// A router at hop 3 of a path of 8 sends an odd answer to some of its probes.
fn with_odd_answers_at_hop_3(odd: impl Fn(&sim::path::Probe) -> Option<sim::Packet>) -> (String, u64) {
    let mut net = Net::new(|probe| Ok(vec![odd(probe).unwrap_or_else(|| on_line(probe, 8, ms(40)))]));
    (sketch(&net.events(config())), millis(net.now))
}

#[test]
fn a_refusal_on_the_way_ends_no_trace_with_answers_from_beyond() {
    let whole = with_odd_answers_at_hop_3(|_| None).0;
    for odd in [(3, 13), (3, 1), (3, 3), (3, 4), (12, 0)] {
        // One probe in three is refused.
        for nth in 1..=3 {
            let refused = |probe: &sim::path::Probe| {
                let hit = probe.ttl == 3 && probe.nth == nth;
                hit.then(|| error(probe, odd.0, odd.1, 9_000, ms(15)).from(router(3)))
            };
            assert_eq!(with_odd_answers_at_hop_3(refused).0, whole, "{odd:?}, query {nth}");
        }
        // All of this hop's are refused, and those beyond it are answered.
        let refused = |probe: &sim::path::Probe| {
            (probe.ttl == 3).then(|| error(probe, odd.0, odd.1, 9_000, ms(15)).from(router(3)))
        };
        assert_eq!(with_odd_answers_at_hop_3(refused).0, whole, "{odd:?}");
    }
}

#[test]
fn an_answer_of_the_target_overrules_a_refusal_on_the_way() {
    let mut net = Net::new(|probe| match probe.ttl {
        1 | 2 => Ok(vec![on_line(probe, 6, ms(30))]),
        3 => Ok(vec![error(probe, 3, 13, 0, ms(15)).from(router(3))]),
        4 | 5 => Ok(vec![]),
        _ => Ok(vec![on_line(probe, 6, ms(24))]),
    });
    let text = sketch(&net.events(config()));
    assert!(text.ends_with("6: 203.0.113.10 24 203.0.113.10 24 203.0.113.10 24\nReached"), "{text}");
}

#[test]
fn a_refusal_is_held_for_as_long_as_answers_from_beyond_it_may_take() {
    // Nothing comes from beyond hop 3 for half a second; or the same node refuses what was to go beyond it.
    let refused = |probe: &sim::path::Probe| error(probe, 3, 13, 0, ms(15)).from(router(2));
    for silent in [true, false] {
        let mut net = Net::new(|probe| match probe.ttl {
            1 | 2 => Ok(vec![on_line(probe, 4, ms(20))]),
            3 => Ok(vec![refused(probe)]),
            _ if silent => Ok(vec![]),
            _ => Ok(vec![refused(probe)]),
        });
        let events = net.events(config());
        let ending = match events.last() {
            Some(TraceEvent::Ended { ending: Ending::Unreachable { by, .. }, .. }) => *by,
            other => panic!("{other:?}"),
        };
        assert_eq!(ending, IpAddr::from(router(2)));
        let first = net.sent.iter().find(|probe| probe.ttl == 3).unwrap().at;
        let last = net.sent.iter().rev().find(|probe| probe.ttl >= 3).unwrap().at;
        let expected = if silent { first + ms(15 + 15 + 500) } else { last + ms(15) };
        assert_eq!(net.now, expected, "silent: {silent}");
    }
    // Nothing is in flight beyond it: no wait.
    let mut net = Net::new(|probe| match probe.ttl {
        1 | 2 => Ok(vec![on_line(probe, 4, ms(20))]),
        _ => Ok(vec![refused(probe)]),
    });
    net.events(TraceConfig { parallel: Some(1), ..config() });
    assert_eq!(net.now, sim::path::at(3 * (5 + 10 + 15)));
}

#[test]
fn the_second_probe_of_a_query_is_refused_and_the_first_got_further() {
    // The way behind hop 3 is long, and the queries of these hops are sent again before their answers come.
    for hop in [4, 6] {
        let mut net = Net::new(|probe| {
            let answer = |after| if probe.ttl < 6 { exceeded(probe, after) } else { reached(probe, after) };
            Ok(vec![match (probe.ttl, probe.nth) {
                (1..=3, _) => answer(ms(1)),
                (ttl, 1) if ttl == hop + 1 => error(probe, 3, 13, 0, ms(1)).from(router(3)),
                (ttl, 4..) if ttl == hop => error(probe, 3, 13, 0, ms(1)).from(router(3)),
                _ => answer(ms(84)),
            }])
        });
        let text = sketch(&net.events(config()));
        assert!(net.sent.iter().any(|probe| probe.ttl == hop && probe.nth > 3), "{hop}: {text}");
        let shown = match hop {
            // With the first, it is known that hop 4 is passed: what was decided is emitted.
            4 => "\n4: 10.1.4.1 84 10.1.3.1 1 10.1.3.1 1 (+4.2 10.1.4.1) (+4.3 10.1.4.1)\n",
            _ => "\n6: 203.0.113.10 84 10.1.3.1 1 10.1.3.1 1\n",
        };
        assert!(text.contains(shown), "{hop}: {text}");
        assert!(text.ends_with("\nReached"), "{hop}: {text}");
    }
}

#[test]
fn a_node_that_refuses_some_probes_ends_no_trace_while_others_are_on_their_way() {
    // Of hop 3 it refuses all; of what follows, each third. The way behind it is long.
    let answer = |probe: &sim::path::Probe, refused: bool| match probe.ttl {
        1 | 2 => on_line(probe, 4, ms(4)),
        _ if refused => error(probe, 3, 13, 0, ms(2)).from(router(2)),
        3 => exceeded(probe, ms(450)),
        _ => reached(probe, ms(450)),
    };
    for queries in [1, 3] {
        let mut net =
            Net::new(|probe| Ok(vec![answer(probe, probe.ttl == 3 || probe.number.is_multiple_of(3))]));
        let text = sketch(&net.events(TraceConfig { queries, ..config() }));
        assert!(text.ends_with("\nReached"), "{queries}: {text}");
    }
    // Two refusals alone show no node that refuses all, and nothing comes from beyond.
    let mut net = Net::new(|probe| match (probe.ttl, probe.nth) {
        (3, 1 | 2) => Ok(vec![answer(probe, true)]),
        (3.., _) => Ok(vec![]),
        _ => Ok(vec![answer(probe, false)]),
    });
    let text = sketch(&net.events(config()));
    assert!(text.contains("\nUnreachable") && millis(net.now) < 3_500, "{text}: {:?}", net.now);
}

#[test]
fn a_probe_to_be_repeated_beyond_an_overruled_refusal_is_repeated() {
    let mut refused_once = false;
    let mut net = Net::new(|probe| {
        if probe.ttl == 5 && !refused_once {
            refused_once = true;
            return Err(rping::transport::send_fault(libc::ENOBUFS, None));
        }
        Ok(vec![match (probe.ttl, probe.nth) {
            (1, 1) => error(probe, 3, 13, 0, ms(3)).from(router(1)),
            _ => on_line(probe, 8, ms(40)),
        }])
    });
    let text = sketch(&net.events(config()));
    assert!(text.contains("\n5: 10.1.5.1 25 10.1.5.1 25 10.1.5.1 25\n"), "{text}");
    assert!(text.ends_with("\nReached"), "{text}");
}

/// A firewall at hop 2, or the target itself, rejects what it gets with port unreachable from this address.
fn rejected_by(method: TraceMethod, v6: bool, by: IpAddr) -> (String, Vec<bool>) {
    let mut net = Net::new(|probe| {
        let (icmp_type, code) = if v6 { (1, 4) } else { (3, 3) };
        Ok(vec![match probe.ttl {
            1 | 2 => exceeded(probe, ms(u64::from(probe.ttl))),
            _ => error(probe, icmp_type, code, 0, ms(3)).from(by),
        }])
    });
    let events = net.events(trace_config(method, v6));
    let arrived = events.iter().filter_map(|event| match event {
        TraceEvent::Decided { ttl: 3, outcome: Outcome::Answered(answer), .. } => Some(answer.arrived),
        _ => None,
    });
    let ending = match events.last() {
        Some(TraceEvent::Ended { ending: Ending::Unreachable { by, error }, .. }) => {
            format!("unreachable, {by}, {} {}", error.icmp_type, error.code)
        }
        Some(TraceEvent::Ended { ending, .. }) => format!("{ending:?}"),
        other => panic!("{other:?}"),
    };
    (ending, arrived.collect())
}

#[test]
fn port_unreachable_is_an_arrival_only_where_the_target_can_have_sent_it() {
    let elsewhere: [IpAddr; 2] = [Ipv4Addr::new(198, 51, 100, 7).into(), "2001:db8:7::7".parse().unwrap()];
    let target: [IpAddr; 2] = [TARGET.into(), sim::path::TARGET6.into()];
    let router: [IpAddr; 2] = [router(2).into(), "2001:db8:1::2".parse().unwrap()];
    let own: [IpAddr; 2] = [HERE.into(), sim::HERE6.into()];
    let udp = TraceMethod::Udp;
    for (v6, what) in [(false, "3 3"), (true, "1 4")] {
        let n = usize::from(v6);
        let check = |method, by: IpAddr, reached: bool| {
            let ending = if reached { "Reached".into() } else { format!("unreachable, {by}, {what}") };
            assert_eq!(rejected_by(method, v6, by), (ending, vec![reached; 3]), "{method:?} {by}");
        };
        for method in [TraceMethod::Echo, TraceMethod::Tcp(SYN)] {
            check(method, target[n], true);
            for by in [elsewhere[n], router[n], own[n]] {
                check(method, by, false);
            }
        }
        check(udp, target[n], true);
        check(udp, elsewhere[n], true);
        check(udp, router[n], false);
        check(udp, own[n], false);
    }
}

#[test]
fn redirects_and_source_quenches_decide_no_query() {
    let mut net = Net::new(|probe| {
        let redirect = error(probe, 5, 1, 0x0a01_0101, us(100));
        let quench = error(probe, 4, 0, 0, us(200));
        Ok(vec![redirect, quench, on_line(probe, 2, ms(2))])
    });
    assert!(
        sketch(&net.events(config())).ends_with("2: 203.0.113.10 2 203.0.113.10 2 203.0.113.10 2\nReached")
    );
}

#[test]
fn a_path_with_a_loop_is_probed_to_the_end_and_reported_as_a_loop() {
    let mut net = Net::new(|probe| {
        let node = if probe.ttl < 3 { probe.ttl } else { 3 + (probe.ttl - 3) % 2 };
        Ok(vec![exceeded(probe, ms(u64::from(probe.ttl))).from(router(node))])
    });
    let events = net.events(TraceConfig { max_ttl: 12, ..config() });
    let ending = Ending::Loop { at: router(3).into(), first: 3, again: 5 };
    assert!(matches!(events.last(), Some(TraceEvent::Ended { ending: e, .. }) if *e == ending), "{events:?}");
    assert_eq!(net.sent.len(), 36);
}

/// The ending of a path of twelve hops with these nodes, `*` for a silent one.
fn ending_of(nodes: &str) -> Ending {
    let mut net = Net::new(|probe| {
        let node = nodes.as_bytes()[usize::from(probe.ttl) - 1];
        Ok(match node {
            b'*' => vec![],
            node => vec![exceeded(probe, ms(u64::from(probe.ttl))).from(router(node))],
        })
    });
    let events = net.events(TraceConfig { max_ttl: nodes.len() as u8, ..config() });
    let Some(TraceEvent::Ended { ending, .. }) = events.last() else { panic!("no end") };
    *ending
}

#[test]
fn a_loop_is_found_after_two_turns_with_any_silent_nodes() {
    let round = |at: u8, first, again| Ending::Loop { at: router(at).into(), first, again };
    for (nodes, expected) in [
        ("abcdcdcdcdcd", round(b'c', 3, 5)),
        // Routers that limit their answers.
        ("abcdcd******", round(b'c', 3, 5)),
        ("abcdcd***d**", round(b'c', 3, 5)),
        ("abcdecdecde*", round(b'c', 3, 6)),
        ("abcde*decd**", round(b'c', 3, 6)),
        ("abcdec*e*de*", round(b'c', 3, 6)),
        // A member that never answers.
        ("abc*c*c*c*c*", round(b'c', 3, 5)),
        ("abc*c*******", round(b'c', 3, 5)),
        ("ab*d*d*d*d*d", round(b'd', 4, 6)),
        ("abcd*cd*cd*c", round(b'c', 3, 6)),
        ("abc**c**c**c", round(b'c', 3, 6)),
        ("ac***c***c**", round(b'c', 2, 6)),
        ("acd**cd**cd*", round(b'c', 2, 6)),
        ("abcdc***c***", round(b'c', 5, 9)),
        // One router for ever.
        ("abcccccccccc", round(b'c', 3, 4)),
        ("abccc*******", round(b'c', 3, 4)),
        ("aaaaaaaaaaaa", round(b'a', 1, 2)),
    ] {
        assert_eq!(ending_of(nodes), expected, "{nodes}");
    }
    for nodes in [
        "abc*********",
        "************",
        // A router that forwards probes with a TTL of 0.
        "abcc********",
        "abccdefghijk",
        "abcccdefghij",
        // One turn and a half.
        "abcdc*******",
        "abcdecd*****",
        // Something behind it.
        "abcdcdcdcdce",
        "abcdcdcd***e",
        "abcccccccccd",
    ] {
        assert_eq!(ending_of(nodes), Ending::HopLimit, "{nodes}");
    }
}

#[test]
fn a_loop_with_a_router_that_refuses_some_probes_is_found() {
    // Routers 3 and 4 are a loop; 4 refuses the first probe of each hop from the ninth on.
    let mut net = Net::new(|probe| {
        let node = if probe.ttl < 3 { probe.ttl } else { 3 + (probe.ttl - 3) % 2 };
        let answer = exceeded(probe, ms(u64::from(probe.ttl))).from(router(node));
        let refused = probe.ttl > 8 && probe.nth == 1;
        Ok(vec![if refused { error(probe, 3, 13, 0, ms(4)).from(router(4)) } else { answer }])
    });
    let text = sketch(&net.events(TraceConfig { max_ttl: 12, ..config() }));
    assert!(text.ends_with("\nLoop { at: 10.1.3.1, first: 3, again: 5 }"), "{text}");
}

#[test]
fn a_gap_limit_ends_a_silent_tail_early() {
    let mut net = Net::new(|probe| match probe.ttl {
        1 | 2 | 4 => Ok(vec![exceeded(probe, ms(5))]),
        _ => Ok(vec![]),
    });
    let text = sketch(&net.events(TraceConfig { gap_limit: Some(3), ..config() }));
    assert!(text.ends_with("\n5: * * *\n6: * * *\n7: * * *\nGapLimit"), "{text}");
}

#[test]
fn several_routers_duplicates_and_foreign_errors_are_distinguished() {
    let mut net = Net::new(|probe| {
        let other = Ipv4Addr::new(10, 1, probe.ttl, 2);
        let mut back = vec![on_line(probe, 3, ms(3))];
        match (probe.ttl, probe.nth) {
            (1, 2) => back = vec![exceeded(probe, ms(1)).from(other)],
            (2, 1) => back.push(exceeded(probe, ms(2) + us(500)).from(other)),
            // A foreign probe: another identifier, and no token of ours.
            (3, _) => back.push(exceeded(probe, us(10)).mangle(|quote| {
                quote[24] ^= 0x55;
                quote[28..36].fill(7);
            })),
            _ => {}
        }
        Ok(back)
    });
    let text = sketch(&net.events(config()));
    assert!(
        text.starts_with(
            "1: 10.1.1.1 1 10.1.1.2 1 10.1.1.1 1\n2: 10.1.2.1 2 10.1.2.1 2 10.1.2.1 2 (+2.1 10.1.2.2)\n"
        ),
        "{text}"
    );
    assert!(text.ends_with("3: 203.0.113.10 3 203.0.113.10 3 203.0.113.10 3\nReached"), "{text}");
    assert_eq!(net.rejected, 3);
}

#[test]
fn of_a_thousand_answers_to_a_probe_sixteen_are_extra_and_the_rest_is_rejected() {
    let mut net = Net::new(|probe| match probe.ttl {
        1 => Ok((0..1_200).map(|n| exceeded(probe, ms(1) + us(n))).collect()),
        _ => Ok(vec![on_line(probe, 3, ms(30))]),
    });
    let events = net.events(TraceConfig { queries: 10, ..config() });
    let extras = events.iter().filter(|event| matches!(event, TraceEvent::Extra { .. })).count();
    assert_eq!((extras, net.rejected), (160, 10 * (1_200 - 17)));
}

#[test]
fn late_answers_and_those_of_the_target_are_bounded_too() {
    let mut net = Net::new(|probe| {
        let many = |after: Duration| (0..1_200).map(move |n| after + us(n));
        Ok(match (probe.ttl, probe.nth) {
            (1, 1) => vec![exceeded(probe, ms(1))],
            (1, _) => many(ms(500)).map(|after| exceeded(probe, after)).collect(),
            (2, _) => vec![],
            _ => many(ms(3)).map(|after| reached(probe, after)).collect(),
        })
    });
    // Four milliseconds at hop 1, and a second at hop 2.
    let wait = Wait::Given { max: ms(1_000), here: 3.0, near: 0.0 };
    let events = net.events(TraceConfig { wait, max_ttl: 3, ..config() });
    let extras = |hop: u8| {
        events.iter().filter(|event| matches!(event, TraceEvent::Extra { ttl, .. } if *ttl == hop)).count()
    };
    assert_eq!((extras(1), extras(3)), (2 * 16, 3 * 16), "{}", sketch(&events));
    assert_eq!(net.rejected, 2 * (1_200 - 16) + 3 * (1_200 - 17));
}

#[test]
fn quotes_of_any_length_are_followed_where_they_identify_the_probe() {
    for quote in 0..=60 {
        let mut net = Net::new(|probe| match probe.ttl {
            1 => Ok(vec![exceeded(probe, ms(1)).cut(quote)]),
            _ => Ok(vec![reached(probe, ms(2))]),
        });
        let text = sketch(&net.events(config()));
        let first = if quote < 28 { "1: * * *\n" } else { "1: 10.1.1.1 1 10.1.1.1 1 10.1.1.1 1\n" };
        assert!(text.starts_with(first), "{quote} octets: {text}");
        assert!(text.ends_with("Reached"));
    }
}

/// Every method with each of its carriers, where this program writes the whole probe.
fn raw_methods() -> [(TraceMethod, Carrier); 7] {
    [
        (TraceMethod::Echo, Carrier::Message),
        (TraceMethod::Udp, Carrier::Message),
        (TraceMethod::Udp, Carrier::DestinationPort),
        (TraceMethod::UdpLite { coverage: 0 }, Carrier::Message),
        (TraceMethod::Tcp(SYN), Carrier::Message),
        (TraceMethod::Dccp { service: 7 }, Carrier::Message),
        (TraceMethod::Protocol(253), Carrier::Message),
    ]
}

/// The probe `number` of another trace from this host to the same target, with this TTL.
fn probe_of_another_run(like: &sim::path::Probe, flow: Flow, number: u16, ttl: u8) -> sim::path::Probe {
    let mut bytes = vec![0; 40];
    let len = flow.emit(TraceProbe { number, flow: 0, ttl, len: 40 }, &mut bytes);
    bytes.truncate(len);
    sim::path::Probe { ttl, bytes, ..like.clone() }
}

/// A trace that receives, before its own answers, those of `runs` others with its numbers and other TTLs.
fn with_others(config: TraceConfig, runs: u16, quoted: usize) -> String {
    let mut net = Net::new(|probe| {
        let others = (1..=runs).flat_map(|run| {
            let key = std::array::from_fn(|place| (run as u8).wrapping_mul(31).wrapping_add(place as u8));
            let flow = Flow { src_port: SRC_PORT.wrapping_add(run * 37), key, ..config.flow };
            let number = probe.number as u16;
            [(number, 1 + probe.ttl % 5), (number.saturating_sub(3).max(1), 6)].map(|(number, ttl)| {
                let of_another = probe_of_another_run(probe, flow, number, ttl);
                on_line(&of_another, 6, ms(6)).delayed(us(100))
            })
        });
        let short = |packet: Packet| match packet.protocol {
            1 | 58 if packet.bytes.len() > 8 + quoted => packet.cut(quoted),
            _ => packet,
        };
        let own = on_line(probe, 6, ms(6));
        Ok(others.chain([own]).map(short).collect())
    });
    sketch(&net.events(config.clone()))
}

#[test]
fn fifty_traces_at_once_to_one_target_never_count_the_answer_of_another() {
    for (method, carrier) in raw_methods() {
        for v6 in [false, true] {
            let mut config = trace_config(method, v6);
            config.flow.carrier = carrier;
            let header = if v6 { 40 } else { 20 };
            for octets in [8, 16, 40] {
                let alone = with_others(config.clone(), 0, header + octets);
                assert!(alone.ends_with("Reached"), "{method:?}: {alone}");
                let among = with_others(config.clone(), 50, header + octets);
                assert_eq!(among, alone, "{method:?} {carrier:?}, {octets} octets quoted");
            }
        }
    }
}

/// TCP probes from six ports: two for each query.
fn of_many_ports(v6: bool) -> TraceConfig {
    let mut config = trace_config(TraceMethod::Tcp(SYN), v6);
    config.flow.src_ports = 6;
    config
}

fn port_of(probe: &sim::path::Probe) -> u16 {
    u16::from_be_bytes([probe.bytes[0], probe.bytes[1]])
}

#[test]
fn each_query_of_tcp_is_a_connection_of_its_own_over_all_hops() {
    for v6 in [false, true] {
        let mut answered = Vec::new();
        let mut net = Net::new(|probe| {
            // The target, or a translator on the way, answers the first segment of each connection only.
            if probe.ttl >= 3 && answered.contains(&port_of(probe)) {
                return Ok(vec![]);
            }
            if probe.ttl >= 3 {
                answered.push(port_of(probe));
            }
            Ok(vec![on_line(probe, 3, ms(3))])
        });
        let text = sketch(&net.events(of_many_ports(v6)));
        let target = if v6 { "2001:db8:ffff::10" } else { "203.0.113.10" };
        assert!(text.ends_with(&format!("3: {target} 3 {target} 3 {target} 3\nReached")), "{text}");
        for probe in &net.sent {
            assert_eq!(port_of(probe), SRC_PORT + probe.nth as u16 - 1, "hop {}", probe.ttl);
        }
    }
}

/// The path with a target that resets: `acknowledged` makes the acknowledged number from the sequence number.
fn with_resets(config: TraceConfig, acknowledged: impl Fn(u32) -> u32) -> String {
    with_segments(config, 0x14, acknowledged).0
}

/// The same with these flags, and when it ends.
fn with_segments(
    config: TraceConfig,
    flags: u8,
    acknowledged: impl Fn(u32) -> u32,
) -> (String, rping::clock::Instant) {
    let mut net = Net::new(|probe| {
        let mut answer = on_line(probe, 3, ms(3));
        if answer.protocol == 6 {
            let sent = u32::from_be_bytes(*probe.bytes[4..].first_chunk().unwrap());
            answer.bytes[8..12].copy_from_slice(&acknowledged(sent).to_be_bytes());
            answer.bytes[13] = flags;
            // Later queries are answered sooner.
            answer = answer.delayed(ms(10) - ms(2) * (probe.nth as u32).min(4));
        }
        Ok(vec![answer])
    });
    let text = sketch(&net.events(config));
    (text, net.now)
}

#[test]
fn a_reset_that_counts_no_syn_belongs_to_the_probe_with_its_number() {
    let target = "3: 203.0.113.10 8 203.0.113.10 6 203.0.113.10 4\nReached";
    for config in [trace_config(TraceMethod::Tcp(SYN), false), of_many_ports(false)] {
        for more in 0..3 {
            let text = with_resets(config.clone(), |sent| sent + more);
            assert!(text.ends_with(target), "{more}: {text}");
        }
    }
    // Without a number that means something: by its port.
    for acknowledged in [0, 1, 0xdead_beef] {
        let text = with_resets(of_many_ports(false), |_| acknowledged);
        assert!(text.ends_with(target), "{acknowledged}: {text}");
    }
}

/// One port and one probe at a time, as with `--sport`.
fn of_one_port() -> TraceConfig {
    TraceConfig { parallel: Some(1), ..trace_config(TraceMethod::Tcp(SYN), false) }
}

#[test]
fn a_target_that_acknowledges_other_numbers_is_reached_once_the_time_of_a_probe_is_up() {
    for config in [of_many_ports(false), of_one_port()] {
        // A connection of this port that goes on (RFC 5961 section 4).
        let (text, end) = with_segments(config, 0x10, |_| 0xdead_beef);
        assert!(text.ends_with("3: 203.0.113.10 8 203.0.113.10 6 203.0.113.10 4\nReached"), "{text}");
        assert!(end < at(3_700), "{end:?}");
    }
}

#[test]
fn what_the_target_repeats_for_a_former_connection_of_the_port_is_no_answer() {
    let repeating = |probe: &sim::path::Probe, silent: bool| {
        // The target still opens a connection from this port.
        let repeats = [900, 2_900, 6_900].map(|after| {
            let mut answer = reached(probe, ms(after));
            answer.bytes[8..12].copy_from_slice(&0xdead_beef_u32.to_be_bytes());
            answer.bytes[13] = 0x12;
            answer
        });
        Ok(match probe.ttl {
            1 if probe.nth == 1 => [exceeded(probe, ms(1))].into_iter().chain(repeats).collect(),
            2 => vec![],
            3.. if silent => vec![],
            _ => vec![on_line(probe, 3, ms(3))],
        })
    };
    let config = || TraceConfig { queries: 1, ..of_one_port() };
    let text = sketch(&Net::new(|probe| repeating(probe, false)).events(config()));
    assert_eq!(text, "1: 10.1.1.1 1\n2: *\n3: 203.0.113.10 3\nReached");
    let text = sketch(&Net::new(|probe| repeating(probe, true)).events(config()));
    assert!(text.starts_with("1: 10.1.1.1 1\n2: *\n3: *\n") && text.ends_with("\nHopLimit"), "{text}");
}

/// Router 2 refuses some probes, and router 5 all others, but it limits its errors.
#[test]
fn a_refusal_of_a_nearer_router_does_not_overrule_that_of_a_further_one() {
    for (first, shown) in [(1, "10.1.2.1 2"), (0, "10.1.5.1 5")] {
        let mut net = Net::new(|probe| match (probe.ttl, probe.nth) {
            (..=5, _) => Ok(vec![exceeded(probe, ms(u64::from(probe.ttl)))]),
            (6, nth) if nth != first => Ok(vec![error(probe, 3, 13, 0, ms(5)).from(router(5))]),
            (6, _) | (8.., 2) => Ok(vec![error(probe, 3, 10, 0, ms(2)).from(router(2))]),
            _ => Ok(vec![]),
        });
        let text = sketch(&net.events(config()));
        let (_, last) = text.split_once("\n6: ").expect(&text);
        let expected = format!("{shown} 10.1.5.1 5 10.1.5.1 5\nUnreachable {{ by: 10.1.5.1,");
        assert!(last.starts_with(&expected), "{text}");
    }
}

/// A router refuses each probe but one, and that one again when it is sent once more as a star.
#[test]
fn a_doubtful_answer_counts_before_a_refusal_does() {
    let mut net = Net::new(|probe| {
        let arrives = (probe.ttl, probe.nth) == (3, 2);
        let mut answer = match probe.ttl {
            1 | 2 => exceeded(probe, ms(1)),
            _ if arrives => reached(probe, ms(3)),
            _ => error(probe, 3, 10, 0, ms(1)).from(router(1)),
        };
        if arrives {
            answer.bytes[8..12].copy_from_slice(&0xdead_beef_u32.to_be_bytes());
        }
        Ok(vec![answer])
    });
    let text = sketch(&net.events(of_many_ports(false)));
    assert!(text.ends_with("3: 10.1.1.1 1 203.0.113.10 3 10.1.1.1 1\nReached"), "{text}");
}

/// Host unreachable is reported late by some nodes, so its time is not that of the path. But what left with it may need as
/// long.
#[test]
fn slow_refusals_leave_time_for_slow_answers() {
    let mut net = Net::new(|probe| {
        let late = ms(1_500).saturating_sub(probe.at.since(at(0)));
        Ok(vec![match probe.ttl == 4 || probe.nth % 2 == 1 {
            true => error(probe, 3, 1, 0, late + ms(1)).from(router(2)),
            false => reached(probe, late + ms(5)),
        }])
    });
    let text = sketch(&net.events(TraceConfig { first_ttl: 4, ..config() }));
    assert!(text.ends_with("\nReached"), "{text}");
}

#[test]
fn resets_without_a_number_count_from_the_last_probe_where_silent_routers_lie_before_the_target() {
    // The target is at hop 15. No probe up to it is answered from the first of these hops on.
    for (silent, rtt, queries) in [(14, 60, 3), (13, 60, 1), (9, 300, 3), (1, 300, 3), (1, 40, 5)] {
        let mut net = Net::new(|probe| {
            if (silent..15).contains(&probe.ttl) {
                return Ok(vec![]);
            }
            let mut answer = on_line(probe, 15, ms(rtt));
            if answer.protocol == 6 {
                answer.bytes[8..12].fill(0);
                answer.bytes[13] = 4;
            }
            Ok(vec![answer])
        });
        let mut config = trace_config(TraceMethod::Tcp(SYN), false);
        config.flow.src_ports = 2 * u16::from(queries);
        let text = sketch(&net.events(TraceConfig { queries, ..config }));
        let target = format!(" 203.0.113.10 {rtt}").repeat(queries.into());
        let stars = " *".repeat(queries.into());
        let expected = format!("\n14:{stars}\n15:{target}\nReached");
        assert!(text.ends_with(&expected), "{silent}, {rtt}, {queries}: {text}");
    }
}

/// A translator that changed source and port (identifier) in what is quoted, and the checksum with them.
#[test]
fn quotes_that_a_translator_rewrote_are_recognised_and_marked() {
    for (method, quoted) in [
        (TraceMethod::Echo, 28),
        (TraceMethod::Echo, 60),
        (TraceMethod::Udp, 28),
        (TraceMethod::Udp, 60),
        (TraceMethod::Tcp(SYN), 28),
    ] {
        let mut net = Net::new(|probe| {
            let answer = on_line(probe, 3, ms(3));
            if probe.ttl != 2 {
                return Ok(vec![answer]);
            }
            Ok(vec![
                answer
                    .mangle(|quote| {
                        let at = if method == TraceMethod::Echo { 24 } else { 20 };
                        let (port, address) = ([0x12, 0x34], [100, 64, 0, 7]);
                        let mut sum = if method == TraceMethod::Udp { 26 } else { 22 };
                        if let TraceMethod::Tcp(_) = method {
                            sum = 0; // beyond the quote
                        }
                        let before: Vec<u8> = [&quote[12..16], &quote[at..at + 2]].concat();
                        let after: Vec<u8> = [&address[..], &port].concat();
                        let skip = if method == TraceMethod::Echo { 4 } else { 0 };
                        if sum > 0 {
                            adjust(quote, sum, &before[skip..], &after[skip..]);
                        }
                        quote[12..16].copy_from_slice(&address);
                        quote[at..at + 2].copy_from_slice(&port);
                    })
                    .cut(quoted),
            ])
        });
        let text = sketch(&net.events(trace_config(method, false)));
        assert!(
            text.contains("\n2: 10.1.2.1 2 nat 10.1.2.1 2 nat 10.1.2.1 2 nat\n"),
            "{method:?}, {quoted} octets: {text}"
        );
    }
}

/// Translators that restore addresses and ports in what is quoted, and leave the checksum as they rewrote it. The
/// routers behind quote all of a probe or its first eight octets.
#[test]
fn the_checksum_difference_of_a_translator_is_found_from_whole_quotes() {
    let dccp = TraceMethod::Dccp { service: 7 };
    let methods = [(TraceMethod::Udp, 6), (TraceMethod::UdpLite { coverage: 0 }, 6), (dccp, 6)];
    for (v6, (method, at), shift) in [false, true]
        .into_iter()
        .flat_map(|v6| methods.map(|method| (v6, method)))
        .flat_map(|(v6, method)| [0x0400_u16, 0x1234, 0xff00].map(|shift| (v6, method, shift)))
    {
        let header = if v6 { 40 } else { 20 };
        let mut net = Net::new(|probe| {
            let answer = on_line(probe, 7, ms(7));
            let shift = if probe.ttl > 5 { shift.wrapping_add(0x777) } else { shift };
            let behind = |answer: sim::Packet| {
                answer.mangle(|quote| adjust(quote, header + at, &[0, 0], &shift.to_be_bytes()))
            };
            Ok(vec![match probe.ttl {
                ..=2 => answer.cut(header + 8),
                // One translator behind hop 2, another behind hop 5.
                3 | 6 => behind(answer),
                _ => behind(answer).cut(header + 8),
            }])
        });
        let text = sketch(&net.events(trace_config(method, v6)));
        assert!(text.ends_with("\nReached") && !text.contains('*'), "{method:?} {shift:#x}: {text}");
        for hop in 1..=7 {
            assert!(text.matches(&format!(" {hop}")).count() >= 3, "{method:?} {shift:#x}: {text}");
        }
        assert_eq!(net.rejected, 0, "{method:?} {shift:#x}: {text}");
    }
}

/// The same where no router quotes more than eight octets. The difference may be that of any addresses, near or far.
#[test]
fn the_checksum_difference_of_a_translator_is_found_from_quotes_of_eight_octets_that_agree() {
    let dccp = TraceMethod::Dccp { service: 7 };
    let methods = [(TraceMethod::Udp, 6), (TraceMethod::UdpLite { coverage: 0 }, 6), (dccp, 6)];
    let shifts = (1..=12).chain([0x100, 0x101, 0x300, 0x7fff]).flat_map(|near: u16| [near, !near]);
    for (shift, v6, queries) in
        shifts.flat_map(|shift| [(shift, false, 3), (shift, true, 3), (shift, false, 1), (shift, false, 10)])
    {
        for (method, at) in methods {
            let header = if v6 { 40 } else { 20 };
            let mut net = Net::new(|probe| {
                let answer = on_line(probe, 6, ms(6)).cut(header + 8);
                let quote = |quote: &mut [u8]| adjust(quote, header + at, &[0, 0], &shift.to_be_bytes());
                Ok(vec![if probe.ttl > 1 { answer.mangle(quote) } else { answer }])
            });
            let text = sketch(&net.events(TraceConfig { queries, ..trace_config(method, v6) }));
            let mut plain = Net::new(|probe| Ok(vec![on_line(probe, 6, ms(6))]));
            let expected = sketch(&plain.events(TraceConfig { queries, ..trace_config(method, v6) }));
            assert_eq!(text, expected, "{method:?} {shift:#x}, {queries} queries");
            assert_eq!(net.rejected, 0, "{method:?} {shift:#x}: {text}");
        }
    }
}

/// RFC 1624: HC' = ~(~HC + ~m + m').
fn adjust(octets: &mut [u8], at: usize, before: &[u8], after: &[u8]) {
    let word = |pair: &[u8]| u32::from(u16::from_be_bytes([pair[0], pair[1]]));
    let mut sum = u32::from(!u16::from_be_bytes([octets[at], octets[at + 1]]));
    sum += before.chunks(2).map(|pair| u32::from(!(word(pair) as u16))).sum::<u32>();
    sum += after.chunks(2).map(word).sum::<u32>();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    octets[at..at + 2].copy_from_slice(&(!(sum as u16)).to_be_bytes());
}

#[test]
fn the_path_mtu_is_found_hop_by_hop() {
    let limit = |ttl: u8| if ttl < 3 { 1_500 } else { 1_400 };
    let mut net = Net::new(|probe| {
        let size = probe.bytes.len() + 20;
        if size > 1_500 {
            return Err(rping::transport::send_fault(libc::EMSGSIZE, Some(1_500)));
        }
        if size > limit(probe.ttl) {
            return Ok(vec![error(probe, 3, 4, 1_400, ms(2)).from(router(2))]);
        }
        Ok(vec![on_line(probe, 4, ms(4))])
    });
    let config = TraceConfig { mtu: true, parallel: Some(1), len: 65_000 - 20, ..config() };
    let text = sketch(&net.events(config));
    assert_eq!(
        text,
        "1: F=1500 10.1.1.1 1 10.1.1.1 1 10.1.1.1 1\n2: 10.1.2.1 2 10.1.2.1 2 10.1.2.1 2\n\
         3: F=1400 10.1.3.1 3 10.1.3.1 3 10.1.3.1 3\n\
         4: 203.0.113.10 4 203.0.113.10 4 203.0.113.10 4\nReached"
    );
}

/// RFC 1191 section 5: a router that reports no MTU.
#[test]
fn an_mtu_that_no_router_reports_is_searched_until_it_is_exact() {
    for v6 in [false, true] {
        let header: u32 = if v6 { 40 } else { 20 };
        let plateaus = [1_280, 1_281, 1_400, 1_491, 1_492, 1_499];
        let small = [68, 69, 296, 1_005, 1_006, 1_279];
        for mtu in plateaus.into_iter().chain(small.into_iter().filter(|_| !v6)) {
            let mut net = Net::new(|probe| {
                let size = probe.bytes.len() as u32 + header;
                let too_long = size > mtu && probe.ttl > 2;
                let (icmp_type, code) = if v6 { (2, 0) } else { (3, 4) };
                Ok(vec![match too_long {
                    true => error(probe, icmp_type, code, 0, ms(2)),
                    false => on_line(probe, 4, ms(4)),
                }])
            });
            let len = 1_500 - header as usize;
            let config = trace_config(TraceMethod::Udp, v6);
            let text = sketch(&net.events(TraceConfig { mtu: true, parallel: Some(1), len, ..config }));
            assert_eq!(text.matches("F=").count(), 1, "{mtu}: {text}");
            assert!(text.contains(&format!("\n3: F={mtu} ")), "{mtu}: {text}");
            assert!(text.ends_with("\nReached") && !text.contains('*'), "{mtu}: {text}");
            assert!(net.sent.len() <= 12 + 16, "{mtu}: {} probes", net.sent.len());
        }
    }
}

/// A second link, behind the searched one, with a router that reports its MTU; and one that reports none either.
#[test]
fn a_search_ends_with_the_smallest_mtu_of_the_path() {
    for (near, far, reported, expected) in [
        (1_450, 1_400, 1_400, vec!["F=1450", "F=1400"]),
        (1_450, 1_400, 0, vec!["F=1450", "F=1400"]),
        (1_300, 1_400, 1_400, vec!["F=1300"]),
    ] {
        let mut net = Net::new(|probe| {
            let size = probe.bytes.len() as u32 + 20;
            Ok(vec![match probe.ttl {
                3.. if size > near => error(probe, 3, 4, 0, ms(2)).from(router(2)),
                4.. if size > far => error(probe, 3, 4, reported, ms(3)).from(router(3)),
                _ => on_line(probe, 5, ms(5)),
            }])
        });
        let config = TraceConfig { mtu: true, parallel: Some(1), len: 1_480, ..config() };
        let text = sketch(&net.events(config));
        let found: Vec<_> = text.split_whitespace().filter(|word| word.starts_with("F=")).collect();
        assert_eq!(found, expected, "{text}");
    }
}

/// An answer that is lost while the MTU is searched is a star, and the search goes on with the next query.
#[test]
fn a_lost_answer_does_not_end_a_search() {
    let mut net = Net::new(|probe| {
        let size = probe.bytes.len() + 20;
        Ok(match probe.ttl {
            3.. if size > 1_440 => vec![error(probe, 3, 4, 0, ms(2)).from(router(2))],
            3 if probe.nth == 4 => vec![],
            _ => vec![on_line(probe, 4, ms(4))],
        })
    });
    let text = sketch(&net.events(TraceConfig { mtu: true, parallel: Some(1), len: 1_480, ..config() }));
    assert!(text.contains("\n3: * F=1440 10.1.3.1 3 10.1.3.1 3\n"), "{text}");
}

#[test]
fn probes_longer_than_the_first_link_end_the_trace_at_its_first_hop() {
    for mtu in [Some(1_500), None] {
        let mut net = Net::new(|_| Err(rping::transport::send_fault(libc::EMSGSIZE, mtu)));
        let text = sketch(&net.events(TraceConfig { len: 1_980, ..config() }));
        assert_eq!(text, format!("1: not-sent-90 not-sent-90 not-sent-90\nTooLong {{ mtu: {mtu:?} }}"));
        assert!(net.sent.iter().all(|probe| probe.ttl < 20), "{} attempts", net.sent.len());
    }
    // A search for the path MTU that cannot go below what the link refuses.
    let mut net = Net::new(|_| Err(rping::transport::send_fault(libc::EMSGSIZE, Some(40))));
    let config =
        TraceConfig { mtu: true, parallel: Some(1), len: 1_980, ..trace_config(TraceMethod::Udp, true) };
    let text = sketch(&net.events(config));
    assert_eq!(text, "1: not-sent-90 not-sent-90 not-sent-90\nTooLong { mtu: Some(40) }");
}

#[test]
fn an_impossible_mtu_is_an_error_like_any_other() {
    for mtu in [0, 10, 70_000] {
        let mut net = Net::new(|probe| Ok(vec![error(probe, 3, 4, mtu, ms(1)).from(router(1))]));
        let config = TraceConfig { mtu: true, parallel: Some(1), len: 1_480, ..config() };
        let events = net.events(config);
        assert!(
            matches!(events.last(), Some(TraceEvent::Ended { ending: Ending::Unreachable { .. }, .. })),
            "{mtu}"
        );
        assert!(net.sent.len() < 12, "{mtu}: {} probes", net.sent.len());
    }
}

/// An MTU that no link has is not used, and none is guessed.
#[test]
fn an_mtu_below_the_smallest_of_its_family_is_not_found() {
    for (v6, named, used) in
        [(false, 67, false), (false, 68, true), (true, 68, false), (true, 1_279, false), (true, 1_280, true)]
    {
        let mut net = Net::new(|probe| {
            let size = probe.bytes.len() as u32 + if v6 { 40 } else { 20 };
            let icmp = if v6 { (2, 0) } else { (3, 4) };
            Ok(vec![match size > named {
                true => error(probe, icmp.0, icmp.1, named, ms(1)),
                false => on_line(probe, 2, ms(2)),
            }])
        });
        let header = if v6 { 40 } else { 20 };
        let config = trace_config(TraceMethod::Udp, v6);
        let text =
            sketch(&net.events(TraceConfig { mtu: true, parallel: Some(1), len: 1_500 - header, ..config }));
        assert_eq!(text.contains(&format!("F={named}")), used, "{text}");
        assert_eq!(text.contains("F="), used, "{text}");
    }
    // A router of IPv6 that reports none.
    let mut net = Net::new(|probe| Ok(vec![error(probe, 2, 0, 0, ms(1))]));
    let config = trace_config(TraceMethod::Udp, true);
    net.events(TraceConfig { mtu: true, parallel: Some(1), len: 1_460, ..config });
    let sizes: Vec<_> = net.sent.iter().map(|probe| probe.bytes.len() + 40).collect();
    assert!(sizes.iter().all(|size| *size >= 1_280), "{sizes:?}");
}

#[test]
fn a_router_that_names_ever_smaller_mtus_is_followed_to_the_smallest() {
    for (queries, step) in [(10, 1), (1, 1), (10, 7)] {
        let mut net = Net::new(|probe| {
            let size = probe.bytes.len() as u32 + 20;
            Ok(vec![error(probe, 3, 4, size - step, ms(1)).from(router(1)).cut(48)])
        });
        let config =
            TraceConfig { mtu: true, parallel: Some(1), len: 8_980, queries, max_ttl: 255, ..config() };
        let text = sketch(&net.events(config));
        // Below the smallest MTU it is an error like another.
        assert!(text.contains("Unreachable { by: 10.1.1.1") && !text.contains("\n2: "), "{text}");
        let sizes: Vec<_> = net.sent.iter().map(|probe| probe.bytes.len() as u32 + 20).collect();
        let most = (9_000_u32 - 68).div_ceil(step) + u32::from(queries);
        assert!(sizes.len() as u32 <= most, "{} probes", sizes.len());
        assert!(sizes.iter().all(|size| *size >= 68));
    }
}

#[test]
fn probes_that_cannot_be_sent_are_reported_and_cause_no_wait() {
    let mut net = Net::new(|_| Err(rping::transport::send_fault(libc::EPERM, None)));
    let events = net.events(TraceConfig { max_ttl: 20, ..config() });
    let not_sent = |e: &&TraceEvent| matches!(e, TraceEvent::Decided { outcome: Outcome::NotSent(_), .. });
    assert_eq!(events.iter().filter(not_sent).count(), 60);
    let fault = rping::transport::send_fault(libc::EPERM, None);
    let ended = TraceEvent::Ended { at: net.now, ending: Ending::NotSent { fault } };
    assert_eq!(events.last(), Some(&ended));
    // No pace, and no limit of silent hops, is for what did not leave.
    assert_eq!(net.now, at(0));
    let mut net = Net::new(|_| Err(rping::transport::send_fault(libc::EPERM, None)));
    let events = net.events(TraceConfig { gap: ms(1_000), gap_limit: Some(2), ..config() });
    assert_eq!((events.last(), net.sent.len(), net.now), (Some(&ended), 90, at(0)));
}

/// A rule may match the TTL, or some probes at random.
#[test]
fn a_trace_whose_first_probes_are_refused_goes_on_where_one_may_leave() {
    let refused = rping::transport::send_fault(libc::EPERM, None);
    let net = |first: u8, all: bool| {
        Net::new(move |probe| match probe.ttl < first && (all || probe.nth != 2) {
            true => Err(refused),
            false => Ok(vec![on_line(probe, 25, ms(25))]),
        })
    };
    for all in [true, false] {
        let text = sketch(&net(25, all).events(config()));
        assert!(text.ends_with("25: 203.0.113.10 25 203.0.113.10 25 203.0.113.10 25\nReached"), "{text}");
        assert_eq!(text.matches("not-sent-1").count(), if all { 72 } else { 48 }, "{text}");
    }
    // The limit of silent hops counts those that were probed.
    let limited = TraceConfig { gap_limit: Some(2), ..config() };
    assert!(sketch(&net(25, true).events(limited)).ends_with("\nReached"));
    let mut net = Net::new(|probe| if probe.ttl < 25 { Err(refused) } else { Ok(vec![]) });
    assert!(sketch(&net.events(config())).ends_with("30: * * *\nHopLimit"));
}

#[test]
fn a_trace_waits_while_the_local_queue_is_full() {
    let mut refused = 0;
    let mut net = Net::new(|probe| {
        if refused < 20 {
            refused += 1;
            return Err(rping::transport::send_fault(libc::ENOBUFS, None));
        }
        Ok(vec![on_line(probe, 2, ms(2))])
    });
    let text = sketch(&net.events(config()));
    assert!(text.ends_with("2: 203.0.113.10 2 203.0.113.10 2 203.0.113.10 2\nReached"), "{text}");
    assert!(millis(net.now) >= 200);
}

#[test]
fn a_probe_refused_by_the_local_queue_is_not_repeated_beyond_the_target() {
    let mut net = Net::new(|probe| match probe.ttl {
        6.. => Err(rping::transport::send_fault(libc::ENOBUFS, None)),
        _ => Ok(vec![on_line(probe, 2, ms(4))]),
    });
    assert!(sketch(&net.events(config())).ends_with("\nReached"));
    assert!(millis(net.now) < 100, "{}", millis(net.now));
}

#[test]
fn the_end_is_when_the_last_wait_is_over() {
    let mut net = Net::new(|_| Ok(vec![]));
    let events = net.events(TraceConfig { max_ttl: 2, ..config() });
    assert!(matches!(events.last(), Some(TraceEvent::Ended { at, .. }) if *at == net.now), "{events:?}");
}

#[test]
fn the_outcomes_so_far_are_reported_when_the_user_stops() {
    let mut net = Net::line(20, ms(840));
    net.stop_at = Some(sim::path::at(100));
    let text = sketch(&net.events(config()));
    // What is in flight is reported too: 39 probes without an answer, and their hops.
    let unfinished: String = (3..=15).map(|hop| format!("{hop}: ? ? ?\n")).collect();
    assert_eq!(
        text,
        format!(
            "1: 10.1.1.1 42 10.1.1.1 42 10.1.1.1 42\n2: 10.1.2.1 84 10.1.2.1 84 10.1.2.1 84\n{unfinished}Stopped"
        )
    );
    let mut net = Net::new(|probe| match probe.ttl {
        1 => Ok(vec![]),
        _ => Ok(vec![on_line(probe, 3, ms(60))]),
    });
    net.stop_at = Some(sim::path::at(50));
    let text = sketch(&net.events(config()));
    let unfinished: String = (3..=14).map(|hop| format!("{hop}: ? ? ?\n")).collect();
    assert_eq!(text, format!("1: ? ? ?\n2: 10.1.2.1 40 10.1.2.1 40 10.1.2.1 40\n{unfinished}Stopped"));
}

#[test]
fn a_router_that_limits_its_answers_gets_probes_more_slowly() {
    // One answer in 80 ms.
    let mut next = sim::path::at(0);
    let mut net = Net::new(|probe| {
        if probe.ttl == 1 {
            if probe.at < next {
                return Ok(vec![]);
            }
            next = probe.at + ms(80);
        }
        Ok(vec![on_line(probe, 2, ms(2))])
    });
    let text = sketch(&net.events(TraceConfig { queries: 6, ..config() }));
    let first = text.lines().next().unwrap();
    assert!(first.matches("10.1.1.1").count() >= 3, "{text}");
    let count = net.sent.iter().filter(|probe| probe.ttl == 1).count();
    assert_eq!(count, 6);
}

#[test]
fn ports_that_rise_carry_the_number_where_they_must_and_wrap_past_the_last() {
    let mut config = trace_config(TraceMethod::Udp, false);
    config.flow.carrier = Carrier::DestinationPort;
    config.flow.dst_port = 65_533;
    let mut net = Net::line(3, ms(3));
    let text = sketch(&net.events(config));
    assert!(text.ends_with("3: 203.0.113.10 3 203.0.113.10 3 203.0.113.10 3\nReached"), "{text}");
    let ports: Vec<_> = net.sent.iter().map(|probe| probe.dst.port()).take(5).collect();
    assert_eq!(ports, [65_533, 65_534, 65_535, 1, 2]);
}

#[test]
fn all_probes_of_a_trace_carry_one_flow_identifier() {
    for method in [TraceMethod::Echo, TraceMethod::Udp, TraceMethod::Tcp(SYN)] {
        for v6 in [false, true] {
            let mut net = Net::line(12, ms(12));
            net.events(trace_config(method, v6));
            let first =
                |probe: &sim::path::Probe| sim::path::quote(probe)[if v6 { 40 } else { 20 }..][..4].to_vec();
            let flow = first(&net.sent[0]);
            assert!(net.sent.iter().all(|probe| first(probe) == flow), "{method:?} {v6}");
        }
    }
}

#[test]
fn answers_from_impossible_addresses_are_reported_unchanged() {
    let odd: IpAddr = Ipv4Addr::new(127, 0, 0, 1).into();
    let mut net = Net::new(|probe| match probe.ttl {
        1 => Ok(vec![exceeded(probe, ms(1)).from(odd)]),
        2 => Ok(vec![exceeded(probe, ms(1)).from(HERE)]),
        _ => Ok(vec![reached(probe, ms(2))]),
    });
    assert!(sketch(&net.events(config())).ends_with("Reached"));
}

#[test]
fn an_answer_that_is_read_before_the_send_result_of_its_probe_counts() {
    use rping::clock::Instant;
    use rping::datagram::{ClockSource, Departed, Framing, Received};
    use rping::engine::Session;
    use rping::engine::trace::Trace;
    let mut trace = Trace::new(TraceConfig { max_ttl: 1, queries: 1, ..config() }, Instant::ZERO);
    let mut buffer = [0; 64];
    let transmit = trace.poll_transmit(Instant::ZERO, &mut buffer).expect("a probe");
    buffer[0] = 0;
    // The checksum of a reply differs from that of its request by the type alone.
    let sum = u16::from_be_bytes([buffer[2], buffer[3]]);
    let (sum, carried) = sum.overflowing_add(0x0800);
    buffer[2..4].copy_from_slice(&(sum + u16::from(carried)).to_be_bytes());
    let reply = rping::reply::Reply::parse(&Received {
        at: sim::path::at(3),
        clock: ClockSource::User,
        from: TARGET.into(),
        scope: 0,
        hop_limit: Some(60),
        options: &[],
        probe: None,
        framing: Framing::Icmpv4,
        bytes: &buffer[..transmit.len],
    });
    trace.handle_reply(&reply.unwrap().unwrap());
    trace.handle_sent(Departed { at: Instant::ZERO, port: 0 });
    let mut events = Vec::new();
    trace.take_events(|event| events.push(event.clone()));
    assert!(matches!(
        events.first(),
        Some(TraceEvent::Decided { outcome: Outcome::Answered(answer), .. }) if answer.rtt == ms(3)
    ));
    assert_eq!(trace.ending(), Some(Ending::Reached));
}

#[test]
fn a_path_of_255_hops_is_traced_with_the_highest_ttl() {
    let mut net = Net::line(255, Duration::from_millis(255));
    let events = net.events(TraceConfig { max_ttl: 255, queries: 1, ..config() });
    assert_eq!(in_turn(&events).count(), 256);
    assert!(sketch(&events).ends_with("Reached"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Whatever the network does, and whenever the user stops: the trace ends, every query is reported once
    /// and in order, no hop gets more probes than it may.
    #[test]
    fn every_trace_ends_and_reports_each_query_once_and_in_order(
        responses in prop::collection::vec((0..12_u8, 0..4_000_u64), 97),
        hops in 1..12_u8,
        queries in 1..=10_u8,
        max_ttl in 1..20_u8,
        parallel in prop::option::of(1..40_u16),
        given in any::<bool>(),
        mtu in any::<bool>(),
        gap_limit in prop::option::of(1..5_u8),
        stop in prop::option::of(0..3_000_u64),
    ) {
        let mut net = Net::new(|probe| {
            let (response, delay) = responses[probe.number as usize * 31 % responses.len()];
            let usual = || on_line(probe, hops, ms(delay.min(200)));
            match response {
                0 => Err(rping::transport::send_fault(libc::ENETUNREACH, None)),
                1 => Err(rping::transport::send_fault(libc::ENOBUFS, None)),
                2 | 3 => Ok(vec![]),
                4 => Ok(vec![error(probe, 3, (delay % 20) as u8, 1_400, ms(delay))]),
                5 => Ok(vec![usual(), usual(), usual().from(router(200))]),
                6 => Ok(vec![usual().cut((delay % 60) as usize)]),
                7 => Ok(vec![error(probe, 3, 4, (delay % 1_600) as u32, ms(1))]),
                8 => Ok(vec![exceeded(probe, ms(delay))]),
                _ => Ok(vec![usual()]),
            }
        });
        net.stop_at = stop.map(sim::path::at);
        let wait = if given { Wait::Given { max: ms(500), here: 3.0, near: 10.0 } } else { Wait::Adaptive };
        let len = if mtu { 1_480 } else { 40 };
        let parallel = if mtu { Some(1) } else { parallel };
        let config = TraceConfig { queries, max_ttl, parallel, wait, mtu, gap_limit, len, ..config() };
        let events = net.events(config);

        let reported: Vec<_> = events
            .iter()
            .filter_map(|event| match event {
                TraceEvent::Decided { ttl, query, .. } => Some((*ttl, *query)),
                _ => None,
            })
            .collect();
        let (ended, before) = events.split_last().expect("an end");
        let TraceEvent::Ended { ending, .. } = ended else { panic!("{ended:?} is no end") };
        let ends = before.iter().filter(|event| matches!(event, TraceEvent::Ended { .. })).count();
        prop_assert_eq!(ends, 0);
        prop_assert!(reported.windows(2).all(|two| two[0] < two[1]), "{:?}", reported);
        if *ending != Ending::Stopped {
            let whole: Vec<_> = (1..=reported.last().map_or(0, |(ttl, _)| *ttl))
                .flat_map(|ttl| (1..=queries).map(move |query| (ttl, query)))
                .collect();
            prop_assert_eq!(&reported, &whole);
        }
        if !mtu {
            for ttl in 1..=max_ttl {
                // Those that the local queue refused are tried again.
                let refused = |probe: &&sim::path::Probe| responses[probe.number as usize * 31 % responses.len()].0 != 1;
                let tries = net.sent.iter().filter(|probe| probe.ttl == ttl).filter(refused).count();
                // Silent ones are sent again three times at most, and not if the wait is given.
                let most = if given || parallel.is_some() { 1 } else { 4 };
                prop_assert!(tries <= most * usize::from(queries), "hop {}: {}", ttl, tries);
            }
        }
    }
}
