//! Names and addresses. Every lookup is made here and nowhere else.

pub mod background;
pub mod bounded;
mod form;
pub mod forward;
mod international;
pub mod lookup;
pub mod origin;
mod origin_message;
mod race;
pub mod resolv_conf;

pub use crate::sys::interfaces::{index_of as interface_index, name_of as interface_name};
