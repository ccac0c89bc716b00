//! The text of an ICMP error, as iputils prints it, so that programs that parse it go on working.

use std::net::{IpAddr, Ipv4Addr};

use crate::wire::Family;
use crate::wire::icmp::Error;

/// The text of an error or notice. `node` is the text of an address in it.
pub fn phrase(error: &Error, node: impl FnOnce(IpAddr) -> String) -> String {
    match error.family {
        Family::V4 => phrase_v4(error, node),
        Family::V6 => phrase_v6(error),
    }
}

fn phrase_v4(error: &Error, node: impl FnOnce(IpAddr) -> String) -> String {
    let Error { icmp_type, code, info, .. } = *error;
    match (icmp_type, code) {
        (3, 4) => format!("Frag needed and DF set (mtu = {info})"),
        (3, _) => {
            unreachable_v4(code).map_or_else(|| format!("Dest Unreachable, Bad Code: {code}"), str::to_owned)
        }
        (4, _) => "Source Quench".to_owned(),
        (5, _) => {
            let what = match code {
                0 => "Redirect Network",
                1 => "Redirect Host",
                2 => "Redirect Type of Service and Network",
                3 => "Redirect Type of Service and Host",
                _ => &format!("Redirect, Bad Code: {code}"),
            };
            let gateway = node(IpAddr::V4(Ipv4Addr::from_bits(info)));
            format!("{what}(New nexthop: {gateway})")
        }
        (11, 0) => "Time to live exceeded".to_owned(),
        (11, 1) => "Frag reassembly time exceeded".to_owned(),
        (11, _) => format!("Time exceeded, Bad Code: {code}"),
        (12, _) => format!("Parameter problem: pointer = {info}"),
        _ => format!("Bad ICMP type: {icmp_type}"),
    }
}

/// Destination unreachable (RFC 792 page 4, RFC 1122 section 3.2.2.1, RFC 1812 section 5.2.7.1).
fn unreachable_v4(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "Destination Net Unreachable",
        1 => "Destination Host Unreachable",
        2 => "Destination Protocol Unreachable",
        3 => "Destination Port Unreachable",
        5 => "Source Route Failed",
        6 => "Destination Net Unknown",
        7 => "Destination Host Unknown",
        8 => "Source Host Isolated",
        9 => "Destination Net Prohibited",
        10 => "Destination Host Prohibited",
        11 => "Destination Net Unreachable for Type of Service",
        12 => "Destination Host Unreachable for Type of Service",
        13 => "Packet filtered",
        14 => "Precedence Violation",
        15 => "Precedence Cutoff",
        _ => return None,
    })
}

/// RFC 4443 section 3.
fn phrase_v6(error: &Error) -> String {
    let Error { icmp_type, code, info, .. } = *error;
    match icmp_type {
        1 => match unreachable_v6(code) {
            Some(why) => format!("Destination unreachable: {why}"),
            None => format!("Destination unreachable: Unknown code {code}"),
        },
        2 if code == 0 => format!("Packet too big: mtu={info}"),
        2 => format!("Packet too big: mtu={info}, code={code}"),
        3 => match code {
            0 => "Time exceeded: Hop limit".to_owned(),
            1 => "Time exceeded: Defragmentation failure".to_owned(),
            _ => format!("Time exceeded: code {code}"),
        },
        4 => {
            let what = match code {
                0 => "Wrong header field",
                1 => "Unknown header",
                2 => "Unknown option",
                _ => &format!("code {code}"),
            };
            format!("Parameter problem: {what} at {info}")
        }
        _ => format!("unknown icmp type: {icmp_type}"),
    }
}

/// Destination unreachable (RFC 4443 section 3.1).
fn unreachable_v6(code: u8) -> Option<&'static str> {
    Some(match code {
        0 => "No route",
        1 => "Administratively prohibited",
        2 => "Beyond scope of source address",
        3 => "Address unreachable",
        4 => "Port unreachable",
        5 => "Source address failed ingress/egress policy",
        6 => "Reject route to destination",
        _ => return None,
    })
}
