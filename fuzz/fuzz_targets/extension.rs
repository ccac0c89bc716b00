//! Extension structures of any octets are read within bounds, and what is read is in what was there.
//!
//!     cargo +nightly fuzz run extension
//!
//! The checksum is corrected: random octets almost never have a right one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rping::wire::checksum;
use rping::wire::extension::{self, ExtensionObject, MAX_LABELS, MAX_OBJECTS};

fuzz_target!(|objects: &[u8]| {
    let mut structure = [&[0x20, 0, 0, 0][..], objects].concat();
    let sum = checksum::checksum(&structure).to_be_bytes();
    structure[2..4].copy_from_slice(&sum);
    let mut used = extension::HEADER_LEN;
    let mut count = 0;
    for object in extension::objects(&structure) {
        count += 1;
        used += extension::OBJECT_HEADER_LEN;
        match object {
            ExtensionObject::Mpls(stack) => {
                let labels = stack.labels().count();
                assert!((1..=MAX_LABELS).contains(&labels));
                assert!(stack.labels().all(|label| label.label < 1 << 20 && label.traffic_class < 8));
                used += labels * 4;
            }
            ExtensionObject::Interface(interface) => {
                let name = interface.name.unwrap_or_default();
                assert!(name.len() < 64 && name.last() != Some(&0));
            }
            ExtensionObject::Other { octets, .. } => used += octets.len(),
        }
    }
    assert!(count <= MAX_OBJECTS && used <= structure.len());
});
