//! What the user should know before anything is issued.

use super::plan::{Action, Job, Plan};
use super::request::{Request, Signer};
use crate::certs::KeyType;
use crate::ops::chain_files;
use crate::workspace::layout::Part;
use crate::workspace::store;

/// What is known before anything is issued.
pub(super) fn of_plan(request: &Request, plan: &Plan) -> Vec<String> {
    let mut notes = Vec::new();
    if request.profile.leaf_key == KeyType::Ed25519 {
        notes.push(
            "Ed25519: Envoy accepts no Ed25519 client certificate, and browsers no Ed25519 certificate at all; \
             ecdsa-p256 works everywhere"
                .to_owned(),
        );
    }
    match &request.signer {
        Signer::Own => {}
        Signer::Root(dir) | Signer::Intermediate(dir) => notes.push(format!(
            "the CA of {} is shared: a client certificate of one of its hosts is accepted by all of them",
            dir.display()
        )),
    }
    if !request.clients.is_empty()
        && let Some(job) = plan.jobs.iter().find(|job| !job.mode.verifies_clients())
    {
        notes.push(format!(
            "the mode of {} is simple: the gateway asks for no client certificate until it is mutual or optional-mutual",
            job.layout.host()
        ));
    }
    if request.bundles && request.password.is_none() {
        notes.push(format!(
            "the password of the PKCS#12 bundles is {}",
            chain_files::BUNDLE_PASSWORD
        ));
    }
    let encrypted = |job: &Job| {
        store::read(&job.layout, Part::IntermediateKey)
            .ok()
            .flatten()
            .is_some_and(|key| String::from_utf8_lossy(&key).contains("ENCRYPTED"))
    };
    if request.password.is_none()
        && request.signer == Signer::Own
        && plan
            .jobs
            .iter()
            .any(|job| job.action == Action::Replace && encrypted(job))
    {
        notes.push(
            "the replaced CA keys were encrypted, the new ones are not: give --password-file to encrypt them"
                .to_owned(),
        );
    }
    notes
}
