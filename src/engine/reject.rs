//! Why something that arrived is no answer to a probe of ours: counted, never an error of the run.

use std::fmt;

/// Defines [`Reject`], [`Reject::ALL`] and the words for each reason from one list, so that none can lack a reason.
macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $reason:ident => $words:literal,)+) => {
        /// A reason to reject what arrived.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Reject {
            $($(#[doc = $doc])+ $reason,)+
        }

        impl Reject {
            /// All of them, in the order in which [`Rejects`] counts.
            pub const ALL: [Self; [$($words),+].len()] = [$(Self::$reason),+];
        }

        impl fmt::Display for Reject {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$reason => $words,)+
                })
            }
        }
    };
}

reasons! {
    /// The octets are not a message.
    Malformed => "malformed",
    /// A valid message that concerns no probe at all.
    Unrelated => "unrelated",
    /// The answer to, or the quote of, somebody else's request: another identifier, method or target.
    Foreign => "foreign",
    /// The sequence number was never sent.
    NeverSent => "never sent",
    /// The token is not the one that the probe carried: forged, or another program's.
    Token => "wrong token",
    /// The token of a probe so old that its sequence number has been used again.
    Late => "too late",
    /// There was no room for a token, and the sender is not the target.
    Address => "wrong address",
    /// An ICMP error whose checksum does not hold.
    Checksum => "bad checksum",
    /// A further answer to a probe that had many.
    Repeated => "repeated too often",
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
