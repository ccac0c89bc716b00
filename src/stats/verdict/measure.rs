//! The figures of a run, and whether they meet an assertion.

use std::cmp::Ordering;
use std::fmt;

use super::assertion::{Assertion, Clause, Decimal};
use super::field::{Field, WHOLE};
use crate::clock::nanos;
use crate::engine::trace::event::Ending;
use crate::stats::extra::Extra;
use crate::stats::moments::Moments;
use crate::stats::ping::PingAccount;
use crate::stats::row::Row;
use crate::stats::trace::TraceAccount;

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measured {
    /// A count.
    Count(u64),
    /// A count that is known to lie between these two, both included.
    Between(u64, u64),
    /// So many probes of so many; at least one.
    Part {
        /// Probes that were lost or could not be sent.
        lost: u64,
        /// These, and those that were answered.
        of: u64,
    },
    /// A time, in nanoseconds.
    Time(u64),
    /// Whether it is so.
    Flag(bool),
    /// There is no value, for this reason.
    Nothing(&'static str),
}

/// No answer came, or no probe was decided.
const NO_ANSWER: &str = "no answer";
/// No probe was due.
const NO_PROBE: &str = "no probe was sent";
/// The figure is one of the target, and that did not answer.
const NOT_REACHED: &str = "the target was not reached";

impl Measured {
    /// Whether it meets a clause about its field: one that lies between two values, if each value between them does. What
    /// has no value meets none.
    pub fn meets(self, clause: &Clause) -> bool {
        match (self, clause.limit) {
            (Self::Flag(flag), None) => flag,
            (Self::Nothing(_) | Self::Flag(_), _) | (_, None) => false,
            (Self::Count(value) | Self::Time(value), Some((comparison, limit))) => {
                comparison.holds(value.cmp(&limit.value))
            }
            (Self::Between(least, most), Some((comparison, limit))) => {
                (least..=most).all(|value| comparison.holds(value.cmp(&limit.value)))
            }
            (Self::Part { lost, of }, Some((comparison, limit))) => {
                comparison.holds(part(lost, of, limit.value))
            }
        }
    }
}

/// Compares a part of a whole with millionths of a percent, exactly.
fn part(lost: u64, of: u64, limit: u64) -> Ordering {
    (u128::from(lost) * u128::from(WHOLE)).cmp(&(u128::from(of) * u128::from(limit)))
}

/// As text: `33.3333% (1 of 3)`, `61.234 ms`, `9 to 14`.
impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Between(least, most) => write!(f, "{least} to {most}"),
            Self::Part { lost, of } => {
                let millionths = (u128::from(lost) * u128::from(WHOLE)) / u128::from(of.max(1));
                let tens = u64::try_from(millionths / 100).unwrap_or(u64::MAX);
                write!(f, "{}% ({lost} of {of})", Decimal(tens, 4))
            }
            Self::Time(nanos) => write!(f, "{} ms", Decimal(nanos, 6)),
            Self::Flag(flag) => write!(f, "{flag}"),
            Self::Nothing(reason) => f.write_str(reason),
        }
    }
}

/// A clause that a target does not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Number of the target; 0 where there is one.
    pub target: u32,
    /// The clause.
    pub clause: Clause,
    /// What was measured.
    pub measured: Measured,
}

/// What became of an assertion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The first failures, [`Judgement::MOST`] at most, in the order of targets and clauses.
    pub failures: Vec<Failure>,
    /// Number of all failures.
    pub failed: u64,
    /// Targets that could not be probed: their names were not found, for example.
    pub missing: u32,
}

impl Judgement {
    /// Failures that are kept.
    pub const MOST: usize = 100;

    /// Judges a ping: each target must meet each clause, and none may be `missing`.
    pub fn of_ping(account: &PingAccount, assertion: &Assertion, missing: u32) -> Self {
        let rows = (0..account.targets()).filter_map(|target| Some((target, account.row(target)?)));
        let failures = rows.flat_map(|(target, row)| {
            let extra = account.extra(target);
            failures(target, assertion, move |field| of_row(row, extra, field))
        });
        Self::new(failures, missing)
    }

    /// Judges a traceroute.
    pub fn of_trace(account: &TraceAccount, assertion: &Assertion) -> Self {
        Self::new(failures(0, assertion, |field| of_trace(account, field)), 0)
    }

    fn new(all: impl Iterator<Item = Failure>, missing: u32) -> Self {
        let (mut failures, mut failed) = (Vec::new(), 0);
        for failure in all {
            failed += 1;
            if failures.len() < Self::MOST {
                failures.push(failure);
            }
        }
        Self { failures, failed, missing }
    }

    /// Whether the assertion holds.
    pub const fn passed(&self) -> bool {
        self.failed == 0 && self.missing == 0
    }
}

/// The clauses that are not met, if a field has the value of `value`.
fn failures(
    target: u32,
    assertion: &Assertion,
    value: impl Fn(Field) -> Measured,
) -> impl Iterator<Item = Failure> {
    let measured = assertion.0.iter().map(move |clause| (clause, value(clause.field)));
    measured.filter(|(clause, measured)| !measured.meets(clause)).map(move |(clause, measured)| Failure {
        target,
        clause: *clause,
        measured,
    })
}

fn of_row(row: &Row, extra: Extra, field: Field) -> Measured {
    let time = |time: Option<u64>| {
        time.filter(|_| row.rtt().count() > 0).map_or(Measured::Nothing(NO_ANSWER), Measured::Time)
    };
    let percentile = |percent| time(row.percentile(percent));
    let count = |count: u32| Measured::Count(count.into());
    match field {
        Field::Sent => count(row.sent),
        Field::Received => count(row.received),
        Field::Loss => loss(row),
        Field::Duplicates => count(extra.duplicates),
        Field::Errors => count(extra.errors.saturating_add(row.not_sent)),
        Field::Min | Field::Avg | Field::Max | Field::Mdev | Field::Rtt => time(moment(&row.rtt(), field)),
        Field::P50 => percentile(50),
        Field::P90 => percentile(90),
        Field::P95 => percentile(95),
        Field::P99 => percentile(99),
        Field::Jitter => time(Some(nanos(row.jitter()))),
        Field::Burst => count(row.burst()),
        Field::Hops | Field::Reached => Measured::Nothing(NO_ANSWER),
    }
}

/// A probe that could not be sent counts as lost: an assertion must not hold because this machine sent nothing. What was
/// in flight when the run ended counts as neither.
fn loss(row: &Row) -> Measured {
    let lost = u64::from(row.lost()) + u64::from(row.not_sent);
    match lost + u64::from(row.received) {
        0 if row.sent == 0 => Measured::Nothing(NO_PROBE),
        0 => Measured::Nothing(NO_ANSWER),
        of => Measured::Part { lost, of },
    }
}

fn moment(times: &Moments, field: Field) -> Option<u64> {
    let value = match field {
        Field::Min => times.min(),
        Field::Max => times.max(),
        Field::Mdev => times.deviation(),
        _ => times.mean(),
    };
    (times.count() > 0).then_some(value)
}

fn of_trace(account: &TraceAccount, field: Field) -> Measured {
    let reached = account.ending() == Ending::Reached;
    match field {
        Field::Reached if reached => Measured::Flag(true),
        _ if !reached => Measured::Nothing(NOT_REACHED),
        Field::Hops => match (account.least_hop(), account.last_hop) {
            (least, last) if least < last => Measured::Between(least.into(), last.into()),
            (_, last) => Measured::Count(last.into()),
        },
        _ => moment(&account.target_rtt(), field).map_or(Measured::Nothing(NO_ANSWER), Measured::Time),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::verdict::field::PING;

    fn row(sent: u32, received: u32, in_flight: u32, not_sent: u32) -> Row {
        let mut row = Row::default();
        (row.sent, row.received, row.in_flight, row.not_sent) = (sent, received, in_flight, not_sent);
        row
    }

    const SEVEN: Extra = Extra { ttl: None, duplicates: 7, errors: 7 };

    fn judged(row: &Row, extra: Extra, text: &str) -> Vec<String> {
        let assertion = Assertion::parse(text, "ping", &PING).expect(text);
        let failures = failures(0, &assertion, |field| of_row(row, extra, field));
        failures.map(|failure| format!("{}: {}", failure.clause, failure.measured)).collect()
    }

    #[test]
    fn each_clause_that_is_not_met_is_a_failure() {
        let of = row(4, 2, 1, 0);
        let held = "sent=4,received>=2,loss<50%,duplicates<=7,errors<8,loss>33.3333%,loss!=33.3333%";
        assert_eq!(judged(&of, SEVEN, held), [""; 0]);
        assert_eq!(
            judged(&of, SEVEN, "sent<4,received>2,loss<=33.3333%,duplicates=0,errors!=7"),
            [
                "sent<4: 4",
                "received>2: 2",
                "loss<=33.3333%: 33.3333% (1 of 3)",
                "duplicates=0: 7",
                "errors!=7: 7"
            ]
        );
    }

    #[test]
    fn an_unsent_probe_is_lost_and_an_error_and_one_in_flight_is_neither() {
        let of = row(3, 1, 2, 1);
        let expected = ["loss<=1%: 50% (1 of 2)", "errors=0: 1"];
        assert_eq!(judged(&of, Extra::default(), "loss<=1%,errors=0"), expected);
        let of = row(2, 0, 2, 0);
        assert_eq!(judged(&of, Extra::default(), "loss<=100%"), ["loss<=100%: no answer"]);
        assert_eq!(
            judged(&Row::default(), Extra::default(), "loss<=100%"),
            ["loss<=100%: no probe was sent"]
        );
    }

    #[test]
    fn a_time_without_an_answer_meets_no_clause() {
        let of = row(3, 0, 0, 0);
        let clauses = "min<1s,avg>0ms,max<1s,mdev<1s,p50<1s,p90<1s,p95<1s,p99<1s,jitter<1s";
        let failures = judged(&of, Extra::default(), clauses);
        assert_eq!(failures.len(), 9);
        assert!(failures.iter().all(|failure| failure.ends_with(": no answer")), "{failures:?}");
        assert_eq!(judged(&of, Extra::default(), "burst<3,received=0,loss=100%"), ["burst<3: 3"]);
    }

    #[test]
    fn a_value_is_shown_exactly() {
        let shown = [
            Measured::Time(50_000_400),
            Measured::Part { lost: 1, of: 1_000_000 },
            Measured::Part { lost: 2, of: 2 },
        ];
        assert_eq!(
            shown.map(|measured| measured.to_string()),
            ["50.0004 ms", "0.0001% (1 of 1000000)", "100% (2 of 2)"]
        );
    }
}
