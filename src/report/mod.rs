//! Reports: events in, text out.
