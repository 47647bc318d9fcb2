//! `istio-tls request`: one request over a connection that was judged first.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde_json::json;

use super::args::choice;
use crate::ops::cluster_ingress::{Lifetime, Reached};
use crate::cli::connection::ConnectionArgs;
use crate::ops::reach::check_path;
use crate::ops::cluster_access::runtime;
use super::context::{Context, Format};
use super::{Exit, Failure};
use crate::files;
use crate::probe::command_lines::{Extras, Tool, line};
use crate::probe::dial::{Dialled, dial};
use crate::probe::expectation::Expectation;
use crate::probe::facts::{Facts, HttpOutcome};
use crate::probe::target::expectations;
use crate::probe::verdict::{Verdict, judge};
use crate::problem::Problem;
use crate::report::paint::printable;

/// The most that is read of an answer's body.
const BODY_LIMIT: usize = 1 << 30;
/// The largest body that `-d @FILE` sends.
const DATA_LIMIT: u64 = 256 << 20;

/// Sends one request with everything set
///
/// SNI, address, trusted root and client certificate are those that `probe`
/// would use; the chain is judged before anything is sent. The body goes to
/// standard output; with -o json status, headers and body do.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  istio-tls request httpbin.example.com /status/418
  istio-tls request httpbin.example.com /post -d '{\"a\":1}' -H 'content-type: application/json'
  istio-tls request httpbin.example.com /status/418 --print curl

Exit codes: 0 an answer below 400 (or 418) came; 1 another status, or no answer; 2 usage or bad input.")]
pub(super) struct RequestArgs {
    /// The host
    #[arg(value_name = "HOST")]
    host: String,
    /// Path and query [default: the sample's, else /]
    #[arg(value_name = "PATH")]
    path: Option<String>,
    /// The method [default: GET, with -d POST]
    #[arg(short = 'X', long, value_name = "METHOD")]
    request: Option<http::Method>,
    /// A header, as 'Name: value'; repeatable
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    headers: Vec<String>,
    /// The body; @FILE reads it from a file
    #[arg(short, long, value_name = "DATA")]
    data: Option<String>,
    /// Print the answer's status line and headers too
    #[arg(short, long)]
    include: bool,
    /// Print the line for this program instead of sending
    #[arg(long, value_name = "PROGRAM", value_parser = choice(Tool::WORDS))]
    print: Option<Tool>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

pub(super) fn run(args: &RequestArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let runtime = runtime()?;
    let (expectation, reached) = runtime.block_on(expectation(args, context))?;
    check_path(&expectation.path)?;
    let extras = Extras {
        method: args.request.as_ref().map(ToString::to_string),
        headers: args.headers.clone(),
        data: args.data.clone(),
        include: args.include,
    };
    if let Some(tool) = args.print {
        if let Some(verdict) = &expectation.blocked {
            return Err(refused(verdict));
        }
        let line = line(tool, &expectation, &extras);
        match format {
            Format::Text => context.print(&format!("{line}\n"))?,
            Format::Json => context.print_json(&json!({"schema": 1, "line": line}))?,
        }
        return Ok(Exit::Done);
    }
    let sent = send(args, &expectation, format, &runtime, context);
    match (sent, reached.trouble()) {
        (Err(_), Some(problem)) => Err(Failure::findings(problem)),
        (Err(mut failure), None) => {
            failure.problem = failure.problem.map(|problem| Box::new(reached.aim_problem(*problem)));
            Err(failure)
        }
        (sent, _) => sent,
    }
}

async fn expectation(args: &RequestArgs, context: &Context) -> Result<(Expectation, Reached), Failure> {
    let mut wishes = args.connection.wishes()?;
    wishes.path.clone_from(&args.path);
    let hosts = args
        .connection
        .hosts(std::slice::from_ref(&args.host), false, context)?;
    // A printed line is for later.
    let lifetime = match args.print {
        Some(_) => Lifetime::Beyond,
        None => Lifetime::Process,
    };
    let reached = args.connection.reach(&hosts, lifetime, context).await?;
    let expectation = expectations(&hosts, &wishes, &reached.target).pop();
    let expectation = expectation.ok_or_else(|| Failure::usage(Problem::new("there is no host to reach")))?;
    Ok((expectation, reached))
}

fn send(
    args: &RequestArgs,
    expectation: &Expectation,
    format: Format,
    runtime: &tokio::runtime::Runtime,
    context: &Context,
) -> Result<Exit, Failure> {
    if let Some(verdict) = &expectation.blocked {
        return Err(refused(verdict));
    }
    let mut asked = expectation.dial(args.connection.timeout);
    asked.body_limit = BODY_LIMIT;
    asked.request = Some(request(args, expectation)?);
    let judge_of_chain = expectation.clone();
    let now = context.now;
    // Nothing is sent to a server that is not the one meant.
    asked.before_request = Some(Arc::new(move |facts: &Facts| {
        judge(facts, &judge_of_chain, now).is_ok()
    }));
    let Dialled { facts, body } =
        runtime.block_on(dial(&asked, &Arc::new(rustls::crypto::aws_lc_rs::default_provider())));
    let status = facts
        .http
        .as_ref()
        .filter(|http| http.outcome == HttpOutcome::Answered)
        .and_then(|http| http.status);
    let Some(status) = status else {
        return Err(refused(&judge(&facts, expectation, now)));
    };
    match format {
        Format::Json => context.print_json(&answer(&facts, status, &body))?,
        Format::Text => {
            if args.include {
                context.print(&head(&facts, status))?;
            }
            context.print_bytes(&body)?;
        }
    }
    let answered = status < 400 || status == 418;
    if !answered && !args.include {
        context.say(&format!("HTTP {status}"));
    }
    Ok(if answered { Exit::Done } else { Exit::Findings })
}

/// The answer for programs. A body that is no text is in base64.
fn answer(facts: &Facts, status: u16, body: &[u8]) -> serde_json::Value {
    let http = facts.http.as_ref();
    let headers = http.into_iter().flat_map(|http| &http.headers);
    let headers: Vec<_> = headers
        .map(|(name, value)| json!({"name": name, "value": value}))
        .collect();
    let mut answer = json!({
        "schema": 1,
        "protocol": http.map(|http| &http.protocol),
        "status": status,
        "headers": headers,
    });
    let (field, text) = match std::str::from_utf8(body) {
        Ok(text) => ("body", text.to_owned()),
        Err(_) => ("bodyBase64", STANDARD.encode(body)),
    };
    answer[field] = text.into();
    answer
}

fn head(facts: &Facts, status: u16) -> String {
    let mut head = String::new();
    if let Some(http) = &facts.http {
        for part in [http.protocol.as_str(), " ", &status.to_string(), "\n"] {
            head.push_str(part);
        }
        for (name, value) in &http.headers {
            for part in [name.as_str(), ": ", &printable(value), "\n"] {
                head.push_str(part);
            }
        }
    }
    head.push('\n');
    head
}

fn request(args: &RequestArgs, expectation: &Expectation) -> Result<crate::probe::http::Request, Failure> {
    let mut request = crate::probe::http::Request::get(&expectation.authority, &expectation.path);
    for header in &args.headers {
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
    if let Some(data) = &args.data {
        request.method = http::Method::POST;
        request.body = match data.strip_prefix('@') {
            Some(path) => Bytes::from(files::read(std::path::Path::new(path), DATA_LIMIT).map_err(Failure::usage)?),
            None => Bytes::from(data.clone()),
        };
        if !request
            .headers
            .iter()
            .any(|(name, _)| name == http::header::CONTENT_TYPE)
        {
            request.headers.push((
                http::header::CONTENT_TYPE,
                http::HeaderValue::from_static("application/x-www-form-urlencoded"),
            ));
        }
    }
    if let Some(method) = &args.request {
        request.method = method.clone();
    }
    Ok(request)
}

fn bad_header(header: &str) -> Failure {
    Failure::usage(Problem::new(format!("{header:?} is no header")).fix("-H 'Name: value'"))
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
