//! Filters of raw sockets: classic BPF as data, and the filters of ICMP types.
//!
//! A raw socket receives the ICMP of every process. A filter drops only what certainly belongs to another process,
//! so that its packets do not wake this one. Whatever is too short or too unusual to decide passes; the parser
//! counts it.

use std::io;
use std::os::fd::AsFd;

use socket2::{SockFilter, Socket};

use super::options::block_icmp_types;
use crate::wire::Family;
use crate::wire::icmp::v6::LAST_ERROR;

/// One instruction, as linux/filter.h lays it out.
#[derive(Clone, Copy, Debug)]
struct Op {
    code: u16,
    jt: u8,
    jf: u8,
    k: u32,
}

/// Octets of a datagram that pass: all.
const ALL: u32 = u32::MAX;

// The instructions used, named as in bpf_asm(8). `k` is the operand, `jt` and `jf` the instructions to
// skip when a comparison holds and when it does not.
const fn op(code: u16, k: u32) -> Op {
    Op { code, jt: 0, jf: 0, k }
}
/// A = the length of the packet.
const LD_LEN: Op = op(0x80, 0);
/// X = four times the low nibble of octet 0: the length of an IPv4 header.
const LDX_MSH: Op = op(0xb1, 0);
/// A = octet k.
const fn ldb(k: u32) -> Op {
    op(0x30, k)
}
/// A = the two octets at k.
const fn ldh(k: u32) -> Op {
    op(0x28, k)
}
/// A = octet X + k.
const fn ldb_x(k: u32) -> Op {
    op(0x50, k)
}
/// A = the two octets at X + k.
const fn ldh_x(k: u32) -> Op {
    op(0x48, k)
}
/// A = A & k.
const fn and(k: u32) -> Op {
    op(0x54, k)
}
/// A = A << k.
const fn lsh(k: u32) -> Op {
    op(0x64, k)
}
/// A = A - X.
const SUB_X: Op = op(0x1c, 0);
/// A = A + X.
const ADD_X: Op = op(0x0c, 0);
/// X = A.
const TAX: Op = op(0x07, 0);
/// M\[0\] = A.
const ST: Op = op(0x02, 0);
/// A = M\[0\].
const LD_MEM: Op = op(0x60, 0);
/// Is A == k?
const fn jeq(k: u32, jt: u8, jf: u8) -> Op {
    Op { code: 0x15, jt, jf, k }
}
/// Is A >= k?
const fn jge(k: u32, jt: u8, jf: u8) -> Op {
    Op { code: 0x35, jt, jf, k }
}
/// Is A >= X?
const fn jge_x(jt: u8, jf: u8) -> Op {
    Op { code: 0x3d, jt, jf, k: 0 }
}
/// End: so many octets pass.
const fn ret(k: u32) -> Op {
    op(0x06, k)
}

/// The errors of ICMPv4 and its notices: unreachable, source quench, redirect, time exceeded, parameter
/// problem (RFC 792).
const ERRORS_V4: [u8; 5] = [3, 4, 5, 11, 12];

/// Raw IPv4: the packet begins at the IP header. Answers with our identifier pass, and errors (RFC 792
/// types 3, 4, 5, 11 and 12) unless they quote something that is not ICMP or has another identifier.
///
/// With `about`, all errors pass that quote that protocol, whatever they quote of it: a translator may have
/// rewritten the identifier.
const fn icmpv4(answer: u8, ident: u16, about: Option<u8>) -> [Op; 37] {
    let quoted = match about {
        Some(protocol) => jeq(protocol as u32, 9, 10),
        None => jeq(1, 0, 10),
    };
    [
        /*  0 */ LDX_MSH, //                      X = outer header
        /*  1 */ LD_LEN,
        /*  2 */ SUB_X,
        /*  3 */ jge(8, 0, 31), //                an ICMP header? no: pass
        /*  4 */ ldb_x(0), //                     type
        /*  5 */ jeq(answer as u32, 5, 0), //     answer: 11
        /*  6 */ jeq(3, 6, 0), //                 unreachable: 13
        /*  7 */ jeq(11, 5, 0), //                time exceeded: 13
        /*  8 */ jeq(12, 4, 0), //                parameter problem: 13
        /*  9 */ jeq(5, 3, 0), //                 redirect: 13
        /* 10 */ jeq(4, 2, 25), //                source quench: 13, anything else: drop
        //       an answer
        /* 11 */ ldh_x(4), //                     identifier
        /* 12 */ jeq(ident as u32, 22, 23), //    ours: pass, else drop
        //       an error
        /* 13 */ LD_LEN,
        /* 14 */ SUB_X,
        /* 15 */ jge(8 + 20, 0, 19), //           a whole IPv4 header quoted? no: pass
        /* 16 */ ldb_x(8),
        /* 17 */ and(0xf0),
        /* 18 */ jeq(0x40, 0, 16), //             version 4? no: pass
        /* 19 */ ldb_x(8),
        /* 20 */ and(0x0f),
        /* 21 */ lsh(2), //                       A = quoted header
        /* 22 */ jge(20, 0, 12), //               a valid length? no: pass
        /* 23 */ ST,
        /* 24 */ ldb_x(8 + 9), //                 quoted protocol
        /* 25 */ quoted, //                       ICMP, or what is wanted? no: drop
        /* 26 */ LD_MEM,
        /* 27 */ ADD_X,
        /* 28 */ TAX, //                          X = outer and quoted headers
        /* 29 */ LD_LEN,
        /* 30 */ jge_x(0, 4), //                   are they there? no: pass
        /* 31 */ SUB_X,
        /* 32 */ jge(8 + 6, 0, 2), //             quoted up to the identifier? no: pass
        /* 33 */ ldh_x(8 + 4), //                 quoted identifier
        /* 34 */ jeq(ident as u32, 0, 1), //      ours: pass, else drop
        /* 35 */ ret(ALL),
        /* 36 */ ret(0),
    ]
}

/// Raw IPv4, answers with our identifier only: for a connected socket, whose errors come by its error queue.
const fn icmpv4_answers(answer: u8, ident: u16) -> [Op; 10] {
    [
        /*  0 */ LDX_MSH, //                      X = outer header
        /*  1 */ LD_LEN,
        /*  2 */ SUB_X,
        /*  3 */ jge(8, 0, 4), //                 an ICMP header? no: pass
        /*  4 */ ldb_x(0), //                     type
        /*  5 */ jeq(answer as u32, 0, 3), //     an answer? no: drop
        /*  6 */ ldh_x(4), //                     identifier
        /*  7 */ jeq(ident as u32, 0, 1), //      ours: pass, else drop
        /*  8 */ ret(ALL),
        /*  9 */ ret(0),
    ]
}

/// Raw IPv6: the packet begins at the ICMPv6 header, and has passed the filter of types.
const fn icmpv6(answer: u8, ident: u16) -> [Op; 8] {
    [
        /*  0 */ LD_LEN,
        /*  1 */ jge(6, 0, 4), //                 up to the identifier? no: pass
        /*  2 */ ldb(0), //                       type
        /*  3 */ jeq(answer as u32, 0, 2), //     an answer? no: pass
        /*  4 */ ldh(4), //                       identifier
        /*  5 */ jeq(ident as u32, 0, 1), //      ours: pass, else drop
        /*  6 */ ret(ALL),
        /*  7 */ ret(0),
    ]
}

/// What a raw socket accepts; everything else does not wake this process.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Accept {
    /// ICMP replies and errors about probes.
    Icmp(Wanted),
    /// What arrives at these ports, of a protocol with ports: the first, and how many.
    Ports(u16, u16),
    /// Everything.
    Everything,
    /// Nothing: for a socket that is only held or only sends.
    Nothing,
}

/// Makes a raw socket accept this, and nothing else.
///
/// # Errors
/// Those of setsockopt(2).
pub(crate) fn accept_only(socket: &Socket, family: Family, accept: Accept) -> io::Result<()> {
    let wanted = match accept {
        Accept::Icmp(wanted) => wanted,
        Accept::Ports(first, count) => return socket.attach_filter(&to_ports(family, first, count)),
        Accept::Everything => return socket.attach_filter(&everything()),
        Accept::Nothing => return socket.attach_filter(&nothing()),
    };
    match family {
        Family::V4 => {
            socket.attach_filter(&wanted.icmpv4())?;
            block_icmp_types(socket.as_fd(), family, &wanted.icmpv4_types())
        }
        Family::V6 => {
            socket.attach_filter(&wanted.icmpv6())?;
            block_icmp_types(socket.as_fd(), family, &wanted.icmpv6_types())
        }
    }
}

/// The ICMP messages that a raw socket accepts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    /// ICMP type of the replies.
    pub answer: u8,
    /// ICMP identifier.
    pub ident: u16,
    /// Whether errors are wanted from the network too.
    pub errors: bool,
    /// The protocol that errors must quote, whatever they quote of it; `None`: ICMP with this identifier.
    pub about: Option<u8>,
}

impl Wanted {
    /// The program for raw IPv4.
    pub fn icmpv4(self) -> Vec<SockFilter> {
        if self.errors {
            program(&icmpv4(self.answer, self.ident, self.about))
        } else {
            program(&icmpv4_answers(self.answer, self.ident))
        }
    }

    /// The program for raw ICMPv6.
    pub fn icmpv6(self) -> Vec<SockFilter> {
        program(&icmpv6(self.answer, self.ident))
    }

    /// The value of ICMP_FILTER (linux/icmp.h; a set bit blocks its type): what [`Self::icmpv4`] lets
    /// pass by its type. The kernel looks at this one before it copies a packet for the socket, which our
    /// own requests on loopback are worth.
    pub fn icmpv4_types(self) -> [u8; 4] {
        let errors: &[u8] = if self.errors { &ERRORS_V4 } else { &[] };
        let passing = errors.iter().chain([&self.answer]);
        let open =
            passing.fold(0u32, |bits, icmp_type| bits | 1u32.checked_shl(u32::from(*icmp_type)).unwrap_or(0));
        (!open).to_ne_bytes()
    }

    /// The value of ICMP6_FILTER (RFC 3542 section 3.2; on Linux a set bit blocks its type): answers pass,
    /// and every type of an error (RFC 4443 section 2.1) where they are wanted: an unknown one must be passed on to the
    /// upper layer (section 2.4a).
    pub fn icmpv6_types(self) -> [u8; 32] {
        let passes = |icmp_type: u8| icmp_type == self.answer || (self.errors && icmp_type <= LAST_ERROR);
        let mut bytes = [0; 32];
        for (word, types) in bytes.chunks_exact_mut(4).zip((0..=u8::MAX).collect::<Vec<_>>().chunks(32)) {
            let blocked = types.iter().rev().fold(0u32, |bits, t| (bits << 1) | u32::from(!passes(*t)));
            word.copy_from_slice(&blocked.to_ne_bytes());
        }
        bytes
    }
}

/// Raw IPv4 and IPv6: what comes to a port, of a protocol that has ports (the destination port is its second
/// word).
fn to_ports(family: Family, first: u16, count: u16) -> Vec<SockFilter> {
    let from = jge(first.into(), 0, 2);
    let beyond = jge(u32::from(first).saturating_add(count.into()), 1, 0);
    match family {
        Family::V4 => program(&[LDX_MSH, ldh_x(2), from, beyond, ret(ALL), ret(0)]),
        Family::V6 => program(&[ldh(2), from, beyond, ret(ALL), ret(0)]),
    }
}

/// Everything passes.
fn everything() -> Vec<SockFilter> {
    program(&[ret(ALL)])
}

/// Nothing passes: for a socket that is only kept in reserve.
fn nothing() -> Vec<SockFilter> {
    program(&[ret(0)])
}

fn program(ops: &[Op]) -> Vec<SockFilter> {
    ops.iter().map(|op| SockFilter::new(op.code, op.jt, op.jf, op.k)).collect()
}

#[cfg(test)]
mod tests;
