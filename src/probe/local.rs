//! Plain requests to this machine: whether the gateway recorded in `.istio-tls/serve.json` is still
//! running, and requests to its admin interface.

use std::net::SocketAddr;
use std::time::Duration;

use super::http::{Request, exchange};
use crate::workspace::running::{ID_HEADER, RunningServe};

/// Whether the admin address responds with the recorded ID.
pub async fn answers(serve: &RunningServe, patience: Duration) -> bool {
    let Some(stream) = super::dial::connect(serve.admin, patience).await.1 else {
        return false;
    };
    let request = Request::get(&serve.admin.to_string(), "/ready");
    let (http, _) = exchange(stream, false, &request, 1024, patience).await;
    http.header(ID_HEADER) == Some(serve.id.as_str())
}

/// The response body of a plain GET to an address on this machine, at most `limit` bytes,
/// regardless of its status; none if there is no response.
pub async fn get(address: SocketAddr, path: &str, limit: usize, patience: Duration) -> Option<Vec<u8>> {
    let stream = super::dial::connect(address, patience).await.1?;
    let request = Request::get(&address.to_string(), path);
    let (http, body) = exchange(stream, false, &request, limit, patience).await;
    http.status.map(|_| body)
}
