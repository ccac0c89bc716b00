//! Runs that go on for ever, in the simulated network: every octet that is printed.

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
use rping::report::style::{Style, TimeFormat};
use rping::report::text::many::{ManyText, Show};
use rping::report::text::ping::PingText;
use rping::report::text::schedule::{Probes, Schedule};
use sim::*;

/// `web` is 198.51.100.1; then 198.51.100.2 and .3.
fn three() -> Hosts {
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    for (name, first, count) in [(Some("web"), "198.51.100.1", 1), (None, "198.51.100.2", 2)] {
        let numbers = targets.add(SocketAddr::new(first.parse().unwrap(), 0), count);
        numbers.into_iter().for_each(|range| hosts.add(name.map(str::to_owned), range));
    }
    hosts.seal(Rc::new(targets));
    hosts
}

/// One a second to each.
fn endless() -> ManyConfig {
    let rate = NonZeroU64::new(1_000);
    ManyConfig { rate, ..ManyConfig::new(Rc::default(), Demand::Endless { interval: ms(1_000) }) }
}

fn last_octet(probe: &Seen) -> u8 {
    match probe.dst.ip() {
        std::net::IpAddr::V4(v4) => v4.octets()[3],
        std::net::IpAddr::V6(_) => unreachable!("IPv4 only"),
    }
}

/// 198.51.100.1 answers after 1 ms, .2 never, and .3 after 2 ms but not to its second probe.
fn network(probe: &Seen) -> Result<Vec<Packet>, SendFault> {
    Ok(match (last_octet(probe), probe.seq()) {
        (1, _) => vec![echo(probe, ms(1))],
        (2, _) | (_, 2) => vec![],
        _ => vec![echo(probe, ms(2))],
    })
}

/// Standard output and standard error of a run of [`three`] hosts.
fn printed_by(config: ManyConfig, change: impl FnOnce(ManyText) -> ManyText) -> (String, String) {
    printed_in(config, Show::Lines, style(), change)
}

fn printed_in(
    config: ManyConfig,
    show: Show,
    style: Style,
    change: impl FnOnce(ManyText) -> ManyText,
) -> (String, String) {
    let hosts = three();
    let config = ManyConfig { targets: Rc::clone(hosts.targets()), ..config };
    let mut sim = Sim::of(Ping::new(config.into(), [identity(); 2], Instant::ZERO), network);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    let lines = PingText::new(style, None);
    let mut text = driven::ping(change(ManyText::new(show, "rping", hosts, lines)), 3);
    text.begin(EPOCH, &mut output);
    let end = sim.run(|event| text.event(event, EPOCH, &mut output));
    text.finish(end, &mut output);
    (output.unwritten(Stream::Out), output.unwritten(Stream::Err))
}

#[test]
fn a_run_without_end_has_a_first_line_and_goes_on_after_every_host_has_answered() {
    let endless_for = |deadline| {
        let probes = Probes::Endless(ms(1_000));
        move |text: ManyText| text.scheduled(Some(Schedule { probes, goal: None, deadline }))
    };
    let config = ManyConfig { deadline: Some(ms(2_500)), ..endless() };
    let (out, err) = printed_by(config.clone(), endless_for(config.deadline));
    let expected = "\
PING 3 targets 56 data bytes, a probe each 1 s for 2.5 s
64 bytes from web (198.51.100.1): icmp_seq=1 ttl=64 time=1.00 ms
64 bytes from 198.51.100.3: icmp_seq=1 ttl=64 time=2.00 ms
64 bytes from web (198.51.100.1): icmp_seq=2 ttl=64 time=1.00 ms
64 bytes from web (198.51.100.1): icmp_seq=3 ttl=64 time=1.00 ms
64 bytes from 198.51.100.3: icmp_seq=3 ttl=64 time=2.00 ms

name          address       sent  received    loss      min/avg/max/mdev ms  p95 ms
web           198.51.100.1     3         3      0%  1.000/1.000/1.000/0.000   1.000
198.51.100.2  198.51.100.2     3         0    100%                        -       -  1 in flight
198.51.100.3  198.51.100.3     3         2   33.3%  2.000/2.000/2.000/0.000   2.000
3 targets: 2 answered, 1 silent; 9 packets transmitted, 5 received, 1 in flight, 37.5% packet loss, time 2002ms, \
rtt min/avg/max/mdev = 1.000/1.400/2.000/0.489 ms
";
    assert_eq!((out.as_str(), err.as_str()), (expected, ""));
    let (out, _) = printed_by(config.clone(), endless_for(None));
    assert_eq!(out.lines().next(), Some("PING 3 targets 56 data bytes, a probe each 1 s until Ctrl-C"));
    let (out, _) = printed_in(config, Show::Alive, style(), endless_for(None));
    assert_eq!(out, "web\n198.51.100.3\n", "bare names, each once");
}

#[test]
fn each_lost_probe_has_a_line_when_its_time_is_up() {
    let demand = Demand::Probes { count: 3, interval: ms(1_000) };
    let config = || ManyConfig { demand, ..endless() };
    let outstanding = || Style { outstanding: true, ..style() };
    let (out, _) = printed_in(config(), Show::Lines, outstanding(), |text| text);
    let table = "
name          address       sent  received    loss      min/avg/max/mdev ms  p95 ms
web           198.51.100.1     3         3      0%  1.000/1.000/1.000/0.000   1.000
198.51.100.2  198.51.100.2     3         0    100%                        -       -
198.51.100.3  198.51.100.3     3         2   33.3%  2.000/2.000/2.000/0.000   2.000
3 targets: 2 answered, 1 silent; 9 packets transmitted, 5 received, 44.4% packet loss, time 2002ms, \
rtt min/avg/max/mdev = 1.000/1.400/2.000/0.489 ms
";
    let expected = "\
64 bytes from web (198.51.100.1): icmp_seq=1 ttl=64 time=1.00 ms
64 bytes from 198.51.100.3: icmp_seq=1 ttl=64 time=2.00 ms
64 bytes from web (198.51.100.1): icmp_seq=2 ttl=64 time=1.00 ms
no answer yet for icmp_seq=1 for 198.51.100.2
64 bytes from web (198.51.100.1): icmp_seq=3 ttl=64 time=1.00 ms
no answer yet for icmp_seq=2 for 198.51.100.2
no answer yet for icmp_seq=2 for 198.51.100.3
64 bytes from 198.51.100.3: icmp_seq=3 ttl=64 time=2.00 ms
no answer yet for icmp_seq=3 for 198.51.100.2
";
    assert_eq!(out, format!("{expected}{table}"));
    let (quiet, _) = printed_in(config(), Show::Table, outstanding(), |text| text);
    let lost: String = expected.split_inclusive('\n').filter(|line| line.starts_with("no answer")).collect();
    assert_eq!(quiet, format!("{lost}{table}"));
    // Each with the time of the loss.
    let stamped = Style { timestamps: Some(TimeFormat::Epoch), ..outstanding() };
    let (stamped, _) = printed_in(config(), Show::Table, stamped, |text| text);
    let expected = "\
[1795359481.251000] no answer yet for icmp_seq=1 for 198.51.100.2
[1795359482.251000] no answer yet for icmp_seq=2 for 198.51.100.2
[1795359482.252000] no answer yet for icmp_seq=2 for 198.51.100.3
[1795359483.251000] no answer yet for icmp_seq=3 for 198.51.100.2
";
    assert_eq!(stamped, format!("{expected}{table}"));
}

#[test]
fn totals_are_the_last_line_alone() {
    let demand = Demand::Probes { count: 3, interval: ms(1_000) };
    let (whole, _) = printed_in(ManyConfig { demand, ..endless() }, Show::Table, style(), |text| text);
    let (out, _) = printed_in(ManyConfig { demand, ..endless() }, Show::Totals, style(), |text| text);
    assert_eq!(Some(out.as_str()), whole.split_inclusive('\n').next_back());
    let config = ManyConfig { demand, ..endless() };
    let schedule = Schedule { probes: Probes::Endless(ms(1_000)), goal: None, deadline: None };
    let first_line = |text: ManyText| text.scheduled(Some(schedule));
    let (also, _) = printed_in(config, Show::Totals, style(), first_line);
    assert_eq!(also, out, "no first line");
}

#[test]
fn the_table_so_far_is_printed_on_request_and_the_run_goes_on() {
    let hosts = three();
    let demand = Demand::Probes { count: 3, interval: ms(1_000) };
    let config = ManyConfig { targets: Rc::clone(hosts.targets()), demand, ..endless() };
    for show in [Show::Table, Show::Totals] {
        let mut sim = Sim::of(Ping::new(config.clone().into(), [identity(); 2], Instant::ZERO), network);
        let nowhere = driven::nowhere();
        let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
        let mut text =
            driven::ping(ManyText::new(show, "rping", hosts.clone(), PingText::new(style(), None)), 3);
        let mut requested = false;
        let end = sim.run(|event| {
            text.event(event, EPOCH, &mut output);
            if event.at() > Instant::ZERO + ms(1_500) && !std::mem::replace(&mut requested, true) {
                text.status(&mut output);
            }
        });
        text.finish(end, &mut output);
        let table = "\
name          address       sent  received    loss      min/avg/max/mdev ms  p95 ms
web           198.51.100.1     3         2      0%  1.000/1.000/1.000/0.000   1.000  1 in flight
198.51.100.2  198.51.100.2     2         0    100%                        -       -  1 in flight
198.51.100.3  198.51.100.3     2         1      0%  2.000/2.000/2.000/0.000   2.000  1 in flight
";
        let totals = "\
3 targets: 2 answered, 1 silent; 7 packets transmitted, 3 received, 3 in flight, 25% packet loss, time 2000ms, \
rtt min/avg/max/mdev = 1.000/1.333/2.000/0.471 ms
";
        let table = if show == Show::Table { table } else { "" };
        assert_eq!(output.unwritten(Stream::Err), format!("\r{table}{totals}"));
        let out = output.unwritten(Stream::Out);
        assert!(
            out.contains("3 targets: 2 answered, 1 silent; 9 packets transmitted, 5 received, "),
            "{out}"
        );
    }
}

/// Each form of time, with a zone that is half an hour and five hours ahead.
fn forms() -> [(TimeFormat, [&'static str; 3]); 5] {
    [
        (TimeFormat::Epoch, ["1795359480.251000", "1795359481.251000", "1795359481.252000"]),
        (
            TimeFormat::Iso,
            ["2026-11-22T14:58:00.251000Z", "2026-11-22T14:58:01.251000Z", "2026-11-22T14:58:01.252000Z"],
        ),
        (
            TimeFormat::Local,
            [
                "2026-11-22T20:28:00.251000+05:30",
                "2026-11-22T20:28:01.251000+05:30",
                "2026-11-22T20:28:01.252000+05:30",
            ],
        ),
        (TimeFormat::Relative, ["0.001000", "1.001000", "1.002000"]),
        (TimeFormat::Delta, ["+0.001000", "+1.000000", "+0.001000"]),
    ]
}

#[test]
fn each_line_of_one_host_begins_with_the_time_in_each_form() {
    for (form, times) in forms() {
        let style = Style { timestamps: Some(form), utc_offset: |_| 19_800, ..style() };
        let config = Config { count: Some(3), linger: Some(ms(100)), ..config() };
        let script = |probe: &Seen| match probe.number {
            1 | 3 => Ok(vec![echo(probe, ms(1))]),
            _ => Ok(vec![error(probe, 3, 1, 0, ms(1)), echo(probe, ms(2))]),
        };
        let (out, _) = printed(&mut Sim::new(config, script), style);
        let lines: Vec<_> = out.lines().skip(1).take(3).collect();
        let [first, second, third] = times;
        let expected = [
            format!("[{first}] 64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=1.00 ms"),
            format!("[{second}] From 192.0.2.254 icmp_seq=2 Destination Host Unreachable"),
            format!("[{third}] 64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=2.00 ms"),
        ];
        assert_eq!(lines, expected);
    }
}

#[test]
fn each_line_of_many_hosts_begins_with_the_time_in_each_form() {
    for (form, times) in forms() {
        let style = Style { timestamps: Some(form), utc_offset: |_| 19_800, outstanding: true, ..style() };
        let demand = Demand::Probes { count: 2, interval: ms(1_000) };
        let (out, _) = printed_in(ManyConfig { demand, ..endless() }, Show::Lines, style, |text| text);
        // .3 stands between the first line and the others.
        let lines: Vec<_> = out.lines().take(4).collect();
        let delta = form == TimeFormat::Delta;
        assert!(lines[1].ends_with("64 bytes from 198.51.100.3: icmp_seq=1 ttl=64 time=2.00 ms"));
        let [first, second, _] = times;
        let second = if delta { "+0.997000" } else { second };
        assert_eq!(
            lines[0],
            format!("[{first}] 64 bytes from web (198.51.100.1): icmp_seq=1 ttl=64 time=1.00 ms")
        );
        assert_eq!(
            lines[2],
            format!("[{second}] 64 bytes from web (198.51.100.1): icmp_seq=2 ttl=64 time=1.00 ms")
        );
        let third = if delta { "+0.000000" } else { second };
        assert_eq!(lines[3], format!("[{third}] no answer yet for icmp_seq=1 for 198.51.100.2"));
    }
}
