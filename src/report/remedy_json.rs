//! What to do about a fault, as JSON: the object `remedy` beside the text `fix`.

use schemars::JsonSchema;
use serde::Serialize;

use crate::remedy::{Aim, Edit, Part, Remedy};

/// A remedy as programs read it.
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
    /// What it is for.
    kind: &'static str,
    /// As it is typed in a POSIX shell.
    line: String,
    /// Whether it can be typed as it is; otherwise words in capitals are filled in first.
    complete: bool,
}

/// A change of a field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
struct EditJson {
    /// The file or the object.
    place: String,
    /// The field.
    field: String,
    /// Null where the field is to be removed.
    value: Option<String>,
}

impl RemedyJson {
    /// The remedy for a user who stands at `aim`.
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
