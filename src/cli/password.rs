//! The password of CA keys and bundles: from a file, standard input or
//! ISTIO_TLS_PASSWORD; never from the command line.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Failure;
use super::context::Context;
use crate::files;
use crate::problem::Problem;

const LIMIT: u64 = 64 << 10;

/// Where a password comes from.
#[derive(clap::Args)]
#[command(next_help_heading = "Passwords")]
pub(super) struct PasswordArgs {
    /// Read the password of CA keys from the first line of this file (or set ISTIO_TLS_PASSWORD)
    #[arg(long, value_name = "FILE", conflicts_with = "password_stdin")]
    password_file: Option<PathBuf>,
    /// Read the password of CA keys from standard input
    #[arg(long)]
    password_stdin: bool,
}

impl PasswordArgs {
    /// Whether standard input is taken by the password.
    pub(super) fn is_stdin(&self) -> bool {
        self.password_stdin
    }

    /// Reads the password, if one is given.
    ///
    /// # Errors
    /// When it cannot be read, is no text, or is empty.
    pub(super) fn read(&self, context: &Context) -> Result<Option<Zeroizing<String>>, Failure> {
        if let Some(path) = &self.password_file {
            return of_file(path).map(Some);
        }
        if self.password_stdin {
            let name = "standard input";
            let content = files::read_from(std::io::stdin().lock(), name, LIMIT).map_err(Failure::usage)?;
            return first_line(content, name).map(Some);
        }
        Ok(context
            .environment
            .get("ISTIO_TLS_PASSWORD")
            .map(|password| Zeroizing::new(password.to_owned())))
    }
}

/// The password in the first line of a file.
///
/// # Errors
/// When it cannot be read, is no text, or is empty.
pub(super) fn of_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let content = files::read_given(path, LIMIT).map_err(Failure::usage)?;
    first_line(content, &path.display().to_string())
}

fn first_line(content: Vec<u8>, source: &str) -> Result<Zeroizing<String>, Failure> {
    let content = Zeroizing::new(content);
    let none = |why: &str| Failure::usage(Problem::new(format!("{source} holds no password")).why(why));
    let text = std::str::from_utf8(&content).map_err(|_| none("it is not UTF-8 text"))?;
    match text.lines().next().unwrap_or_default() {
        "" => Err(none("its first line is empty")),
        line => Ok(Zeroizing::new(line.to_owned())),
    }
}
