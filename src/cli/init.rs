//! `istio-tls init`: writes the first istio-tls.yaml, from answers or flags.

use std::collections::BTreeMap;

use dialoguer::{Input, Select};

use super::context::{Context, Format};
use super::exit::Exit;
use super::failure::Failure;
use super::value_parsers::choice;
use crate::files::plain;
use crate::names::{Host, is_dns_label};
use crate::ops::init::{Plan, Request, carry_out, plan};
use crate::ops::{self, Class};
use crate::problem::Problem;
use crate::report::{init_json, init_text};
use crate::workspace::config::{IstioTarget, Mode, SecretStyle};

/// Writes istio-tls.yaml: questions on a terminal, flags otherwise
///
/// gen-certs creates the file by itself if there is none; init is for choices other than
/// its defaults. An existing file is never overwritten.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
        istio-tls init                                      (asks)\n  \
        istio-tls init --no-input                           (uses the defaults)\n  \
        istio-tls init --host httpbin.example.com --mode simple\n  \
        istio-tls init --gateway-name public --selector istio=public --gateway-namespace ingress")]
pub(super) struct InitArgs {
    /// A host to list (repeatable); gen-certs issues its chain
    #[arg(long = "host", value_name = "HOST")]
    hosts: Vec<String>,
    /// How clients are authenticated [default: mutual]
    #[arg(long, value_parser = choice(Mode::WORDS))]
    mode: Option<Mode>,
    /// How the gateway gets certificates and keys [default: credential]
    #[arg(long, value_parser = choice(SecretStyle::WORDS))]
    secrets: Option<SecretStyle>,
    /// The Istio version that the manifests are for [default: latest]
    #[arg(long, value_parser = choice(IstioTarget::WORDS))]
    istio: Option<IstioTarget>,
    /// The Gateway's name [default: mygateway]
    #[arg(long, value_name = "NAME")]
    gateway_name: Option<String>,
    /// A label of the gateway's pods (repeatable) [default: istio=ingressgateway]
    #[arg(long, value_name = "LABEL=VALUE")]
    selector: Vec<String>,
}

pub(super) fn run(args: &InitArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let mut plan = plan(request(args)?, context)?;
    if context.interactive && !context.yes {
        ask(args, &mut plan)?;
    }
    let outcome = carry_out(plan)?;
    match format {
        Format::Text => context.print(&init_text::outcome(&outcome, &context.aim))?,
        Format::Json => context.print_json(&init_json::outcome(&outcome))?,
    }
    Ok(Exit::Done)
}

fn request(args: &InitArgs) -> Result<Request, Failure> {
    let mut hosts: Vec<Host> = Vec::new();
    for text in &args.hosts {
        let host = Host::parse(text).map_err(Failure::usage)?;
        if hosts.contains(&host) {
            return Err(Failure::usage(Problem::new(format!("the host {host} appears twice"))));
        }
        hosts.push(host);
    }
    Ok(Request {
        hosts,
        mode: args.mode,
        secrets: args.secrets,
        istio: args.istio,
        gateway_name: args.gateway_name.clone(),
        selector: (!args.selector.is_empty())
            .then(|| selector(&args.selector))
            .transpose()?,
    })
}

fn selector(labels: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    labels
        .iter()
        .map(|label| match label.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
            _ => Err(Failure::usage(
                Problem::new(format!("{label:?} is not a label")).fix("give LABEL=VALUE, such as istio=ingressgateway"),
            )),
        })
        .collect()
}

/// Asks for what no flag has set.
fn ask(args: &InitArgs, plan: &mut Plan) -> Result<(), Failure> {
    let Plan {
        config: wanted, hosts, ..
    } = plan;
    if hosts.is_empty() {
        let text: String = asked(
            Input::new()
                .with_prompt("Host that the gateway serves (empty for none yet)")
                .allow_empty(true)
                .validate_with(|text: &String| -> Result<(), String> {
                    if text.is_empty() {
                        return Ok(());
                    }
                    Host::parse(text).map(drop).map_err(|problem| problem.what)
                })
                .interact_text(),
        )?;
        if !text.is_empty() {
            hosts.push(Host::parse(&text).map_err(Failure::usage)?);
        }
    }
    if args.mode.is_none() {
        wanted.mode = select("Client certificates", Mode::WORDS, wanted.mode)?;
    }
    if args.secrets.is_none() {
        wanted.secrets = select("How the gateway gets its keys", SecretStyle::WORDS, wanted.secrets)?;
    }
    if args.istio.is_none() {
        wanted.istio = select("Istio", IstioTarget::WORDS, wanted.istio)?;
    }
    wanted.gateway.pod_namespace = asked(
        Input::new()
            .with_prompt("Namespace of the gateway's pods")
            .default(wanted.gateway.pod_namespace.clone())
            .validate_with(|text: &String| {
                if is_dns_label(text) {
                    Ok(())
                } else {
                    Err("a namespace consists of lower-case letters, digits and hyphens")
                }
            })
            .interact_text(),
    )?;
    Ok(())
}

fn select<T: Copy + PartialEq>(prompt: &str, words: &[(&str, T)], now: T) -> Result<T, Failure> {
    let items: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let default = words.iter().position(|(_, value)| *value == now).unwrap_or_default();
    let chosen = asked(
        Select::new()
            .with_prompt(prompt)
            .items(&items)
            .default(default)
            .interact(),
    )?;
    Ok(words[chosen].1)
}

fn asked<T>(answer: dialoguer::Result<T>) -> Result<T, Failure> {
    answer.map_err(|dialoguer::Error::IO(error)| {
        let class = if error.kind() == std::io::ErrorKind::Interrupted {
            Class::Interrupted
        } else {
            Class::Runtime
        };
        let problem = Problem::new("the question was not answered")
            .why(plain(&error))
            .fix("--no-input uses the defaults");
        ops::Failure::new(class, problem).into()
    })
}
