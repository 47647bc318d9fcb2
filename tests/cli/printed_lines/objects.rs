//! Lines about manifests: what makes them, and what lint says of them.

use istio_tls::remedy::Kind;

use super::stage::{HOST, Printed, Stage, WS};

/// A Gateway with one HTTPS server, whose TLS settings and host are these.
fn gateway(tls: &str, host: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: g, namespace: default}}\nspec:\n  \
         selector: {{istio: ingressgateway}}\n  servers:\n  - port: {{number: 443, name: https, protocol: HTTPS}}\n    \
         tls: {{{tls}}}\n    hosts: [{host}]\n"
    )
}

/// Files that Istio 1.1 mounted.
const FILES: &str = "mode: SIMPLE, serverCertificate: /etc/istio/ingressgateway-certs/tls.crt, privateKey: /etc/istio/ingressgateway-certs/tls.key";

pub(super) fn lint_fix() -> Stage {
    let stage = Stage::with_chain();
    let line = stage.printed(Kind::LintFix, &["lint", "--cluster", "--fix"]);
    let placeholders = "\n      mode: MUTUAL\n      serverCertificate: use sds\n      privateKey: use sds\n      credentialName: a-credential";
    let gateway = gateway("", HOST).replace(" {}", placeholders);
    stage.dir.write("my gateway.yaml", gateway);
    let line = line.filled("FILE", "'my gateway.yaml'");
    // Without a terminal it shows what it would change.
    stage.types(&line).exits(1).says("-      serverCertificate: use sds");
    stage.dir.types(&format!("{} --yes", line.line)).exits(0);
    assert!(!stage.dir.read("my gateway.yaml").contains("use sds"));
    stage
}

/// What kustomize and Helm make of a folder is linted; played are kustomize and Helm.
pub(super) fn made_of_a_folder() -> Stage {
    let stage = Stage::with_chain();
    stage
        .dir
        .write("my app/kustomization.yaml", "resources: [service.yaml]\n");
    stage.dir.write("my app/Chart.yaml", "name: a\n");
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {ports: [{port: 80}]}\n";
    stage.dir.write("my app/service.yaml", service);
    let ran = stage.ours(&["lint", "my app"]).exits(0);
    for (kind, start) in [
        (Kind::KustomizeBuild, "kustomize build 'my app'"),
        (Kind::HelmTemplate, "helm template 'my app'"),
    ] {
        let (program, how) = start.split_once(' ').expect("a program");
        let how = how.split(' ').next().expect("a word");
        stage.play(program, &format!("[ \"$1\" = {how} ] && cat \"$2/service.yaml\""));
        let line = format!("{start} | istio-tls -C '{WS}' lint -f -");
        stage
            .types(&Printed::told(kind, &ran, &line))
            .exits(0)
            .prints("no finding");
        stage.was_typed(Kind::LintStdin);
    }
    stage
}

pub(super) fn manifests_gateway() -> Stage {
    let stage = Stage::with_chain();
    stage
        .dir
        .write("service.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n");
    let ran = stage.ours(&["serve", "-f", "service.yaml"]).exits(2);
    let line = format!("istio-tls -C '{WS}' manifests --only gateway");
    let line = Printed::told(Kind::ManifestsGateway, &ran, &line);
    stage.types(&line).exits(0).prints("kind: Gateway");
    stage
}

pub(super) fn manifests_gateway_api() -> Stage {
    let stage = Stage::with_chain();
    for code in ["ITL0901", "ITL0907"] {
        let made = stage
            .follows(Kind::ManifestsGatewayApi, &["lint", "explain", code])
            .exits(0);
        made.prints("kind: ReferenceGrant").prints("kind: Gateway");
    }
    stage
}

pub(super) fn manifests_host() -> Stage {
    let stage = Stage::with_chain();
    stage.dir.write("gateway.yaml", gateway(FILES, HOST));
    let line = stage.printed(Kind::ManifestsHost, &["lint", "-f", "gateway.yaml"]);
    let made = stage.types(&line.filled("HOST", HOST)).exits(0);
    made.prints("kind: Secret").prints("credentialName: a-credential");
    stage
}

/// The Secret that a Gateway names is another host's.
pub(super) fn manifests_secrets() -> Stage {
    let stage = Stage::with_chain();
    stage.ours(&["gen-certs", "b.com"]).exits(0);
    let theirs = stage.dir.run(&["gen-certs", "c.com"]);
    theirs.exits(0);
    let args = ["manifests", "c.com", "--only", "secrets", "--credential-name", "shared"];
    let secret = stage.dir.run(&args).exits(0).stdout;
    let gateway = gateway("mode: SIMPLE, credentialName: shared", "b.com");
    stage.dir.write("all.yaml", format!("{secret}---\n{gateway}"));
    let made = stage
        .follows(Kind::ManifestsSecrets, &["lint", "-f", "all.yaml"])
        .exits(0);
    stage.dir.write("all.yaml", format!("{}---\n{gateway}", made.stdout));
    stage.ours(&["lint", "-f", "all.yaml"]).exits(0);
    stage
}

/// A gateway that mounts nothing.
pub(super) fn manifests_volumes() -> Stage {
    let stage = Stage::with_chain();
    let deployment = "---\napiVersion: apps/v1\nkind: Deployment\n\
        metadata: {name: istio-ingressgateway, namespace: istio-system}\n\
        spec: {template: {metadata: {labels: {istio: ingressgateway}}, spec: {containers: [{name: istio-proxy}]}}}\n";
    let files = FILES.replace("ingressgateway-certs", "a-credential");
    stage.dir.write("all.yaml", gateway(&files, HOST) + deployment);
    let made = stage
        .follows(Kind::ManifestsVolumes, &["lint", "-f", "all.yaml"])
        .exits(0);
    made.prints("secretName");
    stage
}
