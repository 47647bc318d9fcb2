//! The committed completions, manual pages and the page of lint's rules are
//! what the program prints today. To remake them: scripts/bless.

use crate::harness::Dir;
use crate::json_schemas;

/// File below completions/ and the arguments that print it.
fn generated() -> Vec<(String, Vec<String>)> {
    let mut files: Vec<(String, Vec<String>)> = [
        ("bash", "istio-tls.bash"),
        ("zsh", "_istio-tls"),
        ("fish", "istio-tls.fish"),
        ("powershell", "_istio-tls.ps1"),
        ("elvish", "istio-tls.elv"),
    ]
    .map(|(shell, file)| (file.to_owned(), vec!["completions".to_owned(), shell.to_owned()]))
    .into();
    files.push(("istio-tls.1".to_owned(), vec!["man".to_owned()]));
    for command in commands() {
        files.push((format!("istio-tls-{command}.1"), vec!["man".to_owned(), command]));
    }
    files
}

fn commands() -> Vec<String> {
    istio_tls::cli::command()
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect()
}

#[test]
fn committed_completions_and_manual_pages_are_current() {
    let dir = Dir::new();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("completions");
    let mut listed: Vec<String> = std::fs::read_dir(&folder)
        .expect("completions/")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    for (file, args) in generated() {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let printed = dir.run(&args).exits(0).stdout;
        let committed = std::fs::read_to_string(folder.join(&file)).unwrap_or_default();
        assert!(
            printed == committed,
            "completions/{file} is not what `istio-tls {}` prints; run scripts/bless",
            args.join(" ")
        );
        listed.retain(|name| *name != file);
    }
    assert!(
        listed.is_empty(),
        "files in completions/ that nothing makes: {listed:?}"
    );
}

#[test]
fn the_committed_page_of_lint_rules_is_current() {
    let printed = Dir::new().run(&["lint", "explain", "-o", "markdown"]).exits(0).stdout;
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/lint-rules.md");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        printed == committed,
        "docs/lint-rules.md is not what `istio-tls lint explain -o markdown` prints; run scripts/bless"
    );
}

#[test]
fn the_committed_schemas_are_current() {
    let printed: Vec<String> = istio_tls::report::json_schema::names().map(str::to_owned).collect();
    assert_eq!(json_schemas::names(), printed, "docs/schemas; run scripts/bless");
    for name in printed {
        let schema = Dir::new().run(&["schema", &name]).exits(0).json();
        assert!(
            schema == json_schemas::committed(&name),
            "docs/schemas/{name}.json is not what `istio-tls schema {name}` prints; run scripts/bless"
        );
    }
}

#[test]
fn every_command_has_examples_in_its_help() {
    let dir = Dir::new();
    for command in commands() {
        let help = dir.run(&[&command, "--help"]).exits(0).stdout;
        assert!(help.contains("Examples:"), "{command} --help shows no example");
    }
}

#[test]
fn unknown_shells_and_commands_are_refused() {
    let dir = Dir::new();
    dir.run(&["completions", "csh"]).exits(2).says("csh");
    dir.run(&["man", "frobnicate"])
        .exits(2)
        .says("there is no command \"frobnicate\"");
    dir.run(&[]).exits(2);
}
