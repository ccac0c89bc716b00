//! Answers that quote a probe of this trace with the checksum of none.
//!
//! A translator changed that and did not mend it in its quote, and the quote is too short for anything else that identifies
//! the probe. The difference is the same for all probes behind one translator. So the answers wait until several agree on
//! one: the checksums of probes are spread so that few others fit.

use super::event::TraceAnswer;
use super::recognise::Shifted;
use super::table::Table;
use crate::datagram::ClockSource;
use crate::probe::trace::Flow;
use crate::wire::checksum::less;

/// Answers that must agree. Two, of two translators, may fit a third difference.
const AGREE: usize = 3;

/// Of so many probes without an answer one more must agree: of more probes, more fit a wrong difference.
const MORE_PROBES: usize = 128;

/// Answers that wait, at most.
const MOST: usize = 32;

/// The answers that wait.
#[derive(Debug, Default)]
pub struct Unmatched(Vec<Waiting>);

/// An answer that waits.
#[derive(Debug)]
struct Waiting {
    quote: Shifted,
    answer: TraceAnswer,
    clock: ClockSource,
}

impl Waiting {
    /// The probe without an answer that it belongs to with this difference, by its number in the table.
    fn probe(&self, flow: &Flow, table: &Table, shift: u16) -> Option<u64> {
        let number = flow.number_of_checksum(less(self.quote.checksum, shift));
        let third = flow.third(flow.len(table.sent_len(number)?));
        let id = table.id_of(number).filter(|_| third == self.quote.third)?;
        table.probe(id).filter(|probe| !probe.answered).map(|_| id)
    }
}

impl Unmatched {
    /// Adds an answer. Returns whether one is dropped: this, if one with its checksum waits, or the oldest of too many.
    pub fn add(&mut self, quote: Shifted, answer: TraceAnswer, clock: ClockSource) -> bool {
        if self.0.iter().any(|waiting| waiting.quote.checksum == quote.checksum) {
            return true;
        }
        let full = self.0.len() >= MOST;
        if full {
            self.0.remove(0);
        }
        self.0.push(Waiting { quote, answer, clock });
        full
    }

    /// Drops all, and returns how many they were.
    pub fn clear(&mut self) -> usize {
        std::mem::take(&mut self.0).len()
    }

    /// The difference that the newest answer has in common with the most others, if these are enough, and no other
    /// difference fits as many.
    pub fn agreed(&self, flow: &Flow, table: &Table) -> Option<u16> {
        let newest = self.0.last()?;
        let unanswered = || table.unanswered().map(|(number, _)| number);
        let more = unanswered().count().checked_div(MORE_PROBES)?;
        let least = AGREE.saturating_add(more).max(self.0.len().div_ceil(2));
        let fits = |shift| self.0.iter().filter_map(|waiting| waiting.probe(flow, table, shift)).count();
        let shifts = unanswered().map(|number| less(newest.quote.checksum, flow.checksum_of(number)));
        let counted: Vec<_> = shifts.filter(|shift| *shift != 0).map(|shift| (fits(shift), shift)).collect();
        let (most, shift) = counted.iter().copied().max().filter(|(most, _)| *most >= least)?;
        (counted.iter().filter(|(count, _)| *count == most).count() == 1).then_some(shift)
    }

    /// Takes the answers with a difference that is known, with the numbers of their probes in the table. One that fits two
    /// probes waits until either is answered.
    pub fn settled(&mut self, flow: &Flow, table: &Table) -> Vec<(u64, TraceAnswer)> {
        let mut settled = Vec::new();
        self.0.retain(|waiting| {
            let known = std::iter::once(0).chain(table.shifts.proved());
            let mut ids = known.filter_map(|shift| waiting.probe(flow, table, shift));
            let found = ids.next().filter(|_| ids.next().is_none());
            let found = found.and_then(|id| Some((id, table.probe(id)?)));
            if let Some((id, probe)) = found {
                let (rtt, timing) = probe.rtt(waiting.answer.at, waiting.clock);
                settled.push((id, TraceAnswer { rtt, timing, ..waiting.answer.clone() }));
            }
            found.is_none()
        });
        settled
    }
}
