//! Certificates as openssl and pkilint see them, and certificates of openssl as
//! we see them.

use std::process::{Command, Output};

use istio_tls::certs::issue::{Authority, CertificateAuthority, issue_chain};
use istio_tls::certs::plan::{ChainPlan, KeyType};
use istio_tls::certs::{crl, csr, key, pem};
use istio_tls::names::Host;
use time::OffsetDateTime;

use crate::harness::Dir;
use crate::installed_tools::tool;

/// Runs a program in a folder; everything is shown when it fails.
#[track_caller]
pub(crate) fn run(dir: &Dir, program: &str, args: &[&str]) -> String {
    let output = output(dir, program, args);
    assert!(
        output.status.success(),
        "`{program} {}` failed\n{}\n{}",
        args.join(" "),
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
pub(crate) fn output(dir: &Dir, program: &str, args: &[&str]) -> Output {
    Command::new(program)
        .args(args)
        .current_dir(dir.path(""))
        .output()
        .unwrap_or_else(|error| panic!("{program} cannot be started ({error}); scripts/test installs it"))
}

fn now() -> OffsetDateTime {
    OffsetDateTime::from(std::time::UNIX_EPOCH + std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970"))
}

fn plan(host: &str) -> ChainPlan {
    ChainPlan::new(Host::parse(host).expect("a host"))
}

/// The findings of a linter, as lines `rule (SEVERITY)...`.
fn lint(dir: &Dir, program: &str, extra: &[&str], file: &str) -> Vec<String> {
    let args = [&["lint"], extra, &["-s", "ERROR", file]].concat();
    let output = output(dir, program, &args);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        !String::from_utf8_lossy(&output.stderr).contains("Failed to load"),
        "{program} cannot read {file}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.lines()
        .filter(|line| line.starts_with("    "))
        .map(|line| line.trim().to_owned())
        .collect()
}

/// Whether a finding is by a rule that cannot hold for a private CA.
fn is_excepted(finding: &str) -> bool {
    include_str!("pkilint-exceptions.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_whitespace().next())
        .any(|exception| {
            let (rule, text) = exception.split_once('=').unwrap_or((exception, ""));
            finding.split_whitespace().next() == Some(rule) && finding.contains(text)
        })
}

/// Every certificate of a host's tree, as DER files, since pkilint reads one
/// certificate of a file only.
fn certificates(dir: &Dir, host: &str) -> Vec<String> {
    [
        ("root", "1_root/certs/ca.cert.pem".to_owned()),
        ("intermediate", "2_intermediate/certs/intermediate.cert.pem".to_owned()),
        ("server", format!("3_application/certs/{host}.cert.pem")),
        ("client", format!("4_client/certs/{host}.cert.pem")),
    ]
    .into_iter()
    .map(|(name, path)| {
        let text = dir.read(format!("{host}/{path}"));
        let chain = pem::certificates(text.as_bytes(), name).expect("a certificate");
        let file = format!("{host}-{name}.der");
        dir.write(&file, &chain[0]);
        file
    })
    .collect()
}

#[track_caller]
fn openssl_accepts(dir: &Dir, host: &str) {
    for (purpose, folder) in [("sslserver", "3_application"), ("sslclient", "4_client")] {
        let leaf = format!("{host}/{folder}/certs/{host}.cert.pem");
        // The chain file holds the intermediate, too; only the root is trusted.
        run(
            dir,
            "openssl",
            &[
                "verify",
                "-x509_strict",
                "-purpose",
                purpose,
                "-CAfile",
                &format!("{host}/1_root/certs/ca.cert.pem"),
                "-untrusted",
                &leaf,
                &leaf,
            ],
        );
    }
}

fn linters_find_nothing(args: &[&str]) {
    judged_by_pkilint(args, true);
}

/// With names that the CA/Browser Forum does not certify, only the rules of PKIX hold.
fn judged_by_pkilint(args: &[&str], forum: bool) {
    let dir = Dir::new();
    let host = "httpbin.example.com";
    dir.run(&[&["gen-certs", host], args].concat()).exits(0);
    openssl_accepts(&dir, host);
    for file in certificates(&dir, host) {
        let linters: &[(&str, &[&str])] = &[("lint_pkix_cert", &[]), ("lint_cabf_serverauth_cert", &["-d"])];
        for (linter, extra) in &linters[..if forum { 2 } else { 1 }] {
            let mut found = lint(&dir, &tool(linter).display().to_string(), extra, &file);
            found.retain(|finding| !is_excepted(finding));
            assert!(found.is_empty(), "{args:?} {linter} {file}: {found:#?}");
        }
    }
}

#[test]
fn ecdsa_p256_passes_openssl_and_pkilint() {
    linters_find_nothing(&["--key-type", "ecdsa-p256"]);
}

#[test]
fn ecdsa_p384_passes_openssl_and_pkilint() {
    linters_find_nothing(&["--key-type", "ecdsa-p384"]);
}

#[test]
fn ed25519_passes_openssl_and_pkilint() {
    linters_find_nothing(&["--key-type", "ed25519"]);
}

#[test]
fn rsa_2048_passes_openssl_and_pkilint() {
    linters_find_nothing(&["--key-type", "rsa-2048"]);
}

#[test]
fn rsa_3072_passes_openssl_and_pkilint() {
    linters_find_nothing(&["--key-type", "rsa-3072"]);
}

#[test]
fn the_compatible_profile_passes_openssl_and_pkilint() {
    linters_find_nothing(&["--compat"]);
}

#[test]
fn rsa_4096_passes_openssl() {
    let dir = Dir::new();
    dir.run(&["gen-certs", "a.example.com", "--key-type", "rsa-4096"])
        .exits(0);
    openssl_accepts(&dir, "a.example.com");
}

#[test]
fn names_of_every_kind_pass_openssl_and_pkilint() {
    judged_by_pkilint(
        &[
            "--san",
            "10.0.0.1",
            "--san",
            "::1",
            "--san",
            "bücher.example.com",
            "--san",
            "*.example.org",
            "--san",
            "spiffe://cluster.local/ns/default/sa/httpbin",
            "--san",
            "admin@example.com",
            "--name-constraints",
            "example.com",
            "--name-constraints",
            "example.org",
            "--name-constraints",
            "10.0.0.0/8",
            "--name-constraints",
            "::1/128",
            "--name-constraints",
            "uri:cluster.local",
            "--name-constraints",
            "email:example.com",
        ],
        false,
    );
}

#[test]
fn every_key_is_read_by_openssl_encrypted_or_not() {
    for (word, key_type) in KeyType::WORDS {
        if matches!(key_type, KeyType::Rsa3072 | KeyType::Rsa4096) {
            continue;
        }
        let dir = Dir::new();
        dir.write("password", "correct horse\n");
        let args = [
            "gen-certs",
            "a.example.com",
            "--key-type",
            word,
            "--password-file",
            "password",
        ];
        dir.run(&args).exits(0);
        let key = "a.example.com/2_intermediate/private/intermediate.key.pem";
        let public = run(
            &dir,
            "openssl",
            &["pkey", "-in", key, "-passin", "file:password", "-pubout"],
        );
        let certificate = "a.example.com/2_intermediate/certs/intermediate.cert.pem";
        assert_eq!(
            public,
            run(&dir, "openssl", &["x509", "-in", certificate, "-noout", "-pubkey"]),
            "{word}"
        );
        assert!(
            !output(
                &dir,
                "openssl",
                &["pkey", "-in", key, "-passin", "pass:wrong", "-noout"]
            )
            .status
            .success()
        );
        let leaf = "a.example.com/3_application/private/a.example.com.key.pem";
        run(&dir, "openssl", &["pkey", "-in", leaf, "-noout"]);
    }
}

/// Keys in every form that openssl writes are read, and give the same public key.
#[test]
fn keys_of_openssl_are_read() {
    let dir = Dir::new();
    for (name, make) in [
        (
            "p256",
            &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"][..],
        ),
        (
            "p521",
            &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"],
        ),
        (
            "rsa",
            &["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
        ),
        ("ed25519", &["genpkey", "-algorithm", "ED25519"]),
    ] {
        let file = format!("{name}.pem");
        run(&dir, "openssl", &[make, &["-out", &file]].concat());
        let public = run(&dir, "openssl", &["pkey", "-in", &file, "-pubout"]);
        let public = pem::blocks(public.as_bytes(), "openssl").expect("PEM")[0].der.to_vec();
        let mut forms = vec![file.clone()];
        for (form, args) in [
            ("der", &["-outform", "DER"][..]),
            // There is no older form of Ed25519 keys.
            (
                "traditional.pem",
                if name == "ed25519" { &[] } else { &["-traditional"] },
            ),
            ("aes.pem", &["-aes-256-cbc", "-passout", "pass:secret"]),
        ] {
            let out = format!("{name}.{form}");
            run(&dir, "openssl", &[&["pkey", "-in", &file, "-out", &out], args].concat());
            forms.push(out);
        }
        let out = format!("{name}.scrypt.pem");
        run(
            &dir,
            "openssl",
            &[
                "pkcs8",
                "-topk8",
                "-scrypt",
                "-in",
                &file,
                "-out",
                &out,
                "-passout",
                "pass:secret",
            ],
        );
        forms.push(out);
        for form in forms {
            let content = std::fs::read(dir.path(&form)).expect("a key");
            let read = key::read(&content, &form, Some("secret")).unwrap_or_else(|problem| panic!("{form}: {problem}"));
            assert_eq!(read.public_key().expect("a public key"), public, "{form}");
        }
        let encrypted = std::fs::read(dir.path(format!("{name}.aes.pem"))).expect("a key");
        let wrong = key::read(&encrypted, "aes.pem", Some("wrong")).err().expect("refused");
        assert_eq!(wrong.what, "the private key in aes.pem cannot be decrypted");
        let without = key::read(&encrypted, "aes.pem", None).err().expect("refused");
        assert_eq!(
            without.what,
            "aes.pem holds an encrypted key, but no password was given"
        );
    }
}

#[test]
fn a_crl_is_read_and_obeyed_by_openssl() {
    let dir = Dir::new();
    let chain = issue_chain(&plan("a.example.com"), Authority::New, now()).expect("a chain");
    let authority = |issued: &istio_tls::certs::Issued| {
        CertificateAuthority::new(issued.certificate.clone(), issued.key.as_ref().expect("a key")).expect("a CA")
    };
    let (root, intermediate) = (authority(&chain.root), authority(&chain.intermediate));
    dir.write("root.pem", chain.root_pem());
    dir.write("chain.pem", chain.ca_chain_pem());
    dir.write("leaf.pem", pem::certificate_text(&chain.server.certificate));
    let mut contents = crl::Contents::default();
    let write = |contents: &crl::Contents| {
        let of_root = crl::issue(&crl::Contents::default(), &root, now()).expect("a CRL");
        let of_intermediate = crl::issue(contents, &intermediate, now()).expect("a CRL");
        dir.write("root.crl.pem", crl::text(&of_root));
        dir.write("crl.pem", crl::text(&of_root) + &crl::text(&of_intermediate));
        dir.write("intermediate.crl.pem", crl::text(&of_intermediate));
    };
    let verify = &[
        "verify",
        "-x509_strict",
        "-crl_check_all",
        "-CAfile",
        "root.pem",
        "-untrusted",
        "chain.pem",
        "-CRLfile",
        "crl.pem",
        "leaf.pem",
    ];
    write(&contents);
    run(
        &dir,
        "openssl",
        &["crl", "-in", "root.crl.pem", "-CAfile", "root.pem", "-noout"],
    );
    run(&dir, "openssl", verify);
    let serial = run(&dir, "openssl", &["x509", "-in", "leaf.pem", "-noout", "-serial"]);
    let serial = serial.trim().trim_start_matches("serial=");
    let octets: Vec<u8> = (0..serial.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&serial[at..at + 2], 16).expect("hex"))
        .collect();
    assert!(contents.revoke(&octets, now()));
    write(&contents);
    let text = run(
        &dir,
        "openssl",
        &["crl", "-in", "intermediate.crl.pem", "-noout", "-text"],
    );
    assert!(text.contains(serial) && text.contains("X509v3 CRL Number"), "{text}");
    let refused = output(&dir, "openssl", verify);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("certificate revoked"));
    // Ours agree.
    dir.run(&[
        "verify",
        "leaf.pem",
        "--cacert",
        "root.pem",
        "--intermediate",
        "chain.pem",
        "--crl",
        "crl.pem",
    ])
    .exits(1)
    .prints("certificate-revoked");
}

#[test]
fn requests_of_openssl_are_granted() {
    let dir = Dir::new();
    for (name, algorithm) in [
        ("p256", &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"][..]),
        (
            "p521",
            &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521", "-sha512"],
        ),
        ("rsa", &["-newkey", "rsa:2048"]),
        ("ed25519", &["-newkey", "ed25519"]),
    ] {
        let (request, private) = (format!("{name}.csr"), format!("{name}.key"));
        let args = [
            &[
                "req",
                "-new",
                "-nodes",
                "-subj",
                "/CN=a.example.com",
                "-addext",
                "subjectAltName=DNS:b.example.com,IP:10.0.0.1",
            ],
            &["-keyout", &private, "-out", &request][..],
            algorithm,
        ]
        .concat();
        run(&dir, "openssl", &args);
        let mut plan = plan("a.example.com");
        let content = std::fs::read(dir.path(&request)).expect("a request");
        plan.csr = Some(csr::read(&content, &request).unwrap_or_else(|problem| panic!("{name}: {problem}")));
        let chain = issue_chain(&plan, Authority::New, now()).expect("a chain");
        assert!(chain.server.key.is_none());
        dir.write("root.pem", chain.root_pem());
        dir.write("server.pem", chain.server_pem());
        run(
            &dir,
            "openssl",
            &[
                "verify",
                "-x509_strict",
                "-CAfile",
                "root.pem",
                "-untrusted",
                "server.pem",
                "server.pem",
            ],
        );
        let names = run(
            &dir,
            "openssl",
            &["x509", "-in", "server.pem", "-noout", "-ext", "subjectAltName"],
        );
        assert!(
            names.contains("DNS:a.example.com, DNS:b.example.com, IP Address:10.0.0.1"),
            "{names}"
        );
        // A request whose bytes were changed proves nothing.
        let mut der = pem::blocks(&content, &request).expect("PEM")[0].der.to_vec();
        *der.last_mut().expect("bytes") ^= 1;
        assert!(csr::read(&der, "changed").is_err());
    }
    let weak = [
        "req", "-new", "-nodes", "-subj", "/CN=a", "-newkey", "rsa:1024", "-keyout", "k", "-out", "weak.csr",
    ];
    run(&dir, "openssl", &weak);
    let Err(problem) = csr::read(dir.read("weak.csr").as_bytes(), "weak.csr") else {
        panic!("a request with a weak key was taken");
    };
    assert_eq!(
        problem.why.as_deref(),
        Some("its RSA key has 1024 bits; the minimum is 2048")
    );
}

/// A CA whose subject has an attribute twice and several in one RDN, as
/// corporate directories make them: our issuer field must be its bytes.
#[test]
fn a_corporate_ca_signs_in_its_own_name() {
    let dir = Dir::new();
    let args = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "30",
        "-multivalue-rdn",
        "-utf8",
        "-subj",
        "/DC=com/DC=example/O=Example+OU=PKI/OU=One/OU=Two/CN=Example Root",
        "-addext",
        "keyUsage=critical,keyCertSign,cRLSign",
    ];
    run(&dir, "openssl", &args);
    let certificate = pem::certificates(dir.read("ca.pem").as_bytes(), "ca.pem")
        .expect("a certificate")
        .remove(0);
    let private = key::read(dir.read("ca.key").as_bytes(), "ca.key", None).expect("a key");
    let authority = CertificateAuthority::new(certificate, &private).expect("a CA");
    let chain = issue_chain(&plan("a.example.com"), Authority::Root(&authority), now()).expect("a chain");
    dir.write("server.pem", chain.server_pem());
    let issued = crl::issue(&crl::Contents::default(), &authority, now()).expect("a CRL");
    dir.write("crl.pem", crl::text(&issued));
    run(
        &dir,
        "openssl",
        &[
            "verify",
            "-x509_strict",
            "-CAfile",
            "ca.pem",
            "-untrusted",
            "server.pem",
            "server.pem",
        ],
    );
    run(
        &dir,
        "openssl",
        &["crl", "-in", "crl.pem", "-CAfile", "ca.pem", "-noout"],
    );
    dir.run(&["verify", "server.pem", "--cacert", "ca.pem", "--host", "a.example.com"])
        .exits(0);
}

/// What only other programs make: each with the code that `verify` gives and
/// the words of `inspect`.
#[test]
fn old_and_odd_certificates_are_explained() {
    let dir = Dir::new();
    let ca = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
        "-days",
        "30",
        "-subj",
        "/CN=Old CA",
    ];
    run(&dir, "openssl", &ca);
    dir.write("san.cnf", "subjectAltName=DNS:a.example.com\n");
    dir.write(
        "ca.cnf",
        "subjectAltName=DNS:a.example.com\nbasicConstraints=critical,CA:TRUE\n",
    );
    for (name, bits, extra, code, said) in [
        ("v1", "2048", &[][..], "x509-v1", "it is X.509 version 1"),
        (
            "sha1",
            "2048",
            &["-sha1", "-extfile", "san.cnf"],
            "weak-signature",
            "it is signed with RSA with SHA-1",
        ),
        (
            "short",
            "1024",
            &["-extfile", "san.cnf"],
            "weak-key",
            "its key is too weak (RSA 1024)",
        ),
        (
            "ca-leaf",
            "2048",
            &["-extfile", "ca.cnf"],
            "ca-as-leaf",
            "intermediate CA",
        ),
    ] {
        let (request, private, leaf) = (format!("{name}.csr"), format!("{name}.key"), format!("{name}.pem"));
        let newkey = format!("rsa:{bits}");
        let make = [
            "req",
            "-new",
            "-nodes",
            "-newkey",
            &newkey,
            "-subj",
            "/CN=a.example.com",
            "-keyout",
            &private,
            "-out",
            &request,
        ];
        run(&dir, "openssl", &make);
        let sign = [
            "x509", "-req", "-in", &request, "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "7", "-out", &leaf,
        ];
        run(&dir, "openssl", &[&sign, extra].concat());
        let judged = dir
            .run(&[
                "verify",
                &leaf,
                "--cacert",
                "ca.pem",
                "--host",
                "a.example.com",
                "-o",
                "json",
            ])
            .exits(1)
            .json();
        assert_eq!(judged["results"][0]["faults"][0]["code"], code, "{judged:#}");
        dir.run(&["inspect", &leaf]).exits(0).prints(said);
    }
    let own = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-keyout",
        "own.key",
        "-out",
        "own.pem",
        "-subj",
        "/CN=a.example.com",
        "-addext",
        "subjectAltName=DNS:a.example.com",
        "-addext",
        "basicConstraints=critical,CA:FALSE",
    ];
    run(&dir, "openssl", &own);
    dir.run(&["verify", "own.pem", "--cacert", "ca.pem", "--host", "a.example.com"])
        .exits(1)
        .prints("self-signed");
}
