//! One examination, and the wait until it finds no fault.

use std::time::{Duration, Instant};

use super::ask::Asking;
use super::gather;
use super::request::Request;
use super::scope::Scope;
use crate::cluster::client::Client;
use crate::cluster::kubeconfig::Access;
use crate::doctor::examine_all;
use crate::doctor::facts::Facts;
use crate::lint::{Report, suppress};
use crate::ops::interruption::{Cancel, Interrupted, or_signal};
use crate::ops::{Failure, Surroundings};

/// The pause between two examinations after a fix.
const PAUSE: Duration = Duration::from_secs(1);

/// An examination.
pub struct Examined {
    /// What was examined, per gateway.
    pub gateways: Vec<Facts>,
    /// What was found.
    pub report: Report,
}

/// The cluster that is examined: from the flags, otherwise the one that `apply` recorded,
/// otherwise the current one. Reports it.
///
/// # Errors
/// If the kubeconfig cannot be used.
pub async fn access(request: &Request, scope: &Scope, here: &Surroundings) -> Result<Access, Failure> {
    let place = request.place.or_recorded(scope.config.as_ref());
    let access = place.access(here).await?;
    here.say(&format!(
        "context {} (user {}), server {}",
        access.context, access.user, access.server
    ));
    Ok(access)
}

/// Examines everything, and judges it.
///
/// # Errors
/// If the API server cannot be reached.
pub async fn examine(
    request: &Request,
    scope: &Scope,
    client: &Client<'_>,
    here: &Surroundings,
) -> Result<Examined, Failure> {
    let asking = Asking {
        patience: request.patience,
        probe: request.probe,
    };
    let gateways = gather::facts(scope, client, asking, here).await?;
    let mut report = examine_all(&gateways);
    suppress(&mut report, &[], &request.suppressions);
    Ok(Examined { gateways, report })
}

/// Examines repeatedly until the gateway is well, or the time is over: the proxies get a
/// Secret a moment after it is stored. Returns the last examination.
///
/// # Errors
/// The signal that interrupted it; inside the result, as for [`examine`].
pub async fn await_well(
    request: &Request,
    scope: &Scope,
    client: &Client<'_>,
    cancel: &mut Cancel,
    here: &Surroundings,
) -> Result<Result<Examined, Failure>, Interrupted> {
    let waiting = async {
        let start = Instant::now();
        loop {
            let examined = examine(request, scope, client, here).await?;
            if !examined.report.reaches(request.fail_on) || start.elapsed() + PAUSE > request.wait {
                return Ok(examined);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    or_signal(Box::pin(waiting), cancel).await
}
