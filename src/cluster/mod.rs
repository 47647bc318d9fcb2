//! The edge to a Kubernetes API server: objects are applied server-side, and
//! only what this program made is ever deleted.
//!
//! [`kubeconfig`] says which server and who asks; [`client`] sends requests and
//! repeats those that may succeed later; [`resources`] asks what the server
//! knows. [`plan`] and [`diff`] are pure: which objects, in which order, whose
//! they are, and what would change. [`apply`], [`owned`] and [`rollout`] do the
//! work, many requests at a time in [`stages`]; `trial` tries one object, `ready` is
//! what comes of it, `conflict` says what is in the way, `shared` what others would be
//! left with; [`secrets`] reads single ones; [`discover`] asks where the ingress
//! gateway is reached, and [`ingress`] chooses, or [`gateway_pod`] where there is
//! no address; [`pods`] leads through a node to a pod; [`gather`] reads what an
//! examination looks at; [`parts`] finds what may be listed, and [`watch`]
//! follows it; [`failure`] puts what went wrong into words.

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
/// The label that says which workspace an object belongs to.
pub const WORKSPACE_LABEL: &str = "istio-tls.dev/workspace";
