//! Black-box tests: every command, on the real binary.

mod generated;
mod harness;
mod layering;
mod manifests;
