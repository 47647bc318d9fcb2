//! The environment, captured once: every flag has an `ISTIO_TLS_*` variable,
//! but for those that confirm or overwrite.

use std::collections::BTreeMap;

use clap::ArgAction;

const PREFIX: &str = "ISTIO_TLS_";
/// Flags that only a command line may set.
const COMMAND_LINE_ONLY: &[&str] = &["force", "yes", "force-conflicts", "prune", "replace", "help", "version"];

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

    /// Gives every argument the default that its variable holds.
    pub(super) fn apply(&self, command: clap::Command) -> clap::Command {
        let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        let mut command = command.mut_args(|arg| self.apply_to(arg));
        for name in names {
            command = command.mut_subcommand(name, |sub| self.apply(sub));
        }
        command
    }

    fn apply_to(&self, arg: clap::Arg) -> clap::Arg {
        let Some(long) = arg.get_long() else { return arg };
        if COMMAND_LINE_ONLY.contains(&long) {
            return arg;
        }
        let name = format!("{PREFIX}{}", long.to_ascii_uppercase().replace('-', "_"));
        let Some(value) = self.get(&name) else { return arg };
        match arg.get_action() {
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
