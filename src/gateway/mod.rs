//! The local gateway: Gateways, VirtualServices and Secrets become an immutable
//! routing table ([`config::table`]), which is served as Envoy under Istio would.
//!
//! Inner order, each using only those before it, of the gateway:
//!
//! 1. [`config`]: manifests to a table; pure.
//! 2. [`matching`]: chooses from the table; pure. Uses [`config`].
//! 3. `samples`: the built-in upstreams; pure. Uses [`config`].
//! 4. [`dataplane`]: connections and requests. Uses [`config`], [`matching`], `samples`.
//! 5. [`follow`]: reads the sources, watches them, publishes tables. Uses [`config`] alone.
//! 6. [`admin`]: reads and shows. Uses [`config`], [`matching`], `samples`, [`dataplane`].
//! 7. [`server`]: the running gateway. Uses [`config`], [`dataplane`], [`admin`].

pub mod admin;
pub mod config;
pub mod dataplane;
pub mod follow;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
pub mod matching;
mod samples;
pub mod server;
