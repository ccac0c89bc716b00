//! Finding the path MTU: probes forbid fragments, and shrink to what is said to pass.

use super::Trace;
use super::event::Outcome;
use super::table::State;

/// Plateaus below which MTUs seldom lie between (RFC 1191 section 7.1), for a router that names none.
const PLATEAUS: [u32; 11] = [65_535, 32_000, 17_914, 8_166, 4_352, 2_002, 1_492, 1_006, 508, 296, 68];

impl Trace {
    /// Lets the probes shrink because this one was too big for a path MTU (0: not named), and asks its query
    /// again. Whether it is so: only where the MTU is looked for, and the MTU named is smaller.
    pub(super) fn shrink(&mut self, number: u16, mtu: Option<u32>) -> bool {
        let Some(slot) = self.table.slot(number).filter(|_| self.config.mtu) else { return false };
        if (slot.ttl, slot.query) < self.next {
            // Told already.
            return false;
        }
        let Some(mtu) =
            mtu.filter(|_| !matches!(slot.state, State::Replaced | State::Known(Outcome::Answered(_))))
        else {
            return false;
        };
        let header = self.config.header_len;
        let size = u32::try_from(slot.len.saturating_add(header)).unwrap_or(u32::MAX);
        let mtu = if mtu == 0 { PLATEAUS.into_iter().find(|plateau| *plateau < size) } else { Some(mtu) };
        let Some(mtu) = mtu.filter(|mtu| *mtu < size) else { return false };
        let room = usize::try_from(mtu).unwrap_or(usize::MAX).saturating_sub(header);
        let smallest = self.config.flow.len(0);
        if room < smallest || self.config.flow.len(room) >= slot.len {
            return false;
        }
        (self.len, self.mtu) = (room, Some(mtu));
        self.ask_again(number);
        true
    }
}
