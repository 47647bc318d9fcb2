//! Remedies for certificates and Secrets: the workspace's own chains are renewed, others must be
//! reissued by their issuer.

use super::codes::{CERTIFICATE_OF_CA, CERTIFICATE_SELF_SIGNED, CERTIFICATE_WITHOUT_NAMES};
use super::finding::Finding;
use super::index::credentials::Pair;
use super::world::World;
use crate::names::Host;
use crate::remedy::{Join, Kind, Line, Remedy, kubectl, ours};
use crate::workspace::config::GatewayEntry;
use crate::workspace::layout::{ChainLayout, host_of_folder};

/// The workspace host that a pair belongs to; none if the pair is from the input.
pub(super) fn own_host(world: &World<'_>, pair: &Pair<'_>) -> Option<Host> {
    let secret = &pair.certificate.secret;
    if secret.item.is_some() {
        return None;
    }
    let folder = world.store.chains.get(&secret.name)?;
    host_of_folder(folder.file_name()?.to_str()?)
}

/// Adds the remedy that reissues a certificate of a pair; `is_leaf` means the first one.
pub(super) fn issue_again(world: &World<'_>, pair: &Pair<'_>, is_leaf: bool, finding: Finding) -> Finding {
    let Some(own) = own_host(world, pair) else {
        return match &pair.host {
            Some(host) if is_leaf => {
                let line = secret_of_pair(world, host, pair);
                let fix = finding.fix.clone().and("; for tests: ").and(line);
                finding.fix(fix)
            }
            _ => finding,
        };
    };
    let by_ca = [CERTIFICATE_OF_CA.id, CERTIFICATE_SELF_SIGNED.id].contains(&finding.code);
    let fix = match finding.code {
        code if code == CERTIFICATE_WITHOUT_NAMES.id => Remedy::from(ours::add_name(&own, &own)),
        _ if by_ca => Remedy::from(ours::rotate_ca(&own)).then(ours::rotate_finish(&own)),
        _ if is_leaf => ours::rotate(&own).into(),
        _ => ours::rotate_ca(&own).into(),
    };
    finding.fix(fix)
}

/// The remedy that replaces a pair's certificate with one that covers a host.
pub(super) fn name_host(world: &World<'_>, pair: &Pair<'_>, host: &Host) -> Remedy {
    if let Some(own) = own_host(world, pair) {
        return ours::add_name(&own, host).into();
    }
    Remedy::from(format!("use a certificate that covers {host}; for tests: ")).and(secret_of_pair(world, host, pair))
}

/// The command that prints the Secret of a new chain to replace a pair's, or stores it if the
/// objects are from a cluster.
fn secret_of_pair(world: &World<'_>, host: &Host, pair: &Pair<'_>) -> Line {
    let secret = &pair.certificate.secret;
    let line = secret_line(world, host, Some(&secret.name), &secret.namespace);
    if world.store.in_cluster {
        line.pipe(kubectl::replace())
    } else {
        line
    }
}

/// The command that issues a chain for a host, unless the workspace has one, and prints its Secret
/// for this namespace.
pub(super) fn secret_line(world: &World<'_>, host: &Host, credential_name: Option<&str>, namespace: &str) -> Line {
    let mut secrets = Line::new(Kind::ManifestsSecrets, ["manifests"]).arg(host);
    if let Some(name) = credential_name {
        secrets = secrets.flag("--credential-name", name);
    }
    secrets = secrets.flag("--only", "secrets");
    if namespace != GatewayEntry::default().pod_namespace {
        secrets = secrets.flag("--gateway-namespace", namespace);
    }
    let layout = ChainLayout::new(std::path::Path::new(""), host);
    let has_chain = world
        .store
        .chains
        .values()
        .any(|folder| folder.file_name() == layout.folder().file_name());
    if has_chain {
        secrets
    } else {
        ours::gen_certs(host).followed_by(Join::And, secrets)
    }
}
