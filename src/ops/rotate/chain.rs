//! A host's chain in the workspace, read completely before `rotate` decides anything.

use super::decide::ChainState;
use super::outcome::AbsentKey;
use crate::certs::summary::CertificateSummary;
use crate::certs::{CertificateAuthority, CertificateDer, renew};
use crate::files::shown;
use crate::names::Host;
use crate::ops::chain_authorities::{self, ChainAuthority};
use crate::ops::chain_clients::{self, HeldClient, certificates};
use crate::ops::client_look::Asked;
use crate::ops::{Failure, Surroundings};
use crate::problem::Problem;
use crate::remedy::{Kind, Line, Remedy, ours};
use crate::workspace::config::{HostEntry, Mode, ServerKey};
use crate::workspace::layout::{ChainLayout, Part, STATE_FOLDER};
use crate::workspace::store;

/// A host's chain.
pub(super) struct Held {
    pub(super) layout: ChainLayout,
    pub(super) entry: HostEntry,
    pub(super) mode: Mode,
    /// The server's file: the leaf first.
    pub(super) server: Vec<CertificateDer<'static>>,
    /// The file of the roots that clients trust; two of them while a CA is being
    /// replaced.
    pub(super) roots: Vec<CertificateDer<'static>>,
    /// The certificates that clients are verified against.
    pub(super) ca_chain: Vec<CertificateDer<'static>>,
    /// The intermediate; none if the root issues leaves.
    pub(super) intermediate: Option<CertificateDer<'static>>,
    /// The clients, with the host's default client first.
    pub(super) clients: Vec<HeldClient>,
    /// A replacement of the CA was started.
    pub(super) rotating: bool,
}

impl Held {
    /// Reads the chain of a host.
    ///
    /// # Errors
    /// If there is none, or a required part is missing or broken.
    pub(super) fn read(here: &Surroundings, host: &Host, entry: Option<(HostEntry, Mode)>) -> Result<Self, Failure> {
        let layout = ChainLayout::new(&here.dir, host);
        let server = certificates(&layout, Part::ServerCert)?;
        let (Some((entry, mode)), false) = (entry, server.is_empty()) else {
            return Err(Failure::usage(
                Problem::new(format!("there is no chain for {host}"))
                    .at(shown(&layout.path(Part::ServerCert)))
                    .fix(ours::gen_certs(host)),
            ));
        };
        let mut roots = certificates(&layout, Part::RootCert)?;
        let ca_chain = certificates(&layout, Part::CaChain)?;
        if roots.is_empty() {
            roots.extend(ca_chain.last().cloned());
        }
        if roots.is_empty() {
            let (leaf, root) = (layout.path(Part::ServerCert), layout.path(Part::RootCert));
            let fix = if renew::is_issued_by(&server[0], &server[0]) {
                // Whoever must trust it has the certificate itself.
                let folder = shown(root.parent().unwrap_or(&root));
                let line = Line::new(Kind::CopyFile, ["mkdir", "-p", folder.as_str()])
                    .and(Line::new(Kind::CopyFile, ["cp".to_owned(), shown(&leaf), shown(&root)]));
                Remedy::from(line).and("  (a self-signed certificate is its own root)")
            } else {
                "add the CA's certificate".into()
            };
            return Err(Failure::usage(
                Problem::new(format!("the chain of {host} has no root"))
                    .at(shown(&root))
                    .why("nothing new could be verified against what clients trust")
                    .fix(fix),
            ));
        }
        Ok(Self {
            clients: chain_clients::of_chain(&layout, here.now)?,
            intermediate: certificates(&layout, Part::IntermediateCert)?.into_iter().next(),
            rotating: store::has_previous_ca(&layout),
            layout,
            entry,
            mode,
            server,
            roots,
            ca_chain,
        })
    }

    /// Whether the key of the server's leaf is in the workspace.
    pub(super) fn has_key(&self) -> bool {
        self.layout.path(Part::ServerKey).symlink_metadata().is_ok()
    }

    /// Where the key of the server's leaf is, if it is not in the workspace.
    pub(super) fn absent_key(&self) -> Option<AbsentKey> {
        if self.has_key() {
            return None;
        }
        Some(match self.entry.server_key {
            ServerKey::Here => AbsentKey::Lost,
            ServerKey::Elsewhere => AbsentKey::Elsewhere,
        })
    }

    /// Whether the server's certificate is self-signed and so its own root.
    pub(super) fn is_own_root(&self) -> bool {
        self.server.first() == self.roots.first()
    }

    /// Whether the chain's last change finished a replacement of its CA.
    pub(super) fn has_ended(&self, here: &Surroundings) -> bool {
        !self.rotating && store::has_previous_ca(&self.layout.kept_in(&here.dir.join(STATE_FOLDER).join("old")))
    }

    /// Whether the folder is unchanged since it was read.
    pub(super) fn stands(&self, here: &Surroundings) -> bool {
        Self::read(here, self.layout.host(), Some(self.known())).is_ok_and(|now| {
            let chains = |held: &Self| -> Vec<_> {
                let clients = held.clients.iter();
                clients
                    .map(|client| (client.name.clone(), client.chain.clone()))
                    .collect()
            };
            (&now.server, &now.roots, &now.ca_chain, now.rotating)
                == (&self.server, &self.roots, &self.ca_chain, self.rotating)
                && chains(&now) == chains(self)
        })
    }

    /// What the workspace records for the host.
    pub(super) fn known(&self) -> (HostEntry, Mode) {
        (self.entry.clone(), self.mode)
    }

    /// The clients of the previous CA, and the roots that they trust.
    ///
    /// # Errors
    /// If they cannot be read.
    pub(super) fn previous(
        &self,
        here: &Surroundings,
    ) -> Result<(Vec<HeldClient>, Vec<CertificateDer<'static>>), Failure> {
        let clients = chain_clients::of_previous_ca(&self.layout, here.now)?;
        Ok((clients, certificates(&self.layout.previous_ca(), Part::RootCert)?))
    }

    /// What a gateway is probed for.
    pub(super) fn asked(&self) -> Asked<'_> {
        Asked {
            layout: &self.layout,
            entry: &self.entry,
            mode: self.mode,
        }
    }

    /// The basis of the decision.
    ///
    /// # Errors
    /// If a certificate cannot be read.
    pub(super) fn state(&self) -> Result<ChainState, Failure> {
        let issued_server = |ca: &ChainAuthority| renew::is_issued_by(&self.server[0], &ca.certificate);
        let issuer = self.issuers()?.into_iter().find(issued_server);
        let leaf_in_force = issuer.as_ref().is_none_or(|issuer| issuer.layout == self.layout);
        let mut cas = Vec::new();
        if let Some(intermediate) = &self.intermediate {
            cas.push(("intermediate", summary(intermediate)?));
        }
        cas.push(("root", summary(&self.roots[0])?));
        let server = summary(&self.server[0])?;
        Ok(ChainState {
            host: self.layout.host().clone(),
            issuer_ends: match issuer {
                Some(issuer) => summary(&issuer.certificate)?.not_after,
                // Nobody here can sign; that is reported when it is tried.
                None => server.not_after + time::Duration::DAY,
            },
            server,
            clients: (self.clients.iter())
                .filter_map(|client| Some((client.name.clone(), client.chain.first()?)))
                .map(|(name, leaf)| Ok((name, summary(leaf)?)))
                .collect::<Result<_, Failure>>()?,
            cas,
            rotating: self.rotating,
            leaf_in_force,
        })
    }

    /// Every CA with a certificate in the folder, the current ones first.
    fn issuers(&self) -> Result<Vec<ChainAuthority>, Failure> {
        chain_authorities::of(&[self.layout.clone(), self.layout.previous_ca()])
    }

    /// The CA that issued a leaf, ready to sign.
    ///
    /// # Errors
    /// If none here issued it, or its key is missing, encrypted and there is no password,
    /// or another CA's.
    pub(super) fn issuer_of(
        &self,
        leaf: &CertificateDer<'static>,
        what: &str,
        password: Option<&str>,
    ) -> Result<CertificateAuthority, Failure> {
        let issuers = self.issuers()?;
        let Some(issuer) = chain_authorities::issuer_of(&issuers, leaf) else {
            return Err(Failure::usage(
                Problem::new(format!("no CA in {}/ issued {what}", shown(&self.layout.folder())))
                    .why("a leaf is renewed by the CA that issued the previous one")
                    .fix(
                        Remedy::from("renew it where it was issued, then adopt it with ")
                            .and(ours::adopt_files(self.layout.host()))
                            .and("; or create a CA here with ")
                            .and(ours::rotate_ca(self.layout.host())),
                    ),
            ));
        };
        let key = issuer.layout.path(issuer.key);
        if key.symlink_metadata().is_err() {
            return Err(Failure::usage(
                Problem::new(format!(
                    "{what} cannot be renewed: the key of its CA is not in the workspace"
                ))
                .at(shown(&key))
                .why(
                    "a chain created with gen-certs --ca or taken over with adopt may \
                        contain only its CA's certificate",
                )
                .fix(
                    Remedy::from(
                        "give the folder that has the key with --signer DIR; or create a CA for this host with ",
                    )
                    .and(ours::rotate_ca(self.layout.host())),
                ),
            ));
        }
        issuer.open(password)
    }
}

/// A short description of a certificate.
///
/// # Errors
/// If it cannot be read.
pub(super) fn summary(certificate: &CertificateDer<'_>) -> Result<CertificateSummary, Failure> {
    CertificateSummary::of(certificate).map_err(Failure::usage)
}
