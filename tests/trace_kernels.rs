//! `rping traceroute` to a target of real kernels some time away, with the budgets, neighbours and connections that Linux
//! has: three answers of three at each hop.
//!
//! `RPING_KERNEL_RUNS=20 cargo test --test trace_kernels -- --nocapture` does each trace 20 times and prints a table.

#![allow(missing_docs)]

mod lab;

use std::collections::BTreeMap;
use std::time::Duration;

use lab::kernels::*;
use lab::*;

/// Round-trip times to the target, milliseconds.
const RTTS: [u64; 3] = [5, 84, 250];

/// Traces at the same time between hosts with known neighbours: a host sends 50 ICMP errors at once.
const TOGETHER: usize = 5;

/// What a trace is called with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    v6: bool,
    method: &'static str,
    ordinary: bool,
    rtt: u64,
}

impl Case {
    /// Every method of both families and users.
    fn all(rtt: u64) -> Vec<Self> {
        // Port 80 of the target is open, port 81 closed.
        let methods = ["-I", "-U", "-M default", "-T -p 80", "-T -p 81"];
        let of_families = |method, ordinary| [false, true].map(|v6| Self { v6, method, ordinary, rtt });
        let of_users =
            |method| [false, true].into_iter().flat_map(move |ordinary| of_families(method, ordinary));
        methods.into_iter().flat_map(of_users).collect()
    }

    /// Runs it from the address of this number.
    fn run(self, number: u16) -> Ran {
        let args = self.args(number);
        if self.ordinary { ordinary(&args) } else { traceroute(&args) }
    }

    fn args(self, number: u16) -> String {
        let target = if self.v6 { TARGET6 } else { TARGET4 };
        format!("-n {} -s {} {target}", self.method, source(self.v6, number))
    }

    /// What it prints.
    fn expected(self, firewall: Firewall) -> String {
        let (target, size, hops) = match self.v6 {
            false => (TARGET4, 60, ["10.9.0.2", "10.9.1.2", "10.9.2.2", TARGET4]),
            true => (TARGET6, 80, ["fd09::2", "fd09:0:0:1::2", "fd09:0:0:2::2", TARGET6]),
        };
        let hops = if firewall == Firewall::Silent {
            lines(&hops[..2]) + " 3  * * *\n" + &line(4, target)
        } else {
            lines(&hops)
        };
        format!("traceroute to {target} ({target}), 30 hops max, {size} byte packets\n{hops}")
    }
}

/// The lines of hops that answered each query, from the first on.
fn lines(hops: &[&str]) -> String {
    (1..).zip(hops).map(|(hop, from)| line(hop, from)).collect()
}

fn line(hop: usize, from: &str) -> String {
    format!("{hop:2}  {from}  # ms  # ms  # ms\n")
}

/// How often each trace is done.
fn runs() -> u16 {
    std::env::var("RPING_KERNEL_RUNS").map_or(1, |runs| runs.parse().expect("a number of runs"))
}

/// What came of the runs of a case.
#[derive(Clone, Debug, Default)]
struct Results {
    runs: u32,
    as_expected: u32,
    stars: usize,
    example: Option<String>,
}

impl Results {
    fn add(&mut self, ran: &Ran, expected: &str) {
        let seen = mask_times(&ran.stdout);
        self.runs += 1;
        if seen == expected && (ran.status, ran.stderr.as_str()) == (Some(0), "") {
            self.as_expected += 1;
        } else {
            self.stars += seen.matches('*').count().saturating_sub(expected.matches('*').count());
            self.example = Some(format!("{}{}[{:?}]", ran.stdout, ran.stderr, ran.status));
        }
    }
}

/// Does all cases, each run from an address of its own. In the first run of each, and each second one, no host has its
/// neighbours, and there are two traces of each family at a time: Linux keeps some 160 SYN segments for a neighbour that it
/// looks for, and drops the oldest for each further one.
fn trace_all(firewall: Firewall, rtts: &[u64]) {
    let runs = runs();
    let cases: Vec<_> = rtts.iter().copied().map(Case::all).collect();
    let in_all = cases.iter().map(Vec::len).sum::<usize>();
    let kernels = Kernels::new(firewall, runs * u16::try_from(in_all).expect("few cases"));
    allow_datagram();
    let mut results: BTreeMap<Case, Results> = BTreeMap::new();
    let mut number = 0;
    for of_rtt in &cases {
        kernels.set_rtt(Duration::from_millis(of_rtt[0].rtt));
        for run in 0..runs {
            let together = match firewall {
                // One of each family.
                Firewall::Masquerades => 2,
                _ if run % 2 == 0 => 4,
                _ => TOGETHER,
            };
            for group in of_rtt.chunks(together) {
                if firewall == Firewall::Masquerades {
                    renew_mask(number / 2);
                }
                if run % 2 == 0 {
                    flush_neighbours();
                }
                for (case, ran) in at_once(group, number) {
                    results.entry(case).or_default().add(&ran, &case.expected(firewall));
                }
                number += u16::try_from(group.len()).expect("few cases");
            }
        }
    }
    report(firewall, &results);
}

/// Runs all of these at the same time, the first from the address of this number.
fn at_once(cases: &[Case], first: u16) -> Vec<(Case, Ran)> {
    std::thread::scope(|scope| {
        let started: Vec<_> = (first..)
            .zip(cases)
            .map(|(number, case)| {
                let case = *case;
                (case, scope.spawn(move || case.run(number)))
            })
            .collect();
        started.into_iter().map(|(case, run)| (case, run.join().expect("a run"))).collect()
    })
}

/// Prints the table if there is more than one run of each, and fails if one printed anything else than expected.
fn report(firewall: Firewall, results: &BTreeMap<Case, Results>) {
    let mut failures = String::new();
    for (case, result) in results {
        let user = if case.ordinary { "ordinary" } else { "root" };
        let family = if case.v6 { 6 } else { 4 };
        let Results { runs, as_expected, stars, .. } = result;
        let line = format!(
            "{firewall:?} {:3} ms IPv{family} {:11} {user:8} {as_expected:3} of {runs}, {stars} stars",
            case.rtt, case.method
        );
        if *runs > 1 {
            figure(&line);
        }
        if let Some(example) = &result.example {
            failures += &format!("{line}\n{example}\n");
        }
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn three_answers_of_three_at_each_hop() {
    alone("three_answers_of_three_at_each_hop", || trace_all(Firewall::None, &RTTS));
}

#[test]
fn three_answers_of_three_behind_a_translator() {
    alone("three_answers_of_three_behind_a_translator", || trace_all(Firewall::Translates, &RTTS));
}

#[test]
fn three_answers_of_three_behind_a_translator_of_ports() {
    alone("three_answers_of_three_behind_a_translator_of_ports", || {
        trace_all(Firewall::TranslatesPorts, &RTTS)
    });
}

#[test]
fn three_answers_of_three_behind_a_router_that_masquerades() {
    alone("three_answers_of_three_behind_a_router_that_masquerades", || {
        trace_all(Firewall::Masquerades, &RTTS)
    });
}

#[test]
fn three_answers_of_three_behind_a_firewall_that_drops_what_is_invalid() {
    alone("three_answers_of_three_behind_a_firewall_that_drops_what_is_invalid", || {
        trace_all(Firewall::DropsInvalid, &RTTS);
    });
}

#[test]
fn a_silent_router_has_stars_and_no_other_hop_does() {
    alone("a_silent_router_has_stars_and_no_other_hop_does", || trace_all(Firewall::Silent, &[84]));
}

/// The methods that get errors about a host that is off, and the users that may use them. Connections show nothing after 0.95 s.
const REPORTED: [(&str, bool); 7] = [
    ("-I", false),
    ("-U", false),
    ("-M default", false),
    ("-T", false),
    ("-I", true),
    ("-U", true),
    ("-M default", true),
];

/// Runs all of these at the same time; each is the arguments, whether the user is an ordinary one, and the lines expected
/// after the first.
fn all_unreachable(traces: Vec<(String, bool, String)>, within: impl Fn(usize) -> String + Sync) {
    let ran: Vec<_> = std::thread::scope(|scope| {
        let within = &within;
        let start = |(n, (args, ordinary, lines)): (usize, (String, bool, String))| {
            let ran = scope.spawn(move || {
                let user = if ordinary { "setpriv --inh-caps=-all --bounding-set=-all" } else { "" };
                run("env", &format!("{} {user} {RPING} traceroute -n {args}", within(n)))
            });
            (lines, ran)
        };
        let started: Vec<_> = traces.into_iter().enumerate().map(start).collect();
        started.into_iter().map(|(lines, run)| (lines, run.join().expect("a run"))).collect()
    });
    for (lines, ran) in ran {
        let text = mask_times(&ran.stdout);
        let (_, hops) = text.split_once('\n').expect("a first line");
        assert_eq!((hops, ran.status, ran.stderr.as_str()), (lines.as_str(), Some(1), ""), "{}", ran.stdout);
    }
}

fn unreachable(hop: usize, by: &str) -> String {
    format!("{hop:2}  {by}  # ms !H  # ms !H  # ms !H\n")
}

#[test]
fn a_host_that_is_off_on_the_own_network_ends_the_trace_at_the_first_hop() {
    alone("a_host_that_is_off_on_the_own_network_ends_the_trace_at_the_first_hop", || {
        // A host reports 50 failures at once, fewer than one trace has: each has a host of its own.
        lonely_hosts(2 * REPORTED.len());
        let each = REPORTED
            .into_iter()
            .flat_map(|method| [(method, "10.9.0.77", "10.9.0.1"), (method, "fd09::77", "fd09::1")]);
        let traces = each.map(|((method, ordinary), host, own)| {
            (format!("{method} {host}"), ordinary, unreachable(1, own))
        });
        all_unreachable(traces.collect(), |n| format!("ip netns exec h{n}"));
    });
}

/// A router reports six failures to each address, and 50 at once in all.
fn off_behind_a_router(v6: bool) {
    let kernels = Kernels::new(Firewall::None, REPORTED.len() as u16);
    kernels.set_rtt(Duration::from_millis(20));
    allow_datagram();
    let (net, routers) = match v6 {
        false => ("10.9.3.", ["10.9.0.2", "10.9.1.2", "10.9.2.2"]),
        true => ("fd09:0:0:3::", ["fd09::2", "fd09:0:0:1::2", "fd09:0:0:2::2"]),
    };
    let expected = lines(&routers) + &unreachable(4, routers[2]);
    let traces: Vec<_> = (0..)
        .zip(REPORTED)
        .map(|(n, (method, ordinary))| {
            let args = format!("{method} -s {} {net}{}", source(v6, n), 100 + n);
            (args, ordinary, expected.clone())
        })
        .collect();
    for some in traces.chunks(4) {
        all_unreachable(some.to_vec(), |_| String::new());
    }
}

#[test]
fn a_host_that_is_off_behind_a_router_ends_an_ipv4_trace_at_its_hop() {
    alone("a_host_that_is_off_behind_a_router_ends_an_ipv4_trace_at_its_hop", || off_behind_a_router(false));
}

#[test]
fn a_host_that_is_off_behind_a_router_ends_an_ipv6_trace_at_its_hop() {
    alone("a_host_that_is_off_behind_a_router_ends_an_ipv6_trace_at_its_hop", || off_behind_a_router(true));
}

/// Each router of the loop sends six errors, and then one a second.
#[test]
fn a_loop_between_two_routers_is_named() {
    alone("a_loop_between_two_routers_is_named", || {
        let methods = ["-I", "-U", "-M default", "-T"];
        let ways: Vec<_> = methods.into_iter().flat_map(|method| [(method, false), (method, true)]).collect();
        let kernels = Kernels::new(Firewall::None, ways.len() as u16);
        kernels.set_rtt(Duration::from_millis(20));
        allow_datagram();
        // Beyond the delay, between the second and the third router.
        sh("ip -n r3 route add 10.5.0.0/16 via 10.9.2.1; ip -n r3 -6 route add fd05::/64 via fd09:0:0:2::1");
        // Over IPv6 a router answers from the address that faces what arrived.
        let ends = [
            (false, "10.5.0.1", "10.9.1.2 is hop 2 and hop 4"),
            (true, "fd05::1", "fd09:0:0:2::2 is hop 3 and hop 5"),
        ];
        for (v6, target, turns) in ends {
            let ran: Vec<_> = std::thread::scope(|scope| {
                let start = |(number, (method, user)): (u16, (&str, bool))| {
                    let args = format!("-n --summary {method} -s {} {target}", source(v6, number));
                    scope.spawn(move || if user { ordinary(&args) } else { traceroute(&args) })
                };
                let started: Vec<_> = (0..).zip(ways.iter().copied()).map(start).collect();
                started.into_iter().map(|run| run.join().expect("a run")).collect()
            });
            for (way, ran) in ways.iter().zip(ran) {
                let last = ran.stdout.lines().last().unwrap_or_default();
                let end = format!("not reached, the path loops: {turns}: ");
                assert!(
                    last.contains(&end) && ran.status == Some(1),
                    "{way:?}: {}{}",
                    ran.stdout,
                    ran.stderr
                );
            }
        }
    });
}

#[test]
fn an_error_that_arrives_while_a_connection_is_checked_is_reported() {
    alone("an_error_that_arrives_while_a_connection_is_checked_is_reported", || {
        if !has(Need::Netns, "strace") {
            return;
        }
        let kernels = Kernels::new(Firewall::None, 0);
        kernels.set_rtt(Duration::from_millis(50));
        // It comes between the look at the error queue and that at the state of the connection.
        let late = "-f -qq -o /dev/null --inject=getsockopt:delay_enter=200000";
        for (target, router) in [(TARGET4, "10.9.2.2"), (TARGET6, "fd09:0:0:2::2")] {
            let args = format!("traceroute -n -q1 -f3 -m3 -T {target}");
            let ran =
                run("strace", &format!("{late} setpriv --inh-caps=-all --bounding-set=-all {RPING} {args}"));
            let hop = format!("\n 3  {router}  # ms\n");
            assert!(mask_times(&ran.stdout).ends_with(&hop), "{}{}", ran.stdout, ran.stderr);
        }
    });
}

#[test]
fn connections_that_are_looked_at_late_were_answered_in_time() {
    alone("connections_that_are_looked_at_late_were_answered_in_time", || {
        if !has(Need::Netns, "strace") {
            return;
        }
        let kernels = Kernels::new(Firewall::None, 0);
        kernels.set_rtt(Duration::from_millis(50));
        // It is held up for longer than the kernel takes to send a segment again. With -N no query is sent again.
        let held = "-f -qq -o /dev/null --inject=ppoll:delay_enter=1200000:when=1";
        for (target, hops, v6) in
            [(TARGET4, ["10.9.2.2", TARGET4], false), (TARGET6, ["fd09:0:0:2::2", TARGET6], true)]
        {
            for port in [80, 81] {
                let args = format!("traceroute -n -q2 -f3 -m6 -N8 -T -p {port} {target}");
                let user = "setpriv --inh-caps=-all --bounding-set=-all";
                let ran = run("strace", &format!("{held} {user} {RPING} {args}"));
                let text = mask_times(&ran.stdout);
                let lines = format!("\n 3  {}  # ms  # ms\n 4  {}  # ms  # ms\n", hops[0], hops[1]);
                assert!(text.ends_with(&lines), "{port}, {v6}: {}{}", ran.stdout, ran.stderr);
            }
        }
    });
}

#[test]
fn few_descriptors_change_no_trace() {
    alone("few_descriptors_change_no_trace", || {
        let kernels = Kernels::new(Firewall::None, 19);
        kernels.set_rtt(Duration::from_millis(50));
        let methods = ["-U", "-T -p 80", "-T -p 81"];
        let cases: Vec<_> = methods
            .into_iter()
            .flat_map(|method| [false, true].map(|v6| Case { v6, method, ordinary: true, rtt: 50 }))
            .collect();
        // Of 8 descriptors one is left for a probe, of 20 eight, some for names.
        for (round, limit) in [8, 12, 20].into_iter().enumerate() {
            let ran: Vec<_> = std::thread::scope(|scope| {
                let numbers = u16::try_from(6 * round).expect("a few")..;
                let start = |(number, case): (u16, &Case)| {
                    let (case, args) = (*case, case.args(number));
                    let limited = format!(
                        "--nofile={limit} setpriv --inh-caps=-all --bounding-set=-all {RPING} traceroute {args}"
                    );
                    (case, scope.spawn(move || run("prlimit", &limited)))
                };
                let started: Vec<_> = numbers.zip(&cases).map(start).collect();
                started.into_iter().map(|(case, run)| (case, run.join().expect("a run"))).collect()
            });
            for (case, ran) in ran {
                let (text, expected) = (mask_times(&ran.stdout), case.expected(Firewall::None));
                assert_eq!(
                    (text, ran.status, ran.stderr.as_str()),
                    (expected, Some(0), ""),
                    "{limit}, {case:?}"
                );
            }
        }
        // Raw TCP probes have two source ports for each query, and a socket keeps each port.
        for v6 in [false, true] {
            let case = Case { v6, method: "-q6 -T", ordinary: false, rtt: 50 };
            let ran = run("prlimit", &format!("--nofile=16 {RPING} traceroute {}", case.args(18)));
            let expected = case.expected(Firewall::None).replace("  # ms\n", &("  # ms".repeat(4) + "\n"));
            assert_eq!((mask_times(&ran.stdout), ran.status, ran.stderr.as_str()), (expected, Some(0), ""));
        }
    });
}
