//! Whether the certificates after the leaf are present, in order, and the right ones.

use std::rc::Rc;

use crate::lint::codes::{CHAIN_BROKEN, CHAIN_INCOMPLETE, CHAIN_ISSUER_UNKNOWN, CHAIN_ORDER, CHAIN_WITH_ROOT};
use crate::lint::index::credentials::{Certificate, Credentials, Known, Pair, Relation};
use crate::lint::{Code, Finding, Findings, Rule, Severity, World};

pub(super) static RULES: &[&dyn Rule] = &[&Chain];

/// The path from the leaf to the top, by names and key identifiers.
struct Chain;

impl Rule for Chain {
    fn codes(&self) -> &'static [&'static Code] {
        &[
            &CHAIN_ORDER,
            &CHAIN_INCOMPLETE,
            &CHAIN_BROKEN,
            &CHAIN_WITH_ROOT,
            &CHAIN_ISSUER_UNKNOWN,
        ]
    }

    fn check(&self, world: &World<'_>, found: &mut Findings) {
        let credentials = world.credentials();
        for pair in &credentials.pairs {
            check_chain(credentials, pair, found);
        }
    }
}

fn check_chain(credentials: &Credentials<'_>, pair: &Pair<'_>, found: &mut Findings) {
    let chain = pair.chain();
    let Some((_, leaf)) = chain.first() else { return };
    // An intermediate before its leaf is reported where the key is compared.
    if !leaf.is_leaf() || leaf.is_self_issued() {
        return;
    }
    let path = Path::build(chain);
    if path.places.windows(2).any(|step| step[0] > step[1]) {
        let order: Vec<String> = path.places.iter().map(|place| (place + 1).to_string()).collect();
        found.push(
            Finding::new(
                &CHAIN_ORDER,
                pair.certificate.place(chain.first().map_or(0, |(line, _)| *line)),
                format!(
                    "the certificates in {} must be in the order {}",
                    pair.certificate.name(),
                    order.join(", ")
                ),
            )
            .severity(Severity::Warning)
            .why("some clients reorder the chain themselves; others process it as sent and fail"),
        );
    }
    let Some(top) = path.top(chain) else { return };
    if top.is_self_issued() {
        found_root(pair, top, found);
        return;
    }
    // The name matches but the key does not: the CA was replaced, or it is a different one.
    if let Some((place, (line, other))) = chain
        .iter()
        .enumerate()
        .find(|(_, (_, other))| top.relation(other) == Relation::OtherKey)
    {
        found.push(
            Finding::new(
                &CHAIN_BROKEN,
                pair.certificate.place(*line),
                format!(
                    "certificate {} in {}, \"{}\", has the name of the CA that signed \"{}\", but a different key",
                    place + 1,
                    pair.certificate.name(),
                    other.called,
                    top.called
                ),
            )
            .fix("use a matching certificate and CA: the CA was replaced, or a different CA with the same name signed the certificate"),
        );
        return;
    }
    found_missing(credentials, pair, &path, found);
}

/// The indices of the certificates from the leaf to the top, as far as the chain is complete.
struct Path {
    places: Vec<usize>,
}

impl Path {
    fn build(chain: &[(u32, Rc<Certificate>)]) -> Self {
        let mut places = vec![0];
        // Chains have a handful of certificates; the rest is ignored.
        let chain = &chain[..chain.len().min(LONGEST)];
        while let Some((_, last)) = places.last().and_then(|place| chain.get(*place)) {
            if last.is_self_issued() {
                break;
            }
            let mut others = chain.iter().enumerate();
            let next =
                others.find(|(place, (_, other))| !places.contains(place) && last.relation(other) == Relation::Issuer);
            match next {
                Some((place, _)) => places.push(place),
                None => break,
            }
        }
        Self { places }
    }

    fn top<'c>(&self, chain: &'c [(u32, Rc<Certificate>)]) -> Option<&'c Certificate> {
        let place = self.places.last()?;
        chain.get(*place).map(|(_, certificate)| &**certificate)
    }
}

/// How many certificates of a chain are considered.
const LONGEST: usize = 12;

fn found_root(pair: &Pair<'_>, root: &Certificate, found: &mut Findings) {
    let line = pair.chain().iter().find(|(_, known)| known.der == root.der);
    found.push(Finding::new(
        &CHAIN_WITH_ROOT,
        pair.certificate.place(line.map_or(0, |(line, _)| *line)),
        format!("{} includes the root \"{}\"", pair.certificate.name(), root.called),
    ));
}

/// The path ends below a root: determines whether an intermediate is missing.
fn found_missing(credentials: &Credentials<'_>, pair: &Pair<'_>, path: &Path, found: &mut Findings) {
    let chain = pair.chain();
    let Some(top) = path.top(chain) else { return };
    let at_hand: Vec<&Known<'_>> = credentials
        .issuers_of(top)
        .iter()
        .filter(|known| top.relation(&known.certificate) == Relation::Issuer)
        .collect();
    // A certificate in the same Secret is what the user has at hand.
    let own = at_hand
        .iter()
        .find(|known| Rc::ptr_eq(&known.value.secret, &pair.certificate.secret));
    let known = own.or(at_hand.first());
    let is_root = known.is_some_and(|known| known.certificate.is_self_issued());
    let alone = path.places.len() == 1;
    let unrelated = chain.len() > path.places.len();
    let place = pair.certificate.place(chain.first().map_or(0, |(line, _)| *line));
    let name = pair.certificate.name();
    if is_root {
        return;
    }
    let missing = match known {
        Some(known) => {
            let finding = Finding::new(
                &CHAIN_INCOMPLETE,
                place,
                format!(
                    "{name} lacks the intermediate \"{}\", which signed \"{}\"; it is in {}",
                    known.certificate.called,
                    top.called,
                    known.value.name()
                ),
            );
            Some(finding.fix(format!(
                "append the certificate of \"{}\" to {}",
                known.certificate.called, pair.certificate.key
            )))
        }
        // Only an intermediate is certain to be missing: a root may sign leaves too.
        None if alone && (leaf_of_intermediate(top) || unrelated) => {
            let code = if unrelated { &CHAIN_BROKEN } else { &CHAIN_INCOMPLETE };
            let what = match chain.get(1) {
                Some((_, next)) if unrelated => format!(
                    "in {name}, \"{}\" follows \"{}\", which was signed by \"{}\"",
                    next.called, top.called, top.issuer
                ),
                _ => format!(
                    "{name} holds only \"{}\", which was signed by the intermediate \"{}\"",
                    top.called, top.issuer
                ),
            };
            let finding = Finding::new(code, place, what);
            Some(if leaf_of_intermediate(top) {
                finding
            } else {
                finding
                    .severity(Severity::Warning)
                    .why("unless a root signed it, no client can build a path from it to a root; the certificates after it are useless")
            })
        }
        None if alone => Some(Finding::new(
            &CHAIN_ISSUER_UNKNOWN,
            place,
            format!(
                "{name} holds only \"{}\"; its issuer \"{}\" is neither sent nor in the input",
                top.called, top.issuer
            ),
        )),
        None => None,
    };
    found.push_some(missing);
}

/// Whether an intermediate must have signed it: public CAs sign only with intermediates, and others
/// can be recognised by their names.
fn leaf_of_intermediate(certificate: &Certificate) -> bool {
    let issuer = certificate.issuer.to_lowercase();
    certificate.public || ["intermediate", "issuing"].iter().any(|word| issuer.contains(word))
}

#[cfg(test)]
mod tests {
    use crate::certs::{Authority, Bad, CertificateAuthority, Chain, Issued, issue_chain, pem};
    use crate::lint::Severity;
    use crate::lint::testing::{
        NOW, assert_code, httpbin, issue, key_pem, mutual, only, plan, secret, secret_of, simple,
    };

    fn text(parts: &[&Issued]) -> String {
        pem::certificates_text(parts.iter().map(|part| &part.certificate))
    }

    /// A Secret with httpbin's key, these certificates, and a CA.
    fn with(certificates: &[&Issued], ca: &str) -> String {
        let key = key_pem(&httpbin().server);
        let mut values = vec![
            ("tls.crt", text(certificates)),
            ("tls.key", key),
            ("ca.crt", ca.to_owned()),
        ];
        values.retain(|(_, value)| !value.is_empty());
        let values: Vec<(&str, &str)> = values.iter().map(|(key, value)| (*key, value.as_str())).collect();
        secret("c", &values)
    }

    /// A leaf signed directly by a root.
    fn under_a_root() -> Chain {
        let key = httpbin().root.key.as_ref().expect("a key");
        let root = CertificateAuthority::new(httpbin().root.certificate.clone(), key).expect("a CA");
        let authority = Authority::Intermediate(&root, &httpbin().root.certificate);
        issue_chain(&plan("httpbin.example.com"), authority, NOW).expect("a chain")
    }

    #[test]
    fn a_chain_leads_from_the_leaf_to_below_the_root() {
        let good = httpbin();
        let (leaf, intermediate, root) = (&good.server, &good.intermediate, &good.root);
        let again = issue(&plan("httpbin.example.com"));
        let stranger = issue(&plan("other.example.com"));
        let ca = good.ca_chain_pem();
        let path = &["data[\"tls.crt\"]"][..];
        for (yaml, code, paths) in [
            (simple(&with(&[leaf, intermediate], "")), "ITL0410", &[][..]),
            (simple(&with(&[leaf, intermediate], "")), "ITL0411", &[]),
            (simple(&with(&[leaf, intermediate], "")), "ITL0412", &[]),
            (simple(&with(&[leaf, intermediate], "")), "ITL0413", &[]),
            (mutual(&with(&[leaf, intermediate], &ca)), "ITL0411", &[]),
            (mutual(&with(&[leaf, intermediate], &ca)), "ITL0413", &[]),
            (simple(&with(&[leaf, intermediate], &good.root_pem())), "ITL0411", &[]),
            (simple(&with(&[leaf, intermediate, root], "")), "ITL0410", &[]),
            (simple(&with(&[leaf, intermediate, root], "")), "ITL0411", &[]),
            (
                simple(&with(&[leaf, intermediate, &stranger.intermediate], "")),
                "ITL0412",
                &[],
            ),
            // Failing.
            (simple(&with(&[intermediate, leaf], "")), "ITL0410", path),
            (simple(&with(&[leaf, root, intermediate], "")), "ITL0410", path),
            (simple(&with(&[leaf], "")), "ITL0411", path),
            (simple(&with(&[leaf], &ca)), "ITL0411", path),
            (simple(&with(&[leaf, root], "")), "ITL0412", path),
            (simple(&with(&[leaf, &stranger.intermediate], "")), "ITL0412", path),
            (simple(&with(&[leaf, &again.intermediate], "")), "ITL0412", path),
            (simple(&with(&[leaf, intermediate, root], "")), "ITL0413", path),
        ] {
            assert_code(&yaml, code, paths);
        }
        let order = |parts: &[&Issued]| only(&simple(&with(parts, "")), "ITL0410").severity;
        assert_eq!(order(&[intermediate, leaf]), Severity::Error);
        assert_eq!(order(&[leaf, root, intermediate]), Severity::Warning);
    }

    #[test]
    fn a_root_may_sign_leaves() {
        let chain = under_a_root();
        let leaf = text(&[&chain.server]);
        let key = key_pem(&chain.server);
        let values = |ca: &str| {
            let root = httpbin().root_pem();
            let ca = if ca.is_empty() { root } else { ca.to_owned() };
            simple(&secret("c", &[("tls.crt", &leaf), ("tls.key", &key), ("ca.crt", &ca)]))
        };
        assert_code(&values(""), "ITL0411", &[]);
        assert_code(&values(&httpbin().ca_chain_pem()), "ITL0411", &[]);
        assert_code(
            &simple(&secret("c", &[("tls.crt", &leaf), ("tls.key", &key)])),
            "ITL0411",
            &[],
        );
        // Whether the issuer is a root is known only if it is in the input.
        let alone = simple(&secret("c", &[("tls.crt", &leaf), ("tls.key", &key)]));
        let root = secret("unused", &[("ca.crt", &httpbin().root_pem())]);
        assert_eq!(only(&alone, "ITL0414").severity, Severity::Info);
        assert_code(&format!("{alone}{root}"), "ITL0414", &[]);
        assert_code(&values(""), "ITL0414", &[]);
        assert_code(
            &simple(&secret("c", &[("tls.crt", &leaf), ("tls.key", &key)])),
            "ITL0412",
            &[],
        );
    }

    #[test]
    fn where_the_intermediate_is_at_hand_is_said() {
        let leaf = [&httpbin().server];
        let found = only(&mutual(&with(&leaf, &httpbin().ca_chain_pem())), "ITL0411");
        assert!(
            found.what.ends_with("it is in ca.crt of secret istio-system/c"),
            "{}",
            found.what
        );
        assert!(found.fix.starts_with("append the certificate of"), "{}", found.fix);
        // In the Secret of another server.
        let other = crate::lint::testing::gateway("b", &[("b.example.com", "mode: SIMPLE, credentialName: d")]);
        let yaml = simple(&with(&leaf, "")) + &other + &secret_of("d", httpbin());
        let found = only(&yaml, "ITL0411");
        assert!(
            found.what.ends_with("it is in tls.crt of secret istio-system/d"),
            "{}",
            found.what
        );
    }

    #[test]
    fn an_intermediate_of_any_secret_is_at_hand() {
        let chain = httpbin();
        let alone = simple(&with(&[&chain.server], ""));
        for values in [("ca.crt", chain.intermediate_pem()), ("tls.crt", chain.server_pem())] {
            let unused = secret("unused", &[(values.0, values.1.as_str())]);
            let yaml = format!("{alone}{unused}");
            let found = only(&yaml, "ITL0411");
            assert_eq!(found.severity, Severity::Error);
            assert!(found.what.contains("of secret istio-system/unused"), "{}", found.what);
            assert_code(&yaml, "ITL0414", &[]);
        }
    }

    #[test]
    fn an_impostor_of_the_ca_is_found() {
        let mut bad = plan("httpbin.example.com");
        bad.bad = Some(Bad::WrongCa);
        let found = only(&simple(&secret_of("c", &issue(&bad))), "ITL0412");
        assert!(found.what.contains("but a different key"), "{}", found.what);
    }
}
