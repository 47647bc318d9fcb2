//! The table of lint codes. A code is never reused for something else; its hundreds give the
//! subject: 00 input, 01 Gateway, 02 Gateways together, 03 credentials, 04 certificates, 05
//! VirtualService references, 06 VirtualService routes, 07 reachability of routes, 08 coalescing of
//! connections, 09 Gateway API, 10 the state of chains, which `status` reports, 11 a running
//! cluster, which `doctor` examines.

mod certificate;
mod coalescing;
mod code;
mod credential;
mod doctor;
mod gateway;
mod gateway_api;
mod gateways;
mod input;
mod reachability;
mod route;
mod status;
mod virtual_service;

pub use certificate::*;
pub use coalescing::*;
pub(crate) use code::codes;
pub use code::{Code, Subject};
use code::{GATEWAY_API, ISTIO_GATEWAY, ISTIO_SECURE_INGRESS, ISTIO_VIRTUAL_SERVICE, KUBERNETES_NAMES, RFC_5280};
pub use credential::*;
pub use doctor::*;
pub use gateway::*;
pub use gateway_api::*;
pub use gateways::*;
pub use input::*;
pub use reachability::*;
pub use route::*;
pub use status::*;
pub use virtual_service::*;

use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::spelling;

/// Every code, in order.
pub fn all() -> impl Iterator<Item = &'static Code> {
    [
        input::CODES,
        gateway::CODES,
        gateways::CODES,
        credential::CODES,
        certificate::CODES,
        virtual_service::CODES,
        route::CODES,
        reachability::CODES,
        coalescing::CODES,
        gateway_api::CODES,
        status::CODES,
        doctor::CODES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// The code with this name, case-insensitive.
pub fn find(id: &str) -> Option<&'static Code> {
    all().find(|code| code.id.eq_ignore_ascii_case(id))
}

/// The codes that a name selects: our code of that name, or all of ours that correspond to an Istio
/// code. Case-insensitive.
///
/// # Errors
/// If no code has that name.
pub fn named(id: &str) -> Result<Vec<&'static Code>, Problem> {
    let is_istios = |code: &&Code| code.istio.is_some_and(|istio| istio.eq_ignore_ascii_case(id));
    let named: Vec<&Code> = all()
        .filter(|code| is_istios(code) || code.id.eq_ignore_ascii_case(id))
        .collect();
    if named.is_empty() { Err(unknown(id)) } else { Ok(named) }
}

/// The problem for a code that does not exist, with the most similar one.
pub fn unknown(id: &str) -> Problem {
    let shown: String = id.chars().take(40).collect();
    let problem = Problem::new(format!("there is no code {shown:?}"));
    let nearest = spelling::nearest(id, all().map(|code| code.id)).and_then(find);
    let all = Remedy::from(ours::lint_codes()).and(" lists all");
    problem.fix(match nearest {
        Some(code) => Remedy::from(format!("did you mean {} ({})? ", code.id, code.title)).and(all),
        None => all,
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{all, find, unknown};

    #[test]
    fn an_unknown_code_gets_the_nearest_one_as_a_hint() {
        let fix = |id: &str| unknown(id).fix.unwrap();
        assert!(fix("itl004").starts_with("did you mean ITL0004 "), "{}", fix("itl004"));
        assert_eq!(fix("frobnicate"), "istio-tls lint explain lists all");
    }

    #[test]
    fn every_code_is_unique_and_complete() {
        let mut seen = HashSet::new();
        let mut last = "";
        for code in all() {
            assert!(seen.insert(code.id), "{} is listed twice", code.id);
            assert!(code.id > last, "{} comes after {last}", code.id);
            last = code.id;
            assert!(
                code.id.len() == 7 && code.id.starts_with("ITL") && code.id[3..].bytes().all(|b| b.is_ascii_digit()),
                "{}",
                code.id
            );
            let fix = (code.fix)().to_string();
            for text in [code.title, code.why, &fix] {
                assert!(!text.is_empty() && !text.ends_with('.'), "{}: {text}", code.id);
            }
            assert!(code.doc.starts_with("https://"), "{}", code.id);
            assert_eq!(find(&code.id.to_lowercase()), Some(code));
            for other in all() {
                let same_hundred = code.id[..5] == other.id[..5];
                assert_eq!(same_hundred, code.subject == other.subject, "{} {}", code.id, other.id);
            }
        }
    }
}
