//! `status`: every certificate of the workspace, its remaining validity, and whether
//! Secrets and the gateway match the files.

mod advice;
mod clients;
pub mod facts;
mod gather;
mod in_cluster;
mod judge;
mod judge_secrets;
mod judge_served;
pub mod outcome;
pub mod request;
pub mod rows;
mod run;

pub use run::run;
