//! The rows of the zoo: what is served, how `probe` is called, and the verdict
//! that it must give.

use super::HOST;
use super::endpoints::{Endpoint, close, plain_http, reset, silent, ssh};

/// One broken endpoint and its verdict.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) endpoint: Endpoint,
    /// Flags of probe besides --target and --cacert.
    pub(super) flags: &'static [&'static str],
    pub(super) code: &'static str,
    pub(super) fault: &'static str,
    /// Both must stand in the summary.
    pub(super) values: [&'static str; 2],
    /// Whether `inspect HOST:PORT` shows the certificates too.
    pub(super) inspect: bool,
}

/// The options of an s_server with this leaf, the intermediate, and more.
macro_rules! served {
    ($name:literal $(, $more:literal)*) => {
        &[
            "-cert",
            concat!($name, ".pem"),
            "-key",
            concat!($name, ".key"),
            "-cert_chain",
            "intermediate.pem",
            $($more),*
        ]
    };
}

const GOOD: &[&str] = served!("good");
const MUTUAL: &[&str] = served!(
    "good",
    "-CAfile",
    "authorities.pem",
    "-Verify",
    "3",
    "-verify_return_error"
);

/// A row about the served chain.
fn chain(name: &'static str, options: &'static [&'static str], code: &'static str, values: [&'static str; 2]) -> Row {
    Row {
        name,
        endpoint: Endpoint::Openssl(options),
        flags: &[],
        code,
        fault: "server",
        values,
        inspect: true,
    }
}

fn row(
    name: &'static str,
    endpoint: Endpoint,
    flags: &'static [&'static str],
    verdict: (&'static str, &'static str),
    values: [&'static str; 2],
) -> Row {
    Row {
        name,
        endpoint,
        flags,
        code: verdict.0,
        fault: verdict.1,
        values,
        inspect: false,
    }
}

pub(super) fn rows() -> Vec<Row> {
    use Endpoint::{Closed, Nginx, Openssl, Tcp};
    let client = ("client-certificate-required", "client");
    let rejected = ("client-certificate-rejected", "client");
    vec![
        chain(
            "expired leaf",
            served!("expired"),
            "certificate-expired",
            ["2021-01-01", "leaf"],
        ),
        chain(
            "expired intermediate",
            &[
                "-cert",
                "underold.pem",
                "-key",
                "underold.key",
                "-cert_chain",
                "old.pem",
            ],
            "certificate-expired",
            ["2021-01-01", "intermediate"],
        ),
        chain(
            "not yet valid",
            served!("future"),
            "certificate-not-yet-valid",
            ["2048-01-01", "leaf"],
        ),
        chain(
            "wrong host",
            served!("elsewhere"),
            "name-mismatch",
            [HOST, "elsewhere.example.com"],
        ),
        chain("CN only", served!("nosan"), "no-san", [HOST, "CN"]),
        chain(
            "self-signed",
            &["-cert", "selfsigned.pem", "-key", "selfsigned.key"],
            "self-signed",
            [HOST, "sign"],
        ),
        chain(
            "unknown CA",
            &[
                "-cert",
                "unknown.pem",
                "-key",
                "unknown.key",
                "-cert_chain",
                "strange.pem",
            ],
            "unknown-issuer",
            ["Strange Root", "Zoo Root"],
        ),
        chain(
            "intermediate missing",
            &["-cert", "good.pem", "-key", "good.key"],
            "incomplete-chain",
            ["Zoo Intermediate", "Zoo Root"],
        ),
        chain(
            "chain in wrong order",
            &["-cert", "good.pem", "-key", "good.key", "-cert_chain", "rootfirst.pem"],
            "wrong-order",
            ["each followed by its issuer", "1, 3, 2"],
        ),
        chain("CA certificate as leaf", served!("caleaf"), "ca-as-leaf", ["CA", HOST]),
        chain(
            "wrong EKU",
            served!("purpose"),
            "wrong-eku",
            ["serverAuth", "clientAuth"],
        ),
        chain(
            "SHA-1 signature",
            served!("sha1", "-cipher", "DEFAULT@SECLEVEL=0"),
            "weak-signature",
            ["SHA-1", "SHA-256"],
        ),
        chain(
            "RSA 1024",
            served!("weak", "-cipher", "DEFAULT@SECLEVEL=0"),
            "weak-key",
            ["1024", "2048"],
        ),
        chain(
            "X.509 v1",
            served!("v1", "-cipher", "DEFAULT@SECLEVEL=0"),
            "x509-v1",
            ["1", "3"],
        ),
        Row {
            flags: &["--crl", "all.crl"],
            ..chain(
                "revoked",
                served!("revoked"),
                "certificate-revoked",
                ["revoked", "leaf"],
            )
        },
        Row {
            inspect: true,
            ..row(
                "TLS 1.1 only",
                Openssl(served!("rsa", "-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0")),
                &[],
                ("protocol-version", "server"),
                ["TLS 1.1", "TLS 1.2 and TLS 1.3"],
            )
        },
        row(
            "TLS 1.2 only, asked for 1.3",
            Openssl(served!("good", "-tls1_2")),
            &["--tls", "1.3"],
            ("protocol-version", "server"),
            ["TLS 1.2", "TLS 1.3"],
        ),
        row(
            "TLS 1.3 only, asked for 1.2",
            Openssl(served!("good", "-tls1_3")),
            &["--tls", "1.2"],
            ("protocol-version", "server"),
            ["TLS 1.2", "TLS 1.3"],
        ),
        row(
            "no common cipher",
            Openssl(served!("rsa", "-tls1_2", "-cipher", "AES256-SHA")),
            &[],
            ("no-common-cipher", "server"),
            ["AES256-SHA", "ECDHE"],
        ),
        row(
            "plain HTTP",
            Tcp(plain_http),
            &[],
            ("plain-http", "server"),
            ["TLS", "HTTP/1.1 200 OK"],
        ),
        row(
            "no TLS at all",
            Tcp(ssh),
            &[],
            ("not-tls", "server"),
            ["TLS", "SSH-2.0-zoo"],
        ),
        row(
            "connection refused",
            Closed,
            &[],
            ("connection-refused", "network"),
            ["expected a gateway on 127.0.0.1", "refused"],
        ),
        row(
            "accepted, then silent",
            Tcp(silent),
            &["--timeout", "300ms"],
            ("timeout", "network"),
            ["ServerHello", "no response"],
        ),
        row(
            "reset after the ClientHello",
            Tcp(reset),
            &[],
            ("reset-after-client-hello", "server"),
            ["expected a certificate for SNI \"zoo.example.com\"", "reset"],
        ),
        row(
            "closed after the ClientHello",
            Tcp(close),
            &[],
            ("closed-after-client-hello", "server"),
            ["expected a certificate for SNI \"zoo.example.com\"", "closed"],
        ),
        row(
            "ALPN mismatch",
            Openssl(served!("good", "-alpn", "http/1.1")),
            &["--alpn", "h2"],
            ("alpn-mismatch", "server"),
            ["h2", "\"http/1.1\""],
        ),
        row(
            "ALPN not spoken",
            Openssl(GOOD),
            &["--alpn", "h2"],
            ("alpn-mismatch", "server"),
            ["\"h2\"", "none"],
        ),
        row(
            "client certificate required, TLS 1.2",
            Openssl(MUTUAL),
            &["--tls", "1.2"],
            client,
            ["none was sent", "Zoo Root"],
        ),
        row(
            "client certificate required, TLS 1.3",
            Openssl(MUTUAL),
            &["--tls", "1.3"],
            client,
            ["alert 116", "Zoo Root"],
        ),
        row(
            "client certificate required, nginx",
            Nginx(
                "ssl_verify_client on; ssl_client_certificate authorities.pem; ssl_verify_depth 3; location / { return 200; }",
            ),
            &[],
            client,
            ["none was sent", "Zoo Root"],
        ),
        row(
            "client certificate of a wrong CA, TLS 1.2",
            Openssl(MUTUAL),
            &[
                "--cert",
                "clientstrange.pem",
                "--key",
                "clientstrange.key",
                "--tls",
                "1.2",
            ],
            rejected,
            ["Strange Root", "Zoo Root"],
        ),
        row(
            "client certificate of a wrong CA, TLS 1.3",
            Openssl(MUTUAL),
            &[
                "--cert",
                "clientstrange.pem",
                "--key",
                "clientstrange.key",
                "--tls",
                "1.3",
            ],
            rejected,
            ["Strange Root", "Zoo Root"],
        ),
        row(
            "client certificate expired, TLS 1.2",
            Openssl(MUTUAL),
            &[
                "--cert",
                "clientexpired.pem",
                "--key",
                "clientexpired.key",
                "--tls",
                "1.2",
            ],
            rejected,
            ["alert 45", "2021-01-01"],
        ),
        row(
            "client certificate expired, TLS 1.3",
            Openssl(MUTUAL),
            &[
                "--cert",
                "clientexpired.pem",
                "--key",
                "clientexpired.key",
                "--tls",
                "1.3",
            ],
            rejected,
            ["alert 45", "2021-01-01"],
        ),
        row(
            "a server's certificate for a client's",
            Openssl(MUTUAL),
            &["--cert", "good.pem", "--key", "good.key"],
            rejected,
            ["clientAuth", "serverAuth"],
        ),
        row(
            "client certificate not required",
            Nginx("location / { return 200; }"),
            &["--mtls", "--cert", "client.pem", "--key", "client.key"],
            ("client-certificate-not-required", "server"),
            ["expected to be refused", "HTTP 200"],
        ),
        row(
            "client key that does not match",
            Openssl(MUTUAL),
            &["--cert", "client.pem", "--key", "good.key"],
            ("client-key-mismatch", "config"),
            ["client.pem is for public key SHA-256", "good.key has"],
        ),
        row(
            "encrypted client key without password",
            Openssl(MUTUAL),
            &["--cert", "client.pem", "--key", "clientencrypted.key"],
            ("client-key-encrypted", "config"),
            ["is encrypted", "a password is required"],
        ),
        row(
            "HTTP 404",
            Nginx("location / { return 404; }"),
            &["--path", "/status/418", "--expect-status", "418"],
            ("unexpected-status", "server"),
            ["418", "404"],
        ),
        row(
            "HTTP 503",
            Nginx("location / { default_type text/plain; return 503 'no healthy upstream'; }"),
            &[],
            ("unexpected-status", "server"),
            ["below 500", "503"],
        ),
        row(
            "all is well",
            Openssl(GOOD),
            &["--expect-status", "200"],
            ("ok", ""),
            ["200", "TLS 1.3"],
        ),
        row(
            "all is well, mutual",
            Openssl(MUTUAL),
            &["--cert", "client.pem", "--key", "client.key"],
            ("ok", ""),
            ["200", "client certificate accepted"],
        ),
        row(
            "all is well, mutual, with the key's password",
            Openssl(MUTUAL),
            &[
                "--cert",
                "client.pem",
                "--key",
                "clientencrypted.key",
                "--key-password-file",
                "password",
            ],
            ("ok", ""),
            ["200", "client certificate accepted"],
        ),
    ]
}
