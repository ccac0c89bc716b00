//! `-o` and `--keep-going`, in virtual time: when a run ends.

mod sim;

use rping::clock::Instant;
use rping::engine::ping::{Limits, Ping};
use sim::*;

/// When a run ends, in milliseconds after its start, and how many probes were sent.
fn end(config: Config, script: impl FnMut(&Seen) -> Response) -> (u128, usize) {
    let mut sim = Sim::<Ping>::new(config, script);
    let end = sim.run(|_| ());
    (end.since(Instant::ZERO).as_millis(), sim.sent.len())
}

#[test]
fn the_first_reply_ends_a_run() {
    let first = Config { enough: Some(1), ..config() };
    let third = |probe: &Seen| Ok(if probe.number == 3 { vec![echo(probe, ms(10))] } else { vec![] });
    assert_eq!(end(first.clone(), third), (2_010, 3));
    // Late: the answer to the first probe comes after the fourth has left.
    let late = |probe: &Seen| Ok(if probe.number == 1 { vec![echo(probe, ms(3_500))] } else { vec![] });
    assert_eq!(end(first.clone(), late), (3_500, 4));
    let error = |probe: &Seen| {
        Ok(if probe.number < 3 { vec![error(probe, 3, 1, 0, ms(1))] } else { vec![echo(probe, ms(10))] })
    };
    assert_eq!(end(first.clone(), error), (2_010, 3), "an ICMP error is no reply");
    let damaged = |probe: &Seen| {
        let reply = echo(probe, ms(10));
        Ok(vec![if probe.number == 1 { reply.damaged() } else { reply }])
    };
    assert_eq!(end(first.clone(), damaged), (1_010, 2), "nor is a damaged one");
    let text = printed(&mut Sim::new(first, third), style()).0;
    assert!(text.ends_with("3 packets transmitted, 1 received, 66.6667% packet loss, time 2000ms\nrtt min/avg/max/mdev = 10.000/10.000/10.000/0.000 ms\n"), "{text}");
}

/// Errors until the seventh probe, then answers.
fn errors(probe: &Seen) -> Response {
    Ok(vec![if probe.number < 7 { error(probe, 3, 1, 0, ms(2)) } else { echo(probe, ms(10)) }])
}

#[test]
fn an_error_ends_a_run_with_a_deadline_unless_it_is_to_go_on() {
    let until = |keep_going, count| Config {
        count,
        deadline: Some(ms(20_000)),
        limits: Limits { keep_going, ..Limits::default() },
        ..config()
    };
    assert_eq!(end(until(false, None), errors), (2, 1));
    assert_eq!(end(until(true, None), errors), (20_000, 20));
    // Only replies count.
    assert_eq!(end(until(true, Some(1)), errors), (6_010, 7));
    assert_eq!(end(until(true, Some(3)), errors), (8_010, 9));
    let always = |probe: &Seen| Ok(vec![error(probe, 3, 1, 0, ms(2))]);
    assert_eq!(end(until(true, Some(3)), always), (20_000, 20));
}
