//! HTTP/1.1 of the judge's client: the bytes as they are written, and a strict
//! reader of the answers.

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use super::case::Request;
use super::client::class;
use super::outcome::{Fields, Outcome, visible};

/// Sends the bytes and reads as many answers as the request awaits.
pub(super) async fn talk(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &Request, outcome: &mut Outcome) {
    // What cannot be written any more was answered before its end.
    let written = stream.write_all(&request.bytes).await.and(stream.flush().await);
    let heads_only: Vec<bool> = (request.bytes.split(|byte| *byte == b'\n'))
        .filter(|line| line.windows(6).any(|part| part == b" HTTP/"))
        .map(|line| line.starts_with(b"HEAD "))
        .collect();
    let mut reader = Reader {
        stream,
        buffered: Vec::new(),
        ended: None,
    };
    for index in 0..request.connection.answers {
        let prefix = if index == 0 {
            String::new()
        } else {
            format!("answer {} ", index + 1)
        };
        let head_only = heads_only.get(index).copied().unwrap_or(false);
        match reader.answer(head_only, &prefix, outcome).await {
            Some(true) => {}
            Some(false) => return outcome.set("end", reader.end().await),
            None => {
                let end = reader.ended.take().unwrap_or_else(|| "cut off".to_owned());
                if !reader.buffered.is_empty() {
                    outcome.set(format!("{prefix}no answer"), visible(&reader.buffered));
                }
                // Late alerts of TLS 1.3 belong to its handshake.
                if index == 0 && end.starts_with("alert") {
                    outcome.set("tls", end);
                } else {
                    outcome.set("end", end);
                }
                return drop(written);
            }
        }
    }
}

struct Reader<S> {
    stream: S,
    buffered: Vec<u8>,
    ended: Option<String>,
}

impl<S: AsyncRead + Unpin> Reader<S> {
    async fn more(&mut self) -> Option<()> {
        if self.ended.is_some() {
            return None;
        }
        match self.stream.read_buf(&mut self.buffered).await {
            Ok(0) => self.ended = Some("cut off".to_owned()),
            Ok(_) => return Some(()),
            Err(error) => self.ended = Some(class(&error)),
        }
        None
    }

    /// Waits for the end after an answer that promised it.
    async fn end(&mut self) -> String {
        let before = self.buffered.len();
        while self.more().await.is_some() {}
        if self.buffered.len() > before {
            return format!("more: {}", visible(&self.buffered));
        }
        "closed".to_owned()
    }

    async fn until(&mut self, mark: &[u8]) -> Option<Vec<u8>> {
        loop {
            if let Some(at) = self.buffered.windows(mark.len()).position(|window| window == mark) {
                let rest = self.buffered.split_off(at + mark.len());
                return Some(std::mem::replace(&mut self.buffered, rest));
            }
            self.more().await?;
        }
    }

    async fn exactly(&mut self, length: usize) -> Option<Vec<u8>> {
        while self.buffered.len() < length {
            self.more().await?;
        }
        let rest = self.buffered.split_off(length);
        Some(std::mem::replace(&mut self.buffered, rest))
    }

    /// Reads one final answer with those before it; whether the connection stays open.
    async fn answer(&mut self, head_only: bool, prefix: &str, outcome: &mut Outcome) -> Option<bool> {
        let (status, fields) = loop {
            let head = self.until(b"\r\n\r\n").await?;
            let head = String::from_utf8_lossy(&head).into_owned();
            let mut lines = head.trim_end().split("\r\n");
            let line = lines.next().unwrap_or_default();
            let mut words = line.splitn(3, ' ');
            let version = words.next().unwrap_or_default();
            let status = words.next().unwrap_or_default().to_owned();
            let reason = words.next().unwrap_or_default();
            let fields: Fields = lines.map(field).collect();
            if status.starts_with('1') && status != "101" {
                outcome.set(format!("{prefix}interim {status}"), reason);
                continue;
            }
            outcome.set(format!("{prefix}version"), version);
            outcome.set(format!("{prefix}status"), &status);
            outcome.set(format!("{prefix}reason"), reason);
            outcome.set_fields(prefix, "header", &fields);
            break (status, fields);
        };
        let value = |name: &str| {
            fields
                .iter()
                .find(|(own, _)| own == name)
                .map(|(_, value)| value.as_slice())
        };
        if status == "101" {
            // What follows is another protocol; the client's next bytes come back.
            return Some(true);
        }
        let mut open = value("connection") != Some(b"close");
        if !head_only && status != "204" && status != "304" {
            if value("transfer-encoding") == Some(b"chunked") {
                self.chunked(prefix, outcome).await;
            } else if let Some(length) = value("content-length") {
                let length = String::from_utf8_lossy(length).parse().ok()?;
                let whole = self.exactly(length).await;
                let body = whole.unwrap_or_else(|| [&self.buffered[..], b"(cut)"].concat());
                outcome.set(format!("{prefix}body"), visible(&body));
            } else {
                while self.more().await.is_some() {}
                let body = std::mem::take(&mut self.buffered);
                outcome.set(format!("{prefix}body"), visible(&body));
                open = false;
            }
        }
        Some(open)
    }

    async fn chunked(&mut self, prefix: &str, outcome: &mut Outcome) {
        let mut body = Vec::new();
        let mut trailers = Fields::new();
        loop {
            let Some(line) = self.until(b"\r\n").await else {
                body.extend_from_slice(b"(cut)");
                break;
            };
            let Ok(size) = usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16) else {
                body.extend_from_slice(b"(no chunk)");
                break;
            };
            if size == 0 {
                while let Some(line) = self.until(b"\r\n").await.filter(|line| line != b"\r\n") {
                    trailers.push(field(String::from_utf8_lossy(&line).trim_end()));
                }
                break;
            }
            let Some(chunk) = self.exactly(size + 2).await else {
                body.extend_from_slice(b"(cut)");
                break;
            };
            body.extend_from_slice(&chunk[..size]);
        }
        outcome.set(format!("{prefix}body"), visible(&body));
        outcome.set_fields(prefix, "trailer", &trailers);
    }
}

fn field(line: &str) -> (String, Vec<u8>) {
    let (name, value) = line.split_once(':').unwrap_or((line, ""));
    (name.to_lowercase(), value.trim().as_bytes().to_vec())
}
