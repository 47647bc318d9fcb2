//! What came of a request, as aspects with values, and where two outcomes differ.

use std::collections::BTreeMap;

use super::case::Allowed;

/// Aspects of an outcome by name: `tls`, `status`, `header server`, `body`,
/// `upstream 1 line` ...
#[derive(Clone, Debug, Default)]
pub(super) struct Outcome(pub(super) BTreeMap<String, String>);

/// A head's fields, in order.
pub(super) type Fields = Vec<(String, Vec<u8>)>;

impl Outcome {
    pub(super) fn set(&mut self, aspect: impl Into<String>, value: impl Into<String>) {
        self.0.insert(aspect.into(), value.into());
    }

    /// Every field as an aspect of its own (repeated ones joined), and their order.
    pub(super) fn set_fields(&mut self, prefix: &str, kind: &str, fields: &Fields) {
        let mut order = Vec::new();
        for (name, value) in fields {
            let value = visible(value);
            let aspect = format!("{prefix}{kind} {name}");
            if let Some(before) = self.0.get_mut(&aspect) {
                before.push_str(" | ");
                before.push_str(&value);
            } else {
                self.set(aspect, value);
                order.push(name.as_str());
            }
        }
        if !order.is_empty() {
            self.set(format!("{prefix}{kind}s in order"), order.join(" "));
        }
    }
}

/// Bytes as text: what is not printable is escaped.
pub(super) fn visible(bytes: &[u8]) -> String {
    const MOST: usize = 2000;
    let shown = bytes[..bytes.len().min(MOST)]
        .escape_ascii()
        .to_string()
        .replace("\\\"", "\"");
    if bytes.len() > MOST {
        format!("{shown}... {} bytes", bytes.len())
    } else {
        shown
    }
}

/// One aspect in which the gateways differ.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    pub(super) aspect: String,
    pub(super) envoy: String,
    pub(super) serve: String,
    /// The row of the table that explains it wherever it occurs.
    pub(super) everywhere: Option<&'static str>,
}

const ABSENT: &str = "(none)";

/// All aspects in which they differ.
pub(super) fn differences(envoy: &Outcome, serve: &Outcome) -> Vec<Difference> {
    let mut names: Vec<&String> = envoy.0.keys().chain(serve.0.keys()).collect();
    names.sort();
    names.dedup();
    let mut found = Vec::new();
    for name in names {
        let value = |outcome: &Outcome| outcome.0.get(name).cloned().unwrap_or_else(|| ABSENT.to_owned());
        let (of_envoy, of_serve) = (value(envoy), value(serve));
        if of_envoy == of_serve || both_of_a_kind(name, &of_envoy, &of_serve) {
            continue;
        }
        let everywhere = explained_everywhere(name, &of_envoy, &of_serve);
        found.push(Difference {
            aspect: name.clone(),
            envoy: of_envoy,
            serve: of_serve,
            everywhere,
        });
    }
    // An order says something where the fields are the same only.
    let sets: Vec<String> = found
        .iter()
        .filter(|one| one.everywhere.is_none())
        .map(|one| one.aspect.clone())
        .collect();
    found.retain(|one| {
        let Some(fields) = one.aspect.strip_suffix("s in order") else {
            return true;
        };
        let prefix = format!("{fields} ");
        !sets.iter().any(|aspect| aspect.starts_with(&prefix))
    });
    found
}

/// Values that differ in each run, of the same form.
fn both_of_a_kind(aspect: &str, one: &str, other: &str) -> bool {
    let both = |is: fn(&str) -> bool| is(one) && is(other);
    match aspect.rsplit(' ').next() {
        Some("date") => both(|value| value.ends_with(" GMT")),
        Some("x-envoy-upstream-service-time") => both(|value| value.bytes().all(|byte| byte.is_ascii_digit())),
        Some("x-request-id") => both(is_uuid),
        _ => false,
    }
}

fn is_uuid(value: &str) -> bool {
    value.len() == 36
        && value.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase(),
        })
}

/// The row of a difference that any request shows.
fn explained_everywhere(aspect: &str, envoy: &str, serve: &str) -> Option<&'static str> {
    let name = aspect.rsplit(' ').next().unwrap_or_default();
    if matches!(name, "x-forwarded-for" | "x-envoy-external-address") {
        // Envoy writes its machine's address in place of a loopback peer's.
        let replaced = envoy
            .split(',')
            .any(|own| own.parse::<std::net::IpAddr>().is_ok() && serve.replace("127.0.0.1", own) == envoy);
        return replaced.then_some("loopback-peer");
    }
    let mut orders = [envoy, serve].map(|names| names.split(' ').collect::<Vec<_>>());
    for names in &mut orders {
        names.sort_unstable();
    }
    if aspect.ends_with("headers in order") && orders[0] == orders[1] {
        return Some("header-order");
    }
    None
}

impl Allowed {
    /// Whether it speaks of an aspect.
    pub(super) fn covers(&self, aspect: &str) -> bool {
        self.aspects.iter().any(|own| match own.strip_suffix('*') {
            Some(start) => aspect.starts_with(start),
            None => own == aspect,
        })
    }
}
