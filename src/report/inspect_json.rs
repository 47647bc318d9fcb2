//! The JSON output of `inspect`, schema 1.

use schemars::JsonSchema;
use serde::Serialize;

use super::problem_json::ProblemJson;
use super::schema_number::SchemaNumber;
use crate::certs::inspect::{CertificateFacts, CrlFacts, Found, Item, PrivateKeyFacts, RequestFacts};
use crate::cluster::live::Owner;
use crate::ops::inspect::{Outcome, SecretFacts};
use crate::remedy::Aim;

/// The whole report.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Report<'a> {
    /// The number of this format.
    schema: SchemaNumber,
    /// What was found, in order.
    items: Vec<ItemJson<'a>>,
    /// The Secrets among the targets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<SecretJson<'a>>,
}

/// One item that was found.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ItemJson<'a> {
    /// Its number, from 1; other items refer to it.
    number: usize,
    /// The file, or other source.
    source: &'a str,
    /// The line in a PEM file, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    /// The kind of item, with its details.
    #[serde(flatten)]
    found: FoundJson<'a>,
    /// The numbers of the certificates that issued it.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    issued_by: &'a [usize],
    /// The number of an earlier item that is the same certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    same_as: Option<usize>,
    /// The numbers of the certificates that this key belongs to.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fits: &'a [usize],
}

/// The kind of an item.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "kebab-case")]
enum FoundJson<'a> {
    Certificate(&'a CertificateFacts),
    PrivateKey(&'a PrivateKeyFacts),
    CertificateRequest(&'a RequestFacts),
    Crl(&'a CrlFacts),
    Other {
        /// The label of the PEM block.
        label: &'a str,
    },
    Unreadable {
        /// Why it cannot be read.
        problem: ProblemJson,
    },
}

/// A Secret in a cluster.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct SecretJson<'a> {
    /// The kubeconfig context.
    context: &'a str,
    /// `metadata.namespace`.
    namespace: &'a str,
    /// `metadata.name`.
    name: &'a str,
    /// `type`, such as kubernetes.io/tls.
    #[serde(rename = "type")]
    secret_type: &'a str,
    /// Who created it: this workspace, another one, istio-tls without a workspace, or
    /// others.
    owner: OwnerJson,
    /// The field managers of its data.
    managers: &'a [String],
    /// The keys of its data.
    keys: &'a [String],
    /// Why a gateway cannot use a certificate and key from the Secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_pair: Option<&'a str>,
}

/// Who created a Secret.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum OwnerJson {
    /// This workspace.
    Workspace,
    /// Another workspace of istio-tls.
    OtherWorkspace,
    /// istio-tls, without a workspace.
    IstioTls,
    /// Others.
    Others,
}

/// What was found; `aim` completes the command lines.
pub fn report<'a>(found: &'a Outcome, aim: &Aim) -> Report<'a> {
    Report {
        schema: SchemaNumber,
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
            Owner::Ours => OwnerJson::Workspace,
            Owner::Workspace(_) => OwnerJson::OtherWorkspace,
            Owner::Unmarked => OwnerJson::IstioTls,
            Owner::Others(_) => OwnerJson::Others,
        },
        managers: &facts.managers,
        keys: &facts.keys,
        no_pair: facts.no_pair.as_deref(),
    }
}
