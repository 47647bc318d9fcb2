//! Creates what a step needs: every file that changes, in memory, verified as a client
//! and the gateway would before anything is written.

mod ca;

use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::chain::{Held, summary};
use super::decide::Step;
use super::outcome::{AbsentKey, Change};
use crate::certs::renew::{self, Renewal};
use crate::certs::verify::{Purpose, VerifyInput, verify};
use crate::certs::{CertificateAuthority, CertificateDer, Client, Issued, PrivateKey, pem, pkcs12};
use crate::files::shown;
use crate::manifests::build::Material;
use crate::ops::authority::Intermediate;
use crate::ops::chain_clients::{self, HeldClient};
use crate::ops::chain_files::{self, KeyStorage};
use crate::ops::client_look::Identity;
use crate::ops::{Failure, Surroundings, intent};
use crate::problem::Problem;
use crate::remedy::{Edit, Kind, Line, Remedy, Word, ours};
use crate::workspace::config::{FILE_NAME, Mode};
use crate::workspace::layout::{ChainLayout, Part};
use crate::workspace::store::{self, Keep, Store, TreeFile};

/// What signs, and the validity.
pub(super) struct Signing<'a> {
    /// The password of CA keys.
    pub(super) password: Option<&'a str>,
    /// Days of validity; the old length by default.
    pub(super) days: Option<u32>,
    /// `--signer`: the CA of another folder.
    pub(super) signer: Option<&'a Intermediate>,
    /// Replace a lost server key. A run over all hosts does not: the key of a host that
    /// was not named may be elsewhere.
    pub(super) replaces_lost_keys: bool,
}

/// Who must be refused from now on, since the CA of their certificate was removed.
pub(super) enum Removed {
    /// Nobody.
    Nobody,
    /// This client must be refused.
    Client(Box<Identity>),
    /// Clients of that CA, but none of their keys is in the workspace.
    WithoutKey,
}

/// One step, ready to be written and verified.
pub(super) struct Prepared {
    pub(super) held: Held,
    pub(super) step: Step,
    pub(super) changes: Vec<Change>,
    pub(super) notes: Vec<String>,
    /// The serial number that it must serve afterwards.
    pub(super) serial: String,
    /// The client as it was, for the probe before.
    pub(super) before: Identity,
    /// Clients that must be accepted afterwards.
    pub(super) after: Vec<Identity>,
    /// Clients that must be refused afterwards.
    pub(super) removed: Removed,
    files: Vec<NewFile>,
    keep: Keep,
}

/// A file to write; wiped when dropped, since it may be a key.
struct NewFile {
    relative: std::path::PathBuf,
    secret: bool,
    content: Zeroizing<Vec<u8>>,
}

impl Prepared {
    /// Issues what the step needs. Nothing is written.
    ///
    /// # Errors
    /// If a CA cannot sign, or what it signed would not verify.
    pub(super) fn new(held: Held, step: Step, signing: &Signing<'_>, here: &Surroundings) -> Result<Self, Failure> {
        let old = summary(&held.server[0])?;
        let mut made = Self {
            before: Identity::of("the client chain", &held.roots, &held.clients),
            serial: old.serial,
            changes: Vec::new(),
            notes: Vec::new(),
            after: Vec::new(),
            removed: Removed::Nobody,
            files: Vec::new(),
            keep: Keep::Everything,
            step: step.clone(),
            held,
        };
        match step {
            Step::Leaves { server, clients } => made.leaves(server, &clients, signing, here)?,
            Step::StartCa => made.start(signing, here)?,
            Step::ResumeCa => made.resume(here)?,
            Step::FinishLeaf => made.finish_leaf(signing, here)?,
            Step::FinishCa => made.finish(here)?,
            Step::AbortCa => made.abort(here)?,
            Step::Nothing(_) | Step::CatchUp { .. } => made.catch_up(here)?,
        }
        made.notes.dedup();
        Ok(made)
    }

    /// Writes every file in one step; does nothing if nothing changes.
    ///
    /// # Errors
    /// If another process changed the chain meanwhile, or it cannot be written; the old
    /// files are still there.
    pub(super) fn write(&self, store: &Store, here: &Surroundings) -> Result<(), Failure> {
        if self.files.is_empty() {
            return Ok(());
        }
        let layout = &self.held.layout;
        if !self.held.stands(here) {
            return Err(Failure::runtime(
                Problem::new(format!(
                    "the chain of {} was changed by another process meanwhile",
                    layout.host()
                ))
                .fix(Remedy::again()),
            ));
        }
        let files: Vec<TreeFile<'_>> = (self.files.iter())
            .map(|file| TreeFile {
                relative: file.relative.clone(),
                secret: file.secret,
                content: &file.content,
            })
            .collect();
        store.write_tree(layout, &files, self.keep).map_err(Failure::runtime)
    }

    /// The host's material as it will be once the step is written.
    ///
    /// # Errors
    /// If a part that is kept cannot be read, or the server's key is not in the
    /// workspace.
    pub(super) fn material(&self) -> Result<Material, Failure> {
        let layout = &self.held.layout;
        let content = |part: Part<'_>| {
            let relative = layout.relative(part);
            match self.files.iter().find(|file| file.relative == relative) {
                Some(file) => Ok(Some(file.content.to_vec())),
                // A new chain: files that it does not contain are removed.
                None if self.keep == Keep::OtherFiles => Ok(None),
                None => store::read(layout, part),
            }
        };
        let material = intent::material_by(layout, content).map_err(Failure::usage)?;
        material.ok_or_else(|| {
            Failure::runtime(Problem::new(format!(
                "the chain of {} would have no server certificate",
                layout.host()
            )))
        })
    }

    /// Whether the server's key will be here once the step is written.
    pub(super) fn has_key(&self) -> bool {
        let key = self.held.layout.relative(Part::ServerKey);
        self.held.has_key() || self.files.iter().any(|file| file.relative == key)
    }

    /// The paths that change.
    pub(super) fn paths(&self) -> impl Iterator<Item = std::path::PathBuf> {
        let folder = self.held.layout.folder();
        self.files.iter().map(move |file| folder.join(&file.relative))
    }

    fn leaves(
        &mut self,
        server: bool,
        clients: &[String],
        signing: &Signing<'_>,
        here: &Surroundings,
    ) -> Result<(), Failure> {
        let layout = self.held.layout.clone();
        if server {
            let ca = self.signer(&self.held.server[0], "the server leaf", signing)?;
            self.server_leaf(ca.get(), signing, here)?;
        }
        for name in clients {
            let Some(client) = self.held.clients.iter().find(|client| client.name == *name) else {
                continue;
            };
            let Some(old) = client.chain.first().cloned() else {
                continue;
            };
            let ca = self.signer(&old, &format!("the client {name}"), signing)?;
            let renewed = renew_leaf(&old, Purpose::Client, None, ca.get(), signing, here)?;
            let above = [ca.get().certificate().clone(), self.held.roots[0].clone()];
            self.client(&layout, name, renewed, &above, signing)?;
        }
        self.check(&self.held.roots.clone(), &self.held.ca_chain.clone(), here)?;
        self.after
            .push(Identity::of("the client chain", &self.held.roots, &self.held.clients));
        if let Some((chain, key)) = self.new_client() {
            let mut renewed = Identity::of("the new client chain", &self.held.roots, &[]);
            renewed.pair = Some((chain, key));
            self.after.push(renewed);
            self.after[0].label = "the old client chain";
        }
        if self.held.rotating {
            let (clients, roots) = self.held.previous(here)?;
            self.after
                .push(Identity::of("the client chain of the previous CA", &roots, &clients));
        }
        Ok(())
    }

    /// Nothing is issued; clients with the present files must be accepted.
    fn catch_up(&mut self, here: &Surroundings) -> Result<(), Failure> {
        self.after
            .push(Identity::of("the client chain", &self.held.roots, &self.held.clients));
        // Clients that trust only the previous CA are served until its leaf is replaced.
        if self.held.rotating && !self.held.state()?.leaf_in_force {
            const LABEL: &str = "the client chain of the previous CA";
            let (clients, roots) = self.held.previous(here)?;
            // The gateway may not know the new CA yet.
            self.before = Identity::of(LABEL, &roots, &clients);
            self.after.push(Identity::of(LABEL, &roots, &clients));
        }
        // The end of a replacement that was interrupted or not verified: its previous CA
        // was removed.
        let gone = chain_clients::gone(&self.held.layout, &self.held.ca_chain, here)?;
        self.refuse(&self.held.roots.clone(), &gone);
        Ok(())
    }

    /// These clients must be refused from now on; a gateway that presents a leaf below
    /// `roots` must refuse the first of them whose key is here.
    fn refuse(&mut self, roots: &[CertificateDer<'static>], clients: &[HeldClient]) {
        if self.held.mode == Mode::Simple || clients.is_empty() {
            return;
        }
        // An expired or revoked client is refused in any case.
        let shown = clients.iter().find(|client| client.can_be_shown());
        self.removed = match shown {
            Some(client) => Removed::Client(Box::new(Identity::of(
                "the client chain of the removed CA",
                roots,
                std::slice::from_ref(client),
            ))),
            None => Removed::WithoutKey,
        };
    }

    /// The CA for a leaf: the one that issued the old leaf, or `--signer`'s if it is the
    /// same.
    fn signer<'s>(
        &self,
        leaf: &CertificateDer<'static>,
        what: &str,
        signing: &'s Signing<'_>,
    ) -> Result<Signer<'s>, Failure> {
        match signing.signer {
            Some(given) if renew::is_issued_by(leaf, given.ca.certificate()) => Ok(Signer::Given(&given.ca)),
            Some(_) => Err(Failure::usage(
                Problem::new(format!(
                    "the CA of --signer did not issue {what} of {}",
                    self.held.layout.host()
                ))
                .why("a leaf is renewed by the CA that issued the previous one")
                .fix("give the folder whose 2_intermediate issued it; or create a CA for this host with --ca"),
            )),
            None => Ok(Signer::Own(Box::new(self.held.issuer_of(
                leaf,
                what,
                signing.password,
            )?))),
        }
    }

    fn server_leaf(
        &mut self,
        ca: &CertificateAuthority,
        signing: &Signing<'_>,
        here: &Surroundings,
    ) -> Result<(), Failure> {
        let layout = self.held.layout.clone();
        let host = layout.host().clone();
        match self.held.absent_key() {
            Some(AbsentKey::Lost) if signing.replaces_lost_keys => {
                self.notes.push("the server key was missing; it is replaced".to_owned());
            }
            Some(absent) => return Err(without_key(&layout, absent)),
            None => {}
        }
        let old = self.held.server[0].clone();
        let renewed = renew_leaf(&old, Purpose::Server, Some(&host), ca, signing, here)?;
        let leaf = renewed.issued.certificate.clone();
        let chain = chain_files::with_leaf(leaf.clone(), &self.held.server, ca.certificate());
        self.put(&layout, Part::ServerCert, text(&chain));
        if let Some(key) = &renewed.issued.key {
            self.files.push(NewFile::key(&layout, Part::ServerKey, key));
        }
        self.notes.extend(renewed.notes);
        self.change("server", Some(old), Some(&leaf))?;
        self.serial = summary(&leaf)?.serial;
        Ok(())
    }

    fn client(
        &mut self,
        layout: &ChainLayout,
        name: &str,
        renewed: renew::Renewed,
        above: &[CertificateDer<'static>; 2],
        signing: &Signing<'_>,
    ) -> Result<(), Failure> {
        let held = self.held.clients.iter().find(|client| client.name == name);
        let old = held.and_then(|client| client.chain.first().cloned());
        let bundles = match held.filter(|client| client.has_bundle) {
            Some(_) => store::read(layout, Part::ClientBundle(name)).map_err(Failure::runtime)?,
            None => None,
        };
        // The new bundle has the form of the old one.
        let bundles = bundles.map(|bundle| pkcs12::Form::of(&bundle));
        if bundles.is_some() && signing.password.is_none() {
            self.notes.push(format!(
                "the password of the new PKCS#12 bundles is {}",
                chain_files::BUNDLE_PASSWORD
            ));
        }
        self.notes.extend(renewed.notes);
        self.change(&format!("client {name}"), old, Some(&renewed.issued.certificate))?;
        let client = [Client {
            name: name.to_owned(),
            issued: renewed.issued,
        }];
        let storage = KeyStorage {
            password: signing.password,
            bundles,
        };
        for (part, content) in chain_files::of_clients(&client, above, storage).map_err(Failure::runtime)? {
            self.files.push(NewFile::new(layout, part, content));
        }
        Ok(())
    }

    /// The first new client, from the files that will be written.
    fn new_client(&self) -> Option<(Vec<CertificateDer<'static>>, PrivateKey)> {
        let content = |part: Part<'_>| {
            let wanted = self.held.layout.relative(part);
            self.files
                .iter()
                .find(|file| file.relative == wanted)
                .map(|file| &file.content)
        };
        self.held.clients.iter().find_map(|client| {
            let chain = pem::certificates(content(Part::ClientCert(&client.name))?, "the new client").ok()?;
            let key = crate::certs::key::read(content(Part::ClientKey(&client.name))?, "the new client", None).ok()?;
            Some((chain, key))
        })
    }

    /// Verifies every new leaf as its peer will, with what will be trusted.
    fn check(
        &self,
        roots: &[CertificateDer<'static>],
        ca_chain: &[CertificateDer<'static>],
        here: &Surroundings,
    ) -> Result<(), Failure> {
        let host = self.held.layout.host();
        let ca_chain = if ca_chain.is_empty() { roots } else { ca_chain };
        for file in &self.files {
            let of = |part: Part<'_>| file.relative == self.held.layout.relative(part);
            let is_client = (self.held.clients.iter()).any(|client| of(Part::ClientCert(&client.name)));
            if !of(Part::ServerCert) && !is_client {
                continue;
            }
            let name = file.relative.display().to_string();
            let chain = pem::certificates(&file.content, &name).map_err(Failure::runtime)?;
            let verdict = verify(&VerifyInput {
                chain: &chain,
                intermediates: &[],
                roots: if is_client { ca_chain } else { roots },
                crls: &[],
                purpose: if is_client { Purpose::Client } else { Purpose::Server },
                host: (!is_client).then_some(host),
                now: here.now,
            });
            if let Some(fault) = verdict.first() {
                return Err(Failure::usage(
                    Problem::new(format!(
                        "the new {name} of {host} would be refused, so nothing was written"
                    ))
                    .why(format!("{} ({})", fault.what, fault.code.as_str()))
                    .fix(ours::verify(host)),
                ));
            }
        }
        Ok(())
    }

    fn change(
        &mut self,
        what: &str,
        old: Option<CertificateDer<'static>>,
        new: Option<&CertificateDer<'static>>,
    ) -> Result<(), Failure> {
        self.changes.push(Change {
            what: what.to_owned(),
            old: old.map(|old| summary(&old)).transpose()?,
            new: new.map(summary).transpose()?,
        });
        Ok(())
    }

    fn put(&mut self, layout: &ChainLayout, part: Part<'_>, content: Vec<u8>) {
        self.files.push(NewFile::new(layout, part, Zeroizing::new(content)));
    }
}

/// Why a leaf whose key is not here is not renewed.
fn without_key(layout: &ChainLayout, absent: AbsentKey) -> Failure {
    let host = layout.host();
    let server_key = |value: Option<&str>| Edit {
        place: FILE_NAME.to_owned(),
        field: format!("serverKey of {host}"),
        value: value.map(str::to_owned),
    };
    let (why, fix) = match absent {
        AbsentKey::Elsewhere => (
            "it is where its certificate request was created, according to istio-tls.yaml (serverKey: elsewhere, which gen-certs --csr records)",
            Remedy::from("create a new request there, then ")
                .and(
                    Line::new(Kind::GenCertsCsr, ["gen-certs"])
                        .arg(host)
                        .flag("--csr", Word::Placeholder("FILE"))
                        .arg("--force"),
                )
                .and(" signs it, with a new CA, which replaces the old one and its clients")
                .or(server_key(None))
                .and(", if the key is lost, so that rotate replaces it"),
        ),
        AbsentKey::Lost => (
            "a run over all hosts replaces no key, since it may be elsewhere",
            Remedy::from(ours::rotate(host))
                .and(" replaces it")
                .or(server_key(Some("elsewhere")))
                .and(", if it is where its certificate request was created"),
        ),
    };
    Failure::usage(
        Problem::new(format!(
            "the server key of {host} is not in the workspace, so it is not replaced"
        ))
        .at(shown(&layout.path(Part::ServerKey)))
        .why(why)
        .fix(fix),
    )
}

impl NewFile {
    fn new(layout: &ChainLayout, part: Part<'_>, content: Zeroizing<Vec<u8>>) -> Self {
        Self {
            relative: layout.relative(part),
            secret: part.is_secret(),
            content,
        }
    }

    fn key(layout: &ChainLayout, part: Part<'_>, key: &PrivateKey) -> Self {
        Self::new(layout, part, Zeroizing::new(key.pem().as_bytes().to_vec()))
    }
}

/// A CA that signs.
enum Signer<'s> {
    Own(Box<CertificateAuthority>),
    Given(&'s CertificateAuthority),
}

impl Signer<'_> {
    fn get(&self) -> &CertificateAuthority {
        match self {
            Self::Own(ca) => ca,
            Self::Given(ca) => ca,
        }
    }
}

fn renew_leaf(
    old: &CertificateDer<'static>,
    purpose: Purpose,
    host: Option<&crate::names::Host>,
    ca: &CertificateAuthority,
    signing: &Signing<'_>,
    here: &Surroundings,
) -> Result<renew::Renewed, Failure> {
    let renewal = Renewal {
        purpose,
        host,
        days: signing.days,
    };
    let now: OffsetDateTime = here.now;
    renew::leaf(old, renewal, ca, now).map_err(Failure::usage)
}

fn ca_of(issued: &Issued) -> Result<CertificateAuthority, Failure> {
    let key = issued
        .key
        .as_ref()
        .ok_or_else(|| Failure::runtime(Problem::new("a new CA has no key")))?;
    CertificateAuthority::new(issued.certificate.clone(), key).map_err(Failure::runtime)
}

fn text<'a>(certificates: impl IntoIterator<Item = &'a CertificateDer<'static>>) -> Vec<u8> {
    pem::certificates_text(certificates).into_bytes()
}
