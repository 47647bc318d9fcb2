//! Runs the binary in a folder of its own with a scrubbed environment, and
//! shows everything when an expectation fails.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use crate::json_schemas;

/// A temporary folder in which commands run.
pub struct Dir {
    folder: tempfile::TempDir,
}

/// What a command did.
pub struct Ran {
    pub line: String,
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Dir {
    pub fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
        }
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).expect("a folder");
        }
        std::fs::write(&path, content).expect("a file written");
        path
    }

    /// Makes an empty folder in it.
    pub fn folder(&self, name: &str) {
        std::fs::create_dir_all(self.path(name)).expect("a folder");
    }

    pub fn read(&self, name: impl AsRef<Path>) -> String {
        let path = self.path(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The program in this folder, with no variable of ours set.
    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_istio-tls"));
        command
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    /// The same, bound by the permissions of files also where the tests run as root:
    /// setpriv takes from it the capabilities that overrule them.
    #[allow(dead_code, reason = "each test target uses its part")]
    pub fn bound_command(&self, args: &[&str]) -> Command {
        let plain = self.command(args);
        if !rustix::process::geteuid().is_root() {
            return plain;
        }
        let mut command = Command::new("setpriv");
        command
            .args(["--bounding-set", "-dac_override,-dac_read_search"])
            .arg(plain.get_program())
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, args: &[&str]) -> Ran {
        Ran::of(&mut self.command(args), args)
    }

    /// Types a line into a shell that finds the program.
    pub fn types(&self, line: &str) -> Ran {
        let program = Path::new(env!("CARGO_BIN_EXE_istio-tls"));
        let folder = program.parent().expect("its folder").display();
        let path = format!("{folder}:{}", std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        shell
            .args(["-c", line])
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", path)
            .env("HOME", self.folder.path())
            .stdin(Stdio::null());
        Ran {
            line: line.to_owned(),
            ..Ran::of(&mut shell, &[])
        }
    }

    /// Runs with text on standard input.
    pub fn run_with_input(&self, args: &[&str], input: &[u8]) -> Ran {
        use std::io::Write as _;
        let mut child = self
            .command(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the binary starts");
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = input.to_vec();
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().expect("the binary ends");
        writer.join().expect("the writer ends");
        Ran::from_output(&output, args)
    }
}

impl Ran {
    pub fn of(command: &mut Command, args: &[&str]) -> Self {
        Self::from_output(&command.output().expect("the binary starts"), args)
    }

    fn from_output(output: &Output, args: &[&str]) -> Self {
        Self::of_output(&format!("istio-tls {}", args.join(" ")), output)
    }

    /// What a line did that a shell ran.
    pub fn of_output(line: &str, output: &Output) -> Self {
        Self {
            line: line.to_owned(),
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails with everything that was printed unless the exit code is `code`.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert!(
            self.code == Some(code),
            "`{}` ended with {:?}, not {code}\n--- stdout\n{}\n--- stderr\n{}",
            self.line,
            self.code,
            self.stdout,
            self.stderr
        );
        assert!(
            !self.stderr.contains("panicked at"),
            "`{}` panicked\n{}",
            self.line,
            self.stderr
        );
        self
    }

    /// Fails unless standard error holds `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(
            self.stderr.contains(text),
            "`{}` did not say {text:?}\n--- stderr\n{}",
            self.line,
            self.stderr
        );
        self
    }

    /// Fails unless standard output holds `text`.
    #[track_caller]
    pub fn prints(self, text: &str) -> Self {
        assert!(
            self.stdout.contains(text),
            "`{}` did not print {text:?}\n--- stdout\n{}\n--- stderr\n{}",
            self.line,
            self.stdout,
            self.stderr
        );
        self
    }

    /// Standard output as JSON, which is what the command's schema says.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        let printed = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("`{}` printed no JSON: {error}\n{}", self.line, self.stdout));
        json_schemas::judge_line(&self.line, &self.stdout);
        printed
    }
}
