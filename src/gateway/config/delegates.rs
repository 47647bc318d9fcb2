//! The VirtualServices to which others delegate routes: those without hosts.

use std::collections::HashMap;

use super::clusters::full_name;
use super::field::Field;
use super::input::{Input, Object};
use super::routes::gateway_reference;
use crate::manifests::delegation;
use crate::manifests::model::http_route::{Delegate, HttpRoute};
use crate::manifests::model::virtual_service::VirtualServiceSpec;
use crate::problem::Problem;

/// VirtualServices without hosts, by namespace and name.
#[derive(Default)]
pub(super) struct Delegates<'a> {
    by_name: HashMap<(&'a str, &'a str), &'a Object<'a, VirtualServiceSpec>>,
}

impl<'a> Delegates<'a> {
    pub(super) fn of(input: &'a Input<'_>) -> Self {
        let without_hosts = input
            .virtual_services
            .iter()
            .filter(|object| object.spec.hosts.is_empty());
        Self {
            by_name: without_hosts
                .map(|object| ((object.namespace, object.name), object))
                .collect(),
        }
    }

    /// The delegate that a route of `namespace` names. Without it the route is
    /// dropped, as istiod drops it; the error says why.
    pub(super) fn find(
        &self,
        wanted: &Delegate,
        namespace: &str,
        place: &Field<'_>,
    ) -> Result<&'a Object<'a, VirtualServiceSpec>, Problem> {
        let name = wanted.name.as_deref().unwrap_or_default();
        let own = wanted.namespace.as_deref().filter(|namespace| !namespace.is_empty());
        let of = own.unwrap_or(namespace);
        let dropped = |why: String| {
            Problem::new(format!("the route that is delegated to {of}/{name} is left out"))
                .at(place.locate())
                .why(why)
        };
        let Some(found) = self.by_name.get(&(of, name)) else {
            return Err(dropped(
                "there is no such VirtualService, or it has hosts of its own".to_owned(),
            ));
        };
        if !delegation::is_shown(&found.spec.export_to, found.namespace, namespace) {
            return Err(dropped(format!("its exportTo does not show it to {namespace}")));
        }
        Ok(found)
    }
}

/// A route that delegates, with the short names in it resolved: they belong to
/// its own namespace, also where the delegate inherits them.
pub(super) fn resolved(root: &HttpRoute, namespace: &str) -> HttpRoute {
    let mut root = root.clone();
    for wanted in &mut root.matches {
        for gateway in &mut wanted.gateways {
            *gateway = gateway_reference(gateway, namespace);
        }
    }
    let mirrors = root.mirrors.iter_mut().map(|mirror| &mut mirror.destination);
    for destination in root.mirror.iter_mut().chain(mirrors) {
        destination.host = full_name(&destination.host, namespace);
    }
    root
}
