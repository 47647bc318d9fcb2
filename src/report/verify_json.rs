//! The JSON output of `verify`, schema 1.

use schemars::JsonSchema;
use serde::Serialize;

use super::remedy_json::RemedyJson;
use super::schema_number::SchemaNumber;
use crate::certs::verify::{CertificateRef, Fault, FaultCode, Purpose};
use crate::names::Host;
use crate::ops::verify::{Judged, Outcome};
use crate::remedy::Aim;

/// The whole report.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report<'a> {
    /// The number of this format.
    schema: SchemaNumber,
    /// Whether every chain verifies.
    verified: bool,
    /// The chains, in order.
    results: Vec<ResultJson<'a>>,
}

/// A chain that was verified.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ResultJson<'a> {
    /// The file, or other source.
    source: &'a str,
    /// The purpose that the leaf must be valid for.
    purpose: Purpose,
    /// The name that the leaf must have; omitted if names were not checked.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<&'a Host>,
    /// Where the trust anchors came from.
    trusted: &'a [String],
    /// Whether it verifies.
    verified: bool,
    /// Why a gateway cannot use a certificate and key from the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_pair: Option<&'a str>,
    /// The path, the leaf first.
    path: &'a [CertificateRef],
    /// Why it does not verify.
    faults: Vec<FaultJson<'a>>,
    /// Remarks that are not faults.
    notes: Vec<FaultJson<'a>>,
}

/// Why a chain does not verify.
#[derive(Debug, Serialize, JsonSchema)]
struct FaultJson<'a> {
    /// The code.
    code: FaultCode,
    /// The certificate that is at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<&'a CertificateRef>,
    /// What is wrong.
    what: &'a str,
    /// The expected value.
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    /// The actual value.
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<&'a str>,
    /// What to do about it, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
    /// The same as data.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<RemedyJson>,
}

/// The report; `aim` completes the command lines.
pub fn report<'a>(judged: &'a Outcome, aim: &Aim) -> Report<'a> {
    Report {
        schema: SchemaNumber,
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
