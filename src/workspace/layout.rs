//! The paths of a host's chain: the same folders as generate.sh creates. Pure: names in,
//! paths out.

use std::net::Ipv6Addr;
use std::path::{Path, PathBuf};

use crate::names::Host;

/// The workspace's own folder: the lock, trees being built, trees that were replaced, and
/// the state file of a running `serve`.
pub const STATE_FOLDER: &str = ".istio-tls";
/// In a host's folder, while its CA is being replaced: the previous CA and the clients
/// that it issued. Its existence is the record of the replacement, so one exchange of the
/// host's folder changes files and record together.
pub const PREVIOUS_CA_FOLDER: &str = "5_previous_ca";

/// One file of a host's chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Part<'a> {
    /// The root certificate.
    RootCert,
    /// The root's key; absent if the root is shared (`--root`, `--ca`).
    RootKey,
    /// CRL of the root.
    RootCrl,
    /// The intermediate certificate.
    IntermediateCert,
    /// Intermediate, then root.
    CaChain,
    /// The intermediate's key; absent if it is shared (`--ca`).
    IntermediateKey,
    /// CRL of the intermediate.
    IntermediateCrl,
    /// The server's leaf, then the intermediate.
    ServerCert,
    /// The server's key.
    ServerKey,
    /// A client's leaf, then the intermediate. The first client is named like the host.
    ClientCert(&'a str),
    /// A client's key.
    ClientKey(&'a str),
    /// A client's PKCS#12 bundle.
    ClientBundle(&'a str),
}

impl Part<'_> {
    /// Whether the file contains a private key, so that only its owner may read it.
    pub fn is_secret(self) -> bool {
        matches!(
            self,
            Self::RootKey | Self::IntermediateKey | Self::ServerKey | Self::ClientKey(_) | Self::ClientBundle(_)
        )
    }
}

/// The paths of one host's chain below a workspace folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChainLayout {
    workspace: PathBuf,
    host: Host,
    /// The files belong to the previous CA.
    previous: bool,
}

impl ChainLayout {
    /// The chain of `host` in the workspace folder.
    pub fn new(workspace: &Path, host: &Host) -> Self {
        Self {
            workspace: workspace.to_owned(),
            host: host.clone(),
            previous: false,
        }
    }

    /// The chain of the CA that is being replaced: the same files except the server's,
    /// below [`PREVIOUS_CA_FOLDER`] of the same host's folder.
    #[must_use]
    pub fn previous_ca(&self) -> Self {
        Self {
            previous: true,
            ..self.clone()
        }
    }

    /// The same chain as kept in another folder.
    #[must_use]
    pub fn kept_in(&self, folder: &Path) -> Self {
        Self {
            workspace: folder.to_owned(),
            ..self.clone()
        }
    }

    /// The host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The folder of the whole chain.
    pub fn folder(&self) -> PathBuf {
        self.workspace.join(self.host.folder_name())
    }

    /// A file's path below [`Self::folder`].
    pub fn relative(&self, part: Part<'_>) -> PathBuf {
        let host = self.host.folder_name();
        let client = |name: &str| -> String {
            if name == self.host.as_str() {
                host.clone()
            } else {
                client_file_name(name)
            }
        };
        let path: PathBuf = match part {
            Part::RootCert => "1_root/certs/ca.cert.pem".into(),
            Part::RootKey => "1_root/private/ca.key.pem".into(),
            Part::RootCrl => "1_root/crl/ca.crl.pem".into(),
            Part::IntermediateCert => "2_intermediate/certs/intermediate.cert.pem".into(),
            Part::CaChain => "2_intermediate/certs/ca-chain.cert.pem".into(),
            Part::IntermediateKey => "2_intermediate/private/intermediate.key.pem".into(),
            Part::IntermediateCrl => "2_intermediate/crl/intermediate.crl.pem".into(),
            Part::ServerCert => format!("3_application/certs/{host}.cert.pem").into(),
            Part::ServerKey => format!("3_application/private/{host}.key.pem").into(),
            Part::ClientCert(name) => format!("4_client/certs/{}.cert.pem", client(name)).into(),
            Part::ClientKey(name) => format!("4_client/private/{}.key.pem", client(name)).into(),
            Part::ClientBundle(name) => format!("4_client/private/{}.p12", client(name)).into(),
        };
        if self.previous {
            Path::new(PREVIOUS_CA_FOLDER).join(path)
        } else {
            path
        }
    }

    /// The clients whose certificates have these file names: the host's default client
    /// first, then by name.
    pub fn clients_of(&self, file_names: &[String]) -> Vec<String> {
        let own = self.host.folder_name();
        let certificates = file_names.iter().filter_map(|name| name.strip_suffix(".cert.pem"));
        let mut clients: Vec<String> = certificates
            .map(|name| match name.strip_prefix("_wildcard.") {
                _ if name == own => self.host.as_str().to_owned(),
                // Only at the beginning: a client's name may contain it.
                Some(rest) => format!("*.{rest}"),
                None => name.to_owned(),
            })
            .collect();
        clients.sort_by_key(|name| (name != self.host.as_str(), name.clone()));
        clients
    }

    /// A file's path.
    pub fn path(&self, part: Part<'_>) -> PathBuf {
        self.folder().join(self.relative(part))
    }
}

/// The paths of a root that many hosts share (`--root DIR`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootLayout(PathBuf);

impl RootLayout {
    /// The root in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The certificate.
    pub fn cert(&self) -> PathBuf {
        self.0.join("certs/ca.cert.pem")
    }

    /// The key.
    pub fn key(&self) -> PathBuf {
        self.0.join("private/ca.key.pem")
    }
}

/// The host of a folder with this name, the reverse of [`Host::folder_name`].
pub fn host_of_folder(name: &str) -> Option<Host> {
    if let Some(rest) = name.strip_prefix("_wildcard.") {
        return Host::parse(&format!("*.{rest}")).ok();
    }
    if let Some(rest) = name.strip_prefix("_name.") {
        return Host::parse(rest).ok().filter(|host| host.folder_name() == name);
    }
    if let Ok(address) = name.replace('-', ":").parse::<Ipv6Addr>() {
        return Host::parse(&address.to_string()).ok();
    }
    Host::parse(name).ok().filter(|host| host.folder_name() == name)
}

/// A client's name as a file name: hosts like their folder, other names unchanged (they
/// were checked before).
fn client_file_name(name: &str) -> String {
    match name.strip_prefix("*.") {
        Some(rest) => format!("_wildcard.{rest}"),
        None => name.replace(':', "-"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{ChainLayout, Part, host_of_folder};
    use crate::names::Host;

    #[test]
    fn the_paths_are_those_of_generate_sh() {
        let host = Host::parse("httpbin.example.com").expect("a host");
        let layout = ChainLayout::new(Path::new("w"), &host);
        for (part, path) in [
            (Part::RootCert, "1_root/certs/ca.cert.pem"),
            (Part::RootKey, "1_root/private/ca.key.pem"),
            (Part::IntermediateCert, "2_intermediate/certs/intermediate.cert.pem"),
            (Part::CaChain, "2_intermediate/certs/ca-chain.cert.pem"),
            (Part::IntermediateKey, "2_intermediate/private/intermediate.key.pem"),
            (Part::ServerCert, "3_application/certs/httpbin.example.com.cert.pem"),
            (Part::ServerKey, "3_application/private/httpbin.example.com.key.pem"),
            (
                Part::ClientCert("httpbin.example.com"),
                "4_client/certs/httpbin.example.com.cert.pem",
            ),
            (Part::ClientKey("alice"), "4_client/private/alice.key.pem"),
            (Part::ClientBundle("alice"), "4_client/private/alice.p12"),
        ] {
            assert_eq!(layout.path(part), Path::new("w/httpbin.example.com").join(path));
            assert_eq!(
                layout.previous_ca().path(part),
                Path::new("w/httpbin.example.com/5_previous_ca").join(path)
            );
        }
    }

    #[test]
    fn folders_lead_back_to_their_hosts() {
        for name in [
            "a.com",
            "*.a.com",
            "::1",
            "2001:db8::7",
            "10.0.0.1",
            "xn--bcher-kva.example",
            "fe80--1",
        ] {
            let host = Host::parse(name).expect(name);
            assert_eq!(host_of_folder(&host.folder_name()), Some(host), "{name}");
        }
        for name in [".git", "A.com", "a b", "", "..", "node_modules", "istio-tls.yaml~"] {
            assert_eq!(host_of_folder(name), None, "{name}");
        }
    }
}
