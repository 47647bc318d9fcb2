//! OpenSSL's client at the gateway: who is served, who is refused, and by
//! which alert.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use istio_tls::gateway::config::table::{ClientAuth, Endpoint, FilterChain, Sample, SniTable};

use super::gateway_fixture::{self as fixture, Authority, CLIENT, EXPIRED, Leaf, SERVER};

/// What a client got.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
enum Got {
    Served,
    Alert(u16),
    Reset,
}

fn s_client(address: std::net::SocketAddr, args: &[&str], leaf: Option<&Leaf>) -> (Got, String) {
    let mut command = Command::new("openssl");
    command
        .args(["s_client", "-connect", &address.to_string(), "-ign_eof"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(leaf) = leaf {
        let path = |path: &Path| path.to_str().unwrap().to_owned();
        command.args(["-cert", &path(&leaf.certificate), "-key", &path(&leaf.key)]);
    }
    let mut child = command.spawn().expect("openssl is installed");
    let mut stdin = child.stdin.take().unwrap();
    let request = b"GET /status/200 HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n";
    let _ = stdin.write_all(request);
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    let alert = text.split("SSL alert number ").nth(1).map(|rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap()
    });
    let got = match alert {
        Some(alert) => Got::Alert(alert),
        None if text.contains("HTTP/1.1 200") => Got::Served,
        None => Got::Reset,
    };
    (got, text)
}

#[test]
fn openssl_is_served_or_refused_as_by_envoy() {
    use Got::{Alert, Reset, Served};

    let folder = tempfile::tempdir().unwrap();
    let (authority, other) = (Authority::new("clients"), Authority::new("others"));
    let leaf = |authority: &Authority, file: &str, kind| authority.leaf(folder.path(), file, "client.test", kind);
    let server = authority.leaf(folder.path(), "server", "a.test", &SERVER);
    let right = leaf(&authority, "right", &CLIENT);
    let foreign = leaf(&other, "foreign", &CLIENT);
    let expired = leaf(&authority, "expired", &EXPIRED);
    let wrong_use = leaf(&authority, "wrong-use", &SERVER);

    let mut chains = SniTable::default();
    let mut add = |name: &str, auth| {
        chains
            .exact
            .insert(format!("{name}.test").into(), fixture::chain(name, &server, auth));
    };
    add("simple", ClientAuth::None);
    add("mutual", ClientAuth::Required(authority.verification()));
    add("optional", ClientAuth::Optional(authority.verification()));
    let mut pinned = authority.verification();
    pinned.subject_alt_names = vec!["somebody-else.test".into()];
    add("pinned", ClientAuth::Required(pinned));
    let mut tolerant = authority.verification();
    tolerant.accept_untrusted = true;
    add("tolerant", ClientAuth::Required(tolerant));
    chains
        .wildcard
        .insert(".wild.test".into(), fixture::chain("wild", &server, ClientAuth::None));
    let missing = FilterChain::https("default/missing".into(), Err("no Secret".into()), fixture::everything());
    chains.exact.insert("missing.test".into(), std::sync::Arc::new(missing));
    let (_server, address) = fixture::start(fixture::table(chains, Endpoint::Sample(Sample::Httpbin)));

    // Envoy answers 40 where rustls answers 116 to a TLS 1.2 client without a certificate.
    let rows: [(&str, &str, Option<&Leaf>, Got, Got); 14] = [
        ("simple", "simple.test", None, Served, Served),
        ("simple, SNI in upper case", "SIMPLE.TEST", None, Served, Served),
        ("wildcard", "deep.er.wild.test", None, Served, Served),
        ("mutual, none", "mutual.test", None, Alert(116), Alert(116)),
        ("mutual, right", "mutual.test", Some(&right), Served, Served),
        ("mutual, other CA", "mutual.test", Some(&foreign), Alert(48), Alert(48)),
        ("mutual, expired", "mutual.test", Some(&expired), Alert(45), Alert(45)),
        (
            "mutual, serverAuth only",
            "mutual.test",
            Some(&wrong_use),
            Alert(43),
            Alert(43),
        ),
        ("optional, none", "optional.test", None, Served, Served),
        (
            "optional, other CA",
            "optional.test",
            Some(&foreign),
            Alert(48),
            Alert(48),
        ),
        (
            "name that does not match",
            "pinned.test",
            Some(&right),
            Alert(46),
            Alert(46),
        ),
        (
            "untrusted is tolerated",
            "tolerant.test",
            Some(&foreign),
            Served,
            Served,
        ),
        ("unknown SNI", "nobody.test", None, Reset, Reset),
        ("material missing", "missing.test", None, Reset, Reset),
    ];
    for (name, sni, leaf, with_12, with_13) in rows {
        for (version, wanted) in [("-tls1_2", with_12), ("-tls1_3", with_13)] {
            let (got, text) = s_client(address, &["-servername", sni, version], leaf);
            assert_eq!(got, wanted, "{name} {version}\n{text}");
        }
    }
    let (got, text) = s_client(address, &["-noservername"], None);
    assert_eq!(got, Reset, "no SNI\n{text}");
    let (got, text) = s_client(address, &["-servername", "simple.test", "-alpn", "acme/1"], None);
    assert_eq!(got, Served, "ALPN without common protocol\n{text}");
    assert!(text.contains("No ALPN negotiated"), "{text}");
    let (_, text) = s_client(
        address,
        &["-servername", "mutual.test", "-alpn", "h2", "-tls1_3"],
        Some(&right),
    );
    assert!(text.contains("ALPN protocol: h2"), "{text}");
    assert!(text.contains("CN = clients"), "the CA names are sent\n{text}");
    assert!(
        !text.to_lowercase().contains("ed25519"),
        "Envoy asks for no Ed25519\n{text}"
    );
    let old = ["-servername", "simple.test", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"];
    assert_eq!(s_client(address, &old, None).0, Alert(70), "TLS 1.1");
}

#[test]
fn a_ticket_does_not_outlive_its_credential() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("ca");
    let table = || {
        let server = authority.leaf(folder.path(), "server", "a.test", &SERVER);
        let mut chains = SniTable::default();
        chains
            .exact
            .insert("a.test".into(), fixture::chain("a", &server, ClientAuth::None));
        fixture::table(chains, Endpoint::Sample(Sample::Httpbin))
    };
    let (server, address) = fixture::start(table());
    let session = folder.path().join("session");
    let session = session.to_str().unwrap();
    let sni = ["-servername", "a.test", "-tls1_3"];
    let (got, _) = s_client(address, &[&sni[..], &["-sess_out", session]].concat(), None);
    assert_eq!(got, Got::Served);
    let (_, again) = s_client(address, &[&sni[..], &["-sess_in", session]].concat(), None);
    assert!(again.contains("Reused, TLSv1.3"), "{again}");
    server.replace(table()).unwrap();
    let (got, after) = s_client(address, &[&sni[..], &["-sess_in", session]].concat(), None);
    assert_eq!(got, Got::Served);
    assert!(after.contains("New, TLSv1.3"), "{after}");
}

#[test]
fn an_upstream_learns_of_the_clients_certificate() {
    let folder = tempfile::tempdir().unwrap();
    let authority = Authority::new("ca");
    let server = authority.leaf(folder.path(), "server", "a.test", &SERVER);
    let client = authority.leaf(folder.path(), "client", "client.test", &CLIENT);
    let mut chains = SniTable::default();
    let auth = ClientAuth::Required(authority.verification());
    chains.exact.insert("a.test".into(), fixture::chain("a", &server, auth));
    let (_server, address) = fixture::start(fixture::table(chains, Endpoint::Sample(Sample::Httpbin)));
    let output = Command::new("curl")
        .args([
            "-sS",
            "-k",
            "--resolve",
            &format!("a.test:{}:127.0.0.1", address.port()),
        ])
        .arg("--cert")
        .arg(&client.certificate)
        .arg("--key")
        .arg(&client.key)
        .args(["-H", "x-forwarded-client-cert: Hash=forged"])
        .arg(format!("https://a.test:{}/headers", address.port()))
        .output()
        .expect("curl is installed");
    let shown: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let value = shown["headers"]["X-Forwarded-Client-Cert"]
        .as_str()
        .expect("the header");
    assert!(value.starts_with("Hash=") && !value.contains("forged"), "{value}");
    assert!(value.contains(";Cert=\"-----BEGIN%20CERTIFICATE-----%0A"), "{value}");
    assert!(
        value.ends_with(";Subject=\"CN=client.test\";URI=;DNS=client.test"),
        "{value}"
    );
}
