//! What the variables of header values are filled in with, for one request.

use std::rc::Rc;

use http::{HeaderMap, HeaderValue, Request, Version};

use super::downstream::Downstream;
use crate::gateway::config::header_text::{RequestField, Variable};
use crate::gateway::matching::RequestParts;

/// A request's values, kept where its head is gone when they are asked for.
pub(super) struct Variables {
    downstream: Rc<Downstream>,
    protocol: &'static str,
    method: String,
    path: String,
    authority: String,
    scheme: String,
    /// The request's headers, as the upstream got them; none while they are edited.
    request: Option<HeaderMap>,
    cluster: String,
    code: u16,
    flags: &'static str,
    details: &'static str,
}

impl Variables {
    /// Those of a request that is not answered yet.
    pub(super) fn of<B>(
        request: &Request<B>,
        parts: &RequestParts<'_>,
        downstream: &Rc<Downstream>,
        cluster: &str,
    ) -> Self {
        Self {
            downstream: Rc::clone(downstream),
            protocol: match request.version() {
                Version::HTTP_2 => "HTTP/2",
                _ => "HTTP/1.1",
            },
            method: parts.method.to_owned(),
            path: request
                .uri()
                .path_and_query()
                .map_or("/", http::uri::PathAndQuery::as_str)
                .to_owned(),
            authority: parts.authority.to_owned(),
            scheme: parts.scheme.to_owned(),
            request: None,
            cluster: cluster.to_owned(),
            code: 0,
            flags: "-",
            details: "",
        }
    }

    /// Keeps what the upstream gets.
    pub(super) fn sent<B>(&mut self, request: &Request<B>) {
        request
            .uri()
            .path_and_query()
            .map_or("/", http::uri::PathAndQuery::as_str)
            .clone_into(&mut self.path);
        let host = request.headers().get(http::header::HOST).map(HeaderValue::as_bytes);
        self.authority = String::from_utf8_lossy(host.unwrap_or_default()).into_owned();
        self.request = Some(request.headers().clone());
    }

    /// Notes the upstream's answer.
    pub(super) fn answered(&mut self, code: u16) {
        self.code = code;
        self.details = "via_upstream";
    }

    /// Notes an answer of the gateway's own. Envoy edits its headers before it has its code.
    pub(super) fn answered_here(&mut self, flags: &'static str) {
        self.flags = flags;
    }

    /// The value of a variable while these headers are edited.
    pub(super) fn fill(&self, variable: &Variable, edited: &HeaderMap) -> Option<String> {
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let tls = self.downstream.tls.as_ref();
        match variable {
            Variable::Request(fields) => fields.iter().find_map(|field| match field {
                RequestField::Method => some(&self.method),
                RequestField::Path => some(&self.path),
                RequestField::Authority => some(&self.authority),
                RequestField::Scheme => some(&self.scheme),
                RequestField::Header(name) => self.request.as_ref().unwrap_or(edited).get(name).and_then(text),
            }),
            Variable::Response(names) => names.iter().find_map(|name| edited.get(name)).and_then(text),
            Variable::Protocol => some(self.protocol),
            Variable::ResponseCode => Some(self.code.to_string()),
            Variable::ResponseFlags => some(self.flags),
            Variable::ResponseCodeDetails => some(self.details),
            Variable::ServerName => self.downstream.sni().and_then(some),
            Variable::Cluster => some(&self.cluster),
            Variable::ClientAddress => Some(self.downstream.peer.ip().to_canonical().to_string()),
            Variable::ClientAddressAndPort => Some(self.downstream.peer.to_string()),
            Variable::TlsVersion => tls.and_then(|tls| some(tls.version)),
            Variable::TlsCipher => tls.and_then(|tls| some(tls.cipher)),
            Variable::ClientSubject => tls.and_then(|tls| some(&tls.client_subject)),
        }
    }
}
