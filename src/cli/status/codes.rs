//! The codes of `status`: the hundred 10 beside lint's.

use crate::lint::{Code, Severity};

const SECRETS: &str = "https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/";
const VALIDITY: &str = "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5";

/// A certificate has expired.
pub(super) const EXPIRED: Code = Code {
    id: "ITL1001",
    istio: None,
    severity: Severity::Error,
    title: "a certificate has expired",
    why: "whoever verifies it refuses the connection",
    fix: "istio-tls rotate HOST",
    doc: VALIDITY,
};
/// A certificate ends within the asked time.
pub(super) const DUE: Code = Code {
    id: "ITL1002",
    istio: None,
    severity: Severity::Warning,
    title: "a certificate ends within the time of --expires-within",
    why: "afterwards whoever verifies it refuses the connection",
    fix: "istio-tls rotate HOST",
    doc: VALIDITY,
};
/// Another certificate is served than the file holds.
pub(super) const DRIFT: Code = Code {
    id: "ITL1003",
    istio: None,
    severity: Severity::Warning,
    title: "the gateway serves another certificate than the file holds",
    why: "the Secret or the gateway's input was not replaced with the files, or another chain is served",
    fix: "istio-tls manifests --only secrets | kubectl apply --server-side -f -, or start istio-tls serve in this workspace",
    doc: SECRETS,
};
/// The gateway presents no certificate for a host.
pub(super) const NOT_SERVED: Code = Code {
    id: "ITL1004",
    istio: None,
    severity: Severity::Error,
    title: "the gateway presents no certificate for a host of the workspace",
    why: "no Gateway server names the host, or its Secret is missing or broken",
    fix: "istio-tls probe HOST",
    doc: SECRETS,
};
/// A part of a chain is missing or cannot be read.
pub(super) const BROKEN: Code = Code {
    id: "ITL1005",
    istio: None,
    severity: Severity::Error,
    title: "a part of a chain is missing or cannot be read",
    why: "the gateway cannot serve the host with it",
    fix: "istio-tls gen-certs HOST --force",
    doc: SECRETS,
};
/// A certificate is not valid yet.
pub(super) const NOT_YET_VALID: Code = Code {
    id: "ITL1006",
    istio: None,
    severity: Severity::Error,
    title: "a certificate is not valid yet",
    why: "until then whoever verifies it refuses the connection",
    fix: "istio-tls rotate HOST",
    doc: VALIDITY,
};
/// The rotation of a CA waits for its end.
pub(super) const ROTATING: Code = Code {
    id: "ITL1007",
    istio: None,
    severity: Severity::Info,
    title: "the rotation of a CA waits for its end",
    why: "both CAs are trusted until then",
    fix: "istio-tls rotate HOST --finish",
    doc: SECRETS,
};
/// A revocation list has ended, or ends within the asked time.
pub(super) const LIST_ENDS: Code = Code {
    id: "ITL1008",
    istio: None,
    severity: Severity::Error,
    title: "a revocation list has ended, or ends within the time of --expires-within",
    why: "a gateway with a list that is past its nextUpdate refuses every client of that CA",
    fix: "istio-tls revoke HOST --renew",
    doc: "https://www.rfc-editor.org/rfc/rfc5280#section-5.1.2.5",
};
