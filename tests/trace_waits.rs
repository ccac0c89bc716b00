//! Traces past nodes that are silent at first, slow, limited or off, in virtual time: how long a trace waits, and what it sends
//! again.

mod sim;

use std::net::IpAddr;
use std::time::Duration;

use rping::clock::Instant;
use rping::engine::trace::TraceConfig;
use rping::probe::trace::{TcpOptions, TraceMethod};

use sim::ms;
use sim::path::{
    HERE, Net, Probe, TARGET, at, config, error, exceeded, millis, on_line, reached, router, sketch, stamp,
    trace_config,
};

const SYN: TcpOptions =
    TcpOptions { flags: 2, mss: Some(1460), sack: true, timestamps: true, window_scale: true };

/// A path of six hops with 10 ms from one to the next.
fn six(probe: &Probe) -> sim::Packet {
    on_line(probe, 6, ms(60))
}

fn lines_of_six() -> String {
    let router = |ttl: u8| format!("{ttl}: {0} {1} {0} {1} {0} {1}\n", router(ttl), u64::from(ttl) * 10);
    (1..6).map(router).collect::<String>() + &format!("6: {TARGET} 60 {TARGET} 60 {TARGET} 60\nReached")
}

/// A budget of ICMP errors, as Linux has one for each destination: `burst` at once, then one each `interval`.
struct Budget {
    tokens: u32,
    burst: u32,
    interval: Duration,
    since: Instant,
}

impl Budget {
    fn new(tokens: u32, burst: u32, interval: Duration) -> Self {
        Self { tokens, burst, interval, since: Instant::ZERO }
    }

    fn allows(&mut self, now: Instant) -> bool {
        while self.since + self.interval <= now {
            self.since = self.since + self.interval;
            self.tokens = (self.tokens + 1).min(self.burst);
        }
        let allowed = self.tokens > 0;
        self.tokens -= u32::from(allowed);
        allowed
    }
}

#[test]
fn a_target_that_is_silent_at_first_is_at_its_hop() {
    for method in [TraceMethod::Echo, TraceMethod::Udp] {
        for until in [1, 2, 5, 20, 80, 150, 900] {
            let mut net = Net::new(|probe| match probe.ttl {
                6.. if probe.at < at(until) => Ok(vec![]),
                _ => Ok(vec![six(probe)]),
            });
            let text = sketch(&net.events(trace_config(method, false)));
            assert_eq!(text, lines_of_six(), "{method:?}, silent for {until} ms");
        }
    }
}

#[test]
fn a_last_router_that_is_silent_at_first_is_shown() {
    for until in [5, 20, 80, 110] {
        let mut net = Net::new(|probe| match probe.ttl {
            5 if probe.at < at(until) => Ok(vec![]),
            _ => Ok(vec![six(probe)]),
        });
        assert_eq!(sketch(&net.events(config())), lines_of_six(), "silent for {until} ms");
    }
}

#[test]
fn a_target_without_any_icmp_error_left_is_at_its_hop() {
    for tokens in 0..=6 {
        let mut budget = Budget::new(tokens, 6, ms(1_000));
        let mut net = Net::new(|probe| match probe.ttl {
            6.. if !budget.allows(probe.at) => Ok(vec![]),
            _ => Ok(vec![six(probe)]),
        });
        let text = sketch(&net.events(trace_config(TraceMethod::Udp, false)));
        let last = text.lines().nth(5).unwrap_or_default();
        assert!(last.starts_with("6: ") && last.contains("203.0.113.10 60"), "{tokens} left: {text}");
        assert!(text.ends_with("\nReached"), "{tokens} left: {text}");
    }
}

#[test]
fn the_six_icmp_errors_of_a_target_go_to_its_hop() {
    for hops in 1..=30 {
        let mut budget = Budget::new(6, 6, ms(1_000));
        let mut net = Net::new(|probe| match probe.ttl < hops || budget.allows(probe.at) {
            true => Ok(vec![on_line(probe, hops, ms(80))]),
            false => Ok(vec![]),
        });
        let text = sketch(&net.events(trace_config(TraceMethod::Udp, false)));
        assert!(!text.contains('*'), "{hops} hops: {text}");
        assert!(text.ends_with(&format!("{hops}: {TARGET} 80 {TARGET} 80 {TARGET} 80\nReached")), "{text}");
    }
}

#[test]
fn a_path_that_answers_slowly_at_first_has_no_star() {
    for slow in [100, 300, 700, 1_500] {
        // What leaves before the path is awake is answered when it is.
        let mut net = Net::new(|probe| {
            let usual = Duration::from_millis(60 * u64::from(probe.ttl.min(6)) / 6);
            let after = usual.max(at(slow).since(probe.at));
            Ok(vec![if probe.ttl < 6 { exceeded(probe, after) } else { reached(probe, after) }])
        });
        let text = sketch(&net.events(config()));
        assert!(!text.contains('*') && text.ends_with("\nReached"), "{slow} ms: {text}");
        assert_eq!(text.lines().count(), 7, "{slow} ms: {text}");
    }
}

#[test]
fn a_router_half_a_second_slower_than_its_neighbours_is_shown() {
    for hop in 1..=5 {
        let mut net = Net::new(|probe| match probe.ttl {
            ttl if ttl == hop => Ok(vec![exceeded(probe, ms(500))]),
            _ => Ok(vec![six(probe)]),
        });
        let text = sketch(&net.events(config()));
        assert!(text.contains(&format!("{hop}: {0} 500 {0} 500 {0} 500\n", router(hop))), "{text}");
    }
}

/// The local host, or a router, reports a host that is off after three seconds.
#[test]
fn a_host_that_is_off_ends_the_trace_at_its_hop() {
    for hop in [1, 2, 6, 15] {
        for failure in [3_000, 3_060, 3_200] {
            let mut net = Net::new(|probe| match probe.ttl < hop {
                true => Ok(vec![exceeded(probe, ms(5 * u64::from(probe.ttl)))]),
                // All that waited for the neighbour fail together.
                false => {
                    let by: IpAddr = if hop == 1 { HERE.into() } else { router(hop - 1).into() };
                    let after = at(failure).since(probe.at) + ms(5 * u64::from(hop - 1));
                    Ok(vec![error(probe, 3, 1, 0, after).from(by)])
                }
            });
            let text = sketch(&net.events(config()));
            let last = text.lines().nth(usize::from(hop) - 1).unwrap_or_default();
            assert!(last.starts_with(&format!("{hop}: ")) && !last.contains('*'), "{hop}, {failure}: {text}");
            assert!(
                text.lines().nth(usize::from(hop)).is_some_and(|end| end.starts_with("Unreachable")),
                "{text}"
            );
            assert!(millis(net.now) < 4_000, "{hop}, {failure}: {}", millis(net.now));
            let last_sent = net.sent.iter().map(|probe| millis(probe.at)).max();
            let first_report = failure + 5 * u64::from(hop - 1);
            assert!(last_sent <= Some(first_report), "{hop}, {failure}: {last_sent:?}");
        }
    }
}

/// Linux sends six ICMP errors, and then one a second: most probes to the host that is off stay without an answer.
#[test]
fn six_reports_of_a_host_that_is_off_are_enough() {
    for hop in [1, 3] {
        let mut reports = 0;
        let mut net = Net::new(|probe| match probe.ttl < hop {
            true => Ok(vec![exceeded(probe, ms(5 * u64::from(probe.ttl)))]),
            false => {
                reports += 1;
                let by: IpAddr = if hop == 1 { HERE.into() } else { router(hop - 1).into() };
                let report = error(probe, 3, 1, 0, at(3_060).since(probe.at)).from(by);
                Ok(if reports <= 6 { vec![report] } else { vec![] })
            }
        });
        let text = sketch(&net.events(config()));
        assert_eq!(text.lines().count(), usize::from(hop) + 1, "{text}");
        assert!(text.contains("\nUnreachable") && !text.contains('*'), "{text}");
        assert!(millis(net.now) < 4_000, "{}", millis(net.now));
    }
}

#[test]
fn a_report_of_a_host_that_is_off_makes_no_star_wait_longer() {
    let mut reports = 0;
    let mut net = Net::new(|probe| match probe.ttl {
        1 if probe.nth == 1 => Ok(vec![exceeded(probe, ms(1))]),
        1 => Ok(vec![]),
        _ => {
            reports += 1;
            Ok(if reports <= 2 { vec![error(probe, 3, 1, 0, ms(3_060)).from(router(1))] } else { vec![] })
        }
    });
    let text = sketch(&net.events(config()));
    assert!(text.starts_with("1: 10.1.1.1 1 * *\n2: 10.1.1.1 3060 10.1.1.1 3060 *\nUnreachable"), "{text}");
    assert!(millis(net.now) < 4_000, "{}", millis(net.now));
}

#[test]
fn a_silent_target_ends_within_four_seconds() {
    for (routers, rtt) in [(0, 0), (1, 1), (3, 5), (10, 84), (20, 84), (29, 40)] {
        let mut net = Net::new(|probe| match probe.ttl <= routers {
            true => Ok(vec![exceeded(probe, ms(rtt * u64::from(probe.ttl) / u64::from(routers)))]),
            false => Ok(vec![]),
        });
        let text = sketch(&net.events(config()));
        assert!(text.ends_with("30: * * *\nHopLimit"), "{text}");
        assert!(millis(net.now) < 4_000, "{routers} routers, {rtt} ms: {}", millis(net.now));
    }
}

#[test]
fn a_neighbour_that_does_not_answer_gets_few_probes_for_three_seconds() {
    for (queries, probes) in [(1, 3), (3, 9), (10, 3)] {
        let mut net = Net::new(|_| Ok(vec![]));
        net.events(TraceConfig { neighbour: true, queries, ..config() });
        let first = net.sent.iter().filter(|probe| probe.at < at(3_000)).collect::<Vec<_>>();
        assert!(first.iter().all(|probe| probe.ttl == 1), "{queries}: {first:?}");
        assert_eq!(first.len(), probes, "{queries}");
        assert!(net.sent.iter().any(|probe| probe.ttl == 30), "{queries}");
        assert!(net.now < at(if queries == 10 { 17_000 } else { 7_100 }), "{queries}: {:?}", net.now);
    }
}

/// The kernel stamps a probe when it leaves the machine, once the neighbour is known.
#[test]
fn a_silent_neighbour_with_a_known_address_ends_within_four_seconds() {
    for known in [0, 1, 20, 80] {
        let mut net = Net::new(|_| Ok(vec![]));
        net.stamps = Box::new(|probe| {
            let wait = at(known).since(probe.at);
            vec![stamp(probe, wait, wait)]
        });
        let text = sketch(&net.events(TraceConfig { neighbour: true, ..config() }));
        assert!(text.ends_with("30: * * *\nHopLimit"), "{text}");
        assert!(millis(net.now) < 4_000, "{known}: {}", millis(net.now));
        let beyond: Vec<_> = net.sent.iter().filter(|probe| probe.ttl > 1).map(|probe| probe.at).collect();
        assert!(beyond.first().is_some_and(|first| *first >= at(known)), "{known}: {beyond:?}");
    }
}

#[test]
fn a_neighbour_behind_routers_is_shown_as_any_target() {
    // Its network is routed through a tunnel.
    let mut net = Net::new(|probe| Ok(vec![six(probe)]));
    let text = sketch(&net.events(TraceConfig { neighbour: true, ..config() }));
    assert_eq!((text, net.now < at(75)), (lines_of_six(), true), "{:?}", net.now);
    // Or its first router is silent.
    let mut net = Net::new(|probe| Ok(if probe.ttl == 1 { vec![] } else { vec![six(probe)] }));
    let text = sketch(&net.events(TraceConfig { neighbour: true, ..config() }));
    assert!(text.starts_with("1: * * *\n2: ") && text.ends_with("\nReached"), "{text}");
}

#[test]
fn a_trace_of_ten_queries_past_routers_that_answer_once_takes_a_few_seconds() {
    for (burst, interval) in [(1, 60_000), (1, 1_000), (3, 1_000), (6, 1_000)] {
        let mut budgets: Vec<_> = (0..=6).map(|_| Budget::new(burst, burst, ms(interval))).collect();
        let mut net = Net::new(|probe| match probe.ttl {
            1..6 if !budgets[usize::from(probe.ttl)].allows(probe.at) => Ok(vec![]),
            _ => Ok(vec![six(probe)]),
        });
        let text = sketch(&net.events(TraceConfig { queries: 10, ..config() }));
        assert!(text.ends_with("\nReached"), "{text}");
        let per_hop = |ttl: u8| net.sent.iter().filter(|probe| probe.ttl == ttl).count();
        assert!((1..=6).all(|ttl| per_hop(ttl) == 10), "{text}");
        assert!(millis(net.now) < 5_000, "{burst} each {interval} ms: {}", millis(net.now));
    }
}

#[test]
fn the_second_probe_of_a_query_adds_no_time_and_is_no_duplicate() {
    // Hop 2 answers its first three probes after those that were sent again.
    let mut net = Net::new(|probe| match (probe.ttl, probe.nth) {
        (2, 1..=3) => Ok(vec![exceeded(probe, ms(300))]),
        _ => Ok(vec![six(probe)]),
    });
    let text = sketch(&net.events(config()));
    assert!(text.contains("2: 10.1.2.1 20 10.1.2.1 20 10.1.2.1 20\n3: "), "{text}");
    assert!(!text.contains('+'), "{text}");
}

#[test]
fn hops_that_never_answer_are_sent_a_second_probe_for_each_query_and_no_third() {
    let mut net = Net::new(|probe| match probe.ttl {
        2 | 4 => Ok(vec![]),
        _ => Ok(vec![six(probe)]),
    });
    let text = sketch(&net.events(config()));
    assert!(text.contains("\n2: * * *\n") && text.contains("\n4: * * *\n"), "{text}");
    let per_hop = |ttl: u8| net.sent.iter().filter(|probe| probe.ttl == ttl).count();
    assert_eq!((1..=6).map(per_hop).collect::<Vec<_>>(), [3, 6, 3, 6, 3, 3]);
}

#[test]
fn a_star_of_a_tcp_trace_is_sent_again_from_another_port() {
    let port = |probe: &Probe| u16::from_be_bytes([probe.bytes[0], probe.bytes[1]]);
    let methods = [(TraceMethod::Tcp(SYN), 0), (TraceMethod::Udp, 1)];
    // At the target, and before it.
    for (hop, (method, stars)) in [3, 2, 1].into_iter().flat_map(|hop| methods.map(|method| (hop, method))) {
        let mut net = Net::new(|probe| match probe.ttl == hop && probe.nth == 2 {
            true => Ok(vec![]),
            false => Ok(vec![on_line(probe, 3, ms(30))]),
        });
        let mut config = trace_config(method, false);
        config.flow.src_ports = 6;
        let text = sketch(&net.events(config));
        assert_eq!(text.matches('*').count(), stars, "{hop}: {text}");
        if stars == 0 {
            let ports: Vec<_> = net.sent.iter().filter(|probe| probe.ttl == hop).map(port).collect();
            let offsets: Vec<_> = ports.iter().map(|port| port - ports[0]).collect();
            assert_eq!(offsets, [0, 1, 2, 4], "the second query's next port");
        }
    }
}

/// A path of six hops to a Linux host, which sends six ICMP errors at once, and then one a second; what is `lost` does not
/// arrive.
fn limited<'a>(mut lost: impl FnMut(&Probe) -> bool + 'a) -> Net<'a> {
    let mut budget = Budget::new(6, 6, ms(1_000));
    Net::new(move |probe| match probe.ttl {
        _ if lost(probe) => Ok(vec![]),
        6.. if !budget.allows(probe.at) => Ok(vec![]),
        _ => Ok(vec![six(probe)]),
    })
}

#[test]
fn a_limited_target_that_is_silent_at_first_is_at_its_hop() {
    for until in [1, 2, 3, 5, 20, 50] {
        let mut net = limited(|probe| probe.ttl >= 6 && probe.at < at(until));
        let text = sketch(&net.events(trace_config(TraceMethod::Udp, false)));
        assert_eq!(text, lines_of_six(), "silent for {until} ms");
        assert!(millis(net.now) < 3_500, "silent for {until} ms: {}", millis(net.now));
    }
}

#[test]
fn a_limited_target_is_found_behind_a_silent_router() {
    for (silent, until) in [(5, 0), (5, 2), (4, 3), (3, 5)] {
        let mut net = limited(|probe| match probe.ttl {
            6.. => probe.at < at(until),
            ttl => ttl >= silent,
        });
        let text = sketch(&net.events(trace_config(TraceMethod::Udp, false)));
        let stars: String = (silent..6).map(|ttl| format!("{ttl}: * * *\n")).collect();
        let last = format!("6: {TARGET} 60 {TARGET} 60 {TARGET} 60\nReached");
        assert!(text.ends_with(&(stars + &last)), "{silent}, {until} ms: {text}");
        let took = millis(net.now);
        assert!(took < if until == 0 { 1_700 } else { 3_500 }, "{silent}, {until} ms: {took} ms");
    }
}

/// Router 3 refuses what it should forward, and limits its errors. Of the first probes that it has one for, some go far
/// beyond it.
#[test]
fn a_router_that_limits_its_refusals_is_at_its_hop() {
    for method in [TraceMethod::Echo, TraceMethod::Udp, TraceMethod::Tcp(SYN)] {
        for (tokens, burst, interval) in [
            (0, 1, 500),
            (1, 1, 500),
            (0, 6, 1_000),
            (2, 6, 1_000),
            (4, 6, 1_000),
            (6, 6, 1_000),
            (0, 3, 700),
        ] {
            let mut budget = Budget::new(tokens, burst, ms(interval));
            let mut net = Net::new(|probe| match probe.ttl {
                ..3 => Ok(vec![six(probe)]),
                _ if !budget.allows(probe.at) => Ok(vec![]),
                3 => Ok(vec![six(probe)]),
                _ => Ok(vec![error(probe, 3, 13, 0, ms(30)).from(router(3))]),
            });
            let text = sketch(&net.events(trace_config(method, false)));
            let (_, last) = text.split_once("\n4: ").expect(&text);
            let case = format!("{method:?}, {tokens} of {burst} each {interval} ms: {text}");
            assert!(last.contains("10.1.3.1") && last.contains("\nUnreachable"), "{case}");
            assert_eq!(last.lines().count(), 2, "{case}");
            assert!(millis(net.now) < 4_200, "{case}: {}", millis(net.now));
        }
    }
}

#[test]
fn probes_that_are_overtaken_by_those_beyond_a_limited_target_are_sent_again() {
    for overtaken in 1..=2 {
        let is_late = |probe: &Probe| probe.ttl == 6 && probe.nth > 3 - overtaken && probe.nth <= 3;
        let mut net = limited(is_late);
        let text = sketch(&net.events(trace_config(TraceMethod::Udp, false)));
        assert_eq!(text, lines_of_six(), "{overtaken} overtaken");
        let (sent, took) = (net.sent.iter().filter(|probe| probe.ttl == 6).count(), millis(net.now));
        assert_eq!(sent, 3 + overtaken as usize, "{overtaken} overtaken");
        assert!(took < 1_150 * overtaken, "{overtaken} overtaken: {took} ms");
    }
}

#[test]
fn a_second_trace_to_a_limited_target_shows_the_whole_path() {
    for pause in [0, 300, 1_000, 2_500] {
        let mut budget = Budget::new(6, 6, ms(1_000));
        let mut net = Net::new(|probe| match probe.ttl {
            6.. if !budget.allows(probe.at) => Ok(vec![]),
            _ => Ok(vec![six(probe)]),
        });
        let first = sketch(&net.events(trace_config(TraceMethod::Udp, false)));
        net.now = net.now + ms(pause);
        let second = sketch(&net.events(trace_config(TraceMethod::Udp, false)));
        assert_eq!((first, second), (lines_of_six(), lines_of_six()), "{pause} ms later");
    }
}

#[test]
fn a_target_that_does_not_limit_its_errors_causes_no_further_wait() {
    for silent in [1, 3, 5] {
        let mut net = Net::new(|probe| match probe.ttl {
            ttl if ttl == silent => Ok(vec![]),
            _ => Ok(vec![six(probe)]),
        });
        let text = sketch(&net.events(trace_config(TraceMethod::Udp, false)));
        assert!(text.contains(&format!("{silent}: * * *\n")) && text.ends_with("\nReached"), "{text}");
        assert!(millis(net.now) < 900, "{}", millis(net.now));
    }
}

/// No descriptor is free for the socket of a probe until another probe is no longer waited for: 3.3 seconds, for example.
#[test]
fn a_probe_waits_for_a_descriptor_as_long_as_it_must() {
    for until in [20, 700, 3_400, 10_000] {
        let mut net = Net::new(|probe| match probe.ttl {
            3.. if probe.at < at(until) => Err(rping::transport::send_fault(libc::EMFILE, None)),
            _ => Ok(vec![six(probe)]),
        });
        assert_eq!(sketch(&net.events(config())), lines_of_six(), "{until} ms");
        let took = millis(net.now);
        assert!((until..until + 100).contains(&took), "{until} ms: {took} ms");
    }
}

#[test]
fn the_wait_for_an_answer_begins_when_the_probe_is_sent() {
    // A host that is off is reported three seconds after the first probe to it left.
    let mut net = Net::new(|probe| match probe.ttl {
        1 => Ok(vec![exceeded(probe, ms(1))]),
        _ if probe.at < at(3_400) => Err(rping::transport::send_fault(libc::EMFILE, None)),
        _ => Ok(vec![error(probe, 3, 1, 0, at(6_460).since(probe.at)).from(router(1))]),
    });
    let text = sketch(&net.events(config()));
    assert!(text.contains("\n2: 10.1.1.1 30") && text.contains("\nUnreachable"), "{text}");
}
