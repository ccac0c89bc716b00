//! IPv4 options of an answer as iputils prints them behind its line. Options come from the network:
//! whatever their lengths claim, nothing beyond their octets is read.

use std::net::{IpAddr, Ipv4Addr};

use crate::output::Output;
use crate::report::addresses::Addresses;

// RFC 791 section 3.1.
const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const RECORD_ROUTE: u8 = 7;
const TIMESTAMP: u8 = 68;
const LOOSE_SOURCE_ROUTE: u8 = 131;
const STRICT_SOURCE_ROUTE: u8 = 137;
/// Timestamps with no addresses between them.
const TIMESTAMPS_ONLY: u8 = 0;
/// Set in a timestamp that does not count milliseconds since midnight UT.
const NOT_STANDARD: u32 = 0x8000_0000;

/// Prints options, and remembers the route that the last answer recorded.
#[derive(Debug, Default)]
pub struct OptionsText {
    last_route: Vec<u8>,
}

impl OptionsText {
    /// Prints the options of one answer.
    pub fn print(&mut self, options: &[u8], addresses: &mut Addresses, output: &mut Output<'_>) {
        let mut rest = options;
        while let Some((&kind, after)) = rest.split_first() {
            match kind {
                END => return,
                NO_OPERATION => {
                    output.print(format_args!("\nNOP"));
                    rest = after;
                    continue;
                }
                _ => {}
            }
            let Some(len @ 2..) = after.first().copied() else { return };
            let Some((option, after)) = rest.split_at_checked(usize::from(len)) else { return };
            let body = option.get(2..).unwrap_or_default();
            match kind {
                LOOSE_SOURCE_ROUTE => source_route('L', body, addresses, output),
                STRICT_SOURCE_ROUTE => source_route('S', body, addresses, output),
                RECORD_ROUTE => self.record_route(body, addresses, output),
                TIMESTAMP => timestamps(body, addresses, output),
                _ => output.print(format_args!("\nunknown option {kind:x}")),
            }
            rest = after;
        }
    }

    fn record_route(&mut self, body: &[u8], addresses: &mut Addresses, output: &mut Output<'_>) {
        let route = recorded(body, 4, body.get(1..).unwrap_or_default());
        if route.is_empty() {
            return;
        }
        if self.last_route == route {
            output.print(format_args!("\t(same route)"));
            return;
        }
        self.last_route = route.to_vec();
        output.print(format_args!("\nRR: "));
        steps(route, addresses, output);
    }
}

fn source_route(kind: char, body: &[u8], addresses: &mut Addresses, output: &mut Output<'_>) {
    output.print(format_args!("\n{kind}SRR: "));
    steps(body.get(1..).unwrap_or_default(), addresses, output);
}

fn steps(route: &[u8], addresses: &mut Addresses, output: &mut Output<'_>) {
    for &step in route.as_chunks::<4>().0 {
        output.print(format_args!("\t{}\n", addresses.node(IpAddr::V4(Ipv4Addr::from(step)))));
    }
}

fn timestamps(body: &[u8], addresses: &mut Addresses, output: &mut Output<'_>) {
    let Some(&flags) = body.get(1) else { return };
    let with_addresses = flags & 0xf != TIMESTAMPS_ONLY;
    let words = recorded(body, 5, body.get(2..).unwrap_or_default()).as_chunks::<4>().0;
    if words.is_empty() {
        return;
    }
    output.print(format_args!("\nTS: "));
    // The one before, of the same kind; zero counts as none, as it does for iputils.
    let (mut standard, mut other) = (0_i64, 0_i64);
    let mut is_address = with_addresses;
    for &word in words {
        if is_address {
            output.print(format_args!("\t{}", addresses.node(IpAddr::V4(Ipv4Addr::from(word)))));
            is_address = false;
            continue;
        }
        is_address = with_addresses;
        let stamp = u32::from_be_bytes(word);
        let value = i64::from(stamp & !NOT_STANDARD);
        match (stamp & NOT_STANDARD != 0, standard, other) {
            (false, 0, _) => output.print(format_args!("\t{value} absolute\n")),
            (false, before, _) => output.print(format_args!("\t{}\n", value - before)),
            (true, _, 0) => output.print(format_args!("\t{value} absolute not-standard\n")),
            (true, _, before) => output.print(format_args!("\t{} not-standard\n", value - before)),
        }
        *(if stamp & NOT_STANDARD != 0 { &mut other } else { &mut standard }) = value;
    }
    if flags >> 4 > 0 {
        output.print(format_args!("Unrecorded hops: {}\n", flags >> 4));
    }
}

/// The part of `slots` that is filled: `body` begins with the option's pointer, which counts octets from
/// the option's first one, from 1; `first` is its value while no slot is filled.
fn recorded<'a>(body: &[u8], first: usize, slots: &'a [u8]) -> &'a [u8] {
    let pointer = body.first().copied().map_or(0, usize::from);
    let filled = pointer.saturating_sub(first).min(slots.len());
    slots.get(..filled - filled % 4).unwrap_or_default()
}
