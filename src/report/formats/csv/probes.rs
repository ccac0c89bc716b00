//! What becomes of each probe of a ping.

use super::record::Record;
use crate::clock::{Wall, nanos};
use crate::engine::ping::event::{Answer, Content, Event, ProbeError, Verdict};
use crate::output::Output;
use crate::report::formats::ping::{Document, HostName, HostRow, Whole};
use crate::report::json::rfc3339;
use crate::report::phrases::phrase;

/// The columns of events.
const EVENTS: &str = "time,host,address,label,seq,outcome,from,bytes,ttl,rtt_ms,icmp_type,icmp_code,reason";

/// A record for each probe that is answered or lost, as it happens.
#[derive(Debug, Default)]
pub struct CsvProbes;

/// What differs from one event to another.
#[derive(Default)]
struct Fields {
    outcome: &'static str,
    from: Option<String>,
    bytes: Option<u32>,
    ttl: Option<u8>,
    rtt: Option<u64>,
    icmp: Option<(u8, u8)>,
    reason: Option<String>,
}

impl Fields {
    fn of(event: &Event, host: &HostName<'_>) -> Option<Self> {
        Some(match event {
            Event::Sent { .. } | Event::Unanswered { .. } | Event::Lookup(_) => return None,
            Event::NotSent { fault, .. } => {
                Self { outcome: "not_sent", reason: Some(fault.error.to_string()), ..Self::default() }
            }
            Event::Lost { .. } => Self { outcome: "timeout", ..Self::default() },
            Event::Answer(answer) => Self::answered(answer, host),
            Event::Error(error) => Self::failed(error, host),
        })
    }

    fn answered(answer: &Answer, host: &HostName<'_>) -> Self {
        Self {
            outcome: match answer.verdict {
                Verdict::Received => "reply",
                Verdict::Duplicate => "duplicate",
                Verdict::Corrupt => "corrupt",
            },
            from: Some(host.shown(answer.from)),
            bytes: u32::try_from(answer.len).ok(),
            ttl: answer.hop_limit,
            rtt: answer.time().map(nanos),
            icmp: None,
            reason: match answer.content {
                Content::Intact => None,
                Content::Truncated => Some("truncated".to_owned()),
                Content::BadChecksum => Some("bad checksum".to_owned()),
                Content::Altered { .. } => Some("altered".to_owned()),
                Content::Longer(_) => Some("longer".to_owned()),
            },
        }
    }

    fn failed(ProbeError { from, error, notice, .. }: &ProbeError, host: &HostName<'_>) -> Self {
        Self {
            outcome: if *notice { "notice" } else { "error" },
            from: Some(host.shown(*from)),
            icmp: Some((error.icmp_type, error.code)),
            reason: Some(phrase(error, |node| host.shown(node))),
            ..Self::default()
        }
    }

    fn print(self, host: &HostName<'_>, seq: Option<u16>, at: Wall, output: &mut Output<'_>) {
        Record::new(output)
            .text(&rfc3339(at))
            .text(&host.host)
            .maybe(host.addr().as_deref())
            .maybe(host.label)
            .number(seq)
            .text(self.outcome)
            .maybe(self.from.as_deref())
            .number(self.bytes)
            .number(self.ttl)
            .millis(self.rtt)
            .number(self.icmp.map(|(icmp_type, _)| icmp_type))
            .number(self.icmp.map(|(_, code)| code))
            .maybe(self.reason.as_deref())
            .end();
    }
}

impl Document for CsvProbes {
    fn row(&mut self, _pass: usize, _row: &HostRow<'_>, _whole: &Whole<'_>, _output: &mut Output<'_>) {}

    fn has_events(&self) -> bool {
        true
    }

    fn begin_events(&mut self, output: &mut Output<'_>) {
        output.print(format_args!("{EVENTS}\r\n"));
    }

    fn event(&mut self, event: &Event, host: &HostName<'_>, at: Wall, output: &mut Output<'_>) {
        if let Some(fields) = Fields::of(event, host) {
            fields.print(host, event.seq(), at, output);
        }
    }

    fn unknown(&mut self, host: &HostName<'_>, reason: &str, at: Wall, output: &mut Output<'_>) {
        let fields = Fields { outcome: "unknown", reason: Some(reason.to_owned()), ..Fields::default() };
        fields.print(host, None, at, output);
    }
}
