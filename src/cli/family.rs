//! The options about the family, which ping and traceroute have.

use anyhow::{Result, ensure};

use super::headings::ROUTE;
use crate::wire::Family;

/// The options about the family, each valid by itself.
#[derive(Default, clap::Args)]
pub struct FamilyArguments {
    /// Use IPv4 only.
    #[arg(short = '4', long, help_heading = ROUTE)]
    ipv4: bool,

    /// Use IPv6 only.
    #[arg(short = '6', long, help_heading = ROUTE)]
    ipv6: bool,
}

impl FamilyArguments {
    /// The family that is named, if one is.
    ///
    /// # Errors
    /// One line: both are named.
    pub fn named(&self) -> Result<Option<Family>> {
        ensure!(!(self.ipv4 && self.ipv6), "only one -4 or -6 option may be specified");
        Ok(match (self.ipv4, self.ipv6) {
            (true, _) => Some(Family::V4),
            (_, true) => Some(Family::V6),
            (false, false) => None,
        })
    }
}
