//! `--until up` and `--until down`, in virtual time: the moment at which a run ends, and the line about it.

mod sim;

use std::cell::Cell;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;

use rping::clock::Instant;
use rping::engine::ping::event::{Missing, NameState};
use rping::engine::ping::{Limits, Ping, TargetState, Targets, Until};
use rping::output::{Output, Stream};
use rping::report::text::until;
use rping::stats::verdict::until::Waited;
use sim::*;

fn limits(state: TargetState, in_a_row: u32) -> Limits {
    Limits {
        keep_going: true,
        until: Some(Until { state, in_a_row }),
        awaits_names: true,
        ..Limits::default()
    }
}

/// `--until STATE:N`, a probe each second.
fn config(state: TargetState, in_a_row: u32) -> Config {
    Config { limits: limits(state, in_a_row), ..sim::config() }
}

use TargetState::{Down, Up};

/// When a run ends, in milliseconds after its start; since when the target is in the state; and the probes sent.
fn end(config: Config, script: impl FnMut(&Seen) -> Response) -> (u128, Option<u128>, usize) {
    let mut sim = Sim::<Ping>::new(config, script);
    let end = sim.run(|_| ());
    let millis = |at: Instant| at.since(Instant::ZERO).as_millis();
    (millis(end), sim.session.watch().held().map(millis), sim.sent.len())
}

/// A host that comes up at a time.
fn from(millis: u64) -> impl FnMut(&Seen) -> Response {
    move |probe| {
        let up = probe.at >= Instant::ZERO + ms(millis);
        Ok(if up { vec![echo(probe, ms(20))] } else { vec![] })
    }
}

#[test]
fn a_run_ends_with_the_first_answer_within_an_interval_of_the_host_being_up() {
    assert_eq!(end(config(Up, 1), from(0)), (20, Some(20), 1));
    assert_eq!(end(config(Up, 1), from(5_300)), (6_020, Some(6_020), 7));
    assert_eq!(end(config(Up, 3), from(5_300)), (8_020, Some(8_020), 9));
    let quick = Pacing { interval: ms(200), adaptive: None, preload: 1 };
    assert_eq!(end(Config { pacing: quick, ..config(Up, 1) }, from(5_300)), (5_420, Some(5_420), 28));
}

/// A host in our own network: while it is off, our kernel holds three packets and reports them after three seconds of
/// requests for the address. When it comes up, at a request, it gets those that are held.
fn neighbour(up: u64) -> impl FnMut(&Seen) -> Response {
    move |probe| {
        let (sent, up) = (probe.at.since(Instant::ZERO), ms(up));
        let failed = ms(3_000 * (sent.as_millis() as u64 / 3_000 + 1));
        Ok(vec![match (sent >= up, up < failed) {
            (true, _) => echo(probe, ms(1)),
            (false, true) => echo(probe, up - sent + ms(1)),
            (false, false) => queued(probe, 3, 1, 0, failed - sent),
        }])
    }
}

#[test]
fn a_host_that_is_off_in_the_own_network_is_waited_for_in_spite_of_errors() {
    assert_eq!(end(config(Up, 1), neighbour(7_500)), (7_501, Some(7_501), 8));
    // As with -w, which an error ends otherwise.
    let limited = Config { deadline: Some(ms(60_000)), ..config(Up, 1) };
    assert_eq!(end(limited.clone(), neighbour(7_500)), (7_501, Some(7_501), 8));
    assert_eq!(end(Config { limits: limits(Up, 3), ..limited }, neighbour(7_500)), (8_001, Some(8_001), 9));
    assert_eq!(end(config(Down, 1), neighbour(u64::MAX / 2_000_000)), (1_000, Some(1_000), 1));
}

#[test]
fn a_late_answer_shows_that_the_host_is_up() {
    // Each probe is lost after a second, before its answer comes.
    let slow = |probe: &Seen| Ok(vec![echo(probe, ms(3_500))]);
    assert_eq!(end(config(Up, 1), slow), (3_500, Some(3_500), 4));
    assert_eq!(end(config(Up, 2), slow), (4_500, Some(4_500), 5));
    // Down is known when a probe is lost, and an answer begins the count anew.
    assert_eq!(end(config(Down, 1), slow), (1_000, Some(1_000), 1));
    let patient = Limits { timeout: Some(ms(4_000)), ..limits(Down, 1) };
    let limited = Config { limits: patient, deadline: Some(ms(30_000)), ..config(Down, 1) };
    assert_eq!(end(limited, slow).1, None);
}

/// A host that is up before a time, and so far away.
fn until(millis: u64, rtt: u64) -> impl FnMut(&Seen) -> Response {
    move |probe| {
        let up = probe.at < Instant::ZERO + ms(millis);
        Ok(if up { vec![echo(probe, ms(rtt))] } else { vec![] })
    }
}

#[test]
fn a_probe_is_lost_after_four_times_the_longest_time_so_far_once_there_is_one() {
    let lost_after = |rtt| end(config(Down, 1), until(4_500, rtt)).0 - 5_000;
    assert_eq!([1, 50, 51, 84, 250, 400].map(lost_after), [200, 200, 204, 336, 1_000, 1_000]);
    assert_eq!(lost_after(700), 1_400, "twice, as in other runs");
    assert_eq!(end(config(Down, 1), until(0, 1)).0, 1_000, "no answer came");
    // A single slow answer makes all later probes be waited for longer.
    let mut slow = until(4_500, 1);
    let once =
        move |probe: &Seen| if probe.number == 2 { Ok(vec![echo(probe, ms(150))]) } else { slow(probe) };
    assert_eq!(end(config(Down, 1), once).0, 5_600);
    let quick = Pacing { interval: ms(200), adaptive: None, preload: 1 };
    assert_eq!(end(Config { pacing: quick, ..config(Down, 1) }, until(4_500, 1)), (4_800, Some(4_800), 24));
}

#[test]
fn a_run_ends_when_the_host_is_down_so_many_times_in_a_row() {
    assert_eq!(end(config(Down, 1), until(4_500, 20)), (5_200, Some(5_200), 6));
    assert_eq!(end(config(Down, 3), until(4_500, 20)), (7_200, Some(7_200), 8));
    let timeout = Limits { timeout: Some(ms(300)), ..limits(Down, 3) };
    assert_eq!(end(Config { limits: timeout, ..config(Down, 3) }, until(4_500, 20)), (7_300, Some(7_300), 8));
    // A router reports it at once.
    let reported = |probe: &Seen| {
        let up = probe.number < 5;
        Ok(vec![if up { echo(probe, ms(20)) } else { error(probe, 3, 1, 0, ms(5)) }])
    };
    assert_eq!(end(config(Down, 2), reported), (5_005, Some(5_005), 6));
    // Every third probe is lost: never two in a row.
    let lossy =
        |probe: &Seen| Ok(if probe.number.is_multiple_of(3) { vec![] } else { vec![echo(probe, ms(20))] });
    let limited = Config { deadline: Some(ms(30_000)), ..config(Down, 2) };
    assert_eq!(end(limited.clone(), lossy), (30_000, None, 30));
    assert_eq!(end(Config { limits: limits(Up, 3), ..limited }, lossy), (30_000, None, 30));
}

#[test]
fn an_unsent_probe_shows_neither_state() {
    let refused = |_: &Seen| Err(rping::transport::send_fault(1, None));
    for state in [Up, Down] {
        let limited = Config { deadline: Some(ms(5_500)), ..config(state, 1) };
        assert_eq!(end(limited, refused), (5_500, None, 0));
    }
}

/// The same for three hosts, 192.0.2.2 and so on, a probe a second to each: when it ends, how many are in the state, and
/// whether all are.
fn many(limits: Limits, script: impl FnMut(&Seen) -> Response) -> (u128, u32, bool) {
    let mut targets = Targets::default();
    targets.add(SocketAddr::new(TARGET.into(), 0), 3);
    let demand = Demand::Probes { count: 1, interval: ms(1_000) };
    let deadline = Some(ms(20_500));
    let config = ManyConfig { limits, deadline, ..ManyConfig::new(Rc::new(targets), demand) };
    let config = rping::engine::ping::Config { count: None, ..config.into() };
    let mut sim = Sim::of(Ping::new(config, [identity(); 2], Instant::ZERO), script);
    let end = sim.run(|_| ());
    let watch = sim.session.watch();
    (end.since(Instant::ZERO).as_millis(), watch.holding(), watch.held().is_some())
}

/// Which of the hosts a probe is for, from 0.
fn host(probe: &Seen) -> u64 {
    let std::net::IpAddr::V4(v4) = probe.dst.ip() else { unreachable!("one family") };
    (v4.to_bits() - TARGET.to_bits()).into()
}

#[test]
fn all_of_many_hosts_must_be_in_the_state_at_one_time() {
    // The hosts come up after 0, 3 and 6 s.
    let staggered = |probe: &Seen| {
        let up = probe.at >= Instant::ZERO + ms(3_000 * host(probe));
        Ok(if up { vec![echo(probe, ms(20))] } else { vec![] })
    };
    assert_eq!(many(limits(Up, 1), staggered), (6_022, 3, true));
    assert_eq!(many(limits(Up, 3), staggered), (8_022, 3, true));
    // The first host is up only while the last one is not.
    let seesaw = |probe: &Seen| {
        let late = probe.at >= Instant::ZERO + ms(6_000);
        let up = host(probe) == 1 || late == (host(probe) == 2);
        Ok(if up { vec![echo(probe, ms(20))] } else { vec![error(probe, 3, 1, 0, ms(1))] })
    };
    assert_eq!(many(limits(Up, 1), seesaw), (20_500, 2, false));
    assert_eq!(many(limits(Down, 1), |probe| Ok(vec![error(probe, 3, 1, 0, ms(1))])), (3, 3, true));
}

/// `--until up` for some addresses that answer and some names: when it ends, and how many are in the state, of how many.
/// A name is found under an address, or unknown, after so many milliseconds each.
fn named(first: u32, names: &[&[(u64, Option<u8>)]]) -> (u128, u32, u32) {
    let mut targets = Targets::default();
    targets.add(SocketAddr::new(TARGET.into(), 0), first);
    let demand = Demand::Probes { count: 1, interval: ms(1_000) };
    let (deadline, count) = (Some(ms(20_500)), names.len() as u32);
    let config = ManyConfig {
        names: count,
        limits: limits(Up, 1),
        deadline,
        ..ManyConfig::new(Rc::new(targets), demand)
    };
    let config = rping::engine::ping::Config { count: None, ..config.into() };
    let mut sim =
        Sim::of(Ping::new(config, [identity(); 2], Instant::ZERO), |probe| Ok(vec![echo(probe, ms(20))]));
    for (number, results) in (0..).zip(names) {
        for (nth, (after, found)) in results.iter().copied().enumerate() {
            let before = if nth > 0 { NameState::Unknown } else { NameState::Open };
            sim.after(ms(after), move |ping, now| match found {
                Some(last) => {
                    let address = SocketAddr::from(([192, 0, 2, last], 0));
                    ping.name_found(now, number, &[address], before);
                }
                None => ping.name_unknown(now, number, "no address".to_owned(), Missing::Again),
            });
        }
    }
    let end = sim.run(|_| ());
    let watch = sim.session.watch();
    (end.since(Instant::ZERO).as_millis(), watch.holding(), watch.watched())
}

#[test]
fn names_are_waited_for_until_they_are_found_and_up() {
    assert_eq!(named(2, &[&[(500, Some(9))]]), (520, 3, 3));
    assert_eq!(named(1, &[&[(500, None), (7_200, Some(9))], &[(90, Some(8))]]), (7_220, 3, 3));
    // It has an address that is up already.
    assert_eq!(named(1, &[&[(500, None), (7_200, Some(2))]]), (7_200, 1, 1));
    // There are names only.
    assert_eq!(named(0, &[&[(500, None), (7_200, Some(9))]]), (7_220, 1, 1));
    assert_eq!(named(1, &[&[(500, None)]]), (20_500, 1, 1), "a name is never found");
    assert_eq!(named(1, &[&[]]), (20_500, 1, 1), "a name has no answer");
}

#[test]
fn the_limit_ends_a_run_exactly() {
    let limited = Config { deadline: Some(us(3_000_007)), ..config(Up, 1) };
    let mut sim = Sim::<Ping>::new(limited, |_| Ok(vec![]));
    assert_eq!(sim.run(|_| ()), Instant::ZERO + us(3_000_007));
    assert_eq!((sim.session.watch().holding(), sim.session.watch().held()), (0, None));
}

#[test]
fn nothing_more_is_sent_once_the_state_is_reached() {
    // The answer comes at the moment at which the next probe is due.
    let sent = Cell::new(0);
    let script = |probe: &Seen| {
        sent.set(sent.get() + 1);
        Ok(vec![echo(probe, ms(1_000))])
    };
    assert_eq!(end(config(Up, 1), script).0, 1_000);
    assert_eq!(sent.get(), 1);
}

/// The line about a run.
fn line(state: TargetState, name: Option<&str>, (holding, targets): (u32, u32), millis: u64) -> String {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let until = Until { state, in_a_row: 1 };
    let waited = Waited { until, holding, targets, elapsed: ms(millis) };
    until::print(&waited, name, &mut output);
    output.unwritten(Stream::Out)
}

#[test]
fn the_last_line_is_how_long_it_took() {
    let host = Some("host\x1b.example");
    assert_eq!(line(Up, host, (1, 1), 12_345), "host\\x1b.example is up after 12.345 s\n");
    assert_eq!(line(Down, host, (1, 1), 5), "host\\x1b.example is down after 0.005 s\n");
    assert_eq!(line(Up, host, (0, 1), 300_000), "host\\x1b.example is not up after 300.000 s\n");
    assert_eq!(line(Up, None, (3, 3), 6_022), "3 of 3 targets are up after 6.022 s\n");
    assert_eq!(line(Down, None, (2, 3), 20_500), "2 of 3 targets are down after 20.500 s\n");
    assert_eq!(line(Down, None, (1, 1), 20_500), "1 of 1 target is down after 20.500 s\n");
}
