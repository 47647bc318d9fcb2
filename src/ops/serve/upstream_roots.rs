//! What `serve` verifies `https` upstreams with: the files of `--upstream-cacert`,
//! otherwise the system's CAs.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::certs::{CertificateDer, pem};
use crate::files::{self, PEM_LIMIT};
use crate::gateway::config::clusters::Upstream;
use crate::gateway::config::table::UpstreamProtocol;
use crate::ops::pem_files::system_roots;
use crate::ops::{Failure, Surroundings};
use crate::problem::Problem;

/// The trust anchors; none if no upstream needs them.
///
/// # Errors
/// If a file cannot be read or contains no certificate, or an upstream must be verified
/// and this system has no CA file.
pub(super) fn read(
    given: &[PathBuf],
    upstreams: &[Upstream],
    here: &Surroundings,
) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let mut paths = given.to_vec();
    if paths.is_empty() {
        let Some(upstream) = upstreams.iter().find(|upstream| is_verified(upstream)) else {
            return Ok(Vec::new());
        };
        let system = system_roots(here.environment.get("SSL_CERT_FILE")).ok_or_else(|| {
            Failure::usage(
                Problem::new(format!(
                    "there are no trusted CAs to verify the upstream https://{}:{} with",
                    upstream.host, upstream.target_port
                ))
                .why("no --upstream-cacert was given, and this system has no CA file")
                .fix("--upstream-cacert FILE"),
            )
        })?;
        paths.push(system);
    }
    let mut roots = Vec::new();
    for path in &paths {
        let content = files::read(path, PEM_LIMIT).map_err(Failure::usage)?;
        let found = pem::certificates(&content, &path.display().to_string()).map_err(Failure::usage)?;
        if found.is_empty() {
            return Err(Failure::usage(
                Problem::new(format!("{} holds no certificate", path.display()))
                    .fix("give the PEM file of the CA that signed the upstream's certificate"),
            ));
        }
        roots.extend(found);
    }
    Ok(roots)
}

/// Whether the upstream uses TLS and may be on another machine. A name is assumed to be;
/// the connection decides.
fn is_verified(upstream: &Upstream) -> bool {
    upstream.protocol == UpstreamProtocol::Https
        && !upstream
            .host
            .parse()
            .is_ok_and(|address: IpAddr| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_verified;
    use crate::gateway::config::clusters::Upstream;

    #[test]
    fn https_elsewhere_is_verified() {
        for (text, expected) in [
            ("a=https://b.example.com", true),
            ("a=https://10.0.0.1:8443", true),
            ("a=https://127.0.0.1:8443", false),
            ("a=https://[::1]:8443", false),
            ("a=http://b.example.com", false),
            ("a=h2c://b.example.com", false),
        ] {
            let upstream = Upstream::parse(text).expect(text);
            assert_eq!(is_verified(&upstream), expected, "{text}");
        }
    }
}
