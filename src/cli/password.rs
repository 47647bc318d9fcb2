//! The password of CA keys and bundles: from a file, standard input or
//! ISTIO_TLS_PASSWORD; never from the command line.

use std::path::PathBuf;

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
        let (content, source) = if let Some(path) = &self.password_file {
            (
                files::read_given(path, LIMIT).map_err(Failure::usage)?,
                path.display().to_string(),
            )
        } else if self.password_stdin {
            let name = "standard input";
            (
                files::read_from(std::io::stdin().lock(), name, LIMIT).map_err(Failure::usage)?,
                name.to_owned(),
            )
        } else {
            return Ok(context
                .environment
                .get("ISTIO_TLS_PASSWORD")
                .map(|password| Zeroizing::new(password.to_owned())));
        };
        let content = Zeroizing::new(content);
        let text = std::str::from_utf8(&content).map_err(|_| {
            Failure::usage(Problem::new(format!("{source} holds no password")).why("it is not UTF-8 text"))
        })?;
        let line = text.lines().next().unwrap_or_default();
        if line.is_empty() {
            return Err(Failure::usage(
                Problem::new(format!("{source} holds no password")).why("its first line is empty"),
            ));
        }
        Ok(Some(Zeroizing::new(line.to_owned())))
    }
}
