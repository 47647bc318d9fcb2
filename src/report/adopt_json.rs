//! The JSON output of `adopt`.

use schemars::JsonSchema;
use serde::Serialize;

use super::schema_number::SchemaNumber;
use crate::files::shown;
use crate::names::Host;
use crate::ops::adopt::placed::Placed;
use crate::ops::adopt::plan::Plan;
use crate::remedy::Aim;

/// What was adopted, or would be.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanJson<'p> {
    /// The number of this format.
    schema: SchemaNumber,
    /// Whether nothing was written (`--dry-run`).
    dry_run: bool,
    /// The chains, by host.
    chains: Vec<ChainJson<'p>>,
    /// How many files did not belong to a chain.
    ignored_files: usize,
    /// The path of istio-tls.yaml.
    workspace: String,
}

/// A chain.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ChainJson<'p> {
    /// The host: a DNS name, a wildcard or an IP address.
    host: &'p Host,
    /// The host's folder.
    folder: String,
    /// Whether the files were copied, or were in place and are now recorded.
    action: ActionJson,
    /// When the server certificate expires, RFC 3339.
    not_after: &'p str,
    /// `credentialName`: the Secret that the Gateway names.
    credential_name: Option<&'p str>,
    /// The files that were copied.
    files: Vec<FileJson>,
    /// The clients whose certificates came with it.
    clients: &'p [String],
    /// Parts of the chain that are missing.
    missing: &'p [&'static str],
    /// The program that manages the source Secret, such as cert-manager.
    managed_by: Option<&'p str>,
    /// Notes for the user.
    notes: Vec<String>,
}

/// What is done with a chain.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum ActionJson {
    /// Its files were copied into the workspace.
    Copied,
    /// Its files were in place; istio-tls.yaml lists them now.
    Recorded,
}

/// A file that is copied.
#[derive(Debug, Serialize, JsonSchema)]
struct FileJson {
    /// Where it was.
    from: String,
    /// Where it is now.
    to: String,
}

/// What was adopted, or with `dry_run` would be; `aim` completes the command lines.
pub fn plan<'p>(plan: &'p Plan, dry_run: bool, aim: &Aim) -> PlanJson<'p> {
    PlanJson {
        schema: SchemaNumber,
        dry_run,
        chains: plan.placed.iter().map(|placed| chain(plan, placed, aim)).collect(),
        ignored_files: plan.ignored,
        workspace: shown(&plan.file.path),
    }
}

fn chain<'p>(plan: &'p Plan, placed: &'p Placed, aim: &Aim) -> ChainJson<'p> {
    let Placed { chain, layout, .. } = placed;
    let files = chain.files.iter().filter(|_| !placed.in_place).map(|file| FileJson {
        from: shown(&file.from),
        to: shown(&layout.path(file.part.part())),
    });
    let entry = plan.file.config.host(layout.host());
    ChainJson {
        host: layout.host(),
        folder: shown(&layout.folder()),
        action: if placed.in_place {
            ActionJson::Recorded
        } else {
            ActionJson::Copied
        },
        not_after: &chain.not_after,
        credential_name: entry.map(|entry| entry.credential_name.as_str()),
        files: files.collect(),
        clients: &chain.clients,
        missing: &chain.missing,
        managed_by: chain.secret.as_ref().and_then(|secret| secret.controller.as_deref()),
        notes: chain.notes.iter().map(|note| note.words(aim)).collect(),
    }
}
