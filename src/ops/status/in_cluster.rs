//! The part of `status` that uses a cluster: each host's Secrets, and the gateway's
//! address. What may not be read is skipped; the files are reported nevertheless.

use std::time::Duration;

use futures_util::{StreamExt as _, stream};

use super::facts::{Held, HostState, SecretState};
use super::gather::reason;
use super::outcome::not_served;
use crate::certs::key;
use crate::certs::summary::CertificateSummary;
use crate::cluster::client::{AT_ONCE, Client};
use crate::cluster::failure::ApiError;
use crate::cluster::kubeconfig::Access;
use crate::cluster::secrets::{self, LiveSecret};
use crate::lint::{Skipped, codes};
use crate::ops::cluster_access::ClusterPlace;
use crate::ops::cluster_ingress::{self, Reached};
use crate::ops::host_secrets::{self, Elsewhere, SecretPlace};
use crate::ops::{Failure, Surroundings, intent};
use crate::workspace::config::WorkspaceConfig;

/// How long to retry an API server that fails or is busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// The result of querying the cluster.
#[derive(Default)]
pub(super) struct Asked {
    /// The context's name.
    pub(super) context: Option<String>,
    /// The cluster, if its kubeconfig could be read.
    pub(super) access: Option<Box<Access>>,
    /// The gateway, if it was wanted and has an address.
    pub(super) gateway: Option<Reached>,
    /// A note that the gateway's pods are not where the Secrets are.
    pub(super) pods_elsewhere: Option<Elsewhere>,
    /// What could not be checked.
    pub(super) skipped: Vec<Skipped>,
    /// Why the cluster could not be reached at all.
    pub(super) failure: Option<Failure>,
}

/// Reads the Secrets of every host into its state and, if `wants_gateway`, the gateway's
/// address.
///
/// # Errors
/// If the workspace cannot be read.
pub(super) async fn ask(
    place: &ClusterPlace,
    states: &mut [HostState],
    wants_gateway: bool,
    here: &Surroundings,
) -> Result<Asked, Failure> {
    let mut asked = Asked {
        context: place.context.clone(),
        ..Asked::default()
    };
    let access = match place.access(here).await {
        Ok(access) => access,
        Err(failure) => {
            asked.skip(&failure.problem.what);
            asked.failure = Some(failure);
            return Ok(asked);
        }
    };
    asked.context = Some(access.context.clone());
    asked.access = Some(Box::new(access.clone()));
    let notice = |text: &str| here.say(text);
    let client = Client::new(access, PATIENCE, &notice).map_err(Failure::runtime)?;
    let config = intent::workspace(here).map_err(Failure::usage)?;
    let config = host_secrets::located(config, here);
    let mut places = Vec::new();
    for (index, state) in states.iter().enumerate() {
        for place in host_secrets::places(&config, &state.host).map_err(Failure::usage)? {
            places.push((index, place));
        }
    }
    let mut reading = stream::iter(&places)
        .map(|(index, place)| {
            let reading = secrets::read(&client, &place.namespace, &place.name, Some(&config.id));
            async move { (*index, place, reading.await) }
        })
        .buffered(AT_ONCE);
    while let Some((index, place, outcome)) = reading.next().await {
        match outcome {
            Ok(secret) => states[index].secrets.push(SecretState {
                title: format!("{}/{}", place.namespace, place.name),
                controller: secret.as_ref().and_then(|secret| secret.controller.clone()),
                elsewhere: match &secret {
                    Some(_) => None,
                    None => host_secrets::made_elsewhere(&client, &config, place).await,
                },
                held: secret.map(|secret| held(place, &secret)),
            }),
            Err(error) => {
                let problem = secrets::problem(&client, &error, &place.namespace, &place.name);
                asked.skip(&problem.what);
                if !matches!(&error, ApiError::Status(status) if status.code == 403) {
                    // Other requests will not be answered, either.
                    asked.failure = Some(Failure::runtime(problem));
                    break;
                }
            }
        }
    }
    drop(reading);
    if wants_gateway && asked.failure.is_none() {
        gateway(&client, &config, &mut asked, here).await;
    }
    let is_missing = |state: &HostState| state.secrets.iter().any(|secret| secret.held.is_none());
    let is_unreached = wants_gateway && asked.gateway.is_none();
    if asked.failure.is_none() && (is_unreached || states.iter().any(is_missing)) {
        asked.pods_elsewhere = host_secrets::pods_elsewhere(&client, &config).await;
    }
    Ok(asked)
}

impl Asked {
    /// Reports that Secrets were not compared, once for each reason.
    fn skip(&mut self, reason: &str) {
        if self.skipped.iter().any(|skipped| skipped.reason == reason) {
            return;
        }
        for code in [
            &codes::STATUS_SECRET_DRIFT,
            &codes::STATUS_SECRET_MISSING,
            &codes::STATUS_SECRET_BROKEN,
            &codes::STATUS_BUNDLE_DRIFT,
        ] {
            self.skipped.push(Skipped {
                code: code.id,
                reason: reason.to_owned(),
            });
        }
    }
}

/// The gateway; being unable to read the rest is not a failure.
async fn gateway(client: &Client<'_>, config: &WorkspaceConfig, asked: &mut Asked, here: &Surroundings) {
    let wanted = cluster_ingress::wanted(config.gateway.clone(), here);
    match cluster_ingress::reach_with(client, &wanted).await {
        Ok((reached, told)) => {
            here.say(&format!("context {}: {told}", client.access.context));
            asked.gateway = Some(reached);
        }
        Err(problem) => asked.skipped.extend(not_served(&problem.what)),
    }
}

/// What is wrong with the key of a Secret whose chain can be read.
fn key_fault(secret: &LiveSecret) -> Option<String> {
    let pair = secret.data.key_pair().ok()?;
    let chain = host_secrets::chain(secret).ok()?;
    match key::read(&pair.key.content, &pair.key.name, None) {
        Ok(key) if key.fits(chain.first()?) => None,
        Ok(_) => Some(format!(
            "{} does not belong to the certificate beside it",
            pair.key.name
        )),
        Err(problem) => Some(reason(problem)),
    }
}

fn held(place: &SecretPlace, secret: &LiveSecret) -> Held {
    let leaf = || {
        let chain = host_secrets::chain(secret).map_err(reason)?;
        let leaf = chain.first().ok_or_else(|| "it contains no certificate".to_owned())?;
        CertificateSummary::of(leaf).map_err(reason)
    };
    let authorities = || {
        let all = place.authorities(secret).map_err(reason)?;
        let all = all.iter().map(CertificateSummary::of);
        all.collect::<Result<Vec<_>, _>>().map_err(reason)
    };
    Held {
        leaf: (!place.leaf_keys.is_empty()).then(leaf),
        key: (!place.leaf_keys.is_empty()).then(|| key_fault(secret)).flatten(),
        authorities: place.ca_key.map(|_| authorities()),
    }
}
