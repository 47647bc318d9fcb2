//! `lint -R` over whole repositories: folders for environments, charts, kustomizations,
//! and the files of other tools between them.

use crate::harness::Dir;

fn gateway(host: &str, credential: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {{name: edge, namespace: ingress}}
spec:
  selector: {{istio: ingressgateway}}
  servers:
  - port: {{number: 443, name: https, protocol: HTTPS}}
    hosts: [{host}]
    tls: {{mode: SIMPLE, credentialName: {credential}}}
"
    )
}

fn routes(name: &str, host: &str) -> String {
    format!(
        "apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {{name: {name}, namespace: shop}}
spec:
  hosts: [{host}]
  gateways: [ingress/edge]
  http:
  - route: [{{destination: {{host: shop.shop.svc.cluster.local, port: {{number: 80}}}}}}]
"
    )
}

const SERVICE: &str = "apiVersion: v1
kind: Service
metadata: {name: shop, namespace: shop}
spec: {selector: {app: shop}, ports: [{name: http, port: 80}]}
";

/// A repository with a folder for each stage; each has a Gateway of the same name.
fn stages(dir: &Dir) {
    dir.write("repo/shared/service.yaml", SERVICE);
    for (stage, host) in [("dev", "dev.example.com"), ("prod", "shop.example.com")] {
        dir.write(&format!("repo/stages/{stage}/gateway.yaml"), gateway(host, "shop-cert"));
        dir.write(
            &format!("repo/stages/{stage}/routes.yaml"),
            routes(&format!("shop-{stage}"), host),
        );
    }
}

#[test]
fn stages_are_checked_separately() {
    let dir = Dir::new();
    stages(&dir);
    let ran = dir.run(&["lint", "-R", "-f", "repo"]).exits(0);
    assert!(
        ran.stderr.contains("dev, prod are checked separately"),
        "{}",
        ran.stderr
    );
    assert!(!ran.stdout.contains("ITL0004"), "{}", ran.stdout);
    // A mistake of one stage is found there, and one of what they share once.
    dir.write("repo/stages/prod/routes.yaml", routes("shop-prod", "dev.example.com"));
    dir.write("repo/shared/routes.yaml", routes("other", "other.example.com"));
    let ran = dir.run(&["lint", "-R", "-f", "repo", "-o", "json"]).exits(1);
    let json = ran.json();
    let findings = json["findings"].as_array().expect("findings");
    let count = |file: &str| findings.iter().filter(|finding| finding["file"] == file).count();
    assert_eq!(count("repo/stages/prod/routes.yaml"), 1, "{json:#}");
    assert_eq!(count("repo/stages/dev/routes.yaml"), 0, "{json:#}");
    assert_eq!(count("repo/shared/routes.yaml"), 1, "{json:#}");
    // A comment that hides what only one stage has is of use.
    dir.write(
        "repo/shared/routes.yaml",
        format!("# istio-tls:ignore ITL0502\n{}", routes("other", "shop.example.com")),
    );
    let ran = dir.run(&["lint", "-R", "-f", "repo", "-o", "json"]).exits(1);
    assert!(!ran.stdout.contains("repo/shared/routes.yaml"), "{}", ran.stdout);
    // In one folder, or in folders that are named together, it is a mistake.
    dir.write("repo/stages/dev/copy.yaml", gateway("dev.example.com", "shop-cert"));
    dir.run(&["lint", "-R", "-f", "repo"])
        .exits(1)
        .prints("ITL0004")
        .prints("repo/stages/dev/");
    dir.run(&["lint", "-f", "repo/stages/dev", "-f", "repo/stages/prod"])
        .exits(1)
        .prints("Gateway ingress/edge is defined here and at repo/stages/dev/");
}

#[test]
fn a_folder_of_charts_or_kustomizations_alone_is_no_error() {
    let dir = Dir::new();
    dir.write("charts/shop/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\n");
    dir.write("charts/shop/values.yaml", "replicas: 3\n");
    dir.write(
        "charts/shop/templates/gateway.yaml",
        "{{- if .Values.gateway }}\napiVersion: networking.istio.io/v1\nkind: Gateway\n{{- end }}\n",
    );
    dir.run(&["lint", "-R", "-f", "charts"])
        .exits(0)
        .says("charts/shop is a Helm chart, whose templates are not read")
        .says("helm template charts/shop | istio-tls lint -f -");
    dir.write("overlay/kustomization.yaml", "resources: [../base]\n");
    dir.run(&["lint", "-f", "overlay"])
        .exits(0)
        .says("kustomize build overlay | istio-tls lint -f -");
    // Nothing at all is most likely another folder than the one that was meant.
    dir.write("empty/README.md", "nothing");
    dir.run(&["lint", "-f", "empty"])
        .exits(2)
        .says("there is no manifest in empty");
}

/// A repository as Flux and Argo CD want it: their own objects, kustomizations with
/// overlays, values, workflows, dashboards.
#[test]
fn a_repository_of_a_gitops_tool_has_no_false_finding() {
    let dir = Dir::new();
    stages(&dir);
    for (file, text) in [
        (
            "repo/clusters/dev/flux.yaml",
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\n\
             spec: {path: ./stages/dev, prune: true, interval: 1h, sourceRef: {kind: GitRepository, name: repo}}\n",
        ),
        (
            "repo/clusters/prod/flux.yaml",
            "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps, namespace: flux-system}\n\
             spec: {path: ./stages/prod, prune: true, interval: 1h, sourceRef: {kind: GitRepository, name: repo}}\n",
        ),
        (
            "repo/argocd/app.yaml",
            "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: shop, namespace: argocd}\nspec: {project: default}\n",
        ),
        (
            "repo/releases/istio.yaml",
            "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: istio-ingress, namespace: istio-ingress}\n\
             spec: {interval: 1h, chart: {spec: {chart: gateway, version: 1.x, sourceRef: {kind: HelmRepository, name: istio}}}}\n",
        ),
        (
            "repo/overlays/prod/kustomization.yaml",
            "resources: [../../shared]\npatches: [{path: replicas.yaml}]\n",
        ),
        (
            "repo/overlays/prod/replicas.yaml",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec: {replicas: 3}\n",
        ),
        ("repo/.github/workflows/ci.yaml", "on: push\njobs: {}\n"),
        ("repo/values/prod.yaml", "image: {tag: v1}\n"),
        ("repo/dashboards/shop.json", "{\"title\": \"shop\", \"panels\": []}\n"),
        ("repo/renovate.json", "{\"extends\": [\"config:base\"]}\n"),
    ] {
        dir.write(file, text);
    }
    let ran = dir.run(&["lint", "-R", "-f", "repo", "-o", "json"]).exits(0);
    let json = ran.json();
    let findings = json["findings"].as_array().expect("findings");
    let wrong: Vec<_> = findings
        .iter()
        .filter(|finding| finding["severity"] != "info")
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
