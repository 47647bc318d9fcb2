//! Codes ITL10xx: what `status` finds in chains and at the gateway that serves them.

use super::ISTIO_SECURE_INGRESS;

use crate::remedy::{Kind, Line, Remedy, Word, ours};

/// A Secret and the files differ.
fn drifted() -> Remedy {
    let adopt = Line::new(Kind::AdoptSecret, ["adopt"])
        .arg(Word::Placeholder("secret/NAME"))
        .arg("--force")
        .of_cluster();
    Remedy::from(ours::bring_up(ours::HOST))
        .and(" where the files are newer")
        .or(adopt)
        .and(" where the Secret was renewed from elsewhere")
}

/// The gateway goes on with what it had.
fn followed() -> Remedy {
    Remedy::from(ours::bring_up(ours::HOST))
        .and(" waits until it follows, and proves it; its log and the command doctor tell why it does not")
}

super::codes! {
    of Chain;
    STATUS_EXPIRED = "ITL1001" Error None;
        title: "a certificate has expired";
        why: "whoever verifies it refuses the connection";
        fix: ours::rotate(ours::HOST);
        doc: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5";
    STATUS_DUE = "ITL1002" Warning None;
        title: "a certificate ends within the time of --expires-within";
        why: "afterwards whoever verifies it refuses the connection";
        fix: ours::rotate(ours::HOST);
        doc: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5";
    STATUS_DRIFT = "ITL1003" Warning None;
        title: "the gateway serves another certificate than the file holds";
        why: "the Secret or the gateway's input was not replaced with the files, or another chain is served";
        fix: drifted();
        doc: ISTIO_SECURE_INGRESS;
    STATUS_NOT_SERVED = "ITL1004" Error None;
        title: "the gateway presents no certificate for a host of the workspace";
        why: "no Gateway server names the host, or its Secret is missing or broken";
        fix: ours::probe(ours::HOST);
        doc: ISTIO_SECURE_INGRESS;
    STATUS_BROKEN = "ITL1005" Error None;
        title: "a part of a chain is missing or cannot be read";
        why: "the gateway cannot serve the host with it";
        fix: ours::rotate(ours::HOST);
        doc: ISTIO_SECURE_INGRESS;
    STATUS_NOT_YET_VALID = "ITL1006" Error None;
        title: "a certificate is not valid yet";
        why: "until then whoever verifies it refuses the connection";
        fix: ours::rotate(ours::HOST);
        doc: "https://www.rfc-editor.org/rfc/rfc5280#section-4.1.2.5";
    STATUS_ROTATING = "ITL1007" Info None;
        title: "the rotation of a CA waits for its end";
        why: "both CAs are trusted until then";
        fix: ours::rotate_finish(ours::HOST);
        doc: ISTIO_SECURE_INGRESS;
    STATUS_LIST_ENDS = "ITL1008" Error None;
        title: "a revocation list has ended, or ends within the time of --expires-within";
        why: "a gateway with a list that is past its nextUpdate refuses every client of that CA";
        fix: ours::revoke_renew(ours::HOST);
        doc: "https://www.rfc-editor.org/rfc/rfc5280#section-5.1.2.5";
    STATUS_SECRET_DRIFT = "ITL1009" Warning None;
        title: "a Secret in the cluster holds another certificate than the file";
        why: "it was not replaced with the files, as where a rotation was interrupted, or was renewed from elsewhere";
        fix: drifted();
        doc: ISTIO_SECURE_INGRESS;
    STATUS_SECRET_MISSING = "ITL1010" Warning None;
        title: "the cluster has no Secret for a host of the workspace";
        why: "the gateway resets every connection to the host";
        fix: ours::apply();
        doc: ISTIO_SECURE_INGRESS;
    STATUS_SECRET_BROKEN = "ITL1011" Error None;
        title: "a Secret in the cluster has no pair, or one that cannot be read or does not fit";
        why: "the gateway cannot serve the host with it";
        fix: Remedy::from(ours::apply()).and("; with --force-conflicts where others have changed it, with --replace where its type does not fit");
        doc: ISTIO_SECURE_INGRESS;
    STATUS_BUNDLE_DRIFT = "ITL1012" Warning None;
        title: "a Secret in the cluster verifies clients with other CAs than the files";
        why: "clients of a CA that it lacks are refused, and those of a CA that is left in it are let in";
        fix: ours::bring_up(ours::HOST);
        doc: ISTIO_SECURE_INGRESS;
    STATUS_CA_STAYS = "ITL1013" Warning None;
        title: "the gateway lets in clients of a CA that the files trust no more";
        why: "the gateway goes on with what it had before the CA went, as where rotate --finish or --abort was not proven";
        fix: followed();
        doc: ISTIO_SECURE_INGRESS;
    STATUS_CLIENT_REFUSED = "ITL1014" Error None;
        title: "the gateway refuses a client whose CA the files trust";
        why: "the gateway goes on with what it had before, as where rotate --ca or --abort was not proven";
        fix: followed();
        doc: ISTIO_SECURE_INGRESS;
    STATUS_SECRETS_ELSEWHERE = "ITL1015" Warning None;
        title: "the workspace's Secrets are not in the namespace of the gateway's pods";
        why: "the gateway reads Secrets in the namespace of its pods alone";
        fix: Remedy::from(ours::apply().flag("--gateway-namespace", Word::Placeholder("NAMESPACE"))).and(", or gateway.podNamespace in istio-tls.yaml");
        doc: ISTIO_SECURE_INGRESS;
}
