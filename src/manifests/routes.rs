//! Which paths of a host go to which Service, and the sample request that shows that it works: the
//! task page's for its hosts, `/` for others.

use crate::names::{Host, is_dns_label};
use crate::problem::Problem;
use crate::workspace::config::RouteEntry;

/// A host of the task page, with its own names and routes.
pub(super) struct PageHost {
    host: &'static str,
    /// The base of its names.
    pub(super) base: &'static str,
    /// Its VirtualService.
    pub(super) virtual_service: &'static str,
    service: &'static str,
    port: u16,
    routes: &'static [Path],
}

enum Path {
    Exact(&'static str),
    Prefix(&'static str),
}

const PAGE_HOSTS: &[PageHost] = &[
    PageHost {
        host: "httpbin.example.com",
        base: "httpbin",
        virtual_service: "httpbin",
        service: "httpbin",
        port: 8000,
        routes: &[Path::Prefix("/status"), Path::Prefix("/delay")],
    },
    PageHost {
        host: "bookinfo.com",
        base: "bookinfo",
        virtual_service: "bookinfo",
        service: "productpage",
        port: 9080,
        routes: &[
            Path::Exact("/productpage"),
            Path::Exact("/login"),
            Path::Exact("/logout"),
            Path::Prefix("/api/v1/products"),
        ],
    },
    PageHost {
        host: "helloworld-v1.example.com",
        base: "helloworld",
        virtual_service: "helloworld-v1",
        service: "helloworld-v1",
        port: 5000,
        routes: &[Path::Exact("/hello")],
    },
];

/// The Services of the samples, and a request for each of them.
const SAMPLE_SERVICES: &[(&str, &str, u16)] = &[
    ("httpbin", "/status/418", 418),
    ("productpage", "/productpage", 200),
    ("helloworld-v1", "/hello", 200),
    ("helloworld", "/hello", 200),
];

/// The default port of a Service.
const DEFAULT_PORT: u16 = 8000;

pub(super) fn page_host(host: &Host) -> Option<&'static PageHost> {
    PAGE_HOSTS.iter().find(|page| page.host == host.as_str())
}

/// The routes of a host without recorded ones.
pub fn default_routes(host: &Host) -> Vec<RouteEntry> {
    let Some(page) = page_host(host) else {
        return vec![RouteEntry {
            exact: None,
            prefix: Some("/".into()),
            service: host.short_name().trim_matches('-').to_owned(),
            port: DEFAULT_PORT,
        }];
    };
    page.routes
        .iter()
        .map(|path| {
            let (exact, prefix) = match path {
                Path::Exact(path) => (Some((*path).to_owned()), None),
                Path::Prefix(path) => (None, Some((*path).to_owned())),
            };
            RouteEntry {
                exact,
                prefix,
                service: page.service.to_owned(),
                port: page.port,
            }
        })
        .collect()
}

/// Reads `--route PREFIX=SERVICE:PORT`.
///
/// # Errors
/// If a part is missing or invalid.
pub fn parse_route(text: &str) -> Result<RouteEntry, Problem> {
    let bad = |why: &str| {
        Problem::new(format!("{text:?} is not a route"))
            .why(why)
            .fix("--route PREFIX=SERVICE:PORT, for example --route /api=orders:8080")
    };
    // A path may contain an equals sign, a Service and a port cannot.
    let (prefix, destination) = text
        .rsplit_once('=')
        .ok_or_else(|| bad("there is no = between path and Service"))?;
    if !prefix.starts_with('/') {
        return Err(bad("the path prefix does not begin with a slash"));
    }
    if prefix.contains(['?', '#']) || prefix.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(bad("the path prefix contains a space, a control character, ? or #"));
    }
    let (service, port) = destination
        .rsplit_once(':')
        .ok_or_else(|| bad("the Service has no port"))?;
    // `name`, `name.namespace` or a full name.
    if service.is_empty() || service.len() > 253 || !service.split('.').all(is_dns_label) {
        return Err(bad("the Service name is not a DNS name"));
    }
    let port = port
        .parse()
        .ok()
        .filter(|port| *port != 0)
        .ok_or_else(|| bad("the port is not a number from 1 to 65535"))?;
    Ok(RouteEntry {
        exact: None,
        prefix: Some(prefix.to_owned()),
        service: service.to_owned(),
        port,
    })
}

/// A request that shows that a host works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleRequest {
    /// Its path.
    pub path: String,
    /// The expected response.
    pub status: ExpectedStatus,
}

/// The status that a sample request should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExpectedStatus {
    /// Exactly this one.
    Exactly(u16),
    /// Any below 500, except a 404 from the gateway itself.
    Served,
}

/// The request that shows that `host` works; `routes` are the recorded ones, or empty for the
/// defaults. A route to a sample's Service uses the sample's known request, any other its own path.
pub fn sample_request(host: &Host, routes: &[RouteEntry]) -> SampleRequest {
    let defaults;
    let routes = if routes.is_empty() {
        defaults = default_routes(host);
        &defaults
    } else {
        routes
    };
    for (service, path, status) in SAMPLE_SERVICES {
        if routes
            .iter()
            .any(|route| route.service == *service && takes(route, path))
        {
            return SampleRequest {
                path: (*path).to_owned(),
                status: ExpectedStatus::Exactly(*status),
            };
        }
    }
    let first = routes
        .first()
        .and_then(|route| route.exact.as_ref().or(route.prefix.as_ref()));
    SampleRequest {
        path: first.map_or("/", String::as_str).to_owned(),
        status: ExpectedStatus::Served,
    }
}

fn takes(route: &RouteEntry, path: &str) -> bool {
    match (&route.exact, &route.prefix) {
        (Some(exact), _) => exact == path,
        (None, Some(prefix)) => path.starts_with(prefix.as_str()),
        (None, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{ExpectedStatus, default_routes, parse_route, sample_request};
    use crate::names::Host;

    fn shown(host: &str) -> Vec<String> {
        default_routes(&Host::parse(host).unwrap())
            .iter()
            .map(|route| {
                let path = route.exact.as_ref().map(|path| format!("exact {path}"));
                let path = path.or(route.prefix.as_ref().map(|path| format!("prefix {path}")));
                format!("{} {}:{}", path.unwrap(), route.service, route.port)
            })
            .collect()
    }

    #[test]
    fn routes_of_every_kind_of_host() {
        for (host, routes) in [
            (
                "httpbin.example.com",
                &["prefix /status httpbin:8000", "prefix /delay httpbin:8000"][..],
            ),
            (
                "bookinfo.com",
                &[
                    "exact /productpage productpage:9080",
                    "exact /login productpage:9080",
                    "exact /logout productpage:9080",
                    "prefix /api/v1/products productpage:9080",
                ],
            ),
            ("helloworld-v1.example.com", &["exact /hello helloworld-v1:5000"]),
            ("shop.example.org", &["prefix / shop:8000"]),
            ("httpbin.test", &["prefix / httpbin:8000"]),
            ("*.a.com", &["prefix / a:8000"]),
            ("10.0.0.1", &["prefix / ip-10-0-0-1:8000"]),
        ] {
            assert_eq!(shown(host), routes, "{host}");
        }
    }

    #[test]
    fn sample_requests() {
        for (host, path, status) in [
            ("httpbin.example.com", "/status/418", ExpectedStatus::Exactly(418)),
            ("httpbin.test", "/status/418", ExpectedStatus::Exactly(418)),
            ("bookinfo.com", "/productpage", ExpectedStatus::Exactly(200)),
            ("helloworld-v1.example.com", "/hello", ExpectedStatus::Exactly(200)),
            ("shop.example.org", "/", ExpectedStatus::Served),
        ] {
            let sample = sample_request(&Host::parse(host).unwrap(), &[]);
            assert_eq!((sample.path.as_str(), sample.status), (path, status), "{host}");
        }
        let host = Host::parse("httpbin.example.com").unwrap();
        let routes = [parse_route("/headers=httpbin:8000").unwrap()];
        assert_eq!(sample_request(&host, &routes).path, "/headers");
    }

    #[test]
    fn routes_that_users_type() {
        let route = parse_route("/a=b=orders.shop:8080").unwrap();
        assert_eq!(
            (route.prefix.as_deref(), route.service.as_str(), route.port),
            (Some("/a=b"), "orders.shop", 8080)
        );
        for text in [
            "",
            "/",
            "/=orders",
            "/=orders:0",
            "/=orders:70000",
            "/=:80",
            "api=orders:80",
            "/ a=orders:80",
            "/=Orders:80",
            "/?a=orders:80",
        ] {
            let problem = parse_route(text).unwrap_err();
            assert!(problem.why.is_some(), "{text}");
        }
    }
}
