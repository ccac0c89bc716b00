//! The internet checksum (RFC 1071).

/// The checksum of `octets`: the complement of their ones' complement sum, as a number to be stored
/// big-endian. An odd last octet counts as if a zero followed it (RFC 1071 section 1).
#[inline]
pub fn checksum(octets: &[u8]) -> u16 {
    let mut sum = Sum::default();
    sum.add(octets);
    sum.finish()
}

/// Whether the checksum of `octets`, its field included, holds (RFC 1071 section 1, step 3).
///
/// Octets that are all zero do not: their checksum would have been 0xffff.
pub fn verify(octets: &[u8]) -> bool {
    checksum(octets) == 0
}

/// An unfinished checksum, for data in several places, such as a pseudo header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Sum of 16-bit words in the machine's own byte order, which RFC 1071 section 2 (B) permits.
    total: u64,
    /// Whether an odd number of octets was added, so that the next one is the second of its word.
    odd: bool,
}

impl Sum {
    /// Adds octets as if they followed directly those added before.
    #[inline]
    pub fn add(&mut self, octets: &[u8]) {
        let part = sum(octets);
        let part = if self.odd { part.swap_bytes() } else { part };
        self.total = self.total.wrapping_add(u64::from(part));
        self.odd ^= octets.len() % 2 == 1;
    }

    /// The checksum of all that was added.
    #[inline]
    pub fn finish(self) -> u16 {
        !u16::from_be(fold(self.total))
    }
}

/// Updates the checksum `sum` of data in which `new` replaces `old` (RFC 1624 section 3, equation 3). The result may
/// be 0 for 0xffff or 0xffff for 0, which are equal: see [`same`].
pub fn adjust(sum: u16, old: Sum, new: Sum) -> u16 {
    let mut adjusted = Sum::default();
    adjusted.add(&(!sum).to_be_bytes());
    // Adding the complement subtracts.
    adjusted.add(&old.finish().to_be_bytes());
    adjusted.add(&(!new.finish()).to_be_bytes());
    adjusted.finish()
}

/// Whether two checksums are equal; 0 and 0xffff are (ones' complement).
pub const fn same(a: u16, b: u16) -> bool {
    a == b || matches!((a, b), (0, 0xffff) | (0xffff, 0))
}

/// `a` less `b` in ones' complement, where 0 and 65,535 are equal: below 65,535.
pub fn less(a: u16, b: u16) -> u16 {
    let sum = u32::from(a).saturating_add(65_535).saturating_sub(b.into());
    u16::try_from(sum.checked_rem(65_535).unwrap_or(0)).unwrap_or(0)
}

/// Ones' complement sum in the machine's byte order. Exact up to 16 GiB: each word adds less than
/// 2^33 to 64 bits.
#[inline]
fn sum(octets: &[u8]) -> u16 {
    let (words, tail) = octets.as_chunks::<8>();
    let mut last = [0; 8];
    for (slot, octet) in last.iter_mut().zip(tail) {
        *slot = *octet;
    }
    let add = |total: u64, word: &[u8; 8]| {
        let word = u64::from_ne_bytes(*word);
        total.wrapping_add((word & 0xffff_ffff).wrapping_add(word >> 32))
    };
    let total = add(words.iter().fold(0, add), &last);
    fold(total)
}

/// Adds the carries back in until 16 bits hold the sum (RFC 1071 section 4.1).
#[inline]
fn fold(mut total: u64) -> u16 {
    while total > 0xffff {
        total = (total & 0xffff).wrapping_add(total >> 16);
    }
    total as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 1071 as it reads: every word added as a number, carries added back at the end.
    fn by_the_book(octets: &[u8]) -> u16 {
        let mut total: u128 = 0;
        for pair in octets.chunks(2) {
            total += u128::from(pair[0]) * 256 + u128::from(*pair.get(1).unwrap_or(&0));
        }
        while total >> 16 != 0 {
            total = (total & 0xffff) + (total >> 16);
        }
        !(total as u16)
    }

    /// Xorshift64 (Marsaglia 2003), so that a failure repeats.
    fn noise(len: usize) -> Vec<u8> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let octets = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        });
        octets.take(len).collect()
    }

    #[test]
    fn the_example_of_rfc_1071_section_3_adds_up_to_ddf2() {
        let octets = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(checksum(&octets), !0xddf2);
    }

    #[test]
    fn every_length_up_to_a_frame_equals_the_book() {
        for octets in [noise(1_501), vec![0xff; 1_501], vec![0; 1_501]] {
            for len in 0..=1_500 {
                assert_eq!(checksum(&octets[..len]), by_the_book(&octets[..len]), "{len} octets");
                // An odd start moves every word by one octet.
                assert_eq!(checksum(&octets[1..=len]), by_the_book(&octets[1..=len]), "{len} octets from 1");
            }
        }
    }

    #[test]
    fn sampled_lengths_up_to_the_largest_datagram_equal_the_book() {
        for octets in [noise(65_535), vec![0xff; 65_535]] {
            for len in (1_500..=65_535).step_by(331).chain(65_520..=65_535) {
                assert_eq!(checksum(&octets[..len]), by_the_book(&octets[..len]), "{len} octets");
            }
        }
    }

    #[test]
    fn a_sum_does_not_depend_on_where_the_data_is_cut() {
        let octets = noise(61);
        for first in 0..=octets.len() {
            for second in first..=octets.len() {
                let mut sum = Sum::default();
                sum.add(&octets[..first]);
                sum.add(&octets[first..second]);
                sum.add(&octets[second..]);
                assert_eq!(sum.finish(), by_the_book(&octets), "cut at {first} and {second}");
            }
        }
    }

    #[test]
    fn a_message_with_its_checksum_in_place_verifies_and_no_changed_octet_does() {
        let mut octets = noise(64);
        octets[2..4].fill(0);
        let sum = checksum(&octets);
        octets[2..4].copy_from_slice(&sum.to_be_bytes());
        assert!(verify(&octets));
        for at in 0..octets.len() {
            octets[at] ^= 0x40;
            assert!(!verify(&octets), "octet {at}");
            octets[at] ^= 0x40;
        }
    }

    #[test]
    fn an_adjusted_checksum_is_that_of_the_changed_data() {
        let octets = noise(64);
        let sum_of = |octets: &[u8]| {
            let mut sum = Sum::default();
            sum.add(octets);
            sum
        };
        for (from, to) in [(0, 0), (0, 2), (10, 30), (0, 64), (62, 64)] {
            for new in [noise(99)[99 - (to - from)..].to_vec(), vec![0; to - from], vec![0xff; to - from]] {
                let mut changed = octets.clone();
                changed[from..to].copy_from_slice(&new);
                let adjusted = adjust(checksum(&octets), sum_of(&octets[from..to]), sum_of(&new));
                assert!(same(adjusted, checksum(&changed)), "{from}..{to}");
            }
        }
        // The example of RFC 1624 section 4.
        assert_eq!(adjust(0xdd2f, sum_of(&[0x55, 0x55]), sum_of(&[0x32, 0x85])), 0);
        assert!(!same(1, 2) && same(0xffff, 0) && same(3, 3));
    }

    #[test]
    fn nothing_and_zeros_do_not_verify() {
        assert!(!verify(&[]));
        assert!(!verify(&[0; 64]));
    }
}
