//! The input of `apply`: the workspace's objects, or the manifests of -f.

use super::references::{self, Missing};
use super::request::{Purpose, Request, Source};
use crate::cluster::kubeconfig::Access;
use crate::cluster::plan::{self, Wanted};
use crate::files;
use crate::lint::{Finding, Severity};
use crate::manifests::build::{self, Intent, Part};
use crate::manifests::load;
use crate::manifests::model::Manifest;
use crate::names::Host;
use crate::ops::lint::judging::Judging;
use crate::ops::lint::made;
use crate::ops::manifests::notes::no_sample;
use crate::ops::{Failure, Surroundings, entries, intent};
use crate::problem::Problem;
use crate::sources::disk::DiskFiles;
use crate::sources::{Collected, Gone, Sources};
use crate::workspace::config::{SecretStyle, WorkspaceConfig};
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::{self, ChainLayout};

/// The objects to apply, and their workspace.
pub struct Input {
    /// The objects, in order.
    pub wanted: Vec<Wanted>,
    /// The namespace of objects that name none; if none, the kubeconfig context's.
    pub namespace: Option<String>,
    /// Where the gateway's pods run.
    pub pod_namespace: String,
    /// The workspace that they belong to.
    pub workspace: Option<Workspace>,
    /// Hosts of the workspace whose Secret cannot be created here.
    pub keyless: Vec<Keyless>,
}

/// A host whose server key is elsewhere, because its certificate request was created
/// elsewhere.
pub struct Keyless {
    /// The host.
    pub host: Host,
    /// `Secret istio-system/httpbin-credential`.
    pub secret: String,
    /// Where its key should be.
    pub key: String,
    /// Where its certificate is.
    pub certificate: String,
}

/// The workspace and its file.
pub struct Workspace {
    /// The current file, or the initial content of a new one.
    pub found: WorkspaceFile,
    /// The future content, except for the context.
    pub wanted: WorkspaceConfig,
    /// It does not exist on disk yet.
    pub is_new: bool,
}

impl Input {
    /// The namespace of objects that name none.
    pub fn namespace_or<'n>(&'n self, access: Option<&'n Access>) -> &'n str {
        let of_context = access.map(|access| access.namespace.as_str());
        self.namespace.as_deref().or(of_context).unwrap_or("default")
    }

    /// The workspace's id.
    pub fn workspace_id(&self) -> Option<&str> {
        self.workspace.as_ref().map(|workspace| workspace.wanted.id.as_str())
    }
}

/// What was read, before any server is contacted.
pub struct Given<'f> {
    /// What is to be applied.
    pub input: Input,
    /// What files refer to but do not contain: it may be in the cluster.
    pub missing: Option<Missing<'f>>,
}

/// An input with its notes.
struct Read {
    input: Input,
    /// Notes on the objects.
    notes: Vec<String>,
    /// Lint's findings; empty if lint is off.
    findings: Vec<Finding>,
}

/// Reads the objects, stops on lint errors, and reports notes; contacts no server.
///
/// # Errors
/// If there are no objects, they cannot be read, or lint finds errors.
pub fn read<'f>(request: &Request, disk: &'f DiskFiles, here: &Surroundings) -> Result<Given<'f>, Failure> {
    let (read, missing) = match &request.source {
        Source::Workspace { samples } => {
            let mut read = of_workspace(*samples, request.lint, here).map_err(Failure::usage)?;
            made::stop_on_errors(std::mem::take(&mut read.findings), here)?;
            (read, None)
        }
        Source::Files { .. } => {
            let (mut read, collected) = of_files(request, disk, here).map_err(Failure::usage)?;
            let findings = std::mem::take(&mut read.findings);
            let is_asked = request.purpose != Purpose::TryHere;
            (read, references::stop_on_others(findings, collected, is_asked, here)?)
        }
    };
    for note in &read.notes {
        here.say_always(&format!("note: {note}"));
    }
    if request.prune && read.input.workspace.is_none() {
        return Err(Failure::usage(
            Problem::new("--prune has nothing to identify objects by")
                .why("objects are identified by their workspace's id, but there is no istio-tls.yaml here")
                .fix("run it in the workspace's folder, or name that folder with -C DIR; or omit --prune"),
        ));
    }
    let input = read.input;
    Ok(Given { input, missing })
}

fn of_workspace(samples: bool, lint: bool, here: &Surroundings) -> Result<Read, Problem> {
    let is_new = WorkspaceFile::read(&here.dir)?.is_none();
    let mut config = intent::workspace(here)?;
    let found = entries::read_or_new(here)?;
    config.id.clone_from(&found.config.id);
    let recorded = config.clone();
    if let Some(namespace) = &here.namespace {
        config.gateway.namespace.clone_from(namespace);
    }
    if let Some(namespace) = &here.gateway_namespace {
        config.gateway.pod_namespace.clone_from(namespace);
    }
    let entries = intent::entries_of(&config, &[])?;
    let intent = intent::intent_or_keyless(&here.dir, &config, &entries)?;
    let (keyless, judged) = without_keyless(&intent, here);
    let mut parts = Part::default_of(config.secrets);
    if samples {
        parts.push(Part::Samples);
    }
    let findings = if lint {
        made::findings_of_made(&judged, &parts, here)?
    } else {
        Vec::new()
    };
    let made = build::objects(&intent, &parts)?;
    let is_made = |object: &&Manifest| {
        let title = object.title(&config.gateway.namespace);
        !keyless.iter().any(|one| one.secret == title)
    };
    let contents = (made.iter().filter(is_made))
        .map(|object| serde_json::to_value(object).expect("objects contain nothing that JSON cannot express"))
        .collect();
    let (wanted, wishes) = plan::wanted(contents)?;
    let mut notes: Vec<String> = (keyless.iter())
        .map(|one| {
            format!(
                "{} is not created: the server key of {} is not here",
                one.secret, one.host
            )
        })
        .chain(wishes.notes)
        .collect();
    notes.extend(samples.then(|| no_sample(&intent)).flatten());
    let input = Input {
        wanted,
        namespace: Some(config.gateway.namespace),
        pod_namespace: config.gateway.pod_namespace,
        workspace: Some(Workspace {
            found,
            wanted: recorded,
            is_new,
        }),
        keyless,
    };
    Ok(Read { input, notes, findings })
}

/// The hosts whose server key is not here; the input goes on without their Secrets. The
/// Gateway serves these hosts nevertheless: their Secret may be created where the key is.
fn without_keyless(intent: &Intent, here: &Surroundings) -> (Vec<Keyless>, Intent) {
    let mut judged = intent.clone();
    judged.hosts.retain(|host| !host.material.key.is_empty());
    let keyless = intent.hosts.iter().filter(|host| host.material.key.is_empty());
    let keyless = keyless.map(|host| {
        let layout = ChainLayout::new(&here.dir, &host.names.host);
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

/// The manifests that `sources` names.
fn of_files<'f>(request: &Request, disk: &'f DiskFiles, here: &Surroundings) -> Result<(Read, Collected<'f>), Problem> {
    let Source::Files {
        named,
        stdin,
        recursive,
    } = &request.source
    else {
        return Err(Problem::new("no files were given"));
    };
    let manifests = named.iter().filter(|path| path.as_os_str() != "-");
    let sources = Sources {
        manifests: manifests.cloned().collect(),
        stdin: stdin.clone(),
        recursive: *recursive,
        streams: true,
        workspace: here.dir.clone(),
        namespace: here.namespace.clone(),
        gateway_namespace: here.gateway_namespace.clone(),
        ..Sources::default()
    };
    let mut collected = sources.collect(disk, Gone::IsError)?;
    let findings = if request.lint {
        let report = Judging::default().of_sources(&collected, false, here.now);
        let findings = report.findings.into_iter();
        findings
            .filter(|finding| finding.severity >= Severity::Warning)
            .collect()
    } else {
        Vec::new()
    };
    if let Some(error) = std::mem::take(&mut collected.errors).into_iter().next() {
        return Err(error.into());
    }
    let mut notes: Vec<String> = std::mem::take(&mut collected.warnings)
        .into_iter()
        .map(Problem::from)
        .chain(std::mem::take(&mut collected.notes))
        .map(|problem| problem.text(&here.aim))
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
    let found = entries::read(here)?;
    if found.is_none() {
        notes.push(
            "there is no istio-tls.yaml here, so the objects get no workspace label, and delete will not find them"
                .to_owned(),
        );
    }
    let config = found.as_ref().map(|file| file.config.clone());
    let namespace = |config: &WorkspaceConfig| config.gateway.namespace.clone();
    let input = Input {
        wanted,
        namespace: here.namespace.clone().or_else(|| config.as_ref().map(namespace)),
        pod_namespace: here.gateway_namespace.clone().unwrap_or_else(|| {
            let gateway = config.map(|config| config.gateway).unwrap_or_default();
            gateway.pod_namespace
        }),
        workspace: found.map(|found| Workspace {
            wanted: found.config.clone(),
            found,
            is_new: false,
        }),
        keyless: Vec::new(),
    };
    let read = Read { input, notes, findings };
    Ok((read, collected))
}
