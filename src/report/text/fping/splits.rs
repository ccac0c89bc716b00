//! The rows of a window of time (`-Q`), as text and for Netdata (`-N`), and those of the run so far (Ctrl-\).

use std::time::Duration;

use super::{FpingText, name_in, percent};
use crate::clock::{Epoch, Instant};
use crate::output::Output;
use crate::report::hosts::HostCursor;
use crate::stats::{Figures, PingAccount, Targeted};

/// Rows that are being printed.
#[derive(Debug)]
pub(super) struct Splits {
    cursor: HostCursor,
    of: Of,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Of {
    /// The run so far.
    Run,
    /// The window that was closed last.
    Window,
}

impl FpingText {
    /// Begins the rows of the window that was closed last.
    pub(super) fn begin_window(&mut self, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        let Some(span) = account.closed_window() else { return };
        if self.style.netdata.is_none() {
            self.time(span.ended, epoch, output);
        }
        self.splits = Some(Splits { cursor: HostCursor::default(), of: Of::Window });
    }

    /// Begins the rows of the run so far.
    pub(super) fn begin_status(&mut self, now: Instant, output: &mut Output<'_>) {
        self.time(now, self.epoch, output);
        self.splits = Some(Splits { cursor: HostCursor::default(), of: Of::Run });
    }

    fn time(&self, at: Instant, epoch: Epoch, output: &mut Output<'_>) {
        if self.style.probes {
            output.print_error(format_args!("\n"));
        }
        let seconds = self.local(at, epoch).shown().as_secs();
        let [hour, minute, second] = [seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60];
        output.print_error(format_args!("[{hour:02}:{minute:02}:{second:02}]\n"));
    }

    /// Prints the next rows. Returns false if none are left.
    pub(super) fn print_splits(&mut self, account: &PingAccount, output: &mut Output<'_>) -> bool {
        let Some(Splits { cursor, of }) = self.splits.take() else { return false };
        let window = account.window().filter(|_| of == Of::Window);
        let figures = |target| match window {
            Some(window) => window.figures(target),
            None => account.figures(target),
        };
        let netdata = self.style.netdata.filter(|_| of == Of::Window);
        let left = match netdata {
            Some(every) => self.netdata_part(cursor, every, figures, output),
            None => self.part(cursor, |host, target| {
                if let Some(figures) = figures(target) {
                    self.begin_row(host, output);
                    self.counts(figures, output);
                    output.print_error(format_args!("\n"));
                }
            }),
        };
        if left.is_none() && netdata.is_some() {
            self.charts_sent = true;
        }
        self.splits = left.map(|cursor| Splits { cursor, of });
        self.splits.is_some()
    }

    /// The next targets in the format of Netdata's plugins. Names are in it twice: as they are, and with `_` for what is
    /// neither a letter nor a digit.
    fn netdata_part<'a>(
        &self,
        cursor: HostCursor,
        every: Duration,
        figures: impl Fn(u32) -> Option<&'a dyn Figures>,
        output: &mut Output<'_>,
    ) -> Option<HostCursor> {
        let mut cursor = cursor;
        for _ in 0..super::PART {
            let (entry, target) = cursor.next(self.hosts.entries())?;
            let Some((target, figures)) = target.and_then(|target| Some((target, figures(target)?))) else {
                continue;
            };
            let host = name_in(&self.hosts, entry, target);
            self.netdata(&host, every, figures, output);
        }
        Some(cursor)
    }

    fn netdata(&self, host: &str, every: Duration, figures: &dyn Figures, output: &mut Output<'_>) {
        let id: String = host.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        // A quote would end the title.
        let host = host.replace('\'', "_");
        let every = every.as_secs_f64();
        let (sent, received) = (resolved(figures), figures.received());
        let chart = |name: &str, title: &str, unit: &str, kind: &str, dimensions: &[&str]| {
            let mut text = format!(
                "CHART fping.{id}_{name} '' 'FPing {title}' {unit} '{host}' fping.{name} {kind} {every:.0}\n"
            );
            dimensions.iter().for_each(|dimension| text += &format!("DIMENSION {dimension}\n"));
            if self.charts_sent { String::new() } else { text }
        };
        let packets = ["xmt sent absolute 1 1", "rcv received absolute 1 1"];
        let quality = ["returned '' absolute 1 1"];
        let latency = [
            "min minimum absolute 1 1000000",
            "max maximum absolute 1 1000000",
            "avg average absolute 1 1000000",
        ];
        output.print(format_args!(
            "{}BEGIN fping.{id}_packets\nSET xmt = {sent}\nSET rcv = {received}\nEND\n",
            chart("packets", "Packets", "packets", "line 110020", &packets)
        ));
        output.print(format_args!(
            "{}BEGIN fping.{id}_quality\nSET returned = {}\nEND\n",
            chart("quality", "Quality", "percentage", "area 110010", &quality),
            percent(received, sent)
        ));
        output.print(format_args!(
            "{}BEGIN fping.{id}_latency\n",
            chart("latency", "Latency", "ms", "area 110000", &latency)
        ));
        if received > 0 {
            let rtt = figures.rtt();
            let [min, avg, max] = [rtt.min(), rtt.mean(), rtt.max()];
            output.print(format_args!("SET min = {min}\nSET avg = {avg}\nSET max = {max}\n"));
        }
        output.print(format_args!("END\n"));
    }
}

/// Probes whose fate became known.
pub(super) fn resolved(figures: &dyn Figures) -> u64 {
    figures.received().saturating_add(figures.lost()).saturating_add(figures.not_sent())
}
