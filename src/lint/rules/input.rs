//! Input that cannot be read, or that an API server would refuse or drop.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::lint::codes::{INPUT_SYNTAX, INPUT_TYPE, OBJECT_TWICE, UNKNOWN_FIELD};
use crate::lint::{Code, Finding, Findings, Place, Rule, World};
use crate::manifests::load::Named;

pub(super) static RULES: &[&dyn Rule] = &[&Unreadable, &UnknownField, &ObjectTwice];

/// Errors while reading; those with a field's path are type errors.
struct Unreadable;

impl Rule for Unreadable {
    fn codes(&self) -> &'static [&'static Code] {
        &[&INPUT_SYNTAX, &INPUT_TYPE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for error in world.errors.iter().filter(|error| !error.placeholder) {
            let code = if error.path.is_empty() {
                &INPUT_SYNTAX
            } else {
                &INPUT_TYPE
            };
            let finding = Finding::new(
                code,
                Place::at(title(error.object.as_deref(), world), &error.location, &error.path),
                &error.message,
            );
            found.push(match &error.fix {
                Some(fix) => finding.fix(fix.clone()),
                None => finding,
            });
        }
    }
}

fn title(object: Option<&Named>, world: &World<'_>) -> String {
    object.map(|named| named.title(world.namespace())).unwrap_or_default()
}

/// Fields that the kind does not have in any version.
struct UnknownField;

impl Rule for UnknownField {
    fn codes(&self) -> &'static [&'static Code] {
        &[&UNKNOWN_FIELD]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        for warning in world.warnings {
            let place = Place::at(title(warning.object.as_ref(), world), &warning.location, &warning.path);
            let finding = Finding::new(&UNKNOWN_FIELD, place, &warning.message);
            found.push(match warning.meant {
                Some(meant) => finding.fix(format!("did you mean {meant}?")),
                None => finding,
            });
        }
    }
}

/// Two objects with the same kind, namespace and name.
struct ObjectTwice;

impl Rule for ObjectTwice {
    fn codes(&self) -> &'static [&'static Code] {
        &[&OBJECT_TWICE]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let mut seen = HashMap::new();
        for object in world.objects {
            if object.manifest.metadata().name.is_empty() {
                continue;
            }
            let location = object.origin.location();
            match seen.entry(object.identity(world.namespace())) {
                Entry::Vacant(entry) => drop(entry.insert(location)),
                Entry::Occupied(first) => {
                    let title = object.manifest.title(world.namespace());
                    let what = format!("{title} is defined here and at {}", first.get());
                    found.push(Finding::new(&OBJECT_TWICE, Place::at(title, &location, ""), what));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::lint::testing::assert_found;

    #[test]
    fn what_cannot_be_read_is_a_finding_and_the_rest_is_read() {
        let good = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";
        for (yaml, expected) in [
            ("a: [\n", ("ITL0001", "")),
            (
                "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndata: 3\n",
                ("ITL0002", "data"),
            ),
            (
                "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\ndatas: {}\n",
                ("ITL0003", "datas"),
            ),
        ] {
            assert_found(yaml, &[expected]);
        }
        assert_found(&format!("{good}{good}"), &[("ITL0004", "")]);
        assert_found(
            &format!("{good}---\nkind: 3\n{good}"),
            &[("ITL0001", ""), ("ITL0004", "")],
        );
    }

    /// An object that occurs twice does not conflict with itself, and the last one is used.
    #[test]
    fn of_an_object_that_occurs_twice_the_last_one_counts() {
        let service = |host: &str| {
            format!(
                "---\napiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: a, namespace: shop}}\n\
                 spec: {{hosts: [{host}], http: [{{route: [{{destination: {{host: a}}}}]}}]}}\n"
            )
        };
        let gateway = |port: &str| {
            format!(
                "---\napiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: a, namespace: shop}}\n\
                 spec: {{selector: {{istio: ingressgateway}}, servers: [{{port: {{number: {port}, name: h, protocol: HTTP}}, \
                 hosts: [a.com], tls: {{httpsRedirect: true}}}}]}}\n"
            )
        };
        let (twice, bad_host) = (("ITL0004", ""), ("ITL0530", "spec.hosts[0]"));
        assert_found(&(service("a") + &service("a")), &[twice]);
        assert_found(&(service("-a.com") + &service("a")), &[twice]);
        assert_found(&(service("a") + &service("-a.com")), &[twice, bad_host]);
        // The version is not part of an object's identity, and the namespace may be the default
        // one.
        assert_found(&(service("a") + &service("a").replace("io/v1", "io/v1beta1")), &[twice]);
        let redirect = ("ITL0112", "spec.servers[0].tls.httpsRedirect");
        assert_found(&(gateway("80") + &gateway("80")), &[twice, redirect]);
        let other = service("a").replace("shop", "other");
        assert_found(&(service("a") + &other), &[]);
    }
}
