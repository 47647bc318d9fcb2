//! Lines of kubectl that are advised in more than one place.

use super::kind::Kind;
use super::line::{Line, Word};

/// Shows the Service of Istio's ingress gateway: its addresses and ports.
pub fn ingress_service() -> Line {
    let words = ["-n", "istio-system", "get", "service", "istio-ingressgateway"];
    Line::new(Kind::KubectlGet, words)
}

/// Replaces the objects of standard input, or creates them: whoever made those that
/// are there, of whatever type they are, immutable or not. `kubectl apply` would end in
/// a conflict or at a type, which never changes, and keeps a Secret's keys in an
/// annotation; so does `--server-side` where one is there.
pub fn replace() -> Line {
    Line::new(Kind::KubectlReplace, ["replace", "--force", "-f", "-"])
}

/// Applies the objects of standard input on the server's side.
pub fn apply() -> Line {
    Line::new(Kind::KubectlApply, ["apply", "--server-side", "-f", "-"])
}

/// Creates a Secret of a certificate and its key.
pub fn create_pair(namespace: impl Into<Word>, name: impl Into<Word>) -> Line {
    Line::new(Kind::KubectlCreateSecret, ["create"])
        .flag("-n", namespace)
        .arg("secret")
        .arg("tls")
        .arg(name)
        .arg(Word::Placeholder("--cert=FILE"))
        .arg(Word::Placeholder("--key=FILE"))
}

/// Creates a Secret of the CA that clients are verified with.
pub fn create_ca(namespace: impl Into<Word>, name: impl Into<Word>) -> Line {
    Line::new(Kind::KubectlCreateSecret, ["create"])
        .flag("-n", namespace)
        .arg("secret")
        .arg("generic")
        .arg(name)
        .arg(Word::Placeholder("--from-file=ca.crt=FILE"))
}

/// Puts a certificate, its key and, `with_ca`, the CA of clients into a Secret, whether
/// one of that name is there or not.
pub fn put_secret(namespace: impl Into<Word>, name: impl Into<Word>, with_ca: bool) -> Line {
    let kind = if with_ca { "generic" } else { "tls" };
    let files: &[&'static str] = if with_ca {
        &["--from-file=tls.crt=FILE", "--from-file=tls.key=FILE", "--from-file=ca.crt=FILE"]
    } else {
        &["--cert=FILE", "--key=FILE"]
    };
    let line = Line::new(Kind::KubectlPutSecret, ["create"])
        .flag("-n", namespace)
        .arg("secret")
        .arg(kind)
        .arg(name);
    let line = files.iter().fold(line, |line, file| line.arg(Word::Placeholder(file)));
    line.arg("--dry-run=client").flag("-o", "yaml").pipe(replace())
}

/// Takes the copy of a Secret that `kubectl apply` keeps in an annotation away.
pub fn drop_last_applied(namespace: impl Into<Word>, name: impl Into<Word>) -> Line {
    Line::new(Kind::KubectlAnnotate, ["annotate", "secret"])
        .flag("-n", namespace)
        .arg(name)
        .arg("kubectl.kubernetes.io/last-applied-configuration-")
}
