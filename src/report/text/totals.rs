//! The line below the table of many targets: what all of them came to together. It counts nothing itself.

use super::number::{Loss, Millis, micros, whole_millis};
use crate::stats::{PingAccount, Totals};

/// The counts, the loss and the times.
pub fn counts(account: &PingAccount, totals: &Totals<'_>) -> String {
    let (figures, unknown, all) = (totals.figures, account.unknown, account.all());
    let (plural, answered) = (if all == 1 { "" } else { "s" }, totals.answered);
    let mut line = format!("{all} target{plural}: {answered} answered, {} silent", totals.silent);
    let further = [(totals.not_asked, "not asked"), (unknown, "unknown"), (account.open_names, "resolving")];
    for (count, what) in further.into_iter().filter(|(count, _)| *count > 0) {
        line += &format!(", {count} {what}");
    }
    let (sent, received) = (figures.sent(), figures.received());
    line += &format!("; {sent} packets transmitted, {received} received");
    let further = [
        (totals.duplicates, "+", "duplicates"),
        (totals.corrupted, "+", "corrupted"),
        (totals.icmp_errors, "+", "errors"),
        (figures.not_sent(), "", "not sent"),
        (figures.in_flight(), "", "in flight"),
        (figures.late(), "", "late"),
    ];
    for (count, sign, what) in further.into_iter().filter(|(count, ..)| *count > 0) {
        line += &format!(", {sign}{count} {what}");
    }
    if let Some(loss) = figures.loss().map(Loss) {
        line += &format!(", {loss} packet loss");
        if let Some(time) = totals.sending_time {
            line += &format!(", time {}ms", whole_millis(time));
        }
    }
    if received > 0 {
        let [min, mean, max, deviation] = micros(&figures.rtt()).map(Millis);
        line += &format!(", rtt min/avg/max/mdev = {min}/{mean}/{max}/{deviation} ms");
    }
    line
}
