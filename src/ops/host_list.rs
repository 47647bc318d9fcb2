//! The hosts of a command: arguments, and a file with one host per line.

use std::collections::HashSet;
use std::path::Path;

use super::failure::Failure;
use crate::files::{self, MANIFEST_LIMIT};
use crate::names::Host;
use crate::problem::Problem;
use crate::remedy::ours;

/// Reads the hosts of the command line, then those of the file (`-` is standard input;
/// `#` starts a comment), in order.
///
/// # Errors
/// If one is not a host or appears twice, or the file cannot be read; with file and line.
pub fn read(arguments: &[String], file: Option<&Path>) -> Result<Vec<Host>, Failure> {
    let mut hosts = Vec::new();
    let mut seen = HashSet::new();
    let mut take = |text: &str, at: Option<String>| -> Result<(), Failure> {
        let placed = |problem: Problem| {
            Failure::usage(match &at {
                Some(at) => problem.at(at.clone()),
                None => problem,
            })
        };
        let host = Host::parse(text).map_err(placed)?;
        if !seen.insert(host.clone()) {
            return Err(placed(
                Problem::new(format!("the host {host} appears twice")).fix("give each host once"),
            ));
        }
        hosts.push(host);
        Ok(())
    };
    for text in arguments {
        take(text, None)?;
    }
    if let Some(file) = file {
        let (content, name) = if file == Path::new("-") {
            let name = "standard input".to_owned();
            (files::read_from(std::io::stdin().lock(), &name, MANIFEST_LIMIT), name)
        } else {
            (files::read_given(file, MANIFEST_LIMIT), file.display().to_string())
        };
        let content = content.map_err(Failure::usage)?;
        let text = std::str::from_utf8(&content).map_err(|_| {
            Failure::usage(Problem::new(format!("{name} is not a list of hosts")).why("it is not UTF-8 text"))
        })?;
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if !line.is_empty() {
                take(line, Some(format!("{name}:{}", number + 1)))?;
            }
        }
    }
    if hosts.is_empty() {
        return Err(Failure::usage(match file {
            Some(file) => Problem::new(format!("{} lists no host", file.display())).fix("write one host per line"),
            None => Problem::new("no host is given").fix(ours::gen_certs_example()),
        }));
    }
    Ok(hosts)
}
