//! What routers append to ICMP errors (RFC 4884): structures of objects, among them MPLS label stacks
//! (RFC 4950) and information about interfaces (RFC 5837).
//!
//! A malformed structure is ignored and the ICMP error before it still used.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Family;
use super::checksum;
use super::icmp::{self, v4, v6};

/// Octets of the header of a structure (RFC 4884 section 7).
pub const HEADER_LEN: usize = 4;

/// Octets of the header of an object (RFC 4884 section 8).
pub const OBJECT_HEADER_LEN: usize = 4;

/// Least octets of a quote that a structure follows (RFC 4884 section 3). A quote whose message has no length field
/// has exactly as many (section 5.5).
pub const MIN_QUOTE_LEN: usize = 128;

/// Most objects of one structure that are read.
pub const MAX_OBJECTS: usize = 32;

/// Most labels of one stack that are read.
pub const MAX_LABELS: usize = 16;

/// Class of MPLS label stacks (RFC 4950 section 3).
pub const CLASS_MPLS: u8 = 1;

/// Class of interface information (RFC 5837 section 4).
pub const CLASS_INTERFACE: u8 = 2;

/// Octets of the quote by the length field of the message (RFC 4884 section 4); 0 without one.
fn quote_len(family: Family, header: [u8; icmp::HEADER_LEN]) -> usize {
    let [icmp_type, _, _, _, word64, word32, ..] = header;
    match (family, icmp_type) {
        (Family::V4, v4::DESTINATION_UNREACHABLE | v4::TIME_EXCEEDED | v4::PARAMETER_PROBLEM) => {
            usize::from(word32).saturating_mul(4)
        }
        (Family::V6, v6::DESTINATION_UNREACHABLE | v6::TIME_EXCEEDED) => {
            usize::from(word64).saturating_mul(8)
        }
        _ => 0,
    }
}

/// Splits an ICMP error into what it quotes and the structure behind that, if there is one.
///
/// The structure begins where the quote ends by the length field. If that is 0 or impossible, it begins at
/// [`MIN_QUOTE_LEN`], provided that its checksum holds (RFC 4884 section 5.5).
pub fn split_error(family: Family, message: &[u8]) -> (&[u8], Option<&[u8]>) {
    let Some((header, body)) = message.split_first_chunk() else { return (&[], None) };
    let len = quote_len(family, *header);
    let claimed = split_at(body, len).filter(|(_, structure)| {
        // A quote shorter than RFC 4884 allows: the structure must have a checksum that holds.
        if len < MIN_QUOTE_LEN { has_checksum(structure) } else { is_structure(structure) }
    });
    let split = claimed.or_else(|| split_legacy(family, icmp_type(*header), body, 0));
    split.map_or((body, None), |(quote, structure)| (quote, Some(structure)))
}

/// Splits what an error queue delivers of a message: a quote without its first `missing` octets, and all that
/// followed. `claimed` is the offset of the structure by the kernel's extended error (ee_rfc4884).
pub fn split_queued(
    error: icmp::Error,
    rest: &[u8],
    missing: usize,
    claimed: Option<usize>,
) -> (&[u8], Option<&[u8]>) {
    let split = match claimed {
        Some(at) => split_at(rest, at).filter(|(_, structure)| is_structure(structure)),
        None => split_legacy(error.family, error.icmp_type, rest, missing),
    };
    split.map_or((rest, None), |(quote, structure)| (quote, Some(structure)))
}

const fn icmp_type(header: [u8; icmp::HEADER_LEN]) -> u8 {
    let [icmp_type, ..] = header;
    icmp_type
}

/// Splits at [`MIN_QUOTE_LEN`], where routers that set no length field put the structure (RFC 4884 section 5.5).
fn split_legacy(family: Family, icmp_type: u8, rest: &[u8], missing: usize) -> Option<(&[u8], &[u8])> {
    let can = match family {
        Family::V4 => {
            matches!(icmp_type, v4::DESTINATION_UNREACHABLE | v4::TIME_EXCEEDED | v4::PARAMETER_PROBLEM)
        }
        Family::V6 => matches!(icmp_type, v6::DESTINATION_UNREACHABLE | v6::TIME_EXCEEDED),
    };
    let at = MIN_QUOTE_LEN.checked_sub(missing).filter(|_| can)?;
    split_at(rest, at).filter(|(_, structure)| has_checksum(structure))
}

/// Splits after `len` octets, at least one.
fn split_at(body: &[u8], len: usize) -> Option<(&[u8], &[u8])> {
    body.split_at_checked(len).filter(|(quote, _)| !quote.is_empty())
}

/// Whether the octets are a structure: version 2, and a checksum that holds or is 0 (RFC 4884 section 7).
pub fn is_structure(structure: &[u8]) -> bool {
    match structure {
        [version, _, 0, 0, ..] => version >> 4 == 2,
        _ => has_checksum(structure),
    }
}

/// Whether the octets are a structure of version 2 with a checksum that holds and is not 0.
fn has_checksum(structure: &[u8]) -> bool {
    match structure {
        [_, _, 0, 0, ..] => false,
        [version, _, _, _, ..] => version >> 4 == 2 && checksum::verify(structure),
        _ => false,
    }
}

/// An object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtensionObject<'a> {
    /// An MPLS label stack (RFC 4950).
    Mpls(Stack<'a>),
    /// Information about an interface (RFC 5837).
    Interface(Interface<'a>),
    /// An object of another class, or one that is malformed for its class.
    Other {
        /// Class.
        class: u8,
        /// C-Type.
        ctype: u8,
        /// What follows the header of the object.
        octets: &'a [u8],
    },
}

/// The whole objects of a structure, in their order, at most [`MAX_OBJECTS`]; none if the octets fail
/// [`is_structure`].
pub fn objects(structure: &[u8]) -> impl Iterator<Item = ExtensionObject<'_>> + Clone {
    let mut rest = match is_structure(structure) {
        true => structure.get(HEADER_LEN..).unwrap_or_default(),
        false => &[],
    };
    let next = move || {
        let [l0, l1, class, ctype] = *rest.first_chunk::<OBJECT_HEADER_LEN>()?;
        // The length includes the header. A shorter one ends the walk: the next object cannot be found.
        let (object, after) = rest.split_at_checked(usize::from(u16::from_be_bytes([l0, l1])))?;
        let octets = object.get(OBJECT_HEADER_LEN..)?;
        rest = after;
        Some(ExtensionObject::read(class, ctype, octets))
    };
    std::iter::from_fn(next).take(MAX_OBJECTS)
}

impl<'a> ExtensionObject<'a> {
    fn read(class: u8, ctype: u8, octets: &'a [u8]) -> Self {
        let known = match class {
            CLASS_MPLS => Stack::read(ctype, octets).map(Self::Mpls),
            CLASS_INTERFACE => Interface::read(ctype, octets).map(Self::Interface),
            _ => None,
        };
        known.unwrap_or(Self::Other { class, ctype, octets })
    }
}

/// An MPLS label stack, as the packet had it when it arrived at the router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stack<'a>(&'a [[u8; 4]]);

/// An entry of a label stack (RFC 3032 section 2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Label {
    /// Label, 20 bits.
    pub label: u32,
    /// Traffic class, 3 bits (RFC 5462; once "experimental use").
    pub traffic_class: u8,
    /// Whether it is the last of the stack.
    pub bottom: bool,
    /// Time to live.
    pub ttl: u8,
}

impl<'a> Stack<'a> {
    /// C-Type of an incoming stack, the only one (RFC 4950 section 3).
    pub const INCOMING: u8 = 1;

    /// Reads a stack; `None` if it has no entry or part of one.
    fn read(ctype: u8, octets: &'a [u8]) -> Option<Self> {
        let (entries, rest) = octets.as_chunks();
        (ctype == Self::INCOMING && rest.is_empty() && !entries.is_empty()).then_some(Self(entries))
    }

    /// The labels from the top on, at most [`MAX_LABELS`].
    pub fn labels(&self) -> impl Iterator<Item = Label> + Clone + use<'a> {
        self.0.iter().take(MAX_LABELS).map(|entry| {
            let [_, _, bits, ttl] = *entry;
            let word = u32::from_be_bytes(*entry);
            Label { label: word >> 12, traffic_class: bits >> 1 & 0x07, bottom: bits & 0x01 == 1, ttl }
        })
    }

    /// Whether the stack has more labels than [`Stack::labels`] returns.
    pub const fn is_cut(&self) -> bool {
        self.0.len() > MAX_LABELS
    }
}

/// Which interface an object is about (RFC 5837 section 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The IP interface by which the packet arrived.
    Incoming,
    /// The sub-IP component by which the packet arrived.
    SubIp,
    /// The interface by which the packet would have left.
    Outgoing,
    /// The next hop to which the packet would have been forwarded.
    NextHop,
}

/// Information about an interface. Each part is optional.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interface<'a> {
    /// Which interface.
    pub role: Role,
    /// Its index (RFC 2863's ifIndex).
    pub index: Option<u32>,
    /// Its address.
    pub address: Option<IpAddr>,
    /// Its name, at most 63 octets, without padding. It may hold any octets.
    pub name: Option<&'a [u8]>,
    /// Its MTU.
    pub mtu: Option<u32>,
}

impl<'a> Interface<'a> {
    /// C-Type bit of an index.
    pub const INDEX: u8 = 0x08;
    /// C-Type bit of an address.
    pub const ADDRESS: u8 = 0x04;
    /// C-Type bit of a name.
    pub const NAME: u8 = 0x02;
    /// C-Type bit of an MTU.
    pub const MTU: u8 = 0x01;

    /// Reads the parts in the order of RFC 5837 section 4.1; `None` if one is malformed or octets remain.
    fn read(ctype: u8, octets: &'a [u8]) -> Option<Self> {
        let role = match ctype >> 6 {
            0 => Role::Incoming,
            1 => Role::SubIp,
            2 => Role::Outgoing,
            _ => Role::NextHop,
        };
        let has = |bit| ctype & bit != 0;
        let mut rest = octets;
        let index = if has(Self::INDEX) { Some(take_u32(&mut rest)?) } else { None };
        let address = if has(Self::ADDRESS) { Some(take_address(&mut rest)?) } else { None };
        let name = if has(Self::NAME) { Some(take_name(&mut rest)?) } else { None };
        let mtu = if has(Self::MTU) { Some(take_u32(&mut rest)?) } else { None };
        rest.is_empty().then_some(Self { role, index, address, name, mtu })
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*taken)
}

fn take_u32(rest: &mut &[u8]) -> Option<u32> {
    take(rest).map(u32::from_be_bytes)
}

/// An address sub-object: address family, two octets reserved, address (RFC 5837 section 4.2).
fn take_address(rest: &mut &[u8]) -> Option<IpAddr> {
    match take(rest)? {
        [0, 1, _, _] => take(rest).map(|octets: [u8; 4]| IpAddr::V4(Ipv4Addr::from(octets))),
        [0, 2, _, _] => take(rest).map(|octets: [u8; 16]| IpAddr::V6(Ipv6Addr::from(octets))),
        _ => None,
    }
}

/// A name sub-object: its length, itself included, up to 64 and by fours, then the name (RFC 5837 section 4.3).
fn take_name<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let len = usize::from(*rest.first()?);
    if len == 0 || len > 64 || len % 4 != 0 {
        return None;
    }
    let (taken, after) = rest.split_at_checked(len)?;
    *rest = after;
    let (_, name) = taken.split_first()?;
    let end = name.iter().rposition(|octet| *octet != 0).map_or(0, |last| last.saturating_add(1));
    name.get(..end)
}

/// Writes a structure of objects, each a class, a C-Type and its octets, to the front of `buffer`, checksum
/// included. Returns the octets written: none when they exceed `buffer` or an object its length field.
///
/// For tests and fuzzers.
pub fn emit(objects: &[(u8, u8, &[u8])], buffer: &mut [u8]) -> usize {
    let object_len = |octets: &[u8]| octets.len().saturating_add(OBJECT_HEADER_LEN);
    let len = objects.iter().fold(HEADER_LEN, |len, (_, _, octets)| len.saturating_add(object_len(octets)));
    let Some(structure) = buffer.get_mut(..len) else { return 0 };
    let fits = |octets: &[u8]| u16::try_from(object_len(octets)).is_ok();
    let Some((header, mut rest)) = structure.split_first_chunk_mut::<HEADER_LEN>() else { return 0 };
    if !objects.iter().all(|(_, _, octets)| fits(octets)) {
        return 0;
    }
    *header = [0x20, 0, 0, 0];
    for (class, ctype, octets) in objects {
        let [l0, l1] = (object_len(octets) as u16).to_be_bytes();
        let Some((object, after)) = rest.split_at_mut_checked(object_len(octets)) else { return 0 };
        let parts = [l0, l1, *class, *ctype];
        for (slot, octet) in object.iter_mut().zip(parts.iter().chain(*octets)) {
            *slot = *octet;
        }
        rest = after;
    }
    let sum = checksum::checksum(structure).to_be_bytes();
    if let Some(field) = structure.get_mut(2..4) {
        field.copy_from_slice(&sum);
    }
    len
}

#[cfg(test)]
mod tests;
