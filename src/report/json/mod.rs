//! JSON Lines: one object for each thing that happens, one line for each object.
//!
//! `docs/json.md` documents the format. A key has one meaning and one type, in whichever record it stands. No record
//! is text for people: whatever a terminal would need escaped, [`line`] escapes.

mod extension;
mod fields;
mod line;
mod ping;
mod ping_records;
mod records;
mod trace;
mod until;
mod verdict;

pub(in crate::report) use fields::rfc3339;
pub use fields::unknown;
pub(in crate::report) use line::line;
pub use ping::JsonPing;
pub use trace::{JsonTrace, TraceStart};
pub use until::until;
pub use verdict::verdict;
