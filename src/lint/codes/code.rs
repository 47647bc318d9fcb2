//! The type of a code, and the macro that defines the tables of codes.

use crate::lint::finding::Severity;
use crate::remedy::Remedy;

/// The subject of a code, given by the hundreds of its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// Input that cannot be read.
    Input,
    /// One Gateway.
    Gateway,
    /// Several Gateways in combination.
    Gateways,
    /// Secrets and references to them.
    Credential,
    /// Certificates and keys.
    Certificate,
    /// VirtualServices and their references.
    VirtualService,
    /// Routes.
    Route,
    /// Whether routes can be reached.
    Reachability,
    /// Connections that clients reuse for several hosts.
    Coalescing,
    /// Kinds of the Gateway API.
    GatewayApi,
    /// The chains of a workspace.
    Chain,
    /// A running cluster.
    Cluster,
}

/// The static part of a finding.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// `ITL0301`.
    pub id: &'static str,
    /// Its subject.
    pub subject: Subject,
    /// Istio's own code for the same.
    pub istio: Option<&'static str>,
    /// The default severity; a finding can override it.
    pub severity: Severity,
    /// The title: what it reports.
    pub title: &'static str,
    /// Why it is wrong and what the consequences are.
    pub why: &'static str,
    /// How to fix it in general; words in capitals are placeholders that a finding fills in.
    pub fix: fn() -> Remedy,
    /// Documentation of the rule: a page of Istio or Kubernetes, or an RFC.
    pub doc: &'static str,
}

/// Defines the codes of a subject, and `CODES` with all of them.
macro_rules! codes {
    (of $subject:ident; $($name:ident = $id:literal $severity:ident $istio:expr;
        title: $title:literal;
        why: $why:literal;
        fix: $fix:expr;
        doc: $doc:expr;)*) => {
        $(
            #[doc = $title]
            pub const $name: super::Code = super::Code {
                id: $id,
                subject: super::Subject::$subject,
                istio: $istio,
                severity: $crate::lint::finding::Severity::$severity,
                title: $title,
                why: $why,
                fix: || $crate::remedy::Remedy::from($fix),
                doc: $doc,
            };
        )*
        /// The codes of this subject, in order.
        pub(super) static CODES: &[&super::Code] = &[$(&$name),*];
    };
}
pub(crate) use codes;

impl PartialEq for Code {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

impl Eq for Code {}

/// Istio's page on Gateways.
pub(super) const ISTIO_GATEWAY: &str = "https://istio.io/latest/docs/reference/config/networking/gateway/";
/// Istio's page on VirtualServices.
pub(super) const ISTIO_VIRTUAL_SERVICE: &str =
    "https://istio.io/latest/docs/reference/config/networking/virtual-service/";
/// Istio's page on secure ingress gateways.
pub(super) const ISTIO_SECURE_INGRESS: &str =
    "https://istio.io/latest/docs/tasks/traffic-management/ingress/secure-ingress/";
/// RFC 5280, X.509 certificates.
pub(super) const RFC_5280: &str = "https://www.rfc-editor.org/rfc/rfc5280";
/// Kubernetes' rules for names.
pub(super) const KUBERNETES_NAMES: &str = "https://kubernetes.io/docs/concepts/overview/working-with-objects/names/";
/// The Gateway API's reference.
pub(super) const GATEWAY_API: &str = "https://gateway-api.sigs.k8s.io/reference/spec/";
