//! What a code is, and how the tables of codes are written.

use crate::lint::finding::Severity;
use crate::remedy::Remedy;

/// What codes are about; the hundreds of their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// What cannot be read.
    Input,
    /// One Gateway.
    Gateway,
    /// Gateways together.
    Gateways,
    /// Secrets, and what refers to them.
    Credential,
    /// Certificates and keys.
    Certificate,
    /// What VirtualServices refer to.
    VirtualService,
    /// Routes.
    Route,
    /// Whether routes are reached.
    Reachability,
    /// Connections that clients use for several hosts.
    Coalescing,
    /// Kinds of the Gateway API.
    GatewayApi,
    /// The chains of a workspace.
    Chain,
    /// A running cluster.
    Cluster,
}

/// What is known of a code before anything is found.
#[derive(Debug, Clone, Copy)]
pub struct Code {
    /// `ITL0301`.
    pub id: &'static str,
    /// What it is about.
    pub subject: Subject,
    /// Istio's own code for the same.
    pub istio: Option<&'static str>,
    /// How much it matters, unless the case says otherwise.
    pub severity: Severity,
    /// What it reports, as a title.
    pub title: &'static str,
    /// Why it is wrong and what it leads to.
    pub why: &'static str,
    /// What to do, in general; words in capitals stand for what a finding knows.
    pub fix: fn() -> Remedy,
    /// Where the rule is written: Istio's, Kubernetes' or an RFC's page.
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
