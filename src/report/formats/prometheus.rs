//! The text format of Prometheus, with the names of ping_exporter: gauges of the run, or of the last window.
//!
//! All samples of a metric stand together, so the rows are walked through once for each metric.

use std::fmt;
use std::net::IpAddr;

use super::number::seconds;
use super::ping::{Document, HostFigures, HostName, HostRow, Whole};
use super::trace::{TraceDocument, TraceWhole};
use crate::clock::{Wall, nanos};
use crate::engine::trace::event::Ending;
use crate::escape::escape;
use crate::output::Output;
use crate::stats::{Hop, Moments};

/// The value of a label.
pub(super) struct Label<'a>(pub &'a str);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of what must be escaped, no line feed is left.
        f.write_str(&escape(self.0).replace('\\', "\\\\").replace('"', "\\\""))
    }
}

/// Prints the lines before the samples of a metric.
pub(super) fn head(name: &str, help: &str, output: &mut Output<'_>) {
    output.print(format_args!("# HELP {name} {help}\n# TYPE {name} gauge\n"));
}

/// A metric of a host: its name, its help, and its samples.
struct Metric {
    name: &'static str,
    help: &'static str,
    value: Value,
}

/// What a metric shows.
enum Value {
    /// A time in nanoseconds, if there is an answer.
    Time(fn(HostFigures<'_>) -> Option<u64>),
    /// Percentiles, if there is an answer.
    Percentiles,
    /// The loss, if it is known.
    Loss,
    /// A count.
    Count(fn(HostFigures<'_>) -> u64),
    /// That the host was not found.
    Unknown,
}

const METRICS: [Metric; 12] = [
    Metric {
        name: "ping_rtt_best_seconds",
        help: "Best round trip time in seconds",
        value: Value::Time(|host| Some(host.figures.rtt().min())),
    },
    Metric {
        name: "ping_rtt_worst_seconds",
        help: "Worst round trip time in seconds",
        value: Value::Time(|host| Some(host.figures.rtt().max())),
    },
    Metric {
        name: "ping_rtt_mean_seconds",
        help: "Mean round trip time in seconds",
        value: Value::Time(|host| Some(host.figures.rtt().mean())),
    },
    Metric {
        name: "ping_rtt_std_deviation_seconds",
        help: "Standard deviation in seconds",
        value: Value::Time(|host| Some(host.figures.rtt().deviation())),
    },
    Metric {
        name: "ping_rtt_percentile_seconds",
        help: "Percentiles of the round trip time in seconds",
        value: Value::Percentiles,
    },
    Metric {
        name: "ping_jitter_seconds",
        help: "Interarrival jitter (RFC 3550) in seconds",
        value: Value::Time(|host| host.jitter()),
    },
    Metric { name: "ping_loss_ratio", help: "Packet loss from 0.0 to 1.0", value: Value::Loss },
    Metric {
        name: "ping_packets_transmitted",
        help: "Probes sent",
        value: Value::Count(|host| host.figures.sent()),
    },
    Metric {
        name: "ping_packets_received",
        help: "Probes answered",
        value: Value::Count(|host| host.figures.received()),
    },
    Metric {
        name: "ping_packets_lost",
        help: "Probes lost",
        value: Value::Count(|host| host.figures.lost()),
    },
    Metric {
        name: "ping_packets_not_sent",
        help: "Probes that this machine could not send",
        value: Value::Count(|host| host.figures.not_sent()),
    },
    Metric { name: "ping_target_unknown", help: "1 for a host that was not found", value: Value::Unknown },
];

/// The metrics of a ping. `ping_up` of ping_exporter is not among them: it has no target, and node_exporter refuses two
/// files with the same series.
#[derive(Debug, Default)]
pub struct PrometheusPing {
    /// Whether the lines before the samples of this pass are printed.
    headed: bool,
}

/// The labels of a host.
struct Labels<'a>(&'a HostName<'a>);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(name) = self;
        write!(f, "target=\"{}\"", Label(&name.host))?;
        if let Some(address) = name.address {
            let version = if address.is_ipv4() { 4 } else { 6 };
            let ip = name.addr().unwrap_or_default();
            write!(f, ",ip=\"{}\",ip_version=\"{version}\"", Label(&ip))?;
        }
        name.label.map_or(Ok(()), |label| write!(f, ",label=\"{}\"", Label(label)))
    }
}

impl PrometheusPing {
    /// Prints a sample, and before the first one of a metric what stands before it.
    fn sample(&mut self, metric: &Metric, labels: fmt::Arguments<'_>, value: f64, output: &mut Output<'_>) {
        let Metric { name, help, .. } = metric;
        if !std::mem::replace(&mut self.headed, true) {
            head(name, help, output);
        }
        output.print(format_args!("{name}{{{labels}}} {value}\n"));
    }
}

impl Document for PrometheusPing {
    fn passes(&self) -> usize {
        METRICS.len()
    }

    fn begin_pass(&mut self, _pass: usize, _whole: &Whole<'_>, _output: &mut Output<'_>) {
        self.headed = false;
    }

    fn row(&mut self, pass: usize, row: &HostRow<'_>, _whole: &Whole<'_>, output: &mut Output<'_>) {
        let Some(metric) = METRICS.get(pass) else { return };
        let labels = Labels(&row.name);
        let answered = row.figures.ok().filter(|host| host.figures.is_timed());
        let value = match (&metric.value, row.figures) {
            (Value::Percentiles, _) => {
                let Some(host) = answered else { return };
                for percent in [50, 90, 95, 99] {
                    if let Some(nanos) = host.figures.percentile(percent) {
                        let labels = format_args!("{labels},percentile=\"{percent}\"");
                        self.sample(metric, labels, seconds(nanos), output);
                    }
                }
                return;
            }
            (Value::Time(time), _) => answered.and_then(time).map(seconds),
            (Value::Loss, Ok(host)) => host.figures.loss().map(|loss| loss.fraction()),
            (Value::Count(count), Ok(host)) => Some(count(host) as f64),
            (Value::Unknown, Err(_)) => Some(1.0),
            (Value::Unknown, Ok(_)) | (Value::Loss | Value::Count(_), Err(_)) => None,
        };
        if let Some(value) = value {
            self.sample(metric, format_args!("{labels}"), value, output);
        }
    }

    fn end(&mut self, _whole: &Whole<'_>, output: &mut Output<'_>) {
        output.end_document();
    }
}

/// The metrics of a traceroute.
#[derive(Debug, Default)]
pub struct PrometheusTrace;

/// A metric of a hop.
struct HopMetric {
    name: &'static str,
    help: &'static str,
    value: fn(&Hop) -> Option<f64>,
}

const HOP_METRICS: [HopMetric; 7] = [
    HopMetric {
        name: "traceroute_hop_rtt_best_seconds",
        help: "Best round trip time in seconds",
        value: |hop| time(hop, Moments::min),
    },
    HopMetric {
        name: "traceroute_hop_rtt_worst_seconds",
        help: "Worst round trip time in seconds",
        value: |hop| time(hop, Moments::max),
    },
    HopMetric {
        name: "traceroute_hop_rtt_mean_seconds",
        help: "Mean round trip time in seconds",
        value: |hop| time(hop, Moments::mean),
    },
    HopMetric {
        name: "traceroute_hop_rtt_std_deviation_seconds",
        help: "Standard deviation in seconds",
        value: |hop| time(hop, Moments::deviation),
    },
    HopMetric {
        name: "traceroute_hop_loss_ratio",
        help: "Packet loss from 0.0 to 1.0",
        value: |hop| hop.loss().map(|loss| loss.fraction()),
    },
    HopMetric {
        name: "traceroute_hop_packets_transmitted",
        help: "Probes sent",
        value: |hop| Some(hop.sent as f64),
    },
    HopMetric {
        name: "traceroute_hop_packets_received",
        help: "Probes answered",
        value: |hop| Some(hop.received as f64),
    },
];

/// A figure of the round-trip times, if there is an answer.
fn time(hop: &Hop, figure: fn(&Moments) -> u64) -> Option<f64> {
    (hop.received > 0).then(|| seconds(figure(&hop.rtt)))
}

impl PrometheusTrace {
    fn hops(labels: &str, whole: &TraceWhole<'_>, output: &mut Output<'_>) {
        for HopMetric { name, help, value } in &HOP_METRICS {
            let mut headed = false;
            for (number, hop) in whole.trace.account.hops.iter() {
                let Some(value) = value(hop) else { continue };
                if !std::mem::replace(&mut headed, true) {
                    head(name, help, output);
                }
                output.print(format_args!("{name}{{{labels},hop=\"{number}\"}} {value}\n"));
            }
        }
    }

    /// Who answered, in a metric of its own: a path that changes does not begin new series of figures.
    fn responders(labels: &str, whole: &TraceWhole<'_>, output: &mut Output<'_>) {
        let name = "traceroute_hop_info";
        let all = |(number, hop): (u8, &Hop)| {
            let shown = |address: &IpAddr| (number, whole.trace.shown(*address));
            hop.responders.iter().map(shown).collect::<Vec<_>>()
        };
        for (place, (number, responder)) in whole.trace.account.hops.iter().flat_map(all).enumerate() {
            if place == 0 {
                head(name, "Addresses that answered", output);
            }
            let responder = Label(&responder);
            output.print(format_args!("{name}{{{labels},hop=\"{number}\",responder=\"{responder}\"}} 1\n"));
        }
    }
}

impl TraceDocument for PrometheusTrace {
    fn end(&mut self, whole: &TraceWhole<'_>, output: &mut Output<'_>) {
        let (account, target) = (whole.trace.account, whole.start.target);
        let version = if target.is_ipv4() { 4 } else { 6 };
        let (host, ip) = (Label(&whole.start.host), whole.trace.shown(target));
        let labels = format!("target=\"{host}\",ip=\"{}\",ip_version=\"{version}\"", Label(&ip));
        let reached = if account.ending() == Ending::Reached { 1.0 } else { 0.0 };
        for (name, help, value) in [
            ("traceroute_reached", "Whether the target was reached", reached),
            ("traceroute_hops", "The last hop of the trace", account.last_hop.into()),
            (
                "traceroute_duration_seconds",
                "Duration of the trace in seconds",
                seconds(nanos(account.duration())),
            ),
        ] {
            head(name, help, output);
            output.print(format_args!("{name}{{{labels}}} {value}\n"));
        }
        Self::hops(&labels, whole, output);
        Self::responders(&labels, whole, output);
        output.end_document();
    }

    fn unknown(&mut self, host: &str, _reason: &str, _at: Wall, output: &mut Output<'_>) {
        let name = "traceroute_target_unknown";
        head(name, "1 for a host that was not found", output);
        output.print(format_args!("{name}{{target=\"{}\"}} 1\n", Label(host)));
        output.end_document();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_and_backslashes_of_a_label_are_escaped() {
        let label = |text| Label(text).to_string();
        assert_eq!(label("web 1, rack=2"), "web 1, rack=2");
        assert_eq!(label("a\"b\\c"), "a\\\"b\\\\c");
        assert_eq!(label("a\nb"), "a\\\\x0ab");
    }
}
