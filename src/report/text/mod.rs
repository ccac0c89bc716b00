//! The classic texts, for people and for the parsers of ping(8) and traceroute(8).

pub mod compact;
mod extension;
mod figures;
pub mod fping;
mod histogram;
mod local_time;
pub mod many;
pub mod number;
mod options;
pub mod ping;
pub mod schedule;
mod stamp;
pub(super) mod summary;
mod table;
mod totals;
pub mod trace;
pub(super) mod trace_notes;
pub(super) mod trace_summary;
pub mod tracepath;
pub mod until;
pub mod verdict;
pub(super) mod width;
mod window;

use crate::output::Output;
use crate::stats::PingAccount;

/// One line about a ping so far, of a `single` host or of many, on standard error.
pub(super) fn ping_status(single: bool, account: &PingAccount, output: &mut Output<'_>) {
    match single {
        true => summary::status(&account.total, output),
        false => many::status(account, output),
    }
}
