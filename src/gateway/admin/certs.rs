//! `/certs`: what is served, in the shape of Envoy's page of that name, with
//! the subject and the Secret or path added.

use std::collections::BTreeMap;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use x509_parser::prelude::{FromDer as _, GeneralName, X509Certificate};

use crate::certs::times::rfc3339;
use crate::gateway::config::table::{ClientAuth, FilterChain, ListenerProtocol, SniTable, Table};
use crate::hex;

/// Every certificate of a table; `now` in seconds since 1970.
pub(super) fn certs(table: &Table, now: u64) -> Value {
    let mut certificates = Vec::new();
    for listener in &table.listeners {
        let ListenerProtocol::Tls(chains) = &listener.protocol else {
            continue;
        };
        for (chain, hosts) in chains_with_hosts(chains) {
            let Some(tls) = chain.material() else {
                continue;
            };
            let mut value = json!({ "filter_chain": chain.name, "port": listener.port, "hosts": hosts });
            match tls {
                Ok(material) => {
                    let authorities = match &material.client_auth {
                        ClientAuth::None => &[][..],
                        ClientAuth::Optional(v) | ClientAuth::Required(v) => &v.authorities,
                    };
                    let chains = material.identities.iter();
                    let chains = chains.flat_map(|one| described(&one.certificates, &one.source, now));
                    value["cert_chain"] = chains.collect();
                    let source = material.identities.first().map(|one| one.source.as_str());
                    value["ca_cert"] = described(authorities, source.unwrap_or_default(), now).collect();
                }
                Err(missing) => value["missing"] = json!(missing),
            }
            certificates.push(value);
        }
    }
    json!({ "certificates": certificates })
}

/// A chain and the hosts that lead to it.
type ChainWithHosts<'a> = (&'a Arc<FilterChain>, Vec<String>);

/// The chains of a listener, each once, with the hosts that lead to it.
pub(super) fn chains_with_hosts(chains: &SniTable) -> Vec<ChainWithHosts<'_>> {
    let mut found: BTreeMap<(&str, usize), ChainWithHosts<'_>> = BTreeMap::new();
    let exact = chains.exact.iter().map(|(host, chain)| (host.to_string(), chain));
    let wildcard = chains
        .wildcard
        .iter()
        .map(|(suffix, chain)| (format!("*{suffix}"), chain));
    let any = chains.any.iter().map(|chain| ("*".to_owned(), chain));
    for (host, chain) in exact.chain(wildcard).chain(any) {
        let key = (chain.name.as_str(), Arc::as_ptr(chain).addr());
        found.entry(key).or_insert_with(|| (chain, Vec::new())).1.push(host);
    }
    found
        .into_values()
        .map(|(chain, mut hosts)| {
            hosts.sort();
            (chain, hosts)
        })
        .collect()
}

fn described(certificates: &[CertificateDer<'_>], source: &str, now: u64) -> impl Iterator<Item = Value> {
    certificates.iter().map(move |der| certificate(der, source, now))
}

fn certificate(der: &[u8], source: &str, now: u64) -> Value {
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return json!({ "path": source, "error": "the certificate cannot be read" });
    };
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names
        .map(|extension| extension.value.general_names.as_slice())
        .unwrap_or_default();
    let names: Vec<Value> = names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(dns) => Some(json!({ "dns": dns })),
            GeneralName::URI(uri) => Some(json!({ "uri": uri })),
            GeneralName::RFC822Name(mail) => Some(json!({ "email": mail })),
            GeneralName::IPAddress([a, b, c, d]) => Some(json!({ "ip_address": format!("{a}.{b}.{c}.{d}") })),
            GeneralName::IPAddress(bytes) => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|bytes| json!({ "ip_address": std::net::Ipv6Addr::from(bytes).to_string() })),
            _ => None,
        })
        .collect();
    let serial = hex::digits(certificate.raw_serial());
    let validity = certificate.validity();
    let days = (validity.not_after.timestamp() - i64::try_from(now).unwrap_or(i64::MAX))
        .div_euclid(86_400)
        .max(0);
    json!({
        "path": source,
        "serial_number": serial.strip_prefix("00").unwrap_or(&serial),
        "subject": certificate.subject().to_string(),
        "issuer": certificate.issuer().to_string(),
        "subject_alt_names": names,
        "valid_from": rfc3339(validity.not_before.to_datetime()),
        "expiration_time": rfc3339(validity.not_after.to_datetime()),
        // As text, which is how Envoy's page writes its 64-bit numbers.
        "days_until_expiration": days.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::certificate;

    #[test]
    fn a_certificate_is_described_as_envoy_does() {
        let mut params = rcgen::CertificateParams::new(vec!["a.example.com".into(), "10.0.0.1".into()]).unwrap();
        params.not_before = rcgen::date_time_ymd(2026, 1, 1);
        params.not_after = rcgen::date_time_ymd(2026, 1, 11);
        params.serial_number = Some(vec![0x0a, 0xbc].into());
        let key = rcgen::KeyPair::generate().unwrap();
        let der = params.self_signed(&key).unwrap();
        let value = certificate(der.der(), "Secret istio-system/a", 1_767_225_600 + 3600);
        assert_eq!(value["serial_number"], "0abc");
        assert_eq!(value["path"], "Secret istio-system/a");
        assert_eq!(value["valid_from"], "2026-01-01T00:00:00Z");
        assert_eq!(value["days_until_expiration"], "9");
        assert_eq!(value["subject_alt_names"][0]["dns"], "a.example.com");
        assert_eq!(value["subject_alt_names"][1]["ip_address"], "10.0.0.1");
    }
}
