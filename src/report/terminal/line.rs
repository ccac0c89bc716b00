//! The line of status of a ping: what became of the last probes, and the counts and percentiles of the account.

use crate::report::glyphs::{self, Glyphs};
use crate::report::text::number::ShortMillis;
use crate::report::tone::{Limits, Tone, usual};
use crate::stats::PingAccount;

/// How the line looks.
#[derive(Clone, Copy, Debug)]
pub struct LineStyle {
    /// The characters of the probes.
    pub glyphs: Glyphs,
    /// Which times are slow.
    pub limits: Limits,
    /// Whether it has colours.
    pub color: bool,
}

/// Most probes that are shown.
pub const MOST: usize = 60;
/// Fewest probes that are shown, unless fewer were sent.
const FEWEST: usize = 6;

/// The line for a terminal of so many columns, narrower than that; `None`: it is too narrow.
pub fn line(account: &PingAccount, style: &LineStyle, columns: u16) -> Option<String> {
    let columns = usize::from(columns).checked_sub(1)?;
    let figures = figures(account);
    // What is long enough comes first: the rest of the columns is for probes.
    let (text, probes) = figures.into_iter().find_map(|text| {
        let probes = columns.checked_sub(text.chars().count() + "  ".len())?;
        (probes >= FEWEST).then_some((text, probes.min(MOST)))
    })?;
    let row = account.row(0)?;
    let (usual, median) = (usual(row), account.total.percentile(50).unwrap_or(0));
    let mut line = String::new();
    for fate in account.recent.last(probes) {
        let tone = glyphs::tone(fate, style.limits, usual).filter(|_| style.color);
        Tone::paint(tone, style.glyphs.of(fate, median).encode_utf8(&mut [0; 4]), &mut line);
    }
    line.push_str("  ");
    line.push_str(&text);
    Some(line)
}

/// The figures in words, from the longest form to the shortest.
fn figures(account: &PingAccount) -> [String; 6] {
    let total = &account.total;
    let (sent, received, attempted) = (total.sent, total.received, total.attempted());
    let further = [(total.lost(), "lost"), (total.not_sent, "not sent"), (total.in_flight, "waiting")];
    let further = further.into_iter().filter(|(count, _)| *count > 0);
    let further: String = further.map(|(count, name)| format!(", {count} {name}")).collect();
    let millis = |percent| {
        let nanos = total.percentile(percent)?;
        Some(ShortMillis(nanos / 1_000))
    };
    let percentiles = millis(50).zip(millis(95));
    let both = percentiles.map_or_else(String::new, |(p50, p95)| format!("  p50 {p50}  p95 {p95} ms"));
    let one = percentiles.map_or_else(String::new, |(_, p95)| format!("  p95 {p95} ms"));
    [
        format!("{sent} sent, {received} received{further}{both}"),
        format!("{received}/{attempted} received{further}{both}"),
        format!("{received}/{attempted}{further}{both}"),
        format!("{received}/{attempted}{both}"),
        format!("{received}/{attempted}{one}"),
        format!("{received}/{attempted}"),
    ]
}
