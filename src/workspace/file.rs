//! istio-tls.yaml: parsed with errors that name line and column, and written in one step.
//! Changes of its text are made in [`super::edit`].

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use serde_saphyr::Options;

use super::config::{FILE_NAME, WorkspaceConfig};
use super::misspelled::{self, Misspelled};
use super::{edit, store};
use crate::certs::plan::check_client_name;
use crate::files::{self, MANIFEST_LIMIT};
use crate::names;
use crate::problem::Problem;
use crate::remedy::{Kind, Line, Remedy};
use crate::spelling;

/// The format that this release reads and writes.
pub const VERSION: u32 = 1;
/// The initial content of a new workspace; `{id}` is replaced.
const STARTER: &str = include_str!("../../templates/istio-tls.yaml");

/// istio-tls.yaml as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkspaceFile {
    /// Its path.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
    /// Its content.
    pub config: WorkspaceConfig,
    /// Its keys that look like misspelled fields.
    pub misspelled: Vec<Misspelled>,
}

impl WorkspaceFile {
    /// Reads the file of a workspace folder; none if there is none.
    ///
    /// # Errors
    /// If it cannot be read, or is not a valid workspace file.
    pub fn read(dir: &Path) -> Result<Option<Self>, Problem> {
        let path = dir.join(FILE_NAME);
        if !files::is_there(&path)? {
            return Ok(None);
        }
        let content = files::read(&path, MANIFEST_LIMIT)?;
        Self::of(path, content).map(Some)
    }

    /// The file with this content.
    ///
    /// # Errors
    /// If it is not a valid workspace file.
    pub fn of(path: PathBuf, content: Vec<u8>) -> Result<Self, Problem> {
        let name = shown(&path);
        let text = String::from_utf8(content)
            .map_err(|_| Problem::new(format!("{name} cannot be read")).why("it is not UTF-8 text"))?;
        let config = parse(&name, &text)?;
        Ok(Self {
            misspelled: misspelled::find(&name, &text),
            path,
            text,
            config,
        })
    }

    /// A workspace file that does not exist on disk yet: the initial content with this
    /// id.
    pub fn starter(dir: &Path, id: &str) -> Self {
        let text = STARTER.replace("{id}", id);
        let config = parse(FILE_NAME, &text).expect("the initial content is valid, as its test shows");
        Self {
            path: dir.join(FILE_NAME),
            text,
            config,
            misspelled: Vec::new(),
        }
    }

    /// Changes the text to the content `wanted`; comments, order and unknown fields are
    /// kept. Nothing is written.
    ///
    /// # Errors
    /// If the layout of the file does not allow a safe change.
    pub fn edit(&self, wanted: &WorkspaceConfig) -> Result<Self, Problem> {
        if wanted == &self.config {
            return Ok(self.clone());
        }
        let name = shown(&self.path);
        let text = edit::to(&self.text, &self.config, wanted)
            .filter(|text| parse(&name, text).is_ok_and(|config| &config == wanted))
            .ok_or_else(|| {
                Problem::new(format!("{name} could not be changed"))
                    .why("its layout cannot be edited without losing something, so it was not changed")
                    .fix(Remedy::from("write its hosts as a plain block list (- host: ...)").then(Remedy::again()))
            })?;
        Ok(Self {
            path: self.path.clone(),
            text,
            config: wanted.clone(),
            misspelled: self.misspelled.clone(),
        })
    }

    /// Writes the file under a temporary name; [`store::PendingFile::commit`] renames it
    /// into place.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn prepare(&self, store: &store::Store) -> Result<store::PendingFile, Problem> {
        store.prepare_file(&self.path, self.text.as_bytes(), store::PUBLIC)
    }

    /// Writes the file in one step. A symbolic link is not followed.
    ///
    /// # Errors
    /// If it cannot be written; the old one is then still there.
    pub fn write(&self) -> Result<(), Problem> {
        store::write_file(&self.path, self.text.as_bytes(), store::PUBLIC)
    }
}

/// A new workspace's id: 16 lower-case hex digits.
///
/// # Errors
/// If the system provides no random bytes.
pub fn new_id() -> Result<String, Problem> {
    let mut bytes = [0; 8];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Problem::new("cannot create a workspace id").why("the system provided no random bytes"))?;
    Ok(format!("{:016x}", u64::from_be_bytes(bytes)))
}

/// Parses the text of an istio-tls.yaml; `name` is its name in errors.
///
/// # Errors
/// If it is not YAML, has another version, or violates a rule; with line and column.
pub fn parse(name: &str, text: &str) -> Result<WorkspaceConfig, Problem> {
    let config: WorkspaceConfig = match serde_saphyr::from_str_with_options(text, options()) {
        Ok(config) => config,
        Err(error) => {
            return Err(match other_version(text) {
                Some(version) => version_problem(name, text, version),
                None => syntax_problem(name, &error),
            });
        }
    };
    if config.version != VERSION {
        return Err(version_problem(name, text, config.version));
    }
    check(name, text, &config)?;
    Ok(config)
}

fn options() -> Options {
    serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
        // 100,000 hosts with a dozen fields; such a file does not need aliases.
        budget: serde_saphyr::budget! {
            max_events: 8_000_000,
            max_nodes: 4_000_000,
            max_aliases: 100,
            max_anchors: 100,
        },
    }
}

fn shown(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    path.display().to_string()
}

fn syntax_problem(name: &str, error: &serde_saphyr::Error) -> Problem {
    let at = match error.location() {
        Some(place) if place.line() > 0 => format!("{name}:{}:{}", place.line(), place.column()),
        _ => name.to_owned(),
    };
    let text = error.without_snippet().to_string();
    // The place is given once, in `at`.
    let mut why = text.lines().next().unwrap_or_default();
    if let Some(end) = why.find(" at line ") {
        why = &why[..end];
    }
    if let Some((place, rest)) = why.split_once(": ")
        && place.starts_with("error: line ")
    {
        why = rest;
    }
    let problem = Problem::new(format!("{name} is not a valid workspace file")).at(at);
    if let serde_saphyr::Error::SerdeUnknownVariant { variant, expected, .. } = error.without_snippet() {
        let problem = problem.why(format!("unknown value {variant}: expected {}", expected.join(", ")));
        return match spelling::nearest(variant, expected.iter().copied()) {
            Some(meant) => problem.fix(format!("did you mean {meant}?")),
            None => problem,
        };
    }
    let (why, fix) = in_words(why);
    match fix {
        Some(fix) => problem.why(why).fix(fix),
        None => problem.why(why),
    }
}

/// The YAML parser's message, in words of this file; and what to do, if known.
fn in_words(said: &str) -> (String, Option<Remedy>) {
    let word = |prefix: &str| {
        said.strip_prefix(prefix)
            .map(|rest| rest.split(['`', ',']).next().unwrap_or(rest))
    };
    if let Some(key) = word("duplicate mapping key: ") {
        return (
            format!("the key {key} is duplicated"),
            Some("keep one of the two".into()),
        );
    }
    if let Some(field) = word("missing field `") {
        let fix = match field {
            "credentialName" => {
                "name the host's Secret, such as credentialName: httpbin-credential; gen-certs and adopt \
                 write complete entries"
                    .into()
            }
            "id" => missing_id(),
            "version" => "add version: 1; init writes a complete file".into(),
            _ => return (format!("the field {field} is missing"), None),
        };
        return (format!("the field {field} is missing"), Some(fix));
    }
    // A host's own message: what is wrong, why, what to do; the parser escapes the line
    // breaks.
    if let Some((what, rest)) = said.split_once("\\n  why: ") {
        let why = rest.split("\\n").next().unwrap_or(rest);
        return (format!("{what}: {why}"), None);
    }
    let plain = match said {
        _ if said.starts_with("budget breached") => "it is too large, or its aliases expand to too much",
        "recursion limit exceeded" => "it is nested too deeply",
        "unexpected end of input" => "it is empty, or not a mapping of fields to values",
        "expected sequence start" => "expected a list (sequence)",
        "expected mapping start" => "expected a mapping of fields to values",
        "externally tagged enum expected scalar or mapping" => "expected a single word",
        _ => return (said.to_owned(), None),
    };
    (plain.to_owned(), None)
}

/// Where to find the lost id, and a new one: two workspaces with the same id would treat
/// each other's objects as their own.
fn missing_id() -> Remedy {
    let new = match new_id() {
        Ok(id) => format!("add id: {id}"),
        Err(_) => "init in an empty folder creates one".to_owned(),
    };
    let secrets = Line::new(
        Kind::KubectlGet,
        ["get", "secrets", "-A", "-L", "istio-tls.dev/workspace"],
    );
    Remedy::from("if anything was applied, add the id in the label istio-tls.dev/workspace of its objects: ")
        .and(secrets)
        .and(format!("; otherwise {new}"))
}

/// The version, if it is readable and different from ours.
fn other_version(text: &str) -> Option<u32> {
    #[derive(serde::Deserialize)]
    struct Head {
        version: u32,
    }
    let head: Head = serde_saphyr::from_str_with_options(text, options()).ok()?;
    (head.version != VERSION).then_some(head.version)
}

fn version_problem(name: &str, text: &str, version: u32) -> Problem {
    problem_at(
        name,
        text,
        &[Step::Key("version")],
        format!("{name} has version {version}"),
    )
    .why(format!("this release reads version {VERSION}"))
    .fix("use the release of istio-tls that wrote it, or a newer one")
}

/// The rules that types cannot express.
fn check(name: &str, text: &str, config: &WorkspaceConfig) -> Result<(), Problem> {
    let wrong = |steps: &[Step<'_>], problem: Problem| {
        let mut placed = problem_at(name, text, steps, problem.what);
        placed.why = problem.why;
        placed.fix = problem.fix;
        placed
    };
    if config.id.len() != 16
        || !config
            .id
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    {
        return Err(wrong(
            &[Step::Key("id")],
            Problem::new(format!("the id {:?} is not a workspace id", config.id))
                .why("it labels this workspace's objects in a cluster: 16 lower-case hex digits"),
        ));
    }
    let gateway = &config.gateway;
    names::check_object_name("Gateway", &gateway.name)
        .map_err(|problem| wrong(&[Step::Key("gateway"), Step::Key("name")], problem))?;
    for (field, namespace) in [
        ("namespace", &gateway.namespace),
        ("podNamespace", &gateway.pod_namespace),
    ] {
        if !names::is_dns_label(namespace) {
            return Err(wrong(
                &[Step::Key("gateway"), Step::Key(field)],
                Problem::new(format!("{namespace:?} is not a valid namespace"))
                    .why("a namespace consists of lower-case letters, digits and hyphens, at most 63"),
            ));
        }
    }
    let (mut hosts, mut credentials) = (HashSet::new(), HashSet::new());
    for (index, entry) in config.hosts.iter().enumerate() {
        let at = |field| [Step::Key("hosts"), Step::Index(index), Step::Key(field)];
        if !hosts.insert(&entry.host) {
            return Err(wrong(
                &at("host"),
                Problem::new(format!("the host {} is listed twice", entry.host)).fix("remove one of the two entries"),
            ));
        }
        names::check_object_name("Secret", &entry.credential_name)
            .map_err(|problem| wrong(&at("credentialName"), problem))?;
        if !credentials.insert(&entry.credential_name) {
            return Err(wrong(
                &at("credentialName"),
                Problem::new(format!("the credentialName {} is used twice", entry.credential_name))
                    .why("each host's Secret has its own name")
                    .fix("give one of the hosts another credentialName"),
            ));
        }
        for client in &entry.clients {
            check_client_name(client).map_err(|problem| wrong(&at("clients"), problem))?;
        }
        for route in &entry.routes {
            let ((Some(path), None) | (None, Some(path))) = (&route.exact, &route.prefix) else {
                return Err(wrong(
                    &at("routes"),
                    Problem::new(format!(
                        "a route of {} must have exactly one of exact and prefix",
                        entry.host
                    )),
                ));
            };
            if !path.starts_with('/') {
                return Err(wrong(
                    &at("routes"),
                    Problem::new(format!("the route {path:?} of {} does not start with /", entry.host)),
                ));
            }
            if route.service.is_empty() || route.port == 0 {
                return Err(wrong(
                    &at("routes"),
                    Problem::new(format!("the route {path} of {} names no service and port", entry.host)),
                ));
            }
        }
    }
    Ok(())
}

/// A step in the path of a field.
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

fn problem_at(name: &str, text: &str, steps: &[Step<'_>], what: String) -> Problem {
    let mut path = String::new();
    for step in steps {
        match step {
            Step::Key(key) if path.is_empty() => path.push_str(key),
            Step::Key(key) => path.extend([".", key]),
            Step::Index(index) => path.extend(["[", &index.to_string(), "]"]),
        }
    }
    let at = match locate(text, steps) {
        Some((line, column)) => format!("{name}:{line}:{column}  {path}"),
        None => format!("{name}  {path}"),
    };
    Problem::new(what).at(at)
}

/// Line and column of a field's value, from 1.
fn locate(text: &str, steps: &[Step<'_>]) -> Option<(usize, usize)> {
    let document: yaml_edit::Document = text.parse().ok()?;
    let mut node = yaml_edit::YamlNode::Mapping(document.as_mapping()?);
    for step in steps {
        node = match step {
            Step::Key(key) => node.as_mapping()?.get(*key)?,
            Step::Index(index) => node.as_sequence()?.get(*index)?,
        };
    }
    let start = node.byte_range().start as usize;
    let before = text.get(..start)?;
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    Some((
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    ))
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::{WorkspaceFile, parse};

    const HEAD: &str = "version: 1\nid: 0123456789abcdef\n";

    #[test]
    fn the_starter_is_valid_and_empty() {
        let file = WorkspaceFile::starter(Path::new("."), "0123456789abcdef");
        assert_eq!(file.config.id, "0123456789abcdef");
        assert!(file.config.hosts.is_empty());
        assert!(file.text.contains('#'), "the initial content explains itself");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, place, said) in [
            ("version: 2\nfoo: bar\n", "f.yaml:1:10", "has version 2"),
            ("version: 1\n", "f.yaml", "id"),
            (
                "version: 1\nid: 0123456789abcdef\nid: 0123456789abcdef\n",
                "f.yaml:3:",
                "duplicate",
            ),
            ("version: [1\n", "f.yaml:", "not a valid"),
            ("version: 1\nid: 0123456789abcdef\nmode: sure\n", "f.yaml:3:", "sure"),
            (
                "version: 1\nid: 0123456789abcdef\nhosts: yes\n",
                "f.yaml:3:",
                "sequence",
            ),
            ("version: 1\nid: XYZ\n", "f.yaml:2:5", "XYZ"),
            (
                "version: 1\nid: 0123456789abcdef\nhosts:\n  - host: a.com\n    credentialName: UP\n",
                "f.yaml:5:21",
                "UP",
            ),
            (
                "version: 1\nid: 0123456789abcdef\nhosts:\n  - host: ../evil\n    credentialName: a\n",
                "f.yaml:4:",
                "../evil\" is not a host name: it contains a slash",
            ),
            ("", "f.yaml:1:1", "it is empty"),
            (
                "version: 1\nid: 0123456789abcdef\nhosts:\n  - host: a.com\n",
                "f.yaml:4:5",
                "such as credentialName: httpbin-credential",
            ),
            (
                "version: 1\nid: 0123456789abcdef\nmode: simple\nmode: mutual\n",
                "f.yaml:4:1",
                "the key mode is duplicated\n  try: keep one",
            ),
            (
                "version: 1\nid: 0123456789abcdef\nhosts:\n  - host: a.com\n    credentialName: a\n    clients: [../../evil]\n",
                "f.yaml:6:",
                "evil",
            ),
            (
                "version: 1\nid: 0123456789abcdef\nhosts:\n  - host: a.com\n    credentialName: a\n  - host: a.com\n    credentialName: b\n",
                "f.yaml:6:11",
                "twice",
            ),
        ] {
            let problem = parse("f.yaml", text).expect_err(text);
            let shown = problem.text(&crate::remedy::Aim::default());
            assert!(
                problem.at.as_deref().unwrap_or_default().starts_with(place),
                "{text}\n{shown}"
            );
            assert!(shown.to_lowercase().contains(&said.to_lowercase()), "{text}\n{shown}");
        }
    }

    #[test]
    fn an_id_that_is_missing_is_nobody_elses() {
        let fix = || {
            parse("f.yaml", "version: 1\n")
                .expect_err("no id")
                .fix
                .expect("a fix")
                .to_string()
        };
        let (one, two) = (fix(), fix());
        assert!(
            one.contains("kubectl get secrets -A -L istio-tls.dev/workspace"),
            "{one}"
        );
        let id = |fix: &str| fix.rsplit("id: ").next().expect("an id").to_owned();
        assert_ne!(id(&one), id(&two));
        parse("f.yaml", &format!("version: 1\nid: {}\n", id(&one))).expect("it can be used as printed");
    }

    #[test]
    fn no_hosts_may_be_said_in_three_ways() {
        for hosts in ["", "hosts:\n", "hosts: []\n"] {
            let config = parse("f.yaml", &format!("{HEAD}{hosts}")).expect(hosts);
            assert!(config.hosts.is_empty());
        }
    }

    #[test]
    fn a_bomb_is_refused_quickly() {
        let mut text = format!("{HEAD}a: &a [x,x,x,x,x,x,x,x,x]\n");
        for (name, before) in ["b", "c", "d", "e", "f", "g", "h"]
            .iter()
            .zip(["a", "b", "c", "d", "e", "f", "g"])
        {
            let list = vec![format!("*{before}"); 9].join(",");
            let _ = writeln!(text, "{name}: &{name} [{list}]");
        }
        text.push_str("hosts: *h\n");
        let problem = parse("f.yaml", &text).expect_err("a bomb");
        assert_eq!(
            problem.why.as_deref(),
            Some("it is too large, or its aliases expand to too much")
        );
    }
}
