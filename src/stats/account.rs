//! What an account is.

/// What the events of a run are folded into.
pub trait Account {
    /// What it is folded from.
    type Event;

    /// Takes one event into account.
    fn add(&mut self, event: &Self::Event);
}
