//! The API server and user: the kubeconfig file and its context.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, KubeConfigOptions, Kubeconfig, KubeconfigError};

use crate::certs::{inspect, pem};
use crate::files;
use crate::problem::Problem;
use crate::remedy::{Cluster, Kind, Line, Remedy, Word};

/// Where a kubeconfig is searched, in this order.
#[derive(Debug, Default, Clone)]
pub struct Places {
    /// `--kubeconfig`.
    pub file: Option<PathBuf>,
    /// The variable `KUBECONFIG`: files separated by colons.
    pub variable: Option<String>,
    /// The home folder, for `.kube/config`.
    pub home: Option<PathBuf>,
    /// Whether this program runs in a pod (the variable `KUBERNETES_SERVICE_HOST`).
    pub in_pod: bool,
}

/// Access to an API server.
#[derive(Clone)]
pub struct Access {
    /// The context's name; `in-cluster` in a pod.
    pub context: String,
    /// The server's URL.
    pub server: String,
    /// The user's name in the kubeconfig.
    pub user: String,
    /// The context's namespace.
    pub namespace: String,
    /// The flags of kubectl and this program for the same cluster and user; empty if none are
    /// needed.
    pub flags: Cluster,
    /// The files that were read.
    pub files: Vec<PathBuf>,
    /// When the user's client certificate expires, if there is one: RFC 3339, UTC.
    pub certificate_end: Option<String>,
    /// The configuration for kube.
    pub(super) config: kube::Config,
}

impl Access {
    /// Reads the kubeconfig and chooses a context: `context`, or the current one.
    ///
    /// # Errors
    /// If there is no kubeconfig, it cannot be read, or has no such context.
    pub async fn read(places: &Places, context: Option<&str>, now: time::OffsetDateTime) -> Result<Self, Problem> {
        let files = files_of(places);
        if files.is_empty() {
            if places.in_pod && context.is_none() {
                return in_cluster();
            }
            return Err(no_kubeconfig(places));
        }
        let kubeconfig = merged(&files)?;
        // A context is chosen in the file given by a flag.
        let here = Cluster {
            context: None,
            kubeconfig: places.file.as_ref().map(|file| file.display().to_string()),
        };
        let name = chosen(&kubeconfig, context, &files).map_err(|problem| problem.at_cluster(&here))?;
        let options = KubeConfigOptions {
            context: Some(name.clone()),
            ..KubeConfigOptions::default()
        };
        let user = user_of(&kubeconfig, &name);
        let flags = flags(&kubeconfig, &name, places.file.as_deref());
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
            .await
            .map_err(|error| unreadable(&files, &error))?;
        if config.cluster_url.host().is_some_and(is_loopback) {
            // A proxy from the environment would use its own loopback.
            config.proxy_url = None;
        }
        Ok(Self {
            context: name,
            server: config.cluster_url.to_string().trim_end_matches('/').to_owned(),
            user,
            namespace: config.default_namespace.clone(),
            flags,
            files,
            certificate_end: certificate_end(&config.auth_info, now),
            config,
        })
    }

    /// Whether the server is on this machine.
    pub fn is_loopback(&self) -> bool {
        self.config.cluster_url.host().is_some_and(is_loopback)
    }

    /// A problem whose commands are for this cluster.
    #[must_use]
    pub fn aim(&self, problem: Problem) -> Problem {
        problem.at_cluster(&self.flags)
    }
}

/// What kubectl would not use by default: a context other than the current one, and a kubeconfig
/// from a flag.
pub(super) fn flags(kubeconfig: &Kubeconfig, context: &str, file: Option<&Path>) -> Cluster {
    let is_current = kubeconfig.current_context.as_deref() == Some(context);
    Cluster {
        context: (!is_current).then(|| context.to_owned()),
        kubeconfig: file.map(|file| file.display().to_string()),
    }
}

/// Whether a host of a URL is this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// The existing files; one that was given explicitly is included even if it does not exist.
fn files_of(places: &Places) -> Vec<PathBuf> {
    if let Some(file) = &places.file {
        return vec![file.clone()];
    }
    if let Some(variable) = &places.variable {
        let named: Vec<PathBuf> = variable
            .split(':')
            .filter(|part| !part.is_empty())
            .map(PathBuf::from)
            .collect();
        // Like kubectl, skips files in the list that do not exist.
        let there: Vec<PathBuf> = named.iter().filter(|path| path.exists()).cloned().collect();
        return if there.is_empty() { named } else { there };
    }
    let of_home = places.home.as_ref().map(|home| home.join(".kube/config"));
    of_home.into_iter().filter(|path| path.exists()).collect()
}

fn in_cluster() -> Result<Access, Problem> {
    let config = kube::Config::incluster().map_err(|error| {
        Problem::new("the service account of this pod cannot be read")
            .why(error.to_string())
            .fix("mount a service account token into the pod, or pass --kubeconfig FILE")
    })?;
    Ok(Access {
        context: "in-cluster".to_owned(),
        server: config.cluster_url.to_string().trim_end_matches('/').to_owned(),
        user: "the pod's service account".to_owned(),
        namespace: config.default_namespace.clone(),
        flags: Cluster::default(),
        files: Vec::new(),
        certificate_end: None,
        config,
    })
}

fn no_kubeconfig(places: &Places) -> Problem {
    let home = places.home.as_ref().map_or_else(
        || "~/.kube/config".to_owned(),
        |home| home.join(".kube/config").display().to_string(),
    );
    Problem::new("there is no kubeconfig")
        .why(format!(
            "neither --kubeconfig nor the variable KUBECONFIG is set, and {home} does not exist"
        ))
        .fix("pass --kubeconfig FILE, with the file from your cluster's administrator or installer")
}

fn merged(files: &[PathBuf]) -> Result<Kubeconfig, Problem> {
    let mut merged = Kubeconfig::default();
    for path in files {
        // Read for its errors, which include the file and what it is instead.
        files::read_given(path, files::MANIFEST_LIMIT)
            .map_err(|problem| problem.fix("pass --kubeconfig FILE, or set KUBECONFIG to an existing file"))?;
        merged = Kubeconfig::read_from(path)
            .and_then(|read| merged.merge(read))
            .map_err(|error| unreadable(std::slice::from_ref(path), &error))?;
    }
    Ok(merged)
}

pub(super) fn chosen(kubeconfig: &Kubeconfig, wanted: Option<&str>, files: &[PathBuf]) -> Result<String, Problem> {
    let names: Vec<&str> = kubeconfig
        .contexts
        .iter()
        .map(|context| context.name.as_str())
        .collect();
    let known = if names.is_empty() {
        format!("{} has no contexts", shown(files))
    } else {
        format!("{} has {}", shown(files), names.join(", "))
    };
    match wanted {
        Some(name) if names.contains(&name) => Ok(name.to_owned()),
        Some(name) => Err(Problem::new(format!("there is no context {name:?}"))
            .why(known)
            .fix("pass --context with one of those names")),
        None => match kubeconfig.current_context.as_deref().filter(|name| !name.is_empty()) {
            Some(name) if names.contains(&name) => Ok(name.to_owned()),
            Some(name) => Err(
                Problem::new(format!("the current context of the kubeconfig, {name:?}, is not in it"))
                    .why(known)
                    .fix(choose_one()),
            ),
            None => Err(Problem::new("the kubeconfig has no current context")
                .why(known)
                .fix(choose_one())),
        },
    }
}

/// How to choose a context.
fn choose_one() -> Remedy {
    let line = Line::new(Kind::KubectlUseContext, ["config", "use-context"]).arg(Word::Placeholder("NAME"));
    Remedy::from("pass --context NAME, or ").and(line)
}

pub(super) fn user_of(kubeconfig: &Kubeconfig, context: &str) -> String {
    let named = kubeconfig.contexts.iter().find(|known| known.name == context);
    let user = named
        .and_then(|named| named.context.as_ref())
        .and_then(|context| context.user.clone());
    user.unwrap_or_else(|| "(none)".to_owned())
}

/// Converts kube's error about a kubeconfig; its messages quote only names.
pub(super) fn unreadable(files: &[PathBuf], error: &KubeconfigError) -> Problem {
    let problem = Problem::new(format!("the kubeconfig {} cannot be used", shown(files)));
    match error {
        // The parser's message may quote the line, including a token.
        KubeconfigError::Parse(error) => {
            let at = error
                .location()
                .map(|place| format!("line {}, column {}", place.line(), place.column()));
            problem.why(match at {
                Some(at) => format!("it is not a kubeconfig: the YAML at {at} is invalid"),
                None => "it is not a kubeconfig: its YAML is invalid".to_owned(),
            })
        }
        KubeconfigError::LoadClusterOfContext(name) => problem.why(format!(
            "its context refers to the cluster {name:?}, which is not in it"
        )),
        KubeconfigError::LoadClientKey(_) => problem.why("the user's client key cannot be read"),
        KubeconfigError::LoadClientCertificate(_) => problem.why("the user's client certificate cannot be read"),
        KubeconfigError::MissingClusterUrl => problem.why("its cluster has no server"),
        other => problem.why(other.to_string()),
    }
}

fn shown(files: &[PathBuf]) -> String {
    let names: Vec<String> = files.iter().map(|path| files::shown(path)).collect();
    names.join(", ")
}

/// When the user's client certificate expires.
fn certificate_end(auth: &AuthInfo, now: time::OffsetDateTime) -> Option<String> {
    use base64::Engine as _;
    let content = match (&auth.client_certificate_data, &auth.client_certificate) {
        (Some(data), _) => base64::engine::general_purpose::STANDARD.decode(data.trim()).ok()?,
        (None, Some(path)) => files::read(Path::new(path), files::PEM_LIMIT).ok()?,
        (None, None) => return None,
    };
    let certificates = pem::certificates(&content, "client certificate").ok()?;
    let facts = inspect::certificate(certificates.first()?, now).ok()?;
    Some(facts.not_after)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Places, chosen, files_of, flags, is_loopback, merged};

    const CONFIG: &str = "apiVersion: v1\nkind: Config\ncurrent-context: one\ncontexts:\n- name: one\n  context: {cluster: c, user: u}\n- name: two\n  context: {cluster: c, user: u}\n";

    #[test]
    fn only_this_machine_is_loopback() {
        for (host, expected) in [
            ("127.0.0.1", true),
            ("127.8.8.8", true),
            ("[::1]", true),
            ("localhost", true),
            ("kubernetes.localhost", true),
            ("10.0.0.1", false),
            ("127.0.0.1.example.com", false),
            ("example.com", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }

    #[test]
    fn a_context_is_the_one_that_is_wanted_or_the_current_one() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("config");
        std::fs::write(&path, CONFIG).expect("written");
        let files = [path];
        let kubeconfig = merged(&files).expect("a kubeconfig");
        assert_eq!(chosen(&kubeconfig, None, &files).as_deref(), Ok("one"));
        assert_eq!(chosen(&kubeconfig, Some("two"), &files).as_deref(), Ok("two"));
        let unknown = chosen(&kubeconfig, Some("three"), &files).expect_err("unknown");
        assert!(unknown.why.expect("why").ends_with("has one, two"));
        // kubectl commands use the same one.
        for (context, file, expected) in [
            ("one", None, ""),
            ("two", None, "--context two"),
            ("one", Some("a b"), "--kubeconfig 'a b'"),
            ("two", Some("k"), "--context two --kubeconfig k"),
        ] {
            assert_eq!(flags(&kubeconfig, context, file.map(Path::new)).to_string(), expected);
        }
        let mut without = kubeconfig;
        without.current_context = None;
        assert!(chosen(&without, None, &files).is_err());
    }

    #[test]
    fn words_of_an_unreadable_file_quote_nothing_of_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("config");
        std::fs::write(&path, "users:\n- name: a\n  user: {token: [hush-hush]}\n").expect("written");
        let problem = merged(&[path]).expect_err("no kubeconfig");
        assert!(!problem.to_string().contains("hush"), "{problem}");
    }

    #[test]
    fn the_flag_wins_over_the_variable_and_that_over_the_home() {
        let dir = tempfile::tempdir().expect("a folder");
        let (one, two) = (dir.path().join("one"), dir.path().join("two"));
        std::fs::write(&one, CONFIG).expect("written");
        std::fs::create_dir(dir.path().join(".kube")).expect("made");
        std::fs::write(dir.path().join(".kube/config"), CONFIG).expect("written");
        let mut places = Places {
            file: Some(two.clone()),
            variable: Some(format!("{}:{}", two.display(), one.display())),
            home: Some(dir.path().to_owned()),
            in_pod: false,
        };
        assert_eq!(files_of(&places), [two]);
        places.file = None;
        assert_eq!(files_of(&places), [one]);
        places.variable = None;
        assert_eq!(files_of(&places), [dir.path().join(".kube/config")]);
    }
}
