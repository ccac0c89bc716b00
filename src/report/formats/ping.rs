//! A ping of one host or many as a document: rows of figures, one for each host, at the end of the run or of each window.

use std::net::{IpAddr, SocketAddr};

use crate::clock::{Epoch, Instant, Wall, nanos};
use crate::engine::ping::event::{Event, LookupOutcome, NameLookup};
use crate::escape::escape;
use crate::output::Output;
use crate::report::Report;
use crate::report::addresses::{numeric, zone};
use crate::report::hosts::{HostCursor, HostEntry, HostLabel, Hosts, PART};
use crate::report::missing;
use crate::report::style::Style;
use crate::report::text;
use crate::stats::{Extra, Figures, PingAccount, Row, Span, Targeted, Totals};

/// A document about a ping.
pub trait Document {
    /// How often the rows are walked through.
    fn passes(&self) -> usize {
        1
    }

    /// Prints what stands before the rows of a pass.
    fn begin_pass(&mut self, pass: usize, whole: &Whole<'_>, output: &mut Output<'_>) {
        let _ = (pass, whole, output);
    }

    /// Prints a row.
    fn row(&mut self, pass: usize, row: &HostRow<'_>, whole: &Whole<'_>, output: &mut Output<'_>);

    /// Prints what stands behind the last pass.
    fn end(&mut self, whole: &Whole<'_>, output: &mut Output<'_>) {
        let _ = (whole, output);
    }

    /// Whether it has a line for each event in place of rows of figures.
    fn has_events(&self) -> bool {
        false
    }

    /// Prints what comes first of lines for events.
    fn begin_events(&mut self, output: &mut Output<'_>) {
        let _ = output;
    }

    /// Prints a line for an event about a probe.
    fn event(&mut self, event: &Event, host: &HostName<'_>, at: Wall, output: &mut Output<'_>) {
        let _ = (event, host, at, output);
    }

    /// Prints a line for a host that is not known.
    fn unknown(&mut self, host: &HostName<'_>, reason: &str, at: Wall, output: &mut Output<'_>) {
        let _ = (host, reason, at, output);
    }
}

/// A host under one of its names.
pub struct HostName<'a> {
    /// The word as typed, or the address. It may hold any characters.
    pub host: String,
    /// The address; `None`: there is none.
    pub address: Option<SocketAddr>,
    /// The label of its line in a list. It may hold any characters.
    pub label: Option<&'a str>,
    /// The interface of link-local addresses on its way.
    pub zone: Option<String>,
    /// Whether the name has other addresses too.
    pub several: bool,
}

impl HostName<'_> {
    /// An address as text, with the interface where it is link-local.
    pub fn shown(&self, address: IpAddr) -> String {
        numeric(address, self.zone.as_deref().map(escape).as_deref())
    }

    /// The address of the host as text.
    pub fn addr(&self) -> Option<String> {
        self.address.map(|address| self.shown(address.ip()))
    }
}

/// A row.
pub struct HostRow<'a> {
    /// The host.
    pub name: HostName<'a>,
    /// Its figures.
    pub figures: Result<HostFigures<'a>, &'a str>,
}

/// The figures of a host.
#[derive(Clone, Copy)]
pub struct HostFigures<'a> {
    /// Its number.
    pub target: u32,
    /// Those of the run, or of the window.
    pub figures: &'a dyn Figures,
    /// Its row of the run; `None`: it is a single host that had several addresses.
    pub run: Option<&'a Row>,
}

impl HostFigures<'_> {
    /// The jitter of the run, in nanoseconds.
    pub fn jitter(&self) -> Option<u64> {
        self.run.map(|row| nanos(row.jitter()))
    }
}

/// What the rows have in common.
pub struct Whole<'a> {
    /// The account of the run.
    pub account: &'a PingAccount,
    /// The hosts.
    pub hosts: &'a Hosts,
    /// Whether the run is of one host.
    pub single: bool,
    /// The time of the figures: the end of the window, or of the run.
    pub at: Wall,
    /// When the run began.
    pub began: Wall,
    /// The window; `None`: the figures are those of the run.
    pub window: Option<Span>,
}

impl Whole<'_> {
    /// What stands beside the figures of a target, as far as that is kept.
    pub fn extra(&self, target: u32) -> Extra {
        self.account.extra(target)
    }
}

/// Prints the rows of one run.
pub struct FormatPing {
    document: Box<dyn Document>,
    program: String,
    zone: Option<String>,
    hosts: Hosts,
    single: bool,
    epoch: Epoch,
    /// The rows that are being printed.
    listing: Option<Listing>,
    /// Whether the last ones were begun.
    ended: bool,
}

/// Rows that are being printed.
#[derive(Clone, Copy, Debug)]
struct Listing {
    /// The window that they are about.
    window: Option<Span>,
    at: Instant,
    pass: usize,
    /// Where a pass goes on; `None`: it is not begun.
    cursor: Option<HostCursor>,
}

impl FormatPing {
    /// A report about a ping of these hosts, or of a `single` one. Of the style it uses the program and the interface.
    pub fn new(document: Box<dyn Document>, style: &Style, hosts: Hosts, single: bool) -> Self {
        Self {
            document,
            program: escape(&style.program).into_owned(),
            zone: style.zone.clone(),
            hosts,
            single,
            epoch: Epoch::default(),
            listing: None,
            ended: false,
        }
    }

    /// Begins to print rows.
    fn list(&mut self, window: Option<Span>, at: Instant) {
        self.listing = Some(Listing { window, at, pass: 0, cursor: None });
    }

    /// Prints the next rows.
    fn some_rows(&mut self, account: &PingAccount, output: &mut Output<'_>) {
        let Some(mut listing) = self.listing.take() else { return };
        let Self { document, hosts, zone, epoch, single, .. } = self;
        let whole = Whole {
            account,
            hosts,
            single: *single,
            at: epoch.wall(listing.at),
            began: epoch.wall(Instant::ZERO),
            window: listing.window,
        };
        let (rows, totals): (&dyn Targeted, Totals<'_>) =
            match account.window().filter(|_| listing.window.is_some()) {
                Some(window) => (window, window.into()),
                None => (account, account.into()),
            };
        // A single host may have had other addresses before.
        let single = single.then_some((totals.figures, account.only()));
        let mut left = PART;
        while listing.pass < document.passes() {
            let mut cursor = listing.cursor.unwrap_or_else(|| {
                document.begin_pass(listing.pass, &whole, output);
                HostCursor::default()
            });
            while let Some((entry, target)) = cursor.next(hosts.entries()) {
                if let Some(row) = row(hosts, entry, target, (rows, account, single), zone.as_deref()) {
                    document.row(listing.pass, &row, &whole, output);
                }
                left = left.saturating_sub(1);
                if left == 0 {
                    listing.cursor = Some(cursor);
                    self.listing = Some(listing);
                    return;
                }
            }
            listing = Listing { pass: listing.pass.saturating_add(1), cursor: None, ..listing };
        }
        document.end(&whole, output);
    }

    /// The lookup of a name. An entry changes, which does not stand in a document.
    fn lookup(&mut self, lookup: &NameLookup, account: &PingAccount, output: &mut Output<'_>) {
        while self.more(account, output) {}
        self.hosts.look_up(lookup);
        let LookupOutcome::Unknown { reason, missing } = &lookup.outcome else { return };
        let at = self.epoch.wall(lookup.at);
        for (number, (name, label)) in self.hosts.name(lookup.name).enumerate() {
            let host = HostName { host: name.to_owned(), address: None, label, zone: None, several: false };
            self.document.unknown(&host, reason, at, output);
            if number == 0 {
                missing::print(&self.program, name, (reason, *missing), output);
            }
        }
    }
}

/// The figures of a target, and its row.
type FiguresAndRow<'a> = (&'a dyn Figures, Option<&'a Row>);

/// The row of a target of an entry; `None`: its name is still being looked up.
fn row<'a>(
    hosts: &Hosts,
    entry: &'a HostEntry,
    target: Option<u32>,
    (rows, account, single): (&'a dyn Targeted, &'a PingAccount, Option<FiguresAndRow<'a>>),
    zone: Option<&str>,
) -> Option<HostRow<'a>> {
    let (name, note) = (entry.name.as_deref(), entry.note.as_deref());
    let Some(target) = target else {
        let host = name.unwrap_or_default().to_owned();
        let name = HostName { host, address: None, label: note, zone: None, several: false };
        return Some(HostRow { name, figures: Err(entry.trouble.as_deref()?) });
    };
    let address = hosts.address(target)?;
    let several = name.is_some() && entry.targets().nth(1).is_some();
    let name = host_name(HostLabel { name, note, address }, several, zone);
    let (figures, run) = match single {
        Some(single) => single,
        None => (rows.figures(target)?, account.row(target)),
    };
    Some(HostRow { name, figures: Ok(HostFigures { target, figures, run }) })
}

fn host_name<'a>(label: HostLabel<'a>, several: bool, on: Option<&str>) -> HostName<'a> {
    let HostLabel { note, address, .. } = label;
    let zone = zone(address).or_else(|| on.map(str::to_owned));
    HostName { host: label.host(), address: Some(address), label: note, zone, several }
}

impl Report for FormatPing {
    type Account = PingAccount;

    fn begin(&mut self, _account: &PingAccount, now: Instant, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        self.document.begin_events(output);
        for entry in self.hosts.entries() {
            if let (Some(host), Some(reason)) = (&entry.name, &entry.trouble) {
                let (host, label) = (host.clone(), entry.note.as_deref());
                let host = HostName { host, address: None, label, zone: None, several: false };
                self.document.unknown(&host, reason, epoch.wall(now), output);
            }
        }
    }

    fn event(&mut self, event: &Event, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        self.hosts.keep(event, account.open_names > 0 && self.document.has_events());
        if let Event::Lookup(lookup) = event {
            self.lookup(lookup, account, output);
            self.hosts.narrow(lookup).iter().for_each(|newest| self.event(newest, account, epoch, output));
            self.hosts.widen();
        }
        let Some(target) = event.target().filter(|_| self.document.has_events()) else { return };
        for label in self.hosts.labels(target) {
            let host = host_name(label, false, self.zone.as_deref());
            self.document.event(event, &host, epoch.wall(event.at()), output);
        }
    }

    fn label(&self, target: u32) -> Option<HostLabel<'_>> {
        self.hosts.label(target)
    }

    fn status(&mut self, account: &PingAccount, output: &mut Output<'_>) {
        text::ping_status(self.single, account, output);
    }

    fn window(&mut self, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        self.epoch = epoch;
        let Some(span) = account.closed_window() else { return };
        self.list(Some(span), span.ended);
        self.some_rows(account, output);
    }

    fn more(&mut self, account: &PingAccount, output: &mut Output<'_>) -> bool {
        self.some_rows(account, output);
        self.listing.is_some()
    }

    fn finish(&mut self, account: &PingAccount, now: Instant, output: &mut Output<'_>) -> bool {
        if self.more(account, output) {
            return true;
        }
        // Windows with figures of their own are all that is to be added up, and the last one is printed.
        let covered = account.window().is_some() || self.document.has_events();
        if self.ended || covered {
            return false;
        }
        self.ended = true;
        self.list(None, now);
        true
    }
}
