//! Certificates: plan, issue, inspect, verify. Pure: bytes and structs in,
//! values out.

pub mod key;
