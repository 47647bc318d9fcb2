//! Cross-origin requests by a route's `corsPolicy` (Envoy's CORS filter).

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    ORIGIN,
};
use http::{HeaderMap, HeaderValue, Method};

use super::string_matches;
use crate::gateway::config::table::CorsPolicy;

/// What a policy makes of a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it names no origin, or one that is not allowed.
    Pass,
    /// The answer gets the headers of [`allow`] for this origin.
    Allow(HeaderValue),
    /// The gateway answers the preflight itself: 200 with these headers.
    Preflight(HeaderMap),
}

/// Judges a request by its method and headers.
pub fn judge(policy: &CorsPolicy, method: &Method, headers: &HeaderMap) -> Verdict {
    let Some(origin) = headers.get(ORIGIN).filter(|origin| !origin.is_empty()) else {
        return Verdict::Pass;
    };
    let allowed = origin
        .to_str()
        .is_ok_and(|text| policy.origins.iter().any(|condition| string_matches(condition, text)));
    let is_preflight = *method == Method::OPTIONS
        && headers
            .get(ACCESS_CONTROL_REQUEST_METHOD)
            .is_some_and(|method| !method.is_empty());
    match (is_preflight, allowed) {
        (true, true) => Verdict::Preflight(preflight(policy, origin)),
        // All but the origin is told, without which the client may do nothing.
        (true, false) if policy.answers_unmatched => {
            let mut headers = preflight(policy, origin);
            headers.remove(ACCESS_CONTROL_ALLOW_ORIGIN);
            headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
            Verdict::Preflight(headers)
        }
        (false, true) => Verdict::Allow(origin.clone()),
        (_, false) => Verdict::Pass,
    }
}

fn preflight(policy: &CorsPolicy, origin: &HeaderValue) -> HeaderMap {
    let mut headers = HeaderMap::new();
    allow(policy, origin, &mut headers);
    for (name, value) in [
        (ACCESS_CONTROL_ALLOW_METHODS, &policy.methods),
        (ACCESS_CONTROL_ALLOW_HEADERS, &policy.headers),
        (ACCESS_CONTROL_MAX_AGE, &policy.max_age),
    ] {
        if let Some(value) = value {
            headers.insert(name, value.clone());
        }
    }
    headers
}

/// Lets an origin read an answer.
pub fn allow(policy: &CorsPolicy, origin: &HeaderValue, headers: &mut HeaderMap) {
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    if policy.credentials {
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    if let Some(exposed) = &policy.exposed {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::{Verdict, judge};
    use crate::gateway::config::table::{CorsPolicy, StringMatch};
    use http::{HeaderMap, HeaderName, HeaderValue, Method};

    fn policy(answers_unmatched: bool) -> CorsPolicy {
        CorsPolicy {
            origins: vec![StringMatch::Prefix("https://a.".to_owned())],
            methods: Some(HeaderValue::from_static("GET,PUT")),
            headers: None,
            exposed: None,
            max_age: Some(HeaderValue::from(60)),
            credentials: true,
            answers_unmatched,
        }
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn preflights_of_allowed_origins_are_answered() {
        let asked = headers(&[("origin", "https://a.com"), ("access-control-request-method", "PUT")]);
        let Verdict::Preflight(answer) = judge(&policy(false), &Method::OPTIONS, &asked) else {
            panic!("it is a preflight");
        };
        let expected = headers(&[
            ("access-control-allow-origin", "https://a.com"),
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "GET,PUT"),
            ("access-control-max-age", "60"),
        ]);
        assert_eq!(answer, expected);
    }

    #[test]
    fn others_pass_or_are_told_all_but_the_origin() {
        let foreign = headers(&[("origin", "https://b.com"), ("access-control-request-method", "PUT")]);
        assert_eq!(judge(&policy(false), &Method::OPTIONS, &foreign), Verdict::Pass);
        let told = headers(&[
            ("access-control-allow-credentials", "true"),
            ("access-control-allow-methods", "GET,PUT"),
            ("access-control-max-age", "60"),
        ]);
        assert_eq!(
            judge(&policy(true), &Method::OPTIONS, &foreign),
            Verdict::Preflight(told)
        );
        assert_eq!(judge(&policy(true), &Method::GET, &foreign), Verdict::Pass);
        assert_eq!(judge(&policy(true), &Method::GET, &HeaderMap::new()), Verdict::Pass);
        let own = headers(&[("origin", "https://a.com")]);
        let allowed = Verdict::Allow(HeaderValue::from_static("https://a.com"));
        assert_eq!(judge(&policy(true), &Method::OPTIONS, &own), allowed);
    }
}
