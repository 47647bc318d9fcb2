//! `request`: one request over a connection that is verified first.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::connection::Connection;
use crate::files;
use crate::ops::cluster_access::runtime;
use crate::ops::cluster_ingress::{Lifetime, Reached};
use crate::ops::failure::Failure;
use crate::ops::surroundings::Surroundings;
use crate::probe::command_lines::{Extras, Tool, line};
use crate::probe::destination::{Destination, check_path};
use crate::probe::dial::{Dialled, dial};
use crate::probe::expectation::Expectation;
use crate::probe::facts::{Facts, HttpOutcome};
use crate::probe::http::Request as HttpRequest;
use crate::probe::judge::judge;
use crate::probe::target::expectations;
use crate::probe::verdict::Verdict;
use crate::problem::Problem;

/// The most that is read of a response body.
const BODY_LIMIT: usize = 1 << 30;
/// The largest body that `@FILE` sends.
const DATA_LIMIT: u64 = 256 << 20;

/// What to request.
#[derive(Debug, Clone)]
pub struct Request {
    /// The host; its own path is requested unless another is given.
    pub destination: Destination,
    /// Path and query; else the sample's.
    pub path: Option<String>,
    /// Method, headers and body.
    pub extras: Extras,
    /// How the gateway is reached.
    pub connection: Connection,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    /// Facts about the connection, including the response head.
    pub facts: Facts,
    /// The status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

impl Answer {
    /// Whether it is as requested: a status below 400, or the teapot.
    pub fn is_good(&self) -> bool {
        self.status < 400 || self.status == 418
    }
}

/// The command line with which another program sends it.
///
/// # Errors
/// If the gateway or a file cannot be reached, or the client's key pair cannot be used.
pub fn printed_line(request: &Request, tool: Tool, here: &Surroundings) -> Result<String, Failure> {
    // A printed line is run later.
    let (expectation, _) = runtime()?.block_on(expectation(request, Lifetime::Beyond, here))?;
    match &expectation.blocked {
        Some(verdict) => Err(refused(verdict)),
        None => Ok(line(tool, &expectation, &request.extras)),
    }
}

/// Sends it, unless the server is not the expected one.
///
/// # Errors
/// If the gateway or a file cannot be reached, or no response came: exit 1 with the
/// probe's verdict.
pub fn send(request: &Request, here: &Surroundings) -> Result<Answer, Failure> {
    let runtime = runtime()?;
    let (expectation, reached) = runtime.block_on(expectation(request, Lifetime::Process, here))?;
    let sent = runtime.block_on(exchange(request, &expectation, here));
    match (sent, reached.trouble()) {
        (Err(_), Some(problem)) => Err(Failure::findings(problem)),
        (Err(failure), None) => Err(Failure {
            problem: Box::new(reached.aim_problem(*failure.problem)),
            ..failure
        }),
        (sent, _) => sent,
    }
}

async fn expectation(
    request: &Request,
    lifetime: Lifetime,
    here: &Surroundings,
) -> Result<(Expectation, Reached), Failure> {
    let mut wishes = request.connection.wishes()?;
    wishes.path.clone_from(&request.path);
    let hosts = (request.connection).hosts(std::slice::from_ref(&request.destination), false, here)?;
    let reached = request.connection.reach(&hosts, lifetime, here).await?;
    let expectation = expectations(&hosts, &wishes, &reached.target).pop();
    let expectation =
        expectation.ok_or_else(|| Failure::usage(Problem::new("there is no host to send the request to")))?;
    check_path(&expectation.path).map_err(Failure::usage)?;
    Ok((expectation, reached))
}

async fn exchange(request: &Request, expectation: &Expectation, here: &Surroundings) -> Result<Answer, Failure> {
    if let Some(verdict) = &expectation.blocked {
        return Err(refused(verdict));
    }
    let mut asked = expectation.dial(request.connection.timeout);
    asked.body_limit = BODY_LIMIT;
    asked.request = Some(http_request(&request.extras, expectation)?);
    let judge_of_chain = expectation.clone();
    let now = here.now;
    // Nothing is sent to a server that is not the expected one.
    asked.before_request = Some(Arc::new(move |facts: &Facts| {
        judge(facts, &judge_of_chain, now).is_ok()
    }));
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let Dialled { facts, body } = dial(&asked, &provider).await;
    let answered = (facts.http.as_ref()).filter(|http| http.outcome == HttpOutcome::Answered);
    match answered.and_then(|http| http.status) {
        Some(status) => Ok(Answer { facts, status, body }),
        None => Err(refused(&judge(&facts, expectation, now))),
    }
}

fn http_request(extras: &Extras, expectation: &Expectation) -> Result<HttpRequest, Failure> {
    let mut request = HttpRequest::get(&expectation.authority, &expectation.path);
    for header in &extras.headers {
        let (name, value) = header.split_once(':').ok_or_else(|| bad_header(header))?;
        let name: http::HeaderName = name.trim().parse().map_err(|_| bad_header(header))?;
        let value: http::HeaderValue = value.trim().parse().map_err(|_| bad_header(header))?;
        if name == http::header::HOST {
            value
                .to_str()
                .map_err(|_| bad_header(header))?
                .clone_into(&mut request.authority);
            continue;
        }
        request.headers.retain(|(known, _)| *known != name);
        request.headers.push((name, value));
    }
    if let Some(data) = &extras.data {
        request.method = http::Method::POST;
        request.body = match data.strip_prefix('@') {
            Some(path) => Bytes::from(files::read(Path::new(path), DATA_LIMIT).map_err(Failure::usage)?),
            None => Bytes::from(data.clone()),
        };
        let is_typed = (request.headers.iter()).any(|(name, _)| name == http::header::CONTENT_TYPE);
        if !is_typed {
            let form = http::HeaderValue::from_static("application/x-www-form-urlencoded");
            request.headers.push((http::header::CONTENT_TYPE, form));
        }
    }
    if let Some(method) = &extras.method {
        request.method = method.clone();
    }
    Ok(request)
}

fn bad_header(header: &str) -> Failure {
    Failure::usage(Problem::new(format!("{header:?} is not a header")).fix("-H 'Name: value'"))
}

fn refused(verdict: &Verdict) -> Failure {
    Failure::findings(Problem {
        what: verdict.summary.clone(),
        at: None,
        why: Some(match verdict.fault {
            Some(fault) => format!("{} ({} at fault)", verdict.code.as_str(), fault.as_str()),
            None => verdict.code.as_str().to_owned(),
        }),
        fix: verdict.fix.clone(),
    })
}
