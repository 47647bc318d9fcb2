//! Whole outputs, as snapshots: each file of `tests/cli/snapshots` is a transcript
//! in a folder of its own, and what it printed when it was last remade.
//!
//! | line | means |
//! |---|---|
//! | `# text` | a comment |
//! | `$ command` | run by a shell, `istio-tls` being the program and `$CORPUS` tests/data/corpus |
//! | `+ text` | a further line of the command |
//! | `@serve args` | starts a gateway that runs to the end; `$GATEWAY` is the address of its port 443 |
//! | `@logged text` | waits until the gateway started last has logged the text |
//! | `@end` | ends the gateway started last, and shows its log |
//! | `@cluster` | starts an API server that knows nothing yet; the kubeconfig leads to it |
//! | `exit 0` | the exit code |
//! | `> text` | standard output |
//! | `! text` | standard error |
//!
//! What differs from run to run stands as a placeholder in square brackets. To
//! remake all of them after a change that is wanted, and read it as a diff:
//!
//! ```sh
//! REMAKE_SNAPSHOTS=1 cargo test --test cli snapshots
//! ```

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::fake_api_server::FakeApiServer;
use crate::harness::Dir;
use crate::json_schemas;
use crate::serve_process::Serve;
use crate::snapshot_redaction::Redaction;

/// A test for each transcript, and one that no file is left out.
macro_rules! transcripts {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        #[test]
        fn every_transcript_has_a_test() {
            let mut files: Vec<String> = std::fs::read_dir(folder())
                .expect("tests/cli/snapshots")
                .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
                .collect();
            files.sort();
            let mut tests = vec![$(format!("{}.txt", stringify!($name))),*];
            tests.sort();
            assert_eq!(files, tests);
        }
    };
}

transcripts! {
    adopt
    apply
    bad_usage
    delete
    doctor
    gen_certs
    gen_certs_json
    help
    init
    inspect
    inspect_json
    lint
    lint_explain
    lint_json
    lint_machine_formats
    lint_of_gateways
    lint_of_secrets
    lint_of_the_gateway_api
    lint_of_virtual_services
    manifests
    manifests_forms
    probe
    probe_json
    request
    revoke
    rotate
    rotate_json
    serve
    status
    status_json
    up
    verify
    verify_json
    workspace_files
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/snapshots")
}

/// Runs a transcript anew; fails where it prints something else than its file says.
#[track_caller]
fn check(name: &str) {
    let path = folder().join(format!("{name}.txt"));
    let committed = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let now = Transcript::run(&committed);
    if std::env::var_os("REMAKE_SNAPSHOTS").is_some_and(|value| !value.is_empty()) {
        std::fs::write(&path, now).expect("the file written");
        return;
    }
    if now != committed {
        let difference = similar::TextDiff::from_lines(committed.as_str(), now.as_str());
        let difference = difference.unified_diff().header("committed", "now").to_string();
        panic!(
            "tests/cli/snapshots/{name}.txt has changed; where that is wanted: REMAKE_SNAPSHOTS=1 cargo test --test cli snapshots\n{difference}"
        );
    }
}

/// A transcript that runs.
struct Transcript<'d> {
    dir: &'d Dir,
    redaction: Redaction,
    gateways: Vec<Serve<'d>>,
    clusters: Vec<FakeApiServer>,
}

impl Transcript<'_> {
    /// The text of a transcript, with what it prints now.
    fn run(text: &str) -> String {
        let dir = Dir::new();
        let mut transcript = Transcript {
            dir: &dir,
            redaction: Redaction::new(&dir.path("")),
            gateways: Vec::new(),
            clusters: Vec::new(),
        };
        let mut now = String::new();
        let mut lines = text.lines().peekable();
        while let Some(line) = lines.next() {
            if line.starts_with("exit ") || line.starts_with('>') || line.starts_with('!') {
                continue;
            }
            now.push_str(line);
            now.push('\n');
            if let Some(args) = line.strip_prefix("@serve") {
                let args: Vec<&str> = args.split_whitespace().collect();
                transcript.gateways.push(Serve::start(transcript.dir, &args));
            } else if let Some(text) = line.strip_prefix("@logged ") {
                let gateway = transcript.gateways.last_mut().expect("a gateway");
                gateway.wait_until(text, |gateway| gateway.log().contains(text));
            } else if line == "@end" {
                transcript.end_gateway(&mut now);
            } else if line == "@cluster" {
                let cluster = FakeApiServer::start();
                cluster.kubeconfig(transcript.dir);
                transcript.clusters.push(cluster);
            } else if let Some(command) = line.strip_prefix("$ ") {
                let mut command = command.to_owned();
                while let Some(further) = lines.next_if(|line| line.starts_with('+')) {
                    now.push_str(further);
                    now.push('\n');
                    command.push('\n');
                    command.push_str(further.strip_prefix("+ ").unwrap_or_default());
                }
                transcript.type_in(&command, &mut now);
            } else {
                assert!(line.is_empty() || line.starts_with('#'), "what is {line:?}?");
            }
        }
        now
    }

    /// Runs a command and writes down what it does.
    fn type_in(&mut self, line: &str, now: &mut String) {
        let program = Path::new(env!("CARGO_BIN_EXE_istio-tls")).parent().expect("its folder");
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("sh");
        command
            .args(["-c", line])
            .current_dir(self.dir.path(""))
            .env_clear()
            .env("PATH", format!("{}:{path}", program.display()))
            .env("HOME", self.dir.path(""))
            .env("TZ", "UTC")
            .env(
                "CORPUS",
                Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/corpus"),
            )
            .stdin(Stdio::null());
        if let Some(gateway) = self.gateways.last() {
            command.env("GATEWAY", gateway.address(443).to_string());
        }
        let output = command.output().expect("a shell");
        let printed = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (stdout, stderr) = (printed(&output.stdout), printed(&output.stderr));
        json_schemas::judge_line(line, &stdout);
        self.write_down(output.status.code(), &stdout, &stderr, now);
    }

    fn end_gateway(&mut self, now: &mut String) {
        let gateway = self.gateways.pop().expect("a gateway");
        let log = gateway.log_file();
        let code = gateway.end(rustix::process::Signal::TERM);
        let log = self.dir.read(log);
        self.write_down(code, "", &log, now);
    }

    fn write_down(&mut self, code: Option<i32>, stdout: &str, stderr: &str, now: &mut String) {
        let code = code.map_or("by a signal".to_owned(), |code| code.to_string());
        writeln!(now, "exit {code}").expect("a string takes it");
        for (mark, printed) in [('>', stdout), ('!', stderr)] {
            for line in self.redaction.redact(printed).lines() {
                let line = if line.is_empty() {
                    mark.to_string()
                } else {
                    format!("{mark} {line}")
                };
                writeln!(now, "{line}").expect("a string takes it");
            }
        }
    }
}
