//! Parsers for the values of flags.

use clap::builder::{PossibleValuesParser, TypedValueParser};

use crate::problem::Problem;
use crate::remedy::Aim;

/// A parser for one word from a domain type's table of words.
pub(super) fn choice<T: Copy + Send + Sync + 'static>(
    words: &'static [(&'static str, T)],
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(words.iter().map(|(word, _)| *word)).map(move |word| {
        words
            .iter()
            .find(|(known, _)| *known == word)
            .map(|(_, value)| *value)
            .expect("the parser accepts only the table's words")
    })
}

/// A parser for a type with a parser of its own; clap shows the whole problem.
pub(super) fn parser<T: Clone + Send + Sync + 'static>(
    parse: fn(&str) -> Result<T, Problem>,
) -> impl TypedValueParser<Value = T> {
    move |text: &str| parse(text).map_err(|problem| problem.text(&Aim::default()))
}
