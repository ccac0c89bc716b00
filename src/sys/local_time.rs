//! The time of day in the time zone of the user (localtime(3)).

#![expect(unsafe_code, reason = "localtime_r")]

/// Hour, minute and second of a moment in seconds since 1970-01-01 UTC; `None`: the year is out of range.
pub fn local_time(seconds: i64) -> Option<[u8; 3]> {
    let time = libc::time_t::try_from(seconds).ok()?;
    // SAFETY: `tm` is plain data (integers and a pointer that is only read by others), for which all zeroes is a value.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both references live for the whole call. The environment, which names the time zone, is never changed here.
    let done = unsafe { libc::localtime_r(&raw const time, &raw mut parts) };
    let part = |number: i32| u8::try_from(number).ok();
    if done.is_null() {
        return None;
    }
    Some([part(parts.tm_hour)?, part(parts.tm_min)?, part(parts.tm_sec)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_a_time_of_day_and_the_end_of_time_has_none() {
        let [hour, minute, second] = local_time(1_795_359_487).unwrap();
        // Time zones differ by whole quarters of an hour.
        assert!(hour < 24 && minute % 15 == 58 % 15 && second == 7, "{hour}:{minute}:{second}");
        assert_eq!(local_time(i64::MAX), None);
    }
}
