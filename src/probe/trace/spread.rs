//! Spreads the numbers of probes over the checksums.
//!
//! A translator adds one difference to the checksums of all probes. If these had the numbers as they are, a difference of
//! three would make each probe look like the third one after it. Here the checksum modulo 255 is the number, and modulo
//! 257 its square. So of the first 127 numbers no two pairs have the same difference (a Sidon set), and none has one
//! below 127, or a multiple of 256 below that: a wrong difference fits one probe at most, and few answers show the right
//! one.

/// What the checksums are counted by: their modulus, 65,535, is 255 times 257.
const COLUMNS: u32 = 255;
const ROWS: u32 = 257;

/// The place of a number among the 65,535 checksums. Each number from 1 on has its own; 0 has that of 65,535.
pub const fn spread(number: u16) -> u32 {
    let number = number as u32;
    let (column, row) = (number % COLUMNS, number / COLUMNS);
    // The Chinese remainder theorem: modulo 257, 255 is -2, and the inverse of that is 128.
    let residue =
        column.wrapping_mul(column).wrapping_add(row).wrapping_add(ROWS).wrapping_sub(column) % ROWS;
    (residue.wrapping_mul(128) % ROWS).wrapping_mul(COLUMNS).wrapping_add(column)
}

/// The number at a place below 65,535: the inverse of [`spread`].
pub const fn gather(place: u32) -> u16 {
    let column = place % COLUMNS;
    let row =
        (place % ROWS).wrapping_add(ROWS.wrapping_mul(ROWS)).wrapping_sub(column.wrapping_mul(column)) % ROWS;
    let number = row.wrapping_mul(COLUMNS).wrapping_add(column);
    // It is below 65,535.
    if number == 0 { u16::MAX } else { number as u16 }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn each_number_has_its_place() {
        for number in 1..=65_535 {
            let place = spread(number);
            assert!(place < 65_535);
            assert_eq!(gather(place), number);
        }
        assert_eq!(spread(0), spread(65_535));
    }

    #[test]
    fn a_difference_fits_few_probes() {
        let differences = |numbers: u16| {
            let mut pairs = HashMap::<u32, usize>::new();
            let all = (1..=numbers).flat_map(|a| (1..=numbers).map(move |b| (a, b)));
            for (a, b) in all.filter(|(a, b)| a != b) {
                *pairs.entry((spread(a) + 65_535 - spread(b)) % 65_535).or_default() += 1;
            }
            pairs
        };
        let first = differences(127);
        assert_eq!(first.values().max(), Some(&1));
        for small in (1..127).flat_map(|small| [small, 256 * small]) {
            assert_eq!(first.get(&small).or(first.get(&(65_535 - small))), None, "{small}");
        }
        assert_eq!(differences(254).values().max(), Some(&2));
    }
}
