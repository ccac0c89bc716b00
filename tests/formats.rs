//! The formats for programs, from events to exact text: pings in the simulated network.

mod sim;

use std::cell::RefCell;
use std::fmt::Display;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use rping::clock::Instant;
use rping::engine::ping::{self, Targets};
use rping::output::{Output, Stream};
use rping::report::Report;
use rping::report::formats::ping::{Document, FormatPing};
use rping::report::formats::{AtlasPing, CsvProbes, CsvTable, InfluxPing, NagiosPing, PrometheusPing};
use rping::report::hosts::Hosts;
use rping::report::json::JsonPing;
use rping::report::style::Style;
use rping::report::text::many::{ManyText, Show};
use rping::report::text::ping::PingText;
use rping::stats::check::{CheckLimits, Limit, States};
use rping::stats::{EachTime, Extras, PingAccount, WindowPlan};
use serde_json::Value;
use sim::driven::Driven;
use sim::*;

/// What a run prints, and its account.
fn drive<R: Report<Account = PingAccount>>(
    (config, hosts): (ping::Config, &Hosts),
    script: impl FnMut(&Seen) -> Response,
    report: R,
    plan: Option<WindowPlan>,
) -> (String, PingAccount) {
    let mut account = PingAccount::new(config.targets.len()).with_names(hosts.unknown(), 0);
    (account.extras, account.each) = (Some(Extras::default()), Some(EachTime::default()));
    let account = account.with_windows(plan, Instant::ZERO);
    let nowhere = driven::nowhere();
    let output = RefCell::new(Output::new(nowhere.as_fd(), nowhere.as_fd()));
    let driven = RefCell::new(Driven { report, account });
    driven.borrow_mut().begin(EPOCH, &mut output.borrow_mut());
    let end = {
        let mut sim = Sim::new(config, script);
        sim.turn = Box::new(|now| driven.borrow_mut().turn(now, EPOCH, &mut output.borrow_mut()));
        sim.run(|event| driven.borrow_mut().event(event, EPOCH, &mut output.borrow_mut()))
    };
    let (mut driven, mut output) = (driven.into_inner(), output.into_inner());
    driven.end_last_window(end, EPOCH, &mut output);
    driven.finish(end, &mut output);
    assert_eq!(output.unwritten(Stream::Err), "");
    let version = concat!("rping ", env!("CARGO_PKG_VERSION"));
    (output.unwritten(Stream::Out).replace(version, "rping 0.2.0"), driven.account)
}

/// Four probes: answered twice, failed, not sent, lost.
fn troubled(probe: &Seen) -> Response {
    match probe.seq() {
        1 => Ok(vec![echo(probe, us(10_250)).ttl(57), echo(probe, ms(12))]),
        2 => Ok(vec![error(probe, 3, 1, 0, ms(5))]),
        3 => Err(rping::transport::send_fault(libc::EPERM, None)),
        _ => Ok(vec![]),
    }
}

fn one_host() -> (ping::Config, Hosts) {
    let hosts = Hosts::one("host.example".to_owned(), (TARGET, 0).into());
    (Config { count: Some(4), ..config() }.into(), hosts)
}

/// What a ping of one host prints.
fn one(document: impl Document + 'static) -> String {
    let (config, hosts) = one_host();
    let report = FormatPing::new(Box::new(document), &style(), hosts.clone(), true);
    drive((config, &hosts), troubled, report, None).0
}

/// Two hosts with names that need escapes, an address, and a name that is not found.
fn many_hosts() -> (ping::Config, Hosts) {
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    let mut add = |hosts: &mut Hosts, name: Option<&str>, address: SocketAddr| {
        targets.add(address, 1).into_iter().for_each(|range| hosts.add(name.map(str::to_owned), range));
    };
    hosts.note(Some("rack 5, \"top\"=\\".into()));
    add(&mut hosts, Some("web 1,x=\"y\"|'z'"), (TARGET, 0).into());
    hosts.note(None);
    add(&mut hosts, None, (TARGET6, 0).into());
    hosts.add_unknown("nope.example".to_owned(), "Name or service | not known".to_owned());
    hosts.seal(Rc::new(targets));
    let demand = Demand::Probes { count: 3, interval: ms(1_000) };
    let config = ManyConfig { linger: Some(ms(500)), ..ManyConfig::new(Rc::clone(hosts.targets()), demand) };
    (config.into(), hosts)
}

/// The second probe to the IPv4 host is lost; the other host is silent.
fn half(probe: &Seen) -> Response {
    let answered = probe.dst.is_ipv4() && probe.seq() != 2;
    Ok(if answered { vec![echo(probe, us(20_000 + 111 * u64::from(probe.seq())))] } else { vec![] })
}

/// What a ping of many hosts prints.
fn many(document: impl Document + 'static, plan: Option<WindowPlan>) -> String {
    let (config, hosts) = many_hosts();
    let report = FormatPing::new(Box::new(document), &style(), hosts.clone(), false);
    drive((config, &hosts), half, report, plan).0
}

/// Lines that end with CR LF.
fn crlf(lines: &[impl Display]) -> String {
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

/// The fields of each record, by the rules of RFC 4180.
fn records(csv: &str) -> Vec<Vec<String>> {
    let (mut all, mut record, mut field, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut rest = csv.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if quoted && rest.peek() == Some(&'"') => field.extend(rest.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut field)),
            '\r' if !quoted => {
                assert_eq!(rest.next(), Some('\n'));
                record.push(std::mem::take(&mut field));
                all.push(std::mem::take(&mut record));
            }
            c => field.push(c),
        }
    }
    assert!(record.is_empty() && field.is_empty() && !quoted);
    all
}

const EVENTS: &str = "time,host,address,label,seq,outcome,from,bytes,ttl,rtt_ms,icmp_type,icmp_code,reason";
const FIGURES: &str = "time,host,address,label,window_ms,transmitted,received,lost,late,not_sent,in_flight,loss_pct,\
                       loss_burst,min_ms,avg_ms,max_ms,mdev_ms,p50_ms,p90_ms,p95_ms,p99_ms,jitter_ms,diff_avg_ms,\
                       diff_max_ms,reason";
/// The first host of many, in CSV.
const WEB: &str = r#""web 1,x=""y""|'z'",192.0.2.2,"rack 5, ""top""=\""#;

#[test]
fn csv_has_a_record_for_each_outcome_of_a_probe() {
    let expected = [
        EVENTS,
        "2026-11-22T14:58:00.260250000Z,host.example,192.0.2.2,,1,reply,192.0.2.2,64,57,10.25,,,",
        "2026-11-22T14:58:00.262000000Z,host.example,192.0.2.2,,1,duplicate,192.0.2.2,64,64,12,,,",
        "2026-11-22T14:58:01.255000000Z,host.example,192.0.2.2,,2,error,192.0.2.254,,,,3,1,Destination Host Unreachable",
        "2026-11-22T14:58:02.250000000Z,host.example,192.0.2.2,,3,not_sent,,,,,,,Operation not permitted",
        "2026-11-22T14:58:04.250000000Z,host.example,192.0.2.2,,4,timeout,,,,,,,",
    ];
    assert_eq!(one(CsvProbes), crlf(&expected));
    let expected = [
        EVENTS,
        "2026-11-22T14:58:00.250000000Z,nope.example,,,,unknown,,,,,,,Name or service | not known",
        &format!("2026-11-22T14:58:00.270111000Z,{WEB},1,reply,192.0.2.2,64,64,20.111,,,"),
        "2026-11-22T14:58:00.751000000Z,2001:db8::2,2001:db8::2,,1,timeout,,,,,,,",
        &format!("2026-11-22T14:58:01.750000000Z,{WEB},2,timeout,,,,,,,"),
        "2026-11-22T14:58:01.751000000Z,2001:db8::2,2001:db8::2,,2,timeout,,,,,,,",
        &format!("2026-11-22T14:58:02.270333000Z,{WEB},3,reply,192.0.2.2,64,64,20.333,,,"),
        "2026-11-22T14:58:02.751000000Z,2001:db8::2,2001:db8::2,,3,timeout,,,,,,,",
    ];
    let csv = many(CsvProbes, None);
    assert_eq!(csv, crlf(&expected));
    assert_eq!(records(&csv)[2][1..4], ["web 1,x=\"y\"|'z'", "192.0.2.2", "rack 5, \"top\"=\\"]);
}

#[test]
fn csv_of_a_quiet_run_has_the_figures_of_each_host() {
    let expected = [
        FIGURES,
        "2026-11-22T14:58:04.250000000Z,host.example,192.0.2.2,,,3,1,2,0,1,0,66.66666666666667,1,10.25,10.25,10.25,0,10.25,10.25,10.25,10.25,0,,,",
    ];
    assert_eq!(one(CsvTable::default()), crlf(&expected));
    let expected = [
        FIGURES,
        &format!(
            "2026-11-22T14:58:02.751000000Z,{WEB},,3,2,1,0,0,0,33.333333333333336,1,20.111,20.222,20.333,0.111,20.111,20.333,20.333,20.333,0.013875,0.222,0.222,"
        ),
        "2026-11-22T14:58:02.751000000Z,2001:db8::2,2001:db8::2,,,3,0,3,0,0,0,100,3,,,,,,,,,,,,",
        "2026-11-22T14:58:02.751000000Z,nope.example,,,,,,,,,,,,,,,,,,,,,,,Name or service | not known",
    ];
    let csv = many(CsvTable::default(), None);
    assert_eq!(csv, crlf(&expected));
    assert!(records(&csv).iter().all(|record| record.len() == 25));
}

#[test]
fn csv_has_the_figures_of_each_window() {
    let windows = |cumulative| Some(WindowPlan { every: ms(2_000), cumulative });
    // A window does not know what is in flight.
    let first = |in_flight: &str| {
        [
        FIGURES.to_owned(),
        format!(
            "2026-11-22T14:58:02.250000000Z,{WEB},2000,2,1,1,0,0,{in_flight},50,,20.111,20.111,20.111,0,20.111,20.111,20.111,20.111,0,,,"
        ),
        format!("2026-11-22T14:58:02.250000000Z,2001:db8::2,2001:db8::2,,2000,2,0,2,0,0,{in_flight},100,,,,,,,,,,,,,"),
        "2026-11-22T14:58:02.250000000Z,nope.example,,,2000,,,,,,,,,,,,,,,,,,,,Name or service | not known".to_owned(),
    ]
    };
    let last = [
        &format!(
            "2026-11-22T14:58:02.751000000Z,{WEB},501,1,1,0,0,0,,0,,20.333,20.333,20.333,0,20.333,20.333,20.333,20.333,0.013875,,,"
        ),
        "2026-11-22T14:58:02.751000000Z,2001:db8::2,2001:db8::2,,501,1,0,1,0,0,,100,,,,,,,,,,,,,",
        "2026-11-22T14:58:02.751000000Z,nope.example,,,501,,,,,,,,,,,,,,,,,,,,Name or service | not known",
    ];
    assert_eq!(many(CsvTable::default(), windows(false)), crlf(&first("")) + &crlf(&last));
    // Since the start, and then the run.
    let run = many(CsvTable::default(), None);
    let (_, run) = run.split_once("\r\n").unwrap();
    assert_eq!(many(CsvTable::default(), windows(true)), crlf(&first("0")) + run);
}

/// The fields of an answered host of many, in the line protocol.
const TIMES: &str = "minimum_response_ms=20.111,average_response_ms=20.222,maximum_response_ms=20.333,\
                     standard_deviation_ms=0.111,jitter_ms=0.013875,percentile50_ms=20.111,percentile90_ms=20.333,\
                     percentile95_ms=20.333,percentile99_ms=20.333";

#[test]
fn influx_has_a_point_of_telegrafs_for_each_host() {
    let expected = "ping,url=host.example result_code=0i,packets_transmitted=3i,packets_received=1i,\
                    percent_packet_loss=66.66666666666667,ttl=57i,minimum_response_ms=10.25,average_response_ms=10.25,\
                    maximum_response_ms=10.25,standard_deviation_ms=0,jitter_ms=0,percentile50_ms=10.25,\
                    percentile90_ms=10.25,percentile95_ms=10.25,percentile99_ms=10.25 1795359484250000000\n";
    assert_eq!(one(InfluxPing), expected);
    let expected = format!(
        r#"ping,url=web\ 1\,x\="y"|'z',label=rack\ 5\,\ "top"\= result_code=0i,packets_transmitted=3i,packets_received=2i,percent_packet_loss=33.333333333333336,ttl=64i,{TIMES} 1795359482751000000
ping,url=2001:db8::2 result_code=1i,packets_transmitted=3i,packets_received=0i,percent_packet_loss=100 1795359482751000000
ping,url=nope.example result_code=1i 1795359482751000000
"#
    );
    assert_eq!(many(InfluxPing, None), expected);
}

#[test]
fn influx_has_a_point_for_each_window_and_none_for_the_run() {
    let points = |every| {
        let text = many(InfluxPing, Some(WindowPlan { every: ms(every), cumulative: false }));
        let point = |line: &str| {
            let (_, rest) = line.split_once(" result_code=").unwrap();
            let (fields, at) = rest.split_once(' ').unwrap();
            (fields.split(',').take(3).collect::<Vec<_>>().join(","), at.to_owned())
        };
        text.lines().filter(|line| !line.contains("nope")).map(point).collect::<Vec<_>>()
    };
    let expected = [
        ("0i,packets_transmitted=2i,packets_received=1i", "1795359482250000000"),
        ("1i,packets_transmitted=2i,packets_received=0i", "1795359482250000000"),
        ("0i,packets_transmitted=1i,packets_received=1i", "1795359482751000000"),
        ("1i,packets_transmitted=1i,packets_received=0i", "1795359482751000000"),
    ];
    assert_eq!(points(2_000), expected.map(|(fields, at)| (fields.to_owned(), at.to_owned())));
    // A window in which nothing happened to a host has no point. One with a loss only has one.
    let short = points(300);
    let losses = short.iter().filter(|(fields, _)| fields == "1i,packets_transmitted=0i,packets_received=0i");
    assert_eq!((short.len(), losses.count()), (10, 4));
}

#[test]
fn prometheus_has_the_names_of_ping_exporter() {
    let web = r#"target="web 1,x=\"y\"|'z'",ip="192.0.2.2",ip_version="4",label="rack 5, \"top\"=\\""#;
    let silent = r#"target="2001:db8::2",ip="2001:db8::2",ip_version="6""#;
    let expected = format!(
        r#"# HELP ping_rtt_best_seconds Best round trip time in seconds
# TYPE ping_rtt_best_seconds gauge
ping_rtt_best_seconds{{{web}}} 0.020111
# HELP ping_rtt_worst_seconds Worst round trip time in seconds
# TYPE ping_rtt_worst_seconds gauge
ping_rtt_worst_seconds{{{web}}} 0.020333
# HELP ping_rtt_mean_seconds Mean round trip time in seconds
# TYPE ping_rtt_mean_seconds gauge
ping_rtt_mean_seconds{{{web}}} 0.020222
# HELP ping_rtt_std_deviation_seconds Standard deviation in seconds
# TYPE ping_rtt_std_deviation_seconds gauge
ping_rtt_std_deviation_seconds{{{web}}} 0.000111
# HELP ping_rtt_percentile_seconds Percentiles of the round trip time in seconds
# TYPE ping_rtt_percentile_seconds gauge
ping_rtt_percentile_seconds{{{web},percentile="50"}} 0.020111
ping_rtt_percentile_seconds{{{web},percentile="90"}} 0.020333
ping_rtt_percentile_seconds{{{web},percentile="95"}} 0.020333
ping_rtt_percentile_seconds{{{web},percentile="99"}} 0.020333
# HELP ping_jitter_seconds Interarrival jitter (RFC 3550) in seconds
# TYPE ping_jitter_seconds gauge
ping_jitter_seconds{{{web}}} 0.000013875
# HELP ping_loss_ratio Packet loss from 0.0 to 1.0
# TYPE ping_loss_ratio gauge
ping_loss_ratio{{{web}}} 0.3333333333333333
ping_loss_ratio{{{silent}}} 1
# HELP ping_packets_transmitted Probes sent
# TYPE ping_packets_transmitted gauge
ping_packets_transmitted{{{web}}} 3
ping_packets_transmitted{{{silent}}} 3
# HELP ping_packets_received Probes answered
# TYPE ping_packets_received gauge
ping_packets_received{{{web}}} 2
ping_packets_received{{{silent}}} 0
# HELP ping_packets_lost Probes lost
# TYPE ping_packets_lost gauge
ping_packets_lost{{{web}}} 1
ping_packets_lost{{{silent}}} 3
# HELP ping_packets_not_sent Probes that this machine could not send
# TYPE ping_packets_not_sent gauge
ping_packets_not_sent{{{web}}} 0
ping_packets_not_sent{{{silent}}} 0
# HELP ping_target_unknown 1 for a host that was not found
# TYPE ping_target_unknown gauge
ping_target_unknown{{target="nope.example"}} 1
"#
    );
    assert_eq!(many(PrometheusPing::default(), None), expected);
}

#[test]
fn a_prometheus_file_is_replaced_in_each_window() {
    let folder = std::env::temp_dir().join(format!("rping-formats-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let place = folder.join("ping.prom");
    let (config, hosts) = one_host();
    let report = FormatPing::new(Box::new(PrometheusPing::default()), &style(), hosts, true);
    let plan = WindowPlan { every: ms(1_000), cumulative: false };
    let account = PingAccount::new(1).with_windows(Some(plan), Instant::ZERO);
    let output = RefCell::new(Output::to_file(&place).unwrap());
    let driven = RefCell::new(Driven { report, account });
    let received = || {
        let text = std::fs::read_to_string(&place).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("ping_packets_received"));
        assert!(text.matches("# HELP ping_packets_received").count() <= 1, "one document: {text}");
        line.map(|line| line.rsplit_once(' ').unwrap().1.to_owned())
    };
    let mut seen = Vec::new();
    driven.borrow_mut().begin(EPOCH, &mut output.borrow_mut());
    let end = {
        let mut sim = Sim::new(config, troubled);
        sim.turn = Box::new(|now| {
            let due = driven.borrow_mut().turn(now, EPOCH, &mut output.borrow_mut());
            output.borrow_mut().flush(&[], None).unwrap();
            seen.push(received());
            due
        });
        sim.run(|event| driven.borrow_mut().event(event, EPOCH, &mut output.borrow_mut()))
    };
    seen.dedup();
    let (mut driven, mut output) = (driven.into_inner(), output.into_inner());
    driven.end_last_window(end, EPOCH, &mut output);
    driven.finish(end, &mut output);
    output.close().unwrap();
    // Nothing before the first window ends, the answer in the first, none in the others.
    assert_eq!(seen, [None, Some("1".to_owned()), Some("0".to_owned())]);
    assert_eq!(received().as_deref(), Some("0"));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    std::fs::remove_dir_all(folder).unwrap();
}

fn limits(warn: (Option<u64>, Option<u32>), crit: (Option<u64>, Option<u32>)) -> CheckLimits {
    let limit = |(rtt, loss): (Option<u64>, Option<u32>)| Limit { rtt: rtt.map(ms), loss };
    CheckLimits { warn: limit(warn), crit: limit(crit) }
}

#[test]
fn nagios_has_the_line_of_check_ping_for_one_host() {
    let line = |limits| one(NagiosPing::new(limits, None));
    assert_eq!(
        line(CheckLimits::default()),
        "PING OK - Packet loss = 66.6667%, RTA = 10.25 ms|rta=10.250000ms;;;0.000000 pl=66.6667%;;;0;100\n"
    );
    assert_eq!(
        line(limits((Some(200), Some(4_000)), (Some(500), Some(8_000)))),
        "PING WARNING - Packet loss = 66.6667%, RTA = 10.25 ms\
         |rta=10.250000ms;200.000000;500.000000;0.000000 pl=66.6667%;40;80;0;100\n"
    );
    assert_eq!(
        line(limits((None, None), (Some(10), None))),
        "PING CRITICAL - Packet loss = 66.6667%, RTA = 10.25 ms|rta=10.250000ms;;10.000000;0.000000 pl=66.6667%;;;0;100\n"
    );
}

#[test]
fn nagios_names_a_deadline_that_left_all_probes_in_flight() {
    let (_, hosts) = one_host();
    let nagios = NagiosPing::new(CheckLimits::default(), None);
    let report = FormatPing::new(Box::new(nagios), &style(), hosts.clone(), true);
    let config = Config { linger: Some(ms(10_000)), deadline: Some(ms(500)), ..config() };
    let (line, _) = drive((config.into(), &hosts), |_| Ok(vec![]), report, None);
    assert_eq!(line, "PING CRITICAL - no reply before the end of the run|rta=U;;;0.000000 pl=U;;;0;100\n");
}

#[test]
fn nagios_names_each_host_of_many_that_is_not_ok() {
    let line = |limits, enough| many(NagiosPing::new(limits, enough), None);
    let values = |limits: &str, losses: &str| {
        format!(
            r#"|'web 1,x_"y"/''z''rta'=20.222000ms;{limits}0.000000 'web 1,x_"y"/''z''pl'=33.3333%;{losses}0;100 2001:db8::2rta=U;{limits}0.000000 2001:db8::2pl=100%;{losses}0;100"#
        )
    };
    let others = " :: 2001:db8::2: rta nan, lost 100% :: nope.example: Name or service / not known";
    let expected = format!("PING CRITICAL - 1 of 3 hosts OK{others}{}\n", values(";;", ";;"));
    assert_eq!(line(CheckLimits::default(), None), expected);
    let expected = format!("PING OK - 1 of 3 hosts OK{others}{}\n", values(";;", ";;"));
    assert_eq!(line(CheckLimits::default(), Some(1)), expected);
    let web = " :: web 1,x=\"y\"/'z': rta 20.222ms, lost 33.3333%";
    let values = values("20.000000;50.000000;", ";99.5;");
    let expected = format!("PING CRITICAL - 0 of 3 hosts OK{web}{others}{values}\n");
    assert_eq!(line(limits((Some(20), None), (Some(50), Some(9_950))), None), expected);
}

#[test]
fn atlas_has_a_result_for_each_host() {
    let expected = r#"{"fw":5080,"mver":"rping 0.2.0","lts":-1,"dst_name":"host.example","dst_addr":"192.0.2.2","src_addr":"192.0.2.1","af":4,"proto":"ICMP","ttl":57,"size":56,"result":[{"rtt":10.25},{"x":"*"},{"error":"sendto failed: Operation not permitted"},{"x":"*"}],"dup":1,"rcvd":1,"sent":3,"min":10.25,"max":10.25,"avg":10.25,"msm_id":0,"prb_id":0,"timestamp":1795359480,"msm_name":"Ping","from":"192.0.2.1","type":"ping","step":null}
"#;
    assert_eq!(one(AtlasPing::new(56, Some(HERE.into()))), expected);
    let expected = r#"{"fw":5080,"mver":"rping 0.2.0","lts":-1,"dst_name":"web 1,x=\"y\"|'z'","dst_addr":"192.0.2.2","af":4,"proto":"ICMP","ttl":64,"size":56,"result":[{"rtt":20.111},{"x":"*"},{"rtt":20.333}],"dup":0,"rcvd":2,"sent":3,"min":20.111,"max":20.333,"avg":20.222,"msm_id":0,"prb_id":0,"timestamp":1795359480,"msm_name":"Ping","type":"ping","step":null}
{"fw":5080,"mver":"rping 0.2.0","lts":-1,"dst_name":"2001:db8::2","dst_addr":"2001:db8::2","af":6,"proto":"ICMP","size":56,"result":[{"x":"*"},{"x":"*"},{"x":"*"}],"dup":0,"rcvd":0,"sent":3,"min":-1.0,"max":-1.0,"avg":-1.0,"msm_id":0,"prb_id":0,"timestamp":1795359480,"msm_name":"Ping","type":"ping","step":null}
{"fw":5080,"mver":"rping 0.2.0","lts":-1,"dst_name":"nope.example","proto":"ICMP","size":56,"result":[{"error":"dns resolution failed: Name or service | not known"}],"dup":0,"rcvd":0,"sent":0,"min":-1.0,"max":-1.0,"avg":-1.0,"msm_id":0,"prb_id":0,"timestamp":1795359480,"msm_name":"Ping","type":"ping","step":null}
"#;
    assert_eq!(many(AtlasPing::new(56, None), None), expected);
}

/// A hundred probes; every seventh is lost, and the times have all digits.
fn hundred(probe: &Seen) -> Response {
    let number = probe.number;
    let after = Duration::from_nanos(5_000_000 + number.wrapping_mul(7_919_317) % 90_000_001);
    Ok(if number.is_multiple_of(7) { vec![] } else { vec![echo(probe, after)] })
}

#[test]
fn all_formats_have_the_figures_of_json() {
    let run = |document: Box<dyn Document>| {
        let (_, hosts) = one_host();
        let config = Config { count: Some(100), ..config() };
        let report = FormatPing::new(document, &style(), hosts.clone(), true);
        drive((config.into(), &hosts), hundred, report, None).0
    };
    let (_, hosts) = one_host();
    let config = Config { count: Some(100), ..config() };
    let json = JsonPing::one(style(), hosts.clone(), ms(1_000));
    let (json, account) = drive((config.into(), &hosts), hundred, json, None);
    let json: Value = serde_json::from_str(json.lines().last().unwrap()).unwrap();
    let number = |key: &str| match key.split_once('.') {
        Some((outer, inner)) => json[outer][inner].as_f64().unwrap(),
        None => json[key].as_f64().unwrap(),
    };
    assert_eq!((number("transmitted"), number("received")), (100.0, 86.0));

    let csv = records(&run(Box::<CsvTable>::default()));
    let column = |name: &str| {
        let place = csv[0].iter().position(|column| column == name).unwrap();
        csv[1][place].parse::<f64>().unwrap()
    };
    for name in ["transmitted", "received", "not_sent", "in_flight", "loss_pct", "loss_burst"] {
        assert_eq!(column(name), number(name), "{name}");
    }
    for name in ["min", "avg", "max", "mdev", "p50", "p90", "p95", "p99", "jitter", "diff_avg", "diff_max"] {
        assert_eq!(column(&format!("{name}_ms")), number(&format!("rtt.{name}_ms")), "{name}");
    }

    let influx = run(Box::new(InfluxPing));
    let field = |name: &str| {
        let (_, rest) = influx.split_once(&format!("{name}=")).unwrap();
        let value = rest.split([',', ' ']).next().unwrap();
        value.trim_end_matches('i').parse::<f64>().unwrap()
    };
    for (name, key) in [
        ("packets_transmitted", "transmitted"),
        ("packets_received", "received"),
        ("percent_packet_loss", "loss_pct"),
        ("minimum_response_ms", "rtt.min_ms"),
        ("average_response_ms", "rtt.avg_ms"),
        ("maximum_response_ms", "rtt.max_ms"),
        ("standard_deviation_ms", "rtt.mdev_ms"),
        ("percentile50_ms", "rtt.p50_ms"),
        ("percentile90_ms", "rtt.p90_ms"),
        ("percentile95_ms", "rtt.p95_ms"),
        ("percentile99_ms", "rtt.p99_ms"),
        ("jitter_ms", "rtt.jitter_ms"),
    ] {
        assert_eq!(field(name), number(key), "{name}");
    }

    let prometheus = run(Box::<PrometheusPing>::default());
    let sample = |name: &str| {
        let (name, label) = name.split_once(' ').unwrap_or((name, ""));
        let is_it = |line: &&str| line.starts_with(&format!("{name}{{")) && line.contains(label);
        let line = prometheus.lines().find(is_it).unwrap();
        line.rsplit_once(' ').unwrap().1.parse::<f64>().unwrap()
    };
    for (name, key) in [
        ("ping_rtt_best_seconds", "rtt.min_ms"),
        ("ping_rtt_mean_seconds", "rtt.avg_ms"),
        ("ping_rtt_worst_seconds", "rtt.max_ms"),
        ("ping_rtt_std_deviation_seconds", "rtt.mdev_ms"),
        ("ping_jitter_seconds", "rtt.jitter_ms"),
    ] {
        assert_eq!((sample(name) * 1e9).round(), (number(key) * 1e6).round(), "{name}");
    }
    for percent in [50, 90, 95, 99] {
        let found = sample(&format!("ping_rtt_percentile_seconds percentile=\"{percent}\""));
        assert_eq!((found * 1e9).round(), (number(&format!("rtt.p{percent}_ms")) * 1e6).round(), "{percent}");
    }
    assert_eq!(sample("ping_loss_ratio"), 14.0 / 100.0);
    for (name, key) in [("transmitted", "transmitted"), ("received", "received"), ("not_sent", "not_sent")] {
        assert_eq!(sample(&format!("ping_packets_{name}")), number(key), "{name}");
    }

    let atlas: Value = serde_json::from_str(&run(Box::new(AtlasPing::new(56, None)))).unwrap();
    for (name, key) in [
        ("sent", "transmitted"),
        ("rcvd", "received"),
        ("min", "rtt.min_ms"),
        ("avg", "rtt.avg_ms"),
        ("max", "rtt.max_ms"),
    ] {
        assert_eq!(atlas[name].as_f64().unwrap(), number(key), "{name}");
    }
    let packets = atlas["result"].as_array().unwrap();
    assert_eq!((packets.len(), packets.iter().filter(|packet| packet.get("x").is_some()).count()), (100, 14));

    let nagios = run(Box::new(NagiosPing::new(CheckLimits::default(), None)));
    let expected = format!("|rta={:.6}ms;;;0.000000 pl=14%;;;0;100\n", number("rtt.avg_ms"));
    assert!(nagios.ends_with(&expected), "{nagios}");
    assert_eq!(States::of(&account, &CheckLimits::default(), true).state(None).status(), 0);
}

#[test]
fn the_line_and_the_table_of_stats_have_the_figures_of_json() {
    let (_, hosts) = one_host();
    let config = || Config { count: Some(100), ..config() };
    let stats = || PingText::new(Style { stats: true, quiet: true, ..style() }, None);
    let json =
        drive((config().into(), &hosts), hundred, JsonPing::one(style(), hosts.clone(), ms(1_000)), None);
    let json: Value = serde_json::from_str(json.0.lines().last().unwrap()).unwrap();
    // Cut to microseconds.
    let millis = |key: &str| {
        let nanos = (json["rtt"][format!("{key}_ms")].as_f64().unwrap() * 1e6).round() as u64;
        format!("{}.{:03}", nanos / 1_000_000, nanos / 1_000 % 1_000)
    };
    let joined = |keys: &[&str]| keys.iter().map(|key| millis(key)).collect::<Vec<_>>().join("/");
    let times = joined(&["min", "avg", "max", "mdev"]);
    let percentiles = joined(&["p50", "p90", "p95", "p99"]);
    let (jitter, differences) = (millis("jitter"), joined(&["diff_avg", "diff_max"]));
    let burst = &json["loss_burst"];
    let text = drive((config().into(), &hosts), hundred, stats(), None).0;
    let expected = format!(
        "p50/p90/p95/p99 {percentiles} ms, jitter {jitter} ms, diff avg/max {differences} ms, loss burst {burst}\n"
    );
    assert!(text.ends_with(&expected), "{text}\n{expected}");
    let table = ManyText::new(Show::Table, "rping", hosts.clone(), stats());
    let text = drive((config().into(), &hosts), hundred, table, None).0;
    let row: Vec<_> = text.lines().nth(1).unwrap().split_whitespace().collect();
    let figures = [&times, &percentiles, &jitter, &differences].map(String::as_str);
    assert_eq!(row[..5], ["host.example", "192.0.2.2", "100", "86", "14%"]);
    assert_eq!((&row[5..9], row[9]), (&figures[..], burst.to_string().as_str()));
}

#[test]
fn addresses_of_one_name_are_apart_in_every_format() {
    let hosts = || {
        let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
        for address in [SocketAddr::new(TARGET.into(), 0), SocketAddr::new(TARGET6.into(), 0)] {
            targets.add(address, 1);
        }
        hosts.add(Some("both.example".to_owned()), 0..2);
        hosts.seal(Rc::new(targets));
        hosts
    };
    let run = |document: Box<dyn Document>| {
        let hosts = hosts();
        let demand = Demand::Probes { count: 1, interval: ms(1_000) };
        let config =
            ManyConfig { linger: Some(ms(500)), ..ManyConfig::new(Rc::clone(hosts.targets()), demand) };
        let report = FormatPing::new(document, &style(), hosts.clone(), false);
        drive((config.into(), &hosts), |probe| Ok(vec![echo(probe, ms(10))]), report, None).0
    };
    let influx = run(Box::new(InfluxPing));
    let series: Vec<_> = influx.lines().map(|line| line.split(' ').next().unwrap()).collect();
    assert_eq!(series, ["ping,url=both.example,ip=192.0.2.2", "ping,url=both.example,ip=2001:db8::2"]);
    let nagios = run(Box::new(NagiosPing::new(CheckLimits::default(), None)));
    let expected = "PING OK - 2 of 2 hosts OK\
                    |'both.example/192.0.2.2rta'=10.000000ms;;;0.000000 'both.example/192.0.2.2pl'=0%;;;0;100 \
                    'both.example/2001:db8::2rta'=10.000000ms;;;0.000000 'both.example/2001:db8::2pl'=0%;;;0;100\n";
    assert_eq!(nagios, expected);
}
