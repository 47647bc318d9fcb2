//! Gives a request to a built-in sample, in this process and without a socket:
//! the body is gathered, the sample (a pure function) answers.

use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};

use super::exchange::Exchange;
use super::headers;
use super::local_reply::{Answer, LocalReply};
use super::request_body::Reading;
use super::response_body::{Deadline, ResponseBody};
use super::stats::Counter;
use crate::gateway::config::table::Sample;
use crate::gateway::samples::{self, Asked};

/// Answers with a sample; the route's deadline holds for it as for an upstream.
pub(super) async fn answer(
    sample: Sample,
    request: Request<Incoming>,
    mut exchange: Exchange,
    deadline: Deadline,
) -> Answer {
    let work = ask(sample, request, &exchange);
    let outcome = match deadline {
        None => work.await,
        Some(mut deadline) => tokio::select! {
            biased;
            outcome = work => outcome,
            () = deadline.as_mut() => {
                exchange.worker.stats.add(Counter::UpstreamTimeouts);
                Err(LocalReply::timed_out())
            }
        },
    };
    let (mut response, milliseconds) = match outcome {
        Ok(replied) => replied,
        Err(reply) => return Err((reply, exchange)),
    };
    exchange.answered(response.status(), "-");
    if let Some(entry) = &mut exchange.entry {
        entry.upstream = Some(format!("sample {}", samples::name(sample)));
        entry.upstream_time = Some(milliseconds);
    }
    headers::finish_response(response.headers_mut(), milliseconds);
    Ok(response.map(|body| ResponseBody::full(body, exchange)))
}

/// The sample's response, and how many milliseconds it took.
async fn ask(
    sample: Sample,
    request: Request<Incoming>,
    exchange: &Exchange,
) -> Result<(Response<Bytes>, u64), LocalReply> {
    let started = Instant::now();
    let worker = &exchange.worker;
    let (head, body) = request.into_parts();
    let body = if body.is_end_stream() {
        Bytes::new()
    } else {
        let reading = Reading::begin(&exchange.signals);
        let gathered = Limited::new(body, worker.settings.limits.sample_body).collect().await;
        drop(reading);
        match gathered {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(LocalReply::too_large()),
            Err(_) => return Err(LocalReply::bad_request()),
        }
    };
    let asked = Asked {
        head: &head,
        body: &body,
        random: worker.random.next(),
        is_tls: exchange.downstream.is_tls(),
    };
    let answered = samples::respond(sample, &asked);
    if !answered.delay.is_zero() {
        tokio::time::sleep(answered.delay).await;
    }
    Ok((answered.response, started.elapsed().as_millis() as u64))
}
