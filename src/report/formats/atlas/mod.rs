//! Results as those of RIPE Atlas (firmware 5080), one JSON object a line, so that the tools for them read these.
//!
//! A run of this program is no measurement of RIPE Atlas: the numbers of the measurement and of its probe are 0, and
//! whether the clock is right is not known (`lts` -1).

mod extension;
mod ping;
mod result;
mod trace;

pub use ping::AtlasPing;
pub use trace::AtlasTrace;
