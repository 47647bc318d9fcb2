//! Looks up the references of servers: each Secret, pair and bundle only once.

use std::collections::HashMap;
use std::rc::Rc;

use super::server::Reference;
use super::{
    Authorities, Certificates, ClientCa, Credential, Credentials, FileField, Known, Outcome, Pair, Reader, TlsServer,
    UsedSecret, Value, verifies_clients,
};
use crate::certs::pem::envoy::Use;
use crate::lint::index::pods::Pods;
use crate::lint::item::Item;
use crate::lint::world::World;
use crate::manifests::model::gateway::{ServerTlsSettings, TlsMode};
use crate::manifests::model::{Other, Secret};
use crate::names::Host;
use crate::problem::Problem;
use crate::secrets::reference::{self, CredentialName};

/// A Secret by namespace, name and, if it may come from `--certs`, the hosts.
type Asked = (String, String, Vec<String>);

pub(super) struct Finder<'w, 'a> {
    world: &'w World<'a>,
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
    pub(super) fn new(world: &'w World<'a>) -> Self {
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

    /// Resolves a server's TLS settings: Secrets before files, as in istiod.
    pub(super) fn resolve(&mut self, server: &mut TlsServer<'a>, tls: &ServerTlsSettings) {
        let path = format!("{}.tls", server.path);
        let namespaces = self.world.pods.namespaces(&server.pods);
        let hosts = server.host_names();
        let single = tls.credential_name.as_deref().filter(|name| !name.is_empty());
        let listed = tls.credential_names.iter().enumerate();
        let named = single
            .map(|name| (format!("{path}.credentialName"), name, true))
            .into_iter()
            .chain(listed.map(|(index, name)| (format!("{path}.credentialNames[{index}]"), name.as_str(), false)));
        for (field, written, analysed) in named {
            let credential = self.credential(field, written, analysed, &namespaces, &hosts);
            let pair = self.pair_of(&credential);
            if let Some(pair) = pair.and_then(|place| self.pairs.get_mut(place)) {
                pair.analysed |= analysed;
            }
            server.pairs.extend(pair);
            server.credentials.push(credential);
        }
        if server.credentials.is_empty() {
            self.resolve_files(server, tls, &path, &hosts);
            return;
        }
        let extra = tls.ca_cert_credential_name.as_deref().filter(|name| !name.is_empty());
        if let Some(written) = extra {
            let field = format!("{path}.caCertCredentialName");
            server.ca_credential = Some(match reference::config_map(written) {
                Some((namespace, name)) => self.config_map(field, written, namespace, name),
                None => self.credential(field, written, false, &namespaces, &[]),
            });
        }
        if verifies_clients(server.mode) {
            server.client_ca = self.client_ca(server, &namespaces);
        }
    }

    /// Gateway API: certificateRefs, in the Gateway's namespace unless one is given.
    pub(super) fn resolve_references(
        &mut self,
        server: &mut TlsServer<'a>,
        references: Vec<Reference>,
        namespace: &str,
    ) {
        let hosts = server.host_names();
        for reference in references {
            let namespaces = [reference.namespace.unwrap_or_else(|| namespace.to_owned())];
            let credential = self.credential(reference.field, &reference.name, false, &namespaces, &hosts);
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
        let (namespace, name) = match CredentialName::parse(written) {
            CredentialName::Secret { namespace, name } => (namespace, name),
            CredentialName::ConfigMap { .. } | CredentialName::OtherProvider { .. } => {
                return Credential {
                    field,
                    written: written.to_owned(),
                    name: written.to_owned(),
                    has_namespace: false,
                    outcome: Outcome::OtherSource,
                    analysed,
                    is_config_map: false,
                };
            }
        };
        let outcome = match namespace {
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
            has_namespace: namespace.is_some(),
            outcome,
            analysed,
            is_config_map: false,
        }
    }

    /// A CA in a ConfigMap.
    fn config_map(&self, field: String, written: &str, namespace: &str, name: &str) -> Credential<'a> {
        let mut of_kind = (self.world.others.iter())
            .filter(|item| item.object.kind == "ConfigMap" && item.object.api_version == "v1")
            .peekable();
        let knows_some = of_kind.peek().is_some() && !self.world.store.in_cluster;
        let found = of_kind.find(|item| item.namespace == namespace && item.metadata.name == name);
        let outcome = match found {
            Some(item) => Outcome::Found(Rc::new(UsedSecret::of_config_map(item))),
            None if knows_some && !self.world.makers.has(namespace, name) => Outcome::Missing {
                namespaces: vec![namespace.to_owned()],
                elsewhere: Vec::new(),
            },
            None => Outcome::OtherSource,
        };
        Credential {
            field,
            written: written.to_owned(),
            name: name.to_owned(),
            has_namespace: true,
            outcome,
            analysed: false,
            is_config_map: true,
        }
    }

    /// The CA that a Gateway's `spec.tls.frontend` sets for a listener on this port, and the mode
    /// for verifying clients.
    pub(super) fn resolve_frontend(&mut self, server: &mut TlsServer<'a>, gateway: &Item<'a, Other>) {
        let Some(frontend) = gateway.object.content.pointer("/spec/tls/frontend") else {
            return;
        };
        let of_port = frontend.get("perPort").and_then(serde_json::Value::as_array);
        let mut of_port = of_port.into_iter().flatten().enumerate();
        let own = of_port
            .find(|(_, entry)| entry.get("port").and_then(serde_json::Value::as_u64) == Some(server.port.into()));
        let (path, validation) = match own {
            Some((index, entry)) => (format!("perPort[{index}].tls"), entry.pointer("/tls/validation")),
            None => ("default".to_owned(), frontend.pointer("/default/validation")),
        };
        let Some(validation) = validation else { return };
        let Some(reference) = validation.pointer("/caCertificateRefs/0") else {
            return;
        };
        let text = |field: &str| reference.get(field).and_then(serde_json::Value::as_str);
        let Some(name) = text("name") else { return };
        let namespace = text("namespace").unwrap_or(gateway.namespace);
        let field = format!("spec.tls.frontend.{path}.validation.caCertificateRefs[0].name");
        server.mode = match validation.get("mode").and_then(serde_json::Value::as_str) {
            Some("AllowInsecureFallback") => TlsMode::OptionalMutual,
            _ => TlsMode::Mutual,
        };
        server.ca_credential = Some(match text("kind") {
            Some("Secret") => self.credential(field, name, false, &[namespace.to_owned()], &[]),
            _ => self.config_map(field, name, namespace, name),
        });
    }

    fn look(&mut self, namespaces: &[String], name: &str, hosts: &[String]) -> Outcome<'a> {
        let holders: Vec<String> = self
            .namespaces
            .get(name)
            .into_iter()
            .flatten()
            .copied()
            .chain(self.world.makers.namespaces(name))
            .map(str::to_owned)
            .collect();
        // If the pods are unknown, the Secret may be in any namespace.
        let own = [self.world.pod_namespace().to_owned()];
        let asked = match (namespaces, holders.as_slice()) {
            ([], []) => &own,
            ([], holders) => holders,
            (known, _) => known,
        };
        for namespace in asked {
            match self.secret(namespace, name, hosts) {
                Ok(Some(found)) => return Outcome::Found(found),
                Ok(None) if self.world.makers.has(namespace, name) => return Outcome::OtherSource,
                Ok(None) => {}
                Err(problem) => return Outcome::Unreadable(problem),
            }
        }
        let mut elsewhere = holders;
        elsewhere.sort_unstable();
        elsewhere.dedup();
        Outcome::Missing {
            namespaces: namespaces.to_vec(),
            elsewhere,
        }
    }

    /// A Secret from the input, otherwise from `--certs` or the workspace.
    fn secret(&mut self, namespace: &str, name: &str, hosts: &[String]) -> Result<Option<Rc<UsedSecret<'a>>>, Problem> {
        let store = self.world.store;
        let hosts = if store.folders.is_empty() { &[] } else { hosts };
        let asked: Asked = (namespace.to_owned(), name.to_owned(), hosts.to_vec());
        if let Some(known) = self.secrets.get(&asked) {
            return known.clone();
        }
        let object = store.objects.get(&(asked.0.clone(), asked.1.clone()));
        let found = match object {
            Some(data) => Ok(Some(data.clone())),
            // The input has a Secret of that name in another namespace, which is the intended one:
            // files on disk would only hide that its namespace is wrong.
            None if self.namespaces.contains_key(name) || self.world.makers.find(&[], name).is_some() => Ok(None),
            None => store
                .find(name, hosts)
                // An object in the pods' namespace does not exist in another one.
                .map(|found| found.filter(|data| data.at.is_none())),
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
        let certificates = self.reader.certificates(certificate.content(), Use::Chain);
        self.pairs.push(Pair {
            certificate,
            key,
            certificates,
            host: None,
            analysed: false,
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
        let certificates = self.reader.certificates(value.content(), Use::Authorities);
        self.authorities.push(Authorities {
            value,
            certificates,
            crl,
            of_secret,
        });
        self.authority_places.insert(asked, self.authorities.len() - 1);
        self.authorities.len() - 1
    }

    /// Only the `-cacert` Secret if it exists; otherwise the server's own.
    fn client_ca(&mut self, server: &TlsServer<'a>, namespaces: &[String]) -> Option<ClientCa<'a>> {
        let first = server.credentials.first()?;
        let own_name = reference::ca_secret(&first.name);
        let looked_up;
        let (field, separate_name, outcome) = if let Some(named) = &server.ca_credential {
            (named.field.clone(), named.name.clone(), &named.outcome)
        } else {
            looked_up = self.look(namespaces, &own_name, &[]);
            (first.field.clone(), own_name, &looked_up)
        };
        let (separate, elsewhere) = match outcome {
            Outcome::Found(secret) => (Some(secret.clone()), Vec::new()),
            Outcome::Missing { elsewhere, .. } => (None, elsewhere.clone()),
            // Its content is unknown.
            _ => return None,
        };
        let is_config_map = server.ca_credential.as_ref().is_some_and(|named| named.is_config_map);
        let has_base = !is_config_map && reference::server_secret(&separate_name) == Some(first.name.as_str());
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
            elsewhere,
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
        let mut made = false;
        if let Some((name, key)) = &leads_to {
            let namespaces = self.world.pods.namespaces(&server.pods);
            match self.look(&namespaces, name, hosts) {
                Outcome::Found(secret) => {
                    secret_is_there = true;
                    value = Value::of_key(&secret, key);
                }
                Outcome::OtherSource => made = true,
                _ => {}
            }
        }
        if value.is_none() && store.host_files {
            value = self.host_file(&path);
        }
        FileField {
            unmounted_in: self.unmounted(&server.pods, &path),
            field,
            path,
            leads_to: leads_to.filter(|_| !made),
            value,
            secret_is_there,
        }
    }

    /// `--host-files`: the path is on this machine.
    fn host_file(&mut self, path: &str) -> Option<Value<'a>> {
        let asked: Asked = (String::new(), path.to_owned(), Vec::new());
        if !self.secrets.contains_key(&asked) {
            let entry = self.world.store.mounted(path, &[]).ok().flatten()?;
            let data = crate::secrets::SecretData {
                source: path.to_owned(),
                at: None,
                entries: std::iter::once((path.to_owned(), entry)).collect(),
            };
            let secret = Rc::new(UsedSecret::new("", path, None, Rc::new(data)));
            self.secrets.insert(asked.clone(), Ok(Some(secret)));
        }
        let known = self.secrets.get(&asked)?.as_ref().ok()?.as_ref()?;
        Value::of_key(known, path)
    }

    /// The object in the input with these pods that mounts nothing at the path.
    fn unmounted(&self, pods: &Pods, path: &str) -> Option<String> {
        let mut missing = None;
        for pods in self.world.pods.in_input(pods) {
            let containers = &pods.template.spec.containers;
            let mut mounts = containers.iter().flat_map(|container| &container.volume_mounts);
            let mounted = mounts.any(|mount| {
                let below = path.strip_prefix(mount.mount_path.trim_end_matches('/'));
                below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
            });
            if mounted {
                return None;
            }
            missing = missing.or_else(|| pods.owner.as_ref().map(Item::title));
        }
        missing
    }

    /// Values of the input's Secrets, used or not, that may hold CA certificates.
    fn values_at_hand(&mut self) -> Vec<Value<'a>> {
        let mut values = Vec::new();
        for item in &self.world.secrets {
            // Unreadable values are reported where they are used.
            let Ok(Some(secret)) = self.secret(item.namespace, &item.metadata.name, &[]) else {
                continue;
            };
            let of_keys = AT_HAND.iter().filter_map(|key| Value::of_key(&secret, key));
            values.extend(of_keys);
        }
        values
    }

    pub(super) fn finish(mut self, servers: Vec<TlsServer<'a>>) -> Credentials<'a> {
        let at_hand = self.values_at_hand();
        for server in &servers {
            let host = server.hosts.first().and_then(|host| Host::parse(&host.name).ok());
            for place in &server.pairs {
                if let Some(pair) = self.pairs.get_mut(*place).filter(|pair| pair.host.is_none()) {
                    pair.host.clone_from(&host);
                }
            }
        }
        let mut authority_names: HashMap<Vec<u8>, Vec<Known<'a>>> = HashMap::new();
        let mut add = |certificates: &Certificates, value: &Value<'a>| {
            for (_, certificate) in certificates.as_ref().as_deref().unwrap_or_default() {
                if !certificate.is_authority() {
                    continue;
                }
                let known = authority_names.entry(certificate.subject_name().to_vec()).or_default();
                // The same certificate may be in the Secrets of many hosts.
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
            // A CA next to the certificate is known, even if nobody verifies with it.
            for key in ["ca.crt", "cacert"] {
                if let Some(beside) = Value::of_key(&pair.certificate.secret, key) {
                    add(&self.reader.certificates(beside.content(), Use::Authorities), &beside);
                }
            }
        }
        for value in &at_hand {
            add(&self.reader.certificates(value.content(), Use::Authorities), value);
        }
        Credentials {
            servers,
            pairs: self.pairs,
            authorities: self.authorities,
            authority_names,
        }
    }
}

/// Keys of Secrets that may hold CA certificates.
const AT_HAND: [&str; 4] = ["tls.crt", "cert", "ca.crt", "cacert"];

/// The maximum number of CAs kept per name; a name has only a few keys.
const MOST_ALIKE: usize = 16;

impl<'a> Credentials<'a> {
    /// Resolves everything.
    pub(in crate::lint) fn of(world: &World<'a>) -> Self {
        let mut finder = Finder::new(world);
        let mut servers = Vec::new();
        for (place, gateway) in world.gateways.iter().enumerate() {
            let pods = finder.world.pods.select(&gateway.object.spec.selector);
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
                finder.resolve_frontend(&mut found, other);
                finder.resolve_references(&mut found, references, other.namespace);
                servers.push(found);
            }
        }
        finder.finish(servers)
    }
}
