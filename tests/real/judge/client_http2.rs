//! HTTP/2 of the judge's client: the text of a request as fields and frames.

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};

use super::case::Request;
use super::outcome::{Outcome, visible};
use super::upstream_http2::fields_of;

/// Sends one request and reads its answer.
pub(super) async fn talk(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: &Request,
    outcome: &mut Outcome,
) {
    let (mut sender, connection) = match h2::client::handshake(stream).await {
        Ok(made) => made,
        Err(error) => return outcome.set("end", class(&error)),
    };
    let driver = tokio::spawn(connection);
    if let Err(error) = exchange(&mut sender, request, outcome).await {
        let end = class(&error);
        // Late alerts of TLS 1.3 belong to its handshake.
        let aspect = if end.starts_with("alert") { "tls" } else { "end" };
        outcome.set(aspect, end);
    }
    driver.abort();
}

async fn exchange(
    sender: &mut h2::client::SendRequest<Bytes>,
    request: &Request,
    outcome: &mut Outcome,
) -> Result<(), h2::Error> {
    let text = String::from_utf8_lossy(&request.bytes).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let (body, trailers) = body
        .split_once("\r\n%%trailers\r\n")
        .map_or((body, None), |(body, rest)| (body, Some(rest)));
    let method = head.split(' ').next().unwrap_or_default().to_owned();
    let secure = request.connection.tls.is_some();
    let head = message(head, secure).unwrap_or_else(|problem| panic!("{}: {problem}", request.title));
    let only_head = body.is_empty() && trailers.is_none();
    std::future::poll_fn(|context| sender.poll_ready(context)).await?;
    let (answer, mut stream) = sender.send_request(head, only_head)?;
    if !only_head {
        stream.send_data(Bytes::from(body.to_owned()), trailers.is_none())?;
    }
    if let Some(trailers) = trailers {
        let mut map = http::HeaderMap::new();
        for (name, value) in trailers.split("\r\n").filter_map(|line| line.split_once(": ")) {
            map.append(
                http::HeaderName::try_from(name).expect("a name"),
                value.parse().expect("a value"),
            );
        }
        stream.send_trailers(map)?;
    }
    let (parts, mut received) = answer.await?.into_parts();
    outcome.set("status", parts.status.as_str());
    outcome.set_fields("", "header", &fields_of(&parts.headers).collect());
    let mut content = Vec::new();
    if method == "HEAD" {
        outcome.set("the head ends the stream", received.is_end_stream().to_string());
    }
    while let Some(data) = received.data().await {
        let data = data?;
        let _ = received.flow_control().release_capacity(data.len());
        content.extend_from_slice(&data);
    }
    outcome.set("body", visible(&content));
    if let Some(trailers) = received.trailers().await? {
        outcome.set_fields("", "trailer", &fields_of(&trailers).collect());
    }
    Ok(())
}

fn message(head: &str, secure: bool) -> Result<http::Request<()>, String> {
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let method = words.next().unwrap_or_default();
    let target = words.next().ok_or("no target")?;
    let fields: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(':')).collect();
    let authority = fields
        .iter()
        .find(|(name, _)| *name == "Host")
        .map(|(_, value)| value.trim());
    let scheme = if secure { "https" } else { "http" };
    let uri = match authority {
        Some(authority) => format!("{scheme}://{authority}{target}"),
        None => target.to_owned(),
    };
    let mut request = http::Request::builder()
        .method(method)
        .uri(uri)
        .version(http::Version::HTTP_2);
    for (name, value) in fields {
        if name != "Host" {
            request = request.header(name.to_lowercase(), value.trim_start());
        }
    }
    request.body(()).map_err(|error| error.to_string())
}

fn class(error: &h2::Error) -> String {
    if let Some(io) = error.get_io() {
        return super::client::class(io);
    }
    let kind = if error.is_go_away() { "connection" } else { "stream" };
    error
        .reason()
        .map_or("cut off".to_owned(), |reason| format!("{kind} error {reason:?}"))
}
