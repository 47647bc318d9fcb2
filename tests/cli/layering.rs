//! Modules import only what lies below them: the order of the list.

use std::path::{Path, PathBuf};

/// Each module and the modules of this crate that it may use.
const LAYERS: &[(&str, &[&str])] = &[
    ("problem", &[]),
    ("shell", &[]),
    ("secrecy", &[]),
    ("hex", &[]),
    ("alert", &[]),
    ("spelling", &[]),
    ("names", &["problem"]),
    ("files", &["problem"]),
    ("certs", &["problem", "shell", "hex", "names"]),
    ("workspace", &["problem", "spelling", "names", "files", "certs"]),
    (
        "manifests",
        &["problem", "shell", "spelling", "names", "certs", "workspace"],
    ),
    ("secrets", &["problem", "spelling", "manifests"]),
    (
        "sources",
        &[
            "problem",
            "shell",
            "spelling",
            "names",
            "files",
            "certs",
            "workspace",
            "manifests",
            "secrets",
        ],
    ),
    (
        "lint",
        &[
            "problem",
            "shell",
            "hex",
            "secrecy",
            "spelling",
            "names",
            "certs",
            "workspace",
            "manifests",
            "secrets",
        ],
    ),
    (
        "doctor",
        &[
            "problem",
            "shell",
            "secrecy",
            "names",
            "certs",
            "manifests",
            "secrets",
            "lint",
        ],
    ),
    ("gateway", BELOW_THE_NETWORK),
    ("probe", BELOW_THE_NETWORK),
    ("cluster", BELOW_THE_NETWORK),
    // Results of every other module become text here, and only cli/ prints it.
    ("report", &["problem", "names", "certs", "lint", "probe"]),
    // What the fuzzer runs; no part of the program.
    (
        "fuzzing",
        &[
            "problem",
            "shell",
            "secrecy",
            "names",
            "certs",
            "workspace",
            "manifests",
            "secrets",
            "sources",
            "lint",
            "doctor",
            "gateway",
            "probe",
            "cluster",
            "report",
            "cli",
        ],
    ),
];

/// What the modules that open connections may use; not each other.
const BELOW_THE_NETWORK: &[&str] = &[
    "problem",
    "shell",
    "secrecy",
    "hex",
    "alert",
    "spelling",
    "names",
    "files",
    "certs",
    "workspace",
    "manifests",
    "secrets",
    "sources",
];

/// Words that only the edges may use: (module, what its source must not hold, why).
const PURE: &[(&str, &[&str])] = &[
    ("certs", &["clap::", "std::fs", "std::net::Tcp", "tokio::"]),
    ("names", &["clap::", "std::fs", "tokio::"]),
    ("manifests", &["clap::", "std::fs", "std::net::Tcp", "tokio::"]),
    ("secrets", &["clap::", "std::fs", "tokio::"]),
    ("lint", &["clap::", "std::fs", "std::net::Tcp", "tokio::"]),
    ("doctor", &["clap::", "std::fs", "std::net::Tcp", "tokio::"]),
    ("report", &["clap::", "std::fs", "tokio::"]),
    ("workspace", &["clap::", "tokio::"]),
    ("gateway", &["clap::"]),
    ("probe", &["clap::"]),
    ("cluster", &["clap::"]),
];

fn sources(module: &str) -> Vec<PathBuf> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let file = src.join(format!("{module}.rs"));
    if file.exists() {
        return vec![file];
    }
    let (mut found, mut folders) = (Vec::new(), vec![src.join(module)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a source folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test(&path) {
                found.push(path);
            }
        }
    }
    assert!(!found.is_empty(), "no source of {module}");
    found
}

/// Files of unit tests, and of what the fuzzer runs, may use any module.
fn is_test(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    matches!(stem, "tests" | "testing" | "fuzzing") || stem.ends_with("_tests")
}

/// The lines of a source before its unit tests, without comments.
fn code(path: &Path) -> Vec<(usize, String)> {
    let text = std::fs::read_to_string(path).expect("a source file");
    text.lines()
        .enumerate()
        .take_while(|(_, line)| !line.starts_with("#[cfg(test)]"))
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number + 1, line.to_owned()))
        .collect()
}

#[test]
fn no_module_imports_one_above_it() {
    let mut upward = Vec::new();
    for (module, below) in LAYERS {
        for path in sources(module) {
            for (number, line) in code(&path) {
                for (at, _) in line.match_indices("crate::") {
                    let used: String = line[at + 7..]
                        .chars()
                        .take_while(|c| c.is_alphanumeric() || *c == '_')
                        .collect();
                    if used != *module && !below.contains(&used.as_str()) {
                        upward.push(format!("{}:{number} uses crate::{used}", path.display()));
                    }
                }
            }
        }
    }
    assert!(upward.is_empty(), "imports against the layers:\n{}", upward.join("\n"));
}

#[test]
fn domain_modules_know_no_terminal_and_no_socket() {
    let mut found = Vec::new();
    for (module, words) in PURE {
        for path in sources(module) {
            for (number, line) in code(&path) {
                for word in *words {
                    if line.contains(word) {
                        found.push(format!("{}:{number} uses {word}", path.display()));
                    }
                }
            }
        }
    }
    assert!(found.is_empty(), "I/O in a pure module:\n{}", found.join("\n"));
}

#[test]
fn every_module_has_its_layer_and_no_file_is_too_long() {
    let lib = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("src/lib.rs");
    for module in lib
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod "))
        .map(|rest| rest.trim_end_matches(';'))
    {
        assert!(
            module == "cli" || LAYERS.iter().any(|(name, _)| *name == module),
            "{module} has no layer in this test"
        );
        for path in sources(module) {
            let lines = std::fs::read_to_string(&path).expect("a source file").lines().count();
            assert!(
                lines <= 700,
                "{} has {lines} lines; split it by subject",
                path.display()
            );
        }
    }
}
