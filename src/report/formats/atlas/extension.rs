//! What routers append to their errors, as RIPE Atlas shows it.

use serde::Serialize;

use crate::wire::extension::{
    self, CLASS_INTERFACE, CLASS_MPLS, ExtensionObject, Interface, Label, Role, Stack,
};

/// An extension structure (RFC 4884).
#[derive(Clone, Debug, Serialize)]
pub(super) struct IcmpExtension {
    version: u8,
    rfc4884: u8,
    obj: Vec<Object>,
}

/// An object of it.
#[derive(Clone, Debug, Serialize)]
struct Object {
    class: u8,
    #[serde(rename = "type")]
    ctype: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mpls: Vec<MplsLabel>,
}

/// An entry of a label stack (RFC 4950).
#[derive(Clone, Debug, Serialize)]
struct MplsLabel {
    label: u32,
    exp: u8,
    s: u8,
    ttl: u8,
}

/// A structure; `None`: there is none.
pub(super) fn structure(octets: &[u8]) -> Option<IcmpExtension> {
    let obj: Vec<_> = extension::objects(octets).map(|object| read(&object)).collect();
    (!obj.is_empty()).then_some(IcmpExtension { version: 2, rfc4884: 1, obj })
}

fn read(object: &ExtensionObject<'_>) -> Object {
    match object {
        ExtensionObject::Mpls(stack) => {
            let label = |entry: Label| MplsLabel {
                label: entry.label,
                exp: entry.traffic_class,
                s: u8::from(entry.bottom),
                ttl: entry.ttl,
            };
            Object { class: CLASS_MPLS, ctype: Stack::INCOMING, mpls: stack.labels().map(label).collect() }
        }
        ExtensionObject::Interface(found) => {
            Object { class: CLASS_INTERFACE, ctype: interface_type(found), mpls: Vec::new() }
        }
        ExtensionObject::Other { class, ctype, .. } => {
            Object { class: *class, ctype: *ctype, mpls: Vec::new() }
        }
    }
}

/// The C-Type of the object of an interface (RFC 5837 section 4.1).
fn interface_type(found: &Interface<'_>) -> u8 {
    let role = match found.role {
        Role::Incoming => 0,
        Role::SubIp => 1,
        Role::Outgoing => 2,
        Role::NextHop => 3,
    };
    let parts = [
        (found.index.is_some(), Interface::INDEX),
        (found.address.is_some(), Interface::ADDRESS),
        (found.name.is_some(), Interface::NAME),
        (found.mtu.is_some(), Interface::MTU),
    ];
    parts.iter().filter(|(given, _)| *given).fold(role << 6, |ctype, (_, bit)| ctype | bit)
}
