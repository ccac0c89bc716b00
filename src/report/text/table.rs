//! The table of many targets, a line for each, a part at a time: it may be long. It counts nothing itself.
//!
//! Without a terminal it is as wide as its contents. On a terminal that is narrower, it loses columns until it fits.

use std::borrow::Cow;
use std::net::SocketAddr;

use super::figures::{FigureColumns, RowOf};
use super::number::{Loss, Millis, micros};
use super::width::{columns, fit};
use crate::escape::escape;
use crate::output::{Output, Printer, Stream};
use crate::report::addresses::Shown;
use crate::report::hosts::{HostCursor, HostEntry, Hosts, PART};
use crate::stats::{Figures, PingAccount, Targeted};

/// The rows of a table: those of a run, or those of a window, beside the account of the run.
#[derive(Clone, Copy)]
pub struct Rows<'a> {
    /// The figures that are printed.
    pub figures: &'a dyn Targeted,
    /// The run.
    pub run: &'a PingAccount,
}

impl<'a> Rows<'a> {
    fn of(self, target: u32) -> Option<RowOf<'a>> {
        Some((self.figures.figures(target)?, self.run.row(target)))
    }
}

/// A table, and how much of it is printed. What is printed of a run that goes on may be wider than what was measured.
#[derive(Debug)]
pub struct HostTable {
    /// Only the names of targets that never answered.
    bare: bool,
    stream: Stream,
    widths: Widths,
    /// Columns of the terminal.
    columns: usize,
    /// Whether all rows were measured.
    measured: bool,
    cursor: HostCursor,
}

/// Columns of each column; 0: it is left out.
#[derive(Clone, Copy, Debug)]
struct Widths {
    /// Left out where nothing has a name.
    name: usize,
    address: usize,
    /// The label of a line of a list; left out where there is none.
    note: usize,
    sent: usize,
    received: usize,
    rtt: usize,
    /// The 95th percentile; and what it needs.
    p95: usize,
    p95_needs: usize,
    /// The mean alone, in place of the extremes, the mean and the deviation; and what it needs.
    mean: usize,
    mean_needs: usize,
    /// What stands behind the last column.
    remarks: usize,
    /// The longest address in place of a name: it is not cut.
    plain: usize,
    /// Whether an address stands in the column of addresses only, though it was given as such: its name was looked up.
    typed: bool,
    /// `--stats`, in place of the 95th percentile where there is room.
    figures: Option<FigureColumns>,
}

const NAME: &str = "name";
const ADDRESS: &str = "address";
const NOTE: &str = "label";
const RTT: &str = "min/avg/max/mdev ms";
const MEAN: &str = "avg ms";
const P95: &str = "p95 ms";
const LOSS: usize = "100.0%".len();
/// What stands in place of the figures of a name without an address, and of one that is still being looked up.
const UNKNOWN: &str = "unknown";
const RESOLVING: &str = "resolving";

/// A label is cut to so many columns before other columns are left out, and to so many at the least.
const NOTE_COLUMNS: (usize, usize) = (24, 8);
/// A name is cut to so many columns at the least.
const NAME_COLUMNS: usize = 12;

impl HostTable {
    /// A table on a stream, as wide as its contents if so many columns allow it, or only the `bare` names of targets that
    /// never answered. `figures`: with these columns.
    pub fn new(
        bare: bool,
        stream: Stream,
        hosts: &Hosts,
        (columns, figures): (u64, Option<FigureColumns>),
    ) -> Self {
        let widths = Widths {
            name: if hosts.has_names() { NAME.len() } else { 0 },
            address: ADDRESS.len(),
            note: 0,
            sent: "sent".len(),
            received: "received".len(),
            rtt: RTT.len(),
            p95: if figures.is_some() { 0 } else { P95.len() },
            p95_needs: P95.len(),
            mean: 0,
            mean_needs: MEAN.len(),
            remarks: 0,
            plain: 0,
            typed: false,
            figures,
        };
        let columns = usize::try_from(columns).unwrap_or(usize::MAX);
        Self { bare, stream, widths, columns, measured: bare, cursor: HostCursor::default() }
    }

    /// Measures the next rows.
    fn measure(&mut self, hosts: &Hosts, rows: Rows<'_>) {
        for _ in 0..PART {
            let Some((entry, target)) = self.cursor.next(hosts.entries()) else {
                self.widths.fit(self.columns);
                (self.measured, self.cursor) = (true, HostCursor::default());
                return;
            };
            let widths = &mut self.widths;
            if let Some(name) = &entry.name {
                widths.name = widths.name.max(columns(&escape(name)));
            }
            if let Some(note) = &entry.note {
                widths.note = widths.note.max(NOTE.len()).max(columns(&escape(note)));
            }
            if let Some(target) = target {
                let name = hosts.row_name(entry, Some(target));
                if entry.name.is_none() {
                    widths.name = widths.name.max(name.map_or(0, |name| columns(&escape(name))));
                    widths.typed |= name.is_some();
                }
                let remark = remark(entry, Some(target));
                widths.measure(name.is_none(), hosts.address(target), rows.of(target), remark);
            } else {
                widths.address = widths.address.max(missing(entry).len());
            }
        }
    }

    /// Prints the next part; false once nothing is left.
    pub fn more(&mut self, hosts: &Hosts, rows: Rows<'_>, output: &mut Output<'_>) -> bool {
        if !self.measured {
            self.measure(hosts, rows);
            return true;
        }
        let output = &mut output.on(self.stream);
        if self.cursor == HostCursor::default() && !self.bare {
            self.widths.head(output);
        }
        for _ in 0..PART {
            let Some((entry, target)) = self.cursor.next(hosts.entries()) else { return false };
            let address = target.and_then(|target| hosts.address(target)).map(Shown);
            let row = target.and_then(|target| rows.of(target));
            match (self.bare, &entry.name, address) {
                (false, _, address) => {
                    let name = hosts.row_name(entry, target).map(escape);
                    let address = address.map(|address| Cow::Owned(address.to_string()));
                    let row = row.filter(|_| address.is_some());
                    let address = address.unwrap_or(Cow::Borrowed(missing(entry)));
                    self.widths.line(name, &address, entry.note.as_deref(), row, output);
                    output.print(format_args!("{}\n", remark(entry, target)));
                }
                // The name is answered for, or not, at the address that it has.
                (true, ..) if target.is_some_and(|target| entry.is_former(target)) => {}
                (true, _, _) if !row.is_some_and(|(row, _)| row.is_unreachable()) => {}
                (true, Some(name), _) => output.print(format_args!("{}\n", escape(name))),
                (true, None, Some(address)) => output.print(format_args!("{address}\n")),
                (true, None, None) => {}
            }
        }
        true
    }
}

impl Widths {
    fn measure(&mut self, nameless: bool, address: Option<SocketAddr>, row: Option<RowOf<'_>>, remark: &str) {
        if let Some(address) = address {
            let len = address_len(address);
            self.address = self.address.max(len);
            if nameless && self.name > 0 {
                self.name = self.name.max(len);
                self.plain = self.plain.max(len);
            }
        }
        let Some((row, run)) = row else { return };
        self.sent = self.sent.max(digits(row.sent()));
        self.received = self.received.max(digits(row.received()));
        let remarks = remarks(row).map(|(count, what)| 3 + digits(count) + what.len());
        self.remarks = self.remarks.max(remarks.sum::<usize>() + remark.len());
        if row.received() > 0 {
            let times = micros(&row.rtt());
            let [_, mean, ..] = times;
            self.rtt = self.rtt.max(rtt_len(times));
            self.mean_needs = self.mean_needs.max(millis_len(mean));
            self.p95_needs = self.p95_needs.max(millis_len(p95(row)));
            if self.p95 > 0 {
                self.p95 = self.p95_needs;
            }
        }
        if let Some(figures) = &mut self.figures {
            figures.measure((row, run));
        }
    }

    /// Columns of the widest line.
    fn total(&self) -> usize {
        let Self { name, address, note, sent, received, rtt, p95, mean, remarks, .. } = *self;
        let all = [name, address, note, sent, received, LOSS, rtt, mean, p95];
        let shown = all.into_iter().filter(|width| *width > 0);
        let figures = self.figures.as_ref().map_or(0, FigureColumns::total);
        shown.map(|width| width + 2).sum::<usize>() - 2 + figures + remarks
    }

    /// Makes the table fit so many columns, as far as that is possible. Where the percentiles of `--stats` have no room, the
    /// table is the one without `--stats`.
    fn fit(&mut self, columns: usize) {
        let whole = *self;
        self.reduce(columns);
        if self.figures.is_some() && self.total() > columns {
            *self = Self { figures: None, p95: whole.p95_needs, ..whole };
            self.reduce(columns);
        }
    }

    /// Leaves out columns, shortens names, and leaves out counts until the table has so many columns or is the least.
    fn reduce(&mut self, columns: usize) {
        let steps: [fn(&mut Self); 7] = [
            // The address is in the column of names where there is no other name.
            |widths| widths.address = if widths.name > 0 && !widths.typed { 0 } else { widths.address },
            |widths| (widths.mean, widths.rtt) = (widths.mean_needs, 0),
            |widths| widths.p95 = 0,
            Self::reduce_figures,
            // The median is there.
            |widths| widths.mean = if widths.figures.is_some() { 0 } else { widths.mean },
            Self::reduce_figures,
            Self::reduce_figures,
        ];
        let excess = |widths: &Self| widths.total().saturating_sub(columns);
        let (enough, least) = NOTE_COLUMNS;
        self.note = self.note.min(enough.max(self.note.saturating_sub(excess(self))));
        for step in steps {
            if excess(self) > 0 {
                step(self);
            }
        }
        let least_name = NAME_COLUMNS.max(self.plain);
        for _ in 0..excess(self) {
            match (self.note > least, self.name > least_name) {
                (true, can) if !can || self.note > self.name => self.note -= 1,
                (_, true) => self.name -= 1,
                (_, false) => break,
            }
        }
        // The loss is the least.
        let counts: [fn(&mut Self); 2] = [|widths| widths.sent = 0, |widths| widths.received = 0];
        for leave_out in counts {
            if excess(self) > 0 {
                leave_out(self);
            }
        }
    }

    /// Leaves out a column of `--stats`.
    fn reduce_figures(&mut self) {
        self.figures.iter_mut().for_each(|figures| figures.reduce());
    }

    fn head(&self, output: &mut Printer<'_, '_>) {
        let Self { name, address, note, sent, received, rtt, p95, mean, .. } = *self;
        let mut first = true;
        for (title, width) in [(NAME, name), (ADDRESS, address), (NOTE, note)] {
            if width > 0 {
                output.print(format_args!("{}{title:<width$}", if first { "" } else { "  " }));
                first = false;
            }
        }
        let counts = [("sent", sent), ("received", received), ("loss", LOSS)];
        for (title, width) in counts.into_iter().chain([(RTT, rtt), (MEAN, mean), (P95, p95)]) {
            if width > 0 {
                output.print(format_args!("  {title:>width$}"));
            }
        }
        self.figures.iter().for_each(|figures| figures.head(output));
        output.print(format_args!("\n"));
    }

    fn line(
        &self,
        name: Option<Cow<'_, str>>,
        address: &str,
        note: Option<&str>,
        row: Option<RowOf<'_>>,
        output: &mut Printer<'_, '_>,
    ) {
        let last = if row.is_none() && self.address == 0 { address.len() } else { 0 };
        let cells = [
            (self.name, name.unwrap_or(Cow::Borrowed(address))),
            (self.address, Cow::Borrowed(address)),
            (self.note, note.map(escape).unwrap_or_default()),
            (last, Cow::Borrowed(address)),
        ];
        let mut cells = cells.iter().filter(|(width, _)| *width > 0).peekable();
        let mut separator = "";
        while let Some((width, text)) = cells.next() {
            let text = fit(text, *width);
            // Nothing follows the last cell of a line without figures.
            let is_last = row.is_none() && cells.peek().is_none_or(|(_, next)| next.is_empty());
            let missing = if is_last { 0 } else { width.saturating_sub(columns(&text)) };
            output.print(format_args!("{separator}{text}{:missing$}", ""));
            separator = "  ";
            if is_last {
                break;
            }
        }
        row.into_iter().for_each(|row| self.figures(row, output));
    }

    fn figures(&self, (row, run): RowOf<'_>, output: &mut Printer<'_, '_>) {
        let (sent, received) = (row.sent(), row.received());
        for (count, width) in [(sent, self.sent), (received, self.received)] {
            if width > 0 {
                output.print(format_args!("  {count:>width$}"));
            }
        }
        match row.loss() {
            Some(loss) => output.print(format_args!("  {:>LOSS$}", Loss(loss).to_string())),
            None => output.print(format_args!("  {:>LOSS$}", "-")),
        }
        if received > 0 {
            self.times(row, output);
        } else {
            for width in [self.rtt, self.mean, self.p95].into_iter().filter(|width| *width > 0) {
                output.print(format_args!("  {:>width$}", "-"));
            }
        }
        self.figures.iter().for_each(|figures| figures.line((row, run), output));
        for (count, what) in remarks(row) {
            output.print(format_args!("  {count} {what}"));
        }
    }
}

impl Widths {
    /// The times of a target that answered.
    fn times(&self, row: &dyn Figures, output: &mut Printer<'_, '_>) {
        let (times, p95) = (micros(&row.rtt()), p95(row));
        let [min, mean, max, deviation] = times.map(Millis);
        if self.rtt > 0 {
            let blank = 2 + self.rtt.saturating_sub(rtt_len(times));
            output.print(format_args!("{:blank$}{min}/{mean}/{max}/{deviation}", ""));
        }
        let [_, mean, ..] = times;
        for (micros, width) in [(mean, self.mean), (p95, self.p95)] {
            if width > 0 {
                let blank = 2 + width.saturating_sub(millis_len(micros));
                output.print(format_args!("{:blank$}{}", "", Millis(micros)));
            }
        }
    }
}

/// Why a row has no address.
const fn missing(entry: &HostEntry) -> &'static str {
    if entry.trouble.is_some() { UNKNOWN } else { RESOLVING }
}

/// What is behind the figures of an address that a name had and has no more.
fn remark(entry: &HostEntry, target: Option<u32>) -> &'static str {
    if target.is_some_and(|target| entry.is_former(target)) { "  former address" } else { "" }
}

/// What follows the figures of a target.
fn remarks(row: &dyn Figures) -> impl Iterator<Item = (u64, &'static str)> + use<> {
    let remarks = [(row.not_sent(), "not sent"), (row.in_flight(), "in flight"), (row.late(), "late")];
    remarks.into_iter().filter(|(count, _)| *count > 0)
}

fn digits(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |digits| digits as usize + 1)
}

/// Octets of an address as it is shown.
fn address_len(address: SocketAddr) -> usize {
    match address {
        // Nearly all are such, and no text is made of them.
        SocketAddr::V4(v4) => {
            v4.ip().octets().map(|octet| digits(octet.into()) + 1).iter().sum::<usize>() - 1
        }
        SocketAddr::V6(_) => Shown(address).to_string().len(),
    }
}

/// Columns of the extremes, the mean and the deviation.
fn rtt_len(times: [u64; 4]) -> usize {
    times.into_iter().map(millis_len).sum::<usize>() + 3
}

fn millis_len(micros: u64) -> usize {
    digits(micros / 1_000) + ".000".len()
}

/// The time that 95 of 100 answers of a target did not exceed, in whole microseconds.
fn p95(row: &dyn Figures) -> u64 {
    row.percentile(95).unwrap_or(0) / 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_of_an_address_is_that_of_its_text() {
        for text in [
            "0.0.0.0:0",
            "9.10.99.100:0",
            "255.255.255.255:0",
            "[::]:0",
            "[2001:db8::1]:0",
            "[::ffff:1.2.3.4]:0",
        ] {
            let address = text.parse().unwrap();
            assert_eq!(address_len(address), Shown(address).to_string().len(), "{text}");
        }
    }
}
