//! Result values to text, JSON and JUnit. Pure; nothing here prints.

pub mod paint;
pub mod probe_json;
pub mod probe_junit;
pub mod probe_text;
