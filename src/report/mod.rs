//! Result values to text, JSON, JUnit and HTML. Pure; nothing here prints.

mod markup;
pub mod paint;
pub mod probe_html;
pub mod probe_json;
pub mod probe_junit;
pub mod probe_text;
