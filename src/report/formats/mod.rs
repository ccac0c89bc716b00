//! Formats for programs beside JSON: CSV, the line protocol of InfluxDB, the text of Prometheus, the line of a Nagios
//! plugin, and the results of RIPE Atlas. `docs/formats.md` documents them.
//!
//! A format is a document of rows ([`ping::Document`], [`trace::TraceDocument`]), and takes all figures from the account.
//! In text from the network or the command line, what is not visible is written as [`crate::escape`] writes it, so a line
//! stays a line; only JSON escapes by its own rule.

mod atlas;
mod csv;
mod influx;
pub mod nagios;
mod number;
pub mod ping;
mod prometheus;
pub mod trace;

pub use atlas::{AtlasPing, AtlasTrace};
pub use csv::{CsvProbes, CsvTable, CsvTrace};
pub use influx::{InfluxPing, InfluxTrace};
pub use nagios::{NagiosPing, NagiosTrace};
pub use prometheus::{PrometheusPing, PrometheusTrace};
