//! Fuzz targets of the gateway's table and samples; see [`crate::fuzzing`].

use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use http::{Method, Request, Uri};

use super::config::authority::split_port;
use super::config::build::Built;
use super::config::table::{FilterChain, ListenerProtocol, RouteAction, RouteTable, Sample};
use super::follow::source::GatewaySources;
use super::matching::{self, RequestParts, path};
use super::samples::{self, Asked};
use crate::fuzzing::checks::told;
use crate::fuzzing::request_head::head;
use crate::manifests::load;
use crate::manifests::model::Manifest;
use crate::manifests::render;
use crate::problem::Problem;
use crate::sources::disk::DiskFiles;
use crate::sources::{Gone, Sources};

/// A request against the table of manifests: it is found by names of any case,
/// and wherever the objects stand.
pub(crate) fn request(data: &[u8]) {
    let Some(head) = std::str::from_utf8(data).ok().and_then(head) else {
        return;
    };
    let normal = path::normalised(head.path.path());
    let is_dotted = |segment: &str| segment == "." || segment == "..";
    if head.path.path().starts_with('/') {
        assert!(normal.starts_with('/') && !normal.split('/').any(is_dotted), "{normal}");
        assert!(normal.len() <= head.path.path().len(), "{normal} is longer");
    }
    let (host, port) = split_port(head.authority);
    assert_eq!(format!("{host}{port}"), head.authority);
    let Some(built) = built(head.rest) else { return };
    for note in built.notes.problems() {
        told(note, &[]);
    }
    let parts = RequestParts {
        scheme: "https",
        method: head.method,
        authority: head.authority,
        path: &normal,
        query: head.path.query(),
        headers: &head.headers,
    };
    let found = answers(&built, &parts);
    let upper = head.authority.to_ascii_uppercase();
    for listener in &built.table.listeners {
        matching::served_names(listener);
        let ListenerProtocol::Tls(table) = &listener.protocol else {
            continue;
        };
        let by = |name: &str| matching::filter_chain(table, Some(name)).map(Arc::as_ptr);
        assert_eq!(by(host), by(&host.to_ascii_uppercase()), "{host}");
    }
    if let Some(again) = backwards(head.rest).and_then(|text| built_of(&text)) {
        assert_eq!(found, answers(&again, &parts), "in another order");
    }
    for_each_table(&built, |_, table| {
        let by = |authority: &str| matching::virtual_host(table, authority).map(Arc::as_ptr);
        assert_eq!(by(head.authority), by(&upper), "{}", head.authority);
    });
}

fn built(text: &str) -> Option<Built> {
    built_of(text)
}

fn built_of(text: &str) -> Option<Built> {
    let sources = GatewaySources {
        inputs: Sources {
            stdin: Some(text.as_bytes().to_vec()),
            workspace: PathBuf::from("no-such-folder"),
            ..Sources::default()
        },
        ..GatewaySources::default()
    };
    match sources.load(&DiskFiles::default(), Gone::IsError) {
        Ok(loaded) => Some(loaded.built),
        Err(error) => {
            told(&Problem::from(error), &[]);
            None
        }
    }
}

/// The same objects from the last to the first; none where two have one name,
/// of which the first counts.
fn backwards(text: &str) -> Option<String> {
    let loaded = load::load(text, "a").whole().ok()?;
    let mut titles: Vec<String> = (loaded.objects.iter())
        .map(|object| object.manifest.title("default"))
        .collect();
    titles.sort();
    if titles.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    let objects = loaded.objects.into_iter().rev();
    let manifests: Vec<Manifest> = objects.map(|object| object.manifest).collect();
    Some(render::yaml(&manifests).to_string())
}

fn for_each_table(built: &Built, mut visit: impl FnMut(u16, &RouteTable)) {
    for listener in &built.table.listeners {
        match &listener.protocol {
            ListenerProtocol::Http(table) => visit(listener.port, table),
            ListenerProtocol::Tls(table) => {
                let mut chains: Vec<&FilterChain> = table.chains().map(Arc::as_ref).collect();
                chains.sort_by(|a, b| a.name.cmp(&b.name));
                for routes in chains.into_iter().filter_map(FilterChain::routes) {
                    visit(listener.port, routes);
                }
            }
            ListenerProtocol::Tcp(_) => {}
        }
    }
}

/// What each listener does with a request.
fn answers(built: &Built, request: &RequestParts<'_>) -> Vec<String> {
    let mut answers = Vec::new();
    for_each_table(built, |port, table| {
        let route = matching::virtual_host(table, request.authority).and_then(|host| matching::route(host, request));
        let answer = match route.map(|route| &route.action) {
            None => "404".to_owned(),
            Some(RouteAction::Redirect(redirect)) => matching::location(redirect, request),
            Some(RouteAction::Direct { status, .. }) => status.to_string(),
            Some(RouteAction::Forward(forward)) => {
                let destination = matching::destination(forward, 7);
                let cluster = destination.and_then(|found| built.table.clusters.get(found.cluster));
                let path = forward.rewrite.as_ref().and_then(|rewrite| rewrite.path.as_ref());
                let path = path.map(|path| matching::rewritten(path, request.path, request.query));
                format!("{:?} {path:?}", cluster.map(|cluster| &cluster.name))
            }
        };
        assert!(matching::https_location(request).starts_with("https://"));
        answers.push(format!("{port} {answer}"));
    });
    answers.sort();
    answers
}

/// A request to each of the samples.
pub(crate) fn sample_request(data: &[u8]) {
    let Some(head) = std::str::from_utf8(data).ok().and_then(head) else {
        return;
    };
    let Ok(uri) = Uri::builder().path_and_query(head.path.clone()).build() else {
        return;
    };
    let body = Bytes::copy_from_slice(head.rest.as_bytes());
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::from_bytes(head.method.as_bytes()).unwrap_or_default();
    parts.uri = uri;
    parts.headers = head.headers;
    for sample in [Sample::Httpbin, Sample::Helloworld, Sample::Productpage, Sample::Echo] {
        let asked = Asked {
            head: &parts,
            body: &body,
            random: 7,
            is_tls: true,
        };
        let answered = samples::respond(sample, &asked);
        let limit = 1 << 20;
        assert!(answered.response.body().len() <= limit + 16 * data.len());
        assert!(answered.delay.as_secs() <= 60, "{:?}", answered.delay);
    }
}
