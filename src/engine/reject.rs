//! Why something that arrived is no answer to a probe of ours: counted, never an error of the run.

use std::fmt;

/// A reason to reject what arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// The octets are not a message.
    Malformed,
    /// A sound message that concerns no probe at all.
    Unrelated,
    /// The answer to, or the quote of, somebody else's request: another identifier, method or target.
    Foreign,
    /// An answer with a code that no standard knows.
    Code,
    /// The sequence number was never sent.
    NeverSent,
    /// The token is not the one that the probe carried: forged, or another program's.
    Token,
    /// The token of a probe so old that its sequence number has been used again.
    Late,
    /// There was no room for a token, and the sender is not the target.
    Address,
    /// An ICMP error whose checksum does not hold.
    Checksum,
}

impl Reject {
    /// All of them, in the order in which [`Rejects`] counts.
    pub const ALL: [Self; 9] = [
        Self::Malformed,
        Self::Unrelated,
        Self::Foreign,
        Self::Code,
        Self::NeverSent,
        Self::Token,
        Self::Late,
        Self::Address,
        Self::Checksum,
    ];
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Malformed => "malformed",
            Self::Unrelated => "unrelated",
            Self::Foreign => "foreign",
            Self::Code => "unknown code",
            Self::NeverSent => "never sent",
            Self::Token => "wrong token",
            Self::Late => "too late",
            Self::Address => "wrong address",
            Self::Checksum => "bad checksum",
        })
    }
}

/// A counter for each reason.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejects([u64; Reject::ALL.len()]);

impl Rejects {
    /// Counts one.
    pub fn count(&mut self, reason: Reject) {
        if let Some(counter) = self.0.get_mut(reason as usize) {
            *counter = counter.saturating_add(1);
        }
    }

    /// How many were rejected for that reason.
    pub fn of(&self, reason: Reject) -> u64 {
        self.0.get(reason as usize).copied().unwrap_or(0)
    }

    /// The reasons that occurred, with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (Reject, u64)> {
        Reject::ALL.into_iter().map(|reason| (reason, self.of(reason))).filter(|(_, count)| *count > 0)
    }
}
