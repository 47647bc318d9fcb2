//! A rule of a route as a route of Istio's, and why there is none.

use crate::gateway::config::gateway_api::kube::Stored;
use crate::problem::Problem;

/// Where the fields below a made route stand: their paths there, and in the object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Paths(pub(super) Vec<(String, String)>);

impl Paths {
    pub(super) fn add(&mut self, made: impl Into<String>, source: impl Into<String>) {
        self.0.push((made.into(), source.into()));
    }
}

/// A route that was made of a rule.
#[derive(Debug, Clone)]
pub(super) struct Made<T> {
    pub(super) route: T,
    /// The path of the rule, or of one match of it.
    pub(super) source: String,
    pub(super) paths: Paths,
}

/// Why a whole object gives no routes.
pub(super) struct Refused(pub(super) Problem);

impl Refused {
    pub(super) fn new(route: &Stored<'_>, path: &str, why: impl Into<String>) -> Self {
        Self(
            Problem::new(format!("{} is left out, with all its rules", route.kube.title()))
                .at(route.kube.place(path))
                .why(why),
        )
    }

    /// For a filter that Istio does not run there.
    pub(super) fn filter(route: &Stored<'_>, kind: Option<&str>, path: &str) -> Self {
        let kind = kind.unwrap_or_default();
        Self::new(route, path, format!("Istio runs no filter {kind:?} here"))
    }
}
