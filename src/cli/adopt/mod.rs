//! `istio-tls adopt`: takes a chain that others made into the workspace.

mod chain;
#[cfg(any(test, fuzzing))]
pub(in crate::cli) mod fuzzing;
mod notes;
mod sources;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::chain::{Adopted, Wishes};
use super::args::choice;
use crate::cli::cluster_flags::KubeconfigArgs;
use super::context::{Context, Format};
use crate::ops::entries::{self, Recorded};
use crate::ops::host_secrets;
use super::password::PasswordArgs;
use crate::ops::secret_source::SecretTarget;
use super::{Exit, Failure};
use crate::ops::{rotating};
use crate::certs::{pem, renew};
use crate::files::shown;
use crate::names::Host;
use crate::problem::Problem;
use crate::shell::quote;
use crate::workspace::config::{Mode, WorkspaceConfig};
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::{ChainLayout, Part};
use crate::workspace::store::{self, Keep, Store};

/// Takes an existing chain into the workspace
///
/// Finds the server certificate, its key, the CAs above it and the clients
/// beside it by what the files hold, whatever their names; checks that keys
/// fit, that the chain verifies and names the host; and copies them to the
/// folders of HOST. Nothing of the source is moved or changed. Of a Secret in a
/// cluster (cert-manager's, or one made by hand), what the gateway reads of it is
/// taken, and later manifests go by its name.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls adopt mtls-go-example/httpbin.example.com      (what generate.sh made)\n  istio-tls adopt example.com+2.pem example.com+2-key.pem \"$(mkcert -CAROOT)/rootCA.pem\"\n  istio-tls adopt server.crt server.key corporate-ca.pem --host shop.example.com\n  istio-tls adopt bundle.p12 --password-file password\n  istio-tls adopt secret/httpbin-credential                (of the gateway's namespace)\n  istio-tls adopt secret/istio-system/shop-tls --host shop.example.com --context staging"
)]
pub(super) struct AdoptArgs {
    /// Folders, files (PEM, DER, PKCS#12), and Secrets as secret/NAME or secret/NAMESPACE/NAME
    #[arg(value_name = "DIR|FILE|secret/NAME", required = true)]
    sources: Vec<PathBuf>,
    /// The host to adopt the certificate for [default: its first name]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// How the gateway treats client certificates [default: mutual with a client certificate, or a Secret with a CA; else simple]
    #[arg(long, value_parser = choice(Mode::WORDS))]
    mode: Option<Mode>,
    /// Replace the chain that the workspace has of this host
    #[arg(long)]
    force: bool,
    /// Adopt although the chain does not verify (expired, no SAN ...); the key must fit all the same
    #[arg(long)]
    accept_faults: bool,
    /// Print what would be copied, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    password: PasswordArgs,
    #[command(flatten)]
    cluster: KubeconfigArgs,
}

/// A chain, and where it goes.
struct Placed {
    chain: Adopted,
    layout: ChainLayout,
    /// It stands in the host's folder already.
    in_place: bool,
    /// The workspace knows the host.
    is_known: bool,
    /// It is of the CA that the host's folder holds: that one's keys and clients stay.
    same_ca: bool,
}

pub(super) fn run(args: &AdoptArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let host = args
        .host
        .as_deref()
        .map(Host::parse)
        .transpose()
        .map_err(Failure::usage)?;
    let password = args.password.read(context)?;
    let password = password.as_ref().map(|password| password.as_str());
    let (paths, secrets) = sort_sources(&args.sources)?;
    let mut material = sources::read(&paths, password, context.now)?;
    for secret in secrets {
        let found = secret.fetch(&args.cluster, context)?;
        sources::read_secret(&found, password, context.now, &mut material)?;
    }
    let words: Vec<String> = args.sources.iter().map(|source| quote(&shown(source))).collect();
    let wishes = Wishes {
        host: host.as_ref(),
        accept_faults: args.accept_faults,
        now: context.now,
        line: format!("istio-tls{} adopt {}", context.dir_flag(), words.join(" ")),
    };
    let known = entries::read_or_new(&context.dir).map_err(Failure::usage)?.config;
    let mut placed: Vec<Placed> = chain::choose(&material, &wishes)?
        .into_iter()
        .map(|chain| {
            let is_known = known.host(&chain.host).is_some();
            place(chain, is_known, context)
        })
        .collect();
    if let Some(standing) =
        (placed.iter()).find(|placed| !placed.in_place && !args.force && store::has_chain(&placed.layout))
    {
        let host = standing.layout.host();
        return Err(Failure::usage(
            Problem::new(format!("the workspace has a chain of {host} already"))
                .at(format!("{}/", shown(&standing.layout.folder())))
                .fix(format!(
                    "--force replaces it; or adopt for another host with --host (not {})",
                    quote(host.as_str())
                )),
        ));
    }
    let replaced = placed.iter().filter(|placed| !placed.in_place);
    rotating::refuse(replaced.map(|placed| &placed.layout), "adopt", context)?;
    check_sharers(&placed, &known)?;
    let recorded = recorded(&placed, args.mode);
    let pods = (context.gateway_namespace.as_deref())
        .or_else(|| (material.secrets.first()).map(|secret| secret.namespace.as_str()));
    let file = wanted(context, &recorded, pods)?;
    for placed in &mut placed {
        notes::of_secret(placed, args.mode, &file, context);
    }
    notes::of_pods(&known, &file, context);
    if !args.dry_run {
        let store = Store::open(&context.dir, || {
            context.say("waiting for another istio-tls that writes here");
        })
        .map_err(Failure::runtime)?;
        // Read again: another process may have written meanwhile.
        let replaced = placed.iter().filter(|placed| !placed.in_place);
        rotating::refuse(replaced.map(|placed| &placed.layout), "adopt", context)?;
        let pending = wanted(context, &recorded, pods)?
            .prepare(&store)
            .map_err(Failure::runtime)?;
        for placed in placed.iter().filter(|placed| !placed.in_place) {
            let parts: Vec<(Part<'_>, &[u8])> = (placed.chain.files.iter())
                .map(|file| (file.part.part(), file.content.as_slice()))
                .collect();
            let keep = if placed.same_ca {
                Keep::Everything
            } else {
                Keep::OtherFiles
            };
            store
                .write_chain(&placed.layout, &parts, keep)
                .map_err(Failure::runtime)?;
        }
        pending.commit().map_err(Failure::runtime)?;
    }
    for note in placed.iter().flat_map(|placed| &placed.chain.notes) {
        context.say(&format!("note: {note}"));
    }
    match format {
        Format::Text => {
            let next = format!("\n\nnext: istio-tls{} serve\n", context.dir_flag());
            context.print(&(text(&placed, &file, args.dry_run) + &next))?;
        }
        Format::Json => context.print_json(&as_json(&placed, &file, material.ignored, args.dry_run))?,
    }
    Ok(Exit::Done)
}

/// What is recorded of the chains.
fn recorded(placed: &[Placed], mode: Option<Mode>) -> Vec<Recorded> {
    placed
        .iter()
        .map(|placed| Recorded {
            host: placed.layout.host().clone(),
            mode: mode.or_else(|| usual_mode(placed)),
            credential_name: placed.chain.secret.as_ref().map(|secret| secret.name.clone()),
            clients: (placed.chain.clients.iter())
                .filter(|name| *name != placed.layout.host().as_str())
                .cloned()
                .collect(),
        })
        .collect()
}

/// The file with the chains recorded; the gateway's pods are in `pods`, where no
/// host says so yet.
fn wanted(context: &Context, recorded: &[Recorded], pods: Option<&str>) -> Result<WorkspaceFile, Failure> {
    let file = entries::read_or_new(&context.dir).map_err(Failure::usage)?;
    let mut config = entries::record(&file.config, recorded);
    if let Some(pods) = pods.filter(|_| file.config.hosts.is_empty()) {
        pods.clone_into(&mut config.gateway.pod_namespace);
    }
    file.edit(&config).map_err(Failure::usage)
}

/// Files and folders, and Secrets of a cluster; a path that is there is a path.
fn sort_sources(sources: &[PathBuf]) -> Result<(Vec<PathBuf>, Vec<SecretTarget>), Failure> {
    let (mut paths, mut secrets) = (Vec::new(), Vec::new());
    for source in sources {
        match source.to_str().filter(|_| source.symlink_metadata().is_err()) {
            Some(text) => match SecretTarget::parse(text)? {
                Some(secret) => secrets.push(secret),
                None => paths.push(source.clone()),
            },
            None => paths.push(source.clone()),
        }
    }
    Ok((paths, secrets))
}

/// What a chain shows of its mode; none leaves it to what is recorded.
fn usual_mode(Placed { chain, is_known, .. }: &Placed) -> Option<Mode> {
    match &chain.secret {
        Some(_) if *is_known => None,
        // To let nobody in by mistake: a Secret with a CA is made for mutual TLS.
        Some(secret) if secret.verifies_clients => Some(Mode::Mutual),
        _ => chain.clients.is_empty().then_some(Mode::Simple),
    }
}

/// Refuses the Secret of another host of the workspace.
fn check_sharers(placed: &[Placed], known: &WorkspaceConfig) -> Result<(), Failure> {
    for chain in placed.iter().map(|placed| &placed.chain) {
        let Some(secret) = &chain.secret else { continue };
        let others = known.hosts.iter().filter(|entry| entry.host != chain.host);
        let mut sharers = others.filter(|entry| entry.credential_name == secret.name);
        if let Some(sharer) = sharers.next() {
            return Err(Failure::usage(
                Problem::new(format!(
                    "the Secret {} is that of {} in this workspace",
                    secret.name, sharer.host
                ))
                .why("each host has a Secret of its own: one would replace the other")
                .fix("adopt the chain from files; the host gets a Secret of another name"),
            ));
        }
    }
    Ok(())
}

fn place(chain: Adopted, is_known: bool, context: &Context) -> Placed {
    let layout = ChainLayout::new(&context.dir, &chain.host);
    let same_ca = chain.secret.is_some() && has_ca_of(&layout, &chain);
    let inside = |path: &Path| {
        let (Ok(path), Ok(folder)) = (path.canonicalize(), layout.folder().canonicalize()) else {
            return false;
        };
        path.starts_with(folder)
    };
    let mut placed = Placed {
        in_place: inside(&chain.source) && layout.path(Part::ServerCert).exists(),
        is_known,
        same_ca,
        chain,
        layout,
    };
    if placed.in_place {
        let alone = store::read(&placed.layout, Part::ServerCert)
            .ok()
            .flatten()
            .is_some_and(|content| String::from_utf8_lossy(&content).matches("BEGIN ").count() == 1);
        let has_intermediate = placed.layout.path(Part::IntermediateCert).exists();
        if alone && has_intermediate {
            placed.chain.notes.push(format!(
                "{} holds no intermediate, so clients need ca-chain.cert.pem, not the root alone",
                shown(&placed.layout.path(Part::ServerCert))
            ));
        }
    }
    placed
}

/// Whether the CA that issued a chain's leaf is the one of the host's folder.
fn has_ca_of(layout: &ChainLayout, chain: &Adopted) -> bool {
    let standing = [Part::IntermediateCert, Part::RootCert]
        .into_iter()
        .find_map(|part| store::read(layout, part).ok().flatten());
    let certificates = |content: &[u8]| pem::certificates(content, "").unwrap_or_default();
    let (Some(ca), Some(leaf)) = (
        standing.and_then(|content| certificates(&content).into_iter().next()),
        chain.leaf(),
    ) else {
        return false;
    };
    renew::is_issued_by(&leaf, &ca)
}

fn text(placed: &[Placed], file: &WorkspaceFile, dry_run: bool) -> String {
    let mut lines = Vec::new();
    if dry_run {
        lines.push("nothing is written (--dry-run); this would be done:".to_owned());
    }
    for Placed {
        chain,
        layout,
        in_place,
        ..
    } in placed
    {
        let until = chain.not_after.split('T').next().unwrap_or_default();
        let folder = shown(&layout.folder());
        if *in_place {
            lines.push(format!("{folder}/ is checked and recorded where it is  until {until}"));
        } else {
            lines.push(format!("adopted {folder}/  until {until}"));
            let rows: Vec<(String, String)> = (chain.files.iter())
                .map(|file| (shown(&layout.relative(file.part.part())), shown(&file.from)))
                .collect();
            let width = rows.iter().map(|(to, _)| to.len()).max().unwrap_or_default();
            for (to, from) in rows {
                lines.push(format!("  {to:<width$}  from {from}"));
            }
        }
        if !chain.missing.is_empty() {
            lines.push(format!("  not there: {}", chain.missing.join(", ")));
        }
        if let Some(entry) = file.config.host(layout.host()) {
            let mode = file.config.mode_of(entry);
            let mode = Mode::WORDS
                .iter()
                .find(|(_, known)| *known == mode)
                .map_or("", |(word, _)| *word);
            lines.push(format!(
                "{}: {} is recorded, mode {mode}, {}",
                shown(&file.path),
                entry.host,
                host_secrets::titles(&file.config, entry)
            ));
        }
    }
    lines.join("\n")
}

fn as_json(placed: &[Placed], file: &WorkspaceFile, ignored: usize, dry_run: bool) -> Value {
    let chains: Vec<Value> = (placed.iter())
        .map(
            |Placed {
                 chain,
                 layout,
                 in_place,
                 ..
             }| {
                let files: Vec<Value> = (chain.files.iter())
                    .filter(|_| !in_place)
                    .map(|file| json!({"from": shown(&file.from), "to": shown(&layout.path(file.part.part()))}))
                    .collect();
                json!({
                    "host": layout.host(),
                    "folder": shown(&layout.folder()),
                    "action": if *in_place { "recorded" } else { "copied" },
                    "notAfter": chain.not_after,
                    "credentialName": file.config.host(layout.host()).map(|entry| &entry.credential_name),
                    "files": files,
                    "clients": chain.clients,
                    "missing": chain.missing,
                    "managedBy": chain.secret.as_ref().and_then(|secret| secret.controller.as_deref()),
                    "notes": chain.notes,
                })
            },
        )
        .collect();
    json!({"schema": 1, "dryRun": dry_run, "chains": chains, "ignoredFiles": ignored, "workspace": shown(&file.path)})
}
