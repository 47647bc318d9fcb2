//! An address leads to one pod of the gateway at a time, so every Ready pod is probed
//! individually, through a port-forward.

use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::issue::Prepared;
use super::outcome::{PodProof, Pods};
use super::see::{PAUSE, see};
use crate::cluster::gateway_pod::GatewayPod;
use crate::ops::client_look::Look;
use crate::ops::{Failure, Surroundings};

/// The maximum number of pods that are probed, to limit the time.
const MOST: usize = 20;

/// Probes the pods one after the other, until each serves what it must, or `wait` is
/// over; each at least once.
///
/// # Errors
/// If TLS cannot use a client's key.
pub(super) async fn prove(
    cluster: &Cluster<'_>,
    prepared: &Prepared,
    before: &Look,
    wait: Duration,
    here: &Surroundings,
) -> Result<Pods, Failure> {
    let start = Instant::now();
    let ready = match cluster.ready_pods().await {
        Ok(ready) => ready,
        Err(problem) => {
            return Ok(Pods {
                unasked: Some(problem.what),
                ..Pods::default()
            });
        }
    };
    let mut pods = Pods {
        ready: ready.len(),
        ..Pods::default()
    };
    for (place, gateway) in ready.iter().enumerate() {
        if place == MOST {
            pods.unasked = Some(format!("no more than {MOST} are probed"));
            break;
        }
        let mut reached = match cluster.through(gateway).await {
            Ok(reached) => reached,
            Err(problem) if has_gone(cluster, gateway).await => {
                here.say(&format!("note: {}", problem.what));
                pods.ready -= 1;
                continue;
            }
            Err(problem) => {
                pods.unasked = Some(format!("no port-forward to the pod {}: {}", gateway.pod, problem.what));
                // What prevents one usually prevents all, except for a problem of its
                // node.
                break;
            }
        };
        let seen = loop {
            let waited = start.elapsed();
            let seen = see(prepared, before, &reached, here).await?;
            if seen.proven || start.elapsed() + PAUSE > wait {
                break Some((seen, waited));
            }
            if let Some(trouble) = reached.trouble() {
                here.say(&format!("note: {}", trouble.what));
                if has_gone(cluster, gateway).await {
                    break None;
                }
                if let Ok(next) = cluster.through(gateway).await {
                    reached = next;
                }
            }
            tokio::time::sleep(PAUSE).await;
        };
        match seen {
            Some((seen, waited)) => pods.asked.push(PodProof {
                pod: gateway.pod.to_string(),
                seen,
                waited,
            }),
            None => pods.ready -= 1,
        }
    }
    Ok(pods)
}

/// Whether a pod is no longer Ready, as after a rollout.
async fn has_gone(cluster: &Cluster<'_>, gateway: &GatewayPod) -> bool {
    (cluster.ready_pods().await).is_ok_and(|now| now.iter().all(|other| other.pod != gateway.pod))
}
