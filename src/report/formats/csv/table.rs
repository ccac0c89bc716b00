//! The figures of each host.

use super::record::Record;
use crate::clock::nanos;
use crate::output::Output;
use crate::report::formats::ping::{Document, HostRow, Whole};
use crate::report::json::rfc3339;

/// The columns of figures.
const FIGURES: &str = "time,host,address,label,window_ms,transmitted,received,lost,late,not_sent,in_flight,loss_pct,\
                       loss_burst,min_ms,avg_ms,max_ms,mdev_ms,p50_ms,p90_ms,p95_ms,p99_ms,jitter_ms,diff_avg_ms,\
                       diff_max_ms,reason";

/// A record for each host, at the end or in each window.
#[derive(Debug, Default)]
pub struct CsvTable {
    begun: bool,
}

impl Document for CsvTable {
    fn begin_pass(&mut self, _pass: usize, _whole: &Whole<'_>, output: &mut Output<'_>) {
        if !std::mem::replace(&mut self.begun, true) {
            output.print(format_args!("{FIGURES}\r\n"));
        }
    }

    fn row(&mut self, _pass: usize, row: &HostRow<'_>, whole: &Whole<'_>, output: &mut Output<'_>) {
        let host = row.figures.ok();
        let all = host.map(|host| host.figures);
        let times = all.filter(|figures| figures.is_timed());
        let rtt = times.map(|figures| figures.rtt());
        let run = host.and_then(|host| host.run);
        let jitter = host.and_then(|host| host.jitter()).filter(|_| times.is_some());
        // Those of a window are not known.
        let neighbours = run.filter(|_| whole.window.is_none()).map(|row| row.neighbours());
        let burst = host.filter(|_| whole.window.is_none()).map(|host| match host.run {
            Some(row) => row.burst(),
            None => whole.account.burst(),
        });
        // A window does not know it.
        let of_run = whole.window.is_none() || whole.account.window().is_none();
        let in_flight = all.filter(|_| of_run).map(|figures| figures.in_flight());
        let loss = all.and_then(|figures| figures.loss()).map(|loss| loss.percent().to_string());
        let mut record = Record::new(output);
        record
            .text(&rfc3339(whole.at))
            .text(&row.name.host)
            .maybe(row.name.addr().as_deref())
            .maybe(row.name.label)
            .millis(whole.window.map(|span| nanos(span.duration())))
            .number(all.map(|figures| figures.sent()))
            .number(all.map(|figures| figures.received()))
            .number(all.map(|figures| figures.lost()))
            .number(all.map(|figures| figures.late()))
            .number(all.map(|figures| figures.not_sent()))
            .number(in_flight)
            .maybe(loss.as_deref())
            .number(burst)
            .millis(rtt.map(|rtt| rtt.min()))
            .millis(rtt.map(|rtt| rtt.mean()))
            .millis(rtt.map(|rtt| rtt.max()))
            .millis(rtt.map(|rtt| rtt.deviation()));
        for percent in [50, 90, 95, 99] {
            record.millis(times.and_then(|figures| figures.percentile(percent)));
        }
        record
            .millis(jitter)
            .millis(neighbours.and_then(|times| times.mean()))
            .millis(neighbours.and_then(|times| times.max()))
            .maybe(row.figures.err())
            .end();
    }
}
