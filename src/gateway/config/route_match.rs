//! The conditions of one route: Istio's `HTTPMatchRequest` in the form in which
//! requests are compared with it.

use regex::Regex;

use super::field::Field;
use super::header_text::RequestField;
use super::note::Note;
use super::table::{RouteMatch, StringMatch, ValueMatch};
use crate::manifests::model::http_route as model;
use crate::manifests::re2::{self, Covers};
use crate::problem::Problem;

/// The path condition `.*` in the form that [`match_of`] gives it.
pub(super) const ANY_PATH: &str = "^(?:.*)$";

/// The conditions of a match, for any port and gateway.
pub(super) fn match_of(wanted: &model::HttpMatch, place: &Field<'_>) -> Result<RouteMatch, Note> {
    let text = |field: &str, condition: &Option<model::StringMatch>| {
        condition
            .as_ref()
            .map_or(Ok(None), |condition| string_match(condition, &place.child(field)))
    };
    let mut when = RouteMatch {
        path: text("uri", &wanted.uri)?,
        ignore_path_case: wanted.ignore_uri_case.unwrap_or_default(),
        scheme: text("scheme", &wanted.scheme)?,
        method: text("method", &wanted.method)?,
        authority: text("authority", &wanted.authority)?,
        ..RouteMatch::default()
    };
    for (name, condition) in &wanted.headers {
        let place = place.child("headers").child(name);
        if name.starts_with('@') {
            return Err(Note::limit(unrunnable(
                "serve matches no JWT claims".to_owned(),
                &place,
            )));
        }
        let condition = value_match(condition, &place)?;
        when.headers.push((request_field(name, &place)?, condition));
    }
    for (name, condition) in &wanted.without_headers {
        let place = place.child("withoutHeaders").child(name);
        let condition = match condition {
            // A pattern for any value means presence here.
            model::StringMatch::Regex(pattern) if pattern == "*" => ValueMatch::Present,
            condition => value_match(condition, &place)?,
        };
        when.without_headers.push((request_field(name, &place)?, condition));
    }
    for (name, condition) in &wanted.query_params {
        let place = place.child("queryParams").child(name);
        when.query.push((name.clone(), value_match(condition, &place)?));
    }
    Ok(when)
}

pub(super) fn unrunnable(what: String, place: &Field<'_>) -> Problem {
    Problem::new(what).at(place.locate())
}

fn value_match(condition: &model::StringMatch, place: &Field<'_>) -> Result<ValueMatch, Problem> {
    Ok(string_match(condition, place)?.map_or(ValueMatch::Present, ValueMatch::Value))
}

/// None where only presence is asked for.
fn string_match(condition: &model::StringMatch, place: &Field<'_>) -> Result<Option<StringMatch>, Problem> {
    Ok(Some(match condition {
        model::StringMatch::Exact(text) => StringMatch::Exact(text.clone()),
        model::StringMatch::Prefix(text) => StringMatch::Prefix(text.clone()),
        model::StringMatch::Regex(pattern) => StringMatch::Regex(compile(pattern, Covers::Whole, place)?),
        model::StringMatch::Present => return Ok(None),
    }))
}

pub(super) fn compile(pattern: &str, covers: Covers, place: &Field<'_>) -> Result<Regex, Problem> {
    re2::compile(pattern, covers).map_err(|what| unrunnable(what, place))
}

fn request_field(name: &str, place: &Field<'_>) -> Result<RequestField, Problem> {
    RequestField::named(name).ok_or_else(|| Problem::new(format!("{name:?} is not a header's name")).at(place.locate()))
}
