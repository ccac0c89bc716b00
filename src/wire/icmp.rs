//! ICMP messages of both families.

/// The IP version that carries a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// IPv4 and ICMPv4.
    V4,
    /// IPv6 and ICMPv6.
    V6,
}

/// An ICMP error (or notice: source quench, redirect), as its header says it.
///
/// Types and codes stay numbers: RFC 792, 1122 section 3.2.2, 1812 section 5.2.7 and 4443 name them,
/// and routers send others too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error {
    /// The family whose numbers `icmp_type` and `code` are.
    pub family: Family,
    /// ICMP type.
    pub icmp_type: u8,
    /// ICMP code.
    pub code: u8,
    /// Next-hop MTU (v4 3/4, v6 2), gateway address as a number (v4 5), pointer (v4 12, v6 4), else 0.
    pub info: u32,
}
