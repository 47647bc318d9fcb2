//! What an operation reports while it works.

use super::object_change::ObjectChange;
use crate::problem::Problem;
use crate::remedy::Remedy;
use crate::sources::live::Unseen;

/// Receives events. Operations call it from the thread that they run on, or from one that
/// they started.
pub trait Observer: Send + Sync {
    /// An event occurred.
    fn event(&self, event: Event<'_>);
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'e> {
    /// Progress, or a note that quiet mode hides.
    Note(&'e str),
    /// A note that is always shown.
    Notice(&'e str),
    /// A note on something that is read repeatedly: shown once.
    Once(&'e str),
    /// What the user cannot read in a cluster.
    Unseen(&'e [Unseen]),
    /// A note that is always shown, with a remedy.
    Advice(&'e Remedy),
    /// An object in a cluster was stored or deleted, or soon will be.
    Changed(&'e ObjectChange),
    /// A warning with a remedy.
    Remark(&'e Problem),
    /// A failure after which the work continues.
    Warning(&'e Problem),
    /// A failure that ends the work and adds to its final failure.
    Error(&'e Problem),
}
