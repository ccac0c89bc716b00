//! The table of many targets, a line for each, a part at a time: it may be long. It counts nothing itself.

use std::fmt;
use std::net::SocketAddr;

use super::number::{Millis, micros};
use crate::escape::escape;
use crate::output::Output;
use crate::report::addresses::Shown;
use crate::report::hosts::{HostCursor, Hosts, PART};
use crate::stats::loss::Ratio;
use crate::stats::{PingAccount, Row};

/// A table, and how much of it is printed.
#[derive(Debug)]
pub struct HostTable {
    /// Only the names of targets that never answered.
    bare: bool,
    widths: Widths,
    cursor: HostCursor,
}

/// Columns of each column; a name's is 0 where nothing has a name.
#[derive(Clone, Copy, Debug)]
struct Widths {
    name: usize,
    address: usize,
    sent: usize,
    received: usize,
    rtt: usize,
    p95: usize,
}

const NAME: &str = "name";
const ADDRESS: &str = "address";
const RTT: &str = "min/avg/max/mdev ms";
const P95: &str = "p95 ms";
const LOSS: usize = "100.0%".len();

impl HostTable {
    /// A table as wide as its contents, or only the `bare` names of targets that never answered.
    pub fn new(bare: bool, hosts: &Hosts, account: &PingAccount) -> Self {
        let mut widths = Widths {
            name: if hosts.has_names() { NAME.len() } else { 0 },
            address: ADDRESS.len(),
            sent: "sent".len(),
            received: "received".len(),
            rtt: RTT.len(),
            p95: P95.len(),
        };
        for entry in hosts.entries().iter().filter(|_| !bare) {
            if let Some(name) = &entry.name {
                widths.name = widths.name.max(escape(name).chars().count());
            }
            for target in entry.targets() {
                widths.measure(entry.name.is_none(), hosts.address(target), account.row(target));
            }
        }
        Self { bare, widths, cursor: HostCursor::default() }
    }

    /// Prints the next part; false once nothing is left.
    pub fn more(&mut self, hosts: &Hosts, account: &PingAccount, output: &mut Output<'_>) -> bool {
        if self.cursor == HostCursor::default() && !self.bare {
            self.widths.head(output);
        }
        for _ in 0..PART {
            let Some((entry, target)) = self.cursor.next(hosts) else { return false };
            let name = entry.name.as_deref().map(escape);
            let address = target.and_then(|target| hosts.address(target)).map(Shown);
            let row = target.and_then(|target| account.row(target));
            match (self.bare, name, address) {
                (false, name, address) => self.widths.line(name.as_deref(), address, row, output),
                (true, _, _) if !row.is_some_and(Row::is_unreachable) => {}
                (true, Some(name), _) => output.print(format_args!("{name}\n")),
                (true, None, Some(address)) => output.print(format_args!("{address}\n")),
                (true, None, None) => {}
            }
        }
        true
    }
}

impl Widths {
    fn measure(&mut self, nameless: bool, address: Option<SocketAddr>, row: Option<&Row>) {
        if let Some(address) = address {
            let len = Shown(address).to_string().len();
            self.address = self.address.max(len);
            if nameless && self.name > 0 {
                self.name = self.name.max(len);
            }
        }
        let Some(row) = row else { return };
        self.sent = self.sent.max(digits(row.sent.into()));
        self.received = self.received.max(digits(row.received.into()));
        if row.received > 0 {
            let times = micros(&row.rtt());
            self.rtt = self.rtt.max(times.into_iter().map(millis_len).sum::<usize>() + 3);
            self.p95 = self.p95.max(millis_len(p95(row)));
        }
    }

    fn head(&self, output: &mut Output<'_>) {
        let Self { name, address, sent, received, rtt, p95 } = *self;
        if name > 0 {
            output.print(format_args!("{NAME:<name$}  "));
        }
        output.print(format_args!("{ADDRESS:<address$}  {:>sent$}  {:>received$}", "sent", "received"));
        output.print(format_args!("  {:>LOSS$}  {RTT:>rtt$}  {P95:>p95$}\n", "loss"));
    }

    fn line(&self, name: Option<&str>, address: Option<Shown>, row: Option<&Row>, output: &mut Output<'_>) {
        if self.name > 0 {
            match (name, &address) {
                (Some(name), _) => pad(name, self.name, output),
                (None, Some(address)) => pad(&address.to_string(), self.name, output),
                (None, None) => pad("", self.name, output),
            }
            output.print(format_args!("  "));
        }
        let (Some(address), Some(row)) = (address, row) else {
            output.print(format_args!("unknown\n"));
            return;
        };
        pad(&address.to_string(), self.address, output);
        let (sent, received) = (row.sent, row.received);
        output.print(format_args!("  {sent:>0$}  {received:>1$}", self.sent, self.received));
        match row.loss() {
            Some(loss) => output.print(format_args!("  {:>LOSS$}", Loss(loss).to_string())),
            None => output.print(format_args!("  {:>LOSS$}", "-")),
        }
        if received > 0 {
            let times = micros(&row.rtt());
            let len = times.into_iter().map(millis_len).sum::<usize>() + 3;
            let [min, mean, max, deviation] = times.map(Millis);
            let p95 = p95(row);
            output.print(format_args!("{:1$}{min}/{mean}/{max}/{deviation}", "", 2 + self.rtt - len));
            output.print(format_args!("{:1$}{2}", "", 2 + self.p95 - millis_len(p95), Millis(p95)));
        } else {
            output.print(format_args!("  {0:>1$}  {0:>2$}", "-", self.rtt, self.p95));
        }
        for (count, what) in [(row.not_sent, "not sent"), (row.in_flight, "in flight")] {
            if count > 0 {
                output.print(format_args!("  {count} {what}"));
            }
        }
        output.print(format_args!("\n"));
    }
}

fn pad(text: &str, width: usize, output: &mut Output<'_>) {
    let missing = width.saturating_sub(text.chars().count());
    output.print(format_args!("{text}{:missing$}", ""));
}

fn digits(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |digits| digits as usize + 1)
}

fn millis_len(micros: u64) -> usize {
    digits(micros / 1_000) + ".000".len()
}

/// The time that 95 of 100 answers of a target did not exceed, in whole microseconds.
fn p95(row: &Row) -> u64 {
    row.percentile(95).unwrap_or(0) / 1_000
}

/// A loss in percent: whole, or with a tenth.
pub struct Loss(pub Ratio);

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = self.0.tenths();
        match (tenths / 10, tenths % 10) {
            (whole, 0) => write!(f, "{whole}%"),
            (whole, tenth) => write!(f, "{whole}.{tenth}%"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::loss::loss;

    #[test]
    fn a_loss_has_a_tenth_where_it_is_not_whole() {
        let shown = |lost, received| loss(lost, received).map(|loss| Loss(loss).to_string());
        assert_eq!(shown(0, 0), None);
        assert_eq!(shown(5, 0).as_deref(), Some("100%"));
        assert_eq!(shown(1, 2).as_deref(), Some("33.3%"));
        assert_eq!(shown(1_000_000, 1).as_deref(), Some("99.9%"));
    }
}
