//! Issues chains: root, intermediate, server, clients.

use rcgen::{KeyPair, SubjectPublicKeyInfo};
use rustls::pki_types::CertificateDer;
use time::{Duration, OffsetDateTime};

pub use super::authority::CertificateAuthority;
use super::authority::{Content, Usage, generate, private_key, self_signed};
use super::constraints::Constraints;
use super::key::PrivateKey;
use super::pem;
use super::plan::{Bad, ChainPlan, KeyType, San};
use crate::names::Host;
use crate::problem::Problem;

/// The maximum length of a CN (RFC 5280 appendix A.1, ub-common-name).
const CN_LIMIT: usize = 64;
/// How far notBefore is backdated, for clocks that are slow.
pub(super) const BACKDATED: Duration = Duration::hours(1);
/// The key of `--bad weak-key`: published, so that nobody mistakes it for a secret.
const WEAK_KEY: &str = include_str!("published-test-key-rsa-1024.pem");
/// The name of `--bad wrong-host` (RFC 6761: never resolves).
const WRONG_HOST: &str = "wrong-host.invalid";

/// A certificate and its key.
#[derive(Clone)]
pub struct Issued {
    /// The certificate.
    pub certificate: CertificateDer<'static>,
    /// The key; none if we do not have it (an existing CA's, or a request's).
    pub key: Option<PrivateKey>,
}

/// A client certificate.
#[derive(Clone)]
pub struct Client {
    /// The client's name: CN and file name.
    pub name: String,
    /// The certificate and its key.
    pub issued: Issued,
}

/// The chain of one host.
#[derive(Clone)]
pub struct Chain {
    /// The root; its key is present only if it was created with this chain.
    pub root: Issued,
    /// The intermediate; its key is present only if it was created with this chain.
    pub intermediate: Issued,
    /// The server leaf.
    pub server: Issued,
    /// The clients, in the order of the plan.
    pub clients: Vec<Client>,
    /// Notes for the user, such as "the leaf expires with its issuer, on 2027-01-01".
    pub notes: Vec<String>,
}

/// What signs a chain.
#[derive(Clone, Copy)]
pub enum Authority<'a> {
    /// A new root and intermediate.
    New,
    /// A new intermediate under this root.
    Root(&'a CertificateAuthority),
    /// Only leaves, under this intermediate with this root.
    Intermediate(&'a CertificateAuthority, &'a CertificateDer<'static>),
}

/// Creates a root for many hosts (`--root DIR` if none exists yet); its CN is `name` plus "root
/// CA", everything else is from the plan.
///
/// # Errors
/// If the crypto provider fails, or a lifetime exceeds the years that a certificate can represent.
pub fn issue_root(name: &str, plan: &ChainPlan, now: OffsetDateTime) -> Result<Issued, Problem> {
    let pair = generate(plan.profile.ca_key)?;
    let root = new_root(name, plan, pair, now)?;
    Ok(issued(&root))
}

/// Issues a host's chain.
///
/// ```
/// use istio_tls::certs::{Authority, ChainPlan, issue_chain};
/// use istio_tls::names::Host;
/// use time::OffsetDateTime;
///
/// let plan = ChainPlan::new(Host::parse("httpbin.example.com")?);
/// let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time");
/// let chain = issue_chain(&plan, Authority::New, now)?;
/// assert_eq!(chain.clients[0].name, "httpbin.example.com");
/// assert!(chain.server_pem().starts_with("-----BEGIN CERTIFICATE-----"));
/// # Ok::<(), istio_tls::problem::Problem>(())
/// ```
///
/// # Errors
/// If the plan cannot be fulfilled: names outside the constraints, an empty validity period of a
/// leaf, an expired authority.
pub fn issue_chain(plan: &ChainPlan, authority: Authority<'_>, now: OffsetDateTime) -> Result<Chain, Problem> {
    let constraints = Constraints::of_plan(plan, authority);
    check_names(plan, &constraints)?;
    let mut notes = Vec::new();
    let mut keys = Keys::generate(plan, authority)?.into_iter();
    let mut next_key = || keys.next().ok_or_else(|| Problem::new("too few keys were created"));
    let own_root;
    let own_intermediate;
    let (root, intermediate) = match authority {
        Authority::New => {
            own_root = new_root(plan.host.as_str(), plan, next_key()?, now)?;
            own_intermediate = new_intermediate(plan, &own_root, next_key()?, now, &mut notes)?;
            (issued(&own_root), &own_intermediate)
        }
        Authority::Root(root) => {
            own_intermediate = new_intermediate(plan, root, next_key()?, now, &mut notes)?;
            (without_key(root.certificate()), &own_intermediate)
        }
        Authority::Intermediate(intermediate, root) => (without_key(root), intermediate),
    };
    let server = issue_server(plan, intermediate, &mut next_key, now, &mut notes)?;
    let mut clients = Vec::with_capacity(plan.clients.len());
    for name in &plan.clients {
        let signing = (intermediate, &constraints);
        clients.push(sign_client(name, plan, signing, &next_key()?, now, &mut notes)?);
    }
    notes.dedup();
    Ok(Chain {
        root,
        intermediate: match authority {
            Authority::Intermediate(..) => without_key(intermediate.certificate()),
            _ => issued(intermediate),
        },
        server,
        clients,
        notes,
    })
}

/// Issues one more client under an existing intermediate, with the plan's key type, lifetime and
/// subject.
///
/// # Errors
/// See [`issue_chain`].
pub fn issue_client(
    name: &str,
    plan: &ChainPlan,
    authority: &CertificateAuthority,
    now: OffsetDateTime,
) -> Result<Client, Problem> {
    let constraints = Constraints::of_authority(authority.certificate());
    let pair = generate(plan.profile.leaf_key)?;
    sign_client(name, plan, (authority, &constraints), &pair, now, &mut Vec::new())
}

/// Issues only a server leaf under an existing intermediate, as for a renewal.
///
/// # Errors
/// See [`issue_chain`].
pub fn issue_server_leaf(
    plan: &ChainPlan,
    authority: &CertificateAuthority,
    now: OffsetDateTime,
) -> Result<(Issued, Vec<String>), Problem> {
    check_names(plan, &Constraints::of_authority(authority.certificate()))?;
    let mut notes = Vec::new();
    let server = issue_server(
        plan,
        authority,
        &mut || generate(plan.profile.leaf_key),
        now,
        &mut notes,
    )?;
    Ok((server, notes))
}

impl Chain {
    /// `ca.cert.pem`: the root.
    pub fn root_pem(&self) -> String {
        pem::certificate_text(&self.root.certificate)
    }

    /// `intermediate.cert.pem`: the intermediate.
    pub fn intermediate_pem(&self) -> String {
        pem::certificate_text(&self.intermediate.certificate)
    }

    /// `ca-chain.cert.pem`: the intermediate, followed by the root.
    pub fn ca_chain_pem(&self) -> String {
        pem::certificates_text([&self.intermediate.certificate, &self.root.certificate])
    }

    /// The server's certificate file: the leaf, followed by the intermediate.
    pub fn server_pem(&self) -> String {
        self.leaf_pem(&self.server)
    }

    /// A client's certificate file: the leaf, followed by the intermediate.
    pub fn client_pem(&self, client: &Client) -> String {
        self.leaf_pem(&client.issued)
    }

    fn leaf_pem(&self, leaf: &Issued) -> String {
        pem::certificates_text([&leaf.certificate, &self.intermediate.certificate])
    }
}

pub(super) fn issued(authority: &CertificateAuthority) -> Issued {
    Issued {
        certificate: authority.certificate().clone(),
        key: Some(private_key(authority.issuer.key())),
    }
}

fn without_key(certificate: &CertificateDer<'static>) -> Issued {
    Issued {
        certificate: certificate.clone(),
        key: None,
    }
}

/// The keys of a chain, in the order of their use: CAs, server, clients.
struct Keys;

impl Keys {
    /// Generates them; RSA keys in parallel, because each takes a good part of a second.
    fn generate(plan: &ChainPlan, authority: Authority<'_>) -> Result<Vec<KeyPair>, Problem> {
        let cas = match authority {
            Authority::New => 2,
            Authority::Root(_) => 1,
            Authority::Intermediate(..) => 0,
        };
        let server = usize::from(plan.csr.is_none() && plan.bad != Some(Bad::WeakKey));
        let mut types = vec![plan.profile.ca_key; cas];
        types.resize(cas + server + plan.clients.len(), plan.profile.leaf_key);
        let is_slow = |key_type: KeyType| matches!(key_type, KeyType::Rsa2048 | KeyType::Rsa3072 | KeyType::Rsa4096);
        if types.iter().filter(|key_type| is_slow(**key_type)).count() < 2 {
            return types.into_iter().map(generate).collect();
        }
        std::thread::scope(|scope| {
            let threads: Vec<_> = types
                .into_iter()
                .map(|key_type| scope.spawn(move || generate(key_type)))
                .collect();
            threads
                .into_iter()
                .map(|thread| {
                    thread
                        .join()
                        .unwrap_or_else(|_| Err(Problem::new("a key could not be created")))
                })
                .collect()
        })
    }
}

fn new_root(name: &str, plan: &ChainPlan, pair: KeyPair, now: OffsetDateTime) -> Result<CertificateAuthority, Problem> {
    let not_before = whole_seconds(now - BACKDATED);
    let content = Content {
        usage: Usage::Root,
        subject: plan.profile.subject.with_common_name(Some(&ca_name(name, "root CA"))),
        sans: &[],
        not_before,
        not_after: after_days(not_before, plan.profile.root_days)?,
        permitted: &plan.name_constraints,
    };
    self_signed(&content, pair)
}

fn new_intermediate(
    plan: &ChainPlan,
    root: &CertificateAuthority,
    pair: KeyPair,
    now: OffsetDateTime,
    notes: &mut Vec<String>,
) -> Result<CertificateAuthority, Problem> {
    check_alive("root", root, now)?;
    let not_before = whole_seconds(now - BACKDATED).max(root.not_before());
    let mut not_after = after_days(not_before, plan.profile.intermediate_days)?;
    if not_after > root.not_after() {
        not_after = root.not_after();
        notes.push(format!(
            "the intermediate expires with its root, on {}",
            not_after.date()
        ));
    }
    let content = Content {
        usage: Usage::Intermediate,
        subject: plan
            .profile
            .subject
            .with_common_name(Some(&ca_name(plan.host.as_str(), "intermediate CA"))),
        sans: &[],
        not_before,
        not_after,
        permitted: &plan.name_constraints,
    };
    root.sign_ca(&content, pair)
}

fn issue_server(
    plan: &ChainPlan,
    authority: &CertificateAuthority,
    next_key: &mut impl FnMut() -> Result<KeyPair, Problem>,
    now: OffsetDateTime,
    notes: &mut Vec<String>,
) -> Result<Issued, Problem> {
    let (not_before, not_after) = leaf_validity(plan, authority, now, notes, plan.bad)?;
    let host = match plan.bad {
        Some(Bad::WrongHost) => Host::parse(WRONG_HOST)?,
        _ => plan.host.clone(),
    };
    let mut sans = vec![San::of(&host)];
    if plan.bad != Some(Bad::WrongHost) {
        let requested = plan.csr.iter().flat_map(|csr| &csr.sans);
        for san in plan.sans.iter().chain(requested) {
            if !sans.contains(san) {
                sans.push(san.clone());
            }
        }
    }
    let wanted = plan.profile.subject.common_name().unwrap_or(host.as_str());
    let name = Some(wanted).filter(|name| name.chars().count() <= CN_LIMIT);
    if plan.bad == Some(Bad::NoSan) {
        sans.clear();
        if name.is_none() {
            return Err(Problem::new(format!("{host} cannot have a certificate with only a CN"))
                .why(format!("a CN has at most {CN_LIMIT} characters")));
        }
    }
    let content = Content {
        usage: if plan.bad == Some(Bad::WrongEku) {
            Usage::Client
        } else {
            Usage::Server
        },
        subject: plan.profile.subject.with_common_name(name),
        sans: &sans,
        not_before,
        not_after,
        permitted: &[],
    };
    let impostor;
    let signer = if plan.bad == Some(Bad::WrongCa) {
        impostor = authority.impostor(generate(plan.profile.ca_key)?);
        &impostor
    } else {
        authority
    };
    if let Some(csr) = &plan.csr {
        let public_key = public_key(&csr.public_key)?;
        return Ok(without_key(&signer.sign(&content, &public_key)?));
    }
    if plan.bad == Some(Bad::WeakKey) {
        let key = super::key::read(WEAK_KEY.as_bytes(), "the published test key", None)?;
        let certificate = signer.sign(&content, &public_key(&key.public_key()?)?)?;
        return Ok(Issued {
            certificate,
            key: Some(key),
        });
    }
    let pair = next_key()?;
    Ok(Issued {
        certificate: signer.sign(&content, &pair)?,
        key: Some(private_key(&pair)),
    })
}

fn sign_client(
    name: &str,
    plan: &ChainPlan,
    (authority, constraints): (&CertificateAuthority, &Constraints),
    pair: &KeyPair,
    now: OffsetDateTime,
    notes: &mut Vec<String>,
) -> Result<Client, Problem> {
    super::plan::check_client_name(name)?;
    let (not_before, not_after) = leaf_validity(plan, authority, now, notes, None)?;
    // A name that is neither a host nor an IP address is only in the CN.
    let san = if name.contains('@') {
        San::parse(name).ok()
    } else {
        Host::parse(name).ok().map(|host| San::of(&host))
    };
    let san = match san {
        // As a CN it is harmless; as a SAN it would make the chain invalid.
        Some(san) if !constraints.permit(&san) && !name.contains(['.', ':', '@']) => {
            notes.push(format!(
                "the client {name} has its name only as CN, because the name constraints do not permit this DNS name"
            ));
            None
        }
        Some(san) => constraints.check(&san).map(|()| Some(san))?,
        None => None,
    };
    let common_name = Some(name).filter(|name| name.chars().count() <= CN_LIMIT);
    let content = Content {
        usage: Usage::Client,
        subject: plan.profile.subject.with_common_name(common_name),
        sans: san.as_slice(),
        not_before,
        not_after,
        permitted: &[],
    };
    Ok(Client {
        name: name.to_owned(),
        issued: Issued {
            certificate: authority.sign(&content, pair)?,
            key: Some(private_key(pair)),
        },
    })
}

/// Checks that the CAs permit every name of the server leaf.
fn check_names(plan: &ChainPlan, constraints: &Constraints) -> Result<(), Problem> {
    let requested = plan.csr.iter().flat_map(|csr| &csr.sans);
    constraints.check(&San::of(&plan.host))?;
    plan.sans
        .iter()
        .chain(requested)
        .try_for_each(|name| constraints.check(name))
}

/// The validity of a leaf: the plan's, limited to its issuer's.
fn leaf_validity(
    plan: &ChainPlan,
    authority: &CertificateAuthority,
    now: OffsetDateTime,
    notes: &mut Vec<String>,
    bad: Option<Bad>,
) -> Result<(OffsetDateTime, OffsetDateTime), Problem> {
    match bad {
        Some(Bad::Expired) => {
            return Ok((
                whole_seconds(now - Duration::days(31)),
                whole_seconds(now - Duration::days(1)),
            ));
        }
        Some(Bad::NotYetValid) => {
            let not_before = whole_seconds(now + Duration::days(30));
            return Ok((not_before, after_days(not_before, plan.profile.leaf_days)?));
        }
        _ => {}
    }
    check_alive("CA", authority, now)?;
    let wanted = plan.leaf_validity;
    let not_before = wanted.not_before.map_or_else(
        || whole_seconds(now - BACKDATED).max(authority.not_before()),
        whole_seconds,
    );
    let mut not_after = match wanted.not_after {
        Some(not_after) => whole_seconds(not_after),
        None => after_days(not_before, plan.profile.leaf_days)?,
    };
    if not_after > authority.not_after() {
        not_after = authority.not_after();
        notes.push(format!("the leaf expires with its issuer, on {}", not_after.date()));
    }
    if not_after <= not_before {
        let cut = if not_after == authority.not_after() {
            ", that of its issuer"
        } else {
            ""
        };
        return Err(
            Problem::new(format!("the certificate of {} would never be valid", plan.host))
                .why(format!(
                    "its notBefore would be {} and its notAfter {}{cut}",
                    shown(not_before),
                    shown(not_after)
                ))
                .fix("choose an end after the start (--not-before, --not-after, --days), within the issuer's validity; --bad expired issues an expired one for tests"),
        );
    }
    Ok((not_before, not_after))
}

pub(super) fn check_alive(what: &str, authority: &CertificateAuthority, now: OffsetDateTime) -> Result<(), Problem> {
    if authority.not_after() > now {
        return Ok(());
    }
    Err(
        Problem::new(format!("the {what} has expired, so nothing that it signs would verify"))
            .why(format!("it expired on {}", shown(authority.not_after())))
            .fix("create a new CA, or pass another one with --ca or --root"),
    )
}

/// `HOST root CA`, with the host truncated to fit into a CN.
pub(super) fn ca_name(name: &str, suffix: &str) -> String {
    let room = CN_LIMIT - suffix.len() - 1;
    let name: String = name.chars().take(room).collect();
    format!("{} {suffix}", name.trim_end_matches(['.', '-']))
}

pub(super) fn whole_seconds(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}

fn after_days(from: OffsetDateTime, days: u32) -> Result<OffsetDateTime, Problem> {
    // Both ends are included in the validity (RFC 5280 section 4.1.2.5).
    from.checked_add(Duration::days(i64::from(days)) - Duration::SECOND)
        .filter(|end| end.year() <= 9999)
        .ok_or_else(|| {
            Problem::new(format!("{days} days are beyond the year 9999"))
                .why("a certificate cannot represent a later time (RFC 5280 section 4.1.2.5)")
        })
}

fn shown(time: OffsetDateTime) -> String {
    super::times::shown(time)
}

pub(super) fn public_key(info: &[u8]) -> Result<SubjectPublicKeyInfo, Problem> {
    SubjectPublicKeyInfo::from_der(info).map_err(|_| {
        Problem::new("the type of the public key is not supported")
            .why("RSA, ECDSA with P-256, P-384 or P-521, and Ed25519 are supported")
    })
}
