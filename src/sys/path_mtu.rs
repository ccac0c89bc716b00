//! The modes of path MTU discovery.

/// Path MTU discovery, as `ping -M` names it (Linux IP_MTU_DISCOVER).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pmtu {
    /// Set DF, and refuse here what exceeds the known path MTU.
    Do,
    /// Never set DF.
    Dont,
    /// Discover the path MTU; fragment here what exceeds it.
    Want,
    /// Set DF, and ignore the known path MTU.
    Probe,
}
