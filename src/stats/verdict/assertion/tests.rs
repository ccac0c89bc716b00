use proptest::prelude::*;

use super::*;
use crate::stats::verdict::field::{PING, TRACEROUTE};

fn ping(text: &str) -> Result<String, (usize, String)> {
    let parsed = Assertion::parse(text, "ping", &PING);
    parsed.map(|assertion| assertion.to_string()).map_err(|fault| (fault.at, fault.reason))
}

fn refused(text: &str) -> (usize, String) {
    ping(text).expect_err(text)
}

#[test]
fn clauses_are_read_and_printed_as_they_were_written() {
    let same = [
        "loss<=1%,p95<50ms,jitter<5ms,received>=3",
        "sent=10",
        "loss!=0.000001%",
        "min>0.05s,avg<1.5ms,max<2000us,mdev<=0.001us,p50<1s,p90<1s,p99<1s",
        "duplicates=0,errors=0,burst<2",
        "received<18446744073709551615",
    ];
    for text in same {
        assert_eq!(ping(text).as_deref(), Ok(text));
    }
    let written_otherwise = [
        (" loss <= 1 % ", None),
        ("loss <= 1% , p95 < 50ms ", Some("loss<=1%,p95<50ms")),
        ("sent==3", Some("sent=3")),
        ("p95<50µs", Some("p95<50us")),
        ("p95<050.500ms", Some("p95<50.5ms")),
    ];
    for (text, printed) in written_otherwise {
        assert_eq!(ping(text).ok().as_deref(), printed, "{text}");
    }
    let trace =
        |text| Assertion::parse(text, "traceroute", &TRACEROUTE).map(|assertion| assertion.to_string());
    let text = "hops<=12,reached,rtt<80ms,min<1s,avg<1s,max<1s";
    assert_eq!(trace(text).as_deref(), Ok(text));
}

const FIELDS: &str =
    "sent, received, loss, duplicates, errors, min, avg, max, mdev, p50, p90, p95, p99, jitter, burst";

#[test]
fn a_fault_is_named_with_its_place_and_what_is_allowed() {
    let faults = [
        ("", 0, format!("expected a field of ping: {FIELDS}")),
        ("loss<1%,,p95<1ms", 8, format!("expected a field of ping: {FIELDS}")),
        ("loss<1%,", 8, format!("expected a field of ping: {FIELDS}")),
        ("loss<1%, p96<1ms", 9, format!("p96 is not a field; those of ping are {FIELDS}")),
        ("hops<=12", 0, format!("ping does not measure hops; its fields are {FIELDS}")),
        ("loss 1%", 5, "expected a comparison: <, <=, =, !=, >= or >".to_owned()),
        ("loss", 4, "expected a comparison: <, <=, =, !=, >= or >".to_owned()),
        ("loss<=1", 7, "loss needs a percentage, such as 1%".to_owned()),
        ("loss<=x%", 6, "loss needs a percentage, such as 1%".to_owned()),
        ("loss<=0.0000001%", 6, "loss needs a percentage, such as 1%".to_owned()),
        ("p95<50", 6, "p95 needs a time with its unit (us, ms or s), such as 50ms".to_owned()),
        ("p95<50m", 6, "p95 needs a time with its unit (us, ms or s), such as 50ms".to_owned()),
        ("p95<.5ms", 4, "p95 needs a time with its unit (us, ms or s), such as 50ms".to_owned()),
        ("p95<1.2.3ms", 4, "p95 needs a time with its unit (us, ms or s), such as 50ms".to_owned()),
        ("p95<99999999999s", 4, "p95 needs a time with its unit (us, ms or s), such as 50ms".to_owned()),
        ("received>=2.5", 10, "received needs a whole number, such as 3".to_owned()),
        ("received>=-1", 10, "received needs a whole number, such as 3".to_owned()),
        ("received>=3%", 11, "expected a comma and another clause, or the end".to_owned()),
        ("p95<50ms p99<1s", 9, "expected a comma and another clause, or the end".to_owned()),
        ("p95<50mss", 8, "expected a comma and another clause, or the end".to_owned()),
        ("loss<0%", 0, "loss<0% never holds: loss is from 0% to 100%".to_owned()),
        ("sent=1, loss>100%", 8, "loss>100% never holds: loss is from 0% to 100%".to_owned()),
        ("loss=101%", 0, "loss=101% never holds: loss is from 0% to 100%".to_owned()),
        ("min<0ms", 0, "min<0ms never holds: it is never below 0".to_owned()),
    ];
    for (text, at, reason) in faults {
        assert_eq!(refused(text), (at, reason), "{text}");
    }
    let trace = |text| Assertion::parse(text, "traceroute", &TRACEROUTE).unwrap_err();
    let fields = "hops, reached, rtt, min, avg, max";
    assert_eq!(trace("loss<1%").reason, format!("traceroute does not measure loss; its fields are {fields}"));
    assert_eq!(trace("hops<1").reason, "hops<1 never holds: hops are from 1 to 255");
    let flag = trace("reached=yes");
    assert_eq!((flag.at, flag.reason.as_str()), (7, "reached is compared with nothing: write reached alone"));
}

#[test]
fn the_place_of_a_clause_is_behind_its_comma_and_blanks() {
    let text = "loss<1%, sent=3,p95<1ms";
    assert_eq!([0, 1, 2].map(|clause| &text[place(text, clause)..][..4]), ["loss", "sent", "p95<"]);
}

fn any_clause() -> impl Strategy<Value = Clause> {
    let comparisons = [
        Comparison::Less,
        Comparison::AtMost,
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::AtLeast,
        Comparison::Greater,
    ];
    let times = [Unit::Micros, Unit::Millis, Unit::Seconds];
    let parts = (
        prop::sample::select(Field::ALL.to_vec()),
        prop::sample::select(comparisons.to_vec()),
        prop::sample::select(times.to_vec()),
        any::<u64>(),
        0..64_u32,
    );
    parts.prop_map(|(field, comparison, time, value, shift)| {
        let unit = match field.kind() {
            Kind::Count => Unit::One,
            Kind::Percent => Unit::Percent,
            Kind::Time => time,
            Kind::Flag => return Clause { field, limit: None },
        };
        Clause { field, limit: Some((comparison, Limit { value: value >> shift, unit })) }
    })
}

proptest! {
    #[test]
    fn what_is_printed_is_parsed_again(
        clauses in prop::collection::vec(any_clause().prop_filter("it can hold", |c| !c.never_holds()), 1..6),
    ) {
        let assertion = Assertion(clauses);
        let parsed = Assertion::parse(&assertion.to_string(), "any", &Field::ALL);
        prop_assert_eq!(parsed, Ok(assertion));
    }

    #[test]
    fn no_text_does_harm(text in any::<String>()) {
        if let Err(fault) = Assertion::parse(&text, "any", &Field::ALL) {
            prop_assert!(text.is_char_boundary(fault.at), "{} in {:?}", fault.at, text);
        }
    }

    #[test]
    fn no_damaged_assertion_does_harm(
        mut text in "(loss|p95|hops|reached|jitter|received)?[<>=! ]{0,3}[0-9.]{0,12}(ms|%|µs|s)?(,)?.{0,4}",
        cut in any::<prop::sample::Index>(),
    ) {
        let at = (0..=cut.index(text.len() + 1)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(at);
        match Assertion::parse(&text, "any", &Field::ALL) {
            Ok(assertion) => {
                let printed = assertion.to_string();
                prop_assert_eq!(Assertion::parse(&printed, "any", &Field::ALL), Ok(assertion));
            }
            Err(fault) => prop_assert!(text.is_char_boundary(fault.at)),
        }
    }
}
