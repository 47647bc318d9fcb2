//! `istio-tls schema`, and that the schemas of JSON output say all of it and no more.

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::fake_api_server::{FakeApiServer, gateway_at};
use crate::harness::Dir;
use crate::json_schemas::{commands, committed, fits, judge, names};
use crate::serve_process::Serve;

const HOST: &str = "httpbin.example.com";
/// The Secret of that host.
const NAME: &str = "httpbin-credential";

#[test]
fn the_schema_is_json_and_names_its_draft() {
    let schema = Dir::new().run(&["schema"]).exits(0).json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["properties"]["version"]["const"], 1);
    Dir::new().run(&["schema", "-o", "yaml"]).exits(2);
    Dir::new()
        .run(&["schema", "frobnicate"])
        .exits(2)
        .says("possible values: adopt, apply");
}

/// Commands whose result is no JSON object, or a schema itself.
const WITHOUT: [&str; 4] = ["completions", "man", "schema", "serve"];

#[test]
fn every_command_with_json_has_a_schema() {
    let mut named = names();
    named.retain(|name| name != "lint-explain");
    let program = istio_tls::cli::command();
    let commands = program.get_subcommands().map(|command| command.get_name().to_owned());
    let mut commands: Vec<String> = commands.filter(|name| !WITHOUT.contains(&name.as_str())).collect();
    commands.sort();
    assert_eq!(commands, named);
    // Each is named where the output is described.
    let page = include_str!("../../docs/json.md");
    for name in names() {
        assert!(
            page.contains(&format!("(schemas/{name}.json)")),
            "docs/json.md does not name {name}"
        );
    }
}

/// The schemas below one that are properties, items and alternatives, with the name of
/// the property that leads there.
fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// Every schema in a document.
fn each<'d>(schema: &'d Value, see: &mut dyn FnMut(&'d Value)) {
    see(schema);
    match schema {
        Value::Object(fields) => fields.values().for_each(|field| each(field, see)),
        Value::Array(items) => items.iter().for_each(|item| each(item, see)),
        _ => {}
    }
}

#[test]
fn every_property_is_described_and_no_other_is_allowed() {
    for name in names() {
        let document = committed(&name);
        assert_eq!(document["$id"], format!("urn:istio-tls:schema:1:{name}"));
        let mut undescribed = Vec::new();
        each(&document, &mut |schema| {
            for (property, below) in properties(schema) {
                // The constant that tells alternatives apart says it all.
                if below["description"].is_null() && below["const"].is_null() && !is_alternative(schema) {
                    undescribed.push(property);
                }
            }
        });
        assert!(undescribed.is_empty(), "{name}: {undescribed:?}");
        let mut printed = serde_json::json!({"schema": 1, "error": {"what": "it failed"}});
        judge(&name, &printed);
        printed["further"] = 1.into();
        assert!(
            fits(&name, &printed).is_err(),
            "{name}: a property that no schema names is allowed"
        );
    }
}

/// Whether a schema is an alternative that carries a value: `{"alert": 116}`, where
/// others are words. It is described as a whole, and as little as a word must it have
/// been seen.
fn is_alternative(schema: &Value) -> bool {
    properties(schema).count() == 1
        && schema["description"].is_string()
        && properties(schema).all(|(_, below)| below["description"].is_null())
}

/// The properties of schemas that were in an output. A schema that several commands
/// share is one: it is known by its text.
#[derive(Default)]
struct Seen(BTreeSet<(String, String)>);

impl Seen {
    /// Takes note of the properties in what a command printed.
    fn note(&mut self, document: &Value, schema: &Value, printed: &Value) {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.strip_prefix("#/$defs/").expect("a definition");
            self.note(document, &document["$defs"][name], printed);
        }
        for (name, below) in properties(schema) {
            if let Some(value) = printed.get(name) {
                self.0.insert((schema.to_string(), name.clone()));
                self.note(document, below, value);
            }
        }
        for item in printed.as_array().into_iter().flatten() {
            self.note(document, &schema["items"], item);
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for alternative in schema[keyword].as_array().into_iter().flatten() {
                if may_be(document, alternative, printed) {
                    self.note(document, alternative, printed);
                }
            }
        }
    }

    /// The properties in a document that were in no output.
    fn missing(&self, document: &Value) -> Vec<String> {
        let mut missing = Vec::new();
        each(document, &mut |schema| {
            if is_alternative(schema)
                || schema["description"]
                    .as_str()
                    .is_some_and(|text| ELSEWHERE.contains(&text))
            {
                return;
            }
            for (name, below) in properties(schema) {
                if !self.0.contains(&(schema.to_string(), name.clone())) {
                    missing.push(format!("{name}: {}", below["description"]));
                }
            }
        });
        missing
    }
}

/// Whether a value may be of an alternative: as far as types, constants and what is
/// required say.
fn may_be(document: &Value, schema: &Value, printed: &Value) -> bool {
    if let Some(name) = schema["$ref"].as_str() {
        let name = name.strip_prefix("#/$defs/").expect("a definition");
        if !may_be(document, &document["$defs"][name], printed) {
            return false;
        }
    }
    let mut required = schema["required"].as_array().into_iter().flatten();
    let has = |name: &Value| name.as_str().is_some_and(|name| printed.get(name).is_some());
    let constant = |(name, below): (&String, &Value)| match (&below["const"], printed.get(name)) {
        (Value::Null, _) | (_, None) => true,
        (constant, Some(value)) => constant == value,
    };
    required.all(has) && properties(schema).all(constant)
}

/// What commands print with `-o json` in the transcripts, which are kept current by
/// tests of their own. A placeholder for a number becomes a number.
fn transcripts() -> Vec<(String, Value)> {
    let number = regex::Regex::new(r": \[[a-z0-9 -]+\](,?)\n").expect("a pattern");
    let mut outputs = Vec::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots");
    for file in std::fs::read_dir(folder).expect("the transcripts") {
        let text = std::fs::read_to_string(file.expect("a file").path()).expect("a transcript");
        for run in text.split("\n$ ").skip(1) {
            let (line, rest) = run.split_once('\n').expect("a line and its output");
            let [name] = &commands(line)[..] else { continue };
            let stdout: Vec<&str> = rest.lines().filter_map(|line| line.strip_prefix("> ")).collect();
            let stdout = stdout.join("\n") + "\n";
            let stdout = number.replace_all(&stdout, ": 0$1\n");
            for printed in serde_json::Deserializer::from_str(&stdout).into_iter::<Value>() {
                let printed = printed.unwrap_or_else(|error| panic!("{line}: {error}\n{stdout}"));
                outputs.push((name.clone(), printed));
            }
        }
    }
    outputs
}

/// What tests/real alone can bring about, whose outputs are judged, too: a pod that
/// takes connections through the API server.
const ELSEWHERE: [&str; 1] = ["A pod of a gateway."];

/// A workspace with one host, and a route to all that the built-in httpbin answers.
fn workspace() -> Dir {
    let dir = Dir::new();
    dir.run(&["gen-certs", HOST]).exits(0);
    let (entry, routes) = (
        "credentialName: httpbin-credential\n",
        "    routes:\n    - {prefix: /, service: httpbin, port: 8000}\n",
    );
    let text = dir.read("istio-tls.yaml");
    let routed = text.replace(entry, &format!("{entry}{routes}"));
    assert_ne!(text, routed);
    dir.write("istio-tls.yaml", routed);
    dir
}

/// What no transcript has, of files and of a gateway on this machine.
fn here() -> Vec<(&'static str, Value)> {
    let dir = workspace();
    let json = |args: &[&str], code| dir.run(&[args, &["-o", "json"]].concat()).exits(code).json();
    let mut outputs = vec![
        (
            "gen-certs",
            json(&["gen-certs", HOST, "--client", "bob", "--dry-run"], 0),
        ),
        ("gen-certs", json(&["gen-certs", HOST, "--force", "--dry-run"], 0)),
    ];
    dir.run(&["gen-certs", "a.example.com", "--name-constraints", "a.example.com"])
        .exits(0);
    dir.run(&["revoke", "a.example.com", "--client", "a.example.com"])
        .exits(0);
    outputs.push(("inspect", json(&["inspect", "a.example.com"], 0)));
    let key = rcgen::KeyPair::generate().expect("a key");
    let request = rcgen::CertificateParams::new([HOST.to_owned()]).expect("parameters");
    let request = request.serialize_request(&key).expect("a request").pem().expect("PEM");
    let mut ca = rcgen::CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    ca.name_constraints = Some(rcgen::NameConstraints {
        permitted_subtrees: Vec::new(),
        excluded_subtrees: vec![rcgen::GeneralSubtree::DnsName("b.example.com".to_owned())],
    });
    let ca = ca.self_signed(&key).expect("a certificate").pem();
    let other = "-----BEGIN DH PARAMETERS-----\nMAUCAQcCAQI=\n-----END DH PARAMETERS-----\n";
    dir.write("mixed.pem", request + &ca + other);
    outputs.push(("inspect", json(&["inspect", "mixed.pem"], 0)));
    let gateway = Serve::start(&dir, &[]);
    outputs.push(("request", json(&["request", HOST, "/bytes/64"], 0)));
    let target = format!("localhost:{}", gateway.address(443).port());
    outputs.push((
        "probe",
        json(&["probe", HOST, "--target", &target, "--path", "/status/418"], 0),
    ));
    drop(gateway);
    // A Gateway of somebody's own, which is SIMPLE.
    let simple = dir.run(&["manifests", HOST, "--mode", "simple"]).exits(0).stdout;
    dir.write("simple.yaml", simple);
    let _gateway = Serve::start(&dir, &["-f", "simple.yaml"]);
    outputs.push(("probe", json(&["probe", HOST, "--mtls"], 1)));
    outputs
}

/// What no transcript has, of a cluster whose gateway is one on this machine.
fn in_a_cluster() -> Vec<(&'static str, Value)> {
    let dir = workspace();
    let gateway = Serve::start(&dir, &[]);
    let port = gateway.address(443).port();
    let server = FakeApiServer::failing(move |request, _| gateway_at(port, request));
    server.kubeconfig(&dir);
    let json = |args: &[&str], code| dir.run(&[args, &["-o", "json"]].concat()).exits(code).json();
    let secret = format!("secret/{NAME}");
    let mut outputs = vec![
        ("apply", json(&["apply"], 0)),
        ("inspect", json(&["inspect", &secret], 0)),
        ("rotate", json(&["rotate", HOST, "--dry-run"], 0)),
        ("rotate", json(&["rotate", HOST], 0)),
    ];
    // A copy that somebody made, and a Secret whose key is another certificate's.
    let path = |namespace: &str| format!("/api/v1/namespaces/{namespace}/secrets/{NAME}");
    let mut copy = server.object(&path("istio-system"));
    copy["metadata"]["namespace"] = "team-b".into();
    server.put(&path("team-b"), "kubectl-create", copy.clone());
    copy["metadata"]["namespace"] = "team-c".into();
    let other = dir.read(format!("{HOST}/4_client/private/{HOST}.key.pem"));
    copy["data"]["tls.key"] = STANDARD.encode(other).into();
    server.put(&path("team-c"), "kubectl-create", copy);
    let secret = format!("secret/team-c/{NAME}");
    outputs.push(("inspect", json(&["inspect", &secret], 0)));
    outputs.push(("verify", json(&["verify", &secret], 1)));
    outputs.push(("delete", json(&["delete", "--yes"], 0)));
    outputs
}

#[test]
fn every_property_was_in_an_output() {
    let mut seen = Seen::default();
    for (name, printed) in transcripts() {
        judge(&name, &printed);
        seen.note(&committed(&name), &committed(&name), &printed);
    }
    for (name, printed) in here().into_iter().chain(in_a_cluster()) {
        seen.note(&committed(name), &committed(name), &printed);
    }
    let mut missing = Vec::new();
    for name in names() {
        let of_it = seen.missing(&committed(&name));
        missing.extend(of_it.into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(missing.is_empty(), "no test prints these:\n{}", missing.join("\n"));
}
