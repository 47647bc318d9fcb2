//! The relevant lines of a gateway's log, and their meaning.

use std::collections::BTreeMap;

use super::causes::{Causes, skip_for};
use super::control_plane::object;
use super::facts::Facts;
use super::withheld::withheld;
use crate::lint::codes::{
    LOG_ACCESS, LOG_CERTIFICATE, LOG_CONTROL_PLANE, LOG_LISTENER, LOG_NO_FILTER_CHAIN, LOG_POLICY, LOG_SECRET, LOG_TLS,
};
use crate::lint::{Code, Finding, Findings, Severity};
use crate::manifests::naming::MOUNT_ROOT;
use crate::names::check_object_name;
use crate::secrets::reference::ProxyResource;

/// The maximum number of characters shown of a line.
const SHOWN: usize = 400;

/// The meaning of a line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Said {
    code: &'static str,
    /// The Secret or file in it.
    about: Option<String>,
}

/// The meaning of lines that have one of the words of each group.
struct Pattern {
    code: &'static Code,
    /// In lowercase; the line must contain at least one of each group.
    words: &'static [&'static [&'static str]],
}

/// The first match is used: from the most specific to the most general.
const PATTERNS: &[Pattern] = &[
    Pattern {
        code: &LOG_POLICY,
        words: &[&["rbac_access_denied", "rbac: access denied"]],
    },
    Pattern {
        code: &LOG_NO_FILTER_CHAIN,
        words: &[&["filter_chain_not_found", "no matching filter chain"]],
    },
    Pattern {
        code: &LOG_ACCESS,
        words: &[
            &[
                "is forbidden: user",
                "unauthorized",
                "not authorized",
                "permission denied",
            ],
            &["secret", "credential", "certificate"],
        ],
    },
    Pattern {
        code: &LOG_CERTIFICATE,
        words: &[&[
            "failed to load certificate chain",
            "failed to load private key",
            "failed to load incomplete",
            "failed to load trusted ca",
            "key_values_mismatch",
            "invalid path: /etc/istio/",
            "v3.secret rejected",
            "bad_password_read",
            "failed to load cert",
        ]],
    },
    Pattern {
        code: &LOG_CERTIFICATE,
        words: &[
            &["no such file or directory", "unable to read file", "failed to watch"],
            &["/etc/istio/", "certs/", ".crt", ".pem"],
        ],
    },
    Pattern {
        code: &LOG_SECRET,
        words: &[
            &["secret", "credential"],
            &[
                "not found",
                "cannot find",
                "can't find",
                "does not exist",
                "failed to fetch",
                "failed to get secret",
                "failed to generate secret",
                "is missing",
            ],
        ],
    },
    Pattern {
        code: &LOG_LISTENER,
        words: &[
            &["listener", "cluster", "routeconfiguration"],
            &["rejected: ", "error adding/updating listener"],
        ],
    },
    Pattern {
        code: &LOG_CONTROL_PLANE,
        words: &[
            &["istiod", "xds", "discovery", "15012", "15010", "citadel", "ca client"],
            &[
                "connection refused",
                "no such host",
                "deadlineexceeded",
                "deadline exceeded",
                "i/o timeout",
                "x509: ",
                "failed to sign",
            ],
        ],
    },
    Pattern {
        code: &LOG_TLS,
        words: &[&["tls error:", "tls_error:", "openssl_internal:", "ssl routines"]],
    },
];

/// The meaning of a line. One that may hold a part of a key names nothing: the word
/// that stands where a name would may be that part.
fn classify(line: &str, is_withheld: bool) -> Option<Said> {
    let lower = line.to_lowercase();
    let fits = |pattern: &&Pattern| {
        pattern
            .words
            .iter()
            .all(|group| group.iter().any(|word| lower.contains(word)))
    };
    let pattern = PATTERNS.iter().find(fits)?;
    Some(Said {
        code: pattern.code.id,
        about: if is_withheld { None } else { about(line) },
    })
}

/// The Secret or mounted file in a line.
fn about(line: &str) -> Option<String> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';' | ')' | ']' | '~' | '`');
    if let Some(found) = ProxyResource::find_secret(line) {
        let resource = found
            .split(ends)
            .next()
            .unwrap_or_default()
            .trim_end_matches([':', '.']);
        return match ProxyResource::parse(resource) {
            ProxyResource::Secret { name, .. } => Some(name).filter(|name| is_name(name)).map(str::to_owned),
            _ => None,
        };
    }
    if let Some(at) = line.find(MOUNT_ROOT) {
        let path = line[at..].split(ends).next().unwrap_or_default();
        let path = path.trim_end_matches([':', '.']);
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-".contains(&byte);
        return path.bytes().all(is_plain).then(|| path.to_owned());
    }
    // `secret istio-system/httpbin-credential not found`, `secret "x"`, `secret x`
    let mut words = line.split(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '=' | ':' | ','));
    let marks = ["secret", "credential", "resource"];
    words
        .by_ref()
        .find(|word| marks.iter().any(|mark| word.eq_ignore_ascii_case(mark)))?;
    let name = words.find(|word| !word.is_empty())?;
    let name = name.rsplit('/').next()?;
    let is_verb = [
        "not",
        "is",
        "does",
        "cannot",
        "for",
        "was",
        "in",
        "from",
        "name",
        "discovery",
        "rejected",
    ];
    (is_name(name) && !is_verb.contains(&name)).then(|| name.to_owned())
}

/// Whether a word can be the name of a Kubernetes object.
fn is_name(word: &str) -> bool {
    check_object_name("Secret", word).is_ok()
}

/// Lines with the same meaning.
#[derive(Default)]
struct Group {
    count: usize,
    pod: String,
    /// The last of them, in a form that may be shown.
    last: String,
}

pub(super) fn check(facts: &Facts, causes: &Causes, found: &mut Findings) {
    let mut groups: BTreeMap<Said, Group> = BTreeMap::new();
    for log in &facts.logs {
        let lines = match &log.lines {
            Ok(lines) => lines,
            Err(reason) => {
                let reason = format!("pod {}: {reason}", log.pod);
                for code in PATTERNS.iter().map(|pattern| pattern.code) {
                    found.skip(code, reason.clone());
                }
                continue;
            }
        };
        for (line, is_withheld) in lines.iter().zip(withheld(lines)) {
            if let Some(said) = classify(line, is_withheld) {
                let group = groups.entry(said).or_default();
                group.count += 1;
                group.pod.clone_from(&log.pod);
                group.last = excerpt(line, is_withheld);
            }
        }
    }
    for (said, group) in groups {
        if let Some(code) = crate::lint::codes::find(said.code) {
            tell(facts, causes, code, &said, &group, found);
        }
    }
}

fn tell(facts: &Facts, causes: &Causes, code: &'static Code, said: &Said, group: &Group, found: &mut Findings) {
    let what = words(code, said, group);
    let finding = Finding::new(code, object(&format!("Pod {}", group.pod)), what);
    let why = format!("{}\nlast: {}", code.why, group.last);
    // Requests and clients: these are not consequences of other findings.
    if [LOG_NO_FILTER_CHAIN.id, LOG_TLS.id, LOG_POLICY.id].contains(&code.id) {
        return found.push(finding.why(why));
    }
    let own = said.about.as_deref().and_then(|about| causes.of_secret(about));
    if let Some(cause) = own.or(causes.any()) {
        return skip_for(found, code, &format!("the log of pod {}", group.pod), cause);
    }
    let is_over = code.id != LOG_LISTENER.id && all_loaded(facts);
    found.push(if is_over {
        finding.severity(Severity::Info).why(format!(
            "{why}\nthe proxy has all certificates now, so this is in the past"
        ))
    } else {
        finding.why(why)
    });
}

/// Whether every proxy could be queried; missing certificates would already be a finding.
fn all_loaded(facts: &Facts) -> bool {
    !facts.proxies.is_empty() && facts.proxies.iter().all(|proxy| proxy.view.is_ok())
}

fn words(code: &Code, said: &Said, group: &Group) -> String {
    let times = match group.count {
        1 => "once".to_owned(),
        many => format!("{many} times"),
    };
    let about = said.about.as_ref().map(|about| format!(" {about}")).unwrap_or_default();
    let subject = match code.id {
        id if id == LOG_SECRET.id => format!("a Secret{about} that it does not receive"),
        id if id == LOG_CERTIFICATE.id && about.is_empty() => "a certificate or key that it cannot use".to_owned(),
        id if id == LOG_CERTIFICATE.id => format!("a certificate or key that it cannot use:{about}"),
        id if id == LOG_ACCESS.id => format!("missing permissions for a Secret{about}"),
        id if id == LOG_CONTROL_PLANE.id => "an unreachable control plane".to_owned(),
        id if id == LOG_LISTENER.id => "refused configuration".to_owned(),
        id if id == LOG_POLICY.id => "requests denied by a policy".to_owned(),
        id if id == LOG_NO_FILTER_CHAIN.id => "connections for an unknown name".to_owned(),
        _ => "failed TLS handshakes".to_owned(),
    };
    format!("the log of pod {} reports {subject} ({times})", group.pod)
}

/// A line in a form that may be shown.
fn excerpt(line: &str, is_withheld: bool) -> String {
    if is_withheld {
        return "(a line that may contain key material is not shown)".to_owned();
    }
    let mut text: String = line
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    if line.chars().count() > SHOWN {
        text.push_str(" ...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{about, classify, excerpt};
    use crate::doctor::examine;
    use crate::doctor::facts::{Facts, Log};
    use crate::doctor::testing::{assert_one, assert_skipped, change};
    use crate::doctor::withheld::holds_key;
    use crate::lint::Severity;

    #[test]
    fn lines_are_told_apart() {
        for (line, expected) in [
            ("2026-11-23T10:00:00Z\tinfo\tReadiness succeeded in 1.2s", None),
            (
                "info cache generated new workload certificate latency=20ms ttl=23h59m",
                None,
            ),
            (
                "[2026-11-23T10:00:00.000Z] \"GET /status/418 HTTP/2\" 418 - via_upstream - \"-\" 0 13",
                None,
            ),
            (
                "warning envoy main there is no configured limit to the number of allowed active connections",
                None,
            ),
            (
                "error\tsds\tsecret istio-system/httpbin-credential not found",
                Some(("ITL1170", Some("httpbin-credential"))),
            ),
            (
                "warn sds failed to fetch secret for resource kubernetes://httpbin-credential",
                Some(("ITL1170", Some("httpbin-credential"))),
            ),
            (
                "error secretfetcher cannot find secret httpbin-credential",
                Some(("ITL1170", Some("httpbin-credential"))),
            ),
            (
                "warning envoy config delta config for type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret rejected: Failed to load private key from <inline>, Cause: error:0b000074:X.509 certificate routines:OPENSSL_internal:KEY_VALUES_MISMATCH",
                Some(("ITL1171", None)),
            ),
            (
                "warning envoy config kubernetes://httpbin-credential: Failed to load certificate chain from <inline>",
                Some(("ITL1171", Some("httpbin-credential"))),
            ),
            (
                "error Invalid path: /etc/istio/ingressgateway-certs/tls.crt",
                Some(("ITL1171", Some("/etc/istio/ingressgateway-certs/tls.crt"))),
            ),
            (
                "error open /etc/istio/ingressgateway-certs/tls.key: no such file or directory",
                Some(("ITL1171", Some("/etc/istio/ingressgateway-certs/tls.key"))),
            ),
            (
                "[2026-11-23T10:00:00.000Z] \"- - -\" 0 NR filter_chain_not_found - \"-\" 0 0 0 - \"-\" \"-\"",
                Some(("ITL1175", None)),
            ),
            (
                "debug envoy conn_handler closing connection: no matching filter chain found",
                Some(("ITL1175", None)),
            ),
            (
                "\"- - -\" 0 - - TLS_error:|268435703:SSL routines:OPENSSL_internal:WRONG_VERSION_NUMBER:TLS_error_end",
                Some(("ITL1176", None)),
            ),
            (
                "\"GET / HTTP/1.1\" 403 - rbac_access_denied_matched_policy[none]",
                Some(("ITL1177", None)),
            ),
            (
                "error secrets \"httpbin-credential\" is forbidden: User \"system:serviceaccount:istio-system:edge\" cannot get resource",
                Some(("ITL1173", None)),
            ),
            (
                "warn xds proxy ztunnel: failed to connect to istiod.istio-system.svc:15012: connection refused",
                Some(("ITL1172", None)),
            ),
            (
                "warning envoy config gRPC config for type.googleapis.com/envoy.config.listener.v3.Listener rejected: Error adding/updating listener(s) 0.0.0.0_8443: bad",
                Some(("ITL1174", None)),
            ),
        ] {
            let found = classify(line, holds_key(line));
            let found = found.as_ref().map(|said| (said.code, said.about.as_deref()));
            assert_eq!(found, expected, "{line}");
        }
        for (line, expected) in [
            ("nothing of the sort", None),
            ("secret Httpbin-Credential not found", None),
            ("secret -----begin", None),
            (
                "Secret istio-system/httpbin-credential: not found",
                Some("httpbin-credential"),
            ),
            (
                "open /etc/istio/certs/tls.crt: no such file",
                Some("/etc/istio/certs/tls.crt"),
            ),
            ("open /etc/istio/certs/a+b", None),
        ] {
            assert_eq!(about(line).as_deref(), expected, "{line}");
        }
    }

    fn with(lines: &[&str]) -> Facts {
        let lines = lines.iter().map(|line| (*line).to_owned()).collect();
        change(|facts| facts.logs[0].lines = Ok(lines))
    }

    const MISSING: &str = "error sds secret istio-system/httpbin-credential not found";

    #[test]
    fn lines_of_one_meaning_are_one_finding() {
        let mut facts = with(&[MISSING, "info all is well", MISSING]);
        facts.proxies[0].view = Err("not asked".into());
        let finding = assert_one(&facts, "ITL1170", "2 times");
        assert_eq!(finding.severity, Severity::Warning);
        assert!(finding.why.contains(MISSING), "{}", finding.why);
    }

    #[test]
    fn what_is_over_is_only_told() {
        let finding = assert_one(&with(&[MISSING]), "ITL1170", "once");
        assert_eq!(finding.severity, Severity::Info);
        let refused = "warning type.googleapis.com/envoy.config.listener.v3.Listener rejected: bad";
        let finding = assert_one(&with(&[refused]), "ITL1174", "refused");
        assert_eq!(finding.severity, Severity::Warning);
    }

    #[test]
    fn what_another_finding_explains_is_skipped() {
        let mut facts = with(&[MISSING]);
        facts.accounts[0].verbs = Ok([].into());
        assert_one(&facts, "ITL0307", "may not list");
        assert_skipped(&facts, "ITL1170", "see ITL0307");
    }

    /// The report contains no eight consecutive characters of a secret, in either case.
    #[track_caller]
    fn assert_nothing_of(secret: &str, lines: &[&str]) {
        let report = format!("{:?}", examine(&with(lines))).to_lowercase();
        assert!(report.contains("itl117"), "{report}");
        let secret = secret.to_lowercase();
        for part in secret
            .as_bytes()
            .windows(8)
            .filter_map(|part| std::str::from_utf8(part).ok())
        {
            assert!(!report.contains(part), "{part} in {report}");
        }
    }

    #[test]
    fn nothing_of_a_line_with_a_key_is_told_in_any_form() {
        let body = "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg+KwVb4XkdzXd/3k2";
        let armour = "-----BEGIN PRIVATE KEY-----";
        for secret in [body, &body[..24], armour, "-----BEGIN EC PRIVATE KEY-----"] {
            for line in [
                format!("error sds failed to generate secret: {secret}"),
                format!("error sds secret {secret} not found"),
                format!("error sds secret \"{secret}\" not found"),
                format!("error sds secret istio-system/{secret} not found"),
                format!("error cannot find secret kubernetes://{secret}"),
                format!("error open /etc/istio/{secret}: no such file or directory"),
                format!("Failed to load private key: {secret}"),
                format!("error secret credential {secret} is forbidden: User \"a\""),
            ] {
                assert_nothing_of(secret, &[&line]);
            }
        }
        let first = format!("error secret is missing: {armour}");
        let lines = [first.as_str(), &body[..20], "Zz9 secret zz9zz9zz9 not found"];
        assert_nothing_of(&body[..20], &lines);
        assert_nothing_of("zz9zz9zz9", &lines);
    }

    #[test]
    fn a_line_with_a_key_is_never_shown() {
        let finding = assert_one(
            &with(&["Failed to load private key: -----BEGIN"]),
            "ITL1171",
            "cannot use",
        );
        assert!(finding.why.contains("is not shown"), "{}", finding.why);
        assert_eq!(excerpt("a\u{1b}[31mb", false), "a [31mb");
        let unread = change(|facts| {
            facts.logs = vec![Log {
                pod: "istio-system/gateway".into(),
                lines: Err("pods/log is forbidden".into()),
            }];
        });
        assert_skipped(&unread, "ITL1170", "pods/log is forbidden");
        assert!(examine(&unread).findings.is_empty());
    }

    proptest::proptest! {
        #[test]
        fn any_line_can_be_read(line in "\\PC{0,300}") {
            let _ = classify(&line, holds_key(&line));
            proptest::prop_assert!(excerpt(&line, holds_key(&line)).chars().count() <= super::SHOWN + 4);
        }

        #[test]
        fn no_long_run_of_base64_is_shown(run in "[A-Za-z0-9+/]{41,80}", before in "[a-z ]{0,40}") {
            let line = format!("{before} {run}");
            let shown = excerpt(&line, holds_key(&line));
            proptest::prop_assert!(!shown.contains(&run[..20]));
        }
    }
}
