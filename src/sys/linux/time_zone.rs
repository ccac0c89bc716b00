//! The time zone of the user.

#![expect(unsafe_code, reason = "localtime_r, which reads the rules of the time zone")]

/// Seconds that local time is ahead of UTC, at a time in seconds since 1970. Zero where that is not known.
pub(crate) fn utc_offset(seconds: i64) -> i32 {
    // SAFETY: all fields of `tm` are numbers and a pointer, for which zero is valid.
    let mut local: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to values that live until the call returns, and it keeps neither.
    let found = unsafe { libc::localtime_r(&seconds, &mut local) };
    if found.is_null() { 0 } else { i32::try_from(local.tm_gmtoff).unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_whole_quarters_of_an_hour_ahead_and_at_the_end_of_time_there_is_none() {
        assert_eq!(utc_offset(1_795_359_487) % 900, 0);
        assert_eq!(utc_offset(i64::MAX), 0);
    }
}
