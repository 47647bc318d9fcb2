//! BetterTLS (Netflix): name constraints and path building, each case with the
//! verdict that its authors want. No case may end otherwise.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use istio_tls::certs::CertificateDer;
use istio_tls::certs::verify::{Purpose, VerifyInput, verify};
use istio_tls::names::Host;
use serde::Deserialize;
use time::OffsetDateTime;

use crate::certificates::run;
use crate::harness::Dir;
use crate::installed_tools::tool;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Export {
    trust_root: String,
    suites: std::collections::BTreeMap<String, Suite>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Suite {
    test_cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    id: u32,
    certificates: Vec<String>,
    hostname: String,
    expected: String,
}

fn certificate(text: &str) -> CertificateDer<'static> {
    CertificateDer::from(STANDARD.decode(text).expect("base64"))
}

#[test]
fn every_case_ends_as_its_authors_want() {
    let dir = Dir::new();
    let program = tool("bettertls");
    run(
        &dir,
        program.to_str().expect("a path"),
        &["export-tests", "-out", "cases.json"],
    );
    let export: Export = serde_json::from_str(&dir.read("cases.json")).expect("the export");
    let root = [certificate(&export.trust_root)];
    let now =
        OffsetDateTime::from(std::time::UNIX_EPOCH + std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970"));
    for (name, least) in [("nameconstraints", 9000), ("pathbuilding", 80)] {
        let cases = &export.suites[name].test_cases;
        assert!(cases.len() >= least, "{name} has {}", cases.len());
        let mut wrong = Vec::new();
        for case in cases {
            let chain: Vec<CertificateDer<'static>> = case.certificates.iter().map(|text| certificate(text)).collect();
            let host = Host::parse(&case.hostname).expect("a host");
            let verdict = verify(&VerifyInput {
                chain: &chain,
                intermediates: &[],
                roots: &root,
                crls: &[],
                purpose: Purpose::Server,
                host: Some(&host),
                now,
            });
            if verdict.is_ok() != (case.expected == "ACCEPT") {
                let said = verdict.first().map(|fault| fault.what.clone());
                wrong.push(format!(
                    "{name} {}: {} was wanted, and {said:?}",
                    case.id, case.expected
                ));
            }
        }
        assert!(
            wrong.is_empty(),
            "{} of {}:\n{}",
            wrong.len(),
            cases.len(),
            wrong.join("\n")
        );
    }
}
