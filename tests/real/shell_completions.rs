//! The committed completion scripts, in the shells that they are for: what Tab
//! makes of a line at a terminal.

use std::path::Path;
use std::process::Command;

use crate::harness::Dir;
use crate::python::python;

/// What is typed, what the line is after the Tab, and what is shown meanwhile.
#[derive(Clone, Copy)]
struct Tab {
    typed: &'static str,
    line: &'static str,
    shown: &'static str,
}

const fn completes(typed: &'static str, line: &'static str) -> Tab {
    Tab { typed, line, shown: "" }
}

const fn lists(typed: &'static str, line: &'static str, shown: &'static str) -> Tab {
    Tab { typed, line, shown }
}

/// What every shell completes.
const EVERYWHERE: [Tab; 8] = [
    completes("istio-tls ro\t", "istio-tls rotate"),
    completes("istio-tls gen-certs --key-\t", "istio-tls gen-certs --key-type"),
    lists(
        "istio-tls gen-certs --key-type \t\t",
        "istio-tls gen-certs --key-type",
        "ecdsa-p384",
    ),
    completes("istio-tls lint --fail-on w\t", "istio-tls lint --fail-on warning"),
    // Behind a global flag, behind an argument, and two commands deep.
    completes("istio-tls -C ws ro\t", "istio-tls -C ws rotate"),
    completes(
        "istio-tls gen-certs a.example.com --key-type ecdsa-p3\t",
        "istio-tls gen-certs a.example.com --key-type ecdsa-p384",
    ),
    completes("istio-tls lint ex\t", "istio-tls lint explain"),
    // Files where an argument may be one.
    completes("istio-tls inspect chai\t", "istio-tls inspect chain.pem"),
];

/// Values of an argument, which clap_complete does not tell fish.
const ARGUMENT: [Tab; 1] = [completes("istio-tls completions f\t", "istio-tls completions fish")];

/// Types into a shell, with the program on PATH; fails where Tab does something else.
#[track_caller]
fn press(shell: &str, tabs: &[Tab]) {
    if Command::new(shell).arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "{shell} is not installed");
        println!("skipped: {shell} is not installed");
        return;
    }
    let dir = Dir::new();
    dir.write("chain.pem", "");
    let program = Path::new(env!("CARGO_BIN_EXE_istio-tls"));
    let mut path = program.parent().expect("its folder").as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap_or_default());
    let output = python("press_tab.py")
        .arg(shell)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("completions"))
        .args(tabs.iter().map(|tab| tab.typed))
        .current_dir(dir.path(""))
        .env("PATH", path)
        .output()
        .expect("python3 starts");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{told}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let told: Vec<serde_json::Value> = told
        .lines()
        .map(|line| serde_json::from_str(line).expect("an object a line"))
        .collect();
    assert_eq!(told.len(), tabs.len(), "an answer for each");
    for (tab, told) in tabs.iter().zip(&told) {
        let line = told["line"].as_str().expect("the line");
        let shown = told["shown"].as_str().expect("what is shown");
        // A shell may go on with a space or =, or offer the first of several values.
        assert!(line.starts_with(tab.line), "{shell}: {:?} became {line:?}", tab.typed);
        assert!(shown.contains(tab.shown), "{shell}: {:?} showed {shown:?}", tab.typed);
    }
}

#[test]
fn bash_completes_commands_flags_values_and_files() {
    press("bash", &[&EVERYWHERE[..], &ARGUMENT].concat());
}

#[test]
fn zsh_completes_commands_flags_values_and_files() {
    press("zsh", &[&EVERYWHERE[..], &ARGUMENT].concat());
}

#[test]
fn fish_completes_commands_flags_values_and_files() {
    press("fish", &EVERYWHERE);
}
