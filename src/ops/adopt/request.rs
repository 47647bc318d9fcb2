//! The request of `adopt`.

use std::path::PathBuf;

use zeroize::Zeroizing;

use crate::files::shown;
use crate::names::Host;
use crate::ops::cluster_access::ClusterPlace;
use crate::remedy::{Kind, Line};
use crate::workspace::config::Mode;

/// The request.
pub struct Request {
    /// Folders, files, and Secrets as `secret/NAME`.
    pub sources: Vec<PathBuf>,
    /// The host, if it is not the certificate's first name.
    pub host: Option<Host>,
    /// The mode, if the chain does not show it.
    pub mode: Option<Mode>,
    /// Replace a chain that the workspace has for the host.
    pub force: bool,
    /// Adopt even if the chain does not verify.
    pub accept_faults: bool,
    /// Decrypts keys and bundles.
    pub password: Option<Zeroizing<String>>,
    /// Which cluster Secrets are in.
    pub cluster: ClusterPlace,
}

impl Request {
    /// The equivalent command line, ready for further arguments.
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
