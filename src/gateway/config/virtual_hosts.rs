//! Virtual hosts while they are collected: several VirtualServices may share a domain.

use std::collections::HashMap;
use std::sync::Arc;

use super::routes;
use super::table::{Route, RouteTable, VirtualHost};

/// Virtual hosts while they are collected.
#[derive(Default)]
pub(super) struct VirtualHosts {
    by_domain: HashMap<String, usize>,
    list: Vec<(String, CollectedHost)>,
}

#[derive(Default)]
pub(super) struct CollectedHost {
    pub(super) require_tls: bool,
    pub(super) routes: Vec<Route>,
}

impl VirtualHosts {
    pub(super) fn entry(&mut self, domain: &str) -> &mut CollectedHost {
        let next = self.list.len();
        let index = *self.by_domain.entry(domain.to_owned()).or_insert(next);
        if index == next {
            self.list.push((domain.to_owned(), CollectedHost::default()));
        }
        &mut self.list[index].1
    }

    pub(super) fn into_table(self) -> RouteTable {
        let mut table = RouteTable::default();
        for (domain, mut host) in self.list {
            routes::catch_alls_last(&mut host.routes);
            let built = Arc::new(VirtualHost {
                name: domain.clone(),
                require_tls: host.require_tls,
                routes: host.routes,
            });
            match domain.strip_prefix('*') {
                Some("") => table.any = Some(built),
                Some(suffix) => drop(table.wildcard.insert(suffix.into(), built)),
                None => drop(table.exact.insert(domain.into(), built)),
            }
        }
        table
    }
}
