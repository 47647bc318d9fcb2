//! What `inspect` reports about a Secret apart from its certificates and keys.

use time::OffsetDateTime;

use crate::certs::inspect::{Item, scan};
use crate::cluster::live::Owner;
use crate::cluster::secrets::LiveSecret;
use crate::ops::secret_source::pair_fault;
use crate::secrets::SecretData;

/// Keys of Secrets that must be readable for a gateway.
const CREDENTIAL_KEYS: &[&str] = &["cert", "key", "cacert", "crl", "tls.crt", "tls.key", "ca.crt", "ca.crl"];

/// Keys of Secrets that contain a server's key pair.
const PAIR_KEYS: &[&str] = &["cert", "key", "tls.crt", "tls.key"];

/// Type, owner and keys of a Secret.
#[derive(Debug)]
pub struct SecretFacts {
    /// The context of its cluster.
    pub context: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its type.
    pub secret_type: String,
    /// Who created it.
    pub owner: Owner,
    /// Its field managers.
    pub managers: Vec<String>,
    /// The names of its keys.
    pub keys: Vec<String>,
    /// Why the gateway finds no usable key pair in it.
    pub no_pair: Option<String>,
}

impl SecretFacts {
    pub(super) fn of(secret: &LiveSecret, context: &str) -> Self {
        Self {
            context: context.to_owned(),
            namespace: secret.namespace.clone(),
            name: secret.name.clone(),
            secret_type: secret.secret_type.clone(),
            owner: secret.owner.clone(),
            managers: secret.managers.clone(),
            keys: secret.data.entries.keys().cloned().collect(),
            no_pair: no_pair(&secret.data),
        }
    }
}

/// Nothing for a Secret that contains only a CA.
fn no_pair(data: &SecretData) -> Option<String> {
    let is_for_pair = PAIR_KEYS.iter().any(|key| data.entries.contains_key(*key));
    if !is_for_pair && data.authorities().is_ok() {
        return None;
    }
    pair_fault(data).map(|problem| match problem.why {
        Some(why) => format!("{}: {why}", problem.what),
        None => problem.what,
    })
}

/// The certificates, keys and CRLs in every key of a Secret. The keys of a credential
/// must be readable; other keys need not be.
pub(super) fn items(secret: &LiveSecret, password: Option<&str>, now: OffsetDateTime) -> Vec<Item> {
    let mut items = Vec::new();
    for (key, entry) in &secret.data.entries {
        match scan(&entry.content, &entry.name, password, now) {
            Ok(found) => items.extend(found),
            Err(problem) if CREDENTIAL_KEYS.contains(&key.as_str()) => {
                items.push(Item::unreadable(&entry.name, problem));
            }
            Err(_) => {}
        }
    }
    items
}
