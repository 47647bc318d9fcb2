//! The plan, host by host.

use super::change::Change;
use super::ended::Ended;
use crate::problem::Problem;
use crate::workspace::config::Mode;
use crate::workspace::file::WorkspaceFile;
use crate::workspace::layout::{ChainLayout, RootLayout};

/// What happens to a host.
pub enum Action {
    /// A chain for a host that has none.
    Create,
    /// A chain that replaces another one.
    Replace(Ended),
    /// An addition to an existing chain.
    Change(Box<Change>),
}

/// The plan for one host.
pub struct Job {
    /// Where its chain is.
    pub layout: ChainLayout,
    /// What happens to the host.
    pub action: Action,
    /// All clients to issue, the host's own first.
    pub clients: Vec<String>,
    /// The mode.
    pub mode: Mode,
}

/// The whole plan.
pub struct Plan {
    /// Host by host, in the order of the request.
    pub jobs: Vec<Job>,
    /// The current istio-tls.yaml.
    pub file: WorkspaceFile,
    /// The shared root, if it does not exist yet.
    pub new_root: Option<RootLayout>,
    /// Hosts that `--skip-existing` skips.
    pub skipped: usize,
    /// Warnings about what the user probably did not intend.
    pub warnings: Vec<Problem>,
}

impl Job {
    /// Whether a new chain is issued, as a replacement or for the first time.
    pub(super) fn makes_chain(&self) -> bool {
        !matches!(self.action, Action::Change(_))
    }
}
