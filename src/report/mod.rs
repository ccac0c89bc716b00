//! Reports: events in, text out.
//!
//! A report knows no socket, no probe table and no clock but the instants in the events. It says
//! everything into an [`output::Output`], which writes when that cannot block.

mod addresses;
pub mod escape;
mod fault;
pub mod names;
pub mod number;
mod options_text;
pub mod output;
mod phrases;
pub mod ping_text;
pub mod style;
mod summary;
