//! Istio's order of a Secret's keys, and the order of the sources.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::{Found, MaterialFiles, SecretData, SecretMount, SecretStore};
use crate::problem::Problem;

/// A disk in memory.
#[derive(Default)]
struct Files(BTreeMap<PathBuf, Vec<u8>>);

impl MaterialFiles for Files {
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Problem> {
        Ok(self.0.get(path).cloned())
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, Problem> {
        let below = self.0.keys().filter_map(|path| path.strip_prefix(folder).ok());
        let mut names: Vec<String> = below
            .filter_map(|rest| Some(rest.iter().next()?.to_str()?.to_owned()))
            .collect();
        names.dedup();
        Ok(names)
    }
}

fn files(paths: &[&str]) -> Files {
    Files(
        paths
            .iter()
            .map(|path| (PathBuf::from(path), path.as_bytes().to_vec()))
            .collect(),
    )
}

fn secret(keys: &[(&str, &str)]) -> SecretData {
    let values = keys
        .iter()
        .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
    SecretData::of_object("istio-system", "s", Some("s.yaml:1:1".to_owned()), values)
}

fn store(files: &Files) -> SecretStore<'_> {
    SecretStore {
        namespace: "istio-system".to_owned(),
        objects: HashMap::new(),
        config_maps: HashMap::new(),
        mounts: Vec::new(),
        folders: Vec::new(),
        chains: HashMap::new(),
        names_of_host: |host| vec![format!("{}-credential", host.split('.').next().unwrap())],
        files,
        host_files: false,
        in_cluster: false,
        applied: HashSet::new(),
        found: Found::default(),
    }
}

#[test]
fn generic_keys_come_before_tls_keys_and_pairs_are_never_mixed() {
    for (keys, expected) in [
        (
            &[("cert", "c"), ("key", "k"), ("tls.crt", "C"), ("tls.key", "K")][..],
            "ck",
        ),
        (&[("tls.crt", "C"), ("tls.key", "K")], "CK"),
        (&[("cert", ""), ("key", "k"), ("tls.crt", "C"), ("tls.key", "K")], "CK"),
        (&[("cert", "c"), ("tls.crt", "C"), ("tls.key", "K")], "CK"),
        (&[("cert", "c"), ("tls.key", "K")], "has neither"),
        (
            &[("tls.crt", "C"), ("tls.key", "")],
            "the keys tls.crt and tls.key, but they are empty",
        ),
        (
            &[("cert", ""), ("key", "")],
            "the keys cert and key, but they are empty",
        ),
        (&[("tls.cert", "C")], "it has: tls.cert"),
        (&[], "it has: no key"),
    ] {
        let data = secret(keys);
        match data.key_pair() {
            Ok(pair) => {
                let found =
                    [pair.certificate, pair.key].map(|entry| String::from_utf8_lossy(&entry.content).into_owned());
                assert_eq!(found.concat(), expected);
            }
            Err(problem) => {
                assert!(problem.what.contains(expected), "{problem}");
                assert_eq!(problem.at.as_deref(), Some("s.yaml:1:1"));
            }
        }
    }
    let data = secret(&[("cert", "c"), ("key", "k"), ("crl", "r"), ("ca.crl", "R")]);
    assert_eq!(data.key_pair().unwrap().crl.unwrap().content.as_slice(), b"r");
}

#[test]
fn cacert_comes_before_ca_crt_each_with_its_own_list() {
    for (keys, expected) in [
        (
            &[("cacert", "a"), ("ca.crt", "A"), ("crl", "r"), ("ca.crl", "R")][..],
            "a r",
        ),
        (&[("ca.crt", "A"), ("crl", "r"), ("ca.crl", "R")], "A R"),
        (&[("ca.crt", "A")], "A "),
        // An empty key is an error, and the other key is not tried.
        (&[("cacert", ""), ("ca.crt", "A")], "the key cacert, but it is empty"),
        (&[("tls.crt", "C")], "has neither the key ca.crt nor cacert"),
    ] {
        match secret(keys).authorities() {
            Ok(found) => {
                let text = |content: &[u8]| String::from_utf8_lossy(content).into_owned();
                let crl = found.crl.map(|crl| text(&crl.content)).unwrap_or_default();
                assert_eq!(format!("{} {crl}", text(&found.authorities.content)), expected);
            }
            Err(problem) => assert!(problem.what.contains(expected), "{problem}"),
        }
    }
}

const TREE: [&str; 3] = [
    "/c/a.com/3_application/certs/a.com.cert.pem",
    "/c/a.com/3_application/private/a.com.key.pem",
    "/c/a.com/2_intermediate/certs/ca-chain.cert.pem",
];

#[test]
fn a_reading_puts_a_secret_together_once() {
    let disk = files(&TREE);
    let mut store = store(&disk);
    store.chains.insert("a-credential".to_owned(), "/c/a.com".into());
    let found = |hosts: &[String]| store.find("a-credential", hosts).unwrap().unwrap();
    assert!(Rc::ptr_eq(&found(&[]), &found(&["a.com".to_owned()])));
    assert!(store.find("absent", &[]).unwrap().is_none());
    // Below --certs, other hosts may refer to another folder.
    store.folders.push("/c".into());
    let of_host = |host: &str| store.find("b", &[host.to_owned()]).unwrap();
    assert!(of_host("b.com").is_none());
    assert!(of_host("a.com").is_some());
}

#[test]
fn the_input_comes_before_certs_and_certs_before_the_workspace() {
    let disk = files(
        &[
            &TREE[..],
            &["/s/a-credential/tls.crt", "/s/a-credential/..data/tls.crt"],
        ]
        .concat(),
    );
    let mut store = store(&disk);
    let source = |store: &SecretStore<'_>| {
        // Each time as a separate reading.
        store.found.take();
        store
            .find("a-credential", &[])
            .unwrap()
            .map(|found| found.source.clone())
    };
    assert_eq!(source(&store), None);
    store.chains.insert("a-credential".to_owned(), "/c/a.com".into());
    assert_eq!(source(&store).as_deref(), Some("/c/a.com"));
    store.folders.push("/s".into());
    assert_eq!(source(&store).as_deref(), Some("/s/a-credential"));
    store
        .objects
        .insert(("default".to_owned(), "a-credential".to_owned()), Rc::new(secret(&[])));
    assert_eq!(
        source(&store).as_deref(),
        Some("/s/a-credential"),
        "another namespace's Secret"
    );
    store.objects.insert(
        ("istio-system".to_owned(), "a-credential".to_owned()),
        Rc::new(secret(&[])),
    );
    assert_eq!(source(&store).as_deref(), Some("secret istio-system/s"));
    assert_eq!(store.namespaces_with("a-credential"), ["default", "istio-system"]);
}

#[test]
fn a_host_tree_is_a_secret_under_its_names_or_for_its_host() {
    let disk = files(&TREE);
    for folder in ["/c/a.com", "/c"] {
        let mut store = store(&disk);
        store.folders.push(folder.into());
        let keys = |name: &str, hosts: &[String]| {
            let found = store.find(name, hosts).unwrap();
            found.map(|found| found.entries.keys().cloned().collect::<Vec<_>>())
        };
        let all = ["ca-chain.cert.pem", "ca.crt", "tls.crt", "tls.key"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(keys("a-credential", &[]), Some(all.clone()));
        assert_eq!(keys("other", &["a.com".to_owned()]), Some(all));
        assert_eq!(keys("other", &["b.com".to_owned()]), None);
    }
}

#[test]
fn mount_paths_name_a_secret_and_a_key() {
    let disk = files(&["/etc/istio/own/tls.crt"]);
    let mut store = store(&disk);
    let at = |path: &str, store: &SecretStore<'_>| store.secret_at(path);
    let pair = |secret: &str, key: &str| Some((secret.to_owned(), key.to_owned()));
    assert_eq!(
        at("/etc/istio/ingressgateway-certs/tls.crt", &store),
        pair("istio-ingressgateway-certs", "tls.crt")
    );
    for path in [
        "/etc/istio/tls.crt",
        "/etc/istio/a/b/c",
        "/etc/certs/tls.crt",
        "relative",
        "",
    ] {
        assert_eq!(at(path, &store), None, "{path}");
    }
    store.mounts.push(SecretMount {
        path: "/etc/istio/ingressgateway-certs/".to_owned(),
        secret: "own".to_owned(),
        items: BTreeMap::from([("cert.pem".to_owned(), "tls.crt".to_owned())]),
    });
    assert_eq!(
        at("/etc/istio/ingressgateway-certs/cert.pem", &store),
        pair("own", "tls.crt")
    );
    // A file on this machine is never used without the flag.
    assert!(store.mounted("/etc/istio/own/tls.crt", &[]).unwrap().is_none());
    store.host_files = true;
    assert!(store.mounted("/etc/istio/own/tls.crt", &[]).unwrap().is_some());
}

#[test]
fn a_problem_in_a_value_names_the_object_and_the_values_line() {
    let data = secret(&[("tls.crt", "x")]);
    let entry = &data.entries["tls.crt"];
    let located = entry.locate(Problem::new("bad").at(format!("{}:3", entry.name)));
    assert_eq!(
        located.at.as_deref(),
        Some("s.yaml:1:1  data.tls.crt, line 3 of the value")
    );
    assert_eq!(
        entry.locate(Problem::new("bad")).at.as_deref(),
        Some("s.yaml:1:1  data.tls.crt")
    );
}
