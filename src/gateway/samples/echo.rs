//! The echo: answers any request with what it was asked, as JSON.

use bytes::Bytes;
use http::Response;
use serde_json::{Map, Value, json};

use super::{Asked, json};

pub(super) fn respond(asked: &Asked<'_>) -> Response<Bytes> {
    let mut headers = Map::new();
    for name in asked.head.headers.keys() {
        headers.insert(name.to_string(), Value::from(asked.header(name.as_str())));
    }
    json(&json!({
        "method": asked.head.method.as_str(),
        "path": asked.path(),
        "query": asked.head.uri.query(),
        "headers": headers,
        "body": String::from_utf8_lossy(asked.body),
    }))
}

#[cfg(test)]
mod tests {
    use crate::gateway::config::table::Sample;
    use crate::gateway::samples::ask;

    #[test]
    fn what_was_asked_comes_back() {
        let answered = ask(
            Sample::Echo,
            "PUT",
            "/a/b?c=d",
            &[("x-one", "1"), ("x-one", "2")],
            "text",
        );
        let value: serde_json::Value = serde_json::from_slice(answered.response.body()).unwrap();
        assert_eq!(value["method"], "PUT");
        assert_eq!(value["path"], "/a/b");
        assert_eq!(value["query"], "c=d");
        assert_eq!(value["headers"]["x-one"], "1,2");
        assert_eq!(value["body"], "text");
    }
}
