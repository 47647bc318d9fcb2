//! Runs the Python programs beside these tests, with the interpreter into
//! which scripts/install-test-tools put their packages.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use crate::installed_tools::tool;

/// `python3` of the tools' folder.
pub(crate) fn python(script: &str) -> Command {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/real/python")
        .join(script);
    let mut command = Command::new(tool("python3"));
    command.arg(script);
    command
}

/// A server that prints its port first and ends with its standard input.
pub(crate) struct PythonServer {
    child: Child,
    /// Held open: the server ends with it.
    input: Option<ChildStdin>,
    /// Where it listens on the loopback address.
    pub(crate) port: u16,
}

impl PythonServer {
    /// Starts it and waits until it listens.
    #[track_caller]
    pub(crate) fn start(script: &str, args: &[&Path]) -> Self {
        let mut child = python(script)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let mut line = String::new();
        let output = child.stdout.take().expect("its output");
        BufReader::new(output).read_line(&mut line).expect("a line");
        let port = line
            .trim()
            .parse()
            .unwrap_or_else(|_| panic!("{script} does not tell its port: {line:?} (what it lacks is said above)"));
        let input = child.stdin.take();
        Self { child, input, port }
    }
}

impl Drop for PythonServer {
    fn drop(&mut self) {
        drop(self.input.take());
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
