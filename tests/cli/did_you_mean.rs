//! What looks like something that is known is told of: keys and words of
//! istio-tls.yaml, hosts, and in manifests kinds, fields, words and Secrets.

use crate::harness::Dir;
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";
const MODE: &str = "istio-tls.yaml:2:1: mdoe is not a field and has no effect; did you mean mode?";

/// A workspace whose file begins with these lines.
fn workspace(lines: &str) -> Dir {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let yaml = dir.read("istio-tls.yaml");
    dir.write("istio-tls.yaml", format!("# mine\n{lines}{yaml}"));
    dir
}

#[test]
fn every_command_that_reads_the_file_says_once_which_key_has_no_effect() {
    let dir = workspace("mdoe: optional-mutual\nowner: team\n");
    let serve = Serve::start(&dir, &[]);
    assert_eq!(serve.log().matches(MODE).count(), 1, "{}", serve.log());
    // No cluster answers here.
    dir.write("kubeconfig", "apiVersion: v1\nkind: Config\n");
    let cluster = ["--kubeconfig", "kubeconfig"];
    for (args, of_cluster, code) in [
        (&["manifests"][..], false, 0),
        (&["status"], false, 0),
        (&["lint"], false, 0),
        (&["probe"], false, 0),
        (&["request", HOST, "/status/200"], false, 0),
        (&["rotate", "--if-expires-in", "1d"], false, 0),
        (&["gen-certs", "b.com"], false, 0),
        (&["gen-certs", HOST], false, 2),
        (&["adopt", HOST], false, 0),
        (&["apply"], true, 2),
        (&["delete"], true, 2),
        (&["doctor"], true, 2),
        (&["lint", "--cluster"], true, 2),
    ] {
        let all: Vec<&str> = args
            .iter()
            .chain(cluster.iter().filter(|_| of_cluster))
            .copied()
            .collect();
        let ran = dir.run(&all).exits(code);
        assert_eq!(ran.stderr.matches(MODE).count(), 1, "{args:?}\n{}", ran.stderr);
        assert!(!ran.stderr.contains("owner"), "{args:?}\n{}", ran.stderr);
    }
    let yaml = dir.read("istio-tls.yaml");
    assert!(yaml.contains("mdoe: optional-mutual\nowner: team\n"), "{yaml}");
}

#[test]
fn a_field_at_the_wrong_place_is_told_where_it_belongs() {
    let dir = workspace("podNamespace: web\n");
    dir.run(&["manifests"])
        .exits(0)
        .says("istio-tls.yaml:2:1: podNamespace is not a field and has no effect; did you mean gateway.podNamespace?");
}

#[test]
fn words_of_the_file_and_hosts() {
    let dir = workspace("");
    let yaml = dir.read("istio-tls.yaml");
    dir.write("istio-tls.yaml", yaml.replace("mode: mutual", "mode: mutal"));
    for args in [&["manifests"][..], &["serve"], &["probe"], &["lint"], &["status"]] {
        dir.run(args)
            .exits(2)
            .says("unknown value mutal: expected simple, mutual, optional-mutual")
            .says("did you mean mutual?");
    }
    dir.write("istio-tls.yaml", yaml);
    dir.run(&["manifests", "htpbin.example.com"])
        .exits(2)
        .says("there is no chain for htpbin.example.com")
        .says("did you mean httpbin.example.com? If not: istio-tls gen-certs htpbin.example.com");
    let ran = dir.run(&["manifests", "other.org"]).exits(2);
    assert!(!ran.stderr.contains("did you mean"), "{}", ran.stderr);
}

#[test]
fn words_of_manifests() {
    const GATEWAY: &str = "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n  selector: {istio: ingressgateway}\n  servers:\n  - port: {number: 443, name: https, protocol: HTTPS}\n    hosts: [a.com]\n    tls: {mode: SIMPLE, credentialName: shop-credential}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: shop-credential, namespace: istio-system}\ndata: {tls.crt: '', tls.key: ''}\n";
    let dir = Dir::new();
    for (right, wrong, said) in [
        (
            "kind: Gateway",
            "kind: Gatway",
            "did you mean Gateway? It has one of Gateway, ",
        ),
        ("kind: Secret", "kind: Secert", "did you mean Secret?"),
        ("SIMPLE", "SIMPEL", "did you mean SIMPLE?"),
        ("HTTPS", "HTPPS", "did you mean HTTPS?"),
        ("credentialName", "credentailName", "did you mean credentialName?"),
        (
            "credentialName: shop",
            "credentialName: shp",
            "did you mean istio-system/shop-credential?",
        ),
    ] {
        dir.write("g.yaml", GATEWAY.replacen(right, wrong, 1));
        let ran = dir.run(&["lint", "-f", "g.yaml"]);
        assert_ne!(ran.code, Some(0), "{wrong}");
        ran.prints(said);
    }
    let yaml = GATEWAY.replacen("credentialName: shop", "credentialName: shp", 1);
    dir.write("g.yaml", yaml);
    let serve = Serve::start(&dir, &["-f", "g.yaml"]);
    let log = serve.log();
    assert!(log.contains("did you mean istio-system/shop-credential?"), "{log}");
}
