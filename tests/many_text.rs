//! Many targets against the simulated network: every octet that is printed.

mod sim;

use std::net::SocketAddr;
use std::num::NonZeroU64;
use std::os::fd::AsFd;
use std::rc::Rc;

use rping::clock::Instant;
use rping::datagram::SendFault;
use rping::engine::ping::{Ping, Targets};
use rping::output::{Output, Stream};
use rping::report::hosts::Hosts;
use rping::report::json::JsonPing;
use rping::report::style::Style;
use rping::report::text::many::{ManyText, Show};
use rping::report::text::ping::PingText;
use sim::ManyConfig as Config;
use sim::driven;
use sim::*;

/// `web` is 198.51.100.1, `nope` cannot be found, then 198.51.100.2 and .3, and `six` is 2001:db8::2.
fn all_hosts() -> Hosts {
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    let mut add = |name: Option<&str>, first: &str, count| {
        let first = SocketAddr::new(first.parse().unwrap(), 0);
        let numbers = targets.add(first, count);
        numbers.into_iter().for_each(|range| hosts.add(name.map(str::to_owned), range));
    };
    add(Some("web"), "198.51.100.1", 1);
    add(None, "198.51.100.2", 2);
    add(Some("six"), "2001:db8::2", 1);
    add(Some("www"), "198.51.100.1", 1);
    hosts.add_unknown("no\x1bpe".to_owned(), "Name or service not known".to_owned());
    hosts.seal(Rc::new(targets));
    hosts
}

fn answers() -> Config {
    Config::new(Rc::default(), Demand::Answer { timeout: ms(500), retries: 1 })
}

fn last_octet(probe: &Seen) -> u8 {
    match probe.dst.ip() {
        std::net::IpAddr::V4(v4) => v4.octets()[3],
        std::net::IpAddr::V6(v6) => v6.octets()[15] + 100,
    }
}

/// 198.51.100.1 answers after 1 ms and a bit more each time, .2 never, a router sends errors for .3, and IPv6 answers.
fn network(probe: &Seen) -> Result<Vec<Packet>, SendFault> {
    Ok(match last_octet(probe) {
        1 => vec![echo(probe, us(1_000 + 111 * u64::from(probe.seq())))],
        2 => vec![],
        3 => vec![error(probe, 3, 1, 0, ms(2))],
        _ => vec![echo(probe, us(22_222)).ttl(57), echo(probe, us(30_000)).ttl(57)],
    })
}

/// Standard output and standard error of a run to the end.
fn printed_by(
    config: Config,
    show: Show,
    script: impl FnMut(&Seen) -> Result<Vec<Packet>, SendFault>,
) -> (String, String) {
    let hosts = all_hosts();
    let config = Config { targets: Rc::clone(hosts.targets()), ..config };
    let mut sim = Sim::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), script);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let lines = PingText::new(Style::of(TARGET.into()), None);
    let mut text = driven::ping(ManyText::new(show, "rping", hosts, lines), 4);
    text.account.unknown = 1;
    text.begin(EPOCH, &mut output);
    let end = sim.run(|event| text.event(event, EPOCH, &mut output));
    text.status(&mut output);
    text.finish(end, &mut output);
    (output.unwritten(Stream::Out), output.unwritten(Stream::Err))
}

#[test]
fn lines_come_first_and_then_the_table() {
    let (out, err) = printed_by(answers(), Show::Lines, network);
    let expected = "\
64 bytes from web (198.51.100.1): icmp_seq=1 ttl=64 time=1.11 ms
64 bytes from www (198.51.100.1): icmp_seq=1 ttl=64 time=1.11 ms
From 192.0.2.254 icmp_seq=1 Destination Host Unreachable for 198.51.100.3
64 bytes from six (2001:db8::2): icmp_seq=1 ttl=57 time=22.2 ms
64 bytes from six (2001:db8::2): icmp_seq=1 ttl=57 time=30.0 ms (DUP!)
From 192.0.2.254 icmp_seq=2 Destination Host Unreachable for 198.51.100.3

name          address       sent  received    loss         min/avg/max/mdev ms  p95 ms
web           198.51.100.1     1         1      0%     1.111/1.111/1.111/0.000   1.111
198.51.100.2  198.51.100.2     2         0    100%                           -       -
198.51.100.3  198.51.100.3     2         0    100%                           -       -
six           2001:db8::2      1         1      0%  22.222/22.222/22.222/0.000  22.222
www           198.51.100.1     1         1      0%     1.111/1.111/1.111/0.000   1.111
no\\x1bpe      unknown
5 targets: 2 answered, 2 silent, 1 unknown; 6 packets transmitted, 2 received, +1 duplicates, +2 errors, \
66.7% packet loss, time 502ms, rtt min/avg/max/mdev = 1.111/11.666/22.222/10.555 ms
";
    assert_eq!(out, expected);
    // The same on standard error, on request.
    let (_, table) = out.split_once("\n\n").expect("a table");
    assert_eq!(err, format!("\r{table}"));
}

#[test]
fn a_count_fills_the_columns() {
    let demand = Demand::Probes { count: 4, interval: ms(1_000) };
    let (out, _) = printed_by(Config { demand, ..answers() }, Show::Table, network);
    let expected = "\
name          address       sent  received    loss         min/avg/max/mdev ms  p95 ms
web           198.51.100.1     4         4      0%     1.111/1.277/1.444/0.124   1.444
198.51.100.2  198.51.100.2     4         0    100%                           -       -
198.51.100.3  198.51.100.3     4         0    100%                           -       -
six           2001:db8::2      4         4      0%  22.222/22.222/22.222/0.000  22.222
www           198.51.100.1     4         4      0%     1.111/1.277/1.444/0.124   1.444
no\\x1bpe      unknown
5 targets: 2 answered, 2 silent, 1 unknown; 16 packets transmitted, 8 received, +4 duplicates, +4 errors, \
50% packet loss, time 3003ms, rtt min/avg/max/mdev = 1.111/11.749/22.222/10.472 ms
";
    assert_eq!(out, expected);
}

#[test]
fn hosts_that_answer_and_hosts_that_do_not_are_listed() {
    assert_eq!(printed_by(answers(), Show::Alive, network).0, "web\nwww\nsix\n");
    assert_eq!(printed_by(answers(), Show::Unreachable, network).0, "198.51.100.2\n198.51.100.3\n");
}

#[test]
fn a_probe_in_flight_at_the_end_is_not_lost_and_its_target_is_silent() {
    let config = || Config { enough: Some(1), rate: NonZeroU64::new(2_000), ..answers() };
    let slow = |probe: &Seen| Ok(vec![echo(probe, us(750 * probe.number))]);
    let (out, _) = printed_by(config(), Show::Unreachable, slow);
    assert_eq!(out, "198.51.100.2\n");
    let (out, _) = printed_by(config(), Show::Table, slow);
    let expected = "\
name          address       sent  received    loss      min/avg/max/mdev ms  p95 ms
web           198.51.100.1     1         1      0%  0.750/0.750/0.750/0.000   0.750
198.51.100.2  198.51.100.2     1         0       -                        -       -  1 in flight
198.51.100.3  198.51.100.3     0         0       -                        -       -
six           2001:db8::2      0         0       -                        -       -
www           198.51.100.1     1         1      0%  0.750/0.750/0.750/0.000   0.750
no\\x1bpe      unknown
5 targets: 1 answered, 1 silent, 2 not asked, 1 unknown; 2 packets transmitted, 1 received, 1 in flight, \
0% packet loss, time 1ms, rtt min/avg/max/mdev = 0.750/0.750/0.750/0.000 ms
";
    assert_eq!(out, expected);
}

#[test]
fn a_probe_that_cannot_be_sent_is_reported_once_for_each_cause() {
    let (out, err) =
        printed_by(answers(), Show::Table, |_| Err(rping::transport::send_fault(libc::ENETUNREACH, None)));
    let expected = "\
rping: web (198.51.100.1): sendmsg: Network is unreachable (icmp_seq=1 not sent: no route here leads to it)
rping: www (198.51.100.1): sendmsg: Network is unreachable (icmp_seq=1 not sent: no route here leads to it)
";
    assert_eq!(err, format!("{expected}\r{out}"));
    let expected = "\
name          address       sent  received    loss  min/avg/max/mdev ms  p95 ms
web           198.51.100.1     0         0       -                    -       -  2 not sent
198.51.100.2  198.51.100.2     0         0       -                    -       -  2 not sent
198.51.100.3  198.51.100.3     0         0       -                    -       -  2 not sent
six           2001:db8::2      0         0       -                    -       -  2 not sent
www           198.51.100.1     0         0       -                    -       -  2 not sent
no\\x1bpe      unknown
5 targets: 0 answered, 0 silent, 4 not asked, 1 unknown; 0 packets transmitted, 0 received, 8 not sent
";
    assert_eq!(out, expected);
}

#[test]
fn one_host_alone_and_among_many_give_the_same_figures_in_json() {
    let script = |probe: &Seen| match probe.seq() {
        1 => Ok(vec![echo(probe, us(10_123)), echo(probe, us(12_345))]),
        2 => Ok(vec![error(probe, 3, 1, 0, ms(5))]),
        3 => Err(rping::transport::send_fault(libc::EPERM, None)),
        4 => Ok(vec![]),
        5 => Ok(vec![echo(probe, us(20_777))]),
        _ => Ok(vec![echo(probe, us(10_500)).damaged()]),
    };
    let address = SocketAddr::new(TARGET.into(), 0);
    let summary = |single: bool| {
        let nowhere = driven::nowhere();
        let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
        let (hosts, style) = (Hosts::one(TARGET.to_string(), address), Style::of(TARGET.into()));
        let config = config();
        if single {
            let config = sim::Config { count: Some(6), linger: Some(ms(1_000)), ..config };
            let mut json = driven::ping(JsonPing::one(style, hosts, ms(1_000)), 1);
            let end = Sim::new(config, script).run(|event| json.event(event, EPOCH, &mut output));
            json.finish(end, &mut output);
        } else {
            let demand = Demand::Probes { count: 6, interval: ms(1_000) };
            let config = Config { targets: Rc::clone(hosts.targets()), demand, ..answers() };
            let mut json = driven::ping(JsonPing::many(style, hosts, Some(ms(1_000))), 1);
            let mut sim = Sim::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), script);
            let end = sim.run(|event| json.event(event, EPOCH, &mut output));
            json.finish(end, &mut output);
        }
        let text = output.unwritten(Stream::Out);
        serde_json::from_str::<serde_json::Value>(text.lines().last().expect("a summary")).expect("JSON")
    };
    let (mut alone, among) = (summary(true), summary(false));
    let alone = alone.as_object_mut().expect("an object");
    assert_eq!(
        (alone.remove("host"), alone.remove("addr")),
        (Some("192.0.2.2".into()), Some("192.0.2.2".into()))
    );
    // They end at different times.
    alone.insert("ts".to_owned(), among["ts"].clone());
    assert_eq!(serde_json::to_string_pretty(&alone).unwrap(), serde_json::to_string_pretty(&among).unwrap());
    assert_eq!(
        (&among["transmitted"], &among["loss_pct"], &among["corrupted"]),
        (&5.into(), &60.0.into(), &1.into())
    );
}

/// The lines of a run in JSON, without what all of them begin with.
fn json(config: Config, quiet: bool) -> Vec<String> {
    let hosts = all_hosts();
    let config = Config { targets: Rc::clone(hosts.targets()), ..config };
    let mut sim = Sim::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), network);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let style = Style { quiet, ..Style::of(TARGET.into()) };
    let mut json = driven::ping(JsonPing::many(style, hosts, None), 4);
    json.account.unknown = 1;
    json.begin(EPOCH, &mut output);
    let end = sim.run(|event| json.event(event, EPOCH, &mut output));
    json.finish(end, &mut output);
    assert_eq!(output.unwritten(Stream::Err), "");
    let head = r#"{"v":1,"ts":"2026-11-22T14:58:0"#;
    let text = output.unwritten(Stream::Out);
    text.lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).expect(line);
            line.strip_prefix(head).expect(line).to_owned()
        })
        .collect()
}

#[test]
fn json_has_each_probe_each_target_and_a_summary() {
    let expected = [
        r#"0.250000000Z","type":"start","command":"ping","targets":5,"unknown":1,"data_bytes":56}"#,
        r#"0.250000000Z","type":"unknown","host":"no\u001bpe","reason":"Name or service not known"}"#,
        r#"0.251111000Z","type":"reply","host":"web","addr":"198.51.100.1","seq":1,"from":"198.51.100.1","bytes":64,"icmp_type":0,"ttl":64,"rtt_ms":1.111,"clock":"user"}"#,
        r#"0.251111000Z","type":"reply","host":"www","addr":"198.51.100.1","seq":1,"from":"198.51.100.1","bytes":64,"icmp_type":0,"ttl":64,"rtt_ms":1.111,"clock":"user"}"#,
        r#"0.254000000Z","type":"error","host":"198.51.100.3","addr":"198.51.100.3","seq":1,"from":"192.0.2.254","icmp_type":3,"icmp_code":1,"reason":"Destination Host Unreachable"}"#,
        r#"0.275222000Z","type":"reply","host":"six","addr":"2001:db8::2","seq":1,"from":"2001:db8::2","bytes":64,"icmp_type":129,"ttl":57,"rtt_ms":22.222,"clock":"user"}"#,
        r#"0.283000000Z","type":"duplicate","host":"six","addr":"2001:db8::2","seq":1,"from":"2001:db8::2","bytes":64,"icmp_type":129,"ttl":57,"rtt_ms":30.0,"clock":"user"}"#,
        r#"0.754000000Z","type":"error","host":"198.51.100.3","addr":"198.51.100.3","seq":2,"from":"192.0.2.254","icmp_type":3,"icmp_code":1,"reason":"Destination Host Unreachable"}"#,
        r#"1.251000000Z","type":"timeout","host":"198.51.100.2","addr":"198.51.100.2","seq":1,"sent":"2026-11-22T14:58:00.251000000Z"}"#,
        r#"1.501000000Z","type":"timeout","host":"198.51.100.2","addr":"198.51.100.2","seq":2,"sent":"2026-11-22T14:58:00.751000000Z"}"#,
        r#"1.502000000Z","type":"target","host":"web","addr":"198.51.100.1","transmitted":1,"received":1,"not_sent":0,"in_flight":0,"loss_pct":0.0,"loss_burst":0,"rtt":{"min_ms":1.111,"avg_ms":1.111,"max_ms":1.111,"mdev_ms":0.0,"p50_ms":1.111,"p90_ms":1.111,"p95_ms":1.111,"p99_ms":1.111,"jitter_ms":0.0}}"#,
        r#"1.502000000Z","type":"target","host":"198.51.100.2","addr":"198.51.100.2","transmitted":2,"received":0,"not_sent":0,"in_flight":0,"loss_pct":100.0,"loss_burst":2}"#,
        r#"1.502000000Z","type":"target","host":"198.51.100.3","addr":"198.51.100.3","transmitted":2,"received":0,"not_sent":0,"in_flight":0,"loss_pct":100.0,"loss_burst":2}"#,
        r#"1.502000000Z","type":"target","host":"six","addr":"2001:db8::2","transmitted":1,"received":1,"not_sent":0,"in_flight":0,"loss_pct":0.0,"loss_burst":0,"rtt":{"min_ms":22.222,"avg_ms":22.222,"max_ms":22.222,"mdev_ms":0.0,"p50_ms":22.222,"p90_ms":22.222,"p95_ms":22.222,"p99_ms":22.222,"jitter_ms":0.0}}"#,
        r#"1.502000000Z","type":"target","host":"www","addr":"198.51.100.1","transmitted":1,"received":1,"not_sent":0,"in_flight":0,"loss_pct":0.0,"loss_burst":0,"rtt":{"min_ms":1.111,"avg_ms":1.111,"max_ms":1.111,"mdev_ms":0.0,"p50_ms":1.111,"p90_ms":1.111,"p95_ms":1.111,"p99_ms":1.111,"jitter_ms":0.0}}"#,
        r#"1.502000000Z","type":"summary","targets":5,"answered":2,"silent":2,"not_asked":0,"unknown":1,"transmitted":6,"received":2,"not_sent":0,"in_flight":0,"loss_pct":66.66666666666667,"loss_burst":2,"rtt":{"min_ms":1.111,"avg_ms":11.6665,"max_ms":22.222,"mdev_ms":10.5555,"p50_ms":1.111,"p90_ms":22.222,"p95_ms":22.222,"p99_ms":22.222},"duplicates":1,"corrupted":0,"errors":2,"time_ms":502.0,"clocks":{"kernel":0,"hardware":0,"mixed":0,"user":3}}"#,
    ];
    let lines = json(answers(), false);
    assert_eq!(lines, expected);
    let quiet: Vec<_> = lines.into_iter().filter(|line| !line.contains("seq")).collect();
    assert_eq!(json(answers(), true), quiet);
}

#[test]
fn json_counts_a_probe_that_may_still_be_answered_as_in_flight() {
    let lines = json(Config { deadline: Some(ms(1_200)), ..answers() }, false);
    let about: Vec<_> = lines.iter().filter(|line| line.contains("198.51.100.2")).collect();
    assert_eq!(
        about,
        [
            r#"1.251000000Z","type":"timeout","host":"198.51.100.2","addr":"198.51.100.2","seq":1,"sent":"2026-11-22T14:58:00.251000000Z"}"#,
            r#"1.450000000Z","type":"target","host":"198.51.100.2","addr":"198.51.100.2","transmitted":2,"received":0,"not_sent":0,"in_flight":1,"loss_pct":100.0,"loss_burst":1}"#,
        ]
    );
}
