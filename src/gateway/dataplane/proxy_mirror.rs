//! Copies of requests for a route's mirrors: sent beside the request, and their
//! answers are dropped.

use std::rc::Rc;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt as _;

use super::current::Generation;
use super::outbound::{copy_of, send_once};
use super::request_body::RequestBody;
use super::worker_state::WorkerState;
use crate::gateway::config::table::Mirror;

/// How long a copy may take where the route has no timeout.
const LONGEST: Duration = Duration::from_mins(1);

/// Starts what `request` is copied to. A copy leaves when the whole body has
/// come, and not at all when it is too large to keep.
pub(super) fn start(
    worker: &Rc<WorkerState>,
    generation: &Generation,
    mirrors: &[Mirror],
    request: &Request<RequestBody>,
    timeout: Option<Duration>,
    (is_tls, is_grpc): (bool, bool),
) {
    for mirror in mirrors {
        // A sample has no use for a copy.
        let Some(Some(remote)) = generation.remotes.get(mirror.cluster) else {
            continue;
        };
        if !mirror.share.holds(worker.random.next()) {
            continue;
        }
        let Some(copy) = copy_of(request) else { continue };
        let upstream = worker.upstreams.get(remote);
        let own = Rc::clone(worker);
        let sent = async move {
            if copy.body().whole().await.is_err() {
                return;
            }
            if let Ok((response, _lease)) = send_once(&own, &upstream, copy, is_tls, is_grpc, false).await {
                let mut body = response.into_body();
                while let Some(Ok(_)) = body.frame().await {}
            }
        };
        worker.tasks.spawn(async move {
            // Nobody waits for it: what failed, failed.
            let _ = tokio::time::timeout(timeout.unwrap_or(LONGEST), sent).await;
        });
    }
}
