//! Parses YAML or JSON text into objects: documents, `List`s and typed values, with the position of
//! every field. Files are read by the caller.

mod decode;
mod ignore;
mod placeholder;
mod position;
mod scalar;
mod tree;

use std::sync::Arc;

pub use ignore::Ignore;
pub use position::{Location, Origin, Position};

use super::model::{Deployment, Gateway, Manifest, ObjectMeta, Secret, Service, VirtualService};
use super::model::{Other, deployment, gateway, secret, service, virtual_service};
use crate::names;
use crate::problem::Problem;
use crate::remedy::Remedy;
use crate::spelling;
use decode::{DecodeError, UnknownField, decode};
use tree::{Documents, Node, Value};

/// The objects of a file.
#[derive(Debug, Default)]
pub struct Loaded {
    /// The objects, in order.
    pub objects: Vec<Object>,
    /// Fields that an API server would drop or complain about.
    pub warnings: Vec<Warning>,
    /// What cannot be read, or what an API server would refuse. Other objects are still read, up to
    /// the first syntax error.
    pub errors: Vec<LoadError>,
    /// Ignore comments, in text order.
    pub ignores: Vec<Ignore>,
    /// Whether the text is intended to contain objects: one has an `apiVersion` and a `kind`, or a
    /// group of ours. Values, patches and compose files do not.
    pub is_manifest: bool,
}

impl Loaded {
    /// Everything, if all of it could be read.
    ///
    /// # Errors
    /// The first of [`Loaded::errors`].
    pub fn whole(mut self) -> Result<Self, LoadError> {
        if self.errors.is_empty() {
            return Ok(self);
        }
        Err(self.errors.swap_remove(0))
    }
}

/// An object and its origin.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its origin.
    pub origin: Origin,
    /// The object.
    pub manifest: Manifest,
}

impl Object {
    /// Its identity on an API server: group, kind, namespace (`namespace` if it has none) and name.
    /// The version is not part of it.
    pub fn identity<'o>(&'o self, namespace: &'o str) -> (&'o str, &'o str, &'o str, &'o str) {
        let version = self.manifest.api_version();
        let group = version.rsplit_once('/').map_or("", |(group, _)| group);
        let metadata = self.manifest.metadata();
        (
            group,
            self.manifest.kind(),
            metadata.namespace_or(namespace),
            &metadata.name,
        )
    }
}

/// The object concerned, as far as its header could be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// `kind`.
    pub kind: String,
    /// `metadata.namespace`, if set.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
}

impl Named {
    fn of(node: &Node, kind: &str) -> Option<Self> {
        let field = |name: &str| Some(node.get("metadata")?.get(name)?.as_str()?.to_owned());
        Some(Self {
            kind: kind.to_owned(),
            namespace: field("namespace"),
            name: field("name")?,
        })
    }

    /// `Kind namespace/name`, with `default_namespace` for an object without a namespace.
    pub fn title(&self, default_namespace: &str) -> String {
        let namespace = self.namespace.as_deref().unwrap_or(default_namespace);
        format!("{} {namespace}/{}", self.kind, self.name)
    }
}

/// Something unusual that is not an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where.
    pub location: Location,
    /// The field's path; empty for the whole object.
    pub path: String,
    /// The description.
    pub message: String,
    /// The probably intended field.
    pub meant: Option<&'static str>,
    /// The object.
    pub object: Option<Named>,
}

impl From<Warning> for Problem {
    fn from(warning: Warning) -> Self {
        let at = place(&warning.location, &warning.path, warning.object.as_ref());
        let problem = Self::new(warning.message).at(at);
        match warning.meant {
            Some(meant) => problem.fix(format!("did you mean {meant}?")),
            None => problem,
        }
    }
}

/// Why a text contains no objects: it is not YAML, or a value would be refused by an API server.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{location}: {message}")]
pub struct LoadError {
    /// Where.
    pub location: Location,
    /// The field's path; empty if the text is not YAML.
    pub path: String,
    /// What is wrong.
    pub message: String,
    /// How to fix it, if known.
    pub fix: Option<Remedy>,
    /// The object, if its header could be read.
    pub object: Option<Box<Named>>,
    /// Not an error: another tool fills in a value first, so the object is not known yet.
    pub placeholder: bool,
}

impl LoadError {
    /// A file that cannot be read at all.
    pub fn of_file(path: &std::path::Path, problem: &Problem) -> Self {
        Self {
            location: Location {
                file: Arc::from(path.display().to_string()),
                line: 0,
                column: 0,
            },
            path: String::new(),
            message: match &problem.why {
                Some(why) => format!("{}: {why}", problem.what),
                None => problem.what.clone(),
            },
            fix: problem.fix.clone(),
            object: None,
            placeholder: false,
        }
    }
}

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        let at = place(&error.location, &error.path, error.object.as_deref());
        let problem = Self::new(&error.message).at(at);
        match error.fix {
            Some(fix) => problem.fix(fix),
            None => problem,
        }
    }
}

fn place(location: &Location, path: &str, object: Option<&Named>) -> String {
    let whole = match object {
        // Objects without a file are identified by name.
        Some(object) if location.file.is_empty() => object.title("default"),
        _ => location.to_string(),
    };
    if path.is_empty() {
        whole
    } else {
        format!("{whole}  {path}")
    }
}

/// Reads all objects of a text; `name` is used in positions (a file name as given by the user, or
/// `-`). Errors are: text that is not YAML or JSON, a duplicate key, aliases that expand to too
/// much, a document that is not an object, a field of the wrong type, an unknown version of a known
/// kind.
pub fn load(text: &str, name: &str) -> Loaded {
    let mut loading = Loading {
        file: Arc::from(name),
        loaded: Loaded::default(),
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut documents = Documents::new(text);
    let mut comments = Vec::new();
    let mut is_broken = false;
    while let Some(document) = documents.next() {
        let lines = document
            .as_ref()
            .ok()
            .map(|node| (node.position.line, documents.last_line));
        is_broken |= document.is_err();
        let read = document
            .map_err(|error| loading.error(error.position, "", error.message))
            .and_then(|document| loading.document(&document, None));
        if let Err(error) = read {
            loading.loaded.errors.push(error);
        }
        comments.extend(documents.comments.drain(..).map(|comment| (comment, lines)));
    }
    comments.extend(documents.comments.drain(..).map(|comment| (comment, None)));
    if !comments.is_empty() {
        let starts: Vec<u32> = loading
            .loaded
            .objects
            .iter()
            .map(|object| object.origin.position.line)
            .collect();
        loading.loaded.ignores = ignore::ignores(comments, text, &loading.file, &starts);
    }
    loading.loaded.is_manifest |= is_broken && names_a_version(text);
    loading.loaded
}

/// Whether a text that is not YAML or JSON was intended to contain objects.
fn names_a_version(text: &str) -> bool {
    let mut lines = text.lines();
    let begins = ["apiVersion:", "kind:"];
    lines.any(|line| begins.iter().any(|field| line.starts_with(field)) || line.contains("\"apiVersion\""))
}

/// Like [`load`], for bytes; invalid UTF-8 is an error, too.
pub fn load_bytes(bytes: &[u8], name: &str) -> Loaded {
    match utf8(bytes, name) {
        Ok(text) => load(text, name),
        Err(error) => Loaded {
            errors: vec![error],
            ..Loaded::default()
        },
    }
}

/// All objects of a text unchanged, including unknown fields; lists are split up. For sending
/// objects on: [`load`] decides whether a text is valid, and what it refuses is omitted here.
pub fn contents(text: &str, name: &str) -> Vec<serde_json::Value> {
    let loading = Loading {
        file: Arc::from(name),
        loaded: Loaded::default(),
    };
    let mut contents = Vec::new();
    for node in Documents::new(text.strip_prefix('\u{feff}').unwrap_or(text)).flatten() {
        loading.whole(&node, None, &mut contents);
    }
    contents
}

/// Reads an object from an API server, without a file. Unknown fields are silently dropped, since
/// the server knows them.
///
/// # Errors
/// If it does not match its kind; the error contains the object.
pub fn object(value: &serde_json::Value) -> Result<Object, LoadError> {
    let mut loading = Loading {
        file: Arc::from(""),
        loaded: Loaded::default(),
    };
    let node = Node::from_json(value);
    loading.document(&node, None)?;
    let object = loading.loaded.objects.pop();
    object
        .map(|object| Object {
            // There is no text to refer to, so positions are not needed.
            origin: Origin::nowhere(),
            ..object
        })
        .ok_or_else(|| loading.error(node.position, "", "it does not contain an object"))
}

fn utf8<'a>(bytes: &'a [u8], name: &str) -> Result<&'a str, LoadError> {
    std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let position = Position {
            line: u32::try_from(String::from_utf8_lossy(before).matches('\n').count() + 1).unwrap_or(u32::MAX),
            column: u32::try_from(String::from_utf8_lossy(&before[line_start..]).chars().count() + 1)
                .unwrap_or(u32::MAX),
        };
        LoadError {
            location: Location::new(&Arc::from(name), position),
            path: String::new(),
            message: "the file is not UTF-8 text".into(),
            fix: None,
            object: None,
            placeholder: false,
        }
    })
}

/// Reads documents as plain JSON values, of any kind.
///
/// # Errors
/// The first document that is not YAML.
pub fn values(text: &str) -> Result<Vec<serde_json::Value>, LoadError> {
    let file = Arc::from("template");
    Documents::new(text)
        .map(|document| {
            document.map(|node| node.to_json()).map_err(|error| LoadError {
                location: Location::new(&file, error.position),
                path: String::new(),
                message: error.message,
                fix: None,
                object: None,
                placeholder: false,
            })
        })
        .filter(|value| !matches!(value, Ok(serde_json::Value::Null)))
        .collect()
}

/// Istio's API group.
const ISTIO_GROUP: &str = "networking.istio.io";
/// The versions of Istio's networking API with this schema.
const ISTIO_VERSIONS: &[&str] = &["v1", "v1beta1", "v1alpha3"];
/// The kinds of that group.
const ISTIO_KINDS: &[&str] = &[
    gateway::KIND,
    virtual_service::KIND,
    "DestinationRule",
    "EnvoyFilter",
    "ProxyConfig",
    "ServiceEntry",
    "Sidecar",
    "WorkloadEntry",
    "WorkloadGroup",
];
/// Whether an object's values are interpreted; in others, `$(NAME)` may belong to Kubernetes
/// itself.
fn is_judged(api_version: &str, kind: &str) -> bool {
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    matches!(group, ISTIO_GROUP | "gateway.networking.k8s.io")
        || api_version == "v1" && matches!(kind, secret::KIND | service::KIND)
}

/// All versions of Deployments.
const DEPLOYMENT_VERSIONS: &[&str] = &["apps/v1", "apps/v1beta2", "apps/v1beta1", "extensions/v1beta1"];

/// The built-in kind that was probably intended.
fn meant_builtin(api_version: &str, kind: &str) -> Option<&'static str> {
    let known: &[&str] = match api_version {
        "v1" => &[secret::KIND, service::KIND],
        "apps/v1" => &[deployment::KIND],
        _ => return None,
    };
    spelling::nearest(kind, known.iter().copied())
}

/// An item of a typed list with the fields that it omits.
fn with_header(node: &Node, api_version: &str, kind: &str) -> Node {
    let mut whole = node.clone();
    if let Value::Mapping(entries) = &mut whole.value {
        for (key, value) in [("apiVersion", api_version), ("kind", kind)] {
            if !entries.iter().any(|entry| entry.key == key) {
                entries.push(tree::Entry {
                    key: key.to_owned(),
                    key_position: node.position,
                    value: Node {
                        position: node.position,
                        value: Value::String(value.to_owned()),
                    },
                });
            }
        }
    }
    whole
}

struct Loading {
    file: Arc<str>,
    loaded: Loaded,
}

impl Loading {
    fn error(&self, position: Position, path: &str, message: impl Into<String>) -> LoadError {
        LoadError {
            location: Location::new(&self.file, position),
            path: path.to_owned(),
            message: message.into(),
            fix: None,
            object: None,
            placeholder: false,
        }
    }

    /// Handles a document, or an item of a list; `inherited` is the version and kind that items of
    /// a typed list omit.
    fn document(&mut self, node: &Node, inherited: Option<(&str, &str)>) -> Result<(), LoadError> {
        if node.value == Value::Null {
            return Ok(());
        }
        if !matches!(node.value, Value::Mapping(_)) {
            return Err(self.error(
                node.position,
                "",
                format!("expected a Kubernetes object, found {}", node.kind()),
            ));
        }
        let group = node.get("apiVersion").and_then(Node::as_str).unwrap_or_default();
        let is_ours = group.contains("istio.io/") || group.starts_with("gateway.networking.k8s.io/");
        self.loaded.is_manifest |= is_ours || node.get("apiVersion").is_some() && node.get("kind").is_some();
        let api_version = self.header(node, "apiVersion", inherited.map(|(version, _)| version))?;
        let kind = self.header(node, "kind", inherited.map(|(_, kind)| kind))?;
        if let (Some(item_kind), Some(items)) = (kind.strip_suffix("List"), node.get("items")) {
            let Value::Sequence(items) = &items.value else {
                return Err(self.error(
                    items.position,
                    "items",
                    format!("expected a list, found {}", items.kind()),
                ));
            };
            let inherited = (!item_kind.is_empty()).then_some((api_version, item_kind));
            for item in items {
                if let Err(error) = self.document(item, inherited) {
                    self.loaded.errors.push(error);
                }
            }
            return Ok(());
        }
        if inherited.is_some() && (node.get("apiVersion").is_none() || node.get("kind").is_none()) {
            let whole = with_header(node, api_version, kind);
            return self.document(&whole, None);
        }
        if is_judged(api_version, kind)
            && let Some(open) = placeholder::first(node)
        {
            return Err(LoadError {
                object: Named::of(node, kind).map(Box::new),
                placeholder: true,
                fix: Some("let the tool fill it in first, and use its output".into()),
                ..self.error(
                    open.position,
                    "",
                    format!("{} is filled in by another tool", open.as_str().unwrap_or_default()),
                )
            });
        }
        let said = self.loaded.warnings.len();
        let manifest = self.manifest(node, api_version, kind).map_err(|error| LoadError {
            object: Named::of(node, kind).map(Box::new),
            ..error
        })?;
        for warning in &mut self.loaded.warnings[said..] {
            warning.object = Named::of(node, kind);
        }
        self.loaded.objects.push(Object {
            origin: Origin::new(&self.file, node),
            manifest,
        });
        Ok(())
    }

    /// The object, or those of a list, as plain JSON.
    fn whole(&self, node: &Node, inherited: Option<(&str, &str)>, contents: &mut Vec<serde_json::Value>) {
        let (Ok(api_version), Ok(kind)) = (
            self.header(node, "apiVersion", inherited.map(|(version, _)| version)),
            self.header(node, "kind", inherited.map(|(_, kind)| kind)),
        ) else {
            return;
        };
        if let (Some(item_kind), Some(items)) = (kind.strip_suffix("List"), node.get("items")) {
            let inherited = (!item_kind.is_empty()).then_some((api_version, item_kind));
            if let Value::Sequence(items) = &items.value {
                for item in items {
                    self.whole(item, inherited, contents);
                }
            }
            return;
        }
        contents.push(with_header(node, api_version, kind).to_json());
    }

    fn header<'a>(&self, node: &'a Node, field: &str, inherited: Option<&'a str>) -> Result<&'a str, LoadError> {
        match (node.get(field), inherited) {
            (Some(value), _) => match value.as_str() {
                Some(text) if !text.is_empty() => Ok(text),
                _ => Err(self.error(
                    value.position,
                    field,
                    format!("expected a string, found {}", value.kind()),
                )),
            },
            (None, Some(text)) => Ok(text),
            (None, None) => Err(self.error(
                node.position,
                "",
                format!("the field {field} is missing: this is not a Kubernetes object"),
            )),
        }
    }

    fn manifest(&mut self, node: &Node, api_version: &str, kind: &str) -> Result<Manifest, LoadError> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let istio = group == ISTIO_GROUP;
        let (known, wanted): (bool, Vec<String>) = match kind {
            gateway::KIND | virtual_service::KIND => (
                istio && ISTIO_VERSIONS.contains(&version),
                ISTIO_VERSIONS
                    .iter()
                    .map(|version| format!("{ISTIO_GROUP}/{version}"))
                    .collect(),
            ),
            // Encrypted by SOPS, so its values are unknown.
            secret::KIND if node.get("sops").is_some() => return Ok(Self::other(node, api_version, kind)),
            secret::KIND | service::KIND => (api_version == "v1", vec!["v1".into()]),
            deployment::KIND => (
                DEPLOYMENT_VERSIONS.contains(&api_version),
                DEPLOYMENT_VERSIONS
                    .iter()
                    .map(|version| (*version).to_owned())
                    .collect(),
            ),
            _ if istio && !ISTIO_KINDS.contains(&kind) => {
                let all = format!("one of {}", ISTIO_KINDS.join(", "));
                let fix = match spelling::nearest(kind, ISTIO_KINDS.iter().copied()) {
                    Some(meant) => format!("did you mean {meant}? It has {all}"),
                    None => all,
                };
                return Err(self.no_such_kind(node, ISTIO_GROUP, kind, fix));
            }
            // Kubernetes' built-in groups have no third-party kinds.
            _ if let Some(meant) = meant_builtin(api_version, kind) => {
                return Err(self.no_such_kind(node, api_version, kind, format!("did you mean {meant}?")));
            }
            _ => return Ok(Self::other(node, api_version, kind)),
        };
        if !known {
            // Another project's resource may have the same kind. Its group is its own domain.
            let foreign = group.contains('.') && !group.ends_with("istio.io");
            if foreign {
                return Ok(Self::other(node, api_version, kind));
            }
            let at = node.get("apiVersion").map_or(node.position, |node| node.position);
            let mut error = self.error(
                at,
                "apiVersion",
                format!("unknown apiVersion {api_version:?} of kind {kind}"),
            );
            error.fix = Some(format!("apiVersion: {}", wanted.join(" or ")).into());
            return Err(error);
        }
        match kind {
            gateway::KIND => self.typed::<Gateway>(node, true).map(Manifest::Gateway),
            virtual_service::KIND => self.typed::<VirtualService>(node, true).map(Manifest::VirtualService),
            secret::KIND => self.typed::<Secret>(node, true).map(Manifest::Secret),
            service::KIND => self.typed::<Service>(node, false).map(Manifest::Service),
            _ => self.typed::<Deployment>(node, false).map(Manifest::Deployment),
        }
        .and_then(|manifest| {
            self.check_metadata(node, manifest.metadata(), kind)?;
            Ok(manifest)
        })
    }

    fn no_such_kind(&self, node: &Node, group: &str, kind: &str, fix: String) -> LoadError {
        let position = node.get("kind").map_or(node.position, |node| node.position);
        LoadError {
            fix: Some(fix.into()),
            ..self.error(position, "kind", format!("{group} has no kind {kind:?}"))
        }
    }

    fn typed<T: serde::de::DeserializeOwned>(&mut self, node: &Node, complete: bool) -> Result<T, LoadError> {
        let (object, unknown) = decode(node).map_err(|error| self.misfit(node, error))?;
        if complete {
            for field in unknown {
                self.unknown_field(field);
            }
        }
        Ok(object)
    }

    fn misfit(&self, node: &Node, error: DecodeError) -> LoadError {
        let position = error.position.unwrap_or(node.position);
        let fix = error.meant.map(|meant| format!("did you mean {meant}?").into());
        LoadError {
            fix,
            ..self.error(position, &error.path, error.message)
        }
    }

    /// An API server accepts any `status`, and any `metadata` that it wrote itself.
    fn unknown_field(&mut self, field: UnknownField) {
        let first = field.path.split(['.', '[']).next().unwrap_or_default();
        if matches!(first, "apiVersion" | "kind" | "metadata" | "status") {
            return;
        }
        self.loaded.warnings.push(Warning {
            location: Location::new(&self.file, field.position),
            message: format!("unknown field {}: an API server drops or refuses it", field.path),
            path: field.path,
            meant: field.meant,
            object: None,
        });
    }

    fn other(node: &Node, api_version: &str, kind: &str) -> Manifest {
        let metadata = match node.get("metadata") {
            // Uninterpreted objects need no name.
            Some(metadata) => decode::<ObjectMeta>(metadata)
                .map(|(metadata, _)| metadata)
                .unwrap_or_default(),
            None => ObjectMeta::default(),
        };
        Manifest::Other(Other {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            metadata,
            content: node.to_json(),
        })
    }

    fn check_metadata(&self, node: &Node, metadata: &ObjectMeta, kind: &str) -> Result<(), LoadError> {
        let at = |field: &str| {
            let metadata = node.get("metadata");
            let found = metadata.and_then(|metadata| metadata.get(field));
            found.or(metadata).map_or(node.position, |node| node.position)
        };
        if let Err(problem) = names::check_object_name(kind, &metadata.name) {
            let why = problem.why.unwrap_or_default();
            return Err(self.error(at("name"), "metadata.name", format!("{}: {why}", problem.what)));
        }
        match &metadata.namespace {
            Some(namespace) if !names::is_dns_label(namespace) => Err(self.error(
                at("namespace"),
                "metadata.namespace",
                format!("{namespace:?} is not a namespace"),
            )),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
