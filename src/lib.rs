//! istio-tls secures an Istio ingress gateway with HTTPS, from nothing to a
//! verified mutual-TLS request, with or without a cluster.
//!
//! The flow of a command: `argv` is parsed into arguments ([`cli`]), arguments and the
//! [`workspace`] become an intent, the intent becomes chains ([`certs`]) and objects
//! ([`manifests`]); [`lint`] cross-checks objects with the [`secrets`] that they refer
//! to; those are stored in the workspace or served by the local [`gateway`], which reads
//! them through [`sources`]. [`probe`] connects to a gateway, records facts, and turns
//! them into a verdict, which [`report`] renders as text, JSON and other formats.
//! [`cluster`] applies the objects to a Kubernetes API server and deletes them again;
//! [`doctor`] examines what it gathers there.
//!
//! Layers, each using only those before it: [`shell`], [`remedy`], [`problem`], [`secrecy`],
//! [`hex`], [`alert`] and [`spelling`]; [`names`] and [`files`]; [`certs`]; [`workspace`]; [`manifests`];
//! [`secrets`]; [`sources`] and [`lint`]; [`doctor`]; [`gateway`], [`probe`] and
//! [`cluster`], which do not know each other; [`report`]; [`cli`].
//!
//! `fuzzing` is compiled for tests and for the fuzzer only.
//!
//! Pure modules (bytes and structs in, values out): all of the first layer, [`names`],
//! [`certs`], [`manifests`], [`secrets`], [`lint`], [`doctor`], the gateway's
//! configuration and matching, the probe's verdict, the cluster's plan and diff,
//! [`report`]. Edges that do I/O: [`files`], [`sources`], the workspace's store, the
//! gateway's reload and listeners, the probe's dial, the cluster's client. The operations
//! connect them; only the gateway's reload calls another edge, since it reads its sources
//! again.

pub mod alert;
pub mod certs;
pub mod cli;
pub mod cluster;
pub mod doctor;
pub mod files;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod gateway;
pub mod hex;
pub mod lint;
pub mod manifests;
pub mod names;
pub mod ops;
pub mod printable;
pub mod probe;
pub mod problem;
pub mod remedy;
pub mod report;
pub mod secrecy;
pub mod secrets;
pub mod shell;
pub mod sources;
pub mod spelling;
pub mod workspace;
