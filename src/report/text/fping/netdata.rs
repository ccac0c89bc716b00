//! The figures of a window in the format of Netdata's plugins, as fping prints them.

use std::time::Duration;

use super::counts::{percent, resolved};
use crate::output::Output;
use crate::stats::Figures;

/// Prints the figures of one target, of a window that is `every` long; `describe`: the charts too, which stand before the
/// first ones. The name is in it twice: as it is, and with `_` for what is neither a letter nor a digit.
pub fn print(host: &str, every: Duration, figures: &dyn Figures, describe: bool, output: &mut Output<'_>) {
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
        if describe { text } else { String::new() }
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
