//! What rules need of the input.

/// A part of the world that may be absent from the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Services: without any, every destination may exist.
    Services,
    /// Secrets: objects, a workspace or `--certs`.
    Secrets,
    /// Every object of these kinds, where a cluster is looked at: that one is
    /// not there can be said only then.
    AllOf(&'static [&'static str]),
}
