//! The certificates after the leaf: are they there, in order, and the right ones?

use std::rc::Rc;

use crate::lint::codes::{CHAIN_BROKEN, CHAIN_INCOMPLETE, CHAIN_ORDER, CHAIN_WITH_ROOT};
use crate::lint::credentials::{Certificate, Credentials, Known, Pair, Relation};
use crate::lint::{Code, Finding, Findings, Rule, Severity, World};

pub(super) static RULES: &[&dyn Rule] = &[&Chain];

/// The path from the leaf upwards, by names and key identifiers.
struct Chain;

impl Rule for Chain {
    fn codes(&self) -> &'static [&'static Code] {
        &[&CHAIN_ORDER, &CHAIN_INCOMPLETE, &CHAIN_BROKEN, &CHAIN_WITH_ROOT]
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
    // An intermediate before its leaf is told where the key is compared.
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
                    "the certificates in {} belong in the order {}",
                    pair.certificate.name(),
                    order.join(", ")
                ),
            )
            .severity(Severity::Warning)
            .why("clients that look for issuers themselves manage; others go through the list as it is sent and fail"),
        );
    }
    let Some(top) = path.top(chain) else { return };
    if top.is_self_issued() {
        found_root(pair, top, found);
        return;
    }
    // The name fits, the key does not: the CA was made anew, or it is another's.
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
                    "certificate {} in {}, \"{}\", has the name of the CA that signed \"{}\", but another key",
                    place + 1,
                    pair.certificate.name(),
                    other.called,
                    top.called
                ),
            )
            .fix("take certificate and CA of one generation: the CA was made anew, or the certificate was signed by an impostor"),
        );
        return;
    }
    found_missing(credentials, pair, &path, found);
}

/// The places of the certificates from the leaf up, as far as the chain leads.
struct Path {
    places: Vec<usize>,
}

impl Path {
    fn build(chain: &[(u32, Rc<Certificate>)]) -> Self {
        let mut places = vec![0];
        // Chains are a handful long; what comes later is not looked at.
        let chain = &chain[..chain.len().min(LONGEST)];
        loop {
            let Some((_, last)) = places.last().and_then(|place| chain.get(*place)) else {
                break;
            };
            if last.is_self_issued() {
                break;
            }
            let next = chain
                .iter()
                .enumerate()
                .find(|(place, (_, other))| !places.contains(place) && last.relation(other) == Relation::Issuer);
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

/// Certificates of a chain that are put in order.
const LONGEST: usize = 12;

fn found_root(pair: &Pair<'_>, root: &Certificate, found: &mut Findings) {
    let line = pair.chain().iter().find(|(_, known)| known.der == root.der);
    found.push(Finding::new(
        &CHAIN_WITH_ROOT,
        pair.certificate.place(line.map_or(0, |(line, _)| *line)),
        format!("{} sends the root \"{}\" along", pair.certificate.name(), root.called),
    ));
}

/// The path ends below a root: is the next one an intermediate?
fn found_missing(credentials: &Credentials<'_>, pair: &Pair<'_>, path: &Path, found: &mut Findings) {
    let chain = pair.chain();
    let Some(top) = path.top(chain) else { return };
    let at_hand: Vec<&Known<'_>> = credentials
        .issuers_of(top)
        .iter()
        .filter(|known| top.relation(&known.certificate) == Relation::Issuer)
        .collect();
    // What stands in the same Secret is what the user has at hand.
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
        // Only an intermediate is certain to be missing: a root may sign leaves, too.
        None if alone && (leaf_of_intermediate(top) || unrelated) => {
            let code = if unrelated { &CHAIN_BROKEN } else { &CHAIN_INCOMPLETE };
            let what = match chain.get(1) {
                Some((_, next)) if unrelated => format!(
                    "in {name} \"{}\" follows \"{}\", which \"{}\" signed",
                    next.called, top.called, top.issuer
                ),
                _ => format!(
                    "{name} holds \"{}\" alone, which the intermediate \"{}\" signed",
                    top.called, top.issuer
                ),
            };
            Some(Finding::new(code, place, what))
        }
        None => None,
    };
    found.push_some(missing);
}

/// Whether no root can have signed it: public CAs sign with intermediates
/// alone, and others say what they are by their names.
fn leaf_of_intermediate(certificate: &Certificate) -> bool {
    let issuer = certificate.issuer.to_lowercase();
    certificate.public || ["intermediate", "issuing"].iter().any(|word| issuer.contains(word))
}
