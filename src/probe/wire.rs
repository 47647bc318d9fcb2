//! The small part of TLS that is encoded and decoded by hand: a server's raw response (an alert, a
//! ServerHello of any version, or no TLS), and the ClientHello for finding out what an old server
//! supports. Pure.

use super::facts::TlsVersion;
use crate::alert::Alert;

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;
const SERVER_HELLO: u8 = 2;
const CERTIFICATE: u8 = 11;

/// A decoded server response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// A plaintext alert.
    pub alert: Option<Alert>,
    /// The version (from `supported_versions` if present) and cipher suite of the ServerHello.
    pub hello: Option<(TlsVersion, u16)>,
    /// The chain from the plaintext Certificate message (TLS 1.2 and older).
    pub chain: Vec<Vec<u8>>,
    /// The first bytes are not a TLS record.
    pub not_tls: bool,
}

/// Decodes what can be read of a server's bytes without keys; stops at the first invalid part.
pub fn read_answer(bytes: &[u8]) -> Answer {
    let mut answer = Answer::default();
    let mut handshake = Vec::new();
    let mut rest = bytes;
    if let [kind, major, ..] = rest
        && !(matches!(kind, 20..=23) && *major == 3)
    {
        answer.not_tls = true;
        return answer;
    }
    while let [kind, 3, _, high, low, tail @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some((record, next)) = tail.split_at_checked(length) else {
            break;
        };
        match (*kind, record) {
            (ALERT, [_, description]) => {
                answer.alert = Some(Alert(*description));
                break;
            }
            (HANDSHAKE, _) => handshake.extend_from_slice(record),
            _ => break,
        }
        rest = next;
    }
    let mut rest = handshake.as_slice();
    while let [kind, a, b, c, tail @ ..] = rest {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let Some((message, next)) = tail.split_at_checked(length) else {
            break;
        };
        match *kind {
            SERVER_HELLO => answer.hello = server_hello(message),
            CERTIFICATE => answer.chain = certificate_list(message).unwrap_or_default(),
            _ => {}
        }
        rest = next;
    }
    answer
}

/// Version and cipher suite of a ServerHello (RFC 8446 section 4.1.3).
fn server_hello(message: &[u8]) -> Option<(TlsVersion, u16)> {
    let (legacy, rest) = take_u16(message)?;
    let rest = rest.get(32..)?;
    let (session_length, rest) = rest.split_first()?;
    let rest = rest.get(usize::from(*session_length)..)?;
    let (cipher, rest) = take_u16(rest)?;
    let mut version = legacy;
    // Compression method, then the extensions, which SSL 3 and old TLS may omit.
    if let Some((_, mut extensions)) = rest.get(1..).and_then(take_u16) {
        while let Some((kind, tail)) = take_u16(extensions)
            && let Some((length, tail)) = take_u16(tail)
            && let Some((body, next)) = tail.split_at_checked(usize::from(length))
        {
            if kind == 43
                && let Some((selected, _)) = take_u16(body)
            {
                version = selected;
            }
            extensions = next;
        }
    }
    Some((TlsVersion(version), cipher))
}

/// The certificates of a TLS 1.2 Certificate message (RFC 5246 section 7.4.2).
fn certificate_list(message: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut rest = message.get(3..)?;
    let mut chain = Vec::new();
    while let [a, b, c, tail @ ..] = rest {
        let length = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
        let (certificate, next) = tail.split_at_checked(length)?;
        chain.push(certificate.to_vec());
        rest = next;
    }
    Some(chain)
}

fn take_u16(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let (head, tail) = bytes.split_first_chunk::<2>()?;
    Some((u16::from_be_bytes(*head), tail))
}

/// A ClientHello that offers at most `version`, and all cipher suites that servers of the last
/// twenty years may support. `random` need not be secret: nothing is ever sent under these keys.
pub fn client_hello(version: TlsVersion, server_name: Option<&str>, random: [u8; 32]) -> Vec<u8> {
    let mut extensions = Vec::new();
    if let Some(name) = server_name {
        let mut entry = vec![0];
        push_block(&mut entry, name.as_bytes());
        let mut list = Vec::new();
        push_block(&mut list, &entry);
        push_extension(&mut extensions, 0, &list);
    }
    // supported_groups: x25519, P-256, P-384, P-521; ec_point_formats: uncompressed.
    push_extension(&mut extensions, 10, &[0, 8, 0, 29, 0, 23, 0, 24, 0, 25]);
    push_extension(&mut extensions, 11, &[1, 0]);
    if version >= TlsVersion::V1_2 {
        // signature_algorithms, including SHA-1: the response is only inspected.
        let schemes: [u16; 13] = [
            0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0203, 0x0201, 0x0202,
        ];
        let mut list = Vec::new();
        push_block(
            &mut list,
            &schemes.iter().flat_map(|s| s.to_be_bytes()).collect::<Vec<_>>(),
        );
        push_extension(&mut extensions, 13, &list);
    }
    let mut body = version.0.to_be_bytes().to_vec();
    body.extend_from_slice(&random);
    body.push(0);
    push_block(
        &mut body,
        &SUITES.iter().flat_map(|(id, _)| id.to_be_bytes()).collect::<Vec<_>>(),
    );
    body.extend_from_slice(&[1, 0]);
    push_block(&mut body, &extensions);
    let mut message = vec![1];
    message.extend_from_slice(&(body.len() as u32).to_be_bytes()[1..]);
    message.extend_from_slice(&body);
    let mut record = vec![HANDSHAKE, 3, 1];
    push_block(&mut record, &message);
    record
}

fn push_block(to: &mut Vec<u8>, content: &[u8]) {
    to.extend_from_slice(&(content.len() as u16).to_be_bytes());
    to.extend_from_slice(content);
}

fn push_extension(to: &mut Vec<u8>, kind: u16, content: &[u8]) {
    to.extend_from_slice(&kind.to_be_bytes());
    push_block(to, content);
}

/// The OpenSSL name of a cipher suite that [`client_hello`] offers.
pub fn suite_name(id: u16) -> String {
    SUITES
        .iter()
        .find(|(known, _)| *known == id)
        .map_or_else(|| format!("cipher suite {id:#06x}"), |(_, name)| (*name).to_owned())
}

/// Cipher suites of TLS 1.2 and older by number, with the names used in server configurations.
const SUITES: &[(u16, &str)] = &[
    (0xc02b, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    (0xc02c, "ECDHE-ECDSA-AES256-GCM-SHA384"),
    (0xc02f, "ECDHE-RSA-AES128-GCM-SHA256"),
    (0xc030, "ECDHE-RSA-AES256-GCM-SHA384"),
    (0xcca9, "ECDHE-ECDSA-CHACHA20-POLY1305"),
    (0xcca8, "ECDHE-RSA-CHACHA20-POLY1305"),
    (0xc009, "ECDHE-ECDSA-AES128-SHA"),
    (0xc00a, "ECDHE-ECDSA-AES256-SHA"),
    (0xc013, "ECDHE-RSA-AES128-SHA"),
    (0xc014, "ECDHE-RSA-AES256-SHA"),
    (0xc023, "ECDHE-ECDSA-AES128-SHA256"),
    (0xc024, "ECDHE-ECDSA-AES256-SHA384"),
    (0xc027, "ECDHE-RSA-AES128-SHA256"),
    (0xc028, "ECDHE-RSA-AES256-SHA384"),
    (0x009e, "DHE-RSA-AES128-GCM-SHA256"),
    (0x009f, "DHE-RSA-AES256-GCM-SHA384"),
    (0xccaa, "DHE-RSA-CHACHA20-POLY1305"),
    (0x0033, "DHE-RSA-AES128-SHA"),
    (0x0039, "DHE-RSA-AES256-SHA"),
    (0x0067, "DHE-RSA-AES128-SHA256"),
    (0x006b, "DHE-RSA-AES256-SHA256"),
    (0x009c, "AES128-GCM-SHA256"),
    (0x009d, "AES256-GCM-SHA384"),
    (0x003c, "AES128-SHA256"),
    (0x003d, "AES256-SHA256"),
    (0x002f, "AES128-SHA"),
    (0x0035, "AES256-SHA"),
    (0xc02d, "ECDH-ECDSA-AES128-GCM-SHA256"),
    (0xc0ac, "ECDHE-ECDSA-AES128-CCM"),
    (0xc0ad, "ECDHE-ECDSA-AES256-CCM"),
    (0xc09c, "AES128-CCM"),
    (0xc09d, "AES256-CCM"),
    (0xc072, "ECDHE-ECDSA-CAMELLIA128-SHA256"),
    (0xc076, "ECDHE-RSA-CAMELLIA128-SHA256"),
    (0x0041, "CAMELLIA128-SHA"),
    (0x0084, "CAMELLIA256-SHA"),
    (0x0096, "SEED-SHA"),
    (0xc008, "ECDHE-ECDSA-DES-CBC3-SHA"),
    (0xc012, "ECDHE-RSA-DES-CBC3-SHA"),
    (0x0016, "DHE-RSA-DES-CBC3-SHA"),
    (0x000a, "DES-CBC3-SHA"),
    (0xc011, "ECDHE-RSA-RC4-SHA"),
    (0x0005, "RC4-SHA"),
    (0x0004, "RC4-MD5"),
    (0x00ff, "TLS_EMPTY_RENEGOTIATION_INFO_SCSV"),
];

#[cfg(test)]
mod tests {
    use super::{Answer, client_hello, read_answer, suite_name};
    use crate::alert::Alert;
    use crate::probe::facts::TlsVersion;

    #[test]
    fn an_alert_is_read() {
        let answer = read_answer(&[21, 3, 1, 0, 2, 2, 70]);
        assert_eq!(answer.alert, Some(Alert(70)));
    }

    #[test]
    fn what_is_no_record_is_no_tls() {
        assert!(read_answer(b"HTTP/1.1 400 Bad Request\r\n").not_tls);
        assert!(read_answer(b"SSH-2.0-OpenSSH").not_tls);
        assert_eq!(read_answer(&[]), Answer::default());
    }

    #[test]
    fn a_server_hello_of_tls_1_1_names_version_and_suite() {
        let mut hello = vec![3, 2];
        hello.extend_from_slice(&[7; 32]);
        hello.extend_from_slice(&[0, 0x00, 0x35, 0]);
        let mut message = vec![2, 0, 0, hello.len() as u8];
        message.extend_from_slice(&hello);
        let mut record = vec![22, 3, 2, 0, message.len() as u8];
        record.extend_from_slice(&message);
        let answer = read_answer(&record);
        assert_eq!(answer.hello, Some((TlsVersion(0x0302), 0x0035)));
        assert_eq!(suite_name(0x0035), "AES256-SHA");
    }

    #[test]
    fn truncated_answers_are_no_panic() {
        let hello = client_hello(TlsVersion(0x0302), Some("a.example"), [1; 32]);
        for end in 0..hello.len() {
            let _ = read_answer(&hello[..end]);
        }
        assert_eq!(usize::from(hello[3]) << 8 | usize::from(hello[4]), hello.len() - 5);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = read_answer(&bytes);
        }
    }
}
