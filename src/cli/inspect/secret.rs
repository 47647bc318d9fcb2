//! What `inspect` tells of a Secret beside its certificates and keys.

use serde::Serialize;
use time::OffsetDateTime;

use crate::certs::inspect::{Item, scan};
use crate::ops::secret_source::{owner_word, owner_words, pair_fault};
use crate::cluster::secrets::LiveSecret;
use crate::secrets::SecretData;

/// Keys of Secrets that must hold what a gateway can read.
const CREDENTIAL_KEYS: &[&str] = &["cert", "key", "cacert", "crl", "tls.crt", "tls.key", "ca.crt", "ca.crl"];

/// Keys of Secrets that hold a server's pair.
const PAIR_KEYS: &[&str] = &["cert", "key", "tls.crt", "tls.key"];

/// Type, owner and keys of a Secret.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecretFacts {
    context: String,
    namespace: String,
    name: String,
    #[serde(rename = "type")]
    secret_type: String,
    owner: &'static str,
    managers: Vec<String>,
    keys: Vec<String>,
    /// Why the gateway finds no pair in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    no_pair: Option<String>,
    #[serde(skip)]
    owner_words: String,
}

impl SecretFacts {
    pub(super) fn of(secret: &LiveSecret, context: &str) -> Self {
        Self {
            context: context.to_owned(),
            namespace: secret.namespace.clone(),
            name: secret.name.clone(),
            secret_type: secret.secret_type.clone(),
            owner: owner_word(secret),
            managers: secret.managers.clone(),
            keys: secret.data.entries.keys().cloned().collect(),
            no_pair: no_pair(&secret.data),
            owner_words: owner_words(secret),
        }
    }

    /// A few lines above the items.
    pub(super) fn text(&self) -> String {
        let keys = match self.keys.as_slice() {
            [] => "none".to_owned(),
            keys => keys.join(", "),
        };
        let mut lines = vec![
            format!(
                "Secret {}/{} in the context {}",
                self.namespace, self.name, self.context
            ),
            format!("      type        {}", self.secret_type),
            format!("      owner       {}", self.owner_words),
            format!("      keys        {keys}"),
        ];
        lines.extend(self.no_pair.as_ref().map(|why| format!("      no pair     {why}")));
        lines.join("\n") + "\n\n"
    }
}

/// Nothing for a Secret that is to hold a CA alone.
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

/// The certificates, keys and lists in every key of a Secret. What a credential's
/// key holds must be readable; what others put beside it need not be any.
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
