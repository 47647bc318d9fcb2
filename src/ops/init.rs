//! `init`: writes the first istio-tls.yaml.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::entries::{self, Recorded};
use super::failure::Failure;
use super::surroundings::Surroundings;
use crate::files;
use crate::names::{self, Host};
use crate::problem::Problem;
use crate::workspace::config::{FILE_NAME, IstioTarget, Mode, SecretStyle, WorkspaceConfig};
use crate::workspace::file::{WorkspaceFile, new_id};

/// The request; anything not given has a default.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Hosts to list, each once.
    pub hosts: Vec<Host>,
    /// How clients are authenticated.
    pub mode: Option<Mode>,
    /// How the gateway gets certificates and keys.
    pub secrets: Option<SecretStyle>,
    /// The Istio version that the manifests are for.
    pub istio: Option<IstioTarget>,
    /// The Gateway's name.
    pub gateway_name: Option<String>,
    /// The labels of the gateway's pods.
    pub selector: Option<BTreeMap<String, String>>,
}

/// The planned file; the caller may let the user change it first.
pub struct Plan {
    /// The future istio-tls.yaml, without its hosts.
    pub config: WorkspaceConfig,
    /// The hosts to list.
    pub hosts: Vec<Host>,
    starter: WorkspaceFile,
}

/// What was written.
pub struct Outcome {
    /// The file.
    pub path: PathBuf,
    /// The workspace's id.
    pub id: String,
    /// The hosts in it.
    pub hosts: Vec<Host>,
}

/// Plans the file.
///
/// # Errors
/// If istio-tls.yaml exists already, or a name is invalid.
pub fn plan(request: Request, here: &Surroundings) -> Result<Plan, Failure> {
    let path = here.dir.join(FILE_NAME);
    if files::is_there(&path).map_err(Failure::usage)? {
        return Err(Failure::usage(
            Problem::new(format!("{} already exists", path.display()))
                .why("init only writes a new file")
                .fix(format!("edit {}, or select another folder with -C", path.display())),
        ));
    }
    let starter = WorkspaceFile::starter(&here.dir, &new_id().map_err(Failure::runtime)?);
    let mut config = starter.config.clone();
    config.mode = request.mode.unwrap_or(config.mode);
    config.secrets = request.secrets.unwrap_or(config.secrets);
    config.istio = request.istio.unwrap_or(config.istio);
    if let Some(name) = request.gateway_name {
        names::check_object_name("Gateway", &name).map_err(Failure::usage)?;
        config.gateway.name = name;
    }
    if let Some(namespace) = &here.namespace {
        config.gateway.namespace.clone_from(namespace);
    }
    if let Some(namespace) = &here.gateway_namespace {
        config.gateway.pod_namespace.clone_from(namespace);
    }
    config.gateway.selector = request.selector.unwrap_or(config.gateway.selector);
    Ok(Plan {
        config,
        hosts: request.hosts,
        starter,
    })
}

/// Writes istio-tls.yaml.
///
/// # Errors
/// If it cannot be written.
pub fn carry_out(plan: Plan) -> Result<Outcome, Failure> {
    let recorded = plan.hosts.iter().map(|host| Recorded {
        host: host.clone(),
        mode: None,
        credential_name: None,
        server_key: None,
        clients: Vec::new(),
    });
    let wanted = entries::record(&plan.config, &recorded.collect::<Vec<_>>());
    let file = plan.starter.edit(&wanted).map_err(Failure::runtime)?;
    file.write().map_err(Failure::runtime)?;
    Ok(Outcome {
        path: file.path,
        id: wanted.id,
        hosts: plan.hosts,
    })
}
