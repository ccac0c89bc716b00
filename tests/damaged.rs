//! A damaged reply, and then the real one: the damaged one is printed and counted as corrupted, and its probe is still
//! open for the real one. One host and many, in virtual time and on real kernels.

mod lab;
mod sim;

use std::time::Duration;

use lab::{Answer, RPING, Responder, allow_datagram, alone, pair, rping, run, sh, text};
use rping::clock::Instant;
use rping::engine::ping::event::{Event, Verdict};
use rping::report::text::many::Show;
use sim::*;

/// A kind of damage, and what is printed behind the time (or in its place) and below the line.
struct Damage {
    name: &'static str,
    damage: fn(Packet) -> Packet,
    bytes: usize,
    end: &'static str,
}

const DUMP: &str = "\nwrong data byte #20 should be 0x14 but was 0xeb\n\
     #16\t10 11 12 13 eb 15 16 17 18 19 1a 1b 1c 1d 1e 1f 20 21 22 23 24 25 26 27 28 29 2a 2b 2c 2d 2e 2f \n\
     #48\t30 31 32 33 34 35 36 37 ";

/// The first three are printed with a time; the others are for counts only.
const DAMAGES: [Damage; 5] = [
    Damage { name: "altered", damage: |p| p.flip(20, 0xff), bytes: 64, end: DUMP },
    Damage {
        name: "longer",
        damage: |p| p.lengthen(64),
        bytes: 128,
        end: "\nreply is 64 bytes longer than the request",
    },
    Damage { name: "a bad checksum", damage: Packet::damaged, bytes: 64, end: " (BAD CHECKSUM!)" },
    Damage { name: "an altered token", damage: |p| p.flip(7, 0x01), bytes: 64, end: "" },
    Damage { name: "cut before the end of the token", damage: |p| p.cut(7), bytes: 15, end: "" },
];

/// The damaged reply to a probe after 10 ms, and then the real one after 20 ms.
fn damaged_and_real(damage: &Damage, probe: &Seen) -> Vec<Packet> {
    vec![(damage.damage)(echo(probe, ms(10))), echo(probe, ms(20))]
}

/// The round-trip times of a run's answers, and how they count.
fn verdicts(
    config: Config,
    script: impl FnMut(&Seen) -> Vec<Packet>,
) -> (Vec<(u16, Duration, Verdict)>, Instant) {
    let mut script = script;
    let mut verdicts = Vec::new();
    let end = Sim::new(config, |probe| Ok(script(probe))).run(|event| {
        if let Event::Answer(answer) = event {
            verdicts.push((answer.seq, answer.rtt, answer.verdict));
        }
    });
    (verdicts, end)
}

#[test]
fn one_hosts_probe_is_received_once_the_real_reply_comes() {
    for damage in &DAMAGES {
        let config = Config { count: Some(2), ..config() };
        let (verdicts, end) = verdicts(config, |probe| damaged_and_real(damage, probe));
        let both = |seq| [(seq, ms(10), Verdict::Corrupt), (seq, ms(20), Verdict::Received)];
        let expected = [both(1), both(2)].concat();
        assert_eq!(verdicts, expected, "{}", damage.name);
        // The damaged reply to the last probe does not end the run.
        assert_eq!(end, Instant::ZERO + ms(1_020), "{}", damage.name);
    }
}

#[test]
fn one_hosts_text_has_the_damaged_reply_and_the_real_one() {
    for damage in DAMAGES.iter().take(3) {
        let config = Config { count: Some(2), report_unanswered: true, ..config() };
        // The real reply to the first probe comes behind the second probe, and so does "no answer yet".
        let script = |probe: &Seen| {
            let mut packets = damaged_and_real(damage, probe);
            packets[1].after = if probe.number == 1 { ms(1_030) } else { ms(20) };
            Ok(packets)
        };
        let (out, err) = printed(&mut Sim::new(config, script), style());
        let Damage { bytes, end, .. } = damage;
        let expected = format!(
            "PING 192.0.2.2 (192.0.2.2) 56(84) bytes of data.\n\
             {bytes} bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=10.0 ms{end}\n\
             no answer yet for icmp_seq=1\n\
             {bytes} bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=10.0 ms{end}\n\
             64 bytes from 192.0.2.2: icmp_seq=2 ttl=64 time=20.0 ms\n\
             64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=1030 ms\n\n\
             --- 192.0.2.2 ping statistics ---\n\
             2 packets transmitted, 2 received, +2 corrupted, 0% packet loss, time 1000ms\n\
             rtt min/avg/max/mdev = 20.000/525.000/1030.000/505.000 ms, pipe 2\n"
        );
        assert_eq!((out.as_str(), err.as_str()), (expected.as_str(), ""), "{}", damage.name);
    }
}

#[test]
fn one_hosts_damaged_reply_alone_is_a_loss() {
    for damage in &DAMAGES {
        let config = Config { count: Some(1), linger: Some(ms(100)), ..config() };
        let (verdicts, end) =
            verdicts(config, |probe| damaged_and_real(damage, probe).into_iter().take(1).collect());
        assert_eq!(verdicts, [(1, ms(10), Verdict::Corrupt)], "{}", damage.name);
        assert_eq!(end, Instant::ZERO + ms(100), "{}", damage.name);
    }
}

/// With a deadline the count is of replies: a damaged one is none.
#[test]
fn a_count_of_replies_takes_no_damaged_one() {
    for damage in &DAMAGES {
        let config = Config { count: Some(2), deadline: Some(ms(10_000)), ..config() };
        let (verdicts, end) = verdicts(config, |probe| match probe.number {
            1 => damaged_and_real(damage, probe).into_iter().take(1).collect(),
            _ => damaged_and_real(damage, probe),
        });
        let received = verdicts.iter().filter(|(_, _, verdict)| *verdict == Verdict::Received);
        assert_eq!(received.map(|(seq, ..)| *seq).collect::<Vec<_>>(), [2, 3], "{}", damage.name);
        // The third probe leaves for the first one, a second after it.
        assert_eq!(end, Instant::ZERO + ms(2_020), "{}", damage.name);
    }
}

/// What is printed about two hosts.
fn printed_of_two(demand: Demand, mut script: impl FnMut(&Seen) -> Vec<Packet>) -> String {
    let (out, err) = printed_of_many(2, demand, Show::Lines, |probe| Ok(script(probe)));
    assert_eq!(err, "");
    out
}

#[test]
fn many_hosts_are_received_once_the_real_reply_comes() {
    for damage in DAMAGES.iter().take(3) {
        let Damage { bytes, end, .. } = damage;
        let printed =
            printed_of_two(Demand::Answer { timeout: ms(500), retries: 3 }, |probe| match probe.number {
                1 => damaged_and_real(damage, probe),
                _ => vec![echo(probe, ms(30))],
            });
        let expected = format!(
            "{bytes} bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=10.0 ms{end}\n\
             64 bytes from 192.0.2.2: icmp_seq=1 ttl=64 time=20.0 ms\n\
             64 bytes from 192.0.2.3: icmp_seq=1 ttl=64 time=30.0 ms\n\n\
             address    sent  received    loss         min/avg/max/mdev ms  p95 ms\n\
             192.0.2.2     1         1      0%  20.000/20.000/20.000/0.000  20.000\n\
             192.0.2.3     1         1      0%  30.000/30.000/30.000/0.000  30.000\n\
             2 targets: 2 answered, 0 silent; 2 packets transmitted, 2 received, +1 corrupted, 0% packet loss, \
             time 1ms, rtt min/avg/max/mdev = 20.000/25.000/30.000/5.000 ms\n"
        );
        assert_eq!(printed, expected, "{}", damage.name);
    }
}

#[test]
fn many_hosts_are_tried_again_after_a_damaged_reply_alone() {
    for damage in DAMAGES.iter().take(3) {
        let Damage { bytes, end, .. } = damage;
        let printed = printed_of_two(Demand::Answer { timeout: ms(500), retries: 1 }, |probe| {
            if probe.dst.ip() == TARGET {
                damaged_and_real(damage, probe).into_iter().take(1).collect()
            } else {
                vec![]
            }
        });
        let line = |seq| format!("{bytes} bytes from 192.0.2.2: icmp_seq={seq} ttl=64 time=10.0 ms{end}\n");
        let expected = line(1)
            + &line(2)
            + "\n\
             address    sent  received    loss  min/avg/max/mdev ms  p95 ms\n\
             192.0.2.2     2         0    100%                    -       -\n\
             192.0.2.3     2         0    100%                    -       -\n\
             2 targets: 0 answered, 2 silent; 4 packets transmitted, 0 received, +2 corrupted, 100% packet loss, \
             time 501ms\n";
        assert_eq!(printed, expected, "{}", damage.name);
    }
}

/// The host `t` sends a damaged reply to each request, and then the real one.
fn damaging_host() -> Responder {
    pair();
    Responder::start(|request| {
        let mut altered = request.echo();
        altered[8 + 20] ^= 0xff;
        [altered, request.echo()].map(|icmp| Answer { from: request.to, icmp, checksum_ok: true }).to_vec()
    })
}

#[test]
fn a_real_host_that_damages_every_first_reply_loses_none() {
    alone("a_real_host_that_damages_every_first_reply_loses_none", || {
        let _responder = damaging_host();
        for kind in ["raw", "datagram"] {
            let line = |seq: u16, end: &str| {
                format!("64 bytes from 10.9.0.2: icmp_seq={seq} ttl=64 time=# ms{end}\n")
            };
            let both = |seq| line(seq, DUMP) + &line(seq, "");
            let expected = format!(
                "PING 10.9.0.2 (10.9.0.2) 56(84) bytes of data.\n{}{}\n\
                 --- 10.9.0.2 ping statistics ---\n\
                 2 packets transmitted, 2 received, +2 corrupted, 0% packet loss, time #ms\n\
                 rtt min/avg/max/mdev = # ms\n[0]",
                both(1),
                both(2)
            );
            assert_eq!(text(&rping("-c2 -i0.05 10.9.0.2")), expected, "{kind}");
            let ran = rping("--sweep -q -v --clock user 10.9.0.2 10.9.0.2");
            let counts = "1 target: 1 answered, 0 silent; 1 packets transmitted, 1 received, +1 corrupted, 0% packet loss";
            assert!(ran.stdout.contains(counts), "{kind}: {ran:?}");
            // No time is taken from the damaged one.
            let clocks = "rping: times by clock: 1 user\n";
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), clocks), "{kind}");
            allow_datagram();
        }
    });
}

/// ICMPv6 over raw sockets: the kernel discards them itself, and counts them with those that found no room.
#[test]
fn replies_that_the_kernel_discards_are_counted_with_both_causes() {
    alone("replies_that_the_kernel_discards_are_counted_with_both_causes", || {
        pair();
        sh("ip netns exec t nft 'add table ip6 f; add chain ip6 f out { type filter hook output priority 0; }
            add rule ip6 f out icmpv6 type echo-reply icmpv6 checksum set 0x1234'");
        let discarded = |count: u32, packets: &str| {
            format!(
                "rping: up to {count} {packets} discarded by the kernel on arrival: no room in the receive buffer, \
                 or a wrong checksum\n"
            )
        };
        for args in ["ping -q -c3 -i0.01 -W0.1 fd09::2", "ping -q -c3 -i0.01 -W0.1 fd09::2 10.9.0.2"] {
            assert_eq!(run(RPING, args).stderr, discarded(3, "packets"), "{args}");
        }
        let trace = run(RPING, "traceroute -I -q1 -m1 -w0.1 fd09::2");
        assert_eq!(trace.stderr, discarded(1, "packet"), "{}", trace.stdout);
    });
}
