//! Lines of this program that are advised in more than one place.

use super::kind::Kind;
use super::line::{Line, Word};

/// What stands for a host where none is known.
pub const HOST: Word = Word::Placeholder("HOST");

/// Makes a chain for a host that has none.
pub fn gen_certs(host: impl Into<Word>) -> Line {
    Line::new(Kind::GenCerts, ["gen-certs"]).arg(host)
}

/// Renews the server certificate of a host, from the same CA.
pub fn rotate(host: impl Into<Word>) -> Line {
    Line::new(Kind::Rotate, ["rotate"]).arg(host).of_cluster()
}

/// Renews the server certificate and the client certificates of a host, from the same CA.
pub fn rotate_clients(host: impl Into<Word>) -> Line {
    Line::new(Kind::RotateClients, ["rotate"]).arg(host).arg("--clients").of_cluster()
}

/// Begins to replace the CA of a host.
pub fn rotate_ca(host: impl Into<Word>) -> Line {
    Line::new(Kind::RotateCa, ["rotate"]).arg(host).arg("--ca").of_cluster()
}

/// Ends the replacement of the CA of a host.
pub fn rotate_finish(host: impl Into<Word>) -> Line {
    Line::new(Kind::RotateFinish, ["rotate"]).arg(host).arg("--finish").of_cluster()
}

/// Brings Secrets and gateway up to the files of a host; renews nothing that is not due.
pub fn bring_up(host: impl Into<Word>) -> Line {
    Line::new(Kind::RotateBringUp, ["rotate"])
        .arg(host)
        .flag("--if-expires-in", "0d")
        .of_cluster()
}

/// Renews the revocation lists of a host.
pub fn revoke_renew(host: impl Into<Word>) -> Line {
    Line::new(Kind::RevokeRenew, ["revoke"]).arg(host).arg("--renew")
}

/// Takes the certificate and key of a Secret in place of the files; `secret` is
/// `NAMESPACE/NAME`.
pub fn adopt_secret(secret: &str, host: impl Into<Word>) -> Line {
    Line::new(Kind::AdoptSecret, ["adopt".to_owned(), format!("secret/{secret}")])
        .flag("--host", host)
        .arg("--force")
        .of_cluster()
}

/// Applies the objects of the workspace.
pub fn apply() -> Line {
    Line::new(Kind::Apply, ["apply"]).of_cluster()
}

/// Probes a host where the workspace's gateway runs.
pub fn probe(host: impl Into<Word>) -> Line {
    Line::new(Kind::Probe, ["probe"]).arg(host)
}

/// Probes a host at the gateway of a cluster.
pub fn probe_cluster(host: impl Into<Word>) -> Line {
    Line::new(Kind::ProbeCluster, ["probe"])
        .arg(host)
        .flag("--target", "cluster")
        .of_cluster()
}

/// Prints the Secrets of a host.
pub fn secrets(host: impl Into<Word>) -> Line {
    Line::new(Kind::ManifestsSecrets, ["manifests"]).arg(host).flag("--only", "secrets")
}

/// Lists every lint code.
pub fn lint_codes() -> Line {
    Line::new(Kind::LintExplain, ["lint", "explain"]).anywhere()
}
