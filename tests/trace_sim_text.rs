//! Whole traces through a simulated path, to exact text.

mod sim;

use std::net::Ipv4Addr;
use std::os::fd::AsFd;

use rping::clock::Instant;
use rping::engine::trace::TraceConfig;
use rping::names::lookup::Names;
use rping::output::{Output, Stream};
use rping::report::json::{JsonTrace, TraceStart};
use rping::report::text::trace::{TraceStyle, TraceText};
use rping::report::text::tracepath::TracepathText;
use rping::report::waiting::Lookups;
use serde_json::Value;

use sim::path::{Net, Probe, TARGET, config, error, exceeded, on_line, router};
use sim::{EPOCH, checksum, driven, ms, us};

fn style() -> TraceStyle {
    TraceStyle { numeric: true, ..TraceStyle::of(TARGET.into()) }
}

/// What is printed of a trace, the header aside.
fn printed(net: &mut Net, config: TraceConfig, style: TraceStyle) -> String {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let mut text = driven::trace(TraceText::report(style, Names::of_path(|_| None)));
    text.begin(EPOCH, &mut output);
    net.run(config, |event| text.event(event, EPOCH, &mut output));
    text.poll(Instant::ZERO, &mut output);
    text.finish(Instant::ZERO, &mut output);
    assert_eq!(output.unwritten(Stream::Err), "");
    let text = output.unwritten(Stream::Out);
    text.split_once('\n').expect("a header").1.to_owned()
}

/// The records of a trace to TARGET, the first and the last aside.
fn records(net: &mut Net, config: TraceConfig) -> Vec<Value> {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let start = TraceStart {
        host: "host".to_owned(),
        target: TARGET.into(),
        zone: None,
        method: "icmp",
        max_ttl: config.max_ttl,
        queries: config.queries,
        packet_len: 60,
        one_flow: true,
    };
    let wanted = Lookups { names: false, origins: false };
    let mut json = driven::trace(JsonTrace::report(start, wanted, Names::of_path(|_| None)));
    net.run(config, |event| json.event(event, EPOCH, &mut output));
    json.finish(Instant::ZERO, &mut output);
    let lines = output.unwritten(Stream::Out);
    let mut records: Vec<Value> =
        lines.lines().map(|line| serde_json::from_str(line).expect("a record")).collect();
    assert_eq!(records.pop().expect("a summary")["type"], "summary");
    records
}

#[test]
fn an_answer_from_further_on_is_a_record_before_the_silence_of_a_near_hop() {
    let silent = |probe: &Probe| probe.ttl == 2 || (probe.ttl == 4 && probe.nth == 2);
    let mut net = Net::new(|probe| match silent(probe) {
        true => Ok(vec![]),
        false => Ok(vec![on_line(probe, 6, ms(60))]),
    });
    let records = records(&mut net, TraceConfig { queries: 2, ..config() });
    let shown: Vec<_> = records
        .iter()
        .map(|record| format!("{}.{} {}", record["hop"], record["query"], record["outcome"]))
        .collect();
    let (answered, silent) = (r#" "answered""#, r#" "silent""#);
    let expected = [
        ["1.1", "1.2", "3.1", "3.2", "4.1", "5.1", "5.2"].map(|place| place.to_owned() + answered).to_vec(),
        ["2.1", "2.2", "4.2"].map(|place| place.to_owned() + silent).to_vec(),
        ["6.1", "6.2"].map(|place| place.to_owned() + answered).to_vec(),
    ];
    assert_eq!(shown, expected.concat());
    let times = records.iter().filter(|record| record["from"] != TARGET.to_string());
    let times: Vec<_> =
        times.filter_map(|record| record["ts"].as_str().filter(|_| record["from"].is_string())).collect();
    assert!(times.is_sorted(), "{times:?}");
}

/// What tracepath prints of a trace.
fn tracepath(net: &mut Net, config: TraceConfig) -> String {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let style = TraceStyle { size: config.len + 20, ..style() };
    let mut text = driven::trace(TracepathText::report(style, false, Names::of_path(|_| None)));
    text.begin(EPOCH, &mut output);
    net.run(TraceConfig { queries: 1, parallel: Some(1), mtu: true, ..config }, |event| {
        text.event(event, EPOCH, &mut output);
    });
    text.poll(Instant::ZERO, &mut output);
    text.finish(Instant::ZERO, &mut output);
    output.unwritten(Stream::Out)
}

#[test]
fn tracepath_prints_each_hop_and_each_mtu_on_a_line() {
    let mut net = Net::new(|probe| {
        let size = probe.bytes.len() + 20;
        if size > 1_500 {
            return Err(rping::transport::send_fault(libc::EMSGSIZE, Some(1_500)));
        }
        Ok(match probe.ttl {
            3.. if size > 1_400 => vec![error(probe, 3, 4, 1_400, ms(2)).from(router(2))],
            2 => vec![on_line(probe, 5, ms(5)).ttl(62)],
            // Its answer came by a longer path than the probe.
            3 => vec![on_line(probe, 5, ms(5)).ttl(60)],
            4 => vec![],
            ttl => vec![on_line(probe, 5, ms(5)).ttl(65 - ttl)],
        })
    });
    let text = tracepath(&mut net, TraceConfig { len: 65_515, ..config() });
    let line = |hop: u8, from: &str, time: &str| format!("{hop:2}:  {from:52}{time:>7}ms ");
    let expected = [
        " 1?: [LOCALHOST]                      pmtu 1500".to_owned(),
        line(1, "10.1.1.1", "1.000"),
        line(2, "10.1.2.1", "2.000") + "asymm  3 ",
        line(3, "10.1.2.1", "2.000") + "pmtu 1400",
        line(3, "10.1.3.1", "3.000") + "asymm  5 ",
        " 4:  no reply".to_owned(),
        line(5, "203.0.113.10", "5.000") + "reached",
        "     Resume: pmtu 1400 hops 5 back 5 ".to_owned(),
    ];
    assert_eq!(text, expected.join("\n") + "\n");
    // The silent hop is probed again each second.
    let silent = net.sent.iter().filter(|probe| probe.ttl == 4);
    assert_eq!(silent.count(), 4);
}

#[test]
fn tracepath_names_what_keeps_it_from_the_target() {
    for (code, mark) in [(0, "!N"), (1, "!H"), (2, "!P"), (13, "!A"), (3, "!<3>")] {
        let mut net = Net::new(|probe| {
            Ok(vec![match probe.ttl {
                1 => on_line(probe, 5, ms(5)).ttl(64),
                _ => error(probe, 3, code, 0, ms(3)).from(router(2)).ttl(63),
            }])
        });
        let text = tracepath(&mut net, TraceConfig { len: 1_480, ..config() });
        let expected = format!(
            " 1:  {:52}  1.000ms \n 2:  {:52}  3.000ms {mark}\n     Resume: pmtu 1500 \n",
            "10.1.1.1", "10.1.2.1"
        );
        assert_eq!(text, expected);
    }
    let mut net = Net::line(9, ms(9));
    let text = tracepath(&mut net, TraceConfig { len: 1_480, max_ttl: 2, ..config() });
    assert!(text.ends_with("     Too many hops: pmtu 1500\n     Resume: pmtu 1500 \n"), "{text}");
}

/// An extension structure around objects (RFC 4884 section 7).
fn structure(objects: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let mut octets = vec![0x20, 0, 0, 0];
    for (class, kind, data) in objects {
        octets.extend((data.len() as u16 + 4).to_be_bytes());
        octets.extend([*class, *kind]);
        octets.extend(*data);
    }
    let sum = checksum(&octets);
    octets[2..4].copy_from_slice(&sum.to_be_bytes());
    octets
}

#[test]
fn labels_and_interfaces_are_shown_where_they_are_wanted() {
    // Label 24001 with TTL 1 (RFC 4950), and the incoming interface 3 with its address (RFC 5837).
    let labels =
        structure(&[(1, 1, &[0x05, 0xdc, 0x11, 1]), (2, 0x0c, &[0, 0, 0, 3, 0, 1, 0, 0, 10, 0, 0, 1])]);
    let mut net = Net::new(|probe| match probe.ttl {
        1 => Ok(vec![exceeded(probe, ms(1)).extension(&labels)]),
        _ => Ok(vec![on_line(probe, 2, ms(2))]),
    });
    let text = printed(&mut net, config(), TraceStyle { extensions: true, ..style() });
    assert_eq!(
        text,
        " 1  10.1.1.1 <MPLS:L=24001,E=0,S=1,T=1;INC=3,10.0.0.1>  1.000 ms  1.000 ms  1.000 ms\n \
         2  203.0.113.10  2.000 ms  2.000 ms  2.000 ms\n"
    );
    let mut net = Net::new(|probe| match probe.ttl {
        1 => Ok(vec![exceeded(probe, ms(1)).extension(&labels)]),
        _ => Ok(vec![on_line(probe, 2, ms(2))]),
    });
    assert!(printed(&mut net, config(), style()).starts_with(" 1  10.1.1.1  1.000 ms  1.000 ms  1.000 ms\n"));
}

#[test]
fn balancing_by_packet_shows_both_routers_and_by_flow_one() {
    let other = Ipv4Addr::new(10, 1, 2, 2);
    let by_packet = |probe: &sim::path::Probe| match (probe.ttl, probe.nth % 2) {
        (2, 0) => Ok(vec![exceeded(probe, ms(2)).from(other)]),
        _ => Ok(vec![on_line(probe, 3, ms(3))]),
    };
    let text = printed(&mut Net::new(by_packet), config(), style());
    assert!(text.contains("\n 2  10.1.2.1  2.000 ms 10.1.2.2  2.000 ms 10.1.2.1  2.000 ms\n"), "{text}");
    // By what a balancer hashes: type, code and checksum of ICMP.
    let by_flow = |probe: &sim::path::Probe| {
        let hash = probe.bytes[..4].iter().fold(0, |sum: u8, octet| sum.wrapping_add(*octet)) % 2;
        match (probe.ttl, hash) {
            (2, 0) => Ok(vec![exceeded(probe, ms(2)).from(other)]),
            _ => Ok(vec![on_line(probe, 3, ms(3))]),
        }
    };
    let text = printed(&mut Net::new(by_flow), config(), style());
    let line = text.lines().nth(1).expect("a second hop");
    assert_eq!(line.matches("10.1.2.").count(), 1, "{line}");
}

#[test]
fn refusals_silence_and_loops_have_their_text() {
    let mut net = Net::new(|probe| match probe.ttl {
        1 => Ok(vec![exceeded(probe, us(500))]),
        2 => Ok(vec![]),
        _ => Ok(vec![error(probe, 3, 13, 0, ms(3)).from(router(3))]),
    });
    assert_eq!(
        printed(&mut net, config(), style()),
        " 1  10.1.1.1  0.500 ms  0.500 ms  0.500 ms\n 2  * * *\n \
         3  10.1.3.1  3.000 ms !X  3.000 ms !X  3.000 ms !X\n"
    );
    let mut net = Net::new(|probe| Ok(vec![exceeded(probe, ms(1)).from(router(1 + probe.ttl % 2))]));
    let text = printed(
        &mut net,
        TraceConfig { max_ttl: 5, queries: 1, ..config() },
        TraceStyle { summary: true, ..style() },
    );
    assert!(
        text.starts_with(" 1  10.1.2.1  1.000 ms\n 2  10.1.1.1  1.000 ms\n 3  10.1.2.1  1.000 ms\n"),
        "{text}"
    );
    assert!(text.contains("loop"), "{text}");
}

#[test]
fn a_way_back_of_another_length_is_guessed() {
    // Answers arrive with TTL 60: five hops back from 64.
    let text = printed(&mut Net::line(2, ms(2)), config(), TraceStyle { back: true, ..style() });
    assert_eq!(
        text,
        " 1  10.1.1.1 '-5'  1.000 ms  1.000 ms  1.000 ms\n 2  203.0.113.10 '-5'  2.000 ms  2.000 ms  2.000 ms\n"
    );
}
