//! The figures of each host.

use std::borrow::Cow;

use super::record::{record, value};
use crate::output::Output;
use crate::report::formats::number::{Millis, nanos};
use crate::report::formats::ping::{Document, HostRow, Whole};
use crate::report::json::rfc3339;

/// The columns of figures.
const FIGURES: &str = "time,host,address,label,window_ms,transmitted,received,lost,late,not_sent,in_flight,loss_pct,min_ms,\
                       avg_ms,max_ms,mdev_ms,p50_ms,p90_ms,p95_ms,p99_ms,jitter_ms,reason";

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
        let figures = row.figures.ok();
        let (all, jitter) =
            (figures.map(|figures| figures.figures), figures.and_then(|figures| figures.jitter));
        let times = all.filter(|figures| figures.received() > 0);
        let rtt = times.map(|figures| figures.rtt());
        let percentile = |percent| value(times.and_then(|figures| figures.percentile(percent)).map(Millis));
        let window = whole.window.map(|span| Millis(nanos(span.duration())));
        let fields = [
            Cow::Owned(rfc3339(whole.at)),
            Cow::Borrowed(row.name.host.as_str()),
            value(row.name.addr()),
            Cow::Borrowed(row.name.label.unwrap_or_default()),
            value(window),
            value(all.map(|figures| figures.sent())),
            value(all.map(|figures| figures.received())),
            value(all.map(|figures| figures.lost())),
            value(all.map(|figures| figures.late())),
            value(all.map(|figures| figures.not_sent())),
            value(all.map(|figures| figures.in_flight())),
            value(all.and_then(|figures| figures.loss()).map(|loss| loss.percent())),
            value(rtt.map(|rtt| Millis(rtt.min()))),
            value(rtt.map(|rtt| Millis(rtt.mean()))),
            value(rtt.map(|rtt| Millis(rtt.max()))),
            value(rtt.map(|rtt| Millis(rtt.deviation()))),
            percentile(50),
            percentile(90),
            percentile(95),
            percentile(99),
            value(jitter.filter(|_| times.is_some()).map(|jitter| Millis(nanos(jitter)))),
            Cow::Borrowed(row.figures.err().unwrap_or_default()),
        ];
        record(fields, output);
    }
}
