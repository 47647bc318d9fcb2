//! WebSocket: after both sides agreed to switch, bytes pass both ways.

use std::rc::Rc;

use http::header::{CONNECTION, HeaderValue, SERVER, UPGRADE};
use http::{Response, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use super::exchange::Exchange;
use super::headers;
use super::response_body::ResponseBody;
use super::upstream::Lease;

/// Answers the client 101 and joins the two connections once both have switched.
pub(super) fn join(
    client: OnUpgrade,
    mut response: Response<Incoming>,
    lease: Option<Lease>,
    mut exchange: Exchange,
) -> Response<ResponseBody> {
    let upstream = hyper::upgrade::on(&mut response);
    let signals = Rc::clone(&exchange.signals);
    let task = tokio::task::spawn_local(async move {
        // The connection is not a pool's any more.
        let _lease = lease;
        match tokio::try_join!(client, upstream) {
            Ok((client, upstream)) => {
                let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
                match tokio::io::copy_bidirectional(&mut client, &mut upstream).await {
                    Ok((received, sent)) => {
                        if let Some(entry) = &mut exchange.entry {
                            entry.bytes_received.set(received);
                            entry.bytes_sent = sent;
                        }
                    }
                    Err(error) => tracing::debug!("a WebSocket ended: {error}"),
                }
            }
            Err(error) => tracing::debug!("an upgrade failed: {error}"),
        }
        // The access log has it now, with the time that it was open.
        drop(exchange);
    });
    signals.becomes(task);
    let (mut parts, _) = response.into_parts();
    parts.version = Version::HTTP_11;
    headers::strip_response_hop(&mut parts.headers);
    parts.headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    parts.headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    parts.headers.insert(SERVER, headers::SERVER_NAME);
    Response::from_parts(parts, ResponseBody::switching())
}
