//! What commands print with `-o json` is judged by the schemas in docs/schemas, with a
//! validator that we did not write. [`judge`] is called for every JSON output that any
//! test reads ([`crate::harness::Ran::json`]) and for every transcript.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use boon::{Compiler, Schemas};
use serde_json::Value;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schemas")
}

/// The committed schema of a command.
pub(crate) fn committed(name: &str) -> Value {
    let path = folder().join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The commands that have a schema.
pub(crate) fn names() -> Vec<String> {
    let files = std::fs::read_dir(folder()).expect("docs/schemas");
    let mut names: Vec<String> = files
        .map(|file| file.expect("a file").path())
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The commands of a shell's line whose JSON goes to its output, by the names of their
/// schemas.
pub(crate) fn commands(line: &str) -> Vec<String> {
    let names = names();
    let segments = line.split([';', '|', '&', '\n']);
    segments
        .filter(|segment| segment.contains("-o json") && !segment.contains('>'))
        .filter_map(|segment| segment.split_once("istio-tls "))
        .filter_map(|(_, words)| {
            let mut words = words.split_whitespace();
            let name = words.find(|word| names.iter().any(|name| name == word))?;
            let is_explained = name == "lint" && words.next() == Some("explain");
            Some(if is_explained { "lint-explain" } else { name }.to_owned())
        })
        .collect()
}

/// Whether an object that a command printed is what its schema says, or why not.
pub(crate) fn fits(name: &str, printed: &Value) -> Result<(), String> {
    /// Compiled schemas by their command.
    static COMPILED: Mutex<BTreeMap<String, (Schemas, boon::SchemaIndex)>> = Mutex::new(BTreeMap::new());
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let (schemas, index) = compiled.entry(name.to_owned()).or_insert_with(|| {
        let url = format!("urn:istio-tls:schema:1:{name}");
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        compiler.add_resource(&url, committed(name)).expect("a resource");
        let index = compiler
            .compile(&url, &mut schemas)
            .unwrap_or_else(|error| panic!("{name}: {error:#}"));
        (schemas, index)
    });
    schemas.validate(printed, *index).map_err(|error| format!("{error:#}"))
}

/// Fails where an object that a command printed is not what its schema says.
#[track_caller]
pub(crate) fn judge(name: &str, printed: &Value) {
    if let Err(why) = fits(name, printed) {
        panic!("`{name} -o json` is not what docs/schemas/{name}.json says\n{why}\n{printed:#}");
    }
}

/// Judges all that a line printed, one object after the other.
#[track_caller]
pub(crate) fn judge_line(line: &str, stdout: &str) {
    let commands = commands(line);
    let [name] = commands.as_slice() else { return };
    for printed in serde_json::Deserializer::from_str(stdout).into_iter() {
        let printed = printed.unwrap_or_else(|error| panic!("`{line}` printed no JSON: {error}\n{stdout}"));
        judge(name, &printed);
    }
}
