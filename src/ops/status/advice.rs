//! What to do about the findings of `status`. Pure.

use super::facts::{Broken, BrokenPart, HostState, Role};
use crate::ops::secret_advice::{self, Advice};
use crate::remedy::{Kind, Line, Remedy, ours};

/// What renews a certificate with this role.
pub(super) fn renewal(role: &Role, state: &HostState) -> Remedy {
    // A certificate that others have renewed in the Secret must not be renewed here once
    // more.
    if let (Role::Server | Role::Authority, Some(advice)) = (role, of_others(state)) {
        return advice.fix;
    }
    let host = &state.host;
    match role {
        Role::Server => ours::rotate(host).into(),
        Role::Client(_) => ours::rotate_clients(host).into(),
        Role::Intermediate | Role::Root => ours::rotate_ca(host).into(),
        Role::PreviousIntermediate | Role::PreviousRoot => ours::rotate_finish(host).into(),
        Role::Authority => Remedy::from(ours::bring_up(host)).and(" updates the Secret to match the files"),
    }
}

/// What to do if others manage or have renewed a Secret of the host that differs from the
/// files; none if the files take precedence.
pub(super) fn of_others(state: &HostState) -> Option<Advice> {
    let (_, file) = state.leaf()?;
    state.secrets.iter().find_map(|secret| {
        let leaf = secret.held.as_ref()?.leaf.as_ref()?.as_ref().ok()?;
        if leaf.sha256 == file.sha256 {
            return None;
        }
        let newer = leaf.not_before > file.not_before;
        secret_advice::of_others(&secret.title, &state.host, secret.controller.as_deref(), newer)
    })
}

/// What to do about a part that is missing or broken.
pub(super) fn of_broken(state: &HostState, broken: &Broken) -> Remedy {
    match &broken.part {
        BrokenPart::Client(name) => {
            let remove = Line::new(Kind::RemoveFile, ["rm", broken.file.as_str()]);
            let line = remove.and(ours::gen_certs_client(&state.host, name.as_str()));
            Remedy::from(line).and(" issues a new one from the same CA")
        }
        BrokenPart::List => "restore the CRL; without it, clients that it revokes are accepted".into(),
        BrokenPart::Chain => regained(state),
    }
}

/// What restores a chain that is missing or broken: a good Secret has what clients trust.
fn regained(state: &HostState) -> Remedy {
    let anew = Remedy::from(ours::gen_certs_force(&state.host)).and(
        " issues a new chain, with a new CA: clients of the old one are refused, and do not \
            trust the gateway, until they have the new files",
    );
    let mut good = state.secrets.iter().filter(|secret| {
        let held = secret.held.as_ref();
        held.is_some_and(|held| matches!(held.leaf, Some(Ok(_))) && held.key.is_none())
    });
    match good.next() {
        Some(secret) => Remedy::from(ours::adopt_secret(&secret.title, &state.host))
            .and(" restores it from there")
            .or(anew),
        None => anew,
    }
}
