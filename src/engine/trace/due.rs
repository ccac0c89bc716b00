//! A query that is due.

use crate::clock::Instant;

/// A query that is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// When it may be sent.
    pub at: Instant,
    /// TTL of its hop.
    pub ttl: u8,
    /// The query of the hop, from 1.
    pub query: u8,
    /// Whether it was sent before, and stayed silent.
    pub again: bool,
}
