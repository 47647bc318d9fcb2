//! What `rotate` will do with one host, decided from its folder before anything is
//! issued. Pure.

use time::{Duration, OffsetDateTime};

use super::request::Wish;
use crate::certs::summary::CertificateSummary;
use crate::certs::times::days_between;
use crate::names::Host;
use crate::problem::Problem;
use crate::remedy::ours;

/// The content of a host's folder, as far as the decision needs it.
#[derive(Debug, Clone)]
pub struct ChainState {
    /// The host.
    pub host: Host,
    /// The server's leaf.
    pub server: CertificateSummary,
    /// When the CA expires that issued the server's leaf.
    pub issuer_ends: OffsetDateTime,
    /// The clients by name.
    pub clients: Vec<(String, CertificateSummary)>,
    /// The current CAs: intermediate, root.
    pub cas: Vec<(&'static str, CertificateSummary)>,
    /// A replacement of the CA was started and not finished.
    pub rotating: bool,
    /// The server's leaf is from the current CA; during a replacement it is from the
    /// previous one.
    pub leaf_in_force: bool,
}

/// Why nothing is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Idle {
    /// The server's leaf is valid for longer than requested.
    LeafIsGood(Left),
    /// All CAs are; this one expires first.
    CaIsGood(&'static str, Left),
    /// There is no CA in the workspace.
    NoCa,
    /// The replacement of the CA has already finished.
    HasEnded,
}

/// The remaining validity of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Whole days.
    pub days: i64,
    /// Its expiry.
    pub until: OffsetDateTime,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing, and why.
    Nothing(Idle),
    /// New leaves from the CAs that issued the old ones.
    Leaves {
        /// The server's.
        server: bool,
        /// The certificates of these clients.
        clients: Vec<String>,
    },
    /// The new CA and its clients are added; the server's leaf is kept.
    StartCa,
    /// That was done before; it is only verified again.
    ResumeCa,
    /// The server's leaf is issued by the new CA; both CAs are still trusted.
    FinishLeaf,
    /// The old CA is removed.
    FinishCa,
    /// The old CA and its clients are restored, the new CA is removed.
    AbortCa,
    /// The files are unchanged; Secrets that an interrupted rotation left outdated are
    /// updated.
    CatchUp {
        /// The old CA is removed once that is verified.
        finishes: bool,
    },
}

/// Decides for one host. `within` is `--if-expires-in`.
///
/// # Errors
/// If a replacement is to finish that was not started, or a new leaf would expire
/// together with its CA as soon as the old one does.
pub(super) fn decide(
    state: &ChainState,
    wish: Wish,
    within: Option<Duration>,
    now: OffsetDateTime,
) -> Result<Step, Problem> {
    let host = &state.host;
    match wish {
        Wish::Leaf { clients } => leaves(state, clients, within, now),
        Wish::Ca if state.rotating => Ok(Step::ResumeCa),
        Wish::Ca => {
            let Some(within) = within else {
                return Ok(Step::StartCa);
            };
            if state.cas.iter().any(|(_, ends)| is_due(ends, within, now)) {
                return Ok(Step::StartCa);
            }
            let first = state.cas.iter().min_by_key(|(_, ends)| ends.not_after);
            Ok(Step::Nothing(match first {
                Some((what, ends)) => Idle::CaIsGood(what, left(ends, now)),
                None => Idle::NoCa,
            }))
        }
        Wish::Finish | Wish::Abort if !state.rotating => Err(Problem::new(format!(
            "there is no replacement of the CA of {host} to {}",
            if wish == Wish::Finish { "finish" } else { "abort" }
        ))
        .why("its folder contains no previous CA (5_previous_ca)")
        .fix(ours::rotate_ca(host))),
        Wish::Finish if state.leaf_in_force => Ok(Step::FinishCa),
        Wish::Finish => Ok(Step::FinishLeaf),
        Wish::Abort if state.leaf_in_force => Err(Problem::new(format!(
            "the replacement of the CA of {host} is nearly finished and cannot be aborted"
        ))
        .why("the server's leaf is already from the new CA, which is the first step of --finish")
        .fix(ours::rotate_finish(host))),
        Wish::Abort => Ok(Step::AbortCa),
    }
}

/// What becomes of a decision in a cluster whose Secrets may be outdated. `behind`: they
/// are.
///
/// # Errors
/// Those of the decision, if nothing is outdated.
pub(super) fn in_cluster(decided: Result<Step, Problem>, wish: Wish, behind: bool) -> Result<Step, Problem> {
    match decided {
        Ok(Step::Nothing(_)) if behind => Ok(Step::CatchUp { finishes: false }),
        // The gateway must be seen to serve the leaf of the new CA before the old CA is
        // removed.
        Ok(Step::FinishCa) => Ok(Step::CatchUp { finishes: true }),
        // Its files were exchanged, so no replacement is recorded any more.
        Err(_) if behind && matches!(wish, Wish::Finish | Wish::Abort) => Ok(Step::CatchUp { finishes: false }),
        decided => decided,
    }
}

fn leaves(state: &ChainState, clients: bool, within: Option<Duration>, now: OffsetDateTime) -> Result<Step, Problem> {
    let wanted = |ends: &CertificateSummary| within.is_none_or(|within| is_due(ends, within, now));
    let server = wanted(&state.server);
    let due: Vec<String> = (state.clients.iter())
        .filter(|(_, ends)| clients && wanted(ends))
        .map(|(name, _)| name.clone())
        .collect();
    if !server && due.is_empty() {
        return Ok(Step::Nothing(Idle::LeafIsGood(left(&state.server, now))));
    }
    if server && state.issuer_ends <= now {
        let host = &state.host;
        return Err(Problem::new(format!(
            "the CA of {host} expired on {}, so nothing that it signs would verify",
            state.issuer_ends.date()
        ))
        .fix(ours::rotate_ca(host)));
    }
    // With --if-expires-in, a leaf that expires no later would be renewed every day.
    if within.is_some() && server && state.issuer_ends <= state.server.not_after {
        let host = &state.host;
        return Err(Problem::new(format!(
            "a new server leaf of {host} would expire on {}, like the old one",
            state.issuer_ends.date()
        ))
        .why("its CA expires on that day, and no leaf outlives its CA")
        .fix(ours::rotate_ca(host)));
    }
    Ok(Step::Leaves { server, clients: due })
}

/// Something that is due but that a step does not renew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftDue {
    /// `client alice`, `intermediate`.
    pub what: String,
    /// The certificate.
    pub ends: CertificateSummary,
    /// The flag that renews it.
    pub flag: &'static str,
}

/// What `--if-expires-in` finds due but does not renew, since the flag for it was not
/// given. Empty without a time.
pub(super) fn left_due(state: &ChainState, wish: Wish, within: Option<Duration>, now: OffsetDateTime) -> Vec<LeftDue> {
    let (Some(within), Wish::Leaf { clients }) = (within, wish) else {
        return Vec::new();
    };
    let of_clients = (state.clients.iter())
        .filter(|_| !clients)
        .map(|(name, ends)| (format!("client {name}"), ends, "--clients"));
    let of_cas = (state.cas.iter()).map(|(what, ends)| ((*what).to_owned(), ends, "--ca"));
    of_clients
        .chain(of_cas)
        .filter(|(_, ends, _)| is_due(ends, within, now))
        .map(|(what, ends, flag)| LeftDue {
            what,
            ends: ends.clone(),
            flag,
        })
        .collect()
}

fn is_due(ends: &CertificateSummary, within: Duration, now: OffsetDateTime) -> bool {
    ends.not_after <= now + within
}

fn left(ends: &CertificateSummary, now: OffsetDateTime) -> Left {
    Left {
        days: days_between(now, ends.not_after),
        until: ends.not_after,
    }
}

#[cfg(test)]
mod tests {
    use time::{Duration, OffsetDateTime};

    use super::{ChainState, Step, decide, in_cluster, left_due};
    use crate::certs::summary::CertificateSummary;
    use crate::names::Host;
    use crate::ops::rotate::request::Wish;

    fn now() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time")
    }

    fn ends(days: i64) -> CertificateSummary {
        CertificateSummary {
            serial: days.to_string(),
            sha256: days.to_string(),
            not_before: now() - Duration::days(365),
            not_after: now() + Duration::days(days),
        }
    }

    fn state(server: i64, client: i64, ca: i64, rotating: bool) -> ChainState {
        ChainState {
            host: Host::parse("a.com").expect("a host"),
            server: ends(server),
            issuer_ends: ends(ca).not_after,
            clients: vec![("a.com".into(), ends(client)), ("alice".into(), ends(300))],
            cas: vec![("intermediate", ends(ca)), ("root", ends(3000))],
            rotating,
            leaf_in_force: !rotating,
        }
    }

    fn half_finished() -> ChainState {
        ChainState {
            leaf_in_force: true,
            ..state(5, 5, 900, true)
        }
    }

    #[test]
    fn what_is_due_is_rotated() {
        let leaf = Wish::Leaf { clients: false };
        let all = Wish::Leaf { clients: true };
        let leaves = |server, clients: &[&str]| {
            let clients = clients.iter().map(ToString::to_string).collect();
            format!("{:?}", Step::Leaves { server, clients })
        };
        for (what, state, wish, within, expected) in [
            ("asked for", state(300, 300, 900, false), leaf, None, leaves(true, &[])),
            (
                "with clients",
                state(300, 300, 900, false),
                all,
                None,
                leaves(true, &["a.com", "alice"]),
            ),
            ("not due", state(31, 5, 900, false), leaf, Some(30), "nothing".into()),
            (
                "on the day",
                state(30, 5, 900, false),
                leaf,
                Some(30),
                leaves(true, &[]),
            ),
            ("expired", state(-3, 5, 900, false), leaf, Some(30), leaves(true, &[])),
            (
                "a client",
                state(31, 5, 900, false),
                all,
                Some(30),
                leaves(false, &["a.com"]),
            ),
            (
                "the CA ends with it",
                state(20, 5, 20, false),
                leaf,
                Some(30),
                "refused".into(),
            ),
            (
                "asked for, the CA ends",
                state(20, 5, 20, false),
                leaf,
                None,
                leaves(true, &[]),
            ),
            (
                "asked for, the CA ended",
                state(20, 5, -2, false),
                leaf,
                None,
                "refused".into(),
            ),
            ("a CA", state(300, 300, 900, false), Wish::Ca, None, "StartCa".into()),
            (
                "a CA not due",
                state(5, 5, 900, false),
                Wish::Ca,
                Some(30),
                "nothing".into(),
            ),
            ("a CA due", state(5, 5, 20, false), Wish::Ca, Some(30), "StartCa".into()),
            ("again", state(5, 5, 900, true), Wish::Ca, None, "ResumeCa".into()),
            (
                "again, not due",
                state(5, 5, 900, true),
                Wish::Ca,
                Some(30),
                "ResumeCa".into(),
            ),
            (
                "the end",
                state(5, 5, 900, true),
                Wish::Finish,
                None,
                "FinishLeaf".into(),
            ),
            ("half the end", half_finished(), Wish::Finish, None, "FinishCa".into()),
            ("too late", half_finished(), Wish::Abort, None, "refused".into()),
            (
                "no beginning",
                state(5, 5, 900, false),
                Wish::Finish,
                None,
                "refused".into(),
            ),
            ("back", state(5, 5, 900, true), Wish::Abort, None, "AbortCa".into()),
            (
                "no way back",
                state(5, 5, 900, false),
                Wish::Abort,
                None,
                "refused".into(),
            ),
            (
                "a leaf meanwhile",
                state(5, 5, 900, true),
                leaf,
                Some(30),
                leaves(true, &[]),
            ),
        ] {
            let decided = match decide(&state, wish, within.map(Duration::days), now()) {
                Ok(Step::Nothing(_)) => "nothing".to_owned(),
                Ok(step) => format!("{step:?}"),
                Err(problem) => {
                    assert!(problem.fix.is_some(), "{what}");
                    "refused".to_owned()
                }
            };
            assert_eq!(decided, expected, "{what}");
        }
    }

    #[test]
    fn what_is_due_but_left_is_known() {
        let (leaf, all) = (Wish::Leaf { clients: false }, Wish::Leaf { clients: true });
        for (what, state, wish, within, expected) in [
            (
                "a client",
                state(300, 5, 900, false),
                leaf,
                Some(30),
                &["client a.com --clients"][..],
            ),
            ("not due", state(5, 300, 900, false), leaf, Some(30), &[]),
            ("it is renewed", state(300, 5, 900, false), all, Some(30), &[]),
            ("no time", state(300, 5, 20, false), leaf, None, &[]),
            (
                "the CA",
                state(300, 300, 20, false),
                all,
                Some(30),
                &["intermediate --ca"],
            ),
            ("a CA is asked for", state(5, 5, 20, false), Wish::Ca, Some(30), &[]),
        ] {
            let left = left_due(&state, wish, within.map(Duration::days), now());
            let left: Vec<String> = (left.iter())
                .map(|left| format!("{} {}", left.what, left.flag))
                .collect();
            assert_eq!(left, expected, "{what}");
        }
    }

    #[test]
    fn secrets_that_lag_follow_before_anything_else_goes_on() {
        let leaf = Wish::Leaf { clients: false };
        for (what, state, wish, within, behind, expected) in [
            (
                "nothing due",
                state(300, 300, 900, false),
                leaf,
                Some(30),
                false,
                "Nothing",
            ),
            (
                "nothing due, a Secret lags",
                state(300, 300, 900, false),
                leaf,
                Some(30),
                true,
                "CatchUp { finishes: false }",
            ),
            (
                "a new leaf anyway",
                state(5, 300, 900, false),
                leaf,
                Some(30),
                true,
                "Leaves",
            ),
            ("asked for", state(300, 300, 900, false), leaf, None, true, "Leaves"),
            ("a CA begun", state(5, 5, 900, true), Wish::Ca, None, true, "ResumeCa"),
            (
                "the end",
                state(5, 5, 900, true),
                Wish::Finish,
                None,
                true,
                "FinishLeaf",
            ),
            (
                "half the end",
                half_finished(),
                Wish::Finish,
                None,
                false,
                "CatchUp { finishes: true }",
            ),
            (
                "the whole end, a Secret lags",
                state(300, 300, 900, false),
                Wish::Finish,
                None,
                true,
                "CatchUp { finishes: false }",
            ),
            (
                "no beginning",
                state(300, 300, 900, false),
                Wish::Finish,
                None,
                false,
                "refused",
            ),
            (
                "taken back, a Secret lags",
                state(300, 300, 900, false),
                Wish::Abort,
                None,
                true,
                "CatchUp { finishes: false }",
            ),
        ] {
            let decided = decide(&state, wish, within.map(Duration::days), now());
            let step = match in_cluster(decided, wish, behind) {
                Ok(step) => format!("{step:?}"),
                Err(_) => "refused".to_owned(),
            };
            assert!(step.starts_with(expected), "{what}: {step}");
        }
    }
}
