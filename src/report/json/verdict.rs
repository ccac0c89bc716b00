//! What an assertion came to, as a record.

use serde::Serialize;

use super::fields::print;
use crate::clock::{Epoch, Instant};
use crate::output::Output;
use crate::report::addresses::{numeric, zone};
use crate::report::hosts::HostLabel;
use crate::stats::verdict::measure::{Failure, Judgement, Measured};

#[derive(Serialize)]
struct Verdict {
    #[serde(rename = "type")]
    kind: &'static str,
    passed: bool,
    failed: u64,
    unknown: u32,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<FailureRecord>,
}

/// A condition that does not hold.
#[derive(Serialize)]
struct FailureRecord {
    host: String,
    addr: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<String>,
    clause: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    measured: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

/// Prints the record. `label` is the name of a target.
pub fn verdict<'a>(
    judgement: &Judgement,
    label: impl Fn(u32) -> Option<HostLabel<'a>>,
    (at, epoch): (Instant, Epoch),
    output: &mut Output<'_>,
) {
    let failures = judgement.failures.iter();
    let failures = failures.filter_map(|failure| Some(record(failure, label(failure.target)?))).collect();
    let (passed, failed, unknown) = (judgement.passed(), judgement.failed, judgement.missing);
    print(epoch.wall(at), Verdict { kind: "verdict", passed, failed, unknown, failures }, output);
}

fn record(failure: &Failure, label: HostLabel<'_>) -> FailureRecord {
    let (measured, reason) = match failure.measured {
        Measured::Nothing(reason) => (None, Some(reason)),
        measured => (Some(measured.to_string()), None),
    };
    FailureRecord {
        host: label.host(),
        addr: numeric(label.address.ip(), zone(label.address).as_deref()),
        label: label.note.map(str::to_owned),
        clause: failure.clause.to_string(),
        measured,
        reason,
    }
}
