//! The parts of the input that rules need.

/// A part of the world that may be missing from the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Services: without any, any destination may exist.
    Services,
    /// Secrets: objects, a workspace or `--certs`.
    Secrets,
    /// All objects of these kinds, when linting a cluster: only then can one be reported as
    /// missing.
    AllOf(&'static [&'static str]),
}
