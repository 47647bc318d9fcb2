//! What the user wants of `adopt`.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::files::shown;
use crate::names::Host;
use crate::ops::cluster_access::ClusterPlace;
use crate::remedy::{Kind, Line};
use crate::workspace::config::Mode;

/// What the user wants.
pub struct Request {
    /// Folders, files, and Secrets as `secret/NAME`.
    pub sources: Vec<PathBuf>,
    /// The host, where the certificate's first name is not meant.
    pub host: Option<Host>,
    /// How the gateway treats client certificates, where the chain does not show it.
    pub mode: Option<Mode>,
    /// A chain that the workspace has of the host is replaced.
    pub force: bool,
    /// Adopt although the chain does not verify.
    pub accept_faults: bool,
    /// Opens encrypted keys and bundles.
    pub password: Option<Zeroizing<String>>,
    /// Where Secrets are.
    pub cluster: ClusterPlace,
}

impl Request {
    /// The command line that asks for the same, up to what is to be added.
    pub(super) fn line(&self) -> Line {
        let mut line = Line::new(Kind::Adopt, ["adopt"]).of_cluster();
        if self.force {
            line = line.arg("--force");
        }
        if let Some(host) = &self.host {
            line = line.flag("--host", host.as_str());
        }
        self.sources.iter().fold(line, |line, source| line.arg(shown(source)))
    }
}
