//! The rules, by subject.

mod certificate_fields;
mod certificate_names;
mod chain;
mod client_ca;
mod coalescing;
mod credential_lookup;
mod input;
mod key_pair;
mod revocation;
mod secret_access;
mod secret_keys;

use super::rule::Rule;

/// Every rule.
pub(super) fn all() -> impl Iterator<Item = &'static dyn Rule> {
    [
        input::RULES,
        credential_lookup::RULES,
        secret_access::RULES,
        secret_keys::RULES,
        client_ca::RULES,
        revocation::RULES,
        key_pair::RULES,
        chain::RULES,
        certificate_fields::RULES,
        certificate_names::RULES,
        coalescing::RULES,
    ]
    .into_iter()
    .flatten()
    .copied()
}
