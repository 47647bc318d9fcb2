//! `manifests`: the objects for a cluster, for the workspace's hosts, or another kind of
//! configuration. A [`request`] becomes an [`intent`], and [`run`] turns it into text or
//! files.

pub mod intent;
pub mod notes;
mod output;
pub mod request;
pub mod run;
