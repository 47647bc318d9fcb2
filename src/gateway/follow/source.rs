//! Reads what `serve` is configured from, and has a routing table built of it: the
//! objects of the input, the Secrets, and the settings beside them. One reading
//! gives one table.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::remark::{self, Remark};
use crate::certs::pem;
use crate::files::PEM_LIMIT;
use crate::gateway::config::build::{self, Built};
use crate::gateway::config::clusters::{KnownServices, Upstream};
use crate::gateway::config::gateway_api::{self, Scene};
use crate::gateway::config::input::Input;
use crate::gateway::config::note::Notes;
use crate::gateway::config::running::RunningMaterial;
use crate::gateway::config::table::Table;
use crate::problem::Problem;
use crate::remedy::{Aim, Kind, Line, Remedy, kubectl, ours};
use crate::sources::disk::DiskFiles;
use crate::sources::played::{GatewayChoice, Played};
use crate::sources::{Collected, Gone, Sources, nothing_found};

/// Checks what was read; what it finds is logged as warnings.
pub type Check = Box<dyn Fn(&Collected<'_>) -> Vec<Remark> + Send>;

/// Where a configuration is read from.
#[derive(Default)]
pub struct GatewaySources {
    /// Where the user stands, for what the log says to type.
    pub aim: Aim,
    /// Objects and Secrets.
    pub inputs: Sources,
    /// `--crl`.
    pub crls: Vec<PathBuf>,
    /// `--upstream`.
    pub upstreams: Vec<Upstream>,
    /// `--gateway`, `--selector`.
    pub gateway: GatewayChoice,
    /// A check of what was read.
    pub check: Option<Check>,
}

/// Why there is no configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SourceError {
    /// Neither objects nor chains were found.
    Nothing(Problem),
    /// Something is there and cannot be read.
    Bad(Problem),
}

impl From<SourceError> for Problem {
    fn from(error: SourceError) -> Self {
        match error {
            SourceError::Nothing(problem) | SourceError::Bad(problem) => problem,
        }
    }
}

/// A configuration and, until that has been checked, what it was built of.
pub struct Loaded<'f> {
    /// The configuration.
    pub built: Built,
    /// The gateway that is played, where it is not Istio's own.
    pub played: Option<Played>,
    /// What the check of the sources found.
    pub findings: Vec<Remark>,
    collected: Option<Collected<'f>>,
}

impl Loaded<'_> {
    /// The configuration of nothing.
    pub(super) fn empty(note: Problem) -> Self {
        let built = Built {
            table: Table::default(),
            notes: [note].into_iter().collect(),
            invalid: Vec::new(),
            running: RunningMaterial::default(),
        };
        Self {
            built,
            played: None,
            findings: Vec::new(),
            collected: None,
        }
    }

    /// Everything that its user should be told, each thing once.
    pub fn said(&self) -> impl Iterator<Item = &Problem> {
        remark::said(&self.findings, &self.built)
    }

    /// What a strict start stops at.
    pub fn stops_strict(&self) -> Option<&Problem> {
        remark::stops_strict(&self.findings, &self.built)
    }
}

impl GatewaySources {
    /// Reads and builds. `files` remembers what was looked at.
    ///
    /// # Errors
    /// When there is nothing to serve, or something cannot be read; nothing is built then.
    pub fn load<'f>(&self, files: &'f DiskFiles, gone: Gone) -> Result<Loaded<'f>, SourceError> {
        self.build(self.collect(files, gone)?, files, &RunningMaterial::default())
    }

    /// Reads. `files` remembers what was looked at.
    ///
    /// # Errors
    /// When something cannot be read.
    pub(super) fn collect<'f>(&self, files: &'f DiskFiles, gone: Gone) -> Result<Collected<'f>, SourceError> {
        let mut collected = self.inputs.collect(files, gone).map_err(SourceError::Bad)?;
        // Nobody here shows lines of them.
        collected.texts.clear();
        Ok(collected)
    }

    /// Builds of what was read. A server whose Secret is no longer there keeps what
    /// `running` has for it.
    ///
    /// # Errors
    /// As [`GatewaySources::load`].
    pub(super) fn build<'f>(
        &self,
        mut collected: Collected<'f>,
        files: &DiskFiles,
        running: &RunningMaterial,
    ) -> Result<Loaded<'f>, SourceError> {
        let live = self.inputs.live.as_ref();
        if live.is_none() && !collected.errors.is_empty() {
            return Err(SourceError::Bad(collected.errors.swap_remove(0).into()));
        }
        let says_itself = self.inputs.is_workspace() && self.gateway == GatewayChoice::OfInput;
        let played = if says_itself {
            None
        } else {
            let keeps_namespace = self.inputs.gateway_namespace.is_some();
            collected
                .play(&self.gateway, keeps_namespace)
                .map_err(SourceError::Bad)?
        };
        let mut notes = std::mem::take(&mut collected.notes);
        notes.extend(collected.gone.iter().map(|file| {
            Problem::new(format!("{} is gone, and its objects with it", file.display()))
                .fix("they are back when the file is")
        }));
        // What one user of a cluster makes stops no other's gateway.
        notes.extend(self.left_out(&collected));
        // The check looks at these too: what it leaves out was ignored on purpose.
        if self.check.is_none() {
            notes.extend(collected.warnings.iter().cloned().map(Problem::from));
        }
        let services = KnownServices::of(&collected.objects, &collected.namespace, collected.seen_in("Service"));
        let scene = Scene {
            pod_labels: &collected.pod_labels,
            services: &services,
            store: &collected.store,
        };
        let mut converted = gateway_api::convert(&collected.objects, &collected.namespace, &scene);
        let of_gateway_api = std::mem::take(&mut converted.notes);
        let invalid = std::mem::take(&mut converted.invalid);
        let not_played = converted.not_played.take();
        let mut input = Input {
            pod_labels: collected.pod_labels.clone(),
            upstreams: self.upstreams.clone(),
            pod_namespace: collected.store.namespace.clone(),
            crls: self.read_crls(files).map_err(SourceError::Bad)?,
            services,
            ..Input::default()
        };
        for object in &collected.objects {
            input.take(object, &collected.namespace);
        }
        converted.add_to(&mut input);
        if input.gateways.is_empty() && !converted.has_gateways {
            if let Some(problem) = not_played {
                return Err(SourceError::Nothing(problem));
            }
            return Err(SourceError::Nothing(match live {
                Some(live) => no_live_gateway(&live.context, collected.seen_in("Gateway")),
                None if self.inputs.is_workspace() => nothing_found(&self.inputs.workspace, "serve"),
                None => no_gateway(&self.inputs.manifests),
            }));
        }
        let mut built = build::build(&input, &collected.store, running);
        drop(input);
        drop(converted);
        built.invalid.splice(..0, invalid);
        built.notes.put_notes_before(of_gateway_api);
        built.notes.put_before(notes);
        Ok(Loaded {
            built,
            played,
            findings: Vec::new(),
            collected: Some(collected),
        })
    }

    /// Checks what was read, once. For thousands of objects that takes longer than
    /// anything else, and nothing that is served depends on it, so it comes after
    /// serving. False when there was nothing to check.
    pub(super) fn judge(&self, loaded: &mut Loaded<'_>) -> bool {
        let (Some(check), Some(collected)) = (&self.check, loaded.collected.take()) else {
            return false;
        };
        let mut findings = check(&collected);
        let left_out = self.left_out(&collected);
        findings.retain(|remark| !left_out.iter().any(|problem| problem.at == remark.problem.at));
        let mut unknown: Notes = collected.warnings.into_iter().map(Problem::from).collect();
        remark::leave_out_said(&mut unknown, &mut findings);
        remark::leave_out_said(&mut loaded.built.notes, &mut findings);
        loaded.findings = findings;
        true
    }

    /// Objects of a cluster that cannot be read.
    fn left_out(&self, collected: &Collected<'_>) -> Vec<Problem> {
        let live = self.inputs.live.iter();
        live.flat_map(|live| collected.errors.iter().map(|error| live.left_out(error.clone())))
            .collect()
    }

    fn read_crls(
        &self,
        files: &DiskFiles,
    ) -> Result<Vec<rustls::pki_types::CertificateRevocationListDer<'static>>, Problem> {
        let mut crls = Vec::new();
        for path in &self.crls {
            let content = files.read_limited(path, PEM_LIMIT)?.ok_or_else(|| {
                Problem::new(format!("{} cannot be read", path.display())).why("no such file or directory")
            })?;
            crls.extend(pem::crls(&content, &path.display().to_string())?);
        }
        Ok(crls)
    }

    /// The folders that hold everything named by the sources.
    pub(super) fn tops(&self) -> Vec<PathBuf> {
        let named = self.inputs.manifests.iter().chain(&self.inputs.certs).chain(&self.crls);
        named
            .map(|path| crate::sources::disk::parent(path))
            .chain([self.inputs.workspace.clone()])
            .collect()
    }

    /// Whether a path that was read is one of `-f`, not the workspace's or key material.
    pub(super) fn is_manifest(&self, path: &Path) -> bool {
        self.inputs.manifests.iter().any(|given| path.starts_with(given))
    }
}

fn no_live_gateway(context: &str, seen_in: Option<BTreeSet<String>>) -> Problem {
    let whereabouts = match seen_in.map(Vec::from_iter) {
        None => "in the cluster".to_owned(),
        Some(seen) => format!("in the namespaces {}, and others are not looked at", seen.join(", ")),
    };
    Problem::new(format!("there is no Gateway {whereabouts}"))
        .at(format!("context {context}"))
        .why("serve opens the ports that Gateways (networking.istio.io) name")
        .fix(
            Remedy::from(ours::apply())
                .or(kubectl::apply_file())
                .and(", a file with a Gateway"),
        )
}

fn no_gateway(manifests: &[PathBuf]) -> Problem {
    let gateway = Line::new(Kind::ManifestsGateway, ["manifests", "--only", "gateway"]);
    let shown: Vec<String> = manifests.iter().map(|path| path.display().to_string()).collect();
    Problem::new(format!(
        "there is no Gateway in {}",
        if shown.is_empty() {
            "-".to_owned()
        } else {
            shown.join(", ")
        }
    ))
    .why("serve opens the ports that Gateways (networking.istio.io) name")
    .fix(Remedy::from("add the Gateway's file with -f; one is printed by: ").and(gateway))
}
