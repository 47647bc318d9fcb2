//! Codes ITL10xx: what `status` finds in chains and at the gateway that serves them.

use super::ISTIO_SECURE_INGRESS;

super::codes! {
    STATUS_EXPIRED = "ITL1001" Error None;
        title: "a certificate has expired";
        why: "whoever verifies it refuses the connection";
        fix: "istio-tls rotate HOST";
        doc: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5";
    STATUS_DUE = "ITL1002" Warning None;
        title: "a certificate ends within the time of --expires-within";
        why: "afterwards whoever verifies it refuses the connection";
        fix: "istio-tls rotate HOST";
        doc: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5";
    STATUS_DRIFT = "ITL1003" Warning None;
        title: "the gateway serves another certificate than the file holds";
        why: "the Secret or the gateway's input was not replaced with the files, or another chain is served";
        fix: "istio-tls manifests --only secrets | kubectl apply --server-side -f -, or start istio-tls serve in this workspace";
        doc: ISTIO_SECURE_INGRESS;
    STATUS_NOT_SERVED = "ITL1004" Error None;
        title: "the gateway presents no certificate for a host of the workspace";
        why: "no Gateway server names the host, or its Secret is missing or broken";
        fix: "istio-tls probe HOST";
        doc: ISTIO_SECURE_INGRESS;
    STATUS_BROKEN = "ITL1005" Error None;
        title: "a part of a chain is missing or cannot be read";
        why: "the gateway cannot serve the host with it";
        fix: "istio-tls gen-certs HOST --force";
        doc: ISTIO_SECURE_INGRESS;
    STATUS_NOT_YET_VALID = "ITL1006" Error None;
        title: "a certificate is not valid yet";
        why: "until then whoever verifies it refuses the connection";
        fix: "istio-tls rotate HOST";
        doc: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5";
    STATUS_ROTATING = "ITL1007" Info None;
        title: "the rotation of a CA waits for its end";
        why: "both CAs are trusted until then";
        fix: "istio-tls rotate HOST --finish";
        doc: ISTIO_SECURE_INGRESS;
    STATUS_LIST_ENDS = "ITL1008" Error None;
        title: "a revocation list has ended, or ends within the time of --expires-within";
        why: "a gateway with a list that is past its nextUpdate refuses every client of that CA";
        fix: "istio-tls revoke HOST --renew";
        doc: "https://www.rfc-editor.org/rfc/rfc5280#section-5.1.2.5";
}
