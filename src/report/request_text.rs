//! The head of a response, as text.

use super::paint::printable;
use crate::ops::reach::request::Answer;

/// The status line and the headers, ending in an empty line.
pub fn head(answer: &Answer) -> String {
    let mut head = String::new();
    if let Some(http) = &answer.facts.http {
        for part in [http.protocol.as_str(), " ", &answer.status.to_string(), "\n"] {
            head.push_str(part);
        }
        for (name, value) in &http.headers {
            for part in [name.as_str(), ": ", &printable(value), "\n"] {
                head.push_str(part);
            }
        }
    }
    head.push('\n');
    head
}
