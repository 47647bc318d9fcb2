//! The upstream's HTTP/2, without TLS.

use std::net::TcpStream;
use std::sync::Arc;

use bytes::Bytes;

use super::outcome::Fields;
use super::upstream::{Log, Reply, Seen};

/// Answers the requests of one connection until it ends.
pub(super) fn serve(stream: TcpStream, service: &str, log: &Arc<Log>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        stream.set_nonblocking(true).expect("a socket");
        let stream = tokio::net::TcpStream::from_std(stream).expect("a socket");
        let Ok(mut connection) = h2::server::handshake(stream).await else {
            return;
        };
        let local = tokio::task::LocalSet::new();
        local
            .run_until(async {
                while let Some(Ok((request, respond))) = connection.accept().await {
                    tokio::task::spawn_local(answer(request, respond, service.to_owned(), Arc::clone(log)));
                }
            })
            .await;
    });
}

async fn answer(
    request: http::Request<h2::RecvStream>,
    mut respond: h2::server::SendResponse<Bytes>,
    service: String,
    log: Arc<Log>,
) {
    let (parts, mut body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("*", http::uri::PathAndQuery::as_str);
    let mut fields: Fields = vec![
        (":scheme".to_owned(), parts.uri.scheme_str().unwrap_or_default().into()),
        (
            ":authority".to_owned(),
            parts.uri.authority().map_or("", http::uri::Authority::as_str).into(),
        ),
    ];
    fields.extend(fields_of(&parts.headers));
    let mut seen = Seen {
        service,
        line: format!("{} {target} HTTP/2", parts.method),
        fields,
        ..Seen::default()
    };
    while let Some(data) = body.data().await {
        let Ok(data) = data else {
            seen.body.extend_from_slice(b"(cut)");
            break;
        };
        let _ = body.flow_control().release_capacity(data.len());
        seen.body.extend_from_slice(&data);
    }
    if let Ok(Some(trailers)) = body.trailers().await {
        seen.trailers = fields_of(&trailers).collect();
    }
    match log.note(seen) {
        Reply::Bytes(wait, bytes) => {
            tokio::time::sleep(wait).await;
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
            let (body, trailers) = body
                .split_once("\r\n%%trailers\r\n")
                .map_or((body, None), |(body, rest)| (body, Some(rest)));
            let mut lines = head.split("\r\n");
            let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or("500");
            let mut response = http::Response::builder().status(status);
            for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
                response = response.header(name, value);
            }
            let response = response.body(()).expect("an answer");
            let only_head = body.is_empty() && trailers.is_none();
            let Ok(mut stream) = respond.send_response(response, only_head) else {
                return;
            };
            if !only_head {
                let _ = stream.send_data(Bytes::from(body.to_owned()), trailers.is_none());
            }
            if let Some(trailers) = trailers {
                let mut map = http::HeaderMap::new();
                for (name, value) in trailers.split("\r\n").filter_map(|line| line.split_once(": ")) {
                    let name = http::HeaderName::try_from(name).expect("a name");
                    map.append(name, value.parse().expect("a value"));
                }
                let _ = stream.send_trailers(map);
            }
        }
        Reply::Close => respond.send_reset(h2::Reason::INTERNAL_ERROR),
        Reply::Stall => {
            let _ = std::future::poll_fn(|context| respond.poll_reset(context)).await;
        }
    }
}

/// A head's fields, in order of arrival.
pub(super) fn fields_of(headers: &http::HeaderMap) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
    headers
        .iter()
        .map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec()))
}
