//! What can be added to an existing chain without loss: a mode, clients, PKCS#12 bundles,
//! names of its server certificate. The CA and every key are kept.

use zeroize::Zeroizing;

use super::refusals::{self, Refusal};
use super::request::{Flag, Request};
use crate::certs::issue::issue_client;
use crate::certs::plan::San;
use crate::certs::renew::{self, Renewal};
use crate::certs::verify::Purpose;
use crate::certs::{CertificateDer, Client, key, pem, pkcs12};
use crate::files::shown;
use crate::ops::authority;
use crate::ops::chain_authorities;
use crate::ops::chain_clients::certificates;
use crate::ops::chain_files::{self, BUNDLE_PASSWORD, KeyStorage, PartFile};
use crate::ops::entries::{self, Recorded};
use crate::ops::failure::Failure;
use crate::ops::rotating;
use crate::ops::surroundings::Surroundings;
use crate::problem::Problem;
use crate::workspace::config::{HostEntry, Mode, WorkspaceConfig};
use crate::workspace::layout::{ChainLayout, Part};
use crate::workspace::store;

/// What is added to an existing chain: issued and checked, but not written yet.
pub struct Change {
    /// The previous mode, if the mode changes.
    pub former_mode: Option<Mode>,
    /// The new names of the server certificate.
    pub sans: Vec<San>,
    /// The existing clients that get a PKCS#12 bundle.
    pub bundles: Vec<String>,
    /// The new server certificate or, if there is none, the first client's certificate.
    pub(super) leaf: CertificateDer<'static>,
    /// The future entry of the host in istio-tls.yaml.
    pub(super) recorded: Recorded,
    /// Notes for the user.
    pub(super) notes: Vec<String>,
    /// The server's file with the new leaf.
    server: Option<Vec<CertificateDer<'static>>>,
    /// New clients, and the intermediate and root above them.
    clients: Option<(Vec<Client>, [CertificateDer<'static>; 2])>,
    /// The bundles of existing clients.
    bundle_files: Vec<(String, Zeroizing<Vec<u8>>)>,
    /// The files of the chain when this was decided.
    standing: Standing,
}

/// The basis of a change.
#[derive(PartialEq, Eq)]
struct Standing {
    server: Option<Vec<u8>>,
    authorities: [Option<Vec<u8>>; 2],
    clients: Vec<String>,
}

/// The part of the request that is new.
struct New {
    former_mode: Option<Mode>,
    sans: Vec<San>,
    clients: Vec<String>,
    bundles: Vec<String>,
    /// An existing client that istio-tls.yaml lacks is recorded.
    records_client: bool,
}

/// What istio-tls.yaml and the folder contain of a chain.
struct Known<'a> {
    layout: &'a ChainLayout,
    mode: Mode,
    /// Those whose certificates are in the folder.
    clients: Vec<String>,
    /// The entry in istio-tls.yaml, or the new entry of a chain that has none.
    recorded: Recorded,
    has_entry: bool,
}

impl Change {
    /// Decides what to add to a chain, and issues it. Nothing is written. Also returns
    /// the names of its new clients and its mode.
    ///
    /// # Errors
    /// If nothing in the request is new, or part of it is impossible.
    pub(super) fn new(
        request: &Request,
        layout: &ChainLayout,
        entry: Option<&HostEntry>,
        config: &WorkspaceConfig,
        here: &Surroundings,
    ) -> Result<(Self, Vec<String>, Mode), Refusal> {
        let refused = |problem: Problem| Refusal::of(layout, problem);
        let known = Known::read(layout, entry, config).map_err(refused)?;
        let new = known.new_of(request)?;
        if let Some(problem) = rotating::changing(layout, "gen-certs") {
            return Err(refused(problem));
        }
        refuse_flags(request, layout, &new)?;
        let failed = |failure: Failure| Refusal::of(layout, *failure.problem);
        let standing = Standing::read(layout).map_err(refused)?;
        let mode = if new.former_mode.is_some() {
            request.typed_mode.unwrap_or(known.mode)
        } else {
            known.mode
        };
        let mut change = Self {
            leaf: known.leaf().map_err(failed)?,
            recorded: known.recorded_with(&new, mode),
            former_mode: new.former_mode,
            sans: new.sans,
            bundles: new.bundles,
            notes: Vec::new(),
            server: None,
            clients: None,
            bundle_files: Vec::new(),
            standing,
        };
        if !change.sans.is_empty() {
            change.reissue_server(request, layout, here).map_err(failed)?;
        }
        if !new.clients.is_empty() {
            change
                .issue_clients(request, layout, &new.clients, here)
                .map_err(failed)?;
        }
        change.make_bundles(request, layout).map_err(failed)?;
        Ok((change, new.clients, mode))
    }

    /// Whether only new clients are added to the chain.
    pub fn is_of_clients_alone(&self) -> bool {
        self.former_mode.is_none() && self.sans.is_empty() && self.bundles.is_empty()
    }

    /// The files to write; none if only istio-tls.yaml changes.
    ///
    /// # Errors
    /// If a bundle cannot be created.
    pub(super) fn files(&self, storage: KeyStorage<'_>) -> Result<Vec<PartFile<'_>>, Problem> {
        let mut files = Vec::new();
        if let Some(chain) = &self.server {
            let text = pem::certificates_text(chain);
            files.push((Part::ServerCert, Zeroizing::new(text.into_bytes())));
        }
        if let Some((clients, above)) = &self.clients {
            files.extend(chain_files::of_clients(clients, above, storage)?);
        }
        for (name, content) in &self.bundle_files {
            files.push((Part::ClientBundle(name), content.clone()));
        }
        Ok(files)
    }

    /// Whether the chain is still the one that the change was planned for. Checked again
    /// under the lock.
    ///
    /// # Errors
    /// If it is not.
    pub(super) fn check_still_fits(&self, layout: &ChainLayout) -> Result<(), Failure> {
        if let Some(problem) = rotating::changing(layout, "gen-certs") {
            return Err(Failure::usage(problem));
        }
        if Standing::read(layout).map_err(Failure::usage)? == self.standing {
            return Ok(());
        }
        Err(Failure::runtime(refusals::changed_meanwhile(layout)))
    }

    fn reissue_server(&mut self, request: &Request, layout: &ChainLayout, here: &Surroundings) -> Result<(), Failure> {
        let old = certificates(layout, Part::ServerCert)?;
        let Some(leaf) = old.first() else { return Ok(()) };
        let authorities = chain_authorities::of(std::slice::from_ref(layout))?;
        let ca = match chain_authorities::issuer_of(&authorities, leaf) {
            Some(issuer) => issuer.open(request.password())?,
            None => return Err(Failure::usage(refusals::issued_elsewhere(layout))),
        };
        let renewal = Renewal {
            purpose: Purpose::Server,
            host: Some(layout.host()),
            days: (request.typed.contains(&Flag::Days)).then_some(request.profile.leaf_days),
        };
        let renewed = renew::with_names(leaf, &self.sans, renewal, &ca, here.now).map_err(Failure::usage)?;
        self.leaf = renewed.issued.certificate.clone();
        self.notes.extend(renewed.notes);
        self.server = Some(chain_files::with_leaf(
            renewed.issued.certificate,
            &old,
            ca.certificate(),
        ));
        Ok(())
    }

    fn issue_clients(
        &mut self,
        request: &Request,
        layout: &ChainLayout,
        names: &[String],
        here: &Surroundings,
    ) -> Result<(), Failure> {
        let issuer = authority::client_issuer(layout, request.password())?;
        let trusted = certificates(layout, Part::CaChain)?;
        let is_trusted = |ca: &CertificateDer<'_>| trusted.is_empty() || trusted.contains(ca);
        if !is_trusted(issuer.ca.certificate()) && !is_trusted(&issuer.root) {
            return Err(Failure::usage(refusals::other_client_ca(layout)));
        }
        let plan = request.client_plan(layout.host());
        let clients: Vec<Client> = (names.iter())
            .map(|name| issue_client(name, &plan, &issuer.ca, here.now))
            .collect::<Result<_, _>>()
            .map_err(Failure::usage)?;
        if let (None, Some(first)) = (&self.server, clients.first()) {
            self.leaf = first.issued.certificate.clone();
        }
        self.clients = Some((clients, [issuer.ca.certificate().clone(), issuer.root]));
        Ok(())
    }

    fn make_bundles(&mut self, request: &Request, layout: &ChainLayout) -> Result<(), Failure> {
        let password = request.password().unwrap_or(BUNDLE_PASSWORD);
        for name in &self.bundles {
            let path = layout.path(Part::ClientKey(name));
            let content = store::read(layout, Part::ClientKey(name)).map_err(Failure::usage)?;
            let content = Zeroizing::new(content.unwrap_or_default());
            let key = key::read(&content, &shown(&path), request.password()).map_err(Failure::usage)?;
            let mut chain = certificates(layout, Part::ClientCert(name))?;
            for above in certificates(layout, Part::RootCert)? {
                if !chain.contains(&above) {
                    chain.push(above);
                }
            }
            let form = request.bundles.unwrap_or_default();
            let bundle = pkcs12::write(name, &key, &chain, password, form).map_err(Failure::usage)?;
            self.bundle_files.push((name.clone(), Zeroizing::new(bundle)));
        }
        Ok(())
    }
}

impl<'a> Known<'a> {
    fn read(layout: &'a ChainLayout, entry: Option<&HostEntry>, config: &WorkspaceConfig) -> Result<Self, Problem> {
        let recorded = match entry {
            Some(entry) => Recorded {
                host: entry.host.clone(),
                mode: None,
                credential_name: None,
                server_key: None,
                clients: entry.clients.clone(),
            },
            None => entries::shown_by(layout)?,
        };
        let mode = match entry {
            Some(entry) => config.mode_of(entry),
            None => recorded.mode.unwrap_or(config.mode),
        };
        Ok(Self {
            layout,
            mode,
            clients: store::clients(layout)?,
            recorded,
            has_entry: entry.is_some(),
        })
    }

    /// The part of the request that is new.
    fn new_of(&self, request: &Request) -> Result<New, Refusal> {
        let layout = self.layout;
        let refused = |problem: Problem| Refusal::of(layout, problem);
        let own = layout.host().as_str();
        let mut new = New {
            former_mode: (request.typed_mode)
                .filter(|mode| *mode != self.mode)
                .map(|_| self.mode),
            sans: self.new_sans(request).map_err(refused)?,
            clients: Vec::new(),
            bundles: Vec::new(),
            records_client: false,
        };
        if request.bundles.is_some() {
            new.bundles = self.without_bundle();
        }
        if self.wants_own_client(request) {
            new.clients.push(own.to_owned());
        }
        for client in &request.clients {
            if !self.clients.contains(client) {
                if !new.clients.contains(client) {
                    new.clients.push(client.clone());
                }
            } else if client != own && !self.recorded.clients.contains(client) {
                // Left by a process that was killed before it recorded the client.
                new.records_client = true;
            } else if !new.bundles.contains(client) {
                return Err(refused(refusals::has_client(layout, client)));
            }
        }
        if new.is_nothing() {
            return Err(Refusal::nothing_new(
                layout,
                self.has_entry,
                self.asked_in_vain(request),
            ));
        }
        Ok(new)
    }

    /// Whether to issue the host's default client: the mode that was typed needs one. If
    /// its CA cannot issue, another one does.
    fn wants_own_client(&self, request: &Request) -> bool {
        let own = self.layout.host().as_str();
        let has_own = self.clients.iter().any(|client| client == own);
        let can_issue = || {
            let keys = [Part::IntermediateKey, Part::RootKey];
            keys.into_iter().any(|key| self.layout.path(key).exists())
        };
        request.typed_mode.is_some_and(Mode::verifies_clients) && !has_own && (self.clients.is_empty() || can_issue())
    }

    fn new_sans(&self, request: &Request) -> Result<Vec<San>, Problem> {
        if request.sans.is_empty() {
            return Ok(Vec::new());
        }
        let found = certificates(self.layout, Part::ServerCert).map_err(|failure| *failure.problem)?;
        let Some(leaf) = found.first() else {
            return Err(refusals::no_server_certificate(self.layout));
        };
        let names = renew::names(leaf)?;
        let mut new: Vec<San> = Vec::new();
        for san in &request.sans {
            if !names.contains(san) && !new.contains(san) {
                new.push(san.clone());
            }
        }
        Ok(new)
    }

    /// The clients that have a key but no bundle.
    fn without_bundle(&self) -> Vec<String> {
        let has = |part: Part<'_>| self.layout.path(part).exists();
        (self.clients.iter())
            .filter(|name| has(Part::ClientKey(name)) && !has(Part::ClientBundle(name)))
            .cloned()
            .collect()
    }

    /// The part of the request that exists already, in words.
    fn asked_in_vain(&self, request: &Request) -> Vec<String> {
        let mut there = Vec::new();
        if let Some(mode) = request.typed_mode {
            there.push(format!("its mode is {}", mode.word()));
        }
        if !request.sans.is_empty() {
            there.push("its server certificate already has the names of --san".to_owned());
        }
        if request.bundles.is_some() {
            there.push(match self.clients.as_slice() {
                [] => "it has no client for a PKCS#12 bundle".to_owned(),
                _ => "each client whose key is here has its PKCS#12 bundle".to_owned(),
            });
        }
        there
    }

    /// The new server certificate or, if there is none, the first client's certificate.
    fn leaf(&self) -> Result<CertificateDer<'static>, Failure> {
        let mut found = certificates(self.layout, Part::ServerCert)?;
        if let (true, Some(client)) = (found.is_empty(), self.clients.first()) {
            found = certificates(self.layout, Part::ClientCert(client))?;
        }
        let leaf = found.into_iter().next();
        leaf.ok_or_else(|| Failure::usage(refusals::no_server_certificate(self.layout)))
    }

    /// The future entry in istio-tls.yaml.
    fn recorded_with(&self, new: &New, mode: Mode) -> Recorded {
        let own = self.layout.host().as_str();
        let mut recorded = self.recorded.clone();
        if new.former_mode.is_some() {
            recorded.mode = Some(mode);
        }
        for client in self.clients.iter().chain(&new.clients) {
            if client != own && !recorded.clients.contains(client) {
                recorded.clients.push(client.clone());
            }
        }
        recorded
    }
}

impl New {
    fn is_nothing(&self) -> bool {
        self.former_mode.is_none()
            && self.sans.is_empty()
            && self.clients.is_empty()
            && self.bundles.is_empty()
            && !self.records_client
    }
}

impl Standing {
    fn read(layout: &ChainLayout) -> Result<Self, Problem> {
        Ok(Self {
            server: store::read(layout, Part::ServerCert)?,
            authorities: [
                store::read(layout, Part::IntermediateCert)?,
                store::read(layout, Part::RootCert)?,
            ],
            clients: store::clients(layout)?,
        })
    }
}

/// Refuses flags for something that is not issued here.
fn refuse_flags(request: &Request, layout: &ChainLayout, new: &New) -> Result<(), Refusal> {
    let is_met = |flag: Flag| {
        let of_client = !new.clients.is_empty() && flag.shapes_clients();
        of_client || flag == Flag::Days && !new.sans.is_empty()
    };
    let left: Vec<Flag> = request.typed.iter().copied().filter(|flag| !is_met(*flag)).collect();
    if left.is_empty() {
        return Ok(());
    }
    Err(Refusal::of(layout, refusals::flags(layout, &left)))
}
