//! `istio-tls gen-certs`: issues chains for hosts and records them in the workspace.

use std::path::PathBuf;

use clap::ArgAction;
use time::OffsetDateTime;

use super::context::{Context, Format};
use super::exit::Exit;
use super::failure::Failure;
use super::password::PasswordArgs;
use super::typed::Typed;
use super::value_parsers::choice;
use crate::certs::pkcs12::Form;
use crate::certs::plan::{LeafValidity, San, Subject, Subtree, check_client_name, parse_time};
use crate::certs::{Bad, KeyType, Profile, csr};
use crate::files::{self, PEM_LIMIT};
use crate::ops::host_list;
use crate::ops::issue::carry_out::carry_out;
use crate::ops::issue::plan::plan;
use crate::ops::issue::request::{Flag, Request, Signer};
use crate::problem::Problem;
use crate::report::{issue_json, issue_text};
use crate::workspace::config::Mode;
use crate::workspace::store;

/// Issues a root, intermediate, server and client certificate per host
///
/// Writes the folders HOST/1_root, 2_intermediate, 3_application and 4_client, and
/// records the host in istio-tls.yaml. A chain is written completely or not at all.
///
/// For an existing chain, additions use the same CA and keys: --mode records a mode, and
/// issues a client certificate if the mode needs one and there is none; --client and
/// --pkcs12 add; --san reissues the server certificate for the same key. Nothing else is
/// replaced: use rotate to renew, and --force for a new CA.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
        istio-tls gen-certs httpbin.example.com\n  \
        istio-tls gen-certs httpbin.example.com --client alice     (adds a client to an existing chain)\n  \
        istio-tls gen-certs httpbin.example.com --mode mutual      (for an existing chain, too)\n  \
        istio-tls gen-certs httpbin.example.com --san www.example.com  (adds a name; keeps the key)\n  \
        istio-tls gen-certs '*.shop.example' --san shop.example --san 10.0.0.7 --key-type rsa-2048\n  \
        istio-tls gen-certs --hosts-file hosts.txt --root ca        (one root for all)\n  \
        istio-tls gen-certs new.example.com --ca httpbin.example.com\n  \
        istio-tls gen-certs httpbin.example.com --force --bad expired")]
pub(super) struct GenCertsArgs {
    // First, because it looks at the arguments of all others.
    #[command(flatten)]
    typed: Typed,
    /// Hosts: DNS names (a wildcard as the first label), internationalised names, IP addresses
    #[arg(value_name = "HOST")]
    pub(super) hosts: Vec<String>,
    /// File with further hosts, one per line (- for standard input; # starts a comment);
    /// relative to the current folder, not to -C
    #[arg(long, value_name = "FILE")]
    pub(super) hosts_file: Option<PathBuf>,
    /// Replace existing chains: a new CA, new keys, and the same clients issued by it;
    /// nothing from the old CA is accepted any more
    #[arg(long)]
    pub(super) force: bool,
    /// Create only the chains that do not exist yet, and skip the others
    #[arg(long, conflicts_with = "force")]
    pub(super) skip_existing: bool,
    /// Print what would be done, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// How the gateway authenticates clients; recorded in istio-tls.yaml, for an existing
    /// chain only if typed here [default: mutual]
    #[arg(long, value_parser = choice(Mode::WORDS))]
    pub(super) mode: Option<Mode>,
    /// An additional client certificate (repeatable)
    #[arg(long = "client", value_name = "NAME")]
    pub(super) clients: Vec<String>,

    /// Type of all keys
    #[arg(long, default_value = "ecdsa-p256", value_parser = choice(KeyType::WORDS), help_heading = "Certificates")]
    pub(super) key_type: KeyType,
    /// The settings of generate.sh on the Istio task page: RSA, 20/10/1 years, C=US
    /// ST=Denial L=Springfield O=Dis
    #[arg(long, conflicts_with = "key_type", help_heading = "Certificates")]
    pub(super) compat: bool,
    /// Validity of server and client certificates in days [default: 365]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=36_500), conflicts_with = "not_after", help_heading = "Certificates")]
    pub(super) days: Option<u32>,
    /// Start of their validity: 2026-01-31 or RFC 3339 [default: one hour ago]
    #[arg(long, value_name = "TIME", help_heading = "Certificates")]
    pub(super) not_before: Option<String>,
    /// End of their validity
    #[arg(long, value_name = "TIME", help_heading = "Certificates")]
    pub(super) not_after: Option<String>,
    /// An additional name of the server certificate (repeatable): DNS name, IP address,
    /// URI or email address; an existing chain keeps its key
    #[arg(long = "san", value_name = "NAME", help_heading = "Certificates")]
    pub(super) sans: Vec<String>,
    /// Attributes of the subjects, such as C=US,O=Shop
    #[arg(long, value_name = "DN", help_heading = "Certificates")]
    pub(super) subject: Option<String>,
    /// Sign the server certificate for the key of this PKCS#10 request (a path relative
    /// to the current folder); no server key is created
    #[arg(long, value_name = "FILE", help_heading = "Certificates")]
    pub(super) csr: Option<PathBuf>,
    /// Issue a deliberately wrong server certificate, for tests
    #[arg(long, value_parser = choice(Bad::WORDS), help_heading = "Certificates")]
    pub(super) bad: Option<Bad>,

    /// Sign with the intermediate of an existing chain: its HOST folder, in the workspace or the current folder
    #[arg(long, value_name = "DIR", conflicts_with = "root", help_heading = "Authorities")]
    pub(super) ca: Option<PathBuf>,
    /// One root for many hosts, created in DIR if there is none; relative to the current
    /// folder, not to -C
    #[arg(long, value_name = "DIR", help_heading = "Authorities")]
    pub(super) root: Option<PathBuf>,
    /// Restrict the new CAs to these names (repeatable): a domain; then addresses, emails
    /// and URIs need ip:RANGE, email:NAME, uri:HOST
    #[arg(long, value_name = "NAME", action = ArgAction::Append, help_heading = "Authorities")]
    pub(super) name_constraints: Vec<String>,
    #[command(flatten)]
    pub(super) password: PasswordArgs,
    /// Also write each client, including existing ones, as a PKCS#12 bundle for browsers
    /// (its password: the one given, else changeit); legacy: for macOS up to 13 and old
    /// Windows and Java, weakly encrypted
    #[arg(long, value_name = "FORM", num_args = 0..=1, require_equals = true, default_missing_value = "modern", value_parser = choice(Form::WORDS))]
    pub(super) pkcs12: Option<Form>,
}

pub(super) fn run(args: GenCertsArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let dry_run = args.dry_run;
    let request = request(args, context)?;
    if !dry_run {
        // First complete what a killed process left unfinished.
        store::tidy(&context.dir).map_err(Failure::runtime)?;
    }
    let plan = plan(&request, context)?;
    if dry_run {
        plan.warnings.iter().for_each(|warning| context.warn(warning));
        match format {
            Format::Text => context.print(&issue_text::plan(&plan))?,
            Format::Json => context.print_json(&issue_json::plan(&plan, &context.aim))?,
        }
        return Ok(Exit::Done);
    }
    let outcome = carry_out(&request, plan, context)?;
    outcome.warnings.iter().for_each(|warning| context.warn(warning));
    for note in &outcome.notes {
        context.say(&format!("note: {}", note.words(&context.aim)));
    }
    match format {
        Format::Text => context.print(&issue_text::outcome(&outcome, &context.aim))?,
        Format::Json => context.print_json(&issue_json::outcome(&outcome, &context.aim))?,
    }
    Ok(Exit::Done)
}

/// Turns the arguments into a request; nothing is written yet.
fn request(args: GenCertsArgs, context: &Context) -> Result<Request, Failure> {
    let hosts = host_list::read(&args.hosts, args.hosts_file.as_deref())?;
    for client in &args.clients {
        check_client_name(client).map_err(Failure::usage)?;
    }
    let mut profile = if args.compat {
        Profile::compat()
    } else {
        Profile::with_key_type(args.key_type)
    };
    if let Some(days) = args.days {
        profile.leaf_days = days;
    }
    if let Some(subject) = &args.subject {
        profile.subject = Subject::parse(subject).map_err(Failure::usage)?;
    }
    let time = |text: &Option<String>| -> Result<Option<OffsetDateTime>, Failure> {
        text.as_deref().map(parse_time).transpose().map_err(Failure::usage)
    };
    let csr = match &args.csr {
        Some(_) if hosts.len() > 1 => {
            return Err(Failure::usage(
                Problem::new("--csr is for a single host")
                    .why(format!("{} hosts are given, but a request is for one key", hosts.len()))
                    .fix("run gen-certs once for each request"),
            ));
        }
        Some(path) => {
            let content = files::read_given(path, PEM_LIMIT).map_err(Failure::usage)?;
            Some(csr::read(&content, &path.display().to_string()).map_err(Failure::usage)?)
        }
        None => None,
    };
    Ok(Request {
        hosts,
        profile,
        leaf_validity: LeafValidity {
            not_before: time(&args.not_before)?,
            not_after: time(&args.not_after)?,
        },
        sans: parse_all(&args.sans, San::parse)?,
        name_constraints: parse_all(&args.name_constraints, Subtree::parse)?,
        clients: args.clients,
        typed_mode: args.mode.filter(|_| args.typed.has("mode")),
        mode: args.mode,
        typed: (Flag::NAMES.iter())
            .filter(|(name, _)| args.typed.has(name))
            .map(|(_, flag)| *flag)
            .collect(),
        bad: args.bad,
        csr,
        signer: match (args.ca, args.root) {
            (Some(dir), _) => Signer::Intermediate(dir),
            (None, Some(dir)) => Signer::Root(dir),
            (None, None) => Signer::Own,
        },
        password: args.password.read(context)?,
        bundles: args.pkcs12,
        force: args.force,
        skip_existing: args.skip_existing,
    })
}

fn parse_all<T>(texts: &[String], parse: impl Fn(&str) -> Result<T, Problem>) -> Result<Vec<T>, Failure> {
    texts
        .iter()
        .map(|text| parse(text))
        .collect::<Result<_, _>>()
        .map_err(Failure::usage)
}
