//! The text of a ping, octet for octet as iputils prints it. It decides nothing, counts nothing and waits for
//! nothing: an address is printed without its name until that is known.

use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::BorrowedFd;

use super::number::{Millis, ShortMillis};
use super::options::OptionsText;
use super::stamp::Stamper;
use super::width::wrapped;
use super::{summary, window};
use crate::clock::{Epoch, Instant};
use crate::datagram::{SendFault, SystemError};
use crate::engine::ping::event::{
    Answer, Content, Detail, Event, LookupOutcome, NameLookup, ProbeError, Verdict,
};
use crate::escape::escape;
use crate::names::lookup::Names;
use crate::output::Output;
use crate::report::addresses::{Addresses, Moved};
use crate::report::hosts::HostLabel;
use crate::report::style::Style;
use crate::report::{Report, fault, phrases};
use crate::stats::PingAccount;
use crate::wire::Family;

/// Where iputils begins to show a damaged payload: behind its own timestamp.
const DUMP_FROM: usize = 16;
/// Octets in a row of that.
const DUMP_ROW: usize = 32;

/// Prints one run.
#[derive(Debug)]
pub struct PingText {
    style: Style,
    program: String,
    name: String,
    addresses: Addresses,
    stamper: Stamper,
    options: OptionsText,
    /// The end of lines that do not name the target otherwise, among many: ` for NAME (ADDRESS)`.
    about: String,
    /// The last cause of a probe not sent that a quiet run has printed.
    printed_error: Option<SystemError>,
}

/// Prints the octets that fill the probes (`-p`).
pub fn print_pattern(pattern: &[u8], output: &mut Output<'_>) {
    output.print(format_args!("PATTERN: 0x"));
    pattern.iter().for_each(|octet| output.print(format_args!("{octet:02x}")));
    output.print(format_args!("\n"));
}

impl PingText {
    /// A report in a style; with `names`, every address is shown under its own name once that is known.
    pub fn new(style: Style, names: Option<Names>) -> Self {
        Self {
            program: escape(&style.program).into_owned(),
            name: escape(&style.name).into_owned(),
            addresses: Addresses::new(&style, names),
            stamper: Stamper::new(&style),
            options: OptionsText::default(),
            about: String::new(),
            printed_error: None,
            style,
        }
    }

    /// Whether a line is to be printed for each probe that is lost, among many hosts; `lines`: one for each answer is.
    pub(super) fn shows_losses(&self, lines: bool) -> bool {
        self.style.outstanding || self.style.timeouts && lines
    }

    /// The time before a window.
    pub(super) fn stamp_of_window(&mut self, at: Instant, epoch: Epoch) -> String {
        self.stamper.of_window(at, epoch)
    }

    /// Octets of data in a probe.
    pub(super) fn size(&self) -> usize {
        self.style.size
    }

    /// How the text looks.
    pub(super) fn style(&self) -> &Style {
        &self.style
    }

    /// Makes a target under one of its names the subject of the lines that follow, one of many.
    pub(super) fn aim(&mut self, label: HostLabel<'_>) {
        self.style.family = Family::of(label.address.ip());
        self.addresses.aim(label.address, label.name);
        self.about = format!(" for {label}");
    }

    /// The addresses, with their names if these are wanted.
    pub(super) fn addresses(&mut self) -> &mut Addresses {
        &mut self.addresses
    }

    /// Becomes readable when a name was found.
    pub(super) fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        self.addresses.ready_fd()
    }

    fn banner(&self, output: &mut Output<'_>) {
        let Self { style, name, .. } = self;
        if let (Some(pattern), false) = (&style.pattern, style.quiet) {
            print_pattern(pattern, output);
        }
        match style.family {
            Family::V4 => output.print(format_args!("PING {name} ({}) ", style.target)),
            Family::V6 => output.print(format_args!("PING {name}({}) ", self.addresses.banner())),
        }
        if let (Some(label), Family::V6) = (style.flow_label, style.family) {
            output.print(format_args!(", flow 0x{label:05x}, "));
        }
        if let Some(source) = style.source {
            let device = escape(style.device.as_deref().unwrap_or_default());
            output.print(format_args!("from {} {device}: ", self.addresses.numeric(source)));
        }
        let size = style.size;
        match style.family {
            Family::V4 => output.print(format_args!("{size}({}) bytes of data.\n", size + style.overhead)),
            Family::V6 => output.print(format_args!("{size} data bytes\n")),
        }
    }

    /// The time, where lines begin with it.
    pub(super) fn stamp(&mut self, at: Instant, epoch: Epoch, output: &mut Output<'_>) {
        self.stamper.print(at, epoch, output);
    }

    fn not_sent(&mut self, fault: SendFault, seq: u16, output: &mut Output<'_>) {
        if self.style.flood && !self.style.quiet {
            output.print(format_args!("E"));
            return;
        }
        if self.style.quiet && self.printed_error.replace(fault.error) == Some(fault.error) {
            return;
        }
        let sentence = fault::sentence(fault, seq, self.style.family);
        output.print_error(format_args!("{}: {sentence}\n", self.program));
    }

    fn answer_in_flood(&self, answer: &Answer, output: &mut Output<'_>) {
        match answer.verdict {
            Verdict::Received | Verdict::Duplicate => output.print(format_args!("\x08 \x08")),
            Verdict::Corrupt => output.print(format_args!("\x08C")),
        }
        if self.style.audible {
            output.print(format_args!("\x07"));
        }
    }

    fn answer(&mut self, answer: &Answer, epoch: Epoch, output: &mut Output<'_>) {
        self.stamp(answer.at, epoch, output);
        let from = self.addresses.responder(answer.from);
        output.print(format_args!("{} bytes from {from}: icmp_seq={}", answer.len, answer.seq));
        if self.style.verbose && !self.style.ident_of_kernel {
            output.print(format_args!(" ident={}", answer.ident));
        }
        if let Some(hop_limit) = answer.hop_limit {
            output.print(format_args!(" ttl={hop_limit}"));
        }
        if answer.content == Content::Truncated {
            output.print(format_args!(" (truncated)\n"));
            return;
        }
        match answer.time().map(|time| u64::try_from(time.as_micros()).unwrap_or(u64::MAX)) {
            Some(micros) if self.style.full_precision => {
                output.print(format_args!(" time={} ms", Millis(micros)));
            }
            Some(micros) => output.print(format_args!(" time={} ms", ShortMillis(micros))),
            None => {}
        }
        detail(answer.detail, output);
        if answer.late && self.style.timeouts {
            output.print(format_args!(" (LATE)"));
        }
        if answer.verdict == Verdict::Duplicate && (!answer.many_responders || self.style.verbose) {
            output.print(format_args!(" (DUP!)"));
        }
        if answer.content == Content::BadChecksum {
            output.print(format_args!(" (BAD CHECKSUM!)"));
        }
        if answer.different_address {
            output.print(format_args!(" (DIFFERENT ADDRESS!){}", self.about));
        }
        content(&answer.content, self.style.size, output);
        if self.style.audible {
            output.print(format_args!("\x07"));
        }
        self.options.print(&answer.options, &mut self.addresses, output);
        output.print(format_args!("\n"));
    }

    fn notice(&mut self, notice: &ProbeError, epoch: Epoch, output: &mut Output<'_>) {
        self.stamp(notice.at, epoch, output);
        let from = self.addresses.node(notice.from);
        let phrase = phrases::phrase(&notice.error, |node| self.addresses.node(node));
        output.print(format_args!("From {from}: icmp_seq={} {phrase}{}\n", notice.seq, self.about));
        if self.style.verbose {
            self.quoted_header(&notice.quoted_header, output);
        }
    }

    /// The IPv4 header that a notice quotes (RFC 791 section 3.1).
    fn quoted_header(&mut self, header: &[u8], output: &mut Output<'_>) {
        let Some((
            &[
                vr_hl,
                tos,
                len0,
                len1,
                id0,
                id1,
                flags0,
                flags1,
                ttl,
                protocol,
                sum0,
                sum1,
                ref addresses @ ..,
            ],
            options,
        )) = header.split_first_chunk::<20>()
        else {
            return;
        };
        let word = |high, low| u16::from_be_bytes([high, low]);
        let (len, id, fragment) = (word(len0, len1), word(id0, id1), word(flags0, flags1));
        output.print(format_args!("Vr HL TOS  Len   ID Flg  off TTL Pro  cks      Src      Dst Data\n"));
        output.print(format_args!(" {:x}  {:x}  {tos:02x} {len:04x} {id:04x}", vr_hl >> 4, vr_hl & 0xf));
        output.print(format_args!("   {:x} {:04x}", fragment >> 13, fragment & 0x1fff));
        output.print(format_args!("  {ttl:02x}  {protocol:02x} {:04x}", word(sum0, sum1)));
        for &address in addresses.as_chunks::<4>().0 {
            output.print(format_args!(" {} ", Ipv4Addr::from(address)));
        }
        output.print(format_args!("\n"));
        if !options.is_empty() {
            self.options.print(options, &mut self.addresses, output);
            output.print(format_args!("\n"));
        }
    }

    /// The lookup of the name of the only target: its address changed.
    fn lookup(&mut self, lookup: &NameLookup, epoch: Epoch, output: &mut Output<'_>) {
        let LookupOutcome::Moved { before, after } = lookup.outcome else { return };
        self.style.family = Family::of(after.address.ip());
        self.addresses.aim(after.address, self.style.reply_name.as_deref());
        let moved = Moved { name: &self.name, before: before.address, after: after.address };
        if self.style.quiet || self.style.flood {
            return output.print_error(format_args!("{}: {moved}\n", self.program));
        }
        self.stamper.print(lookup.at, epoch, output);
        output.print(format_args!("{moved}\n"));
    }

    /// Prints what is printed of one event.
    pub(super) fn line(&mut self, event: &Event, epoch: Epoch, output: &mut Output<'_>) {
        match event {
            Event::Sent { in_flight, .. } => {
                if self.style.flood && !self.style.quiet && *in_flight < self.style.width {
                    output.print(format_args!("."));
                }
            }
            Event::NotSent { seq, fault, .. } => self.not_sent(*fault, *seq, output),
            Event::Lookup(lookup) => self.lookup(lookup, epoch, output),
            Event::Lost { at, seq, .. } | Event::Unanswered { at, seq, .. } => {
                self.stamp(*at, epoch, output);
                let yet = if self.style.timeouts { "" } else { "yet " };
                output.print(format_args!("no answer {yet}for icmp_seq={seq}{}\n", self.about));
            }
            Event::Answer(_) | Event::Error(_) if self.style.quiet => {}
            Event::Answer(answer) if self.style.flood => self.answer_in_flood(answer, output),
            Event::Answer(answer) => self.answer(answer, epoch, output),
            Event::Error(error) if error.notice && self.style.flood => {}
            Event::Error(error) if error.notice => self.notice(error, epoch, output),
            Event::Error(_) if self.style.flood => output.print(format_args!("\x08E")),
            Event::Error(error) => {
                self.stamp(error.at, epoch, output);
                let from = self.addresses.node(error.from);
                let phrase = phrases::phrase(&error.error, |node| self.addresses.node(node));
                output.print(format_args!("From {from} icmp_seq={} {phrase}{}\n", error.seq, self.about));
            }
        }
    }
}

impl Report for PingText {
    type Account = PingAccount;

    fn begin(&mut self, _account: &PingAccount, _now: Instant, _epoch: Epoch, output: &mut Output<'_>) {
        self.banner(output);
    }

    fn event(&mut self, event: &Event, _account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        // A single host has a line for a silent probe when the next one leaves, as with iputils, or else with --timeout.
        let Style { timeouts, flood, quiet, .. } = self.style;
        if !matches!(event, Event::Lost { .. }) || timeouts && !flood && !quiet {
            self.line(event, epoch, output);
        }
    }

    fn window(&mut self, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        let Some((span, (title, totals))) = account.closed_window().zip(window::closed(account)) else {
            return;
        };
        let stamp = self.stamp_of_window(span.ended, epoch);
        let figures = window::figures(&totals, account.jitter(), self.style.stats);
        output.print(format_args!("{}\n", wrapped(&format!("{stamp}{title}{figures}"), self.style.width)));
    }

    fn status(&mut self, account: &PingAccount, output: &mut Output<'_>) {
        summary::status(&account.total, output);
    }

    fn finish(&mut self, account: &PingAccount, _now: Instant, output: &mut Output<'_>) -> bool {
        summary::finish(&self.style, &self.name, account, output);
        false
    }
}

/// What an answer to a request other than echo carries.
fn detail(detail: Detail, output: &mut Output<'_>) {
    match detail {
        Detail::Echo => {}
        Detail::Mask(mask) => {
            output.print(format_args!(" mask={}", IpAddr::V4(Ipv4Addr::from_bits(mask))));
        }
        Detail::Timestamp { originate, receive, transmit, returned, offset } => {
            let stamps = [
                ("originate", originate),
                ("receive", receive),
                ("transmit", transmit),
                ("returned", returned),
            ];
            for (what, stamp) in stamps {
                // The high bit marks a value in another unit or base (RFC 792 page 17).
                let value = stamp & 0x7fff_ffff;
                let remark = if value == stamp { "" } else { " non-standard" };
                output.print(format_args!(" {what}={value}{remark}"));
            }
            if let Some(offset) = offset {
                output.print(format_args!(" offset={offset:+} ms"));
            }
        }
    }
}

/// What is wrong with a payload of `size` octets, on lines of its own.
fn content(content: &Content, size: usize, output: &mut Output<'_>) {
    match content {
        Content::Intact | Content::Truncated | Content::BadChecksum => {}
        Content::Longer(by) => {
            output.print(format_args!("\nreply is {by} bytes longer than the request"));
        }
        Content::Altered { offset, expected, payload } => {
            let was = payload.get(*offset).copied().unwrap_or_default();
            output.print(format_args!(
                "\nwrong data byte #{offset} should be 0x{expected:x} but was 0x{was:x}"
            ));
            for (index, octet) in payload.iter().enumerate().take(size).skip(DUMP_FROM) {
                if index % DUMP_ROW == DUMP_FROM {
                    output.print(format_args!("\n#{index}\t"));
                }
                output.print(format_args!("{octet:x} "));
            }
        }
    }
}
