//! To which key material every TLS server leads, made once: Secrets by name,
//! files by mounts, what of them is found, and the certificates read.

mod certificate;
mod revocation;
mod secret;
mod server;

use std::collections::HashMap;
use std::rc::Rc;

pub use certificate::{Certificate, Certificates, Reader, Relation, Unreadable};
pub use certificate::{NAME, explained, words};
pub use revocation::RevocationList;
use secret::Data;
pub use secret::{UsedSecret, Value};
pub use server::{Owner, TlsServer};

use super::workloads::{Pods, Workloads};
use super::world::{Item, World};
use crate::manifests::model::Secret;
use crate::manifests::model::gateway::{ServerTlsSettings, TlsMode};
use crate::problem::Problem;

/// The material of all servers.
pub struct Credentials<'a> {
    /// The servers with TLS settings, in the order of the input.
    pub servers: Vec<TlsServer<'a>>,
    /// Certificate and key, each pair once.
    pub pairs: Vec<Pair<'a>>,
    /// What clients are verified with, each value once.
    pub authorities: Vec<Authorities<'a>>,
    /// Certificates of CAs that are at hand anywhere, by subject.
    authority_names: HashMap<Vec<u8>, Vec<Known<'a>>>,
}

/// A certificate and where it stands.
pub struct Known<'a> {
    /// The certificate.
    pub certificate: Rc<Certificate>,
    /// The value that holds it.
    pub value: Value<'a>,
}

/// A certificate and its key.
pub struct Pair<'a> {
    /// The chain.
    pub certificate: Value<'a>,
    /// The key.
    pub key: Value<'a>,
    /// What the chain holds.
    pub certificates: Certificates,
}

impl Pair<'_> {
    /// The chain, leaf first, each with its line; empty when it cannot be read.
    pub fn chain(&self) -> &[(u32, Rc<Certificate>)] {
        self.certificates.as_ref().as_deref().unwrap_or_default()
    }

    /// The certificate that is presented.
    pub fn leaf(&self) -> Option<&Rc<Certificate>> {
        self.chain().first().map(|(_, leaf)| leaf)
    }
}

/// The trust anchors for clients.
pub struct Authorities<'a> {
    /// The bundle.
    pub value: Value<'a>,
    /// What it holds.
    pub certificates: Certificates,
    /// Revocation lists that are used with it.
    pub crl: Option<Value<'a>>,
    /// Whether the bundle is a Secret's: then the list's key goes with the bundle's.
    pub of_secret: bool,
}

impl Authorities<'_> {
    /// The certificates; empty when they cannot be read.
    pub fn list(&self) -> &[(u32, Rc<Certificate>)] {
        self.certificates.as_ref().as_deref().unwrap_or_default()
    }
}

/// What a name leads to.
pub enum Outcome<'a> {
    /// A Secret.
    Found(Rc<UsedSecret<'a>>),
    /// None of this name, where the gateway's pods look.
    Missing {
        /// Where they look; empty when it is not known where they run.
        namespaces: Vec<String>,
        /// Namespaces of the input that have one.
        elsewhere: Vec<String>,
    },
    /// A namespace from which these pods are given no Secret.
    Denied {
        /// That namespace.
        namespace: String,
        /// Where the pods run.
        pods: Vec<String>,
    },
    /// Another source than Secrets, as `sds://`.
    OtherSource,
    /// A folder or file that cannot be read.
    Unreadable(Problem),
}

/// A field that names a Secret.
pub struct Credential<'a> {
    /// The field's path.
    pub field: String,
    /// The value, as written.
    pub written: String,
    /// The name without its namespace.
    pub name: String,
    /// What it leads to.
    pub outcome: Outcome<'a>,
    /// Whether Istio's analysis looks at this field.
    pub analysed: bool,
}

impl<'a> Credential<'a> {
    /// The Secret, if there is one.
    pub fn secret(&self) -> Option<&Rc<UsedSecret<'a>>> {
        match &self.outcome {
            Outcome::Found(secret) => Some(secret),
            _ => None,
        }
    }
}

/// A field that names a file of the gateway's pods.
pub struct FileField<'a> {
    /// The field's path.
    pub field: String,
    /// The value, as written.
    pub path: String,
    /// Secret and key that the path leads to, where that is known.
    pub leads_to: Option<(String, String)>,
    /// The value found.
    pub value: Option<Value<'a>>,
    /// Whether the Secret itself is there.
    pub secret_is_there: bool,
    /// The gateway's Deployment in the input that mounts nothing there.
    pub unmounted_in: Option<String>,
}

/// Where clients' CA is looked for.
pub struct ClientCa<'a> {
    /// The field that leads to it.
    pub field: String,
    /// The Secret that is looked at first: `a-cacert`, or `caCertCredentialName`.
    pub separate_name: String,
    /// That Secret.
    pub separate: Option<Rc<UsedSecret<'a>>>,
    /// The Secret of the server's certificate, which serves where there is no separate one.
    pub base: Option<Rc<UsedSecret<'a>>>,
    /// Place in [`Credentials::authorities`] of what was found.
    pub found: Option<usize>,
}

impl<'a> Credentials<'a> {
    /// Looks everything up.
    pub(super) fn of(world: &World<'a>) -> Self {
        let mut finder = Finder::new(world);
        let mut servers = Vec::new();
        for (place, gateway) in world.gateways.iter().enumerate() {
            let pods = finder.workloads.select(&gateway.object.spec.selector);
            for (index, server) in gateway.object.spec.servers.iter().enumerate() {
                if let Some(tls) = &server.tls {
                    let mut found = TlsServer::of_gateway(gateway, place, index, server, pods.clone());
                    finder.resolve(&mut found, tls);
                    servers.push(found);
                }
            }
        }
        for (place, other) in world.others.iter().enumerate() {
            for (found, references) in TlsServer::of_gateway_api(other, place) {
                let mut found = found;
                finder.resolve_references(&mut found, references, other.namespace);
                servers.push(found);
            }
        }
        finder.finish(servers)
    }

    /// The pairs of a server.
    pub fn pairs_of<'s>(&'s self, server: &'s TlsServer<'a>) -> impl Iterator<Item = &'s Pair<'a>> {
        server.pairs.iter().filter_map(|place| self.pairs.get(*place))
    }

    /// Certificates of CAs with the name of the one that signed `certificate`,
    /// in any Secret that a server leads to.
    pub fn issuers_of(&self, certificate: &Certificate) -> &[Known<'a>] {
        let found = self.authority_names.get(certificate.issuer_name());
        found.map_or(&[], Vec::as_slice)
    }
}

/// Whether a mode verifies clients with a CA of the server's.
pub fn verifies_clients(mode: TlsMode) -> bool {
    matches!(mode, TlsMode::Mutual | TlsMode::OptionalMutual)
}

/// A Secret by namespace, name and, where `--certs` may answer, the hosts.
type Asked = (String, String, Vec<String>);

struct Finder<'w, 'a> {
    world: &'w World<'a>,
    workloads: Workloads<'a>,
    items: HashMap<(&'a str, &'a str), Item<'a, Secret>>,
    namespaces: HashMap<&'a str, Vec<&'a str>>,
    secrets: HashMap<Asked, Result<Option<Rc<UsedSecret<'a>>>, Problem>>,
    reader: Reader,
    pairs: Vec<Pair<'a>>,
    pair_places: HashMap<(*const UsedSecret<'a>, String, *const UsedSecret<'a>, String), usize>,
    authorities: Vec<Authorities<'a>>,
    authority_places: HashMap<(*const UsedSecret<'a>, String, String), usize>,
}

impl<'w, 'a> Finder<'w, 'a> {
    fn new(world: &'w World<'a>) -> Self {
        let mut items = HashMap::new();
        let mut namespaces: HashMap<&str, Vec<&str>> = HashMap::new();
        for item in &world.secrets {
            let name = item.metadata.name.as_str();
            if items.insert((item.namespace, name), item.clone()).is_none() {
                namespaces.entry(name).or_default().push(item.namespace);
            }
        }
        Self {
            world,
            workloads: Workloads::of(world),
            items,
            namespaces,
            secrets: HashMap::new(),
            reader: Reader::default(),
            pairs: Vec::new(),
            pair_places: HashMap::new(),
            authorities: Vec::new(),
            authority_places: HashMap::new(),
        }
    }

    /// What a server's TLS settings lead to: Secrets before files, as istiod chooses.
    fn resolve(&mut self, server: &mut TlsServer<'a>, tls: &ServerTlsSettings) {
        let path = format!("{}.tls", server.path);
        let namespaces = self.workloads.namespaces(&server.pods);
        let hosts = server.host_names();
        let single = tls.credential_name.as_deref().filter(|name| !name.is_empty());
        let listed = tls.credential_names.iter().enumerate();
        let named = single
            .map(|name| (format!("{path}.credentialName"), name, true))
            .into_iter()
            .chain(listed.map(|(index, name)| (format!("{path}.credentialNames[{index}]"), name.as_str(), false)));
        for (field, written, analysed) in named {
            let credential = self.credential(field, written, analysed, &namespaces, &hosts);
            server.pairs.extend(self.pair_of(&credential));
            server.credentials.push(credential);
        }
        if server.credentials.is_empty() {
            self.resolve_files(server, tls, &path, &hosts);
            return;
        }
        let extra = tls.ca_cert_credential_name.as_deref().filter(|name| !name.is_empty());
        if let Some(written) = extra {
            let field = format!("{path}.caCertCredentialName");
            server.ca_credential = Some(self.credential(field, written, false, &namespaces, &[]));
        }
        if verifies_clients(server.mode) {
            server.client_ca = self.client_ca(server, &namespaces);
        }
    }

    /// Gateway API: certificateRefs, in the Gateway's namespace unless they name one.
    fn resolve_references(
        &mut self,
        server: &mut TlsServer<'a>,
        references: Vec<(String, String, Option<String>)>,
        namespace: &str,
    ) {
        let hosts = server.host_names();
        for (field, name, own) in references {
            let namespaces = [own.unwrap_or_else(|| namespace.to_owned())];
            let credential = self.credential(field, &name, false, &namespaces, &hosts);
            server.pairs.extend(self.pair_of(&credential));
            server.credentials.push(credential);
        }
        if verifies_clients(server.mode) {
            server.client_ca = self.client_ca(server, &[namespace.to_owned()]);
        }
    }

    fn credential(
        &mut self,
        field: String,
        written: &str,
        analysed: bool,
        namespaces: &[String],
        hosts: &[String],
    ) -> Credential<'a> {
        let plain = written.strip_prefix("kubernetes://").unwrap_or(written);
        let (namespace, name) = match plain.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, plain),
        };
        let outcome = match namespace {
            _ if plain.contains("://") => Outcome::OtherSource,
            Some(namespace) if !namespaces.is_empty() && !namespaces.iter().any(|known| known == namespace) => {
                Outcome::Denied {
                    namespace: namespace.to_owned(),
                    pods: namespaces.to_vec(),
                }
            }
            Some(namespace) => self.look(&[namespace.to_owned()], name, hosts),
            None => self.look(namespaces, name, hosts),
        };
        Credential {
            field,
            written: written.to_owned(),
            name: name.to_owned(),
            outcome,
            analysed,
        }
    }

    fn look(&mut self, namespaces: &[String], name: &str, hosts: &[String]) -> Outcome<'a> {
        let holders: Vec<String> = self
            .namespaces
            .get(name)
            .into_iter()
            .flatten()
            .map(|namespace| (*namespace).to_owned())
            .collect();
        // Where the pods are not known, the Secret may be in any namespace.
        let own = [self.world.pod_namespace().to_owned()];
        let asked = match (namespaces, holders.as_slice()) {
            ([], []) => &own,
            ([], holders) => holders,
            (known, _) => known,
        };
        for namespace in asked {
            match self.secret(namespace, name, hosts) {
                Ok(Some(found)) => return Outcome::Found(found),
                Ok(None) => {}
                Err(problem) => return Outcome::Unreadable(problem),
            }
        }
        let mut elsewhere = holders;
        elsewhere.sort_unstable();
        Outcome::Missing {
            namespaces: namespaces.to_vec(),
            elsewhere,
        }
    }

    /// A Secret of the input, else what `--certs` and the workspace have for it.
    fn secret(&mut self, namespace: &str, name: &str, hosts: &[String]) -> Result<Option<Rc<UsedSecret<'a>>>, Problem> {
        let store = self.world.store;
        let hosts = if store.folders.is_empty() { &[] } else { hosts };
        let asked: Asked = (namespace.to_owned(), name.to_owned(), hosts.to_vec());
        if let Some(known) = self.secrets.get(&asked) {
            return known.clone();
        }
        let object = store.objects.get(&(asked.0.clone(), asked.1.clone()));
        let found = match object {
            Some(data) => Ok(Some(Data::Shared(data))),
            None => store
                .find(name, hosts)
                // An object of the pods' namespace is none of another's.
                .map(|found| found.filter(|data| data.at.is_none()).map(Data::Read)),
        };
        let item = object.and_then(|_| self.items.get(&(namespace, name)).cloned());
        let found = found.map(|data| data.map(|data| Rc::new(UsedSecret::new(namespace, name, item, data))));
        self.secrets.insert(asked, found.clone());
        found
    }

    fn pair_of(&mut self, credential: &Credential<'a>) -> Option<usize> {
        let secret = credential.secret()?;
        let entries = secret.data().key_pair().ok()?;
        let certificate = Value::of(secret, entries.certificate)?;
        let key = Value::of(secret, entries.key)?;
        Some(self.pair(certificate, key))
    }

    fn pair(&mut self, certificate: Value<'a>, key: Value<'a>) -> usize {
        let asked = (
            Rc::as_ptr(&certificate.secret),
            certificate.key.clone(),
            Rc::as_ptr(&key.secret),
            key.key.clone(),
        );
        if let Some(place) = self.pair_places.get(&asked) {
            return *place;
        }
        let certificates = self.reader.certificates(certificate.content());
        self.pairs.push(Pair {
            certificate,
            key,
            certificates,
        });
        self.pair_places.insert(asked, self.pairs.len() - 1);
        self.pairs.len() - 1
    }

    fn bundle(&mut self, value: Value<'a>, crl: Option<Value<'a>>, of_secret: bool) -> usize {
        let list = crl.as_ref().map(|crl| crl.key.clone()).unwrap_or_default();
        let asked = (Rc::as_ptr(&value.secret), value.key.clone(), list);
        if let Some(place) = self.authority_places.get(&asked) {
            return *place;
        }
        let certificates = self.reader.certificates(value.content());
        self.authorities.push(Authorities {
            value,
            certificates,
            crl,
            of_secret,
        });
        self.authority_places.insert(asked, self.authorities.len() - 1);
        self.authorities.len() - 1
    }

    /// The Secret with `-cacert` alone, where there is one; else the server's own.
    fn client_ca(&mut self, server: &TlsServer<'a>, namespaces: &[String]) -> Option<ClientCa<'a>> {
        let first = server.credentials.first()?;
        let (field, separate_name, separate) = match &server.ca_credential {
            Some(named) => (named.field.clone(), named.name.clone(), named.secret().cloned()),
            None => {
                let name = format!("{}-cacert", first.name);
                let separate = match self.look(namespaces, &name, &[]) {
                    Outcome::Found(secret) => Some(secret),
                    _ => None,
                };
                (first.field.clone(), name, separate)
            }
        };
        let has_base = separate_name.strip_suffix("-cacert") == Some(first.name.as_str());
        let base = first.secret().filter(|_| has_base).cloned();
        let holder = separate.as_ref().or(base.as_ref()).cloned();
        let found = holder.and_then(|holder| {
            let entries = holder.data().authorities().ok()?;
            let value = Value::of(&holder, entries.authorities)?;
            let crl = entries.crl.and_then(|crl| Value::of(&holder, crl));
            Some(self.bundle(value, crl, true))
        });
        Some(ClientCa {
            field,
            separate_name,
            separate,
            base,
            found,
        })
    }

    fn resolve_files(&mut self, server: &mut TlsServer<'a>, tls: &ServerTlsSettings, path: &str, hosts: &[String]) {
        let given = |value: &Option<String>| value.clone().filter(|path| !path.is_empty());
        let mut pairs = vec![(path.to_owned(), given(&tls.server_certificate), given(&tls.private_key))];
        let mut bundles = vec![(format!("{path}.caCertificates"), given(&tls.ca_certificates))];
        for (index, listed) in tls.tls_certificates.iter().enumerate() {
            let path = format!("{path}.tlsCertificates[{index}]");
            bundles.push((format!("{path}.caCertificates"), given(&listed.ca_certificates)));
            pairs.push((path, given(&listed.server_certificate), given(&listed.private_key)));
        }
        for (path, certificate, key) in pairs {
            let certificate =
                certificate.map(|file| self.file(server, format!("{path}.serverCertificate"), file, hosts));
            let key = key.map(|file| self.file(server, format!("{path}.privateKey"), file, hosts));
            let values = [&certificate, &key].map(|file| file.as_ref().and_then(|file| file.value.clone()));
            if let [Some(certificate), Some(key)] = values {
                server.pairs.push(self.pair(certificate, key));
            }
            server.files.extend(certificate);
            server.files.extend(key);
        }
        if !verifies_clients(server.mode) {
            return;
        }
        let crl = given(&tls.ca_crl).map(|file| self.file(server, format!("{path}.caCrl"), file, hosts));
        for (field, file) in bundles {
            let Some(file) = file else { continue };
            let file = self.file(server, field, file, hosts);
            if let Some(value) = &file.value {
                let list = crl.as_ref().and_then(|crl| crl.value.clone());
                server.file_authorities.push(self.bundle(value.clone(), list, false));
            }
            server.files.push(file);
        }
        server.files.extend(crl);
    }

    fn file(&mut self, server: &TlsServer<'a>, field: String, path: String, hosts: &[String]) -> FileField<'a> {
        let store = self.world.store;
        let leads_to = store.secret_at(&path);
        let mut value = None;
        let mut secret_is_there = false;
        if let Some((name, key)) = &leads_to {
            let namespaces = self.workloads.namespaces(&server.pods);
            if let Outcome::Found(secret) = self.look(&namespaces, name, hosts) {
                secret_is_there = true;
                value = Value::of_key(&secret, key);
            }
        }
        if value.is_none() && store.host_files {
            value = self.host_file(&path);
        }
        FileField {
            unmounted_in: self.unmounted(&server.pods, &path),
            field,
            path,
            leads_to,
            value,
            secret_is_there,
        }
    }

    /// `--host-files`: the path is one of this machine's.
    fn host_file(&mut self, path: &str) -> Option<Value<'a>> {
        let asked: Asked = (String::new(), path.to_owned(), Vec::new());
        if !self.secrets.contains_key(&asked) {
            let entry = self.world.store.mounted(path, &[]).ok().flatten()?;
            let data = crate::secrets::SecretData {
                source: path.to_owned(),
                at: None,
                entries: std::iter::once((path.to_owned(), entry)).collect(),
            };
            let secret = Rc::new(UsedSecret::new("", path, None, Data::Read(data)));
            self.secrets.insert(asked.clone(), Ok(Some(secret)));
        }
        let known = self.secrets.get(&asked)?.as_ref().ok()?.as_ref()?;
        Value::of_key(known, path)
    }

    /// A Deployment of these pods in the input that mounts nothing at the path.
    fn unmounted(&self, pods: &Pods, path: &str) -> Option<String> {
        let Pods::Known(places) = pods else { return None };
        // The first workload is Istio's own, which is assumed; the Deployments follow.
        let mut own = places
            .iter()
            .filter_map(|place| self.world.deployments.get(place.checked_sub(1)?))
            .peekable();
        own.peek()?;
        let mut missing = None;
        for deployment in own {
            let containers = &deployment.object.spec.template.spec.containers;
            let mut mounts = containers.iter().flat_map(|container| &container.volume_mounts);
            let mounted = mounts.any(|mount| {
                let below = path.strip_prefix(mount.mount_path.trim_end_matches('/'));
                below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
            });
            if mounted {
                return None;
            }
            missing = missing.or_else(|| Some(deployment.title()));
        }
        missing
    }

    fn finish(mut self, servers: Vec<TlsServer<'a>>) -> Credentials<'a> {
        let mut authority_names: HashMap<Vec<u8>, Vec<Known<'a>>> = HashMap::new();
        let mut add = |certificates: &Certificates, value: &Value<'a>| {
            for (_, certificate) in certificates.as_ref().as_deref().unwrap_or_default() {
                if !certificate.is_authority() {
                    continue;
                }
                let known = authority_names.entry(certificate.subject_name().to_vec()).or_default();
                // One certificate stands in the Secrets of many hosts.
                if !known.iter().any(|known| Rc::ptr_eq(&known.certificate, certificate)) && known.len() < MOST_ALIKE {
                    known.push(Known {
                        certificate: certificate.clone(),
                        value: value.clone(),
                    });
                }
            }
        };
        for bundle in &self.authorities {
            add(&bundle.certificates, &bundle.value);
        }
        for pair in &self.pairs {
            add(&pair.certificates, &pair.certificate);
            // What stands beside the certificate is at hand, though nobody verifies with it.
            for key in ["ca.crt", "cacert"] {
                if let Some(beside) = Value::of_key(&pair.certificate.secret, key) {
                    add(&self.reader.certificates(beside.content()), &beside);
                }
            }
        }
        Credentials {
            servers,
            pairs: self.pairs,
            authorities: self.authorities,
            authority_names,
        }
    }
}

/// CAs of one name that are kept; a name stands for few keys.
const MOST_ALIKE: usize = 16;
