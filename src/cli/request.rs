//! `istio-tls request`: sends one request over a connection that is verified first.

use super::connection::ConnectionArgs;
use super::context::{Context, Format};
use super::value_parsers::choice;
use super::{Exit, Failure};
use crate::ops::reach::request::{Request, printed_line, send};
use crate::probe::command_lines::{Extras, Tool};
use crate::probe::destination::Destination;
use crate::problem::Problem;
use crate::report::{request_json, request_text};

/// Sends one request with everything set
///
/// Uses the same SNI, address, trusted root and client certificate as `probe`; the chain
/// is verified before anything is sent. The body goes to standard output; with -o json
/// status, headers and body do.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  istio-tls request httpbin.example.com /status/418
  istio-tls request \
    https://httpbin.example.com/status/418
  istio-tls request httpbin.example.com /post -d '{\"a\":1}' -H \
    'content-type: application/json'
  istio-tls request httpbin.example.com /status/418 --print curl

Exit \
    codes: 0 a response below 400 (or 418); 1 another status, or no response; 2 usage or bad input.")]
pub(super) struct RequestArgs {
    /// The host, HOST:PORT, or an https URL
    #[arg(value_name = "HOST")]
    host: String,
    /// Path and query [default: the URL's, else the sample's, else /]
    #[arg(value_name = "PATH")]
    path: Option<String>,
    /// The method [default: GET, or POST with -d]
    #[arg(short = 'X', long, value_name = "METHOD")]
    request: Option<http::Method>,
    /// A header, 'Name: value'; repeatable
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    headers: Vec<String>,
    /// The body; @FILE reads it from a file
    #[arg(short, long, value_name = "DATA")]
    data: Option<String>,
    /// Also print the response's status line and headers
    #[arg(short, long)]
    include: bool,
    /// Print the command line for this program instead of sending
    #[arg(long, value_name = "PROGRAM", value_parser = choice(Tool::WORDS))]
    print: Option<Tool>,
    #[command(flatten)]
    connection: ConnectionArgs,
}

impl RequestArgs {
    fn request(&self) -> Result<Request, Failure> {
        let destination = Destination::parse(&self.host).map_err(Failure::usage)?;
        if let (Some(first), Some(second)) = (&destination.path, &self.path) {
            return Err(Failure::usage(
                Problem::new("the path is given twice").why(format!("{first} is in the URL, and {second} follows it")),
            ));
        }
        Ok(Request {
            destination,
            path: self.path.clone(),
            extras: Extras {
                method: self.request.clone(),
                headers: self.headers.clone(),
                data: self.data.clone(),
                include: self.include,
            },
            connection: self.connection.connection()?,
        })
    }
}

pub(super) fn run(args: &RequestArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let request = args.request()?;
    if let Some(tool) = args.print {
        let line = printed_line(&request, tool, context)?;
        match format {
            Format::Text => context.print(&format!("{line}\n"))?,
            Format::Json => context.print_json(&request_json::line(&line))?,
        }
        return Ok(Exit::Done);
    }
    let answer = send(&request, context)?;
    match format {
        Format::Json => context.print_json(&request_json::answer(&answer))?,
        Format::Text => {
            if args.include {
                context.print(&request_text::head(&answer))?;
            }
            context.print_bytes(&answer.body)?;
        }
    }
    if !answer.is_good() && !args.include {
        context.say(&format!("HTTP {}", answer.status));
    }
    Ok(if answer.is_good() { Exit::Done } else { Exit::Findings })
}
