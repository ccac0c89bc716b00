//! IPv4 options of an answer as iputils prints them behind its line. It parses nothing itself.

use std::net::{IpAddr, Ipv4Addr};

use crate::output::Output;
use crate::report::addresses::Addresses;
use crate::wire::ipv4::options::{self, Ipv4Option, RouteOption, TimestampOption};

/// Timestamps with no addresses between them.
const TIMESTAMPS_ONLY: u8 = 0;
/// Set in a timestamp that does not count milliseconds since midnight UT.
const NOT_STANDARD: u32 = 0x8000_0000;

/// Prints options, and remembers the route that the last answer recorded.
#[derive(Debug, Default)]
pub struct OptionsText {
    last_route: Vec<Ipv4Addr>,
}

impl OptionsText {
    /// Prints the options of one answer.
    pub fn print(&mut self, options: &[u8], addresses: &mut Addresses, output: &mut Output<'_>) {
        for option in options::walk(options) {
            match option {
                Ipv4Option::Nop => output.print(format_args!("\nNOP")),
                Ipv4Option::LooseRoute(route) => source_route('L', route.addresses(), addresses, output),
                Ipv4Option::StrictRoute(route) => source_route('S', route.addresses(), addresses, output),
                Ipv4Option::RecordRoute(route) => self.record_route(route, addresses, output),
                Ipv4Option::Timestamp(stamps) => timestamps(stamps, addresses, output),
                // Of known kinds, those without a pointer: a source route without steps; of the others, nothing.
                Ipv4Option::Other { kind: options::LOOSE_ROUTE, .. } => {
                    output.print(format_args!("\nLSRR: "))
                }
                Ipv4Option::Other { kind: options::STRICT_ROUTE, .. } => {
                    output.print(format_args!("\nSSRR: "))
                }
                Ipv4Option::Other { kind: options::RECORD_ROUTE | options::TIMESTAMP, .. } => {}
                Ipv4Option::Other { kind, .. } => output.print(format_args!("\nunknown option {kind:x}")),
            }
        }
    }

    fn record_route(&mut self, route: RouteOption<'_>, addresses: &mut Addresses, output: &mut Output<'_>) {
        let route: Vec<_> = route.recorded().collect();
        if route.is_empty() {
            return;
        }
        if self.last_route == route {
            output.print(format_args!("\t(same route)"));
            return;
        }
        output.print(format_args!("\nRR: "));
        steps(route.iter().copied(), addresses, output);
        self.last_route = route;
    }
}

fn source_route(
    kind: char,
    route: impl Iterator<Item = Ipv4Addr>,
    addresses: &mut Addresses,
    output: &mut Output<'_>,
) {
    output.print(format_args!("\n{kind}SRR: "));
    steps(route, addresses, output);
}

fn steps(route: impl Iterator<Item = Ipv4Addr>, addresses: &mut Addresses, output: &mut Output<'_>) {
    for step in route {
        output.print(format_args!("\t{}\n", addresses.node(IpAddr::V4(step))));
    }
}

fn timestamps(stamps: TimestampOption<'_>, addresses: &mut Addresses, output: &mut Output<'_>) {
    let with_addresses = stamps.flag != TIMESTAMPS_ONLY;
    let mut words = stamps.words().peekable();
    if words.peek().is_none() {
        return;
    }
    output.print(format_args!("\nTS: "));
    // The one before, of the same kind; zero counts as none, as it does for iputils.
    let (mut standard, mut other) = (0_i64, 0_i64);
    let mut is_address = with_addresses;
    for word in words {
        if is_address {
            output.print(format_args!("\t{}", addresses.node(IpAddr::V4(Ipv4Addr::from(word)))));
            is_address = false;
            continue;
        }
        is_address = with_addresses;
        let value = i64::from(word & !NOT_STANDARD);
        match (word & NOT_STANDARD != 0, standard, other) {
            (false, 0, _) => output.print(format_args!("\t{value} absolute\n")),
            (false, before, _) => output.print(format_args!("\t{}\n", value - before)),
            (true, _, 0) => output.print(format_args!("\t{value} absolute not-standard\n")),
            (true, _, before) => output.print(format_args!("\t{} not-standard\n", value - before)),
        }
        *(if word & NOT_STANDARD != 0 { &mut other } else { &mut standard }) = value;
    }
    if stamps.overflow > 0 {
        output.print(format_args!("Unrecorded hops: {}\n", stamps.overflow));
    }
}
