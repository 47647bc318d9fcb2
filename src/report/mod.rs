//! Result values to text, JSON, JUnit, SARIF, HTML and GitHub annotations.
//! Pure; nothing here prints.

pub mod adopt_json;
pub mod adopt_text;
pub mod apply_json;
pub mod apply_text;
pub mod delete_json;
pub mod doctor_json;
pub mod doctor_text;
pub mod finding_json;
pub mod init_json;
pub mod init_text;
pub mod issue_json;
pub mod issue_text;
pub mod lint_excerpt;
pub mod lint_explain;
pub mod lint_fix_text;
pub mod lint_github;
pub mod lint_json;
pub mod lint_sarif;
pub mod lint_text;
pub mod manifests_text;
mod markup;
pub mod paint;
pub mod probe_html;
pub mod probe_json;
pub mod probe_junit;
pub mod probe_text;
pub mod problem_json;
pub mod remedy_json;
pub mod revoke_json;
pub mod revoke_text;
mod workspace_words;
pub mod serve_text;
pub mod unseen_text;
