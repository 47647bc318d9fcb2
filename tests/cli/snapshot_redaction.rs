//! Placeholders for what differs from run to run in an output: folders, times,
//! serial numbers, fingerprints, key material, ports.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What is replaced, in this order. A `#` becomes a number, the same for the same
/// text, so that two values stay two.
static PATTERNS: LazyLock<Vec<(&str, Regex)>> = LazyLock::new(|| {
    [
        (
            "[pem]",
            r"(?s)-----BEGIN [A-Z0-9 ]+-----.*?-----END [A-Z0-9 ]+-----(\\n|\n)?|-----BEGIN%20[A-Z%0-9]+-----.*?-----END%20[A-Z%0-9]+-----(%0A)?",
        ),
        (
            "[sha256 #]",
            r"\b([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2}\b|\b[0-9A-Fa-f]{64}\b",
        ),
        (
            "[uuid #]",
            r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b",
        ),
        (
            "[hex #]",
            r"\b([0-9A-Fa-f]{2}:){7,}[0-9A-Fa-f]{2}\b|\b[0-9A-Fa-f]{16,}\b",
        ),
        ("[base64]", r"[A-Za-z0-9+/]{80,}={0,2}"),
        (
            "[time]",
            r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\.\d+)?(Z|[+-]\d\d:\d\d| UTC)?",
        ),
        ("[time]", r"\b[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT"),
        ("[date]", r"\b20\d\d-\d\d-\d\d\b"),
        (" [duration]", r" *\b(\d+(\.\d+)? ?(ms|µs|us)|\d+\.\d s)\b"),
        ("duration\":[duration]", r#"\bduration":\d+"#),
        ("_time\":[duration]", r#"_time":\d+"#),
        ("icros\": [duration]", r#"icros": \d+"#),
        (" time=\"[duration]\"", r#" time="\d+\.\d+""#),
        (
            "\"x-envoy-upstream-service-time\",\n              \"[duration]\"",
            r#""x-envoy-upstream-service-time",\s+"\d+""#,
        ),
        ("service-time: [duration]", r"\bservice-time: \d+"),
        // How long ago a fixture expired depends on the day; what --bad expired makes did a day ago, to the second.
        ("[days] ago", r"within the last day|\b\d+ days? ago"),
        (" [days]  [date]", r" +-[12] +\[date\]"),
        ("\"daysLeft\": [days]", r#""daysLeft": -[12]\b"#),
        ("process [pid]", r"\bprocess \d+"),
        ("kill [pid]", r"\bkill \d+"),
        // A signature is some bytes longer or shorter.
        ("[size] bytes", r"\b\d{3,4} bytes\b"),
        ("\"[size]\"", r#""1[23]\d\d""#),
    ]
    .map(|(name, pattern)| (name, Regex::new(pattern).expect("a pattern")))
    .into()
});

/// The ports that the system gives out; those that the program chooses are lower.
static FREE_PORT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r#"(:|=|"|\bport )(3[2-9]\d{3}|[456]\d{4})\b"#).expect("a pattern"));

/// What a redaction leaves.
static PLACEHOLDER: LazyLock<Regex> = LazyLock::new(|| {
    let names = r"\[(folder|repository|version|port|pem|base64|time|date|duration|days|size|(sha256|uuid|hex) \d+)\]";
    Regex::new(names).expect("a pattern")
});

/// A run of blanks inside a line: the width of a column that held something else.
static COLUMN: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"(\S) {2,}").expect("a pattern"));

/// What was replaced in one transcript so far.
pub(crate) struct Redaction {
    fixed: Vec<(String, &'static str)>,
    numbers: BTreeMap<&'static str, Vec<String>>,
}

impl Redaction {
    /// For a transcript in this folder.
    pub(crate) fn new(folder: &Path) -> Self {
        let real = folder.canonicalize().expect("the folder is there");
        let text = |path: &Path| path.to_string_lossy().trim_end_matches('/').to_owned();
        let version = |before: &str| format!("{before}{}", env!("CARGO_PKG_VERSION"));
        Self {
            fixed: vec![
                (text(&real), "[folder]"),
                (text(folder), "[folder]"),
                (env!("CARGO_MANIFEST_DIR").to_owned(), "[repository]"),
                (version("istio-tls "), "istio-tls [version]"),
                (version("\""), "\"[version]"),
                (version("istio-tls/"), "istio-tls/[version]"),
                (version("\nv"), "\nv[version]"),
            ],
            numbers: BTreeMap::new(),
        }
    }

    /// The text with placeholders.
    pub(crate) fn redact(&mut self, text: &str) -> String {
        let mut text = text.to_owned();
        for (value, placeholder) in &self.fixed {
            text = text.replace(value, placeholder);
        }
        for (name, pattern) in PATTERNS.iter() {
            text = pattern
                .replace_all(&text, |found: &Captures<'_>| self.placeholder(name, &found[0]))
                .into_owned();
        }
        text = FREE_PORT.replace_all(&text, "$1[port]").into_owned();
        let lines = text.lines().map(|line| {
            if PLACEHOLDER.is_match(line) {
                COLUMN.replace_all(line, "$1  ").trim_end().to_owned()
            } else {
                line.to_owned()
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    fn placeholder(&mut self, name: &'static str, value: &str) -> String {
        if !name.contains('#') {
            return name.to_owned();
        }
        let value = value.replace(':', "").to_lowercase();
        let known = self.numbers.entry(name).or_default();
        let number = known.iter().position(|known| *known == value).unwrap_or_else(|| {
            known.push(value);
            known.len() - 1
        });
        name.replace('#', &(number + 1).to_string())
    }
}
