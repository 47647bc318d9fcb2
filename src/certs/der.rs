//! The small part of DER (X.690) that the key and name code needs: take one element off the front,
//! and wrap content in a tag.

/// SEQUENCE, constructed.
pub(super) const SEQUENCE: u8 = 0x30;
/// INTEGER.
pub(super) const INTEGER: u8 = 0x02;
/// BIT STRING.
pub(super) const BIT_STRING: u8 = 0x03;
/// OCTET STRING.
pub(super) const OCTET_STRING: u8 = 0x04;
/// OBJECT IDENTIFIER.
pub(super) const OID: u8 = 0x06;

/// One element and the rest.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    /// The identifier octet.
    pub(super) tag: u8,
    /// The content octets.
    pub(super) content: &'a [u8],
    /// Identifier, length and content.
    pub(super) whole: &'a [u8],
    /// The rest.
    pub(super) rest: &'a [u8],
}

/// Takes one element off the front; none if the bytes are not DER.
pub(super) fn take(input: &[u8]) -> Option<Element<'_>> {
    let (&tag, after) = input.split_first()?;
    let (&first, after) = after.split_first()?;
    let (length, after) = if first < 0x80 {
        (usize::from(first), after)
    } else {
        let octets = usize::from(first & 0x7f);
        if octets == 0 || octets > 4 || octets > after.len() {
            return None;
        }
        let (digits, after) = after.split_at(octets);
        let length = digits
            .iter()
            .fold(0_usize, |sum, digit| (sum << 8) | usize::from(*digit));
        (length, after)
    };
    if length > after.len() {
        return None;
    }
    let (content, rest) = after.split_at(length);
    Some(Element {
        tag,
        content,
        whole: &input[..input.len() - rest.len()],
        rest,
    })
}

/// Takes one element that must have this tag.
pub(super) fn take_tag(input: &[u8], tag: u8) -> Option<Element<'_>> {
    take(input).filter(|element| element.tag == tag)
}

/// Wraps content in a tag and its length.
pub(super) fn wrap(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 6);
    out.push(tag);
    let length = content.len();
    if length < 0x80 {
        out.push(length as u8);
    } else {
        let digits: Vec<u8> = length
            .to_be_bytes()
            .into_iter()
            .skip_while(|digit| *digit == 0)
            .collect();
        out.push(0x80 | digits.len() as u8);
        out.extend(digits);
    }
    out.extend_from_slice(content);
    out
}

/// A BIT STRING of whole octets.
pub(super) fn bit_string(content: &[u8]) -> Vec<u8> {
    wrap(BIT_STRING, &[&[0], content].concat())
}

#[cfg(test)]
mod tests {
    use super::{OCTET_STRING, take, wrap};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_wrapped_is_taken_again(content: Vec<u8>, rest: Vec<u8>) {
            let mut bytes = wrap(OCTET_STRING, &content);
            let length = bytes.len();
            bytes.extend_from_slice(&rest);
            let element = take(&bytes).unwrap();
            prop_assert_eq!(element.content, &content[..]);
            prop_assert_eq!(element.rest, &rest[..]);
            prop_assert_eq!(element.whole.len(), length);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>) {
            let _ = take(&bytes);
        }
    }
}
