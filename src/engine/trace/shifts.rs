//! The differences that translators leave in the checksums of quotes.
//!
//! A translator rewrites the addresses or ports of a probe, and its checksum with them. It does not always mend the
//! checksum in the quotes that it passes back. The difference is the same for all probes behind one translator.

/// Differences that are remembered. A path has few translators.
const MOST: usize = 8;

/// Quotes that must prove a difference. One alone may be of a router that damages what it quotes.
const PROOFS: u8 = 2;

/// Differences of quoted checksums to those that were sent, and how often a quote proved each.
#[derive(Debug, Default)]
pub struct Shifts(Vec<(u16, u8)>);

impl Shifts {
    /// Records that a quote proved this difference of its checksum to that of the probe.
    pub fn learn(&mut self, shift: u16) {
        self.add(shift, 1);
    }

    /// Records that enough quotes agree on this difference.
    pub fn prove(&mut self, shift: u16) {
        self.add(shift, PROOFS);
    }

    fn add(&mut self, shift: u16, proofs: u8) {
        match self.0.iter_mut().find(|(known, _)| *known == shift) {
            Some((_, before)) => *before = before.saturating_add(proofs),
            None => {
                if self.0.len() >= MOST {
                    self.0.remove(0);
                }
                self.0.push((shift, proofs));
            }
        }
    }

    /// The differences that enough quotes proved.
    pub fn proved(&self) -> impl Iterator<Item = u16> {
        self.0.iter().filter(|(_, proofs)| *proofs >= PROOFS).map(|(shift, _)| *shift)
    }
}
