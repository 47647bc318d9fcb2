//! The workspace: istio-tls.yaml, the folders of the chains, and how both are
//! written so that a crash leaves the whole old state or the whole new one.

pub mod config;
pub mod edit;
pub mod file;
pub mod layout;
pub mod misspelled;
pub mod running;
pub mod schema;
pub mod store;
