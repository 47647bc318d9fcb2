//! The PEM readers and their messages.

use base64::Engine as _;
use proptest::prelude::*;

use super::{CERTIFICATE, TRUSTED_CERTIFICATE, blocks, certificates, crls, envoy, is_pem, text};
use crate::certs::{Authority, Chain, ChainPlan, inspect, issue_chain, key, pkcs12};
use crate::names::Host;

/// A file's text, and the line and reason of its error.
#[test]
fn what_is_broken_is_said_with_its_line() {
    let good = text(CERTIFICATE, &[0x30, 0x03, 0x02, 0x01, 0x05]);
    let joined = format!("{}{}", good.trim_end(), good);
    for (content, at, why) in [
        (String::new(), None, "it is empty"),
        (" \n\t\n".into(), None, "it is empty"),
        ("hello".into(), None, "no line begins with -----BEGIN"),
        (
            good[..40].into(),
            Some("f:1"),
            "the CERTIFICATE block that begins here has no END line",
        ),
        (
            format!("# text\n{}", &good[..40]),
            Some("f:2"),
            "the CERTIFICATE block that begins here has no END line",
        ),
        (joined, Some("f:3"), "two files may have been joined"),
        (
            good.replace("END CERTIFICATE", "END PRIVATE KEY"),
            Some("f:3"),
            "begins with CERTIFICATE and ends with PRIVATE KEY",
        ),
        (
            good.replace("MAMC", "MA!C"),
            Some("f:2"),
            "characters that are not base64",
        ),
        (
            good.replace("MAMC", "MAMCA"),
            Some("f:2"),
            "the base64 of the CERTIFICATE block is invalid",
        ),
        (
            "-----BEGIN X-----\n-----END X-----\n".into(),
            Some("f:1"),
            "the X block is empty",
        ),
        (
            "-----END X-----\n-----BEGIN X-----\n".into(),
            Some("f:1"),
            "there is an END marker without a BEGIN",
        ),
        (
            "-----BEGIN X-----\n-----BEGIN Y-----\n".into(),
            Some("f:2"),
            "a new block begins inside the X block that begins at line 1",
        ),
    ] {
        let Err(problem) = blocks(content.as_bytes(), "f") else {
            panic!("{content:?} was taken");
        };
        assert_eq!(problem.at.as_deref(), at, "{content:?}");
        assert!(problem.why.as_deref().unwrap().contains(why), "{content:?}: {problem}");
    }
}

#[test]
fn der_and_utf_16_are_recognised() {
    let why = |content: &[u8]| blocks(content, "f").err().unwrap().why.unwrap();
    assert!(why(&[0x30, 0x82, 1, 1]).starts_with("it is DER"));
    assert!(why(b"\xff\xfe-\x00-\x00").starts_with("it is UTF-16"));
}

#[test]
fn crlf_byte_order_marks_text_and_headers_are_tolerated() {
    let good = text(CERTIFICATE, b"content");
    let wrapped = format!(
        "\u{feff}Bag Attributes\r\n    a: b\r\n{}\r\ntrailing",
        good.replace('\n', "\r\n")
    );
    assert_eq!(&*blocks(wrapped.as_bytes(), "f").unwrap()[0].der, b"content");
    let legacy = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
    assert!(blocks(legacy.as_bytes(), "f").unwrap()[0].legacy_encrypted);
    let problem = key::read(legacy.as_bytes(), "f", Some("x")).err().unwrap();
    assert_eq!(problem.what, "f holds a key with legacy encryption");
}

proptest! {
    #[test]
    fn what_is_written_is_read(ders in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..300), 1..4)) {
        let written: String = ders.iter().map(|der| text("THING", der)).collect();
        let read = blocks(written.as_bytes(), "f").unwrap();
        let read: Vec<Vec<u8>> = read.iter().map(|block| block.der.to_vec()).collect();
        prop_assert_eq!(read, ders);
    }

    #[test]
    fn no_text_makes_a_reader_panic(
        parts in prop::collection::vec(
            prop_oneof![
                Just("-----BEGIN CERTIFICATE-----".to_owned()),
                Just("-----END CERTIFICATE-----".to_owned()),
                Just("-----BEGIN ENCRYPTED PRIVATE KEY-----".to_owned()),
                Just("-----END ENCRYPTED PRIVATE KEY-----".to_owned()),
                Just("-----BEGIN ".to_owned()),
                Just("\n".to_owned()),
                Just("MAMCAQU=".to_owned()),
                "\\PC{0,20}",
            ],
            0..12,
        )
    ) {
        let content = parts.concat();
        let _ = blocks(content.as_bytes(), "f");
        let _ = certificates(content.as_bytes(), "f");
        let _ = key::read(content.as_bytes(), "f", Some("x"));
        let _ = crls(content.as_bytes(), "f");
    }

    #[test]
    fn no_bytes_make_a_reader_panic(mut content: Vec<u8>, sequence: bool) {
        if sequence {
            content.insert(0, 0x30);
        }
        prop_assume!(!is_pem(&content));
        let now = time::OffsetDateTime::UNIX_EPOCH;
        let _ = key::read(&content, "f", Some("x"));
        let _ = crls(&content, "f");
        let _ = pkcs12::read(&content, "f", None);
        let _ = inspect::scan(&content, "f", Some("x"), now);
    }
}

/// How Envoy reads a chain's text: the number of certificates, or line and cause.
fn as_envoy(text: &str) -> Result<usize, String> {
    let said = |problem: crate::problem::Problem| {
        format!("{} {}", problem.at.unwrap_or_default(), problem.why.unwrap_or_default())
    };
    let read = envoy::certificates(text.as_bytes(), "f", envoy::Use::Chain).map_err(said)?;
    match read.passed_over {
        Some(problem) => Err(said(problem)),
        None => Ok(read.list.len()),
    }
}

#[test]
fn what_envoy_does_not_read_is_told_with_line_and_cause() {
    let chain = certificates_of_a_chain();
    let (leaf, issuer) = chain.split_at(chain.find("-----END").unwrap());
    let (end, issuer) = issuer.split_once('\n').unwrap();
    let leaf = format!("{leaf}{end}\n");
    let lines = leaf.lines().count();
    let indented = |text: &str| format!("  {}\n", text.trim_end().replace('\n', "\n  "));
    for (text, count) in [
        (chain.clone(), 2),
        (chain.replace('\n', " \r\n"), 2),
        (format!("\u{feff}# a\n{chain}"), 2),
        (format!("{leaf}# {issuer}"), 1),
        (format!("as in -----BEGIN CERTIFICATE-----\n\n{leaf}"), 1),
        (leaf.replace("\nMI", "\n  MI"), 1),
    ] {
        assert_eq!(as_envoy(&text), Ok(count), "{text}");
    }
    for (text, line, cause) in [
        (
            format!("\u{feff}{chain}"),
            1,
            "there is a byte order mark before its BEGIN",
        ),
        (indented(&leaf), 1, "there are blanks before its BEGIN"),
        (
            format!("{leaf}{}", indented(issuer)),
            lines + 1,
            "there are blanks before its BEGIN",
        ),
        (format!("tls.crt: {leaf}"), 1, "there is other text before"),
        (leaf.replace("-----END", " -----END"), 1, "the END marker of the block"),
        (
            leaf.replacen('\n', "\nNote: a\n\n", 1),
            1,
            "an empty line splits the block",
        ),
        (leaf.replace('\n', "\\n"), 1, "its line breaks are written as \\n"),
        (leaf.replace('\n', " "), 1, "its line breaks are lost"),
        (leaf.replace('\n', "\r"), 1, "carriage returns only"),
        (
            format!("{leaf}\n{}", leaf.replace("END", "END X")),
            lines * 2 + 1,
            "begins with CERTIFICATE and ends with",
        ),
    ] {
        let said = as_envoy(&text).unwrap_err();
        assert!(
            said.starts_with(&format!("f:{line} ")) && said.contains(cause),
            "{said}\n{text}"
        );
    }
    for (bytes, cause) in [
        (leaf.encode_utf16().flat_map(u16::to_le_bytes).collect(), "it is UTF-16"),
        (
            base64::engine::general_purpose::STANDARD.encode(&leaf).into_bytes(),
            "it was encoded twice",
        ),
        (
            leaf.replace("-----", "----").into_bytes(),
            "its BEGIN marker is malformed",
        ),
    ] {
        let why = certificates(&bytes, "f").unwrap_err().why.unwrap();
        assert!(why.replace("the value", "it").contains(cause), "{why}");
    }
}

fn a_chain() -> Chain {
    let now = time::OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap();
    issue_chain(&ChainPlan::new(Host::parse("a.com").unwrap()), Authority::New, now).unwrap()
}

fn certificates_of_a_chain() -> String {
    let chain = a_chain();
    crate::certs::pem::certificates_text([&chain.server.certificate, &chain.intermediate.certificate])
}

#[test]
fn trust_settings_behind_a_certificate_are_not_part_of_it() {
    let chain = a_chain();
    let trusted = |der: &[u8]| text(TRUSTED_CERTIFICATE, &[der, &[0x30, 0x00]].concat());
    let (leaf, root) = (trusted(&chain.server.certificate), trusted(&chain.root.certificate));
    assert_eq!(as_envoy(&leaf), Ok(1));
    let late = as_envoy(&format!("{leaf}{root}")).unwrap_err();
    assert!(late.contains("only in the first position of a chain"), "{late}");
    assert_eq!(
        certificates(format!("{root}{root}").as_bytes(), "f").map(|list| list.len()),
        Ok(2)
    );
    let block = &blocks(root.as_bytes(), "f").unwrap()[0];
    assert_eq!(block.certificate(), chain.root.certificate);
}

#[test]
fn a_gateways_key_is_the_first_of_a_pem_text() {
    let chain = a_chain();
    let own = chain.server.key.as_ref().unwrap();
    let pem = own.pem();
    let read = |text: &[u8]| key::of_gateway(text, "f").map_err(|problem| problem.why.unwrap_or_default());
    let broken = "-----BEGIN X-----\n!\n-----END X-----\n";
    assert!(read(format!("{}{}{broken}", certificates_of_a_chain(), &*pem).as_bytes()).is_ok());
    for (content, why) in [
        (own.pkcs8().to_vec(), "it is DER"),
        (
            format!("{broken}{}", &*pem).into_bytes(),
            "characters that are not base64",
        ),
        (format!("\u{feff}{}", &*pem).into_bytes(), "a byte order mark"),
        (
            certificates_of_a_chain().into_bytes(),
            "it holds CERTIFICATE, CERTIFICATE",
        ),
    ] {
        let said = read(&content).err().unwrap();
        assert!(said.contains(why), "{said}");
    }
    // A file may be DER.
    assert!(key::read(own.pkcs8(), "f", None).is_ok());
}
