//! The text output of `inspect`, readable at a glance.

use std::fmt::Write as _;

use crate::certs::inspect::{
    CertificateFacts, CrlFacts, Found, Item, KeyFacts, PrivateKeyFacts, RequestFacts, Validity,
};
use crate::cluster::live::Owner;
use crate::ops::inspect::{Outcome, SecretFacts};
use crate::report::paint::Paint;

/// Below this many days of remaining validity, a warning colour is used.
const SOON: i64 = 30;
/// The number of CRL entries that are listed.
const REVOKED_SHOWN: usize = 20;

/// Renders what was found: Secrets first, then the items, grouped by file.
pub fn text(found: &Outcome, paint: Paint, detailed: bool) -> String {
    let items = &found.items;
    let mut page = Page {
        text: found.secrets.iter().map(secret).collect(),
        paint,
        detailed,
    };
    let mut source = None;
    for item in items {
        if source != Some(&item.source) {
            if source.is_some() {
                page.text.push('\n');
            }
            let heading = page.paint.bold(&item.source);
            page.text.push_str(&heading);
            page.text.push('\n');
            source = Some(&item.source);
        }
        page.item(item, items);
    }
    page.summary(items);
    page.text
}

/// A few lines above the items.
fn secret(facts: &SecretFacts) -> String {
    let keys = match facts.keys.as_slice() {
        [] => "none".to_owned(),
        keys => keys.join(", "),
    };
    let mut lines = vec![
        format!(
            "Secret {}/{} in the context {}",
            facts.namespace, facts.name, facts.context
        ),
        format!("      type        {}", facts.secret_type),
        format!("      owner       {}", owner(&facts.owner)),
        format!("      keys        {keys}"),
    ];
    lines.extend(facts.no_pair.as_ref().map(|why| format!("      no pair     {why}")));
    lines.join("\n") + "\n\n"
}

fn owner(owner: &Owner) -> String {
    match owner {
        Owner::Ours => "applied from this workspace".to_owned(),
        Owner::Workspace(id) => format!("applied from the workspace {id}"),
        Owner::Unmarked => "applied by istio-tls, without a workspace".to_owned(),
        Owner::Others(managers) if managers.is_empty() => "created by others".to_owned(),
        Owner::Others(managers) => format!("created by {}", managers.join(", ")),
    }
}

struct Page {
    text: String,
    paint: Paint,
    detailed: bool,
}

impl Page {
    fn title(&mut self, item: &Item, title: &str) {
        let number = self.paint.faint(&format!("[{}]", item.number));
        // Writing to a String cannot fail.
        let _ = writeln!(self.text, "  {number} {title}");
    }

    fn line(&mut self, label: &str, value: &str) {
        let label = self.paint.faint(&format!("{label:<11}"));
        let _ = writeln!(self.text, "      {label} {value}");
    }

    fn item(&mut self, item: &Item, items: &[Item]) {
        if let Some(same) = item.same_as {
            let subject = item.certificate().map_or("", |facts| &facts.subject);
            self.title(item, &format!("{subject} (the same as [{same}])"));
            return;
        }
        match &item.found {
            Found::Certificate(facts) => self.certificate(item, facts),
            Found::PrivateKey(facts) => self.key(item, facts, items),
            Found::CertificateRequest(facts) => self.request(item, facts),
            Found::Crl(facts) => self.crl(item, facts),
            Found::Other { label } => self.title(item, &format!("{label} (not explained)")),
            Found::Unreadable { problem } => {
                let shown = self.paint.bad(&problem.what);
                self.title(item, &shown);
                if let Some(why) = &problem.why {
                    self.line("why", why);
                }
            }
        }
    }

    fn certificate(&mut self, item: &Item, facts: &CertificateFacts) {
        let title = if facts.subject.is_empty() {
            "(no subject)"
        } else {
            &facts.subject
        };
        let title = format!("{}  {}", self.paint.bold(facts.kind()), title);
        self.title(item, &title);
        if !facts.names.is_empty() {
            let names: Vec<&str> = facts.names.iter().map(|name| name.value.as_str()).collect();
            self.line("names", &names.join(", "));
        }
        let span = format!("{} to {}", day(&facts.not_before), day(&facts.not_after));
        let left = match facts.validity {
            Validity::Expired => self.paint.bad(&format!("expired {}", ago(facts.days_left))),
            Validity::NotYetValid => self.paint.bad("not yet valid"),
            Validity::Valid if facts.days_left < SOON => self.paint.warn(&format!("{} left", days(facts.days_left))),
            Validity::Valid => self.paint.good(&format!("{} left", days(facts.days_left))),
        };
        self.line("valid", &format!("{span}, {left}"));
        self.line(
            "key",
            &format!("{}, signed with {}", facts.key.name(), facts.signature_algorithm),
        );
        let issuer = if facts.self_signed { "itself" } else { &facts.issuer };
        self.line("issued by", &format!("{issuer}{}", numbers(&item.issued_by)));
        let mut usage: Vec<String> = facts.key_usage.iter().map(|usage| (*usage).to_owned()).collect();
        usage.extend(facts.extended_key_usage.iter().cloned());
        if let Some(limit) = facts.path_length {
            usage.push(match limit {
                0 => "no CA below".to_owned(),
                1 => "at most 1 CA below".to_owned(),
                limit => format!("at most {limit} CAs below"),
            });
        }
        if !usage.is_empty() {
            self.line("usage", &usage.join(", "));
        }
        if !facts.permitted_names.is_empty() {
            self.line("permits", &facts.permitted_names.join(", "));
        }
        if !facts.excluded_names.is_empty() {
            self.line("excludes", &facts.excluded_names.join(", "));
        }
        self.line("serial", &facts.serial);
        self.line("sha-256", &facts.sha256);
        if self.detailed {
            self.line("sha-1", &facts.sha1);
            self.line("key sha-256", &facts.public_key_sha256);
            for (label, identifier) in [
                ("key id", &facts.subject_key_identifier),
                ("issuer id", &facts.authority_key_identifier),
            ] {
                if let Some(identifier) = identifier {
                    self.line(label, identifier);
                }
            }
            self.line("version", &facts.version.to_string());
        }
        for warning in &facts.warnings {
            let shown = self.paint.warn(&warning.what);
            self.line("warning", &shown);
        }
    }

    fn key(&mut self, item: &Item, facts: &PrivateKeyFacts, items: &[Item]) {
        let encrypted = if facts.encrypted { ", encrypted" } else { "" };
        let name = facts.key.as_ref().map_or_else(|| "locked".to_owned(), KeyFacts::name);
        let title = format!(
            "{}  {name}, {}{encrypted}",
            self.paint.bold("private key"),
            facts.encoding
        );
        self.title(item, &title);
        let originals: Vec<usize> = item
            .fits
            .iter()
            .copied()
            .filter(|number| {
                items
                    .iter()
                    .any(|other| other.number == *number && other.same_as.is_none())
            })
            .collect();
        if facts.public_key_sha256.is_none() {
            self.line("fits", "cannot be read without the password (--password-file FILE)");
        } else if originals.is_empty() {
            let shown = self.paint.warn("no certificate here");
            self.line("fits", &shown);
        } else {
            let shown = self.paint.good(numbers(&originals).trim_start());
            self.line("fits", &shown);
        }
        if let Some(hash) = facts.public_key_sha256.as_ref().filter(|_| self.detailed) {
            self.line("key sha-256", hash);
        }
    }

    fn request(&mut self, item: &Item, facts: &RequestFacts) {
        let title = format!("{}  {}", self.paint.bold("certificate request"), facts.subject);
        self.title(item, &title);
        if !facts.names.is_empty() {
            self.line("names", &facts.names.join(", "));
        }
        self.line("key", &facts.key.name());
    }

    fn crl(&mut self, item: &Item, facts: &CrlFacts) {
        let title = format!("{}  of {}", self.paint.bold("revocation list"), facts.issuer);
        self.title(item, &title);
        let next = facts.next_update.as_deref().map_or("no next update", day);
        self.line("valid", &format!("{} to {next}", day(&facts.this_update)));
        if let Some(number) = &facts.number {
            self.line("number", number);
        }
        if facts.revoked.is_empty() {
            self.line("revoked", "nothing");
        }
        for revoked in facts.revoked.iter().take(REVOKED_SHOWN) {
            self.line("revoked", &format!("{} on {}", revoked.serial, day(&revoked.date)));
        }
        if facts.revoked.len() > REVOKED_SHOWN {
            self.line("", &format!("and {} more", facts.revoked.len() - REVOKED_SHOWN));
        }
    }

    /// One line on a file with several certificates: is each followed by its issuer?
    fn summary(&mut self, items: &[Item]) {
        let chain: Vec<&Item> = items.iter().filter(|item| item.certificate().is_some()).collect();
        let one_source = chain.windows(2).all(|pair| pair[0].source == pair[1].source);
        if chain.len() < 2 || !one_source {
            return;
        }
        let in_order = chain.windows(2).all(|pair| pair[0].issued_by.contains(&pair[1].number));
        let shown = if in_order {
            self.paint.good("each certificate is followed by its issuer")
        } else {
            self.paint
                .warn("the certificates are not in order: each must be followed by its issuer")
        };
        let _ = writeln!(self.text, "\n{shown}");
    }
}

/// The day of an RFC 3339 time.
fn day(time: &str) -> &str {
    time.split('T').next().unwrap_or(time)
}

fn days(count: i64) -> String {
    if count == 1 {
        "1 day".into()
    } else {
        format!("{count} days")
    }
}

fn ago(days_left: i64) -> String {
    match -days_left {
        ..=1 => "within the last day".into(),
        count => format!("{} ago", days(count - 1)),
    }
}

fn numbers(items: &[usize]) -> String {
    items
        .iter()
        .fold(String::new(), |text, number| format!("{text} [{number}]"))
}
