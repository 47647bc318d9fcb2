//! Gives a request to a built-in sample, in this process and without a socket:
//! the body is gathered, the sample (a pure function) answers.

use std::time::Instant;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};

use super::body::Exchange;
use super::body::ResponseBody;
use super::headers;
use super::local_reply::LocalReply;
use super::proxy_forward::{Answer, Deadline};
use super::stats::Counter;
use crate::gateway::config::table::Sample;
use crate::gateway::samples::{self, Asked};

/// Answers with a sample; the route's deadline holds for it as for an upstream.
pub(super) async fn answer(
    sample: Sample,
    request: Request<Incoming>,
    exchange: Exchange,
    deadline: Deadline,
) -> Answer {
    match deadline {
        None => asked(sample, request, exchange).await,
        Some(mut deadline) => {
            let connection = std::rc::Rc::clone(&exchange.connection);
            let mut exchange = Some(exchange);
            let work = reply(sample, request, &connection);
            let outcome = tokio::select! {
                biased;
                outcome = work => outcome,
                () = deadline.as_mut() => {
                    connection.worker.stats.add(Counter::UpstreamTimeouts);
                    Err(LocalReply::timed_out())
                }
            };
            let exchange = exchange.take().expect("it is taken here only");
            finish(sample, outcome, exchange)
        }
    }
}

async fn asked(sample: Sample, request: Request<Incoming>, exchange: Exchange) -> Answer {
    let connection = std::rc::Rc::clone(&exchange.connection);
    let outcome = reply(sample, request, &connection).await;
    finish(sample, outcome, exchange)
}

type Replied = Result<(Response<Bytes>, u64), LocalReply>;

async fn reply(sample: Sample, request: Request<Incoming>, connection: &super::connection::Connection) -> Replied {
    let started = Instant::now();
    let (head, body) = request.into_parts();
    let body = if body.is_end_stream() {
        Bytes::new()
    } else {
        connection.signals.body_begins();
        let gathered = Limited::new(body, connection.worker.settings.limits.sample_body)
            .collect()
            .await;
        connection.signals.body_ends();
        match gathered {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(LocalReply::too_large()),
            Err(_) => return Err(LocalReply::bad_request()),
        }
    };
    let asked = Asked {
        head: &head,
        body: &body,
        random: connection.worker.random.next(),
        is_tls: connection.is_tls(),
    };
    let answered = samples::respond(sample, &asked);
    if !answered.delay.is_zero() {
        tokio::time::sleep(answered.delay).await;
    }
    Ok((answered.response, started.elapsed().as_millis() as u64))
}

fn finish(sample: Sample, outcome: Replied, mut exchange: Exchange) -> Answer {
    let (mut response, milliseconds) = match outcome {
        Ok(replied) => replied,
        Err(reply) => return Err((reply, exchange)),
    };
    exchange.connection.worker.stats.status(response.status());
    if let Some(entry) = &mut exchange.entry {
        entry.status = Some(response.status());
        entry.flags = "-";
        entry.upstream = Some(format!("sample {}", samples::name(sample)));
        entry.upstream_time = Some(milliseconds);
    }
    headers::finish_response(response.headers_mut(), milliseconds);
    Ok(response.map(|body| ResponseBody::full(body, exchange)))
}
