//! Codes ITL04xx: faults in certificates, keys and chains.

use super::{ISTIO_GATEWAY, ISTIO_SECURE_INGRESS, RFC_5280};
use crate::remedy::{Kind, Line, Remedy, Word};

const RFC_7468: &str = "https://www.rfc-editor.org/rfc/rfc7468";
const RFC_8446: &str = "https://www.rfc-editor.org/rfc/rfc8446#section-4.4.2";
const RFC_9525: &str = "https://www.rfc-editor.org/rfc/rfc9525";
const ENVOY_SSL: &str = "https://www.envoyproxy.io/docs/envoy/latest/intro/arch_overview/security/ssl";

/// Decrypts a key.
fn decrypted() -> Remedy {
    let line = Line::new(Kind::OpensslDecrypt, ["openssl", "pkcs8", "-topk8", "-nocrypt", "-in"])
        .arg(Word::Placeholder("FILE"))
        .flag("-out", Word::Placeholder("FILE.plain"));
    Remedy::from(line).and(", and put that into the Secret")
}

super::codes! {
    of Certificate;
    CERTIFICATE_UNREADABLE = "ITL0401" Error Some("IST0161");
        title: "an unreadable certificate";
        why: "Envoy refuses the certificate, and connections to the server's hosts are reset";
        fix: "provide the certificate as PEM, leaf first, each marker on its own line";
        doc: RFC_7468;
    KEY_UNREADABLE = "ITL0402" Error None;
        title: "an unreadable private key";
        why: "Envoy refuses the key, and connections to the server's hosts are reset; Istio does not check keys";
        fix: "provide the private key as PEM (PKCS#8, PKCS#1 or SEC1)";
        doc: RFC_7468;
    KEY_ENCRYPTED = "ITL0403" Error None;
        title: "an encrypted private key";
        why: "nobody can type the password at a gateway: the key cannot be used, and connections to the server's hosts are reset";
        fix: decrypted();
        doc: ISTIO_SECURE_INGRESS;
    KEY_MISMATCH = "ITL0404" Error None;
        title: "a private key that does not belong to the certificate";
        why: "Envoy refuses the pair, and connections to the server's hosts are reset; Istio does not check this";
        fix: "use the certificate and the key of the same chain";
        doc: ISTIO_SECURE_INGRESS;
    KEY_TYPE_OF_LATER_ENVOY = "ITL0405" Info None;
        title: "a key on a curve that older gateways do not accept";
        why: "Envoy accepts P-384 and P-521 server keys since 1.33 (Istio 1.25); older versions refuse the certificate, and connections are reset";
        fix: "use a P-256 key if older gateways must serve it";
        doc: ENVOY_SSL;
    KEY_TYPE_UNSUPPORTED = "ITL0406" Warning None;
        title: "a key type with little support";
        why: "browsers do not accept such certificates, and gateways may refuse them";
        fix: "use a P-256 or RSA 2048 key";
        doc: ENVOY_SSL;
    CIPHER_SUITES_WITHOUT_KEY = "ITL0407" Warning None;
        title: "cipher suites that do not fit any of the server's keys";
        why: "in TLS 1.2 a cipher suite requires one type of key; TLS 1.3 has its own suites, which cipherSuites does not affect";
        fix: "add suites for the type of key, such as ECDHE-ECDSA-AES128-GCM-SHA256 or ECDHE-RSA-AES128-GCM-SHA256";
        doc: ISTIO_GATEWAY;
    CHAIN_ORDER = "ITL0410" Error None;
        title: "a chain in the wrong order";
        why: "the leaf must come first, followed by its issuer, and so on; the key must fit the first certificate, or the server gets no certificate at all";
        fix: "put the leaf first, then its issuer, and so on";
        doc: RFC_8446;
    CHAIN_INCOMPLETE = "ITL0411" Error None;
        title: "a chain without its intermediate";
        why: "clients that trust only the root cannot build the chain and refuse it; browsers may know the intermediate from elsewhere, so that it works there and nowhere else";
        fix: "add the intermediate certificate after the leaf";
        doc: RFC_8446;
    CHAIN_BROKEN = "ITL0412" Error None;
        title: "a chain with the wrong CA";
        why: "no client can build a path from the leaf to a root";
        fix: "add the certificate of the CA that signed the leaf after it";
        doc: RFC_8446;
    CHAIN_WITH_ROOT = "ITL0413" Info None;
        title: "a chain that includes the root";
        why: "clients trust only the roots that they already have, so sending one only makes handshakes longer";
        fix: "remove the root from the chain; to verify clients with it, put it under ca.crt";
        doc: RFC_8446;
    CHAIN_ISSUER_UNKNOWN = "ITL0414" Info None;
        title: "a chain with an unknown issuer";
        why: "if the issuer is an intermediate, clients that know only the root cannot build the chain and refuse it";
        fix: "if the issuer is an intermediate, add its certificate after the leaf; otherwise give lint the root, as ca.crt of a Secret";
        doc: RFC_8446;
    CHAIN_NOT_ALLOWED = "ITL0415" Error None;
        title: "a chain that its own CAs do not allow";
        why: "an issuer that is not a CA or may not sign certificates, more CAs below one than its pathLenConstraint allows, or a name outside its name constraints: every client refuses the chain";
        fix: "have the certificate issued by a CA that is allowed to issue it";
        doc: RFC_5280;
    CERTIFICATE_EXPIRED = "ITL0420" Error Some("IST0161");
        title: "a certificate that has expired";
        why: "clients refuse it";
        fix: "renew it";
        doc: RFC_5280;
    CERTIFICATE_NOT_YET_VALID = "ITL0421" Error Some("IST0161");
        title: "a certificate that is not valid yet";
        why: "clients refuse it until then";
        fix: "check the clock of the machine that issued it, or issue it with an earlier notBefore";
        doc: RFC_5280;
    CERTIFICATE_ENDS_SOON = "ITL0422" Warning None;
        title: "a certificate that expires within 30 days";
        why: "clients refuse it once it has expired; a certificate valid for less than 90 days is reported in \
            its last third";
        fix: "renew it before then";
        doc: RFC_5280;
    CERTIFICATE_WITHOUT_NAMES = "ITL0430" Error None;
        title: "a server certificate without subject alternative names";
        why: "clients look for the host only in subjectAltName; the CN does not count (RFC 9525)";
        fix: "issue it with the host as a DNS name in subjectAltName";
        doc: RFC_9525;
    CERTIFICATE_VERSION = "ITL0431" Warning None;
        title: "an X.509 version 1 certificate";
        why: "it has no extensions, hence no names and no usages, and many clients refuse it; openssl x509 -req issues one if -extfile is missing";
        fix: "issue it with extensions";
        doc: RFC_5280;
    CERTIFICATE_OF_CA = "ITL0432" Warning None;
        title: "a CA certificate used as a server certificate";
        why: "several TLS libraries refuse a CA certificate from a server, and the CA's key is exposed on the \
            gateway";
        fix: "serve a leaf signed by the CA";
        doc: RFC_5280;
    CERTIFICATE_SELF_SIGNED = "ITL0433" Warning None;
        title: "a self-signed server certificate";
        why: "no client trusts it unless it was given this very certificate";
        fix: "serve a certificate signed by a CA";
        doc: RFC_5280;
    CERTIFICATE_USAGE = "ITL0434" Error None;
        title: "a certificate whose key usages do not allow its purpose";
        why: "clients refuse a server if its certificate or its CA does not allow serverAuth, and servers refuse clients without clientAuth";
        fix: "issue it with the right extendedKeyUsage";
        doc: RFC_5280;
    WEAK_KEY = "ITL0435" Error None;
        title: "a key that is too short";
        why: "Envoy refuses a server's RSA key below 2048 bits, and connections to its hosts are reset; clients refuse CAs with short keys";
        fix: "issue it with RSA 2048 or more, or P-256";
        doc: ENVOY_SSL;
    WEAK_SIGNATURE = "ITL0436" Error None;
        title: "a SHA-1 or MD5 signature";
        why: "clients refuse it";
        fix: "have the CA sign it with SHA-256";
        doc: "https://www.rfc-editor.org/rfc/rfc9155";
    CERTIFICATE_EXTENSIONS = "ITL0437" Error None;
        title: "an extension that clients refuse";
        why: "a client refuses a certificate with an unknown critical extension or a duplicate extension; Envoy serves it anyway";
        fix: "issue it without the extension, or with the extension once and not critical";
        doc: RFC_5280;
    CERTIFICATE_MUST_STAPLE = "ITL0438" Error None;
        title: "a must-staple certificate without an OCSP response";
        why: "Envoy does not load a must-staple certificate (RFC 7633) without an OCSP response, and connections to the server's hosts are reset";
        fix: "put an OCSP response (DER) under tls.ocsp-staple next to tls.crt and keep it up to date, or issue the certificate without must-staple";
        doc: "https://www.rfc-editor.org/rfc/rfc7633";
    HOST_NOT_COVERED = "ITL0440" Error None;
        title: "a host that the server's certificate does not cover";
        why: "clients of this host refuse the certificate; a wildcard covers exactly one label, and not the domain itself";
        fix: "issue a certificate for this name";
        doc: RFC_9525;
    ROUTED_HOST_NOT_COVERED = "ITL0441" Warning None;
        title: "a VirtualService host, below a wildcard, that the certificate does not cover";
        why: "a Gateway's wildcard host matches names of any depth, a certificate's wildcard exactly one label: clients of this host refuse the certificate";
        fix: "issue a certificate that includes this name";
        doc: RFC_9525;
}
