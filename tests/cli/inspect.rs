//! `inspect`: what it shows, and what it says about files that are not what
//! they should be.

use crate::harness::Dir;

fn with_chain() -> Dir {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.example.com", "--client", "alice"]).exits(0);
    dir
}

#[test]
fn a_tree_is_explained_with_every_key_and_issuer() {
    let dir = with_chain();
    let shown = dir
        .run(&["inspect", "a.example.com"])
        .exits(0)
        .prints("root CA  CN=a.example.com root CA");
    for text in [
        "(the same as [",
        "issued by   itself",
        "usage       digitalSignature, serverAuth",
        "364 days left",
    ] {
        assert!(shown.stdout.contains(text), "{text}\n{}", shown.stdout);
    }
    assert!(!shown.stdout.contains("no certificate here"), "{}", shown.stdout);
}

#[test]
fn json_is_stable_and_tells_no_private_byte() {
    let dir = with_chain();
    let file = "a.example.com/3_application/certs/a.example.com.cert.pem";
    let key = "a.example.com/3_application/private/a.example.com.key.pem";
    let shown = dir.run(&["inspect", file, key, "-o", "json"]).exits(0);
    let json = shown.json();
    assert_eq!(json["schema"], 1);
    let [leaf, intermediate, private] = [0, 1, 2].map(|at| &json["items"][at]);
    assert_eq!(leaf["type"], "certificate");
    assert_eq!(leaf["subject"], "CN=a.example.com");
    assert_eq!(leaf["names"][0]["type"], "DNS");
    assert_eq!(leaf["names"][0]["value"], "a.example.com");
    assert_eq!(leaf["key"]["algorithm"], "ECDSA");
    assert_eq!(leaf["key"]["curve"], "P-256");
    assert_eq!(leaf["extendedKeyUsage"][0], "serverAuth");
    assert_eq!(leaf["issuedBy"][0], 2);
    assert_eq!(leaf["validity"], "valid");
    assert_eq!(leaf["daysLeft"], 364);
    assert_eq!(leaf["isCa"], false);
    assert_eq!(intermediate["pathLength"], 0);
    assert_eq!(intermediate["subjectKeyIdentifier"], leaf["authorityKeyIdentifier"]);
    assert_eq!(private["type"], "private-key");
    assert_eq!(private["fits"][0], 1);
    assert_eq!(private["publicKeySha256"], leaf["publicKeySha256"]);
    let secret = dir.read(key);
    let line = secret.lines().nth(1).expect("a line of the key");
    assert!(!shown.stdout.contains(line));
}

#[test]
fn an_encrypted_key_is_locked_until_its_password_comes() {
    let dir = Dir::new();
    dir.write("password", "secret\n");
    dir.run(&["gen-certs", "a.example.com", "--password-file", "password"])
        .exits(0);
    let key = "a.example.com/1_root/private/ca.key.pem";
    dir.run(&["inspect", key]).exits(0).prints("locked, PKCS#8, encrypted");
    dir.run(&["inspect", key, "--password-file", "password"])
        .exits(0)
        .prints("ECDSA P-256, PKCS#8, encrypted");
    dir.run_with_input(&["inspect", key, "--password-stdin"], b"wrong\n")
        .exits(2)
        .says("cannot be decrypted");
    dir.run_with_input(&["inspect", "-", "--password-stdin"], b"x")
        .exits(2)
        .says("both");
}

#[test]
fn expired_is_shown_and_is_no_failure() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.example.com", "--bad", "expired"]).exits(0);
    let file = "a.example.com/3_application/certs/a.example.com.cert.pem";
    dir.run(&["inspect", file]).exits(0).prints("expired").prints("warning");
    let text = dir.read(file);
    dir.run_with_input(&["inspect", "-"], text.as_bytes())
        .exits(0)
        .prints("standard input");
}

/// Each bad file, the exit code, and the words.
#[test]
fn bad_files_are_refused_with_the_line() {
    let dir = with_chain();
    let pem = dir.read("a.example.com/3_application/certs/a.example.com.cert.pem");
    let one = pem
        .split_inclusive("-----END CERTIFICATE-----\n")
        .next()
        .expect("a certificate")
        .to_owned();
    dir.write("empty.pem", "");
    dir.write("truncated.pem", &one[..one.len() / 2]);
    dir.write("joined.pem", format!("{}{one}", one.trim_end()));
    dir.write(
        "junk.pem",
        "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n",
    );
    dir.write("cut.der", [0x30, 0x82, 0x10, 0x00, 0x30]);
    dir.write("text.txt", "hello");
    dir.write("yaml.yaml", "a: b\n");
    std::fs::create_dir(dir.path("folder")).expect("a folder");
    std::os::unix::fs::symlink("nowhere", dir.path("dangling.pem")).expect("a link");
    std::fs::File::create(dir.path("large.pem"))
        .and_then(|file| file.set_len(100 << 20))
        .expect("a sparse file");
    let joined_at = format!("joined.pem:{}", one.lines().count());
    for (file, words) in [
        ("empty.pem", "it is empty"),
        ("truncated.pem", "truncated.pem:1"),
        ("joined.pem", joined_at.as_str()),
        ("junk.pem", "its content is not an X.509 certificate"),
        ("cut.der", "it may be truncated"),
        ("text.txt", "no line begins with -----BEGIN"),
        ("yaml.yaml", "no line begins with -----BEGIN"),
        ("folder", "contains neither a certificate nor a key"),
        ("dangling.pem", "a symbolic link to a file that does not exist"),
        ("large.pem", "is too large"),
        ("absent.pem", "there is no file or folder absent.pem"),
        ("secret/httpbin-credential", "there is no kubeconfig"),
        ("secret/Upper", "is not a valid name for a Secret"),
        ("secret/a/b/c", "is not a valid name for a Secret"),
        ("secret/-/b", "is not a valid namespace"),
        ("../evil", "there is no file or folder ../evil"),
    ] {
        dir.run(&["inspect", file]).exits(2).says(words);
        let failed = dir.run(&["inspect", file, "-o", "json"]).exits(2);
        assert!(failed.json()["error"]["what"].is_string(), "{file}");
    }
}

#[test]
fn crlf_and_der_are_read() {
    let dir = with_chain();
    let pem = dir.read("a.example.com/1_root/certs/ca.cert.pem");
    dir.write("crlf.pem", pem.replace('\n', "\r\n"));
    dir.run(&["inspect", "crlf.pem"]).exits(0).prints("root CA");
    let der = istio_tls::certs::pem::certificates(pem.as_bytes(), "ca")
        .expect("a certificate")
        .remove(0);
    dir.write("ca.der", &der);
    dir.run(&["inspect", "ca.der"]).exits(0).prints("root CA");
}

#[test]
fn a_folder_shows_what_it_can_read() {
    let dir = with_chain();
    dir.write("a.example.com/broken.pem", "-----BEGIN CERTIFICATE-----\n");
    dir.write("a.example.com/notes.txt", "no certificate");
    dir.run(&["inspect", "a.example.com"])
        .exits(0)
        .prints("broken.pem is truncated")
        .prints("root CA");
}

#[test]
fn a_server_that_is_not_there_is_a_finding() {
    let dir = Dir::new();
    let port = crate::running_program::free_port();
    dir.run(&["inspect", &format!("127.0.0.1:{port}")])
        .exits(1)
        .says("presented no certificate")
        .says("connection-refused");
}

#[test]
fn a_block_that_is_no_certificate_has_its_place() {
    let dir = Dir::new();
    dir.write(
        "short.pem",
        "# a comment\n-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n",
    );
    dir.run(&["inspect", "short.pem"]).exits(2).says("short.pem:2");
    dir.run(&["inspect", ""]).exits(2).says("a target is empty");
}
