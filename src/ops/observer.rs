//! What an operation tells while it works.

use super::object_change::ObjectChange;
use crate::problem::Problem;
use crate::remedy::Remedy;
use crate::sources::live::Unseen;

/// Takes note of what happens. Operations call it from the thread that they run on,
/// or from one of theirs.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn event(&self, event: Event<'_>);
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'e> {
    /// Progress, or something to know: of no interest to who wants quiet.
    Note(&'e str),
    /// Something that everybody is told.
    Notice(&'e str),
    /// Something to know about what is read again and again: told once.
    Once(&'e str),
    /// What of a cluster its user may not see.
    Unseen(&'e [Unseen]),
    /// Something that everybody is told, with what to type.
    Advice(&'e Remedy),
    /// An object of a cluster is as it is to be, or on its way there.
    Changed(&'e ObjectChange),
    /// Something to know that can be seen to.
    Remark(&'e Problem),
    /// Something failed, and the work goes on.
    Warning(&'e Problem),
    /// Something failed, and the work ends with more of that kind.
    Error(&'e Problem),
}
