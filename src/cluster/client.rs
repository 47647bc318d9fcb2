//! Requests to an API server, with retries while they may still succeed: waits for a server that is
//! slow, busy or restarting, within a limit.

use std::error::Error as StdError;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use serde_json::Value;

use super::FIELD_MANAGER;
use super::failure::{ApiError, Asked, NoAnswer, Status};
use super::kubeconfig::Access;
use super::live;
use super::resources::Resource;
use crate::problem::Problem;

/// The maximum number of concurrent requests.
pub const AT_ONCE: usize = 8;
/// The time limit of one request.
pub(super) const REQUEST_LIMIT: Duration = Duration::from_mins(1);
/// The time limit for connecting.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How often a server that has never responded is tried.
const FIRST_TRIES: u32 = 3;
/// The first pause between two tries; each subsequent one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause unless the server requests a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(3);
/// The maximum size of a response, in bytes.
const ANSWER_LIMIT: usize = 512 << 20;

/// A connection to an API server.
pub struct Client<'a> {
    /// The server and the user.
    pub access: Access,
    inner: kube::Client,
    /// How long requests that may still succeed are retried.
    patience: Duration,
    /// Called when waiting for something.
    notice: &'a (dyn Fn(&str) + Sync),
    /// Whether it was called, and no request has succeeded since: of several concurrent waiters,
    /// only one reports.
    noticed: AtomicBool,
    reached: AtomicBool,
}

/// One request.
pub struct Call<'c> {
    /// The HTTP method.
    pub method: Method,
    /// Path and query.
    pub path: String,
    /// The body and its media type.
    pub body: Option<(&'static str, &'c Value)>,
}

impl Call<'_> {
    /// A GET request for a path.
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: Method::GET,
            path: path.into(),
            body: None,
        }
    }
}

/// The result of a deletion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// It did not exist.
    NotThere,
    /// It is gone.
    Gone,
    /// It will be gone as soon as these finalizers are removed.
    Held(Vec<String>),
}

/// Options for server-side apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Apply<'m> {
    /// The field manager.
    pub manager: &'m str,
    /// Whether fields of other managers are taken over.
    pub force: bool,
    /// Whether nothing is stored.
    pub dry_run: bool,
}

impl<'a> Client<'a> {
    /// Prepares the connection; nothing is sent. `notice` is called when waiting for the server,
    /// which is at most `patience` in total per request.
    ///
    /// # Errors
    /// If the kubeconfig's credentials or CA cannot be used.
    pub fn new(access: Access, patience: Duration, notice: &'a (dyn Fn(&str) + Sync)) -> Result<Self, Problem> {
        let mut config = access.config.clone();
        config.connect_timeout = Some(CONNECT_LIMIT);
        // Retries happen here, where Retry-After and the limit are known.
        config.default_retry = false;
        let inner = kube::Client::try_from(config).map_err(|error| match &error {
            kube::Error::Auth(auth) => {
                ApiError::NoAnswer(NoAnswer::Credentials(credentials(auth))).problem(&Asked::nothing(), &access)
            }
            _ => Problem::new(format!(
                "the credentials of the user {:?}, or the CA of its server, cannot be used",
                access.user
            ))
            .at(format!("context {}", access.context))
            .why(error.to_string())
            .fix("check client-certificate-data, client-key-data and certificate-authority-data in the kubeconfig"),
        })?;
        Ok(Self {
            access,
            inner,
            patience,
            notice,
            noticed: AtomicBool::new(false),
            reached: AtomicBool::new(false),
        })
    }

    /// A problem from an error of this server.
    pub fn problem(&self, error: &ApiError, asked: &Asked) -> Problem {
        error.problem(asked, &self.access)
    }

    /// Reads an object; none if it, or its namespace, does not exist.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses.
    pub async fn get(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Value>, ApiError> {
        match self.send(&Call::get(resource.path(namespace, Some(name)))).await {
            Ok(object) => Ok(Some(object)),
            Err(ApiError::Status(status)) if status.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Like [`Client::get`], but only once and with little patience: the caller has waited long
    /// enough.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses.
    pub(super) async fn get_once(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Value>, ApiError> {
        let call = Call::get(resource.path(namespace, Some(name)));
        let answer = tokio::time::timeout(CONNECT_LIMIT, self.exchange(&call, "application/json"));
        match answer.await {
            Ok(Ok(object)) => json(&object).map(Some),
            Ok(Err(ApiError::Status(status))) if status.is_not_found() => Ok(None),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(ApiError::NoAnswer(NoAnswer::Timeout(CONNECT_LIMIT.as_secs()))),
        }
    }

    /// Sends an object for server-side apply; returns the server's result.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses; a conflict is a refusal.
    pub async fn apply(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        object: &Value,
        how: Apply<'_>,
    ) -> Result<Value, ApiError> {
        let mut path = format!(
            "{}?fieldManager={}&fieldValidation=Warn&force={}",
            resource.path(namespace, Some(name)),
            how.manager,
            how.force
        );
        if how.dry_run {
            path.push_str("&dryRun=All");
        }
        self.send(&Call {
            method: Method::PATCH,
            path,
            // JSON is YAML.
            body: Some(("application/apply-patch+yaml", object)),
        })
        .await
    }

    /// Changes fields of an object of a built-in kind; list items are identified by their keys (a
    /// strategic merge patch).
    ///
    /// # Errors
    /// If the server cannot be reached or refuses.
    pub async fn merge_lists(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
        dry_run: bool,
    ) -> Result<Value, ApiError> {
        let dry_run = if dry_run { "&dryRun=All" } else { "" };
        let path = resource.path(namespace, Some(name));
        self.send(&Call {
            method: Method::PATCH,
            path: format!("{path}?fieldManager={FIELD_MANAGER}{dry_run}"),
            body: Some(("application/strategic-merge-patch+json", patch)),
        })
        .await
    }

    /// Changes fields of an object; those that are null in `patch` are removed.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses.
    pub async fn merge(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        patch: &Value,
    ) -> Result<Value, ApiError> {
        self.send(&Call {
            method: Method::PATCH,
            path: format!("{}?fieldManager={FIELD_MANAGER}", resource.path(namespace, Some(name))),
            body: Some(("application/merge-patch+json", patch)),
        })
        .await
    }

    /// Deletes the object with this UID; returns the result.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses.
    pub async fn delete(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
        uid: &str,
        dry_run: bool,
    ) -> Result<Deleted, ApiError> {
        let mut options = serde_json::json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            // Another object with that name, created in the meantime, is not ours.
            "preconditions": {"uid": uid},
        });
        if dry_run {
            options["dryRun"] = serde_json::json!(["All"]);
        }
        let call = Call {
            method: Method::DELETE,
            path: resource.path(namespace, Some(name)),
            body: Some(("application/json", &options)),
        };
        match self.send(&call).await {
            // An object with finalizers is returned as it is until they are done.
            Ok(answer) => Ok(match live::finalizers(&answer) {
                finalizers if finalizers.is_empty() || !live::is_going(&answer) => Deleted::Gone,
                finalizers => Deleted::Held(finalizers),
            }),
            Err(ApiError::Status(status)) if status.is_not_found() => Ok(Deleted::NotThere),
            Err(error) => Err(error),
        }
    }

    /// Sends a request, with retries while it may still succeed; returns the response as JSON.
    ///
    /// # Errors
    /// The last error, if it is permanent or the time limit was reached.
    pub async fn send(&self, call: &Call<'_>) -> Result<Value, ApiError> {
        // For requests that change something, a lost response is remembered until the end.
        let is_lost = AtomicBool::new(false);
        let answer = self.persist(|| async {
            let answer = bounded(self.exchange(call, "application/json")).await;
            if call.method != Method::GET && answer.as_ref().is_err_and(ApiError::may_be_done) {
                is_lost.store(true, Ordering::Relaxed);
            }
            answer
        });
        let answer = answer.await.map_err(|error| {
            if is_lost.load(Ordering::Relaxed) {
                error.after_lost()
            } else {
                error
            }
        })?;
        json(&answer)
    }

    /// Sends a request whose response is bytes instead of JSON, such as a log.
    ///
    /// # Errors
    /// See [`Client::send`].
    pub(super) async fn bytes(&self, call: &Call<'_>) -> Result<Bytes, ApiError> {
        self.persist(|| bounded(self.exchange(call, "*/*"))).await
    }

    /// The underlying HTTP client, for requests that become a stream.
    pub(super) fn streams(&self) -> &kube::Client {
        &self.inner
    }

    /// Retries something while it may still succeed.
    ///
    /// # Errors
    /// The last error, if it is permanent or the time limit was reached.
    pub(super) async fn persist<T, F>(&self, attempt: impl Fn() -> F) -> Result<T, ApiError>
    where
        F: Future<Output = Result<T, ApiError>>,
    {
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut tries = 0;
        let mut told = false;
        loop {
            tries += 1;
            let error = match attempt().await {
                Ok(answer) => {
                    self.reached.store(true, Ordering::Relaxed);
                    self.noticed.store(false, Ordering::Relaxed);
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if error.status().is_some() {
                self.reached.store(true, Ordering::Relaxed);
            }
            let wait = error.retry_after().map_or(pause, Duration::from_secs);
            // If packets are dropped now, they will be dropped in a second, too.
            let is_silent = matches!(error, ApiError::NoAnswer(NoAnswer::Timeout(_)));
            let never_reached = !self.reached.load(Ordering::Relaxed) && (tries >= FIRST_TRIES || is_silent);
            if !error.may_pass() || never_reached || start.elapsed() + wait > self.patience {
                return Err(error);
            }
            if !told && start.elapsed() + wait > Duration::from_secs(1) {
                told = true;
                if !self.noticed.swap(true, Ordering::Relaxed) {
                    (self.notice)(&waiting(&error));
                }
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Sends a request once; returns a response that continues as long as the server wants.
    ///
    /// # Errors
    /// If the server cannot be reached or refuses.
    pub(super) async fn open(&self, path: &str) -> Result<kube::client::Body, ApiError> {
        let limit = Duration::from_secs(30);
        let call = Call::get(path);
        let (head, body) = tokio::time::timeout(limit, self.request(&call, "application/json"))
            .await
            .map_err(|_| ApiError::NoAnswer(NoAnswer::Timeout(limit.as_secs())))??;
        if head.status.is_success() {
            return Ok(body);
        }
        let body = whole(body).await?;
        Err(ApiError::Status(Box::new(status(head.status, &head.headers, &body))))
    }

    async fn exchange(&self, call: &Call<'_>, accepted: &'static str) -> Result<Bytes, ApiError> {
        let (head, body) = self.request(call, accepted).await?;
        let body = whole(body).await?;
        if head.status.is_success() {
            return Ok(body);
        }
        Err(ApiError::Status(Box::new(status(head.status, &head.headers, &body))))
    }

    async fn request(
        &self,
        call: &Call<'_>,
        accepted: &'static str,
    ) -> Result<(http::response::Parts, kube::client::Body), ApiError> {
        let mut request = Request::builder().method(call.method.clone()).uri(&call.path);
        let body = match call.body {
            Some((media_type, value)) => {
                request = request.header(header::CONTENT_TYPE, media_type);
                serde_json::to_vec(value).expect("values of JSON can be written as JSON")
            }
            None => Vec::new(),
        };
        let request = request
            .header(header::ACCEPT, accepted)
            .body(kube::client::Body::from(body))
            .map_err(|error| ApiError::NoAnswer(NoAnswer::NotKubernetes(error.to_string())))?;
        let answer = self
            .inner
            .send(request)
            .await
            .map_err(|error| ApiError::NoAnswer(no_answer(&error)))?;
        Ok(answer.into_parts())
    }
}

fn json(answer: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(answer).map_err(|_| {
        ApiError::NoAnswer(NoAnswer::NotKubernetes(
            "the response is not JSON, so it is not from a Kubernetes API".to_owned(),
        ))
    })
}

/// Reads a response to its end.
async fn whole(body: kube::client::Body) -> Result<Bytes, ApiError> {
    let limited = http_body_util::Limited::new(body, ANSWER_LIMIT);
    let body = http_body_util::BodyExt::collect(limited).await;
    let body = body.map_err(|error| ApiError::NoAnswer(broken(error.as_ref())))?;
    Ok(body.to_bytes())
}

/// An attempt with a time limit.
pub(super) async fn bounded<T>(attempt: impl Future<Output = Result<T, ApiError>>) -> Result<T, ApiError> {
    match tokio::time::timeout(REQUEST_LIMIT, attempt).await {
        Ok(answer) => answer,
        Err(_) => Err(ApiError::NoAnswer(NoAnswer::Timeout(REQUEST_LIMIT.as_secs()))),
    }
}

/// Why a stream failed: the server's response, or why there was none.
pub(super) fn stream_error(error: &kube::Error) -> ApiError {
    let kube::Error::Api(answer) = error else {
        return ApiError::NoAnswer(no_answer(error));
    };
    let parsed = serde_json::to_value(answer.as_ref()).and_then(serde_json::from_value::<Status>);
    let mut status = parsed.unwrap_or_default();
    status.code = answer.code;
    // kube wraps plain text in a Status, with a reason of two words or more.
    status.typed = !status.reason.contains(' ');
    ApiError::Status(Box::new(status))
}

impl Asked {
    /// For errors without a request.
    fn nothing() -> Self {
        Self {
            verb: "get",
            resource: String::new(),
            namespace: None,
            title: String::new(),
        }
    }
}

fn waiting(error: &ApiError) -> String {
    match error {
        ApiError::Status(status) => format!("the API server answered {}; retrying ...", status.code),
        ApiError::NoAnswer(_) => "the API server does not respond; retrying ...".to_owned(),
    }
}

fn status(code: StatusCode, headers: &header::HeaderMap, body: &[u8]) -> Status {
    let parsed = serde_json::from_slice::<Value>(body)
        .ok()
        .filter(|value| value["kind"] == "Status")
        .and_then(|value| serde_json::from_value::<Status>(value).ok());
    let typed = parsed.is_some();
    let mut status = parsed.unwrap_or_default();
    status.code = code.as_u16();
    status.typed = typed;
    if !typed {
        // Plain text such as `404 page not found`: its content is not used.
        code.canonical_reason()
            .unwrap_or("no reason given")
            .clone_into(&mut status.message);
    }
    status.retry_after = headers
        .get(header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse().ok());
    status
}

/// Why there was no response, from the chain of errors below the HTTP client.
fn no_answer(error: &(dyn StdError + 'static)) -> NoAnswer {
    let mut words = String::new();
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = known(error) {
            return found;
        }
        words = error.to_string();
        next = error.source();
    }
    NoAnswer::Broken(words)
}

fn known(error: &(dyn StdError + 'static)) -> Option<NoAnswer> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(NoAnswer::Tls(tls.to_string()));
    }
    if let Some(kube::Error::Auth(auth)) = error.downcast_ref::<kube::Error>() {
        return Some(NoAnswer::Credentials(credentials(auth)));
    }
    if let Some(auth) = error.downcast_ref::<kube::client::AuthError>() {
        return Some(NoAnswer::Credentials(credentials(auth)));
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        if let Some(inner) = error.get_ref()
            && let Some(found) = known(inner)
        {
            return Some(found);
        }
        return match error.kind() {
            io::ErrorKind::TimedOut => Some(NoAnswer::Timeout(CONNECT_LIMIT.as_secs())),
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::NetworkDown
            | io::ErrorKind::AddrNotAvailable => Some(NoAnswer::Unreachable(crate::files::plain(error))),
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof => Some(NoAnswer::Broken(crate::files::plain(error))),
            _ if error.to_string().contains("failed to lookup address") => {
                Some(NoAnswer::UnknownHost(error.to_string()))
            }
            _ => None,
        };
    }
    None
}

/// Why a response broke off.
pub(super) fn broken(error: &(dyn StdError + 'static)) -> NoAnswer {
    match no_answer(error) {
        NoAnswer::Unreachable(why) => NoAnswer::Broken(why),
        other => other,
    }
}

/// What is wrong with credentials; a plugin's output is not shown, because it may contain a token.
fn credentials(error: &kube::client::AuthError) -> String {
    use kube::client::AuthError;
    match error {
        AuthError::AuthExecRun { cmd, out } => format!("the command {cmd} of the kubeconfig ended with {}", out.status),
        AuthError::AuthExecStart(error) => {
            format!(
                "the command of the kubeconfig cannot be run: {}",
                crate::files::plain(error)
            )
        }
        AuthError::AuthExecParse(_) => "the command of the kubeconfig printed no credential".to_owned(),
        AuthError::ReadTokenFile(error, path) => {
            format!(
                "the token file {} cannot be read: {}",
                path.display(),
                crate::files::plain(error)
            )
        }
        other => other.to_string(),
    }
}
