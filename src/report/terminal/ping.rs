//! What a person at a terminal gets beside the text of a ping.

use std::os::fd::BorrowedFd;

pub use super::hints::PingHints;
use super::paint;
use super::status::StatusLine;
use crate::clock::{Epoch, Instant, nanos};
use crate::engine::ping::event::{Event, LookupOutcome, Verdict};
use crate::output::{Output, Stream};
use crate::report::Report;
use crate::report::hosts::HostLabel;
use crate::report::tone::{Limits, Tone, usual};
use crate::stats::PingAccount;

/// Colours of the text of a ping.
#[derive(Clone, Copy, Debug)]
pub struct PingColors {
    /// Whether standard output has them.
    pub stdout: bool,
    /// Whether standard error has them.
    pub stderr: bool,
    /// Which times are slow.
    pub limits: Limits,
}

/// Any report of a ping: one type of loop for all texts.
type Text = dyn Report<Account = PingAccount>;

/// A report of text, and what a terminal has beside it.
pub struct TerminalPing {
    text: Box<Text>,
    colors: Option<PingColors>,
    status: Option<StatusLine>,
    hints: Option<PingHints>,
    /// Where the text is printed before it gets colours.
    page: Output<'static>,
}

impl TerminalPing {
    /// The text as it is.
    pub fn new(text: impl Report<Account = PingAccount> + 'static) -> Self {
        Self { text: Box::new(text), colors: None, status: None, hints: None, page: Output::page() }
    }

    /// With colours, unless neither stream has them.
    #[must_use]
    pub fn colors(self, colors: PingColors) -> Self {
        Self { colors: Some(colors).filter(|colors| colors.stdout || colors.stderr), ..self }
    }

    /// With a line of status.
    #[must_use]
    pub fn status(self, status: Option<StatusLine>) -> Self {
        Self { status, ..self }
    }

    /// With hints on standard error.
    #[must_use]
    pub fn hints(self, hints: Option<PingHints>) -> Self {
        Self { hints, ..self }
    }

    /// Has the text printed by `print`, and gives it colours by `paint`.
    fn print<T>(
        &mut self,
        output: &mut Output<'_>,
        print: impl FnOnce(&mut Text, &mut Output<'_>) -> T,
        paint: impl Fn(&str) -> String,
    ) -> T {
        let Some(colors) = self.colors else { return print(&mut *self.text, output) };
        let result = print(&mut *self.text, &mut self.page);
        for (stream, text) in self.page.take() {
            match stream {
                Stream::Out if colors.stdout => output.print(format_args!("{}", paint(&text))),
                Stream::Out => output.print(format_args!("{text}")),
                Stream::Err if colors.stderr => output.print_error(format_args!("{}", paint(&text))),
                Stream::Err => output.print_error(format_args!("{text}")),
            }
        }
        result
    }
}

/// The text of an event in colours.
fn painted(event: &Event, account: &PingAccount, limits: Limits, text: &str) -> String {
    match event {
        Event::Answer(answer) => {
            let usual = account.row(answer.target).and_then(usual);
            let tone = match answer.verdict {
                Verdict::Received | Verdict::Duplicate => {
                    answer.time().and_then(|time| limits.tone(nanos(time), usual))
                }
                Verdict::Corrupt => Some(Tone::Crit),
            };
            paint::answer(text, tone)
        }
        Event::Error(error) if error.notice => paint::whole(text, Tone::Warn),
        Event::Lost { .. } | Event::Unanswered { .. } => paint::whole(text, Tone::Warn),
        Event::Error(_) | Event::NotSent { .. } => paint::whole(text, Tone::Crit),
        Event::Lookup(lookup) => match lookup.outcome {
            LookupOutcome::Moved { .. } => paint::whole(text, Tone::Warn),
            LookupOutcome::Unknown { .. } => paint::whole(text, Tone::Crit),
            _ => text.to_owned(),
        },
        Event::Sent { .. } => text.to_owned(),
    }
}

impl Report for TerminalPing {
    type Account = PingAccount;

    fn begin(&mut self, account: &PingAccount, now: Instant, epoch: Epoch, output: &mut Output<'_>) {
        self.text.begin(account, now, epoch, output);
    }

    fn event(&mut self, event: &Event, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        let limits = self.colors.map_or_else(Limits::default, |colors| colors.limits);
        let marked = self.text.paints();
        self.print(
            output,
            |text, output| text.event(event, account, epoch, output),
            |text| match event {
                Event::Lost { .. } | Event::Unanswered { .. } if marked => text.to_owned(),
                _ => painted(event, account, limits, text),
            },
        );
        if let Some(hint) = self.hints.as_mut().and_then(|hints| hints.after(event, account)) {
            self.text.break_line(output);
            output.print_error(format_args!("{hint}\n"));
        }
        self.status.iter_mut().for_each(|status| status.note(event));
    }

    fn poll(&mut self, account: &PingAccount, now: Instant, output: &mut Output<'_>) {
        self.text.poll(account, now, output);
        self.status.iter_mut().for_each(|status| status.poll(account, now, output));
    }

    fn wake(&self) -> Option<Instant> {
        self.text.wake()
    }

    fn show_at(&self) -> Option<Instant> {
        let status = self.status.as_ref().and_then(StatusLine::show_at);
        [self.text.show_at(), status].into_iter().flatten().min()
    }

    fn break_line(&self, output: &mut Output<'_>) {
        self.text.break_line(output);
    }

    fn refresh(&mut self) {
        self.text.refresh();
        self.status.iter_mut().for_each(StatusLine::refresh);
    }

    fn ready_fd(&self) -> Option<BorrowedFd<'_>> {
        self.text.ready_fd()
    }

    fn end(&mut self, now: Instant) -> Option<Instant> {
        self.text.end(now)
    }

    fn label(&self, target: u32) -> Option<HostLabel<'_>> {
        self.text.label(target)
    }

    /// From here on nothing is drawn: a second ^C may end the process at any moment.
    fn finish_now(&mut self) {
        self.status = None;
        self.text.finish_now();
    }

    fn status(&mut self, account: &PingAccount, output: &mut Output<'_>) {
        self.text.break_line(output);
        self.text.status(account, output);
    }

    fn window(&mut self, account: &PingAccount, epoch: Epoch, output: &mut Output<'_>) {
        self.print(output, |text, output| text.window(account, epoch, output), paint::losses);
    }

    fn more(&mut self, account: &PingAccount, output: &mut Output<'_>) -> bool {
        self.print(output, |text, output| text.more(account, output), paint::losses)
    }

    fn finish(&mut self, account: &PingAccount, now: Instant, output: &mut Output<'_>) -> bool {
        self.print(output, |text, output| text.finish(account, now, output), paint::losses)
    }
}
