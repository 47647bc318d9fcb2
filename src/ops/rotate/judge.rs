//! Whether the new content of a host's Secrets can be served, before any of it is stored:
//! judged by lint's rules as for `apply`, and with the clients in the workspace.

use super::chain::Held;
use super::decide::Step;
use crate::certs::verify::{Fault, FaultCode, Purpose, VerifyInput, verify};
use crate::certs::{CertificateDer, pem};
use crate::files::shown;
use crate::lint::codes::{self, Subject};
use crate::lint::{Finding, Severity};
use crate::manifests::build::{Material, Part};
use crate::ops::lint::made::findings_of_made;
use crate::ops::{Failure, Surroundings, intent};
use crate::problem::Problem;
use crate::remedy::{Remedy, ours};
use crate::workspace::config::{Mode, WorkspaceConfig};
use crate::workspace::layout;

/// Refuses material that the gateway, or every client, would refuse.
///
/// # Errors
/// If lint finds an error in it (exit 1), or it would exclude all of the host's clients.
pub(super) fn judge(
    held: &Held,
    step: &Step,
    material: Material,
    config: &WorkspaceConfig,
    here: &Surroundings,
) -> Result<(), Failure> {
    if held.mode != Mode::Simple && keeps_the_cas(step) {
        let ca = material.ca.as_deref().unwrap_or_default();
        clients(held, ca, here)?;
    }
    let intent = intent::of_host(config, &held.entry, material);
    let parts = Part::default_of(config.secrets);
    let mut found = findings_of_made(&intent, &parts, here).map_err(Failure::usage)?;
    found.retain(|finding| counts(finding, held, step));
    let Some(last) = found.pop() else { return Ok(()) };
    for finding in found {
        here.say_error(&Problem::from(finding));
    }
    let is_of_key = is_of_key(&last);
    let mut problem = Problem::from(last);
    let why = problem.why.take().unwrap_or_default();
    problem.why = Some(format!(
        "{why}\nnothing of {} was written, neither files nor Secrets",
        held.layout.host()
    ));
    if is_of_key {
        problem.fix = Some(
            Remedy::from("put the key of this certificate back")
                .or(ours::rotate(held.layout.host()))
                .and(", which creates a new pair"),
        );
    }
    Err(Failure::findings(problem))
}

/// Whether a finding is about the material, and not about what a step is meant to fix.
fn counts(finding: &Finding, held: &Held, step: &Step) -> bool {
    let is_of_material = matches!(finding.subject, Subject::Credential | Subject::Certificate);
    let is_of_time = [codes::CERTIFICATE_EXPIRED.id, codes::CERTIFICATE_NOT_YET_VALID.id].contains(&finding.code);
    // An expired CA is what --ca replaces, and it remains beside the new one until
    // --finish; if nothing is stored, its expiry is reported like any other.
    let may_have_ended = held.rotating || matches!(step, Step::StartCa | Step::Nothing(_));
    finding.severity == Severity::Error && is_of_material && !(is_of_time && may_have_ended)
}

fn is_of_key(finding: &Finding) -> bool {
    [
        codes::KEY_UNREADABLE.id,
        codes::KEY_ENCRYPTED.id,
        codes::KEY_MISMATCH.id,
    ]
    .contains(&finding.code)
}

/// The step stores the CA bundle as it is in the files.
fn keeps_the_cas(step: &Step) -> bool {
    !matches!(step, Step::StartCa | Step::FinishCa | Step::AbortCa)
}

/// Refuses a CA bundle that contains no issuer of the host's clients: renewing a
/// certificate must not lock all of them out.
fn clients(held: &Held, ca: &[u8], here: &Surroundings) -> Result<(), Failure> {
    let path = held.layout.path(layout::Part::CaChain);
    let trusted = match ca {
        [] => held.roots.clone(),
        ca => pem::certificates(ca, &shown(&path)).map_err(Failure::usage)?,
    };
    let mut faults = held.clients.iter().map(|client| fault(&client.chain, &trusted, here));
    let Some(Some(first)) = faults.next() else {
        return Ok(());
    };
    if !faults.all(|fault| fault.is_some()) {
        return Ok(());
    }
    let host = held.layout.host();
    Err(Failure::findings(
        Problem::new(format!(
            "with these CAs the gateway would accept no client of {host} ({})",
            first.code.as_str()
        ))
        .at(shown(&path))
        .why(format!(
            "{}\nnothing of {host} was written, neither files nor Secrets",
            first.what
        ))
        .fix(format!(
            "restore the CAs of {host}'s clients there, intermediate, then root; or remove {}, if \
             other clients are intended",
            shown(&held.layout.folder().join("4_client"))
        )),
    ))
}

/// Why a client's chain does not lead to these CAs, regardless of its validity period.
fn fault(chain: &[CertificateDer<'static>], trusted: &[CertificateDer<'static>], here: &Surroundings) -> Option<Fault> {
    let verdict = verify(&VerifyInput {
        chain,
        intermediates: &[],
        roots: trusted,
        crls: &[],
        purpose: Purpose::Client,
        host: None,
        now: here.now,
    });
    let of_time = [FaultCode::CertificateExpired, FaultCode::CertificateNotYetValid];
    verdict.faults.into_iter().find(|fault| !of_time.contains(&fault.code))
}
