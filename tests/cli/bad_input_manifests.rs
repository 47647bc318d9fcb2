//! `manifests` on input that is wrong: an error that names the place, exit 2
//! or 3, and nothing written.

use crate::harness::Dir;

fn chain() -> Dir {
    let dir = Dir::new();
    dir.run(&["gen-certs", "httpbin.example.com"]).exits(0);
    dir
}

const CERT: &str = "httpbin.example.com/3_application/certs/httpbin.example.com.cert.pem";
const KEY: &str = "httpbin.example.com/3_application/private/httpbin.example.com.key.pem";
const CA: &str = "httpbin.example.com/2_intermediate/certs/ca-chain.cert.pem";

#[test]
fn no_chain_says_what_to_type() {
    let dir = Dir::new();
    dir.run(&["manifests"])
        .exits(2)
        .says("istio-tls gen-certs httpbin.example.com");
    dir.run(&["manifests", "a.com"]).exits(2).says("istio-tls gen-certs");
    let dir = chain();
    dir.run(&["manifests", "b.com"])
        .exits(2)
        .says("there is no chain for b.com")
        .says("istio-tls gen-certs b.com");
    dir.run(&["manifests", "*.b.com"])
        .exits(2)
        .says("istio-tls gen-certs '*.b.com'");
    std::fs::remove_dir_all(dir.path("httpbin.example.com")).unwrap();
    dir.run(&["manifests"])
        .exits(2)
        .says("istio-tls gen-certs httpbin.example.com");
}

#[test]
fn hosts_that_are_none() {
    let dir = chain();
    for host in [
        "../evil",
        "",
        "a b",
        "a..b",
        "https://a.com",
        "a.com:443",
        &"a".repeat(300),
    ] {
        dir.run(&["manifests", host]).exits(2);
    }
}

#[test]
fn broken_chains_name_the_file_and_line() {
    for (file, content, said) in [
        (CERT, &b""[..], "httpbin.example.com.cert.pem"),
        (
            CERT,
            b"-----BEGIN CERTIFICATE-----\nAAAA\n",
            "httpbin.example.com.cert.pem:1",
        ),
        (
            CERT,
            b"-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
            "httpbin.example.com.cert.pem:",
        ),
        (CERT, b"\x30\x82\x01\x00", "httpbin.example.com.cert.pem"),
        (CERT, b"no PEM at all", "httpbin.example.com.cert.pem"),
        (
            KEY,
            b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "key.pem holds no private key",
        ),
        (
            KEY,
            b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            "is encrypted",
        ),
        (CA, b"", "ca-chain.cert.pem"),
    ] {
        let dir = chain();
        std::fs::write(dir.path(file), content).unwrap();
        let ran = dir.run(&["manifests", "--out", "out"]).exits(2).says(said);
        assert_eq!(ran.stdout, "");
        assert!(!dir.path("out").exists(), "nothing is written");
    }
}

#[test]
fn what_stands_where_a_file_should() {
    let dir = chain();
    std::fs::remove_file(dir.path(KEY)).unwrap();
    dir.run(&["manifests"]).exits(2).says("has a certificate but no key");
    std::fs::create_dir(dir.path(KEY)).unwrap();
    dir.run(&["manifests"]).exits(2).says("it is a folder");
    std::fs::remove_dir(dir.path(KEY)).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path(KEY)).unwrap();
    dir.run(&["manifests"]).exits(2).says("symbolic link");
    std::fs::remove_file(dir.path(KEY)).unwrap();
    let large = std::fs::File::create(dir.path(KEY)).unwrap();
    large.set_len(100 << 20).unwrap();
    dir.run(&["manifests"]).exits(2).says("too large");
}

#[test]
fn folders_that_cannot_be_written() {
    let dir = chain();
    dir.write("taken", "a file");
    dir.run(&["manifests", "--out", "taken"]).exits(3).says("taken");
    dir.run(&["manifests", "--out", "/proc/none"])
        .exits(3)
        .says("/proc/none");
}

#[test]
fn a_workspace_file_that_is_none() {
    let dir = chain();
    for (text, said) in [
        (
            "version: 1\nid: 0123456789abcdef\nhosts:\n- host: a b\n",
            "istio-tls.yaml:",
        ),
        ("version: 2\n", "istio-tls.yaml"),
        (": : :", "istio-tls.yaml"),
    ] {
        dir.write("istio-tls.yaml", text);
        dir.run(&["manifests"]).exits(2).says(said);
    }
}

#[test]
fn flags_that_do_not_fit() {
    let dir = chain();
    for args in [
        &["manifests", "--mode", "none"][..],
        &["manifests", "--only", "secrets,nothing"],
        &["manifests", "--gateway-name", "../evil"],
        &["manifests", "-n", "De_fault"],
        &["manifests", "--secret-namespace", "a", "--gateway-namespace", "b"],
        &["manifests", "--secret-namespace", "A"],
        &["manifests", "--istio", "1.2"],
    ] {
        dir.run(args).exits(2);
    }
}
