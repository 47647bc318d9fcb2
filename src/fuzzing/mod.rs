//! What the fuzzer runs: for every parser that takes bytes from outside, a
//! function that takes any bytes and asserts what must hold for them. Compiled
//! for `scripts/fuzz` and for unit tests only; those run every seed of
//! `fuzz/seeds` through the same functions. What only its own module can reach
//! stands there, in a file `fuzzing.rs`.

mod certificates;
mod cluster;
mod manifests;
pub(crate) mod request_head;
#[cfg(test)]
mod tests;
mod words;

use time::OffsetDateTime;
use time::macros::datetime;

use crate::problem::Problem;

/// A target by its name, which is that of its folder of seeds.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: &[Target] = &[
    ("adopt", crate::ops::adopt::fuzzing::tree),
    ("chain", certificates::chain),
    (
        "client_certificate",
        crate::gateway::dataplane::fuzzing::client_certificate,
    ),
    ("cluster_answers", cluster::answers),
    ("crl", certificates::crl),
    ("csr", certificates::csr),
    ("envoy_admin", cluster::envoy_admin),
    ("gateway_headers", crate::gateway::dataplane::fuzzing::headers),
    ("gateway_log", crate::doctor::fuzzing::gateway_log),
    ("gateway_request", crate::gateway::fuzzing::request),
    ("http_head", crate::gateway::dataplane::fuzzing::http_head),
    ("inspect", certificates::inspected),
    ("istio_tls_yaml", manifests::istio_tls_yaml),
    ("kubeconfig", crate::cluster::fuzzing::kubeconfig),
    ("lint", manifests::linted),
    ("lint_fix", manifests::fixed),
    ("manifests", manifests::read),
    ("pem", certificates::pem_blocks),
    ("pkcs12", certificates::bundle),
    ("private_key", certificates::private_key),
    ("sample_request", crate::gateway::fuzzing::sample_request),
    ("secret", manifests::secret),
    ("tls_answer", words::tls_answer),
    ("words", words::words),
];

/// Runs a target.
///
/// # Panics
/// When there is none of this name, or what must hold for the bytes does not.
pub fn run(target: &str, data: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, check) = found.unwrap_or_else(|| panic!("no target {target}"));
    check(data);
}

/// The time of every check.
pub(crate) const NOW: OffsetDateTime = datetime!(2027-01-01 12:00 UTC);

/// The name that inputs have in errors.
pub(crate) const NAME: &str = "input";

/// The bytes before and after the first newline, as a word beside a file.
pub(crate) fn first_line(data: &[u8]) -> (&[u8], &[u8]) {
    match data.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => (data, &[]),
    }
}

/// A problem says something, in whole lines, and nothing of a key.
pub(crate) fn told(problem: &Problem, data: &[u8]) {
    assert!(!problem.what.trim().is_empty(), "a problem without words");
    let text = problem.to_string();
    for line in data.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        // Longer than any label, and nothing but base64: it may be of a key.
        if line.len() > 64
            && line
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte))
        {
            let line = String::from_utf8_lossy(line);
            assert!(!text.contains(&*line), "a line of the input is in {text}");
        }
    }
}

/// A place `NAME:LINE` or `NAME:LINE:COLUMN` of an error lies in the input.
pub(crate) fn lies_within(at: &str, data: &[u8]) {
    let rest = at.strip_prefix(NAME).and_then(|rest| rest.strip_prefix(':'));
    let Some(rest) = rest else { return };
    let line: usize = rest
        .split(|c: char| !c.is_ascii_digit())
        .next()
        .and_then(|digits| digits.parse().ok())
        .unwrap_or_else(|| panic!("no line in {at}"));
    assert!(
        (1..=lines(data)).contains(&line),
        "{at} is outside of {} lines",
        lines(data)
    );
}

/// How many lines a text has, with the empty one after its last newline; CR
/// alone ends a line too, as in YAML.
pub(crate) fn lines(data: &[u8]) -> usize {
    let breaks = data.iter().enumerate().filter(|(at, byte)| match **byte {
        b'\n' => true,
        b'\r' => data.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    breaks.count() + 1
}
