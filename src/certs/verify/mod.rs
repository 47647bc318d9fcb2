//! Verifies a served or stored chain as a client or server would, and returns all reasons why it
//! does not verify, the most important first.

mod advice;
mod checks;
mod fault;
mod name_constraints;
mod names;
mod path;
mod revocation;
#[cfg(test)]
mod tests;

pub use advice::Origin;
pub use fault::{CertificateRef, Fault, FaultCode, Purpose, Role, Verdict, VerifyInput};
pub(crate) use name_constraints::subtree_covers;
pub(crate) use names::called;

/// Builds the paths from the leaf to a root and checks them completely: the result is the first
/// path without a fault, otherwise the one whose first fault matters least. Never fails: an
/// unreadable chain is a fault like any other.
///
/// ```
/// use istio_tls::certs::verify::{FaultCode, Purpose, VerifyInput, verify};
/// use istio_tls::certs::{Authority, ChainPlan, issue_chain};
/// use istio_tls::names::Host;
/// use time::{Duration, OffsetDateTime};
///
/// let host = Host::parse("httpbin.example.com")?;
/// let now = OffsetDateTime::from_unix_timestamp(1_800_000_000).expect("a time");
/// let issued = issue_chain(&ChainPlan::new(host.clone()), Authority::New, now)?;
/// let at = |now| {
///     verify(&VerifyInput {
///         chain: &[issued.server.certificate.clone()],
///         intermediates: &[issued.intermediate.certificate.clone()],
///         roots: &[issued.root.certificate.clone()],
///         crls: &[],
///         purpose: Purpose::Server,
///         host: Some(&host),
///         now,
///     })
/// };
/// assert!(at(now).first().is_none());
/// let later = at(now + Duration::days(400));
/// assert_eq!(later.first().map(|fault| fault.code), Some(FaultCode::CertificateExpired));
/// # Ok::<(), istio_tls::problem::Problem>(())
/// ```
pub fn verify(input: &VerifyInput<'_>) -> Verdict {
    let pool = path::Pool::parse(input);
    let mut before: Vec<Fault> = pool.unreadable().collect();
    let Some(leaf) = pool.leaf() else {
        if input.chain.is_empty() {
            let what = "no certificate was given".into();
            before.push(Fault::new(FaultCode::NoCertificate, None, what));
        }
        return Verdict {
            path: Vec::new(),
            faults: before,
            notes: Vec::new(),
        };
    };
    before.extend(path::leaf_not_first(&pool));
    let mut best: Option<Verdict> = None;
    for path in path::all(&pool, leaf) {
        let verdict = judge(input, &pool, &path, before.clone());
        let good = verdict.is_ok();
        if best.as_ref().is_none_or(|best| verdict.is_better_than(best)) {
            best = Some(verdict);
        }
        if good {
            break;
        }
    }
    best.unwrap_or_default()
}

/// Checks one path completely; `faults` are those of the sent chain.
fn judge(input: &VerifyInput<'_>, pool: &path::Pool<'_>, path: &path::Path<'_, '_>, mut faults: Vec<Fault>) -> Verdict {
    faults.extend(path.broken(input.roots.is_empty()));
    let mut notes = path.order(pool);
    checks::certificates(path, input.now, &mut faults);
    checks::authorities(path, &mut faults);
    checks::purpose(path, input.purpose, &mut faults);
    notes.extend(checks::staple(path, input.purpose));
    name_constraints::check(path, &mut faults);
    if let Some(host) = input.host {
        faults.extend(names::host(path, host));
    }
    revocation::check(path, input.crls, input.now, &mut faults, &mut notes);
    // Stable: for the same code, the leaf's fault comes before its issuers'.
    faults.sort_by_key(|fault| fault.code);
    notes.sort_by_key(|fault| fault.code);
    Verdict {
        path: path.references(),
        faults,
        notes,
    }
}
