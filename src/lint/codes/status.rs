//! Codes ITL10xx: what `status` finds in chains and at the gateway that serves them.

use super::ISTIO_SECURE_INGRESS;

use crate::remedy::{Kind, Line, Remedy, Word, ours};

/// The remedy if a Secret and the files differ.
fn drifted() -> Remedy {
    let adopt = Line::new(Kind::AdoptSecret, ["adopt"])
        .arg(Word::Placeholder("secret/NAME"))
        .arg("--force")
        .of_cluster();
    Remedy::from(ours::bring_up(ours::HOST))
        .and(" if the files are newer")
        .or(adopt)
        .and(" if the Secret was renewed elsewhere")
}

/// The remedy if the gateway has not picked up a change.
fn followed() -> Remedy {
    Remedy::from(ours::bring_up(ours::HOST)).and(
        " waits until the gateway has picked it up, and proves it; if it does not, its log and the command \
            doctor show why",
    )
}

super::codes! {
    of Chain;
    STATUS_EXPIRED = "ITL1001" Error None;
        title: "a certificate has expired";
        why: "the peer refuses the connection";
        fix: ours::rotate(ours::HOST);
        doc: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5";
    STATUS_DUE = "ITL1002" Warning None;
        title: "a certificate expires within the period of --expires-within";
        why: "after that the peer refuses the connection";
        fix: ours::rotate(ours::HOST);
        doc: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5";
    STATUS_DRIFT = "ITL1003" Warning None;
        title: "the gateway serves a different certificate than the file";
        why: "the Secret or the gateway's input was not updated with the files, or another chain is served";
        fix: drifted();
        doc: ISTIO_SECURE_INGRESS;
    STATUS_NOT_SERVED = "ITL1004" Error None;
        title: "the gateway presents no certificate for a host of the workspace";
        why: "no server of a Gateway has the host, or its Secret is missing or broken";
        fix: ours::probe(ours::HOST);
        doc: ISTIO_SECURE_INGRESS;
    STATUS_BROKEN = "ITL1005" Error None;
        title: "part of a chain is missing or unreadable";
        why: "the gateway cannot serve the host with it";
        fix: ours::rotate(ours::HOST);
        doc: ISTIO_SECURE_INGRESS;
    STATUS_NOT_YET_VALID = "ITL1006" Error None;
        title: "a certificate is not valid yet";
        why: "until then the peer refuses the connection";
        fix: ours::rotate(ours::HOST);
        doc: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5";
    STATUS_ROTATING = "ITL1007" Info None;
        title: "the rotation of a CA is not finished";
        why: "both CAs are trusted until then";
        fix: ours::rotate_finish(ours::HOST);
        doc: ISTIO_SECURE_INGRESS;
    STATUS_LIST_ENDS = "ITL1008" Error None;
        title: "a CRL has expired, or expires within the period of --expires-within";
        why: "a gateway with a CRL past its nextUpdate refuses every client of that CA";
        fix: ours::revoke_renew(ours::HOST);
        doc: "https://www.rfc-editor.org/rfc/rfc5280#section-5.1.2.5";
    STATUS_SECRET_DRIFT = "ITL1009" Warning None;
        title: "a Secret in the cluster holds a different certificate than the file";
        why: "it was not updated with the files, for example because a rotation was interrupted, or it was \
            renewed elsewhere";
        fix: drifted();
        doc: ISTIO_SECURE_INGRESS;
    STATUS_SECRET_MISSING = "ITL1010" Warning None;
        title: "the cluster has no Secret for a host of the workspace";
        why: "the gateway resets every connection to the host";
        fix: ours::apply();
        doc: ISTIO_SECURE_INGRESS;
    STATUS_SECRET_BROKEN = "ITL1011" Error None;
        title: "a Secret in the cluster has no certificate and key, or an unreadable or mismatched pair";
        why: "the gateway cannot serve the host with it";
        fix: Remedy::from(ours::apply()).and("; with --force-conflicts if others have changed it, with --replace if its type is wrong");
        doc: ISTIO_SECURE_INGRESS;
    STATUS_BUNDLE_DRIFT = "ITL1012" Warning None;
        title: "a Secret in the cluster has a different CA bundle than the files";
        why: "clients of a missing CA are refused, and clients of a leftover CA are let in";
        fix: ours::bring_up(ours::HOST);
        doc: ISTIO_SECURE_INGRESS;
    STATUS_CA_STAYS = "ITL1013" Warning None;
        title: "the gateway accepts clients of a CA that the files no longer trust";
        why: "the gateway has not picked up the removal of the CA, for example because rotate --finish or --abort was not proven";
        fix: followed();
        doc: ISTIO_SECURE_INGRESS;
    STATUS_CLIENT_REFUSED = "ITL1014" Error None;
        title: "the gateway refuses a client whose CA the files trust";
        why: "the gateway has not picked up the change, for example because rotate --ca or --abort was not proven";
        fix: followed();
        doc: ISTIO_SECURE_INGRESS;
    STATUS_SECRETS_ELSEWHERE = "ITL1015" Warning None;
        title: "the workspace's Secrets are not in the namespace of the gateway's pods";
        why: "the gateway reads Secrets only from the namespace of its pods";
        fix: Remedy::from(ours::apply().flag("--gateway-namespace", Word::Placeholder("NAMESPACE"))).and(", or gateway.podNamespace in istio-tls.yaml");
        doc: ISTIO_SECURE_INGRESS;
}
