use super::*;

/// The label stack of RFC 4950's figure, with numbers: 16001 above 24, expiring.
const LABELS: [u8; 8] = [0x03, 0xe8, 0x10, 0x01, 0x00, 0x01, 0x8b, 0xfe];

/// The structure around it, every octet by hand.
const MPLS: [u8; 16] = [
    0x20, 0x00, 0x3f, 0x0a, // version 2, checksum
    0x00, 0x0c, 0x01, 0x01, // twelve octets, class 1, C-Type 1
    0x03, 0xe8, 0x10, 0x01, // label 16001, traffic class 0, TTL 1
    0x00, 0x01, 0x8b, 0xfe, // label 24, traffic class 5, bottom, TTL 254
];

fn structure(objects: &[(u8, u8, &[u8])]) -> Vec<u8> {
    let mut buffer = [0xa5; 2_000];
    let len = emit(objects, &mut buffer);
    assert_eq!(buffer[len..], [0xa5; 2_000][len..]);
    buffer[..len].to_vec()
}

fn read(objects_of: &[(u8, u8, &[u8])]) -> Vec<String> {
    objects(&structure(objects_of)).map(|object| format!("{object:?}")).collect()
}

/// A message of this type with so many octets of quote, then `tail`; `claimed` goes where the length is claimed.
fn message(family: Family, icmp_type: u8, claimed: u8, quote: usize, tail: &[u8]) -> Vec<u8> {
    let word = match family {
        Family::V4 => [0, claimed, 0, 0],
        Family::V6 => [claimed, 0, 0, 0],
    };
    [&icmp::header(icmp_type, 0, word)[..], &vec![0x11; quote], tail].concat()
}

/// How many octets of quote and of structure are found.
fn found(family: Family, icmp_type: u8, claimed: u8, quote: usize, tail: &[u8]) -> (usize, Option<usize>) {
    let message = message(family, icmp_type, claimed, quote, tail);
    let (quote, structure) = split_error(family, &message);
    (quote.len(), structure.map(<[u8]>::len))
}

#[test]
fn a_label_stack_is_read_and_written_octet_for_octet() {
    assert_eq!(structure(&[(1, 1, &LABELS)]), MPLS);
    let read: Vec<_> = objects(&MPLS).collect();
    let [ExtensionObject::Mpls(stack)] = read[..] else { panic!("{read:?}") };
    let labels: Vec<_> = stack.labels().collect();
    assert_eq!(
        labels,
        [
            Label { label: 16_001, traffic_class: 0, bottom: false, ttl: 1 },
            Label { label: 24, traffic_class: 5, bottom: true, ttl: 254 },
        ]
    );
    assert!(!stack.is_cut());
}

#[test]
fn a_stack_of_three_hundred_labels_is_cut_and_marked_as_cut() {
    let stack_of = |count: usize| structure(&[(1, 1, &[0, 1, 0, 1].repeat(count))]);
    for (count, read, cut) in [(1, 1, false), (16, 16, false), (17, 16, true), (300, 16, true)] {
        let structure = stack_of(count);
        let Some(ExtensionObject::Mpls(stack)) = objects(&structure).next() else { panic!() };
        assert_eq!((stack.labels().count(), stack.is_cut()), (read, cut), "{count} labels");
    }
}

#[test]
fn a_stack_that_is_none_is_an_unknown_object() {
    let other = |ctype: u8, octets: &[u8]| {
        assert_eq!(
            read(&[(1, ctype, octets)]),
            [format!("{:?}", ExtensionObject::Other { class: 1, ctype, octets })]
        );
    };
    other(2, &LABELS);
    other(1, &[]);
    other(1, &LABELS[..7]);
}

#[test]
fn an_interface_has_all_four_fields_in_every_role() {
    let roles = [Role::Incoming, Role::SubIp, Role::Outgoing, Role::NextHop];
    let octets = [
        &[0, 0, 0, 42][..],
        &[0, 1, 0, 0, 192, 0, 2, 1],
        &[12, b'e', b't', b'h', b'0', b'/', b'1', 0, 0, 0, 0, 0],
        &[0, 0, 0x05, 0xdc],
    ]
    .concat();
    for (bits, role) in (0..).zip(roles) {
        let structure = structure(&[(2, bits << 6 | 0x0f, &octets)]);
        let expected = Interface {
            role,
            index: Some(42),
            address: Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
            name: Some(b"eth0/1"),
            mtu: Some(1_500),
        };
        assert_eq!(objects(&structure).collect::<Vec<_>>(), [ExtensionObject::Interface(expected)]);
    }
}

#[test]
fn an_interface_may_have_each_field_alone() {
    let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let nothing = Interface { role: Role::Incoming, index: None, address: None, name: None, mtu: None };
    let longest = [&[64][..], &[b'x'; 63]].concat();
    let cases: [(u8, Vec<u8>, Interface<'_>); 7] = [
        (0, vec![], nothing),
        (0x08, vec![0, 0, 1, 0], Interface { index: Some(256), ..nothing }),
        (0x04, [&[0, 2, 0, 0][..], &v6.octets()].concat(), Interface { address: Some(v6.into()), ..nothing }),
        (0x02, vec![4, b'l', b'o', 0], Interface { name: Some(b"lo"), ..nothing }),
        (0x02, vec![4, 0, 0, 0], Interface { name: Some(b""), ..nothing }),
        (0x02, longest, Interface { name: Some(&[b'x'; 63]), ..nothing }),
        (0x01 | 0x30, vec![0, 0, 0, 9], Interface { mtu: Some(9), ..nothing }),
    ];
    for (ctype, octets, expected) in cases {
        let structure = structure(&[(2, ctype, &octets)]);
        assert_eq!(
            objects(&structure).collect::<Vec<_>>(),
            [ExtensionObject::Interface(expected)],
            "{ctype}"
        );
    }
}

#[test]
fn an_interface_with_a_malformed_part_is_an_unknown_object() {
    let cases: [(u8, &[u8]); 11] = [
        (0x08, &[0, 0, 1]),
        (0x08, &[0, 0, 1, 0, 0]),
        (0x04, &[0, 3, 0, 0, 1, 2, 3, 4]),
        (0x04, &[0, 1, 0, 0, 1, 2, 3]),
        (0x04, &[0, 2, 0, 0, 1, 2, 3, 4]),
        (0x02, &[]),
        (0x02, &[0, 0, 0, 0]),
        (0x02, &[3, b'a', b'b']),
        (0x02, &[8, b'a', b'b', b'c']),
        (0x02, &[68; 68]),
        (0x00, &[0]),
    ];
    for (ctype, octets) in cases {
        let structure = structure(&[(2, ctype, octets)]);
        let expected = ExtensionObject::Other { class: 2, ctype, octets };
        assert_eq!(objects(&structure).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn objects_come_in_order_and_unknown_ones_keep_their_octets() {
    let structure = structure(&[(247, 5, &[1, 2, 3, 4]), (1, 1, &LABELS), (3, 0, &[])]);
    let read: Vec<_> = objects(&structure).collect();
    assert_eq!(read[0], ExtensionObject::Other { class: 247, ctype: 5, octets: &[1, 2, 3, 4] });
    assert!(matches!(read[1], ExtensionObject::Mpls(_)));
    assert_eq!(read[2..], [ExtensionObject::Other { class: 3, ctype: 0, octets: &[] }]);
}

#[test]
fn objects_end_before_the_first_that_is_not_whole() {
    let whole = structure(&[(9, 9, &[7; 4]), (1, 1, &LABELS)]);
    let count = |len: [u8; 2], cut: usize| {
        let mut octets = whole.clone();
        octets[12..14].copy_from_slice(&len);
        octets[2..4].fill(0);
        objects(&octets[..octets.len() - cut]).count()
    };
    assert_eq!(count([0, 12], 0), 2);
    for len in [[0, 0], [0, 1], [0, 2], [0, 3], [0, 13], [0xff, 0xff]] {
        assert_eq!(count(len, 0), 1, "length {len:?}");
    }
    for cut in 1..12 {
        assert_eq!(count([0, 12], cut), 1, "cut by {cut}");
    }
    let empty = structure(&[(9, 9, &[][..]); 40]);
    assert_eq!(objects(&empty).count(), MAX_OBJECTS);
}

#[test]
fn only_version_two_with_a_good_checksum_or_none_is_a_structure() {
    assert!(is_structure(&MPLS));
    for version in 0..16 {
        let mut octets = MPLS;
        (octets[0], octets[2], octets[3]) = (version << 4, 0, 0);
        assert_eq!(is_structure(&octets), version == 2, "version {version} without checksum");
        let sum = checksum::checksum(&octets).to_be_bytes();
        octets[2..4].copy_from_slice(&sum);
        assert_eq!(is_structure(&octets), version == 2, "version {version}");
        assert_eq!(objects(&octets).count(), usize::from(version == 2));
    }
    for at in 0..MPLS.len() {
        let mut octets = MPLS;
        octets[at] ^= 0x10;
        assert!(!is_structure(&octets), "octet {at}");
        assert_eq!(objects(&octets).count(), 0);
    }
    for len in 0..4 {
        assert!(!is_structure(&MPLS[..len]));
    }
}

#[test]
fn a_structure_begins_where_the_length_field_points() {
    for icmp_type in [3, 11, 12] {
        assert_eq!(found(Family::V4, icmp_type, 32, 128, &MPLS), (128, Some(16)), "ICMPv4 type {icmp_type}");
        assert_eq!(found(Family::V4, icmp_type, 50, 200, &MPLS), (200, Some(16)), "ICMPv4 type {icmp_type}");
    }
    for icmp_type in [1, 3] {
        assert_eq!(found(Family::V6, icmp_type, 16, 128, &MPLS), (128, Some(16)), "ICMPv6 type {icmp_type}");
        assert_eq!(found(Family::V6, icmp_type, 25, 200, &MPLS), (200, Some(16)), "ICMPv6 type {icmp_type}");
    }
    // These have no length field.
    for icmp_type in [0, 4, 5, 8, 200] {
        assert_eq!(found(Family::V4, icmp_type, 32, 128, &MPLS), (144, None), "ICMPv4 type {icmp_type}");
    }
    for icmp_type in [0, 2, 4, 128] {
        assert_eq!(found(Family::V6, icmp_type, 16, 128, &MPLS), (144, None), "ICMPv6 type {icmp_type}");
    }
}

#[test]
fn without_a_right_length_a_structure_is_at_octet_128_if_a_checksum_proves_it() {
    let mut unsummed = MPLS;
    unsummed[2..4].fill(0);
    for (family, icmp_type) in [(Family::V4, 11), (Family::V6, 3)] {
        for claimed in [0, 1, 255] {
            assert_eq!(
                found(family, icmp_type, claimed, 128, &MPLS),
                (128, Some(16)),
                "{family:?}, length {claimed}"
            );
            assert_eq!(
                found(family, icmp_type, claimed, 128, &unsummed),
                (144, None),
                "{family:?}, length {claimed}"
            );
            assert_eq!(
                found(family, icmp_type, claimed, 127, &MPLS),
                (143, None),
                "{family:?}, length {claimed}"
            );
        }
    }
    assert_eq!(
        found(Family::V4, 11, 32, 128, &unsummed),
        (128, Some(16)),
        "none is none, where it is claimed"
    );
    assert_eq!(found(Family::V4, 11, 7, 28, &MPLS), (28, Some(16)), "too short a quote, but proven");
    assert_eq!(found(Family::V4, 11, 7, 28, &unsummed), (44, None));
}

#[test]
fn the_length_of_an_error_queue_is_used_or_the_structure_is_searched() {
    let error = icmp::Error { family: Family::V4, icmp_type: 11, code: 0, info: 0 };
    let rest = [&[0x11; 100][..], &MPLS].concat();
    let (quote, structure) = (&rest[..100], Some(&MPLS[..]));
    assert_eq!(split_queued(error, &rest, 28, None), (quote, structure));
    assert_eq!(split_queued(error, &rest, 28, Some(100)), (quote, structure));
    assert_eq!(split_queued(error, &rest, 28, Some(99)), (&rest[..], None), "no structure there");
    assert_eq!(split_queued(error, &rest, 28, Some(117)), (&rest[..], None), "beyond the end");
    assert_eq!(split_queued(error, &rest, 20, None), (&rest[..], None));
    assert_eq!(split_queued(error, &rest, 129, None), (&rest[..], None));
    let echo = icmp::Error { icmp_type: 4, ..error };
    assert_eq!(split_queued(echo, &rest, 28, None), (&rest[..], None));
}

#[test]
fn what_does_not_fit_is_not_written() {
    let mut buffer = [0xa5; 20];
    assert_eq!(emit(&[(1, 1, &LABELS)], &mut buffer[..15]), 0);
    assert_eq!(buffer, [0xa5; 20]);
    assert_eq!(emit(&[(1, 1, &vec![0; 65_532])], &mut vec![0; 70_000]), 0);
    assert_eq!(emit(&[(1, 1, &vec![0; 65_531])], &mut vec![0; 70_000]), 65_539);
    assert_eq!(emit(&[], &mut buffer), 4);
    assert_eq!(buffer[..4], [0x20, 0, 0xdf, 0xff]);
}
