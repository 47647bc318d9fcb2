//! What Go's crypto/tls and crypto/x509 say, asked of tests/tools/gopki.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::installed_tools::tool;

/// One question, as tests/tools/gopki/main.go reads it.
pub(crate) struct Question(serde_json::Value);

impl Question {
    /// A server's certificate and key.
    pub(crate) fn pair(certificate: &[u8], key: &[u8]) -> Self {
        Self(serde_json::json!({"certificate": STANDARD.encode(certificate), "key": STANDARD.encode(key)}))
    }

    /// A bundle of CAs.
    pub(crate) fn authorities(bundle: &[u8]) -> Self {
        Self(serde_json::json!({"authorities": STANDARD.encode(bundle)}))
    }

    /// A chain, for a server's `host` or, where that is none, for a client.
    pub(crate) fn chain<C: AsRef<[u8]>>(chain: &[C], roots: &[C], host: Option<&str>, now: i64) -> Self {
        let encoded = |list: &[C]| -> Vec<String> { list.iter().map(|der| STANDARD.encode(der)).collect() };
        Self(serde_json::json!({
            "chain": encoded(chain), "roots": encoded(roots), "now": now,
            "host": host.unwrap_or_default(), "client": host.is_none(),
        }))
    }
}

/// Go's answers, in the order of the questions: nothing, or its error.
pub(crate) fn ask(questions: &[Question]) -> Vec<Option<String>> {
    let mut program = Command::new(tool("gopki"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("gopki starts");
    let text: String = questions
        .iter()
        .flat_map(|question| [question.0.to_string(), "\n".to_owned()])
        .collect();
    let mut input = program.stdin.take().expect("an input");
    let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let output = program.wait_with_output().expect("gopki ends");
    writer.join().expect("the writer ends").expect("gopki reads");
    let answers: Vec<Option<String>> = String::from_utf8(output.stdout)
        .expect("text")
        .lines()
        .map(|line| serde_json::from_str::<String>(line).expect("a JSON string"))
        .map(|said| (!said.is_empty()).then_some(said))
        .collect();
    assert_eq!(answers.len(), questions.len());
    answers
}
