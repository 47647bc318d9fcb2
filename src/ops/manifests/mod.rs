//! `manifests`: the objects for a cluster, of the workspace's hosts, or another
//! configuration in their place. A [`request`] makes an [`intent`], [`run`] makes of it
//! what is printed or written.

pub mod intent;
pub mod notes;
mod output;
pub mod request;
pub mod run;
