//! The environment, captured once: every flag has an `ISTIO_TLS_*` variable,
//! but for those that confirm or overwrite.

use std::collections::{BTreeMap, HashSet};

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Id};

const PREFIX: &str = "ISTIO_TLS_";
/// Flags that only a command line may set.
const COMMAND_LINE_ONLY: &[&str] = &[
    "force",
    "yes",
    "force-conflicts",
    "prune",
    "replace",
    "finish",
    "abort",
    "help",
    "version",
];
/// Switches whose variable is that of another command's flag with a value.
const OTHERS_VARIABLE: &[&str] = &["ca"];

/// The variables of the process that the program looks at.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the process's environment; variables that are no text are left out.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn capture() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// A variable's value; empty counts as unset.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// Whether any variable may be that of an argument.
    pub(super) fn has_arguments(&self) -> bool {
        self.0.keys().any(|name| name.starts_with(PREFIX))
    }

    /// Gives every argument the default that its variable holds, but where what
    /// was typed (`given`, as far as it could be read) excludes that argument.
    pub(super) fn apply(&self, command: clap::Command, given: Option<&ArgMatches>) -> clap::Command {
        let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        let excluded = given.map_or_else(HashSet::new, |given| excluded(&command, given));
        let mut command = command.mut_args(|arg| {
            if excluded.contains(arg.get_id()) {
                arg
            } else {
                self.apply_to(arg)
            }
        });
        for name in names {
            let given = given.and_then(|given| given.subcommand_matches(&name));
            command = command.mut_subcommand(name, |sub| self.apply(sub, given));
        }
        command
    }

    /// The variable that gave a value which was refused.
    pub(super) fn blamed(&self, error: &clap::Error) -> Option<String> {
        let text = |kind| match error.get(kind) {
            Some(ContextValue::String(text)) => Some(text.as_str()),
            _ => None,
        };
        let flag = text(ContextKind::InvalidArg)?.split([' ', '=']).next()?;
        let name = variable(flag.strip_prefix("--")?);
        let (value, refused) = (self.get(&name)?, text(ContextKind::InvalidValue)?);
        (value == refused || value.split(',').any(|part| part == refused)).then_some(name)
    }

    fn apply_to(&self, arg: clap::Arg) -> clap::Arg {
        let Some(long) = arg.get_long() else { return arg };
        if COMMAND_LINE_ONLY.contains(&long) {
            return arg;
        }
        let name = variable(long);
        let Some(value) = self.get(&name) else { return arg };
        match arg.get_action() {
            ArgAction::SetTrue if OTHERS_VARIABLE.contains(&long) => arg,
            ArgAction::SetTrue => match value.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" => arg.default_value("true"),
                "0" | "false" | "no" => arg,
                // Not a boolean: clap refuses it with the flag's name.
                _ => arg.default_value(value.to_owned()),
            },
            ArgAction::Set => arg.required(false).default_value(value.to_owned()),
            ArgAction::Append => arg
                .required(false)
                .default_values(value.split(',').map(str::to_owned).collect::<Vec<_>>()),
            _ => arg,
        }
    }
}

fn variable(flag: &str) -> String {
    format!("{PREFIX}{}", flag.to_ascii_uppercase().replace('-', "_"))
}

/// The arguments that cannot stand beside those that were typed.
fn excluded(command: &clap::Command, given: &ArgMatches) -> HashSet<Id> {
    let typed = |arg: &&clap::Arg| given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine);
    let mut excluded = HashSet::new();
    for arg in command.get_arguments() {
        let others = command.get_arg_conflicts_with(arg);
        if typed(&arg) {
            excluded.extend(others.iter().map(|other| other.get_id().clone()));
        }
        if others.iter().any(typed) {
            excluded.insert(arg.get_id().clone());
        }
    }
    excluded
}
