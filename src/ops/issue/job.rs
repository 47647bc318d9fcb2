//! What is to be done, host by host.

use super::change::Change;
use super::ended::Ended;
use crate::problem::Problem;
use crate::workspace::config::Mode;
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::{ChainLayout, RootLayout};

/// What happens to one host.
pub enum Action {
    /// A chain where there was none.
    Create,
    /// A chain in place of another one.
    Replace(Ended),
    /// Something new of the chain that is there.
    Change(Box<Change>),
}

/// What is to be done for one host.
pub struct Job {
    /// Where its chain is.
    pub layout: ChainLayout,
    /// What happens to the host.
    pub action: Action,
    /// All clients to issue, the host's own first.
    pub clients: Vec<String>,
    /// How the gateway is to treat client certificates.
    pub mode: Mode,
}

/// Everything that is to be done.
pub struct Plan {
    /// Host by host, in the order of the request.
    pub jobs: Vec<Job>,
    /// istio-tls.yaml as it stands.
    pub file: WorkspaceFile,
    /// The shared root that does not exist yet.
    pub new_root: Option<RootLayout>,
    /// Hosts that `--skip-existing` passed over.
    pub skipped: usize,
    /// What the user has hardly meant.
    pub warnings: Vec<Problem>,
}

impl Job {
    /// Whether a new chain is made, in place of another one or where there is none.
    pub(super) fn makes_chain(&self) -> bool {
        !matches!(self.action, Action::Change(_))
    }
}
