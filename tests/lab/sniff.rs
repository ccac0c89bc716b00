//! Packets as they leave, read by a packet socket (packet(7)) in this network namespace.

use std::net::IpAddr;

use socket2::{Domain, Socket, Type};

/// A packet that left from here.
#[derive(Clone, Debug)]
pub struct Left {
    /// Its destination.
    pub to: IpAddr,
    /// Type of service, or traffic class.
    pub tos: u8,
    /// TTL, or hop limit.
    pub ttl: u8,
    /// Whether fragments of it are forbidden; false in IPv6.
    pub dont_fragment: bool,
    /// Whether it is a fragment.
    pub fragment: bool,
    /// The upper protocol.
    pub protocol: u8,
    /// From the upper header on.
    pub upper: Vec<u8>,
}

impl Left {
    /// Reads a packet, if an address of [`super::pair`] and [`super::path`] sent it from here.
    fn read(packet: &[u8]) -> Option<Self> {
        match packet.first()? >> 4 {
            4 => {
                let (header, word) =
                    (usize::from(packet[0] & 15) * 4, u16::from_be_bytes([packet[6], packet[7]]));
                let from = <[u8; 4]>::try_from(&packet[12..16]).ok()?;
                let to = <[u8; 4]>::try_from(&packet[16..20]).ok()?;
                (from == [10, 9, 0, 1]).then(|| Self {
                    to: to.into(),
                    tos: packet[1],
                    ttl: packet[8],
                    dont_fragment: word & 0x4000 != 0,
                    fragment: word & 0x3fff != 0,
                    protocol: packet[9],
                    upper: packet[header..].to_vec(),
                })
            }
            6 => {
                let word = u32::from_be_bytes(packet[..4].try_into().ok()?);
                let from = <[u8; 16]>::try_from(&packet[8..24]).ok()?;
                let to = <[u8; 16]>::try_from(&packet[24..40]).ok()?;
                (from == *b"\xfd\x09\0\0\0\0\0\0\0\0\0\0\0\0\0\x01").then(|| Self {
                    to: to.into(),
                    tos: (word >> 20 & 0xff) as u8,
                    ttl: packet[7],
                    dont_fragment: false,
                    fragment: packet[6] == 44,
                    protocol: packet[6],
                    upper: packet[40..].to_vec(),
                })
            }
            _ => None,
        }
    }

    /// Whether it can be a probe: neighbour discovery, the kernel's own ICMP errors and TCP resets are none.
    fn is_probe(&self) -> bool {
        match self.protocol {
            1 => self.upper[0] == 8,
            58 => self.upper[0] == 128,
            6 => self.upper[13] & 0x02 != 0,
            _ => true,
        }
    }
}

/// Runs commands, and returns their result and the probes that were sent meanwhile, in their order.
pub fn sniffed<R>(run: impl FnOnce() -> R) -> (R, Vec<Left>) {
    // ETH_P_ALL; without the header of the link.
    let all = i32::from(3_u16.to_be());
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(all.into())).expect("a packet socket");
    socket.set_recv_buffer_size(4 << 20).expect("a buffer");
    socket.set_nonblocking(true).expect("no waiting");
    let ran = run();
    let (mut left, mut buffer) = (Vec::new(), [0; 70_000]);
    while let Ok(len) = std::io::Read::read(&mut &socket, &mut buffer) {
        left.extend(Left::read(&buffer[..len]).filter(Left::is_probe));
    }
    (ran, left)
}
