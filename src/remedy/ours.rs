//! Command lines of this program that are suggested in more than one place.

use super::Remedy;
use super::kind::Kind;
use super::line::{Line, Word};

/// Placeholder for an unknown host.
pub const HOST: Word = Word::Placeholder("HOST");

/// Issues a chain for a host that has none.
pub fn gen_certs(host: impl Into<Word>) -> Line {
    Line::new(Kind::GenCerts, ["gen-certs"]).arg(host)
}

/// The first line of the README.
pub fn gen_certs_example() -> Line {
    gen_certs("httpbin.example.com")
}

/// Issues a new chain and CA for a host in place of the existing ones. The text beside it
/// must say what is lost.
pub fn gen_certs_force(host: impl Into<Word>) -> Line {
    Line::new(Kind::GenCertsForce, ["gen-certs"]).arg(host).arg("--force")
}

/// Issues a new chain, with keys that every client and Envoy accept, in place of the
/// existing one. The text beside it must say that the CA is replaced.
pub fn gen_certs_p256(host: impl Into<Word>) -> Line {
    Line::new(Kind::GenCertsKeyType, ["gen-certs"])
        .arg(host)
        .flag("--key-type", "ecdsa-p256")
        .arg("--force")
}

/// Records mode mutual for a host that has a chain, and issues a client certificate if
/// there is none; the CA stays the same.
pub fn make_mutual(host: impl Into<Word>) -> Line {
    Line::new(Kind::GenCertsMode, ["gen-certs"])
        .arg(host)
        .flag("--mode", "mutual")
}

/// Records mode simple for a host that has a chain: clients are no longer asked for a
/// certificate.
pub fn make_simple(host: impl Into<Word>) -> Line {
    Line::new(Kind::GenCertsMode, ["gen-certs"])
        .arg(host)
        .flag("--mode", "simple")
}

/// Adds a name to the server certificate of a host that has a chain; key and CA stay the
/// same.
pub fn add_name(host: impl Into<Word>, name: impl Into<Word>) -> Line {
    Line::new(Kind::GenCertsSan, ["gen-certs"])
        .arg(host)
        .flag("--san", name)
}

/// Adds a client to the chain of a host, from the same CA.
pub fn gen_certs_client(host: impl Into<Word>, client: impl Into<Word>) -> Line {
    Line::new(Kind::GenCertsClient, ["gen-certs"])
        .arg(host)
        .flag("--client", client)
}

/// Renews the server certificate of a host, from the same CA.
pub fn rotate(host: impl Into<Word>) -> Line {
    Line::new(Kind::Rotate, ["rotate"]).arg(host).of_cluster()
}

/// Renews the server certificate and the client certificates of a host, from the same CA.
pub fn rotate_clients(host: impl Into<Word>) -> Line {
    Line::new(Kind::RotateClients, ["rotate"])
        .arg(host)
        .arg("--clients")
        .of_cluster()
}

/// Starts to replace the CA of a host.
pub fn rotate_ca(host: impl Into<Word>) -> Line {
    Line::new(Kind::RotateCa, ["rotate"]).arg(host).arg("--ca").of_cluster()
}

/// Finishes the replacement of the CA of a host.
pub fn rotate_finish(host: impl Into<Word>) -> Line {
    Line::new(Kind::RotateFinish, ["rotate"])
        .arg(host)
        .arg("--finish")
        .of_cluster()
}

/// Aborts the replacement of the CA of a host.
pub fn rotate_abort(host: impl Into<Word>) -> Line {
    Line::new(Kind::RotateAbort, ["rotate"])
        .arg(host)
        .arg("--abort")
        .of_cluster()
}

/// Updates Secrets and gateway to match the files of a host; renews only what is due.
pub fn bring_up(host: impl Into<Word>) -> Line {
    Line::new(Kind::RotateBringUp, ["rotate"])
        .arg(host)
        .flag("--if-expires-in", "0d")
        .of_cluster()
}

/// Renews the CRLs of a host.
pub fn revoke_renew(host: impl Into<Word>) -> Line {
    Line::new(Kind::RevokeRenew, ["revoke"]).arg(host).arg("--renew")
}

/// Adopts the certificate and key of a Secret in place of the files; `secret` is
/// `NAMESPACE/NAME`.
pub fn adopt_secret(secret: &str, host: impl Into<Word>) -> Line {
    Line::new(Kind::AdoptSecret, ["adopt".to_owned(), format!("secret/{secret}")])
        .flag("--host", host)
        .arg("--force")
        .of_cluster()
}

/// Adopts PEM files in place of the chain of a host.
pub fn adopt_files(host: impl Into<Word>) -> Line {
    Line::new(Kind::AdoptFiles, ["adopt"])
        .arg(Word::Placeholder("FILES"))
        .flag("--host", host)
        .arg("--force")
}

/// Applies the objects of the workspace.
pub fn apply() -> Line {
    Line::new(Kind::Apply, ["apply"]).of_cluster()
}

/// Examines the gateway of a cluster.
pub fn doctor() -> Line {
    Line::new(Kind::Doctor, ["doctor"]).of_cluster()
}

/// Probes a host at the workspace's gateway.
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

/// Runs the local gateway of the workspace.
pub fn serve() -> Line {
    Line::new(Kind::Serve, ["serve"])
}

/// Lints the workspace.
pub fn lint() -> Line {
    Line::new(Kind::Lint, ["lint"])
}

/// Prints the VirtualService of a host.
pub fn virtual_service(host: impl Into<Word>) -> Line {
    Line::new(Kind::ManifestsVirtualService, ["manifests"])
        .arg(host)
        .flag("--only", "virtualservice")
}

/// Prints the Secrets of a host.
pub fn secrets(host: impl Into<Word>) -> Line {
    Line::new(Kind::ManifestsSecrets, ["manifests"])
        .arg(host)
        .flag("--only", "secrets")
}

/// Lists every lint code.
pub fn lint_codes() -> Line {
    Line::new(Kind::LintExplain, ["lint", "explain"]).anywhere()
}

/// Records a chain that is already in its folder.
pub fn adopt_folder(folder: String) -> Line {
    Line::new(Kind::AdoptFolder, ["adopt".to_owned(), folder])
}

/// The same if the workspace has no files for that host.
pub fn adopt_new_secret(secret: &str, host: impl Into<Word>) -> Line {
    Line::new(Kind::AdoptSecret, ["adopt".to_owned(), format!("secret/{secret}")])
        .flag("--host", host)
        .of_cluster()
}

/// Applies the workspace's objects and takes over fields that others manage.
pub fn apply_force_conflicts() -> Line {
    Line::new(Kind::ApplyForceConflicts, ["apply", "--force-conflicts"]).of_cluster()
}

/// Applies the workspace's objects; a Secret whose type differs is deleted first.
pub fn apply_replace() -> Line {
    Line::new(Kind::ApplyReplace, ["apply", "--replace"]).of_cluster()
}

/// Examines it, and restores the workspace's own Secrets.
pub fn doctor_fix() -> Line {
    Line::new(Kind::DoctorFix, ["doctor", "--fix"]).of_cluster()
}

/// Probes a host at a given address of the gateway.
pub fn probe_at(host: impl Into<Word>, address: impl Into<Word>) -> Line {
    Line::new(Kind::ProbeAt, ["probe"]).arg(host).flag("--target", address)
}

/// Either of the two lines that restore a Secret of the workspace.
pub fn fix_or_apply() -> Remedy {
    Remedy::from(doctor_fix()).and(", or ").and(apply())
}

/// Shows every certificate and where it is served.
pub fn status() -> Line {
    Line::new(Kind::Status, ["status"]).of_cluster()
}

/// Verifies the chain of a host as a client would.
pub fn verify(host: impl Into<Word>) -> Line {
    Line::new(Kind::Verify, ["verify"]).arg(host)
}

/// Lints the objects on standard input.
pub fn lint_stdin() -> Line {
    Line::new(Kind::LintStdin, ["lint", "-f", "-"])
}

/// Lists the commands.
pub fn help() -> Line {
    Line::new(Kind::Help, ["help"]).anywhere()
}
