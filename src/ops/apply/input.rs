//! What `apply` is given: the workspace's objects, or the manifests of -f.

use std::path::PathBuf;

use super::ApplyArgs;
use crate::cli::context::Context;
use crate::cli::lint::{self, Judging};
use crate::cli::manifests::no_sample;
use crate::ops::{entries, intent};
use crate::cluster::plan::{self, Wanted};
use crate::files;
use crate::lint::{Finding, Severity};
use crate::manifests::build::{self, Intent, Part};
use crate::manifests::load;
use crate::manifests::model::Manifest;
use crate::names::Host;
use crate::problem::Problem;
use crate::sources::disk::DiskFiles;
use crate::sources::{Collected, Gone, Sources};
use crate::workspace::config::{SecretStyle, WorkspaceConfig};
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::{self, ChainLayout};

/// What is to be applied, and for whom.
pub(super) struct Input {
    /// The objects in their order.
    pub(super) wanted: Vec<Wanted>,
    /// What the user should know about them.
    pub(super) notes: Vec<String>,
    /// The namespace of those that name none; none is the kubeconfig context's.
    pub(super) namespace: Option<String>,
    /// Where the gateway's pods run.
    pub(super) pod_namespace: String,
    /// The workspace that they belong to.
    pub(super) workspace: Option<Workspace>,
    /// What lint says of them; nothing with --no-lint.
    pub(super) findings: Vec<Finding>,
    /// Hosts of the workspace whose Secret cannot be made here.
    pub(super) keyless: Vec<Keyless>,
}

/// A host whose server key is not here, as of a request that was signed.
pub(super) struct Keyless {
    pub(super) host: Host,
    /// `Secret istio-system/httpbin-credential`.
    pub(super) secret: String,
    /// Where its key belongs, and its certificate is.
    pub(super) key: String,
    pub(super) certificate: String,
}

/// The workspace and its file.
pub(super) struct Workspace {
    /// The file as it stands, or the starter of a new one.
    pub(super) found: WorkspaceFile,
    /// What it will say, but for the context.
    pub(super) wanted: WorkspaceConfig,
    /// It does not stand on disk yet.
    pub(super) is_new: bool,
}

impl Input {
    /// The workspace's id.
    pub(super) fn workspace_id(&self) -> Option<&str> {
        self.workspace.as_ref().map(|workspace| workspace.wanted.id.as_str())
    }
}

/// Reads it, and with -f gives also what was read; asks no server.
///
/// # Errors
/// When there is nothing, or it cannot be read.
pub(super) fn read<'f>(
    args: &ApplyArgs,
    disk: &'f DiskFiles,
    context: &Context,
) -> Result<(Input, Option<Collected<'f>>), Problem> {
    if args.filename.is_empty() {
        Ok((of_workspace(args, context)?, None))
    } else {
        let (input, collected) = of_files(args, disk, context)?;
        Ok((input, Some(collected)))
    }
}

fn of_workspace(args: &ApplyArgs, context: &Context) -> Result<Input, Problem> {
    let is_new = WorkspaceFile::read(&context.dir)?.is_none();
    let mut config = intent::workspace(context)?;
    let found = entries::read_or_new(context)?;
    config.id.clone_from(&found.config.id);
    let recorded = config.clone();
    if let Some(namespace) = &context.namespace {
        config.gateway.namespace.clone_from(namespace);
    }
    if let Some(namespace) = &context.gateway_namespace {
        config.gateway.pod_namespace.clone_from(namespace);
    }
    let entries = intent::entries_of(&config, &[])?;
    let intent = intent::intent_or_keyless(&context.dir, &config, &entries)?;
    let (keyless, judged) = without_keyless(&intent, context);
    let mut parts = Part::default_of(config.secrets);
    if args.samples {
        parts.push(Part::Samples);
    }
    let findings = if args.no_lint {
        Vec::new()
    } else {
        lint::findings_of_made(&judged, &parts, context)?
    };
    let made = build::objects(&intent, &parts)?;
    let is_made = |object: &&Manifest| {
        let title = object.title(&config.gateway.namespace);
        !keyless.iter().any(|one| one.secret == title)
    };
    let contents = (made.iter().filter(is_made))
        .map(|object| serde_json::to_value(object).expect("objects hold nothing that JSON cannot say"))
        .collect();
    let (wanted, wishes) = plan::wanted(contents)?;
    let mut notes: Vec<String> = (keyless.iter())
        .map(|one| format!("{} is not made: the server key of {} is not here", one.secret, one.host))
        .chain(wishes.notes)
        .collect();
    notes.extend(args.samples.then(|| no_sample(&intent)).flatten());
    Ok(Input {
        wanted,
        notes,
        namespace: Some(config.gateway.namespace),
        pod_namespace: config.gateway.pod_namespace,
        workspace: Some(Workspace {
            found,
            wanted: recorded,
            is_new,
        }),
        findings,
        keyless,
    })
}

/// The hosts whose server key is not here, and what is wanted without them. The
/// Gateway serves them all the same: their Secret may be made where the key is.
fn without_keyless(intent: &Intent, context: &Context) -> (Vec<Keyless>, Intent) {
    let mut judged = intent.clone();
    judged.hosts.retain(|host| !host.material.key.is_empty());
    let keyless = intent.hosts.iter().filter(|host| host.material.key.is_empty());
    let keyless = keyless.map(|host| {
        let layout = ChainLayout::new(&context.dir, &host.names.host);
        let name = match intent.secrets {
            SecretStyle::Credential => &host.names.credential,
            SecretStyle::FileMount => &host.names.mount.certs_secret,
        };
        Keyless {
            host: host.names.host.clone(),
            secret: format!("Secret {}/{name}", intent.gateway.pod_namespace),
            key: files::shown(&layout.path(layout::Part::ServerKey)),
            certificate: files::shown(&layout.path(layout::Part::ServerCert)),
        }
    });
    (keyless.collect(), judged)
}

fn of_files<'f>(args: &ApplyArgs, disk: &'f DiskFiles, context: &Context) -> Result<(Input, Collected<'f>), Problem> {
    let (stdin, manifests): (Vec<PathBuf>, Vec<PathBuf>) =
        args.filename.iter().cloned().partition(|path| path.as_os_str() == "-");
    let stdin = (!stdin.is_empty())
        .then(|| files::read_from(std::io::stdin().lock(), "-", files::MANIFEST_LIMIT))
        .transpose()?;
    let sources = Sources {
        manifests,
        stdin,
        recursive: args.recursive,
        streams: true,
        workspace: context.dir.clone(),
        namespace: context.namespace.clone(),
        gateway_namespace: context.gateway_namespace.clone(),
        ..Sources::default()
    };
    let mut collected = sources.collect(disk, Gone::IsError)?;
    let findings = if args.no_lint {
        Vec::new()
    } else {
        let report = Judging::default().of_sources(&collected, false, context.now);
        let findings = report.findings.into_iter();
        findings
            .filter(|finding| finding.severity >= Severity::Warning)
            .collect()
    };
    if let Some(error) = std::mem::take(&mut collected.errors).into_iter().next() {
        return Err(error.into());
    }
    let mut notes: Vec<String> = std::mem::take(&mut collected.warnings)
        .into_iter()
        .map(Problem::from)
        .chain(std::mem::take(&mut collected.notes))
        .map(|problem| problem.to_string())
        .collect();
    let mut contents = Vec::new();
    for (name, text) in &collected.texts {
        contents.extend(load::contents(&String::from_utf8_lossy(text), name));
    }
    if contents.is_empty() {
        return Err(Problem::new("there is nothing to apply").why("the files of -f hold no objects"));
    }
    let (wanted, wishes) = plan::wanted(contents)?;
    notes.extend(wishes.notes);
    let found = entries::read(context)?;
    if found.is_none() {
        notes.push(
            "there is no istio-tls.yaml here: the objects get no workspace label, and istio-tls delete will not find them"
                .to_owned(),
        );
    }
    let config = found.as_ref().map(|file| file.config.clone());
    let namespace = |config: &WorkspaceConfig| config.gateway.namespace.clone();
    let input = Input {
        wanted,
        notes,
        namespace: context.namespace.clone().or_else(|| config.as_ref().map(namespace)),
        pod_namespace: context.gateway_namespace.clone().unwrap_or_else(|| {
            let gateway = config.map(|config| config.gateway).unwrap_or_default();
            gateway.pod_namespace
        }),
        workspace: found.map(|found| Workspace {
            wanted: found.config.clone(),
            found,
            is_new: false,
        }),
        findings,
        keyless: Vec::new(),
    };
    Ok((input, collected))
}
