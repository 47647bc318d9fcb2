//! The input of lint.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::cluster;
use super::judging::Judging;
use crate::files::{self, MANIFEST_LIMIT};
use crate::lint::Suppression;
use crate::ops::cluster_access::ClusterPlace;
use crate::ops::{Failure, Surroundings};
use crate::problem::Problem;
use crate::remedy::{Kind, Line, Word};
use crate::sources::disk::DiskFiles;
use crate::sources::{Collected, Gone, Sources, nothing_found};
use crate::workspace::config::IstioTarget;

/// What to lint.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Files, folders, or `-` for standard input; the workspace if there are none.
    pub manifests: Vec<PathBuf>,
    /// Also read subfolders.
    pub recursive: bool,
    /// Folders of Secrets.
    pub certs: Vec<PathBuf>,
    /// The objects of a cluster, instead of files.
    pub cluster: Option<ClusterPlace>,
    /// The Istio version that the objects are for; the workspace's, or the latest, by
    /// default.
    pub target: Option<IstioTarget>,
    /// Findings to suppress.
    pub suppressions: Vec<Suppression>,
    /// The files will be fixed, so each must be writable.
    pub mends: bool,
}

/// What is read, and how it is judged.
pub struct Inputs {
    /// Where the objects and Secrets are.
    pub(super) sources: Sources,
    /// How they are judged.
    pub(super) judging: Judging,
}

impl Inputs {
    /// Determines what to read. Reads standard input, or a cluster.
    ///
    /// # Errors
    /// A folder or kubeconfig that cannot be used, and files that cannot be fixed: bad
    /// input. A cluster that cannot be reached: a runtime failure.
    pub fn of(request: Request, here: &Surroundings) -> Result<Self, Failure> {
        check_certs(&request.certs)?;
        let (live, pod_namespace) = match &request.cluster {
            Some(place) => {
                refuse_with_cluster(&request, place)?;
                let (live, pod_namespace) = cluster::read(place, here)?;
                (Some(live), Some(pod_namespace))
            }
            None => (None, None),
        };
        let (stdin, manifests): (Vec<PathBuf>, Vec<PathBuf>) =
            (request.manifests.into_iter()).partition(|path| path.as_os_str() == "-");
        if request.mends && !stdin.is_empty() {
            return Err(Failure::usage(
                Problem::new("--fix changes files, and standard input is not a file").fix(fix_of_file()),
            ));
        }
        for folder in manifests.iter().filter(|path| path.is_dir()) {
            std::fs::read_dir(folder).map_err(|error| {
                Failure::usage(Problem::new(format!("{} cannot be read", folder.display())).why(files::plain(&error)))
            })?;
        }
        let stdin = (!stdin.is_empty())
            .then(|| files::read_from(std::io::stdin().lock(), "-", MANIFEST_LIMIT))
            .transpose()
            .map_err(Failure::usage)?;
        Ok(Self {
            sources: Sources {
                manifests,
                live,
                stdin,
                recursive: request.recursive,
                left_out: BTreeSet::new(),
                // A fix is written to where the text came from.
                streams: !request.mends,
                certs: request.certs,
                workspace: here.dir.clone(),
                host_files: false,
                namespace: here.namespace.clone(),
                gateway_namespace: pod_namespace.or_else(|| here.gateway_namespace.clone()),
            },
            judging: Judging {
                target: request.target,
                suppressions: request.suppressions,
            },
        })
    }
}

/// Refuses `--certs` folders that are not folders.
///
/// # Errors
/// Bad input.
pub fn check_certs(folders: &[PathBuf]) -> Result<(), Failure> {
    match folders.iter().find(|folder| !folder.is_dir()) {
        Some(folder) => Err(Failure::usage(
            Problem::new(format!("--certs {} is not a folder", folder.display()))
                .fix("give a HOST folder of gen-certs, or a folder with SECRET/KEY files"),
        )),
        None => Ok(()),
    }
}

/// Options that conflict with --cluster.
fn refuse_with_cluster(request: &Request, place: &ClusterPlace) -> Result<(), Failure> {
    if let Some(given) = request.manifests.first() {
        return Err(Failure::usage(
            Problem::new(format!("--cluster and {} exclude each other", given.display()))
                .fix("lint one after the other"),
        ));
    }
    if request.mends {
        let apply = Line::new(Kind::ApplyFile, ["apply", "-f"]).arg(Word::Placeholder("FILE"));
        return Err(Failure::usage(
            Problem::new("--fix changes files, and the objects of a cluster are not in files")
                .why("a change made only in the cluster is undone by the next apply of the files")
                .fix(fix_of_file().then(apply.of_cluster()).at_cluster(&place.flags())),
        ));
    }
    Ok(())
}

/// `lint --fix` of a file.
fn fix_of_file() -> crate::remedy::Remedy {
    Line::new(Kind::LintFix, ["lint", "-f"])
        .arg(Word::Placeholder("FILE"))
        .arg("--fix")
        .into()
}

/// The note on objects with values that another tool fills in.
fn unknown_objects(collected: &Collected<'_>) -> Option<Problem> {
    let mut unknown = collected.errors.iter().filter(|error| error.placeholder);
    let first = unknown.next()?;
    let named = first.object.as_ref().map(|object| object.title(&collected.namespace));
    let title = named.unwrap_or_else(|| first.location.to_string());
    let what = match unknown.count() {
        0 => format!("{title} is not judged"),
        more => format!("{title} and {more} more objects are not judged"),
    };
    let note = Problem::new(what)
        .at(first.location.to_string())
        .why(first.message.clone());
    Some(match &first.fix {
        Some(fix) => note.fix(fix.clone()),
        None => note,
    })
}

/// Reads everything, and reports notes on it.
///
/// # Errors
/// If there is nothing to read, or it cannot be read.
pub(super) fn collect<'f>(
    sources: &Sources,
    files: &'f DiskFiles,
    here: &Surroundings,
) -> Result<Collected<'f>, Failure> {
    let collected = sources.collect(files, Gone::IsError).map_err(Failure::usage)?;
    if sources.is_workspace() && collected.objects.is_empty() {
        return Err(Failure::usage(nothing_found(&sources.workspace, "lint")));
    }
    for note in collected.notes.iter().chain(&unknown_objects(&collected)) {
        here.say_note(note);
    }
    for folder in sources.manifests.iter().filter(|path| path.is_dir()) {
        let holds = |path: &Path| path.starts_with(folder);
        let is_read = collected.texts.keys().any(|name| holds(Path::new(name)));
        if !is_read && !collected.passed_over.iter().any(|path| holds(path)) {
            return Err(Failure::usage(
                Problem::new(format!("there is no manifest in {}", folder.display()))
                    .why("it has no readable file that ends in .yaml, .yml or .json; -R includes subfolders")
                    .fix("name the files, or the folder that contains them"),
            ));
        }
    }
    Ok(collected)
}
