//! The line protocol of InfluxDB, with the measurement, the tag and the fields of Telegraf's `inputs.ping`.

use std::fmt;
use std::net::IpAddr;

use super::number::Millis;
use super::ping::{Document, HostFigures, HostName, HostRow, Whole};
use super::trace::{TraceDocument, TraceWhole};
use crate::clock::{Wall, nanos};
use crate::engine::trace::event::Ending;
use crate::escape::escape;
use crate::output::Output;
use crate::stats::{Figures, Hop, Moments};

/// The value of a tag. Commas, equals signs and blanks have a backslash. A backslash itself cannot be escaped, and at the
/// end it would escape what follows: there it is left out, as Telegraf does.
pub(super) struct Tag<'a>(pub &'a str);

impl Tag<'_> {
    fn text(&self) -> &str {
        self.0.trim_end_matches('\\')
    }
}

impl fmt::Display for Tag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in escape(self.text()).chars() {
            if matches!(c, ',' | '=' | ' ') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        Ok(())
    }
}

/// A point for each host, at the end or in each window.
#[derive(Debug, Default)]
pub struct InfluxPing;

/// `result_code`: 0 an answer, 1 no answer or no such host, 2 no probe left, or an address that cannot be probed.
fn result_code(figures: Option<HostFigures<'_>>, host: &str) -> u8 {
    let Some(HostFigures { figures, .. }) = figures else {
        return 1 + u8::from(host.parse::<IpAddr>().is_ok());
    };
    match (figures.received(), figures.sent(), figures.lost()) {
        (1.., ..) => 0,
        // A window without a probe may have the loss of an earlier one.
        (0, 1.., _) | (0, _, 1..) => 1,
        (0, 0, 0) => 2,
    }
}

/// Whether nothing happened.
fn is_empty(figures: &dyn Figures) -> bool {
    [figures.sent(), figures.received(), figures.not_sent(), figures.lost(), figures.late()] == [0; 5]
}

fn tags(name: &HostName<'_>, output: &mut Output<'_>) {
    output.print(format_args!("ping,url={}", Tag(&name.host)));
    // The addresses of one name are points of their own.
    if let Some(address) = name.addr().filter(|_| name.several) {
        output.print(format_args!(",ip={}", Tag(&address)));
    }
    // A tag without a value is not allowed.
    if let Some(label) = name.label.map(Tag).filter(|label| !label.text().is_empty()) {
        output.print(format_args!(",label={label}"));
    }
}

/// The fields of the times of answers, of which there is at least one.
fn times(rtt: &Moments, output: &mut Output<'_>) {
    for (field, nanos) in [
        ("minimum_response_ms", rtt.min()),
        ("average_response_ms", rtt.mean()),
        ("maximum_response_ms", rtt.max()),
        ("standard_deviation_ms", rtt.deviation()),
    ] {
        output.print(format_args!(",{field}={}", Millis(nanos)));
    }
}

impl Document for InfluxPing {
    fn row(&mut self, _pass: usize, row: &HostRow<'_>, whole: &Whole<'_>, output: &mut Output<'_>) {
        let host = row.figures.ok();
        // A window that is shorter than the interval: nothing was measured.
        if whole.window.is_some() && host.is_some_and(|host| is_empty(host.figures)) {
            return;
        }
        tags(&row.name, output);
        output.print(format_args!(" result_code={}i", result_code(host, &row.name.host)));
        if let Some(host @ HostFigures { target, figures, .. }) = host {
            let (sent, received) = (figures.sent(), figures.received());
            output.print(format_args!(",packets_transmitted={sent}i,packets_received={received}i"));
            if let Some(loss) = figures.loss() {
                output.print(format_args!(",percent_packet_loss={}", loss.percent()));
            }
            if let Some(ttl) = whole.extra(target).ttl.filter(|_| received > 0) {
                output.print(format_args!(",ttl={ttl}i"));
            }
            if figures.is_timed() {
                times(&figures.rtt(), output);
                if let Some(jitter) = host.jitter() {
                    output.print(format_args!(",jitter_ms={}", Millis(jitter)));
                }
                for percent in [50, 90, 95, 99] {
                    if let Some(nanos) = figures.percentile(percent) {
                        output.print(format_args!(",percentile{percent}_ms={}", Millis(nanos)));
                    }
                }
            }
        }
        output.print(format_args!(" {}\n", whole.at.as_nanos()));
    }
}

/// A point for the trace, and one for each hop.
#[derive(Debug, Default)]
pub struct InfluxTrace;

impl InfluxTrace {
    fn hop(number: u8, hop: &Hop, whole: &TraceWhole<'_>, output: &mut Output<'_>) {
        let (url, Hop { sent, received, rtt, .. }) = (Tag(&whole.start.host), hop);
        output.print(format_args!(
            "traceroute_hop,url={url},hop={number} packets_transmitted={sent}i,packets_received={received}i"
        ));
        if let Some(loss) = hop.loss() {
            output.print(format_args!(",percent_packet_loss={}", loss.percent()));
        }
        if *received > 0 {
            times(rtt, output);
            let all: Vec<_> = hop.responders.iter().map(|address| whole.trace.shown(*address)).collect();
            // Digits and the name of an interface, which has neither quotes nor, escaped, more than backslashes.
            let all = all.join(" ").replace('\\', "\\\\").replace('"', "\\\"");
            output.print(format_args!(",responders=\"{all}\""));
        }
        output.print(format_args!(" {}\n", whole.trace.at.as_nanos()));
    }
}

impl TraceDocument for InfluxTrace {
    fn end(&mut self, whole: &TraceWhole<'_>, output: &mut Output<'_>) {
        let (account, url) = (whole.trace.account, Tag(&whole.start.host));
        let reached = account.ending() == Ending::Reached;
        let code = if account.sent() == 0 { 2 } else { u8::from(!reached) };
        output.print(format_args!(
            "traceroute,url={url} result_code={code}i,reached={reached},hops={}i,packets_transmitted={}i,\
             packets_received={}i,elapsed_ms={} {}\n",
            account.last_hop,
            account.sent(),
            account.received(),
            Millis(nanos(account.duration())),
            whole.trace.at.as_nanos(),
        ));
        account.hops.iter().for_each(|(number, hop)| Self::hop(number, hop, whole, output));
    }

    fn unknown(&mut self, host: &str, _reason: &str, at: Wall, output: &mut Output<'_>) {
        let (url, at) = (Tag(host), at.as_nanos());
        output.print(format_args!("traceroute,url={url} result_code=1i,reached=false {at}\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_are_escaped_in_a_tag() {
        let tag = |text| Tag(text).to_string();
        assert_eq!(tag("fe80::1%eth0"), "fe80::1%eth0");
        assert_eq!(tag("a, b=c"), "a\\,\\ b\\=c");
        assert_eq!(tag("a\\b\\\\"), "a\\b");
        assert_eq!(tag("a\nb\u{202e}"), "a\\x0ab\\u{202e}");
    }
}
