use std::num::NonZeroU64;

use super::*;

const fn at(micros: u64) -> Instant {
    Instant::from_nanos(micros * 1_000)
}

/// So many probes, one every `interval`.
fn probes(targets: u32, count: u64, interval: Duration, rate: u64) -> Pace {
    let pacing =
        Pacing::Rounds { interval, preload: 1, rate: NonZeroU64::new(rate).map(ProbeRate::per_second) };
    Pace::new(pacing, targets, Some(count), 64, Instant::ZERO)
}

/// One answer.
fn answer(targets: u32, timeout: Duration, retries: u32, rate: u64) -> Pace {
    retry(targets, timeout, Backoff::ONE_HALF, retries, true, rate)
}

fn retry(
    targets: u32,
    timeout: Duration,
    backoff: Backoff,
    retries: u32,
    after_fault: bool,
    rate: u64,
) -> Pace {
    let rate = NonZeroU64::new(rate).map(ProbeRate::per_second);
    let pacing = Pacing::Retry { timeout, backoff, retries, after_fault, rate };
    Pace::new(pacing, targets, None, 64, Instant::ZERO)
}

/// All turns of a run that is never late, those of `answers` cut short by an answer at that time.
fn turns(pace: &mut Pace, answers: &[(u32, Instant)]) -> Vec<(Instant, Turn)> {
    let mut turns = Vec::new();
    let mut now = Instant::ZERO;
    loop {
        let done = |target| answers.iter().any(|(who, when)| *who == target && *when <= now);
        pace.refresh(now, done, |_| false);
        let Some((due, turn)) = pace.due(0) else { return turns };
        if let Some((_, when)) = answers.iter().find(|(_, when)| *when > now && *when <= due) {
            now = *when;
            continue;
        }
        now = now.max(due);
        assert_eq!(pace.take(now, 0), Some(turn));
        if let Turn::Probe(_) = turn {
            pace.sent(now);
        }
        turns.push((now, turn));
    }
}

#[test]
fn each_target_keeps_its_own_interval_exactly() {
    let turns = turns(&mut probes(7, 1_000, Duration::from_micros(100_003), 3_000), &[]);
    assert_eq!(turns.len(), 7_000);
    for (n, (when, turn)) in turns.into_iter().enumerate() {
        let (round, target) = (n as u64 / 7, n as u64 % 7);
        let nanos = round * 100_003_000 + target * 1_000_000_000 / 3_000;
        assert_eq!((when, turn), (Instant::from_nanos(nanos), Turn::Probe(target as u32)));
    }
}

#[test]
fn the_rate_is_kept_where_the_interval_requests_more() {
    let turns = turns(&mut probes(70_000, 3, Duration::from_millis(1), 3_500), &[]);
    assert_eq!(turns.len(), 210_000);
    for (n, (when, _)) in turns.iter().enumerate() {
        let expected = Duration::from_nanos(n as u64 * 1_000_000_000 / 3_500);
        let off = when.since(Instant::ZERO + expected) + (Instant::ZERO + expected).since(*when);
        assert!(off <= Duration::from_nanos(2), "probe {n} at {when:?}");
    }
}

#[test]
fn probes_due_within_half_a_millisecond_are_sent_together() {
    let turns = turns(&mut probes(10, 1, Duration::from_secs(1), 6_000), &[]);
    let micros: Vec<u64> = turns.iter().map(|(when, _)| when.as_nanos() / 1_000).collect();
    assert_eq!(micros, [0, 0, 0, 500, 500, 500, 1_000, 1_000, 1_000, 1_500]);
}

#[test]
fn a_silent_target_is_probed_again_after_ever_longer_waits() {
    let mut pace = answer(2, Duration::from_millis(500), 3, 1_000);
    let expected = [
        (at(0), Turn::Probe(0)),
        (at(1_000), Turn::Probe(1)),
        (at(500_000), Turn::Probe(0)),
        (at(1_250_000), Turn::Probe(0)),
        (at(2_375_000), Turn::Probe(0)),
        (at(4_062_500), Turn::GiveUp(0)),
    ];
    assert_eq!(turns(&mut pace, &[(1, at(30_000))]), expected);
}

#[test]
fn the_waits_grow_by_any_factor_or_none() {
    for (backoff, millis) in [(1_000, [0, 100, 200, 300, 400]), (2_000, [0, 100, 300, 700, 1_500])] {
        let mut pace = retry(1, Duration::from_millis(100), Backoff(backoff), 3, true, 0);
        let turns = turns(&mut pace, &[]).into_iter().map(|(when, _)| when);
        assert_eq!(turns.collect::<Vec<_>>(), millis.map(|millis| at(millis * 1_000)));
    }
}

#[test]
fn a_target_with_an_unsent_probe_is_probed_again_or_given_up_at_once() {
    for (after_fault, next) in [(true, (507_000, Turn::Probe(0))), (false, (7_000, Turn::GiveUp(0)))] {
        let mut pace = retry(2, Duration::from_millis(500), Backoff::ONE_HALF, 3, after_fault, 1_000);
        assert_eq!(pace.take(at(0), 0), Some(Turn::Probe(0)));
        assert_eq!(pace.take(at(1_000), 0), Some(Turn::Probe(1)));
        pace.fail(at(7_000), true);
        pace.sent(at(7_000));
        assert_eq!(pace.due(0), Some((at(next.0), next.1)));
    }
}

#[test]
fn a_target_whose_last_probe_is_unsent_is_waited_for_only_if_another_is_in_flight() {
    for (waits, given_up) in [(true, 9_000 + 750_000), (false, 9_000)] {
        let mut pace = retry(1, Duration::from_millis(500), Backoff::ONE_HALF, 1, true, 0);
        assert_eq!(pace.take(at(0), 0), Some(Turn::Probe(0)));
        pace.fail(at(1_000), waits);
        assert_eq!(pace.due(0), Some((at(501_000), Turn::Probe(0))), "it has a further turn");
        assert_eq!(pace.take(at(501_000), 0), Some(Turn::Probe(0)));
        pace.fail(at(509_000), waits);
        assert_eq!(pace.due(0), Some((at(500_000 + given_up), Turn::GiveUp(0))), "{waits}");
    }
}

#[test]
fn targets_that_waited_come_before_those_that_were_sent_nothing_yet() {
    let mut pace = answer(3, Duration::from_millis(2), 1, 1_000);
    let expected = [
        (at(0), Turn::Probe(0)),
        (at(1_000), Turn::Probe(1)),
        (at(2_000), Turn::Probe(0)),
        (at(3_000), Turn::Probe(1)),
        (at(4_000), Turn::Probe(2)),
        (at(5_000), Turn::GiveUp(0)),
        (at(6_000), Turn::Probe(2)),
        (at(6_000), Turn::GiveUp(1)),
        (at(9_000), Turn::GiveUp(2)),
    ];
    assert_eq!(turns(&mut pace, &[]), expected);
}

#[test]
fn turns_that_passed_while_suspended_are_skipped() {
    let mut pace = probes(2, 5, Duration::from_millis(100), 1_000);
    assert_eq!(pace.take(at(0), 0), Some(Turn::Probe(0)));
    let mut sent = Vec::new();
    let mut now = at(950_000);
    while let Some((due, _)) = pace.due(0) {
        now = now.max(due);
        pace.take(now, 0);
        sent.push(now.as_nanos() / 1_000_000);
    }
    assert_eq!(sent, [950, 951, 952, 1_000, 1_001, 1_100, 1_101, 1_200, 1_201]);
}

#[test]
fn without_a_rate_everything_is_due_at_once() {
    let turns = turns(&mut probes(3, 1, Duration::from_secs(1), 0), &[]);
    assert_eq!(turns, [0, 1, 2].map(|target| (at(0), Turn::Probe(target))));
}

#[test]
fn one_target_keeps_its_grid_whatever_is_late() {
    let mut pace = probes(1, 100, Duration::from_millis(50), 0);
    for n in 0..40 {
        assert_eq!(pace.due(1), Some((at(50_000 * n), Turn::Probe(0))));
        pace.take(at(50_000 * n + 13_000), 0);
        pace.sent(at(50_000 * n + 13_000));
    }
    pace.take(at(2_020_000), 0);
    assert_eq!(pace.due(1), Some((at(2_050_000), Turn::Probe(0))), "slots that passed are skipped");
}

#[test]
fn a_preload_is_sent_at_once() {
    let pacing = Pacing::Rounds { interval: Duration::from_secs(1), preload: 3, rate: None };
    let mut pace = Pace::new(pacing, 1, None, 64, Instant::ZERO);
    for _ in 0..3 {
        assert_eq!(pace.take(at(0), 3), Some(Turn::Probe(0)));
    }
    assert_eq!(pace.due(3), Some((at(1_000_000), Turn::Probe(0))));
}

#[test]
fn targets_that_join_have_all_their_probes_on_a_grid_of_their_own() {
    let mut pace = probes(2, 3, Duration::from_millis(100), 0);
    let mut sent = Vec::new();
    let mut join = vec![(at(130_000), 1), (at(40_000), 2)];
    while let Some((due, turn)) = pace.due(0) {
        if let Some((when, targets)) = join.pop_if(|(when, _)| *when <= due) {
            pace.add(targets, when);
            continue;
        }
        assert_eq!(pace.take(due, 0), Some(turn));
        pace.sent(due);
        let Turn::Probe(target) = turn else { panic!("{turn:?}") };
        sent.push((due.as_nanos() / 1_000_000, target));
    }
    let expected = [
        [(0, 0), (0, 1), (40, 2), (40, 3)],
        [(100, 0), (100, 1), (130, 4), (140, 2)],
        [(140, 3), (200, 0), (200, 1), (230, 4)],
    ];
    assert_eq!(sent[..12], expected.concat());
    assert_eq!(sent[12..], [(240, 2), (240, 3), (330, 4)]);
}

#[test]
fn the_rate_limits_targets_that_join_too() {
    let mut pace = probes(3, 2, Duration::from_millis(10), 1_000);
    pace.add(2, at(1_000));
    let turns = turns(&mut pace, &[]);
    let expected = [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4), (10, 0), (11, 1), (12, 2), (13, 3), (14, 4)];
    assert_eq!(turns, expected.map(|(millis, target)| (at(millis * 1_000), Turn::Probe(target))));
}

#[test]
fn targets_that_join_are_probed_until_they_answer() {
    let mut pace = answer(1, Duration::from_millis(500), 1, 1_000);
    assert_eq!(pace.take(at(0), 0), Some(Turn::Probe(0)));
    pace.sent(at(0));
    pace.add(1, at(200_000));
    let expected = [
        (at(1_000), Turn::Probe(1)),
        (at(500_000), Turn::Probe(0)),
        (at(501_000), Turn::Probe(1)),
        (at(1_250_000), Turn::GiveUp(0)),
        (at(1_251_000), Turn::GiveUp(1)),
    ];
    assert_eq!(turns(&mut pace, &[]), expected);
}
