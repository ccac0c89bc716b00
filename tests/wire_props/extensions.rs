//! Extension structures where they should be, where they should not, and of any octets.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;
use rping::datagram::Framing;
use rping::reply::{QuotedRequest, Reply, ReplyKind};
use rping::wire::Family;
use rping::wire::checksum;
use rping::wire::extension::{self, ExtensionObject, MAX_LABELS, MAX_OBJECTS};

use super::load::received;

const ROUTER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 254));

/// Two labels, an interface with all fields, and an object of no known class.
fn structure() -> Vec<u8> {
    let interface =
        [&[0, 0, 0, 42, 0, 1, 0, 0, 192, 0, 2, 1, 8][..], b"eth0\0\0\0", &[0, 0, 5, 220]].concat();
    let objects: [(u8, u8, &[u8]); 3] =
        [(1, 1, &[0, 1, 0, 1, 0, 2, 1, 1]), (2, 0x0f, &interface), (247, 5, &[1, 2, 3, 4])];
    let mut buffer = [0; 200];
    let len = extension::emit(&objects, &mut buffer);
    buffer[..len].to_vec()
}

/// Reads all objects to their end, which must come within bounds.
pub fn walk(structure: &[u8]) {
    let mut count = 0;
    for object in extension::objects(structure) {
        count += 1;
        match object {
            ExtensionObject::Mpls(stack) => {
                let labels = stack.labels().count();
                assert!((1..=MAX_LABELS).contains(&labels));
                assert!(!stack.is_cut() || labels == MAX_LABELS);
            }
            ExtensionObject::Interface(interface) => assert!(interface.name.unwrap_or_default().len() <= 63),
            ExtensionObject::Other { octets, .. } => assert!(octets.len() <= structure.len()),
        }
    }
    assert!(count <= MAX_OBJECTS);
}

/// A time-exceeded with this length field and a quote of so many octets, which is the beginning of a UDP datagram, with
/// `tail` behind it: how many octets are read as quoted behind the IP header, and how many as structure.
fn read(family: Family, field: u8, quote: usize, tail: &[u8]) -> Option<(usize, Option<usize>)> {
    let (head, mut message) = match family {
        Family::V4 => (20, vec![11, 0, 0, 0, 0, field, 0, 0, 0x45, 0, 0, 0, 0, 0, 0, 0, 1, 17]),
        Family::V6 => (40, vec![3, 0, 0, 0, field, 0, 0, 0, 0x60, 0, 0, 0, 0, 40, 17, 1]),
    };
    message.resize(8 + head, 0);
    message.resize(8 + quote, 0x11);
    message.extend_from_slice(tail);
    let framing = match family {
        Family::V4 => Framing::Icmpv4,
        Family::V6 => Framing::Icmpv6,
    };
    let reply = Reply::parse(&received(framing, &message, ROUTER)).ok()??;
    let ReplyKind::Error { quoted, extension, .. } = reply.kind else { panic!("{reply:?} is no error") };
    let QuotedRequest::Ports { payload, .. } = quoted.request else { panic!("{quoted:?} has no ports") };
    walk(extension.unwrap_or_default());
    Some((payload.len() + 8, extension.map(<[u8]>::len)))
}

#[test]
fn with_any_length_field_a_structure_is_found_only_where_it_is_proven() {
    let structure = structure();
    for (family, head, unit) in [(Family::V4, 20, 4), (Family::V6, 40, 8)] {
        for field in 0..=255_u8 {
            let claimed = usize::from(field) * unit;
            for quote in (head + 8..=576).step_by(13).chain([127, 128, 129, 256, claimed.clamp(48, 576)]) {
                let legacy = quote == 128;
                let total = quote + structure.len();
                let found = read(family, field, quote, &structure);
                let expected = if claimed == quote || legacy {
                    (quote - head, Some(structure.len()))
                } else {
                    (total - head, None)
                };
                assert_eq!(found, Some(expected), "{family:?}, length {field}, {quote} octets");
                let alone = Some((quote - head, None));
                assert_eq!(
                    read(family, field, quote, &[]),
                    alone,
                    "{family:?}, length {field}, {quote} alone"
                );
            }
        }
    }
}

#[test]
fn a_structure_with_any_octet_changed_is_dropped_and_its_quote_kept() {
    let valid = structure();
    for at in 0..valid.len() {
        for flip in 1..=255 {
            let mut structure = valid.clone();
            structure[at] ^= flip;
            let expected = Some((108 + structure.len(), None));
            assert_eq!(read(Family::V4, 32, 128, &structure), expected, "octet {at} changed by {flip:#x}");
        }
    }
}

#[test]
fn a_structure_with_any_octet_changed_and_a_right_checksum_is_read_within_bounds() {
    let valid = structure();
    for at in 4..valid.len() {
        for value in 0..=255 {
            let mut structure = valid.clone();
            structure[at] = value;
            structure[2..4].fill(0);
            let sum = checksum::checksum(&structure).to_be_bytes();
            structure[2..4].copy_from_slice(&sum);
            assert!(extension::is_structure(&structure));
            walk(&structure);
            for len in 4..structure.len() {
                let mut cut = structure[..len].to_vec();
                cut[2..4].fill(0);
                walk(&cut);
            }
        }
    }
}

proptest! {
    #[test]
    fn any_octets_as_objects_are_read_within_bounds(
        octets in prop::collection::vec(prop_oneof![any::<u8>(), 0..3_u8, Just(4_u8)], 0..300),
    ) {
        let structure = [&[0x20, 0, 0, 0][..], &octets].concat();
        walk(&structure);
        walk(&octets);
    }

    #[test]
    fn what_is_written_is_what_is_read(
        objects in prop::collection::vec(
            (3..=255_u8, any::<u8>(), prop::collection::vec(any::<u8>(), 0..40)), 0..MAX_OBJECTS),
    ) {
        let borrowed: Vec<_> = objects.iter().map(|(class, ctype, octets)| (*class, *ctype, &octets[..])).collect();
        let mut buffer = vec![0xa5; 4_096];
        let len = extension::emit(&borrowed, &mut buffer);
        let read: Vec<_> = extension::objects(&buffer[..len]).collect();
        let expected: Vec<_> = borrowed
            .iter()
            .map(|(class, ctype, octets)| ExtensionObject::Other { class: *class, ctype: *ctype, octets })
            .collect();
        prop_assert_eq!(read, expected);
        prop_assert!(buffer[len..].iter().all(|octet| *octet == 0xa5));
    }
}
