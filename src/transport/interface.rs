//! Following an interface that is deleted and created again under the same name.
//!
//! SO_BINDTODEVICE binds to the interface of the moment. Once that is deleted the socket cannot send any more,
//! and binding it again needs CAP_NET_RAW. A socket that was never bound needs none (Linux 5.7), so one is kept
//! as a replacement. When it is used, another one is opened; where that is refused (a raw socket, after privilege
//! was dropped), a second deletion is final.

use socket2::Socket;

use crate::sys::interfaces;

/// The interface that a socket is bound to.
#[derive(Debug)]
pub(super) struct FollowedInterface {
    device: String,
    /// Its index now.
    index: u32,
    replacement: Option<Socket>,
    /// Whether the socket is set up. False between a replacement and a bind that succeeds.
    ready: bool,
}

impl FollowedInterface {
    /// The interface of this name, with a socket to replace the bound one.
    pub fn new(device: &str, replacement: Option<Socket>) -> Self {
        let index = interfaces::index_of(device).unwrap_or(0);
        Self { device: device.to_owned(), index, replacement, ready: true }
    }

    /// Whether the socket is set up to send.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Records that the socket is set up.
    pub fn set_ready(&mut self) {
        self.ready = true;
    }

    /// If the interface was created again: a socket bound to the new one, which must be set up.
    pub fn replacement(&mut self) -> Option<Socket> {
        let index = interfaces::index_of(&self.device).filter(|index| *index != self.index)?;
        let socket = self.replacement.take()?;
        if socket.bind_device(Some(self.device.as_bytes())).is_err() {
            self.replacement = Some(socket);
            return None;
        }
        (self.index, self.ready) = (index, false);
        Some(socket)
    }

    /// Keeps a further socket for the next replacement.
    pub fn keep_replacement(&mut self, socket: Option<Socket>) {
        self.replacement = socket;
    }
}
