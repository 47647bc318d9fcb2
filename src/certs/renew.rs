//! Renews leaves and CAs: a new key, and a certificate with the names, key type, subject and
//! lifetime of the previous one. Also adds names to a leaf while keeping its key.

use rcgen::PublicKeyData;
use rustls::pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer as _;

use super::authority::{CertificateAuthority, Content, Usage, generate, private_key, self_signed};
use super::constraints::{Constraints, permitted};
use super::inspect;
use super::issue::{BACKDATED, Issued, ca_name, check_alive, issued, public_key, whole_seconds};
use super::names::{common_names, display, general_name};
use super::plan::{Attribute, KeyType, Profile, San, Subject, Subtree};
use super::verify::Purpose;
use crate::names::Host;
use crate::problem::Problem;

/// What may differ from the previous leaf.
#[derive(Debug, Clone, Copy)]
pub struct Renewal<'a> {
    /// The usage of the leaf.
    pub purpose: Purpose,
    /// The host that a server leaf must cover; added if the old one does not.
    pub host: Option<&'a Host>,
    /// The lifetime in days, instead of the old one.
    pub days: Option<u32>,
}

/// A renewed leaf.
pub struct Renewed {
    /// The certificate and its new key, if it has one.
    pub issued: Issued,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// New CAs that replace old ones.
pub struct Succession {
    /// The new root and its key.
    pub root: Issued,
    /// The new intermediate and its key.
    pub intermediate: Issued,
    /// Notes for the user.
    pub notes: Vec<String>,
}

/// Issues a leaf to replace `old`, with a new key of the same type. The subject is exactly the old
/// one, and the lifetime is the same, limited by the CA's expiry.
///
/// # Errors
/// If the old leaf cannot be read, has a name that is not supported here or that the CA does not
/// permit, or the CA has expired.
pub fn leaf(
    old: &CertificateDer<'_>,
    renewal: Renewal<'_>,
    authority: &CertificateAuthority,
    now: OffsetDateTime,
) -> Result<Renewed, Problem> {
    let parsed = parse(old)?;
    let mut notes = Vec::new();
    let key_type = key_type_of(old, now, &mut notes)?;
    let sans = sans_of(&parsed)?;
    let pair = generate(key_type)?;
    let certificate = successor(&parsed, sans, renewal, authority, now, &pair, &mut notes)?;
    Ok(Renewed {
        issued: Issued {
            certificate,
            key: Some(private_key(&pair)),
        },
        notes,
    })
}

/// Issues a server leaf to replace `old`, with the same key and additional names. The rest is as
/// for [`leaf`]; no key is returned, since it stays where it is.
///
/// # Errors
/// See [`leaf`].
pub fn with_names(
    old: &CertificateDer<'_>,
    further: &[San],
    renewal: Renewal<'_>,
    authority: &CertificateAuthority,
    now: OffsetDateTime,
) -> Result<Renewed, Problem> {
    let parsed = parse(old)?;
    let mut sans = sans_of(&parsed)?;
    for san in further {
        if !sans.contains(san) {
            sans.push(san.clone());
        }
    }
    let key = public_key(parsed.public_key().raw)?;
    let mut notes = Vec::new();
    let certificate = successor(&parsed, sans, renewal, authority, now, &key, &mut notes)?;
    Ok(Renewed {
        issued: Issued { certificate, key: None },
        notes,
    })
}

/// The names of a certificate, all of kinds that are supported here.
///
/// # Errors
/// If it cannot be read, or has a name of another kind.
pub fn names(certificate: &CertificateDer<'_>) -> Result<Vec<San>, Problem> {
    sans_of(&parse(certificate)?)
}

/// The leaf that replaces an old one, with these names and this key.
fn successor(
    old: &X509Certificate<'_>,
    mut sans: Vec<San>,
    renewal: Renewal<'_>,
    authority: &CertificateAuthority,
    now: OffsetDateTime,
    key: &impl PublicKeyData,
    notes: &mut Vec<String>,
) -> Result<CertificateDer<'static>, Problem> {
    if let Some(host) = renewal.host
        && !sans.iter().any(|san| covers(san, host))
    {
        notes.push(format!("the old leaf does not cover {host}; the new one does"));
        sans.insert(0, San::of(host));
    }
    let constraints = Constraints::of_authority(authority.certificate());
    sans.iter().try_for_each(|san| constraints.check(san))?;
    check_alive("CA", authority, now)?;
    let not_before = whole_seconds(now - BACKDATED).max(authority.not_before());
    let length = match renewal.days {
        Some(days) => Duration::days(i64::from(days)) - Duration::SECOND,
        None => length_of(old),
    };
    let mut not_after = end(not_before, length)?;
    if not_after > authority.not_after() {
        not_after = authority.not_after();
        notes.push(format!("the leaf expires with its issuer, on {}", not_after.date()));
    }
    let stand_in = (old.subject().iter_rdn().next()).map(|_| "stand-in");
    let content = Content {
        usage: match renewal.purpose {
            Purpose::Server => Usage::Server,
            Purpose::Client => Usage::Client,
        },
        subject: Subject::default().with_common_name(stand_in),
        sans: &sans,
        not_before,
        not_after,
        permitted: &[],
    };
    authority.sign_as(&content, key, old.subject().as_raw())
}

/// Creates a root and an intermediate to replace those of `host`, with the key types, lifetimes,
/// attributes and name constraints of the old ones. Their names are new, because verifiers look up
/// issuers and CRLs by name: `HOST root CA`, then `HOST root CA G2`, `G3` ... When replacing a
/// self-signed server certificate, they have the default lifetimes of CAs.
///
/// # Errors
/// If the old ones cannot be read, or the crypto provider fails.
pub fn succession(
    host: &Host,
    old_root: &CertificateDer<'_>,
    old_intermediate: Option<&CertificateDer<'_>>,
    is_server: bool,
    now: OffsetDateTime,
) -> Result<Succession, Problem> {
    let usual = Profile::default();
    let length = |old: Duration, days: u32| {
        if is_server {
            Duration::days(i64::from(days))
        } else {
            old
        }
    };
    let mut notes = Vec::new();
    let not_before = whole_seconds(now - BACKDATED);
    let like = |old: &CertificateDer<'_>, what: &str, notes: &mut Vec<String>| -> Result<_, Problem> {
        let parsed = parse(old)?;
        let names = common_names(parsed.subject());
        let last = names.last().map_or("", String::as_str);
        let subject = known_attributes(&parsed).with_common_name(Some(&next_name(host, last, what)));
        Ok((
            key_type_of(old, now, notes)?,
            subject,
            length_of(&parsed),
            permitted(old),
        ))
    };
    let (key_type, subject, root_length, root_permits) = like(old_root, "root CA", &mut notes)?;
    let root = self_signed(
        &ca_content(
            Usage::Root,
            subject,
            not_before,
            end(not_before, length(root_length, usual.root_days))?,
            &root_permits,
        ),
        generate(key_type)?,
    )?;
    let (key_type, subject, old_length, permits) = if let Some(old) = old_intermediate {
        like(old, "intermediate CA", &mut notes)?
    } else {
        let (key_type, _, old_length, permits) = like(old_root, "root CA", &mut notes)?;
        let subject = Subject::default().with_common_name(Some(&next_name(host, "", "intermediate CA")));
        (key_type, subject, old_length, permits)
    };
    let not_after = end(not_before, length(old_length, usual.intermediate_days))?.min(root.not_after());
    let intermediate = root.sign_ca(
        &ca_content(Usage::Intermediate, subject, not_before, not_after, &permits),
        generate(key_type)?,
    )?;
    notes.dedup();
    Ok(Succession {
        root: issued(&root),
        intermediate: issued(&intermediate),
        notes,
    })
}

/// When a certificate expires.
///
/// # Errors
/// If it cannot be read.
pub fn not_after(certificate: &CertificateDer<'_>) -> Result<OffsetDateTime, Problem> {
    Ok(parse(certificate)?.validity().not_after.to_datetime())
}

/// Whether `issuer` issued and signed `certificate`.
pub fn is_issued_by(certificate: &CertificateDer<'_>, issuer: &CertificateDer<'_>) -> bool {
    let (Ok(parsed), Ok(above)) = (parse(certificate), parse(issuer)) else {
        return false;
    };
    parsed.issuer().as_raw() == above.subject().as_raw()
        && super::signature::check_signed(above.public_key(), certificate) == super::signature::Outcome::Good
}

/// Whether the certificate's issuer name is `issuer`'s subject, regardless of the signature.
pub fn names_issuer(certificate: &CertificateDer<'_>, issuer: &CertificateDer<'_>) -> bool {
    let (Ok(parsed), Ok(above)) = (parse(certificate), parse(issuer)) else {
        return false;
    };
    parsed.issuer().as_raw() == above.subject().as_raw()
}

fn ca_content(
    usage: Usage,
    subject: Subject,
    not_before: OffsetDateTime,
    not_after: OffsetDateTime,
    permitted: &[Subtree],
) -> Content<'_> {
    Content {
        usage,
        subject,
        sans: &[],
        not_before,
        not_after,
        permitted,
    }
}

/// The name that follows `last`, always a different one.
fn next_name(host: &Host, last: &str, what: &str) -> String {
    let generation = match last.rsplit_once(what) {
        Some((_, "")) => 2,
        Some((_, rest)) => (rest.strip_prefix(" G").and_then(|number| number.parse::<u32>().ok()))
            .map_or(1, |number| number.saturating_add(1)),
        None => 1,
    };
    match generation {
        1 => ca_name(host.as_str(), what),
        number => ca_name(host.as_str(), &format!("{what} G{number}")),
    }
}

fn parse<'a>(der: &'a CertificateDer<'_>) -> Result<X509Certificate<'a>, Problem> {
    X509Certificate::from_der(der)
        .map(|(_, parsed)| parsed)
        .map_err(|_| Problem::new("a certificate cannot be read").why("its content is not an X.509 certificate"))
}

fn length_of(parsed: &X509Certificate<'_>) -> Duration {
    parsed.validity().not_after.to_datetime() - parsed.validity().not_before.to_datetime()
}

fn end(not_before: OffsetDateTime, length: Duration) -> Result<OffsetDateTime, Problem> {
    let end = not_before.checked_add(length).filter(|end| end.year() <= 9999);
    match end {
        Some(end) if end > not_before => Ok(end),
        Some(_) => Err(
            Problem::new("the old certificate was never valid: its notAfter is before its notBefore")
                .fix("set the lifetime of the new one with --days"),
        ),
        None => Err(Problem::new("the new certificate would expire after the year 9999")
            .why("a certificate cannot represent a later time (RFC 5280 section 4.1.2.5)")
            .fix("--days 365")),
    }
}

/// The type of the new key; an equally strong one if the old type is not supported here.
fn key_type_of(old: &CertificateDer<'_>, now: OffsetDateTime, notes: &mut Vec<String>) -> Result<KeyType, Problem> {
    let key = inspect::certificate(old, now)?.key;
    let (key_type, exact) = match (key.algorithm.as_str(), key.curve.as_deref(), key.bits) {
        ("ECDSA", Some("P-256"), _) => (KeyType::EcdsaP256, true),
        ("ECDSA", Some("P-384"), _) => (KeyType::EcdsaP384, true),
        ("ECDSA", Some("P-521"), _) => (KeyType::EcdsaP384, false),
        ("Ed25519", ..) => (KeyType::Ed25519, true),
        ("RSA", _, Some(2048)) => (KeyType::Rsa2048, true),
        ("RSA", _, Some(3072)) => (KeyType::Rsa3072, true),
        ("RSA", _, Some(4096)) => (KeyType::Rsa4096, true),
        ("RSA", _, Some(..=2048)) => (KeyType::Rsa2048, false),
        ("RSA", _, Some(..=3072)) => (KeyType::Rsa3072, false),
        ("RSA", ..) => (KeyType::Rsa4096, false),
        _ => (KeyType::EcdsaP256, false),
    };
    if !exact {
        notes.push(format!(
            "the new key is {}, because keys like the old one ({}) are not supported",
            key_type.word(),
            key.name()
        ));
    }
    Ok(key_type)
}

/// The subject alternative names, all of kinds that can be issued.
fn sans_of(parsed: &X509Certificate<'_>) -> Result<Vec<San>, Problem> {
    let found = parsed.subject_alternative_name().ok().flatten();
    let mut sans = Vec::new();
    for name in found.iter().flat_map(|found| &found.value.general_names) {
        let (kind, text) = general_name(name);
        let san = match name {
            GeneralName::DNSName(_) => Host::parse(&text).ok().map(|host| San::of(&host)),
            GeneralName::IPAddress(_) => text.parse().ok().map(San::Ip),
            GeneralName::URI(_) => Some(San::Uri(text.clone())),
            GeneralName::RFC822Name(_) => Some(San::Email(text.clone())),
            _ => None,
        };
        sans.push(san.ok_or_else(|| {
            Problem::new(format!(
                "the name {text} ({kind}) of {} cannot be carried over",
                display(parsed.subject())
            ))
            .why("only DNS names, IP addresses, URIs and email addresses are supported")
            .fix("have the new certificate issued where the old one was issued, then adopt it")
        })?);
    }
    Ok(sans)
}

/// Whether a name covers the host by the rules for clients (RFC 9525).
fn covers(san: &San, host: &Host) -> bool {
    match san {
        San::Dns(name) => host.ip().is_none() && (name == host || host.is_covered_by(name.as_str())),
        San::Ip(ip) => host.ip() == Some(*ip),
        San::Uri(_) | San::Email(_) => false,
    }
}

/// The supported attributes of a CA's subject, each once, without CN.
fn known_attributes(parsed: &X509Certificate<'_>) -> Subject {
    let mut attributes: Vec<(Attribute, String)> = Vec::new();
    for found in parsed.subject().iter_attributes() {
        let attribute = match found.attr_type().to_id_string().as_str() {
            "2.5.4.6" => Attribute::Country,
            "2.5.4.8" => Attribute::State,
            "2.5.4.7" => Attribute::Locality,
            "2.5.4.10" => Attribute::Organization,
            "2.5.4.11" => Attribute::OrganizationalUnit,
            _ => continue,
        };
        if let Ok(value) = found.as_str()
            && !attributes.iter().any(|(known, _)| *known == attribute)
        {
            attributes.push((attribute, value.to_owned()));
        }
    }
    Subject(attributes)
}

#[cfg(test)]
#[path = "renew_tests.rs"]
mod tests;
