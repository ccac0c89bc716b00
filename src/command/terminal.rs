//! What the terminal gets beside the text: chosen by the options, and by what the terminal is.

use std::time::Duration;

use crate::cli::ping_request::PingRequest;
use crate::cli::trace_request::TraceRequest;
use crate::engine::ping::Pacing;
use crate::output::below;
use crate::output::terminal::{Terminal, room_below, terminal_columns};
use crate::report::glyphs::Glyphs;
use crate::report::style::{Canvas, Style};
use crate::report::terminal::ping::{PingColors, PingHints, TerminalPing};
use crate::report::terminal::status::{PROBES, StatusLine, StatusStyle};
use crate::report::terminal::trace::TerminalTrace;
use crate::report::text::compact::{self, CompactStyle};
use crate::report::{AnyReport, Report};
use crate::stats::{PingAccount, TraceAccount};
use crate::wire::Family;

/// Probes that the account keeps for a line of status and for rows.
pub const RECENT: usize = PROBES + 4;

/// The shortest interval at which there is time to see the line of status between two lines of text.
const CALM: Duration = Duration::from_millis(100);

/// Whether a ping has a line of status: one host, on a terminal, and no more than ten lines of text a second.
pub fn has_status(request: &PingRequest) -> bool {
    let calm = matches!(request.ping.pacing, Pacing::Rounds { interval, .. } if interval >= CALM);
    request.terminal.status
        && request.many.is_none()
        && request.format.is_text()
        && !request.terminal.compact
        && !request.style.flood
        && (calm || request.style.quiet)
        && Terminal::here().has_below()
}

/// What is around the text of a ping.
pub struct Around {
    colors: PingColors,
    status: Option<StatusLine>,
    hints: Option<PingHints>,
}

impl Around {
    /// What the request and the terminal want.
    pub fn new(request: &PingRequest, style: &Style) -> Self {
        let terminal = Terminal::here();
        let (stdout, stderr) = request.terminal.color.on(&terminal);
        let lines = !style.flood;
        let limits = request.terminal.limits;
        let status = has_status(request).then(|| {
            below::erase_on_panic();
            let style = StatusStyle { glyphs: Glyphs::new(terminal.utf8), limits, color: stdout };
            StatusLine::new(style, room_below)
        });
        let hinted = request.terminal.hints && terminal.stderr && lines && request.many.is_none();
        Self {
            colors: PingColors { stdout: stdout && lines, stderr: stderr && lines, limits },
            status,
            hints: hinted.then(|| hints(request, style)),
        }
    }

    /// Puts it around a report; where there is nothing to put, the report stays as it is.
    pub fn put(self, text: impl Report<Account = PingAccount> + 'static) -> AnyReport<PingAccount> {
        let colored = self.colors.stdout || self.colors.stderr;
        if !colored && self.status.is_none() && self.hints.is_none() {
            return Box::new(text);
        }
        Box::new(TerminalPing::new(text).colors(self.colors).status(self.status).hints(self.hints))
    }
}

fn hints(request: &PingRequest, style: &Style) -> PingHints {
    let host = request.hosts.last().map_or("", String::as_str);
    let overhead = match style.family {
        Family::V4 => style.overhead,
        // RFC 8200 section 3, RFC 4443 section 4.1.
        Family::V6 => 48,
    };
    PingHints::new(&style.program, host, (style.size, overhead))
}

/// How the rows of `--compact` look.
pub fn compact(request: &PingRequest, style: &Style) -> CompactStyle {
    let terminal = Terminal::here();
    let (color, _) = request.terminal.color.on(&terminal);
    CompactStyle {
        glyphs: Glyphs::new(terminal.utf8),
        limits: request.terminal.limits,
        color,
        row: compact::row(terminal_columns(), style.timestamps),
        terminal: terminal.stdout,
    }
}

/// What a histogram is drawn on: the terminal, or else 80 columns.
pub fn canvas() -> Canvas {
    let columns = terminal_columns().map_or(Canvas::default().columns, usize::from);
    Canvas { columns, unicode: Terminal::here().utf8 }
}

/// Puts colours and the meaning of marks around the text of a trace. Under the name of another program a trace has the
/// text of that one.
pub fn around_trace<R: Report<Account = TraceAccount>>(request: &TraceRequest, text: R) -> TerminalTrace<R> {
    let terminal = Terminal::here();
    let (color, _) = request.color.on(&terminal);
    let columns = terminal_columns().map_or(u64::MAX, u64::from);
    TerminalTrace::new(text, color, (terminal.stdout && !request.by_link).then_some(columns))
}
