//! The context of every command: the workspace folder, the output settings, the clock,
//! the environment, and the only way to write to the terminal.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use serde::Serialize;
use time::OffsetDateTime;

use super::environment::Environment;
use super::exit::Exit;
use super::failure;
use super::failure::Failure;
use super::global_args::{ColorChoice, GlobalArgs};
use super::interrupt::Signals;
use super::teller::Teller;
use crate::ops::Surroundings;
use crate::problem::Problem;
use crate::remedy::{Aim, Kind, Line};

/// The state of standard output: nothing, [`WRITING`], or [`WRITTEN`].
static OUTPUT: AtomicU8 = AtomicU8::new(0);
const WRITING: u8 = 1;
const WRITTEN: u8 = 2;

/// Waits until what is being written to standard output is complete, unless nobody reads
/// it; returns whether there is any output.
pub(super) fn wait_for_output() -> bool {
    const TRIES: u32 = 100;
    const PAUSE: Duration = Duration::from_millis(10);
    for _ in 0..TRIES {
        if OUTPUT.load(Ordering::SeqCst) != WRITING {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    OUTPUT.load(Ordering::SeqCst) != 0
}

/// Writes to standard output.
///
/// # Errors
/// If it cannot be written; a closed pipe ends the program quietly.
pub(super) fn write_out(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    OUTPUT.store(WRITING, Ordering::SeqCst);
    let written = out.write_all(bytes).and_then(|()| out.flush());
    OUTPUT.store(WRITTEN, Ordering::SeqCst);
    written.map_err(|error| {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Failure::ClosedPipe
        } else {
            Failure::runtime(Problem::new("standard output cannot be written").why(error.to_string()))
        }
    })
}

/// The context of one run, determined once.
pub struct Context {
    /// What operations get.
    pub here: Surroundings,
    /// `-o` as typed; commands parse it with [`Context::output`].
    output: Option<String>,
    /// `-q`.
    pub quiet: bool,
    /// How often `-v` was given.
    pub verbose: u8,
    /// Prompts are allowed: standard input and error are terminals, and there is no
    /// `--no-input`.
    pub interactive: bool,
    /// `--yes`.
    pub yes: bool,
    /// The signals of the process.
    pub(super) signals: Signals,
    /// Whether standard output is coloured.
    pub color_stdout: bool,
    /// Whether standard error is coloured.
    pub color_stderr: bool,
}

/// The time, UTC. Commands take [`Context::now`]; only what runs for a long time reads
/// the clock again.
#[expect(
    clippy::disallowed_methods,
    reason = "the only place that reads the clock for commands"
)]
pub(super) fn clock() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

/// The output format of most commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Text.
    Text,
    /// JSON.
    Json,
}

impl Context {
    pub(super) fn new(global: GlobalArgs, environment: &Environment, signals: Signals) -> Result<Self, Failure> {
        let (stdin, stdout, stderr) = (
            std::io::stdin().is_terminal(),
            std::io::stdout().is_terminal(),
            std::io::stderr().is_terminal(),
        );
        let color = |terminal: bool| match global.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if environment.get("NO_COLOR").is_some() => false,
            ColorChoice::Auto if environment.get("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            ColorChoice::Auto => terminal && environment.get("TERM") != Some("dumb"),
        };
        let (color_stdout, color_stderr) = (color(stdout), color(stderr));
        for namespace in [&global.namespace, &global.gateway_namespace].into_iter().flatten() {
            if !crate::names::is_dns_label(namespace) {
                return Err(Failure::usage(
                    Problem::new(format!("{namespace:?} is not a valid namespace")).why(
                        "a namespace consists of lower-case letters, digits and hyphens, at most 63 (RFC \
                            1123 label)",
                    ),
                ));
            }
        }
        let dir = global.dir.unwrap_or_else(|| PathBuf::from("."));
        check_dir(&dir)?;
        let shown = crate::files::shown(&dir);
        let aim = Aim {
            dir: (!matches!(shown.as_str(), "" | ".")).then_some(shown),
        };
        let teller = Teller::new(global.quiet, global.verbose > 0, aim.clone());
        Ok(Self {
            here: Surroundings {
                dir,
                aim,
                namespace: global.namespace,
                gateway_namespace: global.gateway_namespace,
                environment: environment.variables(),
                now: clock(),
                observer: Arc::new(teller),
            },
            output: global.output,
            quiet: global.quiet,
            verbose: global.verbose,
            interactive: stdin && stderr && !global.no_input,
            yes: global.yes,
            signals,
            color_stdout,
            color_stderr,
        })
    }

    /// The width of text output, in characters: the variable COLUMNS, else that of the
    /// terminal on standard output, else 100.
    pub fn width(&self) -> usize {
        let columns = self.environment.get("COLUMNS").and_then(|columns| columns.parse().ok());
        let terminal = || rustix::termios::tcgetwinsize(std::io::stdout()).ok();
        columns
            .or_else(|| terminal().map(|size| usize::from(size.ws_col)))
            .filter(|columns| (20..=1000).contains(columns))
            .unwrap_or(100)
    }

    /// Selects one of the formats of a command, the first being its default.
    ///
    /// # Errors
    /// If `-o` names another one.
    pub fn output<T: Copy>(&self, formats: &[(&str, T)]) -> Result<T, Failure> {
        let wanted = self.output.as_deref().unwrap_or(formats[0].0);
        formats
            .iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, format)| *format)
            .ok_or_else(|| {
                let names: Vec<&str> = formats.iter().map(|(name, _)| *name).collect();
                Failure::usage(
                    Problem::new(format!("this command has no output format {wanted:?}"))
                        .fix(format!("-o {}", names.join("|"))),
                )
            })
    }

    /// The format of commands that write text or JSON.
    ///
    /// # Errors
    /// Like [`Context::output`].
    pub fn text_or_json(&self) -> Result<Format, Failure> {
        self.output(&[("text", Format::Text), ("json", Format::Json)])
    }

    /// Writes a result to standard output.
    ///
    /// # Errors
    /// If it cannot be written; a closed pipe ends the program quietly.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        self.print_bytes(text.as_bytes())
    }

    /// Writes a result that may not be text to standard output.
    ///
    /// # Errors
    /// Like [`Context::print`].
    pub fn print_bytes(&self, bytes: &[u8]) -> Result<(), Failure> {
        write_out(bytes)
    }

    /// Writes a result as JSON, indented, with a final newline.
    ///
    /// # Errors
    /// Like [`Context::print`].
    pub fn print_json<T: Serialize>(&self, value: &T) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(value).map_err(|error| {
            Failure::runtime(Problem::new("the result cannot be written as JSON").why(error.to_string()))
        })?;
        self.print(&format!("{text}\n"))
    }

    /// ` -C DIR` as a printed line needs it; nothing in the workspace itself.
    pub fn dir_flag(&self) -> String {
        match &self.here.aim.dir {
            None => String::new(),
            Some(dir) => format!(" -C {}", crate::shell::quote(dir)),
        }
    }

    /// Shows a failure: text on standard error, and with `-o json` an object on standard
    /// output, so that the output always parses.
    pub(super) fn show_failure(&self, failure: &Failure) -> Exit {
        if let Failure::Operation(failure) = failure {
            let label = if self.color_stderr {
                "\u{1b}[1;31merror\u{1b}[0m"
            } else {
                "error"
            };
            failure::show(failure, label, self.output.as_deref() == Some("json"), &self.here.aim);
        }
        failure.exit()
    }
}

/// The workspace's folder must exist, as for `git -C` and `make -C`: a mistyped folder
/// would be a new, empty workspace.
fn check_dir(dir: &Path) -> Result<(), Failure> {
    let problem = |why: String| Problem::new(format!("{} is not a workspace", dir.display())).why(why);
    match dir.metadata() {
        Ok(metadata) if metadata.is_dir() => Ok(()),
        Ok(_) => Err(Failure::usage(problem("it is not a folder".to_owned()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mkdir = Line::new(Kind::MakeFolder, ["mkdir", "-p"]).arg(dir.display().to_string());
            Err(Failure::usage(problem("there is no such folder".to_owned()).fix(mkdir)))
        }
        Err(error) => Err(Failure::usage(problem(crate::files::plain(&error)))),
    }
}

impl std::ops::Deref for Context {
    type Target = Surroundings;

    fn deref(&self) -> &Surroundings {
        &self.here
    }
}
