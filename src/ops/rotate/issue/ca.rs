//! The files for a new CA, and for finishing or aborting its introduction.
//!
//! # Why a new CA comes in two phases
//!
//! Two kinds of verifiers trust the old CA: the gateway (client certificates) and the
//! clients (the server's certificate). Nobody can change all clients at one moment, so
//! for a time some have moved and some have not.
//!
//! * `--ca`: the gateway trusts both CAs, so it accepts old and new client
//!   certificates. It still serves a leaf of the **old** CA: clients that trust only
//!   the old root notice nothing, and clients that have moved trust both roots, since
//!   the files for clients (ca.cert.pem, ca-chain.cert.pem) contain both.
//! * `--finish`, when every client has moved, is two exchanges with a verification
//!   between them. First the leaf is issued by the new CA, while the files for clients
//!   still contain both roots, so that a client that reads them before the gateway has
//!   the new leaf is not refused; then the old CA is removed.
//!
//! At each moment every verifier trusts whatever its peer may present. Cross-signing the
//! new CA with the old root would let the new leaf be served at once, but it needs the
//! old root's key (often kept elsewhere; its loss may be the reason for the replacement),
//! and it relies on every client finding, among two paths, the one that it trusts, which
//! old TLS libraries do not.

use zeroize::Zeroizing;

use super::{NewFile, Prepared, Signing, ca_of, renew_leaf, text};
use crate::certs::renew::{self, Succession};
use crate::certs::verify::{Purpose, VerifyInput, verify};
use crate::certs::{CertificateDer, Issued, crl, pem};
use crate::files::{self, shown};
use crate::ops::authority::{self, Intermediate};
use crate::ops::chain_clients::certificates;
use crate::ops::chain_files;
use crate::ops::client_look::Identity;
use crate::ops::{Failure, Surroundings};
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::workspace::layout::{ChainLayout, PREVIOUS_CA_FOLDER, Part};
use crate::workspace::store::{self, Keep};

impl Prepared {
    pub(super) fn start(&mut self, signing: &Signing<'_>, here: &Surroundings) -> Result<(), Failure> {
        let layout = self.held.layout.clone();
        let previous = layout.previous_ca();
        self.check_password(signing)?;
        let Succession {
            root,
            intermediate,
            notes,
        } = renew::succession(
            layout.host(),
            &self.held.roots[0],
            self.held.intermediate.as_ref(),
            self.held.is_own_root(),
            here.now,
        )
        .map_err(Failure::usage)?;
        self.notes.extend(notes);
        self.note_sharers(here)?;
        self.change("root", self.held.roots.first().cloned(), Some(&root.certificate))?;
        self.change(
            "intermediate",
            self.held.intermediate.clone(),
            Some(&intermediate.certificate),
        )?;
        // The files to remove later, and those that restore the old CA.
        let mut kept = vec![
            Part::RootCert,
            Part::RootKey,
            Part::IntermediateCert,
            Part::CaChain,
            Part::IntermediateKey,
        ];
        for client in &self.held.clients {
            kept.extend([
                Part::ClientCert(&client.name),
                Part::ClientKey(&client.name),
                Part::ClientBundle(&client.name),
            ]);
        }
        let mut files = Vec::new();
        for part in kept {
            if let Some(content) = store::read(&layout, part).map_err(Failure::usage)? {
                files.push(NewFile::new(&previous, part, Zeroizing::new(content)));
            }
        }
        self.files.append(&mut files);
        let ca = ca_of(&intermediate)?;
        let roots: Vec<_> = [&root.certificate]
            .into_iter()
            .chain(&self.held.roots)
            .cloned()
            .collect();
        let old_chain = if self.held.ca_chain.is_empty() {
            &self.held.roots
        } else {
            &self.held.ca_chain
        };
        let ca_chain: Vec<_> = [&intermediate.certificate, &root.certificate]
            .into_iter()
            .chain(old_chain)
            .cloned()
            .collect();
        self.put(&layout, Part::RootCert, text(&roots));
        self.put(&layout, Part::IntermediateCert, text([&intermediate.certificate]));
        self.put(&layout, Part::CaChain, text(&ca_chain));
        for (part, issued) in [(Part::RootKey, &root), (Part::IntermediateKey, &intermediate)] {
            if let Some(key) = &issued.key {
                let content = chain_files::ca_key(key, signing.password).map_err(Failure::runtime)?;
                self.files.push(NewFile::new(&layout, part, content));
            }
        }
        self.start_crls(&layout, &root, &intermediate, here)?;
        let above = [intermediate.certificate.clone(), root.certificate.clone()];
        let names: Vec<String> = self.held.clients.iter().map(|client| client.name.clone()).collect();
        for name in &names {
            let client = self.held.clients.iter().find(|client| client.name == *name);
            if let Some(old) = client.and_then(|client| client.chain.first().cloned()) {
                let renewed = renew_leaf(&old, Purpose::Client, None, &ca, signing, here)?;
                self.client(&layout, name, renewed, &above, signing)?;
            }
        }
        self.check(&roots, &ca_chain, here)?;
        self.after.push(Identity::of(
            "the old client chain",
            &self.held.roots,
            &self.held.clients,
        ));
        let mut moved = Identity::of("the new client chain", &roots, &[]);
        moved.pair = self.new_client();
        self.after.push(moved);
        Ok(())
    }

    /// A shared CA is replaced for this host only.
    fn note_sharers(&mut self, here: &Surroundings) -> Result<(), Failure> {
        let layout = &self.held.layout;
        if !files::is_there(&layout.path(Part::RootKey)).map_err(Failure::usage)? && !self.held.is_own_root() {
            self.notes.push(format!(
                "the key of the old root is not in the workspace, as with a shared root; the new \
                 root belongs only to {}",
                layout.host()
            ));
        }
        let Some(own) = &self.held.intermediate else {
            return Ok(());
        };
        let mut sharers = Vec::new();
        for other in store::find_chains(&here.dir).map_err(Failure::usage)? {
            if other != *layout && certificates(&other, Part::IntermediateCert)?.contains(own) {
                sharers.push(other.host().to_string());
            }
        }
        if !sharers.is_empty() {
            self.notes.push(format!(
                "the CA to be removed has also issued for {}, whose leaves cannot be renewed \
                 after --finish: run rotate --ca for these hosts as well",
                sharers.join(", ")
            ));
        }
        Ok(())
    }

    /// If there are CRLs, every CA needs one: Envoy refuses the clients of a CA without a
    /// CRL.
    fn start_crls(
        &mut self,
        layout: &ChainLayout,
        root: &Issued,
        intermediate: &Issued,
        here: &Surroundings,
    ) -> Result<(), Failure> {
        let parts = [(Part::RootCrl, root), (Part::IntermediateCrl, intermediate)];
        let mut old = Vec::new();
        for (part, _) in parts {
            old.push(store::read(layout, part).map_err(Failure::usage)?);
        }
        if old.iter().all(Option::is_none) {
            return Ok(());
        }
        for ((part, issued), old) in parts.into_iter().zip(old) {
            let list = crl::issue(&crl::Contents::default(), &ca_of(issued)?, here.now).map_err(Failure::usage)?;
            let mut content = crl::text(&list).into_bytes();
            content.extend(old.unwrap_or_default());
            self.put(layout, part, content);
        }
        Ok(())
    }

    pub(super) fn resume(&mut self, here: &Surroundings) -> Result<(), Failure> {
        let (clients, roots) = self.held.previous(here)?;
        // A client whose CA the gateway may not know yet says nothing about the state
        // before.
        self.before = Identity::of("the old client chain", &roots, &clients);
        self.after.push(Identity::of("the old client chain", &roots, &clients));
        self.after.push(Identity::of(
            "the new client chain",
            &self.held.roots,
            &self.held.clients,
        ));
        Ok(())
    }

    pub(super) fn finish_leaf(&mut self, signing: &Signing<'_>, here: &Surroundings) -> Result<(), Failure> {
        let Intermediate { ca, root } = authority::intermediate_of_host(&self.held.layout, signing.password)?;
        self.server_leaf(&ca, signing, here)?;
        let moved = std::slice::from_ref(&root);
        self.check(moved, &self.held.ca_chain.clone(), here)?;
        self.after
            .push(Identity::of("the new client chain", moved, &self.held.clients));
        Ok(())
    }

    pub(super) fn finish(&mut self, here: &Surroundings) -> Result<(), Failure> {
        let layout = self.held.layout.clone();
        let previous = layout.previous_ca();
        let root = self.held.roots[0].clone();
        for (what, part, new) in [
            ("root", Part::RootCert, Some(root.clone())),
            ("intermediate", Part::IntermediateCert, self.held.intermediate.clone()),
        ] {
            let gone = certificates(&previous, part)?;
            self.change(what, gone.first().cloned(), new.as_ref())?;
        }
        let ca_chain: Vec<_> = self.held.intermediate.iter().chain([&root]).cloned().collect();
        self.put(&layout, Part::RootCert, text([&root]));
        self.put(&layout, Part::CaChain, text(&ca_chain));
        self.keep_crls(&layout, &ca_chain)?;
        self.keep = Keep::EverythingButPreviousCa;
        let (gone, _) = self.held.previous(here)?;
        self.refuse(std::slice::from_ref(&root), &gone);
        self.after
            .push(Identity::of("the new client chain", &[root], &self.held.clients));
        Ok(())
    }

    pub(super) fn abort(&mut self, here: &Surroundings) -> Result<(), Failure> {
        let layout = self.held.layout.clone();
        let previous = layout.previous_ca();
        let (clients, roots) = self.held.previous(here)?;
        self.check_previous(&roots, here)?;
        let back = certificates(&previous, Part::IntermediateCert)?.into_iter().next();
        self.change("root", self.held.roots.first().cloned(), roots.first())?;
        self.change("intermediate", self.held.intermediate.clone(), back.as_ref())?;
        let mut parts = vec![
            Part::RootCert,
            Part::RootKey,
            Part::IntermediateCert,
            Part::CaChain,
            Part::IntermediateKey,
        ];
        for client in &clients {
            parts.extend([
                Part::ClientCert(&client.name),
                Part::ClientKey(&client.name),
                Part::ClientBundle(&client.name),
            ]);
        }
        for (from, parts) in [
            (&previous, parts.as_slice()),
            (&layout, &[Part::ServerCert, Part::ServerKey]),
        ] {
            for part in parts {
                if let Some(content) = store::read(from, *part).map_err(Failure::usage)? {
                    self.files.push(NewFile::new(&layout, *part, Zeroizing::new(content)));
                }
            }
        }
        let cas: Vec<_> = back.into_iter().chain(roots.iter().cloned()).collect();
        self.keep_crls(&layout, &cas)?;
        // The whole chain is among the files.
        self.keep = Keep::OtherFiles;
        for client in &self.held.clients {
            if !clients.iter().any(|known| known.name == client.name) {
                self.notes.push(format!(
                    "the client {} was issued by the new CA and was removed with it; \
                     gen-certs --client issues it again",
                    client.name
                ));
            }
        }
        let gone = std::mem::take(&mut self.held.clients);
        self.refuse(&roots, &gone);
        self.held.clients = gone;
        self.after.push(Identity::of("the client chain", &roots, &clients));
        Ok(())
    }

    /// Refuses to restore a CA that did not issue the server's leaf, as after a manual
    /// change of its folder.
    fn check_previous(&self, roots: &[CertificateDer<'static>], here: &Surroundings) -> Result<(), Failure> {
        let layout = &self.held.layout;
        let faults = |roots: &[CertificateDer<'static>]| {
            verify(&VerifyInput {
                chain: &self.held.server,
                intermediates: &[],
                roots,
                crls: &[],
                purpose: Purpose::Server,
                host: Some(layout.host()),
                now: here.now,
            })
            .faults
        };
        let known = faults(&self.held.roots);
        // An existing fault of the leaf is no reason to keep the new CA.
        let new = (faults(roots).into_iter()).find(|fault| known.iter().all(|other| other.code != fault.code));
        let Some(fault) = new else { return Ok(()) };
        let folder = shown(&layout.folder().join(PREVIOUS_CA_FOLDER));
        Err(Failure::usage(
            Problem::new(format!(
                "the CA in {folder}/ did not issue the server leaf of {}, so it is not restored",
                layout.host()
            ))
            .at(shown(&layout.previous_ca().path(Part::RootCert)))
            .why(format!("{} ({})", fault.what, fault.code.as_str()))
            .fix(Remedy::from("restore its original files").or(ours::rotate_finish(layout.host()))),
        ))
    }

    /// Keeps only the CRLs of these CAs.
    fn keep_crls(&mut self, layout: &ChainLayout, cas: &[CertificateDer<'static>]) -> Result<(), Failure> {
        for part in [Part::RootCrl, Part::IntermediateCrl] {
            let Some(content) = store::read(layout, part).map_err(Failure::usage)? else {
                continue;
            };
            let lists = pem::crls(&content, &layout.path(part).display().to_string()).map_err(Failure::usage)?;
            let kept: String = (lists.iter())
                .filter(|list| cas.iter().any(|ca| crl::is_of(list, ca)))
                .map(crl::text)
                .collect();
            if !kept.is_empty() {
                self.put(layout, part, kept.into_bytes());
            }
        }
        Ok(())
    }

    /// The new keys must not be encrypted with another password than the old ones, nor be
    /// left unencrypted for lack of one.
    fn check_password(&self, signing: &Signing<'_>) -> Result<(), Failure> {
        let layout = &self.held.layout;
        for (cert, key) in [
            (Part::IntermediateCert, Part::IntermediateKey),
            (Part::RootCert, Part::RootKey),
        ] {
            let (cert, key) = (layout.path(cert), layout.path(key));
            let is_there = |path| files::is_there(path).map_err(Failure::usage);
            if is_there(&cert)? && is_there(&key)? {
                authority::ca(&cert, &key, signing.password)?;
            }
        }
        Ok(())
    }
}
