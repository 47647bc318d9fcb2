//! How the sources may depend on each other: floors, what only the edges may
//! touch, no large circles of files, and short files and functions. The sources are
//! read by [`crate::source_tree`].

use std::collections::BTreeSet;

use crate::source_tree::{SourceFile, texts, tree};

/// The modules from the ground up; each uses only those of lower floors.
const FLOORS: &[&[&str]] = &[
    &["shell", "secrecy", "hex", "alert", "spelling", "printable"],
    &["remedy"],
    &["problem"],
    &["names", "files"],
    &["certs"],
    &["workspace"],
    &["manifests"],
    &["secrets"],
    &["sources", "lint"],
    &["doctor"],
    // These open connections, and do not know each other: an operation joins them.
    &["gateway", "probe", "cluster"],
    // One module for each operation.
    &["ops"],
    // Results of all others become text here.
    &["report"],
    &["cli"],
    // What the fuzzer runs; no part of the program. Files `fuzzing.rs` of other
    // modules belong to it.
    &["fuzzing"],
];

/// Modules, or the files of modules, that take values and give values: no file, no
/// socket, no wall clock.
const PURE: &[&str] = &[
    "alert",
    "certs",
    "cluster::conflict",
    "cluster::diff",
    "cluster::plan",
    "cluster::ready",
    "doctor",
    "gateway::config",
    "gateway::matching",
    "hex",
    "lint",
    "manifests",
    "names",
    "probe::coalesce",
    "probe::codes",
    "probe::expectation",
    "probe::facts",
    "probe::judge",
    "probe::steps",
    "probe::verdict",
    "probe::verdict_client",
    "probe::verdict_http",
    "probe::verdict_tls",
    "printable",
    "problem",
    "remedy",
    "report",
    "secrecy",
    "secrets",
    "shell",
    "spelling",
    "workspace::config",
    "workspace::edit",
    "workspace::layout",
    "workspace::misspelled",
    "workspace::schema",
];

/// What pure modules do not use.
const OF_EDGES: &[&str] = &[
    "std::fs",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::UdpSocket",
    "std::os::unix::net",
    "std::process",
    "std::thread::sleep",
    "notify",
    "socket2",
    "tokio",
    "tokio_rustls",
    // The wall clock is an argument.
    "std::time::SystemTime::now",
    "time::OffsetDateTime::now_local",
    "time::OffsetDateTime::now_utc",
    "time::UtcDateTime::now",
];

/// What only `cli` uses: arguments, the terminal, the environment, the exit code.
const OF_CLI: &[&str] = &[
    "clap",
    "clap_complete",
    "clap_mangen",
    "dialoguer",
    "std::env",
    "std::io::IsTerminal",
    "std::io::stderr",
    "std::io::stdout",
    "std::process::exit",
];

/// Macros that only `cli` calls.
const MACROS_OF_CLI: &[&str] = &["dbg", "eprint", "eprintln", "print", "println"];

/// Files below `cli` that use one of [`OF_CLI`] for a reason.
const EXCEPT: &[(&str, &str)] = &[
    // The access log is what a gateway writes, not what a command says.
    ("src/gateway/dataplane/access_log.rs", "std::io::stderr"),
];

/// How many files may refer to each other in a circle.
const LARGEST_CIRCLE: usize = 5;
/// Larger circles that are still there: one of the files, and how many they are.
/// They only shrink.
const KNOWN_CIRCLES: &[(&str, usize)] = &[];

/// How many lines a function may have.
const LONGEST_FUNCTION: usize = 100;
/// Functions that are still longer. The list only shrinks.
const KNOWN_FUNCTIONS: &[(&str, &str)] = &[];

/// How many lines a file may have.
const LONGEST_FILE: usize = 700;

/// Files of `cli` that still make JSON themselves. The list only shrinks.
const KNOWN_JSON: &[&str] = &[];

/// The first part of a module's or a path's name.
fn top(name: &str) -> &str {
    name.split("::").next().unwrap_or_default()
}

/// Whether a path is one of these, or below one.
fn is_below(path: &str, names: &[&str]) -> bool {
    names.iter().any(|name| {
        let rest = path.strip_prefix(name);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    })
}

/// The files of the program itself.
fn program() -> impl Iterator<Item = &'static SourceFile> {
    tree().files.iter().filter(|file| !file.is_fuzzing)
}

#[track_caller]
fn assert_none(what: &str, found: &BTreeSet<String>) {
    let found: Vec<&str> = found.iter().map(String::as_str).collect();
    assert!(found.is_empty(), "{what}:\n{}", found.join("\n"));
}

#[test]
fn every_module_uses_only_those_below_it() {
    let floor_of = |module: &str| FLOORS.iter().position(|floor| floor.contains(&module));
    let mut found = BTreeSet::new();
    for file in program().filter(|file| !matches!(file.module.as_str(), "")) {
        let own = top(&file.module);
        let Some(own_floor) = floor_of(own) else {
            found.insert(format!("{own} has no floor in this test"));
            continue;
        };
        for used in &file.uses {
            // By the name that is written, and by the file that defines it.
            let written = used.path.strip_prefix("crate::").map(top);
            let defined = used.file.map(|file| top(&tree().files[file].module));
            for other in [written, defined].into_iter().flatten().filter(|other| *other != own) {
                if floor_of(other).is_some_and(|floor| floor >= own_floor) {
                    found.insert(format!("{} uses {}, of {other}", file.name, used.path));
                }
            }
        }
    }
    assert_none("imports against the floors", &found);
}

#[test]
fn pure_modules_open_nothing_and_know_no_clock() {
    for name in PURE {
        assert!(
            program().any(|file| is_below(&file.module, &[name])),
            "there is no module {name}"
        );
    }
    let mut found = BTreeSet::new();
    for file in program().filter(|file| is_below(&file.module, PURE)) {
        for used in file.uses.iter().filter(|used| is_below(&used.path, OF_EDGES)) {
            found.insert(format!("{} uses {}", file.name, used.path));
        }
    }
    assert_none("I/O or the wall clock in a pure module", &found);
}

#[test]
fn only_cli_knows_arguments_terminal_and_environment() {
    let mut found = BTreeSet::new();
    for file in program().filter(|file| !file.module.is_empty() && top(&file.module) != "cli") {
        let paths = file.uses.iter().filter(|used| is_below(&used.path, OF_CLI));
        let paths = paths.filter(|used| !EXCEPT.contains(&(file.name.as_str(), used.path.as_str())));
        found.extend(paths.map(|used| format!("{} uses {}", file.name, used.path)));
        let macros = file.macros.iter().filter(|name| MACROS_OF_CLI.contains(&name.as_str()));
        found.extend(macros.map(|name| format!("{} calls {name}!", file.name)));
    }
    assert_none("what only cli may use, below it", &found);
}

#[test]
fn no_circle_of_imports_is_large() {
    let circles = tree().circles();
    let mut found = BTreeSet::new();
    for circle in circles.iter().filter(|circle| circle.len() > LARGEST_CIRCLE) {
        let known = KNOWN_CIRCLES.iter().find(|(file, _)| circle.contains(file));
        if known.is_none_or(|(_, count)| circle.len() > *count) {
            found.insert(format!("{} files: {}", circle.len(), circle.join(" ")));
        }
    }
    assert_none("circles of imports", &found);
    for (file, _) in KNOWN_CIRCLES {
        let still = circles
            .iter()
            .any(|circle| circle.len() > LARGEST_CIRCLE && circle.contains(file));
        assert!(still, "the circle of {file} is small now: take it from the list");
    }
}

#[test]
fn functions_and_files_are_short() {
    let mut found = BTreeSet::new();
    for file in &tree().files {
        for (name, lines) in file.functions.iter().filter(|(_, lines)| *lines > LONGEST_FUNCTION) {
            if !KNOWN_FUNCTIONS.contains(&(file.name.as_str(), name.as_str())) {
                found.insert(format!("{}: {name} has {lines} lines", file.name));
            }
        }
    }
    for folder in ["src", "tests"] {
        for (name, text) in texts(folder) {
            let lines = text.lines().count();
            if lines > LONGEST_FILE {
                found.insert(format!("{name} has {lines} lines; split it by subject"));
            }
        }
    }
    assert_none("too long", &found);
    for (name, function) in KNOWN_FUNCTIONS {
        let mut files = tree().files.iter().filter(|file| file.name == *name);
        let long = files.any(|file| {
            let mut functions = file.functions.iter();
            functions.any(|(name, lines)| name == function && *lines > LONGEST_FUNCTION)
        });
        assert!(long, "{function} of {name} is short now: take it from the list");
    }
}

#[test]
fn cli_makes_no_json() {
    let makes_json = |file: &&SourceFile| file.macros.iter().any(|name| name == "json");
    let of_cli = program().filter(|file| top(&file.module) == "cli");
    let making: BTreeSet<&str> = of_cli.filter(makes_json).map(|file| file.name.as_str()).collect();
    let known: BTreeSet<&str> = KNOWN_JSON.iter().copied().collect();
    assert_eq!(making, known, "results are made JSON by report");
}

#[test]
fn the_reading_of_the_sources_sees_what_the_rules_are_about() {
    let file = |name: &str| {
        let mut files = tree().files.iter();
        files
            .find(|file| file.name == name)
            .unwrap_or_else(|| panic!("{name} was not read"))
    };
    let uses = |name: &str, path: &str| file(name).uses.iter().any(|used| used.path == path);
    // A name that `use` brings, in a group, is followed to where it is from.
    assert!(uses("src/cli/context.rs", "std::io::stdout"));
    assert!(uses("src/gateway/dataplane/clock.rs", "std::time::SystemTime::now"));
    // What a module passes on is defined where it passes it on from.
    let of_lint = file("src/doctor/linted.rs")
        .uses
        .iter()
        .filter(|used| used.path == "crate::lint::Finding");
    let defined: BTreeSet<&str> = of_lint
        .filter_map(|used| Some(tree().files[used.file?].name.as_str()))
        .collect();
    assert_eq!(defined, BTreeSet::from(["src/lint/finding.rs"]));
    // Unit tests are no part, and what the fuzzer runs is known as such.
    assert!(tree().files.iter().all(|file| !file.name.ends_with("/tests.rs")));
    assert!(file("src/fuzzing/mod.rs").is_fuzzing && file("src/gateway/fuzzing.rs").is_fuzzing);
    assert!(!file("src/lib.rs").is_fuzzing);
    assert!(
        file("src/cli/mod.rs")
            .functions
            .iter()
            .any(|(name, lines)| name == "run" && *lines > 10)
    );
}
