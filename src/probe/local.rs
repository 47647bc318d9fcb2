//! Asks whether the gateway that `.istio-tls/serve.json` tells of still runs.

use std::time::Duration;

use super::http::{Request, exchange};
use crate::workspace::running::{ID_HEADER, RunningServe};

/// Whether the admin address answers with the recorded id.
pub async fn answers(serve: &RunningServe, patience: Duration) -> bool {
    let Some(stream) = super::dial::connect(serve.admin, patience).await.1 else {
        return false;
    };
    let request = Request::get(&serve.admin.to_string(), "/ready");
    let (http, _) = exchange(stream, false, &request, 1024, patience).await;
    http.header(ID_HEADER) == Some(serve.id.as_str())
}
