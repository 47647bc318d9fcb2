//! What `verify` judged, as JSON, schema 1.

use serde::Serialize;

use super::remedy_json::RemedyJson;
use crate::certs::verify::{CertificateRef, Fault, FaultCode, Purpose};
use crate::names::Host;
use crate::ops::verify::{Judged, Outcome};
use crate::remedy::Aim;

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    schema: u32,
    verified: bool,
    results: Vec<ResultJson<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultJson<'a> {
    source: &'a str,
    purpose: Purpose,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a Host>,
    trusted: &'a [String],
    verified: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_pair: Option<&'a str>,
    path: &'a [CertificateRef],
    faults: Vec<FaultJson<'a>>,
    notes: Vec<FaultJson<'a>>,
}

#[derive(Debug, Serialize)]
struct FaultJson<'a> {
    code: FaultCode,
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<&'a CertificateRef>,
    what: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<RemedyJson>,
}

/// The report of what was judged, for a user who stands at `aim`.
pub fn report<'a>(judged: &'a Outcome, aim: &Aim) -> Report<'a> {
    Report {
        schema: 1,
        verified: judged.verified(),
        results: judged.results.iter().map(|one| result(one, aim)).collect(),
    }
}

fn result<'a>(judged: &'a Judged, aim: &Aim) -> ResultJson<'a> {
    let faults = |faults: &'a [Fault]| faults.iter().map(|one| fault(one, aim)).collect();
    ResultJson {
        source: &judged.source,
        purpose: judged.purpose,
        host: judged.host.as_ref(),
        trusted: &judged.trusted,
        verified: judged.verified,
        no_pair: judged.no_pair.as_deref(),
        path: &judged.verdict.path,
        faults: faults(&judged.verdict.faults),
        notes: faults(&judged.verdict.notes),
    }
}

fn fault<'a>(fault: &'a Fault, aim: &Aim) -> FaultJson<'a> {
    FaultJson {
        code: fault.code,
        certificate: fault.certificate.as_ref(),
        what: &fault.what,
        expected: fault.expected.as_deref(),
        found: fault.found.as_deref(),
        fix: fault.fix.as_ref().map(|fix| fix.words(aim)),
        remedy: fault.fix.as_ref().map(|fix| RemedyJson::new(fix, aim)),
    }
}
