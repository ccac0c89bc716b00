//! What a person at a terminal gets beside the text of a traceroute.

use std::os::fd::BorrowedFd;

use super::legend::Legend;
use super::paint_trace::TracePainter;
use crate::clock::{Epoch, Instant};
use crate::engine::trace::event::TraceEvent;
use crate::output::{Output, Stream};
use crate::report::Report;
use crate::stats::TraceAccount;

/// A report of text, and what a terminal has beside it.
#[derive(Debug)]
pub struct TerminalTrace<R> {
    text: R,
    /// `None`: no colours on standard output.
    painter: Option<TracePainter>,
    /// `None`: marks are not explained.
    legend: Option<Legend>,
    /// Where the text is printed before it gets colours.
    page: Output<'static>,
}

impl<R: Report<Account = TraceAccount>> TerminalTrace<R> {
    /// The text, with colours on standard output or without, and with the meaning of its marks in so many columns;
    /// `None`: without.
    pub fn new(text: R, colors: bool, legend: Option<u64>) -> Self {
        Self {
            text,
            painter: colors.then(TracePainter::default),
            legend: legend.map(Legend::new),
            page: Output::page(),
        }
    }

    /// Has the text printed by `print`, and gives it colours.
    fn print<T>(
        &mut self,
        account: &TraceAccount,
        output: &mut Output<'_>,
        print: impl FnOnce(&mut R, &mut Output<'_>) -> T,
    ) -> T {
        let Some(painter) = &mut self.painter else { return print(&mut self.text, output) };
        let result = print(&mut self.text, &mut self.page);
        for (stream, text) in self.page.take() {
            match stream {
                Stream::Out => output.print(format_args!("{}", painter.paint(&text, account))),
                Stream::Err => output.print_error(format_args!("{text}")),
            }
        }
        result
    }
}

impl<R: Report<Account = TraceAccount>> Report for TerminalTrace<R> {
    type Account = TraceAccount;

    fn begin(&mut self, account: &TraceAccount, now: Instant, epoch: Epoch, output: &mut Output<'_>) {
        self.text.begin(account, now, epoch, output);
    }

    fn event(&mut self, event: &TraceEvent, account: &TraceAccount, epoch: Epoch, output: &mut Output<'_>) {
        self.legend.iter_mut().for_each(|legend| legend.note(event));
        self.print(account, output, |text, output| text.event(event, account, epoch, output));
    }

    fn poll(&mut self, account: &TraceAccount, now: Instant, output: &mut Output<'_>) {
        self.print(account, output, |text, output| text.poll(account, now, output));
    }

    fn wake(&self) -> Option<Instant> {
        self.text.wake()
    }

    fn show_at(&self) -> Option<Instant> {
        self.text.show_at()
    }

    fn break_line(&self, output: &mut Output<'_>) {
        self.text.break_line(output);
    }

    fn refresh(&mut self) {
        self.text.refresh();
    }

    fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        self.text.ready_fd()
    }

    fn finish_now(&mut self) {
        self.text.finish_now();
    }

    fn status(&mut self, account: &TraceAccount, output: &mut Output<'_>) {
        self.text.status(account, output);
    }

    fn finish(&mut self, account: &TraceAccount, now: Instant, output: &mut Output<'_>) -> bool {
        let more = self.print(account, output, |text, output| text.finish(account, now, output));
        if !more && let Some(legend) = self.legend.take() {
            legend.print(account, output);
        }
        more
    }
}
