//! What to do about a fault, as JSON: the object `remedy` beside the text `fix`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::remedy::{Aim, Edit, Part, Remedy};

/// A remedy as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RemedyJson {
    /// Command lines to type, in order.
    commands: Vec<Command>,
    /// Fields to change.
    edits: Vec<EditJson>,
}

/// A command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct Command {
    /// Its purpose.
    kind: &'static str,
    /// The line as typed in a POSIX shell.
    line: String,
    /// Whether it can be typed as is; otherwise words in capitals must be filled in
    /// first.
    complete: bool,
}

/// A change of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct EditJson {
    /// The file or the object.
    place: String,
    /// The field.
    field: String,
    /// The new value; null if the field is to be removed.
    value: Option<String>,
}

impl RemedyJson {
    /// The remedy with the flags of `aim`.
    pub fn new(remedy: &Remedy, aim: &Aim) -> Self {
        let commands = remedy.lines().map(|line| Command {
            kind: line.kind.word(),
            line: line.typed(aim),
            complete: !line.has_placeholder(),
        });
        let edits = remedy.parts().iter().filter_map(|part| match part {
            Part::Edit(Edit { place, field, value }) => Some(EditJson {
                place: place.clone(),
                field: field.clone(),
                value: value.clone(),
            }),
            Part::Words(_) | Part::Line(_) | Part::Repeat => None,
        });
        Self {
            commands: commands.collect(),
            edits: edits.collect(),
        }
    }
}
