//! Certificates as their verifiers judge them: our verdict beside those of OpenSSL
//! and Go, and what Envoy loads beside what we say that it loads.

use istio_tls::certs::loadable::Unloadable;
use istio_tls::certs::verify::{FaultCode, Purpose, VerifyInput, verify};
use istio_tls::certs::{CertificateDer, pem};
use istio_tls::names::Host;
use rcgen::{
    BasicConstraints, Certificate, CertificateParams, CidrSubnet, CustomExtension, DistinguishedName, DnType,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints, SanType,
};
use time::{Duration, OffsetDateTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::prelude::FromDer as _;

use crate::certificates::{output, run};
use crate::gopki::{Question, ask};
use crate::harness::Dir;
use crate::pem_readers::envoy;

const HOST: &str = "a.example.com";

fn now() -> OffsetDateTime {
    OffsetDateTime::from(std::time::UNIX_EPOCH + std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970"))
}

fn named(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Dis");
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = now() - Duration::days(30);
    params.not_after = now() + Duration::days(30);
    params
}

fn authority(name: &str) -> CertificateParams {
    let mut params = named(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn extension(arcs: &[u64], content: &[u8], critical: bool) -> CustomExtension {
    let mut extension = CustomExtension::from_oid_content(arcs, content.to_vec());
    extension.set_criticality(critical);
    extension
}

/// Name constraints that permit one GeneralName of a kind that rcgen has not.
fn permitted(tag: u8, content: &[u8]) -> CustomExtension {
    let wrap = |tag: u8, content: &[u8]| [&[tag, u8::try_from(content.len()).expect("short")], content].concat();
    let subtrees = wrap(0xa0, &wrap(0x30, &wrap(tag, content)));
    extension(&[2, 5, 29, 30], &wrap(0x30, &subtrees), true)
}

/// A root, an intermediate and a leaf, which a case may change; and certificates beside them.
struct Made {
    root: CertificateParams,
    intermediate: CertificateParams,
    leaf: CertificateParams,
    keys: [KeyPair; 3],
}

struct Chain {
    sent: Vec<Certificate>,
    roots: Vec<Certificate>,
}

impl Made {
    fn new() -> Self {
        let mut leaf = named(HOST);
        leaf.subject_alt_names = vec![SanType::DnsName(HOST.try_into().expect("a name"))];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        leaf.is_ca = IsCa::ExplicitNoCa;
        Self {
            root: authority("root"),
            intermediate: authority("intermediate"),
            leaf,
            keys: [(); 3].map(|()| KeyPair::generate().expect("a key")),
        }
    }

    fn root(&self) -> Certificate {
        self.root.self_signed(&self.keys[0]).expect("a root")
    }

    fn intermediate(&self) -> Certificate {
        let issuer = Issuer::from_params(&self.root, &self.keys[0]);
        self.intermediate
            .signed_by(&self.keys[1], &issuer)
            .expect("an intermediate")
    }

    fn chain(&self) -> Chain {
        let issuer = Issuer::from_params(&self.intermediate, &self.keys[1]);
        let leaf = self.leaf.signed_by(&self.keys[2], &issuer).expect("a leaf");
        Chain {
            sent: vec![leaf, self.intermediate()],
            roots: vec![self.root()],
        }
    }

    fn add_san(&mut self, name: SanType) {
        self.leaf.subject_alt_names.push(name);
    }

    fn constrain(&mut self, subtree: GeneralSubtree) {
        self.intermediate.name_constraints = Some(NameConstraints {
            permitted_subtrees: vec![subtree],
            excluded_subtrees: Vec::new(),
        });
    }
}

/// A root of the same name and key that has expired.
fn expired_root(made: &mut Made) -> Certificate {
    let until = std::mem::replace(&mut made.root.not_after, now() - Duration::days(1));
    let expired = made.root();
    made.root.not_after = until;
    expired
}

/// What a case is called, what makes it, our verdict, and whether OpenSSL and Go accept it.
struct Case {
    name: &'static str,
    make: fn(Made) -> Chain,
    ours: Option<FaultCode>,
    openssl: bool,
    go: bool,
}

fn changed(mut made: Made, change: impl FnOnce(&mut Made)) -> Chain {
    change(&mut made);
    made.chain()
}

fn dn(organization: &str) -> GeneralSubtree {
    let mut name = DistinguishedName::new();
    name.push(DnType::OrganizationName, organization);
    GeneralSubtree::DirectoryName(name)
}

fn email(name: &str) -> SanType {
    SanType::Rfc822Name(name.try_into().expect("a name"))
}

fn uri(name: &str) -> SanType {
    SanType::URI(name.try_into().expect("a name"))
}

const NETWORK: GeneralSubtree = GeneralSubtree::IpAddress(CidrSubnet::V4([10, 0, 0, 0], [255, 0, 0, 0]));

use FaultCode::{
    CertificateExpired, DuplicateExtension, IssuerNotCa, NameConstraintViolation, PathTooLong,
    UnknownCriticalExtension, WrongEku,
};

const CASES: &[Case] = &[
    Case {
        name: "a plain chain",
        make: |made| made.chain(),
        ours: None,
        openssl: true,
        go: true,
    },
    Case {
        name: "directory name permitted",
        make: |made| changed(made, |made| made.constrain(dn("Dis"))),
        ours: None,
        openssl: true,
        go: false,
    },
    Case {
        name: "directory name in other case and blanks",
        make: |made| changed(made, |made| made.constrain(dn("  dIS "))),
        ours: None,
        openssl: true,
        go: false,
    },
    Case {
        name: "directory name not permitted",
        make: |made| changed(made, |made| made.constrain(dn("Dat"))),
        ours: Some(NameConstraintViolation),
        openssl: false,
        go: false,
    },
    Case {
        name: "email not permitted",
        make: |made| {
            changed(made, |made| {
                made.add_san(email("x@b.com"));
                made.constrain(GeneralSubtree::Rfc822Name("a.com".into()));
            })
        },
        ours: Some(NameConstraintViolation),
        openssl: false,
        go: false,
    },
    Case {
        name: "email permitted",
        make: |made| {
            changed(made, |made| {
                made.add_san(email("x@a.com"));
                made.constrain(GeneralSubtree::Rfc822Name("a.com".into()));
            })
        },
        ours: None,
        openssl: true,
        go: true,
    },
    Case {
        name: "address not permitted",
        make: |made| {
            changed(made, |made| {
                made.add_san(SanType::IpAddress([11, 0, 0, 1].into()));
                made.constrain(NETWORK);
            })
        },
        ours: Some(NameConstraintViolation),
        openssl: false,
        go: false,
    },
    Case {
        name: "address of the other family",
        make: |made| {
            changed(made, |made| {
                made.add_san(SanType::IpAddress([0_u16; 8].into()));
                made.constrain(NETWORK);
            })
        },
        ours: Some(NameConstraintViolation),
        openssl: false,
        go: false,
    },
    Case {
        name: "address permitted",
        make: |made| {
            changed(made, |made| {
                made.add_san(SanType::IpAddress([10, 0, 0, 1].into()));
                made.constrain(NETWORK);
            })
        },
        ours: None,
        openssl: true,
        go: true,
    },
    Case {
        name: "URI not permitted",
        make: |made| {
            changed(made, |made| {
                made.add_san(uri("spiffe://b.com/x"));
                made.intermediate.custom_extensions = vec![permitted(0x86, b"a.com")];
            })
        },
        ours: Some(NameConstraintViolation),
        openssl: false,
        go: false,
    },
    Case {
        name: "URI permitted",
        make: |made| {
            changed(made, |made| {
                made.add_san(uri("spiffe://a.com/x"));
                made.intermediate.custom_extensions = vec![permitted(0x86, b"a.com")];
            })
        },
        ours: None,
        openssl: true,
        go: true,
    },
    Case {
        name: "a critical constraint on registered IDs",
        make: |made| {
            changed(made, |made| {
                made.intermediate.custom_extensions = vec![permitted(0x88, &[42, 3])];
            })
        },
        ours: Some(NameConstraintViolation),
        openssl: true,
        go: false,
    },
    Case {
        name: "the intermediate outside the root's names",
        make: |made| {
            changed(made, |made| {
                made.root.name_constraints = Some(NameConstraints {
                    permitted_subtrees: vec![dn("Dis")],
                    excluded_subtrees: Vec::new(),
                });
                made.intermediate.distinguished_name = DistinguishedName::new();
                made.intermediate
                    .distinguished_name
                    .push(DnType::CommonName, "intermediate");
            })
        },
        ours: Some(NameConstraintViolation),
        openssl: false,
        go: false,
    },
    Case {
        name: "a wildcard over an excluded name",
        make: |made| {
            changed(made, |made| {
                made.leaf
                    .subject_alt_names
                    .push(SanType::DnsName("*.b.com".try_into().expect("a name")));
                made.intermediate.name_constraints = Some(NameConstraints {
                    permitted_subtrees: Vec::new(),
                    excluded_subtrees: vec![GeneralSubtree::DnsName("x.b.com".into())],
                });
            })
        },
        ours: Some(NameConstraintViolation),
        openssl: true,
        go: false,
    },
    Case {
        name: "an extension twice",
        make: |made| {
            changed(made, |made| {
                made.leaf.custom_extensions = vec![
                    extension(&[1, 2, 3, 4], &[5, 0], false),
                    extension(&[1, 2, 3, 4], &[5, 0], false),
                ];
            })
        },
        ours: Some(DuplicateExtension),
        openssl: true,
        go: false,
    },
    Case {
        name: "an unknown critical extension",
        make: |made| {
            changed(made, |made| {
                made.leaf.custom_extensions = vec![extension(&[1, 2, 3, 4], &[5, 0], true)];
            })
        },
        ours: Some(UnknownCriticalExtension),
        openssl: false,
        go: false,
    },
    Case {
        name: "an issuer that is no CA",
        make: |made| changed(made, |made| made.intermediate.is_ca = IsCa::ExplicitNoCa),
        ours: Some(IssuerNotCa),
        openssl: false,
        go: false,
    },
    Case {
        name: "an issuer without keyCertSign",
        make: |made| {
            changed(made, |made| {
                made.intermediate.key_usages = vec![KeyUsagePurpose::CrlSign];
            })
        },
        ours: Some(IssuerNotCa),
        openssl: false,
        go: false,
    },
    Case {
        name: "too many CAs below one",
        make: |made| {
            changed(made, |made| {
                made.root.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
            })
        },
        ours: Some(PathTooLong),
        openssl: false,
        go: false,
    },
    Case {
        name: "keyUsage keyAgreement alone",
        make: |made| changed(made, |made| made.leaf.key_usages = vec![KeyUsagePurpose::KeyAgreement]),
        ours: Some(WrongEku),
        openssl: true,
        go: true,
    },
    Case {
        name: "an expired root",
        make: |mut made| {
            let root = expired_root(&mut made);
            Chain {
                roots: vec![root],
                ..made.chain()
            }
        },
        ours: Some(CertificateExpired),
        openssl: false,
        go: false,
    },
    Case {
        name: "an expired root before a good one of the same key",
        make: |mut made| {
            let root = expired_root(&mut made);
            let mut chain = made.chain();
            chain.roots.insert(0, root);
            chain
        },
        ours: None,
        openssl: true,
        go: true,
    },
    Case {
        name: "an expired intermediate before a good one of the same key",
        make: |mut made| {
            let until = std::mem::replace(&mut made.intermediate.not_after, now() - Duration::days(1));
            let expired = made.intermediate();
            made.intermediate.not_after = until;
            let mut chain = made.chain();
            chain.sent.insert(1, expired);
            chain
        },
        ours: None,
        openssl: true,
        go: true,
    },
    Case {
        name: "a root that is not trusted, signed by one that is",
        make: |made| {
            let mut other = Made::new();
            other.root.distinguished_name.push(DnType::CountryName, "US");
            let issuer = Issuer::from_params(&other.root, &other.keys[0]);
            let mut chain = made.chain();
            let crossed = made.root.clone();
            chain.sent.push(chain.roots.remove(0));
            chain
                .sent
                .push(crossed.signed_by(&made.keys[0], &issuer).expect("a crossed root"));
            chain.roots.push(other.root());
            chain
        },
        ours: None,
        openssl: false,
        go: true,
    },
    Case {
        name: "cross-signed, the first path expired",
        make: |mut made| {
            let mut other = Made::new();
            other.root.distinguished_name.push(DnType::CountryName, "US");
            let issuer = Issuer::from_params(&other.root, &other.keys[0]);
            let crossed = made.root.signed_by(&made.keys[0], &issuer).expect("a crossed root");
            let expired = expired_root(&mut made);
            let mut chain = made.chain();
            chain.sent.push(crossed);
            chain.roots = vec![expired, other.root()];
            chain
        },
        ours: None,
        openssl: false,
        go: true,
    },
];

fn openssl_accepts(dir: &Dir, chain: &Chain) -> bool {
    let text = |list: &[Certificate]| pem::certificates_text(list.iter().map(Certificate::der));
    dir.write("leaf.pem", text(&chain.sent[..1]));
    dir.write("sent.pem", text(&chain.sent[1..]));
    dir.write("roots.pem", text(&chain.roots));
    let args = [
        "verify",
        "-purpose",
        "sslserver",
        "-CAfile",
        "roots.pem",
        "-untrusted",
        "sent.pem",
        "-no-CApath",
    ];
    output(
        dir,
        "openssl",
        &[&args[..], &["-verify_hostname", HOST, "leaf.pem"]].concat(),
    )
    .status
    .success()
}

#[test]
fn verdicts_are_those_of_openssl_and_go_or_say_why_not() {
    let dir = Dir::new();
    let chains: Vec<Chain> = CASES.iter().map(|case| (case.make)(Made::new())).collect();
    let ders =
        |list: &[Certificate]| -> Vec<CertificateDer<'static>> { list.iter().map(|made| made.der().clone()).collect() };
    let questions: Vec<Question> = chains
        .iter()
        .map(|chain| {
            Question::chain(
                &ders(&chain.sent),
                &ders(&chain.roots),
                Some(HOST),
                now().unix_timestamp(),
            )
        })
        .collect();
    let go = ask(&questions);
    let mut wrong = Vec::new();
    for ((case, chain), go) in CASES.iter().zip(&chains).zip(go) {
        let (sent, roots) = (ders(&chain.sent), ders(&chain.roots));
        let verdict = verify(&VerifyInput {
            chain: &sent,
            intermediates: &[],
            roots: &roots,
            crls: &[],
            purpose: Purpose::Server,
            host: Some(&Host::parse(HOST).expect("a host")),
            now: now(),
        });
        let found = (
            verdict.first().map(|fault| fault.code),
            openssl_accepts(&dir, chain),
            go.is_none(),
        );
        if found != (case.ours, case.openssl, case.go) {
            wrong.push(format!(
                "{}: {found:?} {:?} {go:?}",
                case.name,
                verdict.first().map(|fault| &fault.what)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// How openssl makes a key, and the extensions of its certificate; whether Envoy loads it.
const LOADED: &[(&str, &str, bool)] = &[
    ("EC -pkeyopt ec_paramgen_curve:P-256", "", true),
    ("EC -pkeyopt ec_paramgen_curve:P-384", "", true),
    ("EC -pkeyopt ec_paramgen_curve:P-521", "", true),
    ("EC -pkeyopt ec_paramgen_curve:P-224", "", false),
    ("EC -pkeyopt ec_paramgen_curve:secp256k1", "", false),
    ("EC -pkeyopt ec_paramgen_curve:brainpoolP256r1", "", false),
    (
        "EC -pkeyopt ec_paramgen_curve:P-256 -pkeyopt ec_param_enc:explicit",
        "",
        false,
    ),
    ("ED25519", "", true),
    ("ED448", "", false),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "", true),
    ("RSA -pkeyopt rsa_keygen_bits:2047", "", false),
    ("RSA -pkeyopt rsa_keygen_bits:1024", "", false),
    ("RSA-PSS -pkeyopt rsa_keygen_bits:2048", "", false),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "keyUsage=keyEncipherment", false),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "keyUsage=keyAgreement", false),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "keyUsage=digitalSignature", true),
    ("RSA -pkeyopt rsa_keygen_bits:2048", "keyUsage=keyEncipherment", true),
    (
        "EC -pkeyopt ec_paramgen_curve:P-256",
        "tlsfeature=status_request",
        false,
    ),
    (
        "EC -pkeyopt ec_paramgen_curve:P-256",
        "tlsfeature=status_request,status_request_v2",
        true,
    ),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "1.2.3.4=critical,DER:0500", true),
    (
        "EC -pkeyopt ec_paramgen_curve:P-256",
        "extendedKeyUsage=clientAuth",
        true,
    ),
    ("EC -pkeyopt ec_paramgen_curve:P-256", "version1", true),
];

#[test]
fn what_envoy_does_not_load_is_known() {
    let dir = Dir::new();
    run(
        &dir,
        "openssl",
        &[
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
            "-subj",
            "/CN=ca",
        ],
    );
    let authorities = dir.read("ca.pem");
    for (algorithm, extensions, loaded) in LOADED {
        let args: Vec<&str> = ["genpkey", "-out", "key.pem", "-algorithm"]
            .into_iter()
            .chain(algorithm.split(' '))
            .collect();
        run(&dir, "openssl", &args);
        run(
            &dir,
            "openssl",
            &[
                "req",
                "-new",
                "-key",
                "key.pem",
                "-subj",
                "/CN=a.com",
                "-out",
                "request.pem",
            ],
        );
        dir.write("extensions", format!("subjectAltName=DNS:a.com\n{extensions}\n"));
        let mut args = vec![
            "x509",
            "-req",
            "-in",
            "request.pem",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-out",
            "leaf.pem",
        ];
        if *extensions != "version1" {
            args.extend(["-extfile", "extensions"]);
        }
        run(&dir, "openssl", &args);
        let (leaf, key) = (dir.read("leaf.pem"), dir.read("key.pem"));
        let said = envoy(&dir, leaf.as_bytes(), key.as_bytes(), authorities.as_bytes());
        assert_eq!(said.is_none(), *loaded, "Envoy, {algorithm} {extensions}: {said:?}");
        let der = pem::certificates(leaf.as_bytes(), "leaf")
            .expect("a certificate")
            .remove(0);
        let (_, parsed) = X509Certificate::from_der(&der).expect("a certificate");
        let ours = Unloadable::of(&parsed, false);
        assert_eq!(ours.is_none(), *loaded, "{algorithm} {extensions}: {ours:?}");
    }
}
