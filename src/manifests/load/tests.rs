//! What is accepted, and what is refused with which position.

use super::{Loaded, load, load_bytes};
use crate::manifests::model::http_route::{Percent, StringMatch};
use crate::manifests::model::service::TargetPort;
use crate::manifests::model::{Gateway, Manifest, VirtualService};

const GATEWAY: &str = "\
apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: mygateway
  namespace: default
spec:
  selector:
    istio: ingressgateway
  servers:
  - port:
      number: 443
      name: https
      protocol: HTTPS
    tls:
      mode: SIMPLE
      credentialName: httpbin-credential
    hosts:
    - httpbin.example.com
";

fn loaded(text: &str) -> Loaded {
    load(text, "f.yaml")
        .whole()
        .unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn gateway(text: &str) -> Gateway {
    match loaded(text).objects.remove(0).manifest {
        Manifest::Gateway(gateway) => gateway,
        other => panic!("a {} came out", other.kind()),
    }
}

fn virtual_service(http: &str) -> VirtualService {
    let text = format!(
        "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {{name: v}}\nspec:\n  hosts: [a.com]\n  http:\n{http}"
    );
    match loaded(&text).objects.remove(0).manifest {
        Manifest::VirtualService(virtual_service) => virtual_service,
        other => panic!("a {} came out", other.kind()),
    }
}

/// A Gateway with one line of [`GATEWAY`] replaced.
fn with(line: &str, replacement: &str) -> String {
    assert!(GATEWAY.contains(line), "{line}");
    GATEWAY.replace(line, replacement)
}

#[test]
fn every_field_knows_its_place() {
    let objects = loaded(&format!("# a comment\n---\n{GATEWAY}")).objects;
    let origin = &objects[0].origin;
    for (path, place) in [
        ("", "f.yaml:3:1"),
        ("spec.servers[0].tls.credentialName", "f.yaml:18:23"),
        ("spec.servers[0].tls", "f.yaml:16:5"),
        ("spec.servers[0]", "f.yaml:12:5"),
        ("spec.servers[0].hosts[0]", "f.yaml:20:7"),
        ("spec.selector[\"istio\"]", "f.yaml:10:12"),
        // A missing field has the position of its nearest existing parent.
        ("spec.servers[0].tls.caCertificates", "f.yaml:16:5"),
        ("spec.servers[7].tls", "f.yaml:11:3"),
        ("nothing", "f.yaml:3:1"),
    ] {
        assert_eq!(origin.at(path).to_string(), place, "{path}");
    }
    assert_eq!(origin.key_at("spec.servers[0].tls.mode").to_string(), "f.yaml:17:7");
    assert_eq!(origin.describe("spec.servers"), "f.yaml:11:3  spec.servers");
}

#[test]
fn the_three_versions_are_alike() {
    for version in ["v1", "v1beta1", "v1alpha3"] {
        let gateway = gateway(&with(
            "networking.istio.io/v1",
            &format!("networking.istio.io/{version}"),
        ));
        assert_eq!(gateway.spec.servers[0].port.number, 443);
        assert_eq!(gateway.api_version, format!("networking.istio.io/{version}"));
    }
}

#[test]
fn documents_lists_json_and_aliases() {
    let document = |name: &str| GATEWAY.replace("mygateway", name);
    let two = format!("{}---\n# nothing\n---\n{}...\n", document("a"), document("b"));
    let names = |text: &str| -> Vec<String> {
        let objects = loaded(text).objects;
        objects
            .iter()
            .map(|object| object.manifest.metadata().name.clone())
            .collect()
    };
    assert_eq!(names(&two), ["a", "b"]);
    assert_eq!(names(""), [""; 0]);
    assert_eq!(names("---\n---\n# only comments\n"), [""; 0]);
    assert_eq!(names(&format!("\u{feff}{GATEWAY}")), ["mygateway"]);
    assert_eq!(names(&GATEWAY.replace('\n', "\r\n")), ["mygateway"]);
    let indented = document("c").replace('\n', "\n    ");
    let list = format!("apiVersion: v1\nkind: List\nitems:\n  - {indented}\n");
    assert_eq!(names(&list), ["c"]);
    let empty_list = "apiVersion: v1\nkind: List\nitems: []\n";
    assert_eq!(names(empty_list), [""; 0]);
    let typed_list =
        "apiVersion: networking.istio.io/v1\nkind: GatewayList\nitems:\n- metadata: {name: d}\n  spec: {}\n";
    assert_eq!(names(typed_list), ["d"]);
    let json =
        "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Secret\",\n\t\"metadata\": {\"name\": \"s\\u00e9\".substring}\n}";
    assert!(load(json, "f.json").whole().is_err());
    let json = "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Secret\",\n\t\"metadata\": {\"name\": \"\\u0073\\/\"}\n}";
    assert_eq!(load(json, "f.json").whole().unwrap_err().path, "metadata.name");
    let json = "{\"apiVersion\":\"v1\",\"kind\":\"Secret\",\"metadata\":{\"name\":\"s\"},\"data\":{\"a\":\"aGk=\"}}";
    assert_eq!(names(json), ["s"]);
    let aliased = with(
        "    tls:\n      mode: SIMPLE\n      credentialName: httpbin-credential",
        "    tls: &tls\n      mode: SIMPLE\n      credentialName: httpbin-credential",
    ) + "  - port: {number: 8443, name: other, protocol: HTTPS}\n    tls:\n      <<: *tls\n      mode: MUTUAL\n    hosts: [b.com]\n";
    let servers = gateway(&aliased).spec.servers;
    assert_eq!(
        servers[1].tls.as_ref().unwrap().credential_name.as_deref(),
        Some("httpbin-credential")
    );
    assert_eq!(servers[1].tls.as_ref().unwrap().effective_mode().as_str(), "MUTUAL");
}

#[test]
fn what_is_refused_and_where() {
    let duplicate = with("      name: https\n", "      name: https\n      name: http\n");
    let nulls = "spec:\n  servers:\n  - null\n";
    for (text, place, path, message) in [
        (
            with("443", "\"443\""),
            "11:15",
            "spec.servers[0].port.number",
            "expected a whole number, found a string",
        ),
        (
            with("443", "-1"),
            "11:15",
            "spec.servers[0].port.number",
            "the number -1 is out of range",
        ),
        (
            with("443", "4.5"),
            "11:15",
            "spec.servers[0].port.number",
            "expected a whole number, found the number 4.5",
        ),
        (
            with("name: https\n", "name: on\n"),
            "12:13",
            "spec.servers[0].port.name",
            "expected a string, found the boolean true: put it in quotes",
        ),
        (
            with("SIMPLE", "SIMPEL"),
            "15:13",
            "spec.servers[0].tls.mode",
            "unknown value \"SIMPEL\": expected PASSTHROUGH, SIMPLE, MUTUAL, AUTO_PASSTHROUGH, ISTIO_MUTUAL, OPTIONAL_MUTUAL",
        ),
        (
            with(
                "    hosts:\n    - httpbin.example.com\n",
                "    hosts: httpbin.example.com\n",
            ),
            "17:12",
            "spec.servers[0].hosts",
            "expected a list, found a string",
        ),
        (
            with("    hosts:\n    - httpbin.example.com\n", ""),
            "10:5",
            "spec.servers[0]",
            "the field hosts is missing",
        ),
        (
            with("    istio: ingressgateway", "    - istio"),
            "8:5",
            "spec.selector",
            "expected a mapping, found a list",
        ),
        (duplicate, "13:7", "", "the key \"name\" occurs twice"),
        (
            with("networking.istio.io/v1", "networking.istio.io/v9"),
            "1:13",
            "apiVersion",
            "unknown apiVersion \"networking.istio.io/v9\" of kind Gateway",
        ),
        (
            with("networking.istio.io/v1", "v1"),
            "1:13",
            "apiVersion",
            "unknown apiVersion \"v1\" of kind Gateway",
        ),
        (
            with("kind: Gateway", "kind: Gatway"),
            "2:7",
            "kind",
            "networking.istio.io has no kind \"Gatway\"",
        ),
        (
            with("kind: Gateway\n", ""),
            "1:1",
            "",
            "the field kind is missing: this is not a Kubernetes object",
        ),
        (
            with("  name: mygateway\n", ""),
            "4:3",
            "metadata",
            "the field name is missing",
        ),
        (
            with("namespace: default", "namespace: De_fault"),
            "5:14",
            "metadata.namespace",
            "\"De_fault\" is not a namespace",
        ),
        (with("      number: 443", "\tnumber: 443"), "11:2", "", ""),
        (
            GATEWAY[..GATEWAY.len() - 20].replace("hosts:", "hosts: [").clone(),
            "",
            "",
            "",
        ),
        (
            "- a\n- b\n".into(),
            "1:1",
            "",
            "expected a Kubernetes object, found a list",
        ),
        (
            "just text".into(),
            "1:1",
            "",
            "expected a Kubernetes object, found a string",
        ),
        ("{".into(), "", "", ""),
        ("a: *nobody".into(), "1:4", "", ""),
        (
            "a: &a [*a]".into(),
            "1:8",
            "",
            "the alias is inside the value that it refers to",
        ),
        (
            "? [a, b]\n: c\n".into(),
            "1:3",
            "",
            "a list or a mapping cannot be a key",
        ),
        ("a: !!int x".into(), "1:10", "", "the value does not fit its tag !!int"),
        ("a: \"\\uD800\"".into(), "", "", ""),
        (
            with("spec:\n", "spec_:\n").replace("mygateway", "My_Gateway"),
            "4:9",
            "metadata.name",
            "",
        ),
        (
            format!("apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: g}}\n{nulls}"),
            "6:5",
            "spec.servers[0]",
            "expected a mapping, found nothing (null)",
        ),
    ] {
        let Err(error) = load(&text, "f.yaml").whole() else {
            panic!("it was taken:\n{text}");
        };
        let found = format!("{}:{}", error.location.line, error.location.column);
        assert!(
            place.is_empty() || found == place,
            "{found} is not {place}: {error}\n{text}"
        );
        assert_eq!(error.path, path, "{text}");
        assert!(error.message.contains(message), "{}\n{text}", error.message);
    }
}

#[test]
fn a_bomb_of_aliases_is_refused_quickly() {
    let mut bomb = String::from("a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (name, before) in ('b'..='i').zip('a'..='h') {
        let nine = vec![format!("*{before}"); 9].join(", ");
        bomb = format!("{bomb}{name}: &{name} [{nine}]\n");
    }
    let error = load(&bomb, "f.yaml").whole().unwrap_err();
    assert!(error.message.contains("aliases"), "{error}");
    // The same with text, with anchors alone, and with merge keys.
    let text = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(1 << 20), "*a, ".repeat(1000));
    assert!(load(&text, "f.yaml").whole().unwrap_err().message.contains("aliases"));
    let mut nested: Vec<String> = (0..90)
        .map(|depth| format!("{}k{depth}: &a{depth}", " ".repeat(depth)))
        .collect();
    nested.push(format!("{}leaf: [{}]", " ".repeat(90), "x, ".repeat(5000)));
    let nested = nested.join("\n");
    assert!(load(&nested, "f.yaml").whole().unwrap_err().message.contains("aliases"));
    // Many documents, none of which is too much by itself.
    let (list, aliases) = ("x, ".repeat(1000), "*a, ".repeat(90));
    let document = format!("apiVersion: v1\nkind: X\nmetadata: {{name: x}}\na: &a [{list}]\nb: [{aliases}]\n---\n");
    let loaded = load(&document.repeat(200), "f.yaml");
    assert_eq!(loaded.errors.len(), 1);
    assert!(loaded.errors[0].message.contains("aliases"), "{}", loaded.errors[0]);
    assert!(loaded.objects.len() < 10, "{} objects", loaded.objects.len());
}

#[test]
fn depth_is_bounded() {
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(10_000),
        "- ".repeat(10_000),
        (0..2000)
            .map(|depth| format!("{}a:", " ".repeat(depth)))
            .collect::<Vec<_>>()
            .join("\n"),
    ] {
        assert!(load(&text, "f.yaml").whole().is_err());
    }
}

#[test]
fn bytes_that_are_no_text() {
    let error = load_bytes(b"a: b\nc: \xff\n", "f.yaml").whole().unwrap_err();
    assert_eq!(error.to_string(), "f.yaml:2:4: the file is not UTF-8 text");
}

#[test]
fn other_kinds_are_kept_and_foreign_ones_are_not_ours() {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n---\napiVersion: serving.knative.dev/v1\nkind: Service\nmetadata: {name: k}\n---\napiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec: {gatewayClassName: istio}\n---\napiVersion: networking.istio.io/v1\nkind: DestinationRule\nmetadata: {name: d}\n";
    let objects = loaded(text).objects;
    assert!(
        objects
            .iter()
            .all(|object| matches!(object.manifest, Manifest::Other(_)))
    );
    assert_eq!(objects[2].manifest.title("default"), "Gateway default/g");
}

#[test]
fn unknown_fields_are_warned_about() {
    let text = with("      mode: SIMPLE\n", "      mode: SIMPLE\n      cerdentialName: x\n") + "status: {}\nextra: 1\n";
    let warnings = loaded(&text).warnings;
    let shown: Vec<String> = warnings
        .iter()
        .map(|warning| format!("{} {}", warning.location, warning.path))
        .collect();
    assert_eq!(
        shown,
        ["f.yaml:16:7 spec.servers[0].tls.cerdentialName", "f.yaml:21:1 extra"]
    );
}

#[test]
fn matches_of_every_kind() {
    let http = "  - match:\n    - uri: {regex: /a.*}\n      headers:\n        x-present: {}\n        x-exact: {exact: \"yes\"}\n      ignoreUriCase: true\n    route:\n    - destination: {host: a, port: {number: 80}}\n      weight: 3\n    fault: {abort: {percentage: {value: 50}, httpStatus: 503}}\n    timeout: 1.5s\n";
    let route = virtual_service(http).spec.http.remove(0);
    assert_eq!(route.matches[0].uri, Some(StringMatch::Regex("/a.*".into())));
    assert_eq!(route.matches[0].headers["x-present"], StringMatch::Present);
    assert_eq!(route.matches[0].headers["x-exact"], StringMatch::Exact("yes".into()));
    let abort = route.fault.unwrap().abort.unwrap();
    assert_eq!(abort.percentage, Some(Percent { value: 50.0 }));
    let both = "apiVersion: networking.istio.io/v1\nkind: VirtualService\nmetadata: {name: v}\nspec:\n  http:\n  - match:\n    - uri:\n        exact: /a\n        prefix: /\n";
    let error = load(both, "f.yaml").whole().unwrap_err();
    assert_eq!(error.path, "spec.http[0].match[0].uri");
    assert_eq!(error.message, "only one of exact, prefix and regex is allowed");
}

#[test]
fn services_name_their_target_ports_both_ways() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {ports: [{port: 80, targetPort: web}, {port: 81, targetPort: 8081}], clusterIP: None}\n";
    let loaded = loaded(text);
    let Manifest::Service(service) = &loaded.objects[0].manifest else {
        panic!()
    };
    assert_eq!(service.spec.ports[0].target_port, Some(TargetPort::Name("web".into())));
    assert_eq!(service.spec.ports[1].target_port, Some(TargetPort::Number(8081)));
    assert!(loaded.warnings.is_empty());
    let error = load(&text.replace("8081", "80810"), "f.yaml").whole().unwrap_err();
    assert_eq!(error.message, "the number 80810 is out of range");
}

#[test]
fn secrets_hide_their_values() {
    let text = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ntype: Opaque\ndata:\n  key: |\n    c2Vj\n    cmV0\nstringData:\n  cert: sec\n";
    let loaded = loaded(text);
    let Manifest::Secret(secret) = &loaded.objects[0].manifest else {
        panic!()
    };
    assert_eq!(secret.get("key"), Some(&b"secret"[..]));
    assert_eq!(secret.get("cert"), Some(&b"sec"[..]));
    assert_eq!(secret.keys(), ["cert", "key"]);
    assert!(!format!("{secret:?}").contains("sec\""), "{secret:?}");
    assert!(!format!("{secret:?}").contains("c2Vj"), "{secret:?}");
    for (data, message) in [
        (
            "data: {tls.key: \"-----BEGIN PRIVATE KEY-----\\nMIIsecret\"}",
            "found PEM text",
        ),
        ("data: {tls.key: \"MIIsecret*\"}", "expected base64"),
        ("data: MIIsecret", "expected a mapping, found a string"),
        ("data: [MIIsecret]", "expected a mapping, found a list"),
    ] {
        let text = format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{data}\n");
        let error = load(&text, "f.yaml").whole().unwrap_err();
        assert!(error.message.contains(message), "{error}");
        assert!(!error.to_string().contains("MIIsecret"), "{error}");
        assert!(error.path.starts_with("data"), "{}", error.path);
    }
}

mod properties {
    use proptest::prelude::*;

    use super::load;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// For any text: a result, no panic, and a position within it.
        #[test]
        fn any_text_is_answered(text in "[ -~\n\t]{0,200}") {
            if let Err(error) = load(&text, "f").whole() {
                prop_assert!(error.location.line as usize <= text.lines().count() + 2);
            }
        }

        /// The same for text that is nearly YAML.
        #[test]
        fn near_yaml_is_answered(lines in prop::collection::vec(
            "( ){0,6}(- |\\? |: |&a |\\*a |!!str |!x |<<: |\\{|\\[|\\}|\\]|---|\\.\\.\\.|\\||>-|\"|'|#|%YAML 1.2|a: |b: |kind: |spec: )(a|1|yes|\"x\"|'y'|~|\\*a|)", 0..30
        )) {
            let _ = load(&lines.join("\n"), "f").whole();
        }

        /// The same for a manifest with a line taken out, doubled or damaged.
        #[test]
        fn damaged_manifests_are_answered(line in 0usize..18, damage in 0usize..5, at in 0usize..12) {
            let mut lines: Vec<String> = super::GATEWAY.lines().map(str::to_owned).collect();
            match damage {
                0 => { lines.remove(line); }
                1 => { let again = lines[line].clone(); lines.insert(line, again); }
                2 => { let end = at.min(lines[line].len()); lines[line].truncate(end); }
                3 => { let end = at.min(lines[line].len()); lines[line].insert(end, '\t'); }
                _ => { lines.truncate(line); }
            }
            let _ = load(&lines.join("\n"), "f").whole();
        }
    }
}

#[test]
fn contents_keep_what_no_type_knows() {
    let text = "apiVersion: v1\nkind: SecretList\nitems:\n- metadata: {name: a}\n  data: {k: eA==}\n---\n\
        apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {replicas: 3, selector: {}}\n---\nno object\n";
    let found = super::contents(text, "f.yaml");
    assert_eq!(found.len(), 2);
    assert_eq!(found[0]["kind"], "Secret");
    assert_eq!(found[0]["apiVersion"], "v1");
    assert_eq!(found[1]["spec"]["replicas"], 3);
}

#[test]
fn an_object_of_a_server_is_read_as_one_of_a_file() {
    let value = serde_json::json!({
        "apiVersion": "networking.istio.io/v1", "kind": "Gateway",
        "metadata": {"name": "edge", "namespace": "a", "creationTimestamp": "2024-01-01T00:00:00Z"},
        "spec": {"servers": [{"port": {"number": 443, "protocol": "HTTPS", "name": "https"}, "hosts": ["*"], "new": 1}]},
    });
    let object = super::object(&value).expect("an object");
    assert_eq!(object.manifest.title("default"), "Gateway a/edge");
    assert_eq!(object.origin.at("spec.servers[0]").to_string(), "");
    let Manifest::Gateway(gateway) = object.manifest else {
        panic!("no Gateway")
    };
    assert_eq!(gateway.spec.servers[0].port.number, 443);
}

#[test]
fn an_object_of_a_server_that_cannot_be_read_is_named() {
    let value = serde_json::json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "c", "namespace": "a"}, "data": {"tls.key": 7}});
    let error = super::object(&value).expect_err("a number is no base64");
    let problem = crate::problem::Problem::from(error);
    assert_eq!(problem.at.as_deref(), Some("Secret a/c  data[\"tls.key\"]"));
}
