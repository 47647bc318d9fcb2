//! Notes for the user.

use super::job::{Action, Job, Plan};
use super::request::{Request, Signer};
use crate::certs::KeyType;
use crate::ops::chain_files::BUNDLE_PASSWORD;
use crate::remedy::{Remedy, ours};
use crate::workspace::layout::Part;
use crate::workspace::store;

/// Notes that are known before anything is written.
pub(super) fn of_plan(request: &Request, plan: &Plan) -> Vec<Remedy> {
    let mut notes: Vec<Remedy> = Vec::new();
    let makes_chains = plan.jobs.iter().any(Job::makes_chain);
    let issues = makes_chains || plan.jobs.iter().any(|job| !job.clients.is_empty());
    if request.profile.leaf_key == KeyType::Ed25519 && issues {
        notes.push(
            "Ed25519: Envoy accepts no Ed25519 client certificate, and browsers no Ed25519 certificate at all; \
             ecdsa-p256 works everywhere"
                .into(),
        );
    }
    match &request.signer {
        Signer::Root(dir) | Signer::Intermediate(dir) if makes_chains => notes.push(
            format!(
                "the CA of {} is shared: a client certificate of one of its hosts is accepted by all of them",
                dir.display()
            )
            .into(),
        ),
        _ => {}
    }
    if let Some(job) = (plan.jobs.iter())
        .find(|job| !request.clients.is_empty() && !job.clients.is_empty() && !job.mode.verifies_clients())
    {
        let host = job.layout.host();
        notes.push(
            Remedy::from(format!(
                "the mode of {host} is simple: the gateway asks for no client certificate until it is mutual or optional-mutual: "
            ))
            .and(ours::make_mutual(host.as_str())),
        );
    }
    if request.password.is_none() && plan.jobs.iter().any(|job| makes_bundles(request, job)) {
        notes.push(format!("the password of the PKCS#12 bundles is {BUNDLE_PASSWORD}").into());
    }
    let encrypted = |job: &Job| {
        store::read(&job.layout, Part::IntermediateKey)
            .ok()
            .flatten()
            .is_some_and(|key| String::from_utf8_lossy(&key).contains("ENCRYPTED"))
    };
    let replaced = |job: &&Job| matches!(job.action, Action::Replace(_));
    if request.password.is_none() && request.signer == Signer::Own && plan.jobs.iter().filter(replaced).any(encrypted) {
        notes.push(
            "the replaced CA keys were encrypted, the new ones are not: use --password-file to encrypt them".into(),
        );
    }
    notes
}

fn makes_bundles(request: &Request, job: &Job) -> bool {
    let of_known = matches!(&job.action, Action::Change(change) if !change.bundles.is_empty());
    of_known || request.bundles.is_some() && !job.clients.is_empty()
}
