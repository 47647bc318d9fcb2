//! PEM as its readers read it: the table in docs/pem.md, row by row, with Envoy,
//! Go, OpenSSL and rustls as witnesses, and our reading beside Envoy's.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use istio_tls::certs::issue::{Authority, issue_chain};
use istio_tls::certs::pem::envoy::{Use, certificates};
use istio_tls::certs::plan::ChainPlan;
use istio_tls::certs::{CertificateDer, key, pem};
use istio_tls::names::Host;
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::json;
use time::OffsetDateTime;

use crate::gopki::{Question, ask};
use crate::harness::Dir;
use crate::installed_tools::tool;

/// The texts of a chain that all readers take.
struct Texts {
    leaf: String,
    intermediate: String,
    key: String,
    root: String,
}

static TEXTS: LazyLock<Texts> = LazyLock::new(|| {
    let now =
        OffsetDateTime::from(std::time::UNIX_EPOCH + std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970"));
    let plan = ChainPlan::new(Host::parse("a.example.com").expect("a host"));
    let chain = issue_chain(&plan, Authority::New, now).expect("a chain");
    let key = chain.server.key.as_ref().expect("a key").pem();
    Texts {
        leaf: pem::certificate_text(&chain.server.certificate),
        intermediate: chain.intermediate_pem(),
        key: key.to_string(),
        root: chain.root_pem(),
    }
});

/// A way to write PEM.
struct Form {
    /// As the row in docs/pem.md has it.
    name: &'static str,
    write: fn(&str) -> Vec<u8>,
}

/// Begin line, base64 in one piece, end line.
fn parts(text: &str) -> (&str, String, &str) {
    let lines: Vec<&str> = text.lines().collect();
    (lines[0], lines[1..lines.len() - 1].concat(), lines[lines.len() - 1])
}

/// The text with lines of `width` characters.
fn wrapped(text: &str, width: usize) -> Vec<u8> {
    let (begin, base64, end) = parts(text);
    let lines: Vec<&str> = base64
        .as_bytes()
        .chunks(width)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!("{begin}\n{}\n{end}\n", lines.join("\n")).into_bytes()
}

/// The text with something after its first line.
fn after_begin(text: &str, what: &str) -> Vec<u8> {
    text.replacen("-----\n", &format!("-----\n{what}"), 1).into_bytes()
}

fn each_line(text: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    text.lines()
        .map(|line| change(line) + "\n")
        .collect::<String>()
        .into_bytes()
}

const FORMS: &[Form] = &[
    Form {
        name: "lines of 64 characters",
        write: |text| text.into(),
    },
    Form {
        name: "lines that end in CRLF",
        write: |text| text.replace('\n', "\r\n").into(),
    },
    Form {
        name: "lines that end in CR alone",
        write: |text| text.replace('\n', "\r").into(),
    },
    Form {
        name: "no line break at the end",
        write: |text| text.trim_end().into(),
    },
    Form {
        name: "UTF-8 byte order mark before BEGIN",
        write: |text| format!("\u{feff}{text}").into(),
    },
    Form {
        name: "UTF-8 byte order mark before a comment line",
        write: |text| format!("\u{feff}# of a\n{text}").into(),
    },
    Form {
        name: "UTF-16 with byte order mark",
        write: |text| {
            [
                b"\xff\xfe".to_vec(),
                text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            ]
            .concat()
        },
    },
    Form {
        name: "UTF-16 without byte order mark",
        write: |text| text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    },
    Form {
        name: "blanks before every line",
        write: |text| each_line(text, |line| format!("  {line}")),
    },
    Form {
        name: "blanks before BEGIN",
        write: |text| format!(" {text}").into(),
    },
    Form {
        name: "a tab before BEGIN",
        write: |text| format!("\t{text}").into(),
    },
    Form {
        name: "blanks before END",
        write: |text| text.replace("-----END", " -----END").into(),
    },
    Form {
        name: "blanks before the lines between",
        write: |text| {
            each_line(text, |line| {
                if line.starts_with('-') {
                    line.to_owned()
                } else {
                    format!("  {line}")
                }
            })
        },
    },
    Form {
        name: "blanks after every line",
        write: |text| each_line(text, |line| format!("{line} \t ")),
    },
    Form {
        name: "blanks inside the lines",
        write: |text| {
            each_line(text, |line| {
                if line.starts_with('-') {
                    line.to_owned()
                } else {
                    {
                        let (first, rest) = line.split_at(line.len() / 2);
                        format!("{first} {rest}")
                    }
                }
            })
        },
    },
    Form {
        name: "line breaks written as `\\n`",
        write: |text| text.trim_end().replace('\n', "\\n").into(),
    },
    Form {
        name: "blanks for line breaks",
        write: |text| text.trim_end().replace('\n', " ").into(),
    },
    Form {
        name: "no line breaks at all",
        write: |text| text.replace('\n', "").into(),
    },
    Form {
        name: "base64 in one line",
        write: |text| wrapped(text, 100_000),
    },
    Form {
        name: "lines of 76 characters",
        write: |text| wrapped(text, 76),
    },
    Form {
        name: "an empty line after BEGIN",
        write: |text| after_begin(text, "\n"),
    },
    Form {
        name: "an empty line after the first of base64",
        write: |text| {
            let (begin, base64, end) = parts(text);
            format!("{begin}\n{}\n\n{}\n{end}\n", &base64[..64], &base64[64..]).into()
        },
    },
    Form {
        name: "an empty line before END",
        write: |text| text.replace("-----END", "\n-----END").into(),
    },
    Form {
        name: "a header and an empty line after BEGIN",
        write: |text| after_begin(text, "X-Note: a\n\n"),
    },
    Form {
        name: "a comment after BEGIN",
        write: |text| after_begin(text, "# a\n"),
    },
    Form {
        name: "text before and after",
        write: |text| format!("Bag Attributes\n    friendlyName: a\nsubject=CN = a\n{text}\nmore\n").into(),
    },
    Form {
        name: "text before BEGIN in its line",
        write: |text| format!("cert: {text}").into(),
    },
    Form {
        name: "text after END in its line",
        write: |text| format!("{} a\n", text.trim_end()).into(),
    },
    Form {
        name: "quotation marks around it",
        write: |text| format!("\"{}\"", text.trim_end()).into(),
    },
    Form {
        name: "no END",
        write: |text| text[..text.find("-----END").unwrap()].into(),
    },
    Form {
        name: "no BEGIN",
        write: |text| text.split_once('\n').unwrap().1.into(),
    },
    Form {
        name: "another label at END",
        write: |text| text.replace("END ", "END X").into(),
    },
    Form {
        name: "four hyphens",
        write: |text| text.replace("-----", "----").into(),
    },
    Form {
        name: "markers in small letters",
        write: |text| text.replace("BEGIN", "begin").replace("END", "end").into(),
    },
    Form {
        name: "BEGIN twice",
        write: |text| format!("{}\n{text}", text.lines().next().unwrap()).into(),
    },
    Form {
        name: "base64 of it (encoded twice)",
        write: |text| STANDARD.encode(text).into(),
    },
    Form {
        name: "a character too many in the base64",
        write: |text| text.replace("\n-----END", "A\n-----END").into(),
    },
    Form {
        name: "a line lost from the base64",
        write: |text| {
            let (begin, base64, end) = parts(text);
            format!("{begin}\n{}\n{end}\n", &base64[64..]).into()
        },
    },
    Form {
        name: "DER",
        write: |text| STANDARD.decode(parts(text).1).unwrap(),
    },
    Form {
        name: "nothing between BEGIN and END",
        write: |text| {
            let (begin, _, end) = parts(text);
            format!("{begin}\n{end}\n").into()
        },
    },
];

/// What Envoy says of a server's material: nothing, or its error.
pub(crate) fn envoy(dir: &Dir, chain: &[u8], key: &[u8], authorities: &[u8]) -> Option<String> {
    let bytes = |content: &[u8]| json!({"inline_bytes": STANDARD.encode(content)});
    let bootstrap = json!({"static_resources": {"listeners": [{
        "name": "tls",
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": 0}},
        "filter_chains": [{
            "transport_socket": {"name": "tls", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "require_client_certificate": true,
                "common_tls_context": {
                    "tls_certificates": [{"certificate_chain": bytes(chain), "private_key": bytes(key)}],
                    "validation_context": {"trusted_ca": bytes(authorities)},
                },
            }},
            "filters": [{"name": "echo", "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo",
            }}],
        }],
    }]}});
    let config = dir.write("bootstrap.json", bootstrap.to_string());
    let output = Command::new(tool("envoy"))
        .args(["--mode", "validate", "--log-level", "error", "-c"])
        .arg(config)
        .output()
        .expect("envoy starts");
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Whether our reading of a server's material is one that Envoy would load.
fn ours(chain: &[u8], key: &[u8], authorities: &[u8]) -> bool {
    let Ok(chain) = certificates(chain, "chain", Use::Chain) else {
        return false;
    };
    let Ok(key) = key::of_gateway(key, "key") else {
        return false;
    };
    key.fits(&chain.list[0].1) && certificates(authorities, "ca", Use::Authorities).is_ok()
}

/// Whether openssl reads the file.
fn openssl(file: &Path, command: &str) -> bool {
    Command::new("openssl")
        .args([command, "-noout", "-in"])
        .arg(file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("openssl starts")
        .success()
}

/// What a reader makes of a certificate, a key and a CA that are written in the same way.
fn cell(certificate: bool, key: bool, authority: bool) -> String {
    let word = |taken: bool| if taken { "yes" } else { "no" };
    if certificate == key && key == authority {
        return word(certificate).to_owned();
    }
    let parts = [(certificate, "certificate"), (key, "key"), (authority, "CA")];
    let parts: Vec<String> = parts
        .iter()
        .map(|(taken, what)| format!("{what} {}", word(*taken)))
        .collect();
    parts.join(", ")
}

/// The row of a form.
fn row(dir: &Dir, form: &Form) -> String {
    let texts = &*TEXTS;
    let (certificate, key, authority) = (
        (form.write)(&texts.leaf),
        (form.write)(&texts.key),
        (form.write)(&texts.root),
    );
    let (good_certificate, good_key, root) = (texts.leaf.as_bytes(), texts.key.as_bytes(), texts.root.as_bytes());
    let of_envoy = cell(
        envoy(dir, &certificate, good_key, root).is_none(),
        envoy(dir, good_certificate, &key, root).is_none(),
        envoy(dir, good_certificate, good_key, &authority).is_none(),
    );
    let go = ask(&[
        Question::pair(&certificate, good_key),
        Question::pair(good_certificate, &key),
        Question::authorities(&authority),
    ]);
    let of_go = cell(go[0].is_none(), go[1].is_none(), go[2].is_none());
    let of_openssl = cell(
        openssl(&dir.write("a.crt", &certificate), "x509"),
        openssl(&dir.write("a.key", &key), "pkey"),
        openssl(&dir.write("ca.crt", &authority), "x509"),
    );
    let of_rustls = cell(
        CertificateDer::from_pem_slice(&certificate).is_ok(),
        PrivateKeyDer::from_pem_slice(&key).is_ok(),
        CertificateDer::from_pem_slice(&authority).is_ok(),
    );
    format!("| {} | {of_envoy} | {of_go} | {of_openssl} | {of_rustls} |", form.name)
}

#[test]
fn each_reader_reads_what_the_table_says() {
    let dir = Dir::new();
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pem.md")).expect("docs/pem.md");
    let rows: Vec<String> = FORMS.iter().map(|form| row(&dir, form)).collect();
    let missing: Vec<&String> = rows.iter().filter(|row| !page.contains(row.as_str())).collect();
    assert!(
        missing.is_empty(),
        "docs/pem.md says otherwise, or does not say:\n{}",
        rows.join("\n")
    );
}

/// Where a text may stand: alone or beside good ones, as chain, key and CA.
fn places(write: impl Fn(&str) -> Vec<u8>) -> Vec<[Vec<u8>; 3]> {
    let texts = &*TEXTS;
    let (leaf, key, root) = (
        texts.leaf.clone().into_bytes(),
        texts.key.clone().into_bytes(),
        texts.root.clone().into_bytes(),
    );
    let joined = |parts: &[&[u8]]| parts.concat();
    vec![
        [write(&texts.leaf), key.clone(), root.clone()],
        [
            joined(&[&write(&texts.leaf), texts.intermediate.as_bytes()]),
            key.clone(),
            root.clone(),
        ],
        [joined(&[&leaf, &write(&texts.intermediate)]), key.clone(), root.clone()],
        [leaf.clone(), write(&texts.key), root.clone()],
        [leaf.clone(), joined(&[&root, &write(&texts.key)]), root.clone()],
        [leaf.clone(), key.clone(), write(&texts.root)],
        [leaf, key, joined(&[&root, &write(&texts.intermediate)])],
    ]
}

#[test]
fn what_envoy_refuses_is_refused() {
    let dir = Dir::new();
    for form in FORMS {
        for (place, [chain, key, authorities]) in places(form.write).into_iter().enumerate() {
            let said = envoy(&dir, &chain, &key, &authorities);
            assert_eq!(
                said.is_none(),
                ours(&chain, &key, &authorities),
                "{} at {place}: {said:?}",
                form.name
            );
        }
    }
}

/// The places of the markers and line breaks of a text.
fn frame(text: &str) -> Vec<usize> {
    let mut places = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let end = start + line.len();
        places.extend(if line.starts_with('-') {
            start..end
        } else {
            end - 1..end
        });
        start = end;
    }
    places
}

/// Lines, pieces and bytes that are lost, doubled, exchanged or put in, always in
/// the same way.
#[test]
fn damaged_texts_are_judged_as_by_envoy() {
    const PIECES: &[&str] = &[
        "\n",
        "\n\n",
        " ",
        "=",
        "-----",
        "-----BEGIN CERTIFICATE-----\n",
        "\r",
        "\0",
        "\u{a0}",
        "A",
        ":",
        "#",
    ];
    let dir = Dir::new();
    let mut state = 7_u64;
    let mut next = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for round in 0..DAMAGED {
        let (kind, piece) = (next(4), PIECES[next(PIECES.len())]);
        let (first, second) = (next(10_000), next(10_000));
        let place = next(7);
        let damage = |text: &str| {
            let mut bytes = text.as_bytes().to_vec();
            // What stands between is ASN.1, which Envoy judges by rules of its own.
            let frame: Vec<usize> = frame(text);
            let (at, other) = (frame[first % frame.len()], frame[second % frame.len()]);
            match kind {
                0 => drop(bytes.splice(at..at, piece.bytes())),
                1 => drop(bytes.remove(at)),
                2 => drop(bytes.drain(at..(at + second % 30).min(text.len()))),
                _ => bytes.swap(at, other),
            }
            bytes
        };
        let [chain, key, authorities] = places(damage).swap_remove(place);
        let said = envoy(&dir, &chain, &key, &authorities);
        assert_eq!(
            said.is_none(),
            ours(&chain, &key, &authorities),
            "round {round}, at {place}: {said:?}\n{}",
            [chain, key, authorities]
                .map(|text| String::from_utf8_lossy(&text).into_owned())
                .join("\n---\n")
        );
    }
}

/// An Envoy starts for each.
const DAMAGED: usize = 60;
