//! Lines of openssl, curl and Envoy, and others that begin with what openssl makes.

use istio_tls::remedy::Kind;

use super::stage::{HOST, Printed, Stage, WS};
use super::{Scene, act};
use crate::harness::Ran;
use crate::installed_tools::tools_folder;
use crate::serve_process::Serve;

const SCENES: &[Scene] = &[
    (&[Kind::CopyFile], copy_file),
    (&[Kind::Curl], curl),
    (&[Kind::CurlAsClient], curl_as_client),
    (&[Kind::Envoy], envoy),
    (&[Kind::GenCertsCsr], gen_certs_csr),
    (&[Kind::OpensslCrl], openssl_crl),
    (&[Kind::OpensslDecrypt], openssl_decrypt),
    (&[Kind::OpensslEncrypt], openssl_encrypt),
    (&[Kind::OpensslPem], openssl_pem),
    (&[Kind::OpensslPem], openssl_pem_of_secret),
    (&[Kind::OpensslRequest], openssl_request),
];

#[test]
fn lines_of_other_programs_do_what_they_say() {
    act(SCENES);
}

/// The key of the server.
const KEY: &str = "3_application/private/a.com.key.pem";

/// A revocation list as DER.
fn openssl_crl() -> Stage {
    let stage = Stage::new();
    stage.ours(&["gen-certs", HOST, "--client", "bob"]).exits(0);
    stage.ours(&["revoke", HOST, "--client", "bob"]).exits(0);
    let list = stage.file("2_intermediate/crl/intermediate.crl.pem");
    stage
        .dir
        .types(&format!("openssl crl -in '{list}' -outform DER -out list.der"))
        .exits(0);
    let ran = stage.ours(&["lint", "explain", "ITL0325"]).exits(0);
    let line = Printed::told(Kind::OpensslCrl, &ran, "openssl crl -inform DER -in FILE");
    let pem = stage.types(&line.filled("FILE", "list.der")).exits(0).stdout;
    assert_eq!(pem, stage.dir.read(&list));
    stage
}

/// A server's key that a password protects, which no gateway could type.
fn openssl_decrypt() -> Stage {
    let stage = Stage::with_chain();
    let key = stage.file(KEY);
    let encrypt = "openssl pkcs8 -topk8 -v2 aes256 -passout pass:secret -out locked.pem";
    stage
        .dir
        .types(&format!("{encrypt} -in '{key}' && mv locked.pem '{key}'"))
        .exits(0);
    let line = stage.printed(Kind::OpensslDecrypt, &["manifests"]);
    stage.types_with(&line, "secret\n").exits(0);
    stage.dir.types(&format!("mv '{key}.plain' '{key}'")).exits(0);
    stage.ours(&["manifests"]).exits(0);
    stage
}

/// A key in OpenSSL's own encryption of old.
fn openssl_encrypt() -> Stage {
    let stage = Stage::with_chain();
    stage.dir.types("openssl genrsa -out plain.pem 2048").exits(0);
    let old = "openssl rsa -in plain.pem -traditional -aes128 -passout pass:secret -out old.pem";
    stage.dir.types(old).exits(0);
    let line = stage.printed(Kind::OpensslEncrypt, &["inspect", "old.pem"]);
    stage.types_with(&line, "secret\nsecret\nsecret\n").exits(0);
    stage.ours(&["inspect", "old.pem.pk8"]).exits(0);
    stage
}

/// A certificate of the chain as DER.
fn openssl_pem() -> Stage {
    let stage = Stage::with_chain();
    let root = stage.file("1_root/certs/ca.cert.pem");
    let der = format!("openssl x509 -in '{root}' -outform DER -out root.der && mv root.der '{root}'");
    stage.dir.types(&der).exits(0);
    stage.follows(Kind::OpensslPem, &["rotate", HOST]).exits(0);
    stage.dir.types(&format!("mv '{root}.pem' '{root}'")).exits(0);
    stage.ours(&["rotate", HOST]).exits(0);
    stage
}

/// A Secret's certificate as DER: it stands in no file yet.
fn openssl_pem_of_secret() -> Stage {
    use base64::Engine as _;
    let stage = Stage::with_chain();
    let leaf = stage.file("3_application/certs/a.com.cert.pem");
    stage
        .dir
        .types(&format!("openssl x509 -in '{leaf}' -outform DER -out leaf.der"))
        .exits(0);
    let der = std::fs::read(stage.dir.path("leaf.der")).expect("a certificate");
    let objects = stage.ours(&["manifests", "-o", "json"]).exits(0).json();
    let mut text = objects.to_string();
    for object in objects["items"].as_array().expect("objects") {
        if let Some(pem) = object["data"]["tls.crt"].as_str() {
            text = text.replace(pem, &base64::engine::general_purpose::STANDARD.encode(&der));
        }
    }
    stage.dir.write("all.json", text);
    let line = stage.printed(Kind::OpensslPem, &["lint", "-f", "all.json"]);
    stage.types(&line.filled("FILE", "leaf.der")).exits(0);
    stage.ours(&["inspect", "leaf.der.pem"]).exits(0);
    stage
}

/// What is given as a certificate request is none.
fn openssl_request() -> Stage {
    let stage = Stage::new();
    stage.dir.write(
        "request.pem",
        "-----BEGIN PUBLIC KEY-----\nMAA=\n-----END PUBLIC KEY-----\n",
    );
    let line = stage.printed(Kind::OpensslRequest, &["gen-certs", HOST, "--csr", "request.pem"]);
    stage.types(&line.filled("HOST", HOST)).exits(0);
    stage.ours(&["gen-certs", HOST, "--csr", "request.pem"]).exits(0);
    stage
}

/// The key is where the request was made.
fn gen_certs_csr() -> Stage {
    let stage = Stage::new();
    request(&stage, "request.pem");
    stage.ours(&["gen-certs", HOST, "--csr", "request.pem"]).exits(0);
    request(&stage, "next.pem");
    let line = stage.printed(Kind::GenCertsCsr, &["rotate", HOST]);
    stage.types(&line.filled("FILE", "next.pem")).exits(0);
    stage
}

fn request(stage: &Stage, name: &str) {
    let openssl = "openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout elsewhere.pem";
    stage
        .dir
        .types(&format!("{openssl} -subj /CN={HOST} -out {name}"))
        .exits(0);
}

/// A chain of one self-signed certificate, whose root was lost.
fn copy_file() -> Stage {
    let stage = Stage::new();
    let openssl = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 9 -keyout key.pem";
    let names = format!("-subj /CN={HOST} -addext subjectAltName=DNS:{HOST} -addext basicConstraints=CA:FALSE");
    stage.dir.types(&format!("{openssl} {names} -out cert.pem")).exits(0);
    stage.ours(&["adopt", "cert.pem", "key.pem"]).exits(0);
    stage.dir.types(&format!("rm -r '{WS}/{HOST}/1_root'")).exits(0);
    stage
        .dir
        .types(&format!("rm -rf '{WS}/{HOST}/2_intermediate'"))
        .exits(0);
    stage.follows(Kind::CopyFile, &["rotate", HOST, "--ca"]).exits(0);
    stage.ours(&["rotate", HOST, "--ca"]).exits(0);
    stage
}

/// The line that serve prints when it is ready.
fn curl() -> Stage {
    let stage = Stage::with_chain();
    let serve = Serve::start(&stage.dir, &["-C", WS]);
    let log = serve.log();
    let line = log
        .lines()
        .find_map(|line| line.strip_prefix("  curl "))
        .expect("a curl line");
    let ran = stage.ours(&["status"]);
    let line = Printed::told(
        Kind::Curl,
        &Ran {
            stderr: log.clone(),
            ..ran
        },
        &format!("curl {line}"),
    );
    stage.types(&line).exits(0).says("SSL certificate verify ok");
    stage
}

/// A client that was added to a chain.
fn curl_as_client() -> Stage {
    let stage = Stage::with_chain();
    let serve = Serve::start(&stage.dir, &["-C", WS]);
    let ran = stage.ours(&["gen-certs", HOST, "--client", "bob"]).exits(0);
    let client = |part: &str| stage.file(&format!("4_client/{part}"));
    let line = format!(
        "curl --cert '{}' --key '{}' URL",
        client("certs/bob.cert.pem"),
        client("private/bob.key.pem")
    );
    let log = serve.log();
    let url = log.split(&format!("https://{HOST}:")).nth(1).expect("a URL");
    let port = url.split('/').next().expect("a port");
    let ca = stage.file("2_intermediate/certs/ca-chain.cert.pem");
    let url = format!("-sS --cacert '{ca}' --resolve {HOST}:{port}:127.0.0.1 https://{HOST}:{port}/");
    let line = Printed::told(Kind::CurlAsClient, &ran, &line).filled("URL", &url);
    stage.types(&line).exits(0);
    stage
}

/// What `manifests --export envoy` wrote runs.
fn envoy() -> Stage {
    let stage = Stage::with_chain();
    let ran = stage
        .ours(&["manifests", "--export", "envoy", "--out", "my envoy"])
        .exits(0);
    let line = Printed::told(Kind::Envoy, &ran, "envoy -c 'my envoy/envoy.yaml'");
    // On free ports.
    let config = stage.dir.read("my envoy/envoy.yaml");
    let config = config
        .replace("port_value: 8443", "port_value: 0")
        .replace("port_value: 15000", "port_value: 0");
    stage.dir.write("my envoy/envoy.yaml", config);
    stage.find_programs_in(tools_folder().join("bin"));
    let _envoy = stage.starts(&line, "starting main dispatch loop");
    stage
}
