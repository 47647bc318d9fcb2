//! References to certificates: a Gateway's `credentialName`, the mount paths of Secrets, and the
//! names of both in Envoy. All such references are parsed here.

use crate::manifests::naming::{MOUNT_ROOT, MOUNTED_SECRET_PREFIX};

/// The suffix of the name of a Secret with the CA for clients, next to the server's.
pub const CA_SUFFIX: &str = "-cacert";

/// The scheme of a Secret, which may be omitted.
const KUBERNETES: &str = "kubernetes://";
/// The scheme of a ConfigMap.
const CONFIG_MAP: &str = "configmap://";
/// The scheme that istiod uses for the Secrets of Gateway API listeners.
const KUBERNETES_GATEWAY: &str = "kubernetes-gateway://";

/// The target of `credentialName`, one of `credentialNames`, or `caCertCredentialName`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialName<'a> {
    /// A Secret: `NAME`, `NAMESPACE/NAME`, or either after `kubernetes://`.
    Secret {
        /// Its namespace, if given; otherwise that of the gateway's pods.
        namespace: Option<&'a str>,
        /// Its name.
        name: &'a str,
    },
    /// A ConfigMap with the CA for clients, after `configmap://`.
    ConfigMap {
        /// Its namespace.
        namespace: &'a str,
        /// Its name.
        name: &'a str,
    },
    /// A provider other than Kubernetes: `builtin://`, `sds://NAME`.
    OtherProvider {
        /// The scheme before `://`.
        scheme: &'a str,
    },
}

impl<'a> CredentialName<'a> {
    /// Parses a reference like istiod; any text is valid.
    pub fn parse(written: &'a str) -> Self {
        let of_config_map = written.strip_prefix(CONFIG_MAP).and_then(|rest| rest.split_once('/'));
        if let Some((namespace, name)) = of_config_map {
            return Self::ConfigMap { namespace, name };
        }
        let plain = written.strip_prefix(KUBERNETES).unwrap_or(written);
        if let Some((scheme, _)) = plain.split_once("://") {
            return Self::OtherProvider { scheme };
        }
        match plain.split_once('/') {
            Some((namespace, name)) => Self::Secret {
                namespace: Some(namespace),
                name,
            },
            None => Self::Secret {
                namespace: None,
                name: plain,
            },
        }
    }

    /// The name of the Secret that pods in `namespace` get for this reference; none if it refers to
    /// another namespace or provider.
    pub fn name_in(self, namespace: &str) -> Option<&'a str> {
        match self {
            Self::Secret { namespace: own, name } => own.is_none_or(|own| own == namespace).then_some(name),
            Self::ConfigMap { .. } | Self::OtherProvider { .. } => None,
        }
    }
}

/// Namespace and name of the ConfigMap that `caCertCredentialName` refers to as
/// `configmap://NAMESPACE/NAME`; istiod accepts it only for a CA.
pub fn config_map(written: &str) -> Option<(&str, &str)> {
    written.strip_prefix("configmap://")?.split_once('/')
}

/// The name that istiod uses for the Secret of a Gateway API listener: one that its Gateway may
/// use.
pub fn granted_secret(namespace: &str, name: &str) -> String {
    format!("{KUBERNETES_GATEWAY}{namespace}/{name}")
}

/// Namespace and name from the result of [`granted_secret`].
pub fn granted(written: &str) -> Option<(&str, &str)> {
    written.strip_prefix(KUBERNETES_GATEWAY)?.split_once('/')
}

/// The reference of `caCertCredentialName` to a ConfigMap.
pub fn in_config_map(namespace: &str, name: &str) -> String {
    format!("{CONFIG_MAP}{namespace}/{name}")
}

/// The Secret with the CA for clients of the server whose Secret is `name`, if the latter has none.
pub fn ca_secret(name: &str) -> String {
    format!("{name}{CA_SUFFIX}")
}

/// The server's Secret that belongs to one with the CA for its clients.
pub fn server_secret(ca_secret: &str) -> Option<&str> {
    ca_secret.strip_suffix(CA_SUFFIX)
}

/// A file of a Secret that is mounted, by Istio's convention, at `/etc/istio/NAME`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MountedFile<'a> {
    /// `NAME`: the Secret's name without `istio-`.
    volume: &'a str,
    /// The file's name, which is the Secret's key.
    pub key: &'a str,
}

impl<'a> MountedFile<'a> {
    /// Parses `/etc/istio/NAME/FILE`; none for other paths.
    pub fn parse(path: &'a str) -> Option<Self> {
        let (volume, key) = path.strip_prefix(MOUNT_ROOT)?.split_once('/')?;
        (!volume.is_empty() && !key.is_empty() && !key.contains('/')).then_some(Self { volume, key })
    }

    /// The mounted Secret's name: `istio-NAME`.
    pub fn secret(self) -> String {
        format!("{MOUNTED_SECRET_PREFIX}{}", self.volume)
    }
}

/// The SDS resource name of a certificate in a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProxyResource<'a> {
    /// A Secret's.
    Secret {
        /// Its namespace, if the name contains it.
        namespace: Option<&'a str>,
        /// Its name.
        name: &'a str,
    },
    /// `file-cert:CERTIFICATE~KEY`: a pair of files in the pod.
    Files {
        /// The certificate's path.
        certificate: &'a str,
    },
    /// `file-root:PATH`: a CA's file in the pod.
    Root {
        /// Its path.
        path: &'a str,
    },
    /// Another provider's.
    Other,
}

impl<'a> ProxyResource<'a> {
    /// Parses a resource name as created by istiod and the agent.
    pub fn parse(name: &'a str) -> Self {
        if let Some(files) = name.strip_prefix("file-cert:") {
            let certificate = files.split_once('~').map_or(files, |(certificate, _)| certificate);
            return Self::Files { certificate };
        }
        if let Some(path) = name.strip_prefix("file-root:") {
            return Self::Root { path };
        }
        match CredentialName::parse(name.strip_prefix(KUBERNETES_GATEWAY).unwrap_or(name)) {
            CredentialName::Secret { namespace, name } => Self::Secret { namespace, name },
            CredentialName::ConfigMap { .. } | CredentialName::OtherProvider { .. } => Self::Other,
        }
    }

    /// Finds the resource name of a Secret in a text, such as a log line: everything from its
    /// scheme on.
    pub fn find_secret(text: &str) -> Option<&str> {
        let mut starts = [KUBERNETES, KUBERNETES_GATEWAY]
            .into_iter()
            .filter_map(|scheme| text.find(scheme));
        starts.next().map(|start| &text[start..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{CredentialName, MountedFile, ProxyResource, ca_secret, server_secret};
    use crate::manifests::naming::names_of;
    use crate::names::Host;

    fn secret<'a>(namespace: Option<&'a str>, name: &'a str) -> CredentialName<'a> {
        CredentialName::Secret { namespace, name }
    }

    #[test]
    fn references_to_secrets_and_to_other_providers() {
        for (written, wanted) in [
            ("httpbin-credential", secret(None, "httpbin-credential")),
            ("web/httpbin", secret(Some("web"), "httpbin")),
            ("kubernetes://httpbin", secret(None, "httpbin")),
            ("kubernetes://web/httpbin", secret(Some("web"), "httpbin")),
            ("httpbin-cacert", secret(None, "httpbin-cacert")),
            ("", secret(None, "")),
            ("/x", secret(Some(""), "x")),
            ("builtin://", CredentialName::OtherProvider { scheme: "builtin" }),
            ("sds://web/x", CredentialName::OtherProvider { scheme: "sds" }),
            ("kubernetes://sds://x", CredentialName::OtherProvider { scheme: "sds" }),
            (
                "kubernetes-gateway://web/x",
                CredentialName::OtherProvider {
                    scheme: "kubernetes-gateway",
                },
            ),
        ] {
            assert_eq!(CredentialName::parse(written), wanted, "{written}");
        }
    }

    #[test]
    fn pods_get_secrets_of_their_own_namespace_only() {
        for (written, wanted) in [
            ("a", Some("a")),
            ("web/a", Some("a")),
            ("kubernetes://web/a", Some("a")),
            ("other/a", None),
            ("sds://web/a", None),
        ] {
            assert_eq!(CredentialName::parse(written).name_in("web"), wanted, "{written}");
        }
    }

    #[test]
    fn the_secret_of_the_ca_is_beside_the_servers() {
        assert_eq!(ca_secret("a"), "a-cacert");
        assert_eq!(server_secret("a-cacert"), Some("a"));
        assert_eq!(server_secret("a"), None);
    }

    #[test]
    fn mounted_files_name_a_secret_and_its_key() {
        let read = |path| MountedFile::parse(path).map(|file| (file.secret(), file.key));
        let wanted = ("istio-ingressgateway-certs".to_owned(), "tls.crt");
        assert_eq!(read("/etc/istio/ingressgateway-certs/tls.crt"), Some(wanted));
        for path in [
            "",
            "/etc/istio",
            "/etc/istio/tls.crt",
            "/etc/istio/a/",
            "/etc/istio//tls.crt",
            "/etc/istio/a/b/c",
            "/etc/certs/tls.crt",
            "etc/istio/a/b",
        ] {
            assert_eq!(read(path), None, "{path}");
        }
    }

    #[test]
    fn what_a_proxy_holds_is_a_secret_or_a_file() {
        let of_secret = |namespace, name| ProxyResource::Secret { namespace, name };
        for (name, wanted) in [
            ("kubernetes://a", of_secret(None, "a")),
            ("kubernetes://web/a", of_secret(Some("web"), "a")),
            ("kubernetes-gateway://web/a", of_secret(Some("web"), "a")),
            ("a", of_secret(None, "a")),
            ("file-cert:/c~/k", ProxyResource::Files { certificate: "/c" }),
            ("file-cert:/c", ProxyResource::Files { certificate: "/c" }),
            ("file-root:/ca", ProxyResource::Root { path: "/ca" }),
            ("sds://a", ProxyResource::Other),
        ] {
            assert_eq!(ProxyResource::parse(name), wanted, "{name}");
        }
        let line = "warn failed to fetch kubernetes-gateway://web/a, again";
        let found = ProxyResource::find_secret(line);
        assert_eq!(found, Some("kubernetes-gateway://web/a, again"));
        assert_eq!(ProxyResource::find_secret("sds://a"), None);
    }

    proptest! {
        #[test]
        fn every_spelling_of_a_secret_is_the_same_reference(
            namespace in "[a-z][a-z0-9-]{0,20}",
            name in "[a-z0-9][a-z0-9.-]{0,40}",
        ) {
            let full = format!("{namespace}/{name}");
            for (written, wanted) in [
                (name.clone(), secret(None, &name)),
                (full.clone(), secret(Some(&namespace), &name)),
            ] {
                let schemed = format!("kubernetes://{written}");
                prop_assert_eq!(CredentialName::parse(&written), wanted);
                prop_assert_eq!(CredentialName::parse(&schemed), wanted);
                prop_assert_eq!(wanted.name_in(&namespace), Some(name.as_str()));
                let CredentialName::Secret { namespace, name } = wanted else { unreachable!() };
                prop_assert_eq!(ProxyResource::parse(&schemed), ProxyResource::Secret { namespace, name });
            }
            let ca = ca_secret(&name);
            prop_assert_eq!(server_secret(&ca), Some(name.as_str()));
        }

        #[test]
        fn any_text_can_be_read(written in ".{0,60}") {
            match CredentialName::parse(&written) {
                CredentialName::Secret { namespace, name } => {
                    let joined = namespace.map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"));
                    prop_assert!(written.ends_with(&joined));
                }
                CredentialName::ConfigMap { namespace, name } => {
                    prop_assert_eq!(&written, &format!("configmap://{namespace}/{name}"));
                }
                CredentialName::OtherProvider { scheme } => {
                    let marked = format!("{scheme}://");
                    prop_assert!(written.contains(&marked));
                }
            }
            ProxyResource::parse(&written);
            if let Some(file) = MountedFile::parse(&written) {
                prop_assert!(written.ends_with(file.key));
            }
        }

        #[test]
        fn the_paths_that_manifests_name_lead_to_their_secrets(label in "[a-z][a-z0-9]{0,20}") {
            let names = names_of(&Host::parse(&format!("{label}.example.com")).expect("a host"));
            let mount = &names.mount;
            for (path, secret, key) in [
                (mount.certificate_path(), &mount.certs_secret, "tls.crt"),
                (mount.key_path(), &mount.certs_secret, "tls.key"),
                (mount.ca_path(), &mount.ca_certs_secret, "ca-chain.cert.pem"),
            ] {
                let file = MountedFile::parse(&path).expect("a mount path");
                prop_assert_eq!((&file.secret(), file.key), (secret, key));
            }
        }
    }
}
