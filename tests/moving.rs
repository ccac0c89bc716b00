//! Names that change their address while the run goes on, in virtual time: what is probed, and every octet that is printed.

mod sim;

use std::cell::RefCell;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;

use rping::clock::Instant;
use rping::engine::ping::event::{Event, NameState};
use rping::engine::ping::{Ping, Targets};
use rping::engine::reject::Reject;
use rping::output::{Output, Stream};
use rping::report::hosts::Hosts;
use rping::report::json::JsonPing;
use rping::report::style::{Style, TimeFormat};
use rping::report::text::many::{ManyText, Show};
use rping::report::text::ping::PingText;
use sim::ManyConfig as Many;
use sim::*;

fn at(millis: u64) -> Instant {
    Instant::ZERO + ms(millis)
}

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([198, 51, 100, last], 0))
}

/// What happens: when, to which name, from where to where, and whether no other name has its target.
type Move = (u64, u32, u8, u8, bool);

/// A run of four probes each, 100 ms apart: a plain address, and names that are found at once. Answers come after 60 ms.
fn run(plain: &[u8], names: &[(&str, u8)], moves: &[Move]) -> (Sim<'static>, Hosts) {
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    for last in plain {
        targets.add(address(*last), 1).into_iter().for_each(|range| hosts.add(None, range));
    }
    let numbers: Vec<_> = names.iter().map(|(name, _)| hosts.add_open((*name).to_owned())).collect();
    let targets = Rc::new(targets);
    hosts.seal(Rc::clone(&targets));
    let count = u32::try_from(names.len()).expect("few names");
    let demand = Demand::Probes { count: 4, interval: ms(100) };
    let config = Many { names: count, rate: None, ..Many::new(targets, demand) };
    let mut sim = Sim::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), |probe| {
        Ok(vec![echo(probe, ms(60))])
    });
    for (number, (_, last)) in numbers.iter().copied().zip(names.iter().copied()) {
        sim.after(ms(0), move |ping, now| {
            ping.name_found(now, number, &[address(last)], NameState::Open);
        });
    }
    for (millis, name, from, to, alone) in moves.iter().copied() {
        let number = numbers[name as usize];
        sim.after(ms(millis), move |ping, now| {
            ping.name_moved(now, number, address(from), address(to), alone);
        });
    }
    (sim, hosts)
}

/// When each probe left, in milliseconds, and the last octet of where to.
fn sent(plain: &[u8], names: &[(&str, u8)], moves: &[Move]) -> Vec<(u64, u8)> {
    let (mut sim, _) = run(plain, names, moves);
    let sent = Rc::new(RefCell::new(Vec::new()));
    let log = Rc::clone(&sent);
    sim.script = Box::new(move |probe| {
        let SocketAddr::V4(v4) = probe.dst else { panic!("IPv4 only") };
        log.borrow_mut().push((probe.at.as_nanos() / 1_000_000, v4.ip().octets()[3]));
        Ok(vec![echo(probe, ms(60))])
    });
    sim.run(|_| ());
    sent.take()
}

/// Standard output and standard error.
fn printed_by(show: Show, plain: &[u8], names: &[(&str, u8)], moves: &[Move]) -> (String, String) {
    let (mut sim, hosts) = run(plain, names, moves);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let (first, style) = (hosts.targets().len(), Style::of(TARGET.into()));
    let mut text = driven::ping(ManyText::new(show, "rping", hosts, PingText::new(style, None)), first);
    text.account.open_names = u32::try_from(names.len()).expect("few names");
    let end = sim.run(|event| text.event(event, EPOCH, &mut output));
    text.finish(end, &mut output);
    assert_eq!(sim.session.rejects().iter().count(), 0);
    (output.unwritten(Stream::Out), output.unwritten(Stream::Err))
}

#[test]
fn the_new_address_is_probed_from_then_on_in_the_same_row() {
    let (names, moves) = ([("db.example", 1)], [(130, 0, 1, 2, true)]);
    assert_eq!(
        sent(&[9], &names, &moves),
        [(0, 9), (0, 1), (100, 9), (100, 1), (200, 9), (200, 2), (300, 9), (300, 2),]
    );
    let (out, err) = printed_by(Show::Lines, &[], &names, &moves);
    // The second answer comes from the old address, after the change.
    let expected = "\
64 bytes from db.example (198.51.100.1): icmp_seq=1 ttl=64 time=60.0 ms
db.example: the address changed from 198.51.100.1 to 198.51.100.2
64 bytes from 198.51.100.1: icmp_seq=2 ttl=64 time=60.0 ms
64 bytes from db.example (198.51.100.2): icmp_seq=3 ttl=64 time=60.0 ms
64 bytes from db.example (198.51.100.2): icmp_seq=4 ttl=64 time=60.0 ms

name        address       sent  received    loss         min/avg/max/mdev ms  p95 ms
db.example  198.51.100.2     4         4      0%  60.000/60.000/60.000/0.000  60.000
1 target: 1 answered, 0 silent; 4 packets transmitted, 4 received, 0% packet loss, time 300ms, \
rtt min/avg/max/mdev = 60.000/60.000/60.000/0.000 ms
";
    assert_eq!((out.as_str(), err.as_str()), (expected, ""));
    let (out, err) = printed_by(Show::Table, &[], &names, &moves);
    assert!(out.starts_with("name        address       sent"), "{out}");
    assert_eq!(err, "rping: db.example: the address changed from 198.51.100.1 to 198.51.100.2\n");
}

#[test]
fn an_address_that_changes_back_is_the_first_one_again() {
    let moves = [(130, 0, 1, 2, true), (230, 0, 2, 1, true)];
    assert_eq!(sent(&[], &[("db.example", 1)], &moves), [(0, 1), (100, 1), (200, 2), (300, 1)]);
    let (out, _) = printed_by(Show::Table, &[], &[("db.example", 1)], &moves);
    assert!(out.contains("\ndb.example  198.51.100.1     4         4      0% "), "{out}");
}

#[test]
fn a_name_that_leaves_an_address_of_others_has_a_row_of_its_own_from_then_on() {
    let (names, moves) = ([("db.example", 1)], [(130, 0, 1, 2, false)]);
    let expected = [(0, 1), (100, 1), (130, 2), (200, 1), (230, 2), (300, 1), (330, 2), (430, 2)];
    assert_eq!(sent(&[1], &names, &moves), expected);
    let (out, _) = printed_by(Show::Table, &[1], &names, &moves);
    assert!(out.contains("\n198.51.100.1  198.51.100.1     4         4      0% "), "{out}");
    assert!(out.contains("\ndb.example    198.51.100.2     4         4      0% "), "{out}");
}

#[test]
fn a_name_that_comes_to_the_address_of_another_target_shares_its_row() {
    let (names, moves) = ([("db.example", 2)], [(130, 0, 2, 1, true)]);
    // The address that nothing has any more is probed no more.
    assert_eq!(sent(&[1], &names, &moves), [(0, 1), (0, 2), (100, 1), (100, 2), (200, 1), (300, 1)]);
    let (out, _) = printed_by(Show::Table, &[1], &names, &moves);
    assert!(out.contains("\n198.51.100.1  198.51.100.1     4         4      0% "), "{out}");
    assert!(out.contains("\ndb.example    198.51.100.1     4         4      0% "), "{out}");
}

#[test]
fn a_name_that_comes_back_to_its_address_is_probed_there_again() {
    let (names, moves) = ([("db.example", 2)], [(130, 0, 2, 1, true), (230, 0, 1, 2, false)]);
    let expected = [(0, 1), (0, 2), (100, 1), (100, 2), (200, 1), (300, 1), (300, 2)];
    assert_eq!(sent(&[1], &names, &moves), expected);
}

#[test]
fn an_answer_of_the_old_address_to_a_probe_to_the_new_one_is_no_answer() {
    let (mut sim, _) = run(&[], &[("db.example", 1)], &[(130, 0, 1, 2, true)]);
    // A token of the old address under the sequence number of a probe to the new one.
    sim.script = Box::new(|probe| {
        let SocketAddr::V4(v4) = probe.dst else { panic!("IPv4 only") };
        let answer = echo(probe, ms(60));
        Ok(match (v4.ip().octets()[3], probe.seq()) {
            (1, 2) => vec![answer.seq(3)],
            (1, _) => vec![answer],
            _ => vec![],
        })
    });
    sim.stop_at = Some(at(290));
    let mut answers = Vec::new();
    sim.run(|event| {
        if let Event::Answer(answer) = event {
            answers.push((answer.seq, answer.from.to_string()));
        }
    });
    assert_eq!(answers, [(1, "198.51.100.1".to_owned())]);
    let rejects = sim.session.rejects();
    assert_eq!(rejects.of(Reject::Token) + rejects.of(Reject::NeverSent), 1);
}

#[test]
fn one_host_goes_on_at_its_new_address() {
    let config = Config {
        count: Some(4),
        pacing: Pacing { interval: ms(100), adaptive: None, preload: 1 },
        ..config()
    };
    let run = |quiet: bool| {
        let mut sim = Sim::new(config.clone(), |probe| Ok(vec![echo(probe, ms(60))]));
        let from = SocketAddr::new(TARGET.into(), 0);
        sim.after(ms(130), move |ping, now| ping.name_moved(now, 0, from, address(2), true));
        let name = "db.example".to_owned();
        let timestamps = Some(TimeFormat::Epoch);
        let style = Style { name: name.clone(), reply_name: Some(name), quiet, timestamps, ..style() };
        printed(&mut sim, style)
    };
    let (out, err) = run(false);
    let expected = "\
PING db.example (192.0.2.2) 56(84) bytes of data.
[1795359480.310000] 64 bytes from db.example (192.0.2.2): icmp_seq=1 ttl=64 time=60.0 ms
[1795359480.380000] db.example: the address changed from 192.0.2.2 to 198.51.100.2
[1795359480.410000] 64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=60.0 ms
[1795359480.510000] 64 bytes from db.example (198.51.100.2): icmp_seq=3 ttl=64 time=60.0 ms
[1795359480.610000] 64 bytes from db.example (198.51.100.2): icmp_seq=4 ttl=64 time=60.0 ms

--- db.example ping statistics ---
4 packets transmitted, 4 received, 0% packet loss, time 300ms
rtt min/avg/max/mdev = 60.000/60.000/60.000/0.000 ms
";
    assert_eq!((out.as_str(), err.as_str()), (expected, ""));
    let (out, err) = run(true);
    let expected = "\
PING db.example (192.0.2.2) 56(84) bytes of data.

--- db.example ping statistics ---
4 packets transmitted, 4 received, 0% packet loss, time 300ms
rtt min/avg/max/mdev = 60.000/60.000/60.000/0.000 ms
";
    assert_eq!(out, expected);
    assert_eq!(err, "rping: db.example: the address changed from 192.0.2.2 to 198.51.100.2\n");
}

#[test]
fn json_has_a_record_of_the_change() {
    let (mut sim, hosts) = run(&[], &[("db.example", 1)], &[(130, 0, 1, 2, true)]);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let style = Style { quiet: true, ..Style::of(TARGET.into()) };
    let mut json = driven::ping(JsonPing::many(style, hosts, None), 0);
    json.account.open_names = 1;
    json.begin(EPOCH, &mut output);
    let end = sim.run(|event| json.event(event, EPOCH, &mut output));
    json.finish(end, &mut output);
    let text = output.unwritten(Stream::Out);
    let lines: Vec<_> = text
        .lines()
        .map(|line| line.strip_prefix(r#"{"v":1,"ts":"2026-11-22T14:58:0"#).expect(line))
        .map(|line| line.split(r#","not_sent""#).next().unwrap_or_default())
        .collect();
    let expected = [
        r#"0.250000000Z","type":"start","command":"ping","targets":1,"unknown":0,"data_bytes":56}"#,
        r#"0.380000000Z","type":"resolved","host":"db.example","addr":"198.51.100.2","old_addr":"198.51.100.1"}"#,
        r#"0.610000000Z","type":"target","host":"db.example","addr":"198.51.100.2","transmitted":4,"received":4"#,
        r#"0.610000000Z","type":"summary","targets":1,"answered":1,"silent":0,"not_asked":0,"unknown":0,"transmitted":4,"received":4"#,
    ];
    assert_eq!(lines, expected);
}
