//! One probe of a gateway as every client that must be accepted, and as one that must be
//! refused.

use std::time::Duration;

use super::issue::{Prepared, Removed};
use super::outcome::Seen;
use crate::ops::client_look::{Look, look};
use crate::ops::cluster_ingress::Reached;
use crate::ops::{Failure, Surroundings};

/// The pause between two probes of the gateway.
pub(super) const PAUSE: Duration = Duration::from_millis(50);
/// The limit for one phase of a probe.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Probes once as every client.
///
/// # Errors
/// If TLS cannot use the client's key.
pub(super) async fn see(
    prepared: &Prepared,
    before: &Look,
    reached: &Reached,
    here: &Surroundings,
) -> Result<Seen, Failure> {
    let asked = prepared.held.asked();
    let mut after = Vec::with_capacity(prepared.after.len());
    for identity in &prepared.after {
        let mut seen = look(asked, identity, reached, PATIENCE, here).await?;
        seen.as_before = seen.is_as(before);
        after.push(seen);
    }
    let removed = match &prepared.removed {
        Removed::Client(identity) => Some(look(asked, identity, reached, PATIENCE, here).await?),
        Removed::Nobody | Removed::WithoutKey => None,
    };
    Ok(Seen {
        proven: after.iter().all(|look| look.is_served(&prepared.serial))
            && removed.as_ref().is_none_or(Look::is_refused),
        after,
        removed,
    })
}
