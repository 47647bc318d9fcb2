//! Lines of other programs that are advised in more than one place.

use super::kind::Kind;
use super::line::Line;

/// Decrypts a private key into a file beside it, `NAME.plain`; asks for the password.
pub fn decrypt(name: &str) -> Line {
    Line::new(Kind::OpensslDecrypt, ["openssl", "pkey", "-in", name]).flag("-out", format!("{name}.plain"))
}

/// `istioctl install`.
pub fn istioctl_install() -> Line {
    Line::new(Kind::IstioctlInstall, ["istioctl", "install"])
}

/// `minikube tunnel`: runs until it is ended.
pub fn minikube_tunnel() -> Line {
    Line::new(Kind::MinikubeTunnel, ["minikube", "tunnel"])
}
