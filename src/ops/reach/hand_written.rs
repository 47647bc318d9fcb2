//! From which field of which file a running `serve -f` takes a host's TLS mode.

use std::path::{Path, PathBuf};

use crate::manifests::load::Object;
use crate::manifests::model::gateway::Server;
use crate::manifests::model::{Gateway, Manifest};
use crate::manifests::server_hosts::{hosts_of, intersection};
use crate::ops::surroundings::Surroundings;
use crate::probe::expectation::{Expectation, HandWritten, Place};
use crate::sources::disk::DiskFiles;
use crate::sources::{Gone, Sources};
use crate::workspace::running::RunningServe;

/// Records with each check of the running `serve` which server in a manifest answers it.
/// An unreadable file counts as unknown.
pub(super) fn mark(checks: &mut [Expectation], serve: &RunningServe, here: &Surroundings) {
    let Some(manifests) = &serve.manifests else { return };
    let sources = Sources {
        manifests: manifests.paths.iter().map(|path| typed(path, &here.dir)).collect(),
        recursive: manifests.recursive,
        workspace: here.dir.clone(),
        ..Sources::default()
    };
    let files = DiskFiles::default();
    let Ok(read) = sources.collect(&files, Gone::IsEmpty) else {
        return;
    };
    for check in checks.iter_mut().filter(|check| check.place == Place::Local) {
        let asked = check.sni.as_deref().unwrap_or("*");
        check.hand_written = server_of(&read.objects, asked);
    }
}

/// A path as the user would type it, relative to the workspace's folder.
fn typed(path: &Path, dir: &Path) -> PathBuf {
    let below = std::path::absolute(dir)
        .ok()
        .and_then(|dir| Some(path.strip_prefix(dir).ok()?.to_owned()));
    match below {
        Some(below) => dir.strip_prefix(".").unwrap_or(dir).join(below),
        None => path.to_owned(),
    }
}

/// The TLS server whose hosts include a name; the most specific one.
fn server_of(objects: &[Object], name: &str) -> Option<HandWritten> {
    let gateways = objects.iter().filter_map(|object| match &object.manifest {
        Manifest::Gateway(gateway) => Some((object, gateway)),
        _ => None,
    });
    let covering = gateways.flat_map(|(object, gateway)| {
        (gateway.spec.servers.iter().enumerate())
            .filter(|(_, server)| server.tls.is_some())
            .filter_map(move |(at, server)| Some((specific(gateway, server, name)?, object, at)))
    });
    let (_, object, at) = covering.max_by_key(|(length, ..)| *length)?;
    let server = format!("spec.servers[{at}]");
    let place = object.origin.at(&format!("{server}.tls.mode"));
    Some(HandWritten {
        place: place.to_string(),
        server,
    })
}

/// How specific the hosts of a server are for a name: the longest of those that match it.
fn specific(gateway: &Gateway, server: &Server, name: &str) -> Option<usize> {
    let namespace = gateway.metadata.namespace.as_deref().unwrap_or_default();
    let hosts = hosts_of(server, namespace).into_iter();
    let covering = hosts.filter(|host| host.name == name || intersection(&host.name, name) == Some(name));
    covering.map(|host| host.name.len()).max()
}
