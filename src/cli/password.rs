//! The flags for the password of CA keys and bundles: from a file, standard input or
//! ISTIO_TLS_PASSWORD; never from the command line.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::context::Context;
use super::failure::Failure;
use crate::files;
use crate::ops::password::{LIMIT, first_line, of_file};
use crate::problem::Problem;

/// The source of a password.
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
    /// Reserves standard input for the target.
    ///
    /// # Errors
    /// If the password is read from it, too.
    pub(super) fn leave_stdin(&self) -> Result<(), Failure> {
        if self.password_stdin {
            return Err(Failure::usage(
                Problem::new("standard input cannot be both the target and the password").fix("--password-file FILE"),
            ));
        }
        Ok(())
    }

    /// Reads the password, if there is one.
    ///
    /// # Errors
    /// If it cannot be read, is not text, or is empty.
    pub(super) fn read(&self, context: &Context) -> Result<Option<Zeroizing<String>>, Failure> {
        if let Some(path) = &self.password_file {
            return Ok(Some(of_file(path)?));
        }
        if self.password_stdin {
            let name = "standard input";
            let content = files::read_from(std::io::stdin().lock(), name, LIMIT).map_err(Failure::usage)?;
            return Ok(Some(first_line(content, name)?));
        }
        Ok(context
            .environment
            .get("ISTIO_TLS_PASSWORD")
            .map(|password| Zeroizing::new(password.to_owned())))
    }
}
