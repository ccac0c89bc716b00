//! What routers append to their errors, as JSON.

use std::fmt::Write;
use std::net::IpAddr;

use serde::Serialize;

use crate::wire::extension::{self, Interface, Label, Role, Stack};

/// An object of an extension structure (RFC 4884).
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Object {
    /// A label stack (RFC 4950).
    Mpls {
        labels: Vec<MplsLabel>,
        /// Whether there were more labels.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        cut: bool,
    },
    /// An interface (RFC 5837).
    Interface {
        role: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        if_index: Option<u32>,
        #[serde(skip_serializing_if = "Option::is_none")]
        if_addr: Option<IpAddr>,
        #[serde(skip_serializing_if = "Option::is_none")]
        if_name: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        if_mtu: Option<u32>,
    },
    /// Any other object.
    Other { class: u8, ctype: u8, hex: String },
}

/// An entry of a label stack.
#[derive(Serialize)]
pub(super) struct MplsLabel {
    mpls_label: u32,
    traffic_class: u8,
    bottom: bool,
    label_ttl: u8,
}

/// The objects of a structure; none in octets that are no structure.
pub(super) fn objects(structure: &[u8]) -> Vec<Object> {
    extension::objects(structure).map(object).collect()
}

fn object(object: extension::ExtensionObject<'_>) -> Object {
    match object {
        extension::ExtensionObject::Mpls(stack) => mpls(&stack),
        extension::ExtensionObject::Interface(found) => interface(&found),
        extension::ExtensionObject::Other { class, ctype, octets } => {
            let hex = octets.iter().fold(String::new(), |mut hex, octet| {
                // Writing to a String cannot fail.
                let _ = write!(hex, "{octet:02x}");
                hex
            });
            Object::Other { class, ctype, hex }
        }
    }
}

fn mpls(stack: &Stack<'_>) -> Object {
    let labels = stack.labels().map(|Label { label, traffic_class, bottom, ttl }| MplsLabel {
        mpls_label: label,
        traffic_class,
        bottom,
        label_ttl: ttl,
    });
    Object::Mpls { labels: labels.collect(), cut: stack.is_cut() }
}

fn interface(found: &Interface<'_>) -> Object {
    Object::Interface {
        role: match found.role {
            Role::Incoming => "incoming",
            Role::SubIp => "sub_ip",
            Role::Outgoing => "outgoing",
            Role::NextHop => "next_hop",
        },
        if_index: found.index,
        if_addr: found.address,
        if_name: found.name.map(|name| String::from_utf8_lossy(name).into_owned()),
        if_mtu: found.mtu,
    }
}
