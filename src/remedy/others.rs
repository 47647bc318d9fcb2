//! Command lines of other programs than kubectl and this one.

use super::kind::Kind;
use super::line::Line;

/// `istioctl install`.
pub fn istioctl_install() -> Line {
    Line::new(Kind::IstioctlInstall, ["istioctl", "install"])
}

/// `minikube tunnel`: runs until it is ended.
pub fn minikube_tunnel() -> Line {
    Line::new(Kind::MinikubeTunnel, ["minikube", "tunnel"])
}
