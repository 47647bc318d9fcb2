//! Generates the output: text, or files in a folder.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::intent::intent;
use super::notes::notes;
use super::output;
use super::request::{Product, Request};
use crate::manifests::build::{Intent, Part};
use crate::ops::lint::made::{findings_of_made, stop_on_errors};
use crate::ops::{Failure, Surroundings};
use crate::remedy::{Kind, Line};

/// What was generated.
#[derive(Debug)]
pub enum Outcome {
    /// Text, including keys.
    Text(Zeroizing<String>),
    /// Files.
    Files {
        /// Their paths.
        written: Vec<PathBuf>,
        /// The next command.
        next: Option<Line>,
    },
}

/// Generates it.
///
/// # Errors
/// If the workspace or the request cannot be used: bad input. If lint finds errors: a
/// finding. If a file cannot be written: a runtime failure.
pub fn run(request: &Request, here: &Surroundings) -> Result<Outcome, Failure> {
    let intent = intent(&request.wanted, here).map_err(Failure::usage)?;
    let format = request.format;
    let folder = request.folder.as_deref();
    match &request.product {
        Product::HelmValues => {
            let text = output::helm_values(&intent, format)?;
            let Some(folder) = folder else {
                return Ok(Outcome::Text(text));
            };
            let file = output::helm_values_file(&text, format, folder);
            files(folder, vec![file], None)
        }
        Product::Envoy { upstreams } => {
            let Some(folder) = folder else {
                let text = output::envoy_bootstrap(&intent, upstreams, format)?;
                here.say_always("warning: the output contains the private keys; --out DIR writes them to files");
                return Ok(Outcome::Text(text));
            };
            let made = output::envoy_files(&intent, upstreams, format, folder)?;
            let envoy = (made.last()).map(|(config, ..)| Line::new(Kind::Envoy, ["envoy", "-c"]).arg(shown(config)));
            files(folder, made, envoy)
        }
        Product::Objects { only, samples, linted } => {
            let parts = parts(only, *samples, &intent);
            if *linted {
                let findings = findings_of_made(&intent, &parts, here).map_err(Failure::usage)?;
                stop_on_errors(findings, here)?;
            }
            for note in notes(&intent, &parts) {
                here.say_always(&format!("note: {note}"));
            }
            let Some(folder) = folder else {
                return output::objects(&intent, &parts, format).map(Outcome::Text);
            };
            // Everything is generated before anything is written.
            let made = output::object_files(&intent, &parts, format, folder)?;
            let apply = Line::new(Kind::KubectlApplyFiles, ["apply", "--server-side", "-f"]);
            files(folder, made, Some(apply.arg(shown(folder))))
        }
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn files(folder: &Path, made: Vec<output::OutFile>, next: Option<Line>) -> Result<Outcome, Failure> {
    let written = output::write(folder, made)?;
    Ok(Outcome::Files { written, next })
}

/// The parts that are generated.
fn parts(only: &[Part], samples: bool, intent: &Intent) -> Vec<Part> {
    let mut parts = if only.is_empty() {
        Part::default_of(intent.secrets)
    } else {
        only.to_vec()
    };
    if samples && !parts.contains(&Part::Samples) {
        parts.push(Part::Samples);
    }
    parts
}
