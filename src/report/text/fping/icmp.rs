//! The names of ICMP errors in fping's text.

use crate::report::phrases;
use crate::wire::Family;
use crate::wire::icmp::Error;

/// The name of an error or notice. fping has none for ICMPv6.
pub fn name(error: &Error) -> String {
    let Error { family, icmp_type, code, .. } = *error;
    match (family, icmp_type) {
        (Family::V6, _) => format!("ICMPv6 {}", phrases::phrase(error, |node| node.to_string())),
        (Family::V4, 3) => match unreachable(code) {
            Some((true, what)) => format!("ICMP {what} Unreachable"),
            Some((false, why)) => format!("ICMP Unreachable ({why})"),
            None => "ICMP Unreachable (Invalid Code)".to_owned(),
        },
        (Family::V4, 4) => "ICMP Source Quench".to_owned(),
        (Family::V4, 5) => "ICMP Redirect".to_owned(),
        (Family::V4, 11) => "ICMP Time Exceeded".to_owned(),
        (Family::V4, 12) => "ICMP Parameter Problem".to_owned(),
        (Family::V4, icmp_type) => format!("ICMP {icmp_type}"),
    }
}

/// Destination unreachable (RFC 792 page 4, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1): what is, or (`false`)
/// why.
const fn unreachable(code: u8) -> Option<(bool, &'static str)> {
    Some(match code {
        0 => (true, "Network"),
        1 => (true, "Host"),
        2 => (true, "Protocol"),
        3 => (true, "Port"),
        4 => (false, "Fragmentation Needed"),
        5 => (false, "Source Route Failed"),
        6 => (false, "Destination Network Unknown"),
        7 => (false, "Destination Host Unknown"),
        8 => (false, "Source Host Isolated"),
        9 => (false, "Communication with Network Prohibited"),
        10 => (false, "Communication with Host Prohibited"),
        11 => (false, "Network Unreachable For Type Of Service"),
        12 => (false, "Host Unreachable For Type Of Service"),
        13 => (false, "Communication Administratively Prohibited"),
        14 => (false, "Host Precedence Violation"),
        15 => (false, "Precedence cutoff in effect"),
        _ => return None,
    })
}
