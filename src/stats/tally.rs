//! The account of a whole run of pings: counts, times, and how many times each clock took.

use std::time::Duration;

use super::loss::{Ratio, classic_loss};
use super::moments::Moments;
use super::percentiles::{Percentiles, Precision};
use crate::clock::{Instant, nanos};
use crate::datagram::Timing;
use crate::engine::ping::event::{Answer, Event, ProbeError, Verdict};
use crate::wire::Family;

/// The account of a run, all targets together.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Probes that left this machine.
    pub sent: u64,
    /// Probes that could not leave this machine.
    pub not_sent: u64,
    /// Probes answered by a valid answer, be it late.
    pub received: u64,
    /// Probes that left and were neither answered nor failed nor lost.
    pub in_flight: u64,
    /// Further valid answers to probes already answered.
    pub duplicates: u64,
    /// Answers damaged on the way.
    pub corrupted: u64,
    /// ICMP errors about our probes; notices (source quench, redirect) are none.
    pub icmp_errors: u64,
    /// Round-trip times of received answers, as far as they were measured, in nanoseconds.
    pub rtt: Moments,
    /// The same times.
    pub percentiles: Percentiles,
    /// Valid answers with a time, duplicates among them, by the clocks that measured it.
    pub timings: Timings,
    /// What only the classic text of one target shows.
    pub classic: Classic,
    first_attempt: Option<Instant>,
    last_attempt: Instant,
}

/// What iputils counts beside the rest, of a run with one target.
#[derive(Clone, Debug, Default)]
pub struct Classic {
    /// The largest number of probes that an answer, or an ICMPv4 error, found in flight: the newest
    /// probe's number minus that of the one it is about, plus one. 0 while nothing came back.
    pub pipe: u64,
    /// Round-trip times of received and duplicate answers, as far as they were measured, each cut to whole microseconds.
    pub rtt: Moments,
    newest_seq: u16,
    /// Exponentially weighted average of these times, weight 1/8: eight times the microseconds.
    ewma_times_8: u64,
}

/// Half of the sequence space: what lies further back than this is ahead of the newest probe.
const HALF_SPACE: u16 = 0x7fff;

impl Tally {
    /// An empty one, with percentiles as exact as that.
    pub fn with_precision(precision: Precision) -> Self {
        Self { percentiles: Percentiles::new(precision), ..Self::default() }
    }

    /// Takes one event into account.
    pub fn add(&mut self, event: &Event) {
        match event {
            Event::Sent { at, seq, .. } => {
                self.sent += 1;
                self.in_flight += 1;
                self.attempt(*at, *seq);
            }
            Event::NotSent { at, seq, .. } => {
                self.not_sent += 1;
                self.attempt(*at, *seq);
            }
            Event::Unanswered { .. } | Event::Lookup(_) => {}
            Event::Lost { .. } => self.settle(true),
            Event::Answer(answer) => self.answer(answer),
            Event::Error(error) => self.error(error),
        }
    }

    /// Probes that were due: those that left and those that could not. The classic text calls them transmitted.
    pub const fn attempted(&self) -> u64 {
        self.sent + self.not_sent
    }

    /// Probes that left, were not answered, and are not in flight.
    pub const fn lost(&self) -> u64 {
        self.sent.saturating_sub(self.received).saturating_sub(self.in_flight)
    }

    /// Loss as iputils counts it.
    pub const fn classic_loss(&self) -> Option<Ratio> {
        classic_loss(self.attempted(), self.received)
    }

    /// ICMP errors and probes that could not leave, which the classic text counts as one.
    pub const fn classic_errors(&self) -> u64 {
        self.icmp_errors + self.not_sent
    }

    /// From the first probe that was due to the last one.
    pub fn sending_time(&self) -> Duration {
        self.first_attempt.map_or(Duration::ZERO, |first| self.last_attempt.since(first))
    }

    /// A percentile of the received answers' times, in nanoseconds, to the digits of their [`Precision`].
    pub fn percentile(&self, percent: u64) -> Option<u64> {
        self.percentiles.percentile(percent, (self.rtt.min(), self.rtt.max()))
    }

    fn attempt(&mut self, at: Instant, seq: u16) {
        self.first_attempt.get_or_insert(at);
        self.last_attempt = at;
        self.classic.newest_seq = seq;
    }

    /// Notes that a probe is no longer in flight, if it was until now.
    fn settle(&mut self, was_in_flight: bool) {
        self.in_flight = self.in_flight.saturating_sub(u64::from(was_in_flight));
    }

    fn answer(&mut self, answer: &Answer) {
        self.settle(answer.settles);
        match answer.verdict {
            Verdict::Corrupt => {
                self.corrupted += 1;
                return;
            }
            Verdict::Received => self.received += 1,
            Verdict::Duplicate => self.duplicates += 1,
        }
        self.overtake(answer.seq);
        let Some(nanos) = answer.time().map(nanos) else { return };
        self.timings.count(answer.timing);
        self.classic.time(nanos / 1_000);
        if answer.verdict == Verdict::Received {
            self.rtt.add(nanos);
            self.percentiles.add(nanos);
        }
    }

    fn error(&mut self, error: &ProbeError) {
        self.settle(error.settles);
        if error.notice {
            return;
        }
        self.icmp_errors += 1;
        // iputils counts the pipe from ICMPv4 errors and not from ICMPv6 ones.
        if error.error.family == Family::V4 {
            self.overtake(error.seq);
        }
    }

    fn overtake(&mut self, seq: u16) {
        let behind = self.classic.newest_seq.wrapping_sub(seq);
        if behind <= HALF_SPACE && self.attempted() > 0 {
            self.classic.pipe = self.classic.pipe.max(u64::from(behind) + 1);
        }
    }
}

impl Classic {
    /// Exponentially weighted average of the round-trip times, weight 1/8, in microseconds.
    pub const fn ewma_micros(&self) -> u64 {
        self.ewma_times_8 / 8
    }

    fn time(&mut self, micros: u64) {
        self.rtt.add(micros);
        // Below 2^55 microseconds, so eight times that fits.
        self.ewma_times_8 = match self.ewma_times_8 {
            0 => micros * 8,
            before => before - before / 8 + micros,
        };
    }
}

/// Round-trip times by the clocks that measured them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// The kernel's at both ends.
    pub kernel: u64,
    /// The interface's at both ends.
    pub hardware: u64,
    /// Different ones.
    pub mixed: u64,
    /// Ours at both ends.
    pub user: u64,
}

impl Timings {
    /// Counts one more.
    pub const fn count(&mut self, timing: Timing) {
        match timing {
            Timing::Kernel => self.kernel += 1,
            Timing::Hardware => self.hardware += 1,
            Timing::Mixed => self.mixed += 1,
            Timing::User => self.user += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::datagram::{SendCause, SendFault, SystemError};
    use crate::stats::figures::Figures;
    use crate::stats::samples::{self, answer};

    proptest! {
        #[test]
        fn nothing_is_silently_loss(events in prop::collection::vec(any_event(), 0..300)) {
            let (mut tally, mut times, mut further_times) = (Tally::default(), 0, 0);
            for event in &events {
                let before = tally.clone();
                tally.add(event);
                prop_assert_eq!(tally.attempted(), tally.sent + tally.not_sent);
                prop_assert!(tally.classic_errors() >= tally.not_sent);
                prop_assert!(tally.in_flight <= tally.sent);
                let changed = |now: u64, then: u64| u64::from(now != then);
                let changes = changed(tally.sent, before.sent)
                    + changed(tally.not_sent, before.not_sent)
                    + changed(tally.received, before.received)
                    + changed(tally.duplicates, before.duplicates)
                    + changed(tally.corrupted, before.corrupted)
                    + changed(tally.icmp_errors, before.icmp_errors);
                let silent = matches!(event, Event::Unanswered { .. } | Event::Lost { .. })
                    || matches!(event, Event::Error(ProbeError { notice: true, .. }));
                prop_assert_eq!(changes, u64::from(!silent));
                if let Event::Answer(Answer { timed: true, verdict, .. }) = event {
                    times += u64::from(*verdict == Verdict::Received);
                    further_times += u64::from(*verdict == Verdict::Duplicate);
                }
                prop_assert_eq!(tally.rtt.count(), times);
                prop_assert_eq!(tally.percentiles.count(), times);
                prop_assert_eq!(tally.classic.rtt.count(), times + further_times);
                let Timings { kernel, hardware, mixed, user } = tally.timings;
                prop_assert_eq!(kernel + hardware + mixed + user, times + further_times);
                prop_assert!(tally.rtt.min() <= tally.rtt.mean() && tally.rtt.mean() <= tally.rtt.max());
            }
        }
    }

    fn any_event() -> impl Strategy<Value = Event> {
        let at = any::<u64>().prop_map(Instant::from_nanos);
        (0..9_u8, at, any::<u16>(), any::<u64>()).prop_map(|(kind, at, seq, rtt)| {
            let verdict = [Verdict::Received, Verdict::Duplicate, Verdict::Corrupt];
            match kind {
                0 | 1 => Event::Sent { at, target: 0, seq, in_flight: 1 },
                2 => Event::NotSent {
                    at,
                    target: 0,
                    seq,
                    fault: SendFault { cause: SendCause::Firewall, error: SystemError::new(1) },
                },
                3 => Event::Unanswered { at, target: 0, seq },
                8 => lost(seq),
                4..=6 => {
                    let event = answer(at, seq, Duration::from_nanos(rtt), verdict[usize::from(kind - 4)]);
                    let Event::Answer(answer) = event else { return event };
                    Event::Answer(Answer { timed: rtt % 3 > 0, ..answer })
                }
                _ => failed(at, seq, Family::V4, rtt % 2 == 0),
            }
        })
    }

    fn failed(at: Instant, seq: u16, family: Family, notice: bool) -> Event {
        samples::unreachable(at, seq, family, notice, false)
    }

    fn lost(seq: u16) -> Event {
        Event::Lost { at: at(0), target: 0, seq, sent: at(0) }
    }

    fn sent(seq: u16) -> Event {
        Event::Sent { at: Instant::from_nanos(u64::from(seq) * 1_000_000), target: 0, seq, in_flight: 1 }
    }

    fn tally(events: impl IntoIterator<Item = Event>) -> Tally {
        events.into_iter().fold(Tally::default(), |mut tally, event| {
            tally.add(&event);
            tally
        })
    }

    const fn at(nanos: u64) -> Instant {
        Instant::from_nanos(nanos)
    }

    #[test]
    fn the_pipe_is_the_longest_way_back_to_an_answered_probe() {
        let received = |seq| answer(at(0), seq, Duration::ZERO, Verdict::Received);
        let damaged = answer(at(0), 1, Duration::ZERO, Verdict::Corrupt);
        assert_eq!(tally([sent(1), received(1), sent(2), received(2)]).classic.pipe, 1);
        assert_eq!(tally([sent(1), sent(2), sent(3), received(1), received(3)]).classic.pipe, 3);
        assert_eq!(tally([sent(65_535), sent(0), sent(1), received(65_535)]).classic.pipe, 3);
        assert_eq!(tally([sent(1), sent(2), damaged]).classic.pipe, 0);
        assert_eq!(tally([sent(1), sent(2), failed(at(0), 1, Family::V4, false)]).classic.pipe, 2);
        assert_eq!(tally([sent(1), sent(2), failed(at(0), 1, Family::V4, true)]).classic.pipe, 0);
        assert_eq!(tally([sent(1), sent(2), failed(at(0), 1, Family::V6, false)]).classic.pipe, 0);
        // Half of the sequence space behind, or ahead: not known which.
        assert_eq!(tally([sent(1), received(2)]).classic.pipe, 0);
    }

    #[test]
    fn the_weighted_average_follows_iputils() {
        let rtt = |micros| answer(at(0), 1, Duration::from_micros(micros), Verdict::Received);
        assert_eq!(tally([]).classic.ewma_micros(), 0);
        assert_eq!(tally([rtt(38)]).classic.ewma_micros(), 38);
        // 304; 304 - 38 + 7 = 273; 273 - 34 + 6 = 245.
        assert_eq!(tally([rtt(38), rtt(7), rtt(6)]).classic.ewma_micros(), 30);
    }

    #[test]
    fn unsent_probes_count_as_transmitted_and_as_errors() {
        let fault = SendFault { cause: SendCause::Firewall, error: SystemError::new(1) };
        let not_sent = |seq| Event::NotSent { at: at(5), target: 0, seq, fault };
        let tally = tally([sent(1), not_sent(2), not_sent(3)]);
        assert_eq!((tally.sent, tally.not_sent, tally.attempted(), tally.classic_errors()), (1, 2, 3, 2));
        assert_eq!(tally.classic_loss().map(Ratio::percent), Some(100.0));
        assert_eq!(tally.loss(), None, "one is in flight, two never left");
    }

    #[test]
    fn the_sending_time_runs_from_the_first_probe_to_the_last() {
        assert_eq!(tally([]).sending_time(), Duration::ZERO);
        assert_eq!(tally([sent(1)]).sending_time(), Duration::ZERO);
        let late_answer = answer(at(9_000_000_000), 1, Duration::ZERO, Verdict::Received);
        assert_eq!(tally([sent(1), sent(204), late_answer]).sending_time(), Duration::from_millis(203));
    }

    #[test]
    fn a_late_answer_corrects_a_loss() {
        let late = |seq, settles| {
            let Event::Answer(answer) = answer(at(0), seq, Duration::ZERO, Verdict::Received) else {
                return sent(seq);
            };
            Event::Answer(Answer { settles, ..answer })
        };
        let counts = |tally: &Tally| (tally.sent, tally.received, tally.in_flight, tally.lost());
        let mut run = tally([sent(1), sent(2)]);
        assert_eq!(counts(&run), (2, 0, 2, 0));
        run.add(&lost(1));
        assert_eq!(counts(&run), (2, 0, 1, 1));
        run.add(&late(1, false));
        assert_eq!(counts(&run), (2, 1, 1, 0));
        run.add(&late(2, true));
        assert_eq!(counts(&run), (2, 2, 0, 0));
    }

    #[test]
    fn an_error_settles_its_probe_and_a_notice_does_not() {
        let error = |settles, notice| {
            let Event::Error(error) = failed(at(0), 1, Family::V4, notice) else { return sent(1) };
            Event::Error(ProbeError { settles, ..error })
        };
        let run = tally([sent(1), error(false, true)]);
        assert_eq!((run.in_flight, run.icmp_errors, run.loss()), (1, 0, None));
        let run = tally([sent(1), error(true, false), error(false, false)]);
        assert_eq!((run.in_flight, run.icmp_errors), (0, 2));
        assert_eq!(run.loss().map(Ratio::percent), Some(100.0));
    }
}
