//! The formats for programs, from events to exact text: traceroutes through a simulated path.

mod sim;

use std::net::IpAddr;
use std::os::fd::AsFd;

use rping::clock::Instant;
use rping::datagram::Timing;
use rping::engine::trace::TraceConfig;
use rping::engine::trace::event::{AnswerKind, Ending, Outcome, TraceAnswer, TraceEvent};
use rping::names::lookup::{Names, Question};
use rping::output::{Output, Stream};
use rping::probe::trace::{TcpOptions, TraceMethod};
use rping::report::Report;
use rping::report::formats::trace::{FormatTrace, TraceDocument};
use rping::report::formats::{AtlasTrace, CsvTrace, InfluxTrace, NagiosTrace, PrometheusTrace};
use rping::report::json::{JsonTrace, TraceStart};
use rping::report::waiting::Lookups;
use rping::stats::TraceAccount;
use rping::wire::{Family, extension, icmp};
use rustix::event::{PollFd, PollFlags};
use serde_json::{Value, json};
use sim::path::{
    Net, Probe, Response, TARGET, TARGET6, config, error, exceeded, on_line, router, trace_config,
};
use sim::{EPOCH, HERE, driven, ms, us};

const SYN: TcpOptions =
    TcpOptions { flags: 2, mss: Some(1460), sack: true, timestamps: true, window_scale: true };

fn start(target: IpAddr, method: &'static str) -> TraceStart {
    TraceStart {
        host: "host, \"x\".example".to_owned(),
        target,
        zone: None,
        method,
        max_ttl: 30,
        queries: 3,
        packet_len: 60,
        one_flow: method == "icmp",
    }
}

/// What is printed about a trace.
fn run<R: Report<Account = TraceAccount>>(
    (config, script): (TraceConfig, impl FnMut(&Probe) -> Response),
    report: R,
) -> String {
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let mut report = driven::trace(report);
    report.begin(EPOCH, &mut output);
    let mut net = Net::new(script);
    net.run(config, |event| report.event(event, EPOCH, &mut output));
    // One turn for all of it; then the end of all waits for names.
    report.poll(net.now, &mut output);
    report.poll(Instant::ZERO + ms(60_000), &mut output);
    report.finish(Instant::ZERO, &mut output);
    assert_eq!(output.unwritten(Stream::Err), "");
    output.unwritten(Stream::Out).replace(concat!("rping ", env!("CARGO_PKG_VERSION")), "rping 0.2.0")
}

fn no_names() -> (Lookups, Names) {
    (Lookups { names: false, origins: false }, Names::of_path(|_| None))
}

/// A path of four hops: the second has two routers and MPLS, the third answers once, and late.
fn troubled(probe: &Probe) -> Response {
    let labels = [0x05, 0xdc, 0x1b, 0x01];
    let mut structure = [0; 16];
    let len = extension::emit(&[(1, 1, &labels)], &mut structure);
    Ok(match (probe.ttl, probe.nth) {
        (1, nth) => vec![exceeded(probe, us(1_000 + 100 * nth))],
        (2, 1) => vec![exceeded(probe, ms(2)).extension(&structure[..len])],
        (2, 2) => vec![exceeded(probe, ms(3)).from([10, 9, 9, 9])],
        (2, _) => vec![exceeded(probe, ms(2)), exceeded(probe, ms(4))],
        (3, 1) => vec![exceeded(probe, ms(900))],
        (3, _) => vec![],
        _ => vec![on_line(probe, 4, us(4_123))],
    })
}

fn of_icmp(document: impl TraceDocument + 'static) -> String {
    let (wanted, names) = no_names();
    let report = FormatTrace::report(Box::new(document), start(TARGET.into(), "icmp"), wanted, names);
    run((config(), troubled), report)
}

/// A line without probes of the first run in CSV.
const HOST: &str = r#""host, ""x"".example",203.0.113.10"#;
const PROBES: &str =
    "time,host,address,hop,query,outcome,from,name,as,rtt_ms,ttl,icmp_type,icmp_code,mtu,reason\r\n";

#[test]
fn csv_has_a_record_for_each_probe() {
    let lines = [
        "251100000Z,HOST,1,1,ttl_exceeded,10.1.1.1,,,1.1,60,11,0,,",
        "251275000Z,HOST,1,2,ttl_exceeded,10.1.1.1,,,1.2,60,11,0,,",
        "251450000Z,HOST,1,3,ttl_exceeded,10.1.1.1,,,1.3,60,11,0,,",
        "252225000Z,HOST,2,1,ttl_exceeded,10.1.2.1,,,2,60,11,0,,",
        "253300000Z,HOST,2,2,ttl_exceeded,10.9.9.9,,,3,60,11,0,,",
        "252375000Z,HOST,2,3,ttl_exceeded,10.1.2.1,,,2,60,11,0,,",
        "254375000Z,HOST,2,3,extra,10.1.2.1,,,4,60,11,0,,",
        "808846000Z,HOST,3,1,silent,,,,,,,,,",
        "808846000Z,HOST,3,2,silent,,,,,,,,,",
        "808846000Z,HOST,3,3,silent,,,,,,,,,",
        "254798000Z,HOST,4,1,reply,203.0.113.10,,,4.123,60,,,,",
        "254873000Z,HOST,4,2,reply,203.0.113.10,,,4.123,60,,,,",
        "254948000Z,HOST,4,3,reply,203.0.113.10,,,4.123,60,,,,",
    ];
    let line = |line: &&str| format!("2026-11-22T14:58:00.{}\r\n", line.replace("HOST", HOST));
    let expected: String = lines.iter().map(line).collect();
    assert_eq!(of_icmp(CsvTrace), format!("{PROBES}{expected}"));
}

#[test]
fn a_link_local_target_has_its_interface_before_any_answer() {
    let print = |document: Box<dyn TraceDocument>| {
        let (wanted, names) = no_names();
        let start = TraceStart { zone: Some("eth0".to_owned()), ..start("fe80::9".parse().unwrap(), "icmp") };
        let config = TraceConfig { max_ttl: 1, queries: 1, ..config() };
        run((config, |_: &Probe| Ok(Vec::new())), FormatTrace::report(document, start, wanted, names))
    };
    let csv = print(Box::new(CsvTrace));
    assert!(csv.ends_with(",\"host, \"\"x\"\".example\",fe80::9%eth0,1,1,silent,,,,,,,,,\r\n"), "{csv}");
    let prometheus = print(Box::new(PrometheusTrace));
    assert!(prometheus.contains(r#",ip="fe80::9%eth0",ip_version="6"} "#), "{prometheus}");
}

#[test]
fn csv_has_names_networks_and_what_went_wrong() {
    let names = Names::pooled(1, |question| match question {
        Question::Name(address) if address == IpAddr::V4(router(1)) => Some("one.example".to_owned()),
        Question::Origin(address) if address == IpAddr::V4(router(1)) => Some("AS64500/AS64501".to_owned()),
        Question::Name(_) | Question::Origin(_) => None,
    });
    let wanted = Lookups { names: true, origins: true };
    let report = FormatTrace::report(Box::new(CsvTrace), start(TARGET.into(), "icmp"), wanted, names);
    let script = |probe: &Probe| match probe.ttl {
        1 => Ok(vec![exceeded(probe, ms(1))]),
        2 => Ok(vec![error(probe, 3, 13, 0, ms(2))]),
        _ => Err(rping::transport::send_fault(libc::EPERM, None)),
    };
    let config = TraceConfig { queries: 1, parallel: Some(1), ..config() };
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let mut report = driven::trace(report);
    report.begin(EPOCH, &mut output);
    Net::new(script).run(config, |event| report.event(event, EPOCH, &mut output));
    report.poll(Instant::ZERO, &mut output);
    while report.report.wake().is_some() {
        let bell = report.report.ready_fd().expect("a bell");
        rustix::event::poll(&mut [PollFd::new(&bell, PollFlags::IN)], None).expect("a ring");
        report.poll(Instant::ZERO, &mut output);
    }
    report.finish(Instant::ZERO, &mut output);
    let text = output.unwritten(Stream::Out);
    let lines: Vec<_> = text.lines().skip(1).map(|line| line.split_once(HOST).unwrap().1).collect();
    let expected = [
        ",1,1,ttl_exceeded,10.1.1.1,one.example,AS64500/AS64501,1,60,11,0,,",
        ",2,1,error,10.1.2.1,,,2,60,3,13,,Packet filtered",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn influx_has_a_point_for_the_trace_and_for_each_hop() {
    let expected = r#"traceroute,url=host\,\ "x".example result_code=0i,reached=true,hops=4i,packets_transmitted=12i,packets_received=9i,elapsed_ms=558.846 1795359480808846000
traceroute_hop,url=host\,\ "x".example,hop=1 packets_transmitted=3i,packets_received=3i,percent_packet_loss=0,minimum_response_ms=1.1,average_response_ms=1.2,maximum_response_ms=1.3,standard_deviation_ms=0.081649,responders="10.1.1.1" 1795359480808846000
traceroute_hop,url=host\,\ "x".example,hop=2 packets_transmitted=3i,packets_received=3i,percent_packet_loss=0,minimum_response_ms=2,average_response_ms=2.333333,maximum_response_ms=3,standard_deviation_ms=0.471404,responders="10.1.2.1 10.9.9.9" 1795359480808846000
traceroute_hop,url=host\,\ "x".example,hop=3 packets_transmitted=3i,packets_received=0i,percent_packet_loss=100 1795359480808846000
traceroute_hop,url=host\,\ "x".example,hop=4 packets_transmitted=3i,packets_received=3i,percent_packet_loss=0,minimum_response_ms=4.123,average_response_ms=4.123,maximum_response_ms=4.123,standard_deviation_ms=0,responders="203.0.113.10" 1795359480808846000
"#;
    assert_eq!(of_icmp(InfluxTrace), expected);
}

/// The samples of a metric without the labels of the target.
fn samples(text: &str, name: &str) -> Vec<String> {
    let labels = r#"target="host, \"x\".example",ip="203.0.113.10",ip_version="4""#;
    let head = format!("{name}{{{labels}");
    text.lines().filter_map(|line| line.strip_prefix(&head)).map(str::to_owned).collect()
}

#[test]
fn prometheus_has_metrics_of_the_trace_and_of_each_hop() {
    let text = of_icmp(PrometheusTrace);
    let expected = [
        ("traceroute_reached", "Whether the target was reached", vec!["} 1"]),
        ("traceroute_hops", "The last hop of the trace", vec!["} 4"]),
        ("traceroute_duration_seconds", "Duration of the trace in seconds", vec!["} 0.558846"]),
        (
            "traceroute_hop_rtt_best_seconds",
            "Best round trip time in seconds",
            vec![",hop=\"1\"} 0.0011", ",hop=\"2\"} 0.002", ",hop=\"4\"} 0.004123"],
        ),
        (
            "traceroute_hop_rtt_worst_seconds",
            "Worst round trip time in seconds",
            vec![",hop=\"1\"} 0.0013", ",hop=\"2\"} 0.003", ",hop=\"4\"} 0.004123"],
        ),
        (
            "traceroute_hop_rtt_mean_seconds",
            "Mean round trip time in seconds",
            vec![",hop=\"1\"} 0.0012", ",hop=\"2\"} 0.002333333", ",hop=\"4\"} 0.004123"],
        ),
        (
            "traceroute_hop_rtt_std_deviation_seconds",
            "Standard deviation in seconds",
            vec![",hop=\"1\"} 0.000081649", ",hop=\"2\"} 0.000471404", ",hop=\"4\"} 0"],
        ),
        (
            "traceroute_hop_loss_ratio",
            "Packet loss from 0.0 to 1.0",
            vec![",hop=\"1\"} 0", ",hop=\"2\"} 0", ",hop=\"3\"} 1", ",hop=\"4\"} 0"],
        ),
        (
            "traceroute_hop_packets_transmitted",
            "Probes sent",
            vec![",hop=\"1\"} 3", ",hop=\"2\"} 3", ",hop=\"3\"} 3", ",hop=\"4\"} 3"],
        ),
        (
            "traceroute_hop_packets_received",
            "Probes answered",
            vec![",hop=\"1\"} 3", ",hop=\"2\"} 3", ",hop=\"3\"} 0", ",hop=\"4\"} 3"],
        ),
        (
            "traceroute_hop_info",
            "Addresses that answered",
            vec![
                ",hop=\"1\",responder=\"10.1.1.1\"} 1",
                ",hop=\"2\",responder=\"10.1.2.1\"} 1",
                ",hop=\"2\",responder=\"10.9.9.9\"} 1",
                ",hop=\"4\",responder=\"203.0.113.10\"} 1",
            ],
        ),
    ];
    let mut rest = text.as_str();
    for (name, help, values) in &expected {
        assert_eq!(samples(&text, name), *values, "{name}");
        let head = format!("# HELP {name} {help}\n# TYPE {name} gauge\n");
        rest = rest.strip_prefix(&head).unwrap_or_else(|| panic!("{head} at {rest}"));
        for _ in values {
            rest = rest.split_once('\n').unwrap().1;
        }
    }
    assert_eq!(rest, "");
}

#[test]
fn nagios_shows_whether_the_target_was_reached() {
    assert_eq!(
        of_icmp(NagiosTrace),
        "TRACEROUTE OK - reached at hop 4, or nearer: no router seen at hop 3, RTA = 4.12 ms\
         |hops=4;;;0;255 rta=4.123000ms;;;0.000000 pl=0%;;;0;100\n"
    );
    let (wanted, names) = no_names();
    let report = FormatTrace::report(Box::new(NagiosTrace), start(TARGET.into(), "icmp"), wanted, names);
    let refused = |probe: &Probe| {
        Ok(vec![if probe.ttl < 3 {
            exceeded(probe, ms(1))
        } else {
            error(probe, 3, 13, 0, ms(2)).from(router(3))
        }])
    };
    assert_eq!(
        run((TraceConfig { parallel: Some(1), ..config() }, refused), report),
        "TRACEROUTE CRITICAL - not reached, 10.1.3.1 at hop 3 reports Packet filtered (!X)\
         |hops=3;;;0;255 rta=U;;;0.000000 pl=U;;;0;100\n"
    );
}

/// The hops of a result of RIPE Atlas.
fn hops(text: &str) -> Vec<Value> {
    let result: Value = serde_json::from_str(text).expect("JSON");
    let hops = result["result"].as_array().expect("hops");
    hops.iter().map(|hop| hop["result"].clone()).collect()
}

#[test]
fn atlas_has_one_result_with_all_hops() {
    let expected = r#"{"fw":5080,"mver":"rping 0.2.0","lts":-1,"dst_name":"host, \"x\".example","dst_addr":"203.0.113.10","src_addr":"192.0.2.1","af":4,"proto":"ICMP","size":32,"paris_id":1,"endtime":1795359480,"result":[{"hop":1,"result":[{"from":"10.1.1.1","ttl":60,"rtt":1.1},{"from":"10.1.1.1","ttl":60,"rtt":1.2},{"from":"10.1.1.1","ttl":60,"rtt":1.3}]},{"hop":2,"result":[{"from":"10.1.2.1","ttl":60,"rtt":2.0,"icmpext":{"version":2,"rfc4884":1,"obj":[{"class":1,"type":1,"mpls":[{"label":24001,"exp":5,"s":1,"ttl":1}]}]}},{"from":"10.9.9.9","ttl":60,"rtt":3.0},{"from":"10.1.2.1","ttl":60,"rtt":2.0},{"dup":true,"from":"10.1.2.1","ttl":60,"rtt":4.0}]},{"hop":3,"result":[{"x":"*"},{"x":"*"},{"x":"*"}]},{"hop":4,"result":[{"from":"203.0.113.10","ttl":60,"rtt":4.123},{"from":"203.0.113.10","ttl":60,"rtt":4.123},{"from":"203.0.113.10","ttl":60,"rtt":4.123}]}],"msm_id":0,"prb_id":0,"timestamp":1795359480,"msm_name":"Traceroute","from":"192.0.2.1","type":"traceroute"}
"#;
    assert_eq!(of_icmp(AtlasTrace::new(32, Some(HERE.into()))), expected);
}

#[test]
fn atlas_has_the_marks_of_its_own_traces() {
    let trace = |method, v6, name, script: &mut dyn FnMut(&Probe) -> Response| {
        let config = TraceConfig { queries: 1, parallel: Some(1), ..trace_config(method, v6) };
        let target: IpAddr = if v6 { TARGET6.into() } else { TARGET.into() };
        let (wanted, names) = no_names();
        let document = Box::new(AtlasTrace::new(32, None));
        hops(&run((config, script), FormatTrace::report(document, start(target, name), wanted, names)))
    };
    // A port that does not exist is how a target answers a datagram.
    let reached = trace(TraceMethod::Udp, true, "udp", &mut |probe| Ok(vec![on_line(probe, 1, ms(3))]));
    assert_eq!(reached, [json!([{"from": TARGET6.to_string(), "ttl": 60, "rtt": 3.0}])]);
    let segment = trace(TraceMethod::Tcp(SYN), false, "tcp", &mut |probe| Ok(vec![on_line(probe, 1, ms(3))]));
    assert_eq!(segment, [json!([{"from": TARGET.to_string(), "ttl": 60, "rtt": 3.0, "flags": "RA"}])]);
    for (v6, icmp_type, code, word, expected) in [
        (false, 3, 0, 0, json!({"err": "N"})),
        (false, 3, 1, 0, json!({"err": "H"})),
        (false, 3, 2, 0, json!({"err": "P"})),
        (false, 3, 3, 0, json!({"err": "p"})),
        (false, 3, 10, 0, json!({"err": 10})),
        (false, 3, 13, 0, json!({"err": "A"})),
        (false, 3, 4, 1_400, json!({"mtu": 1_400})),
        (true, 1, 0, 0, json!({"err": "N"})),
        (true, 1, 1, 0, json!({"err": "A"})),
        (true, 1, 2, 0, json!({"err": "h"})),
        (true, 1, 3, 0, json!({"err": "H"})),
        (true, 1, 6, 0, json!({"err": 6})),
        (true, 2, 0, 1_280, json!({"mtu": 1_280})),
    ] {
        let hops = trace(TraceMethod::Echo, v6, "icmp", &mut |probe| {
            Ok(vec![error(probe, icmp_type, code, word, ms(2))])
        });
        let reply = hops[0][0].as_object().unwrap();
        let marks: serde_json::Map<_, _> =
            reply.clone().into_iter().filter(|(key, _)| ["err", "mtu"].contains(&key.as_str())).collect();
        assert_eq!(Value::Object(marks), expected, "{icmp_type} {code}");
    }
    let refused = trace(TraceMethod::Echo, false, "icmp", &mut |_| {
        Err(rping::transport::send_fault(libc::EPERM, None))
    });
    assert_eq!(refused[0], json!([{"error": "sendto failed: Operation not permitted"}]));
}

#[test]
fn a_late_answer_takes_back_a_loss_and_has_no_time_in_atlas() {
    let answer = |millis: u64| TraceAnswer {
        at: Instant::from_nanos(millis * 1_000_000),
        from: router(1).into(),
        scope: 0,
        rtt: ms(millis),
        timing: Timing::Kernel,
        hop_limit: Some(64),
        kind: AnswerKind::Error(icmp::Error { family: Family::V4, icmp_type: 11, code: 0, info: 0 }),
        extension: Vec::new(),
        translated: false,
        arrived: false,
    };
    let events = [
        TraceEvent::Decided { ttl: 1, query: 1, outcome: Outcome::Silent, mtu: None },
        TraceEvent::Decided { ttl: 1, query: 2, outcome: Outcome::Answered(answer(4)), mtu: None },
        TraceEvent::Extra { ttl: 1, query: 1, answer: answer(900) },
        TraceEvent::Extra { ttl: 1, query: 1, answer: answer(901) },
        TraceEvent::Ended { at: Instant::from_nanos(1_000_000_000), ending: Ending::Stopped },
    ];
    let print = |document: Box<dyn TraceDocument>| {
        let (wanted, names) = no_names();
        let report = FormatTrace::report(document, start(TARGET.into(), "icmp"), wanted, names);
        let nowhere = driven::nowhere();
        let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
        let mut report = driven::trace(report);
        report.begin(EPOCH, &mut output);
        events.iter().for_each(|event| report.event(event, EPOCH, &mut output));
        report.finish(Instant::ZERO, &mut output);
        output.unwritten(Stream::Out)
    };
    let expected = json!([
        {"x": "*"},
        {"from": "10.1.1.1", "ttl": 64, "rtt": 4.0},
        {"late": 1, "from": "10.1.1.1", "ttl": 64},
        {"dup": true, "from": "10.1.1.1", "ttl": 64, "rtt": 901.0},
    ]);
    assert_eq!(hops(&print(Box::new(AtlasTrace::new(32, None)))), [expected]);
    let influx = print(Box::new(InfluxTrace));
    let hop = influx.lines().nth(1).unwrap();
    assert!(hop.contains(" packets_transmitted=2i,packets_received=2i,percent_packet_loss=0,"), "{hop}");
    assert!(hop.contains("minimum_response_ms=4,average_response_ms=452,maximum_response_ms=900,"), "{hop}");
    assert_eq!(
        print(Box::new(NagiosTrace)),
        "TRACEROUTE UNKNOWN - not reached, stopped at hop 1|hops=1;;;0;255 rta=U;;;0.000000 pl=U;;;0;100\n"
    );
}

#[test]
fn influx_and_nagios_show_that_nothing_was_sent() {
    let print = |document: Box<dyn TraceDocument>| {
        let (wanted, names) = no_names();
        let report = FormatTrace::report(document, start(TARGET.into(), "icmp"), wanted, names);
        run((config(), |_: &Probe| Err(rping::transport::send_fault(libc::ENETUNREACH, None))), report)
    };
    let influx = print(Box::new(InfluxTrace));
    assert!(influx.contains(" result_code=2i,reached=false,"), "{influx}");
    let nagios = print(Box::new(NagiosTrace));
    assert!(
        nagios.starts_with(
            "TRACEROUTE CRITICAL - not reached, no probe could be sent (Network is unreachable)|"
        ),
        "{nagios}"
    );
}

#[test]
fn the_figures_are_those_of_json() {
    let (wanted, names) = no_names();
    let json = run((config(), troubled), JsonTrace::report(start(TARGET.into(), "icmp"), wanted, names));
    let records: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let summary = records.last().unwrap();
    let influx = of_icmp(InfluxTrace);
    let field = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("{name}=")).unwrap();
        rest.split([',', ' ']).next().unwrap().trim_end_matches('i').parse::<f64>().unwrap()
    };
    let trace = influx.lines().next().unwrap();
    for (name, key) in [
        ("hops", "hops"),
        ("packets_transmitted", "transmitted"),
        ("packets_received", "received"),
        ("elapsed_ms", "elapsed_ms"),
    ] {
        assert_eq!(field(trace, name), summary[key].as_f64().unwrap(), "{name}");
    }
    let times = |hop: u64| {
        let probes = records.iter().filter(move |record| record["type"] == "probe" && record["hop"] == hop);
        probes.filter_map(|probe| probe["rtt_ms"].as_f64()).collect::<Vec<_>>()
    };
    for (line, hop) in influx.lines().skip(1).zip(1..) {
        let times = times(hop);
        assert_eq!(field(line, "packets_received"), times.len() as f64);
        if let Some(least) = times.iter().copied().reduce(f64::min) {
            assert_eq!(field(line, "minimum_response_ms"), least);
        }
    }
}

#[test]
fn a_host_that_is_not_found_is_in_every_format() {
    let at = EPOCH.wall(Instant::ZERO);
    let print = |mut document: Box<dyn TraceDocument>| {
        let nowhere = driven::nowhere();
        let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
        document.unknown("nope,x", "Name | not known", at, &mut output);
        output.unwritten(Stream::Out)
    };
    let unreachable = || {
        let nowhere = driven::nowhere();
        let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
        let mut document = AtlasTrace::new(32, None);
        document.unknown("10.0.0.1", "connect: Network is unreachable", at, &mut output);
        serde_json::from_str::<Value>(&output.unwritten(Stream::Out)).expect("JSON")
    };
    let expected =
        format!("{PROBES}2026-11-22T14:58:00.250000000Z,\"nope,x\",,,,unknown,,,,,,,,,Name | not known\r\n");
    assert_eq!(print(Box::new(CsvTrace)), expected);
    let expected = "traceroute,url=nope\\,x result_code=1i,reached=false 1795359480250000000\n";
    assert_eq!(print(Box::new(InfluxTrace)), expected);
    assert!(print(Box::new(PrometheusTrace)).ends_with("\ntraceroute_target_unknown{target=\"nope,x\"} 1\n"));
    assert_eq!(print(Box::new(NagiosTrace)), "TRACEROUTE UNKNOWN - nope,x: Name / not known\n");
    let atlas: Value = serde_json::from_str(&print(Box::new(AtlasTrace::new(32, None)))).unwrap();
    assert_eq!(atlas["result"], json!([{"error": "name resolution failed: Name | not known"}]));
    let atlas = unreachable();
    assert_eq!((&atlas["dst_addr"], &atlas["af"]), (&json!("10.0.0.1"), &json!(4)));
    assert_eq!(atlas["result"], json!([{"error": "connect: Network is unreachable"}]));
}
