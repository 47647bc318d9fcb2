//! Command lines of other programs that are suggested in more than one place.

use super::kind::Kind;
use super::line::{Line, Word};

/// Decrypts a private key into a file beside it, `NAME.plain`; asks for the password.
pub fn decrypt(name: &str) -> Line {
    Line::new(Kind::OpensslDecrypt, ["openssl", "pkey", "-in", name]).flag("-out", format!("{name}.plain"))
}

/// Encrypts a private key into a file beside it, `NAME.pk8`, as PKCS#8 that this program
/// can read; asks for the passwords.
pub fn encrypt(name: &str) -> Line {
    let words = ["openssl", "pkcs8", "-topk8", "-v2", "aes256", "-in", name];
    Line::new(Kind::OpensslEncrypt, words).flag("-out", format!("{name}.pk8"))
}

/// Converts a certificate from DER to PEM, into a file beside it, `NAME.pem`.
pub fn to_pem(name: &str) -> Line {
    let words = ["openssl", "x509", "-inform", "DER", "-in", name];
    Line::new(Kind::OpensslPem, words).flag("-out", format!("{name}.pem"))
}

/// Creates a key, `key.pem`, and a certificate request for it, `request.pem`.
pub fn make_request() -> Line {
    let words = [
        "openssl",
        "req",
        "-new",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    Line::new(Kind::OpensslRequest, words)
        .flag("-keyout", "key.pem")
        .flag("-subj", Word::Placeholder("/CN=HOST"))
        .flag("-out", "request.pem")
}

/// `istioctl install`, into the cluster in question.
pub fn istioctl_install() -> Line {
    Line::new(Kind::IstioctlInstall, ["istioctl", "install"]).of_cluster()
}

/// `minikube tunnel`: runs until it is stopped.
pub fn minikube_tunnel() -> Line {
    Line::new(Kind::MinikubeTunnel, ["minikube", "tunnel"])
}
