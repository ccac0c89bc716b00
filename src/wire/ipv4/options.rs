//! IPv4 options (RFC 791 section 3.1), read one after the other.

use std::net::Ipv4Addr;

/// End of the option list.
pub const END: u8 = 0;
/// No operation: padding of one octet.
pub const NOP: u8 = 1;
/// Record route.
pub const RECORD_ROUTE: u8 = 7;
/// Internet timestamp.
pub const TIMESTAMP: u8 = 68;
/// Loose source and record route.
pub const LOOSE_ROUTE: u8 = 131;
/// Strict source and record route.
pub const STRICT_ROUTE: u8 = 137;

/// One option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ipv4Option<'a> {
    /// One octet of padding.
    Nop,
    /// A recorded route.
    RecordRoute(RouteOption<'a>),
    /// A loose source route.
    LooseRoute(RouteOption<'a>),
    /// A strict source route.
    StrictRoute(RouteOption<'a>),
    /// TimestampOption.
    Timestamp(TimestampOption<'a>),
    /// An option of another type, or one too short for its type.
    Other {
        /// Its type.
        kind: u8,
        /// The octets after type and length.
        data: &'a [u8],
    },
}

/// A recorded route or a source route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RouteOption<'a> {
    /// Octet of the option, from 1, where the next address is written; at least 4 in a valid option.
    pub pointer: u8,
    /// Slots for addresses, filled or not, four octets each.
    pub slots: &'a [u8],
}

impl<'a> RouteOption<'a> {
    /// All addresses, whether recorded yet or not.
    pub fn addresses(self) -> impl Iterator<Item = Ipv4Addr> + 'a {
        let (addresses, _) = self.slots.as_chunks::<4>();
        addresses.iter().map(|octets| Ipv4Addr::from(*octets))
    }

    /// The addresses before the pointer, as far as they are whole.
    pub fn recorded(self) -> impl Iterator<Item = Ipv4Addr> + 'a {
        self.addresses().take(usize::from(self.pointer.saturating_sub(4) / 4))
    }
}

/// An Internet timestamp option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOption<'a> {
    /// Octet of the option, from 1, where the next entry is written; at least 5 in a valid option.
    pub pointer: u8,
    /// Number of hops that found no free slot, 0 to 15.
    pub overflow: u8,
    /// Form of an entry: 0 a timestamp, 1 an address and its timestamp, 3 the same with addresses that the sender
    /// chose.
    pub flag: u8,
    /// Slots for entries, filled or not.
    pub slots: &'a [u8],
}

/// One timestamp.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampEntry {
    /// The address of the node, if the form has one.
    pub address: Option<Ipv4Addr>,
    /// Milliseconds since midnight UT; with the high bit set, the rest is in another unit or base.
    pub value: u32,
}

impl<'a> TimestampOption<'a> {
    /// The words of four octets before the pointer, addresses and timestamps alike.
    pub fn words(self) -> impl Iterator<Item = u32> + 'a {
        let (words, _) = self.slots.as_chunks::<4>();
        words
            .iter()
            .take(usize::from(self.pointer.saturating_sub(5) / 4))
            .map(|word| u32::from_be_bytes(*word))
    }

    /// All entries, whether stamped yet or not. For tests and fuzzers.
    pub fn entries(self) -> impl Iterator<Item = TimestampEntry> + 'a {
        self.slots.chunks_exact(self.entry_len()).filter_map(|entry| {
            let (address, value) = match entry.split_first_chunk::<4>()? {
                (value, []) => (None, value),
                (address, value) => (Some(Ipv4Addr::from(*address)), value.first_chunk()?),
            };
            Some(TimestampEntry { address, value: u32::from_be_bytes(*value) })
        })
    }

    /// The entries before the pointer. For tests and fuzzers.
    pub fn recorded(self) -> impl Iterator<Item = TimestampEntry> + 'a {
        let octets = usize::from(self.pointer.saturating_sub(5));
        self.entries().take(octets.div_ceil(self.entry_len()))
    }

    fn entry_len(self) -> usize {
        if self.flag == 0 { 4 } else { 8 }
    }
}

/// Iterator over options. It ends at an end-of-list option, at an impossible length, or with the octets; each step
/// consumes at least one octet.
#[derive(Clone, Copy, Debug)]
pub struct OptionWalk<'a>(&'a [u8]);

/// The options in `octets`, the part of a header beyond its first twenty octets.
pub fn walk(octets: &[u8]) -> OptionWalk<'_> {
    OptionWalk(octets)
}

impl<'a> Iterator for OptionWalk<'a> {
    type Item = Ipv4Option<'a>;

    fn next(&mut self) -> Option<Self::Item> {
        let (kind, rest) = self.0.split_first()?;
        match *kind {
            END => {
                self.0 = &[];
                None
            }
            NOP => {
                self.0 = rest;
                Some(Ipv4Option::Nop)
            }
            kind => {
                let Some((data, rest)) = value(rest) else {
                    self.0 = &[];
                    return None;
                };
                self.0 = rest;
                Some(decode(kind, data))
            }
        }
    }
}

/// Splits the data off an option without its type. The length includes the type and itself.
fn value(octets: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = octets.split_first()?;
    rest.split_at_checked(usize::from(*len).checked_sub(2)?)
}

fn decode(kind: u8, data: &[u8]) -> Ipv4Option<'_> {
    match (kind, data) {
        (RECORD_ROUTE, [pointer, slots @ ..]) => {
            Ipv4Option::RecordRoute(RouteOption { pointer: *pointer, slots })
        }
        (LOOSE_ROUTE, [pointer, slots @ ..]) => {
            Ipv4Option::LooseRoute(RouteOption { pointer: *pointer, slots })
        }
        (STRICT_ROUTE, [pointer, slots @ ..]) => {
            Ipv4Option::StrictRoute(RouteOption { pointer: *pointer, slots })
        }
        (TIMESTAMP, [pointer, flags, slots @ ..]) => Ipv4Option::Timestamp(TimestampOption {
            pointer: *pointer,
            overflow: flags >> 4,
            flag: flags & 0x0f,
            slots,
        }),
        _ => Ipv4Option::Other { kind, data },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
    const B: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);

    fn all(octets: &[u8]) -> Vec<Ipv4Option<'_>> {
        walk(octets).collect()
    }

    #[test]
    fn a_walk_ends_at_the_end_of_the_list() {
        assert_eq!(all(&[]), []);
        assert_eq!(all(&[0, 1, 1, 1]), []);
        assert_eq!(all(&[1, 1, 0, 1]), [Ipv4Option::Nop, Ipv4Option::Nop]);
        assert_eq!(all(&[1; 40]), [Ipv4Option::Nop; 40]);
    }

    #[test]
    fn a_walk_ends_at_a_length_that_cannot_be() {
        assert_eq!(all(&[1, 7]), [Ipv4Option::Nop], "no length");
        assert_eq!(all(&[1, 7, 0, 1]), [Ipv4Option::Nop], "length 0");
        assert_eq!(all(&[1, 7, 1, 1]), [Ipv4Option::Nop], "length 1");
        assert_eq!(all(&[1, 7, 4, 4]), [Ipv4Option::Nop], "one too long");
        assert_eq!(all(&[1, 7, 255, 4]), [Ipv4Option::Nop], "far too long");
    }

    #[test]
    fn a_record_route_has_the_addresses_before_its_pointer() {
        let octets = [7, 11, 8, 10, 0, 0, 1, 10, 0, 0, 2, 1];
        let route = RouteOption { pointer: 8, slots: &octets[3..11] };
        assert_eq!(all(&octets), [Ipv4Option::RecordRoute(route), Ipv4Option::Nop]);
        assert_eq!(route.recorded().collect::<Vec<_>>(), [A]);
        assert_eq!(route.addresses().collect::<Vec<_>>(), [A, B]);
        let recorded = |pointer| RouteOption { pointer, ..route }.recorded().count();
        assert_eq!([0, 3, 4, 8, 12, 255].map(recorded), [0, 0, 0, 1, 2, 2]);
    }

    #[test]
    fn source_routes_keep_their_strictness() {
        let route = RouteOption { pointer: 4, slots: &[10, 0, 0, 1] };
        assert_eq!(all(&[131, 7, 4, 10, 0, 0, 1]), [Ipv4Option::LooseRoute(route)]);
        assert_eq!(all(&[137, 7, 4, 10, 0, 0, 1]), [Ipv4Option::StrictRoute(route)]);
    }

    #[test]
    fn bare_timestamps_take_four_octets_each() {
        let octets = [68, 12, 9, 0x30, 0, 0, 0, 5, 0x80, 0, 0, 6];
        let stamps = TimestampOption { pointer: 9, overflow: 3, flag: 0, slots: &octets[4..] };
        assert_eq!(all(&octets), [Ipv4Option::Timestamp(stamps)]);
        let bare = |value| TimestampEntry { address: None, value };
        assert_eq!(stamps.recorded().collect::<Vec<_>>(), [bare(5)]);
        assert_eq!(stamps.entries().collect::<Vec<_>>(), [bare(5), bare(0x8000_0006)]);
    }

    #[test]
    fn timestamps_with_addresses_take_eight_octets_each() {
        let octets = [68, 20, 13, 0x01, 10, 0, 0, 1, 0, 0, 0, 5, 10, 0, 0, 2, 0, 0, 0, 0];
        let stamps = TimestampOption { pointer: 13, overflow: 0, flag: 1, slots: &octets[4..] };
        assert_eq!(all(&octets), [Ipv4Option::Timestamp(stamps)]);
        let first = TimestampEntry { address: Some(A), value: 5 };
        assert_eq!(stamps.recorded().collect::<Vec<_>>(), [first]);
        assert_eq!(
            stamps.entries().collect::<Vec<_>>(),
            [first, TimestampEntry { address: Some(B), value: 0 }]
        );
        let recorded = |pointer| TimestampOption { pointer, ..stamps }.recorded().count();
        assert_eq!([0, 4, 5, 13, 21, 255].map(recorded), [0, 0, 0, 1, 2, 2]);
    }

    #[test]
    fn an_option_too_short_for_its_kind_is_another_option() {
        assert_eq!(all(&[7, 2]), [Ipv4Option::Other { kind: 7, data: &[] }]);
        assert_eq!(all(&[68, 3, 5]), [Ipv4Option::Other { kind: 68, data: &[5] }]);
        assert_eq!(all(&[148, 4, 0, 0]), [Ipv4Option::Other { kind: 148, data: &[0, 0] }]);
    }
}
