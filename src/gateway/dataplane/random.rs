//! Random numbers that need to be spread, not secret: request ids, weights,
//! jitter. One per worker, seeded by the system.

use std::cell::Cell;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};

/// SplitMix64.
pub(super) struct Random(Cell<u64>);

impl Random {
    /// Seeds from the system; should that fail, from the address of a variable.
    pub(super) fn seeded(salt: usize) -> Self {
        let mut seed = [0; 8];
        if SystemRandom::new().fill(&mut seed).is_err() {
            seed = (std::ptr::from_ref(&seed).addr() as u64 ^ salt as u64).to_le_bytes();
        }
        Self(Cell::new(u64::from_le_bytes(seed)))
    }

    /// The next number.
    pub(super) fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.0.set(state);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A random UUID (RFC 9562, version 4) as text.
    pub(super) fn uuid(&self) -> [u8; 36] {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let high = (self.next() & 0xFFFF_FFFF_FFFF_0FFF) | 0x4000;
        let low = (self.next() & 0x3FFF_FFFF_FFFF_FFFF) | 0x8000_0000_0000_0000;
        let mut bits = (u128::from(high) << 64) | u128::from(low);
        let mut text = [b'-'; 36];
        for at in (0..36).rev() {
            if !matches!(at, 8 | 13 | 18 | 23) {
                text[at] = HEX[(bits & 0xF) as usize];
                bits >>= 4;
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::Random;

    #[test]
    fn uuids_are_of_version_4_and_differ() {
        let random = Random::seeded(0);
        let (first, second) = (random.uuid(), random.uuid());
        assert_ne!(first, second);
        assert_eq!((first[14], first[8], first[23]), (b'4', b'-', b'-'));
        assert!(matches!(first[19], b'8' | b'9' | b'a' | b'b'));
    }
}
