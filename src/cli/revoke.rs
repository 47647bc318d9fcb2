//! `istio-tls revoke`: puts a certificate on the revocation list of its CA.

use serde_json::json;

use super::authority;
use super::context::{Context, Format};
use super::password::PasswordArgs;
use super::{Exit, Failure};
use crate::certs::{CertificateAuthority, crl, inspect, pem};
use crate::files::shown;
use crate::hex;
use crate::names::Host;
use crate::problem::Problem;
use crate::shell::quote;
use crate::workspace::layout::{ChainLayout, Part};
use crate::workspace::store::{self, Keep, Store};

/// Revokes a client or server certificate
///
/// Adds its serial number to the CRL of the CA that issued it, and renews the
/// CRLs of both CAs under HOST/1_root/crl and HOST/2_intermediate/crl. What was
/// revoked before stays revoked. Needs the CAs' keys.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  istio-tls revoke httpbin.example.com --client alice\n  istio-tls revoke httpbin.example.com --serial 4f:12:09:aa\n\nserve reads the workspace's lists by itself, also while it runs."
)]
pub(super) struct RevokeArgs {
    /// The host under whose CA the certificate is
    #[arg(value_name = "HOST")]
    host: String,
    /// Revoke this client's certificate
    #[arg(long, value_name = "NAME")]
    client: Option<String>,
    /// Revoke the certificate of this serial number (hex, as inspect shows it)
    #[arg(long, value_name = "N", conflicts_with = "client")]
    serial: Option<String>,
    #[command(flatten)]
    password: PasswordArgs,
}

/// One CA of a chain, and where its parts stand.
struct Issuer {
    what: &'static str,
    cert: Part<'static>,
    key: Part<'static>,
    crl: Part<'static>,
}

const ROOT: Issuer = Issuer {
    what: "root",
    cert: Part::RootCert,
    key: Part::RootKey,
    crl: Part::RootCrl,
};
const INTERMEDIATE: Issuer = Issuer {
    what: "intermediate",
    cert: Part::IntermediateCert,
    key: Part::IntermediateKey,
    crl: Part::IntermediateCrl,
};

pub(super) fn run(args: &RevokeArgs, context: &Context) -> Result<Exit, Failure> {
    let format = context.text_or_json()?;
    let host = Host::parse(&args.host).map_err(Failure::usage)?;
    let layout = ChainLayout::new(&context.dir, &host);
    if !store::has_chain(&layout) {
        return Err(Failure::usage(
            Problem::new(format!("{host} has no chain here"))
                .at(format!("{}/", shown(&layout.folder())))
                .fix(format!("istio-tls gen-certs {}", quote(host.as_str()))),
        ));
    }
    let serial = match (&args.client, &args.serial) {
        (Some(client), _) => serial_of_client(&layout, client, context)?,
        (None, Some(text)) => parse_serial(text)?,
        (None, None) => {
            return Err(Failure::usage(
                Problem::new("it is not said which certificate to revoke").fix("give --client NAME or --serial N"),
            ));
        }
    };
    let password = args.password.read(context)?;
    let password = password.as_ref().map(|password| password.as_str());

    let has_intermediate = layout.path(INTERMEDIATE.cert).exists();
    let of_intermediate = serial_of(&layout, INTERMEDIATE.cert, context)?;
    let (signer, other) = if !has_intermediate || of_intermediate.as_deref() == Some(serial.as_slice()) {
        (ROOT, has_intermediate.then_some(INTERMEDIATE))
    } else {
        (INTERMEDIATE, Some(ROOT))
    };
    let ca = ca(&layout, &signer, password)?;
    let store = Store::open(&context.dir, || {
        context.say("waiting for another istio-tls that writes here");
    })
    .map_err(Failure::runtime)?;
    let mut contents = contents(&layout, &signer)?;
    if !contents.revoke(&serial, context.now) {
        report(format, context, &layout, &serial, &[], true)?;
        return Ok(Exit::Done);
    }
    let mut written = vec![(signer.crl, issue(&contents, &ca, context)?)];
    if let Some(other) = other {
        if layout.path(other.key).exists() {
            let ca = self::ca(&layout, &other, password)?;
            let contents = self::contents(&layout, &other)?;
            written.push((other.crl, issue(&contents, &ca, context)?));
        } else {
            context.say(&format!(
                "note: the CRL of the {} is not written: its key is not here ({})",
                other.what,
                layout.path(other.key).display()
            ));
        }
    }
    let parts: Vec<(Part<'_>, &[u8])> = written.iter().map(|(part, text)| (*part, text.as_bytes())).collect();
    store
        .write_chain(&layout, &parts, Keep::Everything)
        .map_err(Failure::runtime)?;
    let crls: Vec<Part<'_>> = written.iter().map(|(part, _)| *part).collect();
    report(format, context, &layout, &serial, &crls, false)?;
    Ok(Exit::Done)
}

fn ca(layout: &ChainLayout, issuer: &Issuer, password: Option<&str>) -> Result<CertificateAuthority, Failure> {
    authority::ca(&layout.path(issuer.cert), &layout.path(issuer.key), password)
}

fn contents(layout: &ChainLayout, issuer: &Issuer) -> Result<crl::Contents, Failure> {
    match store::read(layout, issuer.crl).map_err(Failure::usage)? {
        Some(content) => {
            let name = layout.path(issuer.crl).display().to_string();
            crl::contents(&content, &name).map_err(|problem| {
                Failure::usage(problem.fix(format!(
                    "restore {name}; without it nobody knows what was revoked before"
                )))
            })
        }
        None => Ok(crl::Contents::default()),
    }
}

fn issue(contents: &crl::Contents, ca: &CertificateAuthority, context: &Context) -> Result<String, Failure> {
    let crl = crl::issue(contents, ca, context.now).map_err(Failure::usage)?;
    Ok(crl::text(&crl))
}

fn serial_of_client(layout: &ChainLayout, client: &str, context: &Context) -> Result<Vec<u8>, Failure> {
    let known = store::clients(layout).map_err(Failure::runtime)?;
    let unknown = || {
        Failure::usage(
            Problem::new(format!("{} has no client {client:?}", layout.host())).why(if known.is_empty() {
                "it has no clients".to_owned()
            } else {
                format!("its clients are {}", known.join(", "))
            }),
        )
    };
    if !known.iter().any(|name| name == client) {
        return Err(unknown());
    }
    serial_of(layout, Part::ClientCert(client), context)?.ok_or_else(unknown)
}

fn serial_of(layout: &ChainLayout, part: Part<'_>, context: &Context) -> Result<Option<Vec<u8>>, Failure> {
    let Some(content) = store::read(layout, part).map_err(Failure::usage)? else {
        return Ok(None);
    };
    let certificates = pem::certificates(&content, &layout.path(part).display().to_string()).map_err(Failure::usage)?;
    match certificates.first() {
        Some(leaf) => parse_serial(&inspect::certificate(leaf, context.now).map_err(Failure::usage)?.serial).map(Some),
        None => Ok(None),
    }
}

/// A serial number's octets without leading zeros, from hex with or without
/// colons and `0x`.
fn parse_serial(text: &str) -> Result<Vec<u8>, Failure> {
    let wrong = || {
        let shown: String = text.chars().take(80).collect();
        Failure::usage(
            Problem::new(format!("{shown:?} is not a serial number"))
                .why("a serial number is 1 to 20 octets in hex (RFC 5280 section 4.1.2.2)")
                .fix("istio-tls inspect FILE shows it"),
        )
    };
    let digits: String = text
        .trim_start_matches("0x")
        .chars()
        .filter(|c| *c != ':' && *c != ' ')
        .collect();
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() || digits.len() > 40 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let even = if digits.len().is_multiple_of(2) {
        digits.to_owned()
    } else {
        format!("0{digits}")
    };
    (0..even.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&even[at..at + 2], 16).map_err(|_| wrong()))
        .collect()
}

fn report(
    format: Format,
    context: &Context,
    layout: &ChainLayout,
    serial: &[u8],
    crls: &[Part<'_>],
    already: bool,
) -> Result<(), Failure> {
    let serial = hex::with_colons(serial);
    let paths: Vec<String> = (crls.iter()).map(|part| shown(&layout.path(*part))).collect();
    match format {
        Format::Json => context.print_json(&json!({
            "schema": 1,
            "host": layout.host(),
            "serial": serial,
            "alreadyRevoked": already,
            "crls": paths,
        })),
        Format::Text if already => context.print(&format!("{serial} is revoked already\n")),
        Format::Text => {
            let mut lines = vec![format!("revoked {serial}")];
            lines.extend(paths.iter().map(|path| format!("  wrote {path}")));
            lines.push("\nnext: istio-tls serve  (a running one refuses the certificate already)".to_owned());
            lines.push(
                "      manifests adds the CRLs to the Secret; probe and verify take them with --crl\n".to_owned(),
            );
            context.print(&lines.join("\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse_serial;

    #[test]
    fn serial_numbers_are_read_as_tools_show_them() {
        for text in ["4f12", "4F:12", "0x4f12", "004F12", "4f 12"] {
            assert_eq!(parse_serial(text).ok(), Some(vec![0x4f, 0x12]), "{text}");
        }
        assert_eq!(parse_serial("f12").ok(), Some(vec![0x0f, 0x12]));
        for text in ["", "0", "xyz", "é1", &"f".repeat(41)] {
            assert!(parse_serial(text).is_err(), "{text}");
        }
    }
}
