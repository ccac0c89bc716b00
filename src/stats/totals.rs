//! Figures of all targets together, and the figures of the account of a run.

use std::time::Duration;

use super::figures::{Figures, Targeted};
use super::moments::Moments;
use super::neighbours::Neighbours;
use super::ping::PingAccount;
use super::row::Row;
use super::tally::Tally;
use super::window::Window;

/// The figures of all targets together.
#[derive(Clone, Copy)]
pub struct Totals<'a> {
    /// What a single target has too.
    pub figures: &'a dyn Figures,
    /// Targets that answered.
    pub answered: u32,
    /// Targets that a probe left for and that did not answer.
    pub silent: u32,
    /// Targets that no probe left for; zero in a window.
    pub not_asked: u32,
    /// Further valid answers to probes already answered.
    pub duplicates: u64,
    /// Answers damaged on the way.
    pub corrupted: u64,
    /// ICMP errors about our probes.
    pub icmp_errors: u64,
    /// From the first probe that was due to the last one; `None` in a window.
    pub sending_time: Option<Duration>,
}

impl<'a> From<&'a PingAccount> for Totals<'a> {
    fn from(account: &'a PingAccount) -> Self {
        let total = &account.total;
        Self {
            figures: total,
            answered: account.answered,
            silent: account.silent(),
            not_asked: account.not_asked(),
            duplicates: total.duplicates,
            corrupted: total.corrupted,
            icmp_errors: total.icmp_errors,
            sending_time: Some(total.sending_time()),
        }
    }
}

impl<'a> From<&'a Window> for Totals<'a> {
    fn from(window: &'a Window) -> Self {
        Self {
            figures: &window.total,
            answered: window.answered,
            silent: window.silent,
            not_asked: 0,
            duplicates: window.duplicates,
            corrupted: window.corrupted,
            icmp_errors: window.icmp_errors,
            sending_time: None,
        }
    }
}

impl Targeted for PingAccount {
    fn figures(&self, target: u32) -> Option<&dyn Figures> {
        self.row(target).map(|row| row as &dyn Figures)
    }
}

impl Figures for Tally {
    fn sent(&self) -> u64 {
        self.sent
    }

    fn not_sent(&self) -> u64 {
        self.not_sent
    }

    fn received(&self) -> u64 {
        self.received
    }

    fn lost(&self) -> u64 {
        Tally::lost(self)
    }

    fn in_flight(&self) -> u64 {
        self.in_flight
    }

    fn rtt(&self) -> Moments {
        self.rtt
    }

    fn percentile(&self, percent: u64) -> Option<u64> {
        Tally::percentile(self, percent)
    }
}

impl Figures for Row {
    fn sent(&self) -> u64 {
        self.sent.into()
    }

    fn not_sent(&self) -> u64 {
        self.not_sent.into()
    }

    fn received(&self) -> u64 {
        self.received.into()
    }

    fn lost(&self) -> u64 {
        Row::lost(self).into()
    }

    fn in_flight(&self) -> u64 {
        self.in_flight.into()
    }

    fn rtt(&self) -> Moments {
        Row::rtt(self)
    }

    fn percentile(&self, percent: u64) -> Option<u64> {
        Row::percentile(self, percent)
    }

    fn neighbours(&self) -> Option<Neighbours> {
        Some(Row::neighbours(self))
    }

    fn burst(&self) -> Option<u32> {
        Some(Row::burst(self))
    }
}
