//! Bytes as lower-case hexadecimal digits: fingerprints and serial numbers.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn pair(byte: u8) -> [char; 2] {
    [byte >> 4, byte & 15].map(|digit| char::from(DIGITS[usize::from(digit)]))
}

/// `4f12`.
pub fn digits(bytes: &[u8]) -> String {
    bytes.iter().flat_map(|byte| pair(*byte)).collect()
}

/// `4f:12`, as OpenSSL shows serial numbers.
pub fn with_colons(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            text.push(':');
        }
        text.extend(pair(*byte));
    }
    text
}

#[cfg(test)]
mod tests {
    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(super::digits(&[0, 0xab, 0xff]), "00abff");
        assert_eq!(super::with_colons(&[0, 0xab, 0xff]), "00:ab:ff");
        assert_eq!(super::digits(&[]), "");
        assert_eq!(super::with_colons(&[]), "");
    }
}
