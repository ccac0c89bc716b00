//! The annotations of traceroute(8) behind an address and behind a time.

use crate::wire::Family;
use crate::wire::icmp::Error;
use crate::wire::tcp::FLAG_NAMES;

/// The annotation of an error; `None` for those of every trace: TTL exceeded on the path, and port
/// unreachable where it shows that the probe `arrived` at the target.
pub fn mark(error: &Error, arrived: bool) -> Option<String> {
    let Error { family, icmp_type, code, .. } = *error;
    if error.is_ttl_exceeded() {
        return None;
    }
    if let Some(mtu) = error.mtu() {
        return Some(format!("!F-{mtu}"));
    }
    let letter = match (family, icmp_type, code) {
        (Family::V4, 3, 3) | (Family::V6, 1, 4) if arrived => return None,
        // RFC 792 page 4, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1.
        (Family::V4, 3, 0 | 6 | 8 | 11) => 'N',
        (Family::V4, 3, 1 | 7 | 12) => 'H',
        (Family::V4, 3, 2) => 'P',
        (Family::V4, 3, 5) => 'S',
        (Family::V4, 3, 9 | 10 | 13) => 'X',
        (Family::V4, 3, 14) => 'V',
        (Family::V4, 3, 15) => 'C',
        // RFC 4443 section 3.1.
        (Family::V6, 1, 0) => 'N',
        (Family::V6, 1, 1) => 'X',
        (Family::V6, 1, 2 | 3) => 'H',
        (Family::V4, 3, _) | (Family::V6, 1, _) => return Some(format!("!<{code}>")),
        _ => return Some(format!("!<{icmp_type}-{code}>")),
    };
    Some(format!("!{letter}"))
}

/// The flags of a TCP segment.
pub fn flags(flags: u16) -> String {
    let set = FLAG_NAMES.iter().enumerate().filter(|(bit, _)| flags & (1 << bit) != 0);
    set.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

/// The length of the return path in hops, estimated as traceroute(8) does: systems start at 64, 128 or 255.
pub fn hops_back(hop_limit: u8) -> u16 {
    let start = match hop_limit {
        0..=64 => 65,
        65..=128 => 129,
        129.. => 256,
    };
    start - u16::from(hop_limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks(family: Family, icmp_type: u8, codes: std::ops::RangeInclusive<u8>) -> String {
        let mark = |code| mark(&Error { family, icmp_type, code, info: 1400 }, true);
        codes.map(|code| mark(code).unwrap_or_else(|| "-".into())).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_error_has_the_mark_of_traceroute() {
        let v4 = |icmp_type, codes| marks(Family::V4, icmp_type, codes);
        assert_eq!(v4(3, 0..=16), "!N !H !P - !F-1400 !S !N !H !N !X !X !N !H !X !V !C !<16>");
        assert_eq!(v4(11, 0..=2), "- !<11-1> !<11-2>");
        assert_eq!(v4(12, 0..=0), "!<12-0>");
        assert_eq!(v4(5, 1..=1), "!<5-1>");
        let v6 = |icmp_type, codes| marks(Family::V6, icmp_type, codes);
        assert_eq!(v6(1, 0..=7), "!N !X !H !H - !<5> !<6> !<7>");
        assert_eq!(v6(2, 0..=0), "!F-1400");
        assert_eq!(v6(3, 0..=1), "- !<3-1>");
        assert_eq!(v6(4, 0..=2), "!<4-0> !<4-1> !<4-2>");
    }

    #[test]
    fn port_unreachable_of_another_host_than_the_target_is_marked_by_its_code() {
        let mark = |family, icmp_type, code| mark(&Error { family, icmp_type, code, info: 0 }, false);
        assert_eq!(mark(Family::V4, 3, 3).as_deref(), Some("!<3>"));
        assert_eq!(mark(Family::V6, 1, 4).as_deref(), Some("!<4>"));
        assert_eq!(mark(Family::V4, 11, 0), None);
    }

    #[test]
    fn flags_are_named_from_the_lowest_bit_on() {
        assert_eq!(flags(0x12), "syn,ack");
        assert_eq!(flags(0x14), "rst,ack");
        assert_eq!(flags(0xff), "fin,syn,rst,psh,ack,urg,ece,cwr");
        assert_eq!(flags(0), "");
    }

    #[test]
    fn the_way_back_is_counted_from_what_systems_start_with() {
        let counted = [64, 63, 1, 0, 65, 128, 129, 255].map(hops_back);
        assert_eq!(counted, [1, 2, 64, 65, 64, 1, 127, 1]);
    }
}
