//! What routers append to their errors, in the words of traceroute(8): label stacks and unknown objects
//! octet for octet, interface information so that nothing in it reads as an address of the trace.
//!
//! `INC=3,10.0.0.1,"ge-0/0/1",mtu=1500`: where the packet came in, the index, address, name and MTU of that
//! interface, as far as the router gives them. Parsers of such lines take digits with a colon behind them for
//! an IPv6 address; so there is no colon, an IPv6 address has hyphens in their place (`2001-db8--1`, as in
//! ipv6-literal.net), and a name has its octets that are not plain written as `%3a`.

use std::fmt::Write;
use std::net::IpAddr;

use crate::wire::extension::{ExtensionObject, Interface, Role, Stack, objects};

/// The text of a structure; `None` when nothing in it can be read.
pub fn text(structure: &[u8]) -> Option<String> {
    let texts: Vec<_> = objects(structure).filter_map(object).collect();
    (!texts.is_empty()).then(|| texts.join(";"))
}

fn object(object: ExtensionObject<'_>) -> Option<String> {
    match object {
        ExtensionObject::Mpls(stack) => Some(labels(&stack)),
        ExtensionObject::Interface(interface) => Some(interface_text(&interface)),
        ExtensionObject::Other { class, ctype, octets } => {
            let (words, rest) = octets.as_chunks();
            let words: Vec<_> =
                words.iter().map(|word| format!("{:08x}", u32::from_be_bytes(*word))).collect();
            // Objects are made of whole words (RFC 4884 section 8).
            rest.is_empty().then(|| format!("{class}/{ctype}:{}", words.join(",")))
        }
    }
}

fn labels(stack: &Stack<'_>) -> String {
    let label = stack.labels().map(|entry| {
        let bottom = u8::from(entry.bottom);
        format!("L={},E={},S={bottom},T={}", entry.label, entry.traffic_class, entry.ttl)
    });
    let cut = stack.is_cut().then(|| "...".to_owned());
    format!("MPLS:{}", label.chain(cut).collect::<Vec<_>>().join("/"))
}

fn interface_text(interface: &Interface<'_>) -> String {
    let role = match interface.role {
        Role::Incoming => "INC",
        Role::SubIp => "SUB",
        Role::Outgoing => "OUT",
        Role::NextHop => "NXT",
    };
    let parts = [
        interface.index.map(|index| index.to_string()),
        interface.address.map(address),
        interface.name.map(|name| format!("\"{}\"", plain(name))),
        interface.mtu.map(|mtu| format!("mtu={mtu}")),
    ];
    format!("{role}={}", parts.into_iter().flatten().collect::<Vec<_>>().join(","))
}

fn address(address: IpAddr) -> String {
    // An IPv4 address within an IPv6 one keeps its dots.
    address.to_string().replace(':', "-")
}

/// A name with its octets that could mean something written out.
fn plain(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for octet in name {
        if octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_' | b'.' | b'/') {
            text.push(char::from(*octet));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{octet:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::extension::{CLASS_INTERFACE, CLASS_MPLS, emit};

    fn shown(objects: &[(u8, u8, &[u8])]) -> Option<String> {
        let mut buffer = [0; 1_000];
        let len = emit(objects, &mut buffer);
        text(&buffer[..len])
    }

    fn interface(ctype: u8, octets: &[u8]) -> String {
        shown(&[(CLASS_INTERFACE, ctype, octets)]).unwrap()
    }

    #[test]
    fn label_stacks_and_unknown_objects_look_as_in_traceroute() {
        // 24001, class 5, bottom, TTL 1; 16, class 0, not the bottom, TTL 255.
        let bottom = [0x05, 0xdc, 0x1b, 0x01];
        let upper = [0x00, 0x01, 0x00, 0xff];
        assert_eq!(shown(&[(CLASS_MPLS, 1, &bottom)]).unwrap(), "MPLS:L=24001,E=5,S=1,T=1");
        let both = [upper, bottom].concat();
        let stack = "MPLS:L=16,E=0,S=0,T=255/L=24001,E=5,S=1,T=1";
        assert_eq!(shown(&[(CLASS_MPLS, 1, &both)]).unwrap(), stack);
        let unknown = [0, 0, 0xab, 0xcd, 1, 2, 3, 4];
        assert_eq!(shown(&[(9, 7, &unknown)]).unwrap(), "9/7:0000abcd,01020304");
        assert_eq!(shown(&[(9, 7, &[])]).unwrap(), "9/7:");
        let all = shown(&[(CLASS_MPLS, 1, &both), (9, 7, &unknown)]).unwrap();
        assert_eq!(all, format!("{stack};9/7:0000abcd,01020304"));
    }

    #[test]
    fn a_stack_that_has_no_end_is_cut() {
        let entry = "L=0,E=0,S=0,T=0/".repeat(16);
        assert_eq!(shown(&[(CLASS_MPLS, 1, &[0; 17 * 4])]).unwrap(), format!("MPLS:{entry}..."));
    }

    #[test]
    fn interfaces_are_printed_with_role_index_address_name_and_mtu() {
        let index = [0, 0, 0, 3];
        let v4 = [0, 1, 0, 0, 10, 0, 0, 1];
        let name = *b"\x0cge-0/0/1\0\0\0";
        let mtu = [0, 0, 5, 220];
        let all = [index.as_slice(), &v4, &name, &mtu].concat();
        assert_eq!(interface(0x0f, &all), "INC=3,10.0.0.1,\"ge-0/0/1\",mtu=1500");
        assert_eq!(interface(0x48, &index), "SUB=3");
        assert_eq!(interface(0x84, &v4), "OUT=10.0.0.1");
        assert_eq!(interface(0xc2, &name), "NXT=\"ge-0/0/1\"");
        assert_eq!(interface(0x01, &mtu), "INC=mtu=1500");
        assert_eq!(interface(0x00, &[]), "INC=");
        let v6 = [&[0, 2, 0, 0, 0x20, 1, 0xd, 0xb8][..], &[0; 11], &[1]].concat();
        assert_eq!(interface(0x04, &v6), "INC=2001-db8--1");
    }

    #[test]
    fn names_from_routers_are_escaped() {
        assert_eq!(interface(0x02, b"\x14a:b (1.2.3.4)\x1b[2J\0\0"), "INC=\"a%3ab%20%281.2.3.4%29%1b%5b2J\"");
        assert_eq!(interface(0x02, b"\x08<>;,\"%\xff"), "INC=\"%3c%3e%3b%2c%22%25%ff\"");
    }

    #[test]
    fn nothing_is_printed_of_a_malformed_structure() {
        assert_eq!(text(&[]), None);
        assert_eq!(text(&[0x20, 0, 0, 0]), None);
        assert_eq!(text(&[0x10, 0, 0, 0, 0, 8, 1, 1, 0, 1, 0, 0xff]), None);
        assert_eq!(shown(&[(9, 7, &[1, 2, 3])]), None);
    }

    proptest! {
        #[test]
        fn no_octets_become_more_than_plain_text(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let structure = [&[0x20, 0, 0, 0], octets.as_slice()].concat();
            if let Some(text) = text(&structure) {
                prop_assert!(text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'(' | b')')));
            }
        }
    }
}
