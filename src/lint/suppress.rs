//! Suppression of findings: comments in the manifests (`# istio-tls:ignore ITL0012`), `--suppress
//! CODE[=OBJECT]`, and the annotation of `istioctl analyze`, which works for live objects, too.

use std::collections::{HashMap, HashSet};

use super::codes;
use super::finding::{Finding, Place, Report};
use crate::manifests::load::{Ignore, Object};
use crate::problem::Problem;

/// `--suppress`: a code, for objects whose name matches a pattern.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// Our code, or Istio's.
    code: String,
    /// The pattern for objects; none means every object.
    object: Option<String>,
}

impl Suppression {
    /// Parses `CODE` or `CODE=OBJECT`. The pattern may contain `*` and `?`, and is compared with
    /// `Gateway default/mygateway` and with `default/mygateway`.
    ///
    /// # Errors
    /// If there is no such code.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let (code, object) = match text.split_once('=') {
            Some((code, object)) => (code, Some(object.to_owned())),
            None => (text, None),
        };
        let code = code.to_ascii_uppercase();
        if !codes::all().any(|known| known.id == code || known.istio == Some(&code)) {
            return Err(codes::unknown(&code));
        }
        Ok(Self { code, object })
    }

    fn fits(&self, finding: &Finding) -> bool {
        (finding.code == self.code || finding.istio == Some(&self.code))
            && self.object.as_ref().is_none_or(|pattern| {
                let name = finding.object.split_once(' ').map_or("", |(_, name)| name);
                matches(pattern, &finding.object) || matches(pattern, name)
            })
    }
}

/// Removes findings that comments and flags suppress. Comments that suppress nothing become
/// findings, unless their rule was skipped.
pub fn suppress(report: &mut Report, ignores: &[Ignore], flags: &[Suppression]) {
    // By file and code, so that each finding is compared only with comments for its code.
    let mut named: HashMap<(&str, &str), Vec<(usize, usize)>> = HashMap::new();
    let upper: Vec<Vec<String>> = ignores
        .iter()
        .map(|ignore| ignore.codes.iter().map(|code| code.to_ascii_uppercase()).collect())
        .collect();
    let mut used: Vec<Vec<bool>> = upper.iter().map(|codes| vec![false; codes.len()]).collect();
    for (comment, codes) in upper.iter().enumerate() {
        for (number, code) in codes.iter().enumerate() {
            let file = &*ignores[comment].location.file;
            named.entry((file, code)).or_default().push((comment, number));
        }
    }
    report.findings.retain(|finding| {
        let codes = [Some(finding.code), finding.istio];
        let comments = codes
            .into_iter()
            .flatten()
            .filter_map(|code| named.get(&(finding.file.as_str(), code)))
            .flatten();
        let mut ignored = false;
        for (comment, number) in comments {
            if ignores[*comment].lines.contains(&finding.line) {
                used[*comment][*number] = true;
                ignored = true;
            }
        }
        !ignored && !flags.iter().any(|flag| flag.fits(finding))
    });
    for (comment, ignore) in ignores.iter().enumerate() {
        if let Some(what) = useless(&upper[comment], &used[comment], report) {
            let place = Place::at(String::new(), &ignore.location, "");
            let finding = Finding::new(&codes::IGNORES_NOTHING, place, what);
            if !flags.iter().any(|flag| flag.fits(&finding)) {
                report.findings.push(finding);
            }
        }
    }
    report.findings.sort_by(Finding::order);
}

/// The annotation with suppressed codes, `*` for all of them
/// (<https://istio.io/latest/docs/reference/config/annotations/#GalleyAnalyzeSuppress>).
const ANNOTATION: &str = "galley.istio.io/analyze-suppress";

/// Removes findings that annotations of the objects suppress; `default_namespace` is for objects
/// without a namespace.
pub fn suppress_annotated(report: &mut Report, objects: &[Object], default_namespace: &str) {
    let mut named: HashMap<String, HashSet<String>> = HashMap::new();
    for object in objects {
        if let Some(codes) = object.manifest.metadata().annotations.get(ANNOTATION) {
            let codes = codes.split(',').map(|code| code.trim().to_ascii_uppercase());
            named
                .entry(object.manifest.title(default_namespace))
                .or_default()
                .extend(codes);
        }
    }
    report.findings.retain(|finding| {
        let codes = named.get(&finding.object);
        let has = |code: &str| codes.is_some_and(|codes| codes.contains(code));
        !has("*") && !has(finding.code) && !finding.istio.is_some_and(has)
    });
}

/// Why a comment is useless, if it is.
fn useless(named: &[String], used: &[bool], report: &Report) -> Option<String> {
    if named.is_empty() {
        return Some("the comment lists no code to ignore".to_owned());
    }
    let known = |code: &str| codes::all().any(|known| known.id == code || known.istio == Some(code));
    let skipped = |code: &str| {
        let mut skipped = report.skipped.iter();
        skipped.any(|skipped| {
            skipped.code == code || codes::find(skipped.code).is_some_and(|known| known.istio == Some(code))
        })
    };
    let idle: Vec<&str> = named
        .iter()
        .zip(used)
        .filter(|(code, used)| !**used && !skipped(code))
        .map(|(code, _)| code.as_str())
        .collect();
    if let Some(code) = idle.iter().find(|code| !known(code)) {
        return Some(format!("the comment lists {code}, which does not exist"));
    }
    (!idle.is_empty()).then(|| {
        format!(
            "the comment ignores {}, but there is no such finding here",
            idle.join(", ")
        )
    })
}

/// Whether `text` matches `pattern`, in which `*` is any text and `?` any character.
fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut at, mut wanted) = (0, 0);
    // The position of the last star, and how much text it matches.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(wanted) {
            Some('*') => {
                star = Some((wanted, at));
                wanted += 1;
            }
            Some(character) if *character == '?' || *character == text[at] => {
                wanted += 1;
                at += 1;
            }
            _ => {
                let Some((position, taken)) = star else { return false };
                star = Some((position, taken + 1));
                wanted = position + 1;
                at = taken + 1;
            }
        }
    }
    pattern[wanted..].iter().all(|character| *character == '*')
}

#[cfg(test)]
mod tests {
    use super::{ANNOTATION, Suppression, matches, suppress, suppress_annotated};
    use crate::lint::testing::lint_yaml;
    use crate::manifests::load::load;

    const TWICE: &str = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n---\n";

    fn left(yaml: &str, flags: &[&str]) -> Vec<(&'static str, u32)> {
        let mut report = lint_yaml(yaml);
        let flags: Vec<Suppression> = flags.iter().map(|flag| Suppression::parse(flag).unwrap()).collect();
        suppress(&mut report, &load(yaml, "-").ignores, &flags);
        let findings = report.findings.iter().filter(|finding| finding.code < "ITL0100");
        findings.map(|finding| (finding.code, finding.line)).collect()
    }

    #[test]
    fn comments_and_flags_take_findings_out() {
        let object = "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\n";
        for (before, beside, flags, expected) in [
            ("", "", &[][..], vec![("ITL0004", 5), ("ITL0003", 8)]),
            ("# istio-tls:ignore ITL0004\n", "", &[], vec![("ITL0003", 9)]),
            ("# istio-tls:ignore itl0004,ITL0003 known\n", "", &[], vec![]),
            ("", " # istio-tls:ignore ITL0003", &[], vec![("ITL0004", 5)]),
            (
                "",
                " # istio-tls:ignore ITL0002",
                &[],
                vec![("ITL0004", 5), ("ITL0003", 8), ("ITL0005", 8)],
            ),
            (
                "# istio-tls:ignore\n",
                " # istio-tls:ignore ITL9999",
                &["ITL0004=Secret default/*", "ITL0003"],
                vec![("ITL0005", 5), ("ITL0005", 9)],
            ),
            (
                "",
                "",
                &["ITL0004=default/?", "ITL0003=Gateway *"],
                vec![("ITL0003", 8)],
            ),
            ("", "", &["ITL0003=Secret *"], vec![("ITL0004", 5)]),
            ("", "", &["ITL0004=other/*", "itl0003"], vec![("ITL0004", 5)]),
        ] {
            let yaml = format!("{TWICE}{before}{object}datas: {{}}{beside}\n");
            assert_eq!(left(&yaml, flags), expected, "{yaml} {flags:?}");
        }
        assert!(Suppression::parse("ITL9999").is_err());
        assert!(Suppression::parse("IST0106=a").is_ok());
    }

    #[test]
    fn annotations_take_out_the_findings_of_their_object() {
        let gateway = |name: &str, annotation: &str| {
            format!(
                "apiVersion: networking.istio.io/v1\nkind: Gateway\nmetadata: {{name: {name}, annotations: {{{annotation}}}}}\nspec: {{selector: {{a: b}}, servers: []}}\n---\n"
            )
        };
        let left = |annotation: &str| {
            let annotation = match annotation {
                "" => String::new(),
                codes => format!("{ANNOTATION}: '{codes}'"),
            };
            let yaml = gateway("one", &annotation) + &gateway("two", "");
            let mut report = lint_yaml(&yaml);
            suppress_annotated(&mut report, &load(&yaml, "-").objects, "default");
            let findings = report.findings.into_iter();
            let found = findings.filter(|finding| finding.istio == Some("IST0101"));
            found.map(|finding| finding.object).collect::<Vec<_>>()
        };
        let (one, two) = ("Gateway default/one", "Gateway default/two");
        for (annotation, expected) in [
            ("", &[one, two][..]),
            ("IST0101", &[two]),
            ("IST0001, ist0101", &[two]),
            ("ITL0201", &[two]),
            ("*", &[two]),
            ("IST0102", &[one, two]),
        ] {
            assert_eq!(left(annotation), expected, "{annotation}");
        }
    }

    #[test]
    fn patterns_of_objects() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("Gateway */my*", "Gateway default/mygateway", true),
            ("Gateway ?", "Gateway ab", false),
            ("a*b*c", "axxbxxbc", true),
            ("a*b*c", "axxbxxbd", false),
            ("", "a", false),
            ("*a*", &"b".repeat(10_000), false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
