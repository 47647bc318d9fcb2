//! The password of CA keys and bundles: from a file, standard input or
//! ISTIO_TLS_PASSWORD; never from the command line.

use std::path::Path;

use zeroize::Zeroizing;

use super::failure::Failure;
use crate::files;
use crate::problem::Problem;

/// The most that is read from a source.
pub const LIMIT: u64 = 64 << 10;

/// The password in the first line of a file.
///
/// # Errors
/// If it cannot be read, is not text, or is empty.
pub fn of_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let content = files::read_given(path, LIMIT).map_err(Failure::usage)?;
    first_line(content, &path.display().to_string())
}

/// The password in the first line of the content; `source` is its name in errors.
///
/// # Errors
/// If it is not text, or is empty.
pub fn first_line(content: Vec<u8>, source: &str) -> Result<Zeroizing<String>, Failure> {
    let content = Zeroizing::new(content);
    let none = |why: &str| Failure::usage(Problem::new(format!("{source} holds no password")).why(why));
    let text = std::str::from_utf8(&content).map_err(|_| none("it is not UTF-8 text"))?;
    match text.lines().next().unwrap_or_default() {
        "" => Err(none("its first line is empty")),
        line => Ok(Zeroizing::new(line.to_owned())),
    }
}
