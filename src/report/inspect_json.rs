//! What `inspect` found, as JSON, schema 1.

use serde::Serialize;

use super::problem_json::ProblemJson;
use crate::certs::inspect::{CertificateFacts, CrlFacts, Found, Item, PrivateKeyFacts, RequestFacts};
use crate::cluster::live::Owner;
use crate::ops::inspect::{Outcome, SecretFacts};
use crate::remedy::Aim;

/// The whole report.
#[derive(Debug, Serialize)]
pub struct Report<'a> {
    schema: u32,
    items: Vec<ItemJson<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<SecretJson<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ItemJson<'a> {
    number: usize,
    source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(flatten)]
    found: FoundJson<'a>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    issued_by: &'a [usize],
    #[serde(skip_serializing_if = "Option::is_none")]
    same_as: Option<usize>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fits: &'a [usize],
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum FoundJson<'a> {
    Certificate(&'a CertificateFacts),
    PrivateKey(&'a PrivateKeyFacts),
    CertificateRequest(&'a RequestFacts),
    Crl(&'a CrlFacts),
    Other { label: &'a str },
    Unreadable { problem: ProblemJson },
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SecretJson<'a> {
    context: &'a str,
    namespace: &'a str,
    name: &'a str,
    #[serde(rename = "type")]
    secret_type: &'a str,
    owner: &'static str,
    managers: &'a [String],
    keys: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    no_pair: Option<&'a str>,
}

/// The report of what was found, for a user who stands at `aim`.
pub fn report<'a>(found: &'a Outcome, aim: &Aim) -> Report<'a> {
    Report {
        schema: 1,
        items: found.items.iter().map(|one| item(one, aim)).collect(),
        secrets: found.secrets.iter().map(secret).collect(),
    }
}

fn item<'a>(item: &'a Item, aim: &Aim) -> ItemJson<'a> {
    ItemJson {
        number: item.number,
        source: &item.source,
        line: item.line,
        found: match &item.found {
            Found::Certificate(facts) => FoundJson::Certificate(facts),
            Found::PrivateKey(facts) => FoundJson::PrivateKey(facts),
            Found::CertificateRequest(facts) => FoundJson::CertificateRequest(facts),
            Found::Crl(facts) => FoundJson::Crl(facts),
            Found::Other { label } => FoundJson::Other { label },
            Found::Unreadable { problem } => FoundJson::Unreadable {
                problem: ProblemJson::new(problem, aim),
            },
        },
        issued_by: &item.issued_by,
        same_as: item.same_as,
        fits: &item.fits,
    }
}

fn secret(facts: &SecretFacts) -> SecretJson<'_> {
    SecretJson {
        context: &facts.context,
        namespace: &facts.namespace,
        name: &facts.name,
        secret_type: &facts.secret_type,
        owner: match facts.owner {
            Owner::Ours => "workspace",
            Owner::Workspace(_) => "other-workspace",
            Owner::Unmarked => "istio-tls",
            Owner::Others(_) => "others",
        },
        managers: &facts.managers,
        keys: &facts.keys,
        no_pair: facts.no_pair.as_deref(),
    }
}
