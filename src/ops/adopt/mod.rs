//! `adopt`: takes an existing chain into the workspace.

pub mod adopted;
pub mod carry_out;
mod choose;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod notes;
pub mod placed;
pub mod plan;
pub mod request;
mod sources;
