//! User input for names, subjects, times and constraints.

use proptest::prelude::*;

use super::plan::{San, Subject, Subtree, check_client_name, parse_time};

#[test]
fn names_are_recognised() {
    for (typed, kind, shown) in [
        ("a.example.com", "dns", "a.example.com"),
        ("*.Example.com", "dns", "*.example.com"),
        ("bücher.example", "dns", "xn--bcher-kva.example"),
        ("DNS:a.com", "dns", "a.com"),
        ("10.0.0.1", "ip", "10.0.0.1"),
        ("::1", "ip", "::1"),
        ("IP:fe80::1", "ip", "fe80::1"),
        ("https://a.com/x", "uri", "https://a.com/x"),
        ("spiffe://cluster.local/ns/a", "uri", "spiffe://cluster.local/ns/a"),
        ("URI:urn:uuid:1", "uri", "urn:uuid:1"),
        ("urn:uuid:1", "uri", "urn:uuid:1"),
        ("me@Example.com", "email", "me@example.com"),
        ("email:me@a.com", "email", "me@a.com"),
    ] {
        let san = San::parse(typed).unwrap_or_else(|problem| panic!("{typed}: {problem}"));
        let found = match &san {
            San::Dns(_) => "dns",
            San::Ip(_) => "ip",
            San::Uri(_) => "uri",
            San::Email(_) => "email",
        };
        assert_eq!((found, san.to_string().as_str()), (kind, shown), "{typed}");
    }
    for typed in [
        "",
        "a b",
        "IP:a.com",
        "DNS:10.0.0.1",
        "me@",
        "@a.com",
        "URI:x",
        "https://a b",
        "../evil",
        "a.com:443",
    ] {
        assert!(San::parse(typed).is_err(), "{typed:?} was accepted");
    }
}

#[test]
fn subjects_are_parsed_in_both_spellings() {
    let commas = Subject::parse("C=us, O=Dis\\, Inc, CN=a.com").unwrap();
    assert_eq!(commas, Subject::parse("/C=US/O=Dis, Inc/CN=a.com").unwrap());
    assert_eq!(commas.common_name(), Some("a.com"));
    assert_eq!(commas.with_common_name(None).common_name(), None);
    let long = format!("O={}", "a".repeat(65));
    for typed in ["", "O", "O=", "X=1", "C=USA", "C=1a", "O=a,O=b", "O=a\u{7}", &long] {
        assert!(Subject::parse(typed).is_err(), "{typed:?} was accepted");
    }
}

#[test]
fn constraints_cover_what_lies_below() {
    let covers = |subtree: &str, name: &str| Subtree::parse(subtree).unwrap().covers(&San::parse(name).unwrap());
    assert_eq!(covers("example.com", "example.com"), Some(true));
    assert_eq!(covers(".example.com", "a.b.example.com"), Some(true));
    assert_eq!(covers("example.com", "badexample.com"), Some(false));
    assert_eq!(covers("10.0.0.0/8", "10.1.2.3"), Some(true));
    assert_eq!(covers("10.1.0.0/16", "10.2.0.0"), Some(false));
    assert_eq!(covers("0.0.0.0/0", "10.2.0.0"), Some(true));
    assert_eq!(covers("fd00::/8", "10.2.0.0"), Some(false));
    assert_eq!(covers("10.0.0.0/8", "a.com"), None);
    assert_eq!(covers("email:a.com", "me@a.com"), Some(true));
    assert_eq!(covers("uri:.a.com", "spiffe://a.com/x"), Some(false));
    for typed in [
        "",
        "*.a.com",
        "10.0.0.0/33",
        "a.com/8",
        "10.0.0.0/",
        "ip:a.com",
        "email:@a.com",
        "email:*.a.com",
        "uri:",
        "uri:10.0.0.1",
    ] {
        assert!(Subtree::parse(typed).is_err(), "{typed:?} was accepted");
    }
}

#[test]
fn times_are_dates_or_rfc_3339() {
    assert_eq!(parse_time("2026-12-31").unwrap().unix_timestamp(), 1_798_675_200);
    assert_eq!(
        parse_time("2026-12-31T01:00:00+01:00").unwrap(),
        parse_time("2026-12-31").unwrap()
    );
    for typed in ["", "tomorrow", "2026-13-01", "2026-1-1", "0001-01-01", "31.12.2026"] {
        assert!(parse_time(typed).is_err(), "{typed:?} was accepted");
    }
}

#[test]
fn client_names_are_file_names() {
    for name in ["alice", "a.example.com", "me@example.com", "A_1", "*.a.com", "10.0.0.1"] {
        assert!(check_client_name(name).is_ok(), "{name}");
    }
    for name in ["", ".", "..", "../a", "a/b", "a b", "-x", "é", &"a".repeat(65)] {
        assert!(check_client_name(name).is_err(), "{name:?} was accepted");
    }
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in "\\PC{0,80}") {
        let _ = San::parse(&text);
        let _ = Subject::parse(&text);
        let _ = Subtree::parse(&text);
        let _ = parse_time(&text);
        let _ = check_client_name(&text);
    }
}
