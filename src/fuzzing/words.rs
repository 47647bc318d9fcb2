//! User input, and the first bytes of a server.

use super::checks::told;
use crate::certs::plan::{San, Subject, Subtree, check_client_name, parse_time};
use crate::gateway::config::clusters::Upstream;
use crate::lint::Suppression;
use crate::manifests::model::duration;
use crate::manifests::{naming, re2, routes};
use crate::names::{Host, check_object_name};
use crate::probe::destination::Destination;
use crate::probe::target::{ResolveRule, authority, parse_address, split_port};
use crate::probe::wire;
use crate::report::paint::printable;
use crate::secrecy;
use crate::shell;
use crate::workspace::layout::host_of_folder;

/// One text, parsed as every kind of flag value.
pub(super) fn words(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    host(text);
    names(text);
    places(text);
    if let Ok(pattern) = re2::compile(text, re2::Covers::Whole) {
        let _ = pattern.is_match("/a");
        // Istio accepts neither an empty nor a long one.
        assert!(
            !(1..=1024).contains(&text.len()) || re2::check(text).is_ok(),
            "{text:?}"
        );
    }
    crate::cli::fuzzing::duration(text);
    if let Some(length) = duration::parse(text) {
        assert!(length <= std::time::Duration::MAX);
    }
    if let Err(problem) = Suppression::parse(text) {
        told(&problem, &[]);
    }
    assert_eq!(unquoted(&shell::quote(text)).as_deref(), Some(text));
    assert!(!printable(text).contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')));
    assert!(!secrecy::looks_like_key(text) || !text.is_empty());
    assert!(!secrecy::is_base64(text) || text.trim().is_ascii());
}

fn host(text: &str) {
    let host = match Host::parse(text) {
        Ok(host) => host,
        Err(problem) => return told(&problem, &[]),
    };
    assert_eq!(Host::parse(host.as_str()).as_ref(), Ok(&host), "{text:?}");
    assert_eq!(host_of_folder(&host.folder_name()).as_ref(), Some(&host), "{text:?}");
    assert!(!host.folder_name().contains(['/', '\0']) && !host.folder_name().starts_with('.'));
    assert!(!host.short_name().is_empty());
    assert!(host.is_covered_by(host.as_str()));
    let names = naming::names_of(&host);
    assert_eq!(check_object_name("Secret", &names.credential), Ok(()), "{text:?}");
    let made = routes::default_routes(&host);
    assert!(!made.is_empty());
    assert!(routes::sample_request(&host, &made).path.starts_with('/'));
    let san = San::of(&host);
    assert_eq!(San::parse(&san.to_string()).as_ref(), Ok(&san), "{text:?}");
}

fn names(text: &str) {
    match San::parse(text) {
        Ok(san) => {
            let kind = match san {
                San::Dns(_) => "DNS:",
                San::Ip(_) => "IP:",
                San::Uri(_) => "URI:",
                San::Email(_) => "email:",
            };
            assert_eq!(San::parse(&format!("{kind}{san}")).as_ref(), Ok(&san), "{text:?}");
        }
        Err(problem) => told(&problem, &[]),
    }
    match Subject::parse(text) {
        Ok(subject) => {
            assert!(!subject.attributes().is_empty());
            let without = subject.with_common_name(None);
            assert_eq!(without.common_name(), None);
            assert_eq!(subject.with_common_name(Some("a")).common_name(), Some("a"));
        }
        Err(problem) => told(&problem, &[]),
    }
    if let Err(problem) = Subtree::parse(text) {
        told(&problem, &[]);
    }
    match parse_time(text) {
        Ok(time) => assert!((1950..=9999).contains(&time.year()), "{time}"),
        Err(problem) => told(&problem, &[]),
    }
    if check_client_name(text).is_ok() {
        assert!(
            !text.contains(['/', '\0', '\n']) && text != "." && text != "..",
            "{text:?}"
        );
    }
}

fn places(text: &str) {
    match Upstream::parse(text) {
        Ok(upstream) => assert!(!upstream.host.is_empty() && upstream.target_port > 0, "{text:?}"),
        Err(problem) => told(&problem, &[]),
    }
    match routes::parse_route(text) {
        Ok(route) => {
            let prefix = route.prefix.as_deref().unwrap_or_default();
            let written = format!("{prefix}={}:{}", route.service, route.port);
            assert_eq!(routes::parse_route(&written).as_ref(), Ok(&route));
        }
        Err(problem) => told(&problem, &[]),
    }
    if let Err(problem) = ResolveRule::parse(text) {
        told(&problem, &[]);
    }
    match Destination::parse(text) {
        Ok(found) => {
            let port = found.port.map_or_else(String::new, |port| format!(":{port}"));
            let path = found.path.as_deref().unwrap_or_default();
            let written = format!("https://{}{port}{path}", authority(&found.host));
            assert_eq!(Destination::parse(&written), Ok(found), "{text:?}");
        }
        Err(problem) => told(&problem, &[]),
    }
    match parse_address(text) {
        Ok((host, port)) => {
            assert!(port > 0);
            let written = if host.contains(':') {
                format!("[{host}]:{port}")
            } else {
                format!("{host}:{port}")
            };
            assert_eq!(parse_address(&written), Ok((host, port)), "{text:?}");
        }
        Err(problem) => told(&problem, &[]),
    }
    if let Err(problem) = split_port(text) {
        told(&problem, &[]);
    }
}

/// A word as parsed by a POSIX shell; none if it is more than one word, or does more.
fn unquoted(word: &str) -> Option<String> {
    let mut read = String::new();
    let mut quoted = false;
    let mut characters = word.chars();
    while let Some(character) = characters.next() {
        match character {
            '\'' => quoted = !quoted,
            other if quoted => read.push(other),
            '\\' => read.push(characters.next()?),
            other if other.is_ascii_alphanumeric() || "-_./:=@%+,".contains(other) => read.push(other),
            _ => return None,
        }
    }
    (!quoted).then_some(read)
}

/// A server's first bytes: reading more of them does not change what was completely read.
pub(super) fn tls_answer(data: &[u8]) {
    let answer = wire::read_answer(data);
    if answer.not_tls {
        assert_eq!(
            answer,
            wire::Answer {
                not_tls: true,
                ..wire::Answer::default()
            }
        );
    }
    let held: usize = answer.chain.iter().map(Vec::len).sum();
    assert!(held <= data.len(), "more certificates than bytes");
    if let Some((_, suite)) = answer.hello {
        assert!(!wire::suite_name(suite).is_empty());
    }
    if let Some(alert) = answer.alert {
        assert!(!alert.name().is_empty());
        assert!(data.len() >= 7, "an alert of {} bytes", data.len());
        // Everything after an alert is ignored.
        let longer = [data, &[22, 3, 3, 0, 1, 0]].concat();
        assert_eq!(wire::read_answer(&longer), answer);
    }
}
