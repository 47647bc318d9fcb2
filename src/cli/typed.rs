//! Which flags were typed, as opposed to set by a variable or a default.

use std::collections::BTreeSet;

use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

/// The flags of a command that were typed. Flattened into a command's arguments before
/// all others, since each argument removes its value from what this looks at.
#[derive(Debug, Clone, Default)]
pub(super) struct Typed(BTreeSet<String>);

impl Typed {
    /// Whether this flag was typed, by its long name.
    pub(super) fn has(&self, flag: &str) -> bool {
        self.0.contains(flag)
    }
}

impl FromArgMatches for Typed {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let typed = matches.ids().map(clap::Id::as_str);
        let typed = typed.filter(|id| matches.value_source(id) == Some(ValueSource::CommandLine));
        Ok(Self(typed.map(|id| id.replace('_', "-")).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl Args for Typed {
    fn augment_args(command: Command) -> Command {
        command
    }

    fn augment_args_for_update(command: Command) -> Command {
        command
    }
}
