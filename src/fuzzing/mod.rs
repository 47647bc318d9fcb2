//! What the fuzzer runs: for every parser that takes bytes from outside, a
//! function that takes any bytes and asserts what must hold for them. Compiled
//! for `scripts/fuzz` and for unit tests only; those run every seed of
//! `fuzz/seeds` through the same functions. What only its own module can reach
//! stands there, in a file `fuzzing.rs`.

mod certificates;
pub(crate) mod checks;
mod cluster;
mod manifests;
pub(crate) mod request_head;
#[cfg(test)]
mod tests;
mod words;

/// A target by name, which is also the name of its folder of seeds.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
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
/// If there is no such target, or a property does not hold.
pub fn run(target: &str, data: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, check) = found.unwrap_or_else(|| panic!("no target {target}"));
    check(data);
}
