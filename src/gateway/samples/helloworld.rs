//! The helloworld sample: its greeting, and its health check.

use bytes::Bytes;
use http::{Response, StatusCode};

use super::{Asked, response};

/// `/hello` and `/health`.
pub(super) fn respond(asked: &Asked<'_>) -> Response<Bytes> {
    const PLAIN: &str = "text/html; charset=utf-8";
    match asked.path() {
        "/hello" => response(
            StatusCode::OK,
            PLAIN,
            "Hello version: v1, instance: helloworld-v1-local\n",
        ),
        "/health" => response(StatusCode::OK, PLAIN, "Helloworld is healthy"),
        _ => response(StatusCode::NOT_FOUND, PLAIN, "Not Found\n"),
    }
}

#[cfg(test)]
mod tests {
    use crate::gateway::config::table::Sample;
    use crate::gateway::samples::ask;

    #[test]
    fn hello_names_its_version() {
        let answered = ask(Sample::Helloworld, "GET", "/hello", &[], "");
        assert!(answered.response.body().starts_with(b"Hello version: v1, instance: "));
        assert_eq!(ask(Sample::Helloworld, "GET", "/x", &[], "").response.status(), 404);
    }
}
