//! The names of all objects: credential and file-mount Secrets, mount paths, servers and
//! VirtualServices. Pure and stable: a recorded name never changes.

use std::collections::HashSet;

use super::routes::page_host;
use crate::names::Host;

/// The label of everything that this program creates.
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// That label's value.
pub const MANAGED_BY: &str = "istio-tls";
/// The CA file's short name in a file-mount Secret, and therefore below its mount path.
pub const CA_CHAIN_FILE: &str = "ca-chain.cert.pem";
/// The CRL file's short name in a file-mount Secret.
pub const CRL_FILE: &str = "ca.crl";
/// The folder in the gateway's pods below which file-mount Secrets are mounted.
pub const MOUNT_ROOT: &str = "/etc/istio/";
/// The prefix of a file-mount Secret's name; the rest is the name of its volume.
pub const MOUNTED_SECRET_PREFIX: &str = "istio-";
/// The maximum length of a name without truncation: with all prefixes and suffixes added here, it
/// is still a DNS label.
const LONGEST: usize = 53;
const CREDENTIAL_SUFFIX: &str = "-credential";

/// The names that belong to one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostNames {
    /// The host.
    pub host: Host,
    /// The base of the other names: `httpbin`.
    pub base: String,
    /// The credential Secret: `httpbin-credential`.
    pub credential: String,
    /// The VirtualService: `httpbin`.
    pub virtual_service: String,
    /// The `port.name` of the host's server if there are several: `https-httpbin`.
    pub server: String,
    /// The names for file mounts.
    pub mount: MountNames,
}

/// The file-mount Secrets of one host and where the gateway's pods mount them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountNames {
    /// The Secret of certificate and key: `istio-ingressgateway-certs`.
    pub certs_secret: String,
    /// The Secret of the CA: `istio-ingressgateway-ca-certs`.
    pub ca_certs_secret: String,
    /// The mount path of the first: `/etc/istio/ingressgateway-certs`.
    pub certs_path: String,
    /// The mount path of the second: `/etc/istio/ingressgateway-ca-certs`.
    pub ca_certs_path: String,
    /// The first one's volume: `ingressgateway-certs`.
    pub certs_volume: String,
    /// The second one's volume: `ingressgateway-ca-certs`.
    pub ca_certs_volume: String,
}

impl MountNames {
    /// The names for a host; the first host's have no suffix, to match the gateway's default
    /// volumes.
    fn new(suffix: Option<&str>) -> Self {
        let suffix = suffix.map(|base| format!("-{base}")).unwrap_or_default();
        let certs = format!("ingressgateway{suffix}-certs");
        let ca_certs = format!("ingressgateway{suffix}-ca-certs");
        Self {
            certs_secret: format!("{MOUNTED_SECRET_PREFIX}{certs}"),
            ca_certs_secret: format!("{MOUNTED_SECRET_PREFIX}{ca_certs}"),
            certs_path: format!("{MOUNT_ROOT}{certs}"),
            ca_certs_path: format!("{MOUNT_ROOT}{ca_certs}"),
            certs_volume: fit(&certs, &certs, 63),
            ca_certs_volume: fit(&ca_certs, &ca_certs, 63),
        }
    }

    /// The path of the certificate in the gateway's pods.
    pub fn certificate_path(&self) -> String {
        format!("{}/tls.crt", self.certs_path)
    }

    /// The path of the key in the gateway's pods.
    pub fn key_path(&self) -> String {
        format!("{}/tls.key", self.certs_path)
    }

    /// The path of the CA in the gateway's pods.
    pub fn ca_path(&self) -> String {
        format!("{}/{CA_CHAIN_FILE}", self.ca_certs_path)
    }
}

/// Names all hosts of a list, in order. `recorded` is a credential name recorded by an earlier run;
/// it is kept, and the other names are derived from it. If two hosts would share a name, the second
/// one uses its full name with dashes instead of dots.
pub fn names<'a>(hosts: impl IntoIterator<Item = (&'a Host, Option<&'a str>)>) -> Vec<HostNames> {
    let hosts: Vec<_> = hosts.into_iter().collect();
    let mut taken = Taken::default();
    // Recorded names are reserved, regardless of their position in the list.
    for (host, recorded) in &hosts {
        if let Some(recorded) = recorded {
            taken.reserve(host, recorded, base_of(recorded).unwrap_or_default());
        }
    }
    hosts
        .iter()
        .enumerate()
        .map(|(index, (host, recorded))| {
            let base = recorded
                .and_then(base_of)
                .map_or_else(|| taken.choose(host), str::to_owned);
            let credential = recorded.map_or_else(|| credential(&base), str::to_owned);
            taken.reserve(host, &credential, &base);
            HostNames {
                host: (*host).clone(),
                virtual_service: virtual_service(host, &base),
                server: format!("https-{base}"),
                mount: taken.mount(host, &base, index == 0),
                credential,
                base,
            }
        })
        .collect()
}

/// The names of a single host.
pub fn names_of(host: &Host) -> HostNames {
    names([(host, None)])
        .pop()
        .expect("one host has been given, so one set of names comes back")
}

/// The credential name of a host when others already have theirs.
pub fn credential_name<'a>(host: &Host, recorded: impl IntoIterator<Item = (&'a Host, &'a str)>) -> String {
    let others = recorded.into_iter().map(|(host, name)| (host, Some(name)));
    names(others.chain([(host, None)]))
        .pop()
        .expect("the host itself has been given, so its names come back")
        .credential
}

fn base_of(credential: &str) -> Option<&str> {
    credential
        .strip_suffix(CREDENTIAL_SUFFIX)
        .filter(|base| !base.is_empty() && base.len() <= LONGEST)
}

/// Names already in use.
#[derive(Default)]
struct Taken {
    credentials: HashSet<String>,
    virtual_services: HashSet<String>,
    mounts: HashSet<String>,
}

impl Taken {
    /// The first of the host's candidates without a name in use.
    fn choose(&self, host: &Host) -> String {
        let [short, full, hashed] = candidates(host);
        [short, full]
            .into_iter()
            .find(|base| {
                !self.credentials.contains(&credential(base))
                    && !self.virtual_services.contains(&virtual_service(host, base))
            })
            .unwrap_or(hashed)
    }

    fn reserve(&mut self, host: &Host, credential: &str, base: &str) {
        self.credentials.insert(credential.to_owned());
        self.virtual_services.insert(virtual_service(host, base));
    }

    /// A host `ca` or `x-ca` must not take the name of another host's CA Secret.
    fn mount(&mut self, host: &Host, base: &str, first: bool) -> MountNames {
        let mount = if first {
            MountNames::new(None)
        } else {
            let [_, full, hashed] = candidates(host);
            [base.to_owned(), full]
                .into_iter()
                .map(|suffix| MountNames::new(Some(&suffix)))
                .find(|mount| {
                    ![&mount.certs_secret, &mount.ca_certs_secret]
                        .into_iter()
                        .any(|name| self.mounts.contains(name))
                })
                .unwrap_or_else(|| MountNames::new(Some(&hashed)))
        };
        self.mounts
            .extend([mount.certs_secret.clone(), mount.ca_certs_secret.clone()]);
        mount
    }
}

/// Candidates for a host's name, best first: its first label, its full name with dashes, and that
/// with a unique hash.
fn candidates(host: &Host) -> [String; 3] {
    let short = page_host(host).map_or_else(|| host.short_name(), |page| page.base.to_owned());
    let full = match host.ip() {
        Some(_) => host.short_name(),
        None => host.as_str().replace("*.", "wildcard-").replace('.', "-"),
    };
    let hashed = format!("{}-{}", truncate(&full, LONGEST - 9), short_hash(host.as_str()));
    [
        fit(&short, host.as_str(), LONGEST),
        fit(&full, host.as_str(), LONGEST),
        hashed,
    ]
}

fn credential(base: &str) -> String {
    format!("{base}{CREDENTIAL_SUFFIX}")
}

/// The page's name, only while the host has the page's base.
fn virtual_service(host: &Host, base: &str) -> String {
    page_host(host)
        .filter(|page| page.base == base)
        .map_or(base, |page| page.virtual_service)
        .to_owned()
}

/// Truncates a name that is too long and adds a hash of `whole`, so that long names stay distinct.
fn fit(name: &str, whole: &str, longest: usize) -> String {
    if name.len() <= longest {
        truncate(name, longest)
    } else {
        format!("{}-{}", truncate(name, longest - 9), short_hash(whole))
    }
}

/// At most `longest` characters (names are ASCII), without leading and trailing hyphens: an IPv6
/// address may end in those of its `::`.
fn truncate(name: &str, longest: usize) -> String {
    name[..name.len().min(longest)].trim_matches('-').to_owned()
}

/// The first 8 hex digits of SHA-256.
fn short_hash(text: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    let first = digest
        .as_ref()
        .iter()
        .take(4)
        .fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte));
    format!("{first:08x}")
}

#[cfg(test)]
mod tests {
    use super::{credential_name, names, names_of};
    use crate::names::Host;

    fn host(text: &str) -> Host {
        Host::parse(text).unwrap()
    }

    #[test]
    fn the_task_pages_names() {
        let hosts = [
            host("httpbin.example.com"),
            host("bookinfo.com"),
            host("helloworld-v1.example.com"),
        ];
        let named = names(hosts.iter().map(|host| (host, None)));
        let rows: Vec<[&str; 7]> = named
            .iter()
            .map(|names| {
                [
                    names.credential.as_str(),
                    &names.mount.certs_secret,
                    &names.mount.ca_certs_secret,
                    &names.mount.certs_path,
                    &names.mount.ca_certs_path,
                    &names.server,
                    &names.virtual_service,
                ]
            })
            .collect();
        assert_eq!(
            rows,
            [
                [
                    "httpbin-credential",
                    "istio-ingressgateway-certs",
                    "istio-ingressgateway-ca-certs",
                    "/etc/istio/ingressgateway-certs",
                    "/etc/istio/ingressgateway-ca-certs",
                    "https-httpbin",
                    "httpbin"
                ],
                [
                    "bookinfo-credential",
                    "istio-ingressgateway-bookinfo-certs",
                    "istio-ingressgateway-bookinfo-ca-certs",
                    "/etc/istio/ingressgateway-bookinfo-certs",
                    "/etc/istio/ingressgateway-bookinfo-ca-certs",
                    "https-bookinfo",
                    "bookinfo"
                ],
                [
                    "helloworld-credential",
                    "istio-ingressgateway-helloworld-certs",
                    "istio-ingressgateway-helloworld-ca-certs",
                    "/etc/istio/ingressgateway-helloworld-certs",
                    "/etc/istio/ingressgateway-helloworld-ca-certs",
                    "https-helloworld",
                    "helloworld-v1"
                ],
            ]
        );
    }

    #[test]
    fn other_hosts_take_their_first_label() {
        for (text, credential, virtual_service) in [
            ("shop.example.org", "shop-credential", "shop"),
            ("*.a.com", "a-credential", "a"),
            ("10.0.0.1", "ip-10-0-0-1-credential", "ip-10-0-0-1"),
            ("fe80::1", "ip-fe80--1-credential", "ip-fe80--1"),
            ("fe80::", "ip-fe80-credential", "ip-fe80"),
            ("helloworld-v1.test", "helloworld-v1-credential", "helloworld-v1"),
            (
                "a-label-of-the-greatest-length-that-a-domain-name-may-ever-have.org",
                "a-label-of-the-greatest-length-that-a-domain-ec6d17e9-credential",
                "a-label-of-the-greatest-length-that-a-domain-ec6d17e9",
            ),
        ] {
            let names = names_of(&host(text));
            assert_eq!(
                (names.credential.as_str(), names.virtual_service.as_str()),
                (credential, virtual_service),
                "{text}"
            );
            crate::names::check_object_name("Secret", &names.credential).unwrap();
            assert!(crate::names::is_dns_label(&names.virtual_service), "{text}");
            assert!(crate::names::is_dns_label(&names.server), "{text}");
        }
    }

    #[test]
    fn the_later_of_two_takes_its_full_name() {
        for (hosts, credentials) in [
            (
                vec!["shop.a.com", "shop.b.com"],
                vec!["shop-credential", "shop-b-com-credential"],
            ),
            (vec!["*.a.com", "a.com"], vec!["a-credential", "a-com-credential"]),
            (
                vec!["a.com", "*.a.com"],
                vec!["a-credential", "wildcard-a-com-credential"],
            ),
            (
                vec!["shop.a.com", "shop-b-com.x", "shop.b.com"],
                vec![
                    "shop-credential",
                    "shop-b-com-credential",
                    "shop-b-com-4c582d6c-credential",
                ],
            ),
            // The page's helloworld-v1 has the VirtualService helloworld-v1.
            (
                vec!["helloworld-v1.example.com", "helloworld-v1.test", "helloworld.test"],
                vec![
                    "helloworld-credential",
                    "helloworld-v1-test-credential",
                    "helloworld-test-credential",
                ],
            ),
            (vec!["fe80::", "fe80.x"], vec!["ip-fe80-credential", "fe80-credential"]),
        ] {
            let hosts: Vec<Host> = hosts.into_iter().map(host).collect();
            let named = names(hosts.iter().map(|host| (host, None)));
            let found: Vec<&str> = named.iter().map(|names| names.credential.as_str()).collect();
            assert_eq!(found, credentials);
        }
    }

    #[test]
    fn no_mounted_secret_has_two_meanings() {
        let hosts: Vec<Host> = ["a.com", "ca.com", "b.com", "b-ca.com"].into_iter().map(host).collect();
        let named = names(hosts.iter().map(|host| (host, None)));
        let mut secrets: Vec<&str> = named
            .iter()
            .flat_map(|names| [names.mount.certs_secret.as_str(), &names.mount.ca_certs_secret])
            .collect();
        assert_eq!(named[1].credential, "ca-credential");
        assert_eq!(named[1].mount.certs_secret, "istio-ingressgateway-ca-com-certs");
        secrets.sort_unstable();
        secrets.dedup();
        assert_eq!(secrets.len(), 8);
    }

    #[test]
    fn a_recorded_name_stays_when_the_host_before_it_is_gone() {
        let (first, later) = (host("shop.a.com"), host("shop.b.com"));
        let named = names([(&later, Some("shop-b-com-credential"))]);
        assert_eq!(named[0].credential, "shop-b-com-credential");
        assert_eq!(named[0].virtual_service, "shop-b-com");
        assert_eq!(
            credential_name(&first, [(&later, "shop-credential")]),
            "shop-a-com-credential"
        );
        let named = names([(&first, None), (&later, Some("shop-credential"))]);
        assert_eq!(named[0].virtual_service, "shop-a-com");
        // A custom name.
        let named = names([(&first, Some("wonderful"))]);
        assert_eq!(
            (named[0].credential.as_str(), named[0].base.as_str()),
            ("wonderful", "shop")
        );
    }
}
