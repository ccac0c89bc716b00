//! Windows of a run, in the simulated network: every octet that is printed, and the sums.

mod sim;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use proptest::prelude::*;
use rping::clock::{Epoch, Instant};
use rping::datagram::SendFault;
use rping::engine::ping::event::{Event, Verdict};
use rping::engine::ping::{self, Targets};
use rping::output::{Output, Stream};
use rping::report::Report;
use rping::report::hosts::Hosts;
use rping::report::json::JsonPing;
use rping::report::style::{Style, TimeFormat};
use rping::report::text::many::{ManyText, Show};
use rping::report::text::ping::PingText;
use rping::stats::{Account, Figures, PingAccount, Targeted, WindowPlan};
use sim::driven::Driven;
use sim::*;

/// Windows of so many milliseconds.
const fn each(millis: u64) -> WindowPlan {
    WindowPlan { every: Duration::from_millis(millis), cumulative: false }
}

/// The same since the start.
const fn since_start(millis: u64) -> WindowPlan {
    WindowPlan { cumulative: true, ..each(millis) }
}

/// Standard output of a run to its end, where so many words are unknown.
fn run<R: Report<Account = PingAccount>>(
    config: impl Into<ping::Config>,
    script: impl FnMut(&Seen) -> Response,
    report: R,
    plan: WindowPlan,
    unknown: u32,
) -> String {
    let config = config.into();
    let account = PingAccount::new(config.targets.len()).with_names(unknown, 0);
    drive(config, script, Driven { report, account }, plan, None).0
}

/// The same and the report with its account, of a process that is suspended at a time, for so long.
fn drive<R: Report<Account = PingAccount>>(
    config: impl Into<ping::Config>,
    script: impl FnMut(&Seen) -> Response,
    Driven { report, account }: Driven<R>,
    plan: WindowPlan,
    suspend: Option<(Instant, Duration)>,
) -> (String, Driven<R>) {
    let account = account.with_windows(Some(plan), Instant::ZERO);
    let nowhere = driven::nowhere();
    let output = RefCell::new(Output::new(nowhere.as_fd(), nowhere.as_fd()));
    let driven = RefCell::new(Driven { report, account });
    driven.borrow_mut().begin(EPOCH, &mut output.borrow_mut());
    let end = {
        let mut sim = Sim::new(config, script);
        sim.turn = Box::new(|now| driven.borrow_mut().turn(now, EPOCH, &mut output.borrow_mut()));
        sim.suspend = suspend;
        sim.run(|event| driven.borrow_mut().event(event, EPOCH, &mut output.borrow_mut()))
    };
    let (mut driven, mut output) = (driven.into_inner(), output.into_inner());
    driven.end_last_window(end, EPOCH, &mut output);
    driven.finish(end, &mut output);
    assert_eq!(output.unwritten(Stream::Err), "");
    (output.unwritten(Stream::Out), driven)
}

/// One a second, five of them.
fn five() -> Config {
    Config { count: Some(5), linger: Some(ms(100)), ..config() }
}

/// Replies after 20 ms and a bit more each time; the third never comes.
fn one_lost(probe: &Seen) -> Result<Vec<Packet>, SendFault> {
    Ok(match probe.number {
        3 => vec![],
        number => vec![echo(probe, us(20_000 + 111 * number))],
    })
}

fn quiet() -> Style {
    Style { quiet: true, ..style() }
}

#[test]
fn one_host_has_a_line_for_each_window() {
    let of_one = |style, plan| run(five(), one_lost, PingText::new(style, None), plan, 0);
    let summary = "
--- 192.0.2.2 ping statistics ---
5 packets transmitted, 4 received, 20% packet loss, time 4000ms
rtt min/avg/max/mdev = 20.111/20.333/20.555/0.175 ms
";
    let lines = "\
PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.
[2026-11-22T14:58:02.250000Z] the last 2 s: 2 sent, 2 received, 0% loss, p50 20.111 ms, p95 20.222 ms, jitter 0.006 ms
[2026-11-22T14:58:04.250000Z] the last 2 s: 2 sent, 1 received, 1 lost, 50% loss, p50 20.444 ms, p95 20.444 ms, jitter 0.020 ms
[2026-11-22T14:58:05.250000Z] the last 1 s: 1 sent, 1 received, 0% loss, p50 20.555 ms, p95 20.555 ms, jitter 0.026 ms
";
    assert_eq!(of_one(quiet(), each(2_000)), format!("{lines}{summary}"));
    // With a form of time, before each reply too.
    let lines = "\
PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.
[+0.020111] 64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=20.1 ms
[+1.000111] 64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=20.2 ms
[+0.979778] the last 2 s: 2 sent, 2 received, 0% loss, p50 20.111 ms, p95 20.222 ms, jitter 0.006 ms
[+1.020444] 64 bytes from 192.0.2.2: icmp_seq=4 ttl=64 time=20.4 ms
[+0.979556] the last 2 s: 2 sent, 1 received, 1 lost, 50% loss, p50 20.444 ms, p95 20.444 ms, jitter 0.020 ms
[+0.020555] 64 bytes from 192.0.2.2: icmp_seq=5 ttl=64 time=20.6 ms
[+0.979445] the last 1 s: 1 sent, 1 received, 0% loss, p50 20.555 ms, p95 20.555 ms, jitter 0.026 ms
";
    let delta = Style { timestamps: Some(TimeFormat::Delta), ..style() };
    assert_eq!(of_one(delta, each(2_000)), format!("{lines}{summary}"));
    let lines = "\
PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.
[2026-11-22T14:58:02.250000Z] all 2 s: 2 sent, 2 received, 0% loss, p50 20.111 ms, p95 20.222 ms, jitter 0.006 ms
[2026-11-22T14:58:04.250000Z] all 4 s: 4 sent, 3 received, 1 lost, 25% loss, p50 20.200 ms, p95 20.444 ms, jitter 0.020 ms
";
    assert_eq!(of_one(quiet(), since_start(2_000)), format!("{lines}{summary}"));
}

/// `web` is 198.51.100.1; then 198.51.100.2 and .3; `nope` cannot be found.
fn three() -> Hosts {
    let (mut targets, mut hosts) = (Targets::default(), Hosts::default());
    for (name, first, count) in [(Some("web"), "198.51.100.1", 1), (None, "198.51.100.2", 2)] {
        let numbers = targets.add(SocketAddr::new(first.parse().unwrap(), 0), count);
        numbers.into_iter().for_each(|range| hosts.add(name.map(str::to_owned), range));
    }
    hosts.add_unknown("nope".to_owned(), "Name or service not known".to_owned());
    hosts.seal(Rc::new(targets));
    hosts
}

fn last_octet(probe: &Seen) -> u8 {
    match probe.dst.ip() {
        IpAddr::V4(v4) => v4.octets()[3],
        IpAddr::V6(_) => unreachable!("IPv4 only"),
    }
}

/// .1 answers after 1 ms, .2 never, and .3 after 2 ms but not to its second probe.
fn network(probe: &Seen) -> Result<Vec<Packet>, SendFault> {
    Ok(match (last_octet(probe), probe.seq()) {
        (1, _) => vec![echo(probe, ms(1))],
        (2, _) | (_, 2) => vec![],
        _ => vec![echo(probe, ms(2))],
    })
}

/// Standard output of a run of [`three`], a probe each second for five seconds.
fn of_three(show: Show, style: Style, plan: WindowPlan) -> String {
    let hosts = three();
    let demand = Demand::Endless { interval: ms(1_000) };
    let config =
        ManyConfig { deadline: Some(ms(4_500)), ..ManyConfig::new(Rc::clone(hosts.targets()), demand) };
    let report = ManyText::new(show, "rping", hosts, PingText::new(style, None));
    run(config, network, report, plan, 1)
}

/// The tables of [`of_three`], and the last lines of each.
const WINDOWS: [(&str, &str); 4] = [
    (
        "\
name          address       sent  received    loss      min/avg/max/mdev ms  p95 ms
web           198.51.100.1     2         2      0%  1.000/1.000/1.000/0.000   1.000
198.51.100.2  198.51.100.2     2         0    100%                        -       -
198.51.100.3  198.51.100.3     2         1      0%  2.000/2.000/2.000/0.000   2.000
nope          unknown
",
        "4 targets: 2 answered, 1 silent, 1 unknown; 6 packets transmitted, 3 received, 25% packet loss, \
         rtt min/avg/max/mdev = 1.000/1.333/2.000/0.471 ms\n",
    ),
    (
        "\
name          address       sent  received    loss      min/avg/max/mdev ms  p95 ms
web           198.51.100.1     2         2      0%  1.000/1.000/1.000/0.000   1.000
198.51.100.2  198.51.100.2     2         0    100%                        -       -
198.51.100.3  198.51.100.3     2         2   33.3%  2.000/2.000/2.000/0.000   2.000
nope          unknown
",
        "4 targets: 2 answered, 1 silent, 1 unknown; 6 packets transmitted, 4 received, 42.9% packet loss, \
         rtt min/avg/max/mdev = 1.000/1.500/2.000/0.500 ms\n",
    ),
    (
        "\
name          address       sent  received    loss      min/avg/max/mdev ms  p95 ms
web           198.51.100.1     1         1      0%  1.000/1.000/1.000/0.000   1.000
198.51.100.2  198.51.100.2     1         0    100%                        -       -
198.51.100.3  198.51.100.3     1         1      0%  2.000/2.000/2.000/0.000   2.000
nope          unknown
",
        "4 targets: 2 answered, 1 silent, 1 unknown; 3 packets transmitted, 2 received, 33.3% packet loss, \
         rtt min/avg/max/mdev = 1.000/1.500/2.000/0.500 ms\n",
    ),
    (
        "\
name          address       sent  received    loss      min/avg/max/mdev ms  p95 ms
web           198.51.100.1     5         5      0%  1.000/1.000/1.000/0.000   1.000
198.51.100.2  198.51.100.2     5         0    100%                        -       -  1 in flight
198.51.100.3  198.51.100.3     5         4     20%  2.000/2.000/2.000/0.000   2.000
nope          unknown
",
        "4 targets: 2 answered, 1 silent, 1 unknown; 15 packets transmitted, 9 received, 1 in flight, \
         35.7% packet loss, time 4002ms, rtt min/avg/max/mdev = 1.000/1.444/2.000/0.496 ms\n",
    ),
];

const TITLES: [&str; 4] = [
    "[2026-11-22T14:58:02.250000Z] the last 2 s:",
    "[2026-11-22T14:58:04.250000Z] the last 2 s:",
    "[2026-11-22T14:58:04.750000Z] the last 0.5 s:",
    "[2026-11-22T14:58:04.750000Z] all 4.5 s:",
];

#[test]
fn many_hosts_have_a_table_for_each_window_and_one_of_the_run() {
    let tables = TITLES.iter().zip(WINDOWS).map(|(title, (table, last))| format!("{title}\n{table}{last}"));
    assert_eq!(of_three(Show::Table, style(), each(2_000)), tables.collect::<Vec<_>>().join("\n"));
    let lines = TITLES.iter().zip(WINDOWS).map(|(title, (_, last))| format!("{title} {last}"));
    assert_eq!(of_three(Show::Totals, style(), each(2_000)), lines.collect::<String>());
}

#[test]
fn stats_of_a_window_have_the_figures_of_the_window() {
    let stats = Style { stats: true, ..quiet() };
    let text = of_three(Show::Table, stats.clone(), each(2_000));
    let expected = "\
[2026-11-22T14:58:04.250000Z] the last 2 s:
name          address       sent  received    loss      min/avg/max/mdev ms       p50/p90/p95/p99 ms  jitter ms
web           198.51.100.1     2         2      0%  1.000/1.000/1.000/0.000  1.000/1.000/1.000/1.000      0.000
198.51.100.2  198.51.100.2     2         0    100%                        -                        -          -
198.51.100.3  198.51.100.3     2         2   33.3%  2.000/2.000/2.000/0.000  2.000/2.000/2.000/2.000      0.000
nope          unknown
4 targets: 2 answered, 1 silent, 1 unknown; 6 packets transmitted, 4 received, 42.9% packet loss, \
rtt min/avg/max/mdev = 1.000/1.500/2.000/0.500 ms, p50/p90/p95/p99 1.000/2.000/2.000/2.000 ms";
    let tables: Vec<_> = text.split("\n\n").collect();
    assert_eq!(tables[1], expected);
    let totals = of_three(Show::Totals, stats.clone(), each(2_000));
    assert!(totals.lines().all(|line| line.contains(" ms, p50/p90/p95/p99 ")), "{totals}");
    let narrow = of_three(Show::Totals, Style { width: 80, ..stats.clone() }, each(2_000));
    assert_eq!(narrow.replace("\n ", ""), totals);
    assert!(narrow.lines().all(|line| line.len() <= 80), "{narrow}");
    // Since the start, a window has what the run has.
    let text = of_three(Show::Table, stats.clone(), since_start(2_000));
    let heads: Vec<_> = text.lines().filter(|line| line.starts_with("name ")).collect();
    assert_eq!(heads.len(), 3, "{text}");
    assert!(heads.iter().all(|head| head.ends_with("jitter ms  diff avg/max ms  loss burst")), "{text}");
    assert_eq!(text.matches(", loss burst ").count(), 3, "{text}");
    let text = run(five(), one_lost, PingText::new(stats.clone(), None), each(2_000), 0);
    assert_eq!(
        text.lines().nth(2),
        Some(
            "[2026-11-22T14:58:04.250000Z] the last 2 s: 2 sent, 1 received, 1 lost, 50% loss, \
             p50 20.444 ms, p90 20.444 ms, p95 20.444 ms, p99 20.444 ms, jitter 0.020 ms"
        )
    );
    let narrow = Style { width: 80, ..stats };
    let text = run(five(), one_lost, PingText::new(narrow, None), each(2_000), 0);
    let lines: Vec<_> = text.lines().skip(3).take(3).collect();
    assert_eq!(
        lines,
        [
            "[2026-11-22T14:58:04.250000Z] the last 2 s: 2 sent, 1 received, 1 lost,",
            "  50% loss, p50 20.444 ms, p90 20.444 ms, p95 20.444 ms, p99 20.444 ms,",
            "  jitter 0.020 ms",
        ]
    );
}

#[test]
fn lines_about_probes_are_printed_between_the_tables() {
    let outstanding = Style { outstanding: true, ..style() };
    let text = of_three(Show::Lines, outstanding, each(2_000));
    let first = "\
64 bytes from web (198.51.100.1): icmp_seq=1 ttl=64 time=1.00 ms
64 bytes from 198.51.100.3: icmp_seq=1 ttl=64 time=2.00 ms
64 bytes from web (198.51.100.1): icmp_seq=2 ttl=64 time=1.00 ms
no answer yet for icmp_seq=1 for 198.51.100.2
";
    let second = "\
64 bytes from web (198.51.100.1): icmp_seq=3 ttl=64 time=1.00 ms
no answer yet for icmp_seq=2 for 198.51.100.2
no answer yet for icmp_seq=2 for 198.51.100.3
64 bytes from 198.51.100.3: icmp_seq=3 ttl=64 time=2.00 ms
64 bytes from web (198.51.100.1): icmp_seq=4 ttl=64 time=1.00 ms
no answer yet for icmp_seq=3 for 198.51.100.2
64 bytes from 198.51.100.3: icmp_seq=4 ttl=64 time=2.00 ms
";
    let ([(one, one_sum), (two, two_sum), ..], [title, next, ..]) = (WINDOWS, TITLES);
    let expected = format!("{first}\n{title}\n{one}{one_sum}{second}\n{next}\n{two}{two_sum}");
    assert_eq!(text.get(..expected.len()), Some(expected.as_str()), "{text}");
}

#[test]
fn cumulative_tables_have_the_figures_since_the_start() {
    let text = of_three(Show::Table, style(), since_start(2_000));
    let [(one, _), .., (run, run_sum)] = WINDOWS;
    let expected = format!(
        "\
[2026-11-22T14:58:02.250000Z] all 2 s:
{}\
4 targets: 2 answered, 1 silent, 1 unknown; 6 packets transmitted, 3 received, 2 in flight, 25% packet loss, \
time 1002ms, rtt min/avg/max/mdev = 1.000/1.333/2.000/0.471 ms

[2026-11-22T14:58:04.250000Z] all 4 s:
name          address       sent  received    loss      min/avg/max/mdev ms  p95 ms
web           198.51.100.1     4         4      0%  1.000/1.000/1.000/0.000   1.000
198.51.100.2  198.51.100.2     4         0    100%                        -       -  1 in flight
198.51.100.3  198.51.100.3     4         3     25%  2.000/2.000/2.000/0.000   2.000
nope          unknown
4 targets: 2 answered, 1 silent, 1 unknown; 12 packets transmitted, 7 received, 1 in flight, 36.4% packet loss, \
time 3002ms, rtt min/avg/max/mdev = 1.000/1.428/2.000/0.494 ms

[2026-11-22T14:58:04.750000Z] all 4.5 s:
{run}{run_sum}",
        one.replace("100%                        -       -", "100%                        -       -  1 in flight")
            .replace("2.000/2.000/2.000/0.000   2.000", "2.000/2.000/2.000/0.000   2.000  1 in flight"),
    );
    assert_eq!(text, expected);
}

#[test]
fn a_probe_is_sent_in_one_window_and_lost_or_answered_late_in_another() {
    // Each is lost after a second. The second one's answer comes after 2.5 s, twice, and the fourth's after 1.5 s.
    let script = |probe: &Seen| {
        Ok(match probe.number {
            2 => vec![echo(probe, ms(2_500)), echo(probe, ms(2_600))],
            4 => vec![echo(probe, ms(1_500))],
            5 => vec![error(probe, 3, 1, 0, ms(3))],
            6 => return Err(rping::transport::send_fault(libc::EPERM, None)),
            _ => vec![echo(probe, ms(1)).damaged(), echo(probe, ms(2))],
        })
    };
    let config = Config {
        count: Some(6),
        pacing: Pacing { interval: ms(1_000), adaptive: None, preload: 1 },
        ..five()
    };
    let session = ping::Config { patience: Some(ms(1_000)), ..config.into() };
    let (text, _) =
        drive(session, script, driven::ping(Lines(PingText::new(quiet(), None)), 1), each(1_000), None);
    let expected = "\
PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.
[2026-11-22T14:58:01.250000Z] the last 1 s: 1 sent, 1 received, +1 corrupted, 0% loss, p50 2.000 ms, p95 2.000 ms, jitter 0.000 ms
[2026-11-22T14:58:02.250000Z] the last 1 s: 1 sent, 0 received
[2026-11-22T14:58:03.250000Z] the last 1 s: 1 sent, 1 received, 1 lost, +1 corrupted, 50% loss, p50 2.000 ms, p95 2.000 ms, jitter 0.000 ms
[2026-11-22T14:58:04.250000Z] the last 1 s: 1 sent, 1 received, 1 late, +1 duplicates, 0% loss, p50 2500.000 ms, p95 2500.000 ms, jitter 156.125 ms
[2026-11-22T14:58:05.250000Z] the last 1 s: 1 sent, 1 received, 1 lost, +1 errors, 50% loss, p50 1500.000 ms, p95 1500.000 ms, jitter 208.867 ms
[2026-11-22T14:58:05.250000Z] the last 0 s: 0 sent, 0 received, 1 not sent
";
    assert_eq!(text, expected);
}

/// Prints the lines of windows only.
struct Lines(PingText);

impl Report for Lines {
    type Account = PingAccount;

    fn begin(&mut self, account: &PingAccount, now: Instant, epoch: Epoch, output: &mut Output<'_>) {
        self.0.begin(account, now, epoch, output);
    }

    fn event(&mut self, _: &Event, _: &PingAccount, _: Epoch, _: &mut Output<'_>) {}

    fn window(&mut self, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        self.0.window(account, epoch, output);
    }

    fn status(&mut self, _: &PingAccount, _: &mut Output<'_>) {}

    fn finish(&mut self, _: &PingAccount, _: Instant, _: &mut Output<'_>) -> bool {
        false
    }
}

/// Adds windows up.
#[derive(Default)]
struct Sums {
    /// Sent, not sent, received, lost, late, the smallest time and the largest, of each target and of all.
    rows: Vec<[u64; 7]>,
    total: [u64; 7],
    /// Duplicates, corrupted, errors.
    further: [u64; 3],
    windows: u32,
    /// What happened to the probes of each target in the open window.
    open: Vec<Losses>,
}

#[derive(Clone, Default)]
struct Losses {
    /// Those that were lost in it, and have no answer.
    lost: BTreeSet<u16>,
    /// How many others were answered that were lost before.
    late: u64,
    /// Whether an ICMP error was the end of one of those: errors come in any order.
    failed: bool,
    /// The probes of the run that an ICMP error was the end of.
    errors: BTreeSet<u16>,
}

fn add(sums: &mut [u64; 7], figures: &dyn Figures) {
    let rtt = figures.rtt();
    let counts = [figures.sent(), figures.not_sent(), figures.received(), figures.lost(), figures.late()];
    sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    assert_eq!(rtt.count(), figures.received());
    if rtt.count() > 0 {
        let [.., min, max] = sums;
        *min = if *min == 0 { rtt.min() } else { rtt.min().min(*min) };
        *max = rtt.max().max(*max);
        let percentile = |percent| figures.percentile(percent).expect("a time");
        assert!(percentile(0) == rtt.min() && percentile(100) == rtt.max());
        assert!((rtt.min()..=rtt.max()).contains(&percentile(50)));
    }
}

impl Report for Sums {
    type Account = PingAccount;

    fn begin(&mut self, account: &PingAccount, _: Instant, _: Epoch, _: &mut Output<'_>) {
        self.rows = vec![[0; 7]; account.targets() as usize];
        self.open = vec![Default::default(); self.rows.len()];
    }

    fn event(&mut self, event: &Event, _: &PingAccount, _: Epoch, _: &mut Output<'_>) {
        let lost = match event {
            Event::Lost { target, seq, .. } => Some((*target, *seq)),
            Event::Error(error) if error.settles => Some((error.target, error.seq)),
            _ => None,
        };
        if let Some((target, seq)) = lost {
            let losses = &mut self.open[target as usize];
            losses.lost.insert(seq);
            if matches!(event, Event::Error(_)) {
                losses.errors.insert(seq);
            }
        }
        if let Event::Answer(answer) = event
            && answer.verdict == Verdict::Received
            && !answer.settles
        {
            let losses = &mut self.open[answer.target as usize];
            let before = !losses.lost.remove(&answer.seq);
            losses.late += u64::from(before);
            losses.failed |= before && losses.errors.contains(&answer.seq);
        }
    }

    fn window(&mut self, account: &PingAccount, _: Epoch, _: &mut Output<'_>) {
        let window = account.window().expect("an account of its own");
        for (target, sums) in (0..).zip(&mut self.rows) {
            let figures = window.figures(target).expect("a target");
            let open = &mut self.open[target as usize];
            let next = Losses { errors: std::mem::take(&mut open.errors), ..Losses::default() };
            let Losses { lost, late, failed, .. } = std::mem::replace(open, next);
            if !failed {
                assert_eq!((figures.lost(), figures.late()), (lost.len() as u64, late));
            }
            add(sums, figures);
        }
        add(&mut self.total, &window.total);
        let further = [window.duplicates, window.corrupted, window.icmp_errors];
        self.further.iter_mut().zip(further).for_each(|(sum, count)| *sum += count);
        let count = |is: fn(&dyn Figures) -> bool| {
            let rows = (0..account.targets()).filter_map(|target| window.figures(target));
            rows.filter(|figures| is(*figures)).count() as u32
        };
        assert_eq!(window.answered, count(|figures| figures.received() > 0));
        assert_eq!(window.silent, count(|figures| figures.sent() > 0 && figures.received() == 0));
        self.windows += 1;
    }

    fn status(&mut self, _: &PingAccount, _: &mut Output<'_>) {}

    fn finish(&mut self, _: &PingAccount, _: Instant, _: &mut Output<'_>) -> bool {
        false
    }
}

/// What the sums of all windows must be: the figures of the run.
fn assert_sums(Driven { report, account }: &Driven<Sums>) {
    let expected = |figures: &dyn Figures| {
        let (rtt, lost) = (figures.rtt(), figures.lost());
        [figures.sent(), figures.not_sent(), figures.received(), lost, 0, rtt.min(), rtt.max()]
    };
    // A loss that a later window takes back is none of the run.
    let net = |sums: [u64; 7]| {
        let [sent, not_sent, received, lost, late, min, max] = sums;
        [sent, not_sent, received, lost - late, 0, min, max]
    };
    for (target, sums) in (0..).zip(&report.rows) {
        assert_eq!(net(*sums), expected(account.figures(target).expect("a target")), "target {target}");
    }
    let total = &account.total;
    assert_eq!(net(report.total), expected(total));
    assert_eq!(report.further, [total.duplicates, total.corrupted, total.icmp_errors]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_sums_of_all_windows_are_the_figures_of_the_run(
        hosts in 1..4_u32,
        responses in prop::collection::vec((0..8_u8, 1..3_000_u64), 1..60),
        every in 1..4_000_u64,
        interval in 1..1_500_u64,
        patience in 1..2_000_u64,
        end in 0..20_000_u64,
        suspend in prop::option::of((0..10_000_u64, 0..9_000_u64)),
    ) {
        let mut targets = Targets::default();
        targets.add(SocketAddr::new(TARGET.into(), 0), hosts);
        let many = ManyConfig {
            deadline: Some(ms(end)),
            linger: Some(ms(patience)),
            ..ManyConfig::new(Rc::new(targets), Demand::Endless { interval: ms(interval) })
        };
        let mut responses = responses.into_iter().cycle();
        let script = |probe: &Seen| {
            let (kind, delay) = responses.next().expect("a cycle");
            Ok(match kind {
                0 => vec![],
                1 => return Err(rping::transport::send_fault(libc::EPERM, None)),
                2 => vec![error(probe, 3, 1, 0, ms(delay))],
                3 => vec![error(probe, 3, 1, 0, ms(delay)), echo(probe, ms(delay * 2))],
                4 => vec![echo(probe, ms(delay)), echo(probe, ms(delay + 1))],
                5 => vec![echo(probe, ms(1)).damaged(), echo(probe, ms(delay))],
                6 => vec![echo(probe, us(delay))],
                _ => vec![echo(probe, ms(delay))],
            })
        };
        let suspend = suspend.map(|(at, pause)| (Instant::ZERO + ms(at), ms(pause)));
        let (_, driven) = drive(many, script, driven::ping(Sums::default(), hosts), each(every), suspend);
        assert_sums(&driven);
        let most = u64::from(driven.report.windows) * every;
        prop_assert!(suspend.is_some() || most >= end.saturating_sub(every), "{most} ms of {end}");
    }
}

#[test]
fn windows_that_pass_while_the_process_is_stopped_are_skipped() {
    let script = |probe: &Seen| Ok(vec![echo(probe, ms(1))]);
    let suspend = Some((Instant::ZERO + ms(2_500), ms(4_000)));
    let config = Config { count: Some(6), ..five() };
    let (text, _) =
        drive(config, script, driven::ping(PingText::new(quiet(), None), 1), each(1_000), suspend);
    let lines: Vec<_> = text.lines().skip(1).take_while(|line| !line.is_empty()).collect();
    let times = ", 0% loss, p50 1.000 ms, p95 1.000 ms, jitter 0.000 ms";
    let expected = [
        format!("[2026-11-22T14:58:01.250000Z] the last 1 s: 1 sent, 1 received{times}"),
        format!("[2026-11-22T14:58:02.250000Z] the last 1 s: 1 sent, 1 received{times}"),
        format!("[2026-11-22T14:58:03.250000Z] the last 1 s: 1 sent, 1 received{times}"),
        format!("[2026-11-22T14:58:08.250000Z] the last 1 s: 1 sent, 1 received{times}"),
        format!("[2026-11-22T14:58:09.250000Z] the last 1 s: 1 sent, 1 received{times}"),
        format!("[2026-11-22T14:58:09.251000Z] the last 0.001 s: 1 sent, 1 received{times}"),
    ];
    assert_eq!(lines, expected);
}

/// So many hosts from 192.0.2.2 on.
fn row_of(hosts: u32) -> Hosts {
    let (mut targets, mut names) = (Targets::default(), Hosts::default());
    targets.add(SocketAddr::new(TARGET.into(), 0), hosts);
    names.add(None, 0..hosts);
    names.seal(Rc::new(targets));
    names
}

#[test]
fn a_long_table_is_printed_in_parts_without_other_lines_between() {
    const HOSTS: u32 = 1_500;
    let hosts = row_of(HOSTS);
    let config = || ManyConfig {
        rate: None,
        deadline: Some(ms(2_200)),
        ..ManyConfig::new(Rc::clone(hosts.targets()), Demand::Endless { interval: ms(100) })
    };
    let script = |probe: &Seen| Ok(vec![echo(probe, us(100 + probe.number % 5_000))]);
    for show in [Show::Table, Show::Lines] {
        let report = ManyText::new(show, "rping", hosts.clone(), PingText::new(style(), None));
        let text = run(config(), script, report, each(1_000), 0);
        let mut lines = text.lines();
        let tables = text.lines().filter(|line| line.starts_with('[')).count();
        assert_eq!(tables, 4, "three windows, and the run");
        while lines.any(|line| line.starts_with('[')) {
            assert!(lines.next().expect("a head").starts_with("address "));
            for n in 0..HOSTS {
                let row = lines.next().expect("a row");
                let address = std::net::Ipv4Addr::from_bits(TARGET.to_bits() + n).to_string();
                assert_eq!(row.split(' ').next(), Some(address.as_str()), "{row}");
            }
            assert!(lines.next().expect("a last line").starts_with("1500 targets: 1500 answered"));
        }
    }
}

#[test]
fn the_table_of_a_running_ping_has_room_for_wider_values() {
    let hosts = row_of(1_000);
    let mut many = ManyText::new(Show::Table, "rping", hosts.clone(), PingText::new(style(), None));
    let mut account = PingAccount::new(1_000);
    let nowhere = driven::nowhere();
    let mut output = Output::new(nowhere.as_fd(), nowhere.as_fd());
    many.status(&account, &mut output);
    // Measured, and the first part printed.
    (0..3).for_each(|_| assert!(many.more(&account, &mut output)));
    let config = ManyConfig {
        rate: None,
        linger: Some(ms(100_000)),
        ..ManyConfig::new(Rc::clone(hosts.targets()), Demand::Probes { count: 12, interval: ms(1) })
    };
    Sim::new(config, |probe| Ok(vec![echo(probe, ms(90_000))])).run(|event| account.add(event));
    while many.more(&account, &mut output) {}
    let text = output.unwritten(Stream::Err);
    let rows: Vec<_> = text.lines().collect();
    assert_eq!(rows.len(), 1_002);
    assert_eq!(rows[1], "192.0.2.2       0         0       -                    -       -");
    assert_eq!(
        rows[1_000],
        "192.0.5.233    12        12      0%  90000.000/90000.000/90000.000/0.000  90000.000"
    );
}

#[test]
fn json_has_a_record_of_each_window_for_each_target_and_for_all() {
    let head = r#"{"v":1,"ts":"2026-11-22T14:58:0"#;
    let windows = |text: &str| {
        let lines = text.lines().filter(|line| line.contains(r#""type":"window""#));
        lines.map(|line| line.strip_prefix(head).expect(line).to_owned()).collect::<Vec<_>>()
    };
    let one = Hosts::one("host.example".to_owned(), SocketAddr::new(TARGET.into(), 0));
    let text = run(five(), one_lost, JsonPing::one(quiet(), one, ms(1_000)), each(2_000), 0);
    let expected = [
        r#"2.250000000Z","type":"window","host":"host.example","addr":"192.0.2.2","window_ms":2000.0,"targets":1,"answered":1,"silent":0,"duplicates":0,"corrupted":0,"errors":0,"transmitted":2,"received":2,"lost":0,"late":0,"not_sent":0,"loss_pct":0.0,"rtt":{"min_ms":20.111,"avg_ms":20.1665,"max_ms":20.222,"mdev_ms":0.0555,"p50_ms":20.111,"p90_ms":20.222,"p95_ms":20.222,"p99_ms":20.222,"jitter_ms":0.006938}}"#,
        r#"4.250000000Z","type":"window","host":"host.example","addr":"192.0.2.2","window_ms":2000.0,"targets":1,"answered":1,"silent":0,"duplicates":0,"corrupted":0,"errors":0,"transmitted":2,"received":1,"lost":1,"late":0,"not_sent":0,"loss_pct":50.0,"rtt":{"min_ms":20.444,"avg_ms":20.444,"max_ms":20.444,"mdev_ms":0.0,"p50_ms":20.444,"p90_ms":20.444,"p95_ms":20.444,"p99_ms":20.444,"jitter_ms":0.020379}}"#,
        r#"5.250000000Z","type":"window","host":"host.example","addr":"192.0.2.2","window_ms":1000.0,"targets":1,"answered":1,"silent":0,"duplicates":0,"corrupted":0,"errors":0,"transmitted":1,"received":1,"lost":0,"late":0,"not_sent":0,"loss_pct":0.0,"rtt":{"min_ms":20.555,"avg_ms":20.555,"max_ms":20.555,"mdev_ms":0.0,"p50_ms":20.555,"p90_ms":20.555,"p95_ms":20.555,"p99_ms":20.555,"jitter_ms":0.026043}}"#,
    ];
    assert_eq!(windows(&text), expected);
    let hosts = three();
    let config = ManyConfig {
        deadline: Some(ms(2_500)),
        ..ManyConfig::new(Rc::clone(hosts.targets()), Demand::Endless { interval: ms(1_000) })
    };
    let text = run(config, network, JsonPing::many(quiet(), hosts, None), each(2_000), 1);
    let expected = [
        r#"2.250000000Z","type":"window","host":"web","addr":"198.51.100.1","window_ms":2000.0,"transmitted":2,"received":2,"lost":0,"late":0,"not_sent":0,"loss_pct":0.0,"rtt":{"min_ms":1.0,"avg_ms":1.0,"max_ms":1.0,"mdev_ms":0.0,"p50_ms":1.0,"p90_ms":1.0,"p95_ms":1.0,"p99_ms":1.0,"jitter_ms":0.0}}"#,
        r#"2.250000000Z","type":"window","host":"198.51.100.2","addr":"198.51.100.2","window_ms":2000.0,"transmitted":2,"received":0,"lost":1,"late":0,"not_sent":0,"loss_pct":100.0}"#,
        r#"2.250000000Z","type":"window","host":"198.51.100.3","addr":"198.51.100.3","window_ms":2000.0,"transmitted":2,"received":1,"lost":0,"late":0,"not_sent":0,"loss_pct":0.0,"rtt":{"min_ms":2.0,"avg_ms":2.0,"max_ms":2.0,"mdev_ms":0.0,"p50_ms":2.0,"p90_ms":2.0,"p95_ms":2.0,"p99_ms":2.0,"jitter_ms":0.0}}"#,
        r#"2.250000000Z","type":"window","window_ms":2000.0,"targets":4,"answered":2,"silent":1,"duplicates":0,"corrupted":0,"errors":0,"transmitted":6,"received":3,"lost":1,"late":0,"not_sent":0,"loss_pct":25.0,"rtt":{"min_ms":1.0,"avg_ms":1.333333,"max_ms":2.0,"mdev_ms":0.471404,"p50_ms":1.0,"p90_ms":2.0,"p95_ms":2.0,"p99_ms":2.0}}"#,
    ];
    let found = windows(&text);
    assert_eq!(found[..4], expected);
    assert_eq!(found.len(), 8, "the rest of the run too");
    assert_eq!(text.lines().last().map(|line| line.contains(r#""type":"summary""#)), Some(true));
}
