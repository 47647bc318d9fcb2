//! Every object of Istio's task page comes out of one command, equal field by
//! field (tests/data/task-page).

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use serde_json::Value;

use crate::harness::Dir;

fn fact(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/task-page")
        .join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_saphyr::from_multiple(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn printed(dir: &Dir, args: &[&str]) -> Vec<Value> {
    let args = [&["manifests", "--istio", "1.1"], args].concat();
    serde_saphyr::from_multiple(&dir.run(&args).exits(0).stdout).unwrap()
}

const HTTPBIN: &str = "httpbin.example.com";
const BOOKINFO: &str = "bookinfo.com";
const HELLOWORLD: &str = "helloworld-v1.example.com";

fn workspace() -> Dir {
    let dir = Dir::new();
    dir.run(&["gen-certs", HTTPBIN, BOOKINFO, HELLOWORLD]).exits(0);
    dir
}

#[test]
fn gateways_virtual_services_and_samples() {
    let dir = workspace();
    let mut seen = Vec::new();
    for (file, args) in [
        (
            "gateway-file-mount-simple.yaml",
            &[
                HTTPBIN,
                "--secrets",
                "file-mount",
                "--mode",
                "simple",
                "--only",
                "gateway",
            ][..],
        ),
        (
            "gateway-file-mount-mutual.yaml",
            &[HTTPBIN, "--secrets", "file-mount", "--only", "gateway"],
        ),
        (
            "gateway-file-mount-two-hosts.yaml",
            &[
                HTTPBIN,
                BOOKINFO,
                "--secrets",
                "file-mount",
                "--mode",
                "simple",
                "--only",
                "gateway",
            ],
        ),
        (
            "gateway-credential-simple.yaml",
            &[HTTPBIN, "--mode", "simple", "--only", "gateway"],
        ),
        ("gateway-credential-mutual.yaml", &[HTTPBIN, "--only", "gateway"]),
        (
            "gateway-credential-two-hosts.yaml",
            &[HTTPBIN, HELLOWORLD, "--mode", "simple", "--only", "gateway"],
        ),
        ("virtualservice-httpbin.yaml", &[HTTPBIN, "--only", "virtualservice"]),
        ("virtualservice-bookinfo.yaml", &[BOOKINFO, "--only", "virtualservice"]),
        (
            "virtualservice-helloworld-v1.yaml",
            &[HELLOWORLD, "--only", "virtualservice"],
        ),
        ("sample-httpbin.yaml", &[HTTPBIN, "--only", "samples"]),
        ("sample-helloworld-v1.yaml", &[HELLOWORLD, "--only", "samples"]),
        (
            "helm-secret-volumes.yaml",
            &[
                HTTPBIN,
                BOOKINFO,
                "--secrets",
                "file-mount",
                "--mode",
                "simple",
                "--helm-values",
            ],
        ),
    ] {
        assert_eq!(printed(&dir, args), fact(file), "{file}");
        seen.push(file.to_owned());
    }
    // None is left out; Secrets have a test of their own.
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/task-page");
    let mut files: Vec<String> = (folder.read_dir().unwrap())
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml") && !name.starts_with("secrets-"))
        .collect();
    files.sort();
    seen.sort();
    assert_eq!(seen, files);
}

#[test]
fn secrets() {
    let dir = workspace();
    for (file, args) in [
        ("secrets-file-mount.yaml", &[HTTPBIN, "--secrets", "file-mount"][..]),
        (
            "secrets-file-mount-two-hosts.yaml",
            &[HTTPBIN, BOOKINFO, "--secrets", "file-mount", "--mode", "simple"],
        ),
        (
            "secrets-credential-two-hosts.yaml",
            &[HTTPBIN, HELLOWORLD, "--mode", "simple"],
        ),
        ("secrets-credential-mutual.yaml", &[HTTPBIN]),
    ] {
        let args = [args, &["--only", "secrets"]].concat();
        let found = printed(&dir, &args);
        let wanted = fact(file).remove(0);
        let wanted = wanted.as_array().unwrap();
        assert_eq!(found.len(), wanted.len(), "{file}");
        for (found, wanted) in found.iter().zip(wanted) {
            assert_eq!(found["metadata"]["name"], wanted["name"], "{file}");
            assert_eq!(found["metadata"]["namespace"], "istio-system", "{file}");
            assert_eq!(found["type"], wanted["type"], "{file}");
            let contents = |value: &Value, read: &dyn Fn(&str) -> Vec<u8>| -> BTreeMap<String, Vec<u8>> {
                let entries = value.as_object().unwrap().iter();
                entries
                    .map(|(key, text)| (key.clone(), read(text.as_str().unwrap())))
                    .collect()
            };
            let decode = |text: &str| base64::engine::general_purpose::STANDARD.decode(text).unwrap();
            assert_eq!(
                contents(&found["data"], &decode),
                contents(&wanted["keys"], &|path| dir.read(path).into_bytes()),
                "{file}"
            );
        }
    }
}
