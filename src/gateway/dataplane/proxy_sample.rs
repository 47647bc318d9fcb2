//! Gives a request to a built-in sample, in this process and without a socket:
//! the body is gathered, the sample (a pure function) answers.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::local_reply::LocalReply;
use super::request_body::RequestBody;
use super::worker_state::WorkerState;
use crate::gateway::config::table::Sample;
use crate::gateway::samples::{self, Asked};

/// The sample's response.
pub(super) async fn ask(
    sample: Sample,
    request: Request<RequestBody>,
    worker: &WorkerState,
    is_tls: bool,
) -> Result<Response<Bytes>, LocalReply> {
    let (head, body) = request.into_parts();
    let body = if body.is_empty() {
        Bytes::new()
    } else {
        match Limited::new(body, worker.settings.limits.sample_body).collect().await {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(LocalReply::too_large()),
            Err(_) => return Err(LocalReply::bad_request()),
        }
    };
    let asked = Asked {
        head: &head,
        body: &body,
        random: worker.random.next(),
        is_tls,
    };
    let answered = samples::respond(sample, &asked);
    if !answered.delay.is_zero() {
        tokio::time::sleep(answered.delay).await;
    }
    Ok(answered.response)
}
