//! What a check of the sources found, beside the gateway's own notes: nothing is reported twice.

use std::collections::{HashMap, HashSet};

use crate::gateway::config::build::Built;
use crate::gateway::config::note::{About, Notes};
use crate::problem::Problem;

/// One thing that the check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What is wrong.
    pub problem: Problem,
    /// The place as the gateway's notes write it; a note of the same place is left out.
    pub place: String,
    /// A strict start ends here.
    pub stops_strict: bool,
}

/// Leaves out notes of places for which there is a remark. What a note would have
/// stopped is stopped by the remark in its place. Of what still runs the note stays, and
/// the remark is left out.
pub(super) fn leave_out_said(notes: &mut Notes, remarks: &mut Vec<Remark>) {
    let mut wrong = HashSet::new();
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, remark) in remarks.iter().enumerate() {
        places.entry(remark.place.clone()).or_default().push(index);
    }
    notes.retain(|note| {
        let said = note.problem.at.as_ref().and_then(|at| places.get(at));
        match note.about {
            About::Input => {}
            About::Limit => return true,
            About::StillRuns => {
                wrong.extend(said.into_iter().flatten().copied());
                return true;
            }
        }
        for index in said.into_iter().flatten() {
            remarks[*index].stops_strict = true;
        }
        said.is_none()
    });
    let mut index = 0..;
    remarks.retain(|_| index.next().is_none_or(|index| !wrong.contains(&index)));
}

/// Key material that a problem is about.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Material<'p> {
    /// A file of PEM.
    File(&'p str),
    /// A key of a Secret that stands in a manifest.
    Value { manifest: &'p str, key: &'p str },
}

impl<'p> Material<'p> {
    /// From a place: `FILE`, `FILE:LINE:COLUMN`, or that of a manifest with
    /// `data.KEY` or `data["KEY"]` behind it.
    fn at(place: &'p str) -> Option<Self> {
        let Some((place, path)) = place.split_once("  ") else {
            return Some(Self::File(without_line(place)));
        };
        let key = path.strip_prefix("data.").or_else(|| path.strip_prefix("data[\""))?;
        let key = key.split([',', '"']).next()?;
        Some(Self::Value {
            manifest: without_line(place),
            key,
        })
    }
}

/// A place's file, or its object's title, without line and column.
fn without_line(mut place: &str) -> &str {
    while let Some((before, number)) = place.rsplit_once(':')
        && !number.is_empty()
        && number.bytes().all(|digit| digit.is_ascii_digit())
    {
        place = before;
    }
    place
}

/// Everything to report of what was built, but for broken material for which there is a remark already.
pub(super) fn said<'a>(remarks: &'a [Remark], built: &'a Built) -> impl Iterator<Item = &'a Problem> {
    let materials: HashSet<Material<'_>> = remarks
        .iter()
        .filter_map(|remark| Material::at(remark.problem.at.as_deref()?))
        .collect();
    let is_new = move |problem: &&Problem| {
        let own = problem.at.as_deref().and_then(Material::at);
        // Of material in files, the words name the file.
        let mut named = problem.what.split_whitespace().map(Material::File);
        !own.is_some_and(|own| materials.contains(&own)) && !named.any(|file| materials.contains(&file))
    };
    let judged = remarks.iter().map(|remark| &remark.problem);
    judged.chain(built.notes.problems()).chain(broken(built).filter(is_new))
}

/// What a strict start stops at.
pub(super) fn stops_strict<'a>(remarks: &'a [Remark], built: &'a Built) -> Option<&'a Problem> {
    let judged = remarks.iter().filter(|remark| remark.stops_strict);
    let judged = judged.map(|remark| &remark.problem);
    judged.chain(built.notes.problems()).chain(broken(built)).next()
}

/// What is wrong with the material.
fn broken(built: &Built) -> impl Iterator<Item = &Problem> {
    built.invalid.iter().map(|invalid| &invalid.problem)
}

#[cfg(test)]
mod tests {
    use super::{Material, Remark, leave_out_said};
    use crate::gateway::config::note::Notes;
    use crate::problem::Problem;

    #[test]
    fn a_note_gives_way_to_a_remark_of_the_same_place() {
        let limit = || Problem::new("no TLS 1.0").at("f:1:1  x");
        let mut notes = Notes::default();
        notes.push(Problem::new("a").at("f:1:1  x"));
        notes.push(Problem::new("b").at("f:2:1  y"));
        notes.push_limit(limit());
        notes.push_still_runs(Problem::new("d").at("f:4:1  z"));
        let mut remarks = Vec::from(["f:1:1  x", "f:3:1  z", "f:4:1  z"].map(|place| Remark {
            problem: Problem::new("c"),
            place: place.into(),
            stops_strict: false,
        }));
        leave_out_said(&mut notes, &mut remarks);
        let left: Vec<&Problem> = notes.problems().collect();
        let runs = Problem::new("d").at("f:4:1  z");
        assert_eq!(left, [&Problem::new("b").at("f:2:1  y"), &limit(), &runs]);
        let stops: Vec<bool> = remarks.iter().map(|remark| remark.stops_strict).collect();
        assert_eq!(stops, [true, false]);
    }

    #[test]
    fn material_is_known_by_its_file_or_its_key() {
        let value = Material::Value {
            manifest: "a b.yaml",
            key: "tls.key",
        };
        for (place, expected) in [
            ("host/key.pem", Some(Material::File("host/key.pem"))),
            ("host/key.pem:12:1", Some(Material::File("host/key.pem"))),
            ("a b.yaml:1:1  data.tls.key", Some(value)),
            (
                "Secret a/c-1  data.tls.key",
                Some(Material::Value {
                    manifest: "Secret a/c-1",
                    key: "tls.key",
                }),
            ),
            ("a.yaml:1:1  spec.servers[0]", None),
        ] {
            assert_eq!(Material::at(place), expected);
        }
        let (bracket, dotted) = ("f:12:3  data[\"tls.key\"]", "f:1:1  data.tls.key, line 3 of the value");
        assert_eq!(Material::at(bracket), Material::at(dotted));
    }
}
