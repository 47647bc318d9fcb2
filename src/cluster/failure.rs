//! Problems from failures with an API server. Objects in requests or responses are never quoted.

use serde::Deserialize;

use super::kubeconfig::Access;
use crate::problem::Problem;
use crate::remedy::{Kind, Line, Remedy, kubectl};
use crate::secrecy::looks_like_key;

/// What was requested from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The verb as RBAC names it: get, list, patch, create, delete.
    pub verb: &'static str,
    /// The resource as RBAC names it, `gateways.networking.istio.io`.
    pub resource: String,
    /// The namespace, if the resource has one.
    pub namespace: Option<String>,
    /// The object's title, `Gateway default/mygateway`; otherwise what was listed.
    pub title: String,
}

/// Why there is no result.
#[derive(Debug, Clone)]
pub enum ApiError {
    /// The server answered with an error.
    Status(Box<Status>),
    /// There was no response.
    NoAnswer(NoAnswer),
}

/// Why there was no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// Nothing listens there, or there is no route; with the system's message.
    Unreachable(String),
    /// The server's name cannot be resolved.
    UnknownHost(String),
    /// TLS failed; with the message of the TLS library.
    Tls(String),
    /// Timeout, after this many seconds.
    Timeout(u64),
    /// The connection broke off.
    Broken(String),
    /// The credentials could not be obtained (a plugin, a token file).
    Credentials(String),
    /// The response is not from a Kubernetes API.
    NotKubernetes(String),
}

/// The used part of Kubernetes' `Status`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Status {
    /// The HTTP status code.
    pub code: u16,
    /// One word: Conflict, Forbidden, Invalid.
    pub reason: String,
    /// The human-readable message.
    pub message: String,
    /// Details.
    pub details: Details,
    /// Whether the response was a `Status` at all; for an unknown path the server responds in plain
    /// text.
    #[serde(skip)]
    pub typed: bool,
    /// The header `Retry-After`, in seconds.
    #[serde(skip)]
    pub retry_after: Option<u64>,
}

/// `Status.details`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Details {
    /// The name of the object concerned.
    pub name: String,
    /// The resource concerned, in the plural.
    pub kind: String,
    /// One for each fault.
    pub causes: Vec<Cause>,
    /// When to retry, in seconds.
    pub retry_after_seconds: u64,
}

/// One fault of a request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Cause {
    /// One word: FieldManagerConflict, FieldValueInvalid.
    pub reason: String,
    /// The human-readable message.
    pub message: String,
    /// The field.
    pub field: String,
}

impl Status {
    /// Whether another manager owns fields that were to be applied.
    pub fn is_field_conflict(&self) -> bool {
        self.code == 409 && self.causes_of("FieldManagerConflict").next().is_some()
    }

    /// Whether the object does not exist (but its kind does).
    pub fn is_not_found(&self) -> bool {
        self.code == 404 && self.typed && self.reason == "NotFound"
    }

    /// Whether the namespace of the object does not exist.
    pub fn is_namespace_missing(&self) -> bool {
        self.is_not_found() && self.details.kind == "namespaces"
    }

    /// Whether the sent object is invalid for this server, now and later.
    pub fn is_input(&self) -> bool {
        let is_invalid = matches!(self.code, 400 | 422) && !self.is_denied();
        is_invalid || self.is_namespace_missing() || (self.code == 500 && self.misfit().is_some())
    }

    /// Whether the API server could not reach the kubelet of a pod's node.
    pub fn is_node_unreachable(&self) -> bool {
        let said = |words: &str| self.message.contains(words);
        // Streams, commands and logs, in this order.
        said("error dialing backend")
            || said("error sending request: ")
            || (said("/containerLogs/") && said("dial tcp"))
    }

    /// Whether a policy or webhook of the cluster denied it.
    fn is_denied(&self) -> bool {
        self.message.contains("denied request: ") || self.message.contains(" denied the request")
    }

    fn causes_of(&self, reason: &'static str) -> impl Iterator<Item = &Cause> {
        self.details.causes.iter().filter(move |cause| cause.reason == reason)
    }

    /// `FIELD is managed by MANAGER`, one line per conflict.
    pub fn conflicts(&self) -> Vec<String> {
        self.causes_of("FieldManagerConflict")
            .map(|cause| {
                let manager = manager_of(&cause.message).unwrap_or("another manager");
                format!("{} is managed by {manager}", cause.field.trim_start_matches('.'))
            })
            .collect()
    }

    /// The fields of an applied object that do not fit the schema: server-side apply responds with
    /// 500. The actual values are omitted.
    fn misfit(&self) -> Option<&str> {
        let (_, rest) = self.message.split_once("failed to create typed patch object (")?;
        let (_, fields) = rest.split_once("): ")?;
        Some(fields.split(", got ").next().unwrap_or(fields))
    }

    /// Whether the same request may succeed a little later.
    pub fn may_pass(&self) -> bool {
        match self.code {
            409 => !self.is_field_conflict() && self.reason != "AlreadyExists",
            429 | 502 | 503 | 504 => true,
            500 if self.misfit().is_some() || self.is_node_unreachable() => false,
            500 => !self.message.contains("admission webhook") || self.message.contains("failed calling webhook"),
            _ => false,
        }
    }
}

/// In `conflict with "kubectl-create" using v1`, the manager is in quotes.
fn manager_of(message: &str) -> Option<&str> {
    message.split('"').nth(1).filter(|name| !name.is_empty())
}

impl ApiError {
    /// The response, if there was one.
    pub fn status(&self) -> Option<&Status> {
        match self {
            Self::Status(status) => Some(status),
            Self::NoAnswer(_) => None,
        }
    }

    /// Whether the same request may succeed a little later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Status(status) => status.may_pass(),
            Self::NoAnswer(NoAnswer::Unreachable(_) | NoAnswer::Broken(_) | NoAnswer::Timeout(_)) => true,
            Self::NoAnswer(_) => false,
        }
    }

    /// Whether the server may have executed the request: it received the request and did not refuse
    /// it.
    pub fn may_be_done(&self) -> bool {
        match self {
            Self::Status(status) => status.code >= 500 && status.misfit().is_none(),
            Self::NoAnswer(NoAnswer::Broken(_) | NoAnswer::Timeout(_) | NoAnswer::NotKubernetes(_)) => true,
            Self::NoAnswer(_) => false,
        }
    }

    /// Whether the server may still be executing it.
    pub fn may_be_under_way(&self) -> bool {
        matches!(self, Self::NoAnswer(NoAnswer::Timeout(_)))
    }

    /// The error of the last try, after an earlier one may have been executed.
    #[must_use]
    pub(super) fn after_lost(self) -> Self {
        match self {
            Self::NoAnswer(NoAnswer::Unreachable(why) | NoAnswer::UnknownHost(why)) => {
                Self::NoAnswer(NoAnswer::Broken(format!("it has been unreachable since: {why}")))
            }
            other => other,
        }
    }

    /// How long the server requests to wait, in seconds.
    pub fn retry_after(&self) -> Option<u64> {
        let status = self.status()?;
        status
            .retry_after
            .or(Some(status.details.retry_after_seconds).filter(|seconds| *seconds > 0))
    }

    /// The problem in words.
    pub fn problem(&self, asked: &Asked, access: &Access) -> Problem {
        access.aim(match self {
            Self::NoAnswer(reason) => no_answer(reason, access),
            Self::Status(status) => status_problem(status, asked, access),
        })
    }
}

fn no_answer(reason: &NoAnswer, access: &Access) -> Problem {
    let server = &access.server;
    let at = format!("context {}", access.context);
    match reason {
        NoAnswer::Unreachable(why) => Problem::new(format!("the API server {server} cannot be reached"))
            .at(at)
            .why(why)
            .fix(
                Remedy::from("start the cluster, or check address, VPN and proxy; ")
                    .and(Line::new(Kind::KubectlVersion, ["version"]))
                    .and(" shows whether it responds"),
            ),
        NoAnswer::UnknownHost(why) => Problem::new(format!("the name of the API server {server} cannot be resolved"))
            .at(at)
            .why(why)
            .fix("check the server in the kubeconfig, and the VPN or DNS that resolves it"),
        NoAnswer::Timeout(seconds) => Problem::new(format!("the API server {server} does not respond"))
            .at(at)
            .why(format!("no response within {seconds} s"))
            .fix("try again; if that does not help, check the cluster's control plane"),
        NoAnswer::Broken(why) => Problem::new(format!("the connection to the API server {server} broke off"))
            .at(at)
            .why(why)
            .fix(Remedy::again()),
        NoAnswer::Tls(why) => {
            let problem = Problem::new(format!("TLS with the API server {server} failed"))
                .at(at)
                .why(why);
            if why.contains("UnknownIssuer") || why.contains("unknown issuer") {
                problem.fix("put the CA of the API server into the kubeconfig (certificate-authority-data); another server may listen there now")
            } else {
                problem.fix("check server, tls-server-name and certificate-authority-data in the kubeconfig")
            }
        }
        NoAnswer::Credentials(why) => Problem::new(format!(
            "the credentials of the user {:?} could not be obtained",
            access.user
        ))
        .at(at)
        .why(why)
        .fix("log in again with the tool that created the kubeconfig"),
        NoAnswer::NotKubernetes(why) => Problem::new(format!(
            "{server} does not respond like a Kubernetes API \
            server"
        ))
        .at(at)
        .why(why)
        .fix("check the server in the kubeconfig; a proxy or another program may listen there"),
    }
}

fn status_problem(status: &Status, asked: &Asked, access: &Access) -> Problem {
    let at = format!("{} in context {}", asked.title, access.context);
    match status.code {
        401 => unauthorized(access),
        403 if status.message.contains("is being terminated") => {
            Problem::new(format!("the namespace of {} is being deleted", asked.title))
                .at(at)
                .why("nothing new can be created in it in the meantime")
                .fix(
                    Remedy::from("wait until it is gone (")
                        .and(kubectl::get(&["namespaces"]))
                        .and("), create it again, then run the same command again"),
                )
        }
        403 if status.message.contains("User \"") || status.message.is_empty() => forbidden(status, asked, access),
        // Admission: a quota, a policy, a webhook; or a proxy instead of an API server.
        403 => not_admitted(status, asked, at),
        // A ValidatingAdmissionPolicy chooses its own status code.
        400..500 if status.is_denied() => not_admitted(status, asked, at),
        404 if status.is_namespace_missing() => {
            let namespace = &status.details.name;
            Problem::new(format!("the namespace {namespace} does not exist"))
                .at(at)
                .fix(Line::new(
                    Kind::KubectlCreateNamespace,
                    ["create", "namespace", namespace],
                ))
        }
        409 if status.is_field_conflict() => Problem::new(format!("{} is also managed by others", asked.title))
            .at(at)
            .why(status.conflicts().join("\n"))
            .fix("--force-conflicts takes over these fields; or remove the other manager first"),
        422 | 400 => {
            let mut lines: Vec<String> = status
                .details
                .causes
                .iter()
                .map(|cause| match cause.field.as_str() {
                    "" => withheld(&cause.message),
                    field => format!("{field}: {}", withheld(&cause.message)),
                })
                .collect();
            if lines.is_empty() {
                lines.push(withheld(&status.message));
            }
            Problem::new(format!("the API server refuses {}", asked.title))
                .at(at)
                .why(lines.join("\n"))
                .fix("correct the reported fields in the manifest or in istio-tls.yaml")
        }
        429 => Problem::new("the API server is overloaded")
            .at(at)
            .why(format!("it answered {} repeatedly: 429 Too Many Requests", asked.verb))
            .fix(Remedy::again().and(" later")),
        500 if status.misfit().is_some() => Problem::new(format!("the API server refuses {}", asked.title))
            .at(at)
            .why(withheld(status.misfit().unwrap_or_default()))
            .fix("correct or remove that field; the cluster's version of the kind may be older than the manifest's"),
        code if code >= 500 => Problem::new(format!("the API server failed at {}", asked.title))
            .at(at)
            .why(format!("it repeatedly answered {code}: {}", withheld(&status.message)))
            .fix(Remedy::again().and("; completed changes are kept")),
        code => Problem::new(format!("the API server refuses to {} {}", asked.verb, asked.title))
            .at(at)
            .why(format!("{code}: {}", withheld(&status.message))),
    }
}

fn not_admitted(status: &Status, asked: &Asked, at: String) -> Problem {
    Problem::new(format!("the API server does not admit {}", asked.title))
        .at(at)
        .why(format!("{}: {}", status.code, withheld(&status.message)))
        .fix("change the object, or ask the cluster's administrator about the quota or policy")
}

fn unauthorized(access: &Access) -> Problem {
    let why = match &access.certificate_end {
        Some(end) => format!("it answered 401 Unauthorized; the client certificate of that user is valid until {end}"),
        None => "it answered 401 Unauthorized: the token or login has expired, or is for another cluster".to_owned(),
    };
    Problem::new(format!(
        "the API server {} does not accept the credentials of the user {:?}",
        access.server, access.user
    ))
    .at(format!("context {}", access.context))
    .why(why)
    .fix("log in again or renew the kubeconfig with the tool that created it, or choose another --context")
}

fn forbidden(status: &Status, asked: &Asked, access: &Access) -> Problem {
    // "... is forbidden: User "limited" cannot patch resource ..."
    let user = status
        .message
        .split_once("User \"")
        .and_then(|(_, rest)| rest.split('"').next())
        .unwrap_or(&access.user);
    // A stream needs its own verb, and a second one since Kubernetes 1.35.
    let verb = (status.message.split_once(" cannot "))
        .and_then(|(_, rest)| rest.split(' ').next())
        .unwrap_or(asked.verb);
    let place = match &asked.namespace {
        Some(namespace) => format!("in the namespace {namespace}"),
        None => "in the whole cluster".to_owned(),
    };
    let can_i = Line::new(Kind::KubectlAuthCanI, ["auth", "can-i", verb, &asked.resource]);
    let can_i = match &asked.namespace {
        Some(namespace) => can_i.flag("-n", namespace.as_str()),
        None => can_i,
    };
    Problem::new(format!("the user {user:?} may not {verb} {} {place}", asked.resource))
        .at(format!("{} in context {}", asked.title, access.context))
        .why("the API server answered 403 Forbidden (RBAC)")
        .fix(
            Remedy::from("ask for a Role that allows it; ")
                .and(can_i)
                .and(" shows when it does"),
        )
}

/// Hides a server's message if it may quote a key: validation messages quote values.
pub(super) fn withheld(message: &str) -> String {
    const LONGEST: usize = 400;
    if looks_like_key(message) {
        return "(its message may contain key material and is not shown)".to_owned();
    }
    message.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::{Status, withheld};

    fn status(json: &str) -> Status {
        serde_json::from_str(json).expect("a status")
    }

    #[test]
    fn a_conflict_names_the_manager_and_the_field() {
        let status = status(
            r#"{"code":409,"reason":"Conflict","details":{"causes":[{"reason":"FieldManagerConflict",
            "message":"conflict with \"kubectl-create\" using v1","field":".data.tls.crt"}]}}"#,
        );
        assert!(status.is_field_conflict());
        assert!(!status.may_pass());
        assert_eq!(status.conflicts(), ["data.tls.crt is managed by kubectl-create"]);
    }

    #[test]
    fn what_may_pass_is_repeated() {
        for (json, expected) in [
            (r#"{"code":409,"reason":"Conflict"}"#, true),
            (r#"{"code":409,"reason":"AlreadyExists"}"#, false),
            (r#"{"code":429}"#, true),
            (r#"{"code":500,"message":"etcdserver: leader changed"}"#, true),
            (
                r#"{"code":500,"message":"failed to create typed patch object (a/b; /v1, Kind=Service): .spec.x: field not declared in schema"}"#,
                false,
            ),
            (r#"{"code":503}"#, true),
            (r#"{"code":400}"#, false),
            (r#"{"code":403}"#, false),
            (r#"{"code":422}"#, false),
        ] {
            assert_eq!(status(json).may_pass(), expected, "{json}");
        }
    }

    #[test]
    fn key_material_in_a_servers_words_is_not_repeated() {
        for words in ["bad: -----BEGIN PRIVATE KEY-----x", "bad: LS0tLS1CRUdJTiBQ"] {
            assert!(withheld(words).starts_with("(its message"), "{words}");
        }
        assert_eq!(withheld("spec.servers: Required value"), "spec.servers: Required value");
    }
}
