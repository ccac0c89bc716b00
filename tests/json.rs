//! JSON Lines, from events to exact text.

mod sim;

use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::time::Duration;

use rping::clock::Instant;
use rping::datagram::{SendFault, Timing};
use rping::engine::trace::event::{AnswerKind, Ending, Outcome, TraceAnswer, TraceEvent};
use rping::names::lookup::{Names, Question};
use rping::output::{Output, Stream};
use rping::report::Report;
use rping::report::hosts::Hosts;
use rping::report::json::{JsonPing, JsonTrace, TraceStart};
use rping::report::style::Style;
use rping::report::waiting::Lookups;
use rping::wire::extension;
use rping::wire::{Family, icmp};
use rustix::event::{PollFd, PollFlags};
use serde_json::Value;

use sim::driven::{self, Driven};
use sim::{Config, EPOCH, Sim, TARGET, config, echo, error, ms, style};

/// What `print` prints, which must be one object a line.
fn lines(print: impl FnOnce(&mut Output<'_>)) -> String {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    print(&mut output);
    assert_eq!(output.unwritten(Stream::Err), "");
    let text = output.unwritten(Stream::Out);
    assert!(text.lines().all(|line| serde_json::from_str::<Value>(line).unwrap().is_object()));
    text
}

/// A report about a ping of the target.
fn one(style: Style) -> Driven<JsonPing> {
    let hosts = Hosts::one(TARGET.to_string(), (TARGET, 0).into());
    driven::ping(JsonPing::one(style, hosts, ms(1_000)), 1)
}

fn ping(config: Config, script: impl FnMut(&sim::Seen) -> Result<Vec<sim::Packet>, SendFault>) -> String {
    lines(|output| {
        let mut json = one(style());
        json.begin(EPOCH, output);
        let end = Sim::new(config, script).run(|event| json.event(event, EPOCH, output));
        json.finish(end, output);
    })
}

#[test]
fn a_ping_has_a_start_a_record_of_each_probe_and_a_summary() {
    let text = ping(Config { count: Some(4), ..config() }, |probe| match probe.seq() {
        1 => Ok(vec![echo(probe, ms(10)), echo(probe, ms(12))]),
        2 => Ok(vec![error(probe, 3, 1, 0, ms(5))]),
        3 => Err(rping::transport::send_fault(libc::EPERM, None)),
        _ => Ok(vec![]),
    });
    let head = r#"{"v":1,"ts":"2026-11-22T14:58:0"#;
    let expected = [
        r#"0.250000000Z","type":"start","command":"ping","host":"192.0.2.2","addr":"192.0.2.2","family":4,"targets":1,"unknown":0,"data_bytes":56,"interval_ms":1000.0}"#,
        r#"0.260000000Z","type":"reply","host":"192.0.2.2","addr":"192.0.2.2","seq":1,"from":"192.0.2.2","bytes":64,"icmp_type":0,"ttl":64,"rtt_ms":10.0,"clock":"user"}"#,
        r#"0.262000000Z","type":"duplicate","host":"192.0.2.2","addr":"192.0.2.2","seq":1,"from":"192.0.2.2","bytes":64,"icmp_type":0,"ttl":64,"rtt_ms":12.0,"clock":"user"}"#,
        r#"1.255000000Z","type":"error","host":"192.0.2.2","addr":"192.0.2.2","seq":2,"from":"192.0.2.254","icmp_type":3,"icmp_code":1,"reason":"Destination Host Unreachable"}"#,
        r#"2.250000000Z","type":"not_sent","host":"192.0.2.2","addr":"192.0.2.2","seq":3,"errno":1,"reason":"Operation not permitted"}"#,
        r#"4.250000000Z","type":"timeout","host":"192.0.2.2","addr":"192.0.2.2","seq":4,"sent":"2026-11-22T14:58:03.250000000Z"}"#,
        r#"4.250000000Z","type":"summary","host":"192.0.2.2","addr":"192.0.2.2","targets":1,"answered":1,"silent":0,"not_asked":0,"unknown":0,"transmitted":3,"received":1,"not_sent":1,"in_flight":0,"loss_pct":66.66666666666667,"loss_burst":1,"rtt":{"min_ms":10.0,"avg_ms":10.0,"max_ms":10.0,"mdev_ms":0.0,"p50_ms":10.0,"p90_ms":10.0,"p95_ms":10.0,"p99_ms":10.0,"jitter_ms":0.0},"duplicates":1,"corrupted":0,"errors":1,"time_ms":3000.0,"clocks":{"kernel":0,"hardware":0,"mixed":0,"user":2}}"#,
    ];
    let expected: String = expected.iter().map(|rest| format!("{head}{rest}\n")).collect();
    assert_eq!(text, expected);
}

#[test]
fn a_quiet_run_has_a_start_and_a_summary() {
    let quiet = |quiet| {
        lines(|output| {
            let mut json = one(Style { quiet, ..style() });
            json.begin(EPOCH, output);
            let config = Config { count: Some(4), ..config() };
            let answers = |probe: &sim::Seen| match probe.seq() {
                1 => Ok(vec![echo(probe, ms(10)), echo(probe, ms(12))]),
                2 => Ok(vec![error(probe, 3, 1, 0, ms(5))]),
                3 => Err(rping::transport::send_fault(libc::EPERM, None)),
                _ => Ok(vec![]),
            };
            let end = Sim::new(config, answers).run(|event| json.event(event, EPOCH, output));
            json.finish(end, output);
        })
    };
    let verbose = quiet(false);
    let ends = [verbose.lines().next(), verbose.lines().last()].map(Option::unwrap);
    assert_eq!(quiet(true).lines().collect::<Vec<_>>(), ends);
}

#[test]
fn a_run_without_answers_has_a_summary_all_the_same() {
    let text = ping(Config { count: Some(1), ..config() }, |_| Ok(vec![]));
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["type"], &last["received"], &last["loss_pct"]),
        (&"summary".into(), &0.into(), &100.0.into())
    );
    assert!(last.get("rtt").is_none());
}

fn answer(from: IpAddr, millis: u64, kind: AnswerKind) -> TraceAnswer {
    TraceAnswer {
        at: Instant::from_nanos(millis * 1_000_000),
        from,
        scope: 0,
        rtt: Duration::from_millis(millis),
        timing: Timing::Kernel,
        hop_limit: Some(62),
        kind,
        extension: Vec::new(),
        translated: false,
        arrived: true,
    }
}

#[test]
fn a_link_local_responder_has_the_interface_that_its_answer_came_from() {
    let router: IpAddr = "fe80::1".parse().unwrap();
    let refusal = icmp::Error { family: Family::V6, icmp_type: 1, code: 3, info: 0 };
    let refused = TraceAnswer { scope: 1, ..answer(router, 1, AnswerKind::Error(refusal)) };
    let ending = Ending::Unreachable { by: router, error: refusal };
    let start = TraceStart {
        host: "host".to_owned(),
        target: "fe80::9".parse().unwrap(),
        zone: Some("lo".to_owned()),
        method: "icmp",
        max_ttl: 30,
        queries: 1,
        packet_len: 80,
        one_flow: true,
    };
    let text = lines(|output| {
        let wanted = Lookups { names: false, origins: false };
        let mut json = driven::trace(JsonTrace::report(start, wanted, Names::new()));
        json.begin(EPOCH, output);
        let decided =
            TraceEvent::Decided { ttl: 1, query: 1, outcome: Outcome::Answered(refused), mtu: None };
        json.event(&decided, EPOCH, output);
        json.event(&TraceEvent::Ended { at: Instant::from_nanos(2_000_000), ending }, EPOCH, output);
        json.finish(Instant::ZERO, output);
    });
    let records: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&records[0]["addr"], &records[2]["addr"]), (&"fe80::9%lo".into(), &"fe80::9%lo".into()));
    assert_eq!((&records[1]["from"], &records[2]["by"]), (&"fe80::1%lo".into(), &"fe80::1%lo".into()));
}

#[test]
fn a_trace_has_each_probe_and_its_ending() {
    let router = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1));
    let exceeded = icmp::Error { family: Family::V4, icmp_type: 11, code: 0, info: 0 };
    let too_big = icmp::Error { family: Family::V4, icmp_type: 3, code: 4, info: 1400 };
    let decided = |ttl, outcome| TraceEvent::Decided { ttl, query: 1, outcome, mtu: None };
    let events = [
        decided(1, Outcome::Answered(answer(router, 1, AnswerKind::Error(exceeded)))),
        decided(2, Outcome::Silent),
        decided(3, Outcome::NotSent(rping::transport::send_fault(libc::EMSGSIZE, Some(1280)))),
        decided(4, Outcome::Answered(answer(router, 4, AnswerKind::Error(too_big)))),
        decided(
            5,
            Outcome::Answered(TraceAnswer {
                translated: true,
                arrived: true,
                ..answer(TARGET.into(), 5, AnswerKind::Segment(0x12))
            }),
        ),
        TraceEvent::Extra { ttl: 2, query: 1, answer: answer(router, 6, AnswerKind::Reply) },
        TraceEvent::Ended { at: Instant::from_nanos(7_000_000), ending: Ending::Reached },
    ];
    let start = TraceStart {
        host: "host \"\u{1b}[m\"".to_owned(),
        target: TARGET.into(),
        zone: None,
        method: "tcp",
        max_ttl: 30,
        queries: 1,
        packet_len: 60,
        one_flow: true,
    };
    let text = lines(|output| {
        let wanted = Lookups { names: false, origins: false };
        let mut json = driven::trace(JsonTrace::report(start, wanted, Names::new()));
        json.begin(EPOCH, output);
        events.iter().for_each(|event| json.event(event, EPOCH, output));
        json.finish(Instant::ZERO, output);
    });
    let head = r#"{"v":1,"ts":"2026-11-22T14:58:00.25"#;
    let expected = [
        r#"0000000Z","type":"start","command":"traceroute","host":"host \"\u001b[m\"","addr":"192.0.2.2","family":4,"method":"tcp","one_flow":true,"max_ttl":30,"queries":1,"packet_bytes":60}"#,
        r#"1000000Z","type":"probe","hop":1,"query":1,"outcome":"answered","from":"10.0.0.1","rtt_ms":1.0,"clock":"kernel","ttl":62,"answer":"ttl_exceeded","icmp_type":11,"icmp_code":0}"#,
        r#"0000000Z","type":"probe","hop":2,"query":1,"outcome":"silent"}"#,
        r#"0000000Z","type":"probe","hop":3,"query":1,"outcome":"not_sent","errno":90,"reason":"Message too long","mtu":1280}"#,
        r#"4000000Z","type":"probe","hop":4,"query":1,"outcome":"answered","from":"10.0.0.1","rtt_ms":4.0,"clock":"kernel","ttl":62,"answer":"error","icmp_type":3,"icmp_code":4,"mtu":1400}"#,
        r#"5000000Z","type":"probe","hop":5,"query":1,"outcome":"answered","from":"192.0.2.2","rtt_ms":5.0,"clock":"kernel","ttl":62,"answer":"reply","tcp_flags":18,"translated":true}"#,
        r#"6000000Z","type":"extra","hop":2,"query":1,"from":"10.0.0.1","rtt_ms":6.0,"clock":"kernel","ttl":62,"answer":"reply"}"#,
        r#"7000000Z","type":"summary","host":"host \"\u001b[m\"","addr":"192.0.2.2","ending":"reached","reached":true,"hops":5,"hops_min":2,"transmitted":4,"received":4,"not_sent":1,"in_flight":0,"late":1,"duplicates":0,"elapsed_ms":7.0,"clocks":{"kernel":4,"hardware":0,"mixed":0,"user":0}}"#,
    ];
    let expected: String = expected.iter().map(|rest| format!("{head}{rest}\n")).collect();
    assert_eq!(text, expected);
}

/// A trace of the target with a query for each hop.
fn start_line() -> TraceStart {
    TraceStart {
        host: "h".to_owned(),
        target: TARGET.into(),
        zone: None,
        method: "icmp",
        max_ttl: 30,
        queries: 1,
        packet_len: 60,
        one_flow: true,
    }
}

/// An event without a time of its own has that of the turn of the loop in which it happened.
#[test]
fn the_time_of_a_silent_probe_is_when_its_wait_was_over() {
    let after = |millis| Instant::ZERO + Duration::from_millis(millis);
    let text = lines(|output| {
        let wanted = Lookups { names: false, origins: false };
        let mut json = driven::trace(JsonTrace::report(start_line(), wanted, Names::new()));
        for (ttl, at) in [(1, 100), (2, 700)] {
            json.poll(after(at - 90), output);
            let silent = TraceEvent::Decided { ttl, query: 1, outcome: Outcome::Silent, mtu: None };
            json.event(&silent, EPOCH, output);
            json.poll(after(at), output);
        }
        json.finish(after(800), output);
    });
    let times: Vec<_> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect(line))
        .filter(|record| record["type"] == "probe")
        .map(|record| record["ts"].as_str().expect("a time")[17..23].to_owned())
        .collect();
    assert_eq!(times, ["00.350", "00.950"]);
}

/// The loop prints a moment after the turn in which the last wait was over.
#[test]
fn no_probe_of_a_trace_has_a_time_after_that_of_its_end() {
    let after = |millis| Instant::ZERO + Duration::from_millis(millis);
    let text = lines(|output| {
        let wanted = Lookups { names: false, origins: false };
        let mut json = driven::trace(JsonTrace::report(start_line(), wanted, Names::new()));
        let silent = TraceEvent::Decided { ttl: 1, query: 1, outcome: Outcome::Silent, mtu: None };
        json.event(&silent, EPOCH, output);
        json.event(&TraceEvent::Ended { at: after(700), ending: Ending::HopLimit }, EPOCH, output);
        json.poll(after(703), output);
        json.finish(after(705), output);
    });
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    let times: Vec<_> =
        records.map(|record| record["ts"].as_str().expect("a time")[17..23].to_owned()).collect();
    assert_eq!(times, ["00.950", "00.950"]);
}

/// The probe lines of a trace with routers that have names; one of them is found `late`.
fn named(late: bool, wanted: Lookups, extension: Vec<u8>) -> Vec<Value> {
    let router = |n| IpAddr::V4(Ipv4Addr::new(10, 0, 0, n));
    let exceeded = icmp::Error { family: Family::V4, icmp_type: 11, code: 0, info: 0 };
    let (open, gate) = std::sync::mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let names = Names::pooled(1, move |question| match question {
        Question::Name(address) if address == router(1) => {
            // Until the gate opens, or for ever.
            let _ = gate.lock().expect("a gate").recv();
            Some("first.example".to_owned())
        }
        Question::Origin(address) if address == router(1) => Some("AS64500/AS64501".to_owned()),
        Question::Name(_) | Question::Origin(_) => None,
    });
    let text = lines(|output| {
        let mut json = driven::trace(JsonTrace::report(start_line(), wanted, names));
        for ttl in [1, 2] {
            let answer = TraceAnswer {
                extension: extension.clone(),
                ..answer(router(ttl), 1, AnswerKind::Error(exceeded))
            };
            let outcome = Outcome::Answered(answer);
            json.event(&TraceEvent::Decided { ttl, query: 1, outcome, mtu: None }, EPOCH, output);
        }
        json.poll(Instant::ZERO, output);
        assert_eq!(output.unwritten(Stream::Out).is_empty(), wanted.names, "a line waits for its name");
        if !late {
            drop(open);
            while json.wake().is_some() {
                let bell = json.ready_fd().expect("a bell");
                rustix::event::poll(&mut [PollFd::new(&bell, PollFlags::IN)], None).expect("a ring");
                json.poll(Instant::ZERO, output);
            }
        }
        // The longest wait.
        json.poll(Instant::ZERO + Duration::from_secs(1), output);
        assert_eq!(json.wake(), None);
        json.finish(Instant::ZERO, output);
    });
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect(line));
    lines.filter(|line| line["type"] == "probe").collect()
}

#[test]
fn a_trace_has_names_and_origins_where_they_come_in_time() {
    let both = Lookups { names: true, origins: true };
    let lines = named(false, both, Vec::new());
    assert_eq!(lines[0]["name"], "first.example");
    assert_eq!(lines[0]["as"], serde_json::json!([64_500, 64_501]));
    assert_eq!((lines[1].get("name"), lines[1].get("as")), (None, None));
    for (late, wanted) in [(true, both), (true, Lookups { names: false, origins: false })] {
        let lines = named(late, wanted, Vec::new());
        assert_eq!((lines.len(), lines[0].get("name")), (2, None));
    }
}

#[test]
fn a_trace_has_what_routers_append() {
    let stack = [0x00, 0x01, 0x00, 0xff, 0x05, 0xdc, 0x1b, 0x01];
    let v4 = [0, 0, 0, 3, 0, 1, 0, 0, 10, 0, 0, 1];
    let interface = [&v4[..], b"\x0cge-0/\x1b/1\0\0\0", &[0, 0, 5, 220]].concat();
    let mut structure = vec![0; 200];
    let objects: [(u8, u8, &[u8]); 4] =
        [(1, 1, &stack), (2, 0x0f, &interface), (2, 0x80, &[]), (9, 7, &[0, 0xab, 0xcd])];
    let len = extension::emit(&objects, &mut structure);
    structure.truncate(len);
    let lines = named(true, Lookups { names: false, origins: false }, structure);
    assert_eq!(
        lines[0]["extensions"],
        serde_json::json!([
            {"type": "mpls", "labels": [
                {"mpls_label": 16, "traffic_class": 0, "bottom": false, "label_ttl": 255},
                {"mpls_label": 24_001, "traffic_class": 5, "bottom": true, "label_ttl": 1},
            ]},
            {"type": "interface", "role": "incoming", "if_index": 3, "if_addr": "10.0.0.1",
             "if_name": "ge-0/\u{1b}/1", "if_mtu": 1500},
            {"type": "interface", "role": "outgoing"},
            {"type": "other", "class": 9, "ctype": 7, "hex": "00abcd"},
        ])
    );
}
