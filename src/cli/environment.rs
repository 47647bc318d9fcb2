//! The environment, captured once: every flag has an `ISTIO_TLS_*` variable, except those
//! that confirm or overwrite.

use std::collections::HashSet;

use clap::builder::BoolishValueParser;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, FromArgMatches, Id};

use crate::ops::Variables;

const PREFIX: &str = "ISTIO_TLS_";
/// Flags that only a command line may set.
const COMMAND_LINE_ONLY: &[&str] = &[
    "force",
    "yes",
    "force-conflicts",
    "no-cluster",
    "prune",
    "replace",
    "finish",
    "abort",
    "help",
    "version",
];
/// Switches that share the variable of another command's flag with a value.
const OTHERS_VARIABLE: &[&str] = &["ca"];

/// The environment variables that the program uses.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment(Variables);

impl Environment {
    /// Reads the process's environment; variables that are not text are omitted.
    #[expect(clippy::disallowed_methods, reason = "the only place that reads the environment")]
    pub(super) fn capture() -> Self {
        Self(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
                .collect(),
        )
    }

    /// A variable's value; empty counts as unset.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    /// All of them, for operations.
    pub(super) fn variables(&self) -> Variables {
        self.0.clone()
    }

    /// Parses the process's arguments, with the variables as defaults; `whole` builds the
    /// command line that they belong to.
    ///
    /// # Errors
    /// If they are not a valid command line.
    pub(super) fn parse<T: FromArgMatches>(&self, whole: fn() -> clap::Command) -> Result<T, clap::Error> {
        if !self.has_arguments() {
            // The command definition is large: it is built only once unless something
            // changes it.
            return (whole().try_get_matches()).and_then(|matches| T::from_arg_matches(&matches));
        }
        // What was typed, as far as it can be parsed: it takes precedence over variables.
        let typed = whole().ignore_errors(true).try_get_matches().ok();
        let parse = |demanded: &[String]| {
            let command = self.apply(whole(), typed.as_ref(), demanded);
            (command.try_get_matches()).and_then(|matches| T::from_arg_matches(&matches))
        };
        let cli = parse(&[]).or_else(|error| match self.demanded(&error) {
            demanded if demanded.is_empty() => Err(error),
            demanded => parse(&demanded),
        })?;
        match typed.and_then(|typed| self.clash(&whole(), &typed)) {
            None => Ok(cli),
            Some([one, other]) => Err(whole().error(
                ErrorKind::ArgumentConflict,
                format!(
                    "the variables {one} and {other} exclude each other: unset one, or give a flag, which \
                    takes precedence"
                ),
            )),
        }
    }

    /// Whether any variable may belong to an argument.
    fn has_arguments(&self) -> bool {
        self.0.names().any(|name| name.starts_with(PREFIX))
    }

    /// Gives every argument the default from its variable, unless what was typed
    /// (`given`, as far as it could be parsed) excludes that argument. Those of
    /// `demanded` count as typed.
    fn apply(&self, command: clap::Command, given: Option<&ArgMatches>, demanded: &[String]) -> clap::Command {
        let names: Vec<String> = command.get_subcommands().map(|sub| sub.get_name().to_owned()).collect();
        let excluded = given.map_or_else(HashSet::new, |given| excluded(&command, given));
        let mut command = command.mut_args(|arg| {
            if excluded.contains(arg.get_id()) {
                arg
            } else {
                self.apply_to(arg, demanded)
            }
        });
        for name in names {
            let given = given.and_then(|given| given.subcommand_matches(&name));
            command = command.mut_subcommand(name, |sub| self.apply(sub, given, demanded));
        }
        command
    }

    /// The flags that others require, were not typed, and have a variable: to clap, a
    /// default does not satisfy a requirement.
    fn demanded(&self, error: &clap::Error) -> Vec<String> {
        let missing = match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::Strings(missing)) if error.kind() == ErrorKind::MissingRequiredArgument => missing,
            _ => return Vec::new(),
        };
        let flags = missing
            .iter()
            .filter_map(|usage| usage.split(' ').next()?.strip_prefix("--"));
        flags
            .filter(|flag| self.get(&variable(flag)).is_some())
            .map(str::to_owned)
            .collect()
    }

    /// Two variables of the command `given` that exclude each other, if nothing that was
    /// typed decides between them.
    fn clash(&self, command: &clap::Command, given: &ArgMatches) -> Option<[String; 2]> {
        if let Some((name, given)) = given.subcommand() {
            return self.clash(command.find_subcommand(name)?, given);
        }
        let excluded = excluded(command, given);
        let holds = |arg: &clap::Arg| {
            let free = !is_typed(arg, given) && !excluded.contains(arg.get_id());
            self.held(arg).filter(|_| free)
        };
        command.get_arguments().find_map(|arg| {
            let one = holds(arg)?;
            let others = command.get_arg_conflicts_with(arg);
            let other = others.into_iter().find_map(holds)?;
            Some([one, other])
        })
    }

    /// The variable that sets an argument.
    fn held(&self, arg: &clap::Arg) -> Option<String> {
        let long = arg.get_long().filter(|long| !COMMAND_LINE_ONLY.contains(long))?;
        let name = variable(long);
        let value = self.get(&name)?;
        let holds = match arg.get_action() {
            ArgAction::SetTrue => {
                !OTHERS_VARIABLE.contains(&long) && !["0", "false", "no"].contains(&value.to_ascii_lowercase().as_str())
            }
            ArgAction::Set | ArgAction::Append => true,
            _ => false,
        };
        holds.then_some(name)
    }

    /// The variable that set a value which was refused.
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

    fn apply_to(&self, arg: clap::Arg, demanded: &[String]) -> clap::Arg {
        let Some(name) = self.held(&arg) else { return arg };
        let value = self.get(&name).unwrap_or_default();
        let is_demanded = arg
            .get_long()
            .is_some_and(|long| demanded.iter().any(|flag| flag == long));
        match arg.get_action() {
            ArgAction::SetTrue if is_demanded => arg.env(name).value_parser(BoolishValueParser::new()),
            ArgAction::SetTrue => match value.to_ascii_lowercase().as_str() {
                "1" | "true" | "yes" => arg.default_value("true"),
                // Not a boolean: clap's error names the flag.
                _ => arg.default_value(value.to_owned()),
            },
            ArgAction::Set if is_demanded => arg.env(name),
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

fn is_typed(arg: &clap::Arg, given: &ArgMatches) -> bool {
    given.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine)
}

/// The arguments that conflict with those that were typed.
fn excluded(command: &clap::Command, given: &ArgMatches) -> HashSet<Id> {
    let mut excluded = HashSet::new();
    for arg in command.get_arguments() {
        let others = command.get_arg_conflicts_with(arg);
        if is_typed(arg, given) {
            excluded.extend(others.iter().map(|other| other.get_id().clone()));
        }
        if others.iter().any(|other| is_typed(other, given)) {
            excluded.insert(arg.get_id().clone());
        }
    }
    excluded
}
