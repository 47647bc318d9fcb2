//! Objects of the Kubernetes Gateway API, as far as rules check them.

use crate::lint::World;
use crate::lint::item::Item;
use crate::manifests::gateway_api;
use crate::manifests::model::Other;

pub(in crate::lint) use crate::manifests::gateway_api::{GROUP, Listener, list, text};

impl<'a> World<'a> {
    /// The objects of a Gateway API kind, in input order.
    pub(in crate::lint) fn of_gateway_api<'w>(
        &'w self,
        kind: &'static str,
    ) -> impl Iterator<Item = &'w Item<'a, Other>> {
        let others = self.others.iter();
        others.filter(move |item| gateway_api::is_of(item.object, kind))
    }
}
