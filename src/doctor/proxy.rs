//! What the gateway's proxy reports as loaded.

use super::causes::{Causes, skip_all, skip_for};
use super::control_plane::object;
use super::envoy::{serial_digits, serial_words};
use super::facts::{Certificate, Facts, Source, View};
use crate::certs::inspect::CertificateFacts;
use crate::lint::codes::{PROXY_CERTIFICATE_DIFFERS, PROXY_WITHOUT_CERTIFICATE};
use crate::lint::{Finding, Findings};
use crate::remedy::{Kind, Line, Remedy, kubectl};
use crate::secrets::reference::ProxyResource;

pub(super) fn check(facts: &Facts, causes: &mut Causes, found: &mut Findings) {
    let codes = [&PROXY_WITHOUT_CERTIFICATE, &PROXY_CERTIFICATE_DIFFERS];
    if facts.proxies.is_empty() && !facts.certificates.is_empty() {
        let reason = match causes.pods {
            Some(cause) => format!("no gateway pod could be queried: see {cause}"),
            None => "no gateway pod could be queried".to_owned(),
        };
        return skip_all(found, &codes, &reason);
    }
    let mut told = Vec::new();
    for proxy in &facts.proxies {
        let view = match &proxy.view {
            Ok(view) => view,
            Err(reason) => {
                skip_all(found, &codes, &format!("pod {}: {reason}", proxy.pod));
                continue;
            }
        };
        for certificate in &facts.certificates {
            one(facts, &proxy.pod, view, certificate, causes, &mut told, found);
        }
    }
    // The first pod's finding does not explain other pods with the same fault.
    for (secret, code) in told {
        causes.secrets.entry(secret).or_insert(code);
    }
}

/// What a proxy has for a server.
enum Held<'v> {
    /// Nothing, or it is waiting for it.
    Nothing { waits: bool },
    /// This certificate.
    Leaf(&'v CertificateFacts),
    /// Certificates with these serial numbers, one of which may be it.
    Serials(Vec<&'v str>),
    /// Unknown.
    Unknown,
}

fn held<'v>(view: &'v View, source: &Source) -> Held<'v> {
    let is_it = |name: &str| match (source, ProxyResource::parse(name)) {
        // Only some versions include the namespace, which is that of the pods.
        (Source::Credential(wanted), ProxyResource::Secret { name, .. }) => name == wanted,
        (Source::File(path), ProxyResource::Files { certificate }) => certificate == path,
        _ => false,
    };
    if let Some((_, leaf)) = view.active.iter().find(|(name, _)| is_it(name)) {
        return leaf.as_ref().map_or_else(|| by_serial(view, source), Held::Leaf);
    }
    let waits = view.warming.iter().any(|name| is_it(name));
    // All Envoys in Istio report Secrets; older ones report only a list of certificates.
    if waits || !(view.active.is_empty() && view.warming.is_empty()) {
        return Held::Nothing { waits };
    }
    by_serial(view, source)
}

fn by_serial<'v>(view: &'v View, source: &Source) -> Held<'v> {
    let of_path = |path: &str| match source {
        Source::File(wanted) => path == wanted,
        Source::Credential(_) => true,
    };
    let serials: Vec<&str> = view
        .loaded
        .iter()
        .filter(|(path, _)| of_path(path))
        .map(|(_, serial)| serial.as_str())
        .collect();
    match (serials.is_empty(), view.active.is_empty()) {
        (true, true) => Held::Nothing { waits: false },
        (true, false) => Held::Unknown,
        (false, _) => Held::Serials(serials),
    }
}

fn one(
    facts: &Facts,
    pod: &str,
    view: &View,
    certificate: &Certificate,
    causes: &Causes,
    told: &mut Vec<(String, &'static str)>,
    found: &mut Findings,
) {
    let secret = &certificate.secret;
    let expected = match &certificate.leaf {
        Ok(Some(leaf)) => Some(leaf),
        Ok(None) => None,
        Err(reason) => {
            found.skip(&PROXY_CERTIFICATE_DIFFERS, reason);
            None
        }
    };
    let title = format!("Pod {pod}");
    let what = match held(view, &certificate.source) {
        Held::Unknown => return,
        Held::Nothing { waits } => {
            if let Some(cause) = causes.of_secret(certificate.secret_name()) {
                return skip_for(found, &PROXY_WITHOUT_CERTIFICATE, secret, cause);
            }
            told.push((certificate.secret_name().to_owned(), PROXY_WITHOUT_CERTIFICATE.id));
            let state = if waits { "is waiting for" } else { "does not have" };
            let hosts = super::facts::some_of(&certificate.hosts);
            return found.push(missing(
                facts,
                certificate,
                &title,
                format!("the proxy of {pod} {state} the certificate of Secret {secret} (for {hosts})"),
            ));
        }
        Held::Leaf(leaf) => match expected {
            Some(expected) if serial_digits(&leaf.serial) != serial_digits(&expected.serial) => format!(
                "the proxy of {pod} has serial {} ({}, until {}), but Secret {secret} has serial {} ({}, until {})",
                leaf.serial, leaf.subject, leaf.not_after, expected.serial, expected.subject, expected.not_after
            ),
            _ => return,
        },
        Held::Serials(serials) => match expected {
            Some(expected)
                if !serials
                    .iter()
                    .any(|serial| serial_digits(serial) == serial_digits(&expected.serial)) =>
            {
                let serials: Vec<String> = serials.iter().map(|serial| serial_words(serial)).collect();
                format!(
                    "the proxy of {pod} has serial {}, but Secret {secret} has serial {} ({}, until {})",
                    super::facts::some_of(&serials),
                    expected.serial,
                    expected.subject,
                    expected.not_after
                )
            }
            _ => return,
        },
    };
    if let Some(cause) = causes.of_secret(certificate.secret_name()) {
        return skip_for(found, &PROXY_CERTIFICATE_DIFFERS, secret, cause);
    }
    told.push((certificate.secret_name().to_owned(), PROXY_CERTIFICATE_DIFFERS.id));
    found.push(differing(facts, certificate, &title, what));
}

fn missing(facts: &Facts, certificate: &Certificate, title: &str, what: String) -> Finding {
    let finding = Finding::new(&PROXY_WITHOUT_CERTIFICATE, object(title), what);
    let namespace = &facts.found_namespace;
    match &certificate.source {
        Source::Credential(_) => {
            let grep = Line::new(Kind::Grep, ["grep", certificate.secret_name()]);
            let line = kubectl::logs_of_istiod(facts.control_plane_namespace()).pipe(grep);
            finding.fix(Remedy::from(line).and(" shows why istiod does not send it"))
        }
        Source::File(path) => finding
            .why(format!(
                "{path} does not exist in the pod, or did not when the proxy read it; a secret volume is filled within about a minute"
            ))
            .fix(
                Remedy::from("wait a minute; if nothing changes: ")
                    .and(kubectl::delete(Some(namespace), "pod", pod_of(title)))
                    .and(", whose replacement reads the files again"),
            ),
    }
}

/// The name of the pod in a title.
fn pod_of(title: &str) -> &str {
    title.rsplit('/').next().unwrap_or_default()
}

fn differing(facts: &Facts, certificate: &Certificate, title: &str, what: String) -> Finding {
    let finding = Finding::new(&PROXY_CERTIFICATE_DIFFERS, object(title), what);
    match &certificate.source {
        Source::Credential(_) => finding,
        Source::File(_) => finding.fix(
            Remedy::from("wait a minute, until the kubelet has written the new files; if nothing changes: ")
                .and(kubectl::delete(Some(&facts.found_namespace), "pod", pod_of(title))),
        ),
    }
}

#[cfg(test)]
mod tests {
    use crate::doctor::examine;
    use crate::doctor::facts::{Facts, Source, View};
    use crate::doctor::testing::{assert_one, assert_skipped, chain, change, leaf_of, other_chain};

    fn with(change_view: impl FnOnce(&mut View)) -> Facts {
        change(|facts| change_view(facts.proxies[0].view.as_mut().unwrap()))
    }

    #[test]
    fn a_secret_that_the_proxy_waits_for_is_told() {
        let waits = with(|view| {
            view.active.clear();
            view.loaded.clear();
            view.warming = vec!["kubernetes://httpbin-credential".into()];
        });
        let mut waits = waits;
        waits.served = Err("not asked".into());
        let finding = assert_one(
            &waits,
            "ITL1150",
            "is waiting for the certificate of Secret istio-system/httpbin-credential",
        );
        assert!(finding.fix.contains("logs -l app=istiod"), "{}", finding.fix);
        let absent = with(|view| view.active = vec![("default".into(), None)]);
        assert_one(&absent, "ITL1150", "does not have the certificate");
        let empty = with(|view| *view = View::default());
        assert_one(&empty, "ITL1150", "does not have the certificate");
    }

    #[test]
    fn another_serial_is_told_with_both() {
        let mut facts = with(|view| view.active[0].1 = Some(leaf_of(other_chain())));
        facts.served.as_mut().unwrap()[0].outcome = Ok(leaf_of(other_chain()));
        let finding = assert_one(&facts, "ITL1151", &leaf_of(other_chain()).serial);
        assert!(finding.what.contains(&leaf_of(chain()).serial), "{}", finding.what);
        assert_skipped(&facts, "ITL1160", "see ITL1151");
        // Old proxies report only serial numbers, in Envoy's format.
        let plain = leaf_of(chain()).serial.replace(':', "").to_lowercase();
        let good = with(|view| {
            view.active.clear();
            view.loaded = vec![("<inline>".into(), "99".into()), ("<inline>".into(), plain)];
        });
        assert!(examine(&good).findings.is_empty());
        let bad = with(|view| {
            view.active.clear();
            view.loaded = vec![("<inline>".into(), "99ab".into())];
        });
        assert_one(&bad, "ITL1151", "has serial 99:ab,");
    }

    #[test]
    fn files_are_found_by_their_path() {
        let path = "/etc/istio/ingressgateway-certs/tls.crt";
        let of_file = |name: &'static str| {
            change(move |facts| {
                facts.certificates[0].source = Source::File(path.into());
                facts.proxies[0].view.as_mut().unwrap().active[0].0 = name.into();
            })
        };
        assert!(
            examine(&of_file("file-cert:/etc/istio/ingressgateway-certs/tls.crt~/k"))
                .findings
                .is_empty()
        );
        let finding = assert_one(&of_file("file-cert:/other~/k"), "ITL1150", "does not have");
        assert!(finding.fix.contains("delete pod gateway"), "{}", finding.fix);
    }

    #[test]
    fn what_cannot_be_read_is_skipped() {
        let unread = change(|facts| facts.proxies[0].view = Err("pods/portforward is forbidden".into()));
        assert_skipped(
            &unread,
            "ITL1150",
            "pod istio-system/gateway: pods/portforward is forbidden",
        );
        assert_skipped(
            &change(|facts| facts.proxies.clear()),
            "ITL1150",
            "no gateway pod could be queried",
        );
        let secret = change(|facts| facts.certificates[0].leaf = Err("secrets may not be read".into()));
        assert_skipped(&secret, "ITL1151", "secrets may not be read");
        assert!(examine(&secret).findings.is_empty());
    }
}
