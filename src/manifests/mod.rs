//! Manifests: typed Istio and Kubernetes objects ([`model`]), their names ([`naming`]) and routes
//! ([`routes`]). Pure: text and values in, values out.

pub mod build;
pub mod crd;
pub mod delegation;
pub mod gateway_api;
pub mod grpc_status;
pub mod load;
pub mod model;
pub mod naming;
pub mod re2;
pub mod render;
pub mod routes;
pub mod server_hosts;
