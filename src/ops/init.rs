//! Writes the first istio-tls.yaml: what `init` does.

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

/// What the user wants; the defaults where nothing is said.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// Hosts to list, each once.
    pub hosts: Vec<Host>,
    /// How clients are authenticated.
    pub mode: Option<Mode>,
    /// How the gateway gets certificates and keys.
    pub secrets: Option<SecretStyle>,
    /// Which Istio the manifests are for.
    pub istio: Option<IstioTarget>,
    /// The Gateway's name.
    pub gateway_name: Option<String>,
    /// The labels of the gateway's pods.
    pub selector: Option<BTreeMap<String, String>>,
}

/// What is to be written; whoever asks the user changes it before it is.
pub struct Plan {
    /// What istio-tls.yaml is to say, without its hosts.
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
    /// The hosts that it lists.
    pub hosts: Vec<Host>,
}

/// Decides what is to be written.
///
/// # Errors
/// When istio-tls.yaml is there already, or a name cannot be one.
pub fn plan(request: Request, here: &Surroundings) -> Result<Plan, Failure> {
    let path = here.dir.join(FILE_NAME);
    if files::is_there(&path).map_err(Failure::usage)? {
        return Err(Failure::usage(
            Problem::new(format!("{} exists already", path.display()))
                .why("init writes a new file only")
                .fix(format!("edit {}, or give another folder with -C", path.display())),
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
/// When it cannot be written.
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
