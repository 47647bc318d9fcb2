//! Black-box tests: every command, on the real binary.

mod harness;
