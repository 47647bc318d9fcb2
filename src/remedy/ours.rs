//! Lines of this program that are advised in more than one place.

use super::Remedy;
use super::kind::Kind;
use super::line::{Line, Word};

/// What stands for a host where none is known.
pub const HOST: Word = Word::Placeholder("HOST");

/// Makes a chain for a host that has none.
pub fn gen_certs(host: impl Into<Word>) -> Line {
    Line::new(Kind::GenCerts, ["gen-certs"]).arg(host)
}

/// The first line of the README.
pub fn gen_certs_example() -> Line {
    gen_certs("httpbin.example.com")
}

/// Makes a new CA and chain for a host in place of those that are there. The words
/// beside it must say what that ends.
pub fn gen_certs_force(host: impl Into<Word>) -> Line {
    Line::new(Kind::GenCertsForce, ["gen-certs"]).arg(host).arg("--force")
}

/// Makes a new chain with keys that every client and Envoy take, in place of one that
/// is there. The words beside it must say that it ends the CA.
pub fn gen_certs_p256(host: impl Into<Word>) -> Line {
    Line::new(Kind::GenCertsKeyType, ["gen-certs"])
        .arg(host)
        .flag("--key-type", "ecdsa-p256")
        .arg("--force")
}

/// Records mode mutual for a host that has a chain, and issues a client certificate
/// where none is; its CA stays.
pub fn make_mutual(host: impl Into<Word>) -> Line {
    Line::new(Kind::GenCertsMode, ["gen-certs"])
        .arg(host)
        .flag("--mode", "mutual")
}

/// Records mode simple for a host that has a chain: its clients are no longer asked.
pub fn make_simple(host: impl Into<Word>) -> Line {
    Line::new(Kind::GenCertsMode, ["gen-certs"])
        .arg(host)
        .flag("--mode", "simple")
}

/// Adds a name to the server certificate of a host that has a chain; its key and CA stay.
pub fn add_name(host: impl Into<Word>, name: impl Into<Word>) -> Line {
    Line::new(Kind::GenCertsSan, ["gen-certs"])
        .arg(host)
        .flag("--san", name)
}

/// Adds a client to the chain of a host, of the same CA.
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

/// Begins to replace the CA of a host.
pub fn rotate_ca(host: impl Into<Word>) -> Line {
    Line::new(Kind::RotateCa, ["rotate"]).arg(host).arg("--ca").of_cluster()
}

/// Ends the replacement of the CA of a host.
pub fn rotate_finish(host: impl Into<Word>) -> Line {
    Line::new(Kind::RotateFinish, ["rotate"])
        .arg(host)
        .arg("--finish")
        .of_cluster()
}

/// Takes back the replacement of the CA of a host.
pub fn rotate_abort(host: impl Into<Word>) -> Line {
    Line::new(Kind::RotateAbort, ["rotate"])
        .arg(host)
        .arg("--abort")
        .of_cluster()
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

/// Takes PEM files in place of the chain of a host.
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

/// Records a chain that stands in its folder.
pub fn adopt_folder(folder: String) -> Line {
    Line::new(Kind::AdoptFolder, ["adopt".to_owned(), folder])
}

/// The same where the workspace has no files of that host.
pub fn adopt_new_secret(secret: &str, host: impl Into<Word>) -> Line {
    Line::new(Kind::AdoptSecret, ["adopt".to_owned(), format!("secret/{secret}")])
        .flag("--host", host)
        .of_cluster()
}

/// Applies the workspace's objects over what others have written.
pub fn apply_force_conflicts() -> Line {
    Line::new(Kind::ApplyForceConflicts, ["apply", "--force-conflicts"]).of_cluster()
}

/// Applies the workspace's objects; a Secret whose type does not fit is deleted first.
pub fn apply_replace() -> Line {
    Line::new(Kind::ApplyReplace, ["apply", "--replace"]).of_cluster()
}

/// Examines it, and brings the workspace's own Secrets back.
pub fn doctor_fix() -> Line {
    Line::new(Kind::DoctorFix, ["doctor", "--fix"]).of_cluster()
}

/// Probes a host at a gateway's address.
pub fn probe_at(host: impl Into<Word>, address: impl Into<Word>) -> Line {
    Line::new(Kind::ProbeAt, ["probe"]).arg(host).flag("--target", address)
}

/// Either of the two lines that bring a Secret of the workspace back.
pub fn fix_or_apply() -> Remedy {
    Remedy::from(doctor_fix()).and(", or ").and(apply())
}

/// Shows every certificate, and where it is served.
pub fn status() -> Line {
    Line::new(Kind::Status, ["status"]).of_cluster()
}

/// Verifies the chain of a host as a client does.
pub fn verify(host: impl Into<Word>) -> Line {
    Line::new(Kind::Verify, ["verify"]).arg(host)
}

/// Lints the objects of standard input.
pub fn lint_stdin() -> Line {
    Line::new(Kind::LintStdin, ["lint", "-f", "-"])
}

/// Lists the commands.
pub fn help() -> Line {
    Line::new(Kind::Help, ["help"]).anywhere()
}
