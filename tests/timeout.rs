//! `--timeout`, in virtual time: when a probe is lost, what is printed then, and when a run ends.

mod sim;

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;

use rping::clock::Instant;
use rping::engine::ping::{Limits, Ping, Targets};
use rping::output::{Output, Stream};
use rping::report::hosts::Hosts;
use rping::report::json::JsonPing;
use rping::report::style::{Style, TimeFormat};
use rping::report::text::many::{ManyText, Show};
use rping::report::text::ping::PingText;
use serde_json::Value;
use sim::*;

/// `-c COUNT --timeout 0.3`.
fn config(count: u64) -> Config {
    let limits = Limits { timeout: Some(ms(300)), ..Limits::default() };
    Config { count: Some(count), linger: Some(ms(300)), limits, ..sim::config() }
}

/// The second probe is answered late, the fourth never, the others at once.
fn network(probe: &Seen) -> Response {
    Ok(match probe.number {
        2 => vec![echo(probe, ms(700)), echo(probe, ms(750))],
        4 => vec![],
        _ => vec![echo(probe, ms(10))],
    })
}

fn shown(style: Style) -> String {
    printed(&mut Sim::new(config(5), network), style).0
}

#[test]
fn a_probe_is_lost_when_its_time_is_up_and_a_later_answer_is_marked_and_counts() {
    let text = shown(Style { timeouts: true, timestamps: Some(TimeFormat::Epoch), ..style() });
    let expected = "\
PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.
[1795359480.260000] 64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=10.0 ms
[1795359481.550000] no answer for icmp_seq=2
[1795359481.950000] 64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=700 ms (LATE)
[1795359482.000000] 64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=750 ms (DUP!)
[1795359482.260000] 64 bytes from 192.0.2.2: icmp_seq=3 ttl=64 time=10.0 ms
[1795359483.550000] no answer for icmp_seq=4
[1795359484.260000] 64 bytes from 192.0.2.2: icmp_seq=5 ttl=64 time=10.0 ms

--- 192.0.2.2 ping statistics ---
5 packets transmitted, 4 received, +1 duplicates, 20% packet loss, time 4000ms
rtt min/avg/max/mdev = 10.000/296.000/750.000/350.633 ms
";
    assert_eq!(text, expected);
    // Without the option, when a probe is lost shows in JSON only.
    let plain = shown(Style { timestamps: Some(TimeFormat::Epoch), ..style() });
    let without: String = expected
        .lines()
        .filter(|line| !line.contains("no answer"))
        .fold(String::new(), |text, line| text + &line.replace(" (LATE)", "") + "\n");
    assert_eq!(plain, without);
    assert!(!shown(Style { timeouts: true, quiet: true, ..style() }).contains("no answer"));
    assert!(!shown(Style { timeouts: true, flood: true, ..style() }).contains("no answer"));
}

#[test]
fn an_answer_that_arrived_too_late_is_late_when_it_is_read_later_too() {
    let text = |answers_after: u64| {
        let mut sim = Sim::new(config(3), move |probe: &Seen| {
            Ok(vec![echo(probe, ms(if probe.number == 2 { answers_after } else { 10 }))])
        });
        // Stopped from right after the second probe until both its answer and the end of its time are past.
        sim.suspend = Some((Instant::ZERO + ms(1_005), ms(900)));
        printed(&mut sim, Style { timeouts: true, ..style() }).0
    };
    let late = "no answer for icmp_seq=2\n64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=700 ms (LATE)\n";
    assert!(text(700).contains(late), "{}", text(700));
    let in_time = "icmp_seq=1 ttl=64 time=10.0 ms\n64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=250 ms\n";
    assert!(text(250).contains(in_time), "{}", text(250));
}

#[test]
fn an_answer_after_an_error_is_not_late() {
    let script = |probe: &Seen| Ok(vec![error(probe, 11, 0, 0, ms(1)), echo(probe, ms(700))]);
    let text = printed(&mut Sim::new(config(2), script), Style { timeouts: true, ..style() }).0;
    assert!(text.contains("icmp_seq=1 ttl=64 time=700 ms\n"), "{text}");
    assert!(!text.contains("no answer"), "{text}");
}

/// When a run ends, in milliseconds after its start.
fn end(config: Config, script: impl FnMut(&Seen) -> Response) -> u128 {
    Sim::<Ping>::new(config, script).run(|_| ()).since(Instant::ZERO).as_millis()
}

#[test]
fn a_run_ends_when_each_of_its_last_probes_is_answered_or_lost() {
    assert_eq!(end(config(3), |_| Ok(vec![])), 2_300);
    // The longest time so far is 10 ms, and the interval a second.
    let last_is_lost = |probe: &Seen| Ok(if probe.number < 3 { vec![echo(probe, ms(10))] } else { vec![] });
    assert_eq!(end(config(3), last_is_lost), 2_300);
    let long = Config { limits: Limits { timeout: Some(ms(5_000)), ..Limits::default() }, ..config(3) };
    assert_eq!(end(long.clone(), last_is_lost), 7_000);
    let late = |probe: &Seen| Ok(vec![echo(probe, ms(if probe.number < 3 { 10 } else { 4_000 }))]);
    assert_eq!(end(long, late), 6_000);
}

#[test]
fn the_wait_for_a_first_reply_is_longer_and_loses_no_probe() {
    let lingering = Config { linger: Some(ms(2_000)), ..config(1) };
    let run = |script: fn(&Seen) -> Response| {
        let mut sim = Sim::new(lingering.clone(), script);
        let text =
            printed(&mut sim, Style { timeouts: true, timestamps: Some(TimeFormat::Epoch), ..style() }).0;
        (
            sim.now.since(Instant::ZERO).as_millis(),
            text.lines().skip(1).take(2).collect::<Vec<_>>().join("\n"),
        )
    };
    let lost = "[1795359480.550000] no answer for icmp_seq=1\n".to_owned();
    assert_eq!(run(|_| Ok(vec![])), (2_000, lost.clone()));
    let answer = "[1795359481.750000] 64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=1500 ms (LATE)";
    assert_eq!(run(|probe| Ok(vec![echo(probe, ms(1_500))])), (1_500, lost + answer));
}

#[test]
fn a_silent_probe_is_replaced_after_the_timeout() {
    // With -c and -w, a further probe leaves for one that was lost.
    let config = Config {
        deadline: Some(ms(10_000)),
        pacing: Pacing { interval: ms(100), adaptive: None, preload: 1 },
        ..config(2)
    };
    let mut sim =
        Sim::new(config, |probe| Ok(if probe.number > 2 { vec![echo(probe, ms(10))] } else { vec![] }));
    sim.run(|_| ());
    let sent: Vec<_> = sim.sent.iter().map(|(_, at)| at.since(Instant::ZERO).as_millis()).collect();
    assert_eq!(sent, [0, 100, 300, 400]);
}

#[test]
fn json_marks_late_replies() {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let hosts = Hosts::one(TARGET.to_string(), SocketAddr::new(TARGET.into(), 0));
    let mut json = driven::ping(JsonPing::one(style(), hosts, ms(1_000)), 1);
    json.begin(EPOCH, &mut output);
    let end = Sim::<Ping>::new(config(5), network).run(|event| json.event(event, EPOCH, &mut output));
    json.finish(end, &mut output);
    let text = output.unwritten(Stream::Out);
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
    let of = |kind: &str| lines.iter().filter(|line| line["type"] == kind).cloned().collect::<Vec<_>>();
    let late: Vec<_> = of("reply").iter().map(|line| line.get("after_timeout").cloned()).collect();
    assert_eq!(late, [None, Some(true.into()), None, None]);
    let timeouts: Vec<_> = of("timeout").iter().map(|line| line["ts"].as_str().map(str::to_owned)).collect();
    let at = |time: &str| Some(format!("2026-11-22T14:58:{time}0000000Z"));
    assert_eq!(timeouts, [at("01.55"), at("03.55")]);
    let summary = lines.last().expect("a summary");
    assert_eq!(
        (&summary["received"], &summary["loss_pct"], &summary["loss_burst"]),
        (&4.into(), &20.0.into(), &1.into())
    );
}

#[test]
fn a_lost_probe_to_one_of_many_hosts_names_it() {
    let mut targets = Targets::default();
    targets.add(SocketAddr::new(TARGET.into(), 0), 2);
    let targets = Rc::new(targets);
    let mut hosts = Hosts::default();
    hosts.add(None, 0..2);
    hosts.seal(Rc::clone(&targets));
    let demand = Demand::Probes { count: 2, interval: ms(1_000) };
    let limits = Limits { timeout: Some(ms(300)), ..Limits::default() };
    let config = ManyConfig { limits, ..ManyConfig::new(targets, demand) };
    let script = |probe: &Seen| {
        let silent = probe.dst.ip().to_string() == "192.0.2.3";
        Ok(if silent { vec![echo(probe, ms(800))] } else { vec![echo(probe, ms(10))] })
    };
    let mut sim = Sim::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), script);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let style = Style { timeouts: true, ..style() };
    let mut text = driven::ping(ManyText::new(Show::Lines, "rping", hosts, PingText::new(style, None)), 2);
    let end = sim.run(|event| text.event(event, EPOCH, &mut output));
    text.finish(end, &mut output);
    let expected = "\
64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=10.0 ms
no answer for icmp_seq=1 for 192.0.2.3
64 bytes from 192.0.2.3: icmp_seq=1 ttl=64 time=800 ms (LATE)
64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=10.0 ms
no answer for icmp_seq=2 for 192.0.2.3

address    sent  received    loss         min/avg/max/mdev ms   p95 ms
192.0.2.2     2         2      0%     10.000/10.000/10.000/0.000   10.000
";
    let text = output.unwritten(Stream::Out);
    assert_eq!(text.lines().take(6).collect::<Vec<_>>(), expected.lines().take(6).collect::<Vec<_>>());
    assert_eq!(end.since(Instant::ZERO).as_millis(), 1_301);
}
