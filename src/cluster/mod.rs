//! The edge to a Kubernetes API server: objects are applied server-side, and only objects created
//! by this program are ever deleted.
//!
//! [`kubeconfig`] determines the server and user; [`client`] sends requests and retries those that
//! may succeed later; [`resources`] discovers the server's kinds. [`plan`] and [`diff`] are pure:
//! which objects, in which order, their owners, and what would change. [`apply`], [`owned`] and
//! [`rollout`] do the work, with concurrent requests in [`stages`]; `trial` tries one object,
//! `ready` is the result, `conflict` describes conflicts, `shared` what would remain for others;
//! [`secrets`] reads single ones; [`discover`] reads what determines the address of the ingress
//! gateway, and [`ingress`] chooses it, or [`gateway_pod`] if there is none; [`pods`] reaches a pod
//! through its node; [`gather`] reads the input of an examination; [`parts`] finds what may be
//! listed, and [`watch`] follows it; [`failure`] describes failures.

pub mod apply;
pub mod client;
mod conflict;
pub mod diff;
pub mod discover;
pub mod failure;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
pub mod gateway_pod;
pub mod gather;
pub mod ingress;
pub mod kubeconfig;
pub mod live;
pub mod owned;
pub mod parts;
pub mod plan;
pub mod pods;
mod ready;
pub mod resources;
pub mod rollout;
pub mod secrets;
mod shared;
pub mod stages;
mod trial;
pub mod watch;

/// The field manager of server-side apply.
pub const FIELD_MANAGER: &str = "istio-tls";
/// The label with the workspace that an object belongs to.
pub const WORKSPACE_LABEL: &str = "istio-tls.dev/workspace";
