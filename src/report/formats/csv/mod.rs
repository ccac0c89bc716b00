//! Comma-separated values (RFC 4180): a header, and one record a line.

mod probes;
mod record;
mod table;
mod trace;

pub use probes::CsvProbes;
pub use table::CsvTable;
pub use trace::CsvTrace;
