//! HTTP/1.1 as clients send it: the one reader of their bytes. It finds where a head
//! and a body end by Envoy's rules, refuses what Envoy refuses, and writes each
//! request anew in a form that has one meaning. The codec behind it is given that
//! alone, one request at a time, so there are never two readers that may disagree.
//!
//! `head` reads a request's head and `chunks` a chunked body, both pure; `reader`
//! stands between socket and codec.

mod chunks;
pub(super) mod head;
pub(super) mod reader;
