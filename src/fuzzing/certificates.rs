//! Certificates, keys, requests and CRLs in files.

use super::checks::{NAME, NOW, first_line, lies_within, told};
use crate::certs::inspect::{self, Found};
use crate::certs::verify::{Purpose, VerifyInput, verify};
use crate::certs::{CertificateDer, crl as lists, csr as requests, key, order, pem, pkcs12};
use crate::names::Host;
use crate::ops::inspect::Outcome;
use crate::remedy::Aim;
use crate::report::inspect_json;

/// PEM: what was read can be written and read back unchanged.
pub(super) fn pem_blocks(data: &[u8]) {
    match pem::blocks(data, NAME) {
        Ok(blocks) => {
            assert!(!blocks.is_empty(), "no error, and no block");
            let text: String = blocks.iter().map(|block| pem::text(&block.label, &block.der)).collect();
            let again = pem::blocks(text.as_bytes(), NAME).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
            assert_eq!(blocks.len(), again.len(), "{text}");
            for (block, again) in blocks.iter().zip(&again) {
                assert!(block.label == again.label && block.der == again.der, "{text}");
            }
            assert!(blocks.windows(2).all(|pair| pair[0].line < pair[1].line), "lines fall");
        }
        Err(problem) => {
            told(&problem, data);
            lies_within(problem.at.as_deref().unwrap_or_default(), data);
        }
    }
    match pem::certificates(data, NAME) {
        Ok(chain) => {
            let text = pem::certificates_text(&chain);
            assert_eq!(pem::certificates(text.as_bytes(), NAME), Ok(chain));
        }
        Err(problem) => told(&problem, data),
    }
}

/// A private key, with the first line as its password.
pub(super) fn private_key(data: &[u8]) {
    let (password, content) = first_line(data);
    let password = std::str::from_utf8(password)
        .ok()
        .filter(|password| !password.is_empty());
    match key::read(content, NAME, password) {
        Ok(read) => {
            let again = key::read(read.pem().as_bytes(), NAME, None);
            let again = again.unwrap_or_else(|problem| panic!("{problem}"));
            assert!(read == again, "the key is another one when it is written and read");
            assert_eq!(key::recognise(read.pkcs8()), Some(key::Encoding::Pkcs8));
            if let Err(problem) = read.public_key() {
                told(&problem, data);
            }
        }
        Err(problem) => told(&problem, content),
    }
}

/// A PKCS#12 bundle, with the first line as its password.
pub(super) fn bundle(data: &[u8]) {
    let (password, content) = first_line(data);
    let password = std::str::from_utf8(password)
        .ok()
        .filter(|password| !password.is_empty());
    match pkcs12::read(content, NAME, password) {
        Ok(bundle) => {
            for certificate in &bundle.certificates {
                let _ = inspect::certificate(certificate, NOW);
            }
            for key in &bundle.keys {
                let _ = key.public_key();
            }
        }
        Err(problem) => told(&problem, content),
    }
}

/// A CRL: its content does not depend on its encoding.
pub(super) fn crl(data: &[u8]) {
    match pem::crls(data, NAME) {
        Ok(found) => {
            assert!(!found.is_empty(), "no error, and no list");
            let text: String = found.iter().map(lists::text).collect();
            let read = lists::contents(data, NAME);
            assert_eq!(read, lists::contents(text.as_bytes(), NAME), "{text}");
            for list in &found {
                let _ = lists::next_update(list, NAME);
            }
            if let Ok(mut contents) = read {
                // A revoked certificate is not revoked again.
                if let Some(first) = contents.revoked.first().map(|revoked| revoked.serial.clone()) {
                    assert!(!contents.revoke(&first, NOW), "{first:?} twice");
                }
            }
        }
        Err(problem) => told(&problem, data),
    }
}

/// A certificate request.
pub(super) fn csr(data: &[u8]) {
    match requests::read(data, NAME) {
        Ok(request) => {
            for san in &request.sans {
                let text = match san {
                    crate::certs::plan::San::Uri(text) => format!("URI:{text}"),
                    other => other.to_string(),
                };
                let again = crate::certs::plan::San::parse(&text);
                assert_eq!(again.as_ref(), Ok(san), "{text}");
            }
        }
        Err(problem) => told(&problem, data),
    }
}

/// Any file, as in `inspect`.
pub(super) fn inspected(data: &[u8]) {
    let (password, content) = first_line(data);
    let password = std::str::from_utf8(password)
        .ok()
        .filter(|password| !password.is_empty());
    match inspect::scan(content, NAME, password, NOW) {
        Ok(mut items) => {
            inspect::relate(&mut items);
            for (index, item) in items.iter().enumerate() {
                assert_eq!(item.number, index + 1);
                let others = item.issued_by.iter().chain(&item.fits).chain(&item.same_as);
                assert!(others.clone().all(|number| (1..=items.len()).contains(number)));
                assert!(item.same_as.is_none_or(|number| number < item.number));
                if let Some(line) = item.line {
                    lies_within(&format!("{NAME}:{line}"), content);
                }
                if let Found::Unreadable { problem } = &item.found {
                    told(problem, content);
                }
            }
            let outcome = Outcome {
                items,
                secrets: Vec::new(),
            };
            let report = inspect_json::report(&outcome, &Aim::default());
            let json = serde_json::to_string(&report).unwrap_or_else(|error| panic!("{error}"));
            assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
        }
        Err(problem) => told(&problem, content),
    }
}

/// A chain, verified with its last certificate as the root; the first line is the host. The verdict
/// does not depend on duplicates among the available certificates.
pub(super) fn chain(data: &[u8]) {
    let (host, content) = first_line(data);
    let host = std::str::from_utf8(host).ok().and_then(|text| Host::parse(text).ok());
    let Ok(certificates) = pem::certificates(content, NAME) else {
        return;
    };
    let key = key::read(content, NAME, None).ok();
    let Some((root, sent)) = certificates.split_last() else {
        return;
    };
    let roots = [root.clone()];
    let lists = pem::crls(content, NAME).unwrap_or_default();
    for purpose in [Purpose::Server, Purpose::Client] {
        let input = VerifyInput {
            chain: sent,
            intermediates: &[],
            roots: &roots,
            crls: &lists,
            purpose,
            host: host.as_ref(),
            now: NOW,
        };
        let verdict = verify(&input);
        assert_eq!(verdict.is_ok(), verdict.first().is_none());
        assert!(!sent.is_empty() || !verdict.is_ok(), "nothing verifies");
        for fault in verdict.faults.iter().chain(&verdict.notes) {
            assert!(!fault.what.is_empty(), "a fault without words");
        }
        let twice: Vec<CertificateDer<'_>> = [root.clone(), root.clone()].into();
        let again = verify(&VerifyInput { roots: &twice, ..input });
        assert_eq!(again.is_ok(), verdict.is_ok());
    }
    if let Some(key) = key
        && let Some(ordered) = order::ordered(&certificates, &key, &certificates)
    {
        assert!(ordered.chain.len() >= certificates.len());
        assert!(ordered.chain.first().is_some_and(|leaf| key.fits(leaf)));
        assert!(
            order::ordered(&ordered.chain, &key, &certificates).is_none(),
            "an ordered chain is ordered again"
        );
    }
}
