//! The interfaces of link-local addresses. One that is deleted and created again under the same name has another index.

use std::net::SocketAddr;

use super::receiver::scope_of;
use crate::sys::interfaces;

/// The scope ids of the destinations, as they are known outside, and those to use now.
#[derive(Debug, Default)]
pub(super) struct Scopes(Vec<Scope>);

#[derive(Debug)]
struct Scope {
    first: u32,
    now: u32,
}

impl Scopes {
    /// Takes the interface of a destination into account, before it can be deleted.
    #[inline]
    pub fn learn(&mut self, dst: SocketAddr) {
        let first = scope_of(dst);
        if first != 0 && self.0.iter().all(|scope| scope.first != first) {
            // The name is remembered there.
            let _ = interfaces::name_of(first);
            self.0.push(Scope { first, now: first });
        }
    }

    /// The scope id to use now.
    pub fn now(&self, first: u32) -> u32 {
        self.0.iter().find(|scope| scope.first == first).map_or(first, |scope| scope.now)
    }

    /// The scope id as it is known outside.
    pub fn first(&self, now: u32) -> u32 {
        self.0.iter().find(|scope| scope.now == now).map_or(now, |scope| scope.first)
    }

    /// Looks up whether the interface of a destination was created again; then it has another scope id from now on.
    pub fn follow(&mut self, dst: SocketAddr) -> bool {
        let first = scope_of(dst);
        let Some(scope) = self.0.iter_mut().find(|scope| scope.first == first) else { return false };
        let now = interfaces::name_of(first).and_then(|name| interfaces::index_of(&name));
        let Some(now) = now.filter(|now| *now != scope.now) else { return false };
        scope.now = now;
        true
    }
}
