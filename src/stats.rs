//! Numbers folded from events.
