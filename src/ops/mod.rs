//! Operations: what each command does, apart from the command line. A typed request goes
//! in, a typed result or a classified [`Failure`] comes out; nothing here knows clap, a
//! terminal or the process's environment.
//!
//! An operation with a confirmation is two calls: plan, then carry out; the caller asks
//! in between. A long one reports its progress to an [`Observer`].

pub mod adopt;
pub mod apply;
pub mod authority;
pub mod certificate_source;
pub mod chain_authorities;
pub mod chain_clients;
pub mod chain_files;
pub mod client_look;
pub mod cluster_access;
pub mod cluster_ingress;
pub mod cluster_objects;
pub mod cluster_owned;
pub mod delete;
pub mod doctor;
pub mod endpoint;
pub mod entries;
mod failure;
pub mod host_list;
pub mod host_secrets;
pub mod init;
pub mod inspect;
pub mod intent;
pub mod interruption;
pub mod issue;
pub mod lint;
pub mod manifests;
pub mod object_change;
mod observer;
pub mod password;
pub mod pem_files;
pub mod reach;
pub mod revoke;
pub mod rotate;
pub mod rotating;
pub mod secret_advice;
pub mod secret_source;
pub mod serve;
pub mod status;
mod surroundings;
pub mod up;
pub mod verify;

pub use failure::{Class, Failure};
pub use observer::{Event, Observer};
pub use surroundings::{Surroundings, Variables};
