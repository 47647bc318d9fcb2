//! A folder with a workspace in it that `-C` reaches, and a shell that types what is
//! printed there.

#![allow(dead_code, reason = "each test target uses its part")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use istio_tls::remedy::Kind;

use crate::harness::{Dir, Ran};
use crate::running_program::{Program, await_condition};

/// The workspace, which needs quotes.
pub(crate) const WS: &str = "my ws";
/// The host of most scenes.
pub(crate) const HOST: &str = "a.com";

/// A line that was printed to be typed.
#[derive(Debug, Clone)]
pub(crate) struct Printed {
    kind: Kind,
    /// As it is typed.
    pub(crate) line: String,
    /// The words that it stands in.
    words: String,
    /// Whether nothing is left to fill in.
    complete: bool,
}

/// Where lines are printed, and typed.
pub(crate) struct Stage {
    pub(crate) dir: Dir,
    /// The workspace, as `-C` names it.
    pub(crate) ws: String,
    /// Folders with programs, the first ones found first.
    programs: RefCell<Vec<PathBuf>>,
    /// Variables of the shell.
    variables: RefCell<BTreeMap<String, String>>,
    typed: RefCell<BTreeSet<Kind>>,
}

impl Printed {
    /// Every line of a kind in the JSON that was printed; at least one.
    #[track_caller]
    pub(crate) fn found(kind: Kind, ran: &Ran) -> Vec<Self> {
        let mut found = Vec::new();
        commands(&ran.json(), &mut found);
        let of_kind: Vec<Self> = found.iter().filter(|found| found.kind == kind).cloned().collect();
        assert!(
            !of_kind.is_empty(),
            "`{}`: {kind:?} is not among {found:#?}\n{}{}",
            ran.line,
            ran.stdout,
            ran.stderr
        );
        of_kind
    }

    /// A line in a text that was printed: `line`, as it stands there.
    #[track_caller]
    pub(crate) fn told(kind: Kind, ran: &Ran, line: &str) -> Self {
        let words = format!("{}{}", ran.stdout, ran.stderr);
        assert!(words.contains(line), "`{}` did not print {line:?}\n{words}", ran.line);
        Self {
            kind,
            line: line.to_owned(),
            words,
            complete: true,
        }
    }

    /// The line with a placeholder filled in.
    #[track_caller]
    pub(crate) fn filled(mut self, placeholder: &str, value: &str) -> Self {
        assert!(self.line.contains(placeholder), "no {placeholder} in {}", self.line);
        self.line = self.line.replace(placeholder, value);
        self.complete = true;
        self
    }
}

impl Stage {
    /// A workspace with nothing in it.
    pub(crate) fn new() -> Self {
        let stage = Self::before(WS);
        stage.dir.folder(WS);
        stage
    }

    /// A workspace that stands elsewhere.
    pub(crate) fn before(ws: &str) -> Self {
        let program = Path::new(env!("CARGO_BIN_EXE_istio-tls"));
        Self {
            dir: Dir::new(),
            ws: ws.to_owned(),
            programs: RefCell::new(vec![program.parent().expect("its folder").to_owned()]),
            variables: RefCell::default(),
            typed: RefCell::default(),
        }
    }

    /// A workspace with a chain of [`HOST`].
    pub(crate) fn with_chain() -> Self {
        let stage = Self::new();
        stage.ours(&["gen-certs", HOST]).exits(0);
        stage
    }

    /// Runs the program in the workspace.
    pub(crate) fn ours(&self, args: &[&str]) -> Ran {
        self.dir.run(&[&["-C", &self.ws], args].concat())
    }

    /// A file of the chain of [`HOST`]: `3_application/certs/a.com.cert.pem`.
    pub(crate) fn file(&self, name: &str) -> String {
        format!("{}/{HOST}/{name}", self.ws)
    }

    /// Sets a variable of the shell.
    pub(crate) fn set(&self, variable: &str, value: &str) {
        self.variables
            .borrow_mut()
            .insert(variable.to_owned(), value.to_owned());
    }

    /// Puts a program into the path that stands for one which is not installed here.
    #[allow(dead_code, reason = "each test target uses its part")]
    pub(crate) fn play(&self, program: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self
            .dir
            .write(&format!("played/{program}"), format!("#!/bin/sh\n{script}\n"));
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a mode");
        self.find_programs_in(self.dir.path("played"));
    }

    /// Puts a folder of programs before the others.
    pub(crate) fn find_programs_in(&self, folder: PathBuf) {
        self.programs.borrow_mut().insert(0, folder);
    }

    /// The first line of a kind that a command prints as JSON.
    #[track_caller]
    pub(crate) fn printed(&self, kind: Kind, args: &[&str]) -> Printed {
        self.printed_all(kind, args).swap_remove(0)
    }

    /// Every line of a kind that a command prints as JSON; at least one.
    #[track_caller]
    pub(crate) fn printed_all(&self, kind: Kind, args: &[&str]) -> Vec<Printed> {
        let ran = self.ours(&[args, &["-o", "json"]].concat());
        Printed::found(kind, &ran)
    }

    /// Types the first line of a kind that a command prints.
    #[track_caller]
    pub(crate) fn follows(&self, kind: Kind, args: &[&str]) -> Ran {
        self.types(&self.printed(kind, args))
    }

    /// Types a line into a shell: it does not end with 2, and leaves every CA alone
    /// unless the words beside it speak of that.
    #[track_caller]
    pub(crate) fn types(&self, printed: &Printed) -> Ran {
        self.types_with(printed, "")
    }

    /// The same with what is typed when it asks.
    #[track_caller]
    pub(crate) fn types_with(&self, printed: &Printed, input: &str) -> Ran {
        assert!(printed.complete, "fill in: {}", printed.line);
        let before = self.authorities();
        self.dir.write("typed-input", input);
        let output = (self.shell(&printed.line))
            .stdin(std::fs::File::open(self.dir.path("typed-input")).expect("a file"))
            .output()
            .expect("a shell");
        let ran = Ran::of_output(&printed.line, &output);
        assert_ne!(ran.code, Some(2), "{}\n{}{}", printed.line, ran.stdout, ran.stderr);
        let ends_one = before.iter().any(|(path, ca)| self.authorities().get(path) != Some(ca));
        let says_so = ["CA", "--ca", "--finish", "--abort", "--local"];
        assert!(
            !ends_one || says_so.iter().any(|word| printed.words.contains(word)),
            "{} ended a CA, which is not said: {}",
            printed.line,
            printed.words
        );
        self.typed.borrow_mut().insert(printed.kind);
        ran
    }

    /// The same at a terminal, where it asks and is answered so.
    #[track_caller]
    pub(crate) fn types_at_terminal(&self, printed: &Printed, answer: &str) -> Ran {
        let line = printed.line.replace('\'', "'\\''");
        let at_terminal = Printed {
            line: format!("printf '{answer}\\n' | script -qec '{line}' /dev/null"),
            ..printed.clone()
        };
        self.types(&at_terminal)
    }

    /// Starts a line that runs on, on free ports, and waits until it has said `ready`.
    /// What it says is in the file `started.log`.
    #[track_caller]
    pub(crate) fn starts(&self, printed: &Printed, ready: &str) -> Program {
        assert!(printed.complete, "fill in: {}", printed.line);
        let log = self.dir.path("started.log");
        let file = std::fs::File::create(&log).expect("a log");
        // In place of the shell, so that it is the one to be ended.
        let child = (self.shell(&format!("exec {}", printed.line)))
            .env("ISTIO_TLS_ADMIN", "127.0.0.1:0")
            .env("ISTIO_TLS_PORT_MAP", "443=0,80=0")
            .stdout(file.try_clone().expect("the same file"))
            .stderr(file)
            .spawn()
            .expect("a shell");
        let mut program = Program(child);
        let said = || self.dir.read("started.log");
        await_condition(
            || {
                if let Some(status) = program.0.try_wait().expect("a status") {
                    panic!("{} ended with {status}: {}", printed.line, said());
                }
                said().contains(ready)
            },
            || format!("{} never said {ready:?}: {}", printed.line, said()),
        );
        self.was_typed(printed.kind);
        program
    }

    /// Takes a kind for typed: its line followed another one.
    pub(crate) fn was_typed(&self, kind: Kind) {
        self.typed.borrow_mut().insert(kind);
    }

    /// A shell in the folder above the workspace, in a session of its own, without a
    /// terminal.
    pub(crate) fn shell(&self, line: &str) -> Command {
        let mut path: Vec<String> = (self.programs.borrow().iter())
            .map(|folder| folder.display().to_string())
            .collect();
        path.push(std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("setsid");
        shell
            .args(["-w", "sh", "-c", line])
            .current_dir(self.dir.path(""))
            .env_clear()
            .env("PATH", path.join(":"))
            .env("HOME", self.dir.path(""))
            .envs(self.variables.borrow().iter())
            .stdin(Stdio::null());
        shell
    }

    /// Whether a line of this kind was typed.
    pub(crate) fn has_typed(&self, kind: Kind) -> bool {
        self.typed.borrow().contains(&kind)
    }

    /// The roots of the workspace's chains, by their paths.
    fn authorities(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let folders = std::fs::read_dir(self.dir.path(&self.ws))
            .into_iter()
            .flatten()
            .flatten();
        let roots = folders.map(|folder| folder.path().join("1_root/certs/ca.cert.pem"));
        roots
            .filter_map(|path| Some((path.clone(), std::fs::read(&path).ok()?)))
            .collect()
    }
}

/// The commands of every `remedy` in some JSON, and the words beside them.
fn commands(json: &serde_json::Value, found: &mut Vec<Printed>) {
    match json {
        serde_json::Value::Object(fields) => {
            let words = fields.get("fix").and_then(|fix| fix.as_str()).unwrap_or_default();
            for command in fields
                .get("remedy")
                .and_then(|remedy| remedy["commands"].as_array())
                .into_iter()
                .flatten()
            {
                let text = |field: &str| command[field].as_str().expect("a text").to_owned();
                let word = text("kind");
                let kind = Kind::ALL.iter().find(|kind| kind.word() == word);
                found.push(Printed {
                    kind: *kind.expect("a kind"),
                    line: text("line"),
                    words: words.to_owned(),
                    complete: command["complete"].as_bool().expect("a boolean"),
                });
            }
            fields.values().for_each(|value| commands(value, found));
        }
        serde_json::Value::Array(values) => values.iter().for_each(|value| commands(value, found)),
        _ => {}
    }
}
