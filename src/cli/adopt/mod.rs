//! `istio-tls adopt`: takes a chain that others made into the workspace.

mod chain;
mod sources;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use self::chain::{Adopted, Wishes};
use super::args::choice;
use super::context::{Context, Format};
use super::entries::{self, Recorded};
use super::password::PasswordArgs;
use super::{Exit, Failure};
use crate::files::shown;
use crate::names::Host;
use crate::problem::Problem;
use crate::shell::quote;
use crate::workspace::config::Mode;
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::{ChainLayout, Part};
use crate::workspace::store::{self, Keep, Store};

/// Takes an existing chain into the workspace
///
/// Finds the server certificate, its key, the CAs above it and the clients
/// beside it by what the files hold, whatever their names; checks that keys
/// fit, that the chain verifies and names the host; and copies them to the
/// folders of HOST. Nothing of the source is moved or changed.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls adopt mtls-go-example/httpbin.example.com      (what generate.sh made)\n  istio-tls adopt example.com+2.pem example.com+2-key.pem \"$(mkcert -CAROOT)/rootCA.pem\"\n  istio-tls adopt server.crt server.key corporate-ca.pem --host shop.example.com\n  istio-tls adopt bundle.p12 --password-file password"
)]
pub(super) struct AdoptArgs {
    /// Folders and files (PEM, DER, PKCS#12)
    #[arg(value_name = "DIR|FILE", required = true)]
    sources: Vec<PathBuf>,
    /// The host to adopt the certificate for [default: its first name]
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// How the gateway treats client certificates [default: simple without a client certificate, else mutual]
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
}

/// A chain, and where it goes.
struct Placed {
    chain: Adopted,
    layout: ChainLayout,
    /// It stands in the host's folder already.
    in_place: bool,
}

pub(super) fn run(args: &AdoptArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    refuse_secrets(&args.sources)?;
    let host = args
        .host
        .as_deref()
        .map(Host::parse)
        .transpose()
        .map_err(Failure::usage)?;
    let password = args.password.read(context)?;
    let password = password.as_ref().map(|password| password.as_str());
    let material = sources::read(&args.sources, password, context.now)?;
    let wishes = Wishes {
        host: host.as_ref(),
        accept_faults: args.accept_faults,
        now: context.now,
    };
    let placed: Vec<Placed> = chain::choose(&material, &wishes)?
        .into_iter()
        .map(|chain| place(chain, context))
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
    let recorded = || {
        placed
            .iter()
            .map(|placed| Recorded {
                host: placed.layout.host().clone(),
                mode: args
                    .mode
                    .or_else(|| placed.chain.clients.is_empty().then_some(Mode::Simple)),
                clients: (placed.chain.clients.iter())
                    .filter(|name| *name != placed.layout.host().as_str())
                    .cloned()
                    .collect(),
            })
            .collect::<Vec<_>>()
    };
    let file = wanted(context, &recorded())?;
    if !args.dry_run {
        let store = Store::open(&context.dir, || {
            context.say("waiting for another istio-tls that writes here");
        })
        .map_err(Failure::runtime)?;
        // Read again: another process may have written meanwhile.
        let pending = wanted(context, &recorded())?
            .prepare(&store)
            .map_err(Failure::runtime)?;
        for placed in placed.iter().filter(|placed| !placed.in_place) {
            let parts: Vec<(Part<'_>, &[u8])> = (placed.chain.files.iter())
                .map(|file| (file.part.part(), file.content.as_slice()))
                .collect();
            store
                .write_chain(&placed.layout, &parts, Keep::OtherFiles)
                .map_err(Failure::runtime)?;
        }
        pending.commit().map_err(Failure::runtime)?;
    }
    for note in placed.iter().flat_map(|placed| &placed.chain.notes) {
        context.say(&format!("note: {note}"));
    }
    match format {
        Format::Text => context.print(&text(&placed, &file, args.dry_run))?,
        Format::Json => context.print_json(&as_json(&placed, &file, material.ignored, args.dry_run))?,
    }
    Ok(Exit::Done)
}

fn wanted(context: &Context, recorded: &[Recorded]) -> Result<WorkspaceFile, Failure> {
    let file = entries::read_or_new(&context.dir).map_err(Failure::usage)?;
    file.edit(&entries::record(&file.config, recorded))
        .map_err(Failure::usage)
}

/// Secrets come from a cluster, which this release cannot reach.
fn refuse_secrets(sources: &[PathBuf]) -> Result<(), Failure> {
    let secret = sources.iter().find(|path| path.starts_with("secret") && !path.exists());
    match secret {
        Some(path) => Err(Failure::usage(
            Problem::new(format!("{} cannot be adopted yet", path.display()))
                .why("reading Secrets comes with the cluster commands, in a later release")
                .fix("save tls.crt, tls.key and ca.crt of the Secret as files, and adopt those"),
        )),
        None => Ok(()),
    }
}

fn place(chain: Adopted, context: &Context) -> Placed {
    let layout = ChainLayout::new(&context.dir, &chain.host);
    let inside = |path: &Path| {
        let (Ok(path), Ok(folder)) = (path.canonicalize(), layout.folder().canonicalize()) else {
            return false;
        };
        path.starts_with(folder)
    };
    let mut placed = Placed {
        in_place: inside(&chain.source) && layout.path(Part::ServerCert).exists(),
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

fn text(placed: &[Placed], file: &WorkspaceFile, dry_run: bool) -> String {
    let mut lines = Vec::new();
    if dry_run {
        lines.push("nothing is written (--dry-run); this would be done:".to_owned());
    }
    for Placed {
        chain,
        layout,
        in_place,
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
                "{}: {} is recorded, mode {mode}, Secret {}",
                shown(&file.path),
                entry.host,
                entry.credential_name
            ));
        }
    }
    lines.join("\n") + "\n\nnext: istio-tls serve\n"
}

fn as_json(placed: &[Placed], file: &WorkspaceFile, ignored: usize, dry_run: bool) -> Value {
    let chains: Vec<Value> = (placed.iter())
        .map(
            |Placed {
                 chain,
                 layout,
                 in_place,
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
                    "notes": chain.notes,
                })
            },
        )
        .collect();
    json!({"schema": 1, "dryRun": dry_run, "chains": chains, "ignoredFiles": ignored, "workspace": shown(&file.path)})
}
